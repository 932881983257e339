//! What the plan says of the ways in which a drive can erase itself.

use super::{DISK, facts, formatting, purge, sanitizing, says, securing};
use crate::plan::{Level, Plan, Wanted, Wishes};
use drive::facts::{DriveFacts, Medium, Sanitize, SanitizeCommands, Transport};

/// The reason that begins like this.
fn line<'a>(plan: &'a Plan, begins: &str) -> &'a str {
    let found = plan.reasons.iter().find(|line| line.starts_with(begins));
    found.unwrap_or_else(|| panic!("{begins}: {plan:?}"))
}

/// After a sanitize that failed the drive takes another one, and nothing else.
#[test]
fn reasons_tell_what_is_first_and_what_must_become_of_it_for_the_next() {
    let plan = purge(&formatting([true; 3]));
    line(&plan, "first, block erase");
    let (refused, failed) = ("should the drive refuse that, ", " or fail in it, ");
    let second = line(&plan, "should the drive refuse that or fail in it, ");
    assert!(second.contains("cryptographic erase"), "{second}");
    assert!(line(&plan, refused).starts_with("should the drive refuse that, Format NVM"));
    assert_eq!(
        plan.reasons.iter().filter(|l| l.contains(failed)).count(),
        1
    );
}

#[test]
fn reasons_speak_only_of_commands_of_the_drives_own_command_set() {
    for transport in [Transport::Ata, Transport::Scsi] {
        let flash = DriveFacts {
            transport,
            ..sanitizing(Medium::SolidState, [true; 3])
        };
        assert!(!says(&purge(&flash).reasons, "NVM"), "{transport:?}");
    }
    let nvme = DriveFacts {
        transport: Transport::Nvme,
        ..sanitizing(Medium::SolidState, [true; 3])
    };
    assert!(says(&purge(&nvme).reasons, "Format NVM is left out"));

    for (transport, expected) in [(Transport::Scsi, false), (Transport::Ata, true)] {
        let disk = DriveFacts {
            transport,
            ..sanitizing(DISK, [false; 3])
        };
        let plan = purge(&disk);
        assert_eq!(says(&plan.reasons, "SECURITY ERASE UNIT"), expected);
    }
}

/// What a block erase reaches is not the same on a card.
#[test]
fn block_erase_says_what_it_reaches_of_this_kind_of_drive() {
    let ssd = purge(&sanitizing(Medium::SolidState, [true, false, false]));
    assert!(line(&ssd, "first, ").contains("reaches spare and replaced cells"));
    let emmc = DriveFacts {
        sanitize: Ok(Sanitize {
            block_erase: true,
            crypto_erase: false,
            overwrite: false,
            commands: SanitizeCommands::Ata,
        }),
        ..facts(Transport::Mmc, Medium::SolidState, false)
    };
    assert!(line(&purge(&emmc), "first, ").contains("from no boot area"));
}

/// Of a disk that overwrites itself, nobody asks why it does not erase itself otherwise.
#[test]
fn nothing_is_said_of_what_is_left_out_where_the_best_is_there() {
    let best = securing(|security| security.frozen = Some(true));
    let best = DriveFacts {
        sanitize: sanitizing(DISK, [false, false, true]).sanitize,
        ..best
    };
    assert!(!says(&purge(&best).reasons, "left out"));
}

/// The operator said that no password may be set: a power cut would leave it on the drive.
#[test]
fn disk_gets_no_erase_that_needs_a_password_where_none_may_be_set() {
    let wishes = Wishes {
        level: Wanted::Purge,
        passwords: false,
        ..Wishes::default()
    };
    let plan = crate::plan::plan(&securing(|_| {}), &wishes);
    assert_eq!((plan.ladder.len(), plan.level), (0, Level::Clear));
    assert!(says(&plan.reasons, "no password is set on the drive"));
}
