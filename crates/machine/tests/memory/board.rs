//! Memory that does not exist, with faults that are planted: it lies below the code that writes and compares.
//!
//! The cells of all chunks are one board, so that two frames can be one cell. A word is written and read one at
//! a time, a line of eight before the next.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use machine::check::memory::cells::{Cells, Clock, Source};
use machine::check::memory::room::Available;
use sys::memory::{Content, Direction, Grain, LINE_WORDS, PAGE_WORDS};

/// Of a huge page.
const CHUNK_PAGES: usize = 512;

/// What is wrong with it. A word is a place on the board: frame × 512 + word of the page.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// A bit is always this.
    Stuck { word: usize, bit: u32, at: bool },
    /// A bit does not go from 0 to 1 when it is written.
    NoRise { word: usize, bit: u32 },
    /// A bit turns over whenever a bit elsewhere does.
    Coupled {
        aggressor: usize,
        victim: usize,
        bit: u32,
    },
    /// A line of the address is not connected.
    Alias { frame_bit: u32 },
    /// A bit takes the other's value when either is 1: two lines touch.
    Bridge { word: usize, bit: u32, other: u32 },
    /// A bit reads wrong where two other bits of its word differ.
    Disturbed {
        word: usize,
        bit: u32,
        others: (u32, u32),
    },
    /// A bit falls to `to` when it was not written for so long.
    Fades {
        word: usize,
        bit: u32,
        to: bool,
        after: Duration,
    },
    /// A bit turns over when ten words to either side were written so often since it was.
    WornByNeighbours { word: usize, bit: u32, times: u32 },
    /// Reads of a page's first word on this core turn a bit over: the core is bad, and no memory.
    BadCore { thread: usize, bit: u32 },
}

/// Time that passes when it is told to, and a little with each page.
#[derive(Debug, Default)]
pub struct BoardClock(AtomicU64);

impl Clock for BoardClock {
    fn now(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::SeqCst))
    }

    fn wait(&self, time: Duration) {
        self.0.fetch_add(time.as_micros() as u64, Ordering::SeqCst);
    }
}

#[derive(Debug)]
struct State {
    words: Vec<u64>,
    faults: Vec<Fault>,
    /// When a word with `Fades` was written.
    written: Vec<Duration>,
    /// Writes beside a word with `WornByNeighbours` since it was written.
    worn: Vec<u32>,
    free: Vec<usize>,
}

/// All memory of a machine.
#[derive(Clone, Debug)]
pub struct Board {
    state: Arc<Mutex<State>>,
    pub clock: Arc<BoardClock>,
    pub available_bytes: Arc<AtomicU64>,
    /// What is taken is no more available; else there is room until the board is full.
    pub falls: bool,
    pub total_bytes: u64,
    /// Frames are told.
    pub tells_frames: bool,
    /// Set when the memory was written so often.
    pub stop_after: Arc<(AtomicU64, AtomicBool)>,
    first_frame: u64,
}

impl Board {
    pub fn new(chunks: usize, faults: &[Fault]) -> Self {
        let state = State {
            words: vec![0; chunks * CHUNK_PAGES * PAGE_WORDS],
            faults: faults.to_vec(),
            written: vec![Duration::ZERO; faults.len()],
            worn: vec![0; faults.len()],
            free: (0..chunks).rev().collect(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            clock: Arc::default(),
            // Room for less than four chunks, so that a chunk is the smallest one.
            available_bytes: Arc::new(AtomicU64::new((150 + 7) << 20)),
            falls: false,
            total_bytes: 1 << 30,
            tells_frames: true,
            stop_after: Arc::new((AtomicU64::new(u64::MAX), AtomicBool::new(false))),
            first_frame: 0x100,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn taken_bytes(&self) -> u64 {
        let state = self.lock();
        let chunks = state.words.len() / (CHUNK_PAGES * PAGE_WORDS);
        let taken = (chunks - state.free.len()) as u64;
        if self.falls { taken << 21 } else { 0 }
    }

    /// The physical address of a place on the board.
    pub fn address(&self, word: usize) -> u64 {
        self.first_frame * 4096 + 8 * word as u64
    }
}

impl Source for Board {
    type Chunk = Part;

    fn available(&self) -> Option<Available> {
        Some(Available {
            total_bytes: self.total_bytes,
            available_bytes: self.available_bytes.load(Ordering::SeqCst) - self.taken_bytes(),
        })
    }

    fn take(&self, pages: usize, _grain: Grain) -> io::Result<Part> {
        assert_eq!(pages, CHUNK_PAGES);
        let place = self.lock().free.pop().ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Part {
            board: self.clone(),
            place,
        })
    }

    fn leaves_caches(&self) -> bool {
        true
    }
}

/// A chunk of a board.
#[derive(Debug)]
pub struct Part {
    board: Board,
    place: usize,
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Ok(mut state) = self.board.state.lock() {
            state.free.push(self.place);
        }
    }
}

impl Part {
    /// One page with the board to itself.
    fn page<T>(&mut self, page: usize, then: impl FnOnce(&mut State, usize, Duration) -> T) -> T {
        assert!(page < CHUNK_PAGES);
        let left = &self.board.stop_after;
        if left.0.fetch_sub(1, Ordering::SeqCst) == 1 {
            left.1.store(true, Ordering::SeqCst);
        }
        self.board.clock.wait(Duration::from_micros(1));
        let now = self.board.clock.now();
        let first = (self.place * CHUNK_PAGES + page) * PAGE_WORDS;
        then(&mut self.board.lock(), first, now)
    }
}

impl Cells for Part {
    fn pages(&self) -> usize {
        CHUNK_PAGES
    }

    fn frames(&self) -> Vec<Option<u64>> {
        let first = self.board.first_frame + (self.place * CHUNK_PAGES) as u64;
        let all = (first..).take(CHUNK_PAGES);
        all.map(|frame| self.board.tells_frames.then_some(frame))
            .collect()
    }

    fn is_locked(&self) -> bool {
        true
    }

    fn fill(&mut self, page: usize, content: Content<'_>) {
        self.page(page, |state, first, now| {
            for word in 0..PAGE_WORDS {
                state.write(first + word, content.word(word), now);
            }
        });
    }

    fn fill_some(&mut self, page: usize, content: Content<'_>, words: &[u16]) {
        self.page(page, |state, first, now| {
            for word in words.iter().map(|word| usize::from(*word)) {
                state.write(first + word, content.word(word), now);
            }
        });
    }

    fn check(&mut self, page: usize, content: Content<'_>, differs: &mut dyn FnMut(usize, u64)) {
        self.page(page, |state, first, now| {
            for word in 0..PAGE_WORDS {
                let read = state.read(first + word, now);
                if read != content.word(word) {
                    differs(word, read);
                }
            }
        });
    }

    fn replace(
        &mut self,
        page: usize,
        (old, new): (Content<'_>, Content<'_>),
        direction: Direction,
        differs: &mut dyn FnMut(usize, u64),
    ) {
        self.page(page, |state, first, now| {
            let lines = PAGE_WORDS / LINE_WORDS;
            for step in 0..lines {
                let line = match direction {
                    Direction::Up => step,
                    Direction::Down => lines - 1 - step,
                };
                let words = line * LINE_WORDS..(line + 1) * LINE_WORDS;
                for word in words.clone() {
                    let read = state.read(first + word, now);
                    if read != old.word(word) {
                        differs(word, read);
                    }
                }
                for word in words {
                    state.write(first + word, new.word(word), now);
                }
            }
        });
    }
}

fn with_bit(word: u64, bit: u32, value: bool) -> u64 {
    word & !(1 << bit) | u64::from(value) << bit
}

fn bit_of(word: u64, bit: u32) -> bool {
    word >> bit & 1 == 1
}

impl State {
    /// The cell that answers to a place.
    fn cell(&self, word: usize) -> usize {
        let frame_bits = self.faults.iter().map(|fault| match fault {
            Fault::Alias { frame_bit } => 1 << frame_bit,
            _ => 0,
        });
        word & !(frame_bits.sum::<usize>() * PAGE_WORDS)
    }

    fn write(&mut self, word: usize, value: u64, now: Duration) {
        let cell = self.cell(word);
        let before = self.words[cell];
        let mut after = value;
        for at in 0..self.faults.len() {
            match self.faults[at] {
                Fault::Stuck { word, bit, at } if word == cell => after = with_bit(after, bit, at),
                Fault::NoRise { word, bit } if word == cell && !bit_of(before, bit) => {
                    after = with_bit(after, bit, false);
                }
                Fault::Bridge { word, bit, other } if word == cell => {
                    let both = bit_of(value, bit) || bit_of(value, other);
                    after = with_bit(after, bit, both);
                }
                Fault::Coupled {
                    aggressor,
                    victim,
                    bit,
                } if aggressor == cell && bit_of(before ^ value, bit) => {
                    self.words[victim] ^= 1 << bit;
                }
                Fault::Fades { word, .. } if word == cell => self.written[at] = now,
                Fault::WornByNeighbours { word, bit, times } => {
                    if word == cell {
                        self.worn[at] = 0;
                    } else if word.abs_diff(cell) <= 10 {
                        self.worn[at] += 1;
                        if self.worn[at] == times {
                            self.words[word] ^= 1 << bit;
                        }
                    }
                }
                _ => {}
            }
        }
        self.words[cell] = after;
    }

    fn read(&mut self, word: usize, now: Duration) -> u64 {
        let cell = self.cell(word);
        let mut read = self.words[cell];
        for at in 0..self.faults.len() {
            match self.faults[at] {
                Fault::Disturbed { word, bit, others }
                    if word == cell && bit_of(read, others.0) != bit_of(read, others.1) =>
                {
                    read ^= 1 << bit;
                }
                Fault::Fades {
                    word,
                    bit,
                    to,
                    after,
                } if word == cell && now - self.written[at] >= after => {
                    read = with_bit(read, bit, to);
                }
                Fault::BadCore { thread, bit }
                    if word.is_multiple_of(PAGE_WORDS) && core() == Some(thread) =>
                {
                    read ^= 1 << bit;
                }
                _ => {}
            }
        }
        read
    }
}

/// The one core that the calling thread is kept on.
fn core() -> Option<usize> {
    match sys::cpu::usable().unwrap()[..] {
        [one] => Some(one),
        _ => None,
    }
}
