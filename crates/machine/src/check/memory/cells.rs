//! The border to memory and time: the real ones, and the place where tests put others.

use std::io;
use std::time::{Duration, Instant};

use sys::memory::{Chunk, Content, Direction, Grain, Instructions};

use super::room::{self, Available};
use crate::roots::Roots;

/// Pages of memory that are ours alone.
pub trait Cells: Send {
    /// How many.
    fn pages(&self) -> usize;

    /// Where each lies physically, now; `None` for what is not told.
    fn frames(&self) -> Vec<Option<u64>>;

    /// They stay in memory.
    fn is_locked(&self) -> bool;

    /// Writes a page.
    fn fill(&mut self, page: usize, content: Content<'_>);

    /// Writes these words of a page in this order, and no other.
    fn fill_some(&mut self, page: usize, content: Content<'_>, words: &[u16]);

    /// Reads a page, and gives place and value of each word that is another.
    fn check(&mut self, page: usize, content: Content<'_>, differs: &mut dyn FnMut(usize, u64));

    /// Reads each line of a page, gives what differs from the first content, and writes the second before the
    /// next line is read.
    fn replace(
        &mut self,
        page: usize,
        contents: (Content<'_>, Content<'_>),
        direction: Direction,
        differs: &mut dyn FnMut(usize, u64),
    );
}

/// Where memory comes from.
pub trait Source: Sync {
    /// What it gives.
    type Chunk: Cells;

    /// What there is now; `None` when nobody can tell, and then none is taken.
    fn available(&self) -> Option<Available>;

    /// So many pages.
    ///
    /// # Errors
    /// There are none left.
    fn take(&self, pages: usize, grain: Grain) -> io::Result<Self::Chunk>;

    /// What was written is read from memory and from no cache.
    fn leaves_caches(&self) -> bool;
}

/// Time as the test sees it.
pub trait Clock: Sync {
    /// Since some beginning.
    fn now(&self) -> Duration;

    /// Lets so much time pass.
    fn wait(&self, time: Duration);
}

/// The machine's own time.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock(Instant);

impl SystemClock {
    /// Begins now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn wait(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// The machine's own memory.
#[derive(Clone, Debug)]
pub struct MainMemory {
    roots: Roots,
    instructions: Instructions,
}

impl MainMemory {
    /// What is available is read below `roots`; the memory is that of the running machine always.
    #[must_use]
    pub fn new(roots: Roots) -> Self {
        Self {
            roots,
            instructions: Instructions::widest(),
        }
    }
}

impl Source for MainMemory {
    type Chunk = Chunk;

    fn available(&self) -> Option<Available> {
        room::available(&self.roots)
    }

    fn take(&self, pages: usize, grain: Grain) -> io::Result<Chunk> {
        Chunk::new(pages, grain, self.instructions)
    }

    fn leaves_caches(&self) -> bool {
        self.instructions.leave_caches()
    }
}

impl Cells for Chunk {
    fn pages(&self) -> usize {
        Chunk::pages(self)
    }

    fn frames(&self) -> Vec<Option<u64>> {
        Chunk::frames(self).unwrap_or_else(|_| vec![None; Chunk::pages(self)])
    }

    fn is_locked(&self) -> bool {
        Chunk::is_locked(self)
    }

    fn fill(&mut self, page: usize, content: Content<'_>) {
        Chunk::fill(self, page, content);
    }

    fn fill_some(&mut self, page: usize, content: Content<'_>, words: &[u16]) {
        Chunk::fill_some(self, page, content, words);
    }

    fn check(&mut self, page: usize, content: Content<'_>, differs: &mut dyn FnMut(usize, u64)) {
        Chunk::check(self, page, content, differs);
    }

    fn replace(
        &mut self,
        page: usize,
        contents: (Content<'_>, Content<'_>),
        direction: Direction,
        differs: &mut dyn FnMut(usize, u64),
    ) {
        Chunk::replace(self, page, contents, direction, differs);
    }
}
