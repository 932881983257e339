//! The queue to drives that do not exist, with a clock of its own: [`sys::queue::Queue`].
//!
//! Requests end in the order of their times, and when nothing else is to be done the clock goes to
//! the next end at once: hours of a sick drive cost milliseconds, and a loaded machine makes no
//! drive look slow. Calls that the engine makes on other threads take real time, so the clock
//! stands still while it polls for one: then it asks for short waits only.

use crate::drive::{Drive, Flight};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use sys::queue::{Completion, Queue, Submission};

/// A caller that waits shorter than this has something else to look at.
const POLLING: Duration = Duration::from_millis(50);

/// Real time given to another thread while the clock stands still.
const PAUSE: Duration = Duration::from_micros(100);

/// Drives by the file that stands for them.
#[derive(Default)]
pub struct Shelf {
    /// The file is kept, so that its descriptor stands for nothing else.
    drives: Mutex<HashMap<i32, Entry>>,
    requests: AtomicU64,
    alarm: Mutex<Option<Alarm>>,
}

type Entry = (Arc<OwnedFd>, Arc<Mutex<Drive>>);

/// What happens at the request of a number.
type Alarm = (u64, Box<dyn FnOnce() + Send>);

/// The drive behind a lock, also after a panic of another thread.
pub fn lock(drive: &Mutex<Drive>) -> MutexGuard<'_, Drive> {
    drive.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shelf {
    /// Puts a drive there; requests to `file` are its.
    pub fn put(&self, file: &Arc<OwnedFd>, drive: Drive) -> Arc<Mutex<Drive>> {
        let drive = Arc::new(Mutex::new(drive));
        let entry = (Arc::clone(file), Arc::clone(&drive));
        let mut drives = self.drives.lock().unwrap_or_else(PoisonError::into_inner);
        drives.insert(file.as_raw_fd(), entry);
        drive
    }

    /// Calls `function` when so many requests were submitted, to all drives together.
    pub fn at_request(&self, number: u64, function: impl FnOnce() + Send + 'static) {
        let mut alarm = self.alarm.lock().unwrap_or_else(PoisonError::into_inner);
        *alarm = Some((number, Box::new(function)));
    }

    /// The power of all drives goes.
    pub fn cut_power(&self) {
        let drives = self.drives.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, drive) in drives.values() {
            lock(drive).cut_power();
        }
    }

    /// A queue for `entries` requests at once to the drives of the shelf.
    #[must_use]
    pub fn queue(self: &Arc<Self>, entries: u32) -> Box<dyn Queue + Send> {
        Box::new(SimulatedQueue {
            shelf: Arc::clone(self),
            entries: entries as usize,
            flying: Vec::new(),
            origin: Instant::now(),
            clock: Duration::ZERO,
        })
    }

    fn drive(&self, file: &OwnedFd) -> Option<Arc<Mutex<Drive>>> {
        let drives = self.drives.lock().unwrap_or_else(PoisonError::into_inner);
        drives
            .get(&file.as_raw_fd())
            .map(|(_, drive)| Arc::clone(drive))
    }

    fn count(&self) {
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        let mut alarm = self.alarm.lock().unwrap_or_else(PoisonError::into_inner);
        let due = alarm.take_if(|(at, _)| number >= *at);
        // It may set another one.
        drop(alarm);
        if let Some((_, function)) = due {
            function();
        }
    }
}

struct SimulatedQueue {
    shelf: Arc<Shelf>,
    entries: usize,
    flying: Vec<(Flight, Arc<Mutex<Drive>>, Submission)>,
    origin: Instant,
    clock: Duration,
}

impl fmt::Debug for SimulatedQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SimulatedQueue({} in flight at {:?})",
            self.flying.len(),
            self.clock
        )
    }
}

impl Queue for SimulatedQueue {
    fn submit(&mut self, submission: Submission) -> Result<(), (io::Error, Submission)> {
        let Some(drive) = self.shelf.drive(&submission.file) else {
            return Err((io::ErrorKind::NotFound.into(), submission));
        };
        let end = submission.start + submission.length_bytes;
        if end > submission.buffer.len() {
            return Err((io::ErrorKind::InvalidInput.into(), submission));
        }
        if self.flying.len() >= self.entries || lock(&drive).refuses() {
            return Err((io::ErrorKind::WouldBlock.into(), submission));
        }
        self.shelf.count();
        let flight = lock(&drive).submitted(
            self.clock,
            submission.op,
            submission.offset_bytes,
            submission.length_bytes,
        );
        self.flying.push((flight, drive, submission));
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn wait(&mut self, timeout: Duration, out: &mut Vec<Completion>) -> io::Result<()> {
        if self.flying.is_empty() {
            return Ok(());
        }
        let next = self
            .flying
            .iter()
            .filter_map(|(flight, ..)| flight.due)
            .min();
        match next {
            Some(due) if due <= self.clock => {}
            Some(_) | None if timeout.is_zero() => return Ok(()),
            Some(_) | None if timeout < POLLING => {
                std::thread::park_timeout(timeout.min(PAUSE));
                return Ok(());
            }
            Some(due) if due - self.clock <= timeout => self.clock = due,
            Some(_) | None => {
                self.clock += timeout;
                return Ok(());
            }
        }
        let is_due = |flight: &Flight| flight.due.is_some_and(|due| due <= self.clock);
        let mut ended: Vec<_> = self
            .flying
            .extract_if(.., |(flight, ..)| is_due(flight))
            .collect();
        ended.sort_by_key(|(flight, ..)| flight.due);
        for (flight, drive, mut submission) in ended {
            let range = submission.start..submission.start + submission.length_bytes;
            let result = lock(&drive).ended(&flight, &mut submission.buffer[range]);
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
        self.flying.len()
    }

    fn now(&self) -> Instant {
        self.origin + self.clock
    }
}

#[cfg(test)]
mod tests {
    use super::{Drive, Duration, Queue, Shelf, Submission, lock};
    use crate::faults::{Faults, Timing};
    use crate::media::Medium;
    use std::sync::Arc;
    use sys::aligned::AlignedBuffer;
    use sys::queue::Op;

    const LONG: Duration = Duration::from_millis(100);

    fn sent(faults: Faults, timing: Timing, requests: u64) -> Box<dyn Queue + Send> {
        let shelf = Arc::new(Shelf::default());
        let file = Arc::new(std::fs::File::open("/dev/null").unwrap().into());
        let medium = Medium::new(512, requests, Arc::new(|_, _| ()), Vec::new());
        shelf.put(&file, Drive::new("drive", medium, faults, timing, 1));
        let mut queue = shelf.queue(64);
        for token in 0..requests {
            let submission = Submission {
                op: Op::Write,
                file: Arc::clone(&file),
                offset_bytes: token * 512,
                start: 0,
                length_bytes: 512,
                buffer: AlignedBuffer::new(512).unwrap(),
                token,
            };
            assert!(queue.submit(submission).is_ok());
        }
        queue
    }

    fn ended(queue: &mut dyn Queue) -> Vec<u64> {
        let mut out = Vec::new();
        while queue.in_flight() > 0 {
            queue.wait(LONG, &mut out).unwrap();
        }
        out.iter().map(|completion| completion.token).collect()
    }

    #[test]
    fn requests_take_the_drives_time_and_none_of_ours() {
        let timing = Timing {
            request: Duration::from_secs(3600),
            ..Timing::default()
        };
        let mut queue = sent(Faults::default(), timing, 3);
        let begun = queue.now();
        assert_eq!(ended(queue.as_mut()), [0, 1, 2]);
        let hours = queue.now().duration_since(begun).as_secs() / 3600;
        assert_eq!(hours, 3);
    }

    #[test]
    fn answers_overtake_one_another() {
        let timing = Timing {
            jitter: Duration::from_secs(1),
            ..Timing::default()
        };
        let mut order = ended(sent(Faults::default(), timing, 20).as_mut());
        assert!(!order.is_sorted());
        order.sort_unstable();
        assert!(order.into_iter().eq(0..20));
    }

    #[test]
    fn time_passes_over_a_silent_drive_unless_somebody_polls_for_something_else() {
        let faults = Faults {
            silent_after: Some(0),
            ..Faults::default()
        };
        let mut queue = sent(faults, Timing::default(), 1);
        let (begun, mut out) = (queue.now(), Vec::new());
        queue.wait(LONG / 10, &mut out).unwrap();
        assert_eq!(queue.now(), begun);
        queue.wait(LONG, &mut out).unwrap();
        assert_eq!(queue.now(), begun + LONG);
        assert_eq!((out.len(), queue.in_flight()), (0, 1));
    }

    #[test]
    fn power_cut_keeps_what_was_flushed_and_of_the_rest_some_all_or_nothing() {
        let content = |byte: u8| -> crate::media::Content {
            Arc::new(move |_, buffer: &mut [u8]| buffer.fill(byte))
        };
        let mut kept = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let medium = Medium::new(512, 100, content(1), vec![content(2), content(3)]);
            let faults = Faults {
                volatile: true,
                ..Faults::default()
            };
            let mut drive = Drive::new("drive", medium, faults, Timing::default(), seed);
            let send = |drive: &mut Drive, byte: u8| {
                let flight = drive.submitted(Duration::ZERO, Op::Write, 0, 50 * 512);
                let _ = drive.ended(&flight, &mut [byte; 50 * 512]);
            };
            send(&mut drive, 2);
            drive.flush().unwrap();
            send(&mut drive, 3);
            let flight = drive.submitted(Duration::ZERO, Op::Write, 50 * 512, 50 * 512);
            drive.cut_power();
            assert!(drive.ended(&flight, &mut [3; 50 * 512]).is_err());
            assert!(drive.flush().is_err() && drive.identify().is_err());
            let mut found = vec![0; 100 * 512];
            drive.medium.read(0, &mut found);
            let first = |sector: usize| found[sector * 512];
            assert!(
                found
                    .chunks(512)
                    .all(|sector| sector.iter().all(|byte| *byte == sector[0]))
            );
            assert!((0..50).all(|n| [2, 3].contains(&first(n))));
            assert!((50..100).all(|n| [1, 3].contains(&first(n))));
            kept.insert((0..50).filter(|n| first(*n) == 3).count());
        }
        assert!(
            kept.contains(&0) && kept.contains(&50) && kept.len() > 10,
            "{kept:?}"
        );
    }

    #[test]
    fn ledger_names_requests_that_overlap() {
        let shelf = Arc::new(Shelf::default());
        let file = Arc::new(std::fs::File::open("/dev/null").unwrap().into());
        let medium = Medium::new(512, 8, Arc::new(|_, _| ()), Vec::new());
        let drive = Drive::new("drive", medium, Faults::default(), Timing::default(), 1);
        let drive = shelf.put(&file, drive);
        for (offset_bytes, length) in [(0, 2048), (1024, 1024)] {
            lock(&drive).submitted(Duration::ZERO, Op::Write, offset_bytes, length);
        }
        assert_eq!(
            lock(&drive).ledger.breaches,
            ["two requests at once for 2..4"]
        );
    }
}
