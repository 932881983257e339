//! A test of main memory from inside a running system: patterns over all that the kernel gives, in rounds that
//! reach frames which were in use before, with what was reached counted frame by frame.
//!
//! [`pattern`] says what is written, [`schedule`] in which order, [`sweep`] carries one step out over one chunk,
//! [`run()`] goes through the steps with all cores. Memory is behind [`cells::Cells`] and [`cells::Source`]: the
//! real one is `sys::memory`, tests put faults below the same code. Time is behind [`cells::Clock`].
//!
//! A failing test is final. A test without errors says so of the frames that it reached, of the patterns that it
//! completed, and of nothing else: [`Outcome::not_done`] names the rest. Memory that the kernel keeps for
//! itself, the frames of the program, and the reserve cannot be reached from here; Memtest86+ reaches them.

pub mod cells;
pub mod counters;
pub mod coverage;
pub mod findings;
mod held;
pub mod pattern;
pub mod room;
mod run;
pub mod schedule;
pub mod slot;
pub mod sweep;

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use counters::Counters;
use coverage::Coverage;
use findings::BadFrame;
use schedule::{Depth, Test};

pub use run::run;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Which list of tests.
    pub depth: Depth,
    /// No step begins after so much time.
    pub time_max: Duration,
    /// Begin the list again while there is time.
    pub repeat: bool,
    /// How long the bit fade test waits, each time; absent, it is left out.
    pub fade: Option<Duration>,
    /// Cores by the kernel's numbers, a thread each; none is one thread that runs anywhere.
    pub cores: &'a [usize],
    /// Take no more than this.
    pub memory_max_bytes: Option<u64>,
    /// Leave at least so much available, beside the least that is always left (see [`room`]).
    pub reserve_bytes: u64,
    /// Of what is random.
    pub seed: u64,
    /// Ends the test when it is set: at once, with what was found until then.
    pub stop: &'a AtomicBool,
}

/// How far a test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is under way; absent while memory is taken.
    pub test: Option<Test>,
    /// From 1.
    pub round: u32,
    /// Memory that is held now.
    pub held_bytes: u64,
    /// Read or written until now, each sweep counted.
    pub swept_bytes: u64,
    /// Words that were wrong.
    pub errors: u64,
    /// Since the beginning.
    pub elapsed: Duration,
}

/// What a test came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Frames that at least one test went through from its first step to its last; absent when the kernel does
    /// not tell frames or what is memory.
    pub coverage: Option<Coverage>,
    /// Most that was held at one time.
    pub held_bytes_max: u64,
    /// Read or written, each sweep counted.
    pub swept_bytes: u64,
    /// Steps that went over all chunks of their round.
    pub sweeps: u64,
    /// Rounds that were begun.
    pub rounds: u32,
    /// Tests that were completed: how often, over how many bytes together.
    pub tests: Vec<(Test, u32, u64)>,
    /// Words that were wrong, each time that one was.
    pub errors: u64,
    /// Frames with wrong words, at most [`findings::FRAMES_MAX`], by address.
    pub bad: Vec<BadFrame>,
    /// Wrong words in frames beyond that number.
    pub errors_unlisted: u64,
    /// What the machine itself counted before and after.
    pub counters: (Counters, Counters),
    /// It was stopped from outside.
    pub stopped: bool,
    /// How long it took.
    pub elapsed: Duration,
    /// Left out, or not known.
    pub not_done: Vec<NotDone>,
}

impl Outcome {
    /// Something is wrong with the memory: a word that differed, or a counter of the machine that rose.
    #[must_use]
    pub fn is_faulty(&self) -> bool {
        self.errors > 0 || self.counters.1.rose_since(&self.counters.0)
    }

    /// At least one test went over memory from its first step to its last, and nobody broke the test off.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.stopped && !self.tests.is_empty()
    }
}

/// Something that was not done, or not found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotDone {
    /// The kernel gave no memory above the reserve.
    NothingTaken,
    /// The kernel did not tell where pages lie: it tells root only.
    FramesUnknown,
    /// The kernel did not tell what is memory.
    MemoryMapUnknown,
    /// So much was left to the rest of the machine.
    Reserve(u64),
    /// So much was given back on the way, because the rest of the machine needed it.
    GivenBack(u64),
    /// The kernel refused to lock pages: it may have written them out and read them back.
    NotLocked,
    /// Written lines may have been read from a cache: this processor has no instruction that raz uses to get
    /// around it.
    Caches,
    /// A test of the list that was completed over nothing.
    Test(Test),
    /// Frames that were reached in later rounds only were not left alone for the bit fade test.
    FadeOfLaterRounds,
    /// No counter of corrected errors (EDAC) is there.
    CorrectedErrors,
}
