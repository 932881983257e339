//! What was really done to a drive, and what it really answered: written down by the drive, to be
//! compared with what raz says.

use crate::media::Held;
use crate::sectors::Sectors;
use std::collections::BTreeMap;
use std::ops::Range;
use sys::queue::Op;

/// The history of one drive.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Writes and reads in turn; another direction begins a new phase, and so does a request after
    /// the drive was asked who it is.
    pub phases: Vec<Phase>,
    /// Requests that the drive has taken.
    pub requests: u64,
    /// Flushes asked for.
    pub flushes: u32,
    /// Flushes that failed.
    pub flush_errors: u32,
    /// Times that the drive was asked who it is.
    pub questions: u32,
    /// It said that it is another one.
    pub changed: bool,
    /// It was asked something when it was gone.
    pub left: bool,
    /// It left a request without an answer.
    pub silent: bool,
    /// What nobody may do to a drive, in words: requests that overlap, sectors sent twice.
    pub breaches: Vec<String>,
}

/// One phase.
#[derive(Clone, Debug)]
pub struct Phase {
    /// Its direction.
    pub op: Op,
    /// Requests that failed, or moved less than a sector.
    pub errors: u64,
    /// Requests that moved a part.
    pub shorts: u64,
    /// Answers to ask again.
    pub agains: u64,
    /// Sectors that were moved whole; one whose last request failed is not among them.
    pub moved: Sectors,
    /// The errors over each bad sector.
    pub errors_at: BTreeMap<u64, Drawn>,
    /// What reads gave, in their order.
    pub given: Vec<(Range<u64>, Given)>,
}

/// Errors that were drawn from a drive over one sector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// Requests that failed and held it.
    pub all: u32,
    /// Those that held nothing else.
    pub alone: u32,
}

/// What a read gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// What the medium holds there.
    Held(Held),
    /// Nothing: the buffer was left as it was.
    Nothing,
}

impl Phase {
    pub(crate) fn new(op: Op) -> Self {
        Self {
            op,
            errors: 0,
            shorts: 0,
            agains: 0,
            moved: Sectors::default(),
            errors_at: BTreeMap::new(),
            given: Vec::new(),
        }
    }
}
