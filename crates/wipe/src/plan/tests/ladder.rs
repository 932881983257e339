//! What the plan says of the ways in which a drive can erase itself.

use super::{DISK, facts, purge, sanitizing, says, techniques};
use crate::native::Technique;
use crate::plan::{Level, Plan, Wanted, Wishes, plan};
use drive::ata::identify::EraseTime;
use drive::facts::{
    DriveFacts, Medium, NvmeFormat, Sanitize, SanitizeCommands, Security, Transport, Zoned,
};

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
    assert!(line(&purge(&emmc), "first, ").contains("each boot area is read"));
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
    let plan = plan(&securing(|_| {}), &wishes);
    assert_eq!((plan.ladder.len(), plan.level), (0, Level::Clear));
    assert!(says(&plan.reasons, "no password is set on the drive"));
}

/// An NVMe drive whose namespace can be formatted.
fn formatting(commands: [bool; 3]) -> DriveFacts {
    DriveFacts {
        transport: Transport::Nvme,
        format: Ok(NvmeFormat { nsid: 1 }),
        ..sanitizing(Medium::SolidState, commands)
    }
}

#[test]
fn next_rung_is_what_reaches_less_and_a_format_is_never_a_purge() {
    let [block, crypto, format] = [
        Technique::BlockErase,
        Technique::CryptoErase,
        Technique::Format,
    ];
    let rungs = |facts: &DriveFacts| -> Vec<(Technique, bool)> {
        let plan = purge(facts);
        plan.ladder
            .iter()
            .map(|rung| (rung.technique, rung.is_purge))
            .collect()
    };
    let all = [(block, true), (crypto, false), (format, false)];
    assert_eq!(rungs(&formatting([true; 3])), all);
    let none = DriveFacts {
        sanitize: Err("it has none".into()),
        ..formatting([false; 3])
    };
    assert_eq!(rungs(&none), [(format, false)]);
    assert_eq!(purge(&none).level, Level::Clear);
    let others = DriveFacts {
        format: Err("it would erase other namespaces".into()),
        ..formatting([true; 3])
    };
    assert_eq!(rungs(&others), all[..2]);
    let reasons = purge(&others).reasons;
    assert!(says(&reasons, "erase other namespaces"), "{reasons:?}");
    // A disk that has both falls back on its security commands.
    let both = DriveFacts {
        sanitize: sanitizing(DISK, [false, false, true]).sanitize,
        ..securing(|_| {})
    };
    let expected = [
        (Technique::Overwrite, true),
        (Technique::EnhancedErase, true),
    ];
    assert_eq!(rungs(&both), expected);
}

/// A disk without a sanitize command whose security is at rest.
fn securing(change: impl FnOnce(&mut Security)) -> DriveFacts {
    let mut security = Security {
        supported: Some(true),
        enabled: Some(false),
        locked: Some(false),
        frozen: Some(false),
        enhanced_erase: Some(EraseTime::Minutes(94)),
    };
    change(&mut security);
    DriveFacts {
        security,
        sanitize: Err("a test".into()),
        ..sanitizing(DISK, [false; 3])
    }
}

#[test]
fn disk_without_sanitize_is_purged_by_its_enhanced_security_erase_where_that_is_safe() {
    let plan = purge(&securing(|_| {}));
    assert_eq!(
        (techniques(&plan), plan.level),
        (vec![Technique::EnhancedErase], Level::Purge)
    );
    for said in ["about 94 minutes", "must not lose its power", "raz unlock"] {
        assert!(says(&plan.reasons, said), "{said}: {plan:?}");
    }
    let usb = DriveFacts {
        transport: Transport::Usb,
        ..securing(|_| {})
    };
    let flash = DriveFacts {
        medium: Medium::SolidState,
        ..securing(|_| {})
    };
    let hybrid = DriveFacts {
        flash_cache: true,
        ..securing(|_| {})
    };
    let cached = DriveFacts {
        zoned: Zoned::HostAware,
        ..securing(|_| {})
    };
    let behind_sas = DriveFacts {
        transport: Transport::Scsi,
        vendor: Some("ATA".into()),
        ..securing(|_| {})
    };
    assert_eq!(purge(&behind_sas).level, Level::Purge);
    for (facts, reason) in [
        (hybrid, "not known to reach the drive's flash"),
        (cached, "cache zones"),
        (securing(|s| s.frozen = Some(true)), "frozen"),
        (securing(|s| s.frozen = None), "password"),
        (securing(|s| s.enabled = Some(true)), "password"),
        (securing(|s| s.enhanced_erase = None), "does not have it"),
        (securing(|s| s.supported = Some(false)), "does not have it"),
        (usb, "a test"),
        (flash, "no purge of flash"),
    ] {
        let plan = purge(&facts);
        assert_eq!(
            (techniques(&plan), plan.level),
            (vec![], Level::Clear),
            "{plan:?}"
        );
        assert_eq!(
            says(&plan.residual, "hybrid"),
            facts.flash_cache,
            "{plan:?}"
        );
        assert!(says(&plan.reasons, reason), "{reason}: {plan:?}");
    }
}

#[test]
fn auto_takes_the_best_that_the_drive_has() {
    let wishes = Wishes {
        level: Wanted::Auto,
        ..Wishes::default()
    };
    for (facts, level) in [
        (sanitizing(DISK, [true; 3]), Level::Purge),
        (sanitizing(DISK, [false; 3]), Level::Clear),
        (securing(|_| {}), Level::Purge),
    ] {
        let plan = plan(&facts, &wishes);
        assert_eq!((plan.wanted, plan.level), (Wanted::Auto, level), "{plan:?}");
    }
}

#[test]
fn drive_that_cannot_erase_itself_is_planned_as_clear_with_the_reason() {
    let flash = Medium::SolidState;
    let locked = DriveFacts {
        security: Security {
            locked: Some(true),
            ..Security::default()
        },
        ..sanitizing(flash, [true; 3])
    };
    let zoned = DriveFacts {
        zoned: Zoned::HostManaged,
        ..sanitizing(DISK, [true; 3])
    };
    let stick = DriveFacts {
        removable: true,
        transport: Transport::Usb,
        ..sanitizing(flash, [true; 3])
    };
    for (facts, reason) in [
        (
            facts(Transport::Ata, flash, false),
            "the drive was not asked",
        ),
        (
            sanitizing(flash, [false, false, true]),
            "no sanitize command for flash",
        ),
        (
            sanitizing(DISK, [true, true, false]),
            "no overwrite of its own",
        ),
        (locked, "locked"),
        (zoned, "zones"),
        (stick, "not known to be a disk"),
    ] {
        let plan = purge(&facts);
        assert_eq!(techniques(&plan), [], "{plan:?}");
        assert_ne!(plan.level, Level::Purge);
        assert!(says(&plan.reasons, reason), "{reason}: {plan:?}");
    }
}
