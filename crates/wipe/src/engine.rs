//! All drives at once, on a small fixed number of data threads.
//!
//! Each drive is a [`Lane`] on one of the threads; a thread has one queue for all its lanes, fills
//! or compares one buffer at a time while the others travel, and never waits for a single drive.
//! Drives are independent: an outcome is there as soon as its drive is done, whatever the others
//! do. A drive that stalls keeps its buffers in the queue and costs the others nothing.

use crate::job::{Job, Step, VerifyMode, Work};
use crate::lane::Run;
use crate::options::Options;
use crate::outcome::{Conclusion, Outcome, Shortfall};
use crate::verify::{Goal, conclude};
use crate::worker::{Admission, Worker};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};
use sys::queue::Queue;

/// Makes the queue of a data thread, for so many requests in flight.
pub type QueueMaker = Arc<dyn Fn(u32) -> io::Result<Box<dyn Queue + Send>> + Send + Sync>;

/// A run, or why there was none.
pub(crate) type RunResult = Result<Run, Vec<Shortfall>>;

/// Drives being erased. Dropping it stops them all, as an interruption does.
pub struct Engine {
    options: Arc<Options>,
    cancel: Arc<AtomicBool>,
    queues: QueueMaker,
    threads: Vec<Thread>,
    /// By drive number; `None` once its end was given out.
    drives: Vec<Option<Drive>>,
    /// Ends that need no thread: jobs that could not begin.
    refused: VecDeque<(usize, RunResult)>,
    ends: Receiver<(usize, RunResult)>,
    sender: Sender<(usize, RunResult)>,
}

struct Thread {
    inbox: Sender<Admission>,
    handle: JoinHandle<()>,
}

struct Drive {
    thread: usize,
    goal: Goal,
}

/// Erases all drives and returns when the last one has ended; the outcomes are in the jobs' order.
#[must_use]
pub fn run(jobs: Vec<Job>, options: &Options, cancel: &Arc<AtomicBool>) -> Vec<Outcome> {
    run_with(Engine::new(options.clone(), Arc::clone(cancel)), jobs)
}

/// As [`run`], on an engine of the caller's.
#[must_use]
pub fn run_with(mut engine: Engine, jobs: Vec<Job>) -> Vec<Outcome> {
    engine.expect(jobs.len());
    let count = jobs.len();
    for job in jobs {
        engine.add(job);
    }
    let mut ended = Vec::with_capacity(count);
    while ended.len() < count {
        ended.extend(engine.next_end(Duration::from_secs(1)));
    }
    ended.sort_by_key(|(number, _)| *number);
    ended.into_iter().map(|(_, outcome)| outcome).collect()
}

impl Engine {
    /// An engine without drives. Setting `cancel` interrupts every drive.
    #[must_use]
    pub fn new(options: Options, cancel: Arc<AtomicBool>) -> Self {
        Self::with_queues(options, cancel, Arc::new(sys::queue::queue))
    }

    /// As [`Engine::new`] with the caller's queues: the seam for media that are not devices.
    #[must_use]
    pub fn with_queues(options: Options, cancel: Arc<AtomicBool>, queues: QueueMaker) -> Self {
        let (sender, ends) = channel();
        Self {
            options: Arc::new(options),
            cancel,
            queues,
            threads: Vec::new(),
            drives: Vec::new(),
            refused: VecDeque::new(),
            ends,
            sender,
        }
    }

    /// Buffers are shared out among at least so many drives.
    pub fn expect(&mut self, drives: usize) {
        Arc::make_mut(&mut self.options).drives_expected = drives;
    }

    /// Begins a drive and returns its number: 0, 1, … in the order of adding.
    pub fn add(&mut self, job: Job) -> usize {
        let capacity_bytes = job.target.capacity_bytes;
        let goal = Goal {
            capacity_bytes,
            passes: job.passes.clone(),
            verify: job.reads_back(),
        };
        match Work::overwrite(job) {
            Ok(work) => self.begin(work, goal),
            Err(reason) => self.refuse(goal, reason),
        }
    }

    /// Drives whose end was not given out yet.
    #[must_use]
    pub fn open(&self) -> usize {
        self.drives.iter().flatten().count()
    }

    /// The next drive that ends, with its number; `None` when none ends within `timeout`.
    pub fn next_end(&mut self, timeout: Duration) -> Option<(usize, Outcome)> {
        let (number, goal, run) = self.next(timeout)?;
        Some((number, outcome(run, &goal)))
    }

    /// Begins a read-back.
    pub(crate) fn admit(&mut self, work: Work) -> usize {
        let writes = work.steps.iter().any(|step| matches!(step, Step::Write(_)));
        assert!(!writes, "only a job writes");
        let capacity_bytes = work.target.capacity_bytes;
        let goal = Goal {
            capacity_bytes,
            passes: Vec::new(),
            verify: VerifyMode::Full,
        };
        self.begin(work, goal)
    }

    /// The next run that ends, without a conclusion.
    pub(crate) fn next_run(&mut self, timeout: Duration) -> Option<(usize, RunResult)> {
        self.next(timeout).map(|(number, _, run)| (number, run))
    }

    fn begin(&mut self, work: Work, goal: Goal) -> usize {
        let drives = self.options.drives_expected.max(self.open() + 1);
        let flow = self.options.flow(drives, &work.target);
        let thread = match self.thread() {
            Ok(thread) => thread,
            Err(error) => {
                let reason = Shortfall::Other(format!("no thread for the drive's data: {error}"));
                return self.refuse(goal, reason);
            }
        };
        let number = self.drives.len();
        self.drives.push(Some(Drive { thread, goal }));
        // A thread that is gone is found in `next`.
        let _ = self.threads[thread]
            .inbox
            .send(Admission { number, work, flow });
        number
    }

    fn refuse(&mut self, goal: Goal, reason: Shortfall) -> usize {
        let number = self.drives.len();
        self.drives.push(Some(Drive {
            thread: usize::MAX,
            goal,
        }));
        self.refused.push_back((number, Err(vec![reason])));
        number
    }

    /// The thread for the next drive: a new one until there are enough, else the least busy.
    fn thread(&mut self) -> io::Result<usize> {
        if self.threads.len() < self.options.threads.max(1) {
            match self.start_thread() {
                Ok(()) => return Ok(self.threads.len() - 1),
                Err(error) if self.threads.is_empty() => return Err(error),
                Err(_) => {}
            }
        }
        let load = |index: &usize| {
            self.drives
                .iter()
                .flatten()
                .filter(|drive| drive.thread == *index)
                .count()
        };
        let alive = |index: &usize| !self.threads[*index].handle.is_finished();
        let least = (0..self.threads.len()).filter(alive).min_by_key(load);
        least.ok_or_else(|| io::Error::other("every data thread has failed"))
    }

    fn start_thread(&mut self) -> io::Result<()> {
        let (inbox, admissions) = channel();
        let worker = Worker {
            admissions,
            ends: self.sender.clone(),
            options: Arc::clone(&self.options),
            cancel: Arc::clone(&self.cancel),
            queues: Arc::clone(&self.queues),
        };
        let name = format!("raz-data-{}", self.threads.len());
        let handle = std::thread::Builder::new()
            .name(name)
            .spawn(move || worker.work())?;
        self.threads.push(Thread { inbox, handle });
        Ok(())
    }

    fn next(&mut self, timeout: Duration) -> Option<(usize, Goal, RunResult)> {
        let end = match self.refused.pop_front() {
            Some(end) => Some(end),
            None => match self.ends.recv_timeout(timeout) {
                Ok(end) => Some(end),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => self.orphan(),
            },
        };
        let (number, run) = end?;
        let drive = self.drives.get_mut(number)?.take()?;
        Some((number, drive.goal, run))
    }

    /// A drive whose thread died by a fault of ours. It may have been written to.
    fn orphan(&self) -> Option<(usize, RunResult)> {
        let dead = |drive: &Drive| {
            self.threads
                .get(drive.thread)
                .is_some_and(|thread| thread.handle.is_finished())
        };
        let number = self
            .drives
            .iter()
            .position(|drive| drive.as_ref().is_some_and(dead))?;
        let now = SystemTime::now();
        let fault =
            Shortfall::Other("the data thread failed: a fault of raz, please report it".into());
        let run = Run {
            own_erases: Vec::new(),
            passes: Vec::new(),
            identity_checks: Vec::new(),
            journal: None,
            stops: vec![fault],
            first_write: Some(now),
            begun: now,
            ended: now,
        };
        Some((number, Ok(run)))
    }
}

fn outcome(run: RunResult, goal: &Goal) -> Outcome {
    match run {
        Ok(run) => Outcome {
            conclusion: conclude(&run, goal),
            started: run.first_write.unwrap_or(run.begun),
            ended: run.ended,
            own_erases: run.own_erases,
            passes: run.passes,
            identity_checks: run.identity_checks,
            journal: run.journal,
        },
        Err(reasons) => {
            let now = SystemTime::now();
            Outcome {
                conclusion: Conclusion::NotStarted(reasons),
                own_erases: Vec::new(),
                passes: Vec::new(),
                identity_checks: Vec::new(),
                journal: None,
                started: now,
                ended: now,
            }
        }
    }
}
