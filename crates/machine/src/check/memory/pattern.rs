//! What memory is filled with. Every pattern is one page of words, the row, and a number for each frame, the
//! key; a word is the exclusive or of both. So any page can be computed at the speed of memory, in any order.

use sys::memory::{PAGE_WORDS, Row};

/// What each word holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// The same.
    Solid(u64),
    /// Its physical address in bytes, so that two places which are one cell show.
    Address,
    /// Random words, other ones in each frame.
    Random(u64),
    /// In each page, the words whose place is `offset` modulo 20 hold `word`, all others its complement.
    EveryTwentieth {
        /// Below 20.
        offset: u16,
        /// What those hold.
        word: u64,
    },
}

/// Words, or the complement of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// Before they are complemented.
    pub words: Words,
    /// Each bit is turned over.
    pub is_complement: bool,
}

/// Memtest86's modulo-20: a number that is no multiple of the words of a burst, a line or a vector.
pub const MODULUS: u16 = 20;

impl Pattern {
    /// The words as they are.
    #[must_use]
    pub fn new(words: Words) -> Self {
        Self {
            words,
            is_complement: false,
        }
    }

    /// Each bit turned over.
    #[must_use]
    pub fn complement(self) -> Self {
        Self {
            is_complement: !self.is_complement,
            ..self
        }
    }

    /// The row of every page.
    #[must_use]
    pub fn row(self) -> Row {
        let mut random = match self.words {
            Words::Random(seed) => seed,
            Words::Solid(_) | Words::Address | Words::EveryTwentieth { .. } => 0,
        };
        let word = |index: usize| match self.words {
            Words::Solid(word) => word,
            Words::Address => 8 * index as u64,
            Words::Random(_) => {
                random = random.wrapping_add(GOLDEN);
                mixed(random)
            }
            Words::EveryTwentieth { offset, word } => match is_twentieth(index, offset) {
                true => word,
                false => !word,
            },
        };
        let mut row = Row(std::array::from_fn(word));
        if self.is_complement {
            row.0.iter_mut().for_each(|word| *word = !*word);
        }
        row
    }

    /// The key of a page in this frame.
    #[must_use]
    pub fn key(self, frame: u64) -> u64 {
        match self.words {
            Words::Solid(_) | Words::EveryTwentieth { .. } => 0,
            Words::Address => frame << 12,
            Words::Random(seed) => mixed(seed ^ mixed(frame.wrapping_add(GOLDEN))),
        }
    }
}

/// The places of a page that modulo-20 writes first, or all others.
#[must_use]
pub fn places(offset: u16, twentieths: bool) -> Vec<u16> {
    let all = 0..PAGE_WORDS;
    all.filter(|index| is_twentieth(*index, offset) == twentieths)
        .map(|index| index as u16)
        .collect()
}

fn is_twentieth(index: usize, offset: u16) -> bool {
    index % usize::from(MODULUS) == usize::from(offset)
}

/// Step and finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input moves half of the output.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

/// A random number that follows from a seed and a place in a list.
#[must_use]
pub fn drawn(seed: u64, place: u64) -> u64 {
    mixed(seed ^ mixed(place.wrapping_add(GOLDEN)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn word(pattern: Pattern, frame: u64, index: usize) -> u64 {
        pattern.row().0[index] ^ pattern.key(frame)
    }

    #[test]
    fn own_address_is_the_physical_address_of_the_word() {
        let pattern = Pattern::new(Words::Address);
        for (frame, index) in [(0, 0), (1, 1), (0x12_3456, 511), (1 << 40, 77)] {
            let address = frame * 4096 + 8 * index as u64;
            assert_eq!(word(pattern, frame, index), address);
            assert_eq!(word(pattern.complement(), frame, index), !address);
        }
    }

    #[test]
    fn random_words_differ_between_places_frames_and_seeds() {
        let mut seen = BTreeSet::new();
        for seed in 0..4 {
            for frame in 0..64 {
                for index in 0..PAGE_WORDS {
                    seen.insert(word(Pattern::new(Words::Random(seed)), frame, index));
                }
            }
        }
        assert_eq!(seen.len(), 4 * 64 * PAGE_WORDS);
    }

    #[test]
    fn twentieths_and_others_are_all_places_once() {
        for offset in 0..MODULUS {
            let row = Pattern::new(Words::EveryTwentieth { offset, word: 7 }).row();
            let (some, others) = (places(offset, true), places(offset, false));
            assert!(some.iter().all(|place| row.0[usize::from(*place)] == 7));
            assert!(others.iter().all(|place| row.0[usize::from(*place)] == !7));
            let all: BTreeSet<u16> = some.iter().chain(&others).copied().collect();
            assert_eq!((all.len(), some.len() + others.len()), (512, 512));
        }
    }
}
