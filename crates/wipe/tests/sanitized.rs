//! The drive's own erase as a step of the engine, over files: the passes follow it or the run ends.

mod support;

use drive::identity::IdentityLost;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{Manner, file_job, no_cancel, run_all};
use wipe::job::Job;
use wipe::native::witness::Medium;
use wipe::native::{Order, Patience, Said, Sanitize, State, Technique, Verdict};
use wipe::options::Options;
use wipe::outcome::{Conclusion, Outcome, PassKind, SanitizeRecord, Shortfall};
use wipe::pattern::Cipher;

const BYTES: u64 = 4 << 20;
const STALL_BOUND: Duration = Duration::from_secs(1);

/// A drive over a file, which fills itself with zeros, or what a test makes of it.
struct Drive {
    file: File,
    /// What it says after the command, the last for ever.
    says: Mutex<Vec<State>>,
    is_begun: AtomicU32,
    erases: bool,
    answer_is_lost: bool,
    /// The command answers at its end, and this is how long that may take.
    blocks_for: Duration,
    /// The command does not answer before this is gone.
    held: Mutex<()>,
}

impl Sanitize for Drive {
    fn said(&self) -> Said {
        let state = match self.is_begun.load(Ordering::Relaxed) {
            0 => State::Idle {
                completed: Some(false),
            },
            _ => {
                let mut says = self.says.lock().unwrap();
                match says.len() {
                    1 => says[0].clone(),
                    _ => says.remove(0),
                }
            }
        };
        Said {
            state,
            erased_since_write: None,
            is_ours: None,
            is_deallocated: false,
            raw: String::new(),
        }
    }

    fn start(&self, _: Technique) -> Result<(), String> {
        if self.erases {
            let zeros = vec![0; BYTES as usize];
            self.file.write_all_at(&zeros, 0).unwrap();
        }
        self.is_begun.fetch_add(1, Ordering::Relaxed);
        drop(self.held.lock().unwrap());
        match self.answer_is_lost {
            true => Err("timed out".into()),
            false => Ok(()),
        }
    }

    fn may_be_unreadable_after(&self, _: Technique) -> bool {
        false
    }

    fn blocks_for(&self) -> Duration {
        self.blocks_for
    }
}

impl Medium for Drive {
    fn sector_bytes(&self) -> usize {
        512
    }
    fn sectors(&self) -> u64 {
        BYTES / 512
    }
    fn read(&self, sector: u64, buffer: &mut [u8]) -> std::io::Result<()> {
        self.file.read_exact_at(buffer, sector * 512)
    }
    fn write(&self, sector: u64, bytes: &[u8]) -> std::io::Result<()> {
        self.file.write_all_at(bytes, sector * 512)
    }
    fn flush(&self) -> std::io::Result<()> {
        self.file.sync_all()
    }
}

/// A job over a drive that says this one after the other.
fn sanitized(folder: &tempfile::TempDir, says: &[State], erases: bool) -> (Job, Arc<Drive>) {
    sanitized_by(folder, says, erases, false)
}

fn sanitized_by(
    folder: &tempfile::TempDir,
    says: &[State],
    erases: bool,
    answer_is_lost: bool,
) -> (Job, Arc<Drive>) {
    let passes = [PassKind::Pattern];
    let (mut job, path) = file_job(folder.path(), "drive", BYTES, Cipher::ChaCha8, &passes);
    let file = File::options().read(true).write(true).open(path).unwrap();
    let drive = Arc::new(Drive {
        file,
        says: Mutex::new(says.to_vec()),
        is_begun: AtomicU32::new(0),
        erases,
        answer_is_lost,
        blocks_for: Duration::ZERO,
        held: Mutex::default(),
    });
    job.ladder = vec![Order {
        drive: drive.clone(),
        technique: Technique::BlockErase,
        medium: drive.clone(),
        patience: Patience {
            interval: Duration::from_millis(1),
            interval_most: Duration::from_millis(1),
            shortest_block_erase: Duration::ZERO,
            ..Patience::of(false)
        },
    }];
    (job, drive)
}

fn verdict(outcome: &Outcome) -> &Verdict {
    &outcome.own_erases.last().expect("a sanitize").verdict
}

fn progress(part: u16) -> State {
    State::InProgress { progress: part }
}

fn idle(completed: bool) -> State {
    State::Idle {
        completed: Some(completed),
    }
}

#[test]
fn passes_follow_a_drives_own_erase_whether_it_is_claimed_or_refuted() {
    for erases in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let says = [progress(0), progress(30_000), idle(true)];
        let (job, drive) = sanitized(&folder, &says, erases);
        let outcome = run_all(vec![job]).remove(0);
        assert!(
            matches!(outcome.conclusion, Conclusion::Verified(_)),
            "{outcome:?}"
        );
        let claimed = matches!(verdict(&outcome), Verdict::ClaimedByDrive(_));
        assert_eq!(claimed, erases, "{:?}", verdict(&outcome));
        assert_eq!(drive.is_begun.load(Ordering::Relaxed), 1, "sent once");
        let moments: Vec<_> = outcome
            .identity_checks
            .iter()
            .map(|check| check.moment.as_str())
            .collect();
        assert_eq!(
            moments,
            ["claim", "after sanitize", "after write", "after verify"]
        );
    }
}

#[test]
fn command_whose_answer_was_lost_is_waited_for_and_not_claimed() {
    let folder = tempfile::tempdir().unwrap();
    let says = [progress(0), progress(30_000), idle(true)];
    let (job, _) = sanitized_by(&folder, &says, true, true);
    let outcome = run_all(vec![job]).remove(0);
    assert!(
        matches!(outcome.conclusion, Conclusion::Verified(_)),
        "{outcome:?}"
    );
    let record = &outcome.own_erases[0];
    assert!(record.evidence.in_progress_seen > 0 && record.evidence.after.is_some());
    assert!(matches!(&record.verdict, Verdict::Unknown(reasons) if reasons[..] == ["timed out"]));
}

#[test]
fn drive_that_failed_to_erase_itself_is_not_complete_and_gets_no_writes() {
    let folder = tempfile::tempdir().unwrap();
    let says = [progress(0), State::Failed("sectors remain".into())];
    let (job, _) = sanitized(&folder, &says, true);
    let outcome = run_all(vec![job]).remove(0);
    let Conclusion::NotComplete(reasons) = &outcome.conclusion else {
        panic!("{outcome:?}")
    };
    assert!(
        reasons[0].to_string().contains("sectors remain"),
        "{reasons:?}"
    );
    assert!(matches!(verdict(&outcome), Verdict::Refuted(_)));
    assert!(outcome.passes.is_empty());
}

#[test]
fn drive_lost_while_it_erases_itself_is_not_complete_and_its_way_back_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let says = [progress(1), State::Unknown("no answer".into())];
    let (mut job, _) = sanitized(&folder, &says, true);
    // The first check is before the run, the second before the command.
    let gone = IdentityLost::Gone("sdb has left the machine".into());
    job.control = Arc::new(Manner {
        lost: Some((2, gone)),
        ..Manner::plain("drive")
    });
    let outcome = run_all(vec![job]).remove(0);
    let Verdict::Unknown(reasons) = verdict(&outcome) else {
        panic!("{outcome:?}")
    };
    assert!(reasons[0].contains("sdb has left"), "{reasons:?}");
    let Conclusion::NotComplete(shortfalls) = &outcome.conclusion else {
        panic!("{outcome:?}")
    };
    let told = shortfalls[0].to_string();
    assert!(
        told.starts_with("drive: the drive was lost in its erase") && told.contains("`raz drives`"),
        "{told}"
    );
    assert!(outcome.passes.is_empty());
}

#[test]
fn stopped_while_the_drive_erases_itself_is_interrupted_and_nothing_is_claimed() {
    let folder = tempfile::tempdir().unwrap();
    let (job, drive) = sanitized(&folder, &[progress(1)], true);
    let cancel = no_cancel();
    let (theirs, flag) = (drive, Arc::clone(&cancel));
    let watching = std::thread::spawn(move || {
        while theirs.is_begun.load(Ordering::Relaxed) == 0 {
            std::thread::yield_now();
        }
        flag.store(true, Ordering::Relaxed);
    });
    let outcome = wipe::engine::run(vec![job], &Options::default(), &cancel).remove(0);
    watching.join().unwrap();
    let Conclusion::NotComplete(reasons) = &outcome.conclusion else {
        panic!("{outcome:?}")
    };
    assert_eq!(reasons[..], [Shortfall::Interrupted]);
    let is_claimed = |record: &SanitizeRecord| matches!(record.verdict, Verdict::ClaimedByDrive(_));
    assert!(!outcome.own_erases.iter().any(is_claimed));
}

#[test]
fn resumed_run_does_not_let_the_drive_undo_what_the_ledger_says() {
    let folder = tempfile::tempdir().unwrap();
    let (mut job, drive) = sanitized(&folder, &[idle(true)], true);
    job.resume = Some(wipe::ledger::Mark::default());
    let outcome = run_all(vec![job]).remove(0);
    assert_eq!(drive.is_begun.load(Ordering::Relaxed), 0);
    assert!(outcome.own_erases.is_empty());
    assert!(
        matches!(outcome.conclusion, Conclusion::Verified(_)),
        "{outcome:?}"
    );
}

/// A drive whose command answers at its end, however long it is silent before.
fn silent(folder: &tempfile::TempDir, blocks_for: Duration) -> (Job, Arc<Drive>) {
    let (mut job, drive) = sanitized(folder, &[idle(true)], true);
    let order = &mut job.ladder[0];
    let silent = Arc::new(Drive {
        file: drive.file.try_clone().unwrap(),
        says: Mutex::new(vec![idle(true)]),
        is_begun: AtomicU32::new(0),
        erases: true,
        answer_is_lost: false,
        blocks_for,
        held: Mutex::default(),
    });
    order.drive = silent.clone();
    order.technique = Technique::EnhancedErase;
    (job, silent)
}

#[test]
fn silence_of_a_command_that_answers_at_its_end_is_no_stall_unless_it_lasts_too_long() {
    let hour = Duration::from_secs(3600);
    let options = Options {
        stall_bound: STALL_BOUND,
        ..Options::default()
    };
    for (blocks_for, stalls) in [(hour, false), (Duration::from_millis(1), true)] {
        let folder = tempfile::tempdir().unwrap();
        let (job, drive) = silent(&folder, blocks_for);
        let theirs = Arc::clone(&drive);
        let held = drive.held.lock().unwrap();
        let (ends, ended) = std::sync::mpsc::channel();
        let (options, cancel) = (options.clone(), no_cancel());
        let run = std::thread::spawn(move || {
            let outcome = wipe::engine::run(vec![job], &options, &cancel).remove(0);
            ends.send(()).unwrap();
            outcome
        });
        while theirs.is_begun.load(Ordering::Relaxed) == 0 && !run.is_finished() {
            std::thread::yield_now();
        }
        // The silence itself is what is tested: three times the bound of a drive that may not be silent.
        let wait = if stalls { hour } else { STALL_BOUND * 3 };
        let ended_in_silence = ended.recv_timeout(wait).is_ok();
        drop(held);
        let outcome = run.join().unwrap();
        assert_eq!(ended_in_silence, stalls, "{outcome:?}");
        match &outcome.conclusion {
            Conclusion::NotComplete(reasons) if stalls => {
                assert!(matches!(
                    reasons[..],
                    [Shortfall::Other(_), Shortfall::Stalled { .. }]
                ));
                assert!(reasons[0].to_string().contains("raz unlock"), "{reasons:?}");
            }
            // Once it answers, the file beneath may be slower than this test's bound.
            _ => assert!(!stalls, "{outcome:?}"),
        }
    }
}

/// A rung: what the drive says after the command, whether it takes it, and whether it erases.
struct Rung {
    technique: Technique,
    refuses: bool,
    says: State,
    erases: bool,
}

/// One drive that is told in several ways; what it said last it says until the next command.
struct Ladder {
    file: File,
    rungs: Vec<Rung>,
    said: Mutex<State>,
    sent: Mutex<Vec<Technique>>,
}

impl Sanitize for Ladder {
    fn said(&self) -> Said {
        Said {
            state: self.said.lock().unwrap().clone(),
            erased_since_write: None,
            is_ours: None,
            is_deallocated: false,
            raw: String::new(),
        }
    }

    fn start(&self, technique: Technique) -> Result<(), String> {
        self.sent.lock().unwrap().push(technique);
        let rung = self.rungs.iter().find(|rung| rung.technique == technique);
        let rung = rung.ok_or("unknown")?;
        if rung.erases {
            let zeros = vec![0; BYTES as usize];
            self.file.write_all_at(&zeros, 0).unwrap();
        }
        *self.said.lock().unwrap() = rung.says.clone();
        match rung.refuses {
            true => Err("refused".into()),
            false => Ok(()),
        }
    }

    fn may_be_unreadable_after(&self, _: Technique) -> bool {
        false
    }
}

/// Runs a job over such a drive: what was sent, and the end.
fn climb(rungs: Vec<Rung>) -> (Vec<Technique>, Outcome) {
    let folder = tempfile::tempdir().unwrap();
    let (mut job, drive) = sanitized(&folder, &[idle(true)], true);
    let order = job.ladder.remove(0);
    let ladder = Arc::new(Ladder {
        file: drive.file.try_clone().unwrap(),
        said: Mutex::new(idle(false)),
        sent: Mutex::default(),
        rungs,
    });
    for rung in &ladder.rungs {
        job.ladder.push(Order {
            drive: ladder.clone(),
            technique: rung.technique,
            ..order.clone()
        });
    }
    let outcome = run_all(vec![job]).remove(0);
    let sent = ladder.sent.lock().unwrap().clone();
    (sent, outcome)
}

fn rung(technique: Technique, refuses: bool, says: State, erases: bool) -> Rung {
    Rung {
        technique,
        refuses,
        says,
        erases,
    }
}

#[test]
fn next_technique_is_tried_where_the_drive_refuses_the_one_before() {
    let (block, crypto) = (Technique::BlockErase, Technique::CryptoErase);
    let (sent, outcome) = climb(vec![
        rung(block, true, idle(false), false),
        rung(crypto, false, idle(true), true),
        rung(Technique::Format, false, idle(true), true),
    ]);
    assert_eq!(sent, [block, crypto], "and no more after one is claimed");
    let [first, second] = &outcome.own_erases[..] else {
        panic!("{outcome:?}")
    };
    assert!(matches!(first.verdict, Verdict::Unknown(_)), "{first:?}");
    assert!(
        matches!(second.verdict, Verdict::ClaimedByDrive(_)),
        "{second:?}"
    );
    let moments = outcome
        .identity_checks
        .iter()
        .map(|check| check.moment.as_str());
    let expected = [
        "claim",
        "after sanitize",
        "after sanitize",
        "after write",
        "after verify",
    ];
    assert!(moments.eq(expected), "{outcome:?}");
    assert!(matches!(outcome.conclusion, Conclusion::Verified(_)));
}

#[test]
fn drive_that_failed_gets_the_next_sanitize_command_and_nothing_is_claimed_of_it() {
    let failed = State::Failed("sectors remain".into());
    let (block, crypto) = (Technique::BlockErase, Technique::CryptoErase);
    let (sent, outcome) = climb(vec![
        rung(block, false, failed.clone(), false),
        rung(crypto, false, idle(true), true),
    ]);
    assert_eq!(sent, [block, crypto]);
    let verdicts: Vec<_> = outcome.own_erases.iter().map(|r| &r.verdict).collect();
    assert!(
        matches!(verdicts[..], [Verdict::Refuted(_), Verdict::Unknown(_)]),
        "{verdicts:?}"
    );
    assert!(
        matches!(outcome.conclusion, Conclusion::Verified(_)),
        "{outcome:?}"
    );
    // What it takes in that state are its sanitize commands.
    let (sent, outcome) = climb(vec![
        rung(block, false, failed, false),
        rung(Technique::Format, false, idle(true), true),
    ]);
    assert_eq!(sent, [block]);
    assert!(
        matches!(outcome.conclusion, Conclusion::NotComplete(_)),
        "{outcome:?}"
    );
}

#[test]
fn drive_that_says_it_erased_and_did_not_is_told_nothing_more() {
    let (block, crypto) = (Technique::BlockErase, Technique::CryptoErase);
    let (sent, outcome) = climb(vec![
        rung(block, false, idle(true), false),
        rung(crypto, false, idle(true), true),
    ]);
    assert_eq!(sent, [block]);
    assert!(
        matches!(verdict(&outcome), Verdict::Refuted(_)),
        "{outcome:?}"
    );
    assert_eq!(outcome.own_erases.len(), 1);
    assert!(matches!(outcome.conclusion, Conclusion::Verified(_)));
}

#[test]
fn frozen_sanitize_commands_leave_the_other_feature_sets() {
    let enhanced = Technique::EnhancedErase;
    let (sent, outcome) = climb(vec![
        rung(Technique::Overwrite, true, State::Frozen, false),
        rung(Technique::CryptoErase, true, State::Frozen, false),
        rung(enhanced, true, idle(false), false),
    ]);
    // The one drive here says frozen to all of them.
    assert_eq!(sent, [Technique::Overwrite], "{outcome:?}");
    let tried = outcome.own_erases.iter().map(|r| r.evidence.technique);
    assert!(tried.eq([Technique::Overwrite, enhanced]), "{outcome:?}");
}
