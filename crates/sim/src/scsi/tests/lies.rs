//! Each lie, and what a host sees of it.

use super::super::{Lies, ScsiDisk};
use super::sanitize::{
    BLOCK_ERASE, CRYPTOGRAPHIC_ERASE, EXIT_FAILURE_MODE, OVERWRITE, PATTERN, READ_7, SECRET, TAKES,
    TEST_UNIT_READY, codes, disk, poll,
};
use super::{good, refused};
use crate::device::{Event, ScsiDevice};
use std::time::Duration;

const DONE: (u8, u8, u8) = (0, 0, 0);
const IN_PROGRESS: (u8, u8, u8) = (2, 0x04, 0x1B);
const FAILED: (u8, u8, u8) = (3, 0x31, 0x03);

/// What was asked for, and what it looked like when it began, half way, and at the end.
fn seen(lies: Lies, cdb: &[u8], out: &[u8]) -> (ScsiDisk, [(u8, u8, u8); 3]) {
    let (mut disk, clock) = disk(lies);
    good(&mut disk, cdb, out);
    let mut seen = [DONE; 3];
    for look in &mut seen {
        *look = codes(&poll(&mut disk));
        clock.advance(TAKES / 2);
    }
    (disk, seen)
}

#[test]
fn honest_disk_is_seen_in_progress_and_then_done() {
    let (disk, seen) = seen(Lies::default(), &BLOCK_ERASE, &[]);
    assert_eq!(seen, [IN_PROGRESS, IN_PROGRESS, DONE]);
    assert!(disk.cells().find(SECRET).is_empty());
}

#[test]
fn swallowed_command_is_answered_good_and_nothing_is_ever_in_progress() {
    let lies = Lies {
        swallows: true,
        ..Lies::default()
    };
    let (disk, seen) = seen(lies, &BLOCK_ERASE, &[]);
    assert_eq!(seen, [DONE; 3]);
    assert_eq!(disk.cells().find(SECRET), [7, 9]);
}

#[test]
fn never_in_progress_looks_like_swallowed_and_is_done() {
    let lies = Lies {
        never_in_progress: true,
        ..Lies::default()
    };
    let (disk, seen) = seen(lies, &BLOCK_ERASE, &[]);
    assert_eq!(seen, [DONE; 3]);
    assert!(disk.cells().find(SECRET).is_empty());
}

#[test]
fn kept_data_look_erased_from_the_state_alone() {
    let lies = Lies {
        keeps_data: true,
        ..Lies::default()
    };
    for (cdb, out) in [
        (BLOCK_ERASE, &[][..]),
        (OVERWRITE, &PATTERN),
        (CRYPTOGRAPHIC_ERASE, &[]),
    ] {
        let (mut disk, seen) = seen(lies, &cdb, out);
        assert_eq!(seen, [IN_PROGRESS, IN_PROGRESS, DONE]);
        assert_eq!(disk.cells().find(SECRET), [7, 9]);
        assert_eq!(good(&mut disk, &READ_7, &[])[..6], *SECRET);
    }
}

#[test]
fn kept_place_without_an_address_is_seen_by_no_host() {
    let lies = Lies {
        keeps_unaddressed: true,
        ..Lies::default()
    };
    let (mut disk, seen) = seen(lies, &OVERWRITE, &PATTERN);
    assert_eq!(seen, [IN_PROGRESS, IN_PROGRESS, DONE]);
    assert_eq!(good(&mut disk, &READ_7, &[])[..2], [0xA5, 0x5A]);
    assert_eq!(disk.cells().find(SECRET), [9]);
    assert!(!disk.cells().is_addressed(9));
}

#[test]
fn kept_key_reads_as_before_to_whoever_has_it() {
    let lies = Lies {
        keeps_key: true,
        ..Lies::default()
    };
    let (disk, seen) = seen(lies, &CRYPTOGRAPHIC_ERASE, &[]);
    assert_eq!(seen[2], DONE);
    assert_eq!(disk.cells().find(SECRET), [7, 9]);
}

#[test]
fn ignored_pattern_leaves_zeros() {
    let lies = Lies {
        ignores_pattern: true,
        ..Lies::default()
    };
    let (mut disk, _) = seen(lies, &OVERWRITE, &PATTERN);
    assert_eq!(good(&mut disk, &READ_7, &[]), [0; 512]);
    assert!(disk.cells().find(SECRET).is_empty());
}

#[test]
fn hurried_operation_is_over_in_a_thousandth_of_the_time_and_of_the_places() {
    let lies = Lies {
        hurries: true,
        ..Lies::default()
    };
    let (mut disk, clock) = disk(lies);
    good(&mut disk, &BLOCK_ERASE, &[]);
    assert_eq!(codes(&poll(&mut disk)), IN_PROGRESS);
    clock.advance(Duration::from_secs(1));
    assert_eq!(codes(&poll(&mut disk)), DONE);
    assert_eq!(disk.cells().find(SECRET), [7, 9]);
}

#[test]
fn stuck_progress_never_moves_and_never_ends() {
    let lies = Lies {
        stuck_at: Some(0x3456),
        ..Lies::default()
    };
    let (mut disk, clock) = disk(lies);
    good(&mut disk, &OVERWRITE, &PATTERN);
    for _ in 0..3 {
        assert_eq!(poll(&mut disk)[12..18], [4, 0x1B, 0, 0x80, 0x34, 0x56]);
        clock.advance(TAKES * 100);
    }
    assert_eq!(
        codes(&refused(&mut disk, &TEST_UNIT_READY, &[])),
        IN_PROGRESS
    );
}

#[test]
fn failed_operation_is_told_by_every_command_until_it_is_left_or_done_again() {
    let lies = Lies {
        fails: true,
        ..Lies::default()
    };
    let restricted = [0x48, 0x82, 0, 0, 0, 0, 0, 0, 0, 0];
    let unrestricted = [0x48, 0xA2, 0, 0, 0, 0, 0, 0, 0, 0];

    let (mut disk, seen) = seen(lies, &restricted, &[]);
    assert_eq!(seen, [IN_PROGRESS, IN_PROGRESS, FAILED]);
    assert_eq!(codes(&refused(&mut disk, &TEST_UNIT_READY, &[])), FAILED);
    assert_eq!(codes(&refused(&mut disk, &READ_7, &[])), FAILED);
    disk.event(Event::PowerOff);
    disk.event(Event::PowerOn);
    poll(&mut disk);
    assert_eq!(codes(&poll(&mut disk)), FAILED, "power does not help");
    // AUSE was zero: no way out but another one without it.
    for cdb in [EXIT_FAILURE_MODE, unrestricted] {
        assert_eq!(codes(&refused(&mut disk, &cdb, &[])), (5, 0x24, 0));
    }
    disk.set_lies(Lies::default());
    good(&mut disk, &[0x48, 0x02, 0, 0, 0, 0, 0, 0, 0, 0], &[]);
    assert_eq!(codes(&poll(&mut disk)), DONE);
    assert!(disk.cells().find(SECRET).is_empty());

    // Without IMMED the command itself tells; with AUSE there is a way out.
    let (mut disk, _clock) = super::sanitize::disk(lies);
    disk.cells_mut().write(999, &[SECRET, &[0; 506]].concat());
    let cdb = [0x48, 0x22, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(codes(&refused(&mut disk, &cdb, &[])), FAILED);
    good(&mut disk, &EXIT_FAILURE_MODE, &[]);
    good(&mut disk, &TEST_UNIT_READY, &[]);
    assert_eq!(disk.cells().find(SECRET), [999], "half of it is left");
}

#[test]
fn forgotten_failure_is_gone_with_the_power_and_the_data_are_not() {
    let lies = Lies {
        fails: true,
        forgets_failure: true,
        ..Lies::default()
    };
    let (mut disk, clock) = disk(lies);
    disk.cells_mut().write(999, &[SECRET, &[0; 506]].concat());
    good(&mut disk, &BLOCK_ERASE, &[]);
    clock.advance(TAKES);
    assert_eq!(codes(&poll(&mut disk)), FAILED);
    disk.event(Event::PowerOff);
    disk.event(Event::PowerOn);
    poll(&mut disk);
    assert_eq!(codes(&poll(&mut disk)), DONE);
    assert_eq!(disk.cells().find(SECRET), [999]);
}

#[test]
fn reads_can_fail_after_an_erase_whatever_page_b1_says() {
    let lies = Lies {
        reads_fail_after_erase: true,
        ..Lies::default()
    };
    let (mut disk, _) = seen(lies, &BLOCK_ERASE, &[]);
    let page = good(&mut disk, &[0x12, 1, 0xB1, 0, 255, 0], &[]);
    assert_eq!(page[7], 0x52, "reads are good, says the page");
    assert_eq!(codes(&refused(&mut disk, &READ_7, &[])), (3, 0x11, 0x00));
    let (mut disk, _) = seen(lies, &OVERWRITE, &PATTERN);
    good(&mut disk, &READ_7, &[]);
}
