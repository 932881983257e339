//! Runs that were cut off, and those that go on from their ledger.

use crate::support::{Folder, Loop, ODD_BYTES, command, raz, untouched, wipe, wipe_arguments};
use agent::ledger::folder::Folder as Ledgers;
use agent::ledger::{Heading, Start};
use agent::survey::Survey;
use drive::discover::Machine;
use drive::facts::DriveFacts;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use report::ledger::{Ledger, key};
use report::schema::{Erasure, OutcomeWord, Report};
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use wipe::ledger::{Journal, Mark};
use wipe::outcome::PassKind;
use wipe::pattern::{Cipher, PassKey, Seed};

const MIB: u64 = 1 << 20;

/// Written in more than the second after which the first mark is due.
const KILLED_BYTES: u64 = 1 << 30;

fn facts(drive: &Loop) -> DriveFacts {
    let machine = Machine::this();
    let names = [drive.path.clone()];
    let survey = Survey::take(&machine, &names);
    survey.named(&machine, &names).unwrap()[0].clone()
}

fn heading(facts: &DriveFacts) -> Heading {
    let start = Start {
        seed: Seed([7; 32]),
        cipher: Cipher::for_this_cpu(),
        resumes: None,
        journal: None,
    };
    Heading {
        begun: "2026-11-26T22:00:00Z".into(),
        ..start.heading(facts, &[PassKind::Pattern])
    }
}

fn record(ledgers: &Path, facts: &DriveFacts, heading: Heading, mark_bytes: u64) {
    let pair = Ledgers::open(ledgers).unwrap().pair(facts).unwrap();
    let mark = Mark {
        mark_bytes,
        holes: Vec::new(),
    };
    pair.journal(heading).record(&mark).unwrap();
}

/// What a power cut leaves: the pattern below `mark_bytes`, the letter above, and a ledger.
fn cut_off(drive: &Loop, ledgers: &Path, mark_bytes: u64) {
    drive.assert_ours();
    let facts = facts(drive);
    let heading = heading(&facts);
    let key = PassKey::derive(&heading.seed, &heading.identity, heading.cipher, 0).unwrap();
    let mut written = vec![0; usize::try_from(mark_bytes).unwrap()];
    key.fill(0, &mut written);
    let device = fs::OpenOptions::new()
        .write(true)
        .open(&drive.path)
        .unwrap();
    device.write_all_at(&written, 0).unwrap();
    device.sync_all().unwrap();
    record(ledgers, &facts, heading, mark_bytes);
}

fn erasure(report: &Path) -> Erasure {
    let json = fs::read(report.join("report.json")).unwrap();
    let report: Report = serde_json::from_slice(&json).unwrap();
    report.drives[0].erasure.clone().unwrap()
}

fn files(ledgers: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(ledgers).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Waits until a ledger says that something is written.
fn until_marked(ledgers: &Path, child: &mut Child) -> Ledger {
    loop {
        for file in files(ledgers) {
            // One that is just being written is none.
            let found = fs::read(file)
                .ok()
                .and_then(|bytes| Ledger::parse(&bytes).ok());
            if let Some(ledger) = found.filter(|ledger| ledger.mark_bytes > 0) {
                return ledger;
            }
        }
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "it ended without a ledger: {ended:?}");
        std::thread::yield_now();
    }
}

fn begin(drive: &Loop, ledgers: &Path) -> Child {
    fs::create_dir(ledgers).unwrap();
    let options = ["--ledger", ledgers.to_str().unwrap(), "--checkpoint", "1"];
    let line = wipe_arguments(&[drive], &options);
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    command(&line)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn run_that_was_killed_is_gone_on_from_and_proven() {
    let drive = Loop::sparse(KILLED_BYTES);
    let folder = Folder::new();
    let (ledgers, out) = (folder.path("ledgers"), folder.text("out"));
    let mut first = begin(&drive, &ledgers);
    let ledger = until_marked(&ledgers, &mut first);
    first.kill().unwrap();
    first.wait().unwrap();

    let begun = format!("resumes an erasure begun {}", ledger.begun);
    let ledger_option = ledgers.to_str().unwrap();
    wipe(&[&drive], &["--ledger", ledger_option, "--report", &out])
        .with_status(0)
        .telling(&[&begun, "is said to be written", "in 2 runs"]);
    let erasure = erasure(Path::new(&out));
    assert_eq!(erasure.outcome, OutcomeWord::Verified);
    assert!(erasure.outcome_text.contains("in 2 runs"), "{erasure:#?}");
    assert_eq!(erasure.pattern.seed, ledger.seed);
    let pass = &erasure.passes[0];
    let resumed = pass.resumed.as_ref().unwrap();
    assert_eq!(
        (resumed.begun.as_str(), resumed.runs_before),
        (ledger.begun.as_str(), 1)
    );
    assert!(resumed.taken_over_bytes > 0 && resumed.recall.complete);
    assert_eq!(pass.written_bytes + resumed.taken_over_bytes, KILLED_BYTES);
    assert_eq!(pass.verification.as_ref().unwrap().read_bytes, KILLED_BYTES);
    assert!(erasure.ledger.is_some());
    assert!(files(&ledgers).is_empty());
    let report = format!("{out}/report.json");
    let verified = raz(&["verify", &drive.path, "--report", &report]).with_status(0);
    assert!(verified.out.contains("every byte equals"), "{verified:#?}");
}

#[test]
fn run_that_was_interrupted_leaves_its_ledger() {
    let drive = Loop::sparse(4 * KILLED_BYTES);
    let folder = Folder::new();
    let ledgers = folder.path("ledgers");
    let mut child = begin(&drive, &ledgers);
    until_marked(&ledgers, &mut child);
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("the ledger stays"), "{said}");
    let facts = facts(&drive);
    let pair = Ledgers::open(&ledgers).unwrap().pair(&facts).unwrap();
    Start::resumed(pair.newest().unwrap(), &facts).unwrap();
}

#[test]
fn resumed_run_writes_only_what_is_missing_and_reads_everything_whatever_was_asked_for() {
    let mark = MIB + 512;
    for (options, passes) in [
        (&[][..], 1),
        (&["--then-zero"], 2),
        (&["--verify", "none"], 1),
    ] {
        let drive = Loop::new(ODD_BYTES);
        let folder = Folder::new();
        let (ledgers, out) = (folder.path("ledgers"), folder.text("out"));
        cut_off(&drive, &ledgers, mark);
        let ledger_option = ledgers.to_str().unwrap();
        let mut all = vec!["--ledger", ledger_option, "--report", &out];
        all.extend(options);
        let percent = format!("{} % is said to be written", mark * 100 / ODD_BYTES);
        let ran = wipe(&[&drive], &all)
            .with_status(0)
            .telling(&["resumes an erasure begun 2026-11-26T22:00:00Z", &percent]);
        assert!(ran.out.contains("went on from a run begun"), "{ran:#?}");
        let erasure = erasure(Path::new(&out));
        assert_eq!(erasure.outcome, OutcomeWord::Verified, "{erasure:#?}");
        assert_eq!(erasure.passes.len(), passes);
        let pass = &erasure.passes[0];
        assert_eq!(pass.resumed.as_ref().unwrap().taken_over_bytes, mark);
        assert_eq!(pass.written_bytes, ODD_BYTES - mark);
        assert_eq!(pass.verification.as_ref().unwrap().read_bytes, ODD_BYTES);
        assert!(files(&ledgers).is_empty());
        let report = format!("{out}/report.json");
        raz(&["verify", &drive.path, "--report", &report]).with_status(0);
        let left = fs::read(drive.file()).unwrap();
        assert!(!left.windows(16).any(|window| window == b"a letter that mu"));
    }
}

#[test]
fn medium_that_changed_below_the_mark_is_written_anew_or_not_proven() {
    // Where the recall looks always, and where it may look or not.
    for (changed, always_found) in [(100, true), (9 * MIB + 100, false)] {
        let drive = Loop::new(24 * MIB);
        let folder = Folder::new();
        let (ledgers, out) = (folder.path("ledgers"), folder.text("out"));
        cut_off(&drive, &ledgers, 20 * MIB);
        drive.flip_byte(changed);
        let ledger_option = ledgers.to_str().unwrap();
        let ran = wipe(&[&drive], &["--ledger", ledger_option, "--report", &out]);
        let erasure = erasure(Path::new(&out));
        let taken_over = erasure.passes[0].resumed.as_ref().unwrap().taken_over_bytes;
        let is_found = taken_over == 0;
        assert!(is_found || !always_found, "{erasure:#?}");
        let (word, status) = match is_found {
            true => (OutcomeWord::Verified, 0),
            false => (OutcomeWord::NotComplete, 1),
        };
        assert_eq!(erasure.outcome, word, "{erasure:#?}");
        let ran = ran.with_status(status);
        if is_found {
            ran.telling(&["was not on the drive"]);
            assert_eq!(erasure.passes[0].written_bytes, 24 * MIB);
        }
        // A run that reached its end is not gone on from.
        assert!(files(&ledgers).is_empty());
        let report = format!("{out}/report.json");
        raz(&["verify", &drive.path, "--report", &report]).with_status(status);
    }
}

#[test]
fn ledger_that_is_not_of_this_drive_begins_a_fresh_run_and_says_so() {
    type Change = fn(&mut Heading);
    let others: [(&str, Change); 3] = [
        ("another drive", |heading| heading.identity.push('x')),
        ("bytes in sectors", |heading| heading.capacity_bytes *= 2),
        ("first pass", |heading| {
            heading.passes = vec![PassKind::Zero]
        }),
    ];
    for (word, change) in others {
        let drive = Loop::new(ODD_BYTES);
        let folder = Folder::new();
        let (ledgers, out) = (folder.path("ledgers"), folder.text("out"));
        let facts = facts(&drive);
        let mut heading = heading(&facts);
        change(&mut heading);
        record(&ledgers, &facts, heading, MIB);
        let ledger_option = ledgers.to_str().unwrap();
        wipe(&[&drive], &["--ledger", ledger_option, "--report", &out])
            .with_status(0)
            .telling(&["begins anew", word]);
        let erasure = erasure(Path::new(&out));
        assert_eq!(erasure.passes[0].written_bytes, ODD_BYTES);
        assert_eq!(erasure.passes[0].resumed, None);
        assert_ne!(erasure.pattern.seed, hex::encode([7; 32]));
        assert!(files(&ledgers).is_empty());
    }
}

#[test]
fn file_that_is_no_ledger_is_left_alone_and_named() {
    let drive = Loop::new(ODD_BYTES);
    let folder = Folder::new();
    let ledgers = folder.path("ledgers");
    fs::create_dir(&ledgers).unwrap();
    let name = format!("{}-a.ledger", key(&facts(&drive).identity.recorded()));
    fs::write(ledgers.join(&name), "a letter").unwrap();
    wipe(&[&drive], &["--ledger", ledgers.to_str().unwrap()])
        .with_status(0)
        .telling(&["no ledger is kept", &name, "left alone"]);
    assert_eq!(fs::read(ledgers.join(&name)).unwrap(), b"a letter");
}

#[test]
fn ledger_on_the_drive_itself_is_refused_with_the_drive() {
    let mut drive = Loop::new(16 * MIB);
    let ledgers = drive.mount().join("ledgers");
    let line = wipe_arguments(&[&drive], &["--ledger", ledgers.to_str().unwrap()]);
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    untouched(&[&drive], || raz(&line))
        .with_status(3)
        .telling(&[&drive.path, "mounted"]);
}

#[test]
fn ledger_that_cannot_be_kept_is_known_before_the_first_write() {
    let drive = Loop::new(ODD_BYTES);
    let folder = Folder::new();
    fs::write(folder.path("file"), "").unwrap();
    for options in [
        &["--ledger", &folder.text("file/ledgers")][..],
        &["--ledger", &folder.text("l"), "--checkpoint", "0"],
        &["--checkpoint", "60"],
    ] {
        untouched(&[&drive], || wipe(&[&drive], options)).with_status(2);
    }
}
