//! One row of the decision table per test.

mod emmc;
mod ladder;

use super::{Level, Plan, Wanted, Wishes, plan};
use crate::job::VerifyMode;
use crate::native::Technique;
use crate::outcome::PassKind::{Complement, Pattern, Zero};
use crate::sample::{SECTORS_MIN, Share};
use drive::facts::{
    DriveFacts, HiddenCapacity, Medium, OwnErase, Sanitize, SanitizeCommands, Tcg, Transport,
    UsbBridge,
};
use drive::health::{Confidence, Count};
use drive::tcg::{BlockSid, Discovery};

fn facts(transport: Transport, medium: Medium, removable: bool) -> DriveFacts {
    DriveFacts {
        model: Some("MODEL".into()),
        capacity_bytes: 1 << 30,
        medium,
        removable,
        hidden: HiddenCapacity::NotApplicable,
        ..DriveFacts::unasked("sdz", transport)
    }
}

const DISK: Medium = Medium::Rotating { rpm: 7200 };

fn plain(facts: &DriveFacts) -> Plan {
    plan(facts, &Wishes::default())
}

fn says(lines: &[String], words: &str) -> bool {
    lines.iter().any(|line| line.contains(words))
}

#[test]
fn disks_solid_state_and_unknown_drives_get_one_keyed_pass() {
    for facts in [
        facts(Transport::Ata, DISK, false),
        facts(Transport::Nvme, Medium::SolidState, false),
        facts(Transport::Mmc, Medium::SolidState, false),
        facts(Transport::Usb, DISK, true),
        facts(Transport::Usb, Medium::SolidState, false),
        facts(Transport::Usb, Medium::Unknown, false),
        facts(Transport::Virtio, Medium::Unknown, false),
    ] {
        let plan = plain(&facts);
        assert_eq!(
            (plan.passes, plan.level),
            (vec![Pattern], Level::Clear),
            "{facts:?}"
        );
        assert_eq!(plan.verify, VerifyMode::Full);
    }
}

#[test]
fn sticks_and_cards_get_pattern_and_complement() {
    let mut named = facts(Transport::Usb, Medium::Unknown, false);
    named.bridge = Some(UsbBridge {
        vendor_id: 1,
        product_id: 2,
        name: "ACME Flash Drive".into(),
        serial: None,
    });
    for facts in [
        named,
        facts(Transport::Usb, Medium::Unknown, true),
        facts(Transport::Usb, Medium::SolidState, true),
        facts(Transport::Sd, Medium::SolidState, false),
    ] {
        let plan = plain(&facts);
        assert_eq!(
            (plan.passes, plan.level),
            (vec![Pattern, Complement], Level::Clear),
            "{facts:?}"
        );
    }
}

#[test]
fn plan_says_what_kind_of_drive_it_takes_it_for() {
    for (facts, kind) in [
        (facts(Transport::Usb, Medium::Unknown, true), "a USB stick"),
        (
            facts(Transport::Sd, Medium::SolidState, false),
            "a memory card",
        ),
        (
            facts(Transport::Mmc, Medium::SolidState, false),
            "soldered flash",
        ),
        (
            facts(Transport::Ata, Medium::SolidState, false),
            "a solid-state drive",
        ),
        (facts(Transport::Usb, DISK, true), "a rotating disk"),
        (
            facts(Transport::Usb, Medium::Unknown, false),
            "does not say whether",
        ),
    ] {
        let plan = plain(&facts);
        assert!(plan.reasons[0].contains(kind), "{kind}: {plan:?}");
    }
}

#[test]
fn single_pass_on_a_stick_is_below_its_row_and_says_so() {
    let wishes = Wishes {
        single_pass: true,
        ..Wishes::default()
    };
    let stick = plan(&facts(Transport::Usb, Medium::Unknown, true), &wishes);
    assert_eq!(
        (stick.passes, stick.level),
        (vec![Pattern], Level::BelowClear)
    );
    assert!(says(&stick.reasons, "below the row"));
    let disk = plan(&facts(Transport::Ata, DISK, false), &wishes);
    assert_eq!((disk.passes, disk.level), (vec![Pattern], Level::Clear));
}

#[test]
fn zeros_come_last_and_are_called_no_proof() {
    let wishes = Wishes {
        then_zero: true,
        ..Wishes::default()
    };
    let card = plan(&facts(Transport::Sd, Medium::SolidState, false), &wishes);
    assert_eq!(card.passes, [Pattern, Complement, Zero]);
    assert!(says(&card.reasons, "not the proof") && card.technique.ends_with("then zeros"));
}

#[test]
fn drive_with_bytes_known_to_be_hidden_is_not_cleared() {
    let mut disk = facts(Transport::Ata, DISK, false);
    disk.hidden = HiddenCapacity::Hidden {
        bytes: 512,
        evidence: String::new(),
    };
    let plan = plain(&disk);
    assert_eq!(
        (plan.passes, plan.level),
        (vec![Pattern], Level::BelowClear)
    );
    assert!(says(&plan.reasons, "512 bytes of the drive are hidden"));
    disk.hidden = HiddenCapacity::OpenedForThisBoot {
        bytes: 512,
        evidence: String::new(),
    };
    assert_eq!(super::plan(&disk, &Wishes::default()).level, Level::Clear);
}

#[test]
fn volume_of_a_raid_controller_is_not_cleared() {
    for medium in [DISK, Medium::SolidState, Medium::Unknown] {
        let plan = plain(&facts(Transport::RaidVolume, medium, false));
        assert_eq!(
            (plan.passes, plan.level),
            (vec![Pattern], Level::BelowClear)
        );
        assert!(says(&plan.reasons, "is not the drives it is made of"));
    }
}

#[test]
fn declined_verification_is_in_the_reasons() {
    let wishes = Wishes {
        verify: VerifyMode::None,
        ..Wishes::default()
    };
    let plan = plan(&facts(Transport::Ata, DISK, false), &wishes);
    assert_eq!(plan.verify, VerifyMode::None);
    assert!(says(&plan.reasons, "written, not checked"));
}

#[test]
fn sample_is_in_the_reasons_and_a_small_drive_is_read_in_full() {
    let wishes = Wishes {
        verify: VerifyMode::Sampled(Share::new(12).unwrap()),
        ..Wishes::default()
    };
    let mut disk = facts(Transport::Ata, DISK, false);
    disk.capacity_bytes = SECTORS_MIN * u64::from(disk.logical_sector_bytes);
    let sampled = plan(&disk, &wishes);
    assert_eq!(sampled.verify, wishes.verify);
    assert!(says(
        &sampled.reasons,
        "only a sample of every pass is read back, 12 %"
    ));
    assert!(!says(&sampled.reasons, "every byte"));

    disk.capacity_bytes -= u64::from(disk.logical_sector_bytes);
    let small = plan(&disk, &wishes);
    assert_eq!(small.verify, VerifyMode::Full);
    assert!(says(&small.reasons, "a sample was asked for") && says(&small.reasons, "every byte"));
}

#[test]
fn every_plan_says_that_native_sanitize_was_not_attempted() {
    assert!(says(
        &plain(&facts(Transport::Nvme, Medium::SolidState, false)).reasons,
        "it was not asked for"
    ));
}

#[test]
fn residual_names_what_the_facts_name_and_what_flash_keeps() {
    let mut emmc = facts(Transport::Mmc, Medium::SolidState, false);
    emmc.not_reached = vec!["RPMB area".into()];
    let residual = plain(&emmc).residual;
    assert!(says(&residual, "RPMB area") && says(&residual, "spare and replaced cells"));
}

#[test]
fn unknown_hidden_capacity_is_not_clean() {
    let mut disk = facts(Transport::Ata, DISK, false);
    disk.hidden = HiddenCapacity::Unknown {
        reason: "the bridge swallowed the command".into(),
    };
    assert!(says(&plain(&disk).residual, "unknown is not clean"));
    disk.hidden = HiddenCapacity::Hidden {
        bytes: 4096,
        evidence: "HPA".into(),
    };
    assert!(says(
        &plain(&disk).residual,
        "4096 bytes are hidden and are not reached"
    ));
    disk.hidden = HiddenCapacity::OpenedForThisBoot {
        bytes: 4096,
        evidence: "HPA".into(),
    };
    assert!(says(&plain(&disk).residual, "hidden again afterwards"));
}

#[test]
fn what_stands_between_the_host_and_the_medium_is_residual() {
    for (transport, words) in [
        (Transport::Usb, "a USB bridge may hide part"),
        (
            Transport::RaidVolume,
            "members, spares and cache are not reached",
        ),
        (Transport::Virtio, "a virtual drive"),
        (Transport::Loop, "a virtual drive"),
        (Transport::Network, "networked storage"),
    ] {
        let plan = plain(&facts(transport, DISK, false));
        assert!(says(&plan.residual, words), "{plan:?}");
    }
}

/// Nor is a sample named where none was asked for.
#[test]
fn only_a_drive_that_erases_itself_is_said_to_reach_what_it_replaced() {
    for (transport, medium) in [
        (Transport::Ata, Medium::SolidState),
        (Transport::Nvme, Medium::SolidState),
        (Transport::Mmc, Medium::SolidState),
        (Transport::Ata, DISK),
    ] {
        let plan = plain(&facts(transport, medium, false));
        assert!(!says(&plan.residual, "as the drive claims"), "{plan:?}");
        assert!(!says(&plan.reasons, "a sample"), "{plan:?}");
    }
}

#[test]
fn replaced_sectors_are_residual_unless_there_are_none_for_sure() {
    let mut disk = facts(Transport::Ata, DISK, false);
    let mut with = |value, confidence| {
        disk.health.reallocated = Some(Count { value, confidence });
        plain(&disk).residual
    };
    assert!(says(&with(12, Confidence::Certain), "12 replaced sectors"));
    assert!(says(&with(0, Confidence::Doubtful), "unknown"));
    assert_eq!(with(0, Confidence::Certain), Vec::<String>::new());
}

fn purge(facts: &DriveFacts) -> Plan {
    let wishes = Wishes {
        level: Wanted::Purge,
        ..Wishes::default()
    };
    plan(facts, &wishes)
}

fn techniques(plan: &Plan) -> Vec<Technique> {
    plan.ladder.iter().map(|rung| rung.technique).collect()
}

/// A drive with these commands, all of whose capacity is known.
fn sanitizing(medium: Medium, [block_erase, crypto_erase, overwrite]: [bool; 3]) -> DriveFacts {
    DriveFacts {
        sanitize: Ok(Sanitize {
            block_erase,
            crypto_erase,
            overwrite,
            commands: SanitizeCommands::Ata,
        }),
        hidden: HiddenCapacity::None {
            evidence: "asked".into(),
        },
        ..facts(Transport::Ata, medium, false)
    }
}

#[test]
fn purge_is_the_drives_own_erase_and_then_all_that_clear_is() {
    let flash = Medium::SolidState;
    let [block, crypto] = [Technique::BlockErase, Technique::CryptoErase];
    for (facts, expected, level) in [
        (
            sanitizing(flash, [true; 3]),
            vec![block, crypto],
            Level::Purge,
        ),
        (
            sanitizing(flash, [true, false, false]),
            vec![block],
            Level::Purge,
        ),
        (
            sanitizing(DISK, [true; 3]),
            vec![Technique::Overwrite],
            Level::Purge,
        ),
        // Nobody has answered for its encryption.
        (
            sanitizing(flash, [false, true, true]),
            vec![crypto],
            Level::Clear,
        ),
    ] {
        let plan = purge(&facts);
        assert_eq!(
            (techniques(&plan), plan.level),
            (expected, level),
            "{plan:?}"
        );
        assert_eq!(plan.passes, [Pattern]);
        assert_eq!(plan.verify, VerifyMode::Full);
        assert!(says(&plan.residual, "as the drive claims"), "{plan:?}");
        assert!(
            plain(&facts).ladder.is_empty(),
            "only where it is asked for"
        );
    }
}

/// A drive that tells this byte of its TCG locking.
fn locking(flags: u8) -> DriveFacts {
    let mut answer = vec![0; 48];
    answer[7] = 1;
    answer.extend([0, 2, 0x10, 12, flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    answer[3] = 60;
    DriveFacts {
        tcg: Tcg::Told(Discovery::parse(&answer).unwrap()),
        ..sanitizing(Medium::SolidState, [true; 3])
    }
}

#[test]
fn overwrite_of_a_drive_that_tcg_locks_is_never_called_clear() {
    for flags in [0x07, 0x0F, 0x1B, 0x1F, 0x3F] {
        for plan in [plain(&locking(flags)), purge(&locking(flags))] {
            assert_eq!(plan.level, Level::BelowClear, "{flags:02X}");
            assert!(says(&plan.reasons, "TCG"), "{plan:?}");
        }
    }
}

#[test]
fn tcg_locking_that_is_open_now_is_told_because_it_locks_again() {
    for flags in [0x03, 0x0B, 0x3B] {
        let plan = plain(&locking(flags));
        assert_eq!(plan.level, Level::Clear);
        assert!(says(&plan.residual, "locks again"), "{plan:?}");
    }
    for flags in [0x00, 0x09] {
        assert!(!says(&plain(&locking(flags)).residual, "TCG"));
    }
    let unknown = DriveFacts {
        tcg: Tcg::Unknown {
            reason: "a test".into(),
        },
        ..sanitizing(Medium::SolidState, [true; 3])
    };
    let plan = plain(&unknown);
    assert!(says(&plan.residual, "unknown (a test)"), "{plan:?}");
}

#[test]
fn blocked_owner_is_told_where_somebody_took_the_locking_into_use() {
    let blocked = |flags, is_blocked| {
        let mut drive = locking(flags);
        let Tcg::Told(told) = &mut drive.tcg else {
            panic!("it told");
        };
        told.block_sid = Some(BlockSid {
            sid_changed: false,
            sid_blocked: is_blocked,
            cleared_by_reset: false,
        });
        says(&plain(&drive).reasons, "Block SID")
    };
    assert!(blocked(0x03, true));
    assert!(!blocked(0x03, false));
    assert!(!blocked(0x01, true), "nobody has anything to revert");
}

#[test]
fn purge_needs_all_capacity_to_be_known() {
    for hidden in [
        HiddenCapacity::Unknown { reason: "x".into() },
        HiddenCapacity::NotApplicable,
        HiddenCapacity::OpenedForThisBoot {
            bytes: 512,
            evidence: "x".into(),
        },
    ] {
        let facts = DriveFacts {
            hidden,
            ..sanitizing(DISK, [true; 3])
        };
        let plan = purge(&facts);
        assert_eq!(plan.level, Level::Clear, "{plan:?}");
        assert_eq!(techniques(&plan), [Technique::Overwrite]);
    }
    let hidden = DriveFacts {
        hidden: HiddenCapacity::Hidden {
            bytes: 512,
            evidence: "x".into(),
        },
        ..sanitizing(DISK, [true; 3])
    };
    assert_eq!(purge(&hidden).level, Level::BelowClear);
}

#[test]
fn drive_that_takes_nothing_but_a_sanitize_gets_one_without_being_asked_for_purge() {
    for own_erase in [OwnErase::SanitizeFailed, OwnErase::MediaVerification] {
        let mut drive = facts(Transport::Nvme, Medium::SolidState, false);
        drive.hidden = HiddenCapacity::None {
            evidence: String::new(),
        };
        drive.sanitize = Ok(Sanitize {
            block_erase: true,
            crypto_erase: false,
            overwrite: false,
            commands: SanitizeCommands::Ata,
        });
        assert!(plan(&drive, &Wishes::default()).ladder.is_empty());
        drive.own_erase = Some(own_erase);
        let plan = plan(&drive, &Wishes::default());
        assert_eq!(plan.ladder[0].technique, Technique::BlockErase);
        assert_eq!(plan.level, Level::Clear);
    }
}
