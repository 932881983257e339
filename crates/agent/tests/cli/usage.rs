//! Command lines that cannot be followed: status 2, a sentence, nothing written.

use crate::support::{Folder, Loop, ODD_BYTES, ran, raz, text, tool, untouched, wipe};
use std::fs;
use std::process::Command;

#[test]
fn bad_command_lines_end_with_status_two_and_say_how_it_is_done() {
    let lines: [&[&str]; 12] = [
        &[],
        &["erase"],
        &["wipe"],
        &["wipe", "/dev/null"],
        &["wipe", "--confirm", "x"],
        &["wipe", "/dev/null", "--confirm"],
        &["wipe", "/dev/null", "--confirm", "x", "--verify", "some"],
        &["wipe", "/dev/null", "--confirm", "x", "--then-zeros"],
        &["wip", "/dev/null", "--confirm", "x"],
        &["drives", "--jsn"],
        &["verify", "/dev/null"],
        &["report"],
    ];
    for line in lines {
        let ran = raz(line).with_status(2);
        let helps = ran.err.contains("Usage: raz") || ran.err.contains("try '--help'");
        assert!(helps, "{line:?}: {ran:#?}");
    }
}

#[test]
fn help_teaches_the_exit_status_and_the_confirmation() {
    let ran = raz(&["wipe", "--help"]).with_status(0);
    for word in [
        "--confirm",
        "raz drives",
        "0  all that was asked is proven",
        "3  refused for safety, nothing was written",
    ] {
        assert!(ran.out.contains(word), "{word}: {}", ran.out);
    }
}

#[test]
fn what_is_no_whole_drive_is_named_with_the_reason() {
    let folder = Folder::new();
    let file = folder.text("file");
    fs::write(&file, "x").unwrap();
    let cases = [
        ("/dev/no-such-drive", "/dev/no-such-drive: no such drive"),
        (file.as_str(), "not a block device"),
        ("/dev/null", "/dev/null: not a block device"),
        ("/", "not a block device"),
        (
            "sdzz",
            "sdzz: no drive has this id; `raz drives` lists ids and paths",
        ),
        ("", "no drive has this id"),
    ];
    for (name, words) in cases {
        raz(&["wipe", name, "--confirm", "x"])
            .with_status(2)
            .telling(&[words]);
        raz(&["drives", name]).with_status(2).telling(&[words]);
        raz(&["plan", name, "--json"])
            .with_status(2)
            .telling(&[words]);
    }
    assert_eq!(fs::read(&file).unwrap(), b"x");
}

#[test]
fn partition_is_refused_in_favour_of_its_drive() {
    let drive = Loop::partitioned(ODD_BYTES);
    let part = format!("{}p1", drive.path);
    let id = drive.id();
    untouched(&[&drive], || raz(&["wipe", &part, "--confirm", &id]))
        .with_status(2)
        .telling(&[
            &part,
            "a partition of",
            drive.name(),
            "name the whole drive",
        ]);
}

#[test]
fn same_drive_by_two_names_is_refused() {
    let drive = Loop::new(ODD_BYTES);
    let id = drive.id();
    let link = drive.folder.text("link");
    std::os::unix::fs::symlink(&drive.path, &link).unwrap();
    let dotted = format!("/dev/../dev/{}", drive.name());
    for other in [&link, &dotted, &drive.path] {
        untouched(&[&drive], || {
            raz(&["wipe", &drive.path, other, "--confirm", &id])
        })
        .with_status(2)
        .telling(&["the same drive", &drive.path, other, "name it once"]);
    }
}

#[test]
fn folder_that_holds_a_report_or_a_part_of_one_is_not_used_again() {
    let drive = Loop::new(ODD_BYTES);
    for name in ["report.json", "report.json.sig", "allowed_signers"] {
        let folder = Folder::new();
        let report = folder.path("out");
        fs::create_dir(&report).unwrap();
        fs::write(report.join(name), "mine").unwrap();
        untouched(&[&drive], || {
            wipe(&[&drive], &["--report", &folder.text("out")])
        })
        .with_status(2)
        .telling(&[&folder.text("out"), "holds a report already", name]);
        assert_eq!(fs::read_dir(&report).unwrap().count(), 1);
        assert_eq!(fs::read(report.join(name)).unwrap(), b"mine");
    }
}

#[test]
fn folder_that_cannot_take_a_report_stops_the_run_before_it_begins() {
    let drive = Loop::new(ODD_BYTES);
    let folder = Folder::new();
    fs::write(folder.path("file"), "x").unwrap();
    untouched(&[&drive], || {
        wipe(&[&drive], &["--report", &folder.text("file/out")])
    })
    .with_status(2)
    .telling(&["file/out"]);
}

#[test]
fn folder_of_a_run_under_way_is_not_taken() {
    let drive = Loop::new(ODD_BYTES);
    let folder = Folder::new();
    let report = folder.path("out");
    fs::create_dir(&report).unwrap();
    let other_run = fs::File::open(&report).unwrap();
    other_run.lock().unwrap();
    untouched(&[&drive], || {
        wipe(&[&drive], &["--report", &folder.text("out")])
    })
    .with_status(2)
    .telling(&["taken by another run"]);
}

#[test]
fn key_that_is_missing_or_no_key_stops_the_run_before_it_begins() {
    let drive = Loop::new(ODD_BYTES);
    let folder = Folder::new();
    let (missing, wrong) = (folder.text("missing"), folder.text("wrong"));
    fs::write(&wrong, "not a key").unwrap();
    for key in [&missing, &wrong] {
        let report = folder.text("out");
        untouched(&[&drive], || {
            wipe(&[&drive], &["--key", key, "--report", &report])
        })
        .with_status(2)
        .telling(&[key]);
        assert!(!folder.path("out").exists());
    }
}

#[test]
fn key_of_another_kind_is_refused_by_name() {
    let drive = Loop::new(ODD_BYTES);
    let folder = Folder::new();
    let key = folder.text("rsa");
    tool("ssh-keygen", &["-q", "-t", "ecdsa", "-N", "", "-f", &key]);
    untouched(&[&drive], || wipe(&[&drive], &["--key", &key]))
        .with_status(2)
        .telling(&[&key]);
}

/// The kernel lets a mounted drive be written through a loop device over it.
#[test]
fn loop_device_over_a_drive_is_no_way_around_its_refusals() {
    let mut drive = Loop::new(4 << 20);
    drive.mount();
    let above = tool("losetup", &["--find", "--show", &drive.path]);
    let above = above.trim();
    let ran = untouched(&[&drive], || raz(&["wipe", above, "--confirm", "x"]));
    tool("losetup", &["-d", above]);
    ran.with_status(2)
        .telling(&[above, "a loop device over", &drive.path, "name that drive"]);
}

#[test]
fn without_root_the_way_out_is_named() {
    let drive = Loop::new(ODD_BYTES);
    let id = drive.id();
    let folder = Folder::new();
    // Where everybody may read it.
    let binary = folder.text("raz");
    fs::copy(env!("CARGO_BIN_EXE_raz"), &binary).unwrap();
    tool("chmod", &["755", &binary, text(&folder.path(""))]);
    let line = ["--reuid=65534", "--regid=65534", "--clear-groups", &binary];
    let nobody = |arguments: &[&str]| ran(Command::new("setpriv").args(line).args(arguments));
    untouched(&[&drive], || {
        nobody(&["wipe", &drive.path, "--confirm", &id])
    })
    .with_status(3)
    .telling(&["not running as root", &drive.path]);
    nobody(&["drives"]).with_status(0).telling(&["sudo"]);
}
