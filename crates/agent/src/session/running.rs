//! From the countdown over the claims to the end of the last drive.

use super::unattended::{self, Decision};
use super::{Session, Stage, rows, words};
use crate::compose::{self, Run};
use crate::i18n::{self, Text, Words};
use crate::survey::Survey;
use crate::ui::{Mode, State};
use crate::work::{self, Order, Work, restoring};
use drive::claim::ConsentSource;
use drive::refusal::PlanKind;
use report::event::Event;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, TryRecvError};
use std::time::{Duration, Instant};
use wipe::options::Options;

/// Pause between two progress events of a drive.
const PROGRESS_EVENTS: Duration = Duration::from_secs(1);

impl Session {
    pub(super) fn countdown(&mut self, orders: Vec<Order>, kind: PlanKind, length: Duration) {
        if orders.is_empty() {
            self.back_to_listing(words::nothing_to_erase());
            return;
        }
        self.send(Event::Plan {
            ids: orders
                .iter()
                .map(|order| order.consent.id.clone())
                .collect(),
            unattended: kind.unattended,
        });
        for row in &mut self.state.rows {
            row.selected = orders.iter().any(|order| order.consent.id == row.id);
        }
        self.state.mode = Mode::Countdown {
            seconds_left: length.as_secs(),
        };
        // "Waiting to be armed" beside "first write in 10 s" would be believed.
        self.state.message = None;
        self.stage = Stage::Countdown {
            began: Instant::now(),
            length,
            orders,
            kind,
        };
    }

    pub(super) fn tick_countdown(&mut self) {
        let Stage::Countdown {
            began,
            length,
            orders,
            kind,
        } = &self.stage
        else {
            return;
        };
        let (began, length, drives, unattended) = (*began, *length, orders.len(), kind.unattended);
        let left = length.saturating_sub(began.elapsed());
        let (mut may_begin, mut confirmed) = (true, None);
        if unattended {
            let decision = self.decision();
            may_begin = unattended::may_begin(&decision, began + length);
            let why = match decision {
                Decision::Armed { until, words, .. } => {
                    confirmed = Some((until, words));
                    None
                }
                Decision::Wait { why, .. } => Some(why.unwrap_or_else(|| Words::verbatim("..."))),
                Decision::Against { no_terminal, .. } if no_terminal => Some(words::no_terminal()),
                Decision::Off | Decision::Settle | Decision::Against { .. } => {
                    Some(words::drives_changed())
                }
            };
            if let Some(why) = why {
                self.back_to_listing(words::waiting_for_arming(drives, &why));
                return;
            }
        }
        // At zero an unattended countdown stays until the service has confirmed the arming once
        // more, or its last word is too old to count: what was withdrawn in the last seconds, or
        // with the network gone, begins nothing.
        let seconds_left = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        self.state.mode = Mode::Countdown { seconds_left };
        if left.is_zero() && may_begin {
            self.claim(confirmed);
        } else if self.told.countdown != seconds_left {
            self.told.countdown = seconds_left;
            self.send(Event::Countdown { seconds_left });
        }
    }

    /// `confirmed` is the end of the arming that lets an unattended run begin, which may be another
    /// one than that which began the countdown: it is what the claims and the report go by.
    fn claim(&mut self, confirmed: Option<(Instant, String)>) {
        let Stage::Countdown {
            mut orders, kind, ..
        } = std::mem::replace(&mut self.stage, Stage::Listing)
        else {
            return;
        };
        if let Some((until, words)) = confirmed {
            for order in &mut orders {
                order.consent.source = ConsentSource::Armed { until };
                order.armed_until = Some(words.clone());
            }
        }
        let Some(survey) = &self.survey else {
            self.back_to_listing(Text::Reading.words());
            return;
        };
        let survey = Survey {
            drives: survey.drives.clone(),
            boot_medium: survey.boot_medium.clone(),
            unseen: survey.unseen.clone(),
        };
        self.wish(None);
        // One unattended run a boot: should this one break off, a person decides what follows.
        if kind.unattended
            && let Err(error) = self.attended.set()
        {
            self.auto = false;
            self.back_to_listing(words::cannot_begin(&error.to_string()));
            return;
        }
        self.cancel.store(false, Ordering::Relaxed);
        let (sender, claims) = mpsc::channel();
        let (machine, kept, asked, cancel) = (
            self.machine.clone(),
            self.arguments.keep.clone(),
            orders.clone(),
            Arc::clone(&self.cancel),
        );
        let claiming = move || {
            let claims = work::claim_all(&machine, &survey, &asked, &kept, kind);
            let claims = asked.into_iter().zip(claims).collect();
            let _ = sender.send(restoring::all(&machine, claims, &kept, kind, &cancel));
        };
        let _ = std::thread::Builder::new()
            .name("raz-claims".into())
            .spawn(claiming);
        self.state.mode = Mode::Running { stop_asked: false };
        self.stage = Stage::Claiming {
            orders,
            kind,
            claims,
        };
    }

    pub(super) fn tick_claiming(&mut self) {
        let Stage::Claiming { claims, .. } = &self.stage else {
            return;
        };
        let answered = match claims.try_recv() {
            Ok(answered) => answered,
            Err(TryRecvError::Empty) => return,
            Err(TryRecvError::Disconnected) => Vec::new(),
        };
        let Stage::Claiming { orders, kind, .. } =
            std::mem::replace(&mut self.stage, Stage::Listing)
        else {
            return;
        };
        if self.cancel.load(Ordering::Relaxed) {
            work::let_go(answered);
            self.state.withdraw();
            self.by_hand();
            self.back_to_listing(words::countdown_stopped());
            return;
        }
        let answered = match answered.is_empty() {
            true => orders
                .into_iter()
                .map(|order| (order, Err("the claim was not carried out".to_owned())))
                .collect(),
            false => answered,
        };
        let mut claimed = Vec::new();
        let mut runs = Vec::new();
        for (order, answer) in answered {
            let begun = match answer {
                Ok(claim) => self
                    .start(&order)
                    .map(|start| claimed.push((order, claim, start))),
                Err(reason) => work::not_started(order, reason).map(|run| runs.push(run)),
            };
            if let Err(error) = begun {
                self.cannot_begin(&error.to_string());
                return;
            }
        }
        let work = Work::begin(claimed, Options::default(), &self.cancel);
        for run in &runs {
            self.outcome(run);
        }
        self.stage = Stage::Running { work, runs, kind };
    }

    fn cannot_begin(&mut self, why: &str) {
        self.by_hand();
        self.back_to_listing(words::cannot_begin(why));
    }

    pub(super) fn tick_running(&mut self) {
        let Stage::Running { work, .. } = &mut self.stage else {
            return;
        };
        let ended = work.next_end(Duration::ZERO);
        let over = ended.is_none() && work.open() == 0;
        self.show_progress();
        if let Some(run) = ended {
            self.outcome(&run);
            if let Stage::Running { runs, .. } = &mut self.stage {
                runs.push(run);
            }
        }
        if over
            && let Stage::Running { work, runs, kind } =
                std::mem::replace(&mut self.stage, Stage::Listing)
        {
            work::let_go(work);
            self.finish(runs, kind);
        }
    }

    fn show_progress(&mut self) {
        let Stage::Running { work, .. } = &self.stage else {
            return;
        };
        let mut events = Vec::new();
        for flight in work.flights().iter().filter(|flight| !flight.ended()) {
            let id = &flight.order.consent.id;
            let row = self.state.rows.iter_mut().find(|row| row.id == *id);
            let now = flight.progress.snapshot();
            let temperature = self.temperatures.celsius(
                &self.machine.roots.sys,
                &flight.order.facts.name,
                Instant::now(),
            );
            let row = row.map(|row| {
                rows::update(row, &now, temperature);
                &*row
            });
            let phase = rows::phase_name(now.phase).to_owned();
            let key = (phase.clone(), now.pass_index);
            if self.told.phases.get(id) != Some(&key) {
                self.told.phases.insert(id.clone(), key);
                events.push(Event::Phase {
                    id: id.clone(),
                    phase,
                    pass: now.pass_index,
                    passes: now.pass_count,
                });
            }
            let due = self
                .told
                .progress
                .get(id)
                .is_none_or(|last| last.elapsed() >= PROGRESS_EVENTS);
            if due {
                self.told.progress.insert(id.clone(), Instant::now());
                events.push(rows::progress_event(flight, &now, row));
            }
        }
        for event in events {
            self.send(event);
        }
    }

    fn outcome(&mut self, run: &Run) {
        let word = compose::conclusion(&run.outcome.conclusion).0;
        show_outcome(&mut self.state, run);
        self.send(Event::Outcome {
            id: run.consent.id.clone(),
            outcome: word,
            text: compose::ended(run),
        });
    }

    /// Says in the screen's language how the runs ended that have.
    pub(super) fn show_outcomes(&mut self) {
        match &self.stage {
            Stage::Running { runs, .. } | Stage::Done { runs, .. } => {
                for run in runs {
                    show_outcome(&mut self.state, run);
                }
            }
            Stage::Listing
            | Stage::Sleeping { .. }
            | Stage::Countdown { .. }
            | Stage::Claiming { .. } => {}
        }
    }
}

fn show_outcome(state: &mut State, run: &Run) {
    let language = state.language;
    let ended = state.rows.iter_mut().find(|row| row.id == run.consent.id);
    if let Some(row) = ended {
        row.outcome = Some(compose::conclusion(&run.outcome.conclusion).0);
        row.outcome_text = i18n::work::ended(language, run);
    }
}
