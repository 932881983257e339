//! What a run leaves behind, so that after a power cut another one goes on where it stopped: on
//! another host too, and always to a read-back of every byte.
//!
//! wipe neither opens nor serialises a ledger: it gives [`Mark`]s to a [`Journal`] and takes one
//! back in [`crate::job::Job::resume`]. Which drive, seed, cipher and passes a mark belongs to is
//! the caller's to write down beside it and to check.
//!
//! # What a mark says, and what it cannot do
//!
//! A mark is taken from the sweep first; then the drive is asked to flush; when it has answered, the
//! mark is recorded. So what it calls done was completed before the flush, and what was written
//! meanwhile is not in it. Only the first pass has marks: a later one destroys what the read-back of
//! an earlier one would show, so a cut there starts over, and [`Journal::close`] ends the ledger
//! before the first byte of the second pass.
//!
//! A ledger may be stale, forged, cut, or of another state of the drive. It is believed for one
//! thing only: which bytes need not be written again. Some of them are read back first (the
//! recall), the whole drive is written where they differ, and nothing is concluded from a mark:
//! bytes that were taken over count only when this run has read the whole drive, whatever read-back
//! the job asks for.

use crate::outcome::ByteRange;
use crate::ranges::merged;
use std::io;

/// How far the first pass is on the drive: every byte of `[0, mark_bytes)` outside `holes` was
/// written without an error, and the drive answered a flush that was sent after that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Nothing is known to be written from here on. A multiple of the logical sector.
    pub mark_bytes: u64,
    /// Below the mark, what failed, was on its way, or was not begun: whole sectors, merged and
    /// ascending. At most as many as [`crate::options::Options::listed_ranges`].
    pub holes: Vec<ByteRange>,
}

impl Mark {
    /// The mark of a drive on which everything is written but `unfinished`, in any order.
    pub(crate) fn without(unfinished: Vec<ByteRange>, capacity_bytes: u64) -> Self {
        let mut holes = merged(unfinished);
        let mark_bytes = match holes.last() {
            Some(last) if last.end == capacity_bytes => last.start,
            Some(_) | None => capacity_bytes,
        };
        holes.retain(|hole| hole.start < mark_bytes);
        Self { mark_bytes, holes }
    }

    /// Whether it can be the mark of a drive of this size. It says nothing of whether it is true.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn check(&self, capacity_bytes: u64, sector_bytes: u32) -> Result<(), String> {
        let mark = self.mark_bytes;
        let sector = u64::from(sector_bytes);
        let aligned = |offset: u64| sector > 0 && offset.is_multiple_of(sector);
        if mark > capacity_bytes || !aligned(mark) {
            return Err(format!(
                "a mark at byte {mark} on a drive of {capacity_bytes} bytes in sectors of {sector}"
            ));
        }
        let mut free_from = 0;
        for (index, ByteRange { start, end }) in self.holes.iter().enumerate() {
            // Merged: none begins where the one before it ends.
            let apart = index == 0 || *start > free_from;
            if start >= end || !apart || *end > mark || !aligned(*start) || !aligned(*end) {
                return Err(format!(
                    "a hole from byte {start} to {end} below a mark at byte {mark}"
                ));
            }
            free_from = *end;
        }
        Ok(())
    }

    /// What is said to be written: ascending, none touching another.
    #[must_use]
    pub fn written(&self) -> Vec<ByteRange> {
        let mut written = Vec::with_capacity(self.holes.len() + 1);
        let mut start = 0;
        let tail = ByteRange {
            start: self.mark_bytes,
            end: self.mark_bytes,
        };
        for hole in self.holes.iter().chain([&tail]) {
            if start < hole.start {
                written.push(ByteRange {
                    start,
                    end: hole.start,
                });
            }
            start = hole.end;
        }
        written
    }

    /// Bytes that are said to be written.
    #[must_use]
    pub fn written_bytes(&self) -> u64 {
        self.written().iter().map(ByteRange::len).sum()
    }

    /// What is left to write on a drive of this size: all that is not in [`Mark::written`].
    #[must_use]
    pub fn left(&self, capacity_bytes: u64) -> Vec<ByteRange> {
        let mut left = self.holes.clone();
        if self.mark_bytes < capacity_bytes {
            left.push(ByteRange {
                start: self.mark_bytes,
                end: capacity_bytes,
            });
        }
        merged(left)
    }
}

/// Where marks are kept. Called from threads that nothing waits for: a call that takes long, or
/// never returns, holds up neither the drive nor the run. One call at a time.
pub trait Journal: Send + Sync {
    /// Keeps the mark in place of the one before it: durable when it returns, and never half of it.
    /// A mark of 0 bytes takes back what was recorded before: it was found to be untrue.
    ///
    /// # Errors
    /// It was not kept. The run goes on, says so in its outcome, and tries again later.
    fn record(&self, mark: &Mark) -> io::Result<()>;

    /// Ends the ledger for good: nothing may be resumed from it any more, not after a crash either.
    /// The engine calls it before the first byte of a second pass. A `record` that comes after it,
    /// from a thread that was left behind, must be refused.
    ///
    /// After the end of a run the engine leaves it to the caller, who closes the ledger when the
    /// outcome is where a power cut cannot take it: until then a resumed run costs a read-back
    /// instead of a whole erasure.
    ///
    /// # Errors
    /// It could not be ended. The run goes on all the same: a ledger that is resumed in vain costs
    /// time and proves nothing.
    fn close(&self) -> io::Result<()>;
}

#[cfg(test)]
mod tests {
    use super::Mark;
    use crate::outcome::ByteRange;
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
    use std::collections::BTreeSet;

    fn range(start: u64, end: u64) -> ByteRange {
        ByteRange { start, end }
    }

    fn sectors(ranges: &[ByteRange]) -> BTreeSet<u64> {
        ranges
            .iter()
            .flat_map(|range| range.start / 512..range.end / 512)
            .collect()
    }

    proptest! {
        #[test]
        fn mark_keeps_exactly_what_is_unfinished(
            count in 1_u64..60, parts in proptest::collection::vec((0_u64..60, 1_u64..9), 0..12),
        ) {
            let capacity = count * 512;
            let unfinished: Vec<_> = parts
                .iter()
                .map(|(start, length)| range(start % count * 512, (start % count + length).min(count) * 512))
                .collect();
            let wanted = sectors(&unfinished);
            let mark = Mark::without(unfinished, capacity);
            prop_assert_eq!(mark.check(capacity, 512), Ok(()));
            prop_assert_eq!(sectors(&mark.left(capacity)), wanted.clone());
            let written = sectors(&mark.written());
            prop_assert!(written.is_disjoint(&wanted));
            prop_assert_eq!(written.len() as u64 + wanted.len() as u64, count);
            prop_assert_eq!(mark.written_bytes(), written.len() as u64 * 512);
        }
    }

    #[test]
    fn mark_that_no_drive_of_this_size_can_have_is_malformed() {
        let mark = |mark_bytes, holes: &[(u64, u64)]| {
            let holes = holes.iter().map(|(start, end)| range(*start, *end));
            Mark {
                mark_bytes,
                holes: holes.collect(),
            }
        };
        let capacity = 100 * 512;
        assert_eq!(mark(0, &[]).check(capacity, 512), Ok(()));
        assert_eq!(mark(capacity, &[(0, 512)]).check(capacity, 512), Ok(()));
        for wrong in [
            mark(capacity + 512, &[]),
            mark(u64::MAX, &[]),
            mark(1000, &[]),
            mark(5120, &[(0, 513)]),
            mark(5120, &[(1, 512)]),
            mark(5120, &[(512, 512)]),
            mark(5120, &[(1024, 512)]),
            mark(5120, &[(1024, 2048), (0, 512)]),
            mark(5120, &[(0, 1024), (512, 2048)]),
            mark(5120, &[(0, 1024), (1024, 2048)]),
            mark(5120, &[(4608, 5632)]),
            mark(0, &[(0, 512)]),
        ] {
            assert!(wrong.check(capacity, 512).is_err(), "{wrong:?}");
        }
        assert!(mark(0, &[]).check(capacity, 0).is_err());
    }
}
