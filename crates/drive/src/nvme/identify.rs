//! Identify answers: controller, namespace, namespace lists.
//!
//! NVM Express base specification 2.0, figures 275 and 280, and NVM command set 1.0, figure 97.

use crate::bytes::{
    array, bit, byte, is_one_byte_repeated, is_plain_text, le16, le32, le64, le128, text,
};

/// Identify Controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// Bytes 4-23, trimmed.
    pub serial: Option<String>,
    /// Bytes 24-63, trimmed.
    pub model: Option<String>,
    /// Bytes 64-71, trimmed.
    pub firmware: Option<String>,
    /// Bytes 768-1023, up to the first NUL.
    pub subsystem_nqn: Option<String>,
    /// Controller id within its subsystem.
    pub controller_id: u16,
    /// Major and minor version; (0, 0) before 1.2.
    pub version: (u16, u8),
    /// CMIC b0 or b1: more than one port or controller, so others may write.
    pub is_shared: bool,
    /// OACS, decoded.
    pub admin: AdminSupport,
    /// TNVMCAP: capacity of the whole controller in bytes; `None` when 0 (not said).
    pub total_bytes: Option<u128>,
    /// UNVMCAP: bytes that belong to no namespace. Only meaningful beside `total_bytes`.
    pub unallocated_bytes: u128,
    /// RPMBS is not 0: replay protected memory blocks exist, which nothing erases.
    pub has_rpmb: bool,
    /// SANICAP.
    pub sanitize: SanitizeCapabilities,
    /// FNA.
    pub format: FormatAttributes,
    /// NN: highest valid NSID.
    pub namespaces_max: u32,
    /// VWC b0: a volatile write cache exists.
    pub volatile_write_cache: bool,
    /// What was odd, in words.
    pub oddities: Vec<String>,
}

/// OACS: optional admin commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct AdminSupport {
    /// The field as it came.
    pub raw: u16,
    /// b0: Security Send and Receive.
    pub security: bool,
    /// b1: Format NVM.
    pub format: bool,
    /// b3: namespace management, and with it the allocated list.
    pub namespace_management: bool,
    /// b4: Device Self-test.
    pub self_test: bool,
    /// b10: Lockdown.
    pub lockdown: bool,
}

/// SANICAP: sanitize capabilities. All false: no sanitize.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SanitizeCapabilities {
    /// The field as it came.
    pub raw: u32,
    /// b0: crypto erase.
    pub crypto_erase: bool,
    /// b1: block erase.
    pub block_erase: bool,
    /// b2: overwrite.
    pub overwrite: bool,
    /// b3: media verification state after processing.
    pub media_verification: bool,
    /// b5: the host may require a purge as IEEE 2883 names it (later revisions).
    pub purge_required: bool,
    /// b29: no-deallocate is inhibited.
    pub no_deallocate_inhibited: bool,
    /// b31:30: media modified after sanitize: 0 not said, 1 no, 2 yes.
    pub modifies_media_after: u8,
}

/// FNA: what Format NVM reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FormatAttributes {
    /// b0: a format applies to all namespaces.
    pub formats_all: bool,
    /// b1: a secure erase applies to all namespaces.
    pub erases_all: bool,
    /// b2: cryptographic erase exists.
    pub crypto_erase: bool,
    /// b3: NSID FFFFFFFFh is *not* accepted.
    pub broadcast_refused: bool,
}

impl Controller {
    /// Parses the 4096 bytes; a short answer gives what it has and is named among the oddities.
    #[must_use]
    pub fn parse(data: &[u8]) -> Self {
        let mut oddities = answer_oddities("Identify Controller", data);
        let mut field = |range: std::ops::Range<usize>, what: &str| {
            let bytes = data.get(range).unwrap_or_default();
            if !is_plain_text(bytes) {
                oddities.push(format!(
                    "Identify Controller: unprintable characters in {what}"
                ));
            }
            text(bytes)
        };
        let serial = field(4..24, "serial");
        let model = field(24..64, "model");
        let firmware = field(64..72, "firmware");
        if serial.is_none() {
            oddities.push("Identify Controller: no serial number".into());
        }
        let nqn = data.get(768..1024).unwrap_or_default();
        let version = le32(data, 80).unwrap_or(0);
        Self {
            serial,
            model,
            firmware,
            subsystem_nqn: nqn.split(|b| *b == 0).next().and_then(text),
            controller_id: le16(data, 78).unwrap_or(0),
            version: ((version >> 16) as u16, (version >> 8 & 0xFF) as u8),
            is_shared: byte(data, 76).unwrap_or(0) & 0b11 != 0,
            admin: AdminSupport::decode(le16(data, 256).unwrap_or(0)),
            total_bytes: le128(data, 280).filter(|n| *n > 0),
            unallocated_bytes: le128(data, 296).unwrap_or(0),
            has_rpmb: le32(data, 312).unwrap_or(0) & 0b111 != 0,
            sanitize: SanitizeCapabilities::decode(le32(data, 328).unwrap_or(0)),
            format: FormatAttributes::decode(byte(data, 524).unwrap_or(0)),
            namespaces_max: le32(data, 516).unwrap_or(0),
            volatile_write_cache: bit(byte(data, 525).unwrap_or(0), 0),
            oddities,
        }
    }
}

impl AdminSupport {
    fn decode(raw: u16) -> Self {
        Self {
            raw,
            security: bit(raw, 0),
            format: bit(raw, 1),
            namespace_management: bit(raw, 3),
            self_test: bit(raw, 4),
            lockdown: bit(raw, 10),
        }
    }
}

impl SanitizeCapabilities {
    fn decode(raw: u32) -> Self {
        Self {
            raw,
            crypto_erase: bit(raw, 0),
            block_erase: bit(raw, 1),
            overwrite: bit(raw, 2),
            media_verification: bit(raw, 3),
            purge_required: bit(raw, 5),
            no_deallocate_inhibited: bit(raw, 29),
            modifies_media_after: (raw >> 30) as u8,
        }
    }

    /// Whether any sanitize operation exists.
    #[must_use]
    pub fn is_supported(&self) -> bool {
        self.crypto_erase || self.block_erase || self.overwrite
    }
}

impl FormatAttributes {
    fn decode(raw: u8) -> Self {
        Self {
            formats_all: bit(raw, 0),
            erases_all: bit(raw, 1),
            crypto_erase: bit(raw, 2),
            broadcast_refused: bit(raw, 3),
        }
    }
}

/// Identify Namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// NSZE: size in logical blocks; 0 when the namespace is not active.
    pub blocks: u64,
    /// NCAP: blocks that can be allocated at once; fewer than `blocks` when thinly provisioned.
    pub capacity_blocks: u64,
    /// NUSE: blocks allocated now.
    pub used_blocks: u64,
    /// The format in use; `None` when FLBAS points at no valid format.
    pub format: Option<LbaFormat>,
    /// DPS b2:0: protection information type 1 to 3 in use.
    pub protection_type: Option<u8>,
    /// DPS b3: protection information is in the first bytes of the metadata, not in the last.
    pub protection_first: bool,
    /// NMIC b0: attached to more than one controller.
    pub is_shared: bool,
    /// NSATTR b0: write protected.
    pub write_protected: bool,
    /// NGUID, 32 lower-case hexadecimal digits; `None` when zero.
    pub nguid: Option<String>,
    /// EUI-64, 16 lower-case hexadecimal digits; `None` when zero.
    pub eui64: Option<String>,
    /// DLFEAT b2:0: what deallocated blocks read as: 0 not said, 1 zeros, 2 ones.
    pub deallocated_reads: u8,
    /// FPI: percent of a format that is still to be done; `None` where the drive does not tell.
    pub format_remaining: Option<u8>,
    /// What was odd, in words.
    pub oddities: Vec<String>,
}

/// One LBA format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LbaFormat {
    /// Its index, as Format NVM takes it.
    pub index: u8,
    /// Logical block size in bytes, without metadata.
    pub block_bytes: u32,
    /// Metadata bytes per block, which an overwrite of the data does not reach.
    pub metadata_bytes: u16,
    /// Metadata is at the end of each block rather than apart.
    pub extended_metadata: bool,
}

impl Namespace {
    /// Parses the 4096 bytes; a short answer gives what it has and is named among the oddities.
    #[must_use]
    pub fn parse(data: &[u8]) -> Self {
        let mut oddities = Vec::new();
        if data.len() < 384 {
            oddities.push(format!(
                "Identify Namespace: {} bytes instead of 4096",
                data.len()
            ));
        }
        let blocks = le64(data, 0).unwrap_or(0);
        let capacity_blocks = le64(data, 8).unwrap_or(0);
        let format = lba_format(data);
        // Zeros are the specified answer for an inactive namespace.
        if blocks > 0 && format.is_none() {
            oddities.push("Identify Namespace: FLBAS names no valid LBA format".into());
        }
        if capacity_blocks > blocks {
            oddities.push(format!(
                "Identify Namespace: capacity {capacity_blocks} above size {blocks}"
            ));
        }
        let id = |bytes: Option<&[u8]>| {
            bytes
                .filter(|id| id.iter().any(|b| *b != 0))
                .map(hex::encode)
        };
        Self {
            blocks,
            capacity_blocks,
            used_blocks: le64(data, 16).unwrap_or(0),
            format,
            protection_type: Some(byte(data, 29).unwrap_or(0) & 0b111).filter(|t| *t > 0),
            protection_first: bit(byte(data, 29).unwrap_or(0), 3),
            is_shared: bit(byte(data, 30).unwrap_or(0), 0),
            write_protected: bit(byte(data, 99).unwrap_or(0), 0),
            nguid: id(data.get(104..120)),
            eui64: id(data.get(120..128)),
            deallocated_reads: byte(data, 33).unwrap_or(0) & 0b111,
            format_remaining: byte(data, 32).filter(|b| bit(*b, 7)).map(|b| b & 0x7F),
            oddities,
        }
    }

    /// Size in bytes; `None` when the format is unknown or the product overflows.
    #[must_use]
    pub fn size_bytes(&self) -> Option<u64> {
        self.blocks.checked_mul(u64::from(self.format?.block_bytes))
    }
}

/// The format that FLBAS names: index in b3:0, and b6:5 above it when there are more than 16.
fn lba_format(data: &[u8]) -> Option<LbaFormat> {
    let (last_index, flbas) = (byte(data, 25)?, byte(data, 26)?);
    let high = if last_index >= 16 {
        flbas >> 5 & 0b11
    } else {
        0
    };
    let index = high << 4 | (flbas & 0x0F);
    let [meta_low, meta_high, exponent, _] = array(data, 128 + 4 * usize::from(index))?;
    // Below 512 bytes no format exists (0 marks an unused one).
    if index > last_index || !(9..=31).contains(&exponent) {
        return None;
    }
    Some(LbaFormat {
        index,
        block_bytes: 1 << exponent,
        metadata_bytes: u16::from_le_bytes([meta_low, meta_high]),
        extended_metadata: bit(flbas, 4),
    })
}

/// A namespace list (CNS 02h or 10h): NSIDs up to the first 0.
#[must_use]
pub fn namespace_list(data: &[u8]) -> Vec<u32> {
    data.chunks_exact(4)
        .filter_map(|entry| le32(entry, 0))
        .take_while(|nsid| *nsid != 0)
        .take(1024)
        .collect()
}

fn answer_oddities(what: &str, data: &[u8]) -> Vec<String> {
    if data.len() < super::command::IDENTIFY_BYTES {
        vec![format!("{what}: {} bytes instead of 4096", data.len())]
    } else if is_one_byte_repeated(data) {
        vec![format!("{what}: one byte repeated, no answer")]
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn controller() -> Vec<u8> {
        let mut d = vec![0u8; 4096];
        d[4..24].copy_from_slice(b"S4EVNX0R123456      ");
        d[24..64].copy_from_slice(b"Samsung SSD 970 EVO Plus 500GB          ");
        d[64..72].copy_from_slice(b"2B2QEXM7");
        d[768..786].copy_from_slice(b"nqn.2014.08.org.nv");
        d
    }

    #[test]
    fn controller_strings_and_numbers() {
        let mut d = controller();
        d[76] = 0b0000_0010;
        d[78..80].copy_from_slice(&[4, 0]);
        d[80..84].copy_from_slice(&[0, 3, 1, 0]);
        d[256..258].copy_from_slice(&[0x1F, 0x04]);
        d[280] = 0x10;
        d[296 + 8] = 1;
        d[312] = 1;
        d[516] = 32;
        d[525] = 1;
        let c = Controller::parse(&d);
        assert_eq!(c.serial.as_deref(), Some("S4EVNX0R123456"));
        assert_eq!(c.model.as_deref(), Some("Samsung SSD 970 EVO Plus 500GB"));
        assert_eq!(c.firmware.as_deref(), Some("2B2QEXM7"));
        assert_eq!(c.subsystem_nqn.as_deref(), Some("nqn.2014.08.org.nv"));
        assert_eq!(
            (c.controller_id, c.version, c.namespaces_max),
            (4, (1, 3), 32)
        );
        assert!(c.is_shared && c.has_rpmb && c.volatile_write_cache);
        assert!(c.admin.security && c.admin.format && c.admin.namespace_management);
        assert!(c.admin.self_test && c.admin.lockdown);
        assert_eq!(c.total_bytes, Some(16));
        assert_eq!(c.unallocated_bytes, 1 << 64);
        assert!(c.oddities.is_empty());
    }

    #[test]
    fn each_sanicap_bit_is_its_own_field() {
        let s = |bytes: [u8; 4]| {
            let mut d = controller();
            d[328..332].copy_from_slice(&bytes);
            Controller::parse(&d).sanitize
        };
        assert!(!s([0, 0, 0, 0]).is_supported());
        assert!(s([1, 0, 0, 0]).crypto_erase);
        assert!(s([2, 0, 0, 0]).block_erase);
        assert!(s([4, 0, 0, 0]).overwrite);
        assert!(s([8, 0, 0, 0]).media_verification && !s([8, 0, 0, 0]).is_supported());
        assert!(s([0x20, 0, 0, 0]).purge_required);
        assert!(s([0, 0, 0, 0x20]).no_deallocate_inhibited);
        assert_eq!(s([0, 0, 0, 0x80]).modifies_media_after, 2);
    }

    #[test]
    fn each_fna_bit_is_its_own_field() {
        let f = |byte| {
            let mut d = controller();
            d[524] = byte;
            Controller::parse(&d).format
        };
        assert!(f(1).formats_all && !f(1).erases_all);
        assert!(f(2).erases_all);
        assert!(f(4).crypto_erase);
        assert!(f(8).broadcast_refused);
    }

    #[test]
    fn empty_and_short_controllers_are_odd() {
        assert!(
            Controller::parse(&[0; 4096])
                .oddities
                .iter()
                .any(|o| o.contains("no answer"))
        );
        assert!(
            Controller::parse(&[])
                .oddities
                .iter()
                .any(|o| o.contains("0 bytes"))
        );
        assert_eq!(Controller::parse(&[0; 4096]).serial, None);
    }

    fn namespace() -> Vec<u8> {
        let mut d = vec![0u8; 4096];
        // 976 773 168 blocks.
        d[..8].copy_from_slice(&[0x30, 0x60, 0x38, 0x3A, 0, 0, 0, 0]);
        d[8..16].copy_from_slice(&[0x30, 0x60, 0x38, 0x3A, 0, 0, 0, 0]);
        // Two formats: 512 + 0 and 4096 + 8.
        d[25] = 1;
        d[128..132].copy_from_slice(&[0, 0, 9, 0]);
        d[132..136].copy_from_slice(&[8, 0, 12, 0]);
        d
    }

    #[test]
    fn size_follows_the_format_in_use() {
        let ns = Namespace::parse(&namespace());
        assert_eq!(ns.size_bytes(), Some(976_773_168 * 512));
        assert_eq!((ns.nguid, ns.eui64, ns.protection_type), (None, None, None));
        assert!(ns.oddities.is_empty());
        let mut d = namespace();
        d[26] = 0x11;
        let format = Namespace::parse(&d).format.expect("format");
        assert_eq!(
            (format.index, format.block_bytes, format.metadata_bytes),
            (1, 4096, 8)
        );
        assert!(format.extended_metadata);
    }

    #[test]
    fn flbas_upper_bits_count_only_with_more_than_16_formats() {
        let mut d = namespace();
        d[26] = 0x20;
        assert_eq!(Namespace::parse(&d).format.map(|f| f.index), Some(0));
        d[25] = 17;
        d[128 + 64..128 + 68].copy_from_slice(&[0, 0, 12, 0]);
        assert_eq!(
            Namespace::parse(&d)
                .format
                .map(|f| (f.index, f.block_bytes)),
            Some((16, 4096))
        );
    }

    #[test]
    fn invalid_format_is_odd_and_has_no_size() {
        let mut d = namespace();
        d[26] = 0x02;
        let ns = Namespace::parse(&d);
        assert_eq!(ns.size_bytes(), None);
        assert!(ns.oddities.iter().any(|o| o.contains("FLBAS")));
    }

    #[test]
    fn names_protection_and_write_protect() {
        let mut d = namespace();
        d[29] = 0b1010;
        d[30] = 1;
        d[33] = 0b1001;
        d[99] = 1;
        d[104..120].copy_from_slice(&[0x36, 0x34, 0, 0, 0, 0, 0, 0, 0, 0x25, 0x38, 0, 0, 0, 0, 1]);
        d[120..128].copy_from_slice(&[0, 0x25, 0x38, 0x5B, 1, 2, 3, 4]);
        let ns = Namespace::parse(&d);
        assert_eq!(ns.protection_type, Some(2));
        assert!(ns.protection_first);
        assert!(ns.is_shared && ns.write_protected);
        assert_eq!(ns.deallocated_reads, 1);
        assert_eq!(
            ns.nguid.as_deref(),
            Some("36340000000000000025380000000001")
        );
        assert_eq!(ns.eui64.as_deref(), Some("0025385b01020304"));
    }

    #[test]
    fn inactive_namespace_has_size_zero_and_no_oddity() {
        let ns = Namespace::parse(&[0; 4096]);
        assert_eq!((ns.blocks, ns.oddities.len()), (0, 0));
    }

    #[test]
    fn list_ends_at_the_first_zero() {
        let mut d = vec![0u8; 4096];
        d[..12].copy_from_slice(&[1, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0]);
        d[16] = 9;
        assert_eq!(namespace_list(&d), [1, 2, 256]);
        assert_eq!(namespace_list(&[0; 4096]), Vec::<u32>::new());
    }
}
