//! `raz key new`.

use crate::support::{Folder, raz, tool};
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn new_key_is_private_and_openssh_reads_it() {
    let folder = Folder::new();
    let key = folder.text("station");
    let ran = raz(&["key", "new", &key]).with_status(0);
    let mode = fs::metadata(&key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let fingerprint = |file: &str| {
        let shown = tool("ssh-keygen", &["-l", "-f", file]);
        shown.split_whitespace().nth(1).unwrap().to_owned()
    };
    let public = format!("{key}.pub");
    assert!(ran.out.contains(&fingerprint(&key)), "{ran:#?}");
    assert_eq!(fingerprint(&public), fingerprint(&key));
    assert!(!ran.out.contains("PRIVATE"), "{ran:#?}");
}

#[test]
fn existing_file_is_never_replaced() {
    let folder = Folder::new();
    let key = folder.text("station");
    fs::write(&key, "mine").unwrap();
    raz(&["key", "new", &key]).with_status(2).telling(&[&key]);
    assert_eq!(fs::read(&key).unwrap(), b"mine");
    assert!(!folder.path("station.pub").exists());

    let (other, public) = (folder.text("other"), folder.text("other.pub"));
    fs::write(&public, "mine").unwrap();
    raz(&["key", "new", &other])
        .with_status(2)
        .telling(&[&public]);
    assert_eq!(fs::read(&public).unwrap(), b"mine");
    assert!(!folder.path("other").exists());

    let link = folder.path("link");
    std::os::unix::fs::symlink(folder.path("elsewhere"), &link).unwrap();
    raz(&["key", "new", &folder.text("link")]).with_status(2);
    assert!(!folder.path("elsewhere").exists());
}
