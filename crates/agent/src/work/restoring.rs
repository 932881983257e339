//! Capacity that claimed drives hide is given back before they are erased.
//!
//! Nothing is changed before all claims are in, nor once the run was stopped. A drive that has grown
//! is let go, shown to the kernel anew and claimed again with the same consent, which was for the
//! whole drive: all refusals apply again, and its plan is made anew from what is known then. A drive
//! that cannot give its capacity back is erased as far as it can be addressed, with the reason in
//! words; one that is not the same any more is not written.

use super::Order;
use crate::thaw;
use drive::claim::{Checks, Claimed, claim};
use drive::discover::Machine;
use drive::facts::{DriveFacts, HiddenCapacity};
use drive::refusal::PlanKind;
use drive::rescan::rescan;
use drive::trace::Answer;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};
use wipe::outcome::PassKind;
use wipe::plan::{Plan, Wishes};
use wipe::restore::{self, Evidence, Limits, Outcome, Surroundings};

/// Longest wait for all restorations: what a drive takes, the search of its host, and a claim.
const BOUND: Duration = Duration::from_secs(180);

/// How long a drive may take to come back in its new size.
const BACK: Duration = Duration::from_secs(60);

/// What was done about the capacity that one drive hid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restoration {
    /// What was found, in words.
    pub found: String,
    /// What was seen.
    pub evidence: Evidence,
    /// What came of it.
    pub outcome: Outcome,
    /// Commands through the claim that it was done under.
    pub answers: Vec<Answer>,
}

impl Restoration {
    /// The sectors are open and stay so.
    #[must_use]
    pub fn is_for_good(&self) -> bool {
        matches!(self.outcome, Outcome::Restored { for_good: true, .. })
    }

    /// In a sentence.
    #[must_use]
    pub fn english(&self) -> String {
        match &self.outcome {
            Outcome::Restored { from, to, for_good } => format!(
                "hidden capacity restored {}: from {from} to {to} sectors",
                match for_good {
                    true => "for good",
                    false => "until the power goes, and not longer",
                }
            ),
            Outcome::NotRestored { reason, .. } => format!(
                "hidden capacity not restored: {reason}; to do: {}",
                reason.remedy()
            ),
            Outcome::Wrong(why) => {
                format!("after restoring hidden capacity it is not the drive that it was: {why}")
            }
        }
    }
}

/// The facts as they are when the drive gives back all that it hides; `None` where nothing is known to
/// be hidden, or it is not told.
#[must_use]
pub fn if_restored(facts: &DriveFacts) -> Option<DriveFacts> {
    Limits::of(facts)?;
    let mut restored = facts.clone();
    restored.hidden = HiddenCapacity::None {
        evidence: "if it is given back".into(),
    };
    Some(restored)
}

struct Door<'a>(&'a Claimed);

impl Surroundings for Door<'_> {
    fn recheck_identity(&self) -> Result<(), String> {
        let found = self.0.recheck_identity();
        found.map(|_| ()).map_err(|lost| lost.to_string())
    }
}

/// Gives back what the claimed drives hide, at once on all of them. The others come back as they
/// were, in the same order.
#[must_use]
pub fn all(
    machine: &Machine,
    claims: Vec<(Order, Result<Claimed, String>)>,
    kept: &[String],
    kind: PlanKind,
    cancel: &Arc<AtomicBool>,
) -> Vec<(Order, Result<Claimed, String>)> {
    let (sender, answers) = mpsc::channel();
    let mut all: Vec<(Order, Result<Claimed, String>)> = Vec::new();
    for (index, (order, claimed)) in claims.into_iter().enumerate() {
        let limits = claimed
            .as_ref()
            .ok()
            .and_then(|claimed| Limits::of(claimed.facts()));
        let (claimed, limits) = match (claimed, limits) {
            (Ok(claimed), Some(limits)) => (claimed, limits),
            (claimed, _) => {
                all.push((order, claimed));
                continue;
            }
        };
        // What stays when no answer comes.
        let late = format!(
            "{}: restoring hidden capacity took longer than {} s",
            order.facts.path.display(),
            BOUND.as_secs()
        );
        all.push((order.clone(), Err(late)));
        let (sender, machine, kept) = (sender.clone(), machine.clone(), kept.to_vec());
        let cancel = Arc::clone(cancel);
        let restoring = move || {
            let answer = match cancel.load(Ordering::Relaxed) {
                true => (order, Ok(claimed)),
                false => one(&machine, order, claimed, limits, &kept, kind),
            };
            // When nobody waits any more, the claim is dropped here and lets the drive go.
            let _ = sender.send((index, answer));
        };
        let _ = std::thread::Builder::new()
            .name("raz-restore".into())
            .spawn(restoring);
    }
    drop(sender);
    let end = Instant::now() + BOUND;
    loop {
        match answers.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok((index, answer)) => all[index] = answer,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return all,
        }
    }
}

fn one(
    machine: &Machine,
    mut order: Order,
    claimed: Claimed,
    limits: Limits,
    kept: &[String],
    kind: PlanKind,
) -> (Order, Result<Claimed, String>) {
    let evidence = restore::run(limits, &claimed.port(), &Door(&claimed));
    let outcome = restore::judge(&evidence);
    let restoration = Restoration {
        found: found(&claimed.facts().hidden),
        evidence,
        outcome,
        answers: claimed.answers(),
    };
    let drive = claimed.facts().path.display().to_string();
    if let Outcome::Wrong(_) = restoration.outcome {
        let why = format!("{drive}: {}", restoration.english());
        order.restoration = Some(restoration);
        return (order, Err(why));
    }
    let now = restoration.evidence.after.as_ref().ok();
    let bytes = now.map_or(0, |look| {
        look.sectors.saturating_mul(u64::from(look.sector_bytes))
    });
    let claimed = match bytes > claimed.facts().capacity_bytes {
        true => again(machine, &order, claimed, bytes, kept, kind),
        false => Ok(claimed),
    };
    if let Ok(claimed) = &claimed {
        order.facts = claimed.facts().clone();
        order.facts.hidden = hidden(&order.facts.hidden, &restoration);
        order.plan = thaw::planned(&order.facts, &wishes(&order.plan), order.thaw.as_ref());
    }
    order.restoration = Some(restoration);
    (order, claimed.map_err(|why| format!("{drive}: {why}")))
}

/// Lets a drive go that has grown, has the kernel look at it anew, and claims it with the same consent.
fn again(
    machine: &Machine,
    order: &Order,
    claimed: Claimed,
    bytes: u64,
    kept: &[String],
    kind: PlanKind,
) -> Result<Claimed, String> {
    let before = claimed.facts().clone();
    drop(claimed);
    let words = |error: anyhow::Error| format!("after hidden capacity was restored: {error:#}");
    let (facts, all) =
        rescan(machine, &before, bytes, BACK).map_err(|error| words(error.into()))?;
    let checks = Checks {
        machine,
        all: &all,
        kept,
        plan: kind,
    };
    claim(&facts, &order.consent, &checks).map_err(|error| words(error.into()))
}

/// What is hidden, with what the drive was seen to do: the kernel's log still tells of an area that is
/// open for good by now, and tells nothing of one that this run opened until the power goes.
fn hidden(now: &HiddenCapacity, restoration: &Restoration) -> HiddenCapacity {
    let evidence = restoration.english();
    match (now, &restoration.outcome) {
        (HiddenCapacity::OpenedForThisBoot { .. }, Outcome::Restored { for_good: true, .. }) => {
            HiddenCapacity::None { evidence }
        }
        (
            HiddenCapacity::None { .. },
            Outcome::Restored {
                from,
                to,
                for_good: false,
            },
        ) => {
            let sector_bytes = restoration
                .evidence
                .after
                .as_ref()
                .map_or(0, |look| look.sector_bytes);
            HiddenCapacity::OpenedForThisBoot {
                bytes: to
                    .saturating_sub(*from)
                    .saturating_mul(u64::from(sector_bytes)),
                evidence,
            }
        }
        (now, _) => now.clone(),
    }
}

fn found(hidden: &HiddenCapacity) -> String {
    match hidden {
        HiddenCapacity::Hidden { evidence, .. }
        | HiddenCapacity::OpenedForThisBoot { evidence, .. }
        | HiddenCapacity::None { evidence } => evidence.clone(),
        HiddenCapacity::Unknown { reason } => reason.clone(),
        HiddenCapacity::NotApplicable => "nothing".into(),
    }
}

/// What a plan was made from, but for passwords, of which a sleep of the machine decides. Of these kinds
/// of drives none has a row with two passes.
fn wishes(plan: &Plan) -> Wishes {
    Wishes {
        level: plan.wanted,
        then_zero: plan.passes.contains(&PassKind::Zero),
        single_pass: false,
        verify: plan.verify,
        passwords: true,
    }
}

#[cfg(test)]
mod tests {
    use super::{Restoration, hidden};
    use drive::facts::HiddenCapacity;
    use wipe::restore::{Evidence, Look, Outcome, Reason};

    fn restoration(outcome: Outcome) -> Restoration {
        let look = Look {
            sectors: 1000,
            sector_bytes: 512,
            most: 1000,
            unknown: Vec::new(),
        };
        Restoration {
            found: String::new(),
            evidence: Evidence {
                before: Ok(look.clone()),
                steps: Vec::new(),
                refused: None,
                lasting: true,
                after: Ok(look),
                identity_lost: None,
            },
            outcome,
            answers: Vec::new(),
        }
    }

    fn restored(from: u64, for_good: bool) -> Restoration {
        restoration(Outcome::Restored {
            from,
            to: 1000,
            for_good,
        })
    }

    fn clean() -> HiddenCapacity {
        HiddenCapacity::None {
            evidence: String::new(),
        }
    }

    fn opened() -> HiddenCapacity {
        HiddenCapacity::OpenedForThisBoot {
            bytes: 512,
            evidence: String::new(),
        }
    }

    #[test]
    fn what_was_restored_until_the_power_goes_is_not_called_clean() {
        let now = hidden(&clean(), &restored(900, false));
        assert!(
            matches!(now, HiddenCapacity::OpenedForThisBoot { bytes: 51_200, .. }),
            "{now:?}"
        );
        assert_eq!(hidden(&clean(), &restored(900, true)), clean());
    }

    #[test]
    fn area_that_the_kernel_opened_is_clean_only_when_it_is_open_for_good() {
        let now = hidden(&opened(), &restored(1000, true));
        assert!(matches!(now, HiddenCapacity::None { .. }), "{now:?}");
        let not = restoration(Outcome::NotRestored {
            reason: Reason::NotLasting,
            left: Some(1000),
        });
        assert_eq!(hidden(&opened(), &not), opened());
    }
}
