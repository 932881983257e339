//! Which bytes are read back before a ledger is believed: a few MiB of what its mark says is written.
//!
//! The first ones, which a drive that was written to since begins with; the last ones before the
//! mark, which a write cache that lost power would have kept last; and some at places drawn from the
//! kernel's random source, which nobody who writes a ledger can know. It finds a ledger that is
//! wrong as a whole, in seconds instead of hours. It is no proof of anything; the read-back of the
//! whole drive is.

use crate::ledger::Mark;
use crate::outcome::ByteRange;
use crate::pattern::{Seed, SeedError};
use crate::ranges::merged;
use crate::sample::below;

/// Bytes read at one place.
const PIECE_BYTES: u64 = 256 << 10;

/// Pieces in a row before the mark.
const LAST_PIECES: u64 = 4;

/// What is to be read back of a mark that holds for the drive: ascending, none touching another.
/// Eight places are random; the same ones may be drawn twice.
///
/// # Errors
/// The kernel gave no random bytes.
pub(crate) fn pieces(mark: &Mark, sector_bytes: u32) -> Result<Vec<ByteRange>, SeedError> {
    let sector = u64::from(sector_bytes);
    let written = mark.written();
    let total: u64 = written.iter().map(ByteRange::len).sum();
    if total == 0 {
        return Ok(Vec::new());
    }
    let length = (PIECE_BYTES / sector).max(1) * sector;
    let mut starts = vec![0];
    starts.extend((1..=LAST_PIECES).map(|back| total.saturating_sub(back * length)));
    for seed in [Seed::random()?, Seed::random()?] {
        let (words, _) = seed.0.as_chunks::<8>();
        let sectors = total / sector;
        starts.extend(
            words
                .iter()
                .map(|word| below(u64::from_le_bytes(*word), sectors) * sector),
        );
    }
    let places = starts
        .into_iter()
        .flat_map(|start| places(&written, start, (start + length).min(total)));
    Ok(merged(places.collect()))
}

/// Where on the drive the bytes from `start` to `end` of all that is written lie.
fn places(written: &[ByteRange], start: u64, end: u64) -> Vec<ByteRange> {
    let (mut places, mut before) = (Vec::new(), 0);
    for range in written {
        let (from, to) = (start.max(before), end.min(before + range.len()));
        if from < to {
            places.push(ByteRange {
                start: range.start + (from - before),
                end: range.start + (to - before),
            });
        }
        before += range.len();
    }
    places
}

#[cfg(test)]
mod tests {
    use super::{LAST_PIECES, PIECE_BYTES, pieces};
    use crate::ledger::Mark;
    use crate::outcome::ByteRange;
    use crate::ranges::merged;
    use proptest::prelude::{prop_assert, proptest};

    fn holds(ranges: &[ByteRange], byte: u64) -> bool {
        ranges
            .iter()
            .any(|range| range.start <= byte && byte < range.end)
    }

    proptest! {
        #[test]
        fn recall_reads_the_first_and_the_last_of_what_is_written_and_no_hole(
            sectors in 1_u64..100_000, sector in proptest::sample::select(&[512_u32, 4096, 1 << 20][..]),
            holes in proptest::collection::vec((0_u64..100_000, 1_u64..1000), 0..20),
        ) {
            let size = u64::from(sector);
            let holes = holes.iter().map(|(start, length)| ByteRange {
                start: start % sectors * size,
                end: (start % sectors + length).min(sectors) * size,
            });
            let mark = Mark { mark_bytes: sectors * size, holes: merged(holes.collect()) };
            let written = mark.written();
            let found = pieces(&mark, sector).unwrap();
            prop_assert!(found.windows(2).all(|pair| pair[0].end < pair[1].start));
            let bytes: u64 = found.iter().map(ByteRange::len).sum();
            let length = PIECE_BYTES.max(size);
            prop_assert!(bytes <= (1 + LAST_PIECES + 8) * length);
            prop_assert!(bytes >= mark.written_bytes().min(LAST_PIECES * length));
            for range in &found {
                prop_assert!(range.start.is_multiple_of(size) && range.end.is_multiple_of(size));
                prop_assert!(written.iter().any(|w| w.start <= range.start && range.end <= w.end));
            }
            if let (Some(first), Some(last)) = (written.first(), written.last()) {
                prop_assert!(holds(&found, first.start) && holds(&found, last.end - 1));
            }
        }
    }

    #[test]
    fn places_are_new_every_time() {
        let mark = Mark {
            mark_bytes: 4 << 40,
            holes: Vec::new(),
        };
        assert_ne!(pieces(&mark, 512).unwrap(), pieces(&mark, 512).unwrap());
    }
}
