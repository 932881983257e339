//! What a run did and what of it was *proven*.
//!
//! Different words, used strictly: **verified** (all of it read back and compared by us), **checked
//! by sample** (a part of it), **claimed by drive**, **not checked**. [`Proof`] and [`SampleProof`]
//! have no constructor outside the verifier.

use crate::native::{Evidence, Verdict};
use crate::sample::Samples;
use std::fmt;
use std::time::SystemTime;

pub use crate::verify::{Proof, SampleProof};

/// The end of one drive's run.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The conclusion.
    pub conclusion: Conclusion,
    /// What came of each of the drive's erases by itself that was tried, in order.
    pub own_erases: Vec<SanitizeRecord>,
    /// Each pass that began, in order.
    pub passes: Vec<PassRecord>,
    /// Identity as re-read: at claim, between phases, at the end.
    pub identity_checks: Vec<IdentityCheck>,
    /// How the ledger was kept, if the job had one.
    pub journal: Option<JournalRecord>,
    /// When the first byte could have been written.
    pub started: SystemTime,
    /// When the run ended.
    pub ended: SystemTime,
}

/// A drive's erase by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct SanitizeRecord {
    /// All that was seen.
    pub evidence: Evidence,
    /// What may be said of it. Never more than "claimed by drive".
    pub verdict: Verdict,
}

/// What may be said of the drive after the run.
#[derive(Clone, Debug, PartialEq)]
pub enum Conclusion {
    /// Every addressable byte was overwritten and read back equal to the pattern.
    Verified(Proof),
    /// Every addressable byte was written; a sample was read back equal because that was asked for.
    /// What was not read is not proven.
    SampleVerified(SampleProof),
    /// Every addressable byte was written; nothing was read back because that was asked for.
    WrittenNotChecked,
    /// Something is not proven: at least one reason.
    NotComplete(Vec<Shortfall>),
    /// Nothing was written.
    NotStarted(Vec<Shortfall>),
}

/// One reason why an erasure is not proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shortfall {
    /// Sectors that could not be written.
    WriteErrors {
        /// Bytes in all of them.
        bytes: u64,
    },
    /// Sectors that could not be read back.
    ReadErrors {
        /// Bytes in all of them.
        bytes: u64,
    },
    /// Bytes that read back differently from what was written.
    Mismatch {
        /// Bytes in sectors that differ.
        bytes: u64,
        /// Offset of the first byte that differs.
        first_offset_bytes: u64,
    },
    /// Flushing the drive's write cache failed.
    FlushFailed {
        /// The kernel's error.
        error: String,
    },
    /// The drive left while it was worked on.
    Vanished,
    /// No request completed within the bound.
    Stalled {
        /// Seconds waited.
        seconds: u64,
    },
    /// The drive under the claim is not the one that was confirmed.
    IdentityChanged {
        /// Identity confirmed.
        confirmed: String,
        /// Identity read now.
        found: String,
    },
    /// The operator stopped the run.
    Interrupted,
    /// Bytes accounted for differ from the capacity.
    ByteCount {
        /// What was accounted.
        accounted: u64,
        /// The capacity, or the bytes of the sample.
        capacity: u64,
    },
    /// Anything else, in words, with the drive's answer.
    Other(String),
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WriteErrors { bytes } => write!(f, "{bytes} bytes could not be written"),
            Self::ReadErrors { bytes } => write!(f, "{bytes} bytes could not be read back"),
            Self::Mismatch {
                bytes,
                first_offset_bytes,
            } => write!(
                f,
                "{bytes} bytes read back different from what was written, the first at byte {first_offset_bytes}"
            ),
            Self::FlushFailed { error } => {
                write!(f, "the write cache could not be flushed: {error}")
            }
            Self::Vanished => f.write_str("the drive left during the run"),
            Self::Stalled { seconds } => write!(f, "the drive answered nothing for {seconds} s"),
            Self::IdentityChanged { confirmed, found } => {
                write!(
                    f,
                    "the drive is not the one confirmed: {found} instead of {confirmed}"
                )
            }
            Self::Interrupted => f.write_str("stopped by the operator"),
            Self::ByteCount {
                accounted,
                capacity,
            } => {
                write!(f, "{accounted} bytes accounted for, of {capacity}")
            }
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// What one pass put on the drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PassKind {
    /// The position-keyed pattern.
    Pattern,
    /// The bitwise complement of the pass before.
    Complement,
    /// Zeros.
    Zero,
}

/// One pass: a write phase and, unless verification was declined, a read phase.
#[derive(Clone, Debug, PartialEq)]
pub struct PassRecord {
    /// What was written.
    pub kind: PassKind,
    /// Pass number in the key derivation, from 0. A complement carries the number of its pattern.
    pub pass: u32,
    /// What the pass took over from an earlier run, when it resumed one.
    pub resumed: Option<Resumed>,
    /// Bytes whose write completed without error in this run.
    pub written_bytes: u64,
    /// Sectors whose write failed for good, merged and ascending; the lowest ones of a list that
    /// would be too long.
    pub write_errors: Vec<ByteRange>,
    /// Bytes whose write failed for good: more than `write_errors` holds when that list is cut.
    pub write_error_bytes: u64,
    /// The kernel's words for the first write that failed.
    pub first_write_error: Option<String>,
    /// Write commands that failed before bisecting found the sectors.
    pub write_errors_seen: u64,
    /// Whether the write cache was flushed after the last write.
    pub flushed: bool,
    /// Time of the write phase.
    pub write_seconds: f64,
    /// The read-back, if it began.
    pub verify: Option<VerifyRecord>,
}

/// What a pass took over from an earlier run that a power cut ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Resumed {
    /// The mark of the ledger: nothing above it was said to be written.
    pub mark_bytes: u64,
    /// Bytes that were not written by this run, because the ledger says that they are; 0 when the
    /// recall gave a reason to write the whole drive. They are proven only by a read-back of the
    /// whole drive in this run.
    pub taken_over_bytes: u64,
    /// The look at some of them before the first write.
    pub recall: Recall,
}

/// A few MiB read back of what a ledger says is written. It ends with the first piece that differs
/// or cannot be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recall {
    /// Bytes read and compared.
    pub read_bytes: u64,
    /// Bytes in sectors that differ.
    pub mismatch_bytes: u64,
    /// Offset of the first byte that differs.
    pub first_mismatch_offset_bytes: Option<u64>,
    /// The kernel's words for the first read that failed.
    pub first_read_error: Option<String>,
    /// Everything that was to be read was read.
    pub complete: bool,
}

impl Recall {
    /// Everything that was to be read was read, and is the pattern.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.complete
            && self.mismatch_bytes == 0
            && self.first_mismatch_offset_bytes.is_none()
            && self.first_read_error.is_none()
    }
}

/// How the ledger of a run was kept. Whatever it says, it spoils nothing of the erasure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalRecord {
    /// Marks that were recorded; of a call still under way at the end of the run nothing is known.
    pub recorded: u64,
    /// Marks that could not be taken or recorded, calls that took too long, and a ledger that could
    /// not be closed.
    pub failures: u64,
    /// The first of them, in words.
    pub first_error: Option<String>,
}

/// A read-back of a pass.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifyRecord {
    /// What was to be read, when not the whole drive.
    pub samples: Option<Samples>,
    /// Bytes read and compared.
    pub read_bytes: u64,
    /// Sectors that differ, merged and ascending.
    pub mismatches: Vec<ByteRange>,
    /// Bytes in sectors that differ: more than `mismatches` holds when that list is cut.
    pub mismatch_bytes: u64,
    /// Sectors that could not be read, merged and ascending.
    pub read_errors: Vec<ByteRange>,
    /// Bytes that could not be read: more than `read_errors` holds when that list is cut.
    pub read_error_bytes: u64,
    /// The kernel's words for the first read that failed.
    pub first_read_error: Option<String>,
    /// Offset of the first byte that differs.
    pub first_mismatch_offset_bytes: Option<u64>,
    /// Time of the read phase.
    pub seconds: f64,
    /// The phase reached the end of what was to be read.
    pub complete: bool,
}

/// Half-open byte range on a drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteRange {
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

impl ByteRange {
    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.end - self.start
    }
    /// Nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }
}

/// One re-reading of the drive's identity.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentityCheck {
    /// When in the run: `claim` before the first write, `after write` and `after verify` of each
    /// pass; `before reading` and `after reading` of a read-back alone.
    pub moment: String,
    /// The identity read, or the error.
    pub found: Result<String, String>,
    /// Equal to what was confirmed.
    pub same: bool,
}
