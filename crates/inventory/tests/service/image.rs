//! Configured copies of the ISO, and what becomes of a lost one.

use crate::rig::{Service, Station, refused};
use report::sign::StationKey;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use stick::{CONFIGURATION, Volume};

#[path = "../../../stick/src/example.rs"]
mod example;

/// An image laid out as raz's, with the file that it brings.
fn iso(folder: &Path) -> PathBuf {
    let volume = Volume::format(example::medium(4 << 20)).unwrap();
    volume.put_file("", CONFIGURATION, b"# template\n").unwrap();
    let path = folder.join("raz.iso");
    fs::write(&path, volume.close().unwrap().get_ref()).unwrap();
    path
}

fn configuration(copy: &Path) -> String {
    let volume = Volume::open(fs::File::open(copy).unwrap()).unwrap();
    String::from_utf8(volume.read(CONFIGURATION, 1 << 20).unwrap().unwrap()).unwrap()
}

fn configure<'a>(iso: &'a Path, copy: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec!["image", "configure", iso.to_str().unwrap(), "--output"];
    words.extend([copy.to_str().unwrap(), "--server", "https://10.0.2.2:8443"]);
    words.extend(more);
    words
}

#[test]
fn copy_has_the_configuration_and_the_iso_stays_as_it_is() {
    let (folder, service) = Service::fresh();
    let (iso, copy) = (iso(folder.path()), folder.path().join("copy.iso"));
    let before = fs::read(&iso).unwrap();
    let more = ["--lang", "en", "--lot", "L \"7\"", "--keep", "S1", "--auto"];
    service.run(&configure(&iso, &copy, &more));
    assert_eq!(fs::read(&iso).unwrap(), before);
    let mode = fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let after = fs::read(&copy).unwrap();
    assert_eq!(after[..example::VOLUME_AT], before[..example::VOLUME_AT]);
    let text = configuration(&copy);
    for line in [
        "server = \"https://10.0.2.2:8443\"",
        &format!("pin = \"{}\"", service.pin),
        "lang = \"en\"",
        "lot = \"L \\\"7\\\"\"",
        "keep = [\"S1\"]",
        "auto = \"erase\"",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}:\n{text}");
    }
    // No file is overwritten.
    let again = service.command(&configure(&iso, &copy, &[]));
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(fs::read(&copy).unwrap(), after);
}

#[test]
fn token_of_a_lost_stick_enrols_until_it_is_ended() {
    let (folder, service) = Service::fresh();
    let (iso, copy) = (iso(folder.path()), folder.path().join("copy.iso"));
    service.run(&configure(&iso, &copy, &[]));
    let text = configuration(&copy);
    let line = text.lines().find(|line| line.starts_with("token = "));
    let token = line
        .unwrap()
        .trim_start_matches("token = ")
        .trim_matches('"');
    let used = service.run(&["token", "new"]);
    let station = || Station {
        key: StationKey::generate().unwrap(),
    };
    assert_eq!(service.enrol(&station(), &used).status(), 201);
    assert_eq!(service.run(&["token", "revoke"]), "1 tokens ended");
    refused(service.enrol(&station(), token), 403);
    assert_eq!(service.run(&["token", "revoke"]), "0 tokens ended");
}

#[test]
fn what_raz_would_not_take_and_images_that_are_not_razs_are_refused_and_cost_no_token() {
    let (folder, service) = Service::fresh();
    let (iso, copy) = (iso(folder.path()), folder.path().join("copy.iso"));
    for more in [
        &["--lang", "de"][..],
        &["--level", "best"],
        &["--lot", ""],
        &["--operator", "A\nB"],
        &["--keep", "S1,S2"],
    ] {
        let output = service.command(&configure(&iso, &copy, more));
        assert_eq!(output.status.code(), Some(1), "{more:?}");
    }
    let other = folder.path().join("other.iso");
    fs::write(&other, vec![0; 1 << 20]).unwrap();
    let output = service.command(&configure(&other, &copy, &[]));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("not a medium of raz"), "{said}");
    assert!(!copy.exists());
    assert_eq!(service.run(&["token", "revoke"]), "0 tokens ended");
}
