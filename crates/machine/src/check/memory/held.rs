//! A chunk under test, with the numbers of its pages.

use super::cells::Cells;
use super::findings::Place;

/// Stand-ins for frames that are not told, above all real ones (52 bits of address less 12).
const STAND_IN: u64 = 1 << 40;

#[derive(Debug)]
pub(super) struct Held<C> {
    /// Absent when it was given back.
    pub cells: Option<C>,
    pub pages: usize,
    /// As they were told when it was taken.
    frames: Vec<Option<u64>>,
    /// What keyed patterns are made of: the frame, else a stand-in. They stay, also when the kernel moves the
    /// page, since it moves what was written with it.
    pub numbers: Vec<u64>,
    /// It went through all tests of its round.
    pub is_done: bool,
    /// Its frames count as reached.
    pub is_counted: bool,
    pub was_left_to_fade: bool,
}

impl<C: Cells> Held<C> {
    /// `number` is another one for each chunk of a run.
    pub fn new(cells: C, number: u64) -> Self {
        let frames = cells.frames();
        let pages = cells.pages();
        let stand_in = |page: usize| STAND_IN | number << 20 | page as u64;
        let numbers = (0..pages)
            .map(|page| {
                frames
                    .get(page)
                    .copied()
                    .flatten()
                    .unwrap_or(stand_in(page))
            })
            .collect();
        Self {
            cells: Some(cells),
            pages,
            frames,
            numbers,
            is_done: false,
            is_counted: false,
            was_left_to_fade: false,
        }
    }

    /// All frames are told.
    pub fn knows_frames(&self) -> bool {
        self.frames.iter().all(Option::is_some)
    }

    /// Each page's frame where it is told and the same as at the beginning.
    pub fn frames_unmoved(&self) -> Vec<Option<u64>> {
        let now = self.cells.as_ref().map(Cells::frames).unwrap_or_default();
        let pairs = self.frames.iter().zip(now);
        pairs
            .map(|(then, now)| then.filter(|then| now == Some(*then)))
            .collect()
    }

    /// Where a wrong word is to be listed.
    pub fn place(&self, unmoved: &[Option<u64>], page: usize) -> Place {
        match unmoved.get(page).copied().flatten() {
            Some(frame) => Place::Frame(frame),
            None => Place::Unknown(self.numbers.get(page).copied().unwrap_or_default()),
        }
    }
}
