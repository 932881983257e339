//! Which tests, and of which steps each is made. A step goes over all memory of the round before the next one
//! begins, so that what is checked was written long ago, by another core, and everything else since.

use std::time::Duration;

use sys::memory::Direction;

use super::pattern::{MODULUS, Pattern, Words, drawn};

/// How thorough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Each pattern, some of them in part: about fifty sweeps.
    Quick,
    /// Each pattern in full: about two hundred sweeps.
    Deep,
}

/// A test, by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Test {
    /// Two addresses that are one cell.
    OwnAddress,
    /// Cells that are stuck, do not turn over, or are turned over by others: 0 and its complement, in the order
    /// of March C-.
    MovingInversions,
    /// The same with 0x55 and 0xAA: bits that follow their neighbours.
    Checkerboard,
    /// One bit of eight against the others: bits that follow any other of their byte.
    Walking,
    /// Random words and their complement: what no regular pattern brings together.
    Random,
    /// Every twentieth word written once, its neighbours many times: cells that the writing of others wears
    /// down, past caches and bursts.
    Modulo20,
    /// Written, left alone, and read: cells that lose what they hold.
    BitFade,
}

impl Test {
    /// All, in the order in which they are done.
    pub const ALL: [Self; 7] = [
        Self::OwnAddress,
        Self::MovingInversions,
        Self::Checkerboard,
        Self::Walking,
        Self::Random,
        Self::Modulo20,
        Self::BitFade,
    ];

    /// For programs.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::OwnAddress => "own-address",
            Self::MovingInversions => "moving-inversions",
            Self::Checkerboard => "checkerboard",
            Self::Walking => "walking",
            Self::Random => "random",
            Self::Modulo20 => "modulo-20",
            Self::BitFade => "bit-fade",
        }
    }
}

/// One sweep over all memory of the round, or a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Every page is written.
    Fill(Pattern),
    /// Every page is read and compared.
    Check(Pattern),
    /// Every line is read, compared with the first and written with the second.
    Replace(Pattern, Pattern, Direction),
    /// Of a modulo-20 pattern the twentieth words are written, or all others.
    FillSome {
        /// What.
        pattern: Pattern,
        /// Which words.
        offset: u16,
        /// Those whose place is the offset modulo 20, and not the others.
        twentieths: bool,
    },
    /// Memory is left alone.
    Wait(Duration),
}

/// The list of one round. `fade` is how long bit fade waits; without it, it is left out.
#[must_use]
pub fn tests(depth: Depth, seed: u64, fade: Option<Duration>) -> Vec<(Test, Vec<Step>)> {
    let all = Test::ALL.into_iter().map(|test| {
        let steps = match (test, depth) {
            (Test::OwnAddress, _) => own_address(),
            (Test::MovingInversions, _) => inversions(Words::Solid(0)),
            (Test::Checkerboard, _) => inversions(Words::Solid(repeated(0x55))),
            (Test::Walking, Depth::Quick) => walking(turned_once),
            (Test::Walking, Depth::Deep) => walking(inversions),
            (Test::Random, Depth::Quick) => random(seed, 2),
            (Test::Random, Depth::Deep) => random(seed, 8),
            (Test::Modulo20, Depth::Quick) => modulo_20(seed, 2),
            (Test::Modulo20, Depth::Deep) => modulo_20(seed, MODULUS),
            (Test::BitFade, _) => fade.map(bit_fade).unwrap_or_default(),
        };
        (test, steps)
    });
    all.filter(|(_, steps)| !steps.is_empty()).collect()
}

fn repeated(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

fn own_address() -> Vec<Step> {
    let pattern = Pattern::new(Words::Address);
    vec![
        Step::Fill(pattern),
        Step::Check(pattern),
        Step::Fill(pattern.complement()),
        Step::Check(pattern.complement()),
    ]
}

/// March C- (van de Goor, 1991), a line at a time: it finds every single stuck-at, transition, address decoder
/// and coupling fault between lines.
fn inversions(words: Words) -> Vec<Step> {
    let (one, other) = (Pattern::new(words), Pattern::new(words).complement());
    vec![
        Step::Fill(one),
        Step::Replace(one, other, Direction::Up),
        Step::Replace(other, one, Direction::Up),
        Step::Replace(one, other, Direction::Down),
        Step::Replace(other, one, Direction::Down),
        Step::Check(one),
    ]
}

fn turned_once(words: Words) -> Vec<Step> {
    let (one, other) = (Pattern::new(words), Pattern::new(words).complement());
    vec![
        Step::Fill(one),
        Step::Replace(one, other, Direction::Up),
        Step::Check(other),
    ]
}

fn walking(steps: fn(Words) -> Vec<Step>) -> Vec<Step> {
    let bits = (0..8).map(|bit| Words::Solid(repeated(1 << bit)));
    bits.flat_map(steps).collect()
}

fn random(seed: u64, times: u64) -> Vec<Step> {
    let seeds = (0..times).map(|time| Words::Random(drawn(seed, time)));
    seeds.flat_map(turned_once).collect()
}

fn modulo_20(seed: u64, offsets: u16) -> Vec<Step> {
    let first = (drawn(seed, u64::MAX) % u64::from(MODULUS)) as u16;
    let mut steps = Vec::new();
    for offset in (0..offsets).map(|offset| (first + offset) % MODULUS) {
        for word in [0, u64::MAX] {
            let pattern = Pattern::new(Words::EveryTwentieth { offset, word });
            let some = |twentieths| Step::FillSome {
                pattern,
                offset,
                twentieths,
            };
            steps.extend([some(true), some(false), some(false), Step::Check(pattern)]);
        }
    }
    steps
}

fn bit_fade(wait: Duration) -> Vec<Step> {
    let one = Pattern::new(Words::Solid(0));
    [one, one.complement()]
        .into_iter()
        .flat_map(|pattern| [Step::Fill(pattern), Step::Wait(wait), Step::Check(pattern)])
        .collect()
}
