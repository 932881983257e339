//! Each kind of fault is found by the tests that are for it, with address, words and bit, and memory without
//! faults has none.

use machine::check::memory::findings::BadFrame;
use machine::check::memory::schedule::{Depth, Test};

use super::board::{Board, Fault};
use super::{FADE, Outcome, outcome, request, with};

/// Frames of a chunk.
const CHUNK: usize = 512;
const WORDS: usize = 512;
/// In the second chunk, in the middle of a line.
const PLACE: usize = (CHUNK + 77) * WORDS + 203;

/// The only bad frame, which is the one with this word.
fn only(board: &Board, outcome: &Outcome, word: usize) -> BadFrame {
    let [bad] = &outcome.bad[..] else {
        panic!(
            "{} bad frames: {:?}",
            outcome.bad.len(),
            outcome.bad.first()
        );
    };
    assert_eq!(bad.frame, Some(board.address(word) / 4096));
    assert_eq!(bad.first.address, Some(board.address(word)));
    assert_eq!(outcome.errors, bad.errors);
    bad.clone()
}

fn tests(bad: &BadFrame) -> Vec<Test> {
    let mut tests = bad.tests.clone();
    tests.sort();
    tests
}

#[test]
fn memory_without_faults_has_no_errors_whatever_the_seed() {
    for seed in 0..6 {
        let board = Board::new(2, &[]);
        let outcome = outcome(
            &board,
            &super::Request {
                seed,
                depth: if seed == 0 { Depth::Deep } else { Depth::Quick },
                ..request()
            },
        );
        assert_eq!((outcome.errors, outcome.bad.len()), (0, 0), "seed {seed}");
        assert!(outcome.is_complete() && !outcome.is_faulty());
        let done: Vec<Test> = outcome.tests.iter().map(|(test, ..)| *test).collect();
        assert_eq!(done, Test::ALL);
    }
}

#[test]
fn stuck_bit_is_found_with_its_address_the_words_and_the_bit() {
    for at in [false, true] {
        let fault = Fault::Stuck {
            word: PLACE,
            bit: 41,
            at,
        };
        let (board, outcome) = with(&[fault]);
        let bad = only(&board, &outcome, PLACE);
        assert_eq!(bad.bits, 1 << 41);
        assert_eq!(bad.first.expected ^ bad.first.read, 1 << 41);
        assert_eq!(bad.first.read >> 41 & 1 == 1, at);
        assert!(outcome.is_faulty());
        for test in [Test::MovingInversions, Test::Checkerboard, Test::BitFade] {
            assert!(bad.tests.contains(&test), "{test:?}");
        }
    }
}

#[test]
fn bit_that_does_not_rise_is_found() {
    let (board, outcome) = with(&[Fault::NoRise {
        word: PLACE,
        bit: 0,
    }]);
    let bad = only(&board, &outcome, PLACE);
    assert_eq!(bad.bits, 1);
    assert!(bad.tests.contains(&Test::MovingInversions));
}

#[test]
fn coupled_bit_is_found_whichever_of_the_two_comes_first() {
    for (aggressor, victim) in [
        (PLACE, PLACE + 4096),
        (PLACE + 4096, PLACE),
        // Lines of one page.
        (PLACE - 100, PLACE),
        (PLACE + 100, PLACE),
    ] {
        let fault = Fault::Coupled {
            aggressor,
            victim,
            bit: 12,
        };
        let (board, outcome) = with(&[fault]);
        let bad = only(&board, &outcome, victim);
        assert!(bad.tests.contains(&Test::MovingInversions), "{bad:?}");
    }
}

#[test]
fn address_line_that_is_not_connected_is_found_by_physical_addresses() {
    // Within a chunk, and between the two.
    for frame_bit in [0, 5, 9] {
        let (board, outcome) = with(&[Fault::Alias { frame_bit }]);
        let bad = outcome.bad.first().expect("aliases are found");
        assert_eq!(bad.first.test, Test::OwnAddress);
        // What the lower frame holds is the address of the higher one.
        let first = bad.first;
        assert_eq!(first.expected, first.address.unwrap());
        assert_eq!(first.read, first.expected | 4096 << frame_bit, "{bad:x?}");
        assert_eq!(bad.frame, Some(board.address(0) / 4096));
        assert!(outcome.errors_unlisted > 0 && outcome.bad.len() == 256);
    }
}

#[test]
fn bits_that_touch_are_found_by_the_pattern_in_which_they_differ() {
    let bridge = |bit, other| Fault::Bridge {
        word: PLACE,
        bit,
        other,
    };
    // Neighbours differ in 0x55; two apart only where one walks.
    let (board, outcome) = with(&[bridge(20, 21)]);
    let bad = only(&board, &outcome, PLACE);
    assert!(bad.tests.contains(&Test::Checkerboard));
    assert!(!bad.tests.contains(&Test::MovingInversions));
    let (board, outcome) = with(&[bridge(20, 22)]);
    let bad = only(&board, &outcome, PLACE);
    assert!(bad.tests.contains(&Test::Walking));
    assert!(!bad.tests.contains(&Test::Checkerboard));
}

#[test]
fn bit_that_only_irregular_words_disturb_is_found_by_random_ones() {
    // The two others are equal in every pattern that repeats a byte.
    let fault = Fault::Disturbed {
        word: PLACE,
        bit: 3,
        others: (9, 57),
    };
    let (board, outcome) = with(&[fault]);
    let bad = only(&board, &outcome, PLACE);
    assert_eq!(
        tests(&bad),
        [Test::OwnAddress, Test::Random]
            .into_iter()
            .filter(|test| bad.tests.contains(test))
            .collect::<Vec<_>>()
    );
    assert!(bad.tests.contains(&Test::Random));
}

#[test]
fn cell_worn_by_its_neighbours_is_found_by_modulo_20_alone() {
    let fault = Fault::WornByNeighbours {
        word: PLACE,
        bit: 60,
        times: 30,
    };
    let board = Board::new(2, &[fault]);
    // Every offset: each cell is the twentieth once.
    let outcome = outcome(
        &board,
        &super::Request {
            depth: Depth::Deep,
            ..request()
        },
    );
    let bad = only(&board, &outcome, PLACE);
    assert_eq!(tests(&bad), [Test::Modulo20]);
}

#[test]
fn cell_that_fades_is_found_by_waiting_alone_and_only_when_it_waits_long_enough() {
    for to in [false, true] {
        let fault = |after| Fault::Fades {
            word: PLACE,
            bit: 33,
            to,
            after,
        };
        let (board, outcome) = with(&[fault(FADE * 9 / 10)]);
        let bad = only(&board, &outcome, PLACE);
        assert_eq!(tests(&bad), [Test::BitFade]);
        assert_eq!(bad.first.read >> 33 & 1 == 1, to);
        let (_, outcome) = with(&[fault(FADE * 2)]);
        assert_eq!(outcome.errors, 0);
    }
}

#[test]
fn errors_of_a_bad_core_name_that_core_alone_and_all_its_frames() {
    let cores = sys::cpu::usable().unwrap();
    let Some(&[good, bad, ..]) = cores.get(..2).and_then(|cores| cores.first_chunk::<2>()) else {
        panic!("two cores are needed to tell one from the other");
    };
    let board = Board::new(
        2,
        &[Fault::BadCore {
            thread: bad,
            bit: 7,
        }],
    );
    let outcome = outcome(
        &board,
        &super::Request {
            cores: &[good, bad],
            ..request()
        },
    );
    assert!(outcome.bad.len() == 256 && outcome.errors_unlisted > 0);
    for frame in &outcome.bad {
        assert_eq!(frame.cores, [bad], "{frame:?}");
    }
    // A bad cell is read by both.
    let stuck = Fault::Stuck {
        word: PLACE,
        bit: 1,
        at: true,
    };
    let board = Board::new(2, &[stuck]);
    let outcome = super::outcome(
        &board,
        &super::Request {
            cores: &[good, bad],
            ..request()
        },
    );
    let mut read = only(&board, &outcome, PLACE).cores;
    read.sort_unstable();
    assert_eq!(read, [good, bad]);
}
