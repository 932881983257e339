//! READ DEFECT DATA (12) (SBC-4): the sectors that were replaced since the disk left its
//! factory. There is no list from before.

use super::sense::Sense;
use super::{Outcome, ScsiDisk, cut, length_32};

impl ScsiDisk {
    /// Replaces the sector of an address by a spare one and lists it. Its old bytes stay where they
    /// were, where no address points.
    pub fn replace_sector(&mut self, address: u64) {
        self.cells.reallocate(address);
        self.grown_defects.push(address);
    }

    /// A format without regard to the list. What was moved stays where it is.
    pub(super) fn forget_defects(&mut self) {
        self.grown_defects.clear();
    }

    pub(super) fn read_defects(&self, cdb: &[u8]) -> Outcome {
        let wants_grown = cdb[1] & 0x08 != 0;
        let listed: &[u64] = if wants_grown {
            &self.grown_defects
        } else {
            &[]
        };
        let mut list = Vec::new();
        // Short and long block format.
        for address in listed {
            match cdb[1] & 0x07 {
                0 => list.extend(u32::try_from(*address).unwrap_or(u32::MAX).to_be_bytes()),
                3 => list.extend(address.to_be_bytes()),
                _ => return Err(Sense::INVALID_FIELD),
            }
        }
        // What was asked for is valid, in the format that was asked for.
        let mut data = vec![0, cdb[1] & 0x1F, 0, 0];
        data.extend(u32::try_from(list.len()).unwrap_or(u32::MAX).to_be_bytes());
        data.extend(list);
        Ok(cut(data, length_32(&cdb[6..10])))
    }
}
