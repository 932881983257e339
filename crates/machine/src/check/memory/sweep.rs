//! One step over one chunk.

use sys::memory::{Content, Direction, PAGE_BYTES, Row};

use super::cells::Cells;
use super::pattern::{self, Pattern};
use super::schedule::Step;

/// Pages between two looks at whether to stop: a few tenths of a millisecond.
const PAGES_UNASKED: usize = 256;

/// A wrong word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Page of the chunk.
    pub page: usize,
    /// Word of the page.
    pub word: usize,
    /// What was written.
    pub expected: u64,
    /// What was read.
    pub read: u64,
}

/// A step made ready: its rows and places are computed once for all chunks.
#[derive(Clone, Debug)]
pub struct Sweep {
    kind: Kind,
    /// Of the words of a page, how many are touched.
    share: (u64, u64),
}

#[derive(Clone, Debug)]
enum Kind {
    Fill(Ready),
    Check(Ready),
    Replace(Ready, Ready, Direction),
    FillSome(Ready, Vec<u16>),
}

#[derive(Clone, Debug)]
struct Ready {
    pattern: Pattern,
    row: Box<Row>,
}

impl Ready {
    fn new(pattern: Pattern) -> Self {
        Self {
            pattern,
            row: Box::new(pattern.row()),
        }
    }

    fn content(&self, frame: u64) -> Content<'_> {
        Content {
            row: &self.row,
            key: self.pattern.key(frame),
        }
    }
}

impl Sweep {
    /// `None` for a step that touches no memory.
    #[must_use]
    pub fn of(step: &Step) -> Option<Self> {
        let mut share = (1, 1);
        let kind = match *step {
            Step::Wait(_) => return None,
            Step::Fill(pattern) => Kind::Fill(Ready::new(pattern)),
            Step::Check(pattern) => Kind::Check(Ready::new(pattern)),
            Step::Replace(old, new, direction) => {
                Kind::Replace(Ready::new(old), Ready::new(new), direction)
            }
            Step::FillSome {
                pattern,
                offset,
                twentieths,
            } => {
                let places = pattern::places(offset, twentieths);
                share = (places.len() as u64, sys::memory::PAGE_WORDS as u64);
                Kind::FillSome(Ready::new(pattern), places)
            }
        };
        Some(Self { kind, share })
    }

    /// Bytes that it touches in so many pages.
    #[must_use]
    pub fn bytes(&self, pages: usize) -> u64 {
        (pages * PAGE_BYTES) as u64 / self.share.1 * self.share.0
    }

    /// Goes over a chunk whose pages have these numbers; false when it was stopped on the way.
    pub fn over(
        &self,
        cells: &mut impl Cells,
        frames: &[u64],
        stop: &dyn Fn() -> bool,
        found: &mut dyn FnMut(Difference),
    ) -> bool {
        let pages = cells.pages().min(frames.len());
        for step in 0..pages {
            if step % PAGES_UNASKED == 0 && stop() {
                return false;
            }
            let page = match self.kind {
                Kind::Replace(_, _, Direction::Down) => pages - 1 - step,
                Kind::Fill(_) | Kind::Check(_) | Kind::Replace(..) | Kind::FillSome(..) => step,
            };
            self.page(cells, page, frames[page], found);
        }
        true
    }

    fn page(
        &self,
        cells: &mut impl Cells,
        page: usize,
        frame: u64,
        found: &mut dyn FnMut(Difference),
    ) {
        let mut compared = |content: Content<'_>, word: usize, read: u64| {
            found(Difference {
                page,
                word,
                expected: content.word(word),
                read,
            });
        };
        match &self.kind {
            Kind::Fill(ready) => cells.fill(page, ready.content(frame)),
            Kind::FillSome(ready, places) => cells.fill_some(page, ready.content(frame), places),
            Kind::Check(ready) => {
                let content = ready.content(frame);
                cells.check(page, content, &mut |word, read| {
                    compared(content, word, read);
                });
            }
            Kind::Replace(old, new, direction) => {
                let (old, new) = (old.content(frame), new.content(frame));
                cells.replace(page, (old, new), *direction, &mut |word, read| {
                    compared(old, word, read);
                });
            }
        }
    }
}
