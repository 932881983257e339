//! DEVICE CONFIGURATION IDENTIFY: what the drive could do before an overlay hid parts of it.
//!
//! Reads only. A DCO can hide capacity *and* feature sets, so "not supported" in IDENTIFY DEVICE
//! may be false while one is in force. ATA/ATAPI-7 6.20; obsolete since ACS-4, still in old drives.

use crate::bytes::{array, bit, byte, is_one_byte_repeated, le16};

/// The overlay's factory limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DcoIdentify {
    /// Words 3 to 6: the last LBA that the drive can have, one less than its sectors.
    pub last_lba: u64,
    /// Word 7 b3: the security feature set can be offered.
    pub security: bool,
    /// Word 7 b7: the HPA feature set can be offered.
    pub hpa: bool,
    /// Word 7 b8: the 48-bit feature set can be offered.
    pub lba48: bool,
    /// Word 7 as it came.
    pub features_raw: u16,
    /// What was odd, in words.
    pub oddities: Vec<String>,
}

impl DcoIdentify {
    /// Parses the 512-byte page. `None` when it is short, one byte repeated, or its signature or
    /// checksum is wrong: a limit that may be false is worse than an unknown one.
    #[must_use]
    pub fn parse(page: &[u8]) -> Option<Self> {
        let page = page.get(..super::command::PAGE_BYTES)?;
        let sum = page.iter().fold(0u8, |sum, b| sum.wrapping_add(*b));
        if is_one_byte_repeated(page) || byte(page, 510)? != 0xA5 || sum != 0 {
            return None;
        }
        let features_raw = le16(page, 14)?;
        let last_lba = u64::from_le_bytes(array(page, 6)?);
        let mut oddities = Vec::new();
        if last_lba == 0 || last_lba >> 48 != 0 {
            oddities.push(format!("DCO: implausible last LBA {last_lba}"));
        }
        Some(Self {
            last_lba,
            security: bit(features_raw, 3),
            hpa: bit(features_raw, 7),
            lba48: bit(features_raw, 8),
            features_raw,
            oddities,
        })
    }

    /// Sectors that the drive can have: last LBA plus one; `None` when the limit is implausible.
    #[must_use]
    pub fn sectors(&self) -> Option<u64> {
        (self.last_lba != 0 && self.last_lba >> 48 == 0).then(|| self.last_lba.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Vec<u8> {
        let mut page = vec![0u8; 512];
        page[0] = 0x02;
        // Last LBA 0x0000_0000_1DCF_32AF.
        page[6..14].copy_from_slice(&[0xAF, 0x32, 0xCF, 0x1D, 0, 0, 0, 0]);
        // Security, HPA, 48-bit.
        page[14..16].copy_from_slice(&[0x88, 0x01]);
        page[510] = 0xA5;
        page[511] = page[..511].iter().fold(0u8, |sum, b| sum.wrapping_sub(*b));
        page
    }

    #[test]
    fn limits_are_last_lba_and_features() {
        let dco = DcoIdentify::parse(&page()).expect("valid page");
        assert_eq!(dco.last_lba, 500_118_191);
        assert_eq!(dco.sectors(), Some(500_118_192));
        assert!(dco.security && dco.hpa && dco.lba48);
        assert!(dco.oddities.is_empty());
    }

    #[test]
    fn wrong_checksum_signature_or_length_is_no_answer() {
        let mut p = page();
        p[6] ^= 1;
        assert_eq!(DcoIdentify::parse(&p), None);
        let mut p = page();
        p[510] = 0xA4;
        p[511] = p[511].wrapping_add(1);
        assert_eq!(DcoIdentify::parse(&p), None);
        assert_eq!(DcoIdentify::parse(&page()[..511]), None);
        assert_eq!(DcoIdentify::parse(&[0; 512]), None);
    }

    #[test]
    fn implausible_limit_is_odd_and_no_number() {
        let mut p = page();
        p[6..14].fill(0xFF);
        p[511] = 0;
        p[511] = p[..511].iter().fold(0u8, |sum, b| sum.wrapping_sub(*b));
        let dco = DcoIdentify::parse(&p).expect("valid page");
        assert_eq!(dco.sectors(), None);
        assert_eq!(dco.oddities.len(), 1);
    }
}
