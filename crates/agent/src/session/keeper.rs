//! Keeping the session's reports on raz's stick, and sending what an earlier session left there.
//!
//! Everything that touches the stick is a job on a thread of its own, one at a time, and nothing waits for
//! it without a bound: a stick that was pulled or does not answer leaves the report in memory, and the
//! screen says so.

use super::{Session, Stage, look, words};
use crate::keeping::{self, Brought, NotKept, Seen, Spools};
use crate::session::look::Look;
use crate::session::sending::Told;
use crate::survey::Survey;
use crate::ui::Service;
use crate::upload::spool::{Backoff, Spool, SpoolError, Stop};
use drive::discover::Roots;
use drive::own_stick::{OwnStick, Unfit};
use report::event::Event;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// After this long a stick counts as one that does not answer: the kernel has given a command up, reset
/// the stick, and tried again.
const SILENT: Duration = Duration::from_secs(90);

/// What the session knows of its stick.
pub struct Keeper {
    seen: Seen,
    configuration: Option<Arc<[u8]>>,
    spools: Spools,
    /// By the newest look; `None` before the first.
    stick: Option<Result<OwnStick, Unfit>>,
    job: Option<Job>,
    /// Something is to be brought to the stick.
    wanted: bool,
    /// Reports of this boot that are on the stick.
    kept: BTreeSet<Uuid>,
    /// Names of block devices at the newest look after the runs, and that look.
    names: Vec<String>,
    looking: Option<Receiver<Look>>,
    /// Reports of other boots are being sent.
    sends_found: bool,
    /// To be switched off when the stick is left alone.
    off: bool,
}

/// What is under way at the stick.
struct Job {
    began: Instant,
    answer: Receiver<Result<Brought, NotKept>>,
    silence_told: bool,
}

impl Job {
    fn is_silent(&self) -> bool {
        self.began.elapsed() >= SILENT
    }
}

impl Keeper {
    /// Knows no stick yet. `spool` is the folder of the session's spool.
    pub fn new(
        folder: &Path,
        spool: &Spool,
        roots: &Roots,
        configuration: Option<Vec<u8>>,
    ) -> Result<Self, SpoolError> {
        Ok(Self {
            seen: Seen::of(folder, roots),
            configuration: configuration.map(Into::into),
            spools: Spools {
                own: spool.clone(),
                found: keeping::found_beside(folder)?,
            },
            stick: None,
            job: None,
            wanted: false,
            kept: BTreeSet::new(),
            names: Vec::new(),
            looking: None,
            sends_found: false,
            off: false,
        })
    }

    /// The report is on the stick.
    pub fn has(&self, report_id: Uuid) -> bool {
        self.kept.contains(&report_id)
    }

    /// Power that goes now would cut a write to the stick.
    fn is_busy(&self) -> bool {
        match &self.job {
            Some(job) => !job.is_silent(),
            None => self.wanted && matches!(self.stick, Some(Ok(_))),
        }
    }

    /// Which drive is the stick, as it is now. A stick that was not there is brought what it lacks.
    fn see(&mut self, survey: &Survey) {
        let stick = self.seen.stick(&survey.boot_medium, &survey.drives);
        self.wanted |= stick.is_ok() && self.stick.as_ref() != Some(&stick);
        self.stick = Some(stick);
    }
}

impl Session {
    /// A look has ended.
    pub(super) fn see_stick(&mut self) {
        if let Some(survey) = &self.survey {
            self.keeper.see(survey);
            self.keeper.names.clone_from(&self.names);
        }
    }

    /// Brings the spool's reports to the stick, when it can be.
    pub(super) fn keep_reports(&mut self) {
        self.keeper.wanted = true;
    }

    pub(super) fn tick_keeper(&mut self) {
        self.look_for_stick();
        self.hear_keeper();
        if self.keeper.wanted && self.keeper.job.is_none() {
            match &self.keeper.stick {
                None => {}
                Some(Ok(stick)) => {
                    self.keeper.wanted = false;
                    self.keeper.job = Some(self.begin_job(stick.clone()));
                }
                Some(Err(unfit)) => {
                    let unfit = unfit.clone();
                    self.keeper.wanted = false;
                    self.told_kept(Some(&unfit.into()));
                }
            }
        }
        if self.keeper.off && !self.keeper.is_busy() {
            self.keeper.off = false;
            self.switch_off();
        }
    }

    /// Whether switching off must wait for the stick; it follows by itself.
    pub(super) fn waits_for_stick(&mut self) -> bool {
        self.keeper.off = self.keeper.is_busy();
        self.keeper.off
    }

    /// After the runs nobody else looks at the drives, and a stick may come back.
    fn look_for_stick(&mut self) {
        if !matches!(self.stage, Stage::Done { .. }) {
            return;
        }
        match &self.keeper.looking {
            None => {
                let names = look::block_names(&self.machine.roots.sys);
                if names != self.keeper.names {
                    self.keeper.looking = Some(look::begin(&self.machine, false));
                }
            }
            Some(looking) => match looking.try_recv() {
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => self.keeper.looking = None,
                Ok(look) => {
                    self.keeper.looking = None;
                    self.keeper.names = look.names;
                    self.keeper.see(&look.survey);
                }
            },
        }
    }

    fn begin_job(&self, stick: OwnStick) -> Job {
        let (sender, answer) = mpsc::channel();
        let (roots, spools) = (self.machine.roots.clone(), self.keeper.spools.clone());
        let configuration = self.keeper.configuration.clone();
        let job = move || {
            let _ = sender.send(keeping::bring(
                &stick,
                &roots,
                configuration.as_deref(),
                &spools,
            ));
        };
        // Without a thread the channel is closed, and that is the answer.
        let _ = std::thread::Builder::new()
            .name("raz-stick".into())
            .spawn(job);
        Job {
            began: Instant::now(),
            answer,
            silence_told: false,
        }
    }

    fn hear_keeper(&mut self) {
        let Some(job) = &mut self.keeper.job else {
            return;
        };
        let answer = match job.answer.try_recv() {
            Ok(answer) => answer,
            Err(TryRecvError::Empty) => {
                if job.is_silent() && !std::mem::replace(&mut job.silence_told, true) {
                    self.told_kept(Some(&NotKept::Silent));
                }
                return;
            }
            // A damaged file system was more than its reader bears.
            Err(TryRecvError::Disconnected) => Err(NotKept::Volume(
                std::io::Error::other("reading it ended in a fault").into(),
            )),
        };
        self.keeper.job = None;
        match answer {
            Ok(brought) => {
                self.keeper.kept = brought.kept;
                self.told_kept(None);
                self.send_found(brought.unsent);
            }
            Err(why) => self.told_kept(Some(&why)),
        }
    }

    /// Says where the report of the runs is, when that is another place than before.
    fn told_kept(&mut self, why: Option<&NotKept>) {
        let Stage::Done {
            report: Some(report_id),
            ..
        } = self.stage
        else {
            return;
        };
        let is_kept = self.keeper.has(report_id);
        let accepted = self.state.header.service == Service::Accepted;
        let (place, words, detail) = match why {
            _ if is_kept => ("stick", keeping::kept_words(accepted), String::new()),
            None => return,
            Some(_) if self.is_received(report_id) => return,
            Some(why) => ("memory", why.words(), why.to_string()),
        };
        if self.kept_line(words) {
            self.send(Event::Kept {
                report_id,
                place: place.into(),
                detail,
            });
        }
    }

    /// Reports of other boots, which lie on the stick still: the service may have them now.
    fn send_found(&mut self, unsent: usize) {
        if unsent == 0 || self.keeper.sends_found {
            return;
        }
        self.keeper.sends_found = true;
        if matches!(self.stage, Stage::Listing) {
            self.say(&words::found_on_stick(unsent, self.client.is_some()));
        }
        let Some(client) = self.client.clone() else {
            return;
        };
        let (found, teller) = (self.keeper.spools.found.clone(), self.uploads.0.clone());
        let sending = move || {
            let mut tell = |id, posted: &_| {
                let _ = teller.send(Told::Attempt(id, Clone::clone(posted)));
            };
            // What fails is on the stick, and a later session tries again.
            let _ = found.drain(&client, Backoff::default(), &Stop::default(), &mut tell);
        };
        let _ = std::thread::Builder::new()
            .name("raz-found".into())
            .spawn(sending);
    }
}

#[cfg(test)]
mod tests;
