//! Real I/O errors: a backing file that cannot grow, or that has shrunk.

use crate::support::{Folder, Loop, ODD_BYTES, command, raz, text, tool, wipe};
use report::schema::{OutcomeWord, Report};
use std::fs;
use std::process::Command;

/// A loop device over a sparse file on a file system that is too small for it: what does not fit
/// fails to be written.
struct Cramped {
    folder: Folder,
    path: String,
}

const CRAMPED_BYTES: u64 = 8 << 20;

impl Cramped {
    fn new() -> Self {
        let folder = Folder::new();
        let disk = folder.path("small");
        fs::create_dir(&disk).unwrap();
        tool(
            "mount",
            &["-t", "tmpfs", "-o", "size=4m", "raz-test", text(&disk)],
        );
        let file = folder.path("small/backing.img");
        fs::File::create(&file)
            .unwrap()
            .set_len(CRAMPED_BYTES)
            .unwrap();
        let path = tool("losetup", &["--find", "--show", text(&file)]);
        let path = path.trim().to_owned();
        let shown = format!(
            "/sys/block/{}/loop/backing_file",
            path.strip_prefix("/dev/").unwrap()
        );
        let backing = fs::read_to_string(shown).unwrap();
        assert_eq!(backing.trim_end(), text(&file));
        Self { folder, path }
    }
}

impl Drop for Cramped {
    fn drop(&mut self) {
        let _ = Command::new("losetup").args(["-d", &self.path]).status();
        let _ = Command::new("umount")
            .arg(self.folder.path("small"))
            .status();
    }
}

#[test]
fn drive_that_cannot_be_written_is_not_complete_beside_a_neighbour_that_is() {
    let bad = Cramped::new();
    let good = Loop::new(ODD_BYTES);
    let folder = Folder::new();
    let out = folder.text("out");
    let listed = raz(&["drives", "--json", &bad.path]).with_status(0).json();
    let bad_id = listed[0]["id"].as_str().unwrap().to_owned();
    good.assert_ours();
    let ran = raz(&[
        "wipe",
        &bad.path,
        &good.path,
        "--confirm",
        &bad_id,
        "--confirm",
        &good.id(),
        "--report",
        &out,
    ])
    .with_status(1)
    .telling(&[
        &bad.path,
        "not complete",
        "could not be written",
        &good.path,
        "erased and verified",
    ]);
    assert!(ran.out.contains("NOT SANITIZED"), "{ran:#?}");

    let json = fs::read(folder.path("out/report.json")).unwrap();
    let report: Report = serde_json::from_slice(&json).unwrap();
    let of = |path: &str| {
        let drive = report.drives.iter().find(|drive| drive.path == path);
        drive.unwrap().erasure.as_ref().unwrap()
    };
    let erasure = of(&bad.path);
    assert_eq!(erasure.outcome, OutcomeWord::NotComplete);
    let pass = &erasure.passes[0];
    assert!(pass.write_errors.bytes > 0 && pass.written_bytes > 0);
    assert_eq!(pass.write_errors.bytes + pass.written_bytes, CRAMPED_BYTES);
    assert_eq!(of(&good.path).outcome, OutcomeWord::Verified);

    // Nor does the report pass for a proof later.
    let file = folder.text("out/report.json");
    raz(&["verify", &bad.path, "--report", &file]).with_status(1);
    raz(&["verify", &good.path, "--report", &file]).with_status(0);
}

#[test]
fn drive_that_cannot_be_read_back_is_not_verified() {
    let drive = Loop::new(ODD_BYTES);
    let folder = Folder::new();
    let out = folder.text("out");
    wipe(&[&drive], &["--report", &out]).with_status(0);
    // The device keeps its size, the file behind it ends early.
    let file = fs::OpenOptions::new()
        .write(true)
        .open(drive.file())
        .unwrap();
    file.set_len(1 << 20).unwrap();
    let report = folder.text("out/report.json");
    let output = command(&["verify", &drive.path, "--report", &report])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("could not be read back"), "{said}");
    assert!(!said.contains("verified"), "{said}");
}
