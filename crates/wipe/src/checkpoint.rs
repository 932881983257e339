//! Marks on their way to the ledger: when the next one is due, and the calls that flush the drive
//! and record it.
//!
//! Nothing here holds up a drive. Each call is on a thread of its own; while one is under way no
//! other checkpoint begins, and one that never returns is the last. What an unwell journal does is
//! counted; only the drive's own answer to a flush concerns the erasure.

use crate::call::{Answer, Call};
use crate::flush::Flushes;
use crate::ledger::{Journal, Mark};
use crate::options::Options;
use crate::outcome::JournalRecord;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The checkpoints of one run; without a journal there are none.
pub(crate) struct Checkpoints {
    book: Option<Arc<Book>>,
    options: Arc<Options>,
    due: Instant,
    /// Number of the newest entry.
    entries: u64,
    calls: Vec<Call<Entry>>,
    /// A call is overdue, and that was counted.
    is_late: bool,
    /// No more marks: not all that is missing is known.
    is_ended: bool,
    record: JournalRecord,
}

/// What became of a mark.
enum Entry {
    Recorded,
    NotRecorded(String),
    NotFlushed(String),
}

impl Checkpoints {
    /// Nothing is under way.
    pub(crate) fn new(
        journal: Option<Arc<dyn Journal>>,
        options: Arc<Options>,
        now: Instant,
    ) -> Self {
        Self {
            book: journal.map(|journal| {
                Arc::new(Book {
                    journal,
                    newest: Mutex::new(0),
                })
            }),
            due: now + options.checkpoint_every,
            options,
            entries: 0,
            calls: Vec::new(),
            is_late: false,
            is_ended: false,
            record: JournalRecord::default(),
        }
    }

    /// The write phase begins: what was recorded before is not looked at.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.due = now + self.options.checkpoint_every;
    }

    /// Begins a checkpoint if it is time for one. `mark` is what is completed at this moment, so
    /// that the flush that follows covers all of it; `None` when that is not known any more.
    pub(crate) fn begin_if_due(
        &mut self,
        flushes: &Arc<Flushes>,
        now: Instant,
        mark: impl FnOnce() -> Option<Mark>,
    ) {
        if self.is_ended || !self.calls.is_empty() || now < self.due {
            return;
        }
        let Some((book, number)) = self.next() else {
            return;
        };
        let most = self.options.listed_ranges;
        let Some(mark) = mark().filter(|mark| mark.holes.len() <= most) else {
            self.is_ended = true;
            self.failed("more sectors have failed than are listed: no more marks".into());
            return;
        };
        let flushes = Arc::clone(flushes);
        let bound = self.options.flush_bound;
        self.calls.push(Call::start(bound, now, move || {
            let flushed = flushes.flush();
            // The journal may take long; the drive need not be held for it.
            drop(flushes);
            match flushed {
                Ok(()) => book.record(number, &mark),
                Err(error) => Entry::NotFlushed(error),
            }
        }));
    }

    /// Records a mark that needs no flush: the drive has answered one, or there is nothing in it.
    pub(crate) fn record(&mut self, mark: Mark, now: Instant) {
        if self.is_ended {
            return;
        }
        if let Some((book, number)) = self.next() {
            let entry = move || book.record(number, &mark);
            let bound = self.options.flush_bound;
            self.calls.push(Call::start(bound, now, entry));
        }
    }

    /// Ends the ledger. The caller waits for the answer, a while.
    pub(crate) fn close(&mut self, bound: Duration, now: Instant) -> Option<Call<io::Result<()>>> {
        self.is_ended = true;
        let (book, _) = self.next()?;
        Some(Call::start(bound, now, move || book.close()))
    }

    fn next(&mut self) -> Option<(Arc<Book>, u64)> {
        self.entries += 1;
        Some((Arc::clone(self.book.as_ref()?), self.entries))
    }

    /// Looks at the calls under way. The error with which the drive answered a flush, if it did.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<String> {
        let mut not_flushed = None;
        for call in std::mem::take(&mut self.calls) {
            let entry = match call.poll(now) {
                Answer::Pending => {
                    self.calls.push(call);
                    continue;
                }
                Answer::Overdue => {
                    if !std::mem::replace(&mut self.is_late, true) {
                        let seconds = call.bound().as_secs();
                        self.failed(format!("a checkpoint did not end within {seconds} s"));
                    }
                    self.calls.push(call);
                    continue;
                }
                Answer::Ready(entry) => entry,
                Answer::Lost => Entry::NotRecorded("the call got no answer".into()),
            };
            let age = call.age(now);
            // It began `age` ago.
            let rest = age * self.options.checkpoint_rest;
            self.due = now + self.options.checkpoint_every.max(rest).saturating_sub(age);
            match entry {
                Entry::Recorded => self.record.recorded += 1,
                Entry::NotRecorded(error) => self.failed(error),
                Entry::NotFlushed(error) => {
                    self.is_ended = true;
                    not_flushed = Some(error);
                }
            }
        }
        not_flushed
    }

    /// A mark that was not recorded.
    pub(crate) fn failed(&mut self, error: String) {
        self.record.failures += 1;
        self.record.first_error.get_or_insert(error);
    }

    /// How the ledger was kept, if there was to be one.
    pub(crate) fn summary(&self) -> Option<JournalRecord> {
        self.book.as_ref().map(|_| self.record.clone())
    }
}

/// The journal, one call at a time. An entry that was held up comes too late once a newer one was
/// made: of a ledger that is closed, or whose mark was taken back, no old mark comes to life again.
struct Book {
    journal: Arc<dyn Journal>,
    newest: Mutex<u64>,
}

impl Book {
    fn record(&self, number: u64, mark: &Mark) -> Entry {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if number < *newest {
            return Entry::NotRecorded("held up until a newer mark was recorded".into());
        }
        *newest = number;
        match self.journal.record(mark) {
            Ok(()) => Entry::Recorded,
            Err(error) => Entry::NotRecorded(error.to_string()),
        }
    }

    fn close(&self) -> io::Result<()> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        *newest = u64::MAX;
        self.journal.close()
    }
}

#[cfg(test)]
mod tests {
    use super::{Checkpoints, Flushes, Journal, Mark};
    use crate::options::Options;
    use crate::target::Control;
    use std::io;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    struct Good;

    impl Control for Good {
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
        fn recheck_identity(&self) -> Result<String, drive::identity::IdentityLost> {
            Ok("good".into())
        }
        fn is_present(&self) -> bool {
            true
        }
    }

    impl Journal for Good {
        fn record(&self, _: &Mark) -> io::Result<()> {
            Ok(())
        }
        fn close(&self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Polls at one moment until no call is under way.
    fn settle(checkpoints: &mut Checkpoints, now: Instant) {
        while !checkpoints.calls.is_empty() {
            assert_eq!(checkpoints.poll(now), None);
            std::thread::yield_now();
        }
    }

    #[test]
    fn checkpoints_take_a_hundredth_of_the_time_at_most_and_come_one_by_one() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let flushes = Arc::new(Flushes::new(Arc::new(Good)));
        let options = Arc::new(Options::default());
        let mut checkpoints = Checkpoints::new(Some(Arc::new(Good)), options, begun);
        let mut marks = 0;
        let mut look = |checkpoints: &mut Checkpoints, seconds| {
            checkpoints.begin_if_due(&flushes, at(seconds), || {
                marks += 1;
                Some(Mark::default())
            });
            marks
        };
        assert_eq!(look(&mut checkpoints, 59), 0);
        assert_eq!(look(&mut checkpoints, 60), 1);
        // It is under way, as far as anybody knows.
        assert_eq!(look(&mut checkpoints, 500), 1);
        // It took two seconds.
        settle(&mut checkpoints, at(62));
        assert_eq!(look(&mut checkpoints, 259), 1);
        assert_eq!(look(&mut checkpoints, 260), 2);
        settle(&mut checkpoints, at(260));
        assert_eq!(look(&mut checkpoints, 319), 2);
        assert_eq!(look(&mut checkpoints, 320), 3);
        settle(&mut checkpoints, at(320));
        let summary = checkpoints.summary().unwrap();
        assert_eq!((summary.recorded, summary.failures), (3, 0));
    }
}
