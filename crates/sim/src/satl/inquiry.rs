//! INQUIRY: the standard data and the vital product data pages.

use super::sense::INVALID_FIELD;
use super::{Outcome, blocks, cut, number};
use crate::ata::disk::AtaDisk;

/// Text of a fixed length, padded with spaces.
fn padded(text: &str, length: usize) -> Vec<u8> {
    let bytes = text.bytes().chain(std::iter::repeat(b' '));
    bytes.take(length).collect()
}

/// A page of vital product data.
fn page(code: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap_or(0).to_be_bytes();
    [&[0x00, code], &length[..], body].concat()
}

impl AtaDisk {
    pub(super) fn inquiry(&self, cdb: &[u8]) -> Outcome {
        let wants_page = cdb.get(1).is_some_and(|byte| byte & 1 != 0);
        let code = cdb.get(2).copied().unwrap_or(0);
        let data = match (wants_page, code) {
            (false, 0) => self.standard(),
            (true, 0x00) => page(0x00, &[0x00, 0x80, 0x83, 0x89, 0xB0, 0xB1, 0xB2]),
            (true, 0x80) => page(0x80, &padded(self.names().0, 20)),
            (true, 0x83) => page(0x83, &self.identifiers()),
            (true, 0x89) => page(0x89, &self.ata_information()),
            (true, 0xB0) => page(0xB0, &self.limits()),
            (true, 0xB1) => page(0xB1, &self.characteristics()),
            (true, 0xB2) => page(0xB2, &self.provisioning()),
            _ => return Err(INVALID_FIELD.into()),
        };
        Ok(cut(data, number(cdb, 3, 2)))
    }

    fn standard(&self) -> Vec<u8> {
        let firmware = &self.options.firmware;
        let revision = firmware.get(4..).filter(|end| !end.trim().is_empty());
        let revision = revision.unwrap_or(firmware);
        let mut data = vec![0x00, 0x00, 0x06, 0x02, 91, 0x00, 0x00, 0x02];
        data.extend(padded("ATA", 8));
        data.extend(padded(&self.options.model, 16));
        data.extend(padded(revision, 4));
        data.resize(96, 0);
        data
    }

    /// Serial number, T10 vendor id with model and serial number, world wide name.
    fn identifiers(&self) -> Vec<u8> {
        let (serial, wwn) = self.names();
        let mut body = vec![0x02, 0x00, 0x00, 20];
        body.extend(padded(serial, 20));
        body.extend([0x02, 0x01, 0x00, 68]);
        body.extend(padded("ATA", 8));
        body.extend(padded(&self.options.model, 40));
        body.extend(padded(serial, 20));
        if wwn != 0 {
            body.extend([0x01, 0x03, 0x00, 8]);
            body.extend(wwn.to_be_bytes());
        }
        body
    }

    /// The translation, the signature and the drive's own IDENTIFY DEVICE data.
    fn ata_information(&self) -> Vec<u8> {
        let mut body = vec![0; 4];
        body.extend(padded("SIM", 8));
        body.extend(padded("SATL", 16));
        body.extend(padded("0001", 4));
        let mut signature = [0; 20];
        signature[0] = 0x34;
        signature[2] = 0x40;
        signature[4] = 0x01;
        signature[12] = 0x01;
        body.extend(signature);
        body.extend([0xEC, 0, 0, 0]);
        body.extend(self.identify());
        body
    }

    fn limits(&self) -> Vec<u8> {
        let mut body = [0; 60];
        let mut put = |offset: usize, value: u32| {
            body[offset - 4..offset].copy_from_slice(&value.to_be_bytes());
        };
        let blocks_max = u32::try_from(blocks::BLOCKS_MAX).unwrap_or(u32::MAX);
        put(8, blocks_max);
        if self.options.trim {
            // Eight blocks of 64 entries of DATA SET MANAGEMENT.
            put(20, 8 * 64 * 65_535);
            put(24, 64);
        }
        body[2..4].copy_from_slice(&(1u16 << self.options.physical_exponent).to_be_bytes());
        body.to_vec()
    }

    fn characteristics(&self) -> Vec<u8> {
        let mut body = [0; 60];
        body[..2].copy_from_slice(&self.options.rotation.to_be_bytes());
        body[3] = 0x03;
        body.to_vec()
    }

    fn provisioning(&self) -> Vec<u8> {
        let has_trim = self.options.trim;
        let zeros = has_trim && self.options.trim_zeros;
        let flags = u8::from(has_trim) << 7 | u8::from(zeros) << 2;
        vec![0x00, flags, if has_trim { 0x02 } else { 0x00 }, 0x00]
    }
}
