//! An eMMC's plan: its boot areas decide whether its own erase makes a purge.

use super::{facts, plain, says, techniques};
use crate::native::Technique;
use crate::plan::{Level, Plan, Wanted, Wishes, plan};
use drive::facts::{DriveFacts, HiddenCapacity, Medium, Sanitize, SanitizeCommands, Transport};
use drive::mmc::boot::BootAreaFacts;

/// With sanitize, and both boot areas shown and writable.
fn emmc() -> DriveFacts {
    let area = |number: u8| BootAreaFacts {
        number,
        name: Some(format!("mmcblk0boot{number}")),
        bytes: 4 << 20,
        unwritable: None,
    };
    DriveFacts {
        sanitize: Ok(Sanitize {
            block_erase: true,
            crypto_erase: false,
            overwrite: false,
            commands: SanitizeCommands::Ata,
        }),
        hidden: HiddenCapacity::None {
            evidence: "SEC_COUNT".into(),
        },
        boot_areas: vec![area(0), area(1)],
        ..facts(Transport::Mmc, Medium::SolidState, false)
    }
}

fn purge(facts: &DriveFacts) -> Plan {
    let wishes = Wishes {
        level: Wanted::Purge,
        ..Wishes::default()
    };
    plan(facts, &wishes)
}

#[test]
fn emmc_with_sanitize_and_boot_areas_that_can_be_emptied_is_planned_as_a_purge() {
    let with = purge(&emmc());
    let expected = (vec![Technique::BlockErase], Level::Purge);
    assert_eq!((techniques(&with), with.level), expected);
    assert!(says(&with.reasons, "each boot area is read"), "{with:?}");
    assert!(says(&with.reasons, "a power cut ends it undone"));
    let own = "reached by the drive's own command only";
    assert!(says(&with.residual, own));
    assert!(
        !says(&with.residual, "boot area"),
        "named afterwards: {with:?}"
    );

    let clear = plain(&emmc());
    assert_eq!(techniques(&clear), [], "Clear sends nothing of it");
    for area in ["boot area boot0, 4194304 bytes", "boot area boot1, 4194304"] {
        assert!(says(&clear.residual, area), "{clear:?}");
    }
    let without = DriveFacts {
        sanitize: Err("none".into()),
        ..emmc()
    };
    let without = purge(&without);
    assert_eq!(
        (techniques(&without), without.level),
        (vec![], Level::Clear)
    );
    assert!(says(&without.residual, "boot area boot1, 4194304 bytes"));
    let card = purge(&DriveFacts {
        transport: Transport::Sd,
        ..emmc()
    });
    assert_eq!((techniques(&card), card.level), (vec![], Level::Clear));
}

#[test]
fn emmc_whose_boot_areas_nobody_can_look_into_is_erased_and_no_purge() {
    type Change = fn(&mut DriveFacts);
    let changes: [Change; 3] = [
        |emmc| emmc.boot_areas.clear(),
        |emmc| emmc.boot_areas.truncate(1),
        |emmc| emmc.boot_areas[1].name = None,
    ];
    for change in changes {
        let mut emmc = emmc();
        change(&mut emmc);
        let plan = purge(&emmc);
        let expected = (vec![Technique::BlockErase], Level::Clear);
        assert_eq!((techniques(&plan), plan.level), expected);
        assert!(
            says(&plan.reasons, "no purge of the whole card"),
            "{plan:?}"
        );
    }
}

#[test]
fn boot_area_that_will_not_be_written_is_named_with_what_that_means() {
    let mut emmc = emmc();
    emmc.boot_areas[1].unwritable = Some("the computer boots from it".into());
    let plan = purge(&emmc);
    // It may be blank.
    assert_eq!(plan.level, Level::Purge);
    let words = "boot area boot1 is read and not written, since the computer boots from it";
    assert!(says(&plan.reasons, words), "{plan:?}");
    assert!(!says(&plan.reasons, "boot area boot0"), "{plan:?}");
}
