//! eMMC with its areas, and SD cards.

use crate::support::folder::Folder;
use crate::support::script::Script;
use drive::facts::{HiddenCapacity, SanitizeCommands, Transport};
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
        let found = refusals(drive, &drives, false, &[], several);
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
    assert_eq!(
        drives[0].not_reached,
        [
            "eMMC area boot0, 4194304 bytes: write-protected by the kernel (force_ro)",
            "eMMC area boot1, 4194304 bytes: write-protected by the kernel (force_ro)",
            "replay-protected area rpmb: cannot be erased without its key",
        ]
    );
    assert!(
        matches!(drives[0].hidden, HiddenCapacity::None { .. }),
        "{:?}",
        drives[0].hidden
    );
    assert_eq!(drives[1].hidden, HiddenCapacity::NotApplicable);
    assert_eq!(drives[1].not_reached, Vec::<String>::new());
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
    let found = refusals(&drive, std::slice::from_ref(&drive), false, &[], unattended);
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
