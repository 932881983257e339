//! REPORT SUPPORTED OPERATION CODES (SPC-5): what the disk says that it can.

use super::sanitize::{BLOCK_ERASE, CRYPTOGRAPHIC_ERASE, EXIT_FAILURE_MODE, OVERWRITE};
use super::sense::Sense;
use super::{Outcome, ScsiDisk, cut, length_16, length_32};

/// Usage data of a command: its operation code, and a 1 for each bit that is looked at.
type Usage = &'static [u8];

const PLAIN: [Usage; 18] = [
    &[0x00, 0, 0, 0, 0, 0],
    &[0x03, 0x01, 0, 0, 0xFF, 0],
    &[0x12, 0x01, 0xFF, 0xFF, 0xFF, 0],
    &[0x15, 0x10, 0, 0, 0xFF, 0],
    &[0x1A, 0x08, 0xFF, 0xFF, 0xFF, 0],
    &[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    &[0x28, 0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0xFF, 0xFF, 0],
    &[0x2A, 0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0xFF, 0xFF, 0],
    &[0x35, 0x02, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0xFF, 0xFF, 0],
    &[0x4D, 0, 0xFF, 0xFF, 0, 0, 0, 0xFF, 0xFF, 0],
    &[0x55, 0x10, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0],
    &[0x5A, 0x18, 0xFF, 0xFF, 0, 0, 0, 0xFF, 0xFF, 0],
    &[
        0x88, 0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0,
    ],
    &[
        0x8A, 0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0,
    ],
    &[
        0x91, 0x02, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0,
    ],
    &[0xA0, 0, 0xFF, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0],
    &[0xB7, 0x1F, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0],
    FORMAT_UNIT,
];
const FORMAT_UNIT: Usage = &[0x04, 0xF8, 0, 0, 0x01, 0];

/// With the service action in byte 1.
const WITH_ACTION: [Usage; 6] = [
    &[0x48, 0xA0 | OVERWRITE, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0],
    &[0x48, 0xA0 | BLOCK_ERASE, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0],
    &[
        0x48,
        0xA0 | CRYPTOGRAPHIC_ERASE,
        0,
        0,
        0,
        0,
        0,
        0xFF,
        0xFF,
        0,
    ],
    &[0x48, 0x80 | EXIT_FAILURE_MODE, 0, 0, 0, 0, 0, 0, 0, 0],
    &[
        0x9E, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0,
    ],
    &[
        0xA3, 0x0C, 0x07, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0,
    ],
];

impl ScsiDisk {
    pub(super) fn report_operation_codes(&self, cdb: &[u8]) -> Outcome {
        let (code, action) = (cdb[3], length_16(&cdb[4..6]));
        let is_plain = PLAIN.iter().any(|usage| usage[0] == code);
        let has_actions = WITH_ACTION.iter().any(|usage| usage[0] == code);
        let usage = match cdb[2] & 0x07 {
            0 => return Ok(cut(self.all(), length_32(&cdb[6..10]))),
            1 if has_actions => return Err(Sense::INVALID_FIELD),
            2 if is_plain => return Err(Sense::INVALID_FIELD),
            1 => self.plain(code),
            2 => self.with_action(code, action),
            3 if is_plain && action != 0 => None,
            3 => self.plain(code).or_else(|| self.with_action(code, action)),
            _ => return Err(Sense::INVALID_FIELD),
        };
        // SUPPORT: 3 as the standard says, 1 not.
        let data = match usage {
            Some(usage) => {
                let [high, low] = cdb_length(usage);
                [&[0, 3, high, low], usage].concat()
            }
            None => vec![0, 1, 0, 0],
        };
        Ok(cut(data, length_32(&cdb[6..10])))
    }

    /// The list of all: code, service action, SERVACTV, length.
    fn all(&self) -> Vec<u8> {
        let plain = PLAIN.into_iter().filter(|usage| self.has_plain(usage));
        let with_action = WITH_ACTION
            .into_iter()
            .filter(|usage| self.has_action(usage));
        let mut list = Vec::new();
        for usage in plain {
            let [high, low] = cdb_length(usage);
            list.extend([usage[0], 0, 0, 0, 0, 0, high, low]);
        }
        for usage in with_action {
            let [high, low] = cdb_length(usage);
            list.extend([usage[0], 0, 0, usage[1] & 0x1F, 0, 1, high, low]);
        }
        let length = u32::try_from(list.len()).unwrap_or(u32::MAX);
        [&length.to_be_bytes(), list.as_slice()].concat()
    }

    fn plain(&self, code: u8) -> Option<Usage> {
        let mut usages = PLAIN.into_iter();
        usages.find(|usage| usage[0] == code && self.has_plain(usage))
    }

    fn with_action(&self, code: u8, action: usize) -> Option<Usage> {
        let mut usages = WITH_ACTION.into_iter();
        usages.find(|usage| {
            usage[0] == code && usize::from(usage[1] & 0x1F) == action && self.has_action(usage)
        })
    }

    fn has_plain(&self, usage: Usage) -> bool {
        usage[0] != FORMAT_UNIT[0] || self.options.format.is_some()
    }

    fn has_action(&self, usage: Usage) -> bool {
        usage[0] != 0x48 || self.options.sanitize.has(usage[1] & 0x1F)
    }
}

fn cdb_length(usage: Usage) -> [u8; 2] {
    u16::try_from(usage.len()).unwrap_or(u16::MAX).to_be_bytes()
}
