//! The list of drives: how it is kept up to date, and the two ways from it to a countdown.

use super::unattended::{self, Decision, Situation};
use super::{Session, Stage, look, rows, words};
use crate::compose;
use crate::i18n::{Text, Words, refusal};
use crate::thaw;
use crate::ui::{self, Mode};
use crate::work::Order;
use drive::claim::{Consent, ConsentSource};
use drive::facts::DriveFacts;
use drive::medium::BootMedium;
use drive::refusal::{PlanKind, Refusal};
use report::event::Event;
use std::sync::mpsc::TryRecvError;
use std::time::{Duration, Instant};
use wipe::plan::{Plan, Wanted, Wishes};

/// Countdown before a run that a person confirmed and before an unattended one.
pub(super) const COUNTDOWN_ATTENDED: Duration = Duration::from_secs(5);
const COUNTDOWN_UNATTENDED: Duration = Duration::from_secs(10);

/// Block devices must not have changed for so long before an unattended plan stands: USB drives
/// appear late.
const QUIET: Duration = Duration::from_secs(4);

impl Session {
    pub(super) fn hear_look(&mut self) {
        // Once drives are claimed the list stands: the report is made of it.
        if !matches!(self.stage, Stage::Listing | Stage::Countdown { .. }) {
            return;
        }
        let Some(looking) = &self.looking else {
            let names = look::block_names(&self.machine.roots.sys);
            let is_changed = names != self.names;
            let drives = self.survey.as_ref().map_or(&[][..], |all| &all.drives);
            let is_due =
                self.state.mode == Mode::Listing && look::is_due(drives, self.looked.elapsed());
            if is_changed {
                self.names_since = Instant::now();
            }
            if is_changed || is_due {
                self.looking = Some(look::begin(&self.machine, false));
                if is_changed && matches!(self.stage, Stage::Countdown { .. }) {
                    self.back_to_listing(words::drives_changed());
                }
            }
            return;
        };
        match looking.try_recv() {
            Ok(look) => {
                self.looking = None;
                self.looked = Instant::now();
                self.state.reading = false;
                self.names = look.names;
                self.survey = Some(look.survey);
                self.see_stick();
                if let Some(facts) = look.machine {
                    self.send(Event::Machine {
                        summary: compose::summary(&facts).english,
                    });
                    self.facts = Some(facts);
                    self.show_machine();
                }
                self.state.message = None;
                if self.arguments.auto_erase && !self.auto {
                    self.wait(words::attended());
                } else if !self.auto {
                    let mistakes = self.arguments.mistakes();
                    let medium = self.survey.as_ref().map(|survey| &survey.boot_medium);
                    if !mistakes.is_empty() {
                        self.wait(Words::joined(&mistakes, "; "));
                    } else if matches!(medium, Some(BootMedium::Image { .. })) {
                        self.say(&words::from_image());
                    }
                }
                self.show_rows();
            }
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => {
                self.looking = Some(look::begin(&self.machine, self.facts.is_none()));
            }
        }
    }

    pub(super) fn show_machine(&mut self) {
        if let Some(facts) = &self.facts {
            let summary = compose::summary(facts);
            self.state.header.machine = summary.says(self.language()).to_owned();
        }
    }

    pub(super) fn show_rows(&mut self) {
        if !matches!(
            self.stage,
            Stage::Listing | Stage::Sleeping { .. } | Stage::Countdown { .. }
        ) {
            return;
        }
        let drives = self.replace_rows();
        self.send(rows::drives_event(&drives));
    }

    /// Shows the drives and their plans as they are known now; gives them back.
    pub(super) fn replace_rows(&mut self) -> Vec<(DriveFacts, Vec<Refusal>)> {
        let drives = self.drives(self.kind());
        let language = self.language();
        let mut shown: Vec<ui::Row> = drives
            .iter()
            .map(|(facts, refusals)| rows::row(facts, refusals, &self.plan(facts), language))
            .collect();
        for row in &mut shown {
            row.selected = self.auto && row.erasable();
        }
        for (row, (facts, _)) in shown.iter_mut().zip(&drives) {
            row.resumes = self.resumes(facts).filter(|_| row.erasable());
        }
        let unseen = self.unseen().iter();
        shown.extend(unseen.map(|unseen| rows::unseen(unseen, language)));
        self.state.replace_rows(shown);
        drives
    }

    /// Says the plans of a list that stands in the screen's language.
    pub(super) fn show_plans(&mut self) {
        let kind = match &self.stage {
            Stage::Listing | Stage::Sleeping { .. } | Stage::Countdown { .. } => return,
            Stage::Claiming { kind, .. }
            | Stage::Running { kind, .. }
            | Stage::Done { kind, .. } => *kind,
        };
        let language = self.language();
        let unseen: Vec<ui::Row> = self
            .unseen()
            .iter()
            .map(|unseen| rows::unseen(unseen, language))
            .collect();
        for said in unseen {
            let mut shown = self.state.rows.iter_mut();
            if let Some(row) = shown.find(|row| row.id == said.id) {
                row.plan = said.plan;
            }
        }
        for (facts, refusals) in self.drives(kind) {
            let said = rows::row(&facts, &refusals, &self.plan(&facts), language);
            let resumes = self.resumes(&facts);
            let mut shown = self.state.rows.iter_mut();
            if let Some(row) = shown.find(|row| row.id == said.id && row.path == said.path) {
                row.plan = said.plan;
                row.resumes = resumes.filter(|_| row.resumes.is_some());
            }
        }
    }

    /// Consent typed for each of `ids`: all of them, or the person looks again.
    pub(super) fn start_by_hand(&mut self, ids: &[String]) {
        self.by_hand();
        // Who types a consent sees the screen.
        self.thaws.clear();
        if self.looking.is_some() {
            self.say(&Text::Reading.words());
            return;
        }
        let kind = self.kind();
        let mut orders = self.orders(kind, ConsentSource::Typed, None);
        orders.retain(|order| ids.contains(&order.consent.id));
        if orders.len() != ids.len() {
            self.back_to_listing(words::drives_changed());
            return;
        }
        self.countdown_by_hand(orders, kind);
    }

    /// Orders for the drives of a plan that nothing speaks against.
    pub(super) fn orders(
        &self,
        kind: PlanKind,
        source: ConsentSource,
        armed_until: Option<&String>,
    ) -> Vec<Order> {
        self.drives(kind)
            .into_iter()
            .filter(|(_, refusals)| refusals.is_empty())
            .map(|(facts, _)| Order {
                plan: self.plan(&facts),
                consent: Consent {
                    id: facts.identity.id(),
                    source,
                },
                armed_until: armed_until.cloned(),
                restoration: None,
                thaw: self.thaws.get(&facts.identity.id()).cloned(),
                facts,
            })
            .collect()
    }

    /// What is known now of the way to an unattended run.
    pub(super) fn decision(&self) -> Decision {
        let mut against = self.arguments.unattended_refusals();
        if let Some(survey) = &self.survey {
            against.extend(refusal::medium(&survey.boot_medium));
            let unknown = survey.kept_unknown(&self.arguments.keep);
            if !unknown.is_empty() {
                against.push(words::kept_unknown(&unknown.join(", ")));
            }
        }
        let machine = self.facts.as_ref().and_then(compose::machine_id);
        let ids: Vec<String> = self
            .drives(self.kind())
            .into_iter()
            .filter(|(_, refusals)| refusals.is_empty())
            .map(|(facts, _)| facts.identity.id())
            .collect();
        if ids.is_empty() {
            against.push(words::nothing_to_erase());
        }
        unattended::decide(&Situation {
            auto: self.auto,
            settled: self.looking.is_none() && self.names_since.elapsed() >= QUIET,
            terminal: self.shown,
            against: &against,
            machine: machine.as_deref(),
            ids: &ids,
            answer: self.arming.as_ref(),
            now: Instant::now(),
        })
    }

    /// Follows `raz.auto=erase` as far as the two keys allow.
    pub(super) fn tick_listing(&mut self) {
        // A person is in the middle of something.
        if self.state.mode != Mode::Listing {
            return;
        }
        match self.decision() {
            Decision::Off | Decision::Settle => {}
            Decision::Against {
                mut reasons,
                no_terminal,
                no_machine,
            } => {
                reasons.extend(no_terminal.then(words::no_terminal));
                reasons.extend(no_machine.then(words::no_machine));
                self.wish(None);
                self.wait(words::not_unattended(&Words::joined(&reasons, "; ")));
            }
            Decision::Wait { wish, why } => {
                self.tell_plan(&wish.ids);
                let why = why.unwrap_or_else(|| Words::verbatim("..."));
                self.wait(words::waiting_for_arming(wish.ids.len(), &why));
                self.wish(Some(wish));
            }
            Decision::Armed {
                wish, until, words, ..
            } => {
                self.tell_plan(&wish.ids);
                self.wish(Some(wish));
                let kind = self.kind();
                let orders = self.orders(kind, ConsentSource::Armed { until }, Some(&words));
                self.countdown(orders, kind, COUNTDOWN_UNATTENDED);
            }
        }
    }

    /// What a plan is made from.
    pub(super) fn plan_wishes(&self) -> Wishes {
        Wishes {
            level: self.arguments.level.unwrap_or(Wanted::Clear),
            ..Wishes::default()
        }
    }

    fn plan(&self, facts: &DriveFacts) -> Plan {
        let thaw = self.thaws.get(&facts.identity.id());
        thaw::planned(facts, &self.plan_wishes(), thaw)
    }

    fn tell_plan(&mut self, ids: &[String]) {
        if self.told.plan != ids {
            self.told.plan = ids.to_vec();
            self.send(Event::Plan {
                ids: ids.to_vec(),
                unattended: true,
            });
        }
    }

    fn wait(&mut self, reason: Words) {
        if self.told.waiting != reason.english {
            self.told.waiting.clone_from(&reason.english);
            self.send(Event::Waiting {
                reason: reason.english.clone(),
            });
        }
        self.say(&reason);
    }
}
