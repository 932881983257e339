//! The registers that an ATA command leaves behind, as they come back in SCSI sense data.
//!
//! A path that swallows commands, returns empty sense or only half of the registers must never look
//! like a drive that answered: what is lost is `None`, and no answer has its reason. SAT-4 12.2.2.6
//! (descriptor 09h) and 12.2.2.7 (fixed format). The offsets that libata used in fixed format before
//! its fix of 2024 are not accepted: they come out as [`Missing::Empty`].

use crate::bytes::{be16, bit, byte};
use crate::scsi::sense::{Sense, SenseForm, descriptors};
use std::fmt;

/// Registers, or why there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterReturn {
    /// The path returned registers; some halves may be lost.
    Returned(ReturnRegisters),
    /// The path returned none.
    Missing(Missing),
}

/// Why no registers came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// No sense data, or a response code that is neither fixed nor descriptor format.
    NoSense,
    /// The sense tells of an earlier command.
    Deferred,
    /// Sense data without an ATA Status Return descriptor, or a fixed format that does not look
    /// like one: the command was probably refused before it reached the drive.
    NoRegisters,
    /// A descriptor was there, but STATUS is 0 or busy: no drive ends a command like that.
    Empty,
}

/// The drive's registers after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReturnRegisters {
    /// The sense format that carried them.
    pub form: SenseForm,
    /// EXTEND: the high halves belong to this command.
    pub extend: bool,
    /// ERROR register; valid only if STATUS has ERR.
    pub error: u8,
    /// COUNT 7:0.
    pub count_low: u8,
    /// COUNT 15:8. `None`: lost, as always in fixed format and in a 28-bit answer.
    pub count_high: Option<u8>,
    /// LBA 23:0.
    pub lba_low: u32,
    /// LBA 47:24, 24 bits. `None`: lost, as always in fixed format and in a 28-bit answer.
    pub lba_high: Option<u32>,
    /// DEVICE register; bits 3:0 are LBA 27:24 of a 28-bit command.
    pub device: u8,
    /// STATUS register.
    pub status: u8,
}

impl fmt::Display for RegisterReturn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Returned(r) => write!(f, "status {:02X}h, error {:02X}h", r.status, r.error),
            Self::Missing(why) => why.fmt(f),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSense => "the path brought no sense data",
            Self::Deferred => "the sense data are of an earlier command",
            Self::NoRegisters => "the sense data hold none: the command did not reach the drive",
            Self::Empty => "they are empty, as no drive leaves them",
        })
    }
}

impl RegisterReturn {
    /// Reads the registers out of the sense data of an ATA PASS-THROUGH with CK_COND.
    #[must_use]
    pub fn from_sense(sense: &[u8]) -> Self {
        let Some(parsed) = Sense::parse(sense) else {
            return Self::Missing(Missing::NoSense);
        };
        if parsed.deferred {
            return Self::Missing(Missing::Deferred);
        }
        let registers = match parsed.form {
            SenseForm::Descriptor => from_descriptor(sense),
            SenseForm::Fixed => from_fixed(sense, &parsed),
        };
        match registers {
            None => Self::Missing(Missing::NoRegisters),
            // STATUS 0 or BSY: the bridge filled the descriptor with nothing, or too early.
            Some(r) if r.status == 0 || bit(r.status, 7) => Self::Missing(Missing::Empty),
            Some(r) => Self::Returned(r),
        }
    }

    /// The registers of a command that ended without error or device fault.
    #[must_use]
    pub fn good(&self) -> Option<&ReturnRegisters> {
        match self {
            Self::Returned(r) if !r.has_error() => Some(r),
            Self::Returned(_) | Self::Missing(_) => None,
        }
    }
}

impl ReturnRegisters {
    /// STATUS has ERR (bit 0) or DF (bit 5).
    #[must_use]
    pub fn has_error(&self) -> bool {
        bit(self.status, 0) || bit(self.status, 5)
    }

    /// The drive aborted the command: STATUS ERR and ERROR ABRT (bit 2).
    #[must_use]
    pub fn is_aborted(&self) -> bool {
        bit(self.status, 0) && bit(self.error, 2)
    }

    /// COUNT 15:0, if both halves came back.
    #[must_use]
    pub fn count(&self) -> Option<u16> {
        self.count_high
            .map(|high| u16::from_be_bytes([high, self.count_low]))
    }

    /// LBA 47:0, if all of it came back.
    #[must_use]
    pub fn lba(&self) -> Option<u64> {
        self.lba_high
            .map(|high| u64::from(high) << 24 | u64::from(self.lba_low))
    }
}

/// LBA 23:0 from the three low registers.
fn lba24(high: u8, mid: u8, low: u8) -> u32 {
    u32::from_be_bytes([0, high, mid, low])
}

/// ATA Status Return descriptor: type 09h, additional length 0Ch.
fn from_descriptor(sense: &[u8]) -> Option<ReturnRegisters> {
    let d = descriptors(sense).find(|d| byte(d, 0) == Some(0x09))?;
    let extend = bit(byte(d, 2)?, 0);
    let [count_high, count_low] = be16(d, 4)?.to_be_bytes();
    let status = byte(d, 13)?;
    Some(ReturnRegisters {
        form: SenseForm::Descriptor,
        extend,
        error: byte(d, 3)?,
        count_low,
        count_high: extend.then_some(count_high),
        lba_low: lba24(byte(d, 11)?, byte(d, 9)?, byte(d, 7)?),
        lba_high: extend.then_some(lba24(byte(d, 10)?, byte(d, 8)?, byte(d, 6)?)),
        device: byte(d, 12)?,
        status,
    })
}

/// Fixed format: ERROR, STATUS, DEVICE, COUNT 7:0 in the INFORMATION bytes, LBA 23:0 in 9 to 11.
///
/// Bits 6 and 5 of byte 8 say only whether the lost halves are nonzero, and not every SATL sets
/// them, so the halves stay lost. Nothing marks the format as ATA's, so it is believed only with
/// ASC/ASCQ 00/1D or with an ATA error status.
fn from_fixed(sense: &[u8], parsed: &Sense) -> Option<ReturnRegisters> {
    let status = byte(sense, 4)?;
    let information_available =
        parsed.key <= 1 && parsed.asc == Some(0x00) && parsed.ascq == Some(0x1D);
    let ata_error = bit(status, 6) && bit(status, 0) && !bit(status, 7);
    if !information_available && !ata_error {
        return None;
    }
    Some(ReturnRegisters {
        form: SenseForm::Fixed,
        extend: bit(byte(sense, 8)?, 7),
        error: byte(sense, 3)?,
        count_low: byte(sense, 6)?,
        count_high: None,
        lba_low: lba24(byte(sense, 11)?, byte(sense, 10)?, byte(sense, 9)?),
        lba_high: None,
        device: byte(sense, 5)?,
        status,
    })
}

/// Answer to CHECK POWER MODE (ACS-4 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerMode {
    /// 00h or 01h: standby.
    Standby,
    /// 80h to 83h: idle.
    Idle,
    /// FFh: active or idle.
    Active,
    /// A value with another meaning, as it came.
    Other(u8),
    /// No answer that counts.
    Unknown,
}

impl PowerMode {
    /// Decodes COUNT 7:0, which survives in both sense formats.
    #[must_use]
    pub fn from_registers(registers: &RegisterReturn) -> Self {
        match registers.good().map(|r| r.count_low) {
            None => Self::Unknown,
            Some(0x00 | 0x01) => Self::Standby,
            Some(0x80..=0x83) => Self::Idle,
            Some(0xFF) => Self::Active,
            Some(other) => Self::Other(other),
        }
    }
}

/// Answer to READ NATIVE MAX ADDRESS (EXT) and GET NATIVE MAX ADDRESS EXT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NativeMax {
    /// The last native LBA: one less than the number of native sectors.
    LastLba(u64),
    /// The drive aborted the command: no such feature set, or frozen.
    Aborted,
    /// No answer that counts: unknown is not clean.
    Unknown,
}

impl NativeMax {
    /// Decodes the 48-bit commands (27h, 78h). An answer that lost LBA 47:24 is unknown, and so is
    /// last LBA 0: paths that zero the registers say that, no drive does.
    #[must_use]
    pub fn from_registers_48(registers: &RegisterReturn) -> Self {
        Self::decode(registers, ReturnRegisters::lba)
    }

    /// Decodes the 28-bit command (F8h), with LBA 27:24 in the DEVICE register.
    #[must_use]
    pub fn from_registers_28(registers: &RegisterReturn) -> Self {
        Self::decode(registers, |r| {
            Some(u64::from(r.device & 0x0F) << 24 | u64::from(r.lba_low))
        })
    }

    fn decode(registers: &RegisterReturn, lba: fn(&ReturnRegisters) -> Option<u64>) -> Self {
        match registers {
            RegisterReturn::Returned(r) if r.is_aborted() => Self::Aborted,
            RegisterReturn::Returned(r) if !r.has_error() => match lba(r) {
                Some(last) if last > 0 => Self::LastLba(last),
                Some(_) | None => Self::Unknown,
            },
            RegisterReturn::Returned(_) | RegisterReturn::Missing(_) => Self::Unknown,
        }
    }

    /// Number of native sectors: last LBA plus one.
    #[must_use]
    pub fn sectors(self) -> Option<u64> {
        match self {
            Self::LastLba(last) => last.checked_add(1),
            Self::Aborted | Self::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Descriptor-format sense 1/00/1D with the 14 bytes of descriptor 09h.
    fn descriptor_sense(d: [u8; 14]) -> Vec<u8> {
        let mut s = vec![0x72, 0x01, 0x00, 0x1D, 0, 0, 0, 14];
        s.extend(d);
        s
    }

    #[test]
    fn descriptor_registers_are_read_in_sat_order() {
        let s = descriptor_sense([
            0x09, 0x0C, 0x01, 0x04, 0x12, 0x34, 0xA3, 0xA0, 0xA4, 0xA1, 0xA5, 0xA2, 0x40, 0x50,
        ]);
        let RegisterReturn::Returned(r) = RegisterReturn::from_sense(&s) else {
            panic!("no registers");
        };
        assert_eq!(r.count(), Some(0x1234));
        assert_eq!(r.lba(), Some(0xA5A4_A3A2_A1A0));
        assert_eq!((r.error, r.device, r.status), (0x04, 0x40, 0x50));
        assert!(r.extend);
    }

    #[test]
    fn descriptor_registers_are_found_behind_another_descriptor() {
        let mut s = vec![0x72, 0x01, 0x00, 0x1D, 0, 0, 0, 26];
        s.extend([0x00, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        s.extend([0x09, 0x0C, 0, 0, 0, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0x50]);
        let answer = RegisterReturn::from_sense(&s);
        assert_eq!(PowerMode::from_registers(&answer), PowerMode::Active);
    }

    #[test]
    fn without_extend_the_high_halves_are_lost() {
        let s = descriptor_sense([
            0x09, 0x0C, 0x00, 0, 0x80, 0, 0xA3, 0xA0, 0xA4, 0xA1, 0xA5, 0xA2, 0x40, 0x50,
        ]);
        let answer = RegisterReturn::from_sense(&s);
        let r = answer.good().expect("registers");
        assert_eq!((r.count(), r.lba()), (None, None));
        assert_eq!(NativeMax::from_registers_48(&answer), NativeMax::Unknown);
    }

    #[test]
    fn fixed_format_loses_the_high_halves() {
        let s = [
            0x70, 0, 0x01, 0x00, 0x50, 0x40, 0x7F, 10, 0xC0, 0x4F, 0xC2, 0x00, 0x00, 0x1D, 0, 0, 0,
            0,
        ];
        let RegisterReturn::Returned(r) = RegisterReturn::from_sense(&s) else {
            panic!("no registers");
        };
        assert_eq!(r.form, SenseForm::Fixed);
        assert_eq!((r.count_low, r.count(), r.lba()), (0x7F, None, None));
        assert_eq!(r.lba_low, 0x00_C2_4F);
        assert!(r.extend);
    }

    #[test]
    fn fixed_refusal_by_the_bridge_is_no_register_return() {
        let s = [
            0x70, 0, 0x05, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20, 0x00, 0, 0, 0, 0,
        ];
        assert_eq!(
            RegisterReturn::from_sense(&s),
            RegisterReturn::Missing(Missing::NoRegisters)
        );
    }

    #[test]
    fn old_libata_offsets_are_not_taken_for_registers() {
        // Error at 8, status at 9: INFORMATION is zero, so STATUS reads 0.
        let s = [
            0x70, 0, 0x01, 0, 0, 0, 0, 10, 0x00, 0x50, 0x40, 0x00, 0x00, 0x1D, 0, 0, 0x80, 0x4F,
        ];
        assert_eq!(
            RegisterReturn::from_sense(&s),
            RegisterReturn::Missing(Missing::Empty)
        );
    }

    #[test]
    fn empty_sense_and_empty_descriptor_are_missing() {
        assert_eq!(
            RegisterReturn::from_sense(&[]),
            RegisterReturn::Missing(Missing::NoSense)
        );
        assert_eq!(
            RegisterReturn::from_sense(&[0; 18]),
            RegisterReturn::Missing(Missing::NoSense)
        );
        let mut d = [0; 14];
        d[0] = 0x09;
        d[1] = 0x0C;
        assert_eq!(
            RegisterReturn::from_sense(&descriptor_sense(d)),
            RegisterReturn::Missing(Missing::Empty)
        );
    }

    #[test]
    fn deferred_sense_tells_of_another_command() {
        let mut s = descriptor_sense([0x09, 0x0C, 0, 0, 0, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0x50]);
        s[0] = 0x73;
        assert_eq!(
            RegisterReturn::from_sense(&s),
            RegisterReturn::Missing(Missing::Deferred)
        );
    }

    #[test]
    fn truncated_descriptor_is_no_register_return() {
        let s = descriptor_sense([
            0x09, 0x0C, 1, 0, 0x80, 0, 0, 0xFF, 0, 0xFF, 0, 0, 0x40, 0x50,
        ]);
        assert_eq!(
            RegisterReturn::from_sense(&s[..20]),
            RegisterReturn::Missing(Missing::NoRegisters)
        );
    }

    #[test]
    fn native_max_is_last_lba_so_a_one_sector_hpa_shows() {
        // 500 118 192 sectors = 0x1DCF32B0; last LBA 0x1DCF32AF.
        let s = descriptor_sense([
            0x09, 0x0C, 0x01, 0, 0, 0, 0x1D, 0xAF, 0, 0x32, 0, 0xCF, 0x40, 0x50,
        ]);
        let native = NativeMax::from_registers_48(&RegisterReturn::from_sense(&s));
        assert_eq!(native, NativeMax::LastLba(500_118_191));
        assert_eq!(native.sectors(), Some(500_118_192));
    }

    #[test]
    fn native_max_28_takes_the_top_bits_from_device() {
        let s = descriptor_sense([
            0x09, 0x0C, 0, 0, 0, 0, 0, 0xFE, 0, 0xFF, 0, 0xFF, 0x4F, 0x50,
        ]);
        let answer = RegisterReturn::from_sense(&s);
        assert_eq!(
            NativeMax::from_registers_28(&answer),
            NativeMax::LastLba(0x0FFF_FFFE)
        );
    }

    #[test]
    fn native_max_abort_and_zero_are_not_numbers() {
        let aborted = descriptor_sense([0x09, 0x0C, 1, 0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x51]);
        let zero = descriptor_sense([0x09, 0x0C, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x50]);
        let read = |s: &[u8]| NativeMax::from_registers_48(&RegisterReturn::from_sense(s));
        assert_eq!(read(&aborted), NativeMax::Aborted);
        assert_eq!(read(&zero), NativeMax::Unknown);
    }

    #[test]
    fn power_modes_decode() {
        for (count, mode) in [
            (0x00, PowerMode::Standby),
            (0x80, PowerMode::Idle),
            (0xFF, PowerMode::Active),
            (0x40, PowerMode::Other(0x40)),
        ] {
            let s = descriptor_sense([0x09, 0x0C, 0, 0, 0, count, 0, 0, 0, 0, 0, 0, 0, 0x50]);
            assert_eq!(
                PowerMode::from_registers(&RegisterReturn::from_sense(&s)),
                mode
            );
        }
    }

    #[test]
    fn missing_registers_are_told_in_words() {
        for why in [
            Missing::NoSense,
            Missing::Deferred,
            Missing::NoRegisters,
            Missing::Empty,
        ] {
            let words = RegisterReturn::Missing(why).to_string();
            assert!(!words.contains(&format!("{why:?}")), "{words}");
            assert!(words.contains(' '), "{words}");
        }
    }
}
