//! The SECURITY feature set: passwords, lock, freeze, ERASE UNIT.

use crate::host::{
    SECRET, bytes, disk, has_secret, identify_word, read_sector, registers, registers_with,
    secret_sector, sense, set_d_sense, write_sector,
};
use crate::sanitize::with_secret;
use sim::ata::disk::AtaDisk;
use sim::ata::options::{Configured, Lies, Options};
use sim::device::{Event, ScsiDevice};
use std::time::Duration;

pub const SET_PASSWORD: &str = "85 0A 26 00 00 00 01 00 00 00 00 00 00 00 F1 00";
pub const UNLOCK: &str = "85 0A 26 00 00 00 01 00 00 00 00 00 00 00 F2 00";
pub const PREPARE: &str = "85 06 20 00 00 00 00 00 00 00 00 00 00 00 F3 00";
pub const ERASE: &str = "85 0A 26 00 00 00 01 00 00 00 00 00 00 00 F4 00";
const FREEZE: &str = "85 06 20 00 00 00 00 00 00 00 00 00 00 00 F5 00";
pub const DISABLE: &str = "85 0A 26 00 00 00 01 00 00 00 00 00 00 00 F6 00";

const USER: u16 = 0x0000;
const MASTER: u16 = 0x0001;
pub const ENHANCED: u16 = 0x0002;
const MAXIMUM: u16 = 0x0100;

/// Word 128: supported, enhanced erase.
const IDLE: u16 = 0x0021;
const ENABLED: u16 = 0x0002;
const LOCKED: u16 = 0x0004;
const FROZEN: u16 = 0x0008;
const EXPIRED: u16 = 0x0010;
const LEVEL_MAXIMUM: u16 = 0x0100;

/// The 512 bytes: control word, password.
pub fn page(control: u16, password: &[u8]) -> Vec<u8> {
    let mut page = vec![0; 512];
    page[..2].copy_from_slice(&control.to_le_bytes());
    page[2..2 + password.len()].copy_from_slice(password);
    page
}

/// Whether a command with a password succeeds.
#[track_caller]
pub fn try_with(disk: &mut AtaDisk, cdb: &str, control: u16, password: &[u8]) -> bool {
    let told = registers_with(disk, cdb, &page(control, password));
    match (told.status, told.error) {
        (0x50, 0) => true,
        (0x51, 0x04) => false,
        other => panic!("{other:02X?}"),
    }
}

#[track_caller]
pub fn try_plain(disk: &mut AtaDisk, cdb: &str) -> bool {
    registers(disk, cdb).status == 0x50
}

fn power_cycle(disk: &mut AtaDisk) {
    disk.event(Event::PowerOff);
    disk.event(Event::PowerOn);
    assert_eq!(sense(disk, "00 00 00 00 00 00"), (6, 0x29, 0));
    set_d_sense(disk);
}

fn security(disk: &mut AtaDisk) -> u16 {
    identify_word(disk, 128)
}

#[test]
fn drive_with_a_password_is_locked_after_a_loss_of_power() {
    let (mut disk, _) = with_secret(Options::default());
    assert_eq!(security(&mut disk), IDLE);
    assert!(try_with(&mut disk, SET_PASSWORD, USER, b"raz"));
    assert_eq!(security(&mut disk), IDLE | ENABLED);
    assert_eq!(identify_word(&mut disk, 85) & 2, 2);
    assert_eq!(read_sector(&mut disk, 3), secret_sector(), "not locked yet");
    disk.event(Event::Reset);
    sense(&mut disk, "00 00 00 00 00 00");
    assert_eq!(security(&mut disk), IDLE | ENABLED, "a reset does not lock");
    power_cycle(&mut disk);
    assert_eq!(security(&mut disk), IDLE | ENABLED | LOCKED);
    let reads = "88 00 00 00 00 00 00 00 00 03 00 00 00 01 00 00";
    assert_eq!(sense(&mut disk, reads), (7, 0x74, 0x71));
    assert!(!try_with(&mut disk, DISABLE, USER, b"raz"), "locked");
    assert!(!try_plain(&mut disk, FREEZE), "locked");
    assert!(try_with(&mut disk, UNLOCK, USER, b"raz"));
    assert_eq!(read_sector(&mut disk, 3), secret_sector());
    assert!(!try_with(&mut disk, DISABLE, USER, b"wrong"));
    assert!(try_with(&mut disk, DISABLE, USER, b"raz"));
    assert_eq!(security(&mut disk), IDLE);
}

#[test]
fn five_wrong_passwords_exhaust_the_attempts_until_the_power_is_cycled() {
    let mut options = Options::default();
    let mut password = [0; 32];
    password[..3].copy_from_slice(b"raz");
    options.security.password = Some(password);
    let (mut disk, _) = disk(options);
    set_d_sense(&mut disk);
    assert_eq!(security(&mut disk), IDLE | ENABLED | LOCKED);
    for _ in 0..5 {
        assert_eq!(security(&mut disk) & EXPIRED, 0);
        assert!(!try_with(&mut disk, UNLOCK, USER, b"wrong"));
    }
    assert_eq!(security(&mut disk) & EXPIRED, EXPIRED);
    assert!(!try_with(&mut disk, UNLOCK, USER, b"raz"));
    assert!(try_plain(&mut disk, PREPARE));
    assert!(!try_with(&mut disk, ERASE, USER, b"raz"));
    power_cycle(&mut disk);
    assert!(try_with(&mut disk, UNLOCK, USER, b"raz"));
}

#[test]
fn master_password_opens_at_level_high_and_only_erases_at_level_maximum() {
    for (level, opens) in [(USER, true), (MAXIMUM, false)] {
        let (mut disk, _) = with_secret(Options::default());
        let mut master = page(MASTER, b"master");
        master[34..36].copy_from_slice(&[0x34, 0x12]);
        assert_eq!(
            registers_with(&mut disk, SET_PASSWORD, &master).status,
            0x50
        );
        assert_eq!(
            security(&mut disk),
            IDLE,
            "a master password enables nothing"
        );
        assert_eq!(identify_word(&mut disk, 92), 0x1234);
        assert!(try_with(&mut disk, SET_PASSWORD, level, b"raz"));
        power_cycle(&mut disk);
        assert_eq!(security(&mut disk) & LEVEL_MAXIMUM, level);
        assert_eq!(try_with(&mut disk, UNLOCK, MASTER, b"master"), opens);
        assert!(try_plain(&mut disk, PREPARE));
        assert!(try_with(&mut disk, ERASE, MASTER | ENHANCED, b"master"));
        assert_eq!(security(&mut disk), IDLE);
        assert!(!has_secret(&mut disk));
    }
}

#[test]
fn frozen_drive_refuses_until_its_power_is_cycled() {
    for again in [false, true] {
        let mut options = Options::default();
        options.security.frozen = true;
        options.security.frozen_again = again;
        let (mut disk, _) = disk(options);
        set_d_sense(&mut disk);
        assert_eq!(security(&mut disk), IDLE | FROZEN);
        assert!(!try_with(&mut disk, SET_PASSWORD, USER, b"raz"));
        assert!(!try_plain(&mut disk, PREPARE));
        disk.event(Event::Reset);
        sense(&mut disk, "00 00 00 00 00 00");
        assert_eq!(security(&mut disk), IDLE | FROZEN, "not by a reset");
        power_cycle(&mut disk);
        assert_eq!(try_with(&mut disk, SET_PASSWORD, USER, b"raz"), !again);
    }
}

#[test]
fn erase_must_follow_its_preparation_directly() {
    let (mut disk, _) = with_secret(Options::default());
    assert!(try_with(&mut disk, SET_PASSWORD, USER, b"raz"));
    assert!(!try_with(&mut disk, ERASE, USER, b"raz"), "unprepared");
    assert!(try_plain(&mut disk, PREPARE));
    // Somebody's probe comes between.
    identify_word(&mut disk, 0);
    assert!(!try_with(&mut disk, ERASE, USER, b"raz"));
    assert!(try_plain(&mut disk, PREPARE));
    assert!(!try_with(&mut disk, ERASE, USER, b"wrong"));
    assert!(has_secret(&mut disk));
    assert!(try_plain(&mut disk, PREPARE));
    assert!(try_with(&mut disk, ERASE, USER, b"raz"));
    assert_eq!(security(&mut disk), IDLE, "the password is gone");
    assert_eq!(read_sector(&mut disk, 3), [0; 512]);
}

#[test]
fn erase_by_the_user_needs_a_user_password() {
    let (mut disk, _) = with_secret(Options::default());
    assert!(try_plain(&mut disk, PREPARE));
    assert!(!try_with(&mut disk, ERASE, USER, b""));
}

#[test]
fn normal_erase_leaves_replaced_sectors_and_enhanced_does_not() {
    for options in [Options::default(), Options::magnetic()] {
        let (mut disk, _) = with_secret(options);
        assert!(try_with(&mut disk, SET_PASSWORD, USER, b"raz"));
        assert!(try_plain(&mut disk, PREPARE));
        assert!(try_with(&mut disk, ERASE, USER, b"raz"));
        assert_eq!(disk.took(), Duration::from_secs(7200));
        assert_eq!(read_sector(&mut disk, 3), [0; 512]);
        let left = disk.cells().find(SECRET);
        assert!(!left.is_empty(), "a place without an address");
        assert!(left.iter().all(|place| !disk.cells().is_addressed(*place)));
        assert!(try_with(&mut disk, SET_PASSWORD, USER, b"raz"));
        assert!(try_plain(&mut disk, PREPARE));
        assert!(try_with(&mut disk, ERASE, ENHANCED, b"raz"));
        assert_eq!(disk.took(), Duration::from_secs(120));
        assert!(!has_secret(&mut disk));
    }
}

#[test]
fn enhanced_erase_is_refused_where_there_is_none() {
    let mut options = Options::default();
    options.security.enhanced = false;
    let (mut disk, _) = with_secret(options);
    assert_eq!(security(&mut disk), 0x0001);
    assert!(try_with(&mut disk, SET_PASSWORD, USER, b"raz"));
    assert!(try_plain(&mut disk, PREPARE));
    assert!(!try_with(&mut disk, ERASE, ENHANCED, b"raz"));
    assert!(has_secret(&mut disk));
}

#[test]
fn erase_that_loses_its_power_leaves_the_drive_locked_and_half_erased() {
    let lies = Lies {
        erase_power_cut: true,
        ..Lies::default()
    };
    let (mut disk, _) = with_secret(Options {
        lies,
        ..Options::magnetic()
    });
    let far = "8A 08 00 00 00 00 00 00 07 FF 00 00 00 01 00 00";
    crate::host::write(&mut disk, far, &secret_sector());
    assert!(try_with(&mut disk, SET_PASSWORD, USER, b"raz"));
    assert!(try_plain(&mut disk, PREPARE));
    assert!(
        disk.command(&bytes(ERASE), &page(USER, b"raz")).is_none(),
        "never answered"
    );
    assert!(disk.is_off());
    disk.event(Event::PowerOn);
    sense(&mut disk, "00 00 00 00 00 00");
    set_d_sense(&mut disk);
    assert_eq!(security(&mut disk), IDLE | ENABLED | LOCKED);
    assert_eq!(disk.cells().read(3), Some(vec![0; 512]));
    assert_eq!(disk.cells().read(0x7FF), Some(secret_sector()));
    assert!(try_with(&mut disk, UNLOCK, USER, b"raz"));
    assert!(try_with(&mut disk, DISABLE, USER, b"raz"));
}

#[test]
fn hidden_security_is_not_there() {
    let configured = Configured {
        hides_security: true,
        ..Configured::default()
    };
    let (mut disk, _) = with_secret(Options {
        configured,
        ..Options::default()
    });
    assert_eq!(security(&mut disk), 0);
    assert_eq!(identify_word(&mut disk, 82) & 2, 0);
    assert!(!try_with(&mut disk, SET_PASSWORD, USER, b"raz"));
    write_sector(&mut disk, 3, &[0; 512]);
}
