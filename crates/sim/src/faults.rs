//! What is wrong with a drive, and when. A test draws it from a seed; what of it came to pass is
//! in the [`crate::ledger`].

use crate::random::Random;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;
use sys::queue::Op;

const EINTR: i32 = 4;
const EIO: i32 = 5;
const EAGAIN: i32 = 11;
const ENODEV: i32 = 19;

/// When a request that touches a bad sector fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Always.
    Always,
    /// The first so many times.
    Times(u32),
    /// When it is longer than a sector.
    LongerThanSector,
}

/// How a drive that leaves is seen to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// Requests say that there is no such device.
    NoDevice,
    /// Requests fail as those of a bad sector do.
    Errors,
}

/// The faults of one drive; sectors by number. The default is a good drive.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Sectors that cannot be written.
    pub writes: BTreeMap<u64, When>,
    /// Sectors that cannot be read.
    pub reads: BTreeMap<u64, When>,
    /// The error of a bad sector, if it is not `EIO`.
    pub errno: Option<i32>,
    /// A request beside one that fails, sent while that one is under way, fails with it: the kernel
    /// makes one command of both.
    pub merges: bool,
    /// Once in so many requests longer than a sector, a part is moved only, not always whole
    /// sectors; 0: never.
    pub short_one_in: u64,
    /// Once in so many writes longer than a sector, a part is written and the write fails.
    pub torn_one_in: u64,
    /// Once in so many requests, the answer is to ask again.
    pub again_one_in: u64,
    /// Once in so many requests, the queue does not take it while others are under way.
    pub refused_one_in: u64,
    /// Once in so many reads, the buffer is left as it was and the read said to be done.
    pub empty_one_in: u64,
    /// Said to be written, and are not.
    pub dropped: BTreeSet<u64>,
    /// Said to be written, and the second half is not.
    pub halved: BTreeSet<u64>,
    /// Said to be written, and are written to the other sector instead.
    pub misplaced: BTreeMap<u64, u64>,
    /// The real capacity in sectors: what lies beyond is the same as what lies at the start.
    pub wraps_at: Option<u64>,
    /// Bits that turn when a read phase begins, by sector.
    pub flips: BTreeMap<u64, u64>,
    /// Which read phase that is, from 0.
    pub flips_in: usize,
    /// After so many requests the drive is gone.
    pub leaves_after: Option<(u64, Leaving)>,
    /// After so many requests none is answered.
    pub silent_after: Option<u64>,
    /// What was written since the last flush that succeeded may be lost when the power is cut.
    pub volatile: bool,
    /// Flushes that fail, from 0.
    pub flush_fails: BTreeSet<u32>,
    /// From this question on, from 0, the drive is another one.
    pub changes_at: Option<u32>,
}

/// How long a drive takes.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Of each request, before its first byte.
    pub request: Duration,
    /// Of its bytes.
    pub bytes_per_second: u64,
    /// Of each request that fails, besides.
    pub error: Duration,
    /// At most so much until an answer is heard of, so that answers overtake one another.
    pub jitter: Duration,
    /// Once in so many requests, the answer is heard of late; 0: never.
    pub late_one_in: u64,
    /// How late.
    pub late: Duration,
}

impl Default for Timing {
    /// A hard disk's, without rotation.
    fn default() -> Self {
        Self {
            request: Duration::from_micros(100),
            bytes_per_second: 200_000_000,
            error: Duration::ZERO,
            jitter: Duration::ZERO,
            late_one_in: 0,
            late: Duration::ZERO,
        }
    }
}

impl Timing {
    pub(crate) fn service(&self, bytes: usize, fails: bool) -> Duration {
        let nanoseconds = bytes as u64 * 1_000_000_000 / self.bytes_per_second.max(1);
        let error = if fails { self.error } else { Duration::ZERO };
        self.request + Duration::from_nanos(nanoseconds) + error
    }

    pub(crate) fn delay(&self, random: &mut Random) -> Duration {
        let jitter = random.below(self.jitter.as_nanos() as u64 + 1);
        let late = if random.one_in(self.late_one_in) {
            self.late
        } else {
            Duration::ZERO
        };
        Duration::from_nanos(jitter) + late
    }
}

/// What becomes of a request. Decided when it is submitted, carried out when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// So many bytes are moved.
    Moves(usize),
    /// Said to be moved, and nothing is.
    MovesNothing,
    /// Fails, after so many bytes.
    Fails { errno: i32, after: usize },
    /// To be asked again.
    Again(i32),
    /// The drive is gone.
    Gone(i32),
    /// Is not answered.
    Never,
}

impl Faults {
    /// The verdict on the drive's request of this number, from 0; `merged` with one that fails.
    pub(crate) fn judge(
        &mut self,
        random: &mut Random,
        request: u64,
        op: Op,
        sectors: Range<u64>,
        sector_bytes: usize,
        merged: bool,
    ) -> Verdict {
        let length = (sectors.end - sectors.start) as usize * sector_bytes;
        let is_long = length > sector_bytes;
        if self.silent_after.is_some_and(|after| request >= after) {
            return Verdict::Never;
        }
        match self.leaves_after {
            Some((after, Leaving::NoDevice)) if request >= after => return Verdict::Gone(ENODEV),
            Some((after, Leaving::Errors)) if request >= after => return Verdict::Gone(EIO),
            Some(_) | None => {}
        }
        if self.is_bad(op, sectors, is_long) || merged {
            let errno = self.errno.unwrap_or(EIO);
            return Verdict::Fails { errno, after: 0 };
        }
        if op == Op::Write && is_long && random.one_in(self.torn_one_in) {
            let after = random.below(length as u64) as usize;
            return Verdict::Fails { errno: EIO, after };
        }
        if random.one_in(self.again_one_in) {
            return Verdict::Again(random.pick(&[EAGAIN, EINTR]));
        }
        if is_long && random.one_in(self.short_one_in) {
            let any = random.below(length as u64) as usize;
            let whole = any - any % sector_bytes;
            return Verdict::Moves(if random.one_in(2) { whole } else { any });
        }
        if op == Op::Read && random.one_in(self.empty_one_in) {
            return Verdict::MovesNothing;
        }
        Verdict::Moves(length)
    }

    /// Whether a request fails; each sector in it that fails some times only has one time less.
    fn is_bad(&mut self, op: Op, sectors: Range<u64>, is_long: bool) -> bool {
        let rules = match op {
            Op::Write => &mut self.writes,
            Op::Read => &mut self.reads,
        };
        let mut fails = false;
        for (_, when) in rules.range_mut(sectors) {
            fails |= match when {
                When::Always => true,
                When::LongerThanSector => is_long,
                When::Times(0) => false,
                When::Times(left) => {
                    *left -= 1;
                    true
                }
            };
        }
        fails
    }
}
