//! LOG SENSE (SPC-5 6.9, 7.3): temperature (0Dh) and informational exceptions (2Fh).

use super::sense::Sense;
use super::{Outcome, ScsiDisk, cut, length_16};

impl ScsiDisk {
    pub(super) fn log_sense(&self, cdb: &[u8]) -> Outcome {
        let page = cdb[2] & 0x3F;
        if cdb[3] != 0 {
            return Err(Sense::INVALID_FIELD);
        }
        let celsius = self.options.temperature_celsius;
        let body = match page {
            0x00 => vec![0x00, 0x0D, 0x2F],
            // Now, and the highest it should have.
            0x0D => vec![0, 0, 0x03, 2, 0, celsius, 0, 1, 0x03, 2, 0, 60],
            0x2F => {
                let (asc, ascq) = self.options.exception;
                vec![0, 0, 0x03, 4, asc, ascq, celsius, 0]
            }
            _ => return Err(Sense::INVALID_FIELD),
        };
        let [high, low] = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
        let mut data = vec![page, 0, high, low];
        data.extend(body);
        Ok(cut(data, length_16(&cdb[7..9])))
    }
}
