//! Vital product data pages. SPC-5 7.7, SBC-4 6.6, SAT-4 12.4.
//!
//! A device that ignores EVPD answers with standard INQUIRY data: a page whose code differs from
//! the one asked for is no answer (`None`).

use crate::ata::Identify;
use crate::bytes::{be16, be32, be64, bit, byte, text};

/// Page codes.
pub mod page {
    /// Supported VPD pages.
    pub const SUPPORTED: u8 = 0x00;
    /// Unit serial number.
    pub const SERIAL: u8 = 0x80;
    /// Device identification.
    pub const IDENTIFICATION: u8 = 0x83;
    /// ATA information.
    pub const ATA: u8 = 0x89;
    /// Block limits.
    pub const BLOCK_LIMITS: u8 = 0xB0;
    /// Block device characteristics.
    pub const CHARACTERISTICS: u8 = 0xB1;
    /// Logical block provisioning.
    pub const PROVISIONING: u8 = 0xB2;
}

/// The payload of a page, as far as the answer reaches.
fn payload(data: &[u8], page: u8) -> Option<&[u8]> {
    if byte(data, 1)? != page {
        return None;
    }
    let end = 4 + usize::from(be16(data, 2)?);
    data.get(4..end.min(data.len()))
}

/// Page 00h: the pages that exist.
#[must_use]
pub fn supported_pages(data: &[u8]) -> Option<Vec<u8>> {
    payload(data, page::SUPPORTED).map(<[u8]>::to_vec)
}

/// Page 80h: the unit's serial number, trimmed. `None` also when it is empty.
#[must_use]
pub fn unit_serial(data: &[u8]) -> Option<String> {
    payload(data, page::SERIAL).and_then(text)
}

/// What a designator names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Association {
    /// The logical unit.
    LogicalUnit,
    /// The target port that answered.
    TargetPort,
    /// The target device.
    TargetDevice,
    /// Reserved.
    Reserved,
}

/// One designator of page 83h.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Designator {
    /// What it names.
    pub association: Association,
    /// The name.
    pub name: DesignatorName,
}

/// A designator's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DesignatorName {
    /// Type 3: NAA, 8 or 16 bytes, lower-case hexadecimal as in sysfs `naa.…` without the prefix.
    Naa(String),
    /// Type 2: EUI-64 based, 8, 12 or 16 bytes, lower-case hexadecimal.
    Eui64(String),
    /// Type 1: T10 vendor identification, trimmed text.
    T10(String),
    /// Type 8: SCSI name string.
    ScsiName(String),
    /// Type Ah: UUID, lower-case hexadecimal without dashes.
    Uuid(String),
    /// Another type, or a value whose length does not fit its type.
    Other {
        /// Designator type.
        kind: u8,
        /// Raw bytes.
        bytes: Vec<u8>,
    },
}

/// Page 83h: designators in the device's order, whole ones only.
#[must_use]
pub fn designators(data: &[u8]) -> Option<Vec<Designator>> {
    let mut rest = payload(data, page::IDENTIFICATION)?;
    let mut found = Vec::new();
    while let (Some(flags), Some(length)) = (byte(rest, 1), byte(rest, 3)) {
        let Some((entry, after)) = rest.split_at_checked(4 + usize::from(length)) else {
            break;
        };
        rest = after;
        let association = match flags >> 4 & 3 {
            0 => Association::LogicalUnit,
            1 => Association::TargetPort,
            2 => Association::TargetDevice,
            _ => Association::Reserved,
        };
        let value = entry.get(4..).unwrap_or_default();
        found.push(Designator {
            association,
            name: DesignatorName::decode(flags & 0x0F, value),
        });
    }
    Some(found)
}

impl DesignatorName {
    fn decode(kind: u8, value: &[u8]) -> Self {
        let other = || Self::Other {
            kind,
            bytes: value.to_vec(),
        };
        let filled = value.iter().any(|b| *b != 0);
        match (kind, value.len()) {
            (1, _) => text(value).map_or_else(other, Self::T10),
            (2, 8 | 12 | 16) if filled => Self::Eui64(hex::encode(value)),
            (3, 8 | 16) if filled => Self::Naa(hex::encode(value)),
            (8, _) => text(value).map_or_else(other, Self::ScsiName),
            // Two bytes of type and reserved precede the UUID.
            (0xA, 18) if filled => Self::Uuid(hex::encode(value.get(2..).unwrap_or_default())),
            _ => other(),
        }
    }
}

/// The logical unit's world wide name in page 83h: its NAA, else its EUI-64, hexadecimal.
#[must_use]
pub fn logical_unit_name(data: &[u8]) -> Option<String> {
    let designators = designators(data)?;
    let of_unit = || {
        designators
            .iter()
            .filter(|d| d.association == Association::LogicalUnit)
    };
    let naa = of_unit().find_map(|d| match &d.name {
        DesignatorName::Naa(name) => Some(name.clone()),
        _ => None,
    });
    naa.or_else(|| {
        of_unit().find_map(|d| match &d.name {
            DesignatorName::Eui64(name) => Some(name.clone()),
            _ => None,
        })
    })
}

/// Page 89h: who translates, and the drive's IDENTIFY DEVICE data as the SATL read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtaInformation {
    /// SAT vendor, trimmed.
    pub satl_vendor: Option<String>,
    /// SAT product, trimmed.
    pub satl_product: Option<String>,
    /// SAT product revision, trimmed.
    pub satl_revision: Option<String>,
    /// Command that gave the data: ECh for disks, A1h for packet devices.
    pub command: u8,
    /// The 512 bytes from byte 60, if they are all there and the command was ECh.
    pub identify: Option<Box<Identify>>,
}

/// Parses page 89h.
#[must_use]
pub fn ata_information(data: &[u8]) -> Option<AtaInformation> {
    payload(data, page::ATA)?;
    let command = byte(data, 56)?;
    let field = |range| data.get(range).and_then(text);
    Some(AtaInformation {
        satl_vendor: field(8..16),
        satl_product: field(16..32),
        satl_revision: field(32..36),
        command,
        identify: data
            .get(60..572)
            .filter(|_| command == 0xEC)
            .map(|page| Box::new(Identify::parse(page))),
    })
}

/// Page B0h, in logical blocks; `None` where the device sets no limit (0) or does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct BlockLimits {
    /// Maximum transfer length.
    pub transfer_blocks_max: Option<u32>,
    /// Maximum LBAs of one UNMAP.
    pub unmap_blocks_max: Option<u32>,
    /// Maximum blocks of one WRITE SAME.
    pub write_same_blocks_max: Option<u64>,
}

/// Parses page B0h.
#[must_use]
pub fn block_limits(data: &[u8]) -> Option<BlockLimits> {
    payload(data, page::BLOCK_LIMITS)?;
    Some(BlockLimits {
        transfer_blocks_max: be32(data, 8).filter(|n| *n > 0),
        unmap_blocks_max: be32(data, 20).filter(|n| *n > 0),
        write_same_blocks_max: be64(data, 36).filter(|n| *n > 0),
    })
}

/// Page B1h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Characteristics {
    /// Medium rotation rate as it came: 0 not said, 1 solid state, 0401h to FFFEh rpm.
    pub rotation_raw: u16,
    /// WABEREQ: what reads give after a block erase.
    pub read_after_block_erase: ReadAfterErase,
    /// WACEREQ: the same after a cryptographic erase.
    pub read_after_crypto_erase: ReadAfterErase,
    /// ZONED: 0 not said, 1 host aware, 2 device managed.
    pub zoned: u8,
}

/// What the reading of a block gives that was sanitized and not written since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadAfterErase {
    /// 0: not said.
    NotReported,
    /// 1: data, without an error.
    Good,
    /// 2: a medium error.
    MediumError,
    /// 3: a medium error 11/15, write after sanitize required: all blocks are written before a
    /// read-back.
    WriteRequired,
}

impl ReadAfterErase {
    /// The two low bits.
    fn decode(value: u8) -> Self {
        match value & 0b11 {
            0 => Self::NotReported,
            1 => Self::Good,
            2 => Self::MediumError,
            _ => Self::WriteRequired,
        }
    }
}

impl Characteristics {
    /// Solid state (`Some(true)`), rotating (`Some(false)`), or not said.
    #[must_use]
    pub fn solid_state(&self) -> Option<bool> {
        match self.rotation_raw {
            1 => Some(true),
            0x0401..=0xFFFE => Some(false),
            _ => None,
        }
    }

    /// Revolutions per minute, if it rotates and says so.
    #[must_use]
    pub fn rpm(&self) -> Option<u16> {
        Some(self.rotation_raw).filter(|rate| (0x0401..=0xFFFE).contains(rate))
    }
}

/// Parses page B1h.
#[must_use]
pub fn characteristics(data: &[u8]) -> Option<Characteristics> {
    payload(data, page::CHARACTERISTICS)?;
    let requirements = byte(data, 7).unwrap_or(0);
    Some(Characteristics {
        rotation_raw: be16(data, 4)?,
        read_after_block_erase: ReadAfterErase::decode(requirements >> 6),
        read_after_crypto_erase: ReadAfterErase::decode(requirements >> 4),
        zoned: byte(data, 8).unwrap_or(0) >> 4 & 3,
    })
}

/// Page B2h: how blocks are given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provisioning {
    /// LBPU: UNMAP.
    pub unmap: bool,
    /// LBPWS: WRITE SAME(16) with UNMAP.
    pub write_same_16: bool,
    /// LBPWS10: WRITE SAME(10) with UNMAP.
    pub write_same_10: bool,
    /// LBPRZ: nonzero when unmapped blocks read as a fixed pattern (1: zeros).
    pub read_zeros: u8,
}

/// Parses page B2h.
#[must_use]
pub fn provisioning(data: &[u8]) -> Option<Provisioning> {
    payload(data, page::PROVISIONING)?;
    let flags = byte(data, 5)?;
    Some(Provisioning {
        unmap: bit(flags, 7),
        write_same_16: bit(flags, 6),
        write_same_10: bit(flags, 5),
        read_zeros: flags >> 2 & 7,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_inquiry_data_is_no_vpd_page() {
        let mut inquiry = vec![0x00, 0x00, 0x05, 0x02, 31, 0, 0, 0];
        inquiry.extend(b"USB     Flash Disk      1.00");
        assert_eq!(unit_serial(&inquiry), None);
        assert_eq!(designators(&inquiry), None);
        assert_eq!(characteristics(&inquiry), None);
    }

    #[test]
    fn supported_pages_and_serial() {
        assert_eq!(
            supported_pages(&[0, 0, 0, 3, 0x00, 0x80, 0x83, 0xFF]),
            Some(vec![0x00, 0x80, 0x83])
        );
        assert_eq!(
            unit_serial(&[0, 0x80, 0, 8, b' ', b' ', b'S', b'1', b' ', b'2', b' ', 0]),
            Some("S1 2".into())
        );
        assert_eq!(unit_serial(&[0, 0x80, 0, 4, b' ', b' ', b' ', b' ']), None);
    }

    #[test]
    fn designators_by_type_and_association() {
        let mut page = vec![0, 0x83, 0, 0];
        // T10 vendor id of the logical unit, ASCII.
        page.extend([0x02, 0x01, 0, 12]);
        page.extend(b"ATA     X 12");
        // NAA of the target port, then of the logical unit.
        page.extend([0x61, 0x93, 0, 8, 0x50, 0x00, 0xC5, 0, 0, 0, 0, 0x01]);
        page.extend([
            0x01, 0x03, 0, 8, 0x50, 0x00, 0xC5, 0, 0xA1, 0xB2, 0xC3, 0xD4,
        ]);
        // EUI-64.
        page.extend([0x01, 0x02, 0, 8, 0x00, 0x25, 0x38, 1, 2, 3, 4, 5]);
        page[3] = (page.len() - 4) as u8;
        let found = designators(&page).expect("page");
        assert_eq!(found.len(), 4);
        assert_eq!(found[0].name, DesignatorName::T10("ATA     X 12".into()));
        assert_eq!(found[1].association, Association::TargetPort);
        assert_eq!(
            found[3].name,
            DesignatorName::Eui64("0025380102030405".into())
        );
        assert_eq!(
            logical_unit_name(&page).as_deref(),
            Some("5000c500a1b2c3d4")
        );
    }

    #[test]
    fn zero_or_wrongly_long_names_are_no_names() {
        let page = [
            0, 0x83, 0, 18, 0x01, 0x03, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x02, 0, 2, 1, 2,
        ];
        let found = designators(&page).expect("page");
        assert_eq!(found.len(), 2);
        assert_eq!(logical_unit_name(&page), None);
    }

    #[test]
    fn truncated_designator_is_left_out() {
        let page = [0, 0x83, 0, 12, 0x01, 0x03, 0, 8, 0x50, 0x00];
        assert_eq!(designators(&page), Some(vec![]));
    }

    #[test]
    fn ata_information_carries_identify() {
        let mut page = vec![0u8; 572];
        page[1] = 0x89;
        page[2] = 0x02;
        page[3] = 0x38;
        page[8..36].copy_from_slice(b"linux   libata          3.00");
        page[56] = 0xEC;
        // IDENTIFY words 60-61 and the first word of the model.
        page[60 + 120..60 + 124].copy_from_slice(&[0x00, 0x10, 0x00, 0x00]);
        page[60 + 54..60 + 56].copy_from_slice(b"BA");
        let info = ata_information(&page).expect("page");
        assert_eq!(info.satl_vendor.as_deref(), Some("linux"));
        assert_eq!(info.satl_product.as_deref(), Some("libata"));
        assert_eq!(info.satl_revision.as_deref(), Some("3.00"));
        let identify = info.identify.expect("identify");
        assert_eq!(
            (identify.sectors, identify.model.as_deref()),
            (0x1000, Some("AB"))
        );
        page[56] = 0xA1;
        assert_eq!(ata_information(&page).expect("page").identify, None);
    }

    #[test]
    fn limits_characteristics_and_provisioning() {
        let mut b0 = vec![0u8; 64];
        b0[1] = 0xB0;
        b0[3] = 0x3C;
        b0[8..12].copy_from_slice(&[0, 0, 0xFF, 0xFF]);
        b0[36..44].copy_from_slice(&[0, 0, 0, 0, 0, 0x40, 0, 0]);
        let limits = block_limits(&b0).expect("page");
        assert_eq!(limits.transfer_blocks_max, Some(65_535));
        assert_eq!(limits.unmap_blocks_max, None);
        assert_eq!(limits.write_same_blocks_max, Some(0x40_0000));

        let mut b1 = vec![0u8; 64];
        b1[1] = 0xB1;
        b1[3] = 0x3C;
        b1[4..6].copy_from_slice(&[0x00, 0x01]);
        b1[7] = 0b1101_0000;
        b1[8] = 0b0001_0000;
        let c = characteristics(&b1).expect("page");
        assert_eq!((c.solid_state(), c.rpm()), (Some(true), None));
        assert_eq!(
            (c.read_after_block_erase, c.read_after_crypto_erase, c.zoned),
            (ReadAfterErase::WriteRequired, ReadAfterErase::Good, 1)
        );
        b1[4..6].copy_from_slice(&[0x2A, 0x30]);
        let c = characteristics(&b1).expect("page");
        assert_eq!((c.solid_state(), c.rpm()), (Some(false), Some(10_800)));

        let p = provisioning(&[0, 0xB2, 0, 4, 0, 0b1100_0100, 0, 0]).expect("page");
        assert!(p.unmap && p.write_same_16 && !p.write_same_10);
        assert_eq!(p.read_zeros, 1);
    }
}
