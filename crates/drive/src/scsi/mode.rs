//! MODE SENSE(10): write protection, the capacity that the block descriptor names, and D_SENSE.
//!
//! A current capacity below the default one is hidden capacity. Of the mode pages only the control
//! page is looked at. Here, too, are the lists that MODE SELECT(10) sends to change them: each is
//! made of what the drive answered. SPC-5 7.5.3 and 7.5.10, SBC-4 6.5.2.

use crate::bytes::{array, be16, be32, be64, bit, byte};

/// Header and first block descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModeHeader {
    /// WP: the medium is write protected.
    pub write_protected: bool,
    /// DPOFUA: reads and writes can force media access.
    pub force_unit_access: bool,
    /// Number of blocks; `None`: no descriptor, or a number too large for the short one.
    pub blocks: Option<u64>,
    /// Block length in bytes.
    pub block_bytes: Option<u32>,
}

impl ModeHeader {
    /// Parses the answer; `None` when the 8-byte header is not there.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let (specific, long) = (byte(data, 3)?, bit(byte(data, 4)?, 0));
        let length = usize::from(be16(data, 6)?);
        let d = data
            .get(8..(8 + length).min(data.len()))
            .unwrap_or_default();
        let (blocks, block_bytes) = if long {
            (be64(d, 0).filter(|n| *n != u64::MAX), be32(d, 12))
        } else {
            // Block length is 24 bits wide, behind a reserved byte.
            let length = array(d, 5).map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]));
            (be32(d, 0).filter(|n| *n != u32::MAX).map(u64::from), length)
        };
        Some(Self {
            write_protected: bit(specific, 7),
            force_unit_access: bit(specific, 4),
            blocks: blocks.filter(|n| *n > 0),
            block_bytes,
        })
    }
}

/// Bytes of the mode parameter header of the 10-byte commands.
const HEADER_BYTES: usize = 8;

/// The list that gives the drive all of its capacity: header and block descriptor of this answer,
/// with a number of blocks of all ones.
///
/// `None` when the answer has no whole descriptor or says no block length.
#[must_use]
pub fn list_of_full_capacity(data: &[u8]) -> Option<Vec<u8>> {
    let block_bytes = ModeHeader::parse(data)?.block_bytes.filter(|n| *n > 0)?;
    list_of_block_length(data, block_bytes)
}

/// The list that asks for blocks of this length, as many as there are: in the form of this answer. A
/// length that is another one takes effect with the next FORMAT UNIT.
///
/// `None` when the answer has no whole descriptor, or one that has no room for the length.
#[must_use]
pub fn list_of_block_length(data: &[u8], block_bytes: u32) -> Option<Vec<u8>> {
    let long = bit(byte(data, 4)?, 0);
    ModeHeader::parse(data)?.block_bytes?;
    let [high, a, b, c] = block_bytes.to_be_bytes();
    if !long && high != 0 {
        return None;
    }
    let descriptor = if long {
        let mut descriptor = vec![0xFF; 8];
        descriptor.extend([0, 0, 0, 0, high, a, b, c]);
        descriptor
    } else {
        vec![0xFF, 0xFF, 0xFF, 0xFF, 0, a, b, c]
    };
    let length = if long { 16 } else { 8 };
    let header = [0, 0, 0, 0, u8::from(long), 0, 0, length];
    Some([&header[..], &descriptor].concat())
}

/// Code of the control mode page.
pub const CONTROL_PAGE: u8 = 0x0A;

/// Whether sense data come in descriptor format: D_SENSE of the control page. `None` when the answer
/// does not hold that page.
#[must_use]
pub fn descriptor_sense(data: &[u8]) -> Option<bool> {
    Some(bit(byte(control_page(data)?, 2)?, 2))
}

/// The list that sets D_SENSE and leaves the rest of the control page as it was answered.
///
/// `None` when the answer does not hold the page whole: what was not read is not written.
#[must_use]
pub fn list_of_descriptor_sense(data: &[u8]) -> Option<Vec<u8>> {
    let mut list = vec![0; HEADER_BYTES];
    list.extend(control_page(data)?);
    // PS is reserved in MODE SELECT.
    *list.get_mut(HEADER_BYTES)? &= 0x7F;
    *list.get_mut(HEADER_BYTES + 2)? |= 1 << 2;
    Some(list)
}

/// The control page of an answer, whole, as the first page behind the block descriptors.
fn control_page(data: &[u8]) -> Option<&[u8]> {
    let page = data.get(HEADER_BYTES + usize::from(be16(data, 6)?)..)?;
    // SPF: a subpage has another header.
    if byte(page, 0)? & 0x7F != CONTROL_PAGE {
        return None;
    }
    let length = 2 + usize::from(byte(page, 1)?);
    page.get(..length).filter(|page| page.len() > 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_descriptors() {
        let short = [
            0, 14, 0, 0x90, 0, 0, 0, 8, 0x00, 0x10, 0x00, 0x00, 0, 0, 2, 0,
        ];
        let header = ModeHeader::parse(&short).expect("header");
        assert!(header.write_protected && header.force_unit_access);
        assert_eq!(
            (header.blocks, header.block_bytes),
            (Some(0x10_0000), Some(512))
        );

        let long = [
            0, 22, 0, 0, 1, 0, 0, 16, 0, 0, 0, 1, 0xD1, 0xC0, 0xBE, 0xB0, 0, 0, 0, 0, 0, 0, 0x10, 0,
        ];
        let header = ModeHeader::parse(&long).expect("header");
        assert_eq!(
            (header.blocks, header.block_bytes),
            (Some(7_814_037_168), Some(4096))
        );
    }

    #[test]
    fn capacity_too_large_for_the_short_descriptor_is_unknown() {
        let data = [0, 14, 0, 0, 0, 0, 0, 8, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 2, 0];
        assert_eq!(ModeHeader::parse(&data).expect("header").blocks, None);
    }

    #[test]
    fn another_block_length_is_asked_for_in_the_form_of_the_answer() {
        let short = [0, 14, 0, 0, 0, 0, 0, 8, 0, 0x10, 0, 0, 0, 0, 2, 8];
        assert_eq!(
            list_of_block_length(&short, 512),
            Some(vec![
                0, 0, 0, 0, 0, 0, 0, 8, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 2, 0
            ])
        );
        assert_eq!(list_of_block_length(&short, 1 << 24), None);
        assert_eq!(list_of_block_length(&short[..12], 512), None);
    }

    #[test]
    fn missing_descriptor_and_header() {
        let header = ModeHeader::parse(&[0, 6, 0, 0, 0, 0, 0, 0]).expect("header");
        assert_eq!((header.blocks, header.block_bytes), (None, None));
        assert_eq!(ModeHeader::parse(&[0, 6, 0]), None);
    }

    #[test]
    fn full_capacity_is_asked_for_in_the_form_of_the_answer() {
        let short = [
            0, 14, 0, 0x90, 0, 0, 0, 8, 0x00, 0x10, 0x00, 0x00, 0, 0, 2, 0,
        ];
        assert_eq!(
            list_of_full_capacity(&short),
            Some(vec![
                0, 0, 0, 0, 0, 0, 0, 8, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 2, 0
            ])
        );
        let long = [
            0, 22, 0, 0, 1, 0, 0, 16, 0, 0, 0, 1, 0xD1, 0xC0, 0xBE, 0xB0, 0, 0, 0, 0, 0, 0, 0x10, 0,
        ];
        assert_eq!(
            list_of_full_capacity(&long),
            Some(vec![
                0, 0, 0, 0, 1, 0, 0, 16, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0,
                0, 0, 0, 0x10, 0
            ])
        );
        assert_eq!(list_of_full_capacity(&[0, 6, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(list_of_full_capacity(&long[..20]), None);
    }

    /// A short block descriptor, then the control page with PS, byte 2 as given.
    fn control(byte_2: u8) -> Vec<u8> {
        let mut data = vec![
            0, 26, 0, 0x10, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 2, 0, 0x8A, 10, byte_2,
        ];
        data.extend([0x10, 0, 0x40, 0, 0, 0xFF, 0xFF, 0, 30]);
        data
    }

    #[test]
    fn descriptor_sense_is_one_bit_of_the_control_page() {
        assert_eq!(descriptor_sense(&control(0x02)), Some(false));
        assert_eq!(descriptor_sense(&control(0x04)), Some(true));
        let mut other = control(0x04);
        other[16] = 0x88;
        assert_eq!(descriptor_sense(&other), None);
    }

    #[test]
    fn list_that_sets_it_keeps_the_rest_of_the_page() {
        assert_eq!(
            list_of_descriptor_sense(&control(0x02)),
            Some(vec![
                0, 0, 0, 0, 0, 0, 0, 0, 0x0A, 10, 0x06, 0x10, 0, 0x40, 0, 0, 0xFF, 0xFF, 0, 30
            ])
        );
    }

    #[test]
    fn page_that_was_not_read_whole_is_not_written() {
        let data = control(0x02);
        assert_eq!(list_of_descriptor_sense(&data[..data.len() - 1]), None);
        let mut empty = control(0x02);
        empty[17] = 0;
        assert_eq!(list_of_descriptor_sense(&empty), None);
        assert_eq!(list_of_descriptor_sense(&[]), None);
    }
}
