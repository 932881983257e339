//! How likely it is that a sample misses what a pass left unwritten.
//!
//! The probability is over the drawing of the seed and over the place of the residue, every place
//! being as likely as another. It is exact for that assumption, but for the rounding of floating
//! point. It is *not* the probability for a place that somebody chose: blocks at the border of a
//! sub-section are in fewer windows than those in its middle.
//!
//! # One run of `r` blocks
//!
//! In a sub-section of `n` blocks with two windows of `L` there are
//! `T(n) = C(n - 2L + 2, 2)` pairs of windows that share no block, all equally likely.
//!
//! * Runs inside the sub-section: a run and two windows that share no block can be placed in
//!   `3·C(n - r - 2L + 3, 3)` ways. Divided by `T(n)` this is the sum, over the places of the run,
//!   of the probability that both windows miss it.
//! * Runs that reach `s` blocks into it from a border are missed with `T(n - s) / T(n)`. A run over
//!   one border, `s` blocks on one side and `r - s` on the other, is missed with the product, since
//!   sub-sections are drawn independently; this is summed over `s`.
//! * A run over two borders covers a sub-section with its windows, and is never missed. Nor is one
//!   with the first or the last block of the drive.
//!
//! All this, summed over the sub-sections and divided by the `N - r + 1` places, is the result.
//!
//! # `r` scattered blocks
//!
//! Different blocks, each set of `r` as likely as another. Of `N` blocks, `k` are read: all `r` are
//! among the others with probability `C(N - k, r) / C(N, r)`.

use super::{SUBSECTIONS, Samples};

/// Blocks that hold something else than what the pass was to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Residue {
    /// So many blocks one after another.
    Run(u64),
    /// So many blocks, each in a place of its own.
    Scattered(u64),
}

/// Blocks of a sub-section and of each window in it.
#[derive(Clone, Copy)]
struct Subsection {
    sectors: u64,
    window: u64,
}

impl Samples {
    /// The probability, 0 to 1, that a residue is in none of the blocks read; `None` for one that
    /// is empty or larger than the drive.
    #[must_use]
    pub fn miss_probability(&self, residue: Residue) -> Option<f64> {
        let sectors = match residue {
            Residue::Run(sectors) | Residue::Scattered(sectors) => sectors,
        };
        (1..=self.sectors_total())
            .contains(&sectors)
            .then(|| match residue {
                Residue::Run(sectors) => self.run(sectors),
                Residue::Scattered(sectors) => self.scattered(sectors),
            })
    }

    fn run(&self, run: u64) -> f64 {
        let subsections: Vec<Subsection> = (0..SUBSECTIONS)
            .map(|index| {
                let blocks = self.subsection(index);
                let sectors = blocks.end - blocks.start;
                Subsection {
                    sectors,
                    window: self.window_sectors(sectors),
                }
            })
            .collect();
        let inside: f64 = subsections.iter().map(|part| part.inside(run)).sum();
        let across: f64 = subsections
            .windows(2)
            .map(|pair| across(pair[0], pair[1], run))
            .sum();
        // The places at the very ends count as inside, and are always seen.
        let ends: f64 = [subsections.first(), subsections.last()]
            .into_iter()
            .flatten()
            .map(|part| part.missed_from_a_border(run))
            .sum();
        let places = (self.sectors_total() - run) as f64 + 1.0;
        ((inside + across - ends) / places).clamp(0.0, 1.0)
    }

    fn scattered(&self, count: u64) -> f64 {
        let total = self.sectors_total();
        let unread = total - self.sectors_read();
        if count > unread {
            return 0.0;
        }
        let mut probability = 1.0;
        for taken in 0..count {
            probability *= (unread - taken) as f64 / (total - taken) as f64;
            // Below it, numbers are too coarse to become smaller. What is not impossible is not 0.
            if probability < f64::MIN_POSITIVE {
                return f64::MIN_POSITIVE;
            }
        }
        probability
    }
}

impl Subsection {
    /// Blocks that are in no window.
    fn gap(self) -> u64 {
        self.sectors - 2 * self.window
    }

    /// Pairs of windows that miss `taken` blocks at one border.
    fn pairs(self, taken: u64) -> f64 {
        match self.gap().checked_sub(taken) {
            Some(free) => (free as f64 + 2.0) * (free as f64 + 1.0) / 2.0,
            None => 0.0,
        }
    }

    fn missed_from_a_border(self, taken: u64) -> f64 {
        self.pairs(taken) / self.pairs(0)
    }

    /// Sum over the places inside: `3·C(free + 3, 3) / T(n)`.
    fn inside(self, run: u64) -> f64 {
        match self.gap().checked_sub(run) {
            Some(free) => {
                let free = free as f64;
                (free + 3.0) * (free + 2.0) * (free + 1.0) / 2.0 / self.pairs(0)
            }
            None => 0.0,
        }
    }
}

/// Sum over `s` from 1 to `run - 1` of the probability that `s` blocks at the end of `left` and
/// `run - s` at the start of `right` are both missed.
///
/// The summand is `C(a - s, 2)·C(b + s, 2)`, a polynomial of degree 4 in `s`. Around the middle of
/// the range its odd powers cancel, and the sums of squares and fourth powers have closed forms: a
/// drive may have more blocks than a loop should count.
fn across(left: Subsection, right: Subsection, run: u64) -> f64 {
    let first = run.saturating_sub(right.gap()).max(1);
    let last = (run - 1).min(left.gap());
    if first > last {
        return 0.0;
    }
    let count = (last - first) as f64 + 1.0;
    let middle = (first as f64 + last as f64) / 2.0;
    // C(x, 2) = ((x - 1/2)^2 - 1/4) / 2
    let h = left.gap() as f64 + 1.5 - middle;
    let g = right.gap() as f64 + 1.5 - run as f64 + middle;
    let (high, low) = (h * h - 0.25, g * g - 0.25);
    let squares = count * (count * count - 1.0) / 12.0;
    let fourths = squares * (3.0 * count * count - 7.0) / 20.0;
    let pairs = (count * high * low + squares * (high + low - 4.0 * h * g) + fourths) / 4.0;
    pairs / (left.pairs(0) * right.pairs(0))
}

#[cfg(test)]
mod tests;
