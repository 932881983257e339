//! What was measured, and what may be said of it: medians, their bounds, ratios within a round.

use serde::Serialize;

/// One run of one program over all drives of a setting.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Run {
    /// Until every drive has been written to. Of raz's engine: from its start to the last drive's
    /// first write sent; of whole processes: from their start to the last drive's first movement.
    pub first_write_seconds: Option<f64>,
    /// The slowest drive's write phase; None where the program writes nothing.
    pub write_seconds: Option<f64>,
    /// The slowest drive's read phase; None where the program reads nothing back.
    pub verify_seconds: Option<f64>,
    /// The whole process, less the rests that the bench asks for.
    pub wall_seconds: f64,
    /// CPU time of the process; the kernel's own threads that serve loop devices are not in it.
    pub user_seconds: f64,
    /// The same, in the kernel.
    pub system_seconds: f64,
    /// Peak resident memory, of all processes together; huge pages of fio are not in it.
    pub rss_peak_bytes: u64,
    /// The part of it in transparent huge pages, where raz's engine says it.
    pub huge_pages_bytes: Option<u64>,
}

impl Run {
    /// Write and read phase together, of what has both.
    pub fn phases_seconds(&self) -> Option<f64> {
        Some(self.write_seconds? + self.verify_seconds?)
    }
}

/// A median with the least and the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// None of nothing.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let upper = *sorted.get(sorted.len() / 2)?;
        let median = if sorted.len() % 2 == 1 {
            upper
        } else {
            (sorted.get(sorted.len() / 2 - 1)? + upper) / 2.0
        };
        Some(Self { median, min, max })
    }

    /// `1.23 (1.10–1.31)`.
    pub fn shown(&self) -> String {
        self.with_digits(2)
    }

    /// `1.234 (1.101–1.312)`: for what is held against a bound that two digits would blur.
    pub fn shown_finely(&self) -> String {
        self.with_digits(if self.max < 10.0 { 3 } else { 1 })
    }

    fn with_digits(&self, digits: usize) -> String {
        let Self { median, min, max } = self;
        format!("{median:.digits$} ({min:.digits$}–{max:.digits$})")
    }
}

/// One program's runs in one setting, a run a round.
#[derive(Clone, Debug, Serialize)]
pub struct Subject {
    pub name: String,
    /// Enough to run it by hand.
    pub command: String,
    /// What one run writes, all drives and passes together.
    pub bytes: u64,
    pub runs: Vec<Run>,
}

impl Subject {
    /// Spread of a figure over the rounds; None when a round has it not.
    pub fn spread(&self, figure: impl Fn(&Run) -> Option<f64>) -> Option<Spread> {
        let values: Option<Vec<f64>> = self.runs.iter().map(figure).collect();
        Spread::of(values?)
    }

    /// Spread of `baseline ÷ own` seconds, round by round: neighbours in time share the machine's
    /// mood. Above 1 is faster than the baseline.
    pub fn speed(&self, baseline: &Self, seconds: impl Fn(&Run) -> Option<f64>) -> Option<Spread> {
        let ratios: Option<Vec<f64>> = self
            .runs
            .iter()
            .zip(&baseline.runs)
            .map(|(own, base)| Some(seconds(base)? / seconds(own)?))
            .collect();
        Spread::of(ratios?)
    }
}

/// What a measured figure is wanted to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    AtLeast(f64),
    AtMost(f64),
}

impl Wanted {
    pub fn is_met(self, measured: f64) -> bool {
        match self {
            Self::AtLeast(bound) => measured >= bound,
            Self::AtMost(bound) => measured <= bound,
        }
    }

    /// `wanted ≥ 0.85: met`.
    pub fn shown(self, measured: f64) -> String {
        let (sign, bound) = match self {
            Self::AtLeast(bound) => ('≥', bound),
            Self::AtMost(bound) => ('≤', bound),
        };
        let verdict = if self.is_met(measured) {
            "met"
        } else {
            "not met"
        };
        format!("wanted {sign} {bound:.2}: {verdict}")
    }
}

/// A measured ratio or cost, with its target where there is one. The median is what counts.
#[derive(Debug, Serialize)]
pub struct Finding {
    pub subject: String,
    pub figure: &'static str,
    pub measured: Spread,
    pub wanted: Option<Wanted>,
    /// Whether the median meets it.
    pub met: Option<bool>,
}

impl Finding {
    /// None where nothing was measured.
    pub fn new(
        subject: &str,
        figure: &'static str,
        measured: Option<Spread>,
        wanted: Option<Wanted>,
    ) -> Option<Self> {
        let measured = measured?;
        Some(Self {
            subject: subject.to_owned(),
            figure,
            measured,
            wanted,
            met: wanted.map(|wanted| wanted.is_met(measured.median)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(write_seconds: &[f64], verify_seconds: Option<f64>) -> Subject {
        let run = |write| Run {
            write_seconds: Some(write),
            verify_seconds,
            wall_seconds: 9.0,
            ..Run::default()
        };
        Subject {
            name: String::new(),
            command: String::new(),
            bytes: 0,
            runs: write_seconds.iter().copied().map(run).collect(),
        }
    }

    #[test]
    fn median_of_odd_even_and_no_values() {
        let odd = Spread::of([3.0, 1.0, 10.0]).expect("three values");
        assert_eq!((odd.min, odd.median, odd.max), (1.0, 3.0, 10.0));
        let even = Spread::of([4.0, 1.0, 3.0, 2.0]).expect("four values");
        assert_eq!((even.min, even.median, even.max), (1.0, 2.5, 4.0));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn three_digits_tell_what_two_would_blur() {
        let near = Spread::of([0.976]).expect("a value");
        assert_eq!(near.shown(), "0.98 (0.98–0.98)");
        assert_eq!(near.shown_finely(), "0.976 (0.976–0.976)");
        let large = Spread::of([123.45]).expect("a value");
        assert_eq!(large.shown_finely(), "123.5 (123.5–123.5)");
    }

    #[test]
    fn ratios_pair_the_runs_of_one_round() {
        let baseline = subject(&[1.0, 2.0, 4.0], None);
        let own = subject(&[2.0, 2.0, 2.0], None);
        let speed = own.speed(&baseline, |run| run.write_seconds);
        assert_eq!(
            speed.map(|it| (it.min, it.median, it.max)),
            Some((0.5, 1.0, 2.0))
        );
    }

    #[test]
    fn what_reads_nothing_back_has_no_verify_and_no_phases() {
        let own = subject(&[2.0], None);
        assert_eq!(own.spread(|run| run.verify_seconds), None);
        assert_eq!(own.spread(Run::phases_seconds), None);
        assert_eq!(
            subject(&[2.0], Some(1.5)).runs[0].phases_seconds(),
            Some(3.5)
        );
    }

    #[test]
    fn targets_are_met_on_their_own_side() {
        assert!(Wanted::AtLeast(0.85).is_met(0.85) && !Wanted::AtLeast(0.85).is_met(0.849));
        assert!(Wanted::AtMost(0.22).is_met(0.22) && !Wanted::AtMost(0.22).is_met(0.23));
        assert_eq!(Wanted::AtLeast(0.85).shown(0.9), "wanted ≥ 0.85: met");
        assert_eq!(Wanted::AtMost(0.22).shown(0.9), "wanted ≤ 0.22: not met");
    }
}
