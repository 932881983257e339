//! Reading and writing: sectors, the cache in front of them, TRIM.

use super::disk::AtaDisk;
use super::options::Kept;
use super::{ABORTED, Answer, ID_NOT_FOUND, Task, UNCORRECTABLE};
use crate::cells::Placement;
use std::ops::Range;

/// Sectors in the cache before it is written out.
const CACHE_SECTORS_MAX: usize = 256;

impl AtaDisk {
    /// The sectors that a read or write names, or the refusal.
    pub(super) fn sectors(&self, task: &Task) -> Result<Range<u64>, Answer> {
        let count = match (task.is_48_bit, task.count) {
            (true, 0) => 65_536,
            (false, 0) => 256,
            (_, count) => u64::from(count),
        };
        match task.lba.checked_add(count) {
            Some(end) if end <= self.hidden.accessible() => Ok(task.lba..end),
            _ => Err(Answer::failed(task, ID_NOT_FOUND)),
        }
    }

    pub(crate) fn read(&mut self, task: &Task) -> Answer {
        let sectors = match self.readable(task) {
            Ok(sectors) => sectors,
            Err(refusal) => return refusal,
        };
        let data = sectors.flat_map(|lba| self.sector(lba)).collect();
        Answer::with_data(task, data)
    }

    pub(crate) fn read_verify(&mut self, task: &Task) -> Answer {
        match self.readable(task) {
            Ok(_) => Answer::good(task),
            Err(refusal) => refusal,
        }
    }

    /// What a locked drive that lies returns.
    pub(crate) fn read_zeros(&mut self, task: &Task) -> Answer {
        match self.sectors(task) {
            Ok(sectors) => {
                let count = usize::try_from(sectors.end - sectors.start).unwrap_or(0);
                Answer::with_data(task, vec![0; count * self.cells.sector_bytes()])
            }
            Err(refusal) => refusal,
        }
    }

    fn readable(&mut self, task: &Task) -> Result<Range<u64>, Answer> {
        self.power = super::disk::Power::Active;
        let sectors = self.sectors(task)?;
        match self.options.unreadable.range(sectors.clone()).next() {
            Some(bad) => Err(Answer {
                lba: *bad,
                ..Answer::failed(task, UNCORRECTABLE)
            }),
            None => Ok(sectors),
        }
    }

    fn sector(&mut self, lba: u64) -> Vec<u8> {
        if let Some(bytes) = self.cache.get(&lba) {
            return bytes.clone();
        }
        let sector_bytes = self.cells.sector_bytes();
        match self.cells.read(lba) {
            Some(bytes) => bytes,
            None if self.options.trim_zeros || !self.options.trim => vec![0; sector_bytes],
            None if self.options.trim_deterministic => vec![0xFF; sector_bytes],
            None => {
                let numbers = std::iter::repeat_with(|| self.noise.number().to_le_bytes());
                numbers.flatten().take(sector_bytes).collect()
            }
        }
    }

    pub(crate) fn write(&mut self, task: &Task, out: &[u8], is_fua: bool) -> Answer {
        self.power = super::disk::Power::Active;
        let sectors = match self.sectors(task) {
            Ok(sectors) => sectors,
            Err(refusal) => return refusal,
        };
        let sector_bytes = self.cells.sector_bytes();
        let count = usize::try_from(sectors.end - sectors.start).unwrap_or(usize::MAX);
        if out.len() != count.saturating_mul(sector_bytes) {
            return Answer::failed(task, ABORTED);
        }
        self.writes += 1;
        if let Some(after) = self.options.lies.writes_ignored_after
            && self.writes > after
        {
            return Answer::good(task);
        }
        for (lba, bytes) in sectors.zip(out.chunks(sector_bytes)) {
            self.cache.insert(lba, bytes.to_vec());
        }
        let must_store = is_fua && !self.options.lies.flush_ignored;
        if must_store || !self.caches_writes || self.cache.len() > CACHE_SECTORS_MAX {
            self.destage();
        }
        Answer::good(task)
    }

    pub(crate) fn flush_cache(&mut self, task: &Task) -> Answer {
        if !self.options.lies.flush_ignored {
            self.destage();
        }
        Answer::good(task)
    }

    /// Writes the cache out.
    pub(crate) fn destage(&mut self) {
        for (lba, bytes) in std::mem::take(&mut self.cache) {
            if self.options.unreadable.remove(&lba) && self.options.placement == Placement::InPlace
            {
                self.reallocate(lba);
            }
            let is_elided = self.options.lies.zeros_elided && bytes.iter().all(|byte| *byte == 0);
            match is_elided {
                true => self.cells.deallocate(lba),
                false => self.cells.write(lba, &bytes),
            }
        }
    }

    /// DATA SET MANAGEMENT: ranges of 48 bits of address and 16 bits of count, in blocks of 512 bytes.
    pub(crate) fn data_set_management(&mut self, task: &Task, out: &[u8]) -> Answer {
        if !self.options.trim || task.feature & 1 == 0 || out.len() != usize::from(task.count) * 512
        {
            return Answer::aborted(task);
        }
        let ranges = out.chunks(8).map(|entry| {
            let at = |index: usize| u64::from(entry[index]);
            let lba = (0..6).fold(0, |lba, index| lba | at(index) << (8 * index));
            lba..lba + (at(6) | at(7) << 8)
        });
        let ranges: Vec<Range<u64>> = ranges.filter(|range| !range.is_empty()).collect();
        if ranges
            .iter()
            .any(|range| range.end > self.hidden.accessible())
        {
            return Answer::failed(task, ID_NOT_FOUND);
        }
        self.destage();
        for lba in ranges.into_iter().flatten() {
            self.cells.deallocate(lba);
        }
        Answer::good(task)
    }

    /// Writes zeros to these addresses, as the firmware does in a normal erase: what has no address
    /// keeps its bytes.
    pub(crate) fn write_zeros(&mut self, addresses: Range<u64>, kept: &Kept) {
        let zeros = vec![0; self.cells.sector_bytes()];
        for lba in addresses {
            let is_kept = match kept {
                Kept::Nothing | Kept::Unaddressed => false,
                Kept::All => true,
                Kept::Places(places) => places.contains(&lba),
            };
            if !is_kept {
                self.cells.write(lba, &zeros);
            }
        }
    }
}
