//! The queue for kernels without io_uring: a thread for each operation in flight.
//!
//! A device that stalls holds the threads of its own operations and nobody else's: threads that
//! drives share would all end up waiting for the sickest of them. io_uring's speed is not attempted.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use crate::block::file_offset;
use crate::queue::{Completion, Op, Queue, Submission};

/// One system call and a few frames around it.
const STACK_BYTES: usize = 64 << 10;

/// Does one operation.
type Perform = fn(&mut Submission) -> io::Result<usize>;

/// Operations on threads of their own.
#[derive(Debug)]
pub struct Threads {
    entries: usize,
    in_flight: usize,
    perform: Perform,
    ends: Sender<Completion>,
    ended: Receiver<Completion>,
}

impl Threads {
    /// A queue for `entries` operations at once. No thread starts before the first of them.
    ///
    /// # Errors
    /// `InvalidInput` for 0 entries.
    pub fn new(entries: u32) -> io::Result<Threads> {
        if entries == 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let (ends, ended) = mpsc::channel();
        Ok(Threads {
            entries: entries as usize,
            in_flight: 0,
            perform,
            ends,
            ended,
        })
    }
}

impl Queue for Threads {
    /// Beyond what the trait says: the kernel's refusal of a thread, `WouldBlock` as well.
    fn submit(&mut self, submission: Submission) -> Result<(), (io::Error, Submission)> {
        if !submission.is_possible() {
            return Err((io::ErrorKind::InvalidInput.into(), submission));
        }
        if self.in_flight == self.entries {
            return Err((io::ErrorKind::WouldBlock.into(), submission));
        }
        // Given to the thread once it runs: what goes into a thread that does not start is lost.
        let (give, take) = mpsc::channel();
        let (perform, ends) = (self.perform, self.ends.clone());
        let started = thread::Builder::new()
            .name("blocking I/O".into())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                take.recv()
                    .map(|submission| serve(perform, submission, &ends))
            });
        if let Err(error) = started {
            return Err((error, submission));
        }
        let given = give.send(submission);
        given.map_err(|mpsc::SendError(submission)| (io::ErrorKind::Other.into(), submission))?;
        self.in_flight += 1;
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
        // The only error is a timeout: we hold a sender.
        out.extend(self.ended.recv_timeout(timeout).ok());
        out.extend(self.ended.try_iter());
        self.in_flight -= out.len() - before;
        Ok(())
    }

    fn in_flight(&self) -> usize {
        self.in_flight
    }
}

/// One thread's work. When the queue is gone nobody listens, and the buffer goes with the thread:
/// not before the kernel has let it go.
fn serve(perform: Perform, mut submission: Submission, ends: &Sender<Completion>) {
    let result = perform(&mut submission);
    let Submission {
        token,
        buffer,
        file,
        ..
    } = submission;
    // Before the completion is seen: who then closes the drive finds it closed, not still claimed by us.
    drop(file);
    let _ = ends.send(Completion {
        token,
        buffer,
        result,
    });
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
    use std::os::fd::OwnedFd;
    use std::sync::Arc;

    fn read(file: &Arc<OwnedFd>, token: u64) -> Submission {
        Submission {
            op: Op::Read,
            file: Arc::clone(file),
            offset_bytes: 0,
            start: 0,
            length_bytes: 4096,
            buffer: AlignedBuffer::new(4096).unwrap(),
            token,
        }
    }

    /// A device that answers nothing, but for the last operation, which is another device's.
    fn stuck_but_for_the_last(submission: &mut Submission) -> io::Result<usize> {
        if submission.token == STUCK {
            return perform(submission);
        }
        loop {
            thread::park();
        }
    }

    const STUCK: u64 = 40;

    #[test]
    fn operations_of_a_device_that_stalls_hold_no_other_devices_back() {
        let file = Arc::new(OwnedFd::from(std::fs::File::open("/dev/zero").unwrap()));
        let mut queue = Threads::new(64).unwrap();
        queue.perform = stuck_but_for_the_last;
        for token in 0..=STUCK {
            queue.submit(read(&file, token)).unwrap();
        }
        let mut out = Vec::new();
        queue.wait(Duration::from_secs(60), &mut out).unwrap();
        let ended = out.iter().map(|done| done.token).collect::<Vec<_>>();
        assert_eq!((ended, queue.in_flight()), (vec![STUCK], STUCK as usize));

        queue.wait(Duration::from_millis(1), &mut out).unwrap();
        assert_eq!((out.len(), queue.in_flight()), (1, STUCK as usize));
    }
}
