//! EXT_CSD: what an eMMC says of itself. JEDEC JESD84-B51 7.4, by byte.
//!
//! Removable SD cards have no EXT_CSD. The CID is not parsed here: the kernel prints its fields in
//! sysfs. `change` encodes the commands that change a card, `status` reads what it answers, `erasing`
//! is what the register says of a whole erasure, `boot` what is known of the boot areas.

pub mod boot;
pub mod change;
pub mod erasing;
pub mod status;

use crate::bytes::{bit, byte, is_one_byte_repeated, le32};

/// Bytes of the register (CMD8).
pub const EXT_CSD_BYTES: usize = 512;

/// The EXT_CSD register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtCsd {
    /// Byte 192, EXT_CSD_REV: 5 = 4.41, 6 = 4.5, 7 = 5.0, 8 = 5.1.
    pub revision: u8,
    /// Bytes 212-215: user area in 512-byte sectors; 0 for cards of 2 GB or less.
    pub sectors: u32,
    /// Byte 226: size of each of the two boot areas.
    pub boot_area_bytes: u64,
    /// Byte 168: size of the replay protected area, which nothing erases without its key.
    pub rpmb_bytes: u64,
    /// Bytes 143-154: sizes of the four general purpose areas, 0 where there is none.
    pub general_purpose_bytes: [u64; 4],
    /// Byte 224 (or its absence): high-capacity erase group; `None` when 0.
    pub erase_group_bytes: Option<u64>,
    /// Byte 223, ERASE_TIMEOUT_MULT: an erase of such a group takes 300 ms times this at most; 0 where it
    /// is not said.
    pub erase_timeout_multiplier: u8,
    /// Byte 175 b0, ERASE_GROUP_DEF: erase groups are of `erase_group_bytes`, not of the CSD's size.
    pub high_capacity_groups: bool,
    /// Byte 231 b0: secure erase and trim (obsolete since 4.5).
    pub secure_erase: bool,
    /// Byte 231 b2: blocks that are retired as bad can be purged.
    pub purges_bad_blocks: bool,
    /// Byte 231 b4: trim.
    pub trim: bool,
    /// Byte 231 b6, from revision 6 on: sanitize.
    pub sanitize: bool,
    /// Byte 16 b3:0: ways to remove data that exist (b0 erase, b1 overwrite, b2 three passes, b3 vendor).
    pub removal_types: u8,
    /// Byte 16 b5:4: the way that is chosen.
    pub removal_type_chosen: u8,
    /// Byte 181 b0: erased memory reads as ones.
    pub erased_reads_ones: bool,
    /// Byte 173, BOOT_WP: write protection of a boot area, of both or of one.
    pub boot_write_protection: WriteProtection,
    /// Byte 179 b5:3, PARTITION_CONFIG: the area that the computer boots from.
    pub boot_area: BootArea,
    /// Bytes 254-261, FIRMWARE_VERSION as it came.
    pub firmware_raw: [u8; 8],
    /// Byte 171 USER_WP as it came.
    pub user_write_protect_raw: u8,
    /// Byte 267.
    pub pre_end_of_life: PreEndOfLife,
    /// Bytes 268 and 269.
    pub life_time: [LifeTime; 2],
    /// What was odd, in words.
    pub oddities: Vec<String>,
}

/// Write protection of an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteProtection {
    /// None is set.
    None,
    /// b0: until the next power cycle.
    UntilPowerCycle,
    /// b2: for good; nothing erases the area.
    Permanent,
}

/// The area that a card gives at boot. One that is in use may hold a boot loader or keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootArea {
    /// 0: none.
    None,
    /// 1: the first boot area.
    First,
    /// 2: the second boot area.
    Second,
    /// 7: the user area.
    User,
    /// Another value.
    Reserved(u8),
}

/// Byte 267, PRE_EOL_INFO: reserved blocks used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreEndOfLife {
    /// 0, or a revision below 7: not said.
    NotReported,
    /// 1: normal.
    Normal,
    /// 2: 80 % of the reserved blocks are used.
    Warning,
    /// 3: 90 % are used.
    Urgent,
    /// Another value.
    Reserved(u8),
}

/// Bytes 268 and 269, DEVICE_LIFE_TIME_EST: rated endurance used, in steps of ten percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifeTime {
    /// 0, or a revision below 7: not said.
    NotReported,
    /// 1 to 10: from this percentage up to ten more.
    FromPercent(u8),
    /// 11: all of it.
    Exceeded,
    /// Another value.
    Reserved(u8),
}

impl ExtCsd {
    /// Parses the register. `None` when it is short or one byte repeated.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let data = data.get(..EXT_CSD_BYTES)?;
        if is_one_byte_repeated(data) {
            return None;
        }
        let at = |n| byte(data, n).unwrap_or(0);
        let kib = |units: u8, size: u64| u64::from(units) * size * 1024;
        let revision = at(192);
        let features = at(231);
        let mut oddities = Vec::new();
        if revision > 9 {
            oddities.push(format!("EXT_CSD: unknown revision {revision}"));
        }
        // Health came with 5.0 (revision 7); before, the bytes are reserved.
        let health = |n| if revision >= 7 { at(n) } else { 0 };
        let erase_group_bytes = Some(kib(at(224), 512)).filter(|n| *n > 0);
        Some(Self {
            revision,
            sectors: le32(data, 212).unwrap_or(0),
            boot_area_bytes: kib(at(226), 128),
            rpmb_bytes: kib(at(168), 128),
            general_purpose_bytes: [143, 146, 149, 152].map(|n| {
                // Write protect groups of byte 221 erase groups each.
                let units = u64::from(u32::from_le_bytes([at(n), at(n + 1), at(n + 2), 0]));
                units * u64::from(at(221)) * kib(at(224), 512)
            }),
            erase_group_bytes,
            erase_timeout_multiplier: at(223),
            high_capacity_groups: bit(at(175), 0),
            secure_erase: bit(features, 0),
            purges_bad_blocks: bit(features, 2),
            trim: bit(features, 4),
            sanitize: revision >= 6 && bit(features, 6),
            removal_types: at(16) & 0x0F,
            removal_type_chosen: at(16) >> 4 & 0b11,
            erased_reads_ones: bit(at(181), 0),
            boot_write_protection: if bit(at(173), 2) {
                WriteProtection::Permanent
            } else if bit(at(173), 0) {
                WriteProtection::UntilPowerCycle
            } else {
                WriteProtection::None
            },
            boot_area: match at(179) >> 3 & 0b111 {
                0 => BootArea::None,
                1 => BootArea::First,
                2 => BootArea::Second,
                7 => BootArea::User,
                other => BootArea::Reserved(other),
            },
            firmware_raw: [254, 255, 256, 257, 258, 259, 260, 261].map(at),
            user_write_protect_raw: at(171),
            pre_end_of_life: match health(267) {
                0 => PreEndOfLife::NotReported,
                1 => PreEndOfLife::Normal,
                2 => PreEndOfLife::Warning,
                3 => PreEndOfLife::Urgent,
                other => PreEndOfLife::Reserved(other),
            },
            life_time: [268, 269].map(|n| LifeTime::decode(health(n))),
            oddities,
        })
    }
}

impl LifeTime {
    fn decode(value: u8) -> Self {
        match value {
            0 => Self::NotReported,
            1..=10 => Self::FromPercent((value - 1) * 10),
            11 => Self::Exceeded,
            other => Self::Reserved(other),
        }
    }

    /// Lower end of the step in percent, 100 when exceeded.
    #[must_use]
    pub fn percent_at_least(self) -> Option<u8> {
        match self {
            Self::FromPercent(percent) => Some(percent),
            Self::Exceeded => Some(100),
            Self::NotReported | Self::Reserved(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn register() -> Vec<u8> {
        let mut d = vec![0u8; 512];
        d[16] = 0x1B;
        d[143..146].copy_from_slice(&[2, 0, 0]);
        d[152..155].copy_from_slice(&[0, 1, 0]);
        d[168] = 32;
        d[181] = 1;
        d[192] = 8;
        d[212..216].copy_from_slice(&[0x00, 0x00, 0xA3, 0x03]);
        d[221] = 8;
        d[224] = 1;
        d[226] = 32;
        d[231] = 0x55;
        d[267] = 1;
        d[268] = 1;
        d[269] = 11;
        d
    }

    #[test]
    fn sizes_by_offset() {
        let csd = ExtCsd::parse(&register()).expect("register");
        assert_eq!(csd.revision, 8);
        assert_eq!(csd.sectors, 0x03A3_0000);
        assert_eq!(csd.boot_area_bytes, 4 << 20);
        assert_eq!(csd.rpmb_bytes, 4 << 20);
        assert_eq!(csd.erase_group_bytes, Some(512 << 10));
        assert_eq!(csd.general_purpose_bytes, [8 << 20, 0, 0, 256 * (4 << 20)]);
        assert!(csd.oddities.is_empty());
    }

    #[test]
    fn erase_features_and_removal_types() {
        let csd = ExtCsd::parse(&register()).expect("register");
        assert!(csd.secure_erase && csd.trim && csd.sanitize && csd.erased_reads_ones);
        assert_eq!((csd.removal_types, csd.removal_type_chosen), (0x0B, 1));
        assert!(csd.purges_bad_blocks && !csd.high_capacity_groups);
        let mut d = register();
        d[175] = 1;
        d[231] = 0x40;
        let csd = ExtCsd::parse(&d).expect("register");
        assert!(csd.high_capacity_groups && csd.sanitize);
        assert!(!csd.secure_erase && !csd.purges_bad_blocks && !csd.trim);
    }

    #[test]
    fn boot_areas_and_their_protection() {
        let of = |protection, config| {
            let mut d = register();
            d[173] = protection;
            d[179] = config;
            let csd = ExtCsd::parse(&d).expect("register");
            (csd.boot_write_protection, csd.boot_area)
        };
        assert_eq!(of(0x00, 0x00), (WriteProtection::None, BootArea::None));
        assert_eq!(
            of(0x01, 0x08),
            (WriteProtection::UntilPowerCycle, BootArea::First)
        );
        assert_eq!(
            of(0x04, 0x50),
            (WriteProtection::Permanent, BootArea::Second)
        );
        assert_eq!(of(0x05, 0x38), (WriteProtection::Permanent, BootArea::User));
        assert_eq!(
            of(0x50, 0x1B),
            (WriteProtection::None, BootArea::Reserved(3))
        );
    }

    #[test]
    fn sanitize_and_health_need_their_revision() {
        let mut d = register();
        d[192] = 5;
        let csd = ExtCsd::parse(&d).expect("register");
        assert!(!csd.sanitize);
        assert_eq!(csd.pre_end_of_life, PreEndOfLife::NotReported);
        assert_eq!(csd.life_time, [LifeTime::NotReported; 2]);
    }

    #[test]
    fn health_values() {
        let csd = ExtCsd::parse(&register()).expect("register");
        assert_eq!(csd.pre_end_of_life, PreEndOfLife::Normal);
        assert_eq!(
            csd.life_time,
            [LifeTime::FromPercent(0), LifeTime::Exceeded]
        );
        assert_eq!(LifeTime::decode(10).percent_at_least(), Some(90));
        assert_eq!(LifeTime::decode(12), LifeTime::Reserved(12));
        let mut d = register();
        d[267] = 3;
        assert_eq!(
            ExtCsd::parse(&d).expect("register").pre_end_of_life,
            PreEndOfLife::Urgent
        );
    }

    #[test]
    fn short_or_empty_register_is_none() {
        assert_eq!(ExtCsd::parse(&register()[..511]), None);
        assert_eq!(ExtCsd::parse(&[0; 512]), None);
    }
}
