//! raz's own medium among the drives.

use crate::support::folder::Folder;
use crate::support::script::Script;
use drive::facts::{DriveFacts, Transport};
use drive::medium::{BootMedium, Own};

/// An ext4 superblock with this UUID byte repeated, `at` this offset of a medium.
fn ext4(at: usize, uuid: u8) -> Vec<u8> {
    let mut medium = vec![0; at + 64 * 1024];
    medium[at + 1024 + 0x38..][..2].copy_from_slice(&[0x53, 0xEF]);
    medium[at + 1024 + 0x68..][..16].fill(uuid);
    medium
}

const UUID: &str = "abababab-abab-abab-abab-abababababab";

fn drive_with(folder: &mut Folder, name: &str, port: u32, medium: Vec<u8>) -> String {
    let script = Script::sata(
        &format!("S{port}"),
        0x5000_0000_0000_0000 + u64::from(port),
        8192,
    );
    folder.sata(name, port, 8192, script.medium(medium))
}

#[test]
fn medium_is_found_on_a_partition_whatever_the_letter_case() {
    let mut folder = Folder::new();
    let place = drive_with(&mut folder, "sda", 1, ext4(2048 * 512, 0xAB));
    folder.partition(&place, 1, 2048, 4096);
    drive_with(&mut folder, "sdb", 2, ext4(0, 0xCD));
    folder.write(
        "proc/cmdline",
        format!("quiet raz.medium={} raz.lang=fr\n", UUID.to_uppercase()),
    );
    let (machine, drives) = (folder.machine(), folder.drives());
    let medium = BootMedium::find(&machine.roots, &drives);
    assert!(
        matches!(&medium, BootMedium::One { path, .. } if *path == drives[0].path),
        "{medium:?}"
    );
    assert_eq!(medium.of(&drives[0]), Own::Yes);
    assert_eq!(medium.of(&drives[1]), Own::No);
    assert_eq!(medium.stops_unattended(), None);
}

#[test]
fn two_copies_are_both_excluded_and_stop_the_unattended_mode() {
    let mut folder = Folder::new();
    drive_with(&mut folder, "sda", 1, ext4(0, 0xAB));
    drive_with(&mut folder, "sdb", 2, ext4(0, 0xAB));
    folder.write("proc/cmdline", format!("raz.medium={UUID}"));
    let (machine, drives) = (folder.machine(), folder.drives());
    let medium = BootMedium::find(&machine.roots, &drives);
    assert!(drives.iter().all(|drive| medium.of(drive) == Own::Yes));
    let reason = medium.stops_unattended().unwrap();
    assert!(reason.contains("sda") && reason.contains("sdb"), "{reason}");
}

/// raz's own stick with a bad sector in its header was an ordinary drive.
#[test]
fn drive_that_cannot_be_read_where_the_missing_medium_may_stand_stops_the_unattended_mode() {
    let mut folder = Folder::new();
    drive_with(&mut folder, "sda", 1, ext4(0, 0xCD));
    let sick = Script::sata("S2", 0x5000_0000_0000_0002, 8192);
    folder.sata("sdb", 2, 8192, sick.unreadable());
    folder.write("proc/cmdline", format!("raz.medium={UUID}"));
    let (machine, drives) = (folder.machine(), folder.drives());
    let reason = BootMedium::find(&machine.roots, &drives).stops_unattended();
    let reason = reason.unwrap();
    assert!(
        reason.contains("sdb") && !reason.contains("sda"),
        "{reason}"
    );
    // It is found: what cannot be read is another drive.
    drive_with(&mut folder, "sdc", 3, ext4(0, 0xAB));
    let found = BootMedium::find(&machine.roots, &folder.drives());
    assert_eq!(found.stops_unattended(), None);
}

/// A stick that was pulled out, or a menu that does not say where it was read from.
#[test]
fn medium_that_is_not_found_or_not_named_stops_the_unattended_mode_unless_raz_came_by_network() {
    let mut folder = Folder::new();
    drive_with(&mut folder, "sda", 1, ext4(0, 0xAB));
    let drives = folder.drives();
    for (command_line, stops) in [
        ("quiet", true),
        ("raz.medium=1234-ABCD", true),
        ("raz.medium=1234-ABCD raz.boot=net", true),
        ("raz.boot=network", true),
        ("raz.boot=net raz.boot=disk", true),
        ("xraz.boot=net", true),
        ("raz.boot=net", false),
        ("raz.boot=\"net\" raz.medium=", false),
    ] {
        folder.write("proc/cmdline", command_line);
        let roots = folder.machine().roots;
        let medium = BootMedium::find(&roots, &drives).or_disc(&[]);
        assert_eq!(
            medium.stops_unattended().is_some(),
            stops,
            "{command_line}: {medium:?}"
        );
        assert_eq!(medium.of(&drives[0]), Own::No);
    }
}

#[test]
fn without_a_name_or_a_match_no_drive_is_the_medium() {
    let mut folder = Folder::new();
    drive_with(&mut folder, "sda", 1, ext4(0, 0xAB));
    let drives = folder.drives();
    for (command_line, expected) in [
        ("quiet", BootMedium::NotNamed),
        ("raz.medium=", BootMedium::NotNamed),
        ("xraz.medium=1", BootMedium::NotNamed),
        (
            "raz.medium=1234-ABCD",
            BootMedium::Absent {
                named: "1234-ABCD".into(),
                unread: Vec::new(),
            },
        ),
    ] {
        folder.write("proc/cmdline", command_line);
        let medium = BootMedium::find(&folder.machine().roots, &drives);
        assert_eq!(medium, expected, "{command_line}");
        assert_eq!(medium.of(&drives[0]), Own::No);
    }
}

#[test]
fn quotes_around_the_argument_or_its_value_do_not_hide_the_medium() {
    for line in [
        format!("quiet raz.medium=\"{UUID}\""),
        format!("\"raz.medium={UUID}\" quiet"),
    ] {
        let folder = Folder::new();
        folder.write("proc/cmdline", &line);
        let found = BootMedium::find(&folder.machine().roots, &[]);
        let absent = BootMedium::Absent {
            named: UUID.into(),
            unread: Vec::new(),
        };
        assert_eq!(found, absent, "{line}");
    }
}

/// A Ventoy stick holds raz's ISO as a file; what carries the ISO's own identity is another stick, or a disk
/// that it was copied to.
#[test]
fn image_file_is_on_no_drive_and_whatever_a_pc_is_started_from_may_be_it() {
    let mut folder = Folder::new();
    for (number, name) in ["sda", "sdb", "sdc"].into_iter().enumerate() {
        let uuid = if name == "sdb" { 0xAB } else { 0xCD };
        drive_with(
            &mut folder,
            name,
            u32::try_from(number).unwrap() + 1,
            ext4(0, uuid),
        );
    }
    let mut drives = folder.drives();
    drives[2].transport = Transport::Usb;
    for (from, doubt) in [("file", Own::Maybe), ("disc", Own::Maybe), ("net", Own::No)] {
        folder.write("proc/cmdline", format!("raz.medium={UUID} raz.boot={from}"));
        let medium = BootMedium::find(&folder.machine().roots, &drives).or_disc(&[]);
        let own: Vec<Own> = drives.iter().map(|drive| medium.of(drive)).collect();
        assert_eq!(own, [Own::No, Own::Yes, doubt], "{from}");
        assert_eq!(
            medium.stops_unattended().is_some(),
            doubt == Own::Maybe,
            "{from}"
        );
    }
    // Another GRUB than raz's may not know how the file system is called.
    folder.write("proc/cmdline", "raz.medium= raz.boot=file");
    let medium = BootMedium::find(&folder.machine().roots, &drives);
    assert_eq!(medium.of(&drives[2]), Own::Maybe);
    assert!(medium.stops_unattended().is_some());
}

#[test]
fn stick_that_was_pulled_leaves_no_drive_in_doubt_that_no_pc_is_started_from() {
    let mut folder = Folder::new();
    drive_with(&mut folder, "sda", 1, ext4(0, 0xCD));
    let mut drives = folder.drives();
    folder.write("proc/cmdline", format!("raz.medium={UUID}"));
    let roots = folder.machine().roots;
    let mut of = |change: fn(&mut DriveFacts)| {
        change(&mut drives[0]);
        BootMedium::find(&roots, &drives).of(&drives[0])
    };
    assert_eq!(of(|_| {}), Own::No);
    assert_eq!(of(|drive| drive.removable = true), Own::Maybe);
    assert_eq!(of(|drive| drive.removable = false), Own::No);
    assert_eq!(of(|drive| drive.transport = Transport::Sd), Own::Maybe);
    folder.write("proc/cmdline", "quiet");
    assert_eq!(of(|_| {}), Own::No, "nothing is named: a running Linux");
}
