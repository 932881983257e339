//! A drive that has grown is shown to the kernel anew, and must come back as itself.

use crate::support::folder::Folder;
use crate::support::script::Script;
use drive::facts::{DriveFacts, Transport};
use drive::rescan::{RescanError, rescan};
use std::time::Duration;

const SECTORS: u64 = 4096;
const WWN: u64 = 0x5001_4EE2_0000_0001;

/// A machine with one SATA drive, the path of its folder, and its facts before it grew.
fn machine() -> (Folder, String, DriveFacts) {
    let mut folder = Folder::new();
    let script = Script::sata("WD-0001", WWN, SECTORS);
    let place = folder.sata("sda", 1, SECTORS, script);
    folder.attributes(&place, "device/rescan = x\ndevice/delete = x\ndiskseq = 7");
    folder.write("sys/class/scsi_host/host1/scan", "x\n");
    let facts = folder.drive();
    (folder, format!("sys/devices/{place}"), facts)
}

fn grown(folder: &Folder, before: &DriveFacts, bytes: u64) -> Result<DriveFacts, RescanError> {
    let back = rescan(&folder.machine(), before, bytes, Duration::ZERO);
    back.map(|(drive, _)| drive)
}

/// What was ordered: rescan, delete, scan.
fn orders(folder: &Folder, dir: &str) -> [String; 3] {
    let read = |path: String| std::fs::read_to_string(folder.path(&path)).unwrap();
    [
        read(format!("{dir}/device/rescan")),
        read(format!("{dir}/device/delete")),
        read("sys/class/scsi_host/host1/scan".into()),
    ]
    .map(|text| text.trim_end().to_owned())
}

#[test]
fn drive_that_the_kernel_sees_grown_is_asked_again_and_not_taken_away() {
    let (folder, dir, before) = machine();
    let before = DriveFacts {
        capacity_bytes: (SECTORS - 1) * 512,
        ..before
    };
    let drive = grown(&folder, &before, SECTORS * 512).unwrap();
    assert_eq!(drive.capacity_bytes, SECTORS * 512);
    assert_eq!(orders(&folder, &dir), ["1", "x", "x"]);
}

#[test]
fn drive_that_keeps_its_size_is_taken_away_and_its_host_searched() {
    let (folder, dir, before) = machine();
    let error = grown(&folder, &before, (SECTORS + 1) * 512).unwrap_err();
    assert!(matches!(error, RescanError::NotBack { .. }), "{error}");
    assert_eq!(orders(&folder, &dir), ["1", "1", "- - -"]);
}

#[test]
fn drive_in_use_is_not_taken_away() {
    let (folder, dir, before) = machine();
    let number = folder.path(&format!("{dir}/dev"));
    let number = std::fs::read_to_string(number).unwrap();
    let mount = format!("30 1 {} / /mnt rw - ext4 /dev/sda rw\n", number.trim());
    folder.write("proc/self/mountinfo", mount);
    let error = grown(&folder, &before, (SECTORS + 1) * 512).unwrap_err();
    assert!(matches!(error, RescanError::Changed(_)), "{error}");
    assert_eq!(orders(&folder, &dir), ["1", "x", "x"]);
}

#[test]
fn another_drive_in_its_place_is_not_taken_for_it() {
    let (mut folder, dir, before) = machine();
    folder.answers("sda", Script::sata("WD-0002", WWN + 1, SECTORS));
    let error = grown(&folder, &before, SECTORS * 512).unwrap_err();
    assert!(matches!(error, RescanError::NotBack { .. }), "{error}");
    // Another disk sequence is seen before anything is ordered.
    folder.write(&format!("{dir}/device/rescan"), "x");
    folder.write(&format!("{dir}/diskseq"), "8\n");
    let error = grown(&folder, &before, SECTORS * 512).unwrap_err();
    assert!(matches!(error, RescanError::Changed(_)), "{error}");
    assert_eq!(orders(&folder, &dir)[0], "x");
}

#[test]
fn drive_behind_a_bridge_is_never_rescanned() {
    let (folder, dir, before) = machine();
    let before = DriveFacts {
        transport: Transport::Usb,
        ..before
    };
    let error = grown(&folder, &before, SECTORS * 512).unwrap_err();
    assert!(matches!(error, RescanError::Kind), "{error}");
    assert_eq!(orders(&folder, &dir), ["x", "x", "x"]);
}
