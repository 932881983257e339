//! A journal that keeps every mark, and looks at the drive's medium to see whether it is true.

use sim::drive::Drive;
use sim::media::Held;
use sim::queue::lock;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use wipe::ledger::{Journal, Mark};

/// Only to end a hang.
const HANG: Duration = Duration::from_secs(120);

/// What a test sees of the ledger of one drive.
pub struct Kept {
    drive: Arc<Mutex<Drive>>,
    /// Every mark that was recorded, in order.
    pub marks: Mutex<Vec<Mark>>,
    more: Condvar,
    /// What nobody may record, in words.
    pub breaches: Mutex<Vec<String>>,
    pub is_closed: AtomicBool,
    /// The run goes on from a true ledger, or from none: its own marks must be true.
    pub is_trusted: AtomicBool,
    /// Phases that the drive had begun when the ledger was closed.
    pub phases_at_close: AtomicUsize,
    /// So many calls fail, then none.
    pub fails: AtomicU32,
    /// Runs in each call, before it does anything.
    pub first: Mutex<Box<dyn FnMut() + Send>>,
}

impl Kept {
    pub fn of(drive: &Arc<Mutex<Drive>>) -> Arc<Self> {
        Arc::new(Self {
            drive: Arc::clone(drive),
            marks: Mutex::default(),
            more: Condvar::new(),
            breaches: Mutex::default(),
            is_closed: AtomicBool::new(false),
            is_trusted: AtomicBool::new(true),
            phases_at_close: AtomicUsize::new(0),
            fails: AtomicU32::new(0),
            first: Mutex::new(Box::new(|| ())),
        })
    }

    /// Waits for a mark: the last one of a run may be on its way when it ends.
    pub fn wait_until(&self, holds: impl Fn(&[Mark]) -> bool) -> Vec<Mark> {
        let (marks, held) = self.wait(HANG, holds);
        assert!(held, "no such mark among {marks:?}");
        marks
    }

    /// The marks as soon as they are as wanted, or after so much time; and whether they are.
    pub fn wait(&self, bound: Duration, holds: impl Fn(&[Mark]) -> bool) -> (Vec<Mark>, bool) {
        let marks = self.marks.lock().unwrap();
        let waits = |marks: &mut Vec<Mark>| !holds(marks);
        let (marks, late) = self.more.wait_timeout_while(marks, bound, waits).unwrap();
        (marks.clone(), !late.timed_out())
    }

    pub fn marks(&self) -> Vec<Mark> {
        self.marks.lock().unwrap().clone()
    }

    pub fn last(&self) -> Option<Mark> {
        self.marks().pop()
    }

    pub fn closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    pub fn breaches(&self) -> Vec<String> {
        self.breaches.lock().unwrap().clone()
    }

    fn call(&self) -> io::Result<()> {
        (self.first.lock().unwrap())();
        let left = |fails: u32| fails.checked_sub(1);
        match self
            .fails
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, left)
        {
            Ok(_) => Err(io::Error::other("no room for the ledger")),
            Err(_) => Ok(()),
        }
    }

    /// What is said to be written must hold the first pass even if the power goes now.
    fn look(&self, mark: &Mark) {
        let drive = lock(&self.drive);
        let (sector, sectors) = (drive.medium.sector_bytes(), drive.medium.sectors());
        let mut wrong = Vec::new();
        if let Err(words) = mark.check(sectors * sector as u64, sector as u32) {
            wrong.push(words);
        }
        let trusted = self.is_trusted.load(Ordering::SeqCst);
        for range in mark.written().into_iter().filter(|_| trusted) {
            let held = drive
                .lasting()
                .held(range.start / sector as u64..range.end / sector as u64);
            let others = held.iter().filter(|(_, held)| *held != Held::Content(0));
            wrong.extend(
                others.map(|other| format!("{mark:?} says of {other:?} that it is written")),
            );
        }
        if self.closed() {
            wrong.push(format!("{mark:?} after the ledger was closed"));
        }
        self.breaches.lock().unwrap().extend(wrong);
    }
}

impl Journal for Kept {
    fn record(&self, mark: &Mark) -> io::Result<()> {
        self.call()?;
        self.look(mark);
        self.marks.lock().unwrap().push(mark.clone());
        self.more.notify_all();
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.call()?;
        let phases = lock(&self.drive).ledger.phases.len();
        self.phases_at_close.store(phases, Ordering::SeqCst);
        self.is_closed.store(true, Ordering::SeqCst);
        Ok(())
    }
}
