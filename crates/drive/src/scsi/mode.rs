//! MODE SENSE(10): write protection, and the capacity that the block descriptor names.
//!
//! A current capacity below the default one is hidden capacity. Mode pages themselves are not
//! parsed. SPC-5 7.5.3, SBC-4 6.5.2.

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
    fn missing_descriptor_and_header() {
        let header = ModeHeader::parse(&[0, 6, 0, 0, 0, 0, 0, 0]).expect("header");
        assert_eq!((header.blocks, header.block_bytes), (None, None));
        assert_eq!(ModeHeader::parse(&[0, 6, 0]), None);
    }
}
