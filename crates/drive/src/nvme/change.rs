//! Admin commands that change a drive: Sanitize (84h), Format NVM (80h), Device Self-test (14h).
//!
//! Encoders only: nothing here sends one, and none is right without a claim. Sanitize reaches the
//! whole NVM subsystem, namespaces that are not attached among them; Format NVM one namespace or,
//! as FNA says, all. Base specification 2.0, 5.14 and 5.24; EMVS and PREQ are of later revisions.

use super::identify::Namespace;
use crate::sanitize::{AfterFailure, Overwrite};
use sys::nvme::AdminCommand;

/// A sanitize operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sanitize {
    /// SANACT, and with it OWPASS, OIPBP and CDW11 of an overwrite.
    pub action: SanitizeAction,
    /// AUSE.
    pub after_failure: AfterFailure,
    /// NDAS: nothing is deallocated afterwards, so that a read-back reads the medium. Refused by
    /// controllers that inhibit it.
    pub no_deallocate_after: bool,
    /// EMVS: the controller stops in the media verification state before it deallocates.
    pub enter_media_verification: bool,
    /// PREQ: purge as IEEE 2883 names it, or fail.
    pub purge_required: bool,
}

/// How a sanitize operation erases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SanitizeAction {
    /// 2: all blocks of the medium are erased.
    BlockErase,
    /// 3: the medium is overwritten.
    Overwrite(Overwrite),
    /// 4: the keys are replaced.
    CryptoErase,
}

impl Sanitize {
    /// Command dword 10, which the Sanitize Status log repeats as SCDW10.
    #[must_use]
    pub fn dword_10(&self) -> u32 {
        let action = match self.action {
            SanitizeAction::BlockErase => 2,
            SanitizeAction::Overwrite(overwrite) => {
                3 | u32::from(overwrite.passes.nibble()) << 4
                    | u32::from(overwrite.invert_between_passes) << 8
            }
            SanitizeAction::CryptoErase => 4,
        };
        let unrestricted = match self.after_failure {
            AfterFailure::Restricted => 0,
            AfterFailure::Unrestricted => 1 << 3,
        };
        action
            | unrestricted
            | u32::from(self.no_deallocate_after) << 9
            | u32::from(self.enter_media_verification) << 10
            | u32::from(self.purge_required) << 11
    }

    /// Sanitize (84h).
    #[must_use]
    pub fn command(&self) -> AdminCommand {
        AdminCommand {
            cdw11: match self.action {
                SanitizeAction::Overwrite(overwrite) => overwrite.pattern,
                SanitizeAction::BlockErase | SanitizeAction::CryptoErase => 0,
            },
            ..sanitize(self.dword_10())
        }
    }
}

/// Sanitize (84h) with SANACT 1: a controller that failed an *unrestricted* sanitize leaves the
/// failure mode, and lets old data be read.
#[must_use]
pub fn sanitize_exit_failure_mode() -> AdminCommand {
    sanitize(1)
}

/// Sanitize (84h) with SANACT 5: the verification is over, the controller deallocates.
#[must_use]
pub fn sanitize_exit_media_verification() -> AdminCommand {
    sanitize(5)
}

fn sanitize(cdw10: u32) -> AdminCommand {
    AdminCommand {
        opcode: 0x84,
        cdw10,
        ..AdminCommand::default()
    }
}

/// Format NVM's SES. There is no value for "none": a format without it erases nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecureErase {
    /// 1: user data; the controller may do it cryptographically.
    UserData = 1,
    /// 2: the keys are replaced.
    Cryptographic = 2,
}

/// Format NVM (80h) of one namespace or, with [`super::command::NSID_ALL`], of all.
///
/// The namespace keeps its LBA format and its protection information. `None` when it named no valid
/// format: a guessed one would change block size or metadata.
#[must_use]
pub fn format_nvm(nsid: u32, kept: &Namespace, erase: SecureErase) -> Option<AdminCommand> {
    let format = kept.format?;
    let index = u32::from(format.index);
    Some(AdminCommand {
        opcode: 0x80,
        nsid,
        cdw10: index & 0xF
            | u32::from(format.extended_metadata) << 4
            | u32::from(kept.protection_type.unwrap_or(0)) << 5
            | u32::from(kept.protection_first) << 8
            | (erase as u32) << 9
            | (index >> 4 & 0b11) << 12,
        ..AdminCommand::default()
    })
}

/// Device Self-test's STC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfTest {
    /// 1h: two minutes at most.
    Short = 0x1,
    /// 2h: as long as EDSTT says.
    Extended = 0x2,
    /// Fh: end the one that runs.
    Abort = 0xF,
}

/// Device Self-test (14h), in the background: of the controller alone (NSID 0), of a namespace, or of
/// all ([`super::command::NSID_ALL`]).
#[must_use]
pub fn device_self_test(nsid: u32, test: SelfTest) -> AdminCommand {
    AdminCommand {
        opcode: 0x14,
        nsid,
        cdw10: test as u32,
        ..AdminCommand::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::command::NSID_ALL;
    use super::*;
    use crate::sanitize::Passes;

    // Golden vectors, written from the specification by hand.

    const BLOCK: Sanitize = Sanitize {
        action: SanitizeAction::BlockErase,
        after_failure: AfterFailure::Restricted,
        no_deallocate_after: false,
        enter_media_verification: false,
        purge_required: false,
    };

    fn overwrite(passes: u8, invert_between_passes: bool) -> Sanitize {
        Sanitize {
            action: SanitizeAction::Overwrite(Overwrite {
                pattern: 0x1122_3344,
                passes: Passes::new(passes).expect("passes"),
                invert_between_passes,
            }),
            ..BLOCK
        }
    }

    fn words(c: AdminCommand) -> (u8, u32, u32, u32) {
        (c.opcode, c.nsid, c.cdw10, c.cdw11)
    }

    #[test]
    fn sanitize_commands_are_the_golden_vectors() {
        assert_eq!(words(BLOCK.command()), (0x84, 0, 0x002, 0));
        let crypto = Sanitize {
            action: SanitizeAction::CryptoErase,
            purge_required: true,
            ..BLOCK
        };
        assert_eq!(words(crypto.command()), (0x84, 0, 0x804, 0));
        assert_eq!(
            words(overwrite(1, false).command()),
            (0x84, 0, 0x013, 0x1122_3344)
        );
        assert_eq!(words(sanitize_exit_failure_mode()), (0x84, 0, 1, 0));
        assert_eq!(words(sanitize_exit_media_verification()), (0x84, 0, 5, 0));
    }

    #[test]
    fn each_part_of_a_sanitize_has_its_own_bit() {
        let unrestricted = Sanitize {
            after_failure: AfterFailure::Unrestricted,
            ..BLOCK
        };
        assert_eq!(unrestricted.dword_10(), 0x00A);
        let kept = Sanitize {
            no_deallocate_after: true,
            ..BLOCK
        };
        assert_eq!(kept.dword_10(), 0x202);
        let verified = Sanitize {
            enter_media_verification: true,
            ..BLOCK
        };
        assert_eq!(verified.dword_10(), 0x402);
        assert_eq!(overwrite(16, false).dword_10(), 0x003);
        assert_eq!(overwrite(3, true).dword_10(), 0x133);
    }

    fn namespace(flbas: u8, protection: u8) -> Namespace {
        let mut d = vec![0u8; 4096];
        d[0] = 8;
        d[25] = 63;
        d[26] = flbas;
        d[29] = protection;
        for format in d[128..384].chunks_exact_mut(4) {
            format.copy_from_slice(&[8, 0, 12, 0]);
        }
        Namespace::parse(&d)
    }

    #[test]
    fn format_keeps_what_the_namespace_is_formatted_with() {
        let format = |flbas, protection, erase| {
            words(format_nvm(3, &namespace(flbas, protection), erase).expect("format"))
        };
        let user_data = SecureErase::UserData;
        assert_eq!(format(0x00, 0, user_data), (0x80, 3, 0x0200, 0));
        assert_eq!(
            format(0x00, 0, SecureErase::Cryptographic),
            (0x80, 3, 0x0400, 0)
        );
        // LBA format 5 in the low field; metadata at the end of each block.
        assert_eq!(format(0x15, 0, user_data), (0x80, 3, 0x0215, 0));
        // LBA format 2Dh: Dh in the low, 2 in the upper field.
        assert_eq!(format(0x4D, 0, user_data), (0x80, 3, 0x220D, 0));
        // Protection type 2, in the last and in the first bytes.
        assert_eq!(format(0x00, 0b0010, user_data), (0x80, 3, 0x0240, 0));
        assert_eq!(format(0x00, 0b1010, user_data), (0x80, 3, 0x0340, 0));
    }

    #[test]
    fn namespace_without_a_valid_format_is_not_formatted() {
        let unknown = Namespace::parse(&[0; 4096]);
        assert_eq!(format_nvm(NSID_ALL, &unknown, SecureErase::UserData), None);
    }

    #[test]
    fn self_tests_are_the_golden_vectors() {
        assert_eq!(
            words(device_self_test(NSID_ALL, SelfTest::Short)),
            (0x14, 0xFFFF_FFFF, 0x1, 0)
        );
        assert_eq!(words(device_self_test(0, SelfTest::Extended)).2, 0x2);
        assert_eq!(words(device_self_test(0, SelfTest::Abort)).2, 0xF);
    }
}
