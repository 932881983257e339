//! READ CAPACITY answers. SBC-4 5.19 and 5.20. Both name the *last* LBA, one less than the blocks.

use crate::bytes::{be32, be64, bit, byte};

/// READ CAPACITY(16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity16 {
    /// Last LBA.
    pub last_lba: u64,
    /// Logical block length in bytes, without protection information.
    pub block_bytes: u32,
    /// Protection type 1 to 3, if PROT_EN is set: 8 bytes per block that no overwrite reaches.
    pub protection_type: Option<u8>,
    /// log2 of logical blocks per physical block.
    pub physical_exponent: u8,
    /// LBPME: blocks can be unmapped.
    pub provisioned: bool,
    /// LBPRZ: unmapped blocks read as zeros, which proves no erasure.
    pub unmapped_reads_zeros: bool,
    /// Lowest aligned LBA.
    pub lowest_aligned_lba: u16,
}

/// READ CAPACITY(10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity10 {
    /// It fits 32 bits.
    Fits {
        /// Last LBA.
        last_lba: u32,
        /// Block length in bytes.
        block_bytes: u32,
    },
    /// FFFFFFFFh: ask READ CAPACITY(16).
    TooLarge,
}

impl Capacity16 {
    /// Parses the answer; `None` when it is short or the block length is 0.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let (protection, exponents) = (byte(data, 12)?, byte(data, 13)?);
        let (provisioning, aligned_low) = (byte(data, 14)?, byte(data, 15)?);
        Some(Self {
            last_lba: be64(data, 0)?,
            block_bytes: be32(data, 8).filter(|n| *n > 0)?,
            protection_type: bit(protection, 0).then_some((protection >> 1 & 7).saturating_add(1)),
            physical_exponent: exponents & 0x0F,
            provisioned: bit(provisioning, 7),
            unmapped_reads_zeros: bit(provisioning, 6),
            lowest_aligned_lba: u16::from_be_bytes([provisioning & 0x3F, aligned_low]),
        })
    }

    /// Blocks: last LBA plus one; `None` when the last LBA is all ones.
    #[must_use]
    pub fn blocks(&self) -> Option<u64> {
        self.last_lba.checked_add(1)
    }

    /// Capacity in bytes; `None` on overflow.
    #[must_use]
    pub fn capacity_bytes(&self) -> Option<u64> {
        self.blocks()?.checked_mul(u64::from(self.block_bytes))
    }

    /// Physical block length in bytes; `None` on overflow.
    #[must_use]
    pub fn physical_block_bytes(&self) -> Option<u32> {
        self.block_bytes.checked_mul(1 << self.physical_exponent)
    }
}

impl Capacity10 {
    /// Parses the answer; `None` when it is short or the block length is 0.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let (last_lba, block_bytes) = (be32(data, 0)?, be32(data, 4).filter(|n| *n > 0)?);
        Some(match last_lba {
            u32::MAX => Self::TooLarge,
            last_lba => Self::Fits {
                last_lba,
                block_bytes,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Vec<u8> {
        let mut data = vec![0u8; 32];
        // Last LBA 0x0000_0001_D1C0_BEAF: 4 TB in 512-byte blocks.
        data[..8].copy_from_slice(&[0, 0, 0, 1, 0xD1, 0xC0, 0xBE, 0xAF]);
        data[8..12].copy_from_slice(&[0, 0, 2, 0]);
        data
    }

    #[test]
    fn capacity_is_last_lba_plus_one() {
        let c = Capacity16::parse(&answer()).expect("answer");
        assert_eq!(c.blocks(), Some(7_814_037_168));
        assert_eq!(c.capacity_bytes(), Some(4_000_787_030_016));
        assert_eq!(c.protection_type, None);
        assert_eq!(c.physical_block_bytes(), Some(512));
    }

    #[test]
    fn protection_physical_size_and_provisioning() {
        let mut data = answer();
        data[12] = 0b0000_0011;
        data[13] = 3;
        data[14] = 0b1100_0001;
        data[15] = 0x07;
        let c = Capacity16::parse(&data).expect("answer");
        assert_eq!(c.protection_type, Some(2));
        assert_eq!(c.physical_block_bytes(), Some(4096));
        assert!(c.provisioned && c.unmapped_reads_zeros);
        assert_eq!(c.lowest_aligned_lba, 0x0107);
        // P_TYPE without PROT_EN means nothing.
        data[12] = 0b0000_0010;
        assert_eq!(
            Capacity16::parse(&data).expect("answer").protection_type,
            None
        );
    }

    #[test]
    fn no_blocks_no_length_and_short_answers() {
        let mut data = answer();
        data[..8].fill(0xFF);
        let c = Capacity16::parse(&data).expect("answer");
        assert_eq!((c.blocks(), c.capacity_bytes()), (None, None));
        assert_eq!(Capacity16::parse(&[0; 32]), None);
        assert_eq!(Capacity16::parse(&answer()[..15]), None);
    }

    #[test]
    fn capacity_10_says_when_it_is_too_small() {
        assert_eq!(
            Capacity10::parse(&[0, 0, 0x0F, 0xFF, 0, 0, 2, 0]),
            Some(Capacity10::Fits {
                last_lba: 4095,
                block_bytes: 512
            })
        );
        assert_eq!(
            Capacity10::parse(&[0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 2, 0]),
            Some(Capacity10::TooLarge)
        );
        assert_eq!(Capacity10::parse(&[0; 7]), None);
    }
}
