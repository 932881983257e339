//! The engine over media with faults, below it: the errors listed are the errors injected, every
//! other byte is the pattern, and nothing with a fault is called verified. `PROPTEST_CASES` sets
//! the number of seeds; a failure prints its own.

mod support;

use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::Index;
use std::collections::BTreeSet;
use std::fs::File;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::faulty::{EIO, ENODEV, Faults, Medium, Shelf};
use support::{Manner, OLD, SEED, job, no_cancel, target};
use wipe::content::Content;
use wipe::engine::{Engine, run_with};
use wipe::job::Job;
use wipe::options::Options;
use wipe::outcome::{ByteRange, Conclusion, Outcome, PassKind, Shortfall, VerifyRecord};
use wipe::pattern::{Cipher, PassKey};

const NAME: &str = "serial=FAULTY;world_wide=;area=";

/// A drive in memory: the file is its name only.
struct Drive {
    file: File,
    medium: Arc<Mutex<Medium>>,
    sectors: u64,
    sector: u32,
    manner: Arc<Manner>,
}

fn drive(shelf: &Shelf, sectors: u64, sector: u32, faults: Faults, manner: Manner) -> Drive {
    let file = support::direct(tempfile::NamedTempFile::new().unwrap().path());
    let bytes = vec![OLD; (sectors * u64::from(sector)) as usize];
    let medium = shelf.put(&file, bytes, sector as usize, faults);
    Drive {
        file,
        medium,
        sectors,
        sector,
        manner: Arc::new(manner),
    }
}

impl Drive {
    /// The job uses the very descriptor under which the medium is on the shelf.
    fn job(self, passes: &[PassKind], max_request_bytes: u64) -> (Job, Arc<Mutex<Medium>>) {
        let bytes = self.sectors * u64::from(self.sector);
        let mut target = target("faulty", &self.file, bytes, self.sector, 4096);
        target.file = Arc::new(self.file.into());
        target.max_request_bytes = Some(max_request_bytes);
        (
            job(target, self.manner, Cipher::ChaCha8, passes),
            self.medium,
        )
    }
}

/// Where nothing stalls, a busy machine must not look as if.
fn options() -> Options {
    Options {
        stall_bound: Duration::from_secs(60),
        drain_bound: Duration::from_millis(50),
        ..Options::default()
    }
}

fn run(shelf: &Shelf, seed: u64, jobs: Vec<Job>) -> Vec<Outcome> {
    run_with(
        Engine::with_queues(options(), no_cancel(), shelf.queues(seed)),
        jobs,
    )
}

fn run_one(faults: Faults, sectors: u64, passes: &[PassKind]) -> (Outcome, Arc<Mutex<Medium>>) {
    let shelf = Shelf::default();
    let (job, medium) =
        drive(&shelf, sectors, 512, faults, Manner::plain(NAME)).job(passes, 1 << 20);
    (run(&shelf, 7, vec![job]).remove(0), medium)
}

fn pattern_of(bytes: usize) -> Vec<u8> {
    let mut expected = vec![0; bytes];
    Content::Pattern(PassKey::derive(&SEED, NAME, Cipher::ChaCha8, 0).unwrap())
        .fill(0, &mut expected);
    expected
}

fn ranges<'a>(sectors: impl IntoIterator<Item = &'a u64>, size: u64) -> Vec<ByteRange> {
    let mut ranges: Vec<ByteRange> = Vec::new();
    for n in sectors {
        match ranges.last_mut() {
            Some(last) if last.end == n * size => last.end += size,
            Some(_) | None => ranges.push(ByteRange {
                start: n * size,
                end: (n + 1) * size,
            }),
        }
    }
    ranges
}

fn reasons(outcome: &Outcome) -> &[Shortfall] {
    match &outcome.conclusion {
        Conclusion::NotComplete(reasons) => reasons,
        other => panic!("expected a run that is not complete, not {other:?}"),
    }
}

fn verify(outcome: &Outcome) -> &VerifyRecord {
    outcome.passes[0].verify.as_ref().unwrap()
}

fn sectors_in(count: u64, indexes: &[Index]) -> BTreeSet<u64> {
    indexes
        .iter()
        .map(|index| index.index(count as usize) as u64)
        .collect()
}

fn some() -> impl Strategy<Value = Vec<Index>> {
    proptest::prop_oneof![
        3 => proptest::collection::vec(any::<Index>(), 0..1),
        2 => proptest::collection::vec(any::<Index>(), 1..12),
    ]
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn errors_listed_are_errors_injected_and_the_rest_is_the_pattern(
        sectors in 1_u64..6000,
        sector in proptest::sample::select(&[512_u32, 4096][..]),
        bad_writes in some(), bad_reads in some(), once in some(), corrupt in some(),
        short_every in 0_u64..8,
        request_kib in 1_u64..1500,
        seed in any::<u64>(),
    ) {
        let sectors = if sector == 4096 { sectors / 4 + 1 } else { sectors };
        let faults = Faults {
            write_bad: sectors_in(sectors, &bad_writes),
            read_bad: sectors_in(sectors, &bad_reads),
            write_bad_once: sectors_in(sectors, &once),
            corrupt: sectors_in(sectors, &corrupt),
            short_every: if short_every < 2 { 0 } else { short_every },
            ..Faults::default()
        };
        let shelf = Shelf::default();
        let made = drive(&shelf, sectors, sector, faults.clone(), Manner::plain(NAME));
        let (job, medium) = made.job(&[PassKind::Pattern], request_kib << 10);
        let progress = Arc::clone(&job.progress);
        let outcome = run(&shelf, seed, vec![job]).remove(0);

        let size = u64::from(sector);
        let pass = &outcome.passes[0];
        prop_assert_eq!(&pass.write_errors, &ranges(&faults.write_bad, size));
        prop_assert_eq!(pass.written_bytes + pass.write_error_bytes, sectors * size);
        let read = verify(&outcome);
        prop_assert_eq!(&read.read_errors, &ranges(&faults.read_bad, size));
        let differ = faults.write_bad.union(&faults.corrupt).copied().collect::<BTreeSet<u64>>();
        let differ = differ.difference(&faults.read_bad).copied().collect::<BTreeSet<u64>>();
        prop_assert_eq!(&read.mismatches, &ranges(&differ, size));
        prop_assert_eq!(read.read_bytes + read.read_error_bytes, sectors * size);

        let harmless = faults.write_bad.is_empty() && faults.read_bad.is_empty() && faults.corrupt.is_empty();
        prop_assert_eq!(matches!(outcome.conclusion, Conclusion::Verified(_)), harmless);
        if !harmless {
            let named = reasons(&outcome);
            let has = |wanted: fn(&Shortfall) -> bool| named.iter().any(wanted);
            prop_assert_eq!(has(|r| matches!(r, Shortfall::WriteErrors { .. })), !faults.write_bad.is_empty());
            prop_assert_eq!(has(|r| matches!(r, Shortfall::ReadErrors { .. })), !faults.read_bad.is_empty());
            prop_assert_eq!(has(|r| matches!(r, Shortfall::Mismatch { .. })), !differ.is_empty());
        }

        let medium = medium.lock().unwrap();
        let expected = pattern_of(medium.bytes.len());
        for (n, (found, expected)) in medium.bytes.chunks(sector as usize).zip(expected.chunks(sector as usize)).enumerate() {
            let n = n as u64;
            if !faults.write_bad.contains(&n) && !faults.corrupt.contains(&n) {
                prop_assert!(found == expected, "sector {}", n);
            }
        }
        prop_assert_eq!(progress.snapshot().errors == 0, harmless && faults.write_bad_once.is_empty());
    }

    #[test]
    fn drive_that_leaves_at_any_byte_is_vanished_never_verified(
        sectors in 1_u64..4000, at in any::<Index>(), says_no_device in any::<bool>(), seed in any::<u64>(),
    ) {
        let shelf = Shelf::default();
        let after = at.index((sectors * 1024) as usize) as u64;
        let error = if says_no_device { ENODEV } else { EIO };
        let faults = Faults { leaves_after: Some((after, error)), ..Faults::default() };
        let manner = Manner::plain(NAME);
        // A drive that has left is no longer present; before, nobody asks.
        manner.present.store(false, Ordering::SeqCst);
        let (gone, _) = drive(&shelf, sectors, 512, faults, manner).job(&[PassKind::Pattern], 1 << 16);
        let (good, medium) = drive(&shelf, 3000, 512, Faults::default(), Manner::plain(NAME)).job(&[PassKind::Pattern], 1 << 16);
        let outcomes = run(&shelf, seed, vec![gone, good]);
        prop_assert!(reasons(&outcomes[0]).contains(&Shortfall::Vanished), "{:?}", outcomes[0]);
        prop_assert!(matches!(outcomes[1].conclusion, Conclusion::Verified(_)));
        let medium = medium.lock().unwrap();
        prop_assert!(medium.bytes == pattern_of(medium.bytes.len()));
    }
}

#[test]
fn drive_that_falls_silent_is_stalled_and_the_others_are_proven() {
    for after in [0, 600_000] {
        let shelf = Shelf::default();
        let faults = Faults {
            silent_after: Some(after),
            ..Faults::default()
        };
        let (silent, _) = drive(&shelf, 4000, 512, faults, Manner::plain(NAME))
            .job(&[PassKind::Pattern], 1 << 18);
        let mut jobs = vec![silent];
        for _ in 0..3 {
            let made = drive(&shelf, 4000, 512, Faults::default(), Manner::plain(NAME));
            jobs.push(made.job(&[PassKind::Pattern], 1 << 18).0);
        }
        let impatient = Options {
            stall_bound: Duration::from_secs(5),
            ..options()
        };
        let engine = Engine::with_queues(impatient, no_cancel(), shelf.queues(after));
        let outcomes = run_with(engine, jobs);
        assert!(
            matches!(reasons(&outcomes[0]), [Shortfall::Stalled { .. }]),
            "{:?}",
            outcomes[0]
        );
        for outcome in &outcomes[1..] {
            assert!(
                matches!(outcome.conclusion, Conclusion::Verified(_)),
                "{outcome:?}"
            );
        }
    }
}

#[test]
fn flush_that_never_returns_is_stalled() {
    struct Hung(Mutex<std::sync::mpsc::Receiver<()>>);
    impl wipe::target::Control for Hung {
        fn flush(&self) -> std::io::Result<()> {
            // Until the test drops its end: longer than the run.
            let _ = self.0.lock().unwrap().recv();
            Ok(())
        }
        fn recheck_identity(&self) -> Result<String, drive::identity::IdentityLost> {
            Ok(NAME.into())
        }
        fn is_present(&self) -> bool {
            true
        }
    }
    let (hold, held) = std::sync::mpsc::channel();
    let shelf = Shelf::default();
    let made = drive(&shelf, 100, 512, Faults::default(), Manner::plain(NAME));
    let (mut job, _) = made.job(&[PassKind::Pattern], 1 << 18);
    job.control = Arc::new(Hung(Mutex::new(held)));
    let options = Options {
        flush_bound: Duration::from_millis(50),
        ..options()
    };
    let engine = Engine::with_queues(options, no_cancel(), shelf.queues(3));
    let outcome = run_with(engine, vec![job]).remove(0);
    assert!(
        matches!(reasons(&outcome), [Shortfall::Stalled { .. }]),
        "{outcome:?}"
    );
    assert!(!outcome.passes[0].flushed);
    drop(hold);
}

#[test]
fn interrupted_drive_that_does_not_drain_still_ends() {
    let shelf = Shelf::default();
    let faults = Faults {
        silent_after: Some(0),
        ..Faults::default()
    };
    let (job, _) =
        drive(&shelf, 4000, 512, faults, Manner::plain(NAME)).job(&[PassKind::Pattern], 1 << 18);
    let cancel = no_cancel();
    let mut engine = Engine::with_queues(options(), Arc::clone(&cancel), shelf.queues(3));
    let progress = Arc::clone(&job.progress);
    engine.add(job);
    while progress.snapshot().phase != wipe::progress::Phase::Writing {
        std::thread::yield_now();
    }
    // That it does not answer is to be seen long before it is given up.
    while progress.snapshot().silent < Duration::from_millis(1) {
        assert!(progress.snapshot().phase != wipe::progress::Phase::Done);
        std::thread::yield_now();
    }
    cancel.store(true, Ordering::SeqCst);
    let outcome = std::iter::from_fn(|| Some(engine.next_end(Duration::from_secs(1))))
        .flatten()
        .next()
        .unwrap()
        .1;
    let reasons = match &outcome.conclusion {
        Conclusion::NotComplete(reasons) | Conclusion::NotStarted(reasons) => reasons,
        other => panic!("{other:?}"),
    };
    assert_eq!(reasons[..], [Shortfall::Interrupted]);
}

#[test]
fn writes_that_were_only_acknowledged_are_found() {
    let faults = Faults {
        dropped_writes: BTreeSet::from([0, 777, 2999]),
        ..Faults::default()
    };
    let (outcome, _) = run_one(faults, 3000, &[PassKind::Pattern]);
    assert!(matches!(
        reasons(&outcome),
        [Shortfall::Mismatch {
            bytes: 1536,
            first_offset_bytes: 0
        }]
    ));
    assert_eq!(verify(&outcome).mismatches, ranges(&[0, 777, 2999], 512));
}

#[test]
fn read_back_may_end_when_enough_sectors_differ_and_nothing_follows_it() {
    const SECTORS: u64 = 100_000;
    let run = |stop_after_mismatches| {
        let faults = Faults {
            dropped_writes: (1000..SECTORS).collect(),
            ..Faults::default()
        };
        let shelf = Shelf::default();
        let (job, _) = drive(&shelf, SECTORS, 512, faults, Manner::plain(NAME))
            .job(&[PassKind::Pattern, PassKind::Zero], 64 << 10);
        let options = Options {
            stop_after_mismatches,
            ..options()
        };
        let engine = Engine::with_queues(options, no_cancel(), shelf.queues(7));
        run_with(engine, vec![job]).remove(0)
    };
    let whole = run(None);
    assert_eq!(verify(&whole).mismatch_bytes, (SECTORS - 1000) * 512);
    assert_eq!(whole.passes.len(), 2);
    let all = run(Some(SECTORS));
    assert_eq!(verify(&all).mismatches, verify(&whole).mismatches);
    assert!(verify(&all).complete && all.passes.len() == 2);
    for enough in [1, 500] {
        let short = run(Some(enough));
        let read = verify(&short);
        assert!(!read.complete && read.read_bytes < SECTORS * 512);
        assert!(read.mismatch_bytes >= enough * 512);
        assert_eq!(read.first_mismatch_offset_bytes, Some(1000 * 512));
        assert_eq!(short.passes.len(), 1, "no pass follows");
        let [Shortfall::Other(why), Shortfall::Mismatch { .. }] = reasons(&short) else {
            panic!("{short:?}");
        };
        assert!(why.contains("ended early"), "{why}");
    }
}

#[test]
fn capacity_that_wraps_is_found() {
    let faults = Faults {
        wraps_at_sector: Some(2000),
        ..Faults::default()
    };
    let (outcome, _) = run_one(faults, 3000, &[PassKind::Pattern, PassKind::Complement]);
    // The last 1000 sectors took the place of the first 1000.
    assert!(matches!(
        reasons(&outcome),
        [Shortfall::Mismatch {
            bytes: 512_000,
            first_offset_bytes: 0
        }]
    ));
}

#[test]
fn reads_that_move_nothing_are_found_in_every_page_also_after_zeros() {
    // Eight sectors are one page of memory; request and page borders coincide here.
    let dropped: BTreeSet<u64> = (80..96).collect();
    let faults = Faults {
        dropped_reads: dropped,
        ..Faults::default()
    };
    let (outcome, _) = run_one(faults, 3000, &[PassKind::Pattern, PassKind::Zero]);
    assert!(matches!(reasons(&outcome), [Shortfall::Mismatch { .. }]));
    for pass in &outcome.passes {
        let read = pass.verify.as_ref().unwrap();
        for page in [80_u64, 88] {
            let seen = read
                .mismatches
                .iter()
                .any(|range| range.start <= page * 512 && page * 512 < range.end);
            assert!(seen, "{:?}: {:?}", pass.kind, read.mismatches);
        }
    }
}

#[test]
fn drive_on_which_every_write_fails_ends_soon_and_lists_everything() {
    let sectors = 200_000;
    let faults = Faults {
        write_bad: (0..sectors).collect(),
        ..Faults::default()
    };
    let (outcome, medium) = run_one(faults, sectors, &[PassKind::Pattern]);
    let whole = [ByteRange {
        start: 0,
        end: sectors * 512,
    }];
    assert_eq!(outcome.passes[0].write_errors, whole);
    assert!(reasons(&outcome).contains(&Shortfall::WriteErrors {
        bytes: sectors * 512
    }));
    assert!(medium.lock().unwrap().errors < 6000);
}

#[test]
fn isolated_bad_sectors_draw_at_most_fourteen_errors_each() {
    let bad: BTreeSet<u64> = (0..50).map(|n| n * 4001 + 17).collect();
    let faults = Faults {
        write_bad: bad.clone(),
        ..Faults::default()
    };
    let (outcome, medium) = run_one(faults, 210_000, &[PassKind::Pattern]);
    assert_eq!(outcome.passes[0].write_errors, ranges(&bad, 512));
    let errors = medium.lock().unwrap().errors;
    assert!(errors <= 14 * 50, "{errors} errors");
    assert_eq!(outcome.passes[0].write_errors_seen, errors);
}

#[test]
fn more_bad_sectors_than_the_list_holds_are_still_counted_to_the_byte() {
    let bad: BTreeSet<u64> = (0..300).map(|n| n * 3).collect();
    let shelf = Shelf::default();
    let faults = Faults {
        write_bad: bad,
        ..Faults::default()
    };
    let (job, _) =
        drive(&shelf, 1000, 512, faults, Manner::plain(NAME)).job(&[PassKind::Pattern], 1 << 16);
    let options = Options {
        listed_ranges: 20,
        ..options()
    };
    let engine = Engine::with_queues(options, no_cancel(), shelf.queues(5));
    let outcome = run_with(engine, vec![job]).remove(0);
    let pass = &outcome.passes[0];
    assert_eq!(
        (pass.write_errors.len(), pass.write_error_bytes),
        (20, 300 * 512)
    );
    assert!(reasons(&outcome).contains(&Shortfall::WriteErrors { bytes: 300 * 512 }));
}

#[test]
fn first_and_last_sector_can_be_bad() {
    let bad = BTreeSet::from([0, 4096]);
    let faults = Faults {
        write_bad: bad.clone(),
        read_bad: bad.clone(),
        ..Faults::default()
    };
    let (outcome, _) = run_one(faults, 4097, &[PassKind::Pattern]);
    assert_eq!(outcome.passes[0].write_errors, ranges(&bad, 512));
    assert_eq!(verify(&outcome).read_errors, ranges(&bad, 512));
    assert_eq!(
        outcome.passes[0]
            .first_write_error
            .as_deref()
            .map(|text| text.contains("os error 5")),
        Some(true)
    );
}

#[test]
fn queue_that_cannot_be_made_starts_nothing() {
    let shelf = Shelf::default();
    let (job, medium) = drive(&shelf, 100, 512, Faults::default(), Manner::plain(NAME))
        .job(&[PassKind::Pattern], 1 << 16);
    let none = Arc::new(|_| Err(std::io::Error::from_raw_os_error(12)));
    let outcome = run_with(Engine::with_queues(options(), no_cancel(), none), vec![job]).remove(0);
    assert!(matches!(outcome.conclusion, Conclusion::NotStarted(_)));
    assert!(medium.lock().unwrap().bytes.iter().all(|byte| *byte == OLD));
}

#[test]
fn fault_of_ours_in_a_data_thread_is_an_outcome_not_a_hang() {
    let shelf = Shelf::default();
    let (job, _) = drive(&shelf, 100, 512, Faults::default(), Manner::plain(NAME))
        .job(&[PassKind::Pattern], 1 << 16);
    let panics = Arc::new(|_| panic!("a queue that panics"));
    let outcome = run_with(
        Engine::with_queues(options(), no_cancel(), panics),
        vec![job],
    )
    .remove(0);
    assert!(matches!(reasons(&outcome), [Shortfall::Other(_)]));
}
