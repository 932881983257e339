//! A drive that does not exist: a medium with faults, and its ledger.

use crate::faults::{Faults, Timing, Verdict};
use crate::ledger::{Given, Ledger, Phase};
use crate::media::Medium;
use crate::random::Random;
use crate::sectors::Sectors;
use std::io;
use std::ops::Range;
use std::time::Duration;
use sys::queue::Op;

const EIO: i32 = 5;
const ENODEV: i32 = 19;

/// One drive. Its requests come from a [`crate::queue`], its slow calls from a test.
pub struct Drive {
    /// Its bytes.
    pub medium: Medium,
    /// What is wrong with it.
    pub faults: Faults,
    /// How long it takes.
    pub timing: Timing,
    /// What became of it.
    pub ledger: Ledger,
    identity: String,
    random: Random,
    /// On the clock of its queue: when it has served what it was sent.
    free_at: Duration,
    flying: Sectors,
    /// Of those under way, what will fail.
    failing: Sectors,
    /// Who it is was asked since the last request: the next one begins a phase.
    asked: bool,
    /// Something was written since the last flush.
    unflushed: bool,
    /// Of a volatile cache: what the medium held at the last flush that succeeded.
    lasting: Option<Box<Medium>>,
    is_off: bool,
}

/// A request under way.
pub(crate) struct Flight {
    op: Op,
    sectors: Range<u64>,
    verdict: Verdict,
    phase: usize,
    /// When it ends, if it ever does.
    pub(crate) due: Option<Duration>,
}

impl Drive {
    /// A drive of this identity; what its faults leave to chance follows from `seed`.
    #[must_use]
    pub fn new(identity: &str, medium: Medium, faults: Faults, timing: Timing, seed: u64) -> Self {
        let lasting = faults.volatile.then(|| Box::new(medium.clone()));
        Self {
            medium,
            faults,
            timing,
            ledger: Ledger::default(),
            identity: identity.into(),
            random: Random::new(seed),
            free_at: Duration::ZERO,
            flying: Sectors::default(),
            failing: Sectors::default(),
            asked: false,
            unflushed: false,
            lasting,
            is_off: false,
        }
    }

    /// The power goes, and with it the drive. Of the sectors that were written since the last flush,
    /// and of those under way, all, none or each by chance are on a medium whose cache is volatile.
    pub fn cut_power(&mut self) {
        if std::mem::replace(&mut self.is_off, true) {
            return;
        }
        let Some(lasting) = self.lasting.take() else {
            return;
        };
        // One sector in so many is kept; 0: none.
        let kept = self.random.pick(&[0, 1, 2, 20]);
        let size = self.medium.sector_bytes();
        let (mut new, mut old) = (vec![0; size], vec![0; size]);
        for sector in 0..self.medium.sectors() {
            self.medium.read(sector, &mut new);
            lasting.read(sector, &mut old);
            if new != old && !self.random.one_in(kept) {
                self.medium.write(sector, &old);
            }
        }
    }

    /// What the medium surely holds, whatever happens to the power.
    #[must_use]
    pub fn lasting(&self) -> &Medium {
        self.lasting.as_deref().unwrap_or(&self.medium)
    }

    /// Flushes the write cache: of everything that has ended, also while requests are under way.
    ///
    /// # Errors
    /// As its faults say.
    pub fn flush(&mut self) -> io::Result<()> {
        let number = self.ledger.flushes;
        self.ledger.flushes += 1;
        if self.is_gone() || self.faults.flush_fails.contains(&number) {
            self.ledger.flush_errors += 1;
            return Err(io::Error::from_raw_os_error(EIO));
        }
        self.unflushed = false;
        if let Some(lasting) = &mut self.lasting {
            **lasting = self.medium.clone();
        }
        Ok(())
    }

    /// Says who it is.
    ///
    /// # Errors
    /// It is gone.
    pub fn identify(&mut self) -> Result<String, String> {
        let number = self.ledger.questions;
        self.ledger.questions += 1;
        if self.is_gone() {
            return Err("no such device".into());
        }
        self.asked = true;
        if !self.flying.is_empty() {
            self.breach("a phase is over while requests are under way".into());
        }
        if self.unflushed && self.ledger.flush_errors == 0 {
            self.breach("a phase is over that was not flushed".into());
        }
        if self.faults.changes_at.is_some_and(|at| number >= at) {
            self.ledger.changed = true;
            return Ok(format!("not {}", self.identity));
        }
        Ok(self.identity.clone())
    }

    /// Whether it is there.
    pub fn is_present(&mut self) -> bool {
        !self.is_gone()
    }

    fn is_gone(&mut self) -> bool {
        let requests = self.ledger.requests;
        let leaves = self.faults.leaves_after;
        let gone = self.is_off || leaves.is_some_and(|(after, _)| requests >= after);
        self.ledger.left |= gone;
        gone
    }

    /// The queue does not take the next request: never while it has none of this drive.
    pub(crate) fn refuses(&mut self) -> bool {
        !self.flying.is_empty() && self.random.one_in(self.faults.refused_one_in)
    }

    pub(crate) fn submitted(
        &mut self,
        now: Duration,
        op: Op,
        offset_bytes: u64,
        length: usize,
    ) -> Flight {
        let size = self.medium.sector_bytes();
        assert!(offset_bytes.is_multiple_of(size as u64) && length.is_multiple_of(size));
        let first = offset_bytes / size as u64;
        let sectors = first..first + (length / size) as u64;
        if self.flying.touches(sectors.clone()) {
            self.breach(format!("two requests at once for {sectors:?}"));
        }
        let phase = self.phase(op);
        if self.ledger.phases[phase].moved.touches(sectors.clone()) {
            self.breach(format!("{op:?} of {sectors:?}, which had succeeded"));
        }
        if op == Op::Write && self.ledger.changed {
            self.breach(format!("another drive is written to at {sectors:?}"));
        }
        let request = self.ledger.requests;
        self.ledger.requests += 1;
        let beside = sectors.start.saturating_sub(1)..sectors.end + 1;
        let merged = self.faults.merges && self.failing.touches(beside);
        let verdict =
            self.faults
                .judge(&mut self.random, request, op, sectors.clone(), size, merged);
        let verdict = if self.is_off {
            Verdict::Gone(ENODEV)
        } else {
            verdict
        };
        let fails = matches!(verdict, Verdict::Fails { .. });
        if fails {
            self.failing.insert(sectors.clone());
        }
        self.free_at = self.free_at.max(now) + self.timing.service(length, fails);
        let due = self.free_at + self.timing.delay(&mut self.random);
        let due = match verdict {
            Verdict::Never => {
                self.ledger.silent = true;
                None
            }
            Verdict::Moves(_)
            | Verdict::MovesNothing
            | Verdict::Fails { .. }
            | Verdict::Again(_)
            | Verdict::Gone(_) => Some(due),
        };
        self.flying.insert(sectors.clone());
        Flight {
            op,
            sectors,
            verdict,
            phase,
            due,
        }
    }

    /// The phase that a request belongs to, begun if need be.
    fn phase(&mut self, op: Op) -> usize {
        let goes_on = self
            .ledger
            .phases
            .last()
            .is_some_and(|phase| phase.op == op);
        if !goes_on || self.asked {
            self.asked = false;
            self.ledger.phases.push(Phase::new(op));
            let reads = self
                .ledger
                .phases
                .iter()
                .filter(|phase| phase.op == Op::Read);
            if op == Op::Read && reads.count() == self.faults.flips_in + 1 {
                for (sector, bit) in &self.faults.flips {
                    self.medium.flip(*sector, *bit);
                }
            }
            if !self.flying.is_empty() {
                self.breach(format!("{op:?} begun while requests are under way"));
            }
        }
        self.ledger.phases.len() - 1
    }

    fn breach(&mut self, text: String) {
        self.ledger.breaches.push(text);
    }

    /// The end of a request: bytes are moved now.
    pub(crate) fn ended(&mut self, flight: &Flight, buffer: &mut [u8]) -> io::Result<usize> {
        let Flight {
            op,
            sectors,
            verdict,
            phase,
            ..
        } = flight;
        self.flying.remove(sectors.clone());
        self.failing.remove(sectors.clone());
        if self.is_off {
            if matches!(verdict, Verdict::Moves(_)) {
                self.torn(*op, sectors.start, buffer);
            }
            self.ledger.left = true;
            self.ledger.phases[*phase].errors += 1;
            return Err(io::Error::from_raw_os_error(ENODEV));
        }
        match *verdict {
            Verdict::Moves(bytes) => {
                self.transfer(*op, *phase, sectors.start, &mut buffer[..bytes]);
                let size = self.medium.sector_bytes();
                let whole = (bytes / size) as u64;
                let phase = &mut self.ledger.phases[*phase];
                phase.shorts += u64::from(bytes < buffer.len());
                phase.errors += u64::from(whole == 0);
                phase.moved.insert(sectors.start..sectors.start + whole);
                Ok(bytes)
            }
            Verdict::MovesNothing => {
                let phase = &mut self.ledger.phases[*phase];
                phase.moved.insert(sectors.clone());
                phase.given.push((sectors.clone(), Given::Nothing));
                Ok(buffer.len())
            }
            Verdict::Fails { errno, after } => {
                self.transfer(*op, *phase, sectors.start, &mut buffer[..after]);
                let rules = match op {
                    Op::Write => &self.faults.writes,
                    Op::Read => &self.faults.reads,
                };
                let phase = &mut self.ledger.phases[*phase];
                phase.errors += 1;
                for (sector, _) in rules.range(sectors.clone()) {
                    let drawn = phase.errors_at.entry(*sector).or_default();
                    drawn.all += 1;
                    drawn.alone += u32::from(sectors.end - sectors.start == 1);
                }
                Err(io::Error::from_raw_os_error(errno))
            }
            Verdict::Again(errno) => {
                self.ledger.phases[*phase].agains += 1;
                Err(io::Error::from_raw_os_error(errno))
            }
            Verdict::Gone(errno) => {
                self.ledger.left = true;
                self.ledger.phases[*phase].errors += 1;
                Err(io::Error::from_raw_os_error(errno))
            }
            Verdict::Never => unreachable!("it has no end"),
        }
    }

    /// Moves bytes; the last sector may be a part.
    fn transfer(&mut self, op: Op, phase: usize, first: u64, buffer: &mut [u8]) {
        match op {
            Op::Write => self.write(first, buffer),
            Op::Read => self.read(phase, first, buffer),
        }
    }

    /// What was on its way when the power went: a sector is there or not.
    fn torn(&mut self, op: Op, first: u64, buffer: &[u8]) {
        let size = self.medium.sector_bytes();
        if op == Op::Write && self.faults.volatile {
            for (sector, bytes) in (first..).zip(buffer.chunks(size)) {
                if self.random.one_in(2) {
                    self.medium.write(sector, bytes);
                }
            }
        }
    }

    fn write(&mut self, first: u64, data: &[u8]) {
        self.unflushed = true;
        let size = self.medium.sector_bytes();
        let (whole, rest) = data.split_at(data.len() - data.len() % size);
        let end = first + (whole.len() / size) as u64;
        let Faults {
            dropped,
            halved,
            misplaced,
            wraps_at,
            ..
        } = &self.faults;
        let honest = dropped.range(first..end).next().is_none()
            && halved.range(first..end).next().is_none()
            && misplaced.range(first..end).next().is_none()
            && wraps_at.is_none();
        if honest && !whole.is_empty() {
            self.medium.write(first, whole);
        } else {
            for (sector, bytes) in (first..end).zip(whole.chunks(size)) {
                self.write_one(sector, bytes);
            }
        }
        if !rest.is_empty() {
            self.write_part(self.place(end), rest);
        }
    }

    fn write_one(&mut self, sector: u64, bytes: &[u8]) {
        if self.faults.dropped.contains(&sector) {
            return;
        }
        let place = self.faults.misplaced.get(&sector).copied();
        let place = place.unwrap_or(self.place(sector));
        if self.faults.halved.contains(&sector) {
            self.write_part(place, &bytes[..bytes.len() / 2]);
        } else {
            self.medium.write(place, bytes);
        }
    }

    fn write_part(&mut self, place: u64, part: &[u8]) {
        let mut bytes = vec![0; self.medium.sector_bytes()];
        self.medium.read(place, &mut bytes);
        bytes[..part.len()].copy_from_slice(part);
        self.medium.write(place, &bytes);
    }

    fn read(&mut self, phase: usize, first: u64, buffer: &mut [u8]) {
        let size = self.medium.sector_bytes();
        let (whole, rest) = buffer.split_at_mut(buffer.len() - buffer.len() % size);
        let end = first + (whole.len() / size) as u64;
        let given = &mut self.ledger.phases[phase].given;
        if self.faults.wraps_at.is_some_and(|at| end > at) {
            for (sector, bytes) in (first..end).zip(whole.chunks_mut(size)) {
                let place = self.faults.wraps_at.map_or(sector, |at| sector % at);
                self.medium.read(place, bytes);
                let held = self.medium.what(sector, bytes);
                given.push((sector..sector + 1, Given::Held(held)));
            }
        } else if !whole.is_empty() {
            self.medium.read(first, whole);
            let held = self.medium.held(first..end);
            given.extend(
                held.into_iter()
                    .map(|(range, held)| (range, Given::Held(held))),
            );
        }
        if !rest.is_empty() {
            let mut bytes = vec![0; size];
            self.medium.read(self.place(end), &mut bytes);
            rest.copy_from_slice(&bytes[..rest.len()]);
        }
    }

    fn place(&self, sector: u64) -> u64 {
        self.faults.wraps_at.map_or(sector, |at| sector % at)
    }
}
