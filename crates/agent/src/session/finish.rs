//! The end of a run: report, signature, spool, upload, power off.

use super::{Session, Stage, words};
use crate::bundle;
use crate::commands::Status;
use crate::compose::{self, Material, Run};
use crate::i18n::Language;
use crate::ui::Mode;
use crate::upload::client::{Client, Posted};
use crate::upload::spool::{Backoff, Pause, Spool, Stop};
use anyhow::Context;
use drive::refusal::PlanKind;
use report::event::Event;
use report::receipt::sha256_hex;
use report::schema::{self, Report};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;
use uuid::Uuid;

/// After the service refused a report, a person may mend the cause: it is tried again.
const AGAIN: Duration = Duration::from_secs(60);

/// The upload under way.
pub struct Upload {
    heard: Receiver<Told>,
}

/// What the upload's thread tells.
enum Told {
    Attempt(Uuid, Posted),
    AllSent,
    Failed(String),
}

impl Session {
    /// Makes the report of `runs` and begins to send it.
    pub(super) fn finish(&mut self, runs: Vec<Run>, kind: PlanKind) {
        let made = self.report(&runs, kind);
        let language = self.language();
        let (grade, lines) = match &made {
            Ok(report) => (
                report.verdict.as_ref().map(|verdict| verdict.grade.clone()),
                verdict_lines(report, language),
            ),
            Err(error) => (
                None,
                vec![words::report_failed(language, &format!("{error:#}"))],
            ),
        };
        if let Some(grade) = &grade {
            self.send(Event::Verdict {
                grade: grade.clone(),
            });
        }
        self.state.mode = Mode::Done { grade, lines };
        self.stage = Stage::Done {
            runs,
            reported: made.is_ok(),
        };
        match (&made, &self.client) {
            (Ok(_), Some(_)) => self.send_reports(),
            (Ok(report), None) => {
                self.add_line(words::report_kept(language, &report.report_id.to_string()));
                self.finished("the report is in the spool; there is no service to send it to");
            }
            (Err(error), _) => self.finished(&format!("no report: {error:#}")),
        }
    }

    /// Begins to send what is in the spool, if there is a service for it.
    pub(super) fn send_reports(&mut self) {
        let Some(client) = &self.client else { return };
        match upload(Arc::clone(client), self.spool.clone()) {
            Ok(upload) => self.upload = Some(upload),
            Err(error) => {
                self.add_line(words::report_failed(self.language(), &error.to_string()));
            }
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
        let language = self.language();
        while let Some(told) = self
            .upload
            .as_ref()
            .and_then(|upload| upload.heard.try_recv().ok())
        {
            match told {
                Told::Attempt(report_id, posted) => {
                    let (state, detail, line) = match posted {
                        Posted::Accepted { receipt, .. } => (
                            "receipt",
                            format!("receipt {} of {}", receipt.number, receipt.received),
                            words::receipt(language, receipt.number),
                        ),
                        Posted::Retry { why } => {
                            let line = words::upload(language, &why);
                            ("retry", why, line)
                        }
                        Posted::Refused { status, problem } => {
                            let detail = format!("{status}: {problem}");
                            let line = words::upload(language, &detail);
                            ("refused", detail, line)
                        }
                    };
                    self.send(Event::Upload {
                        report_id,
                        state: state.into(),
                        detail,
                    });
                    self.add_line(line);
                }
                Told::AllSent if matches!(self.stage, Stage::Done { .. }) => {
                    self.finished("the service has the report");
                    match (self.arguments.poweroff, self.status()) {
                        (true, Status::Proven) => self.switch_off(),
                        // A machine that is off passes for done: what failed stays to be seen.
                        (true, Status::NotProven | Status::Usage | Status::Refused) => {
                            self.add_line(words::stays_on(language));
                        }
                        (false, _) => {}
                    }
                }
                Told::AllSent => {}
                Told::Failed(error) => self.add_line(words::report_failed(language, &error)),
            }
        }
    }

    /// The last lines of the end screen: the newest state of the upload replaces the one before.
    fn add_line(&mut self, line: String) {
        if let Mode::Done { lines, .. } = &mut self.state.mode
            && lines.last() != Some(&line)
        {
            lines.push(line);
        }
    }

    fn finished(&mut self, text: &str) {
        self.send(Event::Finished {
            status: self.status().code(),
            text: text.into(),
        });
    }

    /// Exit status of the session so far.
    pub(super) fn status(&self) -> Status {
        match &self.stage {
            Stage::Done {
                runs,
                reported: true,
            } if !runs.is_empty() => {
                if runs.iter().all(compose::reached) {
                    Status::Proven
                } else {
                    Status::NotProven
                }
            }
            Stage::Listing
            | Stage::Countdown { .. }
            | Stage::Claiming { .. }
            | Stage::Running { .. }
            | Stage::Done { .. } => Status::NotProven,
        }
    }
}

fn upload(client: Arc<Client>, spool: Spool) -> std::io::Result<Upload> {
    let (sender, heard) = mpsc::channel();
    std::thread::Builder::new()
        .name("raz-upload".into())
        .spawn(move || send_all(&client, &spool, &sender))?;
    Ok(Upload { heard })
}

fn send_all(client: &Client, spool: &Spool, sender: &Sender<Told>) {
    let pause = Stop::default();
    loop {
        let mut tell = |id: Uuid, posted: &Posted| {
            let _ = sender.send(Told::Attempt(id, posted.clone()));
        };
        let told = match spool.drain(client, Backoff::default(), &pause, &mut tell) {
            Ok(0) => Told::AllSent,
            Ok(_) => {
                pause.pause(AGAIN);
                continue;
            }
            Err(error) => Told::Failed(error.to_string()),
        };
        let over = matches!(told, Told::AllSent);
        if sender.send(told).is_err() || over {
            return;
        }
        pause.pause(AGAIN);
    }
}

fn verdict_lines(report: &Report, language: Language) -> Vec<String> {
    let Some(verdict) = &report.verdict else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    if !verdict.remove.is_empty() {
        let parts = verdict.remove.join(", ");
        lines.push(words::remove_first(
            language,
            &parts,
            &verdict.grade_once_removed,
        ));
    }
    lines.extend(verdict.caps.iter().map(|cap| {
        let message = match language {
            Language::French => &cap.message_fr,
            Language::English => &cap.message_en,
        };
        format!(
            "{}: {} ({}): {message}",
            cap.effect, cap.subject, cap.measured
        )
    }));
    lines
}
