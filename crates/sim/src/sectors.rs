//! A set of sectors that may have billions of members: kept as ranges.

use std::collections::BTreeMap;
use std::ops::Range;

/// Sectors by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sectors {
    /// Start to end, neither empty nor touching one another.
    ranges: BTreeMap<u64, u64>,
}

impl Sectors {
    /// Adds a range; what is in the set already stays.
    pub fn insert(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let (mut start, mut end) = (range.start, range.end);
        while let Some((&from, &to)) = self.ranges.range(..=end).next_back() {
            if to < start {
                break;
            }
            (start, end) = (start.min(from), end.max(to));
            self.ranges.remove(&from);
        }
        self.ranges.insert(start, end);
    }

    /// Takes a range out.
    pub fn remove(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        while let Some((&from, &to)) = self.ranges.range(..range.end).next_back() {
            if to <= range.start {
                break;
            }
            self.ranges.remove(&from);
            if from < range.start {
                self.ranges.insert(from, range.start);
            }
            if to > range.end {
                self.ranges.insert(range.end, to);
            }
        }
    }

    /// Whether a sector of the range is in the set.
    #[must_use]
    pub fn touches(&self, range: Range<u64>) -> bool {
        let last = self.ranges.range(..range.end).next_back();
        !range.is_empty() && last.is_some_and(|(_, to)| *to > range.start)
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.ranges.iter().map(|(from, to)| to - from).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Ascending, none touching another.
    pub fn ranges(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.ranges.iter().map(|(from, to)| *from..*to)
    }

    /// The sectors below `end` that are not in the set.
    #[must_use]
    pub fn others(&self, end: u64) -> Self {
        let all = std::iter::once(0..end).collect::<Self>();
        all.without(self)
    }

    /// The members that are not `other`'s.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut left = self.clone();
        other.ranges().for_each(|range| left.remove(range));
        left
    }

    /// Whether every member is one of `other`'s.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.without(other).is_empty()
    }
}

impl FromIterator<Range<u64>> for Sectors {
    fn from_iter<T: IntoIterator<Item = Range<u64>>>(ranges: T) -> Self {
        let mut sectors = Self::default();
        ranges.into_iter().for_each(|range| sectors.insert(range));
        sectors
    }
}

#[cfg(test)]
mod tests {
    use super::Sectors;
    use crate::random::Random;

    #[test]
    fn ranges_in_any_order_are_the_same_set_as_single_sectors() {
        let mut random = Random::new(1);
        for _ in 0..200 {
            let (mut set, mut plain) = (Sectors::default(), [false; 64]);
            for _ in 0..40 {
                let start = random.below(64);
                let range = start..start + random.below(64 - start + 1);
                let adds = random.one_in(2);
                plain[range.start as usize..range.end as usize].fill(adds);
                if adds {
                    set.insert(range.clone());
                } else {
                    set.remove(range.clone());
                }
                let member = |n: &u64| plain[*n as usize];
                assert_eq!(
                    set.touches(range.clone()),
                    range.clone().any(|n| member(&n))
                );
                let single: Sectors = (0..64).filter(member).map(|n| n..n + 1).collect();
                assert_eq!(set, single);
                assert_eq!(set.count(), (0..64).filter(member).count() as u64);
                let others: Sectors = (0..64).filter(|n| !member(n)).map(|n| n..n + 1).collect();
                assert_eq!(set.others(64), others);
                assert!(set.is_within(&set) && set.is_empty() == set.is_within(&others));
            }
        }
    }
}
