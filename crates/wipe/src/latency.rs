//! How long a drive took to answer, as a histogram of fixed size.
//!
//! Buckets are log-linear, as in HdrHistogram: sixteen of equal width to each power of two, in whole
//! microseconds up to 71 minutes. A percentile is off by at most 1/32 of itself, and by nothing below
//! 32 µs; the longest answer is exact to the microsecond. Counting is an addition; nothing is
//! allocated.

use std::time::Duration;

/// A power of two is cut into two to this power.
const CUT_BITS: u32 = 4;
const CUTS: usize = 1 << CUT_BITS;
/// Values below `CUTS` have a bucket each, then `CUTS` to each higher power of two of a `u32`.
const BUCKETS: usize = CUTS * (u32::BITS - CUT_BITS + 1) as usize;

/// Answer times of one phase.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: [u32; BUCKETS],
    total: u64,
    max_micros: u32,
}

// One for each of sixty drives, within 2 MiB a drive for everything.
const _: () = assert!(size_of::<Histogram>() <= 2048);

/// How long a drive took to answer, from the request's submission until the engine takes its
/// answer; an error counts like a success. See the module for the error bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// Half of the answers came within this.
    pub p50: Duration,
    /// 99 of 100 answers came within this.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: [0; BUCKETS],
            total: 0,
            max_micros: 0,
        }
    }
}

impl Histogram {
    /// Counts one answer; what took longer than 71 minutes counts as 71 minutes.
    pub(crate) fn add(&mut self, took: Duration) {
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        let count = &mut self.counts[bucket(micros)];
        *count = count.saturating_add(1);
        self.total += 1;
        self.max_micros = self.max_micros.max(micros);
    }

    /// The percentiles, when anything was counted.
    pub(crate) fn latency(&self) -> Option<Latency> {
        (self.total > 0).then(|| Latency {
            p50: self.percentile(50),
            p99: self.percentile(99),
            max: Duration::from_micros(self.max_micros.into()),
        })
    }

    /// By nearest rank: the least value that so many percent of the answers do not exceed.
    fn percentile(&self, percent: u64) -> Duration {
        let rank = (u128::from(self.total) * u128::from(percent)).div_ceil(100);
        let mut seen = 0;
        let found = self.counts.iter().position(|&count| {
            seen += u128::from(count);
            seen >= rank
        });
        let micros = found.map_or(self.max_micros, middle).min(self.max_micros);
        Duration::from_micros(micros.into())
    }
}

fn bucket(micros: u32) -> usize {
    let Some(power) = micros.checked_ilog2().filter(|power| *power >= CUT_BITS) else {
        return micros as usize;
    };
    let shift = power - CUT_BITS;
    // The leading one of the shifted value counts as `CUTS`: the row below this power's.
    (shift as usize) * CUTS + (micros >> shift) as usize
}

/// The middle of a bucket, rounded down.
fn middle(bucket: usize) -> u32 {
    if bucket < 2 * CUTS {
        return bucket as u32;
    }
    let shift = bucket / CUTS - 1;
    let first = ((CUTS + bucket % CUTS) as u32) << shift;
    first + ((1 << shift) - 1) / 2
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, Histogram, bucket, middle};
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use std::time::Duration;

    fn of(micros: &[u32]) -> Histogram {
        let mut histogram = Histogram::default();
        for &micros in micros {
            histogram.add(Duration::from_micros(micros.into()));
        }
        histogram
    }

    #[test]
    fn buckets_follow_each_other_without_gap() {
        assert_eq!(bucket(0), 0);
        assert_eq!(bucket(u32::MAX), BUCKETS - 1);
        for edge in (0..32).map(|power| 1_u32 << power).filter(|edge| *edge > 1) {
            assert_eq!(bucket(edge), bucket(edge - 1) + 1, "{edge}");
        }
        for index in 0..BUCKETS {
            assert_eq!(bucket(middle(index)), index);
        }
    }

    #[test]
    fn nothing_counted_has_no_percentiles() {
        assert_eq!(Histogram::default().latency(), None);
    }

    #[test]
    fn one_slow_answer_in_a_hundred_is_the_maximum_and_not_the_99th_percentile() {
        let mut micros = vec![4000; 99];
        micros.push(30_000_000);
        let latency = of(&micros).latency().unwrap();
        assert_eq!(latency.max, Duration::from_secs(30));
        assert!(latency.p99 < Duration::from_millis(5), "{latency:?}");
        micros.push(30_000_000);
        assert!(of(&micros).latency().unwrap().p99 > Duration::from_secs(29));
    }

    #[test]
    fn answer_of_hours_counts_as_the_longest_that_fits() {
        let mut histogram = Histogram::default();
        histogram.add(Duration::from_secs(1 << 40));
        let longest = Duration::from_micros(u32::MAX.into());
        assert_eq!(histogram.latency().unwrap().max, longest);
    }

    proptest! {
        #[test]
        fn percentiles_are_those_of_the_sorted_list_within_the_bound(
            mut micros in proptest::collection::vec((any::<u32>(), 0_u32..32), 1..400),
        ) {
            // All magnitudes alike.
            let mut micros: Vec<u32> = micros.drain(..).map(|(value, shift)| value >> shift).collect();
            let latency = of(&micros).latency().unwrap();
            micros.sort_unstable();
            prop_assert_eq!(latency.max.as_micros(), u128::from(*micros.last().unwrap()));
            for (percent, found) in [(50, latency.p50), (99, latency.p99)] {
                let rank = (micros.len() * percent).div_ceil(100);
                let (exact, found) = (i64::from(micros[rank - 1]), found.as_micros() as i64);
                prop_assert!((found - exact).abs() * 32 <= exact, "{}: {} for {}", percent, found, exact);
                if exact < 32 {
                    prop_assert_eq!(found, exact);
                }
            }
            prop_assert!(latency.p50 <= latency.p99 && latency.p99 <= latency.max);
        }
    }
}
