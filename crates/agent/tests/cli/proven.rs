//! Erasures that succeed: what is on the medium, what is in the report, what is said.

use crate::support::{Folder, Loop, ODD_BYTES, raz, tool, wipe};
use report::schema::{FinalContent, Level, OutcomeWord, PassKind, Report};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

fn report(folder: &Path) -> Report {
    serde_json::from_slice(&fs::read(folder.join("report.json")).unwrap()).unwrap()
}

/// `ssh-keygen -Y verify`, as a donor runs it.
fn ssh_keygen_accepts(folder: &Path, bytes: &[u8]) -> bool {
    let mut child = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-I", "raz", "-n", "raz-report@v1", "-f"])
        .arg(folder.join("allowed_signers"))
        .arg("-s")
        .arg(folder.join("report.json.sig"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    child.wait().unwrap().success()
}

#[test]
fn erased_drive_holds_nothing_of_before_and_the_report_proves_it() {
    let drive = Loop::new(ODD_BYTES);
    let neighbour = Loop::new(ODD_BYTES);
    let before = neighbour.digest();
    let folder = Folder::new();
    let key = folder.text("station");
    raz(&["key", "new", &key]).with_status(0);
    let ran = wipe(
        &[&drive],
        &[
            "--report",
            &folder.text("out"),
            "--key",
            &key,
            "--operator",
            "Anne Müller",
            "--lot",
            "L7",
        ],
    )
    .with_status(0)
    .telling(&[&drive.path, "erased and verified", &folder.text("out")]);
    assert!(ran.out.contains("erased and verified: all"), "{ran:#?}");

    // The medium, from outside: random-looking everywhere, the first and last sector included.
    let bytes = fs::read(drive.file()).unwrap();
    assert_eq!(bytes.len() as u64, ODD_BYTES);
    assert!(
        !bytes
            .windows(16)
            .any(|window| window == b"a letter that mu")
    );
    for sector in bytes.chunks(512) {
        assert!(
            sector.iter().any(|byte| *byte != sector[0]),
            "a constant sector"
        );
    }
    assert_eq!(neighbour.digest(), before, "a drive that was not named");

    let out = folder.path("out");
    let report = report(&out);
    assert_eq!(report.operator.unwrap().name, "Anne Müller");
    assert_eq!(report.lot.as_deref(), Some("L7"));
    let erasure = report.drives[0].erasure.as_ref().unwrap();
    assert_eq!(erasure.outcome, OutcomeWord::Verified);
    assert_eq!(erasure.achieved_level, Level::Clear);
    assert_eq!(erasure.final_content, FinalContent::Pattern);
    assert_eq!(erasure.consent.by, "command_line");
    assert_eq!(erasure.consent.drive_id, drive.id());
    let pass = &erasure.passes[0];
    assert_eq!((pass.written_bytes, pass.flushed), (ODD_BYTES, true));
    assert_eq!(pass.verification.as_ref().unwrap().read_bytes, ODD_BYTES);
    assert!(erasure.identity_checks.iter().all(|check| check.same));

    let bytes = fs::read(out.join("report.json")).unwrap();
    assert!(ssh_keygen_accepts(&out, &bytes));
    let mut changed = bytes.clone();
    let at = changed.len() / 2;
    changed[at] ^= 1;
    assert!(!ssh_keygen_accepts(&out, &changed));
    let public = fs::read_to_string(format!("{key}.pub")).unwrap();
    let public = public.split_whitespace().nth(1).unwrap().to_owned();
    let signers = fs::read_to_string(out.join("allowed_signers")).unwrap();
    assert!(signers.contains(&public), "{signers}");
}

#[test]
fn several_drives_are_erased_at_once_by_path_and_by_id() {
    let small = Loop::new(4096);
    let sectors = Loop::with_sectors(2 << 20, 4096);
    let odd = Loop::new(ODD_BYTES);
    let folder = Folder::new();
    let before = [small.digest(), sectors.digest(), odd.digest()];
    let ran = wipe(
        &[&small, &sectors, &odd],
        &["--report", &folder.text("out"), "--json"],
    )
    .with_status(0);
    let printed: Report = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        ran.out.as_bytes(),
        fs::read(folder.path("out/report.json")).unwrap()
    );
    assert_eq!(printed.drives.len(), 3);
    for drive in &printed.drives {
        let erasure = drive.erasure.as_ref().unwrap();
        assert_eq!(erasure.outcome, OutcomeWord::Verified);
        assert_eq!(erasure.passes[0].written_bytes, drive.capacity_bytes);
    }
    let seeds: std::collections::HashSet<_> = printed
        .drives
        .iter()
        .map(|drive| drive.erasure.as_ref().unwrap().pattern.seed.clone())
        .collect();
    assert_eq!(seeds.len(), 3);
    let after = [small.digest(), sectors.digest(), odd.digest()];
    assert!(
        before
            .iter()
            .zip(&after)
            .all(|(before, after)| before != after)
    );
}

#[test]
fn verify_none_never_says_the_word() {
    let drive = Loop::new(ODD_BYTES);
    let folder = Folder::new();
    let out = folder.text("out");
    let ran = wipe(&[&drive], &["--verify", "none", "--report", &out])
        .with_status(1)
        .telling(&[&drive.path, "written, not checked"]);
    assert!(ran.out.contains("written, not checked"));
    let json = fs::read_to_string(folder.path("out/report.json")).unwrap();
    assert!(json.contains("written, not checked"));
    let shown = raz(&["report", "show", &out]).with_status(0);
    for said in [&ran.out, &ran.err, &json, &shown.out, &shown.err] {
        assert!(!said.to_lowercase().contains("erased"), "{said}");
    }
    let report = report(&folder.path("out"));
    let erasure = report.drives[0].erasure.as_ref().unwrap();
    assert_eq!(erasure.outcome, OutcomeWord::WrittenNotChecked);
    assert_eq!(erasure.achieved_level, Level::None);
    assert_eq!(erasure.final_content, FinalContent::Unknown);
    assert!(erasure.passes[0].verification.is_none());
    // It was written all the same.
    let bytes = fs::read(drive.file()).unwrap();
    assert!(
        !bytes
            .windows(16)
            .any(|window| window == b"a letter that mu")
    );
}

#[test]
fn zeros_after_the_proof_are_called_zeros() {
    let drive = Loop::new(ODD_BYTES);
    let folder = Folder::new();
    let out = folder.text("out");
    wipe(&[&drive], &["--then-zero", "--report", &out]).with_status(0);
    assert!(
        fs::read(drive.file())
            .unwrap()
            .iter()
            .all(|byte| *byte == 0)
    );
    let report = report(&folder.path("out"));
    let erasure = report.drives[0].erasure.as_ref().unwrap();
    let kinds: Vec<PassKind> = erasure.passes.iter().map(|pass| pass.kind).collect();
    assert_eq!(kinds, [PassKind::Pattern, PassKind::Zero]);
    assert!(
        erasure
            .passes
            .iter()
            .all(|pass| pass.verification.is_some())
    );
    assert_eq!(erasure.final_content, FinalContent::Zeros);

    let file = folder.text("out/report.json");
    let ran = raz(&["verify", &drive.path, "--report", &file]).with_status(0);
    assert!(ran.out.contains("reads as zeros"), "{ran:#?}");
    for said in [&ran.out, &ran.err] {
        assert!(!said.to_lowercase().contains("verified"), "{said}");
    }
}

#[test]
fn report_is_checked_shown_and_described() {
    let drive = Loop::new(4096);
    let folder = Folder::new();
    let out = folder.text("out");
    wipe(&[&drive], &["--report", &out]).with_status(0);
    for path in [out.clone(), folder.text("out/report.json")] {
        let ran = raz(&["report", "verify", &path]).with_status(0);
        assert!(ran.out.contains("the signature holds"), "{ran:#?}");
        assert!(ran.out.contains("which came with the report"), "{ran:#?}");
        let ran = raz(&["report", "show", &path]).with_status(0);
        assert!(ran.out.contains(&drive.id()), "{ran:#?}");
        assert!(ran.out.contains("shown, not checked"), "{ran:#?}");
    }
    let schema = raz(&["report", "schema"]).with_status(0).json();
    assert!(schema["properties"]["drives"].is_object(), "{schema}");
    assert!(
        tool(
            "ssh-keygen",
            &[
                "-Y",
                "find-principals",
                "-s",
                &folder.text("out/report.json.sig"),
                "-f",
                &folder.text("out/allowed_signers")
            ]
        )
        .contains("raz")
    );

    // Other bytes under the same signature.
    let file = folder.path("out/report.json");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("\"verified\"", "\"Verified\"")).unwrap();
    raz(&["report", "verify", &out])
        .with_status(1)
        .telling(&["the signature does not hold"]);
}

#[test]
fn drives_json_has_what_programs_rely_on() {
    let drive = Loop::new(ODD_BYTES);
    let listed = raz(&["drives", "--json", &drive.path])
        .with_status(0)
        .json();
    let entry = listed.as_array().unwrap().first().unwrap();
    assert!(entry["id"].is_string());
    assert_eq!(entry["path"], drive.path.as_str());
    assert!(entry.as_object().unwrap().contains_key("model"));
    assert!(entry.as_object().unwrap().contains_key("serial"));
    assert_eq!(entry["capacity_bytes"], ODD_BYTES);
    assert_eq!(entry["refusals"], serde_json::json!([]));

    // A loop device that nobody named is nobody's drive.
    let all = raz(&["drives", "--json"]).with_status(0).json();
    let paths = all.as_array().unwrap().iter().map(|entry| &entry["path"]);
    assert!(!paths.into_iter().any(|path| *path == drive.path.as_str()));

    let plan = raz(&["plan", "--json", &drive.path]).with_status(0).json();
    assert_eq!(plan[0]["passes"], serde_json::json!(["pattern"]));
    assert!(plan[0]["reasons"].as_array().unwrap().len() > 1);
    for command in ["machine", "grade"] {
        assert!(raz(&[command, "--json"]).with_status(0).json().is_object());
        assert!(!raz(&[command]).with_status(0).out.is_empty());
    }
}
