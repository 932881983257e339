//! Another length of a block, protection information, and what a format may say of them.

use super::super::{FormatLies, Lies, ScsiDisk, ScsiOptions};
use super::sanitize::{READ_7, TAKES, TEST_UNIT_READY, codes, poll};
use super::{good, refused};
use crate::clock::Clock;
use crate::device::{Event, ScsiDevice};

const SECRET: &[u8] = b"SECRET";
/// Behind the 512th byte of a block of 520.
const TAIL: &[u8] = b"TAIL";
/// FMTDATA, and a header with IMMED.
const FORMAT: [u8; 6] = [0x04, 0x10, 0, 0, 0, 0];
const IMMEDIATE: [u8; 4] = [0, 0x02, 0, 0];
const CORRUPTED: Codes = (3, 0x31, 0x00);
const FORMATTING: Codes = (2, 0x04, 0x04);
const READY: Codes = (0, 0, 0);

/// A disk of 520 bytes a block that can have 512, full of old bytes, by a clock by hand.
fn disk(format: FormatLies) -> (ScsiDisk, Clock) {
    let clock = Clock::by_hand();
    let mut disk = ScsiDisk::new(ScsiOptions {
        sector_bytes: 520,
        other_sector_bytes: vec![512],
        format: Some(TAKES),
        lies: Lies {
            format,
            ..Lies::default()
        },
        clock: clock.clone(),
        ..ScsiOptions::disk("Z1A2B3C4", 0x5000_c500_a1b2_c3d4, 1000)
    });
    let mut sector = SECRET.to_vec();
    sector.resize(512, 0x20);
    sector.extend([TAIL, TAIL].concat());
    for address in 0..1000 {
        disk.cells_mut().write(address, &sector);
    }
    (disk, clock)
}

/// Key, ASC, ASCQ.
type Codes = (u8, u8, u8);
/// The last block, in two bytes, and the length of each.
type Capacity = (u8, u8, [u8; 2]);

fn capacity(disk: &mut ScsiDisk) -> Capacity {
    let data = good(disk, &[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[]);
    (data[2], data[3], [data[6], data[7]])
}

const OF_520: Capacity = (0x03, 0xE7, [0x02, 0x08]);
const OF_512: Capacity = (0x03, 0xE7, [0x02, 0x00]);

/// MODE SELECT (6): as many blocks as there are, of 512 bytes.
fn select(disk: &mut ScsiDisk) {
    let list = [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 2, 0];
    good(disk, &[0x15, 0x10, 0, 0, 12, 0], &list);
}

#[test]
fn selected_length_waits_for_the_format_and_nothing_can_be_read_meanwhile() {
    let (mut disk, clock) = disk(FormatLies::default());
    assert_eq!(good(&mut disk, &READ_7, &[]).len(), 520);
    select(&mut disk);
    assert_eq!(capacity(&mut disk), OF_520);
    let current = good(&mut disk, &[0x1A, 0, 0x08, 0, 12, 0], &[]);
    assert_eq!(current[4..], [0, 0, 0x03, 0xE8, 0, 0, 2, 0]);
    assert_eq!(codes(&refused(&mut disk, &READ_7, &[])), CORRUPTED);
    good(&mut disk, &FORMAT, &IMMEDIATE);
    clock.advance(TAKES / 2);
    assert_eq!(poll(&mut disk)[12..18], [0x04, 0x04, 0, 0x80, 0x80, 0x00]);
    assert_eq!(codes(&refused(&mut disk, &[0x25; 10], &[])), FORMATTING);
    clock.advance(TAKES / 2);
    assert_eq!(codes(&poll(&mut disk)), READY);
    assert_eq!(capacity(&mut disk), OF_512);
    assert_eq!(good(&mut disk, &READ_7, &[]), [0; 512]);
    for old in [SECRET, TAIL] {
        assert!(disk.cells().find(old).is_empty());
    }
    // Blocks of another length than the two.
    let list = [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 16, 0];
    let sense = refused(&mut disk, &[0x15, 0x10, 0, 0, 12, 0], &list);
    assert_eq!(codes(&sense), (5, 0x26, 0));
}

#[test]
fn reset_forgets_what_was_selected_and_not_formatted() {
    for event in [Event::Reset, Event::PowerOff] {
        let (mut disk, _clock) = disk(FormatLies::default());
        select(&mut disk);
        disk.event(event);
        disk.event(Event::PowerOn);
        poll(&mut disk);
        assert_eq!(good(&mut disk, &READ_7, &[]).len(), 520);
        assert_eq!(good(&mut disk, &FORMAT, &[0; 4]), []);
        assert_eq!(capacity(&mut disk), OF_520);
    }
}

#[test]
fn power_cut_in_the_format_leaves_half_of_the_old_blocks_until_the_next_format() {
    let (mut disk, clock) = disk(FormatLies::default());
    select(&mut disk);
    good(&mut disk, &FORMAT, &IMMEDIATE);
    clock.advance(TAKES / 2);
    disk.event(Event::PowerOff);
    disk.event(Event::PowerOn);
    poll(&mut disk);
    assert_eq!(codes(&poll(&mut disk)), CORRUPTED);
    let sense = refused(&mut disk, &TEST_UNIT_READY, &[]);
    assert_eq!(codes(&sense), CORRUPTED);
    assert_eq!(capacity(&mut disk), OF_512);
    assert_eq!(disk.cells().find(SECRET), Vec::from_iter(500..1000));
    good(&mut disk, &FORMAT, &IMMEDIATE);
    clock.advance(TAKES);
    assert_eq!(good(&mut disk, &READ_7, &[]), [0; 512]);
    assert!(disk.cells().find(SECRET).is_empty());
}

#[test]
fn protection_information_is_made_with_each_write_and_goes_with_a_format_of_type_0() {
    let mut disk = ScsiDisk::new(ScsiOptions {
        protection_type: Some(2),
        format: Some(TAKES),
        ..ScsiOptions::disk("Z1A2B3C4", 0x5000_c500_a1b2_c3d4, 1000)
    });
    let mut old = vec![0x20; 512];
    old.extend([TAIL, TAIL].concat());
    disk.cells_mut().write(7, &old);
    let protection = |disk: &mut ScsiDisk| {
        let mut cdb = [0; 16];
        (cdb[0], cdb[1], cdb[13]) = (0x9E, 0x10, 32);
        good(disk, &cdb, &[])[12]
    };
    assert_eq!(good(&mut disk, &[0x12, 0, 0, 0, 36, 0], &[])[5], 1);
    assert_eq!(protection(&mut disk), 0b011);
    assert_eq!(good(&mut disk, &READ_7, &[]), [0x20; 512]);
    let mut write = READ_7;
    write[0] = 0x2A;
    let mut block = b"123456789".to_vec();
    block.resize(512, 0);
    good(&mut disk, &write, &block);
    assert!(disk.cells().find(TAIL).is_empty());
    assert_eq!(disk.cells().read(7).unwrap()[514..], [0xFF; 6]);
    // FMTPINFO and the field usage: types 1 and 3, then a field that is none, then none at all.
    for (fmtpinfo, usage, expected) in [(0x90, 0, 0b001), (0xD0, 1, 0b101), (0x10, 0, 0b000)] {
        good(&mut disk, &[0x04, fmtpinfo, 0, 0, 0, 0], &[usage, 0, 0, 0]);
        assert_eq!(protection(&mut disk), expected);
    }
    let sense = refused(&mut disk, &[0x04, 0x90, 0, 0, 0, 0], &[1, 0, 0, 0]);
    assert_eq!(codes(&sense), (5, 0x24, 0));
    assert_eq!(disk.cells().read(7).unwrap(), [0; 512]);
}

/// What a format looks like when it began, half way and after its time, and the capacity then.
fn seen(lies: FormatLies) -> (ScsiDisk, [Codes; 3], Capacity) {
    let (mut disk, clock) = disk(lies);
    select(&mut disk);
    good(&mut disk, &FORMAT, &IMMEDIATE);
    let mut seen = [READY; 3];
    for look in &mut seen {
        *look = codes(&poll(&mut disk));
        clock.advance(TAKES / 2);
    }
    let capacity = if seen[2] == FORMATTING {
        OF_520
    } else {
        capacity(&mut disk)
    };
    (disk, seen, capacity)
}

#[test]
fn each_lie_of_a_format_shows_what_it_says_and_keeps_what_it_keeps() {
    let honest = FormatLies::default();
    let under_way = [FORMATTING, FORMATTING, READY];
    let keeps_data = FormatLies {
        keeps_data: true,
        ..honest
    };
    let (mut disk, looks, size) = seen(keeps_data);
    assert_eq!((looks, size), (under_way, OF_512));
    assert_eq!(disk.cells().find(SECRET).len(), 1000);
    // A write of the new length does not reach what is behind it.
    let mut write = READ_7;
    write[0] = 0x2A;
    good(&mut disk, &write, &[0; 512]);
    assert_eq!(disk.cells().find(SECRET).len(), 999);
    assert_eq!(disk.cells().find(TAIL).len(), 1000);
    assert_eq!(good(&mut disk, &READ_7, &[]), [0; 512]);

    let keeps_length = FormatLies {
        keeps_length: true,
        ..honest
    };
    let (disk, looks, size) = seen(keeps_length);
    assert_eq!((looks, size), (under_way, OF_520));
    assert!(disk.cells().find(SECRET).is_empty());

    let shrinks = FormatLies {
        shrinks_to: Some(900),
        ..honest
    };
    let (mut disk, looks, size) = seen(shrinks);
    assert_eq!((looks, size), (under_way, (0x03, 0x83, [2, 0])));
    let default = good(&mut disk, &[0x1A, 0, 0x88, 0, 12, 0], &[]);
    assert_eq!(default[4..8], [0, 0, 0x03, 0x84]);

    let stuck = FormatLies {
        stuck_at: Some(655),
        ..honest
    };
    let (mut disk, looks, _) = seen(stuck);
    assert_eq!(looks, [FORMATTING; 3]);
    assert_eq!(poll(&mut disk)[16..18], 655_u16.to_be_bytes());

    let fails = FormatLies {
        fails: true,
        ..honest
    };
    let (disk, looks, _) = seen(fails);
    assert_eq!(looks, [FORMATTING, FORMATTING, (3, 0x31, 0x01)]);
    assert_eq!(disk.cells().find(SECRET).len(), 500);
}

#[test]
fn format_that_tells_nothing_or_is_over_too_early_is_under_way_all_the_same() {
    let silent = FormatLies {
        is_silent: true,
        ..FormatLies::default()
    };
    let (mut hidden, _clock) = disk(silent);
    select(&mut hidden);
    good(&mut hidden, &FORMAT, &IMMEDIATE);
    assert_eq!(codes(&poll(&mut hidden)), READY);
    assert_eq!(codes(&refused(&mut hidden, &READ_7, &[])), FORMATTING);

    let early = FormatLies {
        is_early: true,
        ..FormatLies::default()
    };
    let (mut hasty, clock) = disk(early);
    select(&mut hasty);
    good(&mut hasty, &FORMAT, &IMMEDIATE);
    assert_eq!(codes(&poll(&mut hasty)), READY);
    assert_eq!(capacity(&mut hasty), OF_512);
    let mut write = READ_7;
    write[0] = 0x2A;
    good(&mut hasty, &write, &[0x11; 512]);
    assert_eq!(good(&mut hasty, &READ_7, &[]), [0x11; 512]);
    clock.advance(TAKES);
    assert_eq!(good(&mut hasty, &READ_7, &[]), [0; 512], "lost");
}
