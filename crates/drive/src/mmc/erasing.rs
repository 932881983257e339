//! What the register says of erasing the user area and sanitizing the card. JESD84-B51 6.6.9 to
//! 6.6.13, 7.4.
//!
//! Decides what can be sent; sends nothing.

use super::ExtCsd;
use std::time::Duration;

/// Erase group where the register names none.
const GROUP_BYTES: u64 = 512 << 10;
/// Time of one unit of ERASE_TIMEOUT_MULT.
const TIMEOUT_UNIT: Duration = Duration::from_millis(300);

/// A card with sanitize, and what its erasure goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erasing {
    /// User area in sectors of 512 bytes; not 0.
    pub sectors: u32,
    /// Sectors that are erased together, at most; not 0.
    pub group_sectors: u32,
    /// What the erase of one group takes at most, by the card's word; zero where it does not say.
    pub group_time_max: Duration,
    /// Sectors can be erased alone, too.
    pub trim: bool,
    /// What erased memory reads as.
    pub erased_byte: u8,
    /// FIRMWARE_VERSION as it came: another card may have another one.
    pub firmware_raw: [u8; 8],
}

impl Erasing {
    /// What the register says.
    ///
    /// # Errors
    /// Why the card cannot be sanitized whole, in words.
    pub fn of(register: &ExtCsd) -> Result<Self, String> {
        let none = |reason: &str| Err(reason.to_owned());
        if !register.sanitize {
            return none("EXT_CSD byte 231 names no sanitize");
        }
        if register.sectors == 0 {
            return none("EXT_CSD names no size of the user area");
        }
        if register
            .general_purpose_bytes
            .iter()
            .any(|bytes| *bytes > 0)
        {
            return none(
                "the card has general purpose areas, which are drives of their own; nobody confirmed that they are erased with it, and without them its sanitize leaves their data",
            );
        }
        let group_bytes = register.erase_group_bytes.unwrap_or(GROUP_BYTES);
        Ok(Self {
            sectors: register.sectors,
            group_sectors: u32::try_from(group_bytes / 512).unwrap_or(u32::MAX).max(1),
            group_time_max: TIMEOUT_UNIT * u32::from(register.erase_timeout_multiplier),
            trim: register.trim,
            erased_byte: if register.erased_reads_ones {
                0xFF
            } else {
                0x00
            },
            firmware_raw: register.firmware_raw,
        })
    }

    /// Whether commands name sectors; a card of 2 GiB or less counts in bytes.
    #[must_use]
    pub fn counts_in_sectors(&self) -> bool {
        self.bytes() > 2 << 30
    }

    /// Bytes of the user area.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        u64::from(self.sectors) * 512
    }
}

#[cfg(test)]
mod tests {
    use super::{Erasing, ExtCsd};
    use std::time::Duration;

    fn register(change: impl Fn(&mut Vec<u8>)) -> Result<Erasing, String> {
        let mut data = vec![0; 512];
        data[181] = 1;
        data[192] = 8;
        data[212..216].copy_from_slice(&[0x00, 0x00, 0xA3, 0x03]);
        data[221] = 8;
        data[223] = 17;
        data[224] = 2;
        data[231] = 0x50;
        data[254] = 7;
        change(&mut data);
        Erasing::of(&ExtCsd::parse(&data).expect("register"))
    }

    #[test]
    fn units_are_those_of_the_standard() {
        let erasing = register(|_| {}).expect("sanitize");
        assert_eq!(
            (erasing.sectors, erasing.group_sectors),
            (0x03A3_0000, 2048)
        );
        assert_eq!(erasing.group_time_max, Duration::from_millis(5100));
        assert_eq!((erasing.trim, erasing.erased_byte), (true, 0xFF));
        assert_eq!(erasing.firmware_raw, [7, 0, 0, 0, 0, 0, 0, 0]);
        assert!(erasing.counts_in_sectors());
        let small = |last| register(|data| data[212..216].copy_from_slice(&[last, 0, 0x40, 0]));
        let counts = |erasing: Result<Erasing, String>| erasing.map(|e| e.counts_in_sectors());
        assert_eq!((counts(small(0)), counts(small(1))), (Ok(false), Ok(true)));
        let bare = register(|data| (data[224], data[181]) = (0, 0)).expect("sanitize");
        assert_eq!((bare.group_sectors, bare.erased_byte), (1024, 0));
    }

    #[test]
    fn card_that_cannot_be_sanitized_whole_says_why() {
        type Change = fn(&mut Vec<u8>);
        let cases: [(Change, &str); 4] = [
            (|data| data[231] = 0x15, "no sanitize"),
            // Bit 6 is reserved before 4.5.
            (|data| data[192] = 5, "no sanitize"),
            (|data| data[212..216].fill(0), "no size"),
            (|data| data[143] = 1, "general purpose"),
        ];
        for (change, says) in cases {
            let reason = register(change).unwrap_err();
            assert!(reason.contains(says), "{says}: {reason}");
        }
    }
}
