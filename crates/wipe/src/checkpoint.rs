//! Marks on their way to the ledger: when the next one is due, and the calls that flush the drive
//! and record it.
//!
//! Nothing here holds up a drive. Each call is on a thread of its own; while one is under way no
//! other checkpoint begins, and one that never returns is the last. What an unwell journal does is
//! counted; only the drive's own answer to a flush concerns the erasure.

use crate::call::{Answer, Call};
use crate::ledger::{Journal, Mark};
use crate::outcome::{JournalRecord, Shortfall};
use crate::target::Control;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time between two checkpoints is at least so many times what the last one took.
const REST: u32 = 100;

/// The checkpoints of one run; without a journal there are none.
pub(crate) struct Checkpoints {
    book: Option<Arc<Book>>,
    every: Duration,
    bound: Duration,
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
    /// None before `every` has passed in the write phase; a call that takes longer than `bound` is
    /// counted as failed until it returns.
    pub(crate) fn new(
        journal: Option<Arc<dyn Journal>>,
        every: Duration,
        bound: Duration,
        now: Instant,
    ) -> Self {
        Self {
            book: journal.map(|journal| {
                Arc::new(Book {
                    journal,
                    newest: Mutex::new(0),
                })
            }),
            every,
            bound,
            due: now + every,
            entries: 0,
            calls: Vec::new(),
            is_late: false,
            is_ended: false,
            record: JournalRecord::default(),
        }
    }

    /// The write phase begins: what was recorded before is not looked at.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.due = now + self.every;
    }

    /// Begins a checkpoint if it is time for one. `mark` is what is completed at this moment, so
    /// that the flush that follows covers all of it; `None` when that is not known any more.
    pub(crate) fn begin_if_due(
        &mut self,
        control: &Arc<dyn Control>,
        now: Instant,
        mark: impl FnOnce() -> Option<Mark>,
    ) {
        if self.is_ended || !self.calls.is_empty() || now < self.due {
            return;
        }
        let Some((book, number)) = self.next() else {
            return;
        };
        let Some(mark) = mark() else {
            self.is_ended = true;
            self.failed("more sectors have failed than are listed: no more marks".into());
            return;
        };
        let control = Arc::clone(control);
        self.calls.push(Call::start(self.bound, now, move || {
            let flushed = control.flush();
            // The journal may take long; the drive need not be held for it.
            drop(control);
            match flushed {
                Ok(()) => book.record(number, &mark),
                Err(error) => Entry::NotFlushed(error.to_string()),
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
            self.calls.push(Call::start(self.bound, now, entry));
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

    /// Looks at the calls under way. A flush that the drive answers with an error is a shortfall:
    /// what it lost nobody knows.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<Shortfall> {
        let mut shortfall = None;
        for call in std::mem::take(&mut self.calls) {
            let entry = match call.poll(now) {
                Answer::Pending => {
                    self.calls.push(call);
                    continue;
                }
                Answer::Overdue => {
                    if !std::mem::replace(&mut self.is_late, true) {
                        let seconds = self.bound.as_secs();
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
            self.due = now + self.every.max(age * REST).saturating_sub(age);
            match entry {
                Entry::Recorded => self.record.recorded += 1,
                Entry::NotRecorded(error) => self.failed(error),
                Entry::NotFlushed(error) => {
                    self.is_ended = true;
                    shortfall = Some(Shortfall::FlushFailed { error });
                }
            }
        }
        shortfall
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
