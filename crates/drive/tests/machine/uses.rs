//! Mounted, held and swapping drives.

use crate::support::folder::Folder;
use crate::support::script::Script;
use drive::facts::Use;
use drive::medium::Own;
use drive::refusal::{PlanKind, Refusal, refusals};

/// A SATA drive with two partitions.
fn machine() -> (Folder, String) {
    let mut folder = Folder::new();
    let place = folder.sata(
        "sda",
        1,
        8192,
        Script::sata("S1", 0x5000_0000_0000_0001, 8192),
    );
    folder.partition(&place, 1, 2048, 2048);
    folder.partition(&place, 2, 4096, 2048);
    (folder, place)
}

fn mounted(device: &str, at: &str) -> Use {
    Use::Mounted {
        device: device.into(),
        at: at.into(),
    }
}

#[test]
fn unused_drive_has_no_uses_and_no_refusals() {
    let drive = machine().0.drive();
    assert_eq!(drive.uses, []);
    assert_eq!(refusals(&drive, &[], Own::No, &[], PlanKind::default()), []);
}

#[test]
fn mount_of_a_partition_is_found_by_its_number() {
    let (folder, _) = machine();
    folder.write(
        "proc/self/mountinfo",
        "36 1 8:17 / /media/my\\040disk rw - ext4 /dev/root rw\n",
    );
    let drive = folder.drive();
    assert_eq!(drive.uses, [mounted("sda1", "/media/my disk")]);
    let found = refusals(&drive, &[], Own::No, &[], PlanKind::default());
    // A mount point can be a donor's name; what is said goes into reports.
    for said in [found[0].to_string(), found[0].remedy()] {
        assert!(said.contains("sda1") && !said.contains("my disk"), "{said}");
    }
}

#[test]
fn btrfs_mount_under_an_anonymous_number_is_found_by_its_source() {
    let (folder, _) = machine();
    folder.write("dev/sda2", "");
    folder.link("dev/disk/by-uuid/1234", "dev/sda2");
    folder.write(
        "proc/self/mountinfo",
        "36 1 0:52 /@ / rw - btrfs /dev/disk/by-uuid/1234 rw\n37 1 0:53 / /proc rw - proc proc rw\n",
    );
    assert_eq!(folder.drive().uses, [mounted("sda2", "/")]);
}

#[test]
fn other_drives_mounts_are_not_taken() {
    let (folder, _) = machine();
    folder.write(
        "proc/self/mountinfo",
        "36 1 8:171 / /a rw - ext4 /dev/sda1 rw\n",
    );
    assert_eq!(folder.drive().uses, []);
}

#[test]
fn swap_and_holders_are_found() {
    let (folder, place) = machine();
    folder.write(
        "proc/swaps",
        "Filename Type Size Used Priority\n/dev/sda2 partition 1020 0 -2\n",
    );
    folder.write(
        &format!("sys/devices/{place}/sda1/holders/dm-0/dev"),
        "253:0\n",
    );
    folder.write(&format!("sys/devices/{place}/holders/md127/dev"), "9:127\n");
    let drive = folder.drive();
    let held = |device: &str, by: &str| Use::Held {
        device: device.into(),
        by: by.into(),
    };
    assert_eq!(
        drive.uses,
        [
            held("sda", "md127"),
            held("sda1", "dm-0"),
            Use::Swap {
                device: "sda2".into()
            }
        ]
    );
    let found = refusals(&drive, &[], Own::No, &[], PlanKind::default());
    assert_eq!(
        found,
        [
            Refusal::Held {
                device: "sda".into(),
                by: "md127".into()
            },
            Refusal::Held {
                device: "sda1".into(),
                by: "dm-0".into()
            },
            Refusal::Swap {
                device: "sda2".into()
            },
        ]
    );
}

#[test]
fn use_by_another_path_to_the_same_drive_counts_once() {
    let drive = machine().0.drive();
    let mut other = drive.clone();
    other.path = "/dev/sdb".into();
    other.uses = vec![mounted("sdb1", "/")];
    let all = [drive.clone(), other.clone(), other];
    let found = refusals(&drive, &all, Own::No, &[], PlanKind::default());
    let used = Refusal::Mounted {
        device: "sdb1".into(),
    };
    assert_eq!(found, [used]);
}
