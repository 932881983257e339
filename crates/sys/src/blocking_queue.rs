//! The queue for kernels without io_uring: a few threads that read and write one operation each.
//!
//! A device that stalls holds as many of the threads as it has operations in flight; with several drives on one
//! pool it can hold all of them. Neither speed nor fairness of io_uring is attempted.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::block::file_offset;
use crate::queue::{Completion, Op, Queue, Submission};

const THREADS_MAX: u32 = 8;

/// The threads and what they were given.
#[derive(Debug)]
pub struct Pool {
    entries: usize,
    in_flight: usize,
    work: Arc<Work>,
    ended: Receiver<Completion>,
}

/// What the threads share with the pool.
#[derive(Debug, Default)]
struct Work {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Submission>,
    is_closed: bool,
}

impl Pool {
    /// A pool for `entries` operations at once, on at most eight threads.
    ///
    /// # Errors
    /// `InvalidInput` for 0 entries, else the kernel's refusal of a thread.
    pub fn new(entries: u32) -> io::Result<Pool> {
        if entries == 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let (ends, ended) = mpsc::channel();
        // Made first, so that its drop also ends the threads that did start when a later one does not.
        let pool = Pool {
            entries: entries as usize,
            in_flight: 0,
            work: Arc::default(),
            ended,
        };
        for _ in 0..entries.min(THREADS_MAX) {
            let (work, ends) = (Arc::clone(&pool.work), ends.clone());
            thread::Builder::new()
                .name("blocking I/O".into())
                .spawn(move || serve(&work, &ends))?;
        }
        Ok(pool)
    }
}

impl Queue for Pool {
    fn submit(&mut self, submission: Submission) -> Result<(), (io::Error, Submission)> {
        if !submission.is_possible() {
            return Err((io::ErrorKind::InvalidInput.into(), submission));
        }
        if self.in_flight == self.entries {
            return Err((io::ErrorKind::WouldBlock.into(), submission));
        }
        self.in_flight += 1;
        self.work.lock().waiting.push_back(submission);
        self.work.changed.notify_one();
        Ok(())
    }

    /// Nothing to do: a submission is under way at once.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn wait(&mut self, timeout: Duration, out: &mut Vec<Completion>) -> io::Result<()> {
        if self.in_flight == 0 {
            return Ok(());
        }
        let before = out.len();
        // An error is a timeout, or threads that are gone: nothing has ended either way.
        out.extend(self.ended.recv_timeout(timeout).ok());
        out.extend(self.ended.try_iter());
        self.in_flight -= out.len() - before;
        Ok(())
    }

    fn in_flight(&self) -> usize {
        self.in_flight
    }
}

impl Drop for Pool {
    /// Does not wait: what has not begun never starts, and a thread in the middle of an operation keeps its
    /// buffer until the kernel lets it go.
    fn drop(&mut self) {
        let mut state = self.work.lock();
        state.is_closed = true;
        state.waiting.clear();
        self.work.changed.notify_all();
    }
}

impl Work {
    /// Nothing panics under this lock, so what it guards is whole even if it was poisoned.
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next operation, `None` when the pool is gone.
    fn next(&self) -> Option<Submission> {
        let idle = |state: &mut State| !state.is_closed && state.waiting.is_empty();
        let state = self.changed.wait_while(self.lock(), idle);
        state
            .unwrap_or_else(PoisonError::into_inner)
            .waiting
            .pop_front()
    }
}

/// One thread: operations in, completions out, until either end is gone.
fn serve(work: &Work, ends: &Sender<Completion>) {
    while let Some(mut submission) = work.next() {
        let result = perform(&mut submission);
        let Submission {
            token,
            buffer,
            file,
            ..
        } = submission;
        // Before the completion is seen: who then closes the drive finds it closed, not still claimed by us.
        drop(file);
        if ends
            .send(Completion {
                token,
                buffer,
                result,
            })
            .is_err()
        {
            return;
        }
    }
}

/// One system call, again only after a signal: like the ring, it may move less than asked.
fn perform(submission: &mut Submission) -> io::Result<usize> {
    let offset = file_offset(submission.offset_bytes, 0)?;
    let memory = &mut submission.buffer[submission.start..][..submission.length_bytes];
    loop {
        let moved = match submission.op {
            Op::Read => nix::sys::uio::pread(&submission.file, memory, offset),
            Op::Write => nix::sys::uio::pwrite(&submission.file, memory, offset),
        };
        match moved {
            Err(nix::Error::EINTR) => {}
            moved => return Ok(moved?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aligned::AlignedBuffer;

    /// A pool in which nothing ever begins.
    fn pool_without_threads() -> Pool {
        let (_, ended) = mpsc::channel();
        Pool {
            entries: 2,
            in_flight: 0,
            work: Arc::default(),
            ended,
        }
    }

    fn read(file: &Arc<std::os::fd::OwnedFd>) -> Submission {
        let buffer = AlignedBuffer::new(4096).unwrap();
        let file = Arc::clone(file);
        Submission {
            op: Op::Read,
            file,
            offset_bytes: 0,
            start: 0,
            length_bytes: 4096,
            buffer,
            token: 7,
        }
    }

    #[test]
    fn dropped_pool_starts_nothing_more_and_lets_go_of_what_waited() {
        let file = Arc::new(std::os::fd::OwnedFd::from(
            std::fs::File::open("/dev/zero").unwrap(),
        ));
        let mut pool = pool_without_threads();
        pool.submit(read(&file)).unwrap();
        pool.submit(read(&file)).unwrap();
        let work = Arc::clone(&pool.work);
        assert_eq!(Arc::strong_count(&file), 3);
        drop(pool);
        assert_eq!(Arc::strong_count(&file), 1);
        assert!(work.next().is_none());
    }

    #[test]
    fn operations_that_do_not_end_stay_in_flight_after_the_timeout() {
        let file = Arc::new(std::os::fd::OwnedFd::from(
            std::fs::File::open("/dev/zero").unwrap(),
        ));
        let (ends, ended) = mpsc::channel();
        let mut pool = pool_without_threads();
        pool.ended = ended;
        pool.submit(read(&file)).unwrap();
        let mut out = Vec::new();
        pool.wait(Duration::from_millis(1), &mut out).unwrap();
        assert_eq!((out.len(), pool.in_flight()), (0, 1));
        drop(ends);
    }
}
