//! A sweep against a drive of a few thousand sectors that exists only as a set of bad ones.

use super::{Piece, Shape, Sweep};
use crate::outcome::ByteRange;
use crate::ranges::merged;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::Index;
use std::collections::BTreeSet;

fn shape(logical: u32, physical: u32, request_sectors: u32) -> Shape {
    Shape {
        logical_sector_bytes: logical,
        physical_sector_bytes: physical,
        request_bytes: request_sectors * logical,
        listed_ranges: 10_000,
        cut_until_sectors: 1000,
        give_up_after_requests: 1000,
    }
}

/// All of a drive of so many sectors.
fn whole(sectors: u64, logical: u32) -> Vec<ByteRange> {
    let end = sectors * u64::from(logical);
    vec![ByteRange { start: 0, end }]
}

/// What the imagined drive does with a piece.
enum Answer {
    Done(u32),
    Failed,
    Again,
}

/// Runs a sweep to its end with up to eight pieces outstanding, completed in the order of `picks`.
fn run(sweep: &mut Sweep, picks: &[usize], mut answer: impl FnMut(Piece) -> Answer) {
    let mut outstanding: Vec<Piece> = Vec::new();
    let mut picks = picks.iter().cycle();
    while !sweep.is_over() {
        while outstanding.len() < 8 {
            let Some(piece) = sweep.next() else { break };
            outstanding.push(piece);
        }
        let piece = outstanding.swap_remove(picks.next().unwrap() % outstanding.len());
        match answer(piece) {
            Answer::Done(bytes) => sweep.completed(piece, bytes),
            Answer::Failed => sweep.failed(piece),
            Answer::Again => sweep.again(piece),
        }
    }
}

fn sectors_of(piece: Piece, logical: u32) -> std::ops::Range<u64> {
    let first = piece.start / u64::from(logical);
    first..first + u64::from(piece.length / logical)
}

fn ranges(sectors: &BTreeSet<u64>, logical: u32) -> Vec<ByteRange> {
    let size = u64::from(logical);
    merged(
        sectors
            .iter()
            .map(|n| ByteRange {
                start: n * size,
                end: (n + 1) * size,
            })
            .collect(),
    )
}

fn geometries() -> impl Strategy<Value = (u64, u32, u32, u32)> {
    let sizes = proptest::sample::select(&[(512, 512), (512, 4096), (4096, 4096)][..]);
    (1_u64..3000, sizes, 1_u32..300)
        .prop_map(|(count, (logical, physical), request)| (count, logical, physical, request))
}

proptest! {
    #[test]
    fn exactly_the_bad_sectors_are_listed_whatever_the_order(
        (count, logical, physical, request) in geometries(),
        bad in proptest::collection::vec(any::<Index>(), 0..30),
        once in proptest::collection::vec(any::<Index>(), 0..30),
        order in proptest::collection::vec(any::<usize>(), 1..50),
        short_every in 2_u32..20,
    ) {
        let bad: BTreeSet<u64> = bad.iter().map(|index| index.index(count as usize) as u64).collect();
        let mut once: BTreeSet<u64> = once.iter().map(|index| index.index(count as usize) as u64).collect();
        let mut written = BTreeSet::new();
        let mut sweep = Sweep::new(shape(logical, physical, request), whole(count, logical));
        let mut step = 0;
        run(&mut sweep, &order, |piece| {
            step += 1;
            let sectors = sectors_of(piece, logical);
            if step % 13 == 0 {
                return Answer::Again;
            }
            let single = piece.length == logical;
            if sectors.clone().any(|n| bad.contains(&n) || once.contains(&n)) {
                if single {
                    once.remove(&sectors.start);
                }
                return Answer::Failed;
            }
            let length = if step % short_every == 0 && !single { piece.length / logical / 2 * logical } else { piece.length };
            for n in sectors.take((length / logical) as usize) {
                assert!(written.insert(n), "sector {n} written twice");
            }
            Answer::Done(length)
        });
        prop_assert!(sweep.is_complete());
        prop_assert_eq!(sweep.accounted_bytes(), count * u64::from(logical));
        prop_assert_eq!(written.len() as u64, count - bad.len() as u64);
        prop_assert_eq!(sweep.into_bad().into_ranges(), ranges(&bad, logical));
    }

    #[test]
    fn ranges_are_covered_exactly_and_nothing_between_them_is_touched(
        borders in proptest::collection::btree_set(0_u64..3000, 2..40),
        bad in proptest::collection::vec(0_u64..3000, 0..30),
        request in 1_u32..300,
        order in proptest::collection::vec(any::<usize>(), 1..50),
    ) {
        let borders: Vec<u64> = borders.into_iter().collect();
        let inside: BTreeSet<u64> = borders.chunks_exact(2).flat_map(|pair| pair[0]..pair[1]).collect();
        let bad: BTreeSet<u64> = bad.into_iter().collect();
        let mut read = BTreeSet::new();
        let mut sweep = Sweep::new(shape(512, 4096, request), ranges(&inside, 512));
        run(&mut sweep, &order, |piece| {
            let sectors = sectors_of(piece, 512);
            assert!(sectors.clone().all(|n| inside.contains(&n)), "outside: {piece:?}");
            if sectors.clone().any(|n| bad.contains(&n)) {
                return Answer::Failed;
            }
            read.extend(sectors);
            Answer::Done(piece.length)
        });
        prop_assert!(sweep.is_complete());
        let bad: BTreeSet<u64> = bad.intersection(&inside).copied().collect();
        prop_assert_eq!(sweep.done_bytes(), (inside.len() - bad.len()) as u64 * 512);
        prop_assert_eq!(read, inside.difference(&bad).copied().collect());
        prop_assert_eq!(sweep.into_bad().into_ranges(), ranges(&bad, 512));
    }

    #[test]
    fn neighbours_that_the_kernel_merges_are_not_listed_with_a_bad_sector(
        (count, logical, physical, request) in geometries(),
        bad in proptest::collection::vec(any::<Index>(), 1..30),
        order in proptest::collection::vec(any::<usize>(), 1..50),
    ) {
        let bad: BTreeSet<u64> = bad.iter().map(|index| index.index(count as usize) as u64).collect();
        let mut sweep = Sweep::new(shape(logical, physical, request), whole(count, logical));
        let mut order = order.iter().cycle();
        let mut outstanding: Vec<Piece> = Vec::new();
        while !sweep.is_over() {
            while outstanding.len() < 8 {
                let Some(piece) = sweep.next() else { break };
                outstanding.push(piece);
            }
            // One answer for everything that lies in one row with the picked piece.
            let picked = order.next().unwrap() % outstanding.len();
            let mut row = vec![outstanding.swap_remove(picked)];
            while let Some(at) = outstanding.iter().position(|piece| {
                row.iter().any(|other| {
                    other.range().end == piece.start || piece.range().end == other.start
                })
            }) {
                row.push(outstanding.swap_remove(at));
            }
            let fails = row.iter().any(|piece| sectors_of(*piece, logical).any(|n| bad.contains(&n)));
            for piece in row {
                if fails {
                    sweep.failed(piece);
                } else {
                    sweep.completed(piece, piece.length);
                }
            }
        }
        prop_assert!(sweep.is_complete());
        prop_assert_eq!(sweep.into_bad().into_ranges(), ranges(&bad, logical));
    }

    #[test]
    fn a_long_bad_row_costs_less_than_a_request_of_good_neighbours_at_each_end(
        count in 6000_u64..9000, first in 0_u64..3000, length in 1100_u64..2900,
        request in 8_u32..300, order in proptest::collection::vec(any::<usize>(), 1..50),
    ) {
        let bad = first..first + length;
        let mut sweep = Sweep::new(shape(512, 512, request), whole(count, 512));
        run(&mut sweep, &order, |piece| {
            let fails = sectors_of(piece, 512).any(|n| bad.contains(&n));
            if fails { Answer::Failed } else { Answer::Done(piece.length) }
        });
        prop_assert!(sweep.is_complete());
        let listed = sweep.into_bad().into_ranges();
        prop_assert_eq!(listed.len(), 1);
        let (request, start, end) = (u64::from(request) * 512, listed[0].start, listed[0].end);
        prop_assert!(start <= bad.start * 512 && start + request > bad.start * 512);
        prop_assert!(end >= bad.end * 512 && end < bad.end * 512 + request);
    }
}

#[test]
fn isolated_bad_sector_draws_at_most_fourteen_errors() {
    let mut sweep = Sweep::new(shape(512, 512, 2048), whole(20_000, 512));
    run(&mut sweep, &[0], |piece| {
        if sectors_of(piece, 512).contains(&7777) {
            Answer::Failed
        } else {
            Answer::Done(piece.length)
        }
    });
    assert!(sweep.failures() <= 14, "{}", sweep.failures());
}

#[test]
fn drive_that_fails_everything_is_given_up_after_a_bounded_number_of_errors() {
    let capacity = 1 << 40;
    let mut sweep = Sweep::new(shape(512, 512, 2048), whole(capacity / 512, 512));
    run(&mut sweep, &[0], |_| Answer::Failed);
    assert!(sweep.is_complete());
    assert_eq!(sweep.accounted_bytes() - sweep.done_bytes(), capacity);
    assert!(sweep.given_up_at().is_some_and(|at| at < 2 << 30));
    assert!(sweep.failures() < 10_000, "{}", sweep.failures());
    assert_eq!(
        sweep.into_bad().into_ranges(),
        [ByteRange {
            start: 0,
            end: capacity
        }]
    );
}

#[test]
fn sweep_given_up_among_its_last_tries_has_reached_its_end() {
    let mut sweep = Sweep::new(shape(512, 512, 10), whole(100, 512));
    let mut tries = 0;
    while let Some(piece) = sweep.next() {
        if sectors_of(piece, 512).any(|n| n % 10 == 3) {
            tries += u32::from(piece.length == 512);
            sweep.failed(piece);
        } else {
            sweep.completed(piece, piece.length);
        }
        // Ten first tries, and two of ten last ones.
        if tries == 12 {
            sweep.give_up();
        }
    }
    assert!(sweep.is_over() && sweep.is_complete());
    assert_eq!(sweep.given_up_at(), None);
    assert_eq!(tries, 12);
    let bad = (0..100).filter(|n| n % 10 == 3).collect();
    assert_eq!(sweep.into_bad().into_ranges(), ranges(&bad, 512));
}

#[test]
fn halted_sweep_ends_with_what_is_outstanding_and_is_not_complete() {
    let mut sweep = Sweep::new(shape(512, 512, 10), whole(100, 512));
    let (first, second) = (sweep.next().unwrap(), sweep.next().unwrap());
    sweep.completed(first, first.length);
    sweep.halt();
    assert_eq!(sweep.next(), None);
    assert!(!sweep.is_over());
    sweep.completed(second, second.length);
    assert!(sweep.is_over() && !sweep.is_complete());
    assert_eq!(sweep.accounted_bytes(), 2 * 10 * 512);
}

#[test]
fn sweep_given_up_counts_every_range_ahead_as_bad_and_nothing_between() {
    let range = |start: u64, end: u64| ByteRange {
        start: start * 512,
        end: end * 512,
    };
    let ranges = vec![range(0, 4), range(10, 20), range(1000, 1001)];
    let mut sweep = Sweep::new(shape(512, 512, 4), ranges.clone());
    let first = sweep.next().unwrap();
    sweep.give_up();
    assert_eq!(sweep.given_up_at(), Some(10 * 512));
    sweep.failed(first);
    assert!(sweep.is_over() && sweep.is_complete() && sweep.done_bytes() == 0);
    assert_eq!(sweep.into_bad().into_ranges(), ranges);
}
