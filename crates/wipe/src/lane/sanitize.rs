//! The step in which a drive erases itself: on a thread of its own, watched from the lane.

use super::{Lane, Stage};
use crate::call::{Answer, Call};
use crate::job::Step;
use crate::native::security::PASSWORD_TEXT;
use crate::native::{self, End, Evidence, State, Surroundings, Technique, Verdict};
use crate::outcome::{SanitizeRecord, Shortfall};
use crate::progress::Phase;
use crate::target::Control;
use drive::identity::IdentityLost;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// A sanitize under way.
pub(super) struct Sanitizing {
    call: Call<Evidence>,
    watch: Arc<Watch>,
    technique: Technique,
    takes_writes_after_failure: bool,
}

/// What the thread tells the lane, and the lane the thread.
struct Watch {
    control: Arc<dyn Control>,
    identity: String,
    began: Instant,
    shared: Mutex<Shared>,
    stops: Condvar,
    /// In 65536ths.
    part: AtomicU32,
    /// The drive may be silent for so long, because its command answers at the end.
    may_be_silent: Duration,
}

struct Shared {
    is_stopped: bool,
    /// When the drive was last seen to answer.
    heard: Instant,
}

impl Watch {
    fn with<T>(&self, act: impl FnOnce(&mut Shared) -> T) -> T {
        act(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Surroundings for Watch {
    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn pause(&self, time: Duration) -> bool {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut shared, _) = self
            .stops
            .wait_timeout_while(shared, time, |shared| !shared.is_stopped)
            .unwrap_or_else(PoisonError::into_inner);
        shared.heard = Instant::now();
        !shared.is_stopped
    }

    fn progress(&self, part: u16) {
        self.part.store(u32::from(part), Ordering::Relaxed);
    }

    fn recheck_identity(&self) -> Result<(), IdentityLost> {
        match self.control.recheck_identity()? {
            found if found == self.identity => Ok(()),
            found => Err(IdentityLost::Another {
                found,
                confirmed: self.identity.clone(),
            }),
        }
    }
}

impl Sanitizing {
    pub(super) fn silent(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.watch.with(|shared| shared.heard))
    }

    pub(super) fn stop(&self) {
        self.watch.with(|shared| shared.is_stopped = true);
        self.watch.stops.notify_all();
    }
}

impl Lane {
    pub(super) fn begin_sanitize(&mut self, now: Instant) {
        let Some(order) = self.work.ladder.pop_front() else {
            return;
        };
        let technique = order.technique;
        let takes_writes_after_failure = order.drive.takes_writes_after_failure();
        self.begin_phase(Phase::Sanitizing, self.work.target.capacity_bytes, now);
        // Witnesses are writes.
        self.run.first_write.get_or_insert_with(SystemTime::now);
        let watch = Arc::new(Watch {
            control: Arc::clone(&self.work.control),
            identity: self.work.identity.clone(),
            began: now,
            shared: Mutex::new(Shared {
                is_stopped: false,
                heard: now,
            }),
            stops: Condvar::new(),
            part: AtomicU32::new(0),
            may_be_silent: order.drive.blocks_for(),
        });
        let theirs = Arc::clone(&watch);
        // Its bounds are the patience's, and that it is heard of.
        let call = Call::start(Duration::MAX, now, move || {
            let native::Order {
                drive,
                technique,
                medium,
                patience,
            } = order;
            native::run(&*drive, technique, &*medium, &*theirs, patience)
        });
        self.stage = Stage::Sanitizing(Box::new(Sanitizing {
            call,
            watch,
            technique,
            takes_writes_after_failure,
        }));
    }

    pub(super) fn poll_sanitize(&mut self, now: Instant) {
        let Stage::Sanitizing(sanitizing) = &self.stage else {
            return;
        };
        match sanitizing.call.poll(now) {
            Answer::Ready(evidence) => {
                let takes_writes = sanitizing.takes_writes_after_failure;
                return self.sanitized(evidence, takes_writes, now);
            }
            Answer::Lost => {
                let text = "the drive's own erase was begun and nothing is known of it";
                return self.stop(Shortfall::Other(text.into()), now);
            }
            Answer::Pending | Answer::Overdue => {}
        }
        let part = u64::from(sanitizing.watch.part.load(Ordering::Relaxed));
        let silent = sanitizing.silent(now);
        let drained = |since| now.duration_since(since) >= self.options.drain_bound;
        if self.interrupted.is_some_and(drained) {
            self.tell_silent_erase();
            return self.stop(Shortfall::Interrupted, now);
        }
        let stall_bound = self.options.stall_bound + sanitizing.watch.may_be_silent;
        if silent >= stall_bound {
            self.tell_silent_erase();
            let seconds = stall_bound.as_secs();
            return self.stop(Shortfall::Stalled { seconds }, now);
        }
        let capacity = u128::from(self.work.target.capacity_bytes);
        let done = ((capacity * u128::from(part)) >> 16) as u64;
        // A drive that begins a second pass counts from the start again; shown is the furthest.
        let more = done.saturating_sub(self.shown.0);
        if more > 0 {
            self.work.progress.add(more, 0, None, now);
            self.shown.0 = done;
        }
    }

    /// A drive that does not answer may go on without anybody who waits for it.
    fn tell_silent_erase(&mut self) {
        let Stage::Sanitizing(sanitizing) = &self.stage else {
            return;
        };
        let without_power = match sanitizing.technique {
            Technique::EnhancedErase => format!(
                "it is locked by the password \"{PASSWORD_TEXT}\", which `raz unlock` takes away"
            ),
            Technique::Format => {
                "it may have to be formatted anew before it takes reads and writes".into()
            }
            Technique::BlockErase | Technique::CryptoErase | Technique::Overwrite => {
                "it goes on when its power comes back, or its erase is undone or half done".into()
            }
        };
        let label = &self.work.target.label;
        self.run.stops.push(Shortfall::Other(format!(
            "{label}: it may still erase itself; leave its power on until it answers again. If the power goes before, {without_power}"
        )));
    }

    /// Tries the next technique where this one did not happen by the drive's own word, and overwrites a
    /// drive that takes it, whatever came of its own erase; what may be claimed of that is on record.
    fn sanitized(&mut self, evidence: Evidence, takes_writes_after_failure: bool, now: Instant) {
        let verdict = native::judge(&evidence);
        let reasons = match &verdict {
            Verdict::ClaimedByDrive(_) => String::new(),
            Verdict::Refuted(reasons) | Verdict::Unknown(reasons) => reasons.join("; "),
        };
        let is_next = |order: &native::Order| evidence.leaves_open(order.technique);
        while self
            .work
            .ladder
            .front()
            .is_some_and(|order| !is_next(order))
        {
            self.work.ladder.pop_front();
        }
        let takes_nothing = match evidence.end {
            Some(End::Stopped) => None,
            Some(End::Stuck { .. } | End::Undecoded) => Some(true),
            Some(End::Ended) | None => Some(match evidence.state() {
                State::Failed(_) => !takes_writes_after_failure,
                State::InProgress { .. } | State::MediaVerification => true,
                State::Idle { .. } | State::Frozen | State::Unknown(_) => false,
            }),
        };
        let is_lost = evidence.identity_lost.is_some();
        self.run
            .own_erases
            .push(SanitizeRecord { evidence, verdict });
        let Some(takes_nothing) = takes_nothing.filter(|_| self.interrupted.is_none()) else {
            return self.stop(Shortfall::Interrupted, now);
        };
        if !self.work.ladder.is_empty() {
            let steps = [Step::Sanitize, Step::Identity("after sanitize")];
            steps
                .into_iter()
                .for_each(|step| self.work.steps.push_front(step));
        } else if takes_nothing {
            let label = &self.work.target.label;
            let text = match is_lost {
                true => format!("{label}: {reasons}"),
                false => format!(
                    "{label}: the drive's own erase leaves it taking neither reads nor writes: {reasons}"
                ),
            };
            return self.stop(Shortfall::Other(text), now);
        }
        self.stage = Stage::Idle;
    }
}
