//! The test from taking memory to the outcome.
//!
//! The first round takes huge pages, all but the reserve and a spare part. Each later one takes small pages out
//! of the spare part before as much of the oldest is freed: the kernel gives small pages from its smallest
//! remains first, and those are what the first round could not have.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use sys::memory::{Grain, PAGE_BYTES};

use super::cells::{Cells, Clock, Source};
use super::counters::Counters;
use super::coverage::{Frames, SystemRam};
use super::findings::{BadFrame, Findings};
use super::held::Held;
use super::pattern::drawn;
use super::schedule::{self, Step, Test};
use super::sweep::{Difference, Sweep};
use super::{NotDone, Outcome, Progress, Request, slot};
use crate::facts;
use crate::roots::{Reader, Roots};

/// Largest chunk: some hundredths of a second a step, so that a stop or another program's need of memory is
/// seen soon.
const CHUNK_BYTES_MAX: u64 = 64 << 20;
/// Of a huge page; chunks are whole ones.
const CHUNK_BYTES_MIN: u64 = 2 << 20;
/// Part of the room that later rounds begin with.
const SPARE_SHARE: u64 = 12;
/// Later rounds at most.
const REACHES_MAX: u32 = 8;
/// A round that would bring fewer new frames than one in so many is the last one.
const NEW_SHARE: usize = 20;
/// How long is waited without a look at whether to stop.
const SLICE: Duration = Duration::from_millis(250);
/// Wrong words of one step that are kept in full until they are gathered.
const DIFFERENCES_MAX: usize = 1 << 17;

/// Tests the memory that `source` gives. `progress` is called a few times a second from the calling thread.
pub fn run<S: Source>(
    source: &S,
    roots: &Roots,
    clock: &dyn Clock,
    request: &Request<'_>,
    progress: &mut dyn FnMut(&Progress),
) -> Outcome {
    let before = Counters::read(roots);
    let mut run = Run {
        source,
        clock,
        request,
        progress,
        began: clock.now(),
        held: Vec::new(),
        chunks: 0,
        chunk_bytes: 0,
        held_bytes: 0,
        test: None,
        findings: Findings::default(),
        frames: Frames::default(),
        frames_unknown: false,
        not_locked: false,
        given_back_bytes: 0,
        held_bytes_max: 0,
        swept_bytes: 0,
        sweeps: 0,
        round: 0,
        tests: BTreeMap::new(),
        unfaded: false,
    };
    run.rounds();
    run.outcome(roots, before)
}

struct Run<'a, S: Source> {
    source: &'a S,
    clock: &'a dyn Clock,
    request: &'a Request<'a>,
    progress: &'a mut dyn FnMut(&Progress),
    began: Duration,
    held: Vec<Held<S::Chunk>>,
    /// Taken until now.
    chunks: u64,
    chunk_bytes: u64,
    /// As it was last counted.
    held_bytes: u64,
    test: Option<Test>,
    findings: Findings,
    frames: Frames,
    frames_unknown: bool,
    not_locked: bool,
    given_back_bytes: u64,
    held_bytes_max: u64,
    swept_bytes: u64,
    sweeps: u64,
    round: u32,
    tests: BTreeMap<Test, (u32, u64)>,
    /// Frames count as reached that bit fade did not go over.
    unfaded: bool,
}

/// What a worker says of a chunk.
struct Told {
    index: usize,
    bytes: u64,
    differences: Vec<Difference>,
    /// Wrong words that are not among them.
    unlisted: u64,
    core: Option<usize>,
    is_whole: bool,
    given_back_bytes: u64,
}

impl<S: Source> Run<'_, S> {
    fn rounds(&mut self) {
        let spare = self.spare_bytes();
        self.take(Grain::Huge, u64::MAX, spare);
        let mut reaches = 0;
        while self.held.iter().any(|held| held.cells.is_some()) {
            self.round += 1;
            let seed = drawn(self.request.seed, u64::from(self.round));
            let fade = self.request.fade.filter(|_| reaches == 0);
            for (test, steps) in schedule::tests(self.request.depth, seed, fade) {
                if !self.test(test, &steps) {
                    return;
                }
            }
            self.held.iter_mut().for_each(|held| held.is_done = true);
            if reaches < REACHES_MAX && self.reach(spare) {
                reaches += 1;
                continue;
            }
            if !self.request.repeat {
                return;
            }
            self.held.iter_mut().for_each(|held| held.is_done = false);
            reaches = 0;
        }
    }

    /// Takes small pages for a round of their own, and then frees as much; false when that brings too little.
    fn reach(&mut self, spare: u64) -> bool {
        if self.frames_unknown || self.is_over() {
            return false;
        }
        let old = self.held.len();
        self.take(Grain::Small, spare, 0);
        let fresh = &self.held[old..];
        let pages: usize = fresh.iter().map(|held| held.pages).sum();
        let numbers = fresh.iter().flat_map(|held| &held.numbers);
        let new = numbers
            .filter(|frame| !self.frames.contains(**frame))
            .count();
        if new == 0 || new < pages / NEW_SHARE {
            self.held.truncate(old);
            self.count_held();
            return false;
        }
        let mut freed = 0;
        self.held.retain(|held| {
            let goes = held.is_done && freed < pages;
            freed += if goes { held.pages } else { 0 };
            !goes
        });
        self.count_held();
        true
    }

    /// What the first round leaves for later ones, and settles the size of a chunk.
    fn spare_bytes(&mut self) -> u64 {
        let room = room_bytes(self.source, self.request);
        let limit = self.request.memory_max_bytes.unwrap_or(u64::MAX);
        let each = room.min(limit) / (2 * self.workers().len() as u64);
        let whole = each / CHUNK_BYTES_MIN * CHUNK_BYTES_MIN;
        self.chunk_bytes = whole.clamp(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX);
        (room / SPARE_SHARE).max(self.chunk_bytes)
    }

    /// Takes chunks while there is room, with all cores, since the kernel clears each page.
    fn take(&mut self, grain: Grain, bytes_max: u64, spare: u64) {
        struct Taking<C> {
            /// Asked for and not yet seen in what is available.
            pending: u64,
            left: u64,
            number: u64,
            held: Vec<Held<C>>,
        }
        let chunk = self.chunk_bytes;
        let limit = self.request.memory_max_bytes.unwrap_or(u64::MAX);
        let taking = Mutex::new(Taking {
            pending: 0,
            left: bytes_max.min(limit.saturating_sub(self.held_bytes)),
            number: self.chunks,
            held: Vec::new(),
        });
        let lock = || taking.lock().unwrap_or_else(PoisonError::into_inner);
        let (source, clock, request, began) = (self.source, self.clock, self.request, self.began);
        let one = || {
            let number = {
                let mut taking = lock();
                let room = room_bytes(source, request).saturating_sub(taking.pending + spare);
                if room < chunk || taking.left < chunk || over(clock, began, request) {
                    return false;
                }
                taking.pending += chunk;
                taking.left -= chunk;
                taking.number += 1;
                taking.number
            };
            let cells = source.take(chunk as usize / PAGE_BYTES, grain);
            let held = cells.map(|cells| Held::new(cells, number));
            let mut taking = lock();
            taking.pending -= chunk;
            let is_there = held.is_ok();
            taking.held.extend(held);
            is_there
        };
        std::thread::scope(|scope| {
            for _ in self.workers() {
                scope.spawn(|| while one() {});
            }
        });
        let taking = taking.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.chunks = taking.number;
        for held in taking.held {
            self.frames_unknown |= !held.knows_frames();
            self.not_locked |= held.cells.as_ref().is_some_and(|cells| !cells.is_locked());
            self.held.push(held);
        }
        self.count_held();
        self.tell();
    }

    /// One test over all that is not done; false when it did not come to its end.
    fn test(&mut self, test: Test, steps: &[Step]) -> bool {
        self.test = Some(test);
        for step in steps {
            let is_whole = match (step, Sweep::of(step)) {
                (_, Some(sweep)) => self.sweep(test, &sweep),
                (Step::Wait(time), None) => self.wait(*time),
                (_, None) => true,
            };
            if !is_whole {
                return false;
            }
        }
        let mut bytes = 0;
        for held in self.held.iter_mut() {
            if held.is_done || held.cells.is_none() {
                continue;
            }
            bytes += (held.pages * PAGE_BYTES) as u64;
            held.was_left_to_fade |= test == Test::BitFade;
            if !held.is_counted {
                held.is_counted = true;
                for frame in held.frames_unmoved().into_iter().flatten() {
                    self.frames.insert(frame);
                }
            }
        }
        if bytes > 0 {
            let done = self.tests.entry(test).or_default();
            *done = (done.0 + 1, done.1 + bytes);
        }
        self.tell();
        bytes > 0
    }

    /// One step over all that is not done, each core over its share; the shares change hands with every step.
    fn sweep(&mut self, test: Test, sweep: &Sweep) -> bool {
        let workers = self.workers();
        let rotation = self.sweeps as usize;
        let mut shares: Vec<Vec<_>> = workers.iter().map(|_| Vec::new()).collect();
        let mut held = std::mem::take(&mut self.held);
        let chosen = held
            .iter_mut()
            .enumerate()
            .filter(|(_, held)| !held.is_done && held.cells.is_some());
        for (place, chunk) in chosen.enumerate() {
            shares[(place + rotation) % workers.len()].push(chunk);
        }
        let kept = AtomicUsize::new(0);
        let mut all = Vec::new();
        std::thread::scope(|scope| {
            let (tell, told) = mpsc::channel();
            let (source, clock, request, began) =
                (self.source, self.clock, self.request, self.began);
            for (core, share) in workers.iter().zip(shares) {
                let (tell, kept) = (tell.clone(), &kept);
                scope.spawn(move || {
                    let core = core.filter(|core| sys::cpu::pin(*core).is_ok());
                    let is_over = || over(clock, began, request);
                    for (index, held) in share {
                        let said = chunk(source, request, sweep, (index, held), &is_over, kept);
                        // Nobody hears it when the run is gone.
                        let _ = tell.send(Told { core, ..said });
                    }
                });
            }
            drop(tell);
            for said in told {
                self.swept_bytes += said.bytes;
                self.given_back_bytes += said.given_back_bytes;
                if said.unlisted > 0 {
                    self.findings.add_unlisted(said.unlisted);
                }
                all.push(said);
                self.tell();
            }
        });
        self.held = held;
        self.count_held();
        let is_whole = all.iter().all(|said| said.is_whole);
        for said in all.iter().filter(|said| !said.differences.is_empty()) {
            let held = &self.held[said.index];
            let unmoved = held.frames_unmoved();
            for difference in &said.differences {
                let place = held.place(&unmoved, difference.page);
                self.findings.add(place, *difference, test, said.core);
            }
        }
        self.sweeps += u64::from(is_whole);
        is_whole
    }

    /// Leaves memory alone; false when it was not to the end.
    fn wait(&mut self, time: Duration) -> bool {
        let until = self.clock.now() + time;
        loop {
            let now = self.clock.now();
            if now >= until {
                return true;
            }
            if self.is_over() {
                return false;
            }
            let last = self.held.iter_mut().rfind(|held| held.cells.is_some());
            if let Some(held) = last
                && is_tight(self.source, self.request)
            {
                held.cells = None;
                self.given_back_bytes += (held.pages * PAGE_BYTES) as u64;
            }
            self.count_held();
            self.clock.wait(SLICE.min(until - now));
            self.tell();
        }
    }

    /// A core each; `None` runs anywhere.
    fn workers(&self) -> Vec<Option<usize>> {
        match self.request.cores {
            [] => vec![None],
            cores => cores.iter().copied().map(Some).collect(),
        }
    }

    fn is_over(&self) -> bool {
        over(self.clock, self.began, self.request)
    }

    fn count_held(&mut self) {
        let there = self.held.iter().filter(|held| held.cells.is_some());
        self.held_bytes = there.map(|held| (held.pages * PAGE_BYTES) as u64).sum();
        self.held_bytes_max = self.held_bytes_max.max(self.held_bytes);
    }

    fn tell(&mut self) {
        let told = Progress {
            test: self.test,
            round: self.round,
            held_bytes: self.held_bytes,
            swept_bytes: self.swept_bytes,
            errors: self.findings.errors(),
            elapsed: self.clock.now() - self.began,
        };
        (self.progress)(&told);
    }

    fn outcome(mut self, roots: &Roots, before: Counters) -> Outcome {
        let counted = self.held.iter().filter(|held| held.is_counted);
        self.unfaded |= counted.clone().any(|held| !held.was_left_to_fade);
        let ram = SystemRam::read(roots);
        let coverage = ram
            .as_ref()
            .filter(|_| !self.frames_unknown)
            .map(|ram| self.frames.coverage(ram));
        let after = Counters::read(roots);
        let not_done = self.not_done(ram.is_none(), &after);
        // Memory goes back before the firmware's tables are read.
        self.held.clear();
        let (errors, errors_unlisted) = (self.findings.errors(), self.findings.unlisted());
        Outcome {
            coverage,
            held_bytes_max: self.held_bytes_max,
            swept_bytes: self.swept_bytes,
            sweeps: self.sweeps,
            rounds: self.round,
            tests: self
                .tests
                .iter()
                .map(|(test, (times, bytes))| (*test, *times, *bytes))
                .collect(),
            errors,
            bad: with_slots(self.findings.into_frames(), roots),
            errors_unlisted,
            counters: (before, after),
            stopped: self.request.stop.load(Ordering::Relaxed),
            elapsed: self.clock.now() - self.began,
            not_done,
        }
    }

    fn not_done(&self, map_unknown: bool, counters: &Counters) -> Vec<NotDone> {
        let taken = self.held_bytes_max > 0;
        let reserve = self.source.available();
        let reserve = reserve.map(|now| now.reserve_bytes(self.request.reserve_bytes));
        let missing = Test::ALL
            .into_iter()
            .filter(|test| !self.tests.contains_key(test));
        [
            (!taken).then_some(NotDone::NothingTaken),
            (taken && self.frames_unknown).then_some(NotDone::FramesUnknown),
            map_unknown.then_some(NotDone::MemoryMapUnknown),
            reserve.map(NotDone::Reserve),
            (self.given_back_bytes > 0).then_some(NotDone::GivenBack(self.given_back_bytes)),
            self.not_locked.then_some(NotDone::NotLocked),
            (taken && !self.source.leaves_caches()).then_some(NotDone::Caches),
            (self.unfaded && self.tests.contains_key(&Test::BitFade))
                .then_some(NotDone::FadeOfLaterRounds),
            counters
                .corrected
                .is_none()
                .then_some(NotDone::CorrectedErrors),
        ]
        .into_iter()
        .flatten()
        .chain(missing.map(NotDone::Test))
        .collect()
    }
}

fn over(clock: &dyn Clock, began: Duration, request: &Request<'_>) -> bool {
    request.stop.load(Ordering::Relaxed) || clock.now() - began >= request.time_max
}

fn room_bytes(source: &impl Source, request: &Request<'_>) -> u64 {
    let available = source.available();
    available.map_or(0, |now| now.room_bytes(request.reserve_bytes))
}

fn is_tight(source: &impl Source, request: &Request<'_>) -> bool {
    let available = source.available();
    available.is_some_and(|now| now.is_tight(request.reserve_bytes))
}

/// One chunk in one worker. It is given back first where the machine needs memory.
fn chunk<S: Source>(
    source: &S,
    request: &Request<'_>,
    sweep: &Sweep,
    (index, held): (usize, &mut Held<S::Chunk>),
    is_over: &dyn Fn() -> bool,
    kept: &AtomicUsize,
) -> Told {
    let mut told = Told {
        index,
        bytes: 0,
        differences: Vec::new(),
        unlisted: 0,
        core: None,
        is_whole: true,
        given_back_bytes: 0,
    };
    if is_tight(source, request) {
        held.cells = None;
        told.given_back_bytes = (held.pages * PAGE_BYTES) as u64;
        return told;
    }
    let Some(cells) = &mut held.cells else {
        return told;
    };
    told.is_whole = sweep.over(cells, &held.numbers, is_over, &mut |difference| {
        if kept.fetch_add(1, Ordering::Relaxed) < DIFFERENCES_MAX {
            told.differences.push(difference);
        } else {
            told.unlisted += 1;
        }
    });
    if told.is_whole {
        told.bytes = sweep.bytes(held.pages);
    }
    told
}

fn with_slots(mut bad: Vec<BadFrame>, roots: &Roots) -> Vec<BadFrame> {
    if bad.is_empty() {
        return bad;
    }
    if let Some(smbios) = facts::smbios(&mut Reader::new(roots)) {
        for bad in &mut bad {
            let address = bad.first.address;
            bad.slot = address.and_then(|address| slot::of_address(&smbios, address));
        }
    }
    bad
}
