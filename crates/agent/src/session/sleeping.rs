//! Before a run that a person confirmed: the question whether the machine should sleep so that frozen
//! drives thaw, the sleep, and the key after it. No drive is claimed yet, and nothing was changed.

use super::listing::COUNTDOWN_ATTENDED;
use super::{Session, Stage, look, words};
use crate::i18n::Words;
use crate::sleep::{self, Linux, Refusal, Slept};
use crate::survey::Survey;
use crate::thaw::{self, BACK_WITHIN, KEY_WITHIN};
use crate::ui::{Mode, Night};
use crate::work::Order;
use drive::claim::ConsentSource;
use drive::discover::Machine;
use drive::facts::DriveFacts;
use drive::refusal::PlanKind;
use report::event::Event;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::{Duration, Instant};

/// Where the night stands.
pub(super) enum Step {
    /// The question is on the screen.
    Asked,
    /// The alarm is being proven, the machine sleeps, or its drives come back.
    Asleep(Receiver<Woken>),
    /// It is awake, and a key is waited for.
    Awake { began: Instant, slept: Slept },
}

/// What came of the sleep.
pub(super) struct Woken {
    slept: Result<Slept, Refusal>,
    /// The drives and the names of block devices; absent when it did not sleep.
    drives: Option<Result<(Survey, Vec<String>), String>>,
}

impl Session {
    /// The countdown, or before it the question where a confirmed drive gains by a sleep.
    pub(super) fn countdown_by_hand(&mut self, orders: Vec<Order>, kind: PlanKind) {
        let wishes = self.plan_wishes();
        let frozen = orders
            .iter()
            .filter(|order| thaw::gains(&order.facts, &wishes));
        let drives = frozen.count();
        if drives == 0 {
            self.countdown(orders, kind, COUNTDOWN_ATTENDED);
            return;
        }
        self.send(Event::Waiting {
            reason: words::asks_to_sleep(drives).english,
        });
        self.night(Night::Asked { drives });
        self.stage = Stage::Sleeping {
            orders,
            kind,
            step: Step::Asked,
        };
    }

    fn night(&mut self, night: Night) {
        self.state.mode = Mode::Sleeping { night };
    }

    pub(super) fn go_to_sleep(&mut self) {
        let Stage::Sleeping {
            orders,
            step: step @ Step::Asked,
            ..
        } = &mut self.stage
        else {
            return;
        };
        let machine = self.machine.clone();
        let wanted: Vec<DriveFacts> = orders.iter().map(|order| order.facts.clone()).collect();
        let (sender, woken) = mpsc::channel();
        let sleeping = move || {
            // The list may be as old as the question.
            let all = Survey::take(&machine, &[]).drives;
            let slept = sleep::through(&Linux::default(), &all, || ());
            let drives = slept.is_ok().then(|| back(&machine, &wanted));
            let _ = sender.send(Woken { slept, drives });
        };
        // Without a thread the channel is closed, which says so.
        let _ = std::thread::Builder::new()
            .name("raz-sleep".into())
            .spawn(sleeping);
        *step = Step::Asleep(woken);
        self.night(Night::Asleep);
    }

    /// The person would rather not: the drives are overwritten as planned.
    pub(super) fn stay_awake(&mut self) {
        if let Some((orders, kind)) = self.leave_night() {
            self.countdown(orders, kind, COUNTDOWN_ATTENDED);
        }
    }

    /// Ends the night; gives back what was confirmed.
    pub(super) fn leave_night(&mut self) -> Option<(Vec<Order>, PlanKind)> {
        if !matches!(self.stage, Stage::Sleeping { .. }) {
            return None;
        }
        match std::mem::replace(&mut self.stage, Stage::Listing) {
            Stage::Sleeping { orders, kind, .. } => Some((orders, kind)),
            Stage::Listing
            | Stage::Countdown { .. }
            | Stage::Claiming { .. }
            | Stage::Running { .. }
            | Stage::Done { .. } => None,
        }
    }

    pub(super) fn key_after_sleep(&mut self) {
        if let Stage::Sleeping {
            step: Step::Awake { slept, .. },
            ..
        } = &self.stage
        {
            let slept = *slept;
            self.night_over(Ok(slept), true);
        }
    }

    pub(super) fn tick_sleeping(&mut self) {
        let Stage::Sleeping { step, .. } = &self.stage else {
            return;
        };
        match step {
            Step::Asked => {}
            Step::Asleep(woken) => {
                let woken = match woken.try_recv() {
                    Ok(woken) => woken,
                    Err(TryRecvError::Empty) => return,
                    Err(TryRecvError::Disconnected) => Woken {
                        slept: Err(Refusal::NotCarriedOut),
                        drives: None,
                    },
                };
                self.woke(woken);
            }
            Step::Awake { began, slept } => {
                let (left, slept) = (KEY_WITHIN.saturating_sub(began.elapsed()), *slept);
                if left.is_zero() {
                    self.night_over(Ok(slept), false);
                    return;
                }
                let seconds_left = left.as_secs() + u64::from(left.subsec_nanos() > 0);
                self.night(Night::Awake { seconds_left });
            }
        }
    }

    fn woke(&mut self, woken: Woken) {
        let slept = match (woken.slept, woken.drives) {
            (Ok(slept), Some(Ok((survey, names)))) => {
                self.survey = Some(survey);
                self.names = names;
                self.names_since = Instant::now();
                slept
            }
            (Ok(_), Some(Err(_)) | None) => {
                self.drives_changed();
                return;
            }
            (Err(refusal), _) => {
                self.night_over(Err(refusal), false);
                return;
            }
        };
        let wishes = self.plan_wishes();
        let Stage::Sleeping { orders, step, .. } = &mut self.stage else {
            return;
        };
        let drives = self
            .survey
            .as_ref()
            .map_or(&[][..], |survey| &survey.drives);
        let now = orders
            .iter()
            .filter_map(|order| thaw::same(drives, &order.facts));
        if thaw::needs_key(now, &wishes) {
            *step = Step::Awake {
                began: Instant::now(),
                slept,
            };
            self.night(Night::Awake {
                seconds_left: KEY_WITHIN.as_secs(),
            });
            self.send(Event::Waiting {
                reason: words::waits_for_key().english,
            });
        } else {
            self.night_over(Ok(slept), false);
        }
    }

    /// Plans anew and begins the countdown: the consent was for these drives, whatever they say of
    /// their security now.
    fn night_over(&mut self, slept: Result<Slept, Refusal>, key: bool) {
        let Some((before, kind)) = self.leave_night() else {
            return;
        };
        let wishes = self.plan_wishes();
        let night = thaw::Night { slept, key };
        let mut said = Vec::new();
        for order in &before {
            let drives = self
                .survey
                .as_ref()
                .map_or(&[][..], |survey| &survey.drives);
            let Some(now) = thaw::same(drives, &order.facts) else {
                self.drives_changed();
                return;
            };
            if let Some(thaw) = night.of(&order.facts, now, &wishes) {
                said.push(thaw.words());
                self.thaws.insert(order.consent.id.clone(), thaw);
            }
        }
        self.replace_rows();
        let mut orders = self.orders(kind, ConsentSource::Typed, None);
        orders.retain(|order| before.iter().any(|old| old.consent == order.consent));
        let consented = |order: &Order| {
            let mut rows = self.state.rows.iter();
            rows.any(|row| row.id == order.consent.id && row.consented)
        };
        if orders.len() != before.len() || !orders.iter().all(consented) {
            self.drives_changed();
            return;
        }
        self.countdown(orders, kind, COUNTDOWN_ATTENDED);
        said.dedup();
        self.say(&Words::joined(&said, "; "));
    }

    /// A person looks and confirms again.
    fn drives_changed(&mut self) {
        self.state.withdraw();
        self.looking = Some(look::begin(&self.machine, false));
        self.back_to_listing(words::drives_changed());
    }
}

/// The drives when those that are wanted are back and none came while they were asked.
fn back(machine: &Machine, wanted: &[DriveFacts]) -> Result<(Survey, Vec<String>), String> {
    let end = Instant::now() + BACK_WITHIN;
    loop {
        let names = look::block_names(&machine.roots.sys);
        let left = end.saturating_duration_since(Instant::now());
        let survey = thaw::back(machine, &[], wanted, left)?;
        let settled = names == look::block_names(&machine.roots.sys);
        if settled || left == Duration::ZERO {
            return Ok((survey, names));
        }
    }
}

#[cfg(test)]
mod tests;
