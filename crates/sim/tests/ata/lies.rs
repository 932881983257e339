//! Each lie: it shows where the host looks, and the truth is in the cells.

use crate::host::{
    CHECK_POWER, IDENTIFY, SECRET, bytes, disk, has_secret, identify_word, read, read_sector,
    registers, registers_with, secret_sector, send, sense, set_d_sense, write, write_sector,
};
use crate::sanitize::{BLOCK, CRYPTO, OVERWRITE, STATUS, with_secret};
use crate::security::{DISABLE, ENHANCED, ERASE, PREPARE, SET_PASSWORD, UNLOCK, page};
use crate::security::{try_plain, try_with};
use sim::ata::disk::AtaDisk;
use sim::ata::options::{Kept, Lies, Options};
use sim::clock::Clock;
use sim::device::{Event, ScsiDevice};
use std::time::Duration;

/// A solid-state drive that holds the secret and lies.
fn liar(lies: Lies) -> (AtaDisk, Clock) {
    let (mut disk, clock) = with_secret(Options::default());
    disk.options_mut().lies = lies;
    (disk, clock)
}

/// COUNT of the sanitize status.
#[track_caller]
fn status(disk: &mut AtaDisk) -> u16 {
    registers(disk, STATUS).count
}

/// Sets a password and erases; whether that is answered as a success.
#[track_caller]
fn erase(disk: &mut AtaDisk, control: u16) -> bool {
    assert!(try_with(disk, SET_PASSWORD, 0, b"raz"));
    assert!(try_plain(disk, PREPARE));
    registers_with(disk, ERASE, &page(control, b"raz")).status == 0x50
}

#[test]
fn swallowed_sanitize_is_answered_with_a_stale_success() {
    let (mut disk, clock) = liar(Lies {
        sanitize_swallowed: true,
        ..Lies::default()
    });
    let told = registers(&mut disk, BLOCK);
    assert_eq!((told.status, told.count, told.lba), (0x50, 0x8000, 0xFFFF));
    assert_eq!(status(&mut disk), 0x8000);
    clock.advance(Duration::from_secs(3600));
    assert_eq!(read_sector(&mut disk, 3), secret_sector());
    assert!(has_secret(&mut disk));
}

#[test]
fn sanitize_that_keeps_something_says_success() {
    let kept = [Kept::All, Kept::Unaddressed, Kept::Places(0..2176)];
    for kept in kept {
        let (mut disk, clock) = liar(Lies {
            sanitize_keeps: kept.clone(),
            ..Lies::default()
        });
        assert_eq!(registers(&mut disk, BLOCK).count, 0x4000);
        clock.advance(Duration::from_secs(60));
        assert_eq!(status(&mut disk), 0x8000);
        let reads_secret = read_sector(&mut disk, 3) == secret_sector();
        assert_eq!(reads_secret, kept != Kept::Unaddressed);
        let left = disk.cells().find(SECRET);
        assert!(!left.is_empty(), "{kept:?}");
    }
}

#[test]
fn sanitize_that_keeps_a_range_of_places_erases_the_others() {
    let (mut disk, clock) = disk(Options::magnetic());
    set_d_sense(&mut disk);
    disk.options_mut().lies.sanitize_keeps = Kept::Places(4..6);
    for lba in 3..7 {
        write_sector(&mut disk, lba, &secret_sector());
    }
    registers(&mut disk, OVERWRITE);
    clock.advance(Duration::from_secs(7200));
    assert_eq!(status(&mut disk), 0x8000);
    assert_eq!(disk.cells().find(SECRET), [4, 5]);
}

#[test]
fn crypto_scramble_that_keeps_the_key_leaves_what_was_there() {
    let plain = Options {
        encrypts: false,
        ..Options::default()
    };
    let mut kept = Options::default();
    kept.lies.key_kept = true;
    for options in [plain, kept] {
        let (mut disk, clock) = with_secret(options);
        registers(&mut disk, CRYPTO);
        clock.advance(Duration::from_secs(2));
        assert_eq!(status(&mut disk), 0x8000);
        assert_eq!(read_sector(&mut disk, 3), secret_sector());
    }
}

#[test]
fn instant_sanitize_is_done_when_it_has_begun() {
    let (mut disk, _) = liar(Lies {
        instant: true,
        ..Lies::default()
    });
    registers(&mut disk, BLOCK);
    assert_eq!(status(&mut disk), 0x8000);
    assert!(erase(&mut disk, 0));
    assert_eq!(disk.took(), Duration::ZERO);
}

#[test]
fn stuck_sanitize_never_ends() {
    let (mut disk, clock) = liar(Lies {
        stuck_at: Some(655),
        ..Lies::default()
    });
    registers(&mut disk, BLOCK);
    clock.advance(Duration::from_secs(1_000_000));
    let told = registers(&mut disk, STATUS);
    assert_eq!((told.count, told.lba), (0x4000, 655));
    assert!(has_secret(&mut disk));
}

#[test]
fn failed_sanitize_gives_its_reason() {
    let (mut disk, clock) = liar(Lies {
        sanitize_fails: Some(1),
        sanitize_keeps: Kept::Unaddressed,
        ..Lies::default()
    });
    registers(&mut disk, BLOCK);
    clock.advance(Duration::from_secs(60));
    let told = registers(&mut disk, STATUS);
    assert_eq!((told.status, told.error, told.lba), (0x51, 0x04, 1));
    assert!(has_secret(&mut disk));
}

#[test]
fn overwrite_with_a_pattern_of_its_own_shows_in_what_is_read() {
    let mut options = Options::magnetic();
    options.lies.overwrite_pattern = Some([0; 4]);
    let (mut disk, clock) = with_secret(options);
    registers(&mut disk, OVERWRITE);
    clock.advance(Duration::from_secs(7200));
    assert_eq!(status(&mut disk), 0x8000);
    assert_eq!(read_sector(&mut disk, 3), [0; 512]);
}

#[test]
fn bridge_without_sense_data_hides_a_refusal() {
    let (mut disk, _) = liar(Lies {
        sense_empty: true,
        ..Lies::default()
    });
    let unsigned = "85 07 20 00 12 00 00 00 00 00 00 00 00 40 B4 00";
    for cdb in [unsigned, STATUS, CHECK_POWER] {
        let answer = send(&mut disk, cdb, &[]);
        assert_eq!((answer.status, answer.sense.len()), (0, 0));
    }
    let response = "85 1E 20 00 00 00 00 00 00 00 00 00 00 00 00 00";
    assert_eq!(registers(&mut disk, response).count, 0xFF, "when asked");
    assert_eq!(disk.tasks().last().last().unwrap().command, 0xE5, "reached");
    assert!(has_secret(&mut disk));
}

#[test]
fn bridge_that_swallows_pass_through_answers_good_and_passes_nothing_on() {
    let (mut disk, clock) = liar(Lies {
        pass_through_swallowed: true,
        ..Lies::default()
    });
    let before = disk.tasks().total();
    assert_eq!(read(&mut disk, IDENTIFY), [0; 512]);
    assert_eq!(read(&mut disk, BLOCK), []);
    clock.advance(Duration::from_secs(60));
    assert_eq!(disk.tasks().total(), before);
    assert_eq!(read_sector(&mut disk, 3), secret_sector());
}

#[test]
fn bridge_refuses_what_it_does_not_pass_on() {
    let (mut disk, _) = liar(Lies {
        pass_through_28_bit: true,
        ..Lies::default()
    });
    assert_eq!(read(&mut disk, IDENTIFY).len(), 512);
    assert_eq!(sense(&mut disk, STATUS), (5, 0x24, 0));
    disk.options_mut().lies.pass_through_refused = true;
    assert_eq!(sense(&mut disk, IDENTIFY), (5, 0x20, 0));
}

#[test]
fn bridge_that_reserves_the_end_tells_a_smaller_capacity_than_the_drive() {
    let (mut disk, _) = liar(Lies {
        bridge_reserves: 48,
        ..Lies::default()
    });
    let told = read(&mut disk, "25 00 00 00 00 00 00 00 00 00");
    assert_eq!(told[..4], [0, 0, 0x07, 0xCF]);
    assert_eq!(identify_word(&mut disk, 100), 2048);
    let beyond = "88 00 00 00 00 00 00 00 07 D0 00 00 00 01 00 00";
    assert_eq!(sense(&mut disk, beyond), (5, 0x21, 0));
    let directly = "85 0D 0E 00 00 00 01 00 D0 00 07 00 00 40 25 00";
    assert_eq!(read(&mut disk, directly), [0; 512]);
}

#[test]
fn bridge_that_wraps_writes_the_start_instead_of_the_end() {
    let (mut disk, _) = liar(Lies {
        bridge_wraps_at: Some(1024),
        ..Lies::default()
    });
    let secret = secret_sector();
    disk.cells_mut().write(1027, &secret);
    let end = "8A 08 00 00 00 00 00 00 04 03 00 00 00 01 00 00";
    write(&mut disk, end, &[7; 512]);
    assert_eq!(read_sector(&mut disk, 3), [7; 512], "aliased");
    let end = "88 00 00 00 00 00 00 00 04 03 00 00 00 01 00 00";
    assert_eq!(read(&mut disk, end), [7; 512], "reads back as written");
    assert_eq!(disk.cells().read(1027), Some(secret));
}

#[test]
fn hba_that_zeroes_count_makes_one_pass_sixteen_and_a_lasting_max_volatile() {
    let mut options = Options::magnetic();
    options.lies.count_zeroed = true;
    let (mut disk, clock) = with_secret(options);
    let native = "85 07 20 00 00 00 00 00 00 00 00 00 00 40 27 00";
    let set_lasting = "85 07 20 00 00 00 01 00 FF 00 03 00 00 40 37 00";
    registers(&mut disk, native);
    assert_eq!(registers(&mut disk, set_lasting).status, 0x50);
    assert_eq!(identify_word(&mut disk, 100), 1024);
    disk.event(Event::PowerOff);
    disk.event(Event::PowerOn);
    sense(&mut disk, "00 00 00 00 00 00");
    assert_eq!(identify_word(&mut disk, 100), 2048);
    registers(&mut disk, OVERWRITE);
    clock.advance(Duration::from_secs(7200));
    let told = registers(&mut disk, STATUS);
    assert_eq!((told.count, told.lba), (0x4000, 0x1000));
}

#[test]
fn hba_with_fixed_sense_cannot_be_told_otherwise() {
    let (mut disk, _) = liar(Lies {
        fixed_sense_only: true,
        ..Lies::default()
    });
    let list = bytes("00 00 00 00 0A 0A 00 00 00 00 00 00 00 00 00 00");
    disk.command(&bytes("15 10 00 00 10 00"), &list).unwrap();
    assert_eq!(read(&mut disk, "1A 08 4A 00 FF 00")[6], 0);
    let answer = send(&mut disk, CHECK_POWER, &[]);
    let expected = "70 00 01 00 50 00 FF 0A 00 00 00 00 00 1D 00 00 00 00";
    assert_eq!(answer.sense, bytes(expected));
}

#[test]
fn old_kernel_puts_the_registers_of_a_refusal_at_other_offsets() {
    let (mut disk, _) = disk(Options::default());
    disk.options_mut().lies.fixed_sense_misplaced = true;
    let frozen = "85 07 20 00 20 00 00 46 6B 00 4C 00 72 40 B4 00";
    registers(&mut disk, frozen);
    let sense = send(&mut disk, BLOCK, &[]).sense;
    assert_eq!((sense[0], sense[2]), (0x70, 0x0B));
    assert_eq!((sense[8], sense[9], sense[17]), (0x04, 0x51, 3));
    assert_eq!(sense[3..7], [0; 4]);
}

#[test]
fn hba_that_returns_low_bytes_only_loses_the_completed_bit() {
    let (mut disk, clock) = liar(Lies {
        registers_28_bit: true,
        ..Lies::default()
    });
    registers(&mut disk, BLOCK);
    clock.advance(Duration::from_secs(30));
    let told = registers(&mut disk, STATUS);
    assert_eq!((told.status, told.count), (0x50, 0), "in progress unseen");
    assert!(has_secret(&mut disk));
}

#[test]
fn hba_that_returns_the_registers_before_shows_a_refusal_as_success() {
    let (mut disk, _) = liar(Lies {
        registers_of_previous: true,
        ..Lies::default()
    });
    registers(&mut disk, CHECK_POWER);
    let unsigned = "85 07 20 00 12 00 00 00 00 00 00 00 00 40 B4 00";
    let told = registers(&mut disk, unsigned);
    assert_eq!(
        (told.status, told.count),
        (0x50, 0xFF),
        "of CHECK POWER MODE"
    );
    assert_eq!(registers(&mut disk, CHECK_POWER).status, 0x51, "one late");
}

#[test]
fn silent_command_is_never_answered() {
    let (mut disk, _) = liar(Lies {
        hangs_on: Some(0x2F),
        ..Lies::default()
    });
    let log = bytes("85 09 0E 00 00 00 01 00 30 00 06 00 00 40 2F 00");
    assert!(disk.command(&log, &[]).is_none());
    assert_eq!(read(&mut disk, IDENTIFY).len(), 512, "the others are");
}

#[test]
fn locked_drive_reads_as_zeros_and_holds_its_data() {
    let (mut disk, _) = liar(Lies {
        zeros_while_locked: true,
        ..Lies::default()
    });
    assert!(try_with(&mut disk, SET_PASSWORD, 0, b"raz"));
    disk.event(Event::PowerOff);
    disk.event(Event::PowerOn);
    sense(&mut disk, "00 00 00 00 00 00");
    set_d_sense(&mut disk);
    assert_eq!(identify_word(&mut disk, 128) & 4, 4);
    assert_eq!(read_sector(&mut disk, 3), [0; 512]);
    assert!(has_secret(&mut disk));
    assert!(try_with(&mut disk, UNLOCK, 0, b"raz"));
    assert_eq!(read_sector(&mut disk, 3), secret_sector());
}

#[test]
fn security_erase_that_keeps_the_data_says_success_and_forgets_the_password() {
    for control in [0, ENHANCED] {
        let (mut disk, _) = liar(Lies {
            erase_keeps: Kept::All,
            ..Lies::default()
        });
        assert!(erase(&mut disk, control));
        assert_eq!(identify_word(&mut disk, 128), 0x0021);
        assert_eq!(read_sector(&mut disk, 3), secret_sector());
    }
}

#[test]
fn enhanced_erase_that_leaves_the_spares_says_success() {
    let (mut disk, _) = liar(Lies {
        erase_keeps: Kept::Unaddressed,
        ..Lies::default()
    });
    assert!(erase(&mut disk, ENHANCED));
    assert_ne!(read_sector(&mut disk, 3), secret_sector());
    assert!(has_secret(&mut disk));
}

#[test]
fn normal_erase_may_leave_the_protected_area() {
    let mut options = Options::magnetic();
    options.accessible = Some(1000);
    options.lies.erase_leaves_hidden = true;
    let (mut disk, _) = disk(options);
    disk.cells_mut().write(1000, &secret_sector());
    assert!(erase_fixed(&mut disk));
    assert_eq!(disk.cells().find(SECRET), [1000]);
}

/// As [`erase`], without registers.
fn erase_fixed(disk: &mut AtaDisk) -> bool {
    let good = |disk: &mut AtaDisk, cdb: &str, out: &[u8]| send(disk, cdb, out).status == 0;
    let page = page(0, b"raz");
    good(
        disk,
        "85 0A 06 00 00 00 01 00 00 00 00 00 00 00 F1 00",
        &page,
    ) && good(disk, "85 06 00 00 00 00 00 00 00 00 00 00 00 00 F3 00", &[])
        && good(
            disk,
            "85 0A 06 00 00 00 01 00 00 00 00 00 00 00 F4 00",
            &page,
        )
}

#[test]
fn reset_in_the_middle_of_an_erase_is_success_with_the_drive_left_locked() {
    let (mut disk, _) = liar(Lies {
        erase_reset: true,
        ..Lies::default()
    });
    assert!(try_with(&mut disk, SET_PASSWORD, 0, b"raz"));
    assert!(try_plain(&mut disk, PREPARE));
    let told = registers_with(&mut disk, ERASE, &page(0, b"raz"));
    assert_eq!((told.status, told.error), (0x50, 0x01));
    assert_eq!(sense(&mut disk, IDENTIFY), (6, 0x29, 0));
    assert_eq!(identify_word(&mut disk, 128) & 6, 6, "enabled and locked");
    assert!(has_secret(&mut disk));
    assert!(try_with(&mut disk, UNLOCK, 0, b"raz"));
    assert!(try_with(&mut disk, DISABLE, 0, b"raz"));
}

#[test]
fn worn_out_medium_ignores_writes_with_success() {
    let (mut disk, _) = liar(Lies {
        writes_ignored_after: Some(4),
        ..Lies::default()
    });
    // Three writes were made with the secret.
    write_sector(&mut disk, 8, &[1; 512]);
    write_sector(&mut disk, 3, &[1; 512]);
    assert_eq!(read_sector(&mut disk, 8), [1; 512]);
    assert_eq!(read_sector(&mut disk, 3), secret_sector());
}

#[test]
fn elided_zeros_read_as_zeros_and_leave_what_was_there() {
    let mut options = Options::magnetic();
    options.lies.zeros_elided = true;
    let (mut disk, _) = disk(options);
    write_sector(&mut disk, 3, &secret_sector());
    write_sector(&mut disk, 3, &[0; 512]);
    assert_eq!(read_sector(&mut disk, 3), [0; 512]);
    assert_eq!(disk.cells().find(SECRET), [3]);
}

#[test]
fn ignored_flush_loses_what_was_flushed() {
    let mut options = Options::magnetic();
    options.lies.flush_ignored = true;
    let (mut disk, _) = disk(options);
    write_sector(&mut disk, 3, &[1; 512]);
    assert_eq!(read(&mut disk, "35 00 00 00 00 00 00 00 00 00"), []);
    disk.event(Event::PowerOff);
    disk.event(Event::PowerOn);
    assert_eq!(disk.cells().read(3), Some(vec![0; 512]));
}

#[test]
fn identity_changes_in_the_middle() {
    let (mut disk, _) = disk(Options::default());
    disk.options_mut().lies.identity_changes_after = Some(2);
    let before = read(&mut disk, IDENTIFY);
    let after = read(&mut disk, IDENTIFY);
    assert_eq!(&before[20..32], b"IS-MTA-A0010");
    assert_eq!(&after[20..34], b"NATOEH-RRDVI E");
    assert_eq!((before[222], after[222]), (1, 2), "the name's last byte");
    let serial = read(&mut disk, "12 01 80 00 FF 00");
    assert_eq!(&serial[4..17], b"ANOTHER-DRIVE");
}

#[test]
fn short_read_lacks_its_last_sector() {
    let (mut disk, _) = disk(Options::default());
    disk.options_mut().lies.reads_short = true;
    let eight = "88 00 00 00 00 00 00 00 00 00 00 00 00 08 00 00";
    assert_eq!(read(&mut disk, eight).len(), 7 * 512);
    assert_eq!(read_sector(&mut disk, 7).len(), 512);
}

#[test]
fn native_max_told_as_a_count_is_one_too_many() {
    let (mut disk, _) = disk(Options::default());
    disk.options_mut().lies.native_max_is_count = true;
    let native = "85 07 20 00 00 00 00 00 00 00 00 00 00 40 27 00";
    assert_eq!(registers(&mut disk, native).lba, 2048);
}

#[test]
fn failing_drive_says_so_by_smart() {
    let (mut disk, _) = disk(Options::default());
    disk.options_mut().lies.smart_failing = true;
    let verdict = "85 06 20 00 DA 00 00 00 00 00 4F 00 C2 00 B0 00";
    assert_eq!(registers(&mut disk, verdict).lba, 0x2C_F400);
}
