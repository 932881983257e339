//! FORMAT UNIT, hidden blocks, log pages, defects.

use super::super::Lies;
use super::sanitize::{READ_7, SECRET, TAKES, TEST_UNIT_READY, codes, disk, poll};
use super::{good, refused};
use crate::device::{Event, ScsiDevice};

/// FMTDATA, and a header with IMMED.
const FORMAT: [u8; 6] = [0x04, 0x10, 0, 0, 0, 0];
const IMMEDIATE: [u8; 4] = [0, 0x02, 0, 0];

#[test]
fn format_shows_its_progress_and_leaves_what_no_address_reaches() {
    let (mut disk, clock) = disk(Lies::default());
    good(&mut disk, &FORMAT, &IMMEDIATE);
    clock.advance(TAKES / 2);
    assert_eq!(poll(&mut disk)[12..18], [0x04, 0x04, 0, 0x80, 0x80, 0x00]);
    assert_eq!(codes(&refused(&mut disk, &READ_7, &[])), (2, 0x04, 0x04));
    clock.advance(TAKES / 2);
    assert_eq!(good(&mut disk, &READ_7, &[]), [0; 512]);
    assert_eq!(disk.cells().find(SECRET), [9]);
}

#[test]
fn format_takes_a_pattern_and_a_fast_one_leaves_every_byte() {
    let (mut disk, _clock) = disk(Lies::default());
    good(&mut disk, &[0x04, 0, 0, 0, 0x01, 0], &[]);
    assert_eq!(disk.cells().find(SECRET), [7, 9]);
    // FOV and IP; type 1, two bytes.
    let list = [0, 0x88, 0, 0, 0, 0x01, 0, 2, 0xC3, 0x3C];
    good(&mut disk, &FORMAT, &list);
    assert_eq!(good(&mut disk, &READ_7, &[])[..3], [0xC3, 0x3C, 0xC3]);
    // Protection information; a list of defects.
    let sense = refused(&mut disk, &[0x04, 0x90, 0, 0, 0, 0], &IMMEDIATE);
    assert_eq!(codes(&sense), (5, 0x24, 0));
    let sense = refused(&mut disk, &FORMAT, &[0, 0, 0, 4, 0, 0, 0, 1]);
    assert_eq!(codes(&sense), (5, 0x26, 0));
    let sense = refused(&mut super::disk(), &FORMAT, &IMMEDIATE);
    assert_eq!(codes(&sense), (5, 0x20, 0));
}

#[test]
fn format_that_lost_its_power_is_corrupted_until_the_next_one() {
    let (mut disk, clock) = disk(Lies::default());
    good(&mut disk, &FORMAT, &IMMEDIATE);
    clock.advance(TAKES / 2);
    disk.event(Event::PowerOff);
    disk.event(Event::PowerOn);
    poll(&mut disk);
    let corrupted = (3, 0x31, 0x00);
    assert_eq!(codes(&poll(&mut disk)), corrupted);
    assert_eq!(codes(&refused(&mut disk, &TEST_UNIT_READY, &[])), corrupted);
    assert_eq!(codes(&refused(&mut disk, &READ_7, &[])), corrupted);
    good(&mut disk, &[0x04, 0, 0, 0, 0, 0], &[]);
    assert_eq!(good(&mut disk, &READ_7, &[]), [0; 512]);
}

#[test]
fn number_of_blocks_hides_what_is_behind_it_and_all_ones_bring_it_back() {
    let (mut disk, _clock) = disk(Lies::default());
    let capacity = [0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    // Five blocks, of 512 bytes: address 7 is hidden.
    let list = [0, 0, 0, 8, 0, 0, 0, 5, 0, 0, 2, 0];
    good(&mut disk, &[0x15, 0x10, 0, 0, 12, 0], &list);
    assert_eq!(good(&mut disk, &capacity, &[])[..4], [0, 0, 0, 4]);
    for cdb in [READ_7, [0x28, 0, 0, 0, 0, 4, 0, 0, 2, 0]] {
        assert_eq!(codes(&refused(&mut disk, &cdb, &[])), (5, 0x21, 0));
    }
    let mut sense = |values: u8| {
        let cdb = [0x5A, 0x10, values | 0x08, 0, 0, 0, 0, 0, 24, 0];
        good(&mut disk, &cdb, &[])[8..16].to_vec()
    };
    assert_eq!(sense(0x00), [0, 0, 0, 0, 0, 0, 0, 5], "current");
    assert_eq!(sense(0x40), [0xFF; 8], "changeable");
    assert_eq!(sense(0x80), [0, 0, 0, 0, 0, 0, 0x03, 0xE8], "default");
    disk.event(Event::PowerOff);
    disk.event(Event::PowerOn);
    poll(&mut disk);
    assert_eq!(good(&mut disk, &capacity, &[])[..4], [0, 0, 0, 4]);
    // More than there is; blocks of another length.
    for (high, length) in [(4, 2), (0, 4)] {
        let list = [0, 0, 0, 8, 0, 0, high, 5, 0, 0, length, 0];
        let sense = refused(&mut disk, &[0x15, 0x10, 0, 0, 12, 0], &list);
        assert_eq!(codes(&sense), (5, 0x26, 0));
    }
    let mut list = vec![0, 0, 0, 0, 1, 0, 0, 16];
    list.extend([0xFF; 8]);
    list.extend([0, 0, 0, 0, 0, 0, 2, 0]);
    good(&mut disk, &[0x55, 0x10, 0, 0, 0, 0, 0, 0, 24, 0], &list);
    assert_eq!(good(&mut disk, &capacity, &[])[..4], [0, 0, 0x03, 0xE7]);
    assert_eq!(good(&mut disk, &READ_7, &[])[..6], *SECRET);
}

#[test]
fn sanitize_reaches_hidden_blocks() {
    let (mut disk, _clock) = disk(Lies::default());
    let list = [0, 0, 0, 8, 0, 0, 0, 5, 0, 0, 2, 0];
    good(&mut disk, &[0x15, 0x10, 0, 0, 12, 0], &list);
    good(&mut disk, &[0x48, 0x02, 0, 0, 0, 0, 0, 0, 0, 0], &[]);
    assert!(disk.cells().find(SECRET).is_empty());
}

#[test]
fn log_pages_are_the_listed_ones() {
    let (mut disk, _clock) = disk(Lies::default());
    disk.options.exception = (0x5D, 0x10);
    let mut page = |code: u8| {
        let cdb = [0x4D, 0, 0x40 | code, 0, 0, 0, 0, 1, 0, 0];
        disk.command(&cdb, &[]).unwrap()
    };
    assert_eq!(page(0x00).data, [0x00, 0, 0, 3, 0x00, 0x0D, 0x2F]);
    assert_eq!(
        page(0x0D).data,
        [0x0D, 0, 0, 12, 0, 0, 3, 2, 0, 34, 0, 1, 3, 2, 0, 60]
    );
    assert_eq!(
        page(0x2F).data,
        [0x2F, 0, 0, 8, 0, 0, 3, 4, 0x5D, 0x10, 34, 0]
    );
    assert_eq!(codes(&page(0x11).sense), (5, 0x24, 0));
}

#[test]
fn replaced_sectors_are_listed_in_the_format_that_was_asked_for() {
    let (mut disk, _clock) = disk(Lies::default());
    let mut ask = |byte: u8| {
        let cdb = [0xB7, byte, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0];
        disk.command(&cdb, &[]).unwrap()
    };
    let long = [0, 0x0B, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 9];
    assert_eq!(ask(0x0B).data, long);
    assert_eq!(ask(0x08).data, [0, 0x08, 0, 0, 0, 0, 0, 4, 0, 0, 0, 9]);
    assert_eq!(ask(0x13).data, [0, 0x13, 0, 0, 0, 0, 0, 0], "none of old");
    assert_eq!(codes(&ask(0x0D).sense), (5, 0x24, 0));
}

#[test]
fn format_by_a_complete_list_forgets_which_sectors_were_replaced() {
    let (mut disk, clock) = disk(Lies::default());
    disk.replace_sector(3);
    // As sg_format sends it: FMTDATA and CMPLST, and a list without defects.
    good(&mut disk, &[0x04, 0x18, 0, 0, 0, 0], &IMMEDIATE);
    clock.advance(TAKES);
    let grown = [0xB7, 0x08, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0];
    assert_eq!(good(&mut disk, &grown, &[]), [0, 0x08, 0, 0, 0, 0, 0, 0]);
    // Without a list there is none to be complete.
    let sense = refused(&mut disk, &[0x04, 0x08, 0, 0, 0, 0], &[]);
    assert_eq!(codes(&sense), (5, 0x24, 0));
}
