//! ATA commands that only ask. ACS-4.

use super::pass_through::{Cdb, DEVICE_LBA, PLAIN, PLAIN_EXT, Protocol, Registers};
use crate::tcg::{LEVEL_0_COM_ID, LEVEL_0_PROTOCOL};

/// Bytes that every data-in command here returns: one 512-byte page.
pub const PAGE_BYTES: usize = 512;

/// LBA mid/high that make a B0h command a SMART command.
pub(super) const SMART_SIGNATURE: u64 = 0x00C2_4F00;

/// IDENTIFY DEVICE (ECh): 512 bytes in, for [`super::Identify::parse`].
#[must_use]
pub fn identify_device() -> Cdb {
    Registers {
        protocol: Protocol::PioIn,
        count: 1,
        command: 0xEC,
        ..PLAIN
    }
    .cdb()
}

/// SMART READ DATA (B0h/D0h): 512 bytes in, for [`super::smart::SmartData::parse`].
#[must_use]
pub fn smart_read_data() -> Cdb {
    smart(Protocol::PioIn, 0xD0)
}

/// SMART READ ATTRIBUTE THRESHOLDS (B0h/D1h): 512 bytes in, for [`super::smart::Thresholds::parse`].
#[must_use]
pub fn smart_read_thresholds() -> Cdb {
    smart(Protocol::PioIn, 0xD1)
}

/// SMART RETURN STATUS (B0h/DAh): answer in the registers, for [`super::smart::SmartStatus`].
#[must_use]
pub fn smart_return_status() -> Cdb {
    smart(Protocol::NonData, 0xDA)
}

fn smart(protocol: Protocol, feature: u16) -> Cdb {
    Registers {
        protocol,
        feature,
        count: match protocol {
            Protocol::NonData => 0,
            Protocol::PioIn | Protocol::PioOut => 1,
        },
        lba: SMART_SIGNATURE,
        command: 0xB0,
        ..PLAIN
    }
    .cdb()
}

/// CHECK POWER MODE (E5h): answer in the COUNT register, for [`super::registers::PowerMode`].
///
/// Its answer is known beforehand (the drive was just spoken to), so it proves that a path returns
/// registers at all.
#[must_use]
pub fn check_power_mode() -> Cdb {
    Registers {
        command: 0xE5,
        ..PLAIN
    }
    .cdb()
}

/// READ NATIVE MAX ADDRESS (F8h), 28-bit, for drives without the 48-bit feature set.
#[must_use]
pub fn read_native_max_address() -> Cdb {
    Registers {
        device: DEVICE_LBA,
        command: 0xF8,
        ..PLAIN
    }
    .cdb()
}

/// READ NATIVE MAX ADDRESS EXT (27h), of the HPA feature set.
#[must_use]
pub fn read_native_max_address_ext() -> Cdb {
    Registers {
        command: 0x27,
        ..PLAIN_EXT
    }
    .cdb()
}

/// GET NATIVE MAX ADDRESS EXT (78h, feature 0), of the Accessible Max Address feature set.
#[must_use]
pub fn get_native_max_address_ext() -> Cdb {
    Registers {
        command: 0x78,
        ..PLAIN_EXT
    }
    .cdb()
}

/// DEVICE CONFIGURATION IDENTIFY (B1h/C2h): 512 bytes in, for [`super::dco::DcoIdentify::parse`].
#[must_use]
pub fn dco_identify() -> Cdb {
    Registers {
        protocol: Protocol::PioIn,
        count: 1,
        feature: 0xC2,
        command: 0xB1,
        ..PLAIN
    }
    .cdb()
}

/// SANITIZE STATUS EXT (B4h/0000h), CLEAR SANITIZE OPERATION FAILED not set: it asks and changes
/// nothing. For [`super::sanitize::SanitizeStatus`].
#[must_use]
pub fn sanitize_status_ext() -> Cdb {
    Registers {
        command: 0xB4,
        ..PLAIN_EXT
    }
    .cdb()
}

/// READ LOG EXT (2Fh), one page of a log of the general purpose logging feature set: 512 bytes in.
#[must_use]
pub fn read_log_ext(log: u8, page: u16) -> Cdb {
    let [page_high, page_low] = page.to_be_bytes();
    Registers {
        protocol: Protocol::PioIn,
        count: 1,
        // Log address in LBA 7:0, page number in LBA 15:8 and 39:32.
        lba: u64::from(page_high) << 32 | u64::from(page_low) << 8 | u64::from(log),
        command: 0x2F,
        ..PLAIN_EXT
    }
    .cdb()
}

/// READ LOG EXT of the IDENTIFY DEVICE data log (30h), page 06h: for
/// [`super::security_log::SecurityPage::parse`].
#[must_use]
pub fn read_security_page() -> Cdb {
    read_log_ext(0x30, 0x0006)
}

/// TRUSTED RECEIVE (5Ch) of TCG's Level 0 discovery, one page: 512 bytes in, for
/// [`crate::tcg::Discovery::parse`], which says when more there was. The kernel refuses it unless
/// libata's `allow_tpm` is set.
#[must_use]
pub fn trusted_receive_level_0() -> Cdb {
    Registers {
        protocol: Protocol::PioIn,
        count: 1,
        feature: u16::from(LEVEL_0_PROTOCOL),
        // Protocol specific field in LBA 23:8; LBA 7:0 is the upper half of the length.
        lba: u64::from(LEVEL_0_COM_ID) << 8,
        device: DEVICE_LBA,
        command: 0x5C,
        ..PLAIN
    }
    .cdb()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Golden vectors, written from SAT-4 and ACS-4 by hand.

    #[test]
    fn identify_device_is_the_golden_vector() {
        let want = [0x85, 0x08, 0x0E, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xEC, 0];
        assert_eq!(identify_device(), want);
    }

    #[test]
    fn smart_commands_are_the_golden_vectors() {
        let data = [
            0x85, 0x08, 0x0E, 0, 0xD0, 0, 1, 0, 0, 0, 0x4F, 0, 0xC2, 0, 0xB0, 0,
        ];
        let thresholds = [
            0x85, 0x08, 0x0E, 0, 0xD1, 0, 1, 0, 0, 0, 0x4F, 0, 0xC2, 0, 0xB0, 0,
        ];
        let status = [
            0x85, 0x06, 0x20, 0, 0xDA, 0, 0, 0, 0, 0, 0x4F, 0, 0xC2, 0, 0xB0, 0,
        ];
        assert_eq!(smart_read_data(), data);
        assert_eq!(smart_read_thresholds(), thresholds);
        assert_eq!(smart_return_status(), status);
    }

    #[test]
    fn check_power_mode_is_the_golden_vector() {
        let want = [0x85, 0x06, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xE5, 0];
        assert_eq!(check_power_mode(), want);
    }

    #[test]
    fn native_max_commands_are_the_golden_vectors() {
        let lba28 = [
            0x85, 0x06, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0xF8, 0,
        ];
        let hpa = [
            0x85, 0x07, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x27, 0,
        ];
        let amac = [
            0x85, 0x07, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x78, 0,
        ];
        assert_eq!(read_native_max_address(), lba28);
        assert_eq!(read_native_max_address_ext(), hpa);
        assert_eq!(get_native_max_address_ext(), amac);
    }

    #[test]
    fn dco_identify_is_the_golden_vector() {
        let want = [
            0x85, 0x08, 0x0E, 0, 0xC2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xB1, 0,
        ];
        assert_eq!(dco_identify(), want);
    }

    #[test]
    fn sanitize_status_is_the_golden_vector() {
        let want = [
            0x85, 0x07, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0xB4, 0,
        ];
        assert_eq!(sanitize_status_ext(), want);
    }

    #[test]
    fn read_security_page_is_the_golden_vector() {
        let want = [
            0x85, 0x09, 0x0E, 0, 0, 0, 1, 0, 0x30, 0, 0x06, 0, 0, 0x40, 0x2F, 0,
        ];
        assert_eq!(read_security_page(), want);
    }

    #[test]
    fn page_and_log_have_their_places_in_the_lba() {
        let want = [
            0x85, 0x09, 0x0E, 0, 0, 0, 1, 0, 0x07, 0x12, 0x34, 0, 0, 0x40, 0x2F, 0,
        ];
        assert_eq!(read_log_ext(0x07, 0x1234), want);
    }

    #[test]
    fn trusted_receive_level_0_is_the_golden_vector() {
        let want = [
            0x85, 0x08, 0x0E, 0, 0x01, 0, 1, 0, 0, 0, 0x01, 0, 0, 0x40, 0x5C, 0,
        ];
        assert_eq!(trusted_receive_level_0(), want);
    }
}
