//! The queue by io_uring (`io_uring_setup(2)`, `io_uring_enter(2)`).
//!
//! No registered buffers and no polling: with huge pages they gain next to nothing. A thread that has handed
//! operations to the kernel cannot end before they do (the kernel's rule), so the thread that waits here is one
//! that nobody joins without a bound.

use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

use io_uring::{IoUring, opcode, types};

use crate::queue::{Completion, Op, Queue, Submission};

/// The kernel counts the timeout in signed nanoseconds: no more than 68 years.
const TIMEOUT_MAX: Duration = Duration::from_secs(1 << 31);

/// An io_uring with as many slots as entries. A slot owns what the kernel was told about.
pub struct Ring {
    ring: IoUring,
    /// Indexed by the number that the kernel gives back in a completion.
    slots: Vec<Option<Submission>>,
    free: Vec<usize>,
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Ring({} of {} in flight)",
            self.in_flight(),
            self.slots.len()
        )
    }
}

impl Ring {
    /// A ring for `entries` operations at once.
    ///
    /// # Errors
    /// `ENOSYS` or `EPERM` where the kernel has no io_uring or forbids it, `Unsupported` where it cannot wait
    /// with a timeout (before 5.11), `EINVAL` for 0 or more than 32768 entries.
    pub fn new(entries: u32) -> io::Result<Ring> {
        let ring = IoUring::new(entries)?;
        if !ring.params().is_feature_ext_arg() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        // What the kernel cannot begin at once (no free tag, a request to be split) waits on threads of its
        // own, by default four per CPU for all devices together: one that stalls would hold them all. As many
        // as there are slots, started only when needed. Kernels before 5.15 know no such limit to raise.
        let _ = ring
            .submitter()
            .register_iowq_max_workers(&mut [entries, 0]);
        let slots = (0..entries).map(|_| None).collect::<Vec<_>>();
        let free = (0..slots.len()).rev().collect();
        Ok(Ring { ring, slots, free })
    }

    /// Empties the completion queue.
    fn reap(&mut self, out: &mut Vec<Completion>) {
        for entry in self.ring.completion() {
            let slot = entry.user_data() as usize;
            let submission = self.slots.get_mut(slot).and_then(Option::take);
            let Submission { buffer, token, .. } =
                submission.expect("a completion is for a slot in flight");
            self.free.push(slot);
            let result = match entry.result() {
                error if error < 0 => Err(io::Error::from_raw_os_error(-error)),
                moved => Ok(moved as usize),
            };
            out.push(Completion {
                token,
                buffer,
                result,
            });
        }
    }

    /// Whether the kernel holds operations of ours, so that a completion will come.
    fn is_awaited(&mut self) -> bool {
        let queued = self.ring.submission().len();
        self.in_flight() > queued
    }
}

impl Queue for Ring {
    fn submit(&mut self, submission: Submission) -> Result<(), (io::Error, Submission)> {
        if !submission.is_possible() {
            return Err((io::ErrorKind::InvalidInput.into(), submission));
        }
        let Some(slot) = self.free.pop() else {
            return Err((io::ErrorKind::WouldBlock.into(), submission));
        };
        let submission = self.slots[slot].insert(submission);
        let fd = types::Fd(submission.file.as_raw_fd());
        let length = submission.length_bytes as u32;
        let memory = submission.buffer[submission.start..].as_mut_ptr();
        let entry = match submission.op {
            Op::Read => opcode::Read::new(fd, memory, length)
                .offset(submission.offset_bytes)
                .build(),
            Op::Write => opcode::Write::new(fd, memory, length)
                .offset(submission.offset_bytes)
                .build(),
        };
        // SAFETY: memory and descriptor stay valid until the operation ends: the slot owns both, only `reap`
        // empties it, after the kernel has said that it is done, and `drop` gives up no buffer in flight.
        // `length` bytes from `memory` lie within the buffer and fit u32 (`is_possible`).
        let pushed = unsafe { self.ring.submission().push(&entry.user_data(slot as u64)) };
        pushed.expect("the ring has at least as many entries as there are slots");
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.ring.submission().is_empty() {
            return Ok(());
        }
        match self.ring.submit() {
            Ok(_) => Ok(()),
            // Short of memory for now: what was not taken goes with the next call, after a completion.
            Err(error) if is_passing(&error) && self.is_awaited() => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn wait(&mut self, timeout: Duration, out: &mut Vec<Completion>) -> io::Result<()> {
        let before = out.len();
        self.reap(out);
        if out.len() > before || self.in_flight() == 0 {
            return match self.flush() {
                Err(error) if out.len() == before => Err(error),
                // Said again by the next call, which will have nothing to give.
                Ok(()) | Err(_) => Ok(()),
            };
        }
        let timespec = types::Timespec::from(timeout.min(TIMEOUT_MAX));
        let waited = self
            .ring
            .submitter()
            .submit_with_args(1, &types::SubmitArgs::new().timespec(&timespec));
        self.reap(out);
        match waited {
            Ok(_) => Ok(()),
            Err(_) if out.len() > before => Ok(()),
            Err(error) if matches!(error.raw_os_error(), Some(libc::ETIME | libc::EINTR)) => Ok(()),
            Err(error) if is_passing(&error) && self.is_awaited() => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn in_flight(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

/// The kernel is short of something that a completion gives back.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EAGAIN | libc::EBUSY | libc::EINTR)
    )
}

impl Drop for Ring {
    /// Does not wait. Buffers still in flight are leaked: the kernel may write to them for as long as the device
    /// holds on, and a wait for a dying drive has no end. The ring itself is closed: what was not flushed never
    /// starts, and the kernel, which has its own reference to each file in use, lets go of them when it can.
    fn drop(&mut self) {
        self.reap(&mut Vec::new());
        for submission in self.slots.drain(..).flatten() {
            #[expect(
                clippy::mem_forget,
                reason = "the one place where leaking is the point"
            )]
            std::mem::forget(submission.buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_may_wait_in_the_kernel_without_holding_another_back() {
        let entries = 1024;
        let ring = Ring::new(entries).unwrap();
        // 0 leaves the limit and gives it back: [bounded, unbounded].
        let mut limits = [0, 0];
        let asked = ring.ring.submitter().register_iowq_max_workers(&mut limits);
        asked.expect("this test needs Linux 5.15");
        assert!(limits[0] >= entries, "{limits:?}");
    }
}
