//! Drives that may not be erased: status 3, the drive and the remedy named, not one byte written.

use crate::support::{Folder, Loop, ODD_BYTES, Twin, raz, text, tool, untouched, wipe};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};

const NOTHING: &str = "nothing was written to any drive";

#[test]
fn mounted_drive_is_refused_with_what_unmounts_it() {
    let mut drive = Loop::new(4 << 20);
    drive.mount();
    let unmount = format!("umount {}", drive.path);
    untouched(&[&drive], || wipe(&[&drive], &[]))
        .with_status(3)
        .telling(&[&drive.path, "mounted", &unmount, NOTHING]);
}

#[test]
fn drive_with_a_mounted_partition_is_refused() {
    let drive = Loop::partitioned(4 << 20);
    let folder = Folder::new();
    let (part, at) = (format!("{}p1", drive.path), folder.text("at"));
    tool("delpart", &[&drive.path, "1"]);
    tool("addpart", &[&drive.path, "1", "8", "4096"]);
    tool("mkfs.ext4", &["-q", "-F", &part]);
    fs::create_dir(&at).unwrap();
    tool("mount", &["-o", "ro", &part, &at]);
    let ran = untouched(&[&drive], || wipe(&[&drive], &[]));
    tool("umount", &[&at]);
    ran.with_status(3)
        .telling(&[&drive.path, "mounted", &format!("umount {part}"), NOTHING]);
}

#[test]
fn drive_mounted_where_raz_cannot_see_it_is_refused_as_busy() {
    let drive = Loop::new(4 << 20);
    let folder = Folder::new();
    tool("mkfs.ext4", &["-q", "-F", &drive.path]);
    fs::create_dir(folder.path("at")).unwrap();
    let script = r#"mount -o ro "$0" "$1" && echo mounted && read -r end"#;
    let mut elsewhere = Command::new("unshare")
        .args([
            "--mount",
            "sh",
            "-c",
            script,
            &drive.path,
            &folder.text("at"),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(elsewhere.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "mounted\n");
    let ran = untouched(&[&drive], || wipe(&[&drive], &[]));
    drop(elsewhere.stdin.take());
    elsewhere.wait().unwrap();
    ran.with_status(3)
        .telling(&[&drive.path, "busy", "close the program"]);
}

/// A journal that another file system keeps on the drive is a holder that no mount table shows.
#[test]
fn drive_that_holds_the_journal_of_another_is_refused() {
    let journal = Loop::new(8 << 20);
    let mut data = Loop::new(16 << 20);
    tool(
        "mke2fs",
        &["-q", "-F", "-b", "4096", "-O", "journal_dev", &journal.path],
    );
    let device = format!("device={}", journal.path);
    tool(
        "mkfs.ext4",
        &["-q", "-F", "-b", "4096", "-J", &device, &data.path],
    );
    let at = data.folder.path("journaled");
    fs::create_dir(&at).unwrap();
    tool("mount", &[&data.path, text(&at)]);
    let ran = untouched(&[&journal], || wipe(&[&journal], &[]));
    tool("umount", &[text(&at)]);
    ran.with_status(3).telling(&[&journal.path, "busy"]);
    data.assert_ours();
    let _ = data.mount_as_it_is();
}

#[test]
fn drive_that_another_program_holds_is_refused() {
    let drive = Loop::new(ODD_BYTES);
    let holder = fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_EXCL)
        .open(&drive.path)
        .unwrap();
    untouched(&[&drive], || wipe(&[&drive], &[]))
        .with_status(3)
        .telling(&[&drive.path, "busy", NOTHING]);
    drop(holder);
}

#[test]
fn drive_in_use_as_swap_is_refused() {
    let drive = Loop::new(4 << 20);
    tool("mkswap", &[&drive.path]);
    tool("swapon", &[&drive.path]);
    let ran = untouched(&[&drive], || wipe(&[&drive], &[]));
    tool("swapoff", &[&drive.path]);
    ran.with_status(3)
        .telling(&[&drive.path, "swap", "swapoff", NOTHING]);
}

#[test]
fn read_only_drive_is_refused() {
    let drive = Loop::read_only(ODD_BYTES);
    untouched(&[&drive], || wipe(&[&drive], &[]))
        .with_status(3)
        .telling(&[&drive.path, "read-only", "write-protect", NOTHING]);
}

#[test]
fn two_drives_that_cannot_be_told_apart_are_refused() {
    let drive = Loop::new(ODD_BYTES);
    let twin = Twin::of(&drive);
    let id = drive.id();
    untouched(&[&drive], || {
        raz(&["wipe", &drive.path, &twin.path, "--confirm", &id])
    })
    .with_status(3)
    .telling(&[
        &drive.path,
        &twin.path,
        "ambiguous identity",
        "unplug",
        NOTHING,
    ]);
}

/// Two paths to one drive, as to a dual-ported SAS disk: the kernel guards each path by itself.
#[test]
fn drive_that_is_mounted_by_another_path_is_refused() {
    let mut drive = Loop::new(4 << 20);
    drive.mount();
    let twin = Twin::of(&drive);
    let id = drive.id();
    untouched(&[&drive], || raz(&["wipe", &twin.path, "--confirm", &id]))
        .with_status(3)
        .telling(&[
            &twin.path,
            "mounted",
            &format!("umount {}", drive.path),
            NOTHING,
        ]);
}

#[test]
fn confirmation_must_fit_every_drive_and_nothing_else() {
    let (drive, other) = (Loop::new(ODD_BYTES), Loop::new(ODD_BYTES));
    let (id, other_id) = (drive.id(), other.id());
    let (a, b) = (drive.path.as_str(), other.path.as_str());
    let missing = "its id was not confirmed";
    let strange = "none of the named drives has this id";
    let part = &id[..id.len() - 1];
    let lines: [(&[&str], i32, &[&str]); 7] = [
        (&["wipe", a], 2, &["--confirm"]),
        (
            &["wipe", a, "--confirm", "wrong"],
            3,
            &[a, missing, "raz drives"],
        ),
        (&["wipe", a, "--confirm", a], 3, &[a, missing]),
        (&["wipe", a, "--confirm", part], 3, &[missing]),
        (
            &["wipe", a, "--confirm", &other_id],
            3,
            &[missing, &other_id],
        ),
        (
            &["wipe", a, "--confirm", &id, "--confirm", &other_id],
            3,
            &[&other_id, strange, NOTHING],
        ),
        (&["wipe", a, b, "--confirm", &id], 3, &[b, missing, NOTHING]),
    ];
    for (line, status, words) in lines {
        untouched(&[&drive, &other], || raz(line))
            .with_status(status)
            .telling(words);
    }
}

#[test]
fn one_refused_drive_keeps_the_others_from_being_erased() {
    let good = Loop::new(ODD_BYTES);
    let read_only = Loop::read_only(ODD_BYTES);
    let folder = Folder::new();
    let report = folder.text("out");
    untouched(&[&good, &read_only], || {
        wipe(&[&good, &read_only], &["--report", &report])
    })
    .with_status(3)
    .telling(&[&read_only.path, "read-only", NOTHING]);
    assert!(!folder.path("out").exists());

    // Also when it is the claim that is refused, after the first look.
    let busy = Loop::new(ODD_BYTES);
    let holder = fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_EXCL)
        .open(&busy.path)
        .unwrap();
    untouched(&[&good, &busy], || wipe(&[&good, &busy], &[]))
        .with_status(3)
        .telling(&[&busy.path, "busy", NOTHING]);
    drop(holder);
}

#[test]
fn flag_for_drives_over_a_network_lifts_no_other_refusal() {
    let drive = Loop::read_only(ODD_BYTES);
    untouched(&[&drive], || wipe(&[&drive], &["--networked"]))
        .with_status(3)
        .telling(&[&drive.path, "read-only", NOTHING]);
}

#[test]
fn listing_shows_the_refusal_before_anybody_tries() {
    let drive = Loop::read_only(ODD_BYTES);
    let listed = raz(&["drives", "--json", &drive.path])
        .with_status(0)
        .json();
    let refusal = listed[0]["refusals"][0].as_str().unwrap();
    assert!(refusal.starts_with("read-only; to do: "), "{refusal}");
    let ran = raz(&["drives", &drive.path]).with_status(0);
    assert!(ran.out.contains("refused: read-only; to do: "), "{ran:#?}");
    let ran = raz(&["plan", &drive.path]).with_status(0);
    assert!(ran.out.contains("refused: read-only"), "{ran:#?}");
    assert!(!ran.out.contains("overwrite"), "{ran:#?}");
}

#[test]
fn drive_without_locking_in_use_is_not_reverted_and_untouched() {
    let drive = Loop::new(4 << 20);
    let id = drive.id();
    untouched(&[&drive], || {
        raz(&["revert", &drive.path, "--confirm", &id])
    })
    .with_status(3)
    .telling(&["no TCG locking", "raz wipe", "nothing was sent"]);
    untouched(&[&drive], || {
        raz(&["revert", &drive.path, "--confirm", "another"])
    })
    .with_status(3)
    .telling(&["its id was not confirmed"]);
}

#[test]
fn drive_that_linux_drives_is_not_reformatted_and_untouched() {
    let drive = Loop::new(4 << 20);
    let id = drive.id();
    untouched(&[&drive], || {
        raz(&["reformat", &drive.path, "--confirm", &id])
    })
    .with_status(3)
    .telling(&["as Linux drives it", "raz wipe", "nothing was sent"]);
    untouched(&[&drive], || {
        raz(&["reformat", &drive.path, "--confirm", "another"])
    })
    .with_status(3)
    .telling(&["its id was not confirmed"]);
}
