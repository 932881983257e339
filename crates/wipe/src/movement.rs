//! One phase of one drive with its bytes: what is written or expected, what came back, and the
//! record of it. It sends nothing itself; see [`crate::lane`].

use crate::content::Content;
use crate::outcome::{ByteRange, PassRecord, Recall, VerifyRecord};
use crate::ranges::RangeList;
use crate::sample::Samples;
use crate::sweep::{Piece, Shape, Sweep};
use std::io;
use std::time::Instant;

/// To the drive or from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Write,
    Read,
}

/// Which bytes a movement covers. The record of a read-back names the very samples whose ranges were
/// swept, and no others; a read of parts is a recall, which is no read-back.
#[derive(Clone, Debug)]
pub(crate) enum Reach {
    /// The whole drive, of so many bytes.
    Whole(u64),
    /// A sample of it.
    Samples(Samples),
    /// Parts of it, ascending and apart.
    Parts(Vec<ByteRange>),
}

impl Reach {
    fn ranges(&self) -> Vec<ByteRange> {
        match self {
            Self::Whole(end) => vec![ByteRange {
                start: 0,
                end: *end,
            }],
            Self::Samples(samples) => samples.ranges(),
            Self::Parts(ranges) => ranges.clone(),
        }
    }
}

/// What a completion said of the drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Bytes moved.
    Moved,
    /// An error of these sectors, or of a drive that is no longer there: to be asked.
    Failed,
    /// The kernel says that there is no such device any more.
    Gone,
}

/// Bytes that stay between the marks of [`Movement::prepare`].
const MARK_EVERY_BYTES: usize = 4096;
const MARK: [u8; 8] = [0xa5; 8];

/// A write or read phase under way.
#[derive(Debug)]
pub(crate) struct Movement {
    pub(crate) direction: Direction,
    pub(crate) pass: usize,
    pub(crate) sweep: Sweep,
    reach: Reach,
    content: Content,
    sector_bytes: u32,
    began: Instant,
    last_success: Instant,
    mismatches: RangeList,
    first_mismatch: Option<u64>,
    first_error: Option<String>,
}

impl Movement {
    pub(crate) fn new(
        direction: Direction,
        pass: usize,
        content: Content,
        shape: Shape,
        reach: Reach,
        now: Instant,
    ) -> Self {
        Self {
            direction,
            pass,
            sweep: Sweep::new(shape, reach.ranges()),
            reach,
            content,
            sector_bytes: shape.logical_sector_bytes,
            began: now,
            last_success: now,
            mismatches: RangeList::new(shape.listed_ranges),
            first_mismatch: None,
            first_error: None,
        }
    }

    /// A look at what a ledger says is written.
    pub(crate) fn is_recall(&self) -> bool {
        self.direction == Direction::Read && matches!(self.reach, Reach::Parts(_))
    }

    /// Makes a buffer ready before the first request of the phase.
    pub(crate) fn prepare_first(&self, buffer: &mut [u8]) {
        if self.direction == Direction::Write && self.content.is_constant() {
            self.content.fill(0, buffer);
        }
    }

    /// Makes `buffer` ready to travel as `piece`.
    ///
    /// Before a read, it is marked, so that bytes left from an earlier request cannot pass for
    /// bytes that the drive gave: a transfer that is said to have happened and did not is seen in
    /// every page.
    pub(crate) fn prepare(&self, piece: Piece, buffer: &mut [u8]) {
        match self.direction {
            Direction::Write if self.content.is_constant() => {}
            Direction::Write => self.content.fill(piece.start, buffer),
            Direction::Read => {
                for page in buffer.chunks_mut(MARK_EVERY_BYTES) {
                    let length = page.len().min(MARK.len());
                    page[..length].copy_from_slice(&MARK[..length]);
                }
            }
        }
    }

    /// Takes a completed piece; `buffer` holds what came back. The first error of a recall is its end.
    pub(crate) fn receive(
        &mut self,
        piece: Piece,
        buffer: &[u8],
        result: io::Result<usize>,
        now: Instant,
    ) -> Answer {
        let answer = self.take(piece, buffer, result, now);
        if self.is_recall() && self.errors() > 0 {
            self.sweep.halt();
        }
        answer
    }

    fn take(
        &mut self,
        piece: Piece,
        buffer: &[u8],
        result: io::Result<usize>,
        now: Instant,
    ) -> Answer {
        let error = match result {
            Ok(bytes) => {
                let bytes = (bytes as u64).min(u64::from(piece.length)) as u32;
                let whole = bytes - bytes % self.sector_bytes;
                if whole > 0 {
                    self.last_success = now;
                    if self.direction == Direction::Read {
                        self.compare(piece.start, &buffer[..whole as usize]);
                    }
                    self.sweep.completed(piece, whole);
                    return Answer::Moved;
                }
                io::Error::new(io::ErrorKind::UnexpectedEof, format!("{bytes} bytes moved"))
            }
            Err(error) => error,
        };
        if is_passing(&error) {
            self.sweep.again(piece);
            return Answer::Moved;
        }
        self.first_error
            .get_or_insert_with(|| format!("at byte {}: {error}", piece.start));
        self.sweep.failed(piece);
        if is_gone(&error) {
            Answer::Gone
        } else {
            Answer::Failed
        }
    }

    /// Equal bytes cost one comparison of the whole; only where they differ are sectors looked at.
    fn compare(&mut self, start: u64, data: &[u8]) {
        let Some(first) = self.content.first_mismatch(start, data) else {
            return;
        };
        let offset = start + first as u64;
        self.first_mismatch = Some(
            self.first_mismatch
                .map_or(offset, |known| known.min(offset)),
        );
        let sector = self.sector_bytes as usize;
        for (index, bytes) in data.chunks(sector).enumerate().skip(first / sector) {
            let at = start + (index * sector) as u64;
            if self.content.first_mismatch(at, bytes).is_some() {
                self.mismatches.add(ByteRange {
                    start: at,
                    end: at + bytes.len() as u64,
                });
            }
        }
    }

    /// Errors so far: failed requests and sectors that differ.
    pub(crate) fn errors(&self) -> u64 {
        self.sweep.failures() + self.mismatches()
    }

    /// Sectors that differ.
    pub(crate) fn mismatches(&self) -> u64 {
        self.mismatches.bytes() / u64::from(self.sector_bytes)
    }

    /// Requests have failed, and none has succeeded since this moment.
    pub(crate) fn failing_since(&self) -> Option<Instant> {
        (self.sweep.failures() > 0).then_some(self.last_success)
    }

    /// Writes what happened into the pass's record.
    pub(crate) fn record(self, record: &mut PassRecord, now: Instant) {
        let seconds = now.duration_since(self.began).as_secs_f64();
        let (done_bytes, failures) = (self.sweep.done_bytes(), self.sweep.failures());
        let complete = self.sweep.is_complete();
        let bad = self.sweep.into_bad();
        let samples = match (self.direction, self.reach) {
            (Direction::Read, Reach::Parts(_)) => {
                if let Some(resumed) = &mut record.resumed {
                    resumed.recall = Recall {
                        read_bytes: done_bytes,
                        mismatch_bytes: self.mismatches.bytes(),
                        first_mismatch_offset_bytes: self.first_mismatch,
                        first_read_error: self.first_error,
                        complete,
                    };
                }
                return;
            }
            (Direction::Read, Reach::Samples(samples)) => Some(samples),
            (Direction::Read, Reach::Whole(_)) | (Direction::Write, _) => None,
        };
        match self.direction {
            Direction::Write => {
                record.written_bytes = done_bytes;
                record.write_error_bytes = bad.bytes();
                record.write_errors = bad.into_ranges();
                record.write_errors_seen = failures;
                record.first_write_error = self.first_error;
                record.write_seconds = seconds;
            }
            Direction::Read => {
                record.verify = Some(VerifyRecord {
                    samples,
                    read_bytes: done_bytes,
                    mismatch_bytes: self.mismatches.bytes(),
                    mismatches: self.mismatches.into_ranges(),
                    read_error_bytes: bad.bytes(),
                    read_errors: bad.into_ranges(),
                    first_read_error: self.first_error,
                    first_mismatch_offset_bytes: self.first_mismatch,
                    seconds,
                    complete,
                });
            }
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// `ENODEV` and `ENXIO`, which Rust gives no kinds.
fn is_gone(error: &io::Error) -> bool {
    const ENXIO: i32 = 6;
    const ENODEV: i32 = 19;
    matches!(error.raw_os_error(), Some(ENXIO | ENODEV))
}
