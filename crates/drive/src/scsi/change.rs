//! SCSI commands that change a drive.
//!
//! Encoders only: nothing here sends one, and none is right without a claim. A drive behind a SATL
//! is sanitized by ATA commands (`crate::ata::change`), whose status can be read back; SCSI keeps
//! none that says "succeeded". SBC-4 clause 5, SPC-5 clause 6.

use crate::sanitize::{AfterFailure, Overwrite, WritePointers};

/// IMMED: when a long command answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Bit 0: at its end, hours later. A host that gives it up resets the drive.
    WhenDone,
    /// Bit 1: at once; REQUEST SENSE then tells the progress ([`super::progress`]).
    Immediately,
}

/// SANITIZE (48h/02h), BLOCK ERASE.
#[must_use]
pub fn sanitize_block_erase(
    answer: Answer,
    after_failure: AfterFailure,
    zones: WritePointers,
) -> [u8; 10] {
    sanitize(0x02 | options(answer, after_failure, zones), 0)
}

/// SANITIZE (48h/03h), CRYPTOGRAPHIC ERASE.
#[must_use]
pub fn sanitize_cryptographic_erase(
    answer: Answer,
    after_failure: AfterFailure,
    zones: WritePointers,
) -> [u8; 10] {
    sanitize(0x03 | options(answer, after_failure, zones), 0)
}

/// SANITIZE (48h/01h), OVERWRITE, with [`overwrite_parameters`] as its data.
#[must_use]
pub fn sanitize_overwrite(
    answer: Answer,
    after_failure: AfterFailure,
    zones: WritePointers,
) -> [u8; 10] {
    sanitize(0x01 | options(answer, after_failure, zones), 8)
}

/// The parameter list of [`sanitize_overwrite`]. The last pass writes the pattern itself, also when
/// passes invert. A pattern of four bytes is the only length that a SATL takes.
#[must_use]
pub fn overwrite_parameters(overwrite: Overwrite) -> [u8; 8] {
    let invert = u8::from(overwrite.invert_between_passes) << 7;
    let [a, b, c, d] = overwrite.pattern.to_be_bytes();
    [invert | overwrite.passes.get(), 0, 0, 4, a, b, c, d]
}

/// SANITIZE (48h/1Fh), EXIT FAILURE MODE: a drive that failed an *unrestricted* sanitize leaves the
/// failure mode, and lets old data be read.
#[must_use]
pub fn sanitize_exit_failure_mode() -> [u8; 10] {
    sanitize(0x1F, 0)
}

/// Byte 1: IMMED b7, ZNR b6, AUSE b5.
fn options(answer: Answer, after_failure: AfterFailure, zones: WritePointers) -> u8 {
    let ause = match after_failure {
        AfterFailure::Restricted => 0,
        AfterFailure::Unrestricted => 1 << 5,
    };
    let znr = match zones {
        WritePointers::Reset => 0,
        WritePointers::Keep => 1 << 6,
    };
    let immed = match answer {
        Answer::WhenDone => 0,
        Answer::Immediately => 1 << 7,
    };
    immed | znr | ause
}

fn sanitize(byte_1: u8, parameter_bytes: u16) -> [u8; 10] {
    let [high, low] = parameter_bytes.to_be_bytes();
    [0x48, byte_1, 0, 0, 0, 0, 0, high, low, 0]
}

/// FORMAT UNIT (04h) and its parameter list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormatUnit {
    /// The command block.
    pub command: [u8; 6],
    /// The short parameter list header; no defect list and no initialization pattern.
    pub parameters: [u8; 4],
}

/// FORMAT UNIT that gives the medium this protection type (1 to 3), or none, and the block length that
/// MODE SELECT named last. Not a fast format, which may leave data. An interrupted one leaves data as well.
///
/// `None` for a type that no revision defines: a format without its protection changes the drive's
/// block size.
#[must_use]
pub fn format_unit(protection_type: Option<u8>, answer: Answer) -> Option<FormatUnit> {
    // FMTPINFO of the command and PROTECTION FIELD USAGE of the header, SBC-4 table 41.
    let (fmtpinfo, usage) = match protection_type {
        None => (0b00, 0),
        Some(1) => (0b10, 0),
        Some(2) => (0b11, 0),
        Some(3) => (0b11, 1),
        Some(_) => return None,
    };
    let immed = match answer {
        Answer::WhenDone => 0,
        Answer::Immediately => 1 << 1,
    };
    Some(FormatUnit {
        // FMTDATA b4: a parameter list follows. CMPLST 0: the grown defects stay listed.
        command: [0x04, fmtpinfo << 6 | 1 << 4, 0, 0, 0, 0],
        parameters: [usage, immed, 0, 0],
    })
}

/// SP: whether MODE SELECT changes what survives a power cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModePages {
    /// Bit 0: what is in force, until the next power cycle.
    Current = 0,
    /// Bit 1: what is saved, too.
    Saved = 1,
}

/// MODE SELECT(10) (55h) with PF, for the lists of [`super::mode`].
#[must_use]
pub fn mode_select_10(pages: ModePages, parameter_bytes: u16) -> [u8; 10] {
    let [high, low] = parameter_bytes.to_be_bytes();
    [0x55, 0x10 | pages as u8, 0, 0, 0, 0, 0, high, low, 0]
}

/// SECURITY PROTOCOL OUT (B5h), length in bytes (INC_512 = 0).
#[must_use]
pub fn security_protocol_out(protocol: u8, specific: u16, parameter_bytes: u32) -> [u8; 12] {
    let [specific_high, specific_low] = specific.to_be_bytes();
    let [a, b, c, d] = parameter_bytes.to_be_bytes();
    [
        0xB5,
        protocol,
        specific_high,
        specific_low,
        0,
        0,
        a,
        b,
        c,
        d,
        0,
        0,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitize::Passes;

    // Golden vectors, written from SBC-4 and SPC-5 by hand.

    const NOW: Answer = Answer::Immediately;
    const RESTRICTED: AfterFailure = AfterFailure::Restricted;
    const RESET: WritePointers = WritePointers::Reset;

    #[test]
    fn sanitize_commands_are_the_golden_vectors() {
        assert_eq!(
            sanitize_block_erase(NOW, RESTRICTED, RESET),
            [0x48, 0x82, 0, 0, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(
            sanitize_cryptographic_erase(NOW, RESTRICTED, RESET),
            [0x48, 0x83, 0, 0, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(
            sanitize_overwrite(NOW, RESTRICTED, RESET),
            [0x48, 0x81, 0, 0, 0, 0, 0, 0, 8, 0]
        );
        assert_eq!(
            sanitize_exit_failure_mode(),
            [0x48, 0x1F, 0, 0, 0, 0, 0, 0, 0, 0]
        );
    }

    #[test]
    fn each_option_has_its_own_bit() {
        let keep = WritePointers::Keep;
        for (command, action) in [
            (
                sanitize_block_erase as fn(Answer, AfterFailure, WritePointers) -> [u8; 10],
                0x02,
            ),
            (sanitize_cryptographic_erase, 0x03),
            (sanitize_overwrite, 0x01),
        ] {
            let byte_1 = |answer, failure, zones| command(answer, failure, zones)[1];
            let wait = Answer::WhenDone;
            assert_eq!(byte_1(wait, RESTRICTED, RESET), action);
            assert_eq!(
                byte_1(wait, AfterFailure::Unrestricted, RESET),
                0x20 | action
            );
            assert_eq!(byte_1(wait, RESTRICTED, keep), 0x40 | action);
            assert_eq!(byte_1(NOW, RESTRICTED, RESET), 0x80 | action);
        }
    }

    #[test]
    fn overwrite_lists_are_the_golden_vectors() {
        let overwrite = |pattern, passes, invert_between_passes| {
            overwrite_parameters(Overwrite {
                pattern,
                passes: Passes::new(passes).expect("passes"),
                invert_between_passes,
            })
        };
        assert_eq!(overwrite(0, 1, false), [0x01, 0, 0, 4, 0, 0, 0, 0]);
        // 16 is 16 here, where 0 is reserved.
        assert_eq!(
            overwrite(0x1122_3344, 16, true),
            [0x90, 0, 0, 4, 0x11, 0x22, 0x33, 0x44]
        );
    }

    #[test]
    fn format_keeps_the_protection_type() {
        let format = |kind, answer| format_unit(kind, answer).expect("format");
        let plain = format(None, Answer::WhenDone);
        assert_eq!(plain.command, [0x04, 0x10, 0, 0, 0, 0]);
        assert_eq!(plain.parameters, [0, 0x00, 0, 0]);
        assert_eq!(format(None, NOW).parameters, [0, 0x02, 0, 0]);
        let protected = |kind| {
            let f = format(Some(kind), NOW);
            (f.command[1], f.parameters[0])
        };
        assert_eq!(protected(1), (0x90, 0));
        assert_eq!(protected(2), (0xD0, 0));
        assert_eq!(protected(3), (0xD0, 1));
        assert_eq!(format_unit(Some(4), NOW), None);
    }

    #[test]
    fn mode_select_and_security_protocol_out_are_the_golden_vectors() {
        assert_eq!(
            mode_select_10(ModePages::Current, 20),
            [0x55, 0x10, 0, 0, 0, 0, 0, 0, 20, 0]
        );
        assert_eq!(mode_select_10(ModePages::Saved, 20)[1], 0x11);
        assert_eq!(
            security_protocol_out(0x01, 0x07FE, 2048),
            [0xB5, 0x01, 0x07, 0xFE, 0, 0, 0, 0, 0x08, 0, 0, 0]
        );
    }
}
