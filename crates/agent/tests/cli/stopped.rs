//! Runs that are told to end: an honest report, no hang.

use crate::support::{Folder, Loop, command, raz, wipe_arguments};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use report::schema::{OutcomeWord, Report};
use std::fs;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::process::{Child, Stdio};

/// Far more than is written before the signal arrives, and not one block of it allocated.
const SPARSE_BYTES: u64 = 64 << 30;

/// Waits until the first bytes have reached the backing file.
fn until_written(drive: &Loop, child: &mut Child) {
    while fs::metadata(drive.file()).unwrap().blocks() == 0 {
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "it ended before it wrote: {ended:?}");
        std::thread::yield_now();
    }
}

fn stopped_by(signal: Signal) {
    let drive = Loop::sparse(SPARSE_BYTES);
    let folder = Folder::new();
    let out = folder.text("out");
    let line = wipe_arguments(&[&drive], &["--report", &out]);
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    let mut child = command(&line)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until_written(&drive, &mut child);
    kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(
        said.contains("not complete: stopped by the operator"),
        "{said}"
    );
    assert!(said.contains(&drive.path), "{said}");

    raz(&["report", "verify", &out]).with_status(0);
    let json = fs::read(folder.path("out/report.json")).unwrap();
    let report: Report = serde_json::from_slice(&json).unwrap();
    let erasure = report.drives[0].erasure.as_ref().unwrap();
    assert_eq!(erasure.outcome, OutcomeWord::NotComplete);
    assert_eq!(erasure.shortfalls, ["stopped by the operator"]);
    let written = erasure.passes[0].written_bytes;
    assert!(written > 0 && written < SPARSE_BYTES, "{written}");
    assert!(!erasure.passes[0].flushed);
    let text = String::from_utf8(json).unwrap();
    assert!(!text.contains("erased and verified"));

    // The drive is let go of: anybody may hold it again.
    fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_EXCL)
        .open(&drive.path)
        .unwrap();
}

#[test]
fn interrupt_in_mid_wipe_ends_in_an_honest_report() {
    stopped_by(Signal::SIGINT);
}

#[test]
fn terminal_that_hangs_up_in_mid_wipe_ends_in_an_honest_report() {
    stopped_by(Signal::SIGHUP);
}

#[test]
fn two_drives_stopped_at_once_are_both_reported() {
    let drives = [Loop::sparse(SPARSE_BYTES), Loop::sparse(SPARSE_BYTES)];
    let folder = Folder::new();
    let out = folder.text("out");
    let line = wipe_arguments(&[&drives[0], &drives[1]], &["--report", &out]);
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    let mut child = command(&line)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for drive in &drives {
        until_written(drive, &mut child);
    }
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let json = fs::read(folder.path("out/report.json")).unwrap();
    let report: Report = serde_json::from_slice(&json).unwrap();
    assert_eq!(report.drives.len(), 2);
    for drive in &report.drives {
        let erasure = drive.erasure.as_ref().unwrap();
        assert_eq!(erasure.outcome, OutcomeWord::NotComplete);
    }
}

#[test]
fn drive_under_erasure_is_not_erased_by_a_second_run() {
    let drive = Loop::sparse(SPARSE_BYTES);
    let line = wipe_arguments(&[&drive], &[]);
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    let mut first = command(&line)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until_written(&drive, &mut first);
    let second = raz(&line);
    kill(Pid::from_raw(first.id().cast_signed()), Signal::SIGINT).unwrap();
    assert_eq!(first.wait().unwrap().code(), Some(1));
    second
        .with_status(3)
        .telling(&[&drive.path, "busy", "nothing was written"]);
}
