//! One phase over a drive, as bookkeeping: which bytes come next, what became of each.
//!
//! It does no I/O and knows no clock. It covers the ranges it is given: one for a whole drive, many
//! for a sample of it. Whole requests go in order through all of them. A request
//! that fails is cut in halves down to the sector, so that its neighbours are served; what fails
//! for good is tried once more when everything else is done, with nothing else on its way, and then
//! listed. Where failures come in long unbroken rows, cutting stops (it would draw thousands of
//! errors from a dying drive) and whole requests are listed; after a row that is longer still the
//! phase is given up.
//!
//! Invariant: every byte of the ranges is at any time in exactly one of: not begun, waiting,
//! outstanding, done, bad.

use crate::outcome::ByteRange;
use crate::ranges::RangeList;
use std::collections::VecDeque;

/// The measures of a sweep.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Smallest transfer.
    pub(crate) logical_sector_bytes: u32,
    /// Preferred border of a cut.
    pub(crate) physical_sector_bytes: u32,
    /// Length of a whole request, a multiple of the logical sector.
    pub(crate) request_bytes: u32,
    /// Pieces that are kept for a second try, and ranges that are named in the end.
    pub(crate) listed_ranges: usize,
    /// Failed sectors in a row, no success between them, after which failed requests are not cut.
    pub(crate) cut_until_sectors: u64,
    /// Whole requests failed in a row after which the phase is given up.
    pub(crate) give_up_after_requests: u64,
}

/// Consecutive bytes that travel in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// First byte on the drive.
    pub(crate) start: u64,
    /// Bytes.
    pub(crate) length: u32,
    turn: Turn,
}

/// Why a piece is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// A whole request, in order.
    Whole,
    /// What is left of a request that failed or fell short.
    Part,
    /// A second and last try, after everything else.
    Last,
}

impl Piece {
    fn range(self) -> ByteRange {
        ByteRange {
            start: self.start,
            end: self.start + u64::from(self.length),
        }
    }
}

/// Temporary answers (`EAGAIN`, `EINTR`) taken back without counting as failures, per sweep.
const AGAIN_LIMIT: u32 = 10_000;

/// The state of one phase.
#[derive(Debug)]
pub(crate) struct Sweep {
    shape: Shape,
    /// Bytes of all ranges.
    total_bytes: u64,
    /// The end of the last range.
    end: u64,
    /// What is not begun, ascending.
    ahead: VecDeque<ByteRange>,
    parts: Vec<Piece>,
    last_tries: VecDeque<Piece>,
    /// As long as the drive's queue is deep.
    outstanding: Vec<ByteRange>,
    done_bytes: u64,
    bad: RangeList,
    failures: u64,
    sectors_failed_in_a_row: u64,
    requests_failed_in_a_row: u64,
    agains: u32,
    halted: bool,
    given_up_at: Option<u64>,
}

impl Sweep {
    /// A sweep that has not begun, over whole sectors: `ranges` are ascending and share no byte.
    pub(crate) fn new(shape: Shape, ranges: Vec<ByteRange>) -> Self {
        let apart = ranges.windows(2).all(|pair| pair[0].end <= pair[1].start);
        let sector = u64::from(shape.logical_sector_bytes);
        let whole = ranges.iter().all(|range| {
            range.start < range.end
                && range.start.is_multiple_of(sector)
                && range.end.is_multiple_of(sector)
        });
        assert!(apart && whole, "ranges that a sweep cannot count");
        Self {
            shape,
            total_bytes: ranges.iter().map(ByteRange::len).sum(),
            end: ranges.last().map_or(0, |range| range.end),
            ahead: ranges.into(),
            parts: Vec::new(),
            last_tries: VecDeque::new(),
            outstanding: Vec::new(),
            done_bytes: 0,
            bad: RangeList::new(shape.listed_ranges),
            failures: 0,
            sectors_failed_in_a_row: 0,
            requests_failed_in_a_row: 0,
            agains: 0,
            halted: false,
            given_up_at: None,
        }
    }

    /// The next piece to send; it is outstanding until one of `completed`, `failed`, `again`.
    pub(crate) fn next(&mut self) -> Option<Piece> {
        if self.halted {
            return None;
        }
        let piece = self.next_first().or_else(|| self.next_last())?;
        self.outstanding.push(piece.range());
        Some(piece)
    }

    fn returned(&mut self, piece: Piece) {
        let place = self
            .outstanding
            .iter()
            .position(|range| *range == piece.range());
        let place = place.expect("only what is outstanding comes back");
        self.outstanding.swap_remove(place);
    }

    /// What is not on its last try; none of it is waiting any more once last tries have begun.
    fn next_first(&mut self) -> Option<Piece> {
        let part = self.parts.pop_if(|part| part.turn != Turn::Last);
        part.or_else(|| self.next_whole())
    }

    /// A last try, alone. The kernel merges neighbours that are on their way together, and one
    /// answer for both condemns the good one with the bad.
    fn next_last(&mut self) -> Option<Piece> {
        if !self.outstanding.is_empty() {
            return None;
        }
        self.parts.pop().or_else(|| self.last_tries.pop_front())
    }

    fn next_whole(&mut self) -> Option<Piece> {
        let range = self.ahead.front_mut()?;
        let length = u64::from(self.shape.request_bytes).min(range.len()) as u32;
        let piece = Piece {
            start: range.start,
            length,
            turn: Turn::Whole,
        };
        range.start += u64::from(length);
        if range.is_empty() {
            self.ahead.pop_front();
        }
        Some(piece)
    }

    /// The first `bytes` of the piece were transferred: at least one sector, whole sectors.
    pub(crate) fn completed(&mut self, piece: Piece, bytes: u32) {
        assert!(
            bytes > 0
                && bytes <= piece.length
                && bytes.is_multiple_of(self.shape.logical_sector_bytes)
        );
        self.returned(piece);
        self.done_bytes += u64::from(bytes);
        self.sectors_failed_in_a_row = 0;
        self.requests_failed_in_a_row = 0;
        if bytes < piece.length {
            let turn = if piece.turn == Turn::Last {
                Turn::Last
            } else {
                Turn::Part
            };
            let rest = Piece {
                start: piece.start + u64::from(bytes),
                length: piece.length - bytes,
                turn,
            };
            self.wait_again(rest);
        }
    }

    /// The piece failed.
    pub(crate) fn failed(&mut self, piece: Piece) {
        self.returned(piece);
        self.failures += 1;
        let cut = piece.length > self.shape.logical_sector_bytes
            && self.sectors_failed_in_a_row < self.shape.cut_until_sectors;
        if self.given_up_at.is_some() {
            self.bad.add(piece.range());
        } else if cut {
            self.cut(piece);
        } else {
            self.sectors_failed_in_a_row +=
                u64::from(piece.length / self.shape.logical_sector_bytes);
            if piece.turn == Turn::Last || self.last_tries.len() >= self.shape.listed_ranges {
                self.bad.add(piece.range());
            } else {
                self.last_tries.push_back(Piece {
                    turn: Turn::Last,
                    ..piece
                });
            }
        }
        if piece.turn == Turn::Whole {
            self.requests_failed_in_a_row += 1;
            if self.requests_failed_in_a_row >= self.shape.give_up_after_requests {
                self.give_up();
            }
        }
    }

    /// The drive asked to be asked again.
    pub(crate) fn again(&mut self, piece: Piece) {
        if self.agains < AGAIN_LIMIT {
            self.agains += 1;
            self.returned(piece);
            self.wait_again(piece);
        } else {
            self.failed(piece);
        }
    }

    fn wait_again(&mut self, piece: Piece) {
        if self.given_up_at.is_some() {
            self.bad.add(piece.range());
        } else {
            self.parts.push(piece);
        }
    }

    fn cut(&mut self, piece: Piece) {
        let Shape {
            logical_sector_bytes: logical,
            physical_sector_bytes: physical,
            ..
        } = self.shape;
        let unit = u64::from(if piece.length > physical {
            physical
        } else {
            logical
        });
        let sectors = piece.length / logical;
        let middle = piece.start + u64::from(piece.length / 2);
        let aligned = middle - middle % unit;
        let middle = if aligned > piece.start {
            aligned
        } else {
            piece.start + u64::from(sectors / 2 * logical)
        };
        let length = (middle - piece.start) as u32;
        let turn = if piece.turn == Turn::Last {
            Turn::Last
        } else {
            Turn::Part
        };
        let left = Piece {
            length,
            turn,
            ..piece
        };
        let right = Piece {
            start: middle,
            length: piece.length - length,
            turn,
        };
        // The first time from the left, where a row of bad sectors begins inside the piece; the
        // last time from the right, where it ends: so the good part is found from both sides
        // before the row counts as long.
        let order = if turn == Turn::Last {
            [left, right]
        } else {
            [right, left]
        };
        self.parts.extend(order);
    }

    /// Everything not outstanding counts as bad from here on. Where nothing but last tries is left,
    /// that leaves them out, and the phase has reached its end all the same.
    pub(crate) fn give_up(&mut self) {
        if self.given_up_at.is_some() {
            return;
        }
        if !self.only_last_tries() {
            let first_ahead = self.ahead.front().map(|range| range.start);
            self.given_up_at = first_ahead.or(Some(self.end));
        }
        let waiting: Vec<Piece> = self
            .parts
            .drain(..)
            .chain(self.last_tries.drain(..))
            .collect();
        waiting
            .into_iter()
            .for_each(|piece| self.bad.add(piece.range()));
        self.ahead.drain(..).for_each(|range| self.bad.add(range));
    }

    fn only_last_tries(&self) -> bool {
        self.ahead.is_empty() && self.parts.iter().all(|part| part.turn == Turn::Last)
    }

    /// Sends nothing more; what is left stays neither done nor bad.
    pub(crate) fn halt(&mut self) {
        self.halted = true;
    }

    /// Nothing is outstanding and nothing will be sent.
    pub(crate) fn is_over(&self) -> bool {
        let exhausted =
            self.parts.is_empty() && self.last_tries.is_empty() && self.ahead.is_empty();
        self.outstanding.is_empty() && (self.halted || exhausted)
    }

    /// Every byte of every range is done or bad.
    pub(crate) fn is_complete(&self) -> bool {
        self.accounted_bytes() == self.total_bytes
    }

    /// Bytes transferred.
    pub(crate) fn done_bytes(&self) -> u64 {
        self.done_bytes
    }

    /// Bytes done or bad.
    pub(crate) fn accounted_bytes(&self) -> u64 {
        self.done_bytes + self.bad.bytes()
    }

    /// What is not done, in any order: not begun, waiting, outstanding or bad. `None` where not all of
    /// what is bad is known any more.
    pub(crate) fn unfinished(&self) -> Option<Vec<ByteRange>> {
        let waiting = self.parts.iter().chain(&self.last_tries);
        let mut unfinished = self.bad.all()?.to_vec();
        unfinished.extend(waiting.map(|piece| piece.range()));
        unfinished.extend(&self.outstanding);
        unfinished.extend(&self.ahead);
        Some(unfinished)
    }

    /// Requests that failed, of any length.
    pub(crate) fn failures(&self) -> u64 {
        self.failures
    }

    /// The sweep was given up before every byte was tried, with whole requests begun up to this byte.
    pub(crate) fn given_up_at(&self) -> Option<u64> {
        self.given_up_at
    }

    /// What failed for good.
    pub(crate) fn into_bad(self) -> RangeList {
        self.bad
    }
}

#[cfg(test)]
mod tests;
