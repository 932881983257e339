//! The ledger in a folder: at any cut one of two whole ledgers or none, and what a run goes on from.

use agent::compose;
use agent::ledger::folder::{Folder, Pair};
use agent::ledger::{After, Heading, Resumes, Start, after};
use drive::facts::{DriveFacts, HiddenCapacity, Medium, Security, Tcg, Transport, Zoned};
use drive::health::Health;
use drive::identity::Identity;
use report::ledger::Ledger;
use report::schema;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tempfile::TempDir;
use wipe::ledger::{Journal, Mark};
use wipe::outcome::{ByteRange, Conclusion, Outcome, PassKind, PassRecord, Shortfall};
use wipe::pattern::{Cipher, Seed};

const CAPACITY: u64 = 1 << 30;

fn facts() -> DriveFacts {
    DriveFacts {
        name: "sdz".into(),
        disk_sequence: None,
        path: "/dev/sdz".into(),
        transport: Transport::Ata,
        bridge: None,
        controller: None,
        bus_path: "pci-0/ata1".into(),
        vendor: None,
        model: Some("MODEL".into()),
        firmware: None,
        identity: Identity {
            serial: Some("SERIAL-1".into()),
            ..Identity::default()
        },
        capacity_bytes: CAPACITY,
        logical_sector_bytes: 512,
        physical_sector_bytes: 512,
        medium: Medium::Rotating { rpm: 7200 },
        flash_cache: false,
        zoned: Zoned::No,
        removable: false,
        read_only: false,
        security: Security::default(),
        tcg: Tcg::Absent,
        alone: Ok(()),
        hidden: HiddenCapacity::NotApplicable,
        sanitize: Err("a test".into()),
        format: Err("a test".into()),
        blocks: None,
        health: Health::not_read("a test"),
        volumes: Vec::new(),
        volumes_unread: false,
        uses: Vec::new(),
        silent: None,
        not_reached: Vec::new(),
        oddities: Vec::new(),
    }
}

fn mark(mark_bytes: u64) -> Mark {
    Mark {
        mark_bytes,
        holes: vec![ByteRange {
            start: 512,
            end: 1024,
        }],
    }
}

fn heading() -> Heading {
    let start = Start {
        seed: Seed([7; 32]),
        cipher: Cipher::ChaCha8,
        resumes: None,
        journal: None,
    };
    start.heading(&facts(), &[PassKind::Pattern])
}

struct Test {
    _own: TempDir,
    path: PathBuf,
    folder: Folder,
}

fn folder() -> Test {
    let own = tempfile::tempdir().unwrap();
    let path = own.path().join("ledgers");
    let folder = Folder::open(&path).unwrap();
    Test {
        _own: own,
        path,
        folder,
    }
}

impl Test {
    fn pair(&self) -> Pair {
        self.folder.pair(&facts()).unwrap()
    }

    fn newest(&self) -> Option<Ledger> {
        self.pair().newest().cloned()
    }

    fn mark(&self) -> Option<u64> {
        self.newest().map(|ledger| ledger.mark_bytes)
    }

    /// Records marks at these sectors, one after another.
    fn record(&self, sectors: &[u64]) {
        let journal = self.pair().journal(heading());
        for sector in sectors {
            journal.record(&mark(sector * 512)).unwrap();
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = fs::read_dir(&self.path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        files
    }
}

fn sequence(file: &Path) -> u64 {
    Ledger::parse(&fs::read(file).unwrap()).unwrap().sequence
}

#[test]
fn marks_go_into_two_private_files_by_turns_and_the_newest_is_found() {
    let test = folder();
    assert_eq!(test.newest(), None);
    for (sectors, sequences) in [
        (10, vec![1]),
        (20, vec![1, 2]),
        (30, vec![3, 2]),
        (40, vec![3, 4]),
    ] {
        // Each by a run of its own: what counts is what the files say.
        test.record(&[sectors]);
        assert_eq!(test.mark(), Some(sectors * 512));
        let found: Vec<u64> = test.files().iter().map(|file| sequence(file)).collect();
        assert_eq!(found, sequences);
    }
    for file in test.files() {
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(!name.contains("SERIAL"), "{name}");
    }
    let mut other = facts();
    other.identity.serial = Some("SERIAL-2".into());
    assert!(test.folder.pair(&other).unwrap().newest().is_none());
}

#[test]
fn save_that_is_cut_anywhere_leaves_one_of_the_two_ledgers() {
    let test = folder();
    test.record(&[10, 20]);
    let files = test.files();
    let (first, second) = (fs::read(&files[0]).unwrap(), fs::read(&files[1]).unwrap());
    for (index, own, of_other) in [(0, &first, 20), (1, &second, 10)] {
        let mine = if index == 0 { 10 } else { 20 };
        for cut in 0..=own.len() {
            fs::write(&files[index], &own[..cut]).unwrap();
            let expected = if cut == own.len() { 20 } else { of_other };
            assert_eq!(test.mark(), Some(expected * 512), "file {index}, cut {cut}");
        }
        // Cut in place, over what was there before.
        let before = if index == 0 { &second } else { &first };
        for cut in 0..own.len() {
            let mut over = before.clone();
            over[..cut].copy_from_slice(&own[..cut]);
            fs::write(&files[index], &over).unwrap();
            let found = test.mark().unwrap() / 512;
            assert!([mine, of_other].contains(&found), "file {index}, cut {cut}");
        }
        fs::write(&files[index], own).unwrap();
    }
    // Both at once, which no single cut does: none, and the next save is whole again.
    for (file, bytes) in files.iter().zip([&first, &second]) {
        fs::write(file, &bytes[..bytes.len() - 1]).unwrap();
    }
    assert_eq!(test.newest(), None);
    test.record(&[30]);
    assert_eq!(test.mark(), Some(30 * 512));
}

#[test]
fn bit_that_flips_in_a_file_leaves_the_other_ledger_or_a_file_left_alone() {
    let test = folder();
    test.record(&[10, 20]);
    let newest = &test.files()[1];
    let bytes = fs::read(newest).unwrap();
    for index in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[index] ^= 1 << (index % 8);
        fs::write(newest, &flipped).unwrap();
        match test.folder.pair(&facts()) {
            Ok(pair) => assert_eq!(pair.newest().unwrap().mark_bytes, 10 * 512),
            Err(error) => assert!(format!("{error:#}").contains("left alone"), "{error:#}"),
        }
    }
}

#[test]
fn save_that_fails_costs_the_newest_ledger_nothing() {
    let test = folder();
    test.record(&[10, 20]);
    let journal = test.pair().journal(heading());
    // A folder in the file's place is an error of any file system.
    let older = &test.files()[0];
    fs::remove_file(older).unwrap();
    fs::create_dir(older).unwrap();
    for sector in [30, 40] {
        journal.record(&mark(sector * 512)).unwrap_err();
        assert_eq!(sequence(&test.files()[1]), 2);
    }
    fs::remove_dir(older).unwrap();
    journal.record(&mark(50 * 512)).unwrap();
    assert_eq!(test.mark(), Some(50 * 512));
}

#[test]
fn closed_ledger_is_gone_and_takes_no_mark() {
    let test = folder();
    test.record(&[10, 20]);
    let journal = test.pair().journal(heading());
    journal.close().unwrap();
    assert!(test.files().is_empty());
    journal.record(&mark(30 * 512)).unwrap_err();
    journal.close().unwrap();
    assert!(test.files().is_empty());
}

#[test]
fn ledger_whose_end_is_cut_off_has_nothing_to_resume() {
    let test = folder();
    test.record(&[10, 20]);
    // Saves are in place, so that other names of the files show what the end wrote.
    let older = test.path.join("older");
    let newer = test.path.join("newer");
    fs::hard_link(&test.files()[0], &older).unwrap();
    fs::hard_link(&test.files()[1], &newer).unwrap();
    test.pair().journal(heading()).close().unwrap();
    // Taken back over the older one, before either was removed: as the newest it counts, and alone.
    let read = |file: &Path| Ledger::parse(&fs::read(file).unwrap()).unwrap();
    let (taken_back, before) = (read(&older), read(&newer));
    assert_eq!((taken_back.mark_bytes, before.mark_bytes), (0, 20 * 512));
    assert!(taken_back.sequence > before.sequence);
    assert!(Start::resumed(&taken_back, &facts()).is_err());
}

#[test]
fn what_is_none_of_ours_is_left_alone_and_named() {
    for (foreign, word) in [
        (&b"a letter"[..], "other than a ledger"),
        (&newer(), "raz-ledger@v2"),
    ] {
        let test = folder();
        test.record(&[10, 20]);
        let file = test.files()[0].clone();
        fs::write(&file, foreign).unwrap();
        let said = format!("{:#}", test.folder.pair(&facts()).unwrap_err());
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(said.contains(name) && said.contains(word), "{said}");
        assert_eq!(fs::read(&file).unwrap(), foreign);
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert!(test.folder.pair(&facts()).is_err());
    }
}

/// A document of a version to come, whole.
fn newer() -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let line = "{\"schema\":\"raz-ledger@v2\"}\n";
    format!("{line}{}\n", hex::encode(Sha256::digest(line))).into_bytes()
}

#[test]
fn drive_without_a_name_of_its_own_has_no_ledger() {
    let mut nameless = facts();
    nameless.identity = Identity {
        bus_path: "pci-0/ata1".into(),
        ..Identity::default()
    };
    assert!(folder().folder.pair(&nameless).is_err());
    let start = Start::fresh().unwrap();
    let heading = start.heading(&nameless, &[PassKind::Pattern]);
    let ledger = compose::ledger(&heading, 1, &mark(5120));
    assert!(Start::resumed(&ledger, &nameless).is_err());
}

fn ledger() -> Ledger {
    compose::ledger(&heading(), 1, &mark(5120))
}

#[test]
fn ledger_of_this_drive_is_gone_on_from_with_its_own_seed_and_mark() {
    let ledger = ledger();
    let start = Start::resumed(&ledger, &facts()).unwrap();
    assert_eq!((start.seed, start.cipher), (Seed([7; 32]), Cipher::ChaCha8));
    let Some(Resumes {
        mark: found,
        earlier,
    }) = &start.resumes
    else {
        panic!("nothing to resume");
    };
    assert_eq!(*found, mark(5120));
    assert_eq!(
        (earlier.begun.as_str(), earlier.runs),
        (ledger.begun.as_str(), 1)
    );
    // The run after that is the third one, and knows when the first began.
    let again = start.heading(&facts(), &[PassKind::Pattern, PassKind::Zero]);
    assert_eq!((again.begun, again.runs_before), (ledger.begun, 1));
}

#[test]
fn ledger_that_does_not_fit_begins_a_fresh_run_with_the_reason() {
    type Change = fn(&mut Ledger);
    let doubts: [(&str, Change); 10] = [
        ("another drive", |l| l.identity.push('x')),
        ("bytes in sectors", |l| l.capacity_bytes += 512),
        ("bytes in sectors", |l| l.logical_sector_bytes = 4096),
        ("derived", |l| l.derivation.push('x')),
        ("compute", |l| l.cipher = "rot13".into()),
        ("first pass", |l| l.passes[0] = schema::PassKind::Zero),
        ("mark", |l| l.mark_bytes = CAPACITY + 512),
        ("mark", |l| l.mark_bytes = 5000),
        ("hole", |l| l.holes = vec![[1024, 512]]),
        ("nothing", |l| l.holes = vec![[0, 5120]]),
    ];
    for (word, change) in doubts {
        let mut ledger = ledger();
        change(&mut ledger);
        let why = Start::resumed(&ledger, &facts()).err().unwrap();
        assert!(why.contains(word), "{word}: {why}");
    }
}

fn pass(kind: PassKind) -> PassRecord {
    PassRecord {
        kind,
        pass: 0,
        resumed: None,
        written_bytes: 512,
        write_errors: Vec::new(),
        write_error_bytes: 0,
        first_write_error: None,
        write_errors_seen: 0,
        flushed: true,
        write_seconds: 1.0,
        verify: None,
    }
}

fn ended(conclusion: Conclusion, kinds: &[PassKind]) -> After {
    after(&Outcome {
        own_erases: Vec::new(),
        conclusion,
        passes: kinds.iter().copied().map(pass).collect(),
        identity_checks: Vec::new(),
        journal: None,
        started: SystemTime::now(),
        ended: SystemTime::now(),
    })
}

#[test]
fn ledger_ends_with_the_run_unless_that_was_cut_off() {
    let first = [PassKind::Pattern];
    let both = [PassKind::Pattern, PassKind::Zero];
    let errors = || Shortfall::WriteErrors { bytes: 512 };
    for cut_off in [
        Shortfall::Interrupted,
        Shortfall::Vanished,
        Shortfall::Stalled { seconds: 300 },
    ] {
        let conclusion = Conclusion::NotComplete(vec![errors(), cut_off]);
        assert_eq!(ended(conclusion.clone(), &first), After::Stays);
        assert_eq!(ended(conclusion, &both), After::Ends);
    }
    let changed = Shortfall::IdentityChanged {
        confirmed: "A".into(),
        found: "B".into(),
    };
    for own_end in [errors(), changed] {
        let conclusion = Conclusion::NotComplete(vec![own_end]);
        assert_eq!(ended(conclusion, &first), After::Ends);
    }
    let not_started = Conclusion::NotStarted(vec![errors()]);
    assert_eq!(ended(not_started, &[]), After::Stays);
    let unread = ended(Conclusion::WrittenNotChecked, &first);
    assert_eq!(unread, After::EndsWithReport);
}
