//! Blocks: capacity, read, write, verify, flush, unmap. Here a bridge reserves, wraps and cuts.

use super::sense::{INVALID_FIELD, INVALID_PARAMETER, OUT_OF_RANGE};
use super::{Outcome, Refusal, cut, good, number};
use crate::ata::Task;
use crate::ata::disk::AtaDisk;
use std::ops::Range;

/// Blocks of one command: COUNT 0 is 65,536 and not used.
pub(super) const BLOCKS_MAX: u64 = 65_535;

impl AtaDisk {
    /// Blocks that the host is told of.
    fn blocks(&self) -> u64 {
        let reserved = self.options.lies.bridge_reserves;
        self.hidden.accessible().saturating_sub(reserved)
    }

    pub(super) fn read_capacity_10(&self) -> Outcome {
        let last = self.blocks().saturating_sub(1);
        let last = u32::try_from(last).unwrap_or(u32::MAX);
        let bytes = u32::from(self.options.logical_sector_bytes);
        let data = [last.to_be_bytes(), bytes.to_be_bytes()].concat();
        Ok(good(data))
    }

    pub(super) fn read_capacity_16(&self, cdb: &[u8]) -> Outcome {
        let mut data = vec![0; 32];
        let last = self.blocks().saturating_sub(1);
        data[..8].copy_from_slice(&last.to_be_bytes());
        let bytes = u32::from(self.options.logical_sector_bytes);
        data[8..12].copy_from_slice(&bytes.to_be_bytes());
        data[13] = self.options.physical_exponent & 0x0F;
        if self.options.trim {
            data[14] = 0x80 | u8::from(self.options.trim_zeros) << 6;
        }
        Ok(cut(data, number(cdb, 10, 4)))
    }

    /// The blocks that a command of 10 or 16 bytes names.
    fn range(&self, cdb: &[u8]) -> Result<Range<u64>, Refusal> {
        let (lba, count) = match cdb[0] & 0xE0 {
            0x80 => (number(cdb, 2, 8), number(cdb, 10, 4)),
            _ => (number(cdb, 2, 4), number(cdb, 7, 2)),
        };
        let end = lba.checked_add(count).filter(|end| *end <= self.blocks());
        let end = end.ok_or(OUT_OF_RANGE)?;
        if count > BLOCKS_MAX {
            return Err(INVALID_FIELD.into());
        }
        Ok(lba..end)
    }

    /// The task for these blocks, where the bridge believes them to be.
    fn block_task(&self, command: u8, blocks: &Range<u64>) -> Task {
        let lba = match self.options.lies.bridge_wraps_at {
            Some(wrap) if wrap > 0 => blocks.start % wrap,
            _ => blocks.start,
        };
        let command = match command {
            _ if self.options.lba48 => command,
            0x25 => 0xC8,
            0x35 | 0x3D => 0xCA,
            0x42 => 0x40,
            _ => command,
        };
        Task {
            command,
            count: u16::try_from(blocks.end - blocks.start).unwrap_or(0),
            lba,
            device: 0x40,
            is_48_bit: self.options.lba48,
            ..Task::default()
        }
    }

    pub(super) fn read_blocks(&mut self, cdb: &[u8]) -> Outcome {
        let mut blocks = self.range(cdb)?;
        if is_fua(cdb) {
            self.synchronize_cache()?;
        }
        let lies = &self.options.lies;
        if lies.reads_short && blocks.end - blocks.start > 1 {
            blocks.end -= 1;
        }
        if blocks.is_empty() {
            return Ok(good(Vec::new()));
        }
        let task = self.block_task(0x25, &blocks);
        Ok(good(self.ata(&task, &[])?.data))
    }

    pub(super) fn write_blocks(&mut self, cdb: &[u8], out: &[u8]) -> Outcome {
        let blocks = self.range(cdb)?;
        let count = usize::try_from(blocks.end - blocks.start).unwrap_or(usize::MAX);
        if out.len() != count.saturating_mul(self.cells.sector_bytes()) {
            return Err(INVALID_FIELD.into());
        }
        if blocks.is_empty() {
            return Ok(good(Vec::new()));
        }
        let command = if is_fua(cdb) { 0x3D } else { 0x35 };
        let task = self.block_task(command, &blocks);
        self.ata(&task, out)?;
        Ok(good(Vec::new()))
    }

    /// Without BYTCHK: only that the blocks can be read.
    pub(super) fn verify_blocks(&mut self, cdb: &[u8]) -> Outcome {
        let blocks = self.range(cdb)?;
        if cdb[1] & 0x06 != 0 {
            return Err(INVALID_FIELD.into());
        }
        if !blocks.is_empty() {
            let task = self.block_task(0x42, &blocks);
            self.ata(&task, &[])?;
        }
        Ok(good(Vec::new()))
    }

    pub(super) fn synchronize_cache(&mut self) -> Outcome {
        let is_48_bit = self.options.lba48;
        let task = Task {
            command: if is_48_bit { 0xEA } else { 0xE7 },
            device: 0x40,
            is_48_bit,
            ..Task::default()
        };
        self.ata(&task, &[])?;
        Ok(good(Vec::new()))
    }

    /// Descriptors of 16 bytes (address, count) become entries of DATA SET MANAGEMENT.
    pub(super) fn unmap(&mut self, cdb: &[u8], out: &[u8]) -> Outcome {
        let length = number(cdb, 7, 2);
        if !self.options.trim || usize::try_from(length) != Ok(out.len()) {
            return Err(INVALID_FIELD.into());
        }
        if out.is_empty() {
            return Ok(good(Vec::new()));
        }
        let described = usize::try_from(number(out, 2, 2)).unwrap_or(usize::MAX);
        let descriptors = out.get(8..8 + described).ok_or(INVALID_PARAMETER)?;
        let mut payload = Vec::new();
        for descriptor in descriptors.chunks_exact(16) {
            let start = number(descriptor, 0, 8);
            let count = number(descriptor, 8, 4);
            let end = start.checked_add(count).filter(|end| *end <= self.blocks());
            let end = end.ok_or(OUT_OF_RANGE)?;
            for first in (start..end).step_by(65_535) {
                let entry = first | (end - first).min(65_535) << 48;
                payload.extend_from_slice(&entry.to_le_bytes());
            }
        }
        if payload.is_empty() {
            return Ok(good(Vec::new()));
        }
        payload.resize(payload.len().next_multiple_of(512), 0);
        let task = Task {
            command: 0x06,
            feature: 1,
            count: u16::try_from(payload.len() / 512).unwrap_or(0),
            device: 0x40,
            is_48_bit: true,
            ..Task::default()
        };
        self.ata(&task, &payload)?;
        Ok(good(Vec::new()))
    }
}

fn is_fua(cdb: &[u8]) -> bool {
    cdb[1] & 0x08 != 0
}
