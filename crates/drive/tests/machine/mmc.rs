//! eMMC with its areas, and SD cards.

use crate::support::folder::Folder;
use crate::support::script::Script;
use drive::facts::{DriveFacts, HiddenCapacity, SanitizeCommands, Transport};
use drive::medium::Own;
use drive::mmc::boot::BootAreaFacts;
use drive::refusal::{PlanKind, Refusal, refusals};

const SECTORS: u64 = 30_535_680;
const CARD: &str = "pci0000:00/0000:00:1c.0/mmc_host/mmc0/mmc0:0001";

fn ext_csd() -> Vec<u8> {
    let mut register = vec![0; 512];
    register[192] = 8;
    register[212..216].copy_from_slice(&u32::try_from(SECTORS).unwrap().to_le_bytes());
    register[226] = 32;
    register[168] = 32;
    register[231] = 0x50;
    register[267] = 1;
    register[268] = 2;
    register
}

fn emmc() -> Folder {
    let mut folder = Folder::new();
    folder.attributes(
        CARD,
        "type = MMC\nname = DF4016\nfwrev = 0x0100000000000000\nserial = 0xcafe0001\n\
         cid = 45010044463430313601CAFE00014800\nraw_rpmb_size_mult = 0x20",
    );
    let user = format!("{CARD}/block/mmcblk0");
    folder.block(&user, SECTORS);
    folder.answers("mmcblk0", Script::new().ext_csd(ext_csd()));
    for area in ["boot0", "boot1"] {
        let place = format!("{user}/mmcblk0{area}");
        folder.block(&place, 8192);
        folder.attributes(&place, "ro = 1\nforce_ro = 1");
        folder.answers(&format!("mmcblk0{area}"), Script::new().ext_csd(ext_csd()));
    }
    folder
}

#[test]
fn boot_areas_are_drives_of_their_own_with_one_card_between_them() {
    let drives = emmc().drives();
    let areas: Vec<(&str, &str)> = drives
        .iter()
        .map(|drive| (drive.name.as_str(), drive.identity.area.as_str()))
        .collect();
    assert_eq!(
        areas,
        [
            ("mmcblk0", ""),
            ("mmcblk0boot0", "boot0"),
            ("mmcblk0boot1", "boot1")
        ]
    );
    for drive in &drives {
        assert_eq!(drive.transport, Transport::Mmc);
        assert_eq!(drive.identity.serial.as_deref(), Some("0xcafe0001"));
        assert_eq!(drive.controller.as_deref(), Some("mmc0:0001"));
        let several = PlanKind {
            several: true,
            ..PlanKind::default()
        };
        let found = refusals(drive, &drives, Own::No, &[], several);
        let expected: &[Refusal] = if drive.read_only {
            &[Refusal::ReadOnly]
        } else {
            &[]
        };
        assert_eq!(found, expected);
    }
    assert_ne!(drives[0].identity.id(), drives[1].identity.id());
}

#[test]
fn user_area_names_what_it_does_not_reach() {
    let drives = emmc().drives();
    let rpmb = "replay-protected area rpmb: cannot be erased without its key";
    assert_eq!(drives[0].not_reached, [rpmb]);
    let area = |number: u8| BootAreaFacts {
        number,
        name: Some(format!("mmcblk0boot{number}")),
        bytes: 4 << 20,
        unwritable: None,
    };
    assert_eq!(drives[0].boot_areas, [area(0), area(1)]);
    assert!(
        matches!(drives[0].hidden, HiddenCapacity::None { .. }),
        "{:?}",
        drives[0].hidden
    );
    assert_eq!(drives[1].hidden, HiddenCapacity::NotApplicable);
    assert_eq!(drives[1].not_reached, Vec::<String>::new());
    assert_eq!(drives[1].boot_areas, []);
}

#[test]
fn register_is_set_against_the_areas_that_the_kernel_shows() {
    let of = |change: fn(&mut Vec<u8>), areas: &[(&str, u64)]| {
        let mut folder = Folder::new();
        folder.attributes(CARD, "type = MMC\nname = DF4016\nserial = 0xcafe0001");
        let user = format!("{CARD}/block/mmcblk0");
        folder.block(&user, SECTORS);
        for (area, sectors) in areas {
            folder.block(&format!("{user}/mmcblk0{area}"), *sectors);
        }
        let mut register = ext_csd();
        change(&mut register);
        folder.answers("mmcblk0", Script::new().ext_csd(register));
        let mut drives = folder.drives();
        drives.retain(|drive| drive.name == "mmcblk0");
        drives.remove(0)
    };
    let both = [("boot0", 8192), ("boot1", 8192)];
    let booted = of(|register| register[179] = 0x10, &both);
    let unwritable = |number: usize| booted.boot_areas[number].unwritable.as_deref();
    assert_eq!(unwritable(0), None);
    assert!(unwritable(1).unwrap().contains("boots from it"));

    // A host may be told not to show them; one of another size is odd.
    let hidden = of(|_| (), &[("boot0", 256)]);
    let shown = |number: usize| hidden.boot_areas[number].name.as_deref();
    assert_eq!((shown(0), shown(1)), (Some("mmcblk0boot0"), None));
    let odd = |drive: &DriveFacts, words: &str| drive.oddities.iter().any(|o| o.contains(words));
    assert!(odd(
        &hidden,
        "BOOT_MULT says 4194304 bytes, the kernel shows 131072"
    ));
    assert!(!odd(&booted, "BOOT_MULT") && !odd(&booted, "USER_WP"));
    assert!(odd(
        &of(|register| register[171] = 0x04, &both),
        "USER_WP 04h"
    ));

    // Two general purpose areas of 8 erase groups of 512 KiB each, one of them with a drive.
    let general = |register: &mut Vec<u8>| {
        (register[143], register[146], register[221], register[224]) = (1, 1, 8, 1);
    };
    let general = of(general, &[("boot0", 8192), ("boot1", 8192), ("gp1", 8192)]);
    let areas = ["gp1", "gp0"].map(|area| {
        let texts = general.not_reached.iter();
        let prefix = format!("eMMC area {area}, 4194304 bytes: ");
        texts
            .filter_map(|text| text.strip_prefix(&prefix))
            .collect::<Vec<_>>()
    });
    assert_eq!(areas[0], ["a drive of its own in raz's list"]);
    assert_eq!(areas[1], ["the kernel shows no drive of it"]);
    assert!(general.sanitize.unwrap_err().contains("general purpose"));
}

#[test]
fn card_without_ext_csd_answer_is_unidentified() {
    let mut folder = Folder::new();
    folder.attributes(CARD, "type = MMC\nname = DF4016\nserial = 0xcafe0001");
    folder.block(&format!("{CARD}/block/mmcblk0"), SECTORS);
    folder.answers("mmcblk0", Script::new());
    let drive = folder.drive();
    assert!(
        drive.oddities.iter().any(|o| o.contains("EXT_CSD")),
        "{:?}",
        drive.oddities
    );
    assert!(matches!(drive.hidden, HiddenCapacity::Unknown { .. }));
}

#[test]
fn sd_card_has_no_hidden_capacity_to_ask_for() {
    let mut folder = Folder::new();
    folder.attributes(
        CARD,
        "type = SD\nname = SU32G\nserial = 0x80a1b2c3\ncid = 035344535533324780A1B2C3",
    );
    folder.block(&format!("{CARD}/block/mmcblk1"), SECTORS);
    folder.answers("mmcblk1", Script::new());
    let drive = folder.drive();
    assert_eq!(drive.transport, Transport::Sd);
    assert_eq!(drive.hidden, HiddenCapacity::NotApplicable);
    assert_eq!(
        drive.identity.world_wide.as_deref(),
        Some("cid-035344535533324780a1b2c3")
    );
    let unattended = PlanKind {
        unattended: true,
        ..PlanKind::default()
    };
    let found = refusals(
        &drive,
        std::slice::from_ref(&drive),
        Own::No,
        &[],
        unattended,
    );
    assert_eq!(found, [Refusal::RemovableUnattended]);
}

#[test]
fn sanitize_is_offered_for_the_user_area_of_a_card_that_names_it_and_for_nothing_else() {
    let drives = emmc().drives();
    let offered = drives[0].sanitize.as_ref().expect("the user area");
    assert!(offered.block_erase && !offered.crypto_erase && !offered.overwrite);
    assert!(matches!(
        offered.commands,
        SanitizeCommands::Mmc(erasing) if u64::from(erasing.sectors) == SECTORS
    ));
    for area in &drives[1..] {
        let reason = area.sanitize.as_ref().unwrap_err();
        assert!(reason.contains("one area of a card"), "{reason}");
    }
    type Change = fn(&mut Vec<u8>);
    let changes: [(Change, &str); 2] = [
        (|register| register[231] = 0x11, "names no sanitize"),
        (
            |register| register[212..216].copy_from_slice(&[0, 0, 0x40, 0]),
            "counts in bytes",
        ),
    ];
    for (change, says) in changes {
        let mut folder = Folder::new();
        folder.attributes(CARD, "type = MMC\nname = DF4016\nserial = 0xcafe0001");
        folder.block(&format!("{CARD}/block/mmcblk0"), SECTORS);
        let mut register = ext_csd();
        change(&mut register);
        folder.answers("mmcblk0", Script::new().ext_csd(register));
        let reason = folder.drive().sanitize.unwrap_err();
        assert!(reason.contains(says), "{reason}");
    }
}
