//! A medium that does not keep its bytes, and gives them back all the same.
//!
//! A test names the *contents* that it expects to be written (a keyed pattern, zeros). What is
//! written is compared with them, byte by byte; where it is equal, the medium keeps which of them
//! it is, for a run of sectors one number, and computes the bytes again when they are read. Where
//! it is equal to none (a torn write, a flipped bit, data in the wrong place) it keeps the bytes.
//! So a drive of terabytes costs what its exceptions cost, and no read is ever answered from a
//! guess.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Bytes that can be computed for any place on a drive.
pub type Content = Arc<dyn Fn(u64, &mut [u8]) + Send + Sync>;

/// Bytes computed at once.
const SCRATCH_BYTES: usize = 64 << 10;

/// What a run of sectors holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// What was there before: it was never written to.
    Before,
    /// The content of this number.
    Content(usize),
    /// Something else.
    Other,
}

#[derive(Clone, Debug)]
enum Bytes {
    Before,
    Content(usize),
    Stored(Vec<u8>),
}

#[derive(Clone, Debug)]
struct Run {
    end: u64,
    bytes: Bytes,
}

/// The bytes of one drive.
#[derive(Clone)]
pub struct Medium {
    sector_bytes: usize,
    sectors: u64,
    before: Content,
    contents: Vec<Content>,
    /// By first sector; every sector is in exactly one.
    runs: BTreeMap<u64, Run>,
    /// The content that the last write was equal to.
    likely: usize,
    scratch: Vec<u8>,
}

impl Medium {
    /// A medium that holds `before`, on which `contents` are expected.
    #[must_use]
    pub fn new(sector_bytes: u32, sectors: u64, before: Content, contents: Vec<Content>) -> Self {
        let all = Run {
            end: sectors,
            bytes: Bytes::Before,
        };
        Self {
            sector_bytes: sector_bytes as usize,
            sectors,
            before,
            contents,
            runs: BTreeMap::from([(0, all)]),
            likely: 0,
            scratch: vec![0; SCRATCH_BYTES.max(sector_bytes as usize)],
        }
    }

    /// Length of a sector in bytes.
    #[must_use]
    pub fn sector_bytes(&self) -> usize {
        self.sector_bytes
    }

    /// How many sectors there are.
    #[must_use]
    pub fn sectors(&self) -> u64 {
        self.sectors
    }

    /// Writes whole sectors from `first` on.
    pub fn write(&mut self, first: u64, data: &[u8]) {
        let range = self.range(first, data.len());
        if let Held::Content(number) = self.what(first, data) {
            self.likely = number;
            self.put(range, Bytes::Content(number));
            return;
        }
        if data.len() == self.sector_bytes {
            self.put(range, Bytes::Stored(data.to_vec()));
            return;
        }
        // Halves rather than sectors: what is equal to a content is found in a few steps, however
        // long it is.
        let half = data.len() / self.sector_bytes / 2;
        let (left, right) = data.split_at(half * self.sector_bytes);
        self.write(first, left);
        self.write(first + half as u64, right);
    }

    /// Reads whole sectors from `first` on.
    pub fn read(&self, first: u64, buffer: &mut [u8]) {
        let range = self.range(first, buffer.len());
        for (start, run) in self.runs_in(range.clone()) {
            let part = start.max(range.start)..run.end.min(range.end);
            let place = |sector: u64| (sector - range.start) as usize * self.sector_bytes;
            let target = &mut buffer[place(part.start)..place(part.end)];
            let offset_bytes = part.start * self.sector_bytes as u64;
            match &run.bytes {
                Bytes::Before => (self.before)(offset_bytes, target),
                Bytes::Content(number) => (self.contents[*number])(offset_bytes, target),
                Bytes::Stored(stored) => {
                    let skip = (part.start - start) as usize * self.sector_bytes;
                    target.copy_from_slice(&stored[skip..skip + target.len()]);
                }
            }
        }
    }

    /// What is where, in a range of sectors.
    #[must_use]
    pub fn held(&self, range: Range<u64>) -> Vec<(Range<u64>, Held)> {
        let held = |(start, run): (u64, &Run)| {
            let what = match run.bytes {
                Bytes::Before => Held::Before,
                Bytes::Content(number) => Held::Content(number),
                Bytes::Stored(_) => Held::Other,
            };
            (start.max(range.start)..run.end.min(range.end), what)
        };
        self.runs_in(range.clone()).map(held).collect()
    }

    /// Which content has these bytes at sector `first`; the medium itself is not looked at.
    pub fn what(&mut self, first: u64, data: &[u8]) -> Held {
        let count = self.contents.len();
        let mut order = [self.likely].into_iter().chain(0..count);
        let known = order.find(|number| *number < count && self.equals(*number, first, data));
        known.map_or(Held::Other, Held::Content)
    }

    /// Turns one bit of a sector.
    pub fn flip(&mut self, sector: u64, bit: u64) {
        let mut bytes = vec![0; self.sector_bytes];
        self.read(sector, &mut bytes);
        let bit = bit as usize % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        self.write(sector, &bytes);
    }

    /// How many runs and stored bytes the medium costs.
    #[must_use]
    pub fn cost(&self) -> (usize, usize) {
        let stored = |run: &Run| match &run.bytes {
            Bytes::Stored(stored) => stored.len(),
            Bytes::Before | Bytes::Content(_) => 0,
        };
        (self.runs.len(), self.runs.values().map(stored).sum())
    }

    fn range(&self, first: u64, length: usize) -> Range<u64> {
        assert!(length > 0 && length.is_multiple_of(self.sector_bytes));
        let end = first + (length / self.sector_bytes) as u64;
        assert!(end <= self.sectors, "a request beyond the end of the drive");
        first..end
    }

    fn runs_in(&self, range: Range<u64>) -> impl Iterator<Item = (u64, &Run)> {
        let before = self.runs.range(..=range.start).next_back();
        let first = before.map_or(range.start, |(start, _)| *start);
        self.runs
            .range(first..range.end)
            .map(|(start, run)| (*start, run))
    }

    fn equals(&mut self, number: usize, first: u64, data: &[u8]) -> bool {
        let content = &self.contents[number];
        let mut offset_bytes = first * self.sector_bytes as u64;
        data.chunks(SCRATCH_BYTES).all(|found| {
            let expected = &mut self.scratch[..found.len()];
            content(offset_bytes, expected);
            offset_bytes += found.len() as u64;
            expected == found
        })
    }

    fn put(&mut self, range: Range<u64>, bytes: Bytes) {
        self.split(range.start);
        self.split(range.end);
        let inside: Vec<u64> = self
            .runs
            .range(range.clone())
            .map(|(start, _)| *start)
            .collect();
        for start in inside {
            self.runs.remove(&start);
        }
        self.runs.insert(
            range.start,
            Run {
                end: range.end,
                bytes,
            },
        );
        self.join(range.end);
        self.join(range.start);
    }

    /// Makes `at` the start of a run.
    fn split(&mut self, at: u64) {
        let Some((&start, run)) = self.runs.range_mut(..at).next_back() else {
            return;
        };
        if run.end <= at {
            return;
        }
        let end = std::mem::replace(&mut run.end, at);
        let bytes = match &mut run.bytes {
            Bytes::Before => Bytes::Before,
            Bytes::Content(number) => Bytes::Content(*number),
            Bytes::Stored(stored) => {
                Bytes::Stored(stored.split_off((at - start) as usize * self.sector_bytes))
            }
        };
        self.runs.insert(at, Run { end, bytes });
    }

    /// Makes one run of the two that meet at `at`, if they hold the same content.
    fn join(&mut self, at: u64) {
        let Some(Run {
            end,
            bytes: Bytes::Content(right),
        }) = self.runs.get(&at).cloned()
        else {
            return;
        };
        if let Some((_, left)) = self.runs.range_mut(..at).next_back()
            && matches!(left.bytes, Bytes::Content(number) if number == right)
        {
            left.end = end;
            self.runs.remove(&at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Content, Held, Medium};
    use crate::random::Random;
    use std::sync::Arc;

    const SECTOR: usize = 512;

    /// Bytes that depend on the place and on `key`.
    fn content(key: u64) -> Content {
        Arc::new(move |offset, buffer| {
            for (n, byte) in buffer.iter_mut().enumerate() {
                *byte = Random::new(key ^ (offset + n as u64)).number() as u8;
            }
        })
    }

    fn medium(sectors: u64) -> Medium {
        let contents = vec![content(1 << 40), content(1 << 41)];
        Medium::new(SECTOR as u32, sectors, content(1 << 42), contents)
    }

    #[test]
    fn reads_give_the_bytes_that_were_written_whatever_they_were() {
        let mut random = Random::new(7);
        for _ in 0..30 {
            let mut medium = medium(40);
            let mut plain = vec![0; 40 * SECTOR];
            content(1 << 42)(0, &mut plain);
            for _ in 0..30 {
                let first = random.below(40);
                let end = first + 1 + random.below(40 - first);
                let (from, to) = (first as usize * SECTOR, end as usize * SECTOR);
                match random.below(5) {
                    0 => {
                        medium.flip(first, from as u64);
                        plain[from + from % 4096 / 8] ^= 1 << (from % 8);
                    }
                    kind => {
                        let key = [1 << 40, 1 << 41, 1 << 41, 99][kind as usize - 1];
                        content(key)(from as u64, &mut plain[from..to]);
                        // One that is torn within a sector.
                        if random.one_in(3) {
                            plain[from + 300] ^= 1;
                        }
                        medium.write(first, &plain[from..to]);
                    }
                }
                let mut found = vec![0; plain[from..].len()];
                medium.read(first, &mut found);
                assert!(found == plain[from..]);
                let all = medium.held(0..40);
                assert_eq!((all[0].0.start, all[all.len() - 1].0.end), (0, 40));
                assert!(all.windows(2).all(|pair| pair[0].0.end == pair[1].0.start));
            }
        }
    }

    #[test]
    fn what_was_expected_costs_one_run_and_no_bytes() {
        let mut medium = medium(2000);
        let mut data = vec![0; 50 * SECTOR];
        let mut starts: Vec<u64> = (0..2000).step_by(50).collect();
        starts.sort_by_key(|start| Random::new(*start).number());
        for start in starts {
            content(1 << 41)(start * SECTOR as u64, &mut data);
            medium.write(start, &data);
        }
        assert_eq!(medium.held(0..2000), [(0..2000, Held::Content(1))]);
        assert_eq!(medium.cost(), (1, 0));
        medium.flip(700, 3);
        assert_eq!(medium.held(700..701), [(700..701, Held::Other)]);
        assert_eq!(medium.cost(), (3, SECTOR));
        medium.flip(700, 3);
        assert_eq!(medium.cost(), (1, 0));
    }

    #[test]
    fn what_was_never_written_to_says_so() {
        let mut medium = medium(10);
        let mut data = vec![0; 4 * SECTOR];
        content(1 << 40)(3 * SECTOR as u64, &mut data);
        medium.write(3, &data);
        let held = medium.held(0..10);
        assert_eq!(
            held,
            [
                (0..3, Held::Before),
                (3..7, Held::Content(0)),
                (7..10, Held::Before)
            ]
        );
    }
}
