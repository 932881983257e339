//! What is happening on one drive now: a cell that the engine writes and any thread reads.
//!
//! The engine takes the lock once per completed request and once per look at its clocks, adds a few
//! numbers and allocates nothing; a reader holds it for the copy of a few KiB and reckons afterwards.

use crate::curve::{Curve, Profile};
use crate::latency::{Histogram, Latency};
use crate::pace::{Pace, Rate};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Where a drive's run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Phase {
    /// Not begun.
    #[default]
    Waiting,
    /// The drive erases itself; its bytes are the share that it tells.
    Sanitizing,
    /// Writing a pass.
    Writing,
    /// Flushing the write cache, re-reading the identity.
    Settling,
    /// Reading back and comparing.
    Verifying,
    /// Over; see the outcome.
    Done,
}

/// A longer time left is none: so long no drive takes that works.
const TIME_LEFT_MAX_SECONDS: f64 = 30.0 * 86_400.0;

/// The estimate from earlier phases weighs as much as so many seconds of this one.
const EARLIER_PHASES_SECONDS: f64 = 10.0;

/// How long the pace remembers, per stretch (see [`Pace::new`]). A rotating drive's curve is known,
/// so that what differs from it for minutes is trouble, and passes. Flash changes its rate for good,
/// as when its fast cache is full.
fn stretch_seconds_max(profile: Profile) -> f64 {
    match profile {
        Profile::Rotating => 64.0,
        Profile::Even => 4.0,
    }
}

/// A phase that begins.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stage {
    pub(crate) phase: Phase,
    /// From 0.
    pub(crate) pass_index: u32,
    pub(crate) pass_count: u32,
    /// Bytes of the phase, 0 when it moves none.
    pub(crate) bytes_total: u64,
    /// Bytes of the phase that an earlier run has moved.
    pub(crate) bytes_before: u64,
    /// Bytes of the phases after it.
    pub(crate) to_come: ToCome,
}

/// Bytes of the phases that have not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct ToCome {
    pub(crate) write_bytes: u64,
    pub(crate) read_bytes: u64,
}

/// Live counters of one drive. Cheap to update from the data path.
#[derive(Debug, Default)]
pub struct Progress(Mutex<State>);

// A copy a tick for each of sixty drives, and within 2 MiB a drive for everything.
const _: () = assert!(size_of::<Progress>() <= 4096);

#[derive(Clone, Debug)]
struct State {
    profile: Profile,
    stage: Stage,
    began: Option<Instant>,
    bytes_done: u64,
    errors: u64,
    latency: Histogram,
    silent: Duration,
    rate: Rate,
    pace: Pace,
    curve: Curve,
    /// What a byte took in the latest whole phase that wrote.
    write_seconds_per_byte: Option<f64>,
    /// The same for reading.
    read_seconds_per_byte: Option<f64>,
}

/// One reading of a [`Progress`]: what the screen, the event stream and the command line show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Snapshot {
    /// The phase.
    pub phase: Phase,
    /// Pass now worked on, from 0.
    pub pass_index: u32,
    /// Passes in the plan.
    pub pass_count: u32,
    /// Bytes done in this phase, with those that were taken over from an earlier run.
    pub bytes_done: u64,
    /// Bytes in this phase.
    pub bytes_total: u64,
    /// Write, read and compare errors so far, in sectors or failed commands.
    pub errors: u64,
    /// Mean rate of the last ten seconds of this phase; 0 while nothing moves.
    pub bytes_per_second: f64,
    /// Time until the drive's last phase is over, without flushes and questions; `None` while it
    /// cannot be told: nothing has moved yet, or hardly anything for long.
    pub time_left: Option<Duration>,
    /// How long the drive took to answer in this phase, or in the latest one that moved bytes.
    pub latency: Option<Latency>,
    /// For so long the drive owes an answer and gave none.
    pub silent: Duration,
}

impl Progress {
    /// Nothing has happened yet on a drive of this kind.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        Self(Mutex::new(State::new(profile)))
    }

    /// Begins a phase with its byte counter at zero, or at what an earlier run has moved of it.
    pub(crate) fn begin(&self, stage: Stage, now: Instant) {
        self.lock().begin(stage, now);
    }

    /// Counts bytes and errors of the current phase, and the answer that brought them if it was one.
    pub(crate) fn add(&self, bytes: u64, errors: u64, answered: Option<Duration>, now: Instant) {
        self.lock().add(bytes, errors, answered, now);
    }

    /// Says for how long the drive has owed an answer.
    pub(crate) fn set_silent(&self, silent: Duration) {
        self.lock().silent = silent;
    }

    /// The reading at this moment.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let state = self.lock().clone();
        state.snapshot(Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new(Profile::default())
    }
}

impl State {
    fn new(profile: Profile) -> Self {
        Self {
            profile,
            stage: Stage::default(),
            began: None,
            bytes_done: 0,
            errors: 0,
            latency: Histogram::default(),
            silent: Duration::ZERO,
            rate: Rate::default(),
            pace: Pace::new(stretch_seconds_max(profile)),
            curve: Curve::new(profile),
            write_seconds_per_byte: None,
            read_seconds_per_byte: None,
        }
    }

    fn begin(&mut self, stage: Stage, now: Instant) {
        self.learn();
        self.stage = stage;
        self.began = Some(now);
        self.bytes_done = stage.bytes_before;
        self.silent = Duration::ZERO;
        if stage.bytes_total > 0 {
            self.latency = Histogram::default();
        }
        self.rate = Rate::default();
        self.pace = Pace::new(stretch_seconds_max(self.profile));
        self.curve.begin();
    }

    /// Keeps what the phase that ends says of those to come.
    fn learn(&mut self) {
        let learned = match self.stage.phase {
            Phase::Writing => &mut self.write_seconds_per_byte,
            Phase::Verifying => &mut self.read_seconds_per_byte,
            Phase::Waiting | Phase::Sanitizing | Phase::Settling | Phase::Done => return,
        };
        if let Some(seconds) = self.curve.end() {
            *learned = Some(seconds / self.stage.bytes_total.max(1) as f64);
        }
    }

    fn add(&mut self, bytes: u64, errors: u64, answered: Option<Duration>, now: Instant) {
        self.bytes_done += bytes;
        self.errors += errors;
        if let Some(took) = answered {
            self.latency.add(took);
        }
        let (seconds, share) = (self.seconds(now), self.share());
        self.rate
            .moved(seconds, self.bytes_done - self.stage.bytes_before);
        self.pace.moved(seconds, share);
        // Of a phase that goes on where an earlier run was cut, not all zones are measured.
        if self.stage.bytes_before == 0 {
            self.curve.moved(seconds, share);
        }
    }

    fn seconds(&self, now: Instant) -> f64 {
        self.began.map_or(0.0, |began| {
            now.saturating_duration_since(began).as_secs_f64()
        })
    }

    fn share(&self) -> f64 {
        if self.stage.bytes_total == 0 {
            return 0.0;
        }
        (self.bytes_done as f64 / self.stage.bytes_total as f64).min(1.0)
    }

    fn snapshot(&self, now: Instant) -> Snapshot {
        Snapshot {
            phase: self.stage.phase,
            pass_index: self.stage.pass_index,
            pass_count: self.stage.pass_count,
            bytes_done: self.bytes_done,
            bytes_total: self.stage.bytes_total,
            errors: self.errors,
            bytes_per_second: self.rate.bytes_per_second(self.seconds(now)),
            time_left: self
                .seconds_left(now)
                .filter(|seconds| (0.0..=TIME_LEFT_MAX_SECONDS).contains(seconds))
                .map(Duration::from_secs_f64),
            latency: self.latency.latency(),
            silent: self.silent,
        }
    }

    fn seconds_left(&self, now: Instant) -> Option<f64> {
        let (written, read) = (self.write_seconds_per_byte, self.read_seconds_per_byte);
        let (left, per_byte) = match self.stage.phase {
            Phase::Waiting => return None,
            Phase::Settling | Phase::Done => (0.0, None),
            Phase::Sanitizing => (self.phase_seconds_left(now, None)?.0, None),
            Phase::Writing => self.phase_seconds_left(now, written.or(read))?,
            Phase::Verifying => self.phase_seconds_left(now, read.or(written))?,
        };
        let ToCome {
            write_bytes,
            read_bytes,
        } = self.stage.to_come;
        let phases = [
            (write_bytes, written.or(per_byte).or(read)),
            (read_bytes, read.or(per_byte).or(written)),
        ];
        phases.iter().try_fold(left, |sum, (bytes, per_byte)| {
            if *bytes == 0 {
                Some(sum)
            } else {
                per_byte.map(|seconds| sum + seconds * *bytes as f64)
            }
        })
    }

    /// Seconds left in the phase under way, and seconds per byte over the whole of it. `earlier` is
    /// what a byte took in an earlier phase.
    fn phase_seconds_left(&self, now: Instant, earlier: Option<f64>) -> Option<(f64, Option<f64>)> {
        let (now, bytes_total) = (self.seconds(now), self.stage.bytes_total as f64);
        let measured = self.pace.per_second(now, |share| self.curve.work(share));
        let expected = earlier
            .map(|seconds| (seconds * bytes_total).recip())
            .filter(|pace| pace.is_finite());
        let pace = match (expected, measured) {
            (Some(expected), Some(measured)) => {
                let seconds = self.pace.seconds(now);
                (expected * EARLIER_PHASES_SECONDS + measured * seconds)
                    / (EARLIER_PHASES_SECONDS + seconds)
            }
            // In silence that lasts, an expectation is no estimate.
            (Some(expected), None) if self.pace.seconds(now) < EARLIER_PHASES_SECONDS => expected,
            (Some(_), None) | (None, None) => return None,
            (None, Some(measured)) => measured,
        };
        let left = (1.0 - self.curve.work(self.share())) / pace;
        Some((left, Some((pace * bytes_total).recip())))
    }
}

#[cfg(test)]
mod tests;
