//! The engine over thousands of drives that do not exist, each drawn from a seed with its faults:
//! what raz says is compared with the ledger of what was done.
//!
//! `SIM_SEEDS` sets how many seeds, from 0 on; `SIM_SEED` runs one of them alone and shows it. A
//! seed draws the same drives every time. With several drives the order among them is the
//! machine's, as a call on another thread takes real time.

mod support;

use sim::drive::Drive;
use sim::ledger::{Given, Phase};
use sim::media::Held;
use sim::queue::{Shelf, lock};
use sim::sectors::Sectors;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::judge::Judge;
use support::no_cancel;
use support::scene::{Scene, Trouble};
use support::simulated::{self, Wanted};
use sys::queue::Op;
use wipe::job::VerifyMode;
use wipe::outcome::{ByteRange, Conclusion, Outcome, PassKind, Shortfall};
use wipe::sample::SUBSECTIONS;

const SEEDS: u64 = 3000;

/// Only to end a hang: no run waits for anything.
const HANG: Duration = Duration::from_secs(120);

macro_rules! ensure {
    ($holds:expr, $($words:tt)+) => {
        if !$holds {
            return Err(format!($($words)+));
        }
    };
}

#[test]
fn what_raz_says_is_what_was_done_for_every_seed() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse().unwrap());
    if let Some(seed) = number("SIM_SEED") {
        let scene = Scene::draw(seed);
        println!("{scene:#?}");
        if let Err(words) = run(&scene, true) {
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
            let r = run(&Scene::draw(seed), false);
            if let Err(words) = r {
                failed.lock().unwrap().push((seed, words));
            }
        }
    };
    let workers = 4 * std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    let failed = failed.into_inner().unwrap();
    let words = failed
        .iter()
        .map(|(seed, words)| format!("SIM_SEED={seed} cargo test -p wipe --test seeds\n{words}\n"));
    assert!(failed.is_empty(), "\n{}", words.collect::<String>());
}

fn run(scene: &Scene, shown: bool) -> Result<(), String> {
    let (shelf, cancel) = (Arc::new(Shelf::default()), no_cancel());
    if let Some(number) = scene.cancel_at {
        let cancel = Arc::clone(&cancel);
        shelf.at_request(number, move || cancel.store(true, Ordering::SeqCst));
    }
    let mut engine = simulated::engine(scene.options.clone(), Arc::clone(&cancel), &shelf);
    engine.expect(scene.drives.len());
    let mut drives = Vec::new();
    for (_, wanted) in &scene.drives {
        let (job, drive) = wanted.put(&shelf);
        engine.add(job);
        drives.push(drive);
    }
    let begun = Instant::now();
    let mut outcomes: Vec<Option<Outcome>> = vec![None; drives.len()];
    while outcomes.contains(&None) {
        ensure!(
            begun.elapsed() < HANG,
            "drives that do not end: {outcomes:?}"
        );
        if let Some((number, outcome)) = engine.next_end(Duration::from_secs(1)) {
            outcomes[number] = Some(outcome);
        }
    }
    let cancelled = cancel.load(Ordering::SeqCst);
    for (number, outcome) in outcomes.iter().flatten().enumerate() {
        let (trouble, wanted) = &scene.drives[number];
        let drive = lock(&drives[number]);
        if shown {
            println!("drive {number}: {outcome:#?}\n{:#?}", drive.ledger);
        }
        let case = Case {
            scene,
            trouble: *trouble,
            wanted,
            drive: &drive,
            outcome,
            cancelled,
        };
        case.check()
            .map_err(|words| format!("drive {number} ({trouble:?}): {words}"))?;
    }
    Ok(())
}

/// One drive of a run, and what was said of it.
struct Case<'a> {
    scene: &'a Scene,
    trouble: Trouble,
    wanted: &'a Wanted,
    drive: &'a Drive,
    outcome: &'a Outcome,
    cancelled: bool,
}

impl Case<'_> {
    fn check(&self) -> Result<(), String> {
        let ledger = &self.drive.ledger;
        ensure!(ledger.breaches.is_empty(), "{:?}", ledger.breaches);
        let mut whole = true;
        for pass in 0..self.wanted.passes.len() {
            whole &= self.check_write(pass)?;
            if self.verify() != VerifyMode::None {
                whole &= self.check_read(pass)?;
            }
        }
        let clean =
            whole && ledger.flush_errors == 0 && !(ledger.left || ledger.silent || ledger.changed);
        self.check_conclusion(clean)?;
        self.check_reasons()?;
        self.check_medium()
    }

    /// What was asked for, on a drive of this size.
    fn verify(&self) -> VerifyMode {
        let Wanted {
            verify,
            sector_bytes,
            ..
        } = self.wanted;
        verify.on(self.wanted.bytes(), *sector_bytes)
    }

    /// A phase that was never begun is one in which nothing was moved.
    fn phase(&self, pass: usize, op: Op) -> Phase {
        let index = match (self.verify(), op) {
            (VerifyMode::Full | VerifyMode::Sampled(_), Op::Write) => 2 * pass,
            (VerifyMode::Full | VerifyMode::Sampled(_), Op::Read) => 2 * pass + 1,
            (VerifyMode::None, _) => pass,
        };
        let phase = self.drive.ledger.phases.get(index).cloned();
        phase.unwrap_or(Phase {
            op,
            errors: 0,
            shorts: 0,
            agains: 0,
            moved: Sectors::default(),
            errors_at: Default::default(),
            given: Vec::new(),
        })
    }

    /// Whether the phase moved every sector.
    fn check_write(&self, pass: usize) -> Result<bool, String> {
        let phase = self.phase(pass, Op::Write);
        ensure!(phase.op == Op::Write, "pass {pass}: not a write phase");
        let Some(record) = self.outcome.passes.get(pass) else {
            ensure!(phase.moved.is_empty(), "pass {pass} is not on record");
            return Ok(false);
        };
        ensure!(
            (record.kind, record.pass) == (self.wanted.passes[pass], self.wanted.numbers()[pass]),
            "pass {pass}: recorded as {:?} {}",
            record.kind,
            record.pass
        );
        let accounted = record.written_bytes + record.write_error_bytes;
        let all = self.all();
        let over = Over {
            asked: &all,
            errors: &record.write_errors,
            error_bytes: record.write_error_bytes,
            moved_bytes: record.written_bytes,
            complete: accounted == self.wanted.bytes(),
        };
        self.check_phase(&format!("write {pass}"), &phase, &over)?;
        if over.complete {
            ensure!(
                record.write_errors_seen == phase.errors,
                "write {pass}: {} errors seen of {}",
                record.write_errors_seen,
                phase.errors
            );
        }
        ensure!(
            record.first_write_error.is_some() == (record.write_errors_seen > 0),
            "write {pass}: first error {:?}",
            record.first_write_error
        );
        Ok(phase.moved == all)
    }

    /// Whether the phase moved every sector that was to be read and gave nothing wrong.
    fn check_read(&self, pass: usize) -> Result<bool, String> {
        let phase = self.phase(pass, Op::Read);
        ensure!(phase.op == Op::Read, "pass {pass}: not a read phase");
        let record = self.outcome.passes.get(pass);
        let Some(read) = record.and_then(|record| record.verify.as_ref()) else {
            ensure!(phase.moved.is_empty(), "read {pass} is not on record");
            return Ok(false);
        };
        let asked = match (&read.samples, self.verify()) {
            (None, VerifyMode::Full) => self.all(),
            (Some(samples), VerifyMode::Sampled(share)) => {
                ensure!(samples.share() == share, "read {pass}: another share");
                let windows = (0..SUBSECTIONS).flat_map(|index| samples.windows(index));
                windows
                    .chain([0..1, self.wanted.sectors - 1..self.wanted.sectors])
                    .collect()
            }
            other => return Err(format!("read {pass}: {other:?}")),
        };
        ensure!(
            phase.moved.is_within(&asked),
            "read {pass}: more was read than was to be"
        );
        let over = Over {
            asked: &asked,
            errors: &read.read_errors,
            error_bytes: read.read_error_bytes,
            moved_bytes: read.read_bytes,
            complete: read.complete,
        };
        self.check_phase(&format!("read {pass}"), &phase, &over)?;
        let (wrong, unsure) = self.wrong(pass, &phase);
        let mut all = wrong.clone();
        unsure.ranges().for_each(|range| all.insert(range));
        let listed = self.sectors(&read.mismatches);
        ensure!(
            listed.is_within(&all),
            "read {pass}: equal sectors said to differ: {listed:?}, of {all:?}"
        );
        if over.complete {
            let size = u64::from(self.wanted.sector_bytes);
            let uncut = read.mismatch_bytes == listed.count() * size;
            ensure!(
                !uncut || wrong.is_within(&listed),
                "read {pass}: {wrong:?} differ, listed are {listed:?}"
            );
            ensure!(
                (wrong.count() * size..=all.count() * size).contains(&read.mismatch_bytes),
                "read {pass}: {} bytes differ, of {wrong:?} and {unsure:?}",
                read.mismatch_bytes
            );
            let first = read.first_mismatch_offset_bytes.map(|offset| offset / size);
            let is_first = |n: u64| all.touches(n..n + 1) && !wrong.touches(0..n);
            ensure!(
                first.map_or(wrong.is_empty(), is_first),
                "read {pass}: the first mismatch is in {first:?}, of {wrong:?}"
            );
        }
        Ok(phase.moved == asked && all.is_empty())
    }

    fn check_phase(&self, name: &str, phase: &Phase, over: &Over<'_>) -> Result<(), String> {
        let size = u64::from(self.wanted.sector_bytes);
        let moved = phase.moved.count() * size;
        let not_moved = over.asked.without(&phase.moved);
        let listed = self.sectors(over.errors);
        ensure!(
            listed.is_within(&not_moved),
            "{name}: good sectors are listed: {listed:?}, not moved were {not_moved:?}"
        );
        if !over.complete {
            ensure!(
                over.moved_bytes <= moved,
                "{name}: more is claimed than moved"
            );
            ensure!(self.may_stop(), "{name}: stopped before its end");
            return Ok(());
        }
        ensure!(
            over.moved_bytes == moved,
            "{name}: {} bytes claimed, {moved} moved",
            over.moved_bytes
        );
        ensure!(
            over.error_bytes == not_moved.count() * size,
            "{name}: {} bytes of errors, not moved were {not_moved:?}",
            over.error_bytes
        );
        let limit = self.scene.options.listed_ranges;
        let starts = |sectors: &Sectors| sectors.ranges().next().map(|range| range.start);
        let fits = if self.scene.real_bounds {
            listed == not_moved
        } else {
            // A list that is cut names the lowest ranges, or what was known of them then.
            over.errors.len() <= limit && starts(&listed) == starts(&not_moved)
        };
        ensure!(
            fits,
            "{name}: listed are {listed:?}, not moved were {not_moved:?}"
        );
        let only_the_bad =
            self.scene.real_bounds && !self.drive.ledger.left && self.trouble != Trouble::Rows;
        if only_the_bad {
            let rules = match phase.op {
                Op::Write => &self.wanted.faults.writes,
                Op::Read => &self.wanted.faults.reads,
            };
            let bad: Sectors = rules.keys().map(|n| *n..n + 1).collect();
            ensure!(
                listed.is_within(&bad),
                "{name}: listed are {listed:?}, bad are {bad:?} only"
            );
            // Unless there was no time for it, each has had a second try of its own.
            let alone = |n| phase.errors_at.get(&n).map_or(0, |drawn| drawn.alone);
            let twice = |n| alone(n) >= 2;
            let quick = self.wanted.timing.error < Duration::from_secs(1);
            ensure!(
                !quick || listed.ranges().flatten().all(twice),
                "{name}: of {listed:?}, not all were tried twice: {:?}",
                phase.errors_at
            );
        }
        Ok(())
    }

    /// Sectors that were given and are not the pass's, surely and perhaps.
    fn wrong(&self, pass: usize, phase: &Phase) -> (Sectors, Sectors) {
        let page = (4096 / u64::from(self.wanted.sector_bytes)).max(1) as usize;
        let (mut wrong, mut unsure) = (Sectors::default(), Sectors::default());
        for (range, given) in &phase.given {
            match given {
                Given::Held(Held::Content(number)) if *number == pass => {}
                Given::Held(_) => wrong.insert(range.clone()),
                // The engine marks each page of a buffer; what else is in it may be right.
                Given::Nothing => {
                    unsure.insert(range.clone());
                    range
                        .clone()
                        .step_by(page)
                        .for_each(|n| wrong.insert(n..n + 1));
                }
            }
        }
        (wrong, unsure)
    }

    /// Something happened after which a run need not reach its end.
    fn may_stop(&self) -> bool {
        let ledger = &self.drive.ledger;
        self.cancelled || ledger.left || ledger.silent || ledger.changed
    }

    fn all(&self) -> Sectors {
        std::iter::once(0..self.wanted.sectors).collect()
    }

    fn sectors(&self, ranges: &[ByteRange]) -> Sectors {
        let size = u64::from(self.wanted.sector_bytes);
        let sectors = ranges
            .iter()
            .map(|range| range.start / size..range.end / size);
        sectors.collect()
    }

    fn check_conclusion(&self, clean: bool) -> Result<(), String> {
        let ledger = &self.drive.ledger;
        let verify = self.verify();
        let full = verify == VerifyMode::Full;
        let proves = self.wanted.passes.contains(&PassKind::Pattern);
        let conclusion = &self.outcome.conclusion;
        let fits = match conclusion {
            Conclusion::Verified(proof) => {
                clean && full && proves && proof.bytes_verified() == self.wanted.bytes()
            }
            Conclusion::SampleVerified(_) => {
                clean && matches!(verify, VerifyMode::Sampled(_)) && proves
            }
            Conclusion::WrittenNotChecked => clean && verify == VerifyMode::None,
            Conclusion::NotComplete(reasons) => {
                let interrupted = self.cancelled && reasons.contains(&Shortfall::Interrupted);
                !clean || interrupted || (verify != VerifyMode::None && !proves)
            }
            Conclusion::NotStarted(_) => !clean && ledger.requests == 0,
        };
        ensure!(fits, "clean: {clean}, and said: {conclusion:?}");
        Ok(())
    }

    fn check_reasons(&self) -> Result<(), String> {
        let ledger = &self.drive.ledger;
        let (Conclusion::NotComplete(reasons) | Conclusion::NotStarted(reasons)) =
            &self.outcome.conclusion
        else {
            return Ok(());
        };
        let has = |wanted: fn(&Shortfall) -> bool| reasons.iter().any(wanted);
        let kinds = [
            ("vanished", has(|r| *r == Shortfall::Vanished), ledger.left),
            (
                "stalled",
                has(|r| matches!(r, Shortfall::Stalled { .. })),
                ledger.silent,
            ),
            (
                "changed",
                has(|r| matches!(r, Shortfall::IdentityChanged { .. })),
                ledger.changed,
            ),
            (
                "flush",
                has(|r| matches!(r, Shortfall::FlushFailed { .. })),
                ledger.flush_errors > 0,
            ),
        ];
        // What the records say, the reasons say.
        let passes = || self.outcome.passes.iter();
        let reads = || passes().filter_map(|pass| pass.verify.as_ref());
        let union = |lists: Vec<&Vec<ByteRange>>| {
            let sectors: Sectors = lists
                .into_iter()
                .flat_map(|ranges| self.sectors(ranges).ranges().collect::<Vec<_>>())
                .collect();
            sectors.count() * u64::from(self.wanted.sector_bytes)
        };
        let wanted = [
            union(passes().map(|pass| &pass.write_errors).collect()),
            union(reads().map(|read| &read.read_errors).collect()),
            union(reads().map(|read| &read.mismatches).collect()),
        ];
        let said = [
            sum(reasons, |reason| match reason {
                Shortfall::WriteErrors { bytes } => Some(*bytes),
                _ => None,
            }),
            sum(reasons, |reason| match reason {
                Shortfall::ReadErrors { bytes } => Some(*bytes),
                _ => None,
            }),
            sum(reasons, |reason| match reason {
                Shortfall::Mismatch { bytes, .. } => Some(*bytes),
                _ => None,
            }),
        ];
        // Of lists that were cut, more is said than is on record.
        let fits = |(said, wanted)| said == wanted || (!self.scene.real_bounds && said > wanted);
        ensure!(
            said.iter().zip(&wanted).all(fits),
            "bytes said {said:?}, on record {wanted:?}"
        );
        for (name, said, done) in kinds {
            // Of a run that was stopped, not everything that was on its way is heard.
            ensure!(
                said == done || (done && self.cancelled),
                "{name}: said {said}, done {done}"
            );
        }
        ensure!(
            self.cancelled || !has(|r| *r == Shortfall::Interrupted),
            "interrupted by nobody"
        );
        let given_up = reasons
            .iter()
            .any(|reason| matches!(reason, Shortfall::Other(text) if text.contains("given up")));
        let may = !self.scene.real_bounds || ledger.left || self.trouble == Trouble::Rows;
        ensure!(!given_up || may, "given up: {reasons:?}");
        let passes = self.outcome.passes.len();
        ensure!(
            given_up || self.may_stop() || passes == self.wanted.passes.len(),
            "{passes} passes, and no reason to stop: {reasons:?}"
        );
        ensure!(
            !has(|r| matches!(r, Shortfall::ByteCount { .. })),
            "bytes were lost sight of: {reasons:?}"
        );
        Ok(())
    }

    /// A drive that is said to be verified, or of which nothing else is known.
    fn check_medium(&self) -> Result<(), String> {
        let faults = &self.wanted.faults;
        let lies = !faults.dropped.is_empty()
            || !faults.halved.is_empty()
            || !faults.misplaced.is_empty()
            || faults.wraps_at.is_some();
        match self.outcome.conclusion {
            Conclusion::Verified(_) => {}
            Conclusion::SampleVerified(_) | Conclusion::WrittenNotChecked if !lies => {}
            Conclusion::SampleVerified(_)
            | Conclusion::WrittenNotChecked
            | Conclusion::NotComplete(_)
            | Conclusion::NotStarted(_) => return Ok(()),
        }
        let Wanted {
            seed,
            identity,
            cipher,
            passes,
            ..
        } = self.wanted;
        let last = passes.len() - 1;
        let number = self.wanted.numbers()[last];
        let judge = Judge::new(seed, identity, *cipher, passes[last], number);
        let size = u64::from(self.wanted.sector_bytes);
        for sector in 0..self.wanted.sectors {
            let mut found = vec![0; size as usize];
            let mut expected = found.clone();
            self.drive.medium.read(sector, &mut found);
            judge.fill(sector * size, &mut expected);
            ensure!(
                found == expected,
                "sector {sector} of the medium is not the pattern"
            );
        }
        Ok(())
    }
}

fn sum(reasons: &[Shortfall], bytes: fn(&Shortfall) -> Option<u64>) -> u64 {
    reasons.iter().filter_map(bytes).sum()
}

/// What is said of a phase.
struct Over<'a> {
    /// What it was to move.
    asked: &'a Sectors,
    errors: &'a [ByteRange],
    error_bytes: u64,
    moved_bytes: u64,
    /// It reached the end of what it was to move.
    complete: bool,
}
