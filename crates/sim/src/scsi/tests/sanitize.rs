//! An honest disk's sanitize operations.

use super::super::{AfterErase, Lies, Sanitize, ScsiDisk, ScsiOptions};
use super::{good, refused};
use crate::clock::Clock;
use crate::device::{Event, ScsiDevice};
use std::time::Duration;

pub(super) const SECRET: &[u8] = b"SECRET";
pub(super) const OVERWRITE: [u8; 10] = [0x48, 0x81, 0, 0, 0, 0, 0, 0, 8, 0];
/// One pass of A5 5A 00 FF.
pub(super) const PATTERN: [u8; 8] = [0x01, 0, 0, 4, 0xA5, 0x5A, 0x00, 0xFF];
pub(super) const BLOCK_ERASE: [u8; 10] = [0x48, 0x82, 0, 0, 0, 0, 0, 0, 0, 0];
pub(super) const CRYPTOGRAPHIC_ERASE: [u8; 10] = [0x48, 0x83, 0, 0, 0, 0, 0, 0, 0, 0];
pub(super) const EXIT_FAILURE_MODE: [u8; 10] = [0x48, 0x1F, 0, 0, 0, 0, 0, 0, 0, 0];
pub(super) const TEST_UNIT_READY: [u8; 6] = [0; 6];
pub(super) const READ_7: [u8; 10] = [0x28, 0, 0, 0, 0, 7, 0, 0, 1, 0];

pub(super) const TAKES: Duration = Duration::from_secs(1000);

/// A disk that does everything in 1,000 seconds of a clock by hand, with the secret at address 7 and
/// in a place that no address points to.
pub(super) fn disk(lies: Lies) -> (ScsiDisk, Clock) {
    let clock = Clock::by_hand();
    let mut disk = ScsiDisk::new(ScsiOptions {
        sanitize: Sanitize {
            overwrite: Some(TAKES),
            block_erase: Some(TAKES),
            cryptographic_erase: Some(TAKES),
            after_block_erase: AfterErase::Good,
            after_cryptographic_erase: AfterErase::Good,
        },
        format: Some(TAKES),
        lies,
        clock: clock.clone(),
        ..ScsiOptions::disk("Z1A2B3C4", 0x5000_c500_a1b2_c3d4, 1000)
    });
    let mut sector = SECRET.to_vec();
    sector.resize(512, 0x20);
    disk.cells_mut().write(7, &sector);
    disk.cells_mut().write(9, &sector);
    disk.cells_mut().reallocate(9);
    disk.cells_mut().write(9, &[0x20; 512]);
    assert_eq!(disk.cells().find(SECRET), [7, 9]);
    (disk, clock)
}

pub(super) fn poll(disk: &mut ScsiDisk) -> Vec<u8> {
    good(disk, &[0x03, 0, 0, 0, 18, 0], &[])
}

/// Key, ASC, ASCQ.
pub(super) fn codes(sense: &[u8]) -> (u8, u8, u8) {
    (sense[2], sense[12], sense[13])
}

#[test]
fn overwrite_shows_its_progress_refuses_all_else_and_reaches_every_place() {
    let (mut disk, clock) = disk(Lies::default());
    assert_eq!(good(&mut disk, &OVERWRITE, &PATTERN), []);
    clock.advance(TAKES / 4);
    // 04/1B, SKSV, a quarter of 65,536.
    let sense = [
        0x70, 0, 2, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x04, 0x1B, 0, 0x80, 0x40, 0x00,
    ];
    assert_eq!(poll(&mut disk), sense);
    let descriptors = good(&mut disk, &[0x03, 1, 0, 0, 252, 0], &[]);
    let expected = [
        0x72, 2, 0x04, 0x1B, 0, 0, 0, 8, 0x02, 0x06, 0, 0, 0x80, 0x40, 0x00, 0,
    ];
    assert_eq!(descriptors, expected);
    for cdb in [&TEST_UNIT_READY[..], &READ_7, &BLOCK_ERASE, &OVERWRITE] {
        assert_eq!(refused(&mut disk, cdb, &PATTERN), sense, "{cdb:02x?}");
    }
    assert_eq!(good(&mut disk, &[0x12, 0, 0, 0, 36, 0], &[]).len(), 36);
    clock.advance(TAKES * 3 / 4);
    assert_eq!(codes(&poll(&mut disk)), (0, 0, 0));
    let read = good(&mut disk, &READ_7, &[]);
    assert_eq!(read[..5], [0xA5, 0x5A, 0x00, 0xFF, 0xA5]);
    assert!(disk.cells().find(SECRET).is_empty());
}

#[test]
fn block_erase_is_over_when_its_time_is_and_says_what_reads_then_give() {
    let (mut disk, clock) = disk(Lies::default());
    good(&mut disk, &BLOCK_ERASE, &[]);
    clock.advance(TAKES - Duration::from_nanos(1));
    assert_eq!(poll(&mut disk)[12..18], [0x04, 0x1B, 0, 0x80, 0xFF, 0xFF]);
    clock.advance(Duration::from_nanos(1));
    good(&mut disk, &TEST_UNIT_READY, &[]);
    assert!(disk.cells().find(SECRET).is_empty());
    assert_eq!(good(&mut disk, &READ_7, &[]), [0; 512]);
}

#[test]
fn page_b1_says_how_reads_end_and_they_end_so_until_the_block_is_written() {
    for (reads, byte, ascq) in [
        (AfterErase::MediumError, 0x22, 0x00),
        (AfterErase::WriteRequired, 0x32, 0x15),
    ] {
        let (mut disk, _clock) = disk(Lies::default());
        disk.options.sanitize.after_cryptographic_erase = reads;
        disk.options.sanitize.after_block_erase = AfterErase::Unspecified;
        let page = good(&mut disk, &[0x12, 1, 0xB1, 0, 255, 0], &[]);
        assert_eq!(page[7], byte);
        // Without IMMED it is done when it is answered.
        good(&mut disk, &[0x48, 0x03, 0, 0, 0, 0, 0, 0, 0, 0], &[]);
        assert!(disk.cells().find(SECRET).is_empty());
        let sense = refused(&mut disk, &READ_7, &[]);
        assert_eq!(sense[..7], [0xF0, 0, 3, 0, 0, 0, 7]);
        assert_eq!(codes(&sense), (3, 0x11, ascq));
        good(&mut disk, &[0x2A, 0, 0, 0, 0, 7, 0, 0, 1, 0], &[3; 512]);
        assert_eq!(good(&mut disk, &READ_7, &[]), [3; 512]);
        refused(&mut disk, &[0x28, 0, 0, 0, 0, 7, 0, 0, 2, 0], &[]);
    }
}

#[test]
fn power_cut_stops_the_time_and_a_sanitize_operation_goes_on_afterwards() {
    let (mut disk, clock) = disk(Lies::default());
    good(&mut disk, &BLOCK_ERASE, &[]);
    clock.advance(TAKES / 2);
    disk.event(Event::PowerOff);
    clock.advance(TAKES * 9);
    assert_eq!(disk.command(&TEST_UNIT_READY, &[]), None);
    disk.event(Event::PowerOn);
    let sense = refused(&mut disk, &TEST_UNIT_READY, &[]);
    assert_eq!(codes(&sense), (6, 0x29, 0x01));
    assert_eq!(poll(&mut disk)[12..18], [0x04, 0x1B, 0, 0x80, 0x80, 0x00]);
    assert_eq!(disk.cells().find(SECRET), [7, 9]);
    disk.event(Event::Reset);
    clock.advance(TAKES / 2);
    assert_eq!(codes(&poll(&mut disk)), (6, 0x29, 0x03));
    assert_eq!(codes(&poll(&mut disk)), (0, 0, 0));
    assert!(disk.cells().find(SECRET).is_empty());
}

#[test]
fn what_cannot_be_asked_for_is_refused_and_changes_nothing() {
    let (mut disk, _clock) = disk(Lies::default());
    let list = |bytes: [u8; 8]| bytes;
    for (cdb, out, expected) in [
        // Service action 4; a list where there is none.
        ([0x48, 0x84, 0, 0, 0, 0, 0, 0, 0, 0], PATTERN, (5, 0x24, 0)),
        ([0x48, 0x82, 0, 0, 0, 0, 0, 0, 8, 0], PATTERN, (5, 0x24, 0)),
        // No pass; a pattern of no bytes, of more than a block, of more than was sent.
        (OVERWRITE, list([0, 0, 0, 4, 1, 2, 3, 4]), (5, 0x26, 0)),
        (OVERWRITE, list([1, 0, 0, 0, 1, 2, 3, 4]), (5, 0x26, 0)),
        (OVERWRITE, list([1, 0, 2, 1, 1, 2, 3, 4]), (5, 0x26, 0)),
        (OVERWRITE, list([1, 0, 0, 8, 1, 2, 3, 4]), (5, 0x1A, 0)),
        ([0x48, 0x81, 0, 0, 0, 0, 0, 0, 4, 0], PATTERN, (5, 0x1A, 0)),
        (
            [0x48, 0x81, 0, 0, 0, 0, 0, 0, 9, 0],
            PATTERN,
            (0xB, 0x4B, 0),
        ),
    ] {
        assert_eq!(
            codes(&refused(&mut disk, &cdb, &out)),
            expected,
            "{cdb:02x?}"
        );
    }
    // Not failed: nothing to get out of.
    good(&mut disk, &EXIT_FAILURE_MODE, &[]);
    assert_eq!(codes(&poll(&mut disk)), (0, 0, 0));
    assert_eq!(disk.cells().find(SECRET), [7, 9]);
    let sense = refused(&mut super::disk(), &BLOCK_ERASE, &[]);
    assert_eq!(codes(&sense), (5, 0x20, 0));
}

#[test]
fn operation_codes_say_which_sanitize_operations_there_are() {
    let (mut disk, _clock) = disk(Lies::default());
    disk.options.sanitize.cryptographic_erase = None;
    let mut ask = |options: u8, code: u8, action: u8| {
        let cdb = [0xA3, 0x0C, options, code, 0, action, 0, 0, 1, 0, 0, 0];
        disk.command(&cdb, &[]).unwrap()
    };
    let overwrite = [0, 3, 0, 10, 0x48, 0xA1, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0];
    assert_eq!(ask(2, 0x48, 1).data, overwrite);
    assert_eq!(ask(3, 0x48, 2).data[..4], [0, 3, 0, 10]);
    assert_eq!(ask(2, 0x48, 0x1F).data[5], 0x9F);
    assert_eq!(ask(2, 0x48, 3).data, [0, 1, 0, 0]);
    assert_eq!(ask(1, 0x28, 0).data[..5], [0, 3, 0, 10, 0x28]);
    assert_eq!(ask(1, 0x93, 0).data, [0, 1, 0, 0]);
    assert_eq!(codes(&ask(1, 0x48, 0).sense), (5, 0x24, 0));
    assert_eq!(codes(&ask(2, 0x28, 0).sense), (5, 0x24, 0));
    let all = ask(0, 0, 0).data;
    assert_eq!(all[..4], [0, 0, 0, 176], "22 commands of 8 bytes");
    assert!(
        all[4..]
            .chunks(8)
            .any(|d| d == [0x48, 0, 0, 2, 0, 1, 0, 10])
    );
    assert!(
        !all[4..]
            .chunks(8)
            .any(|d| d == [0x48, 0, 0, 3, 0, 1, 0, 10])
    );
}
