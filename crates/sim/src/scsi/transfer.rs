//! Capacity, reading and writing (SBC-4).

use super::sense::Sense;
use super::work::AfterErase;
use super::{Outcome, ScsiDisk, cut, length_32};
use std::ops::Range;

impl ScsiDisk {
    /// Blocks that a host can reach.
    pub(super) fn sectors(&self) -> u64 {
        self.sectors
    }

    /// Last block and block length; all ones where the last block does not fit.
    pub(super) fn read_capacity_10(&self) -> Outcome {
        let last = u32::try_from(self.sectors() - 1).unwrap_or(u32::MAX);
        let mut data = last.to_be_bytes().to_vec();
        data.extend(self.options.sector_bytes.to_be_bytes());
        Ok(data)
    }

    pub(super) fn read_capacity_16(&self, cdb: &[u8]) -> Outcome {
        let mut data = (self.sectors() - 1).to_be_bytes().to_vec();
        data.extend(self.options.sector_bytes.to_be_bytes());
        // P_TYPE counts from 0, PROT_EN; then the exponent of the physical block.
        let protection = match self.options.protection_type {
            None | Some(0) => 0,
            Some(kind) => (kind - 1) << 1 | 1,
        };
        data.extend([protection, self.options.sectors_per_physical_log2 & 0x0F]);
        data.resize(32, 0);
        Ok(cut(data, length_32(&cdb[10..14])))
    }

    pub(super) fn read(&self, cdb: &[u8]) -> Outcome {
        let mut data = Vec::new();
        for block in self.blocks(cdb)? {
            self.may_read(block)?;
            data.extend(self.block(block));
        }
        Ok(data)
    }

    pub(super) fn write(&mut self, cdb: &[u8], out: &[u8]) -> Outcome {
        let blocks = self.blocks(cdb)?;
        let sectors = out.chunks_exact(self.sector_bytes());
        if u64::try_from(sectors.len()).ok() != Some(blocks.end - blocks.start) {
            return Err(Sense::DATA_PHASE);
        }
        for (block, sector) in blocks.zip(sectors) {
            self.write_block(block, sector);
            if let Some(emptied) = &mut self.emptied {
                emptied.written.insert(block);
            }
        }
        Ok(Vec::new())
    }

    /// Whether a block can be read, after an erase that nothing was written behind.
    fn may_read(&self, block: u64) -> Result<(), Sense> {
        let Some(emptied) = &self.emptied else {
            return Ok(());
        };
        let ascq = match emptied.reads {
            AfterErase::Unspecified | AfterErase::Good => return Ok(()),
            AfterErase::MediumError => 0x00,
            AfterErase::WriteRequired => 0x15,
        };
        if emptied.written.contains(&block) {
            return Ok(());
        }
        Err(Sense {
            information: Some(block),
            ..Sense::new(3, 0x11, ascq)
        })
    }

    /// There is no cache to empty; the range is checked all the same.
    pub(super) fn synchronize_cache(&self, cdb: &[u8]) -> Outcome {
        self.blocks(cdb).map(|_| Vec::new())
    }

    /// The blocks of a command of 10 or 16 bytes.
    pub(super) fn blocks(&self, cdb: &[u8]) -> Result<Range<u64>, Sense> {
        let (start, count) = if cdb[0] >> 5 == 4 {
            let mut start = [0; 8];
            start.copy_from_slice(&cdb[2..10]);
            let count = [cdb[10], cdb[11], cdb[12], cdb[13]];
            (u64::from_be_bytes(start), u32::from_be_bytes(count))
        } else {
            let start = u32::from_be_bytes([cdb[2], cdb[3], cdb[4], cdb[5]]);
            let count = u16::from_be_bytes([cdb[7], cdb[8]]);
            (u64::from(start), u32::from(count))
        };
        match start.checked_add(u64::from(count)) {
            Some(end) if end <= self.sectors() && start < self.sectors() => Ok(start..end),
            _ => Err(Sense::BEYOND_THE_LAST_BLOCK),
        }
    }
}
