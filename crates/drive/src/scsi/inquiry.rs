//! Standard INQUIRY data. SPC-5 6.7.2.

use crate::bytes::{bit, byte, is_one_byte_repeated, is_plain_text, text};

/// Standard INQUIRY data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inquiry {
    /// Peripheral qualifier: 0 connected, 1 not connected, 3 no such unit.
    pub peripheral_qualifier: u8,
    /// Peripheral device type: 00h disk, 05h optical, 0Dh enclosure, 14h host-managed zoned.
    pub device_type: u8,
    /// RMB: the medium can be removed.
    pub removable: bool,
    /// VERSION, as it came.
    pub version: u8,
    /// PROTECT: formats with protection information exist.
    pub protect: bool,
    /// Bytes 8-15, trimmed; `ATA` behind a SATL.
    pub vendor: Option<String>,
    /// Bytes 16-31, trimmed.
    pub product: Option<String>,
    /// Bytes 32-35, trimmed.
    pub revision: Option<String>,
    /// What was odd, in words.
    pub oddities: Vec<String>,
}

impl Inquiry {
    /// Parses standard INQUIRY data; a short answer gives what it has.
    #[must_use]
    pub fn parse(data: &[u8]) -> Self {
        let mut oddities = Vec::new();
        if data.len() < 36 {
            oddities.push(format!("INQUIRY: {} bytes instead of 36", data.len()));
        } else if is_one_byte_repeated(data) {
            oddities.push("INQUIRY: one byte repeated, no answer".into());
        }
        let mut field = |range: std::ops::Range<usize>, what: &str| {
            let end = range.end.min(data.len());
            let bytes = data.get(range.start..end).unwrap_or_default();
            if !is_plain_text(bytes) {
                oddities.push(format!("INQUIRY: unprintable characters in {what}"));
            }
            text(bytes)
        };
        let (vendor, product) = (field(8..16, "vendor"), field(16..32, "product"));
        let revision = field(32..36, "revision");
        let at = |n| byte(data, n).unwrap_or(0);
        Self {
            peripheral_qualifier: at(0) >> 5,
            device_type: at(0) & 0x1F,
            removable: bit(at(1), 7),
            version: at(2),
            protect: bit(at(5), 0),
            vendor,
            product,
            revision,
            oddities,
        }
    }

    /// An ATA drive behind a SCSI/ATA translation layer.
    #[must_use]
    pub fn is_ata_behind_satl(&self) -> bool {
        self.vendor.as_deref() == Some("ATA")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_at_their_offsets() {
        let mut data = vec![0x00, 0x80, 0x06, 0x02, 0x1F, 0x01, 0x00, 0x02];
        data.extend(b"SEAGATE ST1200MM0018    B002");
        let inquiry = Inquiry::parse(&data);
        assert_eq!(inquiry.device_type, 0);
        assert!(inquiry.removable && inquiry.protect);
        assert_eq!(inquiry.version, 6);
        assert_eq!(inquiry.vendor.as_deref(), Some("SEAGATE"));
        assert_eq!(inquiry.product.as_deref(), Some("ST1200MM0018"));
        assert_eq!(inquiry.revision.as_deref(), Some("B002"));
        assert!(!inquiry.is_ata_behind_satl());
        assert!(inquiry.oddities.is_empty());
    }

    #[test]
    fn vendor_ata_is_a_satl_and_the_qualifier_is_split_off() {
        let mut data = vec![0x7F, 0, 0x05, 2, 31, 0, 0, 0];
        data.extend(b"ATA     ST3500418AS     CC38");
        let inquiry = Inquiry::parse(&data);
        assert!(inquiry.is_ata_behind_satl());
        assert_eq!(
            (inquiry.peripheral_qualifier, inquiry.device_type),
            (3, 0x1F)
        );
    }

    #[test]
    fn short_empty_and_unprintable_answers_are_odd() {
        assert_eq!(
            Inquiry::parse(&[0; 5]).oddities,
            ["INQUIRY: 5 bytes instead of 36"]
        );
        assert_eq!(
            Inquiry::parse(&[0; 36]).oddities,
            ["INQUIRY: one byte repeated, no answer"]
        );
        let mut data = vec![0u8; 36];
        data[8] = 0x07;
        assert!(Inquiry::parse(&data).oddities[0].contains("vendor"));
    }
}
