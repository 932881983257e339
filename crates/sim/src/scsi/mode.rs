//! MODE SENSE and MODE SELECT (SPC-5, SBC-4): the block descriptor, and the
//! pages that a host asks for.
//!
//! The number of blocks can be set below what the disk has: the blocks behind it are hidden until
//! a host sets more, or all ones for all of them. Another length of a block waits for FORMAT UNIT. The
//! pages cannot be set.

use super::layout::Layout;
use super::sense::Sense;
use super::{Outcome, ScsiDisk, cut, length_16};

const ERROR_RECOVERY: u8 = 0x01;
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
        let is_there = matches!(
            page,
            0 | ERROR_RECOVERY | CACHING | CONTROL | EXCEPTIONS | ALL
        );
        if !is_there || !matches!(cdb[3], 0 | 0xFF) {
            return Err(Sense::INVALID_FIELD);
        }
        // DBD; LLBAA, which only the long command has.
        let descriptor = if cdb[1] & 0x08 != 0 {
            Vec::new()
        } else if is_long && cdb[1] & 0x10 != 0 {
            self.long_descriptor(values)
        } else {
            self.short_descriptor(values)
        };
        let mut pages = Vec::new();
        if matches!(page, ERROR_RECOVERY | ALL) {
            pages.extend(error_recovery(values));
        }
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
    fn short_descriptor(&self, values: Values) -> Vec<u8> {
        let (sectors, sector_bytes) = self.descriptor(values);
        let sectors = u32::try_from(sectors).unwrap_or(u32::MAX);
        let [_, a, b, c] = sector_bytes.to_be_bytes();
        let mut descriptor = sectors.to_be_bytes().to_vec();
        descriptor.extend([0, a, b, c]);
        descriptor
    }

    /// Number of blocks in 8 bytes, block length in 4.
    fn long_descriptor(&self, values: Values) -> Vec<u8> {
        let (sectors, sector_bytes) = self.descriptor(values);
        let mut descriptor = sectors.to_be_bytes().to_vec();
        descriptor.extend([0; 4]);
        descriptor.extend(sector_bytes.to_be_bytes());
        descriptor
    }

    /// Blocks, and bytes of each.
    fn descriptor(&self, values: Values) -> (u64, u32) {
        match values {
            Values::Current => {
                let Layout {
                    sectors,
                    sector_bytes,
                } = self.next_layout();
                (sectors, sector_bytes)
            }
            Values::Default => (self.sectors_max, self.options.sector_bytes),
            Values::Changeable if self.options.other_sector_bytes.is_empty() => (u64::MAX, 0),
            Values::Changeable => (u64::MAX, u32::MAX),
        }
    }

    pub(super) fn mode_select(&mut self, cdb: &[u8], out: &[u8]) -> Outcome {
        let is_long = cdb[0] == 0x55;
        // SP: parameters are not saved.
        if cdb[1] & 0x01 != 0 {
            return Err(Sense::INVALID_FIELD);
        }
        let (list_bytes, header_bytes) = if is_long {
            (length_16(&cdb[7..9]), 8)
        } else {
            (usize::from(cdb[4]), 4)
        };
        if list_bytes == 0 {
            return Ok(Vec::new());
        }
        let list = out.get(..list_bytes).ok_or(Sense::DATA_PHASE)?;
        let Some((header, body)) = list.split_at_checked(header_bytes) else {
            return Err(Sense::LIST_LENGTH);
        };
        let has_long_descriptor = is_long && header[4] & 1 == 1;
        let (sectors, sector_bytes) = match (usize::from(header[header_bytes - 1]), body) {
            (0, []) => return Ok(Vec::new()),
            (8, &[a, b, c, d, _, e, f, g]) if !has_long_descriptor => {
                let sectors = u32::from_be_bytes([a, b, c, d]);
                let all = (sectors == u32::MAX).then_some(u64::MAX);
                let sector_bytes = u32::from_be_bytes([0, e, f, g]);
                (all.unwrap_or(u64::from(sectors)), sector_bytes)
            }
            (16, &[a, b, c, d, e, f, g, h, _, _, _, _, i, j, k, l]) if has_long_descriptor => {
                let sectors = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
                (sectors, u32::from_be_bytes([i, j, k, l]))
            }
            // Pages, or a descriptor that is none.
            _ => return Err(Sense::INVALID_IN_LIST),
        };
        let is_other = sector_bytes != self.options.sector_bytes;
        if is_other && !self.options.other_sector_bytes.contains(&sector_bytes) {
            return Err(Sense::INVALID_IN_LIST);
        }
        let sectors = match sectors {
            u64::MAX => self.sectors_max,
            // Zero leaves it as it is, and is all of them where the length is another one.
            0 if is_other => self.sectors_max,
            0 => self.sectors,
            _ if sectors <= self.sectors_max => sectors,
            _ => return Err(Sense::INVALID_IN_LIST),
        };
        self.selected = is_other.then_some(Layout {
            sector_bytes,
            sectors,
        });
        if !is_other {
            self.sectors = sectors;
        }
        Ok(Vec::new())
    }
}

/// AWRE and ARRE: bad sectors are replaced when they are written or read.
fn error_recovery(values: Values) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..2].copy_from_slice(&[ERROR_RECOVERY, 10]);
    bytes[2] = match values {
        Values::Current | Values::Default => 0xC0,
        Values::Changeable => 0x00,
    };
    bytes
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
