//! A sampled read-back in the words of the wire schema: which sectors were read, and what that
//! can miss. The rules and the formulas are those of [`wipe::sample`].

use report::schema::{self, Arrangement, Missed};
use wipe::outcome::SampleProof;
use wipe::sample::odds::Residue;
use wipe::sample::{CONTEXT, SUBSECTIONS, Samples};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The part of a report beside a sampled read-back.
#[must_use]
pub fn sample(samples: &Samples) -> schema::Sample {
    schema::Sample {
        derivation: CONTEXT.into(),
        seed: hex::encode(samples.seed().0),
        share_percent: samples.share().percent().into(),
        subsections: SUBSECTIONS,
        sectors: samples.sectors_read(),
        sectors_total: samples.sectors_total(),
        missed: missed(samples),
    }
}

/// A sector, a file, a partition in one piece; a small file and a larger one in scattered sectors.
/// Residues larger than the drive are left out.
fn missed(samples: &Samples) -> Vec<Missed> {
    let residues = [
        Residue::Run(1),
        run_of(samples, MIB),
        run_of(samples, GIB),
        Residue::Scattered(10),
        Residue::Scattered(100),
    ];
    let one = |residue: Residue| {
        let (arrangement, sectors) = match residue {
            Residue::Run(sectors) => (Arrangement::Contiguous, sectors),
            Residue::Scattered(sectors) => (Arrangement::Scattered, sectors),
        };
        Some(Missed {
            arrangement,
            sectors,
            bytes: sectors * u64::from(samples.sector_bytes()),
            probability: rounded_up(samples.miss_probability(residue)?, 6),
        })
    };
    residues.into_iter().filter_map(one).collect()
}

/// A run of not more than so many bytes: a shorter one is missed more easily.
fn run_of(samples: &Samples, bytes: u64) -> Residue {
    Residue::Run((bytes / u64::from(samples.sector_bytes())).max(1))
}

/// Rounded up to so many decimals, so that 0 is said of what cannot be missed only.
fn rounded_up(probability: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    ((probability * scale).ceil() / scale).min(1.0)
}

/// The numbers in the sentence on a sample.
pub struct Figures {
    /// Sectors read back.
    pub sectors: u64,
    /// Sectors of the drive.
    pub sectors_total: u64,
    /// What was read, in percent, rounded down.
    pub percent: String,
    /// Probability that one sector left unwritten is missed, rounded up.
    pub sector_missed: String,
    /// The same of 1 MiB in one run.
    pub mebibyte_missed: String,
}

/// Of the pass of which the fewest sectors were read.
#[must_use]
pub fn figures(proof: &SampleProof) -> Figures {
    let (samples, sectors) = (proof.samples(), proof.sectors_read());
    let missed = |residue| {
        let probability = samples.miss_probability(residue).unwrap_or(1.0);
        format!("{:.3}", rounded_up(probability, 3))
    };
    let hundredths = u128::from(sectors) * 10_000 / u128::from(samples.sectors_total());
    Figures {
        sectors,
        sectors_total: samples.sectors_total(),
        percent: format!("{}.{:02}", hundredths / 100, hundredths % 100),
        sector_missed: missed(Residue::Run(1)),
        mebibyte_missed: missed(run_of(samples, MIB)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrangement, missed, rounded_up};
    use wipe::pattern::Seed;
    use wipe::sample::{Samples, Share};

    #[test]
    fn probabilities_are_never_understated() {
        assert!(rounded_up(f64::MIN_POSITIVE, 6) > 0.0);
        assert_eq!(rounded_up(0.0, 6), 0.0);
        assert_eq!(rounded_up(0.899_911, 3), 0.9);
        assert_eq!(rounded_up(0.999_999_9, 6), 1.0);
    }

    #[test]
    fn one_terabyte_drive_names_what_ten_percent_can_miss() {
        let samples = Samples::new(Seed([9; 32]), Share::MIN, 1_000_204_886_016, 512).unwrap();
        let said: Vec<_> = missed(&samples)
            .into_iter()
            .map(|missed| (missed.arrangement, missed.bytes, missed.probability))
            .collect();
        let sizes: Vec<_> = said
            .iter()
            .map(|(kind, bytes, _)| (*kind, *bytes))
            .collect();
        assert_eq!(
            sizes,
            [
                (Arrangement::Contiguous, 512),
                (Arrangement::Contiguous, 1 << 20),
                (Arrangement::Contiguous, 1 << 30),
                (Arrangement::Scattered, 5120),
                (Arrangement::Scattered, 51_200),
            ]
        );
        // A sector and a mebibyte are missed nine times in ten; a gibibyte is longer than a
        // sub-section, and ten percent miss it still in about one case of a hundred.
        let near = |at: usize, low: f64, high: f64| (low..high).contains(&said[at].2);
        assert!(near(0, 0.899, 0.901) && near(1, 0.897, 0.9), "{said:?}");
        assert!(near(2, 0.0102, 0.0104), "{said:?}");
        assert!(
            near(3, 0.348, 0.349) && near(4, 0.000_026, 0.000_028),
            "{said:?}"
        );
    }

    #[test]
    fn residue_larger_than_the_drive_is_not_named() {
        let samples = Samples::new(Seed([9; 32]), Share::MIN, 512 * 40_000, 512).unwrap();
        assert_eq!(missed(&samples).len(), 4);
    }
}
