//! Bytes on the medium that must be gone afterwards: canaries that raz writes, and what it finds.
//!
//! Canaries are random, so that no drive can know them, and read back before the command, so that it
//! is known that they were there. Sectors with data of the owner's are read at random places and only
//! their digests kept. What is read afterwards is classified, because "not the canary" alone may be
//! an error's filling.

use crate::pattern::Seed;
use crate::sample::below;
use std::collections::BTreeMap;
use std::io;

use super::OVERWRITE_BYTE;

/// Canaries at random places, beside the first and the last sector.
const CANARIES: usize = 62;
/// Sectors of the owner's that are looked at.
const FOUND: usize = 256;

/// Small reads and writes of a claimed drive, past every cache of the host.
pub trait Medium: Send + Sync {
    /// Bytes of a logical sector.
    fn sector_bytes(&self) -> usize;
    /// Sectors that can be addressed.
    fn sectors(&self) -> u64;
    /// Reads one sector.
    ///
    /// # Errors
    /// What the kernel says; a short read is an error.
    fn read(&self, sector: u64, buffer: &mut [u8]) -> io::Result<()>;
    /// Writes one sector.
    ///
    /// # Errors
    /// What the kernel says.
    fn write(&self, sector: u64, bytes: &[u8]) -> io::Result<()>;
    /// Waits until all that was written is on the medium.
    ///
    /// # Errors
    /// What the kernel or the drive says.
    fn flush(&self) -> io::Result<()>;
}

/// What sectors hold, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    /// All bytes 00h.
    pub zeros: u32,
    /// All bytes FFh.
    pub ones: u32,
    /// All bytes the same, another one.
    pub constant: u32,
    /// A period of 2 to 16 bytes.
    pub periodic: u32,
    /// Bytes that look random.
    pub random: u32,
    /// Anything else.
    pub mixed: u32,
}

/// What stood on the medium before, and whether it still does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Witnesses {
    /// Canaries that were written, flushed and read back equal.
    pub planted: u32,
    /// Sectors with other data than one repeated byte that were found and remembered.
    pub found: u32,
    /// Of both, those that hold the same bytes afterwards.
    pub kept: u32,
    /// Of both, those that hold other bytes afterwards.
    pub gone: u32,
    /// Of both, those that could not be read afterwards.
    pub unreadable: u32,
    /// Of `gone`, those that are not [`OVERWRITE_BYTE`] throughout.
    pub not_overwritten: u32,
    /// What the sectors hold afterwards.
    pub kinds: Kinds,
    /// BLAKE3 of each sector.
    digests: BTreeMap<u64, [u8; 32]>,
}

impl Witnesses {
    /// Remembers what stands at random places, then plants canaries and reads them back.
    ///
    /// # Errors
    /// The medium did not take, keep or give back a canary, or there is no random source.
    pub(super) fn plant(medium: &dyn Medium) -> io::Result<Self> {
        let mut witnesses = Self::default();
        let mut buffer = vec![0; medium.sector_bytes()];
        let mut places = places(medium.sectors())?;
        for sector in places.by_ref().take(FOUND) {
            // A sector that cannot be read bears no witness.
            if medium.read(sector, &mut buffer).is_ok() && !is_constant(&buffer) {
                witnesses.digests.insert(sector, digest(&buffer));
            }
        }
        let mut canaries: Vec<u64> = places.take(CANARIES).collect();
        canaries.extend([0, medium.sectors().saturating_sub(1)]);
        canaries.sort_unstable();
        canaries.dedup();
        let mut bytes = random("raz 2026-11 bytes of sanitize canaries v1")?;
        for sector in &canaries {
            bytes.fill(&mut buffer);
            witnesses.digests.insert(*sector, digest(&buffer));
            medium.write(*sector, &buffer)?;
        }
        medium.flush()?;
        for sector in &canaries {
            medium.read(*sector, &mut buffer)?;
            if witnesses.digests.get(sector) != Some(&digest(&buffer)) {
                let text = format!("sector {sector} does not hold what was written to it");
                return Err(io::Error::other(text));
            }
        }
        witnesses.planted = count(canaries.len());
        witnesses.found = count(witnesses.digests.len() - canaries.len());
        Ok(witnesses)
    }

    /// Looks at each of them afterwards.
    pub(super) fn look(&mut self, medium: &dyn Medium) {
        let mut buffer = vec![0; medium.sector_bytes()];
        for (sector, before) in &self.digests {
            // What a failed read leaves in the buffer is nobody's.
            buffer.fill(0);
            if medium.read(*sector, &mut buffer).is_err() {
                self.unreadable += 1;
                continue;
            }
            self.kinds.count(&buffer);
            if digest(&buffer) == *before {
                self.kept += 1;
                continue;
            }
            self.gone += 1;
            if buffer.iter().any(|byte| *byte != OVERWRITE_BYTE) {
                self.not_overwritten += 1;
            }
        }
    }

    /// Where they stand, ascending, and the digest of what stood there.
    pub(super) fn digests(&self) -> impl DoubleEndedIterator<Item = (u64, &[u8; 32])> {
        self.digests
            .iter()
            .map(|(sector, digest)| (*sector, digest))
    }

    /// Sectors that were read afterwards.
    #[must_use]
    pub fn looked_at(&self) -> u32 {
        self.kept + self.gone
    }
}

/// Sectors at random places of a medium, without end.
///
/// # Errors
/// There is no random source.
pub(super) fn places(sectors: u64) -> io::Result<impl Iterator<Item = u64>> {
    let mut places = random("raz 2026-11 places of sanitize witnesses v1")?;
    Ok(std::iter::repeat_with(move || {
        let mut word = [0; 8];
        places.fill(&mut word);
        below(u64::from_le_bytes(word), sectors)
    }))
}

fn random(context: &str) -> io::Result<blake3::OutputReader> {
    let seed = Seed::random().map_err(io::Error::other)?;
    Ok(blake3::Hasher::new_derive_key(context)
        .update(&seed.0)
        .finalize_xof())
}

impl Kinds {
    pub(super) fn count(&mut self, bytes: &[u8]) {
        let repeats = |period: usize| {
            bytes
                .iter()
                .zip(bytes.iter().skip(period))
                .all(|(a, b)| a == b)
        };
        let kind = match bytes.first() {
            Some(0x00) if repeats(1) => &mut self.zeros,
            Some(0xFF) if repeats(1) => &mut self.ones,
            _ if repeats(1) => &mut self.constant,
            _ if (2..=16).any(repeats) => &mut self.periodic,
            _ if looks_random(bytes) => &mut self.random,
            _ => &mut self.mixed,
        };
        *kind += 1;
    }
}

fn is_constant(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| Some(byte) == bytes.first())
}

/// A sector of random bytes has half of its bits set, give or take. Six standard deviations: a random
/// one is called otherwise twice in a thousand million times.
fn looks_random(bytes: &[u8]) -> bool {
    let bits = bytes.len() as f64 * 8.0;
    let ones: u32 = bytes.iter().map(|byte| byte.count_ones()).sum();
    let mut seen = [0_u32; 256];
    bytes.iter().for_each(|byte| seen[usize::from(*byte)] += 1);
    let expected = bytes.len() as f64 / 256.0;
    let most = seen.iter().copied().max().unwrap_or(0);
    (f64::from(ones) - bits / 2.0).abs() <= 6.0 * bits.sqrt() / 2.0
        && f64::from(most) <= expected + 8.0 * expected.sqrt() + 8.0
}

pub(super) fn digest(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
pub(super) mod tests;
