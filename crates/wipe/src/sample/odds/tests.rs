//! The formula against counting, where everything can be counted, and against drawn samples.

use super::{Residue, Subsection, across};
use crate::pattern::Seed;
use crate::sample::{SECTORS_MIN, SUBSECTIONS, Samples, Share};
use std::ops::Range;

/// Share of the pairs of windows that miss `taken`, by going through all of them.
fn counted(part: Subsection, taken: &Range<u64>) -> f64 {
    let (mut pairs, mut missing) = (0_u32, 0_u32);
    let apart = |start: u64| start + part.window <= taken.start || taken.end <= start;
    for low in 0..=part.sectors - 2 * part.window {
        for high in low + part.window..=part.sectors - part.window {
            pairs += 1;
            missing += u32::from(taken.is_empty() || (apart(low) && apart(high)));
        }
    }
    f64::from(missing) / f64::from(pairs)
}

fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-12 * expected.max(1.0)
}

#[test]
fn inside_a_sub_section_the_formula_is_what_counting_gives() {
    for sectors in [40, 41] {
        for window in [2, 3, 9, 18] {
            let part = Subsection { sectors, window };
            for run in 1..=sectors {
                let sum: f64 = (0..=sectors - run)
                    .map(|at| counted(part, &(at..at + run)))
                    .sum();
                assert!(close(part.inside(run), sum), "{sectors} {window} {run}");
            }
        }
    }
}

#[test]
fn across_a_border_the_formula_is_what_counting_gives() {
    let part = |sectors, window| Subsection { sectors, window };
    for (left, right) in [
        (part(40, 2), part(41, 3)),
        (part(41, 3), part(40, 2)),
        (part(43, 9), part(40, 18)),
    ] {
        for run in 1..=left.sectors + right.sectors {
            let sum: f64 = (1..run)
                .filter(|s| *s <= left.sectors && run - s <= right.sectors)
                .map(|s| {
                    counted(left, &(left.sectors - s..left.sectors)) * counted(right, &(0..run - s))
                })
                .sum();
            assert!(close(across(left, right, run), sum), "{run}");
        }
    }
}

/// Samples of one seed after another, with a residue at a place from the same generator: fixed
/// seeds, so that the test says the same every time.
#[test]
fn drawn_samples_miss_as_often_as_the_formula_says() {
    const TRIALS: u64 = 20_000;
    for (sectors, percent, run) in [
        (SECTORS_MIN, 10, 1_u64),
        (SECTORS_MIN, 10, 5),
        (SECTORS_MIN, 10, 30),
        (SECTORS_MIN, 10, 50),
        (1_000_999, 10, 50),
        (1_000_999, 10, 600),
        (1_000_999, 10, 1300),
        (1_000_999, 35, 200),
        (1_000_999, 90, 20),
    ] {
        let share = Share::new(percent).unwrap();
        let mut missed = 0_u64;
        let mut samples = None;
        for trial in 0..TRIALS {
            let mut seed = [percent; 32];
            seed[..8].copy_from_slice(&trial.to_le_bytes());
            seed[8..16].copy_from_slice(&run.to_le_bytes());
            let drawn = Samples::new(Seed(seed), share, sectors * 512, 512).unwrap();
            let place = blake3::hash(&seed);
            let (words, _) = place.as_bytes().as_chunks::<8>();
            let start = u64::from_le_bytes(words[0]) % (sectors - run + 1);
            missed += u64::from(!is_read(&drawn, &(start..start + run)));
            samples = Some(drawn);
        }
        let expected = samples
            .unwrap()
            .miss_probability(Residue::Run(run))
            .unwrap();
        let found = missed as f64 / TRIALS as f64;
        let deviation = (expected * (1.0 - expected) / TRIALS as f64).sqrt();
        assert!(
            (found - expected).abs() <= 4.0 * deviation + 1e-9,
            "{sectors} sectors, {percent} %, run of {run}: {found} missed, {expected} computed"
        );
    }
}

/// Whether a block of `run` is read.
fn is_read(samples: &Samples, run: &Range<u64>) -> bool {
    let meets = |window: Range<u64>| window.start < run.end && run.start < window.end;
    let of = |block: u64| {
        let near = (u128::from(block) * u128::from(SUBSECTIONS)
            / u128::from(samples.sectors_total())) as u32;
        let at = near.min(SUBSECTIONS - 1);
        (at.saturating_sub(1)..=(at + 1).min(SUBSECTIONS - 1))
            .find(|index| samples.subsection(*index).contains(&block))
            .unwrap()
    };
    run.contains(&0)
        || run.contains(&(samples.sectors_total() - 1))
        || (of(run.start)..=of(run.end - 1))
            .any(|index| samples.windows(index).into_iter().any(meets))
}

#[test]
fn single_block_is_missed_where_it_is_not_read() {
    let samples = Samples::new(Seed([3; 32]), Share::MIN, 512 * 1_000_000, 512).unwrap();
    // The windows take 100 of 1000 blocks; first and last are one more each in nearly all seeds,
    // each with the probability that no window has it.
    let end = 1.0 - 900.0 * 901.0 / (902.0 * 901.0);
    let expected = 1.0 - (100_000.0 + 2.0 * (1.0 - end)) / 1_000_000.0;
    let found = samples.miss_probability(Residue::Run(1)).unwrap();
    assert!(close(found, expected), "{found} {expected}");

    let read = samples.sectors_read() as f64;
    let scattered = samples.miss_probability(Residue::Scattered(1)).unwrap();
    assert!(close(scattered, 1.0 - read / 1_000_000.0));
    let two = samples.miss_probability(Residue::Scattered(2)).unwrap();
    let unread = 1_000_000.0 - read;
    assert!(close(
        two,
        unread * (unread - 1.0) / (1_000_000.0 * 999_999.0)
    ));
}

#[test]
fn larger_residue_is_missed_less_and_one_of_two_sub_sections_never() {
    let samples = Samples::new(Seed([3; 32]), Share::MIN, 512 * 1_000_000, 512).unwrap();
    let miss = |run| samples.miss_probability(Residue::Run(run)).unwrap();
    let all: Vec<f64> = (1..=2000).map(miss).collect();
    assert!(all.windows(2).all(|pair| pair[0] >= pair[1]));
    // The facts' estimate for a run as long as a window: about 0.8.
    assert!((0.8..0.83).contains(&miss(50)), "{}", miss(50));
    assert!(miss(1800) > 0.0 && miss(1801) == 0.0 && miss(1_000_000) == 0.0);
    assert_eq!(samples.miss_probability(Residue::Run(0)), None);
    assert_eq!(samples.miss_probability(Residue::Run(1_000_001)), None);
    let scattered = |count| samples.miss_probability(Residue::Scattered(count)).unwrap();
    assert!(scattered(100) < 0.9_f64.powi(100) && scattered(100) > 0.0);
    assert_eq!(scattered(1_000_000), 0.0);
}

#[test]
fn absurd_capacity_costs_no_time_and_gives_a_probability() {
    let samples = Samples::new(Seed([3; 32]), Share::MIN, u64::MAX - 511, 512).unwrap();
    for run in [1, 1 << 20, 1 << 40, 1 << 54] {
        let found = samples.miss_probability(Residue::Run(run)).unwrap();
        assert!((0.0..=0.9).contains(&found), "{run}: {found}");
    }
    assert_eq!(
        samples.miss_probability(Residue::Scattered(1 << 50)),
        Some(f64::MIN_POSITIVE)
    );
}
