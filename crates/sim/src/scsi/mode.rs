//! MODE SENSE (SPC-5 6.13, 7.5; SBC-4 6.5): the block descriptor and the pages that a host asks for.

use super::sense::Sense;
use super::{Outcome, ScsiDisk, cut, length_16};

const CACHING: u8 = 0x08;
const CONTROL: u8 = 0x0A;
const EXCEPTIONS: u8 = 0x1C;
const ALL: u8 = 0x3F;

/// Which values a host asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Values {
    Current,
    Changeable,
    Default,
}

impl ScsiDisk {
    pub(super) fn mode_sense(&self, cdb: &[u8]) -> Outcome {
        let is_long = cdb[0] == 0x5A;
        let values = match cdb[2] >> 6 {
            0 => Values::Current,
            1 => Values::Changeable,
            2 => Values::Default,
            // Saving parameters is not supported.
            _ => return Err(Sense::new(5, 0x39, 0x00)),
        };
        let page = cdb[2] & 0x3F;
        if !matches!(page, 0 | CACHING | CONTROL | EXCEPTIONS | ALL) || !matches!(cdb[3], 0 | 0xFF)
        {
            return Err(Sense::INVALID_FIELD);
        }
        // DBD; LLBAA, which only the long command has.
        let descriptor = if cdb[1] & 0x08 != 0 {
            Vec::new()
        } else if is_long && cdb[1] & 0x10 != 0 {
            self.long_descriptor()
        } else {
            self.short_descriptor()
        };
        let mut pages = Vec::new();
        if matches!(page, CACHING | ALL) {
            pages.extend(caching(values));
        }
        if matches!(page, CONTROL | ALL) {
            let mut bytes = [0; 12];
            bytes[..2].copy_from_slice(&[CONTROL, 10]);
            pages.extend(bytes);
        }
        if matches!(page, EXCEPTIONS | ALL) {
            let mut bytes = [0; 12];
            bytes[..2].copy_from_slice(&[EXCEPTIONS, 10]);
            pages.extend(bytes);
        }

        let body = descriptor.len() + pages.len();
        // DPOFUA: DPO and FUA are understood.
        let device_specific = 0x10;
        let mut data = if is_long {
            let [high, low] = u16::try_from(body + 6).unwrap_or(u16::MAX).to_be_bytes();
            let is_long_descriptor = u8::from(descriptor.len() == 16);
            let descriptor_bytes = u8::try_from(descriptor.len()).unwrap_or(u8::MAX);
            vec![
                high,
                low,
                0,
                device_specific,
                is_long_descriptor,
                0,
                0,
                descriptor_bytes,
            ]
        } else {
            let length = u8::try_from(body + 3).unwrap_or(u8::MAX);
            let descriptor_bytes = u8::try_from(descriptor.len()).unwrap_or(u8::MAX);
            vec![length, 0, device_specific, descriptor_bytes]
        };
        data.extend(descriptor);
        data.extend(pages);
        let allocation_bytes = if is_long {
            length_16(&cdb[7..9])
        } else {
            usize::from(cdb[4])
        };
        Ok(cut(data, allocation_bytes))
    }

    /// Number of blocks in 4 bytes (all ones when they are more), block length in 3.
    fn short_descriptor(&self) -> Vec<u8> {
        let sectors = u32::try_from(self.sectors()).unwrap_or(u32::MAX);
        let [_, a, b, c] = self.options.sector_bytes.to_be_bytes();
        let mut descriptor = sectors.to_be_bytes().to_vec();
        descriptor.extend([0, a, b, c]);
        descriptor
    }

    /// Number of blocks in 8 bytes, block length in 4.
    fn long_descriptor(&self) -> Vec<u8> {
        let mut descriptor = self.sectors().to_be_bytes().to_vec();
        descriptor.extend([0; 4]);
        descriptor.extend(self.options.sector_bytes.to_be_bytes());
        descriptor
    }
}

/// The write cache is on and cannot be switched off.
fn caching(values: Values) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes[..2].copy_from_slice(&[CACHING, 18]);
    bytes[2] = match values {
        Values::Current | Values::Default => 0x04,
        Values::Changeable => 0x00,
    };
    bytes
}
