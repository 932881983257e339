//! A queue over a medium in memory, below the engine, whose faults come from one seed: bad
//! sectors, short transfers, any order of completion, lies, departure, silence.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use sys::queue::{Completion, Op, Queue, Submission};
use wipe::engine::QueueMaker;

pub const EIO: i32 = 5;
pub const ENODEV: i32 = 19;

/// What is wrong with a medium; sectors by number.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    pub write_bad: BTreeSet<u64>,
    pub read_bad: BTreeSet<u64>,
    /// Writes that touch it fail once the request is this sector alone, one time.
    pub write_bad_once: BTreeSet<u64>,
    /// The data changes after the last write, before the first read.
    pub corrupt: BTreeSet<u64>,
    /// Every so many requests transfers a part only, if it is longer than a sector; 0: never.
    pub short_every: u64,
    /// Said to be written, and were not.
    pub dropped_writes: BTreeSet<u64>,
    /// Said to be read, and the buffer is untouched.
    pub dropped_reads: BTreeSet<u64>,
    /// The real capacity: what lies beyond wraps around to the start.
    pub wraps_at_sector: Option<u64>,
    /// Requests that would move more than so many bytes in all are answered with this error.
    pub leaves_after: Option<(u64, i32)>,
    /// After so many bytes, no request is answered.
    pub silent_after: Option<u64>,
}

/// A medium and its faults.
pub struct Medium {
    pub bytes: Vec<u8>,
    pub sector: usize,
    pub faults: Faults,
    pub moved: u64,
    pub errors: u64,
    requests: u64,
    corrupted: bool,
}

/// Media by the descriptor of the file that stands for them.
#[derive(Clone, Default)]
pub struct Shelf(Arc<Mutex<HashMap<i32, Arc<Mutex<Medium>>>>>);

impl Shelf {
    pub fn put(
        &self,
        fd: &impl AsRawFd,
        bytes: Vec<u8>,
        sector: usize,
        faults: Faults,
    ) -> Arc<Mutex<Medium>> {
        let medium = Medium {
            bytes,
            sector,
            faults,
            moved: 0,
            errors: 0,
            requests: 0,
            corrupted: false,
        };
        let medium = Arc::new(Mutex::new(medium));
        self.0
            .lock()
            .unwrap()
            .insert(fd.as_raw_fd(), Arc::clone(&medium));
        medium
    }

    pub fn queues(&self, seed: u64) -> QueueMaker {
        let shelf = self.clone();
        Arc::new(move |entries| {
            let queue = FaultyQueue {
                shelf: shelf.clone(),
                entries,
                waiting: Vec::new(),
                random: seed | 1,
            };
            Ok(Box::new(queue) as Box<dyn Queue + Send>)
        })
    }
}

struct FaultyQueue {
    shelf: Shelf,
    entries: u32,
    waiting: Vec<Submission>,
    random: u64,
}

impl fmt::Debug for FaultyQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultyQueue({} waiting)", self.waiting.len())
    }
}

impl FaultyQueue {
    /// xorshift64: the order of completions follows from the seed.
    fn random(&mut self, below: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random % below as u64) as usize
    }

    fn medium(&self, submission: &Submission) -> Arc<Mutex<Medium>> {
        Arc::clone(&self.shelf.0.lock().unwrap()[&submission.file.as_raw_fd()])
    }
}

impl Queue for FaultyQueue {
    fn submit(&mut self, submission: Submission) -> Result<(), (io::Error, Submission)> {
        assert!(self.waiting.len() < self.entries as usize);
        self.waiting.push(submission);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn wait(&mut self, timeout: Duration, out: &mut Vec<Completion>) -> io::Result<()> {
        let answering: Vec<usize> = (0..self.waiting.len())
            .filter(|index| {
                !self
                    .medium(&self.waiting[*index])
                    .lock()
                    .unwrap()
                    .is_silent()
            })
            .collect();
        if answering.is_empty() {
            std::thread::park_timeout(timeout);
            return Ok(());
        }
        // Some of those that will answer, in an order of the seed's.
        for _ in 0..=self.random(answering.len()) {
            let alive: Vec<usize> = (0..self.waiting.len())
                .filter(|index| {
                    !self
                        .medium(&self.waiting[*index])
                        .lock()
                        .unwrap()
                        .is_silent()
                })
                .collect();
            if alive.is_empty() {
                break;
            }
            let pick = alive[self.random(alive.len())];
            let mut submission = self.waiting.swap_remove(pick);
            let result = self
                .medium(&submission)
                .lock()
                .unwrap()
                .serve(&mut submission);
            let Submission { token, buffer, .. } = submission;
            out.push(Completion {
                token,
                buffer,
                result,
            });
        }
        Ok(())
    }

    fn in_flight(&self) -> usize {
        self.waiting.len()
    }
}

impl Medium {
    fn is_silent(&self) -> bool {
        self.faults
            .silent_after
            .is_some_and(|after| self.moved >= after)
    }

    fn serve(&mut self, submission: &mut Submission) -> io::Result<usize> {
        self.requests += 1;
        let end = self.moved + submission.length_bytes as u64;
        if let Some((_, error)) = self.faults.leaves_after.filter(|(after, _)| end > *after) {
            return Err(io::Error::from_raw_os_error(error));
        }
        let result = self.transfer(submission);
        match &result {
            Ok(bytes) => self.moved += *bytes as u64,
            Err(_) => self.errors += 1,
        }
        result
    }

    fn transfer(&mut self, submission: &mut Submission) -> io::Result<usize> {
        let (size, start) = (self.sector, submission.offset_bytes as usize);
        let length = submission.length_bytes;
        assert!(start.is_multiple_of(size) && length.is_multiple_of(size) && length > 0);
        assert!(
            start + length <= self.bytes.len(),
            "a request beyond the end of the drive"
        );
        let sectors = (start / size) as u64..((start + length) / size) as u64;
        let bad = match submission.op {
            Op::Write => &self.faults.write_bad,
            Op::Read => &self.faults.read_bad,
        };
        if bad.range(sectors.clone()).next().is_some() {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        if submission.op == Op::Write
            && self
                .faults
                .write_bad_once
                .range(sectors.clone())
                .next()
                .is_some()
        {
            if length == size {
                self.faults.write_bad_once.remove(&sectors.start);
            }
            return Err(io::Error::from_raw_os_error(EIO));
        }
        if submission.op == Op::Read && !self.corrupted {
            self.corrupted = true;
            for sector in self.faults.corrupt.clone() {
                let at = sector as usize * size + sector as usize % size;
                self.bytes[at] ^= 0x40;
            }
        }
        let every = self.faults.short_every;
        let short = length > size && every > 0 && self.requests.is_multiple_of(every);
        // A short count need not be whole sectors.
        let moved = if short { length / 2 + 1 } else { length };
        let buffer = &mut submission.buffer[submission.start..][..length];
        for (n, chunk) in sectors.zip(buffer[..moved].chunks_mut(size)) {
            let place = self.faults.wraps_at_sector.map_or(n, |at| n % at) as usize * size;
            let stored = &mut self.bytes[place..place + chunk.len()];
            match submission.op {
                Op::Write if self.faults.dropped_writes.contains(&n) => {}
                Op::Write => stored.copy_from_slice(chunk),
                Op::Read if self.faults.dropped_reads.contains(&n) => {}
                Op::Read => chunk.copy_from_slice(stored),
            }
        }
        Ok(moved)
    }
}
