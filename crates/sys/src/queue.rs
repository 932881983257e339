//! Many reads and writes in flight: what goes into such a queue, what comes out, and which kind this kernel
//! gives.
//!
//! A buffer belongs to the queue from submission to completion, so that nobody reads or frees it while the
//! device may still use it. No order between operations, no retry, no short count made whole: the engine decides.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::aligned::AlignedBuffer;
use crate::blocking_queue::Threads;
use crate::uring::Ring;

/// Direction of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// From the file into the buffer.
    Read,
    /// From the buffer into the file.
    Write,
}

/// One operation.
#[derive(Debug)]
pub struct Submission {
    /// Direction.
    pub op: Op,
    /// The open file or device, kept open until completion.
    pub file: Arc<OwnedFd>,
    /// Where in the file.
    pub offset_bytes: u64,
    /// Where in the buffer.
    pub start: usize,
    /// How much; `start + length_bytes` must lie within the buffer.
    pub length_bytes: usize,
    /// The memory, given back with the completion.
    pub buffer: AlignedBuffer,
    /// The caller's own number, given back with the completion.
    pub token: u64,
}

impl Submission {
    /// Whether the range lies in the buffer and the file, and within what the kernel moves in one operation
    /// (`MAX_RW_COUNT`, 2 GiB less a page).
    pub(crate) fn is_possible(&self) -> bool {
        const LENGTH_BYTES_MAX: usize = 0x7FFF_F000;
        let end = self.start.checked_add(self.length_bytes);
        end.is_some_and(|end| end <= self.buffer.len())
            && self.length_bytes <= LENGTH_BYTES_MAX
            && crate::block::file_offset(self.offset_bytes, self.length_bytes).is_ok()
    }
}

/// The end of one operation.
#[derive(Debug)]
pub struct Completion {
    /// The submission's number.
    pub token: u64,
    /// The submission's buffer.
    pub buffer: AlignedBuffer,
    /// Bytes moved, which may be fewer than asked (0 at the end of the file), or the kernel's error.
    pub result: io::Result<usize>,
}

/// A queue of operations. One owner at a time; it may move between threads.
pub trait Queue: fmt::Debug {
    /// Takes an operation. It is sure to be under way only after [`Queue::flush`] or [`Queue::wait`].
    ///
    /// # Errors
    /// Gives the submission back: `WouldBlock` when as many operations are in flight as the queue has entries,
    /// `InvalidInput` when its range does not lie in the buffer.
    // The submission comes back by value on purpose: the buffer must not be lost.
    #[allow(clippy::result_large_err)]
    fn submit(&mut self, submission: Submission) -> Result<(), (io::Error, Submission)>;

    /// Hands what was submitted to the kernel, without waiting.
    ///
    /// # Errors
    /// The kernel's refusal. What it did not take stays queued and in flight.
    fn flush(&mut self) -> io::Result<()>;

    /// Flushes, then waits until at least one operation has ended or `timeout` has passed, and appends what has
    /// ended to `out`. Returns at once when nothing is in flight. May return early with nothing: after a signal
    /// (`EINTR` is not an error, so that the caller can look at its flags), or when the kernel took a part only.
    ///
    /// # Errors
    /// The kernel's refusal, when nothing has ended either. Operations stay in flight.
    fn wait(&mut self, timeout: Duration, out: &mut Vec<Completion>) -> io::Result<()>;

    /// Operations submitted whose completion has not been given back.
    fn in_flight(&self) -> usize;

    /// The clock that [`Queue::wait`] waits by: the machine's, unless the devices behind the queue are simulated.
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// A queue for `entries` operations at once: io_uring, or a thread for each where the kernel has none
/// (before 5.11) or forbids it.
///
/// # Errors
/// `InvalidInput` or `EINVAL` when `entries` is 0 or above 32768, else the kernel's refusal (`ENOMEM`, `EMFILE`).
pub fn queue(entries: u32) -> io::Result<Box<dyn Queue + Send>> {
    match Ring::new(entries) {
        Ok(ring) => Ok(Box::new(ring)),
        Err(error) if is_without_uring(&error) => threads(entries),
        Err(error) => Err(error),
    }
}

/// The queue of kernels without io_uring, whatever this kernel has: to measure how fast it is.
///
/// # Errors
/// `InvalidInput` when `entries` is 0.
pub fn threads(entries: u32) -> io::Result<Box<dyn Queue + Send>> {
    Ok(Box::new(Threads::new(entries)?))
}

/// `ENOSYS`: not built in; `EPERM`, `EACCES`: forbidden by sysctl, seccomp or security module; `Unsupported`:
/// too old for us.
fn is_without_uring(error: &io::Error) -> bool {
    match error.kind() {
        io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied => true,
        _ => error.raw_os_error() == Some(libc::ENOSYS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_given_where_they_are_asked_for_whatever_the_kernel_has() {
        let queue = threads(4).unwrap();
        assert!(format!("{queue:?}").starts_with("Threads"), "{queue:?}");
        let error = threads(0).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn kernel_without_io_uring_is_told_from_one_that_failed() {
        for errno in [libc::ENOSYS, libc::EPERM, libc::EACCES] {
            assert!(is_without_uring(&io::Error::from_raw_os_error(errno)));
        }
        assert!(is_without_uring(&io::ErrorKind::Unsupported.into()));
        for errno in [libc::ENOMEM, libc::EINVAL, libc::EMFILE] {
            assert!(!is_without_uring(&io::Error::from_raw_os_error(errno)));
        }
    }
}
