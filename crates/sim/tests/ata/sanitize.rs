//! SANITIZE DEVICE: SD0 to SD4, as the test vectors of the specification spell it.

use crate::host::{
    IDENTIFY, disk, has_secret, identify_word, read, read_sector, registers, secret_sector, send,
    sense, set_d_sense, write_sector,
};
use sim::ata::disk::AtaDisk;
use sim::ata::options::{Kept, Lies, Options, SanitizeOptions};
use sim::clock::Clock;
use sim::device::{Event, ScsiDevice};
use std::time::Duration;

pub const STATUS: &str = "85 07 20 00 00 00 00 00 00 00 00 00 00 40 B4 00";
const CLEAR: &str = "85 07 20 00 00 00 01 00 00 00 00 00 00 40 B4 00";
pub const CRYPTO: &str = "85 07 20 00 11 00 00 43 70 00 79 00 72 40 B4 00";
pub const BLOCK: &str = "85 07 20 00 12 00 00 42 72 00 45 00 6B 40 B4 00";
const BLOCK_UNRESTRICTED: &str = "85 07 20 00 12 00 10 42 72 00 45 00 6B 40 B4 00";
pub const OVERWRITE: &str = "85 07 20 00 14 00 41 A5 A5 57 A5 4F A5 40 B4 00";
const FREEZE: &str = "85 07 20 00 20 00 00 46 6B 00 4C 00 72 40 B4 00";
const ANTIFREEZE: &str = "85 07 20 00 40 00 00 41 69 00 74 00 6E 40 B4 00";

const COMPLETED: u16 = 0x8000;
const IN_PROGRESS: u16 = 0x4000;
const FROZEN: u16 = 0x2000;
const ANTIFROZEN: u16 = 0x1000;

/// A disk that holds the secret at an address and where no address points to, and reports errors in
/// descriptors.
pub fn with_secret(options: Options) -> (AtaDisk, Clock) {
    let (mut disk, clock) = disk(options);
    set_d_sense(&mut disk);
    write_sector(&mut disk, 3, &secret_sector());
    write_sector(&mut disk, 5, &secret_sector());
    write_sector(&mut disk, 5, &[1; 512]);
    disk.reallocate(3);
    let places = disk.cells().find(crate::host::SECRET);
    let addressed = disk.cells().addressed();
    assert!(places.iter().any(|place| addressed.contains(place)));
    assert!(places.iter().any(|place| !addressed.contains(place)));
    (disk, clock)
}

/// COUNT and LBA of the status.
#[track_caller]
fn status(disk: &mut AtaDisk) -> (u16, u64) {
    let registers = registers(disk, STATUS);
    assert_eq!((registers.status, registers.error), (0x50, 0));
    (registers.count, registers.lba)
}

/// The reason of a refusal.
#[track_caller]
fn refused(disk: &mut AtaDisk, cdb: &str) -> u64 {
    let registers = registers(disk, cdb);
    assert_eq!((registers.status, registers.error), (0x51, 0x04), "{cdb}");
    registers.lba & 0xFF
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
fn block_erase_goes_by_the_clock_and_reaches_every_place() {
    let (mut disk, clock) = with_secret(Options::default());
    assert_eq!(status(&mut disk), (0, 0xFFFF), "never sanitized");
    let begun = registers(&mut disk, BLOCK);
    assert_eq!((begun.status, begun.count, begun.lba), (0x50, 0x4000, 0));
    clock.advance(Duration::from_secs(15));
    assert_eq!(status(&mut disk), (IN_PROGRESS, 0x4000), "a quarter");
    assert!(has_secret(&mut disk));
    clock.advance(Duration::from_secs(45));
    assert!(!has_secret(&mut disk), "the cells know without being asked");
    assert_eq!(status(&mut disk), (COMPLETED, 0xFFFF));
    assert_eq!(read_sector(&mut disk, 3), [0; 512]);
}

#[test]
fn next_sanitize_clears_the_completed_bit_while_it_runs() {
    let options = Options {
        sanitize: SanitizeOptions {
            done_before: true,
            ..SanitizeOptions::default()
        },
        ..Options::default()
    };
    let (mut disk, _) = with_secret(options);
    assert_eq!(status(&mut disk), (COMPLETED, 0xFFFF), "from before");
    accepted(&mut disk, BLOCK);
    assert_eq!(status(&mut disk), (IN_PROGRESS, 0));
}

#[test]
fn crypto_scramble_leaves_noise_under_a_new_key() {
    let (mut disk, clock) = with_secret(Options::default());
    accepted(&mut disk, CRYPTO);
    clock.advance(Duration::from_secs(2));
    assert_eq!(status(&mut disk), (COMPLETED, 0xFFFF));
    assert!(!has_secret(&mut disk));
    let noise = read_sector(&mut disk, 3);
    assert!(noise != [0; 512] && noise != secret_sector());
}

#[test]
fn overwrite_leaves_its_pattern_in_every_place() {
    let (mut disk, clock) = with_secret(Options::magnetic());
    accepted(&mut disk, OVERWRITE);
    clock.advance(Duration::from_secs(7199));
    assert_eq!(status(&mut disk).0, IN_PROGRESS);
    clock.advance(Duration::from_secs(1));
    assert_eq!(status(&mut disk).0, COMPLETED);
    assert!(!has_secret(&mut disk), "the replaced sector too");
    assert_eq!(read_sector(&mut disk, 3), [0xA5; 512]);
}

#[test]
fn overwrite_with_count_zero_is_sixteen_passes() {
    let (mut disk, clock) = with_secret(Options::magnetic());
    accepted(&mut disk, "85 07 20 00 14 00 00 12 78 57 56 4F 34 40 B4 00");
    clock.advance(Duration::from_secs(15 * 7200));
    assert_eq!(status(&mut disk), (IN_PROGRESS, 0xF000));
    clock.advance(Duration::from_secs(7200));
    assert_eq!(
        read_sector(&mut disk, 3)[..5],
        [0x12, 0x34, 0x56, 0x78, 0x12]
    );
}

#[test]
fn inverted_passes_end_with_the_pattern_only_when_that_is_asked() {
    // Two passes with INVERT, without and with DEFINITIVE ENDING PATTERN.
    for (count, byte) in [("82", 0x5A), ("C2", 0xA5), ("83", 0xA5)] {
        let (mut disk, clock) = with_secret(Options::magnetic());
        let cdb = format!("85 07 20 00 14 00 {count} A5 A5 57 A5 4F A5 40 B4 00");
        accepted(&mut disk, &cdb);
        clock.advance(Duration::from_secs(3 * 7200));
        assert_eq!(read_sector(&mut disk, 3), [byte; 512], "{count}");
    }
}

#[test]
fn unsigned_and_unsupported_operations_are_refused() {
    let (mut disk, _) = with_secret(Options::magnetic());
    assert_eq!(refused(&mut disk, BLOCK), 2);
    assert_eq!(refused(&mut disk, CRYPTO), 2);
    let unknown = "85 07 20 00 13 00 00 42 72 00 45 00 6B 40 B4 00";
    assert_eq!(refused(&mut disk, unknown), 2);
    let unsigned = "85 07 20 00 14 00 41 A5 A5 57 A5 4E A5 40 B4 00";
    assert_eq!(refused(&mut disk, unsigned), 0);
    assert_eq!(status(&mut disk), (0, 0xFFFF));
    let mut without = Options::default();
    without.sanitize.supported = false;
    let (mut disk, _) = with_secret(without);
    assert_eq!(identify_word(&mut disk, 59), 0);
    assert_eq!(refused(&mut disk, STATUS), 0);
}

#[test]
fn frozen_drive_says_so_until_its_power_is_cycled() {
    let (mut disk, _) = with_secret(Options::default());
    accepted(&mut disk, FREEZE);
    assert_eq!(status(&mut disk), (FROZEN, 0xFFFF));
    assert_eq!(refused(&mut disk, BLOCK), 3);
    assert_eq!(refused(&mut disk, ANTIFREEZE), 3);
    disk.event(Event::Reset);
    sense(&mut disk, "00 00 00 00 00 00");
    assert_eq!(status(&mut disk), (FROZEN, 0xFFFF), "kept over a reset");
    power_cycle(&mut disk);
    assert_eq!(status(&mut disk), (0, 0xFFFF));
    accepted(&mut disk, BLOCK);
}

#[test]
fn antifreeze_keeps_a_drive_from_being_frozen_until_its_power_is_cycled() {
    let (mut disk, _) = with_secret(Options::default());
    accepted(&mut disk, ANTIFREEZE);
    assert_eq!(status(&mut disk), (ANTIFROZEN, 0xFFFF));
    assert_eq!(refused(&mut disk, FREEZE), 4);
    power_cycle(&mut disk);
    accepted(&mut disk, FREEZE);
}

#[test]
fn sanitize_goes_on_after_a_loss_of_power_and_stands_meanwhile() {
    let (mut disk, clock) = with_secret(Options::default());
    accepted(&mut disk, BLOCK);
    clock.advance(Duration::from_secs(30));
    disk.event(Event::PowerOff);
    clock.advance(Duration::from_secs(1000));
    assert!(has_secret(&mut disk), "without power nothing is erased");
    disk.event(Event::PowerOn);
    sense(&mut disk, "00 00 00 00 00 00");
    set_d_sense(&mut disk);
    assert_eq!(status(&mut disk), (IN_PROGRESS, 0x8000));
    disk.event(Event::Reset);
    sense(&mut disk, "00 00 00 00 00 00");
    clock.advance(Duration::from_secs(30));
    assert_eq!(status(&mut disk), (COMPLETED, 0xFFFF));
    power_cycle(&mut disk);
    assert_eq!(
        status(&mut disk),
        (COMPLETED, 0xFFFF),
        "kept: a stale success"
    );
}

#[test]
fn little_is_allowed_while_a_sanitize_is_in_progress() {
    let (mut disk, clock) = with_secret(Options::default());
    accepted(&mut disk, BLOCK);
    clock.advance(Duration::from_secs(15));
    assert_eq!(read(&mut disk, IDENTIFY).len(), 512);
    let log = "85 09 0E 00 00 00 01 00 30 00 06 00 00 40 2F 00";
    assert_eq!(read(&mut disk, log).len(), 512);
    let verdict = "85 06 20 00 DA 00 00 00 00 00 4F 00 C2 00 B0 00";
    assert_eq!(registers(&mut disk, verdict).lba, 0xC2_4F00);
    for cdb in [
        BLOCK,
        FREEZE,
        ANTIFREEZE,
        // READ DMA EXT, FLUSH CACHE EXT, SMART READ DATA, READ LOG EXT 00h, ERASE PREPARE.
        "85 0D 2E 00 00 00 01 00 03 00 00 00 00 40 25 00",
        "85 07 20 00 00 00 00 00 00 00 00 00 00 40 EA 00",
        "85 08 2E 00 D0 00 01 00 00 00 4F 00 C2 00 B0 00",
        "85 09 2E 00 00 00 01 00 00 00 00 00 00 40 2F 00",
        "85 06 20 00 00 00 00 00 00 00 00 00 00 00 F3 00",
    ] {
        let told = registers(&mut disk, cdb);
        assert_eq!((told.status, told.error), (0x51, 0x04), "{cdb}");
    }
    for cdb in [
        "00 00 00 00 00 00",
        "88 00 00 00 00 00 00 00 00 03 00 00 00 01 00 00",
        "35 00 00 00 00 00 00 00 00 00",
    ] {
        assert_eq!(sense(&mut disk, cdb), (2, 4, 0x1B), "{cdb}");
    }
    let told = read(&mut disk, "03 00 00 00 FC 00");
    assert_eq!((told[2], told[12], told[13]), (2, 4, 0x1B));
    assert_eq!(told[15..18], [0x80, 0x40, 0x00], "progress");
    assert_eq!(read(&mut disk, "12 00 00 00 60 00").len(), 96);
}

#[test]
fn restricted_failure_takes_only_another_restricted_sanitize() {
    let lies = Lies {
        sanitize_fails: Some(1),
        sanitize_keeps: Kept::Unaddressed,
        ..Lies::default()
    };
    let (mut disk, clock) = with_secret(Options {
        lies,
        ..Options::default()
    });
    accepted(&mut disk, BLOCK);
    clock.advance(Duration::from_secs(60));
    assert_eq!(refused(&mut disk, STATUS), 1, "physical sectors remain");
    assert_eq!(refused(&mut disk, CLEAR), 1);
    assert_eq!(refused(&mut disk, BLOCK_UNRESTRICTED), 0);
    assert_eq!(sense(&mut disk, "00 00 00 00 00 00"), (3, 0x31, 3));
    let cdb = "88 00 00 00 00 00 00 00 00 03 00 00 00 01 00 00";
    assert_eq!(sense(&mut disk, cdb), (3, 0x31, 3));
    disk.event(Event::PowerOff);
    disk.event(Event::PowerOn);
    sense(&mut disk, "00 00 00 00 00 00");
    set_d_sense(&mut disk);
    assert_eq!(refused(&mut disk, STATUS), 1, "kept without power");
    assert!(has_secret(&mut disk));
    disk.options_mut().lies = Lies::default();
    accepted(&mut disk, BLOCK);
    clock.advance(Duration::from_secs(60));
    assert_eq!(status(&mut disk), (COMPLETED, 0xFFFF));
    assert!(!has_secret(&mut disk));
}

#[test]
fn unrestricted_failure_can_be_cleared_and_gives_the_old_data_back() {
    let lies = Lies {
        sanitize_fails: Some(0),
        sanitize_keeps: Kept::All,
        ..Lies::default()
    };
    let mut options = Options {
        lies,
        ..Options::default()
    };
    options.sanitize.done_before = true;
    let (mut disk, clock) = with_secret(options);
    accepted(&mut disk, BLOCK_UNRESTRICTED);
    clock.advance(Duration::from_secs(60));
    assert_eq!(refused(&mut disk, STATUS), 0);
    let cleared = registers(&mut disk, CLEAR);
    assert_eq!((cleared.status, cleared.count), (0x50, 0));
    assert_eq!(status(&mut disk), (0, 0xFFFF), "not the success before");
    assert_eq!(read_sector(&mut disk, 3), secret_sector());
}

#[test]
fn locked_drive_is_sanitized_only_where_it_says_so() {
    for overrides in [true, false] {
        let mut options = Options::default();
        options.security.password = Some([b'x'; 32]);
        options.sanitize.overrides_lock = overrides;
        let (mut disk, clock) = disk(options);
        set_d_sense(&mut disk);
        let unrestricted = registers(&mut disk, BLOCK_UNRESTRICTED);
        assert_eq!(unrestricted.status, 0x51);
        let restricted = registers(&mut disk, BLOCK);
        assert_eq!(restricted.status, if overrides { 0x50 } else { 0x51 });
        clock.advance(Duration::from_secs(60));
        assert_eq!(status(&mut disk).0 == COMPLETED, overrides);
        assert_eq!(identify_word(&mut disk, 128) & 4, 4, "still locked");
    }
}

#[test]
fn status_in_fixed_format_has_no_completed_bit() {
    let lies = Lies {
        fixed_sense_only: true,
        ..Lies::default()
    };
    let mut options = Options {
        lies,
        ..Options::default()
    };
    options.sanitize.done_before = true;
    let (mut disk, _) = disk(options);
    let answer = send(&mut disk, STATUS, &[]);
    assert_eq!(answer.status, 2);
    let expected = [
        0x70, 0, 1, 0, 0x50, 0x40, 0, 10, 0xC0, 0xFF, 0xFF, 0, 0, 0x1D,
    ];
    assert_eq!(answer.sense[..14], expected);
}
