//! The rules for any drive, share and seed, and the derivation against its own text.

use super::{CONTEXT, SECTORS_MIN, SUBSECTIONS, Samples, Share, is_read_in_full};
use crate::outcome::ByteRange;
use crate::pattern::Seed;
use proptest::prelude::{any, prop_assert, prop_assert_eq, prop_assume, proptest};
use std::ops::Range;

fn length(blocks: &Range<u64>) -> u64 {
    blocks.end - blocks.start
}

proptest! {
    #[test]
    fn rules_hold_for_any_drive_share_and_seed(
        seed in any::<[u8; 32]>(),
        percent in 10_u8..=90,
        small in SECTORS_MIN..200_000,
        shift in 0_u32..31,
        sector in proptest::sample::select(&[512_u32, 520, 4096, 65536][..]),
    ) {
        // Up to 2^48 blocks: more than a drive of 2^64 bytes has in sectors of 65536.
        let sectors = small << shift;
        prop_assume!(sectors.checked_mul(u64::from(sector)).is_some());
        let share = Share::new(percent).unwrap();
        let samples = Samples::new(Seed(seed), share, sectors * u64::from(sector), sector).unwrap();
        let mut end = 0;
        for index in 0..SUBSECTIONS {
            let blocks = samples.subsection(index);
            prop_assert_eq!(blocks.start, end, "sub-sections leave nothing out");
            end = blocks.end;
            prop_assert!(length(&blocks).abs_diff(sectors / 1000) <= 1, "sub-sections are equal");
            let [low, high] = samples.windows(index);
            prop_assert!(blocks.start <= low.start && low.end <= high.start && high.end <= blocks.end);
            prop_assert_eq!(length(&low), length(&high));
            // Each at least half the share, in whole blocks, and not a block more.
            let exact = u128::from(length(&blocks)) * u128::from(percent);
            let twice = 200 * u128::from(length(&low));
            prop_assert!(twice >= exact && twice < exact + 200);
        }
        prop_assert_eq!(end, sectors);

        let size = u64::from(sector);
        let ranges = samples.ranges();
        prop_assert_eq!(ranges[0].start, 0, "the first block");
        prop_assert_eq!(ranges.last().unwrap().end, sectors * size, "the last block");
        prop_assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
        prop_assert!(ranges.iter().all(|range| range.start % size == 0 && range.end % size == 0));
        for index in 0..SUBSECTIONS {
            for window in samples.windows(index) {
                let read = |range: &ByteRange| range.start <= window.start * size && window.end * size <= range.end;
                let at = ranges.partition_point(|range| range.end < window.end * size);
                prop_assert!(read(&ranges[at]), "window {window:?} is read");
            }
        }
        let read = ranges.iter().map(ByteRange::len).sum::<u64>();
        prop_assert_eq!(read, samples.bytes());
        prop_assert_eq!(read, samples.sectors_read() * size);
        prop_assert!(u128::from(samples.sectors_read()) * 100 >= u128::from(sectors) * u128::from(percent));
        // Windows are rounded up by less than a block each, and two blocks come on top.
        let most = u128::from(sectors) * u128::from(percent) + 100 * (2 * u128::from(SUBSECTIONS) + 2);
        prop_assert!(u128::from(samples.sectors_read()) * 100 <= most);
    }

    #[test]
    fn small_drive_is_not_sampled(seed in any::<[u8; 32]>(), sectors in 0..SECTORS_MIN, percent in 10_u8..=90) {
        let share = Share::new(percent).unwrap();
        prop_assert!(is_read_in_full(sectors * 512, 512));
        prop_assert_eq!(Samples::new(Seed(seed), share, sectors * 512, 512), None);
    }
}

#[test]
fn sampling_begins_at_forty_thousand_sectors() {
    assert!(is_read_in_full(512 * 39_999, 512) && !is_read_in_full(512 * 40_000, 512));
    assert!(is_read_in_full(4096 * 39_999, 4096) && !is_read_in_full(4096 * 40_000, 4096));
    assert!(is_read_in_full(1 << 40, 0), "a sector of no size");
}

#[test]
fn share_is_ten_to_ninety_percent() {
    let accepted: Vec<u8> = (0..=u8::MAX)
        .filter(|percent| Share::new(*percent).is_some())
        .collect();
    assert_eq!(accepted, (10..=90).collect::<Vec<u8>>());
}

#[test]
fn two_seeds_read_different_blocks() {
    let samples = |byte: u8| Samples::new(Seed([byte; 32]), Share::MIN, 512 * 1_000_003, 512);
    let (one, other) = (samples(1).unwrap(), samples(2).unwrap());
    let differ = (0..SUBSECTIONS).filter(|index| one.windows(*index) != other.windows(*index));
    // Of 901 · 902 / 2 pairs a sub-section would have to draw the same one twice.
    assert!(differ.count() > 990);
    assert_eq!(one, samples(1).unwrap());
    let drawn = || Samples::draw(Share::MIN, 512 * 1_000_003, 512).unwrap();
    assert_ne!(drawn().seed(), drawn().seed());
}

/// All pairs of a sub-section of 40 blocks, windows of 2: C(38, 2) = 703 of them.
#[test]
fn every_pair_of_windows_is_drawn_about_equally_often() {
    let mut drawn = std::collections::BTreeMap::new();
    let runs: u32 = 141;
    for run in 0..runs {
        let mut seed = [0x77; 32];
        seed[..4].copy_from_slice(&run.to_le_bytes());
        let samples = Samples::new(Seed(seed), Share::MIN, 512 * SECTORS_MIN, 512).unwrap();
        for index in 0..SUBSECTIONS {
            let first = samples.subsection(index).start;
            let [low, high] = samples.windows(index);
            *drawn
                .entry((low.start - first, high.start - first))
                .or_insert(0_u32) += 1;
        }
    }
    assert_eq!(drawn.len(), 703);
    // 200.6 of each are expected, with a deviation of 14.
    assert!(
        drawn.values().all(|count| (130..=275).contains(count)),
        "{drawn:?}"
    );
}

/// The text of the derivation with other tools: bytes joined here, hashed by the crate.
#[test]
fn windows_are_what_the_text_says() {
    let seed: [u8; 32] = std::array::from_fn(|at| at as u8);
    let sectors: u64 = 1_234_567;
    let samples = Samples::new(Seed(seed), Share::new(12).unwrap(), sectors * 512, 512).unwrap();
    for i in [0_u64, 1, 500, 999] {
        let mut input = vec![32, 0, 0, 0, 0, 0, 0, 0];
        input.extend(seed);
        input.extend([
            4,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            (i % 256) as u8,
            (i / 256) as u8,
            0,
            0,
        ]);
        let output = blake3::derive_key("raz 2026-11 verification samples v1", &input);
        let word = |at: usize| {
            output[at..at + 8]
                .iter()
                .rev()
                .fold(0_u128, |number, byte| number * 256 + u128::from(*byte))
        };
        let (start, end) = (i * sectors / 1000, (i + 1) * sectors / 1000);
        let n = end - start;
        let l = (12 * n).div_ceil(200);
        let g = n - 2 * l;
        let two_to_64 = 18_446_744_073_709_551_616_u128;
        let p = (word(0) * u128::from(g + 2) / two_to_64) as u64;
        let q = (word(8) * u128::from(g + 1) / two_to_64) as u64;
        let q = if q >= p { q + 1 } else { q };
        let first = start + p.min(q);
        let second = start + p.max(q) - 1 + l;
        assert_eq!(
            samples.windows(i as u32),
            [first..first + l, second..second + l]
        );
    }
    assert_eq!(CONTEXT, "raz 2026-11 verification samples v1");
    // The same numbers stand in the lab's second implementation.
    let of = |index| {
        let [low, high] = samples.windows(index);
        (low.start, high.start, high.end)
    };
    assert_eq!(
        [of(0), of(500), of(999)],
        [
            (752, 860, 935),
            (617_585, 618_324, 618_399),
            (1_234_016, 1_234_358, 1_234_433)
        ]
    );
}
