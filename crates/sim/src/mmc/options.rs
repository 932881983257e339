//! What one card is like, and how it lies.

use std::ops::Range;
use std::time::Duration;

/// One card. [`Options::default`] is a small eMMC 5.1, and honest.
#[derive(Clone, Debug)]
pub struct Options {
    /// In its CID; another card has another one.
    pub serial: u64,
    /// EXT_CSD_REV: 5 = 4.41, 6 = 4.5, 7 = 5.0, 8 = 5.1.
    pub revision: u8,
    /// Sectors of the user area.
    pub sectors: u32,
    /// Places of the user area and of each general purpose one that have no address.
    pub spares: u64,
    /// Size of each boot area, in units of 128 KiB.
    pub boot_units: u8,
    /// Size of the replay protected area, in units of 128 KiB.
    pub rpmb_units: u8,
    /// Sizes of the general purpose areas, in erase groups; at most four.
    pub general_purpose_groups: Vec<u32>,
    /// Byte 224: erase group in units of 512 KiB.
    pub group_units: u8,
    /// Erase group while byte 175 is 0; in the CSD, which the register does not repeat.
    pub low_capacity_group_sectors: u32,
    /// Byte 175 b0, which the host's driver sets when the card comes.
    pub high_capacity_groups: bool,
    /// Byte 231.
    pub features: Features,
    /// Byte 181: erased memory reads as ones.
    pub erased_reads_ones: bool,
    /// Byte 173 at the start: b0 until the next power cycle, b2 for good.
    pub boot_protection: u8,
    /// Byte 179 b5:3.
    pub boots_from: u8,
    /// Sectors of the user area in write-protected groups.
    pub protected: Range<u64>,
    /// What the erase of a group takes.
    pub erase_time: Duration,
    /// What a sanitize takes.
    pub sanitize_time: Duration,
    /// How it lies.
    pub lies: Lies,
}

/// SEC_FEATURE_SUPPORT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// b0: secure erase, and secure trim where there is trim.
    pub secure: bool,
    /// b4.
    pub trim: bool,
    /// b6.
    pub sanitize: bool,
}

/// What is not true of it. All off by default. Numbers are those of raz's list of traps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lies {
    /// \[1\] SANITIZE_START is over at once, answered as done, and nothing happens.
    pub sanitize_swallowed: bool,
    /// \[17\] It takes its time and removes nothing.
    pub sanitize_keeps: bool,
    /// SANITIZE_START sets SWITCH_ERROR, whatever byte 231 says. No lie.
    pub sanitize_refused: bool,
    /// \[19\] SANITIZE_START keeps the card busy for ever.
    pub sanitize_never_ends: bool,
    /// \[17\] Erases of any kind are answered as done, and every sector reads as before.
    pub erase_ignored: bool,
    /// \[48\] An erase is carried out as a discard: sanitize leaves what it unmapped.
    pub erase_only_discards: bool,
    /// \[40\] An erase of groups leaves the last group, where the area ends within it.
    pub erase_leaves_tail: bool,
    /// An erase keeps the card busy for ever. No lie.
    pub erase_never_ends: bool,
    /// Erased memory reads as the complement of what byte 181 says.
    pub erased_reads_wrong: bool,
    /// \[43\] Writes are answered with success and change nothing.
    pub ignores_writes: bool,
    /// \[32\] Writes to boot areas are answered with success and change nothing.
    pub ignores_boot_writes: bool,
    /// \[37\] After so many commands it is another card: CID and firmware version differ.
    pub becomes_another_after: Option<u64>,
}

impl Options {
    /// Sectors of an erase group of byte 224.
    #[must_use]
    pub fn group_sectors(&self) -> u32 {
        u32::from(self.group_units) * 1024
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            serial: 0x00CA_FE01,
            revision: 8,
            // The last group is not a whole one.
            sectors: 4 * 1024 + 100,
            spares: 128,
            boot_units: 1,
            rpmb_units: 1,
            general_purpose_groups: Vec::new(),
            group_units: 1,
            low_capacity_group_sectors: 128,
            high_capacity_groups: true,
            features: Features {
                secure: true,
                trim: true,
                sanitize: true,
            },
            erased_reads_ones: false,
            boot_protection: 0,
            boots_from: 0,
            protected: 0..0,
            erase_time: Duration::from_millis(20),
            sanitize_time: Duration::from_secs(8),
            lies: Lies::default(),
        }
    }
}
