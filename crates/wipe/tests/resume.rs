//! Ledgers and resumed runs, one case each; power cuts by the thousand are in `cuts.rs`.

mod support;

use sim::drive::Drive;
use sim::faults::When;
use sim::ledger::Ledger;
use sim::media::Held;
use sim::queue::{Shelf, lock};
use std::io;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::kept::Kept;
use support::simulated::{self, Wanted};
use support::{Manner, faulty, no_cancel};
use sys::queue::Op;
use wipe::engine::{Engine, run_with};
use wipe::job::{Job, VerifyMode};
use wipe::ledger::{Journal, Mark};
use wipe::options::Options;
use wipe::outcome::{ByteRange, Conclusion, Outcome, PassKind, Shortfall};
use wipe::pattern::Cipher;
use wipe::sample::Share;
use wipe::target::Control;

const NAME: &str = "serial=RESUMED;world_wide=;area=";
/// The engine looks at its calls between requests: so long it is kept from the next one at most.
const LEISURE: Duration = Duration::from_millis(20);
/// 32 MiB: a recall reads a tenth of it.
const SECTORS: u64 = 65_536;

/// A checkpoint whenever none is under way.
fn often() -> Options {
    Options {
        checkpoint_every: Duration::ZERO,
        checkpoint_rest: 0,
        ..Options::default()
    }
}

fn good() -> Wanted {
    let mut wanted = Wanted::good(NAME, SECTORS, 512);
    // Many short requests, so that there is time for checkpoints.
    wanted.max_request_bytes = Some(64 << 10);
    wanted.faults.volatile = true;
    wanted
}

/// One drive about to run.
struct Case {
    shelf: Arc<Shelf>,
    job: Job,
    drive: Arc<Mutex<Drive>>,
    kept: Arc<Kept>,
}

impl Case {
    fn new(wanted: &Wanted) -> Self {
        let shelf = Arc::new(Shelf::default());
        let (job, drive) = wanted.put(&shelf);
        Self::on(shelf, job, drive)
    }

    /// The same drive after a run, in another machine.
    fn again(wanted: &Wanted, drive: &Mutex<Drive>, resume: Mark) -> Self {
        let shelf = Arc::new(Shelf::default());
        let (mut job, drive) = wanted.put_again(&shelf, lock(drive).medium.clone());
        job.resume = Some(resume);
        Self::on(shelf, job, drive)
    }

    fn on(shelf: Arc<Shelf>, mut job: Job, drive: Arc<Mutex<Drive>>) -> Self {
        let kept = Kept::of(&drive);
        job.journal = Some(Arc::clone(&kept) as _);
        Self {
            shelf,
            job,
            drive,
            kept,
        }
    }

    fn run(self, options: Options) -> (Outcome, Arc<Mutex<Drive>>, Arc<Kept>) {
        let engine = simulated::engine(options, no_cancel(), &self.shelf);
        let outcome = run_with(engine, vec![self.job]).remove(0);
        assert!(
            self.kept.breaches().is_empty(),
            "{:?}",
            self.kept.breaches()
        );
        assert!(lock(&self.drive).ledger.breaches.is_empty());
        (outcome, self.drive, self.kept)
    }

    /// Runs until the power is cut at the request of this number. The last mark was taken after a
    /// third of the requests.
    fn cut(self, number: u64) -> (Arc<Mutex<Drive>>, Arc<Kept>) {
        let all = Arc::downgrade(&self.shelf);
        let cut = move || all.upgrade().iter().for_each(|all| all.cut_power());
        let stages = vec![number / 3, number / 3 * 2, number];
        marks_by(&self.shelf, Arc::clone(&self.kept), stages, cut);
        let (outcome, drive, kept) = self.run(often());
        assert!(!is_verified(&outcome), "{outcome:?}");
        (drive, kept)
    }
}

/// From the request of each number on, requests come one after another at leisure until one more mark
/// is recorded; checkpoints follow one another. After the last stage comes `function`.
fn marks_by(
    shelf: &Arc<Shelf>,
    kept: Arc<Kept>,
    stages: Vec<u64>,
    function: impl FnOnce() + Send + 'static,
) {
    stage(shelf, kept, stages, 0, function);
}

fn stage(
    shelf: &Arc<Shelf>,
    kept: Arc<Kept>,
    mut stages: Vec<u64>,
    before: usize,
    function: impl FnOnce() + Send + 'static,
) {
    let Some(number) = stages.first_mut() else {
        return function();
    };
    let (at, all) = (*number, Arc::downgrade(shelf));
    *number += 1;
    shelf.at_request(at, move || {
        let (marks, held) = kept.wait(LEISURE, |marks| marks.len() > before);
        let Some(shelf) = all.upgrade() else { return };
        if held {
            stages.remove(0);
            stage(&shelf, kept, stages, marks.len(), function);
        } else {
            stage(&shelf, kept, stages, before, function);
        }
    });
}

fn written(ledger: &Ledger) -> u64 {
    let writes = ledger.phases.iter().filter(|phase| phase.op == Op::Write);
    writes.map(|phase| phase.moved.count()).sum()
}

fn mark(mark_bytes: u64) -> Mark {
    Mark {
        mark_bytes,
        holes: Vec::new(),
    }
}

fn is_verified(outcome: &Outcome) -> bool {
    matches!(outcome.conclusion, Conclusion::Verified(_))
}

fn reasons(outcome: &Outcome) -> &[Shortfall] {
    match &outcome.conclusion {
        Conclusion::NotComplete(reasons) | Conclusion::NotStarted(reasons) => reasons,
        other => panic!("{other:?}"),
    }
}

fn all_is_the_pattern(drive: &Mutex<Drive>) -> bool {
    lock(drive).medium.held(0..SECTORS) == [(0..SECTORS, Held::Content(0))]
}

#[test]
fn run_shorter_than_the_interval_makes_no_checkpoint() {
    let (outcome, drive, kept) = Case::new(&good()).run(Options::default());
    assert!(is_verified(&outcome), "{outcome:?}");
    assert_eq!(lock(&drive).ledger.flushes, 1);
    // What is left of the ledger's work is the read-back.
    let marks = kept.wait_until(|marks| !marks.is_empty());
    assert_eq!(marks, [mark(SECTORS * 512)]);
    assert!(!kept.closed());
    assert_eq!(outcome.passes[0].resumed, None);
}

#[test]
fn run_without_a_journal_makes_no_checkpoint() {
    let mut case = Case::new(&good());
    case.job.journal = None;
    let (outcome, drive, kept) = case.run(often());
    assert!(is_verified(&outcome), "{outcome:?}");
    assert_eq!((lock(&drive).ledger.flushes, kept.marks().len()), (1, 0));
    assert_eq!(outcome.journal, None);
}

/// A drive whose flush returns late: when more requests have come, while there are any.
struct Late(Arc<Mutex<Drive>>, Arc<dyn Control>);

impl Control for Late {
    fn flush(&self) -> io::Result<()> {
        let result = self.1.flush();
        let requests = || lock(&self.0).ledger.requests;
        let (before, mut patience) = (requests(), 2000);
        while requests() < before + 8 && patience > 0 {
            patience -= 1;
            std::thread::yield_now();
        }
        result
    }

    fn recheck_identity(&self) -> Result<String, drive::identity::IdentityLost> {
        self.1.recheck_identity()
    }

    fn is_present(&self) -> bool {
        self.1.is_present()
    }
}

#[test]
fn mark_holds_nothing_that_was_written_after_its_flush() {
    let mut case = Case::new(&good());
    case.job.control = Arc::new(Late(Arc::clone(&case.drive), Arc::clone(&case.job.control)));
    marks_by(
        &case.shelf,
        Arc::clone(&case.kept),
        vec![100, 200, 300],
        || (),
    );
    // The journal looks at each mark; see `Kept`.
    let (outcome, _, kept) = case.run(often());
    assert!(is_verified(&outcome), "{outcome:?}");
    let marks = kept.marks();
    assert!(
        marks
            .iter()
            .any(|mark| (1..SECTORS * 512).contains(&mark.mark_bytes))
    );
    assert!(marks.is_sorted_by_key(Mark::written_bytes), "{marks:?}");
}

#[test]
fn power_cut_costs_what_was_written_since_the_last_mark_and_no_more() {
    let wanted = good();
    let (drive, kept) = Case::new(&wanted).cut(300);
    let last = kept.last().unwrap();
    assert!((1..SECTORS * 512).contains(&last.mark_bytes));
    let (outcome, drive, _) = Case::again(&wanted, &drive, last.clone()).run(Options::default());
    assert!(
        is_verified(&outcome) && all_is_the_pattern(&drive),
        "{outcome:?}"
    );
    let pass = &outcome.passes[0];
    let resumed = pass.resumed.as_ref().unwrap();
    assert!(resumed.recall.is_equal() && resumed.recall.read_bytes > 0);
    assert_eq!(resumed.mark_bytes, last.mark_bytes);
    assert_eq!(resumed.taken_over_bytes, last.written_bytes());
    assert_eq!(pass.written_bytes, SECTORS * 512 - last.written_bytes());
    assert_eq!(written(&lock(&drive).ledger) * 512, pass.written_bytes);
}

#[test]
fn drive_cut_in_its_read_back_is_only_read_again() {
    let wanted = good();
    let (drive, kept) = Case::new(&wanted).cut(700);
    kept.wait_until(|marks| marks.last() == Some(&mark(SECTORS * 512)));
    let (outcome, drive, _) =
        Case::again(&wanted, &drive, mark(SECTORS * 512)).run(Options::default());
    assert!(
        is_verified(&outcome) && all_is_the_pattern(&drive),
        "{outcome:?}"
    );
    assert_eq!(written(&lock(&drive).ledger), 0);
    assert_eq!(outcome.passes[0].written_bytes, 0);
}

#[test]
fn forged_ledger_of_an_untouched_drive_is_found_and_the_drive_is_written() {
    let mut case = Case::new(&good());
    case.job.resume = Some(mark(SECTORS * 512));
    let kept = Arc::clone(&case.kept);
    let first = move || drop(kept.wait_until(|marks| !marks.is_empty()));
    case.shelf.at_request(100, first);
    let (outcome, drive, kept) = case.run(Options::default());
    assert!(
        is_verified(&outcome) && all_is_the_pattern(&drive),
        "{outcome:?}"
    );
    let resumed = outcome.passes[0].resumed.clone().unwrap();
    assert_eq!(resumed.taken_over_bytes, 0);
    assert_eq!(resumed.recall.first_mismatch_offset_bytes, Some(0));
    assert!(!resumed.recall.complete);
    assert_eq!(outcome.passes[0].written_bytes, SECTORS * 512);
    // A cut before the next mark must not find the forged one again.
    assert_eq!(kept.marks()[0], Mark::default());
}

#[test]
fn ledger_of_another_state_of_the_drive_is_never_verified() {
    let wanted = good();
    let (drive, _) = Case::new(&wanted).cut(700);
    let mut believed = 0;
    for sector in (0..SECTORS).step_by(3001) {
        lock(&drive).medium.flip(sector, 5);
        let (outcome, after, _) = {
            let case = Case::again(&wanted, &drive, mark(SECTORS * 512));
            case.kept.is_trusted.store(false, Ordering::SeqCst);
            case.run(Options::default())
        };
        lock(&drive).medium.flip(sector, 5);
        let resumed = outcome.passes[0].resumed.as_ref().unwrap();
        if resumed.recall.is_equal() {
            believed += 1;
            let wanted = Shortfall::Mismatch {
                bytes: 512,
                first_offset_bytes: sector * 512,
            };
            assert!(
                matches!(reasons(&outcome), [Shortfall::Mismatch { bytes: 512, .. }]),
                "{wanted:?}: {outcome:?}"
            );
            assert_eq!(
                lock(&after).medium.held(sector..sector + 1)[0].1,
                Held::Other
            );
        } else {
            assert!(
                is_verified(&outcome) && all_is_the_pattern(&after),
                "{outcome:?}"
            );
        }
    }
    // Of 22, a recall of a tenth finds two or three.
    assert!(believed > 0);
}

#[test]
fn drive_whose_recall_cannot_be_read_is_written_whole() {
    let mut wanted = good();
    let (drive, _) = Case::new(&wanted).cut(700);
    wanted.faults.reads.insert(3, When::LongerThanSector);
    let (outcome, drive, _) =
        Case::again(&wanted, &drive, mark(SECTORS * 512)).run(Options::default());
    assert!(
        is_verified(&outcome) && all_is_the_pattern(&drive),
        "{outcome:?}"
    );
    let pass = &outcome.passes[0];
    let recall = &pass.resumed.as_ref().unwrap().recall;
    assert!(recall.first_read_error.is_some() && !recall.is_equal());
    assert_eq!(pass.written_bytes, SECTORS * 512);
}

#[test]
fn holes_are_written_again_and_listed_if_they_fail_again() {
    let mut wanted = good();
    wanted.faults.writes = [(10, When::Always), (5000, When::Always)].into();
    let (drive, kept) = Case::new(&wanted).cut(450);
    let last = kept.last().unwrap();
    assert!(
        last.holes.len() >= 2 && last.mark_bytes > 5000 * 512,
        "{last:?}"
    );
    // The first of them has healed.
    wanted.faults.writes.remove(&10);
    let (outcome, _, _) = Case::again(&wanted, &drive, last).run(Options::default());
    let range = |sector: u64| ByteRange {
        start: sector * 512,
        end: (sector + 1) * 512,
    };
    assert_eq!(outcome.passes[0].write_errors, [range(5000)]);
    let read = outcome.passes[0].verify.as_ref().unwrap();
    assert_eq!(read.mismatches, [range(5000)]);
    assert!(outcome.passes[0].resumed.as_ref().unwrap().taken_over_bytes > 0);
}

#[test]
fn resumed_run_that_asks_for_less_reads_every_byte() {
    for verify in [VerifyMode::None, VerifyMode::Sampled(Share::MIN)] {
        let mut wanted = good();
        wanted.verify = verify;
        let (drive, _) = Case::new(&good()).cut(700);
        for resume in [mark(SECTORS * 512), mark(SECTORS * 256), Mark::default()] {
            let (outcome, after, _) = Case::again(&wanted, &drive, resume).run(Options::default());
            assert!(is_verified(&outcome), "{outcome:?}");
            let reads = lock(&after).ledger.phases.pop().unwrap();
            assert_eq!((reads.op, reads.moved.count()), (Op::Read, SECTORS));
        }
    }
}

#[test]
fn malformed_ledger_begins_nothing() {
    let hole = |start, end| Mark {
        mark_bytes: 4096,
        holes: vec![ByteRange { start, end }],
    };
    for resume in [
        mark(SECTORS * 512 + 512),
        mark(513),
        hole(8192, 16384),
        hole(1024, 512),
    ] {
        let mut case = Case::new(&good());
        case.job.resume = Some(resume);
        let (outcome, drive, _) = case.run(Options::default());
        assert!(matches!(outcome.conclusion, Conclusion::NotStarted(_)));
        assert_eq!(lock(&drive).ledger.requests, 0);
    }
    let mut case = Case::new(&good());
    case.job.passes = vec![PassKind::Zero, PassKind::Pattern];
    case.job.resume = Some(mark(512));
    let (outcome, drive, _) = case.run(Options::default());
    assert!(matches!(outcome.conclusion, Conclusion::NotStarted(_)));
    assert_eq!(lock(&drive).ledger.requests, 0);
}

#[test]
fn journal_that_fails_spoils_nothing_and_is_named() {
    let mut case = Case::new(&good());
    case.job.passes = vec![PassKind::Pattern, PassKind::Zero];
    case.kept.fails.store(u32::MAX, Ordering::SeqCst);
    let (outcome, _, kept) = case.run(often());
    assert!(is_verified(&outcome), "{outcome:?}");
    let record = outcome.journal.unwrap();
    assert_eq!((record.recorded, kept.marks().len()), (0, 0));
    assert!(record.failures >= 1, "{record:?}");
    assert_eq!(
        record.first_error.as_deref(),
        Some("no room for the ledger")
    );
}

#[test]
fn flush_that_fails_in_a_checkpoint_is_a_shortfall_and_the_last_one() {
    let mut wanted = good();
    wanted.faults.flush_fails.insert(1);
    let (outcome, _, kept) = Case::new(&wanted).run(often());
    assert!(
        matches!(reasons(&outcome), [Shortfall::FlushFailed { .. }]),
        "{outcome:?}"
    );
    // The kernel tells such an error once: the flush at the end was answered well.
    assert!(!outcome.passes[0].flushed);
    assert_eq!(kept.marks().len(), 1);
    assert!(kept.marks()[0].mark_bytes < SECTORS * 512);
}

#[test]
fn more_failed_sectors_than_are_listed_end_the_marks() {
    let mut wanted = good();
    wanted.faults.writes = (0..50).map(|n| (n * 1000, When::Always)).collect();
    let options = Options {
        listed_ranges: 5,
        ..often()
    };
    let (outcome, _, kept) = Case::new(&wanted).run(options);
    assert_eq!(outcome.passes[0].write_error_bytes, 50 * 512);
    assert!(
        kept.marks().iter().all(|mark| mark.holes.len() <= 20),
        "{:?}",
        kept.marks()
    );
    let whole = |mark: &Mark| mark.mark_bytes == SECTORS * 512;
    assert!(!kept.marks().iter().any(whole), "{:?}", kept.marks());
}

#[test]
fn ledger_is_closed_before_the_first_byte_of_a_second_pass() {
    for (verify, phases) in [(VerifyMode::Full, 2), (VerifyMode::None, 1)] {
        let mut wanted = good();
        wanted.passes = vec![PassKind::Pattern, PassKind::Complement];
        wanted.verify = verify;
        let (_, _, kept) = Case::new(&wanted).run(often());
        assert!(kept.closed());
        assert_eq!(kept.phases_at_close.load(Ordering::SeqCst), phases);
    }
}

#[test]
fn old_ledger_of_a_drive_cut_in_its_second_pass_proves_nothing() {
    let mut wanted = good();
    wanted.passes = vec![PassKind::Pattern, PassKind::Complement];
    let case = Case::new(&wanted);
    let all = Arc::downgrade(&case.shelf);
    case.shelf.at_request(1300, move || {
        all.upgrade().iter().for_each(|all| all.cut_power());
    });
    let (_, drive, kept) = case.run(often());
    assert!(kept.closed());
    let (outcome, after, _) = {
        let case = Case::again(&wanted, &drive, mark(SECTORS * 512));
        case.kept.is_trusted.store(false, Ordering::SeqCst);
        case.run(Options::default())
    };
    let resumed = outcome.passes[0].resumed.as_ref().unwrap();
    assert_eq!(resumed.recall.first_mismatch_offset_bytes, Some(0));
    assert!(is_verified(&outcome), "{outcome:?}");
    assert_eq!(
        lock(&after).medium.held(0..SECTORS),
        [(0..SECTORS, Held::Content(1))]
    );
}

/// A drive in memory on the real clock, and a journal over it.
fn real(passes: &[PassKind], journal: Arc<dyn Journal>) -> (Job, faulty::Shelf) {
    let shelf = faulty::Shelf::default();
    let file = support::direct(tempfile::NamedTempFile::new().unwrap().path());
    let bytes = 4000 * 512;
    shelf.put(
        &file,
        vec![support::OLD; bytes],
        512,
        faulty::Faults::default(),
    );
    let mut target = support::target("real", &file, bytes as u64, 512, 4096);
    target.file = Arc::new(file.into());
    target.max_request_bytes = Some(64 << 10);
    let mut job = support::job(
        target,
        Arc::new(Manner::plain(NAME)),
        Cipher::ChaCha8,
        passes,
    );
    job.journal = Some(journal);
    (job, shelf)
}

/// A journal whose first call waits for the test, and what was asked of it.
struct Hung {
    hold: Mutex<Option<std::sync::mpsc::Receiver<()>>>,
    calls: Mutex<std::sync::mpsc::Sender<Option<Mark>>>,
}

impl Journal for Hung {
    fn record(&self, mark: &Mark) -> io::Result<()> {
        let hold = self.hold.lock().unwrap().take();
        // Until the test drops its end: longer than the run.
        let _ = hold.map(|hold| hold.recv());
        let _ = self.calls.lock().unwrap().send(Some(mark.clone()));
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        let _ = self.calls.lock().unwrap().send(None);
        Ok(())
    }
}

#[test]
fn checkpoint_that_hangs_holds_nothing_up_and_revives_no_ledger_that_was_closed() {
    let ((release, hold), (calls, called)) = (channel(), channel());
    let hung = Hung {
        hold: Mutex::new(Some(hold)),
        calls: Mutex::new(calls),
    };
    let (job, shelf) = real(&[PassKind::Pattern, PassKind::Zero], Arc::new(hung));
    let options = Options {
        question_bound: Duration::from_millis(50),
        ..often()
    };
    let engine = Engine::with_queues(options, no_cancel(), shelf.queues(1));
    let outcome = run_with(engine, vec![job]).remove(0);
    assert!(is_verified(&outcome), "{outcome:?}");
    let record = outcome.journal.unwrap();
    assert_eq!((record.recorded, record.failures), (0, 1));
    assert!(called.try_recv().is_err());
    drop(release);
    // The one that hung, and perhaps that of the end of the pass; then the end, and nothing after it.
    let calls: Vec<Option<Mark>> = called.iter().collect();
    assert!(calls.len() >= 2, "{calls:?}");
    let (last, marks) = calls.split_last().unwrap();
    assert!(
        last.is_none() && marks.iter().all(Option::is_some),
        "{calls:?}"
    );
}
