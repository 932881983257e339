//! Which block devices are drives.

use crate::support::folder::Folder;
use crate::support::script::Script;
use drive::discover::ResolveError;
use drive::facts::{HiddenCapacity, Transport};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

fn names(folder: &Folder, loops: &[String]) -> Vec<String> {
    let drives = folder.machine().drives(loops);
    drives.into_iter().map(|drive| drive.name).collect()
}

#[test]
fn what_is_no_drive_is_not_listed() {
    let mut folder = Folder::new();
    for place in [
        "virtual/block/ram0",
        "virtual/block/zram0",
        "virtual/block/dm-0",
        "virtual/block/md127",
        "virtual/block/nullb0",
        "pci0000:00/0000:00:1f.2/ata2/host1/target1:0:0/1:0:0:0/block/sr0",
        "platform/floppy.0/block/fd0",
        "pci0000:00/0000:00:1f.5/spi_master/spi0/spi0.0/mtd/mtd0/mtdblock0",
    ] {
        folder.block(place, 1024);
    }
    assert_eq!(names(&folder, &[]), Vec::<String>::new());
}

#[test]
fn network_block_devices_are_listed_as_networked_when_attached() {
    let mut folder = Folder::new();
    folder.block("virtual/block/nbd0", 1024);
    folder.block("virtual/block/nbd1", 0);
    folder.block("rbd/0/block/rbd0", 1024);
    let drives = folder.drives();
    let found: Vec<(&str, Transport)> = drives
        .iter()
        .map(|d| (d.name.as_str(), d.transport))
        .collect();
    assert_eq!(
        found,
        [("nbd0", Transport::Network), ("rbd0", Transport::Network)]
    );
}

#[test]
fn virtio_disk_has_the_serial_of_its_host() {
    let mut folder = Folder::new();
    let place = "pci0000:00/0000:00:04.0/virtio2/block/vdb";
    folder.block(place, 4096);
    folder.attributes(place, "serial = RAZ-VIRTIO-1");
    folder.answers("vdb", Script::new());
    let drive = folder.drive();
    assert_eq!(drive.transport, Transport::Virtio);
    assert_eq!(drive.identity.serial.as_deref(), Some("RAZ-VIRTIO-1"));
    assert_eq!(drive.hidden, HiddenCapacity::NotApplicable);
    assert_eq!(drive.bus_path, "pci0000:00/0000:00:04.0/virtio2");
    assert_eq!(drive.oddities, Vec::<String>::new());
}

#[test]
fn disk_of_an_unknown_driver_is_listed_with_its_name() {
    let mut folder = Folder::new();
    let place = "vbd-51712/block/xvda";
    folder.block(place, 4096);
    folder.attributes("vbd-51712", "devtype = vbd");
    folder.link(
        "sys/devices/vbd-51712/block/xvda/device",
        "sys/devices/vbd-51712",
    );
    folder.attributes("bus/drivers/vbd", "uevent = x");
    folder.link(
        "sys/devices/vbd-51712/driver",
        "sys/devices/bus/drivers/vbd",
    );
    folder.answers("xvda", Script::new());
    let drive = folder.drive();
    assert_eq!(drive.transport, Transport::Other);
    assert!(drive.identity.is_path_only());
    assert!(
        drive
            .oddities
            .iter()
            .any(|o| o.contains("kernel driver vbd")),
        "{:?}",
        drive.oddities
    );
}

#[test]
fn loop_is_a_drive_when_it_is_named_and_its_file_is_there() {
    let mut folder = Folder::new();
    let file = folder.path("backing.img");
    fs::write(&file, [0; 8192]).unwrap();
    for (name, backing) in [
        ("loop0", Some(file.display().to_string())),
        ("loop1", Some(format!("{} (deleted)", file.display()))),
        ("loop2", None),
    ] {
        let place = format!("virtual/block/{name}");
        folder.block(&place, 16);
        if let Some(backing) = backing {
            folder.attributes(
                &place,
                &format!("loop/backing_file = {backing}\nloop/offset = 512"),
            );
        }
        folder.answers(name, Script::new());
    }
    assert_eq!(names(&folder, &[]), Vec::<String>::new());
    let named: Vec<String> = ["loop0", "loop1", "loop2", "loop9"]
        .map(String::from)
        .into();
    let drives = folder.machine().drives(&named);
    assert_eq!(drives.len(), 2, "{drives:#?}");
    let data = fs::metadata(&file).unwrap();
    let expected = format!("file-{}-{}-512", data.dev(), data.ino());
    assert_eq!(drives[0].identity.world_wide, Some(expected));
    assert!(drives[1].identity.is_path_only());
    assert_eq!(drives[1].bus_path, "virtual/block/loop1");
}

#[test]
fn drive_of_no_capacity_is_listed_as_a_finding() {
    let mut folder = Folder::new();
    folder.sata("sda", 1, 0, Script::new());
    assert_eq!(folder.drive().capacity_bytes, 0);
}

#[test]
fn path_that_is_no_drive_is_named_in_the_error() {
    let mut folder = Folder::new();
    folder.sata("sda", 1, 1024, Script::new());
    let machine = folder.machine();
    let missing = machine.resolve(Path::new("/nonexistent/sdq")).unwrap_err();
    assert!(matches!(missing, ResolveError::Missing { .. }));
    assert_eq!(missing.to_string(), "/nonexistent/sdq: no such drive");
    // A plain file in the place of a node, as in this folder.
    let file = machine.resolve(&folder.path("dev/sda")).unwrap_err();
    assert!(matches!(file, ResolveError::NotBlock { .. }), "{file}");
}
