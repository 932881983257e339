//! How a drive's speed changes from its first byte to its last, as *work*: the share of a phase's
//! time that a share of its bytes takes. Equal work takes equal time, so the time left is the work
//! left at the pace of the work done.
//!
//! A rotating drive keeps its revolutions and, about, its bits per inch along the track. Its rate at
//! a radius is proportional to the radius, the bytes within it to the radius's square: so **the
//! square of the rate falls in a straight line** with the share `x` of the bytes done, `rate²(x) =
//! rate²(0) × (1 - fall × x)`. An inner track has about half of the outer one's length, which makes
//! `fall` about 3/4. The first phase begins with that and is corrected by what its zones took; later
//! phases follow the first one's zones as they were measured.
//!
//! It knows no clock: times are seconds since the phase began.

/// What is expected of a drive's speed before it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Profile {
    /// Platters: it falls by about half from the outer tracks to the inner ones.
    Rotating,
    /// The same everywhere: flash, and what does not say what it is.
    #[default]
    Even,
}

/// Zones of equal bytes that a phase is measured in.
const ZONES: usize = 64;

/// `fall` for an inner rate of half of the outer one: 1 - 0.5².
const FALL_EXPECTED: f64 = 0.75;

/// Steepest fall that is believed: an inner rate of 0.3 of the outer one.
const FALL_MAX: f64 = 0.91;

/// How many zones must be measured before they say anything about the fall.
const ZONES_TO_FIT: usize = 9;

/// Weight of the expectation against the measured fall of a share `x` of the drive, which weighs
/// `x²`. The error of a slope measured over `x` shrinks with `1 / x`: about 0.085 at the half, when a
/// zone's rate is measured to 1 % (thirds `2x / 3` apart, their squares 2 % off each). Drives' own
/// falls lie about 0.08 around the expectation (inner rates of 0.45 to 0.6). So both weigh about the
/// same at the half.
const EXPECTATION_WEIGHT: f64 = 0.28;

/// Zones whose median stands for the one in their middle: a stall or a short row of bad sectors is
/// of its phase, not of the drive.
const SMOOTH: usize = 5;

/// One drive's curve, and the measurement of the phase under way.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    profile: Profile,
    fall: f64,
    /// Work done at each border between zones, from the first whole phase.
    learned: Option<[f32; ZONES + 1]>,
    /// Seconds at which the phase passed each border.
    passed: [f32; ZONES + 1],
    /// Borders passed so far.
    borders: usize,
    /// Seconds and share at the newest answer.
    newest: (f64, f64),
}

impl Curve {
    pub(crate) fn new(profile: Profile) -> Self {
        Self {
            profile,
            fall: FALL_EXPECTED,
            learned: None,
            passed: [0.0; ZONES + 1],
            borders: 0,
            newest: (0.0, 0.0),
        }
    }

    /// A phase begins: nothing of it is measured.
    pub(crate) fn begin(&mut self) {
        self.borders = 0;
    }

    /// This share of the phase is done at this moment.
    pub(crate) fn moved(&mut self, seconds: f64, share: f64) {
        if self.borders == 0 {
            // The phase's clock starts here: until its first answer a drive may be spinning up.
            self.newest = (seconds, 0.0);
        }
        let (seconds_before, share_before) = self.newest;
        let passed = ((share * ZONES as f64) as usize + 1).min(ZONES + 1);
        let news = self.borders < passed;
        while self.borders < passed {
            let border = self.borders as f64 / ZONES as f64;
            let part = if share > share_before {
                (border - share_before) / (share - share_before)
            } else {
                0.0
            };
            let at = seconds_before + (seconds - seconds_before) * part.clamp(0.0, 1.0);
            self.passed[self.borders] = at as f32;
            self.borders += 1;
        }
        self.newest = (seconds, share);
        if news && self.learned.is_none() && self.profile == Profile::Rotating {
            self.fit();
        }
    }

    /// The phase is over. Where all of it was measured: how many seconds such a phase takes without
    /// stalls.
    pub(crate) fn end(&mut self) -> Option<f64> {
        if self.borders <= ZONES {
            return None;
        }
        let seconds = self.smoothed();
        let total: f64 = seconds.iter().sum();
        if total <= 0.0 {
            return None;
        }
        if self.learned.is_none() {
            let mut work = [0.0; ZONES + 1];
            let mut done = 0.0;
            for (zone, seconds) in seconds.iter().enumerate() {
                done += seconds / total;
                work[zone + 1] = done as f32;
            }
            self.learned = Some(work);
        }
        Some(total)
    }

    /// Work, from 0 to 1, of a share of a phase, from 0 to 1. Never falls.
    pub(crate) fn work(&self, share: f64) -> f64 {
        let share = share.clamp(0.0, 1.0);
        match (self.profile, &self.learned) {
            (Profile::Even, _) => share,
            (Profile::Rotating, None) => falling(share, self.fall),
            (Profile::Rotating, Some(work)) => {
                let zone = ((share * ZONES as f64) as usize).min(ZONES - 1);
                let (from, to) = (f64::from(work[zone]), f64::from(work[zone + 1]));
                (from + (to - from) * (share * ZONES as f64 - zone as f64)).min(1.0)
            }
        }
    }

    fn zone_seconds(&self, zone: usize) -> f64 {
        f64::from(self.passed[zone + 1] - self.passed[zone]).max(0.0)
    }

    /// Seconds of each zone, outliers replaced by their neighbours' median.
    fn smoothed(&self) -> [f64; ZONES] {
        std::array::from_fn(|zone| {
            let first = zone.saturating_sub(SMOOTH / 2).min(ZONES - SMOOTH);
            let mut window: [f64; SMOOTH] = std::array::from_fn(|at| self.zone_seconds(first + at));
            median(&mut window)
        })
    }

    /// A resistant line (Tukey) through the squares of the zones' rates: the medians of the first and
    /// of the last third of what is measured.
    fn fit(&mut self) {
        let zones = self.borders.saturating_sub(1);
        if zones < ZONES_TO_FIT {
            return;
        }
        let third = zones / 3;
        let square = |first: usize| {
            let mut seconds = [0.0; ZONES];
            let seconds = &mut seconds[..third];
            for (at, seconds) in seconds.iter_mut().enumerate() {
                *seconds = self.zone_seconds(first + at);
            }
            // The median's place is not changed by taking the square of the inverse.
            median(seconds).powi(-2)
        };
        let (first, last) = (square(0), square(zones - third));
        let centre = third as f64 / 2.0 / ZONES as f64;
        let apart = (zones - third) as f64 / ZONES as f64;
        let slope = (first - last) / apart;
        let fall = slope / (first + slope * centre);
        if !fall.is_finite() {
            return;
        }
        let measured = (zones as f64 / ZONES as f64).powi(2);
        let weight = measured / (measured + EXPECTATION_WEIGHT);
        let fall = FALL_EXPECTED + (fall.clamp(0.0, FALL_MAX) - FALL_EXPECTED) * weight;
        self.fall = fall.clamp(0.0, FALL_MAX);
    }
}

/// The integral of `1 / sqrt(1 - fall × x)`, as a share of the whole.
fn falling(share: f64, fall: f64) -> f64 {
    if fall < 1e-6 {
        return share;
    }
    let root = |x: f64| 1.0 - (1.0 - fall * x).sqrt();
    root(share) / root(1.0)
}

/// The median; of an even number the upper one. 0 of nothing.
fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::{Curve, FALL_EXPECTED, Profile, ZONES, falling};
    use proptest::prelude::{any, prop_assert, proptest};

    /// Moves through a share of a phase in steps; a step takes what `seconds` says of its middle.
    fn phase(curve: &mut Curve, until: f64, seconds: impl Fn(f64) -> f64) {
        curve.begin();
        let (steps, mut now) = (64 * 20, 7.0);
        curve.moved(now, 0.0);
        for step in 0..(until * f64::from(steps)) as u32 {
            let middle = (f64::from(step) + 0.5) / f64::from(steps);
            now += seconds(middle);
            curve.moved(now, f64::from(step + 1) / f64::from(steps));
        }
    }

    fn slower(inner: f64) -> impl Fn(f64) -> f64 {
        move |x| 0.1 / (1.0 - (1.0 - inner * inner) * x).sqrt()
    }

    #[test]
    fn half_of_the_rate_inside_makes_the_second_half_longer() {
        let curve = Curve::new(Profile::Rotating);
        // By hand: (1 - sqrt(1 - 0.75 / 2)) / (1 - sqrt(0.25)).
        assert!((curve.work(0.5) - 0.418_861).abs() < 1e-6);
        assert!((Curve::new(Profile::Even).work(0.3) - 0.3).abs() < 1e-12);
    }

    #[test]
    fn fall_is_corrected_by_what_is_measured() {
        for inner in [0.4, 0.6, 0.7] {
            let truth = 1.0 - inner * inner;
            let mut before = FALL_EXPECTED;
            for until in [0.25, 0.5, 0.75] {
                let mut curve = Curve::new(Profile::Rotating);
                phase(&mut curve, until, slower(inner));
                let (error, error_before) = ((curve.fall - truth).abs(), (before - truth).abs());
                assert!(error < error_before, "{inner} at {until}: {}", curve.fall);
                before = curve.fall;
            }
        }
    }

    #[test]
    fn bad_zones_and_stalls_do_not_tilt_the_curve() {
        let mut curve = Curve::new(Profile::Rotating);
        let bad = |x: f64| (0.1..0.13).contains(&x) || (0.6..0.601).contains(&x);
        phase(&mut curve, 0.7, |x| {
            slower(0.5)(x) * if bad(x) { 400.0 } else { 1.0 }
        });
        assert!((curve.fall - FALL_EXPECTED).abs() < 0.04, "{}", curve.fall);
    }

    #[test]
    fn whole_phase_is_learned_without_its_stalls() {
        // Three steps, which no formula describes.
        let step = |x: f64| if x < 0.25 { 0.1 } else { 0.2 };
        let stall = |x: f64| {
            if (0.5..0.501).contains(&x) {
                600.0
            } else {
                0.0
            }
        };
        let mut curve = Curve::new(Profile::Rotating);
        phase(&mut curve, 1.0, |x| step(x) + stall(x));
        let seconds = curve.end().unwrap();
        let wanted = 320.0 * 0.1 + 960.0 * 0.2;
        assert!((seconds / wanted - 1.0).abs() < 0.01, "{seconds}");
        assert!((curve.work(0.25) - 32.0 / wanted).abs() < 0.005);
        // A second phase does not replace it.
        phase(&mut curve, 1.0, |_| 0.1);
        assert!(curve.end().is_some());
        assert!((curve.work(0.25) - 32.0 / wanted).abs() < 0.005);
    }

    #[test]
    fn phase_that_was_not_whole_teaches_nothing() {
        let mut curve = Curve::new(Profile::Rotating);
        phase(&mut curve, 0.99, |_| 0.1);
        assert_eq!(curve.end(), None);
        assert!(curve.learned.is_none());
        assert_eq!(Curve::new(Profile::Even).end(), None);
    }

    proptest! {
        #[test]
        fn work_rises_from_nothing_to_all_whatever_was_measured(
            steps in proptest::collection::vec((0_u32..1_000_000, 0_u32..200), 0..300), rotating in any::<bool>(),
        ) {
            let profile = if rotating { Profile::Rotating } else { Profile::Even };
            let mut curve = Curve::new(profile);
            for _ in 0..2 {
                curve.begin();
                let (mut now, mut share) = (0.0, 0.0);
                for (millis, per_mille) in &steps {
                    now += f64::from(*millis) / 1e3;
                    share = f64::min(share + f64::from(*per_mille) / 1e3, 1.0);
                    curve.moved(now, share);
                }
                let mut before = 0.0;
                for step in 0..=3 * ZONES {
                    let work = curve.work(step as f64 / (3 * ZONES) as f64);
                    prop_assert!((before..=1.0).contains(&work), "{} after {}", work, before);
                    before = work;
                }
                prop_assert!(curve.work(0.0) == 0.0 && curve.work(1.0) > 0.999_99);
                if let Some(seconds) = curve.end() {
                    prop_assert!(seconds.is_finite() && seconds > 0.0);
                }
            }
        }

        #[test]
        fn falling_rate_is_a_curve_of_work(share in 0.0..=1.0_f64, fall in 0.0..=0.91_f64) {
            let work = falling(share, fall);
            prop_assert!((0.0..=1.0).contains(&work) && work <= share + 1e-9);
        }
    }
}
