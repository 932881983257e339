//! SATA drives: identity, security, hidden capacity.

use std::sync::Arc;

use crate::support::folder::Folder;
use crate::support::script::{Script, ata, identify, registers, seal, set_word};
use drive::facts::{HiddenCapacity, Medium, OwnErase, Transport};

const SECTORS: u64 = 1_953_525_168;
const WWN: u64 = 0x5001_4EE2_0000_0001;

/// The one drive of a machine whose IDENTIFY DEVICE data have these word bits set, after `change`.
fn drive_with(
    words: &[(usize, u16)],
    change: impl FnOnce(Script) -> Script,
) -> drive::facts::DriveFacts {
    let mut page = identify("WD-WCC3F0000001", WWN, SECTORS);
    for (n, bits) in words {
        page = set_word(page, *n, *bits);
    }
    let script = Script::sata("WD-WCC3F0000001", WWN, SECTORS).data(&ata(0xEC), page);
    let mut folder = Folder::new();
    folder.sata("sda", 1, SECTORS, change(script));
    folder.drive()
}

#[test]
fn drive_says_who_it_is_in_full() {
    let drive = drive_with(&[], |script| script);
    assert_eq!(drive.name, "sda");
    assert_eq!(drive.transport, Transport::Ata);
    assert_eq!(drive.vendor.as_deref(), Some("ATA"));
    assert_eq!(drive.model.as_deref(), Some("WDC WD10EZEX-08WN4A0"));
    assert_eq!(drive.firmware.as_deref(), Some("FW01"));
    assert_eq!(drive.identity.serial.as_deref(), Some("WD-WCC3F0000001"));
    assert_eq!(
        drive.identity.world_wide.as_deref(),
        Some("wwn-50014ee200000001")
    );
    assert_eq!(drive.identity.area, "");
    assert_eq!(drive.capacity_bytes, SECTORS * 512);
    assert_eq!(drive.medium, Medium::Rotating { rpm: 7200 });
    assert_eq!(drive.bus_path, "pci0000:00/0000:00:1f.2/ata1/scsi-0:0:0");
    assert_eq!(drive.oddities, Vec::<String>::new());
}

#[test]
fn sanitize_commands_are_offered_by_word_59_only() {
    let none = drive_with(&[], |script| script);
    assert!(
        none.sanitize
            .unwrap_err()
            .contains("no sanitize feature set")
    );
    let offered = drive_with(&[(59, 1 << 12 | 1 << 15 | 1 << 13)], |script| script);
    let offered = offered.sanitize.unwrap();
    assert!(offered.block_erase && offered.crypto_erase && !offered.overwrite);
    // The other bits mean nothing without bit 12.
    let meaningless = drive_with(&[(59, 1 << 14 | 1 << 15)], |script| script);
    meaningless.sanitize.unwrap_err();
}

#[test]
fn clean_capacity_names_the_commands_that_established_it() {
    let drive = drive_with(&[(82, 1 << 10), (85, 1 << 10)], |script| script);
    let HiddenCapacity::None { evidence } = &drive.hidden else {
        panic!("{:?}", drive.hidden);
    };
    assert!(
        evidence.contains("READ NATIVE MAX ADDRESS EXT 1953525168"),
        "{evidence}"
    );
}

#[test]
fn hpa_of_one_sector_is_hidden_capacity() {
    let drive = drive_with(&[(82, 1 << 10), (85, 1 << 10)], |script| {
        script.sense(&[0x85, 0x07, 0x20], registers(SECTORS, 0x50))
    });
    assert!(
        matches!(drive.hidden, HiddenCapacity::Hidden { bytes: 512, .. }),
        "{:?}",
        drive.hidden
    );
}

#[test]
fn refused_native_max_is_unknown_not_clean() {
    let aborted = || registers(0, 0x51);
    let hpa = [(82, 1 << 10), (85, 1 << 10)];
    let drive = drive_with(&hpa, |script| script.sense(&[0x85, 0x07, 0x20], aborted()));
    assert!(
        matches!(drive.hidden, HiddenCapacity::Unknown { .. }),
        "{:?}",
        drive.hidden
    );
    // Without the feature set the refusal is what is expected.
    let drive = drive_with(&[], |script| script.sense(&[0x85, 0x07, 0x20], aborted()));
    assert!(
        matches!(drive.hidden, HiddenCapacity::None { .. }),
        "{:?}",
        drive.hidden
    );
}

#[test]
fn empty_sense_is_no_answer_to_native_max() {
    let drive = drive_with(&[(82, 1 << 10), (85, 1 << 10)], |script| {
        script.sense(&[0x85, 0x07, 0x20], Vec::new())
    });
    let HiddenCapacity::Unknown { reason } = &drive.hidden else {
        panic!("{:?}", drive.hidden);
    };
    assert!(reason.contains("READ NATIVE MAX ADDRESS EXT"), "{reason}");
}

#[test]
fn sanitize_that_is_under_way_or_failed_is_told_by_its_status() {
    let asked = |count: u16, lba: u16, status: u8| {
        let error = (status & 1) << 2;
        let [count_high, count_low] = count.to_be_bytes();
        let [lba_high, lba_low] = lba.to_be_bytes();
        let sense = vec![
            0x72, 0x01, 0, 0x1D, 0, 0, 0, 14, 0x09, 0x0C, 1, error, count_high, count_low, 0,
            lba_low, 0, lba_high, 0, 0, 0x40, status,
        ];
        drive_with(&[(59, 1 << 12 | 1 << 15)], |script| {
            let is_asked = [0x85, 0x07, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0xB4];
            script.sense(&is_asked, sense.clone()).unreadable()
        })
    };
    let erasing = asked(0x4000, 0x8000, 0x50);
    let progress = Some(0x8000);
    assert_eq!(erasing.own_erase, Some(OwnErase::Sanitizing { progress }));
    assert!(erasing.volumes_unread && erasing.silent.is_none());
    assert!(
        !erasing
            .oddities
            .iter()
            .any(|o| o.contains("cannot be read"))
    );
    assert_eq!(asked(0, 1, 0x51).own_erase, Some(OwnErase::SanitizeFailed));
    // It does not take the question.
    assert_eq!(asked(0, 0, 0x51).own_erase, None);
    assert_eq!(asked(0x8000, 0xFFFF, 0x50).own_erase, None);
}

#[test]
fn overlay_hides_capacity_and_is_unknown_when_frozen() {
    let dco = |last: u64| {
        let mut page = vec![0; 512];
        page[0] = 2;
        page[6..14].copy_from_slice(&last.to_le_bytes());
        seal(page)
    };
    let has_dco = [(83, 1 << 11)];
    let drive = drive_with(&has_dco, |script| {
        script.data(&ata(0xB1), dco(SECTORS + 99))
    });
    // The feature byte is part of the command: C2h, IDENTIFY.
    assert!(
        matches!(drive.hidden, HiddenCapacity::Unknown { .. }),
        "{:?}",
        drive.hidden
    );
    let mut command = ata(0xB1);
    command[4] = 0xC2;
    let drive = drive_with(&has_dco, |script| script.data(&command, dco(SECTORS + 99)));
    assert!(
        matches!(drive.hidden, HiddenCapacity::Hidden { bytes: 51_200, .. }),
        "{:?}",
        drive.hidden
    );
    let drive = drive_with(&has_dco, |script| script.data(&command, dco(SECTORS - 1)));
    assert!(
        matches!(drive.hidden, HiddenCapacity::None { .. }),
        "{:?}",
        drive.hidden
    );
}

#[test]
fn hpa_opened_by_the_kernel_is_told_from_a_clean_drive() {
    let mut folder = Folder::new();
    folder.sata("sda", 3, SECTORS, Script::sata("S1", WWN, SECTORS));
    let line = format!(
        "ata3.00: HPA unlocked: {} -> {SECTORS}, native {SECTORS}",
        SECTORS - 2048
    );
    folder.write(
        "dev/kmsg",
        format!("6,1,1,-;Linux version 6.12\n6,2,2,-;{line}\n"),
    );
    let drive = folder.drive();
    let HiddenCapacity::OpenedForThisBoot { bytes, evidence } = &drive.hidden else {
        panic!("{:?}", drive.hidden);
    };
    assert_eq!(*bytes, 2048 * 512);
    assert!(evidence.contains(&line), "{evidence}");
}

#[test]
fn security_word_is_read() {
    let drive = drive_with(&[(128, 0b1_1111)], |script| script);
    let security = &drive.security;
    assert_eq!(
        (
            security.supported,
            security.enabled,
            security.locked,
            security.frozen
        ),
        (Some(true), Some(true), Some(true), Some(true))
    );
    let drive = drive_with(&[(128, 0b0001)], |script| script);
    assert_eq!(
        (drive.security.locked, drive.security.frozen),
        (Some(false), Some(false))
    );
}

#[test]
fn unanswered_identify_leaves_everything_unknown() {
    let drive = drive_with(&[], |script| script.sense(&ata(0xEC), registers(0, 0x51)));
    assert_eq!(drive.security.locked, None);
    assert!(
        matches!(drive.hidden, HiddenCapacity::Unknown { .. }),
        "{:?}",
        drive.hidden
    );
    // The translation layer's pages still tell the drive apart.
    assert_eq!(drive.identity.serial.as_deref(), Some("WD-WCC3F0000001"));
    assert_eq!(drive.model.as_deref(), Some("SATA MODEL TRUNC"));
    assert!(
        drive
            .oddities
            .iter()
            .any(|o| o.starts_with("IDENTIFY DEVICE: refused")),
        "{:?}",
        drive.oddities
    );
}

#[test]
fn drive_whose_serials_disagree_is_odd() {
    let drive = drive_with(&[], |script| {
        script.data(&ata(0xEC), identify("OTHER", WWN, SECTORS))
    });
    assert_eq!(drive.identity.serial.as_deref(), Some("OTHER"));
    assert!(
        drive
            .oddities
            .iter()
            .any(|o| o.contains("OTHER") && o.contains("WD-WCC3F0000001")),
        "{:?}",
        drive.oddities
    );
}

#[test]
fn optical_command_a1_is_never_sent_and_no_command_writes() {
    // SMART, HPA, DCO and AMAC: each of them makes discovery ask more.
    let features = [
        (82, 0x0401),
        (85, 0x0401),
        (83, 0x0800),
        (86, 0x8800),
        (119, 0x4100),
        (120, 0x4100),
    ];
    let mut asked = Arc::default();
    drive_with(&features, |script| {
        asked = Arc::clone(&script.asked);
        script
    });
    let asked = asked.lock().unwrap();
    for command in [0xEC, 0xB0, 0x27, 0xB1, 0x78] {
        let is_asked = asked.iter().any(|c| c[0] == 0x85 && c[14] == command);
        assert!(is_asked, "{command:02X}h");
    }
    for cdb in asked.iter() {
        let question = matches!(cdb[0], 0x12 | 0x9E | 0x4D | 0x5A | 0xB7 | 0x85);
        assert!(question, "{cdb:02X?}");
        if cdb[0] == 0x85 {
            // By opcode and FEATURE: with another feature 78h sets the capacity, B0h begins tests.
            let question = matches!(
                (cdb[14], cdb[4]),
                (0xEC | 0x27 | 0xF8 | 0x78, 0x00) | (0xB0, 0xD0 | 0xD1 | 0xDA) | (0xB1, 0xC2)
            );
            assert!(question, "{cdb:02X?}");
            // Protocols non-data and PIO-in only.
            assert!(matches!(cdb[1] >> 1, 3 | 4), "{cdb:02X?}");
        }
    }
}
