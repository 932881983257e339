//! Drives under erasure: claims, the engine's jobs, and what came of each.
//!
//! Every call that may block on a drive (claim, health) has a thread of its own that nothing
//! waits for without a bound. What a drive hides is given back between the claims and the jobs
//! (`restoring`).

pub mod restoring;

use crate::compose::Run;
use crate::ledger::Start;
use crate::survey::Survey;
use crate::thaw::Thaw;
use drive::claim::{Checks, Claimed, Consent, claim};
use drive::discover::Machine;
use drive::facts::{DriveFacts, Medium};
use drive::health::Health;
use drive::refusal::PlanKind;
use restoring::Restoration;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant, SystemTime};
use wipe::curve::Profile;
use wipe::engine::Engine;
use wipe::job::Job;
use wipe::options::Options;
use wipe::outcome::{Conclusion, Outcome, Shortfall};
use wipe::pattern::SeedError;
use wipe::plan::Plan;
use wipe::progress::Progress;

/// Longest wait for all claims. A drive that answers identify only after this is not erased.
const CLAIM_BOUND: Duration = Duration::from_secs(60);

/// Longest wait for a drive's health after its run.
const HEALTH_BOUND: Duration = Duration::from_secs(10);

/// How often answers about health are looked for.
const HEALTH_POLL: Duration = Duration::from_millis(50);

/// One drive to be erased: what, how, by whose word.
#[derive(Clone, Debug)]
pub struct Order {
    /// The drive as it was shown to the person.
    pub facts: DriveFacts,
    /// How.
    pub plan: Plan,
    /// Consent.
    pub consent: Consent,
    /// End of the arming in the inventory's words, for the report.
    pub armed_until: Option<String>,
    /// What was done about capacity that the drive hid, if it was tried.
    pub restoration: Option<Restoration>,
    /// What a sleep of the machine made of it, if one was tried for its sake.
    pub thaw: Option<Thaw>,
}

/// Claims every drive of `orders` at once. A refused claim is an error in words, drive first.
#[must_use]
pub fn claim_all(
    machine: &Machine,
    survey: &Survey,
    orders: &[Order],
    kept: &[String],
    plan: PlanKind,
) -> Vec<Result<Claimed, String>> {
    let (sender, answers) = mpsc::channel();
    for (index, order) in orders.iter().enumerate() {
        let (sender, machine, order) = (sender.clone(), machine.clone(), order.clone());
        let (all, kept) = (survey.drives.clone(), kept.to_vec());
        let claiming = move || {
            let checks = Checks {
                machine: &machine,
                all: &all,
                kept: &kept,
                plan,
            };
            let claimed = claim(&order.facts, &order.consent, &checks)
                .map_err(|error| format!("{:#}", anyhow::Error::from(error)));
            // When nobody waits any more, the claim is dropped here and lets the drive go.
            let _ = sender.send((index, claimed));
        };
        let _ = std::thread::Builder::new()
            .name("raz-claim".into())
            .spawn(claiming);
    }
    drop(sender);
    let mut claims: Vec<Result<Claimed, String>> = orders
        .iter()
        .map(|order| {
            let seconds = CLAIM_BOUND.as_secs();
            Err(format!(
                "{}: did not answer the claim within {seconds} s",
                order.facts.path.display()
            ))
        })
        .collect();
    let end = Instant::now() + CLAIM_BOUND;
    loop {
        match answers.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok((index, claimed)) => claims[index] = claimed,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return claims,
        }
    }
}

/// Drives in the engine.
pub struct Work {
    engine: Engine,
    flights: Vec<Flight>,
    ending: Vec<Ending>,
}

/// A drive whose run has ended, asked for its health.
struct Ending {
    number: usize,
    outcome: Outcome,
    health: Receiver<Option<Health>>,
    until: Instant,
}

/// One drive in the engine.
pub struct Flight {
    /// What was ordered.
    pub order: Order,
    /// Live counters.
    pub progress: Arc<Progress>,
    claimed: Arc<Claimed>,
    start: Start,
    ended: bool,
}

impl Flight {
    /// The drive's end was given out.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.ended
    }
}

impl Work {
    /// Begins to erase the claimed drives. Setting `cancel` interrupts all of them.
    #[must_use]
    pub fn begin(
        claims: Vec<(Order, Claimed, Start)>,
        options: Options,
        cancel: &Arc<AtomicBool>,
    ) -> Self {
        let mut engine = Engine::new(options, Arc::clone(cancel));
        engine.expect(claims.len());
        let mut flights = Vec::new();
        for (order, claimed, start) in claims {
            let flight = Flight {
                progress: Arc::new(Progress::new(profile(order.facts.medium))),
                order,
                claimed: Arc::new(claimed),
                start,
                ended: false,
            };
            let Start {
                seed,
                cipher,
                resumes,
                journal,
            } = flight.start.clone();
            engine.add(Job {
                target: wipe::claimed::target(&flight.claimed),
                control: wipe::claimed::control(&flight.claimed),
                identity: flight.claimed.facts().identity.recorded(),
                seed,
                cipher,
                ladder: flight
                    .order
                    .plan
                    .ladder
                    .iter()
                    .filter_map(|rung| wipe::claimed::sanitize(&flight.claimed, rung.technique))
                    .collect(),
                passes: flight.order.plan.passes.clone(),
                verify: flight.order.plan.verify,
                journal,
                resume: resumes.map(|resumes| resumes.mark),
                progress: Arc::clone(&flight.progress),
            });
            flights.push(flight);
        }
        Self {
            engine,
            flights,
            ending: Vec::new(),
        }
    }

    /// Every drive, in the order of the claims.
    #[must_use]
    pub fn flights(&self) -> &[Flight] {
        &self.flights
    }

    /// Drives whose end was not given out yet.
    #[must_use]
    pub fn open(&self) -> usize {
        self.engine.open() + self.ending.len()
    }

    /// The next drive that ends; `None` when none ends within `timeout`. A drive that does not tell
    /// its health keeps nobody waiting for longer than that.
    pub fn next_end(&mut self, timeout: Duration) -> Option<Run> {
        let wait = if self.ending.is_empty() {
            timeout
        } else {
            timeout.min(HEALTH_POLL)
        };
        if let Some((number, outcome)) = self.engine.next_end(wait) {
            let flight = self.flights.get_mut(number)?;
            flight.ended = true;
            self.ending.push(Ending {
                number,
                outcome,
                health: health(&flight.claimed),
                until: Instant::now() + HEALTH_BOUND,
            });
        }
        let now = Instant::now();
        let told = self.ending.iter().enumerate().find_map(|(index, ending)| {
            match ending.health.try_recv() {
                Ok(health) => Some((index, health)),
                Err(TryRecvError::Empty) if now < ending.until => None,
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => Some((index, None)),
            }
        });
        let (index, health_after) = told?;
        let Ending {
            number, outcome, ..
        } = self.ending.remove(index);
        let flight = self.flights.get(number)?;
        Some(Run {
            facts: flight.order.facts.clone(),
            plan: flight.order.plan.clone(),
            consent: flight.order.consent.clone(),
            armed_until: flight.order.armed_until.clone(),
            seed: flight.start.seed,
            cipher: flight.start.cipher,
            earlier: flight.start.earlier(),
            outcome,
            answers: flight.claimed.answers(),
            restoration: flight.order.restoration.clone(),
            thaw: flight.order.thaw.clone(),
            health_after,
        })
    }
}

/// What to expect of the drive's speed. Bridges often do not say whether a drive rotates; its rate is
/// then what it was in the last minutes.
fn profile(medium: Medium) -> Profile {
    match medium {
        Medium::Rotating { .. } => Profile::Rotating,
        Medium::SolidState | Medium::Unknown => Profile::Even,
    }
}

/// Asks for the health on a thread that nobody joins. The channel closes without an answer when
/// the drive has left or there is no thread.
fn health(claimed: &Arc<Claimed>) -> Receiver<Option<Health>> {
    let (sender, answer) = mpsc::channel();
    if claimed.still_present() {
        let claimed = Arc::clone(claimed);
        let _ = std::thread::Builder::new()
            .name("raz-health".into())
            .spawn(move || {
                // Nobody listens any more when the time is over.
                let _ = sender.send(claimed.health().ok());
            });
    }
    answer
}

/// Drops claims, or what holds them, on a thread that nobody joins: to close a removable drive is to
/// wait for the kernel's error handling.
pub fn let_go<T: Send + 'static>(held: T) {
    let _ = std::thread::Builder::new()
        .name("raz-let-go".into())
        .spawn(move || drop(held));
}

/// The run of a drive that could not be claimed: nothing was written.
///
/// # Errors
/// No random seed is to be had.
pub fn not_started(order: Order, reason: String) -> Result<Run, SeedError> {
    let now = SystemTime::now();
    let Start { seed, cipher, .. } = Start::fresh()?;
    Ok(Run {
        facts: order.facts,
        plan: order.plan,
        consent: order.consent,
        armed_until: order.armed_until,
        seed,
        cipher,
        earlier: None,
        outcome: Outcome {
            conclusion: Conclusion::NotStarted(vec![Shortfall::Other(reason)]),
            own_erases: Vec::new(),
            passes: Vec::new(),
            identity_checks: Vec::new(),
            journal: None,
            started: now,
            ended: now,
        },
        health_after: None,
        answers: Vec::new(),
        restoration: order.restoration,
        thaw: order.thaw,
    })
}

#[cfg(test)]
mod tests {
    use super::let_go;
    use std::sync::mpsc::{self, Receiver, Sender};
    use std::thread;
    use std::time::Duration;

    /// Closes when it is told to.
    struct Slow {
        told: Receiver<()>,
        closed: Sender<()>,
    }

    impl Drop for Slow {
        fn drop(&mut self) {
            let _ = self.told.recv();
            let _ = self.closed.send(());
        }
    }

    #[test]
    fn drive_that_does_not_close_holds_nothing_up() {
        // Bounds only end a hang.
        const HANGING_AFTER: Duration = Duration::from_secs(30);
        let ((tell, told), (closed, is_closed)) = (mpsc::channel(), mpsc::channel());
        let (sender, went_on) = mpsc::channel();
        thread::spawn(move || {
            let_go(Slow { told, closed });
            sender.send(()).unwrap();
        });
        went_on.recv_timeout(HANGING_AFTER).unwrap();
        is_closed.try_recv().unwrap_err();
        tell.send(()).unwrap();
        is_closed.recv_timeout(HANGING_AFTER).unwrap();
    }
}
