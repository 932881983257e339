//! Wrong words, gathered by frame. All are counted, a bounded number of frames is listed.

use std::collections::BTreeMap;

use super::schedule::Test;
use super::sweep::Difference;

/// Frames that are listed. A module that is broken altogether has millions.
pub const FRAMES_MAX: usize = 256;
/// Cores that are listed for a frame.
const CORES_MAX: usize = 16;

/// A wrong word as it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadWord {
    /// Physical address in bytes; absent when the kernel did not tell it, or moved the page meanwhile.
    pub address: Option<u64>,
    /// What was written.
    pub expected: u64,
    /// What was read.
    pub read: u64,
    /// By which test.
    pub test: Test,
}

/// A frame in which words were wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFrame {
    /// Physical address divided by 4096; absent as in [`BadWord::address`].
    pub frame: Option<u64>,
    /// How many words were wrong, each time that one was.
    pub errors: u64,
    /// The first of them.
    pub first: BadWord,
    /// Bits that were wrong in any of them.
    pub bits: u64,
    /// Tests that found any.
    pub tests: Vec<Test>,
    /// Cores that read any, by the kernel's numbers: more than one clears the core.
    pub cores: Vec<usize>,
    /// The memory slot, where the firmware tells it without doubt.
    pub slot: Option<String>,
}

/// What a page is known by: its frame, else a number that this run gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Physical.
    Frame(u64),
    /// Of this run only.
    Unknown(u64),
}

/// All that was found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    frames: BTreeMap<Place, BadFrame>,
    errors: u64,
    unlisted: u64,
}

impl Findings {
    /// Adds a wrong word of a page.
    pub fn add(&mut self, place: Place, difference: Difference, test: Test, core: Option<usize>) {
        self.errors += 1;
        let is_full = self.frames.len() >= FRAMES_MAX;
        if is_full && !self.frames.contains_key(&place) {
            self.unlisted += 1;
            return;
        }
        let frame = match place {
            Place::Frame(frame) => Some(frame),
            Place::Unknown(_) => None,
        };
        let first = BadWord {
            address: frame.map(|frame| (frame << 12) + 8 * difference.word as u64),
            expected: difference.expected,
            read: difference.read,
            test,
        };
        let bad = self.frames.entry(place).or_insert_with(|| BadFrame {
            frame,
            errors: 0,
            first,
            bits: 0,
            tests: Vec::new(),
            cores: Vec::new(),
            slot: None,
        });
        bad.errors += 1;
        bad.bits |= difference.expected ^ difference.read;
        if !bad.tests.contains(&test) {
            bad.tests.push(test);
        }
        if let Some(core) = core
            && bad.cores.len() < CORES_MAX
            && !bad.cores.contains(&core)
        {
            bad.cores.push(core);
        }
    }

    /// Adds wrong words of which nothing more was kept.
    pub fn add_unlisted(&mut self, errors: u64) {
        self.errors += errors;
        self.unlisted += errors;
    }

    /// All wrong words.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.errors
    }

    /// Of them, those in no listed frame.
    #[must_use]
    pub fn unlisted(&self) -> u64 {
        self.unlisted
    }

    /// The frames, by address; those without one last.
    #[must_use]
    pub fn into_frames(self) -> Vec<BadFrame> {
        self.frames.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_beyond_the_list_are_counted() {
        let mut findings = Findings::default();
        let difference = |page| Difference {
            page,
            word: 3,
            expected: 0,
            read: 1 << (page % 2),
        };
        for page in 0..1000 {
            let place = Place::Frame(page as u64);
            findings.add(place, difference(page), Test::Random, Some(page % 40));
        }
        findings.add(Place::Frame(5), difference(4), Test::Walking, None);
        findings.add_unlisted(7);
        assert_eq!((findings.errors(), findings.unlisted()), (1008, 751));
        let frames = findings.into_frames();
        assert_eq!(frames.len(), FRAMES_MAX);
        let five = &frames[5];
        assert_eq!((five.frame, five.errors, five.bits), (Some(5), 2, 3));
        assert_eq!(five.first.address, Some(5 * 4096 + 24));
        assert_eq!(five.tests, [Test::Random, Test::Walking]);
        assert_eq!(five.cores, [5]);
    }
}
