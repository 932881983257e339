//! ATA commands that only ask, wrapped in SAT ATA PASS-THROUGH(16), opcode 85h.
//!
//! PASS-THROUGH(12), opcode A1h, is deliberately absent: optical drives and some USB bridges take
//! it for MMC BLANK. SAT-4 12.2.2 for the envelope, ACS-4 for each command.

/// Bytes that every data-in command here returns: one 512-byte page.
pub const PAGE_BYTES: usize = 512;

/// An ATA PASS-THROUGH(16) command block.
pub type Cdb = [u8; 16];

/// SAT PROTOCOL field, for the two that are used.
#[derive(Clone, Copy)]
enum Protocol {
    NonData = 3,
    PioIn = 4,
}

/// What goes into the drive's registers.
struct Registers {
    protocol: Protocol,
    /// The 48-bit form: the high halves of the registers are written too.
    extend: bool,
    feature: u8,
    lba: u64,
    device: u8,
    command: u8,
}

impl Registers {
    fn cdb(&self) -> Cdb {
        // Non-data: CK_COND, because the answer *is* the registers. Data-in: T_DIR from the drive,
        // BYT_BLOK in blocks, T_LENGTH in the COUNT register, which is 1.
        let (flags, count) = match self.protocol {
            Protocol::NonData => (0x20, 0),
            Protocol::PioIn => (0x0E, 1),
        };
        let [
            _,
            _,
            lba_47_40,
            lba_39_32,
            lba_31_24,
            lba_23_16,
            lba_15_8,
            lba_7_0,
        ] = self.lba.to_be_bytes();
        [
            0x85,
            (self.protocol as u8) << 1 | u8::from(self.extend),
            flags,
            0,
            self.feature,
            0,
            count,
            lba_31_24,
            lba_7_0,
            lba_39_32,
            lba_15_8,
            lba_47_40,
            lba_23_16,
            self.device,
            self.command,
            0,
        ]
    }
}

/// A 28-bit command without parameters.
const PLAIN: Registers = Registers {
    protocol: Protocol::NonData,
    extend: false,
    feature: 0,
    lba: 0,
    device: 0,
    command: 0,
};

/// DEVICE register with the LBA bit, which the 48-bit and native-max commands want.
const DEVICE_LBA: u8 = 0x40;

/// LBA mid/high that make a B0h command a SMART command.
const SMART_SIGNATURE: u64 = 0x00C2_4F00;

/// IDENTIFY DEVICE (ECh): 512 bytes in, for [`super::Identify::parse`].
#[must_use]
pub fn identify_device() -> Cdb {
    Registers {
        protocol: Protocol::PioIn,
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

fn smart(protocol: Protocol, feature: u8) -> Cdb {
    Registers {
        protocol,
        feature,
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
        extend: true,
        device: DEVICE_LBA,
        command: 0x27,
        ..PLAIN
    }
    .cdb()
}

/// GET NATIVE MAX ADDRESS EXT (78h, feature 0), of the Accessible Max Address feature set.
#[must_use]
pub fn get_native_max_address_ext() -> Cdb {
    Registers {
        extend: true,
        device: DEVICE_LBA,
        command: 0x78,
        ..PLAIN
    }
    .cdb()
}

/// DEVICE CONFIGURATION IDENTIFY (B1h/C2h): 512 bytes in, for [`super::dco::DcoIdentify::parse`].
#[must_use]
pub fn dco_identify() -> Cdb {
    Registers {
        protocol: Protocol::PioIn,
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
        extend: true,
        device: DEVICE_LBA,
        command: 0xB4,
        ..PLAIN
    }
    .cdb()
}

/// READ LOG EXT (2Fh) of the IDENTIFY DEVICE data log (30h), page 06h: 512 bytes in, for
/// [`super::security_log::SecurityPage::parse`].
#[must_use]
pub fn read_security_page() -> Cdb {
    Registers {
        protocol: Protocol::PioIn,
        extend: true,
        // Log address in LBA 7:0, page number in LBA 15:8 and 39:32.
        lba: 0x0630,
        device: DEVICE_LBA,
        command: 0x2F,
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
}
