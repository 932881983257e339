//! Drives that do not answer.

use crate::support::folder::Folder;
use crate::support::script::Script;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const WWN: u64 = 0x5000_0000_0000_0001;

#[test]
fn drive_that_never_answers_costs_its_own_answers_only() {
    let gate = Arc::new(Mutex::new(()));
    let mut folder = Folder::new();
    folder.sata(
        "sda",
        1,
        8192,
        Script::sata("SICK", WWN, 8192).gate(Arc::clone(&gate)),
    );
    folder.sata("sdb", 2, 8192, Script::sata("WELL", WWN + 1, 8192));
    // The sick drive's thread waits until the test is over.
    let held = gate.lock().unwrap();
    folder.patience = Duration::from_secs(2);
    let drives = folder.drives();
    drop(held);
    assert_eq!(drives.len(), 2);
    assert_eq!(drives[0].capacity_bytes, 8192 * 512);
    assert!(drives[0].identity.is_path_only());
    assert_eq!(
        drives[0].silent.as_deref(),
        Some("did not answer identify within 2 s")
    );
    assert!(
        drives[0]
            .oddities
            .contains(&"did not answer identify within 2 s".to_owned()),
        "{:?}",
        drives[0].oddities
    );
    assert_eq!(drives[1].identity.serial.as_deref(), Some("WELL"));
    assert_eq!(drives[1].silent, None);
    assert_eq!(drives[1].oddities, Vec::<String>::new());
}

#[test]
fn drive_that_times_out_once_is_not_asked_again() {
    // DID_TIME_OUT.
    let script = Script::sata("S1", WWN, 8192).host_status(&[0x12, 0], 0x03);
    let asked = script.asked.clone();
    let mut folder = Folder::new();
    folder.sata("sda", 1, 8192, script);
    let drive = folder.drive();
    assert_eq!(asked.lock().unwrap().len(), 1);
    assert!(
        drive.oddities.iter().any(|o| o.contains("no answer")),
        "{:?}",
        drive.oddities
    );
}

#[test]
fn node_that_cannot_be_opened_is_listed_from_sysfs() {
    let mut folder = Folder::new();
    folder.block("pci0000:00/0000:00:04.0/virtio2/block/vdb", 4096);
    let drive = folder.drive();
    assert_eq!(drive.capacity_bytes, 4096 * 512);
    assert!(
        drive
            .oddities
            .iter()
            .any(|o| o.starts_with("cannot be asked")),
        "{:?}",
        drive.oddities
    );
}

#[test]
fn claim_by_sysfs_alone_is_refused() {
    let mut folder = Folder::new();
    folder.sata("sda", 1, 8192, Script::new());
    let machine = folder.machine();
    let port = (machine.opener)(&folder.path("dev/sda")).unwrap();
    let error = machine.drive("sda", port).unwrap_err();
    assert_eq!(
        error.to_string(),
        "it does not say who it is: INQUIRY: refused with sense 5/20/00"
    );
}
