//! Keys and signatures, judged by OpenSSH's own `ssh-keygen` in both directions.

use jiff::Timestamp;
use proptest::prelude::*;
use report::api::NAMESPACE_REPORT;
use report::sign::{
    KeyError, PublicKey, StationKey, VerifyError, allowed_signers_line, is_plain_name, rearmor,
    signer, verify,
};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const REPORT: &[u8] = b"{\"schema\":\"raz-report@v1\"}\n";

fn ssh_keygen(folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let stdin = folder.join("stdin");
    fs::write(&stdin, input).unwrap();
    Command::new("ssh-keygen")
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::from(fs::File::open(stdin).unwrap()))
        .output()
        .expect("these tests need ssh-keygen: install openssh-client")
}

/// Runs `ssh-keygen -Y verify` as the certificate tells an auditor to.
fn judge(folder: &Path, line: &str, namespace: &str, bytes: &[u8], armored: &str) -> Output {
    fs::write(folder.join("allowed_signers"), format!("{line}\n")).unwrap();
    fs::write(folder.join("report.json.sig"), armored).unwrap();
    let arguments = [
        "-Y",
        "verify",
        "-f",
        "allowed_signers",
        "-I",
        "banc-2",
        "-n",
        namespace,
        "-s",
    ];
    ssh_keygen(
        folder,
        &[&arguments[..], &["report.json.sig"]].concat(),
        bytes,
    )
}

fn line_of(key: &StationKey) -> String {
    allowed_signers_line("banc-2", key.public(), &[NAMESPACE_REPORT], None, None).unwrap()
}

#[test]
fn our_signature_satisfies_ssh_keygen() {
    let folder = tempfile::tempdir().unwrap();
    let key = StationKey::generate().unwrap();
    let armored = key.sign(NAMESPACE_REPORT, REPORT).unwrap();
    let answer = judge(
        folder.path(),
        &line_of(&key),
        NAMESPACE_REPORT,
        REPORT,
        &armored,
    );
    assert!(answer.status.success(), "{answer:?}");
    assert!(
        String::from_utf8_lossy(&answer.stdout).contains(&key.fingerprint()),
        "{answer:?}"
    );
    verify(key.public(), NAMESPACE_REPORT, REPORT, &armored).unwrap();
    assert_eq!(signer(&armored).unwrap(), *key.public());
}

#[test]
fn changed_byte_and_wrong_namespace_are_rejected_by_both() {
    let folder = tempfile::tempdir().unwrap();
    let key = StationKey::generate().unwrap();
    let armored = key.sign(NAMESPACE_REPORT, REPORT).unwrap();
    for at in 0..REPORT.len() {
        let mut changed = REPORT.to_vec();
        changed[at] ^= 1;
        let ours = verify(key.public(), NAMESPACE_REPORT, &changed, &armored);
        assert_eq!(ours, Err(VerifyError::Bytes), "byte {at}");
    }
    let mut changed = REPORT.to_vec();
    changed[3] ^= 1;
    let line = line_of(&key);
    let answer = judge(folder.path(), &line, NAMESPACE_REPORT, &changed, &armored);
    assert!(!answer.status.success(), "{answer:?}");

    let other = key.sign("raz-request@v1", REPORT).unwrap();
    let answer = judge(folder.path(), &line, NAMESPACE_REPORT, REPORT, &other);
    assert!(!answer.status.success(), "{answer:?}");
    let ours = verify(key.public(), NAMESPACE_REPORT, REPORT, &other);
    assert!(
        matches!(ours, Err(VerifyError::Namespace { .. })),
        "{ours:?}"
    );
}

#[test]
fn signature_by_another_key_is_rejected() {
    let key = StationKey::generate().unwrap();
    let other = StationKey::generate().unwrap();
    let armored = other.sign(NAMESPACE_REPORT, REPORT).unwrap();
    let answer = verify(key.public(), NAMESPACE_REPORT, REPORT, &armored);
    assert!(
        matches!(answer, Err(VerifyError::OtherKey { .. })),
        "{answer:?}"
    );
}

#[test]
fn ssh_keygens_key_and_signature_satisfy_us() {
    let folder = tempfile::tempdir().unwrap();
    let made = ssh_keygen(
        folder.path(),
        &[
            "-q",
            "-t",
            "ed25519",
            "-N",
            "",
            "-C",
            "by ssh-keygen",
            "-f",
            "key",
        ],
        b"",
    );
    assert!(made.status.success(), "{made:?}");
    let key = StationKey::read(&folder.path().join("key")).unwrap();
    let line = fs::read_to_string(folder.path().join("key.pub")).unwrap();
    let public = PublicKey::parse_line(&line).unwrap();
    assert_eq!(public, *key.public());
    assert_eq!(key.public_line("by ssh-keygen"), line.trim());

    let signed = ssh_keygen(
        folder.path(),
        &["-Y", "sign", "-f", "key", "-n", NAMESPACE_REPORT],
        REPORT,
    );
    let armored = String::from_utf8(signed.stdout).unwrap();
    verify(&public, NAMESPACE_REPORT, REPORT, &armored).unwrap();
    // ed25519 is deterministic, so that both make the very same text.
    assert_eq!(key.sign(NAMESPACE_REPORT, REPORT).unwrap(), armored);
    assert_eq!(rearmor(&armored).unwrap(), armored);

    let weaker = ssh_keygen(
        folder.path(),
        &[
            "-Y",
            "sign",
            "-O",
            "hashalg=sha256",
            "-f",
            "key",
            "-n",
            NAMESPACE_REPORT,
        ],
        REPORT,
    );
    let armored = String::from_utf8(weaker.stdout).unwrap();
    let answer = verify(&public, NAMESPACE_REPORT, REPORT, &armored);
    assert!(matches!(answer, Err(VerifyError::Kind(_))), "{answer:?}");
}

#[test]
fn other_kinds_of_keys_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, phrase) in [("ecdsa", ""), ("ed25519", "secret")] {
        let name = format!("{kind}{phrase}");
        let made = ssh_keygen(
            folder.path(),
            &["-q", "-t", kind, "-N", phrase, "-f", &name],
            b"",
        );
        assert!(made.status.success(), "{made:?}");
        let error = StationKey::read(&folder.path().join(&name)).unwrap_err();
        match phrase {
            "" => assert!(matches!(error, KeyError::Algorithm(_)), "{error:?}"),
            _ => assert!(matches!(error, KeyError::Encrypted), "{error:?}"),
        }
    }
}

#[test]
fn key_file_is_private_and_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("station_key");
    let key = StationKey::generate().unwrap();
    key.write_new(&path).unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        StationKey::read(&path).unwrap().fingerprint(),
        key.fingerprint()
    );

    let other = StationKey::generate().unwrap();
    assert!(matches!(
        other.write_new(&path),
        Err(KeyError::Write { .. })
    ));
    assert_eq!(
        StationKey::read(&path).unwrap().fingerprint(),
        key.fingerprint()
    );
    assert!(!format!("{key:?}").contains("PRIVATE"));

    let listed = ssh_keygen(folder.path(), &["-l", "-f", "station_key"], b"");
    assert!(
        String::from_utf8_lossy(&listed.stdout).contains(&key.fingerprint()),
        "{listed:?}"
    );
}

#[test]
fn validity_window_is_read_by_ssh_keygen() {
    let folder = tempfile::tempdir().unwrap();
    let key = StationKey::generate().unwrap();
    let armored = key.sign(NAMESPACE_REPORT, REPORT).unwrap();
    let second = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    let past = second("2001-02-03T04:05:06Z");
    let window = |after, before| {
        allowed_signers_line("banc-2", key.public(), &[NAMESPACE_REPORT], after, before).unwrap()
    };
    let judged = |line: &str| {
        judge(folder.path(), line, NAMESPACE_REPORT, REPORT, &armored)
            .status
            .success()
    };
    assert!(window(past, None).contains("valid-after=\"20010203040506Z\""));
    assert!(judged(&window(past, None)));
    assert!(judged(&window(past, second("2299-01-01T00:00:00Z"))));
    assert!(!judged(&window(None, past)));
    assert!(!judged(&window(second("2299-01-01T00:00:00Z"), None)));
}

#[test]
fn names_that_are_patterns_or_lists_make_no_line() {
    let key = StationKey::generate().unwrap();
    for name in [
        "",
        "*",
        "a,b",
        "a b",
        "!a",
        "a\nb",
        "\"",
        "-n",
        &"a".repeat(65),
        "é",
    ] {
        let line = allowed_signers_line(name, key.public(), &[NAMESPACE_REPORT], None, None);
        assert!(line.is_err(), "{name:?}");
        assert!(
            allowed_signers_line("a", key.public(), &[name], None, None).is_err(),
            "{name:?}"
        );
    }
    assert!(is_plain_name("banc-2@atelier.example"));
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in any::<String>(), bytes in any::<Vec<u8>>()) {
        let key = StationKey::generate().unwrap();
        let _ = StationKey::from_openssh(&text);
        let _ = PublicKey::parse_line(&text);
        prop_assert!(verify(key.public(), NAMESPACE_REPORT, &bytes, &text).is_err());
    }

    #[test]
    fn arbitrary_body_in_right_armor_never_panics(body in any::<Vec<u8>>(), keep in 0_usize..180) {
        use base64::Engine;
        let base64 = base64::engine::general_purpose::STANDARD;
        let key = StationKey::generate().unwrap();
        let armored = key.sign(NAMESPACE_REPORT, REPORT).unwrap();
        let inner: String = armored.lines().filter(|line| !line.starts_with('-')).collect();
        let mut blob = base64.decode(inner).unwrap();
        let whole = blob.clone();
        blob.truncate(keep);
        blob.extend(body);
        prop_assume!(blob != whole);
        let encoded = base64.encode(blob);
        let lines: Vec<_> =
            encoded.as_bytes().chunks(70).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let text = format!(
            "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n",
            lines.join("\n")
        );
        prop_assert!(verify(key.public(), NAMESPACE_REPORT, REPORT, &text).is_err());
        let line = format!("ssh-ed25519 {}", base64.encode(text));
        let _ = PublicKey::parse_line(&line);
    }
}
