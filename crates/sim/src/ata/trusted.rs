//! TRUSTED SEND and TRUSTED RECEIVE (ACS-4), and what TCG locking keeps from the host: an abort, as
//! Storage Interface Interactions has it.

use super::disk::AtaDisk;
use super::{Answer, Task, low};
use crate::tcg::{Effect, Read};

/// Bytes of a block of these commands.
const BLOCK_BYTES: usize = 512;

impl AtaDisk {
    /// 5Ch to 5Fh: protocol in FEATURE, ComID in LBA 23:8, blocks in LBA 7:0 and COUNT.
    pub(crate) fn trusted(&mut self, task: &Task, out: &[u8]) -> Answer {
        let Some(tper) = &mut self.tper else {
            return Answer::aborted(task);
        };
        let protocol = task.feature.to_le_bytes()[0];
        let com_id = u16::from_be_bytes([low(task.lba >> 16), low(task.lba >> 8)]);
        if let 0x5E | 0x5F = task.command {
            return match tper.send(protocol, com_id, out) {
                Ok(Effect::None) => Answer::good(task),
                Ok(Effect::KeyReplaced) => {
                    self.cache.clear();
                    self.cells.change_key(true);
                    Answer::good(task)
                }
                Err(_) => Answer::aborted(task),
            };
        }
        let [count, _] = task.count.to_le_bytes();
        let blocks = usize::from(u16::from_be_bytes([low(task.lba), count]));
        match tper.receive(protocol, com_id, blocks * BLOCK_BYTES) {
            Ok(data) => Answer::with_data(task, data),
            Err(_) => Answer::aborted(task),
        }
    }

    /// What a command gets instead of the medium; `None` where TCG lets it through.
    pub(crate) fn locked_by_tcg(&self, task: &Task) -> Option<Answer> {
        let tper = self.tper.as_ref()?;
        // DATA SET MANAGEMENT, SECURITY ERASE UNIT, SANITIZE DEVICE but for its status.
        let is_of_all = match task.command {
            0x06 | 0xF4 => true,
            0xB4 => task.feature != 0,
            _ => false,
        };
        if is_of_all {
            return (!tper.may_change_all()).then(|| Answer::aborted(task));
        }
        if !task.touches_media() {
            return None;
        }
        // An address beyond the end is the command's own trouble.
        let sectors = self.sectors(task).ok()?;
        let sector_bytes = self.cells.sector_bytes();
        match task.command {
            0x20 | 0x24 | 0x25 | 0xC8 => match tper.read(&sectors, sector_bytes) {
                Read::Medium => None,
                Read::Shadow(data) => Some(Answer::with_data(task, data)),
                Read::Denied => Some(Answer::aborted(task)),
            },
            0x40 | 0x42 => match tper.read(&sectors, sector_bytes) {
                Read::Medium => None,
                Read::Shadow(_) => Some(Answer::good(task)),
                Read::Denied => Some(Answer::aborted(task)),
            },
            _ => (!tper.may_write(&sectors, sector_bytes)).then(|| Answer::aborted(task)),
        }
    }
}
