//! A host: command blocks in hexadecimal, as they stand in the specifications.

use sim::ata::disk::AtaDisk;
use sim::ata::options::Options;
use sim::clock::Clock;
use sim::device::{ScsiAnswer, ScsiDevice};

pub const IDENTIFY: &str = "85 08 0E 00 00 00 01 00 00 00 00 00 00 00 EC 00";
pub const CHECK_POWER: &str = "85 06 20 00 00 00 00 00 00 00 00 00 00 00 E5 00";

/// What the test looks for in the cells.
pub const SECRET: &[u8] = b"THE DONOR'S TAX RETURN";

/// A disk whose unit attention of power on was taken.
pub fn disk(options: Options) -> (AtaDisk, Clock) {
    let clock = Clock::by_hand();
    let mut disk = AtaDisk::new(options, clock.clone());
    assert_eq!(sense(&mut disk, "00 00 00 00 00 00"), (6, 0x29, 0));
    (disk, clock)
}

pub fn bytes(text: &str) -> Vec<u8> {
    let bytes = text.split_whitespace();
    let parse = |byte| u8::from_str_radix(byte, 16).unwrap();
    bytes.map(parse).collect()
}

pub fn send(disk: &mut AtaDisk, cdb: &str, out: &[u8]) -> ScsiAnswer {
    disk.command(&bytes(cdb), out).expect("an answer")
}

/// Data of a command that must succeed.
#[track_caller]
pub fn read(disk: &mut AtaDisk, cdb: &str) -> Vec<u8> {
    let answer = send(disk, cdb, &[]);
    assert_eq!((answer.status, &answer.sense[..]), (0, &[][..]), "{cdb}");
    answer.data
}

#[track_caller]
pub fn write(disk: &mut AtaDisk, cdb: &str, out: &[u8]) {
    let answer = send(disk, cdb, out);
    assert_eq!((answer.status, &answer.sense[..]), (0, &[][..]), "{cdb}");
}

/// Key, code and qualifier of a check condition.
#[track_caller]
pub fn sense_with(disk: &mut AtaDisk, cdb: &str, out: &[u8]) -> (u8, u8, u8) {
    let answer = send(disk, cdb, out);
    assert_eq!(answer.status, 2, "{cdb}");
    let sense = &answer.sense;
    match sense[0] {
        0x70 => (sense[2], sense[12], sense[13]),
        0x72 => (sense[1], sense[2], sense[3]),
        other => panic!("response code {other:02X}"),
    }
}

#[track_caller]
pub fn sense(disk: &mut AtaDisk, cdb: &str) -> (u8, u8, u8) {
    sense_with(disk, cdb, &[])
}

/// Registers of an ATA status return descriptor.
#[derive(Debug, PartialEq, Eq)]
pub struct Registers {
    pub error: u8,
    pub count: u16,
    pub lba: u64,
    pub status: u8,
}

/// Registers in descriptor format sense data, wherever its descriptor 09h stands.
#[track_caller]
pub fn registers_in(sense: &[u8]) -> Registers {
    assert_eq!(sense[0], 0x72, "descriptor format");
    let mut at = 8;
    while sense[at] != 0x09 {
        at += 2 + usize::from(sense[at + 1]);
    }
    let found = &sense[at..at + 14];
    assert_eq!(found[1], 0x0C);
    let order = [10, 8, 6, 11, 9, 7];
    Registers {
        error: found[3],
        count: u16::from_be_bytes([found[4], found[5]]),
        lba: order
            .iter()
            .fold(0, |lba, index| lba << 8 | u64::from(found[*index])),
        status: found[13],
    }
}

/// Registers of a pass-through with CK_COND, or of one that failed while D_SENSE is set.
#[track_caller]
pub fn registers_with(disk: &mut AtaDisk, cdb: &str, out: &[u8]) -> Registers {
    let answer = send(disk, cdb, out);
    assert_eq!(answer.status, 2, "{cdb}");
    registers_in(&answer.sense)
}

#[track_caller]
pub fn registers(disk: &mut AtaDisk, cdb: &str) -> Registers {
    registers_with(disk, cdb, &[])
}

/// Word of an IDENTIFY page.
pub fn word(page: &[u8], number: usize) -> u16 {
    u16::from_le_bytes([page[number * 2], page[number * 2 + 1]])
}

pub fn identify_word(disk: &mut AtaDisk, number: usize) -> u16 {
    word(&read(disk, IDENTIFY), number)
}

/// One sector that begins with the secret.
pub fn secret_sector() -> Vec<u8> {
    let mut sector = SECRET.to_vec();
    sector.resize(512, b'.');
    sector
}

/// WRITE(16) of one sector with FUA.
#[track_caller]
pub fn write_sector(disk: &mut AtaDisk, lba: u8, sector: &[u8]) {
    let cdb = format!("8A 08 00 00 00 00 00 00 00 {lba:02X} 00 00 00 01 00 00");
    write(disk, &cdb, sector);
}

/// READ(16) of one sector.
#[track_caller]
pub fn read_sector(disk: &mut AtaDisk, lba: u8) -> Vec<u8> {
    let cdb = format!("88 00 00 00 00 00 00 00 00 {lba:02X} 00 00 00 01 00 00");
    read(disk, &cdb)
}

/// Whether the secret is in a place, with an address or without.
pub fn has_secret(disk: &mut AtaDisk) -> bool {
    !disk.cells().find(SECRET).is_empty()
}

/// D_SENSE of the control page set, so that errors too come in descriptor format.
pub fn set_d_sense(disk: &mut AtaDisk) {
    let list = bytes("00 00 00 00 0A 0A 04 00 00 00 00 00 00 00 00 00");
    write(disk, "15 10 00 00 10 00", &list);
}
