//! The host protected area, the accessible max address, device configuration.

use crate::host::{
    bytes, disk, identify_word, read, read_sector, registers, registers_with, send, sense,
    sense_with, set_d_sense,
};
use crate::security::{ENHANCED, ERASE, PREPARE, SET_PASSWORD, try_plain, try_with};
use sim::ata::disk::AtaDisk;
use sim::ata::options::{Configured, Options};
use sim::device::{Event, ScsiDevice};

const READ_NATIVE: &str = "85 07 20 00 00 00 00 00 00 00 00 00 00 40 27 00";
const READ_NATIVE_28: &str = "85 06 20 00 00 00 00 00 00 00 00 00 00 40 F8 00";
/// SET MAX ADDRESS EXT to the last address 7FFh and to 3FFh; volatile or lasting by COUNT.
const SET_ALL_LASTING: &str = "85 07 20 00 00 00 01 00 FF 00 07 00 00 40 37 00";
const SET_HALF: &str = "85 07 20 00 00 00 00 00 FF 00 03 00 00 40 37 00";
const SET_HALF_LASTING: &str = "85 07 20 00 00 00 01 00 FF 00 03 00 00 40 37 00";
const SET_HALF_LASTING_28: &str = "85 06 20 00 00 00 01 00 FF 00 03 00 00 40 F9 00";

const GET_ACCESSIBLE: &str = "85 07 20 00 00 00 00 00 00 00 00 00 00 40 78 00";
const SET_ACCESSIBLE_ALL: &str = "85 07 20 00 01 00 00 00 FF 00 07 00 00 40 78 00";
const FREEZE_ACCESSIBLE: &str = "85 07 20 00 02 00 00 00 00 00 00 00 00 40 78 00";

const DCO_RESTORE: &str = "85 06 20 00 C0 00 00 00 00 00 00 00 00 00 B1 00";
const DCO_FREEZE: &str = "85 06 20 00 C1 00 00 00 00 00 00 00 00 00 B1 00";
const DCO_IDENTIFY: &str = "85 08 0E 00 C2 00 01 00 00 00 00 00 00 00 B1 00";
const DCO_SET: &str = "85 0A 26 00 C3 00 01 00 00 00 00 00 00 00 B1 00";

fn hidden(options: Options) -> AtaDisk {
    let (mut disk, _) = disk(options);
    set_d_sense(&mut disk);
    disk
}

/// Sectors by READ CAPACITY(10) and by IDENTIFY, which agree.
#[track_caller]
fn sectors(disk: &mut AtaDisk) -> u32 {
    let told = read(disk, "25 00 00 00 00 00 00 00 00 00");
    let sectors = u32::from_be_bytes([told[0], told[1], told[2], told[3]]) + 1;
    let words = u32::from(identify_word(disk, 100)) | u32::from(identify_word(disk, 101)) << 16;
    assert_eq!(words, sectors);
    assert_eq!(u32::from(identify_word(disk, 60)), sectors);
    sectors
}

#[track_caller]
fn refused(disk: &mut AtaDisk, cdb: &str) -> u8 {
    let told = registers(disk, cdb);
    assert_eq!(told.status, 0x51, "{cdb}");
    told.error
}

#[track_caller]
fn accepted(disk: &mut AtaDisk, cdb: &str) {
    assert_eq!(registers(disk, cdb).status, 0x50, "{cdb}");
}

fn power_cycle(disk: &mut AtaDisk) {
    disk.event(Event::PowerOff);
    disk.event(Event::PowerOn);
    assert_eq!(sense(disk, "00 00 00 00 00 00"), (6, 0x29, 0));
    set_d_sense(disk);
}

#[test]
fn native_max_is_a_last_address_also_with_one_hidden_sector() {
    let mut disk = hidden(Options {
        accessible: Some(2047),
        ..Options::default()
    });
    assert_eq!(sectors(&mut disk), 2047);
    assert_eq!(registers(&mut disk, READ_NATIVE).lba, 0x7FF);
    assert_eq!(
        registers(&mut disk, READ_NATIVE_28).lba & 0x0FFF_FFFF,
        0x7FF
    );
    let last = "88 00 00 00 00 00 00 00 07 FF 00 00 00 01 00 00";
    assert_eq!(sense(&mut disk, last), (5, 0x21, 0));
    registers(&mut disk, READ_NATIVE);
    accepted(&mut disk, SET_ALL_LASTING);
    assert_eq!(sectors(&mut disk), 2048);
    assert_eq!(read(&mut disk, last), [0; 512]);
    power_cycle(&mut disk);
    assert_eq!(sectors(&mut disk), 2048, "lasting");
}

#[test]
fn short_native_max_has_its_highest_bits_in_the_device_register() {
    let mut disk = hidden(Options {
        sectors: 0x0ABC_DEF1,
        ..Options::default()
    });
    let sense = send(&mut disk, READ_NATIVE_28, &[]).sense;
    let expected = "09 0C 00 00 00 00 00 F0 00 DE 00 BC 4A 50";
    assert_eq!(sense[8..], bytes(expected));
}

#[test]
fn set_max_must_follow_the_native_max_directly() {
    let mut disk = hidden(Options::default());
    assert_eq!(refused(&mut disk, SET_HALF), 0x04);
    registers(&mut disk, READ_NATIVE);
    identify_word(&mut disk, 0);
    assert_eq!(refused(&mut disk, SET_HALF), 0x04);
    registers(&mut disk, READ_NATIVE_28);
    assert_eq!(refused(&mut disk, SET_HALF), 0x04, "the long one's own");
    registers(&mut disk, READ_NATIVE);
    accepted(&mut disk, SET_HALF);
    assert_eq!(sectors(&mut disk), 1024);
}

#[test]
fn volatile_max_is_lost_with_a_reset_and_a_lasting_one_is_set_once_a_power_cycle() {
    let mut disk = hidden(Options::default());
    registers(&mut disk, READ_NATIVE);
    accepted(&mut disk, SET_HALF);
    disk.event(Event::Reset);
    sense(&mut disk, "00 00 00 00 00 00");
    assert_eq!(sectors(&mut disk), 2048);
    registers(&mut disk, READ_NATIVE_28);
    accepted(&mut disk, SET_HALF_LASTING_28);
    assert_eq!(sectors(&mut disk), 1024);
    registers(&mut disk, READ_NATIVE);
    assert_eq!(refused(&mut disk, SET_ALL_LASTING), 0x10, "the second");
    power_cycle(&mut disk);
    assert_eq!(sectors(&mut disk), 1024);
    registers(&mut disk, READ_NATIVE);
    accepted(&mut disk, SET_ALL_LASTING);
    assert_eq!(sectors(&mut disk), 2048);
}

#[test]
fn set_max_beyond_the_native_max_is_refused() {
    let mut disk = hidden(Options::default());
    registers(&mut disk, READ_NATIVE);
    let beyond = "85 07 20 00 00 00 00 00 00 00 08 00 00 40 37 00";
    assert_eq!(refused(&mut disk, beyond), 0x10);
}

#[test]
fn set_max_is_locked_by_a_password_and_frozen_until_the_power_is_cycled() {
    let mut disk = hidden(Options::default());
    let mut page = vec![0; 512];
    page[2..5].copy_from_slice(b"raz");
    let set = "85 0A 26 00 01 00 01 00 00 00 00 00 00 40 F9 00";
    let lock = "85 06 20 00 02 00 00 00 00 00 00 00 00 40 F9 00";
    let unlock = "85 0A 26 00 03 00 01 00 00 00 00 00 00 40 F9 00";
    let freeze = "85 06 20 00 04 00 00 00 00 00 00 00 00 40 F9 00";
    assert_eq!(refused(&mut disk, lock), 0x04, "no password");
    assert_eq!(registers_with(&mut disk, set, &page).status, 0x50);
    assert_eq!(identify_word(&mut disk, 86) & 0x100, 0x100);
    accepted(&mut disk, lock);
    registers(&mut disk, READ_NATIVE);
    assert_eq!(refused(&mut disk, SET_HALF), 0x04);
    assert_eq!(registers_with(&mut disk, unlock, &[1; 512]).status, 0x51);
    assert_eq!(registers_with(&mut disk, unlock, &page).status, 0x50);
    registers(&mut disk, READ_NATIVE);
    accepted(&mut disk, SET_HALF);
    accepted(&mut disk, freeze);
    registers(&mut disk, READ_NATIVE);
    assert_eq!(refused(&mut disk, SET_HALF_LASTING), 0x04);
    power_cycle(&mut disk);
    registers(&mut disk, READ_NATIVE);
    accepted(&mut disk, SET_HALF_LASTING);
}

#[test]
fn accessible_max_is_set_once_and_frozen_until_the_power_is_cycled() {
    let mut disk = hidden(Options {
        hpa: false,
        amac: true,
        accessible: Some(2047),
        ..Options::default()
    });
    assert_eq!(identify_word(&mut disk, 119), 0x4100);
    assert_eq!(identify_word(&mut disk, 82) & 0x400, 0);
    assert_eq!(refused(&mut disk, READ_NATIVE), 0x04);
    assert_eq!(sectors(&mut disk), 2047);
    assert_eq!(registers(&mut disk, GET_ACCESSIBLE).lba, 0x7FF);
    accepted(&mut disk, FREEZE_ACCESSIBLE);
    assert_eq!(refused(&mut disk, SET_ACCESSIBLE_ALL), 0x04);
    power_cycle(&mut disk);
    accepted(&mut disk, SET_ACCESSIBLE_ALL);
    assert_eq!(sectors(&mut disk), 2048);
    assert_eq!(refused(&mut disk, SET_ACCESSIBLE_ALL), 0x04, "the second");
    power_cycle(&mut disk);
    assert_eq!(sectors(&mut disk), 2048);
}

#[test]
fn device_configuration_hides_sectors_and_features_and_restores_them() {
    let mut disk = hidden(Options {
        configured: Configured {
            sectors: Some(1500),
            hides_security: true,
            hides_hpa: true,
        },
        ..Options::default()
    });
    assert_eq!(sectors(&mut disk), 1500);
    assert_eq!(identify_word(&mut disk, 82) & 0x402, 0);
    assert_eq!(identify_word(&mut disk, 83) & 0x800, 0x800);
    assert_eq!(refused(&mut disk, READ_NATIVE), 0x04);
    let page = read(&mut disk, DCO_IDENTIFY);
    assert_eq!(page[6..14], [0xFF, 0x07, 0, 0, 0, 0, 0, 0]);
    assert_eq!(page[14..16], [0x89, 0x01], "what the factory made");
    let sum = page.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    assert_eq!((page[510], sum), (0xA5, 0));
    accepted(&mut disk, DCO_RESTORE);
    assert_eq!(sectors(&mut disk), 2048);
    assert_eq!(identify_word(&mut disk, 82) & 0x402, 0x402);
    assert_eq!(registers(&mut disk, READ_NATIVE).lba, 0x7FF);
    power_cycle(&mut disk);
    assert_eq!(sectors(&mut disk), 2048);
}

#[test]
fn device_configuration_is_not_restored_over_a_protected_area_or_when_frozen() {
    let mut disk = hidden(Options {
        accessible: Some(1000),
        configured: Configured {
            sectors: Some(1500),
            ..Configured::default()
        },
        ..Options::default()
    });
    assert_eq!(sectors(&mut disk), 1000);
    assert_eq!(registers(&mut disk, READ_NATIVE).lba, 1499);
    assert_eq!(refused(&mut disk, DCO_RESTORE), 0x04);
    // SET MAX to 1499 = 5DBh.
    registers(&mut disk, READ_NATIVE);
    accepted(&mut disk, "85 07 20 00 00 00 01 00 DB 00 05 00 00 40 37 00");
    accepted(&mut disk, DCO_FREEZE);
    assert_eq!(refused(&mut disk, DCO_RESTORE), 0x04);
    assert_eq!(sense(&mut disk, DCO_IDENTIFY), (0x0B, 0, 0));
    power_cycle(&mut disk);
    accepted(&mut disk, DCO_RESTORE);
    assert_eq!(sectors(&mut disk), 2048);
}

#[test]
fn device_configuration_is_set_by_a_page_in_order() {
    let mut disk = hidden(Options::default());
    let mut page = read(&mut disk, DCO_IDENTIFY);
    page[6] = 0xFE;
    assert_eq!(sense_with(&mut disk, DCO_SET, &page), (0x0B, 0, 0), "sum");
    page[511] = page[511].wrapping_add(1);
    assert_eq!(registers_with(&mut disk, DCO_SET, &page).status, 0x50);
    assert_eq!(sectors(&mut disk), 2047);
    page[14] &= !0x08;
    page[511] = page[511].wrapping_add(8);
    assert_eq!(registers_with(&mut disk, DCO_SET, &page).status, 0x50);
    assert_eq!(identify_word(&mut disk, 128), 0, "security is hidden");
}

#[test]
fn normal_erase_reaches_the_protected_area_and_not_what_the_configuration_hides() {
    let mut disk = hidden(Options {
        accessible: Some(1000),
        configured: Configured {
            sectors: Some(1500),
            ..Configured::default()
        },
        ..Options::magnetic()
    });
    let secret = crate::host::secret_sector();
    for address in [999, 1000, 1499, 1500, 2047] {
        disk.cells_mut().write(address, &secret);
    }
    assert!(try_with(&mut disk, SET_PASSWORD, 0, b"raz"));
    assert!(try_plain(&mut disk, PREPARE));
    assert!(try_with(&mut disk, ERASE, 0, b"raz"));
    assert_eq!(disk.cells().find(crate::host::SECRET), [1500, 2047]);
    assert_eq!(read_sector(&mut disk, 3), [0; 512]);
    assert!(try_with(&mut disk, SET_PASSWORD, 0, b"raz"));
    assert!(try_plain(&mut disk, PREPARE));
    assert!(try_with(&mut disk, ERASE, ENHANCED, b"raz"));
    assert!(disk.cells().find(crate::host::SECRET).is_empty());
}

#[test]
fn frozen_hidden_area_is_changed_after_the_next_power_on() {
    let mut disk = hidden(Options {
        accessible: Some(1000),
        hidden_frozen: true,
        ..Options::default()
    });
    registers(&mut disk, READ_NATIVE);
    assert_eq!(refused(&mut disk, SET_ALL_LASTING), 0x04);
    power_cycle(&mut disk);
    registers(&mut disk, READ_NATIVE);
    accepted(&mut disk, SET_ALL_LASTING);
}
