//! What is taken and what is left, what is counted, and what is named as not done.

use std::sync::atomic::Ordering;
use std::time::Duration;

use machine::check::memory::schedule::{Depth, Test};
use machine::check::memory::{NotDone, Request};

use super::board::{Board, Fault};
use super::{Folder, last_progress, outcome, request, run};

const MIB: u64 = 1 << 20;

#[test]
fn coverage_is_the_part_of_the_memory_map_that_was_gone_through() {
    let board = Board::new(3, &[]);
    // Three chunks of 2 MiB from 1 MiB on, in a memory of 9 MiB.
    let map = "00000000-000fffff : System RAM\n00100000-008fffff : System RAM\n";
    let folder = Folder::new().says("iomem", map);
    let outcome = run(
        &board,
        &folder.roots,
        &*board.clock,
        &request(),
        &mut |_| {},
    );
    let coverage = outcome.coverage.expect("frames and memory are told");
    assert_eq!(coverage.system_ram_bytes, 9 * MIB);
    assert_eq!(coverage.reached_bytes, 6 * MIB);
    assert!(!outcome.not_done.contains(&NotDone::FramesUnknown));
}

#[test]
fn coverage_is_unknown_where_frames_or_the_map_are() {
    let mut board = Board::new(2, &[]);
    let folder = Folder::new().says("iomem", "00000000-00000000 : System RAM\n");
    let outcome = run(
        &board,
        &folder.roots,
        &*board.clock,
        &request(),
        &mut |_| {},
    );
    assert_eq!(outcome.coverage, None);
    assert!(outcome.not_done.contains(&NotDone::MemoryMapUnknown));

    board.tells_frames = false;
    let folder = Folder::new().says("iomem", "00000000-00ffffff : System RAM\n");
    let outcome = run(
        &board,
        &folder.roots,
        &*board.clock,
        &request(),
        &mut |_| {},
    );
    assert_eq!(outcome.coverage, None);
    assert!(outcome.not_done.contains(&NotDone::FramesUnknown));
    assert!(outcome.swept_bytes > 0 && outcome.errors == 0);
}

#[test]
fn faults_are_found_without_frames_and_no_address_is_made_up() {
    let stuck = Fault::Stuck {
        word: 5000,
        bit: 8,
        at: true,
    };
    let mut board = Board::new(2, &[stuck]);
    board.tells_frames = false;
    let outcome = outcome(&board, &request());
    assert_eq!(outcome.bad.len(), 1);
    let bad = &outcome.bad[0];
    assert_eq!(
        (bad.frame, bad.first.address, bad.bits),
        (None, None, 1 << 8)
    );
}

#[test]
fn reserve_is_never_taken() {
    let mut board = Board::new(8, &[]);
    board.falls = true;
    // Room for three chunks, of which one is spared for later rounds.
    let all = (150 + 6) * MIB;
    board.available_bytes.store(all, Ordering::SeqCst);
    let outcome = outcome(&board, &request());
    assert_eq!(outcome.held_bytes_max, 6 * MIB);
    assert!(outcome.not_done.contains(&NotDone::Reserve(150 * MIB)));
    board.available_bytes.store(151 * MIB, Ordering::SeqCst);
    let outcome = super::outcome(&board, &request());
    assert_eq!(outcome.held_bytes_max, 0);
    assert!(outcome.not_done.contains(&NotDone::NothingTaken));
    assert!(!outcome.is_complete());
}

#[test]
fn later_rounds_reach_frames_that_the_first_left_and_end_when_there_are_no_new_ones() {
    let mut board = Board::new(8, &[]);
    board.falls = true;
    board.available_bytes.store(156 * MIB, Ordering::SeqCst);
    let folder = Folder::new().says("iomem", "00000000-01ffffff : System RAM\n");
    let outcome = run(
        &board,
        &folder.roots,
        &*board.clock,
        &request(),
        &mut |_| {},
    );
    // Two chunks and the spare one; then the board gives the one that was freed.
    assert_eq!(outcome.rounds, 2);
    assert_eq!(outcome.coverage.unwrap().reached_bytes, 6 * MIB);
    assert!(outcome.not_done.contains(&NotDone::FadeOfLaterRounds));
}

#[test]
fn memory_goes_back_when_the_machine_needs_it_and_that_is_told() {
    let board = Board::new(4, &[]);
    let folder = Folder::new();
    let available = board.available_bytes.clone();
    let outcome = run(
        &board,
        &folder.roots,
        &*board.clock,
        &request(),
        &mut |told| {
            if told.test == Some(Test::Walking) {
                available.store(70 * MIB, Ordering::SeqCst);
            }
        },
    );
    assert_eq!(outcome.held_bytes_max, 8 * MIB);
    assert!(
        outcome.not_done.contains(&NotDone::GivenBack(8 * MIB)),
        "{:?}",
        outcome.not_done
    );
    assert!(outcome.not_done.contains(&NotDone::Test(Test::Random)));
}

#[test]
fn stopped_test_says_so_and_keeps_what_it_found() {
    let stuck = Fault::Stuck {
        word: 5000,
        bit: 8,
        at: true,
    };
    let board = Board::new(2, &[stuck]);
    board.stop_after.0.store(10_000, Ordering::SeqCst);
    let stop = board.stop_after.clone();
    let (outcome, told) = last_progress(
        &board,
        &Request {
            stop: &stop.1,
            ..request()
        },
    );
    assert!(outcome.stopped && !outcome.is_complete() && outcome.is_faulty());
    assert_eq!(outcome.bad.len(), 1);
    assert_eq!(told.errors, outcome.errors);
    // It ended within a few hundred pages, in the middle of a sweep that does not count.
    assert!(outcome.swept_bytes <= (10_000 + 256) * 4096);
    assert!(outcome.not_done.contains(&NotDone::Test(Test::BitFade)));
}

#[test]
fn time_that_is_over_ends_the_test_and_names_what_was_not_reached() {
    let board = Board::new(2, &[]);
    let outcome = outcome(
        &board,
        &Request {
            // The board's clock moves a microsecond a page.
            time_max: Duration::from_millis(15),
            ..request()
        },
    );
    assert!(!outcome.stopped && outcome.is_complete());
    let done: Vec<Test> = outcome.tests.iter().map(|(test, ..)| *test).collect();
    assert_eq!(done, [Test::OwnAddress, Test::MovingInversions]);
    assert!(
        outcome
            .not_done
            .contains(&NotDone::Test(Test::Checkerboard))
    );
}

#[test]
fn repeated_list_goes_on_until_the_time_is_over() {
    let board = Board::new(2, &[]);
    let once = outcome(&board, &request());
    let several = outcome(
        &board,
        &Request {
            time_max: once.elapsed * 3,
            repeat: true,
            ..request()
        },
    );
    assert!(several.rounds >= 3, "{}", several.rounds);
    assert!(several.swept_bytes > 2 * once.swept_bytes);
}

#[test]
fn test_without_a_wait_names_bit_fade_as_not_done() {
    let board = Board::new(2, &[]);
    let outcome = outcome(
        &board,
        &Request {
            fade: None,
            ..request()
        },
    );
    assert!(outcome.not_done.contains(&NotDone::Test(Test::BitFade)));
    assert!(outcome.not_done.contains(&NotDone::CorrectedErrors));
}

#[test]
fn swept_bytes_are_those_of_the_sweeps() {
    let board = Board::new(1, &[]);
    let outcome = outcome(
        &board,
        &Request {
            depth: Depth::Quick,
            ..request()
        },
    );
    // Modulo-20 touches 26 and 486 of 512 words, or 25 and 487 where the offset is 12 or more.
    let whole = outcome.swept_bytes / (2 * MIB);
    let fills = 4 + 6 + 6 + 24 + 6 + 4;
    assert!(
        (fills + 4 + 7..=fills + 4 + 8).contains(&whole),
        "{whole} sweeps"
    );
    assert_eq!(outcome.sweeps, fills + 16);
}
