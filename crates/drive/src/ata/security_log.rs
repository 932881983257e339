//! IDENTIFY DEVICE data log (30h), page 06h, security: whether a locked drive can be sanitized.
//!
//! ACS-4 9.11.8. Fields valid only with their bit 63.

use crate::bytes::{bit, le64};

/// What the security page adds to word 128.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityPage {
    /// A sanitize with FAILURE MODE 0 is accepted although the drive is locked.
    /// `None`: not said.
    pub restricted_sanitize_overrides_lock: Option<bool>,
    /// All user data is encrypted. `None`: not said.
    pub encrypts_all: Option<bool>,
}

impl SecurityPage {
    /// Parses the page; `None` when its header is not that of page 06h.
    #[must_use]
    pub fn parse(page: &[u8]) -> Option<Self> {
        let header = le64(page, 0)?;
        if !bit(header, 63) || header >> 16 & 0xFF != 0x06 {
            return None;
        }
        let capabilities = le64(page, 48).filter(|q| bit(*q, 63));
        Some(Self {
            restricted_sanitize_overrides_lock: capabilities.map(|q| bit(q, 7)),
            encrypts_all: capabilities.map(|q| bit(q, 0)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(capabilities: [u8; 8]) -> Vec<u8> {
        let mut page = vec![0u8; 512];
        page[..8].copy_from_slice(&[0x01, 0x00, 0x06, 0, 0, 0, 0, 0x80]);
        page[48..56].copy_from_slice(&capabilities);
        page
    }

    #[test]
    fn bits_count_only_with_bit_63() {
        let valid = SecurityPage::parse(&page([0x81, 0, 0, 0, 0, 0, 0, 0x80])).expect("page");
        assert_eq!(valid.restricted_sanitize_overrides_lock, Some(true));
        assert_eq!(valid.encrypts_all, Some(true));
        let invalid = SecurityPage::parse(&page([0x81, 0, 0, 0, 0, 0, 0, 0])).expect("page");
        assert_eq!(invalid.restricted_sanitize_overrides_lock, None);
    }

    #[test]
    fn another_page_is_no_answer() {
        let mut other = page([0x81, 0, 0, 0, 0, 0, 0, 0x80]);
        other[2] = 0x03;
        assert_eq!(SecurityPage::parse(&other), None);
        assert_eq!(SecurityPage::parse(&[0; 512]), None);
        assert_eq!(SecurityPage::parse(&[]), None);
    }
}
