//! Drives that do not answer.

use crate::support::folder::Folder;
use crate::support::script::Script;
use drive::facts::{DriveFacts, Silence};
use drive::medium::Own;
use drive::port::{AdminCommand, AdminReply, Data, Port, ScsiReply};
use drive::refusal::{PlanKind, Refusal, refusals};
use std::io;
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
        drives[0].silent,
        Some(Silence::NoAnswer(
            "did not answer identify within 2 s".into()
        ))
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
fn drive_that_may_not_be_opened_is_told_from_one_that_does_not_answer() {
    let (eperm, enxio, eacces) = (1, 6, 13);
    let mut folder = Folder::new();
    folder.sata("sda", 1, 8192, Script::sata("S1", WWN, 8192));
    for (error, expected) in [
        (eperm, "access denied"),
        (eacces, "access denied"),
        (enxio, "not opened"),
    ] {
        let mut machine = folder.machine();
        machine.opener = Arc::new(move |_| Err(io::Error::from_raw_os_error(error)));
        refused_only_as(expected, &machine.drives(&[])[0]);
    }
    // Opened, but not asked: a user of the group `disk`.
    let mut machine = folder.machine();
    machine.opener = Arc::new(|_| Ok(Box::new(Forbidding)));
    refused_only_as("access denied", &machine.drives(&[])[0]);
}

/// A drive's remedy is not to destroy it when nothing is known against it.
fn refused_only_as(expected: &str, drive: &DriveFacts) {
    let found = refusals(
        drive,
        std::slice::from_ref(drive),
        Own::No,
        &[],
        PlanKind::default(),
    );
    let names: Vec<&str> = found.iter().map(Refusal::name).collect();
    assert_eq!(names, [expected]);
    let remedy = found[0].remedy();
    assert!(!remedy.contains("destroy"), "{remedy}");
    assert_eq!(remedy.contains("root"), expected == "access denied");
}

/// Carries no command for this program.
struct Forbidding;

impl Port for Forbidding {
    fn scsi(&self, _: &[u8], _: Data<'_>, _: Duration) -> io::Result<ScsiReply> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
    fn nvme_admin(&self, _: &AdminCommand, _: Data<'_>, _: Duration) -> io::Result<AdminReply> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
    fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
    fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
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
