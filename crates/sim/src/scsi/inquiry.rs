//! INQUIRY and its pages of vital product data (SPC-5, SBC-4).

use super::sense::Sense;
use super::work::AfterErase;
use super::{Outcome, ScsiDisk, cut, length_16};

impl ScsiDisk {
    pub(super) fn inquiry(&self, cdb: &[u8]) -> Outcome {
        let wants_page = cdb[1] & 1 == 1;
        let data = if wants_page {
            self.vital_page(cdb[2])?
        } else if cdb[2] == 0 {
            self.standard()
        } else {
            return Err(Sense::INVALID_FIELD);
        };
        Ok(cut(data, length_16(&cdb[3..5])))
    }

    /// 74 bytes: version SPC-5, command queueing, the standards it follows.
    fn standard(&self) -> Vec<u8> {
        let options = &self.options;
        let protect = u8::from(options.protection_type.is_some());
        let mut data = vec![0x00, 0x00, 0x07, 0x02, 69, protect, 0x00, 0x02];
        data.extend(padded(&options.vendor, 8));
        data.extend(padded(&options.product, 16));
        data.extend(padded(&options.revision, 4));
        data.resize(58, 0);
        // SAM-5, SAS-3 (SPL-3), SPC-5, SBC-4: no version claimed.
        data.extend([0x00, 0xA0, 0x20, 0xC0, 0x05, 0xC0, 0x06, 0x00]);
        data.resize(74, 0);
        data
    }

    fn vital_page(&self, code: u8) -> Outcome {
        let body = match code {
            0x00 => vec![0x00, 0x80, 0x83, 0xB0, 0xB1],
            0x80 => self.options.serial.clone().into_bytes(),
            0x83 => self.designators(),
            0xB0 => limits(),
            0xB1 => self.characteristics(),
            _ => return Err(Sense::INVALID_FIELD),
        };
        let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
        let [high, low] = length.to_be_bytes();
        let mut page = vec![0x00, code, high, low];
        page.extend(body);
        Ok(page)
    }

    /// The name of the logical unit, and the relative number of the port that was asked.
    fn designators(&self) -> Vec<u8> {
        let mut body = vec![0x01, 0x03, 0x00, 8];
        body.extend(self.options.wwn.to_be_bytes());
        body.extend([0x61, 0x94, 0x00, 4, 0, 0, 0, 1]);
        body
    }

    /// B1h: rotation, WABEREQ and WACEREQ, form factor 3.5 inch or 2.5 inch.
    fn characteristics(&self) -> Vec<u8> {
        let mut body = vec![0; 60];
        body[..2].copy_from_slice(&self.options.rotation.to_be_bytes());
        let sanitize = &self.options.sanitize;
        body[3] = requirement(sanitize.after_block_erase) << 6
            | requirement(sanitize.after_cryptographic_erase) << 4
            | if self.options.rotation == 1 { 3 } else { 2 };
        body
    }
}

/// B0h: 2,048 blocks at once and no more, 256 are best.
fn limits() -> Vec<u8> {
    let mut body = vec![0; 60];
    body[4..8].copy_from_slice(&2048_u32.to_be_bytes());
    body[8..12].copy_from_slice(&256_u32.to_be_bytes());
    body
}

/// What page B1h says of reads after an erase.
fn requirement(reads: AfterErase) -> u8 {
    match reads {
        AfterErase::Unspecified => 0,
        AfterErase::Good => 1,
        AfterErase::MediumError => 2,
        AfterErase::WriteRequired => 3,
    }
}

/// Text as SCSI has it: left-aligned, filled with spaces.
fn padded(text: &str, bytes: usize) -> Vec<u8> {
    let mut field = text.as_bytes().to_vec();
    field.resize(bytes, b' ');
    field
}
