//! A data thread: one queue, many drives, nothing that waits for a single one of them.

use crate::engine::{QueueMaker, RunResult};
use crate::job::Work;
use crate::lane::Lane;
use crate::options::{Flow, Options};
use crate::outcome::Shortfall;
use crate::progress::{Phase, Stage};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::{Duration, Instant};
use sys::aligned::AlignedBuffer;
use sys::queue::{Completion, Queue};

/// Requests in flight on one thread: 128 drives at the greatest depth.
const QUEUE_ENTRIES: u32 = 1024;

/// How often clocks, cancellation and new drives are looked at when nothing else happens.
const TICK: Duration = Duration::from_millis(100);

/// A drive on its way to a thread.
pub(crate) struct Admission {
    pub(crate) number: usize,
    pub(crate) work: Work,
    pub(crate) flow: Flow,
}

/// What a data thread is given.
pub(crate) struct Worker {
    pub(crate) admissions: Receiver<Admission>,
    pub(crate) ends: Sender<(usize, RunResult)>,
    pub(crate) options: Arc<Options>,
    pub(crate) cancel: Arc<AtomicBool>,
    pub(crate) queues: QueueMaker,
}

struct Bench {
    worker: Worker,
    queue: Box<dyn Queue + Send>,
    lanes: Vec<(u32, Lane)>,
    spare: HashMap<u32, Vec<AlignedBuffer>>,
    completions: Vec<Completion>,
    /// The engine is gone: no new drives, and those at work are interrupted.
    closed: bool,
}

impl Worker {
    /// The thread's whole life: until the engine is dropped and its drives have ended.
    pub(crate) fn work(self) {
        match (self.queues)(QUEUE_ENTRIES) {
            Ok(queue) => {
                let mut bench = Bench {
                    worker: self,
                    queue,
                    lanes: Vec::new(),
                    spare: HashMap::new(),
                    completions: Vec::new(),
                    closed: false,
                };
                while bench.turn() {}
                bench.linger();
            }
            Err(error) => {
                for Admission { number, .. } in &self.admissions {
                    let reason =
                        Shortfall::Other(format!("the kernel gave no queue for I/O: {error}"));
                    let _ = self.ends.send((number, Err(vec![reason])));
                }
            }
        }
    }
}

impl Bench {
    /// One round; `false` when there is nothing more to do for ever.
    fn turn(&mut self) -> bool {
        self.admit();
        if self.lanes.is_empty() && self.closed {
            return false;
        }
        let now = self.queue.now();
        if self.closed || self.worker.cancel.load(Ordering::Relaxed) {
            self.lanes
                .iter_mut()
                .for_each(|(_, lane)| lane.interrupt(now));
        }
        let sent = self.pump();
        self.reap(if sent {
            Duration::ZERO
        } else {
            self.patience(now)
        });
        self.poll();
        true
    }

    /// Takes in new drives; waits for one, a while, when there is none and nothing in flight.
    fn admit(&mut self) {
        if self.lanes.is_empty() && self.queue.in_flight() == 0 && !self.closed {
            match self.worker.admissions.recv() {
                Ok(admission) => self.seat(admission),
                Err(_) => self.closed = true,
            }
        }
        loop {
            match self.worker.admissions.try_recv() {
                Ok(admission) => self.seat(admission),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    self.closed = true;
                    return;
                }
            }
        }
    }

    fn seat(&mut self, Admission { number, work, flow }: Admission) {
        let progress = Arc::clone(&work.progress);
        match self.buffers(flow) {
            Ok(buffers) => {
                let options = Arc::clone(&self.worker.options);
                let lane = Lane::new(work, options, flow, buffers, self.queue.now());
                self.lanes.push((number as u32, lane));
            }
            Err(error) => {
                let reason = Shortfall::Other(format!(
                    "{}: no memory for buffers: {error}",
                    work.target.label
                ));
                drop(work);
                let done = Stage {
                    phase: Phase::Done,
                    ..Stage::default()
                };
                progress.begin(done, self.queue.now());
                let _ = self.worker.ends.send((number, Err(vec![reason])));
            }
        }
    }

    /// Buffers from the store, which is filled by whole huge pages.
    fn buffers(&mut self, flow: Flow) -> io::Result<Vec<AlignedBuffer>> {
        const HUGE_PAGE_BYTES: usize = 2 << 20;
        let store = self.spare.entry(flow.request_bytes).or_default();
        if store.len() < flow.depth {
            let length = flow.request_bytes as usize;
            let count = (flow.depth - store.len()).max(HUGE_PAGE_BYTES / length);
            store.extend(AlignedBuffer::many(length, count)?);
        }
        Ok(store.split_off(store.len() - flow.depth))
    }

    /// Sends what can be sent, one request per drive and round, so that none waits for another's
    /// generation.
    fn pump(&mut self) -> bool {
        let mut sent = false;
        for (number, lane) in &mut self.lanes {
            sent |= send_one(self.queue.as_mut(), *number, lane);
        }
        sent
    }

    /// Takes completions and refills at once the lanes that they belong to.
    fn reap(&mut self, patience: Duration) {
        if self.queue.in_flight() == 0 {
            if !patience.is_zero() {
                match self.worker.admissions.recv_timeout(patience) {
                    Ok(admission) => self.seat(admission),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => self.closed = true,
                }
            }
            return;
        }
        if self.queue.wait(patience, &mut self.completions).is_err() {
            // The kernel's refusal passes or it does not; each lane's watchdog counts the time.
            std::thread::park_timeout(Duration::from_millis(10));
        }
        let mut completions = std::mem::take(&mut self.completions);
        for Completion {
            token,
            buffer,
            result,
        } in completions.drain(..)
        {
            let (number, slot) = ((token >> 32) as u32, token as u32 as usize);
            let Some((_, lane)) = self.lanes.iter_mut().find(|(other, _)| *other == number) else {
                // A drive that was given up: the late buffer goes back to the kernel.
                continue;
            };
            lane.receive(slot, buffer, result, self.queue.now());
            send_one(self.queue.as_mut(), number, lane);
        }
        self.completions = completions;
    }

    fn poll(&mut self) {
        let now = self.queue.now();
        self.lanes.iter_mut().for_each(|(_, lane)| lane.poll(now));
        for (number, lane) in self.lanes.extract_if(.., |(_, lane)| lane.is_over()) {
            let (run, buffers) = lane.into_run();
            for buffer in buffers {
                self.spare
                    .entry(buffer.len() as u32)
                    .or_default()
                    .push(buffer);
            }
            let _ = self.worker.ends.send((number as usize, Ok(run)));
        }
    }

    /// How long to wait for completions: short while a lane waits for a call on another thread,
    /// which cannot wake this one.
    fn patience(&self, now: Instant) -> Duration {
        let youngest = self
            .lanes
            .iter()
            .filter_map(|(_, lane)| lane.waiting_for(now))
            .min();
        youngest.map_or(TICK, |age| {
            (age / 8).clamp(Duration::from_micros(200), TICK / 5)
        })
    }

    /// Gives requests of drives that were given up a last chance to come home, so that their
    /// buffers need not be leaked with the queue.
    fn linger(&mut self) {
        let begun = self.queue.now();
        let bound = self.worker.options.drain_bound;
        while self.queue.in_flight() > 0 && self.queue.now().duration_since(begun) < bound {
            if self.queue.wait(TICK, &mut self.completions).is_err() {
                return;
            }
            self.completions.clear();
        }
    }
}

fn send_one(queue: &mut (dyn Queue + Send), number: u32, lane: &mut Lane) -> bool {
    if queue.in_flight() >= QUEUE_ENTRIES as usize {
        return false;
    }
    let now = queue.now();
    let sent = lane.pump(queue, u64::from(number) << 32, now);
    // Under way before the next buffer is generated. What the kernel does not take now goes with
    // the next call.
    if sent {
        let _ = queue.flush();
    }
    sent
}
