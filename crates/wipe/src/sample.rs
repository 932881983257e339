//! Which blocks a sampled read-back reads: the rules of NIST SP 800-88r1 §4.7 for a representative
//! sample, and the derivation that lets another host read the same blocks.
//!
//! A sample is no proof of the rest of the drive. What it can miss is computed in [`odds`] and
//! stands in the report; what may be concluded from it is decided in [`crate::verify`].
//!
//! # The rules
//!
//! * The blocks are spread over the whole addressable space: it is cut into 1000 sub-sections.
//! * In each sub-section lie two windows that share no block, each of at least half the share that
//!   was asked for, and the share is at least 10 %: so each window is at least 5 % of its
//!   sub-section, and both together at least the share.
//! * The first and the last block of the drive are read besides.
//! * The places are new in every read-back: the seed is drawn when the pass has been written and
//!   its flush has been answered, so that nothing that writes can know what will be read.
//! * A drive of fewer than 40,000 blocks, where a sub-section would have fewer than 40, is read in
//!   full.
//!
//! # Derivation, byte by byte
//!
//! All numbers are whole; blocks are logical sectors, numbered from 0. The report gives `N`, as
//! `capacity_bytes` over `logical_sector_bytes`, and beside each sampled read-back its seed and its
//! share `P` in percent.
//!
//! ```text
//! sub-section i (0 to 999) = blocks floor(i·N / 1000) to floor((i+1)·N / 1000) - 1
//! n = its blocks,  L = ceil(P·n / 200) the blocks of a window,  g = n - 2·L
//!
//! input  = field(seed) ‖ field(i)
//! field(x) = length of x in bytes as unsigned 64-bit little-endian ‖ x
//!   seed     32 bytes, as in the report (there in hexadecimal)
//!   i        unsigned 32-bit little-endian: 4 bytes
//! output = BLAKE3 in derive_key mode, 32 bytes,
//!          context string "raz 2026-11 verification samples v1"
//!
//! u = output[0..8], v = output[8..16], each unsigned 64-bit little-endian
//! p = floor(u·(g+2) / 2^64),  q = floor(v·(g+1) / 2^64),  and q grows by 1 where q >= p
//! the windows are the L blocks from min(p, q) and the L blocks from max(p, q) - 1 + L,
//! counted from the first block of the sub-section
//! ```
//!
//! `p` and `q` are two different numbers below `g + 2`, so each pair of windows that share no block
//! is as likely as any other. The blocks read are those of all windows, block 0 and block `N - 1`.

pub mod odds;

use crate::outcome::ByteRange;
use crate::pattern::{Seed, SeedError};
use crate::ranges::merged;
use std::fmt;
use std::ops::Range;

/// BLAKE3 `derive_key` context of the derivation above.
pub const CONTEXT: &str = "raz 2026-11 verification samples v1";

/// Parts of the addressable space, each of which holds two windows.
pub const SUBSECTIONS: u32 = 1000;

/// A drive of fewer blocks is read in full.
pub const SECTORS_MIN: u64 = 40_000;

/// How much of every sub-section is read, in whole percent: 10 to 90.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u8);

impl Share {
    /// The least that makes a sample representative.
    pub const MIN: Self = Self(10);
    /// Above it two windows would not fit in every sub-section: read everything instead.
    pub const MAX: Self = Self(90);

    /// A share of so many percent, if it is within the bounds.
    #[must_use]
    pub fn new(percent: u8) -> Option<Self> {
        (Self::MIN..=Self::MAX)
            .contains(&Self(percent))
            .then_some(Self(percent))
    }

    /// Percent.
    #[must_use]
    pub fn percent(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
    }
}

/// The blocks of one sampled read-back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Samples {
    seed: Seed,
    share: Share,
    sectors: u64,
    sector_bytes: u32,
}

/// Why no samples were drawn.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DrawError {
    #[error(transparent)]
    Seed(#[from] SeedError),
    #[error("the drive is too small to be sampled")]
    TooSmall,
}

/// Whether a drive is too small to be sampled.
#[must_use]
pub fn is_read_in_full(capacity_bytes: u64, sector_bytes: u32) -> bool {
    capacity_bytes
        .checked_div(sector_bytes.into())
        .is_none_or(|sectors| sectors < SECTORS_MIN)
}

impl Samples {
    /// The samples of a seed; `None` where the drive is read in full.
    #[must_use]
    pub fn new(seed: Seed, share: Share, capacity_bytes: u64, sector_bytes: u32) -> Option<Self> {
        if is_read_in_full(capacity_bytes, sector_bytes) {
            return None;
        }
        Some(Self {
            seed,
            share,
            sectors: capacity_bytes / u64::from(sector_bytes),
            sector_bytes,
        })
    }

    /// Samples of a fresh seed. To be called when everything that they are to show is written.
    pub(crate) fn draw(
        share: Share,
        capacity_bytes: u64,
        sector_bytes: u32,
    ) -> Result<Self, DrawError> {
        let seed = Seed::random()?;
        Self::new(seed, share, capacity_bytes, sector_bytes).ok_or(DrawError::TooSmall)
    }

    /// The seed, for the report.
    #[must_use]
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// The share that was asked for; a little more is read.
    #[must_use]
    pub fn share(&self) -> Share {
        self.share
    }

    /// Blocks of the drive.
    #[must_use]
    pub fn sectors_total(&self) -> u64 {
        self.sectors
    }

    /// Bytes in a block.
    #[must_use]
    pub fn sector_bytes(&self) -> u32 {
        self.sector_bytes
    }

    /// The blocks of a sub-section.
    ///
    /// # Panics
    /// There is no such sub-section.
    #[must_use]
    pub fn subsection(&self, index: u32) -> Range<u64> {
        assert!(index < SUBSECTIONS, "no sub-section {index}");
        let border = |index: u32| {
            (u128::from(index) * u128::from(self.sectors) / u128::from(SUBSECTIONS)) as u64
        };
        border(index)..border(index + 1)
    }

    /// Blocks in each window of a sub-section of so many blocks.
    #[must_use]
    pub fn window_sectors(&self, subsection_sectors: u64) -> u64 {
        let share = u128::from(self.share.0) * u128::from(subsection_sectors);
        share.div_ceil(200) as u64
    }

    /// The blocks of the two windows of a sub-section, the lower one first.
    ///
    /// # Panics
    /// There is no such sub-section.
    #[must_use]
    pub fn windows(&self, index: u32) -> [Range<u64>; 2] {
        let blocks = self.subsection(index);
        let length = self.window_sectors(blocks.end - blocks.start);
        let gap = blocks.end - blocks.start - 2 * length;
        let [u, v] = self.random(index);
        let p = below(u, gap + 2);
        let q = below(v, gap + 1);
        let q = q + u64::from(q >= p);
        let first = blocks.start + p.min(q);
        let second = blocks.start + p.max(q) - 1 + length;
        [first..first + length, second..second + length]
    }

    /// All bytes to be read: ascending, none touching another.
    #[must_use]
    pub fn ranges(&self) -> Vec<ByteRange> {
        let size = u64::from(self.sector_bytes);
        let last = self.sectors - 1;
        let windows = (0..SUBSECTIONS).flat_map(|index| self.windows(index));
        let ranges = windows
            .chain([0..1, last..self.sectors])
            .map(|blocks| ByteRange {
                start: blocks.start * size,
                end: blocks.end * size,
            });
        merged(ranges.collect())
    }

    /// Bytes to be read, each once.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.ranges().iter().map(ByteRange::len).sum()
    }

    /// Blocks to be read, each once.
    #[must_use]
    pub fn sectors_read(&self) -> u64 {
        self.bytes() / u64::from(self.sector_bytes)
    }

    fn random(&self, index: u32) -> [u64; 2] {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        let index = index.to_le_bytes();
        for field in [&self.seed.0[..], &index] {
            hasher.update(&(field.len() as u64).to_le_bytes());
            hasher.update(field);
        }
        let output = hasher.finalize();
        let (words, _) = output.as_bytes().as_chunks::<8>();
        [u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1])]
    }
}

/// `random` of 2^64 as a number below `bound`; for any drive's bound, none is likelier than another
/// by more than one part in a thousand millions.
pub(crate) fn below(random: u64, bound: u64) -> u64 {
    ((u128::from(random) * u128::from(bound)) >> 64) as u64
}

#[cfg(test)]
mod tests;
