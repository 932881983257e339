//! SECURITY PROTOCOL IN and OUT as TRUSTED RECEIVE and TRUSTED SEND (SAT-4).

use super::sense::{INVALID_COMMAND, INVALID_FIELD};
use super::{Outcome, cut, good, number};
use crate::ata::Task;
use crate::ata::disk::AtaDisk;

impl AtaDisk {
    pub(super) fn security_protocol(&mut self, cdb: &[u8], out: &[u8]) -> Outcome {
        if self.tper.is_none() {
            return Err(INVALID_COMMAND.into());
        }
        let is_in = cdb[0] == 0xA2;
        let units = number(cdb, 6, 4);
        // INC_512.
        let bytes = match cdb[4] & 0x80 {
            0 => units,
            _ => units * 512,
        };
        let blocks = u16::try_from(bytes.div_ceil(512)).map_err(|_| INVALID_FIELD)?;
        if !is_in && u64::try_from(out.len()) != Ok(bytes) {
            return Err(INVALID_FIELD.into());
        }
        let [blocks_high, blocks_low] = blocks.to_be_bytes();
        let task = Task {
            command: if is_in { 0x5C } else { 0x5E },
            feature: u16::from(cdb[1]),
            count: u16::from(blocks_low),
            lba: number(cdb, 2, 2) << 8 | u64::from(blocks_high),
            device: 0x40,
            is_48_bit: false,
        };
        let mut payload = out.to_vec();
        payload.resize(out.len().next_multiple_of(512), 0);
        let answer = self.ata(&task, &payload)?;
        Ok(match is_in {
            true => cut(answer.data, bytes),
            false => good(Vec::new()),
        })
    }
}
