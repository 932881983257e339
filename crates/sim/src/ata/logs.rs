//! READ LOG EXT: the directory, the error of queued commands, the identify device data log.

use super::disk::AtaDisk;
use super::{Answer, Task, low, seal, words};

const VALID: u64 = 1 << 63;

/// Pages of the identify device data log that there are.
const PAGES: [u8; 5] = [0x00, 0x01, 0x02, 0x05, 0x06];

/// A page of the identify device data log: a head, then quadwords at their offsets.
fn page(number: u8, quadwords: &[(usize, u64)]) -> [u8; 512] {
    let mut bytes = [0; 512];
    let head = VALID | u64::from(number) << 16 | 1;
    for (offset, value) in [(0, head)].iter().chain(quadwords) {
        bytes[*offset..*offset + 8].copy_from_slice(&value.to_le_bytes());
    }
    bytes
}

impl AtaDisk {
    /// COUNT pages of the log in LBA 7:0, from the page in LBA 39:32 and 15:8.
    pub(crate) fn read_log(&mut self, task: &Task) -> Answer {
        if !self.options.logs || task.count == 0 {
            return Answer::aborted(task);
        }
        let first = low(task.lba >> 32);
        let first = u16::from_be_bytes([first, low(task.lba >> 8)]);
        let mut data = Vec::new();
        for number in first..first.saturating_add(task.count) {
            match self.log_page(low(task.lba), number) {
                Some(page) => data.extend_from_slice(&page),
                None => return Answer::aborted(task),
            }
        }
        Answer::with_data(task, data)
    }

    fn log_page(&self, log: u8, number: u16) -> Option<[u8; 512]> {
        let number = u8::try_from(number).ok()?;
        match (log, number) {
            (0x00, 0) => Some(directory()),
            // No queued command failed: NQ.
            (0x10, 0) => {
                let mut bytes = [0; 512];
                bytes[0] = 0x80;
                seal(&mut bytes);
                Some(bytes)
            }
            (0x30, 0) => {
                let mut bytes = page(0, &[]);
                bytes[8] = 5;
                bytes[9..14].copy_from_slice(&PAGES);
                Some(bytes)
            }
            (0x30, 1) => Some(self.identify()),
            (0x30, 2) => Some(self.capacity_page()),
            (0x30, 5) => Some(self.strings_page()),
            (0x30, 6) => Some(self.security_page()),
            // A page that is not supported reads as zeros.
            (0x30, _) => Some([0; 512]),
            _ => None,
        }
    }

    fn capacity_page(&self) -> [u8; 512] {
        let options = &self.options;
        let is_long = options.logical_sector_bytes > 512;
        let sizes = VALID
            | u64::from(options.physical_exponent > 0) << 62
            | u64::from(is_long) << 61
            | u64::from(options.physical_exponent) << 16;
        let words_of_sector = u64::from(options.logical_sector_bytes / 2);
        let quadwords = [
            (8, VALID | self.hidden.accessible()),
            (16, sizes),
            (24, VALID | words_of_sector),
        ];
        page(2, &quadwords)
    }

    fn strings_page(&self) -> [u8; 512] {
        let identify = self.identify();
        let mut bytes = page(5, &[]);
        bytes[8..28].copy_from_slice(&identify[20..40]);
        bytes[32..40].copy_from_slice(&identify[46..54]);
        bytes[48..88].copy_from_slice(&identify[54..94]);
        bytes
    }

    fn security_page(&self) -> [u8; 512] {
        let options = &self.options;
        let security = &options.security;
        let is_supported = self.hidden.has_security(options);
        let [status, ..] = words(u64::from(self.security_status()));
        let status = match is_supported {
            true => u64::from(status & 0x3F) | u64::from(status >> 8 & 1) << 6,
            false => 0,
        };
        let capabilities =
            u64::from(options.encrypts) | u64::from(options.sanitize.overrides_lock) << 7;
        let minutes = |seconds: u64| VALID | seconds.div_ceil(120).min(0x7FFF);
        let quadwords = [
            (8, VALID | u64::from(self.security.master_id)),
            (16, VALID | status),
            (24, minutes(security.enhanced_time.as_secs())),
            (32, minutes(security.erase_time.as_secs())),
            // Trusted computing.
            (40, self.tper.as_ref().map_or(0, |_| VALID | 1)),
            (48, VALID | capabilities),
        ];
        page(6, &quadwords)
    }
}

/// How many pages each log has: a word for each, its version first.
fn directory() -> [u8; 512] {
    let mut bytes = [0; 512];
    for (log, pages) in [(0x00, 1), (0x10, 1), (0x30, 7)] {
        bytes[log * 2] = pages;
    }
    bytes
}
