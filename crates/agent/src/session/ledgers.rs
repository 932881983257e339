//! Ledgers in a session: the service is asked for those of the listed drives once it has accepted the
//! station, and they end there when the report of their runs has its receipt.
//!
//! A ledger makes no drive eligible and holds up neither screen, countdown nor drive: without an
//! answer a run begins anew. Until the receipt it stays, so that a power cut costs a read-back and
//! not an erasure.

use super::{Session, Stage, words};
use crate::compose::Run;
use crate::i18n::{Language, work};
use crate::ledger::service::{self, Kept, Place};
use crate::ledger::{After, Start, after};
use crate::ui::Service;
use crate::upload::client::ClientError;
use crate::upload::ledgers::Found;
use crate::upload::spool::Pause;
use crate::work::Order;
use drive::facts::DriveFacts;
use report::event::Event;
use std::collections::{HashMap, HashSet};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;
use wipe::pattern::SeedError;

/// Pause after a question that was not answered.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// Tries to end a ledger, and the pause between them.
const END_TRIES: usize = 3;
const END_PAUSE: Duration = Duration::from_secs(2);

/// What the session knows of ledgers at the service.
#[derive(Default)]
pub struct Ledgers {
    /// What the service has, by the drive's name there.
    found: HashMap<String, Found>,
    /// Drives of which it is known whether there is one.
    answered: HashSet<String>,
    asking: Option<Asking>,
    asked: Option<Instant>,
    /// Of the runs of this session.
    kept: Vec<Kept>,
    /// What is to end when a report has its receipt.
    pub(super) ends: Ends,
}

/// A question under way.
struct Asking {
    drives: Vec<String>,
    answer: Receiver<Result<Vec<Found>, ClientError>>,
}

/// Ledgers that end with a report, by its id: between the session and the thread that sends.
#[derive(Clone, Debug, Default)]
pub struct Ends(Arc<Mutex<HashMap<Uuid, Vec<Kept>>>>);

impl Ends {
    /// The report has its receipt: ends its ledgers. Gives back the drives whose ledgers are open
    /// still, each with the reason. Bounded by the client's bounds.
    pub fn end(&self, report_id: Uuid, place: &Place, pause: &dyn Pause) -> Vec<(String, String)> {
        let kept = self.lock().remove(&report_id).unwrap_or_default();
        let mut open = Vec::new();
        for Kept { id, drive, runs } in kept {
            for run in runs {
                if let Err(error) = insist(pause, || place.end(&drive, run)) {
                    open.push((id.clone(), error.to_string()));
                    break;
                }
            }
        }
        open
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Vec<Kept>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn insist<E>(pause: &dyn Pause, mut call: impl FnMut() -> Result<(), E>) -> Result<(), E> {
    for _ in 1..END_TRIES {
        match call() {
            Ok(()) => return Ok(()),
            Err(error) if !pause.pause(END_PAUSE) => return Err(error),
            Err(_) => {}
        }
    }
    call()
}

impl Session {
    /// Hears an answer of the service, and asks it of drives of which it has not spoken yet.
    pub(super) fn tick_ledgers(&mut self) {
        if !matches!(self.stage, Stage::Listing | Stage::Countdown { .. }) {
            return;
        }
        if let Some(asking) = &self.ledgers.asking {
            let answer = match asking.answer.try_recv() {
                Err(TryRecvError::Empty) => return,
                Ok(answer) => answer.ok(),
                Err(TryRecvError::Disconnected) => None,
            };
            let asking = self.ledgers.asking.take();
            if let (Some(found), Some(Asking { drives, .. })) = (answer, asking) {
                self.ledgers.answered.extend(drives);
                self.hear_ledgers(found);
            }
        }
        let drives: Vec<String> = self
            .survey
            .iter()
            .flat_map(|survey| &survey.drives)
            .filter_map(service::name)
            .collect();
        // A drive that left may be written elsewhere before it comes back.
        let ledgers = &mut self.ledgers;
        ledgers.answered.retain(|drive| drives.contains(drive));
        ledgers.found.retain(|drive, _| drives.contains(drive));
        let open: Vec<String> = drives
            .into_iter()
            .filter(|drive| !ledgers.answered.contains(drive))
            .collect::<HashSet<_>>()
            .into_iter()
            .collect();
        let due = ledgers
            .asked
            .is_none_or(|asked| asked.elapsed() >= ASK_AGAIN);
        let accepted = self.state.header.service == Service::Accepted;
        if !open.is_empty() && due && accepted {
            self.ask_for_ledgers(open);
        }
    }

    fn ask_for_ledgers(&mut self, drives: Vec<String>) {
        let Some(Place { client, key }) = self.ledger_place() else {
            return;
        };
        let (sender, answer) = mpsc::channel();
        let asked = drives.clone();
        // Without a thread the channel closes, and the session tries again.
        let _ = std::thread::Builder::new()
            .name("raz-ledgers".into())
            .spawn(move || sender.send(client.open_ledgers(&key, &asked)));
        self.ledgers.asked = Some(Instant::now());
        self.ledgers.asking = Some(Asking { drives, answer });
    }

    fn hear_ledgers(&mut self, found: Vec<Found>) {
        let mut is_news = false;
        for found in found {
            let drives = self.survey.iter().flat_map(|survey| &survey.drives);
            let of_it: Vec<DriveFacts> = drives
                .filter(|facts| service::name(facts).as_ref() == Some(&found.drive))
                .cloned()
                .collect();
            for facts in of_it {
                let id = facts.identity.id();
                let (state, detail) = match service::offer(&found, &facts) {
                    Ok(Start {
                        resumes: Some(resumes),
                        ..
                    }) => {
                        is_news = true;
                        let words =
                            work::resumes(Language::English, &resumes, facts.capacity_bytes);
                        ("offered", words)
                    }
                    Ok(Start { resumes: None, .. }) => continue,
                    Err(why) => {
                        self.say(&words::ledger_ignored(&id, &why));
                        ("ignored", why)
                    }
                };
                self.send(Event::Ledger {
                    id,
                    state: state.into(),
                    detail,
                });
            }
            self.ledgers.found.insert(found.drive.clone(), found);
        }
        if is_news {
            self.replace_rows();
        }
    }

    /// What the drive's run would go on from, in the screen's language.
    pub(super) fn resumes(&self, facts: &DriveFacts) -> Option<String> {
        let found = self.ledgers.found.get(&service::name(facts)?)?;
        let resumes = service::offer(found, facts).ok()?.resumes?;
        Some(work::resumes(
            self.language(),
            &resumes,
            facts.capacity_bytes,
        ))
    }

    /// How the run of a claimed drive begins.
    pub(super) fn start(&mut self, order: &Order) -> Result<Start, SeedError> {
        let Some(place) = self.ledger_place() else {
            return Start::fresh();
        };
        let found = service::name(&order.facts).and_then(|name| self.ledgers.found.get(&name));
        let (start, kept) = place.start(order, found)?;
        self.ledgers.kept.extend(kept);
        if let Some(resumes) = &start.resumes {
            self.send(Event::Ledger {
                id: order.consent.id.clone(),
                state: "resumes".into(),
                detail: work::resumes(Language::English, resumes, order.facts.capacity_bytes),
            });
        }
        Ok(start)
    }

    /// With this report's receipt the ledgers of the runs that reached their end are over.
    pub(super) fn end_ledgers_with(&mut self, report_id: Uuid) {
        let runs: &[Run] = match &self.stage {
            Stage::Done { runs, .. } => runs,
            Stage::Listing
            | Stage::Sleeping { .. }
            | Stage::Countdown { .. }
            | Stage::Claiming { .. }
            | Stage::Running { .. } => &[],
        };
        let is_over = |kept: &Kept| {
            let run = runs.iter().find(|run| run.consent.id == kept.id);
            run.is_some_and(|run| match after(&run.outcome) {
                After::EndsWithReport | After::Ends => true,
                After::Stays => false,
            })
        };
        let mut over = self.ledgers.kept.clone();
        over.retain(is_over);
        self.ledgers.ends.lock().insert(report_id, over);
    }

    /// Where ledgers go, if there is a service.
    pub(super) fn ledger_place(&self) -> Option<Place> {
        Some(Place {
            client: Arc::clone(self.client.as_ref()?),
            key: Arc::clone(&self.key),
        })
    }
}

#[cfg(test)]
pub(super) mod tests;
