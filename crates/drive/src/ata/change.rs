//! ATA commands that change a drive, wrapped in SAT ATA PASS-THROUGH(16).
//!
//! Encoders only: nothing here sends one, and none is right without a claim. Here are the sanitize
//! device feature set (ACS-4 7.36) and SMART self-tests; `capacity` and `security` have the rest.

pub mod capacity;
pub mod security;

use super::command::SMART_SIGNATURE;
use super::pass_through::{Cdb, PLAIN, PLAIN_EXT, Registers};
use crate::sanitize::{AfterFailure, Overwrite, WritePointers};

/// Keys in LBA 31:0 without which a sanitize subcommand is aborted.
mod key {
    /// "Cryp".
    pub const CRYPTO_SCRAMBLE: u64 = 0x4372_7970;
    /// "BkEr".
    pub const BLOCK_ERASE: u64 = 0x426B_4572;
    /// "OW", in LBA 47:32.
    pub const OVERWRITE: u64 = 0x4F57;
    /// "FrLk".
    pub const FREEZE_LOCK: u64 = 0x4672_4C6B;
    /// "Anti".
    pub const ANTIFREEZE_LOCK: u64 = 0x416E_7469;
}

/// COUNT b6, DEFINITIVE ENDING PATTERN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastPass {
    /// Bit 0: of passes that invert, the last writes the pattern or its complement, as the drive
    /// likes. A read-back has no one pattern to expect.
    DeviceDefined,
    /// Bit 1: the pattern itself.
    Pattern,
}

/// CRYPTO SCRAMBLE EXT (B4h/0011h): the keys are replaced; what is read afterwards is indeterminate.
#[must_use]
pub fn sanitize_crypto_scramble_ext(after_failure: AfterFailure, zones: WritePointers) -> Cdb {
    sanitize(0x0011, key::CRYPTO_SCRAMBLE, options(after_failure, zones))
}

/// BLOCK ERASE EXT (B4h/0012h): all flash blocks are erased; what is read afterwards is
/// indeterminate.
#[must_use]
pub fn sanitize_block_erase_ext(after_failure: AfterFailure, zones: WritePointers) -> Cdb {
    sanitize(0x0012, key::BLOCK_ERASE, options(after_failure, zones))
}

/// OVERWRITE EXT (B4h/0014h): the drive writes the pattern over all of its medium.
///
/// The most significant byte of the pattern is in LBA 31:24. 16 passes are 0 on the wire: a path
/// that zeroes COUNT makes 16 passes of one.
#[must_use]
pub fn sanitize_overwrite_ext(
    overwrite: Overwrite,
    last_pass: LastPass,
    after_failure: AfterFailure,
    zones: WritePointers,
) -> Cdb {
    let count = options(after_failure, zones)
        | u16::from(overwrite.passes.nibble())
        | match last_pass {
            LastPass::DeviceDefined => 0,
            LastPass::Pattern => 1 << 6,
        }
        | u16::from(overwrite.invert_between_passes) << 7;
    let lba = key::OVERWRITE << 32 | u64::from(overwrite.pattern);
    sanitize(0x0014, lba, count)
}

/// SANITIZE FREEZE LOCK EXT (B4h/0020h): sanitize commands are aborted until the next power cycle.
#[must_use]
pub fn sanitize_freeze_lock_ext() -> Cdb {
    sanitize(0x0020, key::FREEZE_LOCK, 0)
}

/// SANITIZE ANTIFREEZE LOCK EXT (B4h/0040h): nobody can freeze until the next power cycle.
#[must_use]
pub fn sanitize_antifreeze_lock_ext() -> Cdb {
    sanitize(0x0040, key::ANTIFREEZE_LOCK, 0)
}

/// SANITIZE STATUS EXT (B4h/0000h) with CLEAR SANITIZE OPERATION FAILED: it asks, and a drive that
/// failed an *unrestricted* sanitize leaves the failure mode and lets old data be read.
#[must_use]
pub fn sanitize_status_ext_clear_failure() -> Cdb {
    sanitize(0x0000, 0, 1)
}

/// COUNT b4 FAILURE MODE and b15 ZONED NO RESET.
fn options(after_failure: AfterFailure, zones: WritePointers) -> u16 {
    let failure_mode = match after_failure {
        AfterFailure::Restricted => 0,
        AfterFailure::Unrestricted => 1 << 4,
    };
    let zoned_no_reset = match zones {
        WritePointers::Reset => 0,
        WritePointers::Keep => 1 << 15,
    };
    failure_mode | zoned_no_reset
}

fn sanitize(feature: u16, lba: u64, count: u16) -> Cdb {
    Registers {
        feature,
        count,
        lba,
        command: 0xB4,
        ..PLAIN_EXT
    }
    .cdb()
}

/// What SMART EXECUTE OFF-LINE IMMEDIATE begins, LBA 7:0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfTest {
    /// 01h: short, some minutes.
    Short = 0x01,
    /// 02h: extended, the whole medium.
    Extended = 0x02,
    /// 03h: conveyance, damage of transport.
    Conveyance = 0x03,
    /// 7Fh: end the one that runs.
    Abort = 0x7F,
}

/// SMART EXECUTE OFF-LINE IMMEDIATE (B0h/D4h), in the background: SMART READ DATA tells the progress.
#[must_use]
pub fn smart_execute_off_line_immediate(test: SelfTest) -> Cdb {
    Registers {
        feature: 0xD4,
        lba: SMART_SIGNATURE | test as u64,
        command: 0xB0,
        ..PLAIN
    }
    .cdb()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitize::Passes;

    // Golden vectors, written from SAT-4 and ACS-4 by hand.

    const RESTRICTED: AfterFailure = AfterFailure::Restricted;
    const RESET: WritePointers = WritePointers::Reset;

    pub(super) fn vector(text: &str) -> Vec<u8> {
        hex::decode(text.replace(' ', "")).expect("a vector in hexadecimal")
    }

    #[test]
    fn sanitize_commands_are_the_golden_vectors() {
        assert_eq!(
            sanitize_crypto_scramble_ext(RESTRICTED, RESET).to_vec(),
            vector("85 07 20 00 11 00 00 43 70 00 79 00 72 40 B4 00")
        );
        assert_eq!(
            sanitize_block_erase_ext(RESTRICTED, RESET).to_vec(),
            vector("85 07 20 00 12 00 00 42 72 00 45 00 6B 40 B4 00")
        );
        assert_eq!(
            sanitize_freeze_lock_ext().to_vec(),
            vector("85 07 20 00 20 00 00 46 6B 00 4C 00 72 40 B4 00")
        );
        assert_eq!(
            sanitize_antifreeze_lock_ext().to_vec(),
            vector("85 07 20 00 40 00 00 41 69 00 74 00 6E 40 B4 00")
        );
        assert_eq!(
            sanitize_status_ext_clear_failure().to_vec(),
            vector("85 07 20 00 00 00 01 00 00 00 00 00 00 40 B4 00")
        );
    }

    #[test]
    fn sanitize_overwrite_is_the_golden_vector() {
        let overwrite = Overwrite {
            pattern: 0xA5A5_A5A5,
            passes: Passes::ONE,
            invert_between_passes: false,
        };
        assert_eq!(
            sanitize_overwrite_ext(overwrite, LastPass::Pattern, RESTRICTED, RESET).to_vec(),
            vector("85 07 20 00 14 00 41 A5 A5 57 A5 4F A5 40 B4 00")
        );
    }

    #[test]
    fn each_part_of_an_overwrite_has_its_own_place() {
        let overwrite = Overwrite {
            pattern: 0x1122_3344,
            passes: Passes::new(16).expect("passes"),
            invert_between_passes: true,
        };
        // Pattern 31:24 in byte 7, 7:0 in 8, 15:8 in 10, 23:16 in 12; "O" in 11, "W" in 9.
        assert_eq!(
            sanitize_overwrite_ext(overwrite, LastPass::DeviceDefined, RESTRICTED, RESET).to_vec(),
            vector("85 07 20 00 14 00 80 11 44 57 33 4F 22 40 B4 00")
        );
    }

    #[test]
    fn failure_mode_and_zoned_no_reset_are_bits_4_and_15_of_count() {
        let count = |cdb: Cdb| u16::from_be_bytes([cdb[5], cdb[6]]);
        let (free, keep) = (AfterFailure::Unrestricted, WritePointers::Keep);
        let overwrite = Overwrite {
            pattern: 0,
            passes: Passes::ONE,
            invert_between_passes: false,
        };
        for command in [sanitize_crypto_scramble_ext, sanitize_block_erase_ext] {
            assert_eq!(count(command(RESTRICTED, RESET)), 0x0000);
            assert_eq!(count(command(free, RESET)), 0x0010);
            assert_eq!(count(command(RESTRICTED, keep)), 0x8000);
        }
        assert_eq!(
            count(sanitize_overwrite_ext(
                overwrite,
                LastPass::DeviceDefined,
                RESTRICTED,
                RESET
            )),
            0x0001
        );
        assert_eq!(
            count(sanitize_overwrite_ext(
                overwrite,
                LastPass::DeviceDefined,
                free,
                keep
            )),
            0x8011
        );
    }

    #[test]
    fn self_tests_are_the_golden_vectors() {
        for (test, text) in [
            (
                SelfTest::Short,
                "85 06 20 00 D4 00 00 00 01 00 4F 00 C2 00 B0 00",
            ),
            (
                SelfTest::Extended,
                "85 06 20 00 D4 00 00 00 02 00 4F 00 C2 00 B0 00",
            ),
            (
                SelfTest::Conveyance,
                "85 06 20 00 D4 00 00 00 03 00 4F 00 C2 00 B0 00",
            ),
            (
                SelfTest::Abort,
                "85 06 20 00 D4 00 00 00 7F 00 4F 00 C2 00 B0 00",
            ),
        ] {
            assert_eq!(
                smart_execute_off_line_immediate(test).to_vec(),
                vector(text)
            );
        }
    }
}
