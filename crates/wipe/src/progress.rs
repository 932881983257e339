//! What is happening on one drive now: a cell that the engine writes and any thread reads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Where a drive's run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Phase {
    /// Not begun.
    #[default]
    Waiting,
    /// Writing a pass.
    Writing,
    /// Flushing the write cache, re-reading the identity.
    Settling,
    /// Reading back and comparing.
    Verifying,
    /// Over; see the outcome.
    Done,
}

/// Live counters of one drive. Cheap to update from the data path.
#[derive(Debug, Default)]
pub struct Progress {
    bytes_done: AtomicU64,
    errors: AtomicU64,
    silent_milliseconds: AtomicU64,
    stage: Mutex<Stage>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Stage {
    phase: Phase,
    pass_index: u32,
    pass_count: u32,
    bytes_total: u64,
    since: Option<Instant>,
}

/// One reading of a [`Progress`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Snapshot {
    /// The phase.
    pub phase: Phase,
    /// Pass now worked on, from 0.
    pub pass_index: u32,
    /// Passes in the plan.
    pub pass_count: u32,
    /// Bytes done in this phase.
    pub bytes_done: u64,
    /// Bytes in this phase.
    pub bytes_total: u64,
    /// Write, read and compare errors so far, in sectors or failed commands.
    pub errors: u64,
    /// Mean rate of this phase.
    pub bytes_per_second: f64,
    /// Time left in this phase at its mean rate.
    pub phase_remaining: Option<Duration>,
    /// For so long the drive owes an answer and gave none.
    pub silent: Duration,
}

impl Progress {
    /// Begins a phase and sets its byte counter to zero.
    pub fn begin(&self, phase: Phase, pass_index: u32, pass_count: u32, bytes_total: u64) {
        let mut stage = self
            .stage
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        self.bytes_done.store(0, Ordering::Relaxed);
        self.silent_milliseconds.store(0, Ordering::Relaxed);
        *stage = Stage {
            phase,
            pass_index,
            pass_count,
            bytes_total,
            since: Some(Instant::now()),
        };
    }

    /// Counts bytes of the current phase.
    pub fn add_bytes(&self, bytes: u64) {
        self.bytes_done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts errors.
    pub fn add_errors(&self, errors: u64) {
        self.errors.fetch_add(errors, Ordering::Relaxed);
    }

    /// Says for how long the drive has owed an answer.
    pub fn set_silent(&self, silent: Duration) {
        let milliseconds = u64::try_from(silent.as_millis()).unwrap_or(u64::MAX);
        self.silent_milliseconds
            .store(milliseconds, Ordering::Relaxed);
    }

    /// The counters now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let stage = *self
            .stage
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let bytes_done = self.bytes_done.load(Ordering::Relaxed);
        let seconds = stage
            .since
            .map_or(0.0, |since| since.elapsed().as_secs_f64());
        let rate = if seconds > 0.0 {
            bytes_done as f64 / seconds
        } else {
            0.0
        };
        let left = stage.bytes_total.saturating_sub(bytes_done) as f64;
        Snapshot {
            phase: stage.phase,
            pass_index: stage.pass_index,
            pass_count: stage.pass_count,
            bytes_done,
            bytes_total: stage.bytes_total,
            errors: self.errors.load(Ordering::Relaxed),
            bytes_per_second: rate,
            phase_remaining: (rate > 1.0).then(|| Duration::from_secs_f64(left / rate)),
            silent: Duration::from_millis(self.silent_milliseconds.load(Ordering::Relaxed)),
        }
    }
}
