//! Outputs that nobody reads, or that cannot be written: no panic, and no report lost.

use crate::support::{Folder, Loop, ODD_BYTES, command, ran, raz, text, wipe_arguments};
use std::fs::{self, OpenOptions};
use std::process::Stdio;

const PANIC_STATUS: i32 = 101;

/// The writing end of a pipe whose reader has left.
fn broken_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn full() -> Stdio {
    OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap()
        .into()
}

#[test]
fn reader_that_left_is_no_fault() {
    for line in [
        &["drives"][..],
        &["drives", "--json"],
        &["machine"],
        &["grade"],
        &["report", "schema"],
    ] {
        let both = command(line)
            .stdout(broken_pipe())
            .stderr(broken_pipe())
            .status()
            .unwrap();
        assert_eq!(both.code(), Some(0), "{line:?}");
    }
    let help = command(&["--help"]).stdout(broken_pipe()).status().unwrap();
    assert_ne!(help.code(), Some(PANIC_STATUS));
    let wrong = command(&["wipe", "/dev/null", "--confirm", "x"])
        .stderr(broken_pipe())
        .status()
        .unwrap();
    assert_eq!(wrong.code(), Some(2));
}

#[test]
fn output_that_cannot_be_written_is_told_by_status_one() {
    let ran = ran(command(&["report", "schema"]).stdout(full()));
    assert_eq!(ran.status, 1, "{ran:#?}");
    assert!(ran.err.contains("standard output"), "{ran:#?}");
    let silent = command(&["drives", "/dev/null"])
        .stderr(full())
        .status()
        .unwrap();
    assert_eq!(silent.code(), Some(2));
}

#[test]
fn wipe_whose_reader_left_ends_with_its_report() {
    let drive = Loop::new(ODD_BYTES);
    let folder = Folder::new();
    let out = folder.text("out");
    let line = wipe_arguments(&[&drive], &["--report", &out]);
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    let status = command(&line)
        .stdout(broken_pipe())
        .stderr(broken_pipe())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    raz(&["report", "verify", &out]).with_status(0);
    raz(&[
        "verify",
        &drive.path,
        "--report",
        &folder.text("out/report.json"),
    ])
    .with_status(0);
}

#[test]
fn wipe_with_closed_outputs_ends_with_its_report() {
    let drive = Loop::new(ODD_BYTES);
    let folder = Folder::new();
    let out = folder.text("out");
    let mut line = wipe_arguments(&[&drive], &["--report", &out]);
    line.insert(0, env!("CARGO_BIN_EXE_raz").into());
    let status = std::process::Command::new("sh")
        .args(["-c", r#"exec "$@" >&- 2>&- <&-"#, "sh"])
        .args(&line)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    raz(&["report", "verify", &out]).with_status(0);
}

#[test]
fn report_that_cannot_be_kept_is_printed_and_the_status_says_so() {
    let drive = Loop::new(ODD_BYTES);
    let folder = Folder::new();
    // Room for a probe, none for a report.
    let disk = folder.path("full");
    fs::create_dir(&disk).unwrap();
    crate::support::tool(
        "mount",
        &["-t", "tmpfs", "-o", "size=8k", "raz-test", text(&disk)],
    );
    fs::write(disk.join("ballast"), [1; 4096]).unwrap();
    let line = wipe_arguments(&[&drive], &["--report", text(&disk)]);
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    let ran = raz(&line);
    crate::support::tool("umount", &[text(&disk)]);
    let ran = ran
        .with_status(1)
        .telling(&["THE REPORT IS NOT IN", "BEGIN SSH SIGNATURE"]);
    let report = ran.json();
    assert_eq!(report["drives"][0]["erasure"]["outcome"], "verified");
}
