//! Which sectors a sampled read-back read, derived from the report alone: a second implementation
//! of "Derivation, byte by byte" in `wipe::sample`'s documentation.

use std::collections::BTreeSet;
use std::ops::Range;

use anyhow::{Context, ensure};
use report::schema::{Drive, Sample};

use super::blake3;

/// Another text is another derivation, also when a report names it.
const DERIVATION: &str = "raz 2026-11 verification samples v1";

/// The numbers of all sectors that were read, each once.
///
/// # Errors
/// When the report names another derivation, or a sample that is not one of this drive.
pub fn sampled_sectors(drive: &Drive, sample: &Sample) -> anyhow::Result<BTreeSet<u64>> {
    ensure!(
        sample.derivation == DERIVATION,
        "{}: unknown derivation {:?}",
        drive.id,
        sample.derivation
    );
    let seed = hex::decode(&sample.seed).context("the sample's seed is not hexadecimal")?;
    ensure!(
        seed.len() == 32,
        "{}: a seed of {} bytes",
        drive.id,
        seed.len()
    );
    let total = drive.capacity_bytes / u64::from(drive.logical_sector_bytes);
    ensure!(
        total == sample.sectors_total,
        "{}: {total} sectors",
        drive.id
    );
    let mut sectors = BTreeSet::from([0, total - 1]);
    for i in 0..1000 {
        for window in windows(&seed, total, sample.share_percent, i) {
            sectors.extend(window);
        }
    }
    Ok(sectors)
}

/// The two windows of sub-section `i` of a drive of `total` sectors.
fn windows(seed: &[u8], total: u64, percent: u32, i: u32) -> [Range<u64>; 2] {
    let border = |i: u32| total as u128 * u128::from(i) / 1000;
    let (start, end) = (border(i), border(i + 1));
    let n = end - start;
    let l = (u128::from(percent) * n).div_ceil(200);
    let g = n - 2 * l;

    let mut input = Vec::new();
    for field in [seed, &i.to_le_bytes()] {
        input.extend_from_slice(&(field.len() as u64).to_le_bytes());
        input.extend_from_slice(field);
    }
    let output = blake3::derive_key(DERIVATION, &input);
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .rev()
            .fold(0_u128, |number, byte| number << 8 | u128::from(*byte))
    };
    let p = (number(&output[0..8]) * (g + 2)) >> 64;
    let mut q = (number(&output[8..16]) * (g + 1)) >> 64;
    if q >= p {
        q += 1;
    }
    let from = |first: u128| (start + first) as u64..(start + first + l) as u64;
    [from(p.min(q)), from(p.max(q) - 1 + l)]
}

#[cfg(test)]
mod tests {
    use super::windows;

    /// The same numbers stand in the tests of `wipe::sample`.
    #[test]
    fn windows_are_those_that_raz_computes() {
        let seed: Vec<u8> = (0..32).collect();
        let of = |i| {
            let [low, high] = windows(&seed, 1_234_567, 12, i);
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
}
