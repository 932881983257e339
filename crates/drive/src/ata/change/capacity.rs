//! Commands that give hidden sectors back: Host Protected Area, Accessible Max Address, Device
//! Configuration Overlay.
//!
//! All take a last LBA, which is one less than the number of sectors, as the questions for native
//! maxima answer it. ACS-3 7.44 and 7.45 (HPA, obsolete since ACS-4), ACS-4 7.2.4, ATA/ATAPI-7 6.20.

use super::super::pass_through::{Cdb, DEVICE_LBA, PLAIN, PLAIN_EXT, Registers};

/// COUNT b0 of SET MAX ADDRESS. HBA firmware that zeroes COUNT makes every set a volatile one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// Bit 0: until the next power cycle or hardware reset.
    Volatile,
    /// Bit 1: for good. Drives take it once in a power cycle.
    NonVolatile,
}

impl Persistence {
    fn count(self) -> u16 {
        match self {
            Self::Volatile => 0,
            Self::NonVolatile => 1,
        }
    }
}

/// SET MAX ADDRESS (F9h, feature 00h), 28-bit, directly after READ NATIVE MAX ADDRESS.
///
/// `None` when the last LBA does not fit.
#[must_use]
pub fn set_max_address(last_lba: u64, persistence: Persistence) -> Option<Cdb> {
    let [zeros @ .., lba_27_24, a, b, c] = last_lba.to_be_bytes();
    if zeros != [0; 4] || lba_27_24 > 0x0F {
        return None;
    }
    let registers = Registers {
        count: persistence.count(),
        lba: u64::from(u32::from_be_bytes([0, a, b, c])),
        device: DEVICE_LBA | lba_27_24,
        command: 0xF9,
        ..PLAIN
    };
    Some(registers.cdb())
}

/// SET MAX ADDRESS EXT (37h), directly after READ NATIVE MAX ADDRESS EXT.
///
/// `None` when the last LBA does not fit 48 bits.
#[must_use]
pub fn set_max_address_ext(last_lba: u64, persistence: Persistence) -> Option<Cdb> {
    let registers = Registers {
        count: persistence.count(),
        lba: last_lba,
        command: 0x37,
        ..PLAIN_EXT
    };
    fits_48_bits(last_lba).then(|| registers.cdb())
}

/// SET ACCESSIBLE MAX ADDRESS EXT (78h/0001h): always for good, once in a power cycle. COUNT is not
/// that of SET MAX ADDRESS: newer revisions have another bit there, which stays 0.
///
/// `None` when the last LBA does not fit 48 bits.
#[must_use]
pub fn set_accessible_max_address_ext(last_lba: u64) -> Option<Cdb> {
    let registers = Registers {
        feature: 0x0001,
        lba: last_lba,
        command: 0x78,
        ..PLAIN_EXT
    };
    fits_48_bits(last_lba).then(|| registers.cdb())
}

fn fits_48_bits(lba: u64) -> bool {
    lba >> 48 == 0
}

/// DEVICE CONFIGURATION RESTORE (B1h/C0h): the drive is again what it was made as, in capacity and
/// in feature sets. Aborted while an HPA is set, and when the overlay is frozen.
#[must_use]
pub fn dco_restore() -> Cdb {
    Registers {
        feature: 0xC0,
        command: 0xB1,
        ..PLAIN
    }
    .cdb()
}

#[cfg(test)]
mod tests {
    use super::super::tests::vector;
    use super::*;

    // Golden vectors, written from SAT-4, ACS-3 and ATA/ATAPI-7 by hand.

    const KEEP: Persistence = Persistence::NonVolatile;

    fn bytes(command: Option<Cdb>) -> Vec<u8> {
        command.expect("a last LBA that fits").to_vec()
    }

    #[test]
    fn set_max_address_has_its_top_bits_in_device() {
        assert_eq!(
            bytes(set_max_address(0x0A12_3456, Persistence::Volatile)),
            vector("85 06 20 00 00 00 00 00 56 00 34 00 12 4A F9 00")
        );
        assert_eq!(
            bytes(set_max_address(0x0FFF_FFFF, KEEP)),
            vector("85 06 20 00 00 00 01 00 FF 00 FF 00 FF 4F F9 00")
        );
        assert_eq!(set_max_address(0x1000_0000, KEEP), None);
        assert_eq!(set_max_address(1 << 32, KEEP), None);
    }

    #[test]
    fn set_max_address_ext_is_volatile_or_not_by_count() {
        // Last LBA of 500 118 192 sectors.
        assert_eq!(
            bytes(set_max_address_ext(0x1DCF_32AF, Persistence::Volatile)),
            vector("85 07 20 00 00 00 00 1D AF 00 32 00 CF 40 37 00")
        );
        assert_eq!(
            bytes(set_max_address_ext(0xA5A4_A3A2_A1A0, KEEP)),
            vector("85 07 20 00 00 00 01 A3 A0 A4 A1 A5 A2 40 37 00")
        );
        assert_eq!(set_max_address_ext(1 << 48, KEEP), None);
    }

    #[test]
    fn accessible_max_address_leaves_count_alone() {
        assert_eq!(
            bytes(set_accessible_max_address_ext(0xA5A4_A3A2_A1A0)),
            vector("85 07 20 00 01 00 00 A3 A0 A4 A1 A5 A2 40 78 00")
        );
        assert_eq!(set_accessible_max_address_ext(1 << 48), None);
    }

    #[test]
    fn dco_restore_is_the_golden_vector() {
        assert_eq!(
            dco_restore().to_vec(),
            vector("85 06 20 00 C0 00 00 00 00 00 00 00 00 00 B1 00")
        );
    }
}
