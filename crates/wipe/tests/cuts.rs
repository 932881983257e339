//! Power cuts over thousands of drives that do not exist: at any request, with a write cache that
//! loses what was not flushed, and a ledger that is the last one, an earlier one, forged, or of
//! another state of the drive. A new engine goes on, with other measures; what it says is compared
//! with the medium.
//!
//! `SIM_SEEDS` sets how many seeds, from 0 on; `SIM_SEED` runs one of them alone and shows it. Marks
//! are taken when the machine's threads come to it, so a seed that fails may need several runs.

mod support;

use sim::drive::Drive;
use sim::faults::{Faults, Timing, When};
use sim::media::Medium;
use sim::queue::{Shelf, lock};
use sim::random::Random;
use sim::sectors::Sectors;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::judge::Judge;
use support::kept::Kept;
use support::simulated::{self, Wanted};
use wipe::engine::run_with;
use wipe::job::VerifyMode;
use wipe::ledger::Mark;
use wipe::options::Options;
use wipe::outcome::{ByteRange, Conclusion, Outcome, PassKind, Shortfall};
use wipe::pattern::{Cipher, Seed};

const SEEDS: u64 = 1000;

macro_rules! ensure {
    ($holds:expr, $($words:tt)+) => {
        if !$holds {
            return Err(format!($($words)+));
        }
    };
}

#[test]
fn resumed_run_ends_proven_or_says_what_is_not_for_every_cut_and_every_ledger() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let seen = Mutex::new(Seen::default());
    if let Some(seed) = number("SIM_SEED") {
        if let Err(words) = run(seed, true, &seen) {
            panic!("seed {seed}: {words}");
        }
        return;
    }
    let seeds = number("SIM_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(0);
    let failed = Mutex::new(Vec::new());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed >= seeds || !failed.lock().unwrap().is_empty() {
                return;
            }
            if let Err(words) = run(seed, false, &seen) {
                failed.lock().unwrap().push((seed, words));
            }
        }
    };
    let workers = 4 * std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    let failed = failed.into_inner().unwrap();
    let words = failed
        .iter()
        .map(|(seed, words)| format!("SIM_SEED={seed} cargo test -p wipe --test cuts\n{words}\n"));
    assert!(failed.is_empty(), "\n{}", words.collect::<String>());
    let seen = seen.into_inner().unwrap();
    println!("{seen:?}");
    // The seeds are of use only while such things happen in them.
    let enough = |count: u64| count * 100 >= seeds;
    assert!(
        seeds < SEEDS
            || (enough(seen.marks_within)
                && enough(seen.marks_with_holes)
                && enough(seen.taken_over)
                && enough(seen.recalls_that_differ)
                && seen.lies_past_the_recall > 0),
        "{seen:?}"
    );
}

/// What happened in all seeds.
#[derive(Debug, Default)]
struct Seen {
    /// Marks between the first byte and the last.
    marks_within: u64,
    marks_with_holes: u64,
    /// Runs that took bytes over.
    taken_over: u64,
    recalls_that_differ: u64,
    /// Untrue ledgers that the recall believed.
    lies_past_the_recall: u64,
}

/// A drive with all that outlasts a power cut.
struct Patient {
    wanted: Wanted,
    medium: Medium,
    /// What was recorded, in order, since the drive was last begun anew.
    marks: Vec<Mark>,
    /// The medium holds what the marks say.
    is_true: bool,
    /// What the next run is told.
    resume: Option<Mark>,
}

fn run(seed: u64, shown: bool, seen: &Mutex<Seen>) -> Result<(), String> {
    let mut random = Random::new(seed);
    let count = random.pick(&[1, 1, 1, 2, 3]);
    let mut patients: Vec<_> = (0..count)
        .map(|n| {
            let wanted = drive(&mut random.split(), n);
            Patient {
                medium: wanted.medium(),
                wanted,
                marks: Vec::new(),
                is_true: true,
                resume: None,
            }
        })
        .collect();
    if shown {
        println!(
            "{:#?}",
            patients.iter().map(|p| &p.wanted).collect::<Vec<_>>()
        );
    }
    for _ in 0..random.pick(&[1, 1, 1, 1, 2, 3]) {
        let requests: u64 = patients
            .iter()
            .map(|p| 4 + p.wanted.bytes() / (64 << 10))
            .sum();
        let cut_at = match random.below(4) {
            0 => random.below(5 * requests),
            _ => random.below(requests),
        };
        turn(&mut random, &mut patients, Some(cut_at), shown, seen)?;
        for patient in &mut patients {
            patient.choose(&mut random);
        }
    }
    turn(&mut random, &mut patients, None, shown, seen)
}

/// One run of all drives, to its end or until the power is cut at a request.
fn turn(
    random: &mut Random,
    patients: &mut [Patient],
    cut_at: Option<u64>,
    shown: bool,
    seen: &Mutex<Seen>,
) -> Result<(), String> {
    let shelf = Arc::new(Shelf::default());
    if let Some(number) = cut_at {
        let all = Arc::downgrade(&shelf);
        shelf.at_request(number, move || {
            all.upgrade().iter().for_each(|all| all.cut_power())
        });
    }
    let options = Options {
        threads: random.pick(&[1, 2]),
        memory_bytes: random.pick(&[1, 2, 4, 16]) << 20,
        checkpoint_every: Duration::from_micros(random.below(20_000)),
        checkpoint_rest: random.pick(&[0, 1, 3]),
        ..Options::default()
    };
    let engine = simulated::engine(options, support::no_cancel(), &shelf);
    let (mut jobs, mut drives) = (Vec::new(), Vec::new());
    for patient in &mut *patients {
        let mut wanted = patient.wanted.clone();
        wanted.chance = random.number();
        wanted.max_request_bytes = random.pick(&[None, Some(1), Some(1), Some(120 << 10)]);
        if cut_at.is_some() && random.one_in(10) {
            wanted.faults.flush_fails.insert(random.below(3) as u32);
        }
        let (mut job, drive) = wanted.put_again(&shelf, patient.medium.clone());
        let kept = Kept::of(&drive);
        kept.is_trusted.store(patient.is_true, Ordering::SeqCst);
        kept.fails
            .store(random.pick(&[0, 0, 0, 1, 3]), Ordering::SeqCst);
        job.journal = Some(Arc::clone(&kept) as _);
        job.resume = patient.resume.clone();
        jobs.push(job);
        drives.push((drive, kept));
    }
    let outcomes = run_with(engine, jobs);
    // Also a run that has ended may find itself cut before anybody was told.
    if cut_at.is_some() {
        shelf.cut_power();
    }
    for (number, (patient, (drive, kept))) in patients.iter_mut().zip(drives).enumerate() {
        let outcome = &outcomes[number];
        let drive = lock(&drive);
        if shown {
            println!(
                "cut at {cut_at:?}, resumed {:?}: {outcome:#?}\n{:?}",
                patient.resume,
                kept.marks()
            );
        }
        let told = |words| format!("drive {number}, cut at {cut_at:?}: {words}");
        patient
            .check(outcome, &drive, &kept, cut_at.is_some())
            .map_err(told)?;
        patient.count(outcome, &kept, &mut seen.lock().unwrap());
        patient.after(outcome, &drive, &kept);
    }
    Ok(())
}

impl Patient {
    /// What is there when the power comes back.
    fn after(&mut self, outcome: &Outcome, drive: &Drive, kept: &Kept) {
        self.medium = drive.medium.clone();
        let marks = kept.marks();
        // Whatever was believed before, nothing was taken over from it.
        if taken_over(outcome) == 0 && !marks.is_empty() {
            self.is_true = true;
            self.marks.clear();
        }
        self.marks.extend(marks);
        self.is_true &= !kept.closed();
    }

    /// What the next run is told of it, and what happens to the drive meanwhile.
    fn choose(&mut self, random: &mut Random) {
        let all = Mark {
            mark_bytes: self.wanted.bytes(),
            holes: Vec::new(),
        };
        self.resume = match random.below(12) {
            0 => None,
            1 => {
                self.is_true = false;
                Some(all)
            }
            2..5 if !self.marks.is_empty() => {
                Some(self.marks[random.below(self.marks.len() as u64) as usize].clone())
            }
            // A closed ledger among them.
            _ => self.marks.last().cloned(),
        };
        let Some(mark) = &self.resume else {
            self.marks.clear();
            self.is_true = true;
            return;
        };
        let below = mark.mark_bytes / u64::from(self.wanted.sector_bytes);
        if below > 0 && random.one_in(4) {
            self.is_true = false;
            for _ in 0..random.pick(&[1, 1, 1, 30]) {
                self.medium.flip(random.below(below), random.number());
            }
        }
    }

    fn count(&self, outcome: &Outcome, kept: &Kept, seen: &mut Seen) {
        for mark in kept.marks() {
            seen.marks_within += u64::from((1..self.wanted.bytes()).contains(&mark.mark_bytes));
            seen.marks_with_holes += u64::from(!mark.holes.is_empty());
        }
        let Some(pass) = outcome.passes.first() else {
            return;
        };
        let recall = pass.resumed.as_ref().map(|resumed| &resumed.recall);
        let taken_over = taken_over(outcome) > 0;
        seen.taken_over += u64::from(taken_over);
        seen.recalls_that_differ += u64::from(recall.is_some_and(|r| r.mismatch_bytes > 0));
        let differs = pass
            .verify
            .as_ref()
            .is_some_and(|read| read.mismatch_bytes > 0);
        let good = self.wanted.faults.writes.is_empty();
        seen.lies_past_the_recall += u64::from(taken_over && differs && good);
    }

    fn check(
        &self,
        outcome: &Outcome,
        drive: &Drive,
        kept: &Kept,
        cut: bool,
    ) -> Result<(), String> {
        let ledger = &drive.ledger;
        ensure!(ledger.breaches.is_empty(), "{:?}", ledger.breaches);
        ensure!(kept.breaches().is_empty(), "{:?}", kept.breaches());
        let is_verified = matches!(outcome.conclusion, Conclusion::Verified(_));
        let looked_at = is_verified || !cut;
        let differ = if looked_at {
            self.differing(&drive.medium)
        } else {
            Sectors::default()
        };
        if let Conclusion::Verified(proof) = &outcome.conclusion {
            ensure!(
                differ.is_empty(),
                "verified, and not the pattern: {differ:?}"
            );
            ensure!(proof.bytes_verified() == self.wanted.bytes(), "{proof:?}");
        }
        if self.resume.is_some() {
            let weaker = matches!(
                outcome.conclusion,
                Conclusion::WrittenNotChecked | Conclusion::SampleVerified(_)
            );
            ensure!(!weaker, "a resumed run was not read back: {outcome:?}");
        }
        if cut {
            return Ok(());
        }
        self.check_end(outcome, &differ)
    }

    /// Of a run that nothing has cut.
    fn check_end(&self, outcome: &Outcome, differ: &Sectors) -> Result<(), String> {
        let bad = !self.wanted.faults.writes.is_empty() || !self.wanted.faults.reads.is_empty();
        let checked = self.resume.is_some() || self.wanted.verify == VerifyMode::Full;
        let fits = match &outcome.conclusion {
            Conclusion::Verified(_) => checked && !bad,
            Conclusion::WrittenNotChecked => !checked && self.wanted.faults.writes.is_empty(),
            Conclusion::NotComplete(_) => bad || !self.is_true,
            Conclusion::NotStarted(_) | Conclusion::SampleVerified(_) => false,
        };
        ensure!(
            fits,
            "bad sectors {bad}, true ledger {}: {outcome:?}",
            self.is_true
        );
        let pass = &outcome.passes[0];
        let taken_over = taken_over(outcome);
        ensure!(
            pass.written_bytes + taken_over + pass.write_error_bytes == self.wanted.bytes(),
            "{} written, {taken_over} taken over, {} errors",
            pass.written_bytes,
            pass.write_error_bytes
        );
        let keys = |rules: &std::collections::BTreeMap<u64, When>| rules.keys().copied().collect();
        let (writes, reads): (BTreeSet<u64>, BTreeSet<u64>) = (
            keys(&self.wanted.faults.writes),
            keys(&self.wanted.faults.reads),
        );
        let sectors = |ranges: &[ByteRange]| -> BTreeSet<u64> {
            let size = u64::from(self.wanted.sector_bytes);
            let ranges = ranges
                .iter()
                .map(|range| range.start / size..range.end / size);
            ranges.flatten().collect()
        };
        let listed = sectors(&pass.write_errors);
        // A forged ledger keeps bad sectors from being written to; they differ then.
        let fits = listed == writes || (!self.is_true && listed.is_subset(&writes));
        ensure!(fits, "write errors {listed:?}, bad are {writes:?}");
        let Some(read) = &pass.verify else {
            ensure!(!checked, "not read back");
            return Ok(());
        };
        ensure!(
            sectors(&read.read_errors) == reads,
            "{:?}, bad are {reads:?}",
            read.read_errors
        );
        let found = sectors(&read.mismatches);
        if self.is_true {
            let wanted: BTreeSet<u64> = &writes - &reads;
            ensure!(found == wanted, "{found:?} differ, bad are {wanted:?}");
        }
        if self.wanted.passes.len() == 1 {
            let differ: BTreeSet<u64> = differ.ranges().flatten().collect();
            ensure!(
                found == &differ - &reads,
                "{found:?} said to differ, {differ:?} do"
            );
            let said = matches!(&outcome.conclusion, Conclusion::NotComplete(reasons)
                if reasons.iter().any(|reason| matches!(reason, Shortfall::Mismatch { .. })));
            ensure!(said != found.is_empty(), "{:?}", outcome.conclusion);
        }
        Ok(())
    }

    /// Sectors that do not hold the last pass.
    fn differing(&self, medium: &Medium) -> Sectors {
        let Wanted {
            seed,
            identity,
            cipher,
            passes,
            ..
        } = &self.wanted;
        let last = passes.len() - 1;
        let judge = Judge::new(
            seed,
            identity,
            *cipher,
            passes[last],
            self.wanted.numbers()[last],
        );
        let size = medium.sector_bytes();
        let (mut found, mut expected) = (vec![0; size], vec![0; size]);
        let differs = |sector: &u64| {
            medium.read(*sector, &mut found);
            judge.fill(sector * size as u64, &mut expected);
            found != expected
        };
        (0..self.wanted.sectors)
            .filter(differs)
            .map(|n| n..n + 1)
            .collect()
    }
}

fn taken_over(outcome: &Outcome) -> u64 {
    let first = outcome.passes.first();
    let resumed = first.and_then(|pass| pass.resumed.as_ref());
    resumed.map_or(0, |resumed| resumed.taken_over_bytes)
}

fn drive(random: &mut Random, number: u64) -> Wanted {
    const PLANS: &[&[PassKind]] = &[
        &[PassKind::Pattern],
        &[PassKind::Pattern],
        &[PassKind::Pattern],
        &[PassKind::Pattern, PassKind::Complement],
        &[PassKind::Pattern, PassKind::Zero],
        &[PassKind::Pattern, PassKind::Pattern],
    ];
    let sector_bytes = random.pick(&[512, 512, 4096]);
    // Of the longest, a recall reads a part only.
    let most = 1 << random.pick(&[6, 8, 10, 11, 12, 13, 15]);
    let sectors = 1 + random.below(most) * 512 / u64::from(sector_bytes);
    let mut faults = Faults {
        volatile: !random.one_in(8),
        merges: random.one_in(2),
        ..Faults::default()
    };
    if random.one_in(3) {
        faults.short_one_in = random.pick(&[0, 2, 5, 30]);
        faults.torn_one_in = random.pick(&[0, 0, 5, 30]);
        faults.again_one_in = random.pick(&[0, 0, 3, 20]);
        faults.refused_one_in = random.pick(&[0, 0, 0, 3, 20]);
    }
    if random.one_in(2) {
        for rules in [&mut faults.writes, &mut faults.reads] {
            for _ in 0..random.pick(&[0, 0, 1, 3, 20]) {
                let sector = match random.below(6) {
                    0 => 0,
                    1 => sectors - 1,
                    _ => random.below(sectors),
                };
                rules.insert(sector, When::Always);
            }
        }
    }
    let mut wanted = Wanted::good(
        &format!("serial=CUT{number};world_wide=;area="),
        sectors,
        sector_bytes,
    );
    wanted.physical_bytes = random.pick(&[sector_bytes, 4096, 65536]);
    wanted.seed = Seed(std::array::from_fn(|_| random.number() as u8));
    wanted.cipher = random.pick(&[Cipher::Aes128Ctr, Cipher::ChaCha8]);
    wanted.passes = random.pick(PLANS).to_vec();
    wanted.verify = random.pick(&[VerifyMode::Full, VerifyMode::Full, VerifyMode::None]);
    wanted.faults = faults;
    wanted.timing = Timing {
        request: Duration::from_micros(random.below(3000)),
        bytes_per_second: 1 << (22 + random.below(8)),
        error: Duration::from_millis(random.pick(&[0, 0, 10])),
        jitter: Duration::from_micros(random.pick(&[0, 100, 10_000])),
        ..Timing::default()
    };
    wanted
}
