//! The end of a run: report, signature, spool, upload, power off.

use super::sending::{self, Told};
use super::{Session, Stage, words};
use crate::bundle;
use crate::commands::Status;
use crate::compose::{self, Material, Run};
use crate::i18n::{self, Language, Words};
use crate::ui::Mode;
use crate::upload::client::Posted;
use crate::upload::spool::EntryState;
use anyhow::Context;
use drive::identity::Identity;
use drive::refusal::{PlanKind, Refusal};
use report::event::Event;
use report::receipt::sha256_hex;
use report::schema::{self, Report};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Where the report of a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nowhere: it could not be made.
    Nowhere,
    /// In the spool; there is no service.
    Kept,
    /// In the spool, and being sent.
    Sending,
    /// In the spool: the service refused it, or the spool fails. A person must look; what can be
    /// read is tried again.
    Held,
    /// With the service.
    Received,
}

/// What the end screen says.
#[derive(Default)]
pub struct End {
    grade: Option<String>,
    /// Why this grade.
    verdict: Vec<Words>,
    /// The newest attempt to send the report.
    upload: Option<Words>,
    /// Whether the report is on the stick, or why not.
    kept: Option<Words>,
    /// What a person should know last.
    note: Option<Words>,
}

impl End {
    fn shown(&self, language: Language) -> Mode {
        let lines = self.verdict.iter().chain(&self.upload).chain(&self.kept);
        Mode::Done {
            grade: self.grade.clone(),
            lines: lines
                .chain(&self.note)
                .map(|words| words.says(language).to_owned())
                .collect(),
        }
    }
}

impl Place {
    /// Exit status of a session whose runs are all proven, or not. A proof that is not where it
    /// was to go can still be lost with the machine's power, so it does not count yet.
    fn status(self, proven: bool) -> Status {
        match self {
            Self::Kept | Self::Received if proven => Status::Proven,
            Self::Kept | Self::Received | Self::Nowhere | Self::Sending | Self::Held => {
                Status::NotProven
            }
        }
    }
}

impl Session {
    /// Makes the report of `runs` and begins to send it.
    pub(super) fn finish(&mut self, runs: Vec<Run>, kind: PlanKind) {
        let made = self.report(&runs, kind);
        let mut end = End::default();
        match &made {
            Ok(report) => {
                if let Some(verdict) = &report.verdict {
                    self.send(Event::Verdict {
                        grade: verdict.grade.clone(),
                    });
                    end.grade = Some(verdict.grade.clone());
                    end.verdict = i18n::verdict::lines(verdict);
                }
            }
            Err(error) => end.note = Some(words::report_failed(&format!("{error:#}"))),
        }
        self.stage = Stage::Done {
            runs,
            report: made.as_ref().ok().map(|report| report.report_id),
            place: Place::Sending,
            end,
            kind,
        };
        self.show_end();
        if made.is_ok() {
            self.keep_reports();
        }
        match (&made, &self.client) {
            (Ok(report), Some(_)) => {
                self.end_ledgers_with(report.report_id);
                self.send_reports();
            }
            (Ok(report), None) => {
                self.note(Some(words::report_kept(&report.report_id.to_string())));
                let text = "the report is in the spool; there is no service to send it to";
                self.finished(Place::Kept, text);
            }
            (Err(error), _) => self.finished(Place::Nowhere, &format!("no report: {error:#}")),
        }
    }

    /// Begins to send what is in the spool, if there is a service for it.
    pub(super) fn send_reports(&mut self) {
        let Some(place) = self.ledger_place() else {
            return;
        };
        let (spool, ends) = (self.spool.clone(), self.ledgers.ends.clone());
        let teller = self.uploads.0.clone();
        match sending::begin(place, spool, ends, teller, self.upload.take()) {
            Ok(upload) => self.upload = Some(upload),
            Err(error) => self.hear_told(Told::Failed(error.to_string())),
        }
    }

    fn report(&self, runs: &[Run], kind: PlanKind) -> anyhow::Result<Report> {
        let facts = self.facts.as_ref().context("the machine was not read")?;
        let report = compose::report(&Material {
            mode: if kind.unattended {
                schema::Mode::Unattended
            } else {
                schema::Mode::Session
            },
            clock: self.clock(),
            station_name: &self.station_name,
            fingerprint: &self.key.fingerprint(),
            operator: self.arguments.operator.as_deref(),
            lot: self.arguments.lot.as_deref(),
            machine: facts,
            drives: &self.drives(kind),
            unseen: self.unseen(),
            runs,
        });
        let signed = bundle::sign(&report, &self.key)?;
        self.spool
            .store(
                report.report_id,
                &signed.bytes,
                &signed.signature,
                &signed.allowed_signers,
            )
            .context("storing the report")?;
        self.send(Event::Reported {
            report_id: report.report_id,
            sha256: sha256_hex(&signed.bytes),
        });
        Ok(report)
    }

    pub(super) fn hear_upload(&mut self) {
        while let Ok(told) = self.uploads.1.try_recv() {
            self.hear_told(told);
        }
    }

    fn hear_told(&mut self, told: Told) {
        match told {
            Told::Attempt(report_id, posted) => {
                if let Posted::Accepted { .. } = posted {
                    // Its receipt follows it to the stick.
                    self.keep_reports();
                }
                let (state, detail, line) = match posted {
                    Posted::Accepted { receipt, .. } => (
                        "receipt",
                        format!("receipt {} of {}", receipt.number, receipt.received),
                        words::receipt(receipt.number),
                    ),
                    Posted::Retry { why } => {
                        let line = words::upload_waits(&why);
                        ("retry", why.english, line)
                    }
                    Posted::Refused { status, problem } => {
                        let line = words::upload_refused(status, &problem);
                        ("refused", format!("{status}: {}", problem.english), line)
                    }
                };
                self.send(Event::Upload {
                    report_id,
                    state: state.into(),
                    detail,
                });
                // What an earlier session left is not what this screen is about.
                let is_only_here = state == "receipt" && !self.keeper.has(report_id);
                if let Stage::Done { end, report, .. } = &mut self.stage
                    && *report == Some(report_id)
                {
                    end.upload = Some(line);
                    // What was said of the memory is over.
                    end.kept = end.kept.take().filter(|_| !is_only_here);
                    self.show_end();
                }
            }
            Told::LedgerOpen { id, why } => self.send(Event::Ledger {
                id,
                state: "left_open".into(),
                detail: why,
            }),
            Told::Over(refused) => self.sent(&refused),
            Told::Failed(error) => self.not_sent(&error),
        }
    }

    /// Sending broke off, which says nothing of a report that could not be made.
    fn not_sent(&mut self, why: &str) {
        if let Stage::Done {
            report: Some(_), ..
        } = &self.stage
        {
            self.note(Some(words::upload_failed(why)));
            let text = format!("sending the report broke off: {why}; it stays in the spool");
            self.finished(Place::Held, &text);
        }
    }

    /// Sending came to its end for now.
    fn sent(&mut self, refused: &BTreeMap<Uuid, String>) {
        let Stage::Done {
            report: Some(report_id),
            ..
        } = &self.stage
        else {
            return;
        };
        match refused.get(report_id) {
            Some(why) => {
                let text = format!(
                    "the service refused the report: {why}; it stays in the spool and is tried again"
                );
                self.finished(Place::Held, &text);
            }
            None if self.is_received(*report_id) => {
                self.finished(Place::Received, "the service has the report");
            }
            None => {
                self.not_sent("it cannot be read");
                return;
            }
        }
        let note = match (self.arguments.poweroff, refused.is_empty(), self.status()) {
            (false, _, _) => None,
            (true, true, Status::Proven) if self.has_left_over() => Some(words::stays_on()),
            (true, true, Status::Proven) => {
                self.switch_off();
                None
            }
            // What would be lost with the power, were it of an earlier session.
            (true, false, _) => Some(words::stays_on_for_report()),
            // A machine that is off passes for done: what failed stays to be seen.
            (true, true, Status::Sampled | Status::NotProven | Status::Usage | Status::Refused) => {
                Some(words::stays_on())
            }
        };
        self.note(note);
    }

    /// Whether a drive is left as it was that nobody wanted so: refused, or not chosen.
    fn has_left_over(&self) -> bool {
        let Stage::Done { runs, kind, .. } = &self.stage else {
            return false;
        };
        let erased: Vec<&Identity> = runs.iter().map(|run| &run.facts.identity).collect();
        let drives = self.drives(*kind);
        drives
            .iter()
            .any(|(drive, refusals)| is_left_over(&drive.identity, refusals, &erased))
    }

    /// Its receipt is in the spool. That nothing is left to be sent does not say so: a report whose
    /// file cannot be read any more is not tried.
    pub(super) fn is_received(&self, report_id: Uuid) -> bool {
        self.spool.entries().is_ok_and(|entries| {
            entries
                .iter()
                .any(|entry| entry.report_id == report_id && entry.state == EntryState::Sent)
        })
    }

    fn note(&mut self, note: Option<Words>) {
        if let Stage::Done { end, .. } = &mut self.stage {
            end.note = note;
            self.show_end();
        }
    }

    /// Says where else the report is; whether that is news.
    pub(super) fn kept_line(&mut self, words: Words) -> bool {
        let Stage::Done { end, .. } = &mut self.stage else {
            return false;
        };
        let is_news = end.kept.as_ref() != Some(&words);
        end.kept = Some(words);
        self.show_end();
        is_news
    }

    /// Says how the run ended in the screen's language.
    pub(super) fn show_end(&mut self) {
        if let Stage::Done { end, .. } = &self.stage {
            self.state.mode = end.shown(self.state.language);
        }
    }

    /// Says where the report came to, once: an attempt that ends as the one before is no news.
    fn finished(&mut self, came_to: Place, text: &str) {
        let Stage::Done { place, .. } = &mut self.stage else {
            return;
        };
        if std::mem::replace(place, came_to) != came_to {
            self.send(Event::Finished {
                status: self.status().code(),
                text: text.into(),
            });
        }
    }

    /// Exit status of the session so far.
    pub(super) fn status(&self) -> Status {
        match &self.stage {
            Stage::Done { runs, place, .. } => {
                // Where a drive may be that nobody saw, not everything is proven.
                let all = !runs.is_empty() && self.unseen().is_empty();
                place.status(all && runs.iter().all(compose::reached))
            }
            Stage::Listing
            | Stage::Sleeping { .. }
            | Stage::Countdown { .. }
            | Stage::Claiming { .. }
            | Stage::Running { .. } => Status::NotProven,
        }
    }
}

/// Not erased, and neither kept by a person, nor raz's own, nor another machine's.
fn is_left_over(drive: &Identity, refusals: &[Refusal], erased: &[&Identity]) -> bool {
    let is_wanted = |refusal: &Refusal| {
        matches!(
            refusal,
            Refusal::Kept | Refusal::BootMedium | Refusal::Networked
        )
    };
    !erased.contains(&drive) && !refusals.iter().any(is_wanted)
}

#[cfg(test)]
mod tests;
