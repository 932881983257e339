//! How fast a phase goes: the rate that a person sees, and the pace that the time left is reckoned
//! with.
//!
//! Two questions, two answers. The rate is the plain mean of the last ten seconds. The pace must not
//! jump at each stall or bad zone, so it is a median in which each stretch of time counts by its
//! length: what lasts for less than half of what is remembered does not change it. Times are seconds
//! since the phase began, given by the caller.

/// What "now" means for a rate.
const RATE_SECONDS: f64 = 10.0;
/// A sample a second, one more at each end.
const SAMPLES: usize = 12;

/// The mean rate of the last ten seconds, or since the phase began.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rate {
    /// Seconds and bytes, oldest first. The phase begins with 0 bytes at 0 s.
    samples: [(f64, u64); SAMPLES],
    last: usize,
    newest: (f64, u64),
}

impl Rate {
    /// So many bytes in all are done at this moment.
    pub(crate) fn moved(&mut self, seconds: f64, bytes: u64) {
        self.newest = (seconds, bytes);
        if seconds - self.samples[self.last].0 < 1.0 {
            return;
        }
        if self.last + 1 < SAMPLES {
            self.last += 1;
        } else {
            self.samples.copy_within(1.., 0);
        }
        self.samples[self.last] = self.newest;
    }

    /// Bytes per second; 0 while nothing moves.
    pub(crate) fn bytes_per_second(&self, now: f64) -> f64 {
        let from = (now - RATE_SECONDS).max(0.0);
        let bytes = self.newest.1 as f64 - self.bytes_at(from);
        let seconds = now - from;
        if seconds > 0.0 && bytes > 0.0 {
            bytes / seconds
        } else {
            0.0
        }
    }

    /// Between two samples, as if bytes had moved evenly.
    fn bytes_at(&self, moment: f64) -> f64 {
        let known = self.samples[..=self.last].iter().chain([&self.newest]);
        let mut before = self.samples[0];
        for &after in known {
            if after.0 > moment {
                let share = (moment - before.0).max(0.0) / (after.0 - before.0);
                return before.1 as f64 + (after.1 - before.1) as f64 * share;
            }
            before = after;
        }
        self.newest.1 as f64
    }
}

/// Stretches of time that are told apart.
const STRETCHES: usize = 32;

/// A phase's way so far, in at most [`STRETCHES`] stretches of about the same time. When there is no
/// room for another, pairs become one and stretches last twice as long, up to a bound; from then on
/// the oldest is forgotten.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Seconds, and the share of the phase done by then; oldest first. The first one is the first
    /// answer: a drive that has to spin up is not slow.
    marks: [(f64, f64); STRETCHES + 1],
    used: usize,
    /// How long a stretch lasts at least.
    stretch_seconds: f64,
    stretch_seconds_max: f64,
    newest: (f64, f64),
}

impl Pace {
    /// Nothing moved yet. The memory is at least `STRETCHES / 2` times `stretch_seconds_max` long
    /// once as much time has passed, and at most twice that.
    pub(crate) fn new(stretch_seconds_max: f64) -> Self {
        Self {
            marks: [(0.0, 0.0); STRETCHES + 1],
            used: 0,
            stretch_seconds: 1.0,
            stretch_seconds_max,
            newest: (0.0, 0.0),
        }
    }

    /// This share of the phase is done at this moment.
    pub(crate) fn moved(&mut self, seconds: f64, share: f64) {
        self.newest = (seconds, share);
        if self.used > 0 && seconds - self.marks[self.used - 1].0 < self.stretch_seconds {
            return;
        }
        if self.used == self.marks.len() {
            if self.stretch_seconds < self.stretch_seconds_max {
                self.stretch_seconds *= 2.0;
                self.used = STRETCHES / 2 + 1;
                for index in 1..self.used {
                    self.marks[index] = self.marks[2 * index];
                }
            } else {
                self.marks.copy_within(1.., 0);
                self.used -= 1;
            }
        }
        self.marks[self.used] = self.newest;
        self.used += 1;
    }

    /// Seconds from the first answer until now.
    pub(crate) fn seconds(&self, now: f64) -> f64 {
        if self.used == 0 {
            0.0
        } else {
            (now - self.marks[0].0).max(0.0)
        }
    }

    /// Work per second, by what `work` makes of a share of the phase; `None` in the first second and
    /// when nothing moved for half of the time.
    pub(crate) fn per_second(&self, now: f64, work: impl Fn(f64) -> f64) -> Option<f64> {
        if self.seconds(now) < 1.0 {
            return None;
        }
        // With the one that is not over yet, and the silence since the newest answer.
        let mut stretches = [(0.0, 0.0); STRETCHES + 2];
        let (mut count, mut total) = (0, 0.0);
        let mut before = self.marks[0];
        let open = [self.newest, (now, self.newest.1)];
        for &after in self.marks[1..self.used].iter().chain(&open) {
            let seconds = after.0 - before.0;
            if seconds > 0.0 {
                stretches[count] = ((work(after.1) - work(before.1)) / seconds, seconds);
                (count, total) = (count + 1, total + seconds);
            }
            before = after;
        }
        let stretches = &mut stretches[..count];
        stretches.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        let mut passed = 0.0;
        let middle = stretches.iter().find(|(_, seconds)| {
            passed += seconds;
            passed >= total / 2.0
        });
        middle.map(|(pace, _)| *pace).filter(|pace| *pace > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Pace, Rate};
    use proptest::prelude::{prop_assert, proptest};

    fn near(found: f64, wanted: f64) -> bool {
        (found - wanted).abs() <= wanted.abs() * 1e-6 + 1e-9
    }

    #[test]
    fn rate_is_of_the_last_ten_seconds() {
        let mut rate = Rate::default();
        assert!(near(rate.bytes_per_second(0.0), 0.0));
        let mut bytes = 0;
        for tenth in 1..=600 {
            bytes += if tenth <= 300 { 10 } else { 30 };
            rate.moved(f64::from(tenth) / 10.0, bytes);
        }
        assert!(near(rate.bytes_per_second(60.0), 300.0), "{rate:?}");
        // Silence counts from the last answer on.
        assert!(near(rate.bytes_per_second(65.0), 150.0));
        assert!(near(rate.bytes_per_second(70.0), 0.0));
        // What comes after it is not spread over the silence.
        rate.moved(300.0, bytes + 1);
        rate.moved(301.0, bytes + 1001);
        let found = rate.bytes_per_second(301.0);
        assert!((100.0..=100.2).contains(&found), "{found}");
    }

    #[test]
    fn rate_of_a_phase_that_just_began_is_its_mean() {
        let mut rate = Rate::default();
        rate.moved(0.5, 100);
        assert!(near(rate.bytes_per_second(0.5), 200.0));
        rate.moved(4.0, 400);
        assert!(near(rate.bytes_per_second(4.0), 100.0));
    }

    /// A phase of 1 % a second, but for the seconds that `stalled` names.
    fn pace(seconds_max: f64, until: u32, stalled: impl Fn(u32) -> bool) -> Pace {
        let mut pace = Pace::new(seconds_max);
        let mut share = 0.0;
        for second in 0..=until {
            if !stalled(second) {
                share += 0.01;
                pace.moved(f64::from(second), share);
            }
        }
        pace
    }

    #[test]
    fn stall_of_less_than_half_of_the_time_does_not_change_the_pace() {
        for until in [40, 60, 100, 1000, 5000] {
            let pace = pace(256.0, until, |second| {
                (until / 5..until * 3 / 5).contains(&second)
            });
            let found = pace.per_second(f64::from(until), |share| share).unwrap();
            assert!((0.0099..=0.0101).contains(&found), "{until}: {found}");
        }
    }

    #[test]
    fn silence_of_more_than_half_of_the_time_leaves_no_pace() {
        let pace = pace(4.0, 50, |_| false);
        assert!(pace.per_second(99.0, |share| share).is_some());
        assert_eq!(pace.per_second(103.0, |share| share), None);
    }

    #[test]
    fn first_answer_late_is_not_a_slow_drive() {
        let pace = pace(4.0, 70, |second| second < 60);
        assert!(near(pace.per_second(70.0, |share| share).unwrap(), 0.01));
    }

    #[test]
    fn change_for_good_is_followed_within_the_memory() {
        let mut pace = Pace::new(4.0);
        let mut share = 0.0;
        for second in 0..2000 {
            share += if second < 1000 { 5e-4 } else { 1e-4 };
            pace.moved(f64::from(second), share);
            if second == 1000 + 70 {
                let found = pace.per_second(f64::from(second), |share| share);
                assert!(near(found.unwrap(), 1e-4), "{found:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn pace_lies_between_the_slowest_and_the_fastest_second(
            moves in proptest::collection::vec(0_u32..1000, 2..400), seconds_max in 1_u32..70,
        ) {
            let mut pace = Pace::new(seconds_max.into());
            let mut share = 0.0;
            for (second, per_million) in moves.iter().enumerate() {
                share += f64::from(*per_million) / 1e6;
                pace.moved(second as f64, share);
            }
            let now = (moves.len() - 1) as f64;
            let fastest = f64::from(*moves[1..].iter().max().unwrap()) / 1e6;
            let slowest = f64::from(*moves[1..].iter().min().unwrap()) / 1e6;
            match pace.per_second(now, |share| share) {
                Some(found) => prop_assert!(found >= slowest * 0.999 && found <= fastest * 1.001 + 1e-12),
                None => prop_assert!(slowest == 0.0),
            }
        }
    }
}
