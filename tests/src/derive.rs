//! The judge of an erasure: what a drive must hold, derived from its report alone, and whether its
//! backing file holds that. [`sampled_sectors`] tells which sectors a sampled read-back read.
//!
//! A second implementation of "Derivation, byte by byte" in `wipe::pattern`'s documentation. It
//! shares no code and no crate with raz, so that a mistake there cannot agree with itself here. It
//! does not judge the report's words: a scenario compares its findings with them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use report::schema::{Drive, Erasure, FinalContent, Pass, PassKind, RANGES_LISTED_MAX, Ranges};

use crate::disk;

pub use sample::sampled_sectors;

mod blake3;
mod chacha8;
mod openssl;
mod sample;

/// Another text is another derivation, also when a report names it.
const DERIVATION: &str = "raz 2026-11 position-keyed pattern v1";
/// Sectors compared at once.
const SECTORS_AT_ONCE: usize = 1024;

/// What a backing file holds, compared with what the report says that it must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediumCheck {
    /// What it was compared with: the report's last pass.
    pub kind: PassKind,
    /// Bytes compared: all of them.
    pub bytes: u64,
    /// Offset in bytes of the first byte that differs.
    pub first_difference: Option<u64>,
    /// Sectors that differ, in the report's own form: comparable with its `mismatches`.
    pub differing: Ranges,
}

impl MediumCheck {
    /// Every byte is what the report says.
    #[must_use]
    pub fn is_as_reported(&self) -> bool {
        self.first_difference.is_none()
    }
}

/// Compares every byte of the backing file (or device) `path` with the last pass of the report's
/// entry `drive`.
///
/// # Errors
/// When the report's entry does not say what the drive holds, contradicts itself, or is of a drive
/// of another size; or when the file cannot be read. A byte that differs is no error.
pub fn check_medium(path: &Path, drive: &Drive) -> anyhow::Result<MediumCheck> {
    let kind = last_pass(drive)?.1.kind;
    let mut expected = expected_reader(drive, 0)?;
    let sector_bytes = drive.logical_sector_bytes as usize;
    ensure!(
        sector_bytes.is_power_of_two() && (512..=65536).contains(&sector_bytes),
        "{}: the report says sectors of {sector_bytes} bytes",
        drive.id
    );

    let mut file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let bytes = file.seek(SeekFrom::End(0))?;
    ensure!(
        bytes == drive.capacity_bytes,
        "{}: {} has {bytes} bytes, the report says {}",
        drive.id,
        path.display(),
        drive.capacity_bytes
    );
    file.rewind()?;

    let mut check = MediumCheck {
        kind,
        bytes,
        first_difference: None,
        differing: Ranges::default(),
    };
    let mut ranges: Vec<[u64; 2]> = Vec::new();
    let mut found = vec![0; sector_bytes * SECTORS_AT_ONCE];
    let mut wanted = found.clone();
    let mut offset_bytes = 0;
    while offset_bytes < bytes {
        let count = (bytes - offset_bytes).min(found.len() as u64) as usize;
        let (found, wanted) = (&mut found[..count], &mut wanted[..count]);
        file.read_exact(found)
            .with_context(|| format!("reading {} at byte {offset_bytes}", path.display()))?;
        expected
            .read_exact(wanted)
            .context("computing what it must hold")?;
        if found != wanted {
            let sectors = found.chunks(sector_bytes).zip(wanted.chunks(sector_bytes));
            let mut start = offset_bytes;
            for (found, wanted) in sectors {
                let end = start + found.len() as u64;
                if let Some(at) = found.iter().zip(wanted).position(|(a, b)| a != b) {
                    check.first_difference.get_or_insert(start + at as u64);
                    match ranges.last_mut() {
                        Some([_, last_end]) if *last_end == start => *last_end = end,
                        Some(_) | None => ranges.push([start, end]),
                    }
                }
                start = end;
            }
        }
        offset_bytes += count as u64;
    }
    check.differing.count = ranges.len() as u64;
    check.differing.bytes = ranges.iter().map(|[start, end]| end - start).sum();
    ranges.truncate(RANGES_LISTED_MAX);
    check.differing.listed = ranges;
    Ok(check)
}

/// What the drive must hold from byte `offset_bytes` on, without end.
///
/// # Errors
/// When the report's entry does not say what the drive holds, contradicts itself, or names a
/// derivation or a cipher that the documentation does not; when `openssl` does not start.
pub fn expected_reader(drive: &Drive, offset_bytes: u64) -> anyhow::Result<ExpectedReader> {
    let (erasure, pass) = last_pass(drive)?;
    let mask = match pass.kind {
        PassKind::Zero => {
            return Ok(ExpectedReader {
                source: Box::new(io::repeat(0)),
                mask: 0,
            });
        }
        PassKind::Pattern => 0,
        PassKind::Complement => 0xff,
    };
    let pattern = &erasure.pattern;
    ensure!(
        pattern.derivation == DERIVATION,
        "{}: unknown derivation {:?}",
        drive.id,
        pattern.derivation
    );
    let seed = hex::decode(&pattern.seed).context("the report's seed is not hexadecimal")?;
    ensure!(
        seed.len() == 32,
        "{}: the seed has {} bytes",
        drive.id,
        seed.len()
    );
    let output = derive(&seed, &drive.identity, &pattern.cipher, pass.pass);
    let source: Box<dyn Read> = match pattern.cipher.as_str() {
        "aes-128-ctr" => {
            let (key, counter) = output.split_at(16);
            let stream = openssl::AesCtr::new(key.try_into()?, counter.try_into()?, offset_bytes)?;
            Box::new(stream)
        }
        "chacha8" => Box::new(chacha8::ChaCha8::new(&output, offset_bytes)),
        other => bail!("{}: unknown cipher {other:?}", drive.id),
    };
    Ok(ExpectedReader { source, mask })
}

/// The bytes that a drive must hold, one after another.
pub struct ExpectedReader {
    source: Box<dyn Read>,
    /// XORed to each byte.
    mask: u8,
}

impl Read for ExpectedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        if self.mask != 0 {
            for byte in &mut buffer[..count] {
                *byte ^= self.mask;
            }
        }
        Ok(count)
    }
}

/// Every occurrence of each of `needles` in the file `path`: which needle, and its offset in bytes;
/// ascending by offset.
///
/// # Errors
/// When a needle is empty, or the file cannot be read.
pub fn find_canaries(path: &Path, needles: &[&[u8]]) -> anyhow::Result<Vec<(usize, u64)>> {
    let mut found = Vec::new();
    for (index, needle) in needles.iter().enumerate() {
        ensure!(!needle.is_empty(), "needle {index} is empty");
        let offsets = disk::find(path, needle)?;
        found.extend(offsets.into_iter().map(|offset| (index, offset)));
    }
    found.sort_by_key(|&(index, offset)| (offset, index));
    Ok(found)
}

/// The pass that wrote what the drive holds now.
fn last_pass(drive: &Drive) -> anyhow::Result<(&Erasure, &Pass)> {
    let id = &drive.id;
    let erasure = drive
        .erasure
        .as_ref()
        .with_context(|| format!("{id}: the report holds no erasure"))?;
    let pass = erasure
        .passes
        .last()
        .with_context(|| format!("{id}: the report holds no pass"))?;
    let agrees = match erasure.final_content {
        FinalContent::Pattern => pass.kind == PassKind::Pattern,
        FinalContent::Complement => pass.kind == PassKind::Complement,
        FinalContent::Zeros => pass.kind == PassKind::Zero,
        // raz could not establish it; the backing file can still be compared.
        FinalContent::Unknown => true,
    };
    ensure!(
        agrees,
        "{id}: the last pass is {:?}, the final content {:?}",
        pass.kind,
        erasure.final_content
    );
    Ok((erasure, pass))
}

/// The 32 bytes of output that key a pass.
fn derive(seed: &[u8], identity: &str, cipher: &str, pass: u32) -> [u8; 32] {
    let mut input = Vec::new();
    for field in [
        seed,
        identity.as_bytes(),
        cipher.as_bytes(),
        &pass.to_le_bytes(),
    ] {
        input.extend_from_slice(&(field.len() as u64).to_le_bytes());
        input.extend_from_slice(field);
    }
    blake3::derive_key(DERIVATION, &input)
}

#[cfg(test)]
mod tests;
