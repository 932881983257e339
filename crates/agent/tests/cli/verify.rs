//! `raz verify`: what a signed report says of a drive, held against the drive itself.

use crate::support::{Folder, Loop, ODD_BYTES, Ran, raz, tool, wipe};
use std::fs;

struct Wiped {
    drive: Loop,
    folder: Folder,
}

impl Wiped {
    fn new() -> Self {
        let drive = Loop::new(ODD_BYTES);
        let folder = Folder::new();
        raz(&["key", "new", &folder.text("station")]).with_status(0);
        let (key, out) = (folder.text("station"), folder.text("out"));
        wipe(&[&drive], &["--key", &key, "--report", &out]).with_status(0);
        Self { drive, folder }
    }

    fn report(&self) -> String {
        self.folder.text("out/report.json")
    }

    fn verify(&self) -> Ran {
        raz(&["verify", &self.drive.path, "--report", &self.report()])
    }
}

#[test]
fn drive_as_the_report_left_it_is_verified_and_not_written() {
    let wiped = Wiped::new();
    let before = wiped.drive.digest();
    let ran = wiped.verify().with_status(0);
    let counted = format!("{ODD_BYTES} bytes read");
    assert!(ran.out.contains("verified: every byte"), "{ran:#?}");
    assert!(ran.out.contains(&counted), "{ran:#?}");
    assert_eq!(wiped.drive.digest(), before);
}

#[test]
fn report_alone_verifies_on_a_host_that_was_given_the_key() {
    let wiped = Wiped::new();
    let trusted = wiped.folder.text("trusted");
    let came_with_it = wiped.folder.text("out/allowed_signers");
    fs::rename(&came_with_it, &trusted).unwrap();
    wiped.verify().with_status(3).telling(&["allowed_signers"]);
    raz(&[
        "verify",
        &wiped.drive.path,
        "--report",
        &wiped.report(),
        "--allowed-signers",
        &trusted,
    ])
    .with_status(0);
}

#[test]
fn one_byte_changed_after_the_wipe_is_found_with_its_offset() {
    for offset in [0, 1_234_567, ODD_BYTES - 1] {
        let wiped = Wiped::new();
        wiped.drive.flip_byte(offset);
        let ran = wiped.verify().with_status(1);
        let named = format!("at byte {offset}");
        assert!(ran.out.contains("differs from the report"), "{ran:#?}");
        assert!(ran.out.contains(&named), "{named}: {ran:#?}");
        assert!(!ran.out.contains("verified"), "{ran:#?}");
    }
}

#[test]
fn report_with_one_changed_byte_is_refused() {
    let wiped = Wiped::new();
    let bytes = fs::read(wiped.report()).unwrap();
    for at in [0, bytes.len() / 3, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[at] ^= 0x20;
        fs::write(wiped.report(), changed).unwrap();
        wiped.verify().with_status(3).telling(&["refused"]);
    }
}

#[test]
fn signature_for_another_purpose_is_refused() {
    let wiped = Wiped::new();
    let (key, report) = (wiped.folder.text("station"), wiped.report());
    fs::remove_file(format!("{report}.sig")).unwrap();
    tool(
        "ssh-keygen",
        &[
            "-q",
            "-Y",
            "sign",
            "-f",
            &key,
            "-n",
            "raz-request@v1",
            &report,
        ],
    );
    wiped
        .verify()
        .with_status(3)
        .telling(&["refused", "signature"]);
}

#[test]
fn signer_that_is_not_on_the_list_is_refused_by_fingerprint() {
    let wiped = Wiped::new();
    let (key, report) = (wiped.folder.text("stranger"), wiped.report());
    raz(&["key", "new", &key]).with_status(0);
    fs::remove_file(format!("{report}.sig")).unwrap();
    tool(
        "ssh-keygen",
        &[
            "-q",
            "-Y",
            "sign",
            "-f",
            &key,
            "-n",
            "raz-report@v1",
            &report,
        ],
    );
    let shown = tool("ssh-keygen", &["-l", "-f", &format!("{key}.pub")]);
    let fingerprint = shown.split_whitespace().nth(1).unwrap();
    wiped
        .verify()
        .with_status(3)
        .telling(&["refused", fingerprint, "does not allow"]);
    raz(&["report", "verify", &report])
        .with_status(1)
        .telling(&[fingerprint]);
}

#[test]
fn report_of_another_drive_is_refused() {
    let wiped = Wiped::new();
    let other = Loop::new(ODD_BYTES);
    raz(&["verify", &other.path, "--report", &wiped.report()])
        .with_status(3)
        .telling(&[&other.path, "refused", "identifies as"]);
}

#[test]
fn drive_of_another_size_is_refused() {
    let wiped = Wiped::new();
    let file = fs::OpenOptions::new()
        .write(true)
        .open(wiped.drive.file())
        .unwrap();
    file.set_len(ODD_BYTES + 4096).unwrap();
    tool("losetup", &["--set-capacity", &wiped.drive.path]);
    wiped
        .verify()
        .with_status(3)
        .telling(&[&wiped.drive.path, "the report says"]);
}

#[test]
fn missing_report_and_missing_drive_are_bad_command_lines() {
    let wiped = Wiped::new();
    let nowhere = wiped.folder.text("nowhere.json");
    raz(&["verify", &wiped.drive.path, "--report", &nowhere])
        .with_status(2)
        .telling(&[&nowhere]);
    raz(&["verify", "/dev/no-such-drive", "--report", &wiped.report()])
        .with_status(2)
        .telling(&["/dev/no-such-drive"]);
}

#[test]
fn what_was_not_checked_at_the_time_stays_unproven() {
    let drive = Loop::new(ODD_BYTES);
    let folder = Folder::new();
    let out = folder.text("out");
    wipe(&[&drive], &["--verify", "none", "--report", &out]).with_status(1);
    let report = folder.text("out/report.json");
    let ran = raz(&["verify", &drive.path, "--report", &report]).with_status(1);
    assert!(
        ran.out
            .contains("the report itself says: written, not checked"),
        "{ran:#?}"
    );
}
