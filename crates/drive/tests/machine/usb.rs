//! Drives behind USB bridges, and sticks.

use crate::support::folder::Folder;
use crate::support::script::{Script, ata, capacity_16, identify, inquiry, vpd};
use drive::facts::{HiddenCapacity, Transport};
use drive::medium::Own;
use drive::refusal::{PlanKind, Refusal, refusals};

const SECTORS: u64 = 976_773_168;
const WWN: u64 = 0x5000_C500_0000_0002;

/// A bridge with a serial of its own in its pages.
fn bridge(own_serial: &str) -> Script {
    Script::new()
        .data(&[0x12, 0], inquiry("Ext", "Disk", "0204"))
        .data(&[0x12, 1, 0x00], vpd(0x00, &[0x00, 0x80]))
        .data(&[0x12, 1, 0x80], vpd(0x80, own_serial.as_bytes()))
        .data(&[0x9E, 0x10], capacity_16(SECTORS, 512))
}

#[test]
fn drives_own_serial_is_preferred_to_the_bridges() {
    let mut folder = Folder::new();
    let script = bridge("DD5641988396B").data(&ata(0xEC), identify("ZA4XXXX1", WWN, SECTORS));
    folder.usb("sdb", 2, SECTORS, "DD5641988396B", script);
    let drive = folder.drive();
    assert_eq!(drive.transport, Transport::Usb);
    assert_eq!(drive.identity.serial.as_deref(), Some("ZA4XXXX1"));
    assert_eq!(
        drive.identity.world_wide.as_deref(),
        Some("wwn-5000c50000000002")
    );
    assert_eq!(drive.model.as_deref(), Some("WDC WD10EZEX-08WN4A0"));
    let bridge = drive.bridge.unwrap();
    assert_eq!((bridge.vendor_id, bridge.product_id), (0x152D, 0x0578));
    assert_eq!(bridge.name, "JMicron External");
    assert_eq!(bridge.serial.as_deref(), Some("DD5641988396B"));
}

#[test]
fn name_with_control_characters_cannot_steer_a_terminal() {
    let mut folder = Folder::new();
    folder.usb("sdb", 2, SECTORS, "S\u{1b}[1A\rS1", bridge(""));
    let usb = "pci0000:00/0000:00:14.0/usb1/1-2";
    folder.attributes(usb, "product = Disk\u{1b}[2K\u{7}");
    let drive = folder.drive();
    let name = drive.bridge.clone().unwrap().name;
    assert_eq!(name, "JMicron Disk\u{fffd}[2K\u{fffd}");
    assert!(drive.identity.is_path_only(), "{:?}", drive.identity);
    let shown = format!("{:?} {}", drive.oddities, drive.oddities.join(" "));
    assert!(!shown.contains(|c: char| c.is_control()), "{shown:?}");
}

#[test]
fn bridge_without_pass_through_lends_its_serial_and_says_so() {
    let mut folder = Folder::new();
    folder.usb("sdb", 2, SECTORS, "DD5641988396B", bridge(""));
    let drive = folder.drive();
    assert_eq!(drive.identity.serial.as_deref(), Some("DD5641988396B"));
    assert!(
        drive.oddities.iter().any(|o| o.contains("USB bridge's")),
        "{:?}",
        drive.oddities
    );
    assert!(
        matches!(drive.hidden, HiddenCapacity::Unknown { .. }),
        "{:?}",
        drive.hidden
    );
}

#[test]
fn bridge_that_answers_identify_with_zeros_is_not_believed() {
    let mut folder = Folder::new();
    let script = bridge("").data(&ata(0xEC), vec![0; 512]);
    folder.usb("sdb", 2, SECTORS, "DD5641988396B", script);
    let drive = folder.drive();
    assert_eq!(drive.security.locked, None);
    assert_eq!(drive.identity.serial.as_deref(), Some("DD5641988396B"));
}

#[test]
fn bridge_that_keeps_the_tail_for_itself_hides_capacity() {
    let mut folder = Folder::new();
    let script = bridge("").data(&ata(0xEC), identify("ZA4XXXX1", WWN, SECTORS + 2048));
    folder.usb("sdb", 2, SECTORS, "", script);
    let drive = folder.drive();
    assert!(
        matches!(
            drive.hidden,
            HiddenCapacity::Hidden {
                bytes: 1_048_576,
                ..
            }
        ),
        "{:?}",
        drive.hidden
    );
    assert!(
        drive
            .oddities
            .iter()
            .any(|o| o.contains("the kernel addresses")),
        "{:?}",
        drive.oddities
    );
}

#[test]
fn serials_of_zeros_make_two_docks_path_only_not_one_drive() {
    let mut folder = Folder::new();
    for (name, port) in [("sdb", 1), ("sdc", 2)] {
        folder.usb(name, port, SECTORS, "000000000000", bridge("000000000000"));
    }
    let drives = folder.drives();
    assert_eq!(drives.len(), 2);
    for drive in &drives {
        assert!(drive.identity.is_path_only());
        assert!(
            drive.oddities.iter().any(|o| o.contains("is no serial")),
            "{:?}",
            drive.oddities
        );
        let several = PlanKind {
            several: true,
            ..PlanKind::default()
        };
        let found = refusals(drive, &drives, Own::No, &[], several);
        assert_eq!(found, [Refusal::AmbiguousIdentity { same_as: vec![] }]);
    }
    // Positions in the machine still differ.
    assert_ne!(drives[0].identity.id(), drives[1].identity.id());
}

#[test]
fn docks_that_repeat_a_serial_are_ambiguous_together() {
    let mut folder = Folder::new();
    for (name, port) in [("sdb", 1), ("sdc", 2)] {
        folder.usb(name, port, SECTORS, "DD5641988396B", bridge(""));
    }
    let drives = folder.drives();
    let several = PlanKind {
        several: true,
        ..PlanKind::default()
    };
    let found = refusals(&drives[0], &drives, Own::No, &[], several);
    let other = drives[1].path.display().to_string();
    assert_eq!(
        found,
        [Refusal::AmbiguousIdentity {
            same_as: vec![other]
        }]
    );
}

#[test]
fn stick_is_asked_nothing_but_inquiry() {
    let script = bridge("SHOULD-NOT-BE-ASKED").data(&ata(0xEC), identify("NOR-THIS", WWN, SECTORS));
    let asked = script.asked.clone();
    let mut folder = Folder::new();
    let place = folder.usb("sdb", 2, SECTORS, "4C530001230620101234", script);
    folder.attributes(&place, "removable = 1");
    let drive = folder.drive();
    assert_eq!(
        drive.identity.serial.as_deref(),
        Some("4C530001230620101234")
    );
    assert_eq!(*asked.lock().unwrap(), [[0x12, 0, 0, 0, 36, 0]]);
    assert!(
        matches!(drive.hidden, HiddenCapacity::Unknown { .. }),
        "{:?}",
        drive.hidden
    );
}

#[test]
fn logical_units_of_one_reader_are_told_apart() {
    let mut folder = Folder::new();
    let usb = "pci0000:00/0000:00:14.0/usb1/1-4";
    folder.attributes(
        usb,
        "idVendor = 058f\nidProduct = 6366\nserial = 058F63666485",
    );
    for lun in 0..3 {
        let name = format!("sd{}", char::from(b'b' + lun));
        let device = format!("{usb}/1-4:1.0/host5/target5:0:0/5:0:0:{lun}");
        let size = if lun == 2 { 0 } else { 8192 };
        folder.block(&format!("{device}/block/{name}"), size);
        folder.attributes(&format!("{device}/block/{name}"), "removable = 1");
        folder.answers(&name, bridge(""));
    }
    let drives = folder.drives();
    // The third slot holds no card.
    assert_eq!(drives.len(), 2, "{drives:#?}");
    assert_eq!(drives[0].identity.area, "");
    assert_eq!(drives[1].identity.area, "lun-1");
    assert!(!drives[0].identity.collides_with(&drives[1].identity));
}
