//! Which part of physical memory was reached: frames by their number, held against what the firmware gave the
//! kernel as memory.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use sys::memory::PAGE_BYTES;

use crate::roots::{Reader, Roots};

/// Reached memory and all memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// "System RAM" of `/proc/iomem`.
    pub system_ram_bytes: u64,
    /// Of it, frames that were reached, each counted once.
    pub reached_bytes: u64,
}

impl Coverage {
    /// Reached, of all.
    #[must_use]
    pub fn percent(&self) -> f64 {
        100.0 * self.reached_bytes as f64 / self.system_ram_bytes as f64
    }
}

/// Where memory is, by physical address: the top lines "System RAM" of `/proc/iomem`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemRam(Vec<RangeInclusive<u64>>);

impl SystemRam {
    /// `None` where the kernel does not tell: it shows zeros to all but root.
    #[must_use]
    pub fn read(roots: &Roots) -> Option<Self> {
        Self::parse(&Reader::new(roots).proc_text("iomem")?)
    }

    /// Reads the file's text. Lines that are no ranges are passed over.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |text: &str| u64::from_str_radix(text.trim(), 16).ok();
        let lines = text.lines().filter(|line| !line.starts_with(' '));
        let ranges = lines.filter_map(|line| {
            let (range, name) = line.split_once(" : ")?;
            let (first, last) = range.split_once('-')?;
            let (first, last) = (hex(first)?, hex(last)?);
            (name.trim() == "System RAM" && first < last).then_some(first..=last)
        });
        let ranges: Vec<_> = ranges.collect();
        (!ranges.is_empty()).then_some(Self(ranges))
    }

    /// All of it.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let bytes = |range: &RangeInclusive<u64>| (range.end() - range.start()).saturating_add(1);
        self.0.iter().map(bytes).fold(0, u64::saturating_add)
    }

    fn holds(&self, frame: u64) -> bool {
        let Some(first) = frame.checked_mul(PAGE_BYTES as u64) else {
            return false;
        };
        let last = first + (PAGE_BYTES as u64 - 1);
        let mut ranges = self.0.iter();
        ranges.any(|range| range.contains(&first) && range.contains(&last))
    }
}

/// Frames that were reached: a bit each, in groups of 64.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frames(BTreeMap<u64, u64>);

impl Frames {
    /// Adds one; says whether it was new.
    pub fn insert(&mut self, frame: u64) -> bool {
        let group = self.0.entry(frame / 64).or_default();
        let bit = 1 << (frame % 64);
        let is_new = *group & bit == 0;
        *group |= bit;
        is_new
    }

    /// It was added.
    #[must_use]
    pub fn contains(&self, frame: u64) -> bool {
        let group = self.0.get(&(frame / 64));
        group.is_some_and(|bits| bits >> (frame % 64) & 1 == 1)
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0
            .values()
            .map(|bits| u64::from(bits.count_ones()))
            .sum()
    }

    /// What part of memory they are. A frame that the map calls no memory is not counted.
    #[must_use]
    pub fn coverage(&self, ram: &SystemRam) -> Coverage {
        let numbers = self.0.iter().flat_map(|(group, bits)| {
            let set = (0..64).filter(move |bit| bits >> bit & 1 == 1);
            set.map(move |bit| group * 64 + bit)
        });
        let counted = numbers.filter(|frame| ram.holds(*frame)).count() as u64;
        Coverage {
            system_ram_bytes: ram.bytes(),
            reached_bytes: counted * PAGE_BYTES as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "\
00000000-00000fff : Reserved
00001000-0009fbff : System RAM
000f0000-000fffff : System ROM
00100000-1fffffff : System RAM
  01000000-01ffffff : Kernel code
  02000000-02ffffff : System RAM
fee00000-fee00fff : Local APIC
100000000-13fffffff : System RAM
";

    #[test]
    fn memory_is_the_top_lines_that_say_so() {
        let ram = SystemRam::parse(MAP).unwrap();
        let bytes = (0x9fc00 - 0x1000) + (0x2000_0000 - 0x10_0000) + (1 << 30);
        assert_eq!(ram.bytes(), bytes);
    }

    #[test]
    fn map_without_addresses_or_without_memory_is_unknown() {
        let hidden = "00000000-00000000 : System RAM\n00000000-00000000 : Reserved\n";
        for text in [hidden, "", "x\n1-2\nz-y : System RAM\n9-8 : System RAM\n"] {
            assert_eq!(SystemRam::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn frames_count_once_and_only_where_there_is_memory() {
        let ram = SystemRam::parse(MAP).unwrap();
        let mut frames = Frames::default();
        // The last one of the first range is cut by it; the two after it are no memory at all.
        for frame in [1, 2, 0x9e, 0x100, 0x13_ffff, 1, 0x9f, 0, u64::MAX >> 12] {
            frames.insert(frame);
        }
        assert!(!frames.insert(2));
        assert_eq!(frames.count(), 8);
        let coverage = frames.coverage(&ram);
        assert_eq!(coverage.reached_bytes, 5 * 4096);
        assert_eq!(coverage.system_ram_bytes, ram.bytes());
    }
}
