use super::{ScsiDisk, ScsiOptions};
use crate::device::{Event, ScsiAnswer, ScsiDevice};

mod format;
mod layout;
mod lies;
mod sanitize;

const BLOCK: usize = 512;

/// 1,000 blocks.
pub(super) fn disk() -> ScsiDisk {
    ScsiDisk::new(ScsiOptions::disk("Z1A2B3C4", 0x5000_c500_a1b2_c3d4, 1000))
}

/// A command that must be carried out.
pub(super) fn good(disk: &mut ScsiDisk, cdb: &[u8], out: &[u8]) -> Vec<u8> {
    let answer = disk.command(cdb, out).unwrap();
    assert_eq!((answer.status, answer.sense.len()), (0, 0), "{answer:02x?}");
    answer.data
}

/// A command that must be refused; gives back its sense data.
pub(super) fn refused(disk: &mut ScsiDisk, cdb: &[u8], out: &[u8]) -> Vec<u8> {
    let answer = disk.command(cdb, out).unwrap();
    assert_eq!((answer.status, answer.data.len()), (2, 0), "{answer:02x?}");
    answer.sense
}

#[test]
fn inquiry_and_its_pages_say_who_the_disk_is() {
    let mut disk = disk();
    let standard = good(&mut disk, &[0x12, 0, 0, 0, 36, 0], &[]);
    assert_eq!(
        standard,
        *b"\x00\x00\x07\x02\x45\x00\x00\x02SIM     SAS DISK        0001"
    );
    assert_eq!(
        good(&mut disk, &[0x12, 1, 0x00, 0, 255, 0], &[]),
        [0, 0, 0, 5, 0x00, 0x80, 0x83, 0xB0, 0xB1]
    );
    assert_eq!(
        good(&mut disk, &[0x12, 1, 0x80, 0, 255, 0], &[]),
        *b"\x00\x80\x00\x08Z1A2B3C4"
    );
    assert_eq!(
        good(&mut disk, &[0x12, 1, 0x83, 0, 255, 0], &[]),
        [
            0, 0x83, 0, 20, 0x01, 0x03, 0, 8, 0x50, 0x00, 0xC5, 0x00, 0xA1, 0xB2, 0xC3, 0xD4, 0x61,
            0x94, 0, 4, 0, 0, 0, 1
        ]
    );
    let characteristics = good(&mut disk, &[0x12, 1, 0xB1, 0, 255, 0], &[]);
    assert_eq!(characteristics[..8], [0, 0xB1, 0, 60, 0x1C, 0x20, 0, 2]);
    assert_eq!(characteristics.len(), 64);
    // The allocation length cuts, and a page that is not there is no page of zeros.
    assert_eq!(good(&mut disk, &[0x12, 1, 0x83, 0, 4, 0], &[]).len(), 4);
    let sense = refused(&mut disk, &[0x12, 1, 0x89, 0, 255, 0], &[]);
    assert_eq!((sense[2], sense[12], sense[13]), (5, 0x24, 0x00));
}

#[test]
fn capacity_is_the_last_block_and_not_the_number_of_blocks() {
    let mut disk = disk();
    assert_eq!(
        good(&mut disk, &[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[]),
        [0, 0, 0x03, 0xE7, 0, 0, 0x02, 0]
    );
    let cdb = [0x9E, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0];
    let long = good(&mut disk, &cdb, &[]);
    assert_eq!(
        long[..14],
        [0, 0, 0, 0, 0, 0, 0x03, 0xE7, 0, 0, 0x02, 0, 0, 0]
    );
    assert_eq!(long.len(), 32);
}

#[test]
fn what_is_written_is_in_the_cells_and_is_read_back() {
    let mut disk = disk();
    let two = [[0xA5; BLOCK], [0x5A; BLOCK]].concat();
    good(&mut disk, &[0x2A, 0, 0, 0, 0x03, 0xE6, 0, 0, 2, 0], &two);
    assert_eq!(disk.cells().read(998), Some(vec![0xA5; BLOCK]));
    assert_eq!(disk.cells().read(999), Some(vec![0x5A; BLOCK]));
    let cdb = [0x88, 0, 0, 0, 0, 0, 0, 0, 0x03, 0xE7, 0, 0, 0, 1, 0, 0];
    assert_eq!(good(&mut disk, &cdb, &[]), [0x5A; BLOCK]);
    let cdb = [0x8A, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0];
    good(&mut disk, &cdb, &[0x77; BLOCK]);
    assert_eq!(
        good(&mut disk, &[0x28, 0, 0, 0, 0, 7, 0, 0, 1, 0], &[]),
        [0x77; BLOCK]
    );
    good(&mut disk, &[0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[]);
    // No block more, and no data less.
    for cdb in [
        [0x28, 0, 0, 0, 0x03, 0xE7, 0, 0, 2, 0],
        [0x28, 0, 0, 0, 0x03, 0xE8, 0, 0, 1, 0],
    ] {
        let sense = refused(&mut disk, &cdb, &[]);
        assert_eq!((sense[2], sense[12], sense[13]), (5, 0x21, 0x00));
    }
    let sense = refused(&mut disk, &[0x2A, 0, 0, 0, 0, 1, 0, 0, 2, 0], &[1; BLOCK]);
    assert_eq!((sense[2], sense[12]), (0x0B, 0x4B));
    assert_eq!(disk.cells().read(1), Some(vec![0; BLOCK]));
}

#[test]
fn mode_sense_has_the_block_descriptor_and_the_write_cache() {
    let mut disk = disk();
    let short = good(&mut disk, &[0x1A, 0, 0x08, 0, 255, 0], &[]);
    assert_eq!(
        short[..15],
        [
            31, 0, 0x10, 8, 0, 0, 0x03, 0xE8, 0, 0, 0x02, 0, 0x08, 18, 0x04
        ]
    );
    assert_eq!(short.len(), 32);
    let long = good(&mut disk, &[0x5A, 0x10, 0x48, 0, 0, 0, 0, 0, 255, 0], &[]);
    assert_eq!(long[..8], [0, 42, 0, 0x10, 1, 0, 0, 16]);
    assert_eq!(
        long[8..24],
        [
            0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0
        ]
    );
    assert_eq!(long[24..27], [0x08, 18, 0], "the cache cannot be changed");
    let page = good(&mut disk, &[0x1A, 0x08, 0x81, 0, 255, 0], &[]);
    assert_eq!(
        page,
        [15, 0, 0x10, 0, 0x01, 10, 0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    );
    let all = good(&mut disk, &[0x1A, 0x08, 0x3F, 0, 255, 0], &[]);
    assert_eq!(
        (all[4], all[16], all[36], all[48]),
        (0x01, 0x08, 0x0A, 0x1C)
    );
    assert_eq!((all[0], all.len()), (59, 60));
    let sense = refused(&mut disk, &[0x1A, 0, 0xC8, 0, 255, 0], &[]);
    assert_eq!((sense[2], sense[12], sense[13]), (5, 0x39, 0x00));
}

#[test]
fn unknown_command_is_refused_in_fixed_format() {
    let sense = [0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0];
    let mut ata = vec![0x85, 0x08, 0x0E];
    ata.resize(16, 0);
    for cdb in [
        ata,
        vec![0xA1; 12],
        vec![0x93; 16],
        vec![0x7F; 32],
        vec![0x28],
    ] {
        assert_eq!(refused(&mut disk(), &cdb, &[]), sense, "{cdb:02x?}");
    }
}

#[test]
fn disk_without_power_does_not_answer_and_tells_afterwards_once() {
    let mut disk = disk();
    disk.event(Event::PowerOff);
    assert_eq!(disk.command(&[0; 6], &[]), None);
    disk.event(Event::PowerOn);
    assert_eq!(good(&mut disk, &[0x12, 0, 0, 0, 36, 0], &[]).len(), 36);
    let sense = refused(&mut disk, &[0; 6], &[]);
    assert_eq!((sense[2], sense[12], sense[13]), (6, 0x29, 0x01));
    assert_eq!(disk.command(&[0; 6], &[]), Some(ScsiAnswer::default()));
    disk.event(Event::Reset);
    let sense = good(&mut disk, &[0x03, 0, 0, 0, 18, 0], &[]);
    assert_eq!(
        (sense[0], sense[2], sense[12], sense[13]),
        (0x70, 6, 0x29, 3)
    );
    let sense = good(&mut disk, &[0x03, 1, 0, 0, 252, 0], &[]);
    assert_eq!(sense, [0x72, 0, 0, 0, 0, 0, 0, 0]);
}
