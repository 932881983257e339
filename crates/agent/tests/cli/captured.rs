//! `raz capture`, and `raz plan` of what it wrote.

use crate::support::{Folder, Loop, ODD_BYTES, raz, text, untouched};
use std::fs;
use std::os::unix::fs::PermissionsExt;

const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures");

#[test]
fn capture_is_private_names_its_secret_and_holds_no_byte_of_the_medium() {
    let mut drive = Loop::new(ODD_BYTES);
    let folder = Folder::new();
    let file = folder.text("loop.json");
    // Mounted, so refused: it can be recorded all the same.
    drive.mount();
    untouched(&[&drive], || {
        raz(&["capture", &drive.path, "--output", &file])
    })
    .with_status(0)
    .telling(&[&file, "serial number"]);
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let document = fs::read_to_string(&file).unwrap();
    let backing = drive.file();
    for secret in ["letter", text(&backing), "mounted"] {
        assert!(!document.contains(secret), "{secret}: {document}");
    }

    let ran = raz(&["plan", "--capture", &file]).with_status(0);
    for word in [&file, "recorded by raz", &drive.path, "level Clear"] {
        assert!(ran.out.contains(word), "{word}: {ran:#?}");
    }
}

#[test]
fn existing_file_is_not_replaced_by_a_capture() {
    let drive = Loop::new(ODD_BYTES);
    let folder = Folder::new();
    let file = folder.text("kept");
    fs::write(&file, "kept").unwrap();
    raz(&["capture", &drive.path, "--output", &file])
        .with_status(2)
        .telling(&[&file, "exists already and is not replaced"]);
    assert_eq!(fs::read(&file).unwrap(), b"kept");
    let none = folder.path("none");
    raz(&["capture", "/dev/no-such-drive", "--output", text(&none)])
        .with_status(2)
        .telling(&["/dev/no-such-drive: no such drive"]);
    assert!(!none.exists());
}

#[test]
fn plans_of_captures_are_shown_for_the_level_that_is_asked_for() {
    let ssd = format!("{CAPTURES}/sata-ssd-sanitize.json");
    let locked = format!("{CAPTURES}/sata-hdd-locked.json");
    let line = ["plan", "--capture", &ssd, "--capture", &locked];
    let clear = raz(&line).with_status(0).out;
    assert!(clear.contains("level Clear"), "{clear}");
    assert!(!clear.contains("first"), "{clear}");
    assert!(clear.contains("refused: locked"), "{clear}");
    let purge = raz(&[&line[..], &["--level", "purge"]].concat());
    let purge = purge.with_status(0).out;
    assert!(purge.contains("level Purge"), "{purge}");
    assert!(purge.contains("first block erase by the drive"), "{purge}");

    let json = raz(&["plan", "--capture", &ssd, "--level", "purge", "--json"]);
    let json = json.with_status(0).json();
    assert_eq!(json[0]["level"], "Purge");
    let own_erases = [
        "block erase by the drive",
        "cryptographic erase by the drive",
    ];
    assert_eq!(json[0]["own_erases"], serde_json::json!(own_erases));
    assert!(json[0]["capture"].as_str().unwrap().starts_with(&ssd));
}

#[test]
fn malformed_capture_is_named_with_its_field() {
    let folder = Folder::new();
    let file = folder.text("bad.json");
    let good = fs::read_to_string(format!("{CAPTURES}/usb-stick.json")).unwrap();
    let cases = [
        (String::new(), "no capture"),
        (good.replace("\"sdd\"", "7"), "name: invalid type"),
        (
            good.replace("\"sdd\"", "\"sdz\""),
            "shows none that is named sdz",
        ),
        (
            good.replace("devices/pci", "../pci"),
            "sysfs.links: \"../pci",
        ),
        // A file where another path needs a folder.
        (
            good.replacen("\"files\": {", "\"files\": {\n\"devices\": \"x\",", 1),
            "laying out",
        ),
    ];
    for (document, words) in cases {
        fs::write(&file, &document).unwrap();
        raz(&["plan", "--capture", &file])
            .with_status(2)
            .telling(&[&file, words]);
    }
    let missing = folder.text("missing.json");
    raz(&["plan", "--capture", &missing])
        .with_status(2)
        .telling(&[&missing]);
    raz(&["plan", "/dev/sda", "--capture", &missing]).with_status(2);
}
