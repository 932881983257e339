//! A list of byte ranges that stays small: merged, ascending, and cut at a bound, while the bytes
//! in it are counted exactly.

use crate::outcome::ByteRange;

/// Ranges as they are found, in any order, each byte once.
#[derive(Clone, Debug, Default)]
pub(crate) struct RangeList {
    ranges: Vec<ByteRange>,
    bytes: u64,
    limit: usize,
    is_cut: bool,
}

impl RangeList {
    /// A list that names at most `limit` merged ranges.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            ranges: Vec::new(),
            bytes: 0,
            limit,
            is_cut: false,
        }
    }

    /// Adds a range that shares no byte with those added before.
    pub(crate) fn add(&mut self, range: ByteRange) {
        self.bytes += range.len();
        match self.ranges.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            Some(_) | None => self.ranges.push(range),
        }
        if self.ranges.len() > 2 * self.limit.max(1) {
            self.settle();
        }
    }

    /// All bytes added, also of ranges that the list has no room for.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Every range added, in any order; `None` once one found no room.
    pub(crate) fn all(&self) -> Option<&[ByteRange]> {
        (!self.is_cut).then_some(&self.ranges)
    }

    /// The ranges, merged and ascending; the lowest `limit` of them.
    pub(crate) fn into_ranges(mut self) -> Vec<ByteRange> {
        self.settle();
        self.ranges
    }

    fn settle(&mut self) {
        self.ranges = merged(std::mem::take(&mut self.ranges));
        self.is_cut |= self.ranges.len() > self.limit;
        self.ranges.truncate(self.limit);
    }
}

/// The union of ranges: ascending, none touching another.
pub(crate) fn merged(mut ranges: Vec<ByteRange>) -> Vec<ByteRange> {
    ranges.sort_unstable();
    let mut union: Vec<ByteRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match union.last_mut() {
            Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
            Some(_) | None => union.push(range),
        }
    }
    union
}

#[cfg(test)]
mod tests {
    use super::{ByteRange, RangeList, merged};

    fn range(start: u64, end: u64) -> ByteRange {
        ByteRange { start, end }
    }

    #[test]
    fn neighbours_merge_whatever_their_order() {
        let mut list = RangeList::new(10);
        for (start, end) in [(8, 10), (0, 2), (4, 8), (2, 3)] {
            list.add(range(start, end));
        }
        assert_eq!(list.bytes(), 9);
        assert_eq!(list.all().map(|all| merged(all.to_vec()).len()), Some(2));
        assert_eq!(list.into_ranges(), [range(0, 3), range(4, 10)]);
    }

    #[test]
    fn full_list_still_counts_every_byte() {
        let mut list = RangeList::new(3);
        (0..100)
            .rev()
            .for_each(|n| list.add(range(n * 10, n * 10 + 1)));
        assert_eq!(list.bytes(), 100);
        assert_eq!(list.all(), None);
        assert_eq!(
            list.into_ranges(),
            [range(0, 1), range(10, 11), range(20, 21)]
        );
    }
}
