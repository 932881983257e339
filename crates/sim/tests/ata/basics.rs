//! SCSI commands, pass-through, IDENTIFY, logs, SMART, the cache, TRIM.

use crate::host::{
    CHECK_POWER, IDENTIFY, SECRET, bytes, disk, has_secret, identify_word, read, read_sector,
    registers, secret_sector, send, sense, sense_with, set_d_sense, word, write, write_sector,
};
use sim::ata::options::Options;
use sim::device::{Event, ScsiDevice};
use std::collections::BTreeSet;
use std::time::Duration;

#[test]
fn inquiry_names_the_disk_and_its_pages() {
    let (mut disk, _) = disk(Options::default());
    let standard = read(&mut disk, "12 00 00 00 60 00");
    assert_eq!(standard.len(), 96);
    assert_eq!(&standard[8..16], b"ATA     ");
    assert_eq!(&standard[16..32], b"SIMULATED ATA DI");
    assert_eq!(read(&mut disk, "12 00 00 00 24 00").len(), 36, "cut");
    let pages = read(&mut disk, "12 01 00 00 FF 00");
    assert_eq!(pages, bytes("00 00 00 07 00 80 83 89 B0 B1 B2"));
    let serial = read(&mut disk, "12 01 80 00 FF 00");
    assert_eq!(&serial[..4], [0, 0x80, 0, 20]);
    assert_eq!(&serial[4..], b"SIM-ATA-0001        ");
    let identifiers = read(&mut disk, "12 01 83 00 FF 00");
    let naa = bytes("01 03 00 08 50 00 C5 00 00 00 00 01");
    assert!(identifiers.ends_with(&naa));
    let ata = read(&mut disk, "12 01 89 02 3C 00");
    assert_eq!(ata.len(), 572);
    assert_eq!(ata[..4], [0, 0x89, 0x02, 0x38]);
    assert_eq!(ata[36], 0x34);
    assert_eq!(ata[56], 0xEC);
    assert_eq!(ata[60..], read(&mut disk, IDENTIFY));
    assert_eq!(read(&mut disk, "12 01 B0 00 40 00").len(), 64);
    assert_eq!(read(&mut disk, "12 01 B1 00 40 00")[4..6], [0, 1]);
    assert_eq!(read(&mut disk, "12 01 B2 00 40 00")[5], 0x84);
    assert_eq!(sense(&mut disk, "12 01 C0 00 40 00"), (5, 0x24, 0));
}

#[test]
fn unit_attention_precedes_the_first_command_and_not_inquiry() {
    let clock = sim::clock::Clock::by_hand();
    let mut disk = sim::ata::disk::AtaDisk::new(Options::default(), clock);
    assert_eq!(read(&mut disk, "12 00 00 00 60 00").len(), 96);
    assert_eq!(sense(&mut disk, IDENTIFY), (6, 0x29, 0));
    assert_eq!(read(&mut disk, IDENTIFY).len(), 512);
    disk.event(Event::Reset);
    let told = read(&mut disk, "03 00 00 00 FC 00");
    assert_eq!((told[0], told[2], told[12], told[13]), (0x70, 6, 0x29, 0));
    let told = read(&mut disk, "03 01 00 00 FC 00");
    assert_eq!(told[..4], [0x72, 0, 0, 0], "told once");
}

#[test]
fn disk_without_power_answers_nothing() {
    let (mut disk, _) = disk(Options::default());
    disk.event(Event::PowerOff);
    assert!(disk.command(&bytes("00 00 00 00 00 00"), &[]).is_none());
    disk.event(Event::PowerOn);
    assert_eq!(sense(&mut disk, "00 00 00 00 00 00"), (6, 0x29, 0));
}

#[test]
fn unknown_commands_are_refused() {
    let (mut disk, _) = disk(Options::default());
    for cdb in [
        "48 03 00 00 00 00 00 00 00 00",
        "B5 EF 00 00 00 00 00 00 00 00 00 00",
        "4D 00 40 00 00 00 00 00 40 00",
        "9E 11 00 00 00 00 00 00 00 00 00 00 00 20 00 00",
    ] {
        assert_eq!(sense(&mut disk, cdb), (5, 0x20, 0), "{cdb}");
    }
    let commands: Vec<u8> = disk.commands().last().map(|cdb| cdb[0]).collect();
    assert_eq!(commands, [0x00, 0x48, 0xB5, 0x4D, 0x9E]);
    assert_eq!(disk.commands().total(), 5);
    assert_eq!(disk.tasks().total(), 0);
}

#[test]
fn command_block_ends_where_its_group_says() {
    let (mut disk, _) = disk(Options::default());
    let padded = format!("{IDENTIFY} 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00");
    assert_eq!(read(&mut disk, &padded).len(), 512);
    assert_eq!(sense(&mut disk, "85 08 0E"), (5, 0x20, 0), "too short");
}

#[test]
fn no_bytes_bring_the_model_down() {
    const OPERATIONS: [u8; 24] = [
        0x00, 0x03, 0x12, 0x15, 0x1A, 0x1B, 0x25, 0x28, 0x2A, 0x2F, 0x35, 0x42, 0x55, 0x5A, 0x85,
        0x85, 0x85, 0x88, 0x8A, 0x8F, 0x91, 0x9E, 0xA0, 0xA1,
    ];
    let mut random = sim::random::Random::new(4);
    let (mut disk, clock) = disk(Options::default());
    for _ in 0..50_000 {
        let mut cdb: Vec<u8> = (0..16).map(|_| random.number().to_le_bytes()[0]).collect();
        cdb[0] = random.pick(&OPERATIONS);
        if cdb[0] == 0x85 && !random.one_in(4) {
            let known = [
                0x25, 0x35, 0x06, 0xB4, 0xB0, 0xB1, 0xF1, 0xF4, 0x27, 0x37, 0x78, 0x2F, 0xEC, 0xEF,
            ];
            cdb[14] = random.pick(&known);
            cdb[1] = random.pick(&[6, 7, 8, 9, 10, 12, 13, 30]);
            cdb[2] = random.pick(&[0x20, 0x2E, 0x26, 0x0E, 0x06]);
            cdb[5] = 0;
            cdb[6] &= 3;
        }
        let length = random.pick(&[0, 8, 24, 512, 1024]);
        let out: Vec<u8> = (0..length)
            .map(|_| random.number().to_le_bytes()[7])
            .collect();
        disk.command(&cdb, &out);
        if random.one_in(500) {
            clock.advance(Duration::from_secs(3600));
            disk.event(Event::PowerOff);
            disk.event(Event::PowerOn);
        }
    }
    assert!(disk.tasks().total() > 5_000, "{}", disk.tasks().total());
}

#[test]
fn capacity_is_the_last_address_and_the_sizes() {
    let (mut disk, _) = disk(Options::default());
    let ten = read(&mut disk, "25 00 00 00 00 00 00 00 00 00");
    assert_eq!(ten, bytes("00 00 07 FF 00 00 02 00"));
    let sixteen = read(&mut disk, "9E 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00");
    let expected = "00 00 00 00 00 00 07 FF 00 00 02 00 00 03 C0 00";
    assert_eq!(sixteen[..16], bytes(expected));
    assert_eq!(sixteen.len(), 32);
}

#[test]
fn capacity_beyond_32_bits_is_told_by_the_long_command_only() {
    let (mut disk, _) = disk(Options {
        sectors: 0x1_0000_0001,
        ..Options::default()
    });
    let ten = read(&mut disk, "25 00 00 00 00 00 00 00 00 00");
    assert_eq!(ten[..4], [0xFF; 4]);
    let page = read(&mut disk, IDENTIFY);
    assert_eq!(page[120..124], [0xFF, 0xFF, 0xFF, 0x0F]);
    assert_eq!(page[200..208], [1, 0, 0, 0, 1, 0, 0, 0]);
}

#[test]
fn identify_is_sealed_and_says_what_the_options_say() {
    let (mut disk, _) = disk(Options::default());
    let page = read(&mut disk, IDENTIFY);
    let sum = page.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    assert_eq!((page[510], sum), (0xA5, 0));
    assert_eq!(&page[20..40], b"IS-MTA-A0010        ", "swapped");
    assert_eq!(word(&page, 59), 0xFC00);
    assert_eq!(word(&page, 69) & 0x4030, 0x4030);
    assert_eq!(word(&page, 82) & 0x0463, 0x0463);
    assert_eq!(word(&page, 85) & 0x0463, 0x0461, "no password");
    assert_eq!(word(&page, 83) & 0xFC00, 0x7C00);
    assert_eq!(word(&page, 84), 0x4163);
    assert_eq!((word(&page, 89), word(&page, 90)), (60, 1), "two minutes");
    assert_eq!(word(&page, 92), 0xFFFE);
    assert_eq!(page[200..208], [0, 8, 0, 0, 0, 0, 0, 0]);
    assert_eq!(word(&page, 106), 0x6003);
    assert_eq!(
        [108, 109, 110, 111].map(|number| word(&page, number)),
        [0x5000, 0xC500, 0x0000, 0x0001]
    );
    assert_eq!((word(&page, 128), word(&page, 169)), (0x0021, 1));
    assert_eq!(word(&page, 217), 1);
}

#[test]
fn identify_of_a_magnetic_disk_of_4096_bytes_says_so() {
    let (mut disk, _) = disk(Options {
        logical_sector_bytes: 4096,
        physical_exponent: 0,
        security: sim::ata::options::SecurityOptions {
            erase_time: Duration::from_secs(600 * 60),
            ..sim::ata::options::SecurityOptions::default()
        },
        ..Options::magnetic()
    });
    let page = read(&mut disk, IDENTIFY);
    assert_eq!(word(&page, 59), 0x5C00, "overwrite, antifreeze");
    assert_eq!((word(&page, 106), word(&page, 117)), (0x5000, 2048));
    assert_eq!((word(&page, 169), word(&page, 217)), (0, 7200));
    assert_eq!(word(&page, 89), 0x812C, "long form: 300 times two minutes");
    let cdb = "8A 08 00 00 00 00 00 00 00 05 00 00 00 01 00 00";
    write(&mut disk, cdb, &[7; 4096]);
    assert_eq!(read_sector(&mut disk, 5), [7; 4096]);
}

#[test]
fn check_power_returns_its_count_in_a_descriptor() {
    let (mut disk, _) = disk(Options::default());
    let answer = send(&mut disk, CHECK_POWER, &[]);
    let expected = "72 01 00 1D 00 00 00 0E 09 0C 00 00 00 FF 00 00 00 00 00 00 00 50";
    assert_eq!((answer.status, answer.sense), (2, bytes(expected)));
    assert_eq!(read(&mut disk, "1B 00 00 00 00 00"), []);
    assert_eq!(registers(&mut disk, CHECK_POWER).count, 0x00, "standby");
    assert_eq!(sense(&mut disk, "00 00 00 00 00 00"), (2, 4, 2));
    assert_eq!(read(&mut disk, "1B 00 00 00 01 00"), []);
    let short = "A1 06 20 00 00 00 00 00 00 E5 00 00";
    assert_eq!(registers(&mut disk, short).count, 0x00);
    read_sector(&mut disk, 0);
    assert_eq!(registers(&mut disk, short).count, 0xFF, "spun up by a read");
}

#[test]
fn refused_pass_through_is_fixed_until_d_sense_is_set() {
    let (mut disk, _) = disk(Options::default());
    let unknown = "85 07 20 00 11 12 34 00 00 00 00 00 00 40 99 00";
    let answer = send(&mut disk, unknown, &[]);
    let sense = answer.sense;
    assert_eq!((sense[0], sense[2], sense[12]), (0x70, 0x0B, 0));
    assert_eq!(
        sense[3..7],
        [0x04, 0x51, 0x40, 0x34],
        "error, status, device, count"
    );
    assert_eq!(sense[8], 0xC0, "48 bits, COUNT 15:8 not zero and lost");
    set_d_sense(&mut disk);
    let told = registers(&mut disk, unknown);
    assert_eq!((told.error, told.status, told.count), (0x04, 0x51, 0x1234));
    let modes = read(&mut disk, "1A 08 0A 00 FF 00");
    assert_eq!(
        modes,
        bytes("0F 00 10 00 0A 0A 04 00 00 00 00 00 00 00 00 00")
    );
    let changeable = read(&mut disk, "1A 08 4A 00 FF 00");
    assert_eq!(changeable[6], 0x04);
}

#[test]
fn pass_through_that_contradicts_itself_is_refused_by_the_translation() {
    let (mut disk, _) = disk(Options::default());
    for cdb in [
        // IDENTIFY without data, to the drive, without length, by an unknown protocol.
        "85 06 00 00 00 00 01 00 00 00 00 00 00 00 EC 00",
        "85 08 06 00 00 00 01 00 00 00 00 00 00 00 EC 00",
        "85 08 0E 00 00 00 00 00 00 00 00 00 00 00 EC 00",
        "85 10 0E 00 00 00 01 00 00 00 00 00 00 00 EC 00",
        // Response information before any command.
        "85 1E 20 00 00 00 00 00 00 00 00 00 00 00 00 00",
    ] {
        assert_eq!(sense(&mut disk, cdb), (5, 0x24, 0), "{cdb}");
    }
    assert_eq!(disk.tasks().total(), 0);
    read(&mut disk, IDENTIFY);
    let response = "85 1E 20 00 00 00 00 00 00 00 00 00 00 00 00 00";
    assert_eq!(registers(&mut disk, response).status, 0x50);
}

#[test]
fn sectors_are_written_and_read_by_both_ways() {
    let (mut disk, _) = disk(Options::default());
    let two = [secret_sector(), vec![9; 512]].concat();
    write(&mut disk, "2A 00 00 00 00 FE 00 00 02 00", &two);
    assert!(!has_secret(&mut disk), "in the cache");
    let dma = "85 0D 0E 00 00 00 02 00 FE 00 00 00 00 40 25 00";
    assert_eq!(read(&mut disk, dma), two);
    assert_eq!(read(&mut disk, "35 00 00 00 00 00 00 00 00 00"), []);
    assert!(has_secret(&mut disk));
    let pio = "85 0A 06 00 00 00 01 00 FE 00 00 00 00 40 30 00";
    write(&mut disk, pio, &[3; 512]);
    assert_eq!(read_sector(&mut disk, 0xFE), [3; 512]);
    assert_eq!(read(&mut disk, "2F 00 00 00 00 00 00 08 00 00"), []);
    let beyond = "88 00 00 00 00 00 00 00 07 FF 00 00 00 02 00 00";
    assert_eq!(sense(&mut disk, beyond), (5, 0x21, 0));
    let beyond = "85 0D 0E 00 00 00 01 00 00 00 08 00 00 40 25 00";
    assert_eq!(sense(&mut disk, beyond), (5, 0x21, 0));
}

#[test]
fn unflushed_sectors_are_lost_with_the_power() {
    let (mut disk, _) = disk(Options::default());
    let cdb = "2A 00 00 00 00 01 00 00 01 00";
    write(&mut disk, cdb, &secret_sector());
    disk.event(Event::PowerOff);
    disk.event(Event::PowerOn);
    sense(&mut disk, "00 00 00 00 00 00");
    assert_eq!(read_sector(&mut disk, 1), [0; 512]);
    // The same with the cache off, by the caching page.
    let list = bytes("00 00 00 00 08 12 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00");
    write(&mut disk, "15 10 00 00 18 00", &list);
    assert_eq!(identify_word(&mut disk, 85) & 0x20, 0);
    write(&mut disk, cdb, &secret_sector());
    disk.event(Event::PowerOff);
    disk.event(Event::PowerOn);
    assert!(has_secret(&mut disk));
}

#[test]
fn mode_select_changes_nothing_else() {
    let (mut disk, _) = disk(Options::default());
    let list = bytes("00 00 00 00 0A 0A 06 00 00 00 00 00 00 00 00 00");
    assert_eq!(
        sense_with(&mut disk, "15 10 00 00 10 00", &list),
        (5, 0x26, 0)
    );
    let long = bytes("00 00 00 00 00 00 00 00 0A 0A 04 00 00 00 00 00 00 00 00 00");
    write(&mut disk, "55 10 00 00 00 00 00 00 14 00", &long);
    let all = read(&mut disk, "5A 00 3F 00 00 00 00 00 FF 00");
    assert_eq!(all[..8], bytes("00 3A 00 10 00 00 00 08"));
    assert_eq!(all[8..16], bytes("00 00 08 00 00 00 02 00"), "2048 of 512");
    assert_eq!(all.len(), 0x3A + 2);
    assert_eq!(all[50], 0x04, "D_SENSE");
}

#[test]
fn trimmed_sectors_read_as_zeros_and_their_bytes_stay() {
    let (mut disk, _) = disk(Options::default());
    for lba in 0..4 {
        write_sector(&mut disk, lba, &secret_sector());
    }
    let list = bytes("00 16 00 10 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 02 00 00 00 00");
    write(&mut disk, "42 00 00 00 00 00 00 00 18 00", &list);
    assert_eq!(read_sector(&mut disk, 1), [0; 512]);
    assert_eq!(read_sector(&mut disk, 2), secret_sector());
    let mut ranges = vec![0; 512];
    ranges[..8].copy_from_slice(&[2, 0, 0, 0, 0, 0, 2, 0]);
    let trim = "85 0D 06 00 01 00 01 00 00 00 00 00 00 40 06 00";
    write(&mut disk, trim, &ranges);
    assert_eq!(read_sector(&mut disk, 3), [0; 512]);
    assert_eq!(disk.cells().find(SECRET).len(), 4);
}

#[test]
fn trimmed_sectors_of_a_drive_that_promises_nothing_read_as_anything() {
    let options = Options {
        trim_zeros: false,
        trim_deterministic: false,
        ..Options::default()
    };
    let (mut disk, _) = disk(options);
    assert_eq!(identify_word(&mut disk, 69) & 0x4020, 0);
    let list = bytes("00 16 00 10 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 02 00 00 00 00");
    write(&mut disk, "42 00 00 00 00 00 00 00 18 00", &list);
    assert_ne!(read_sector(&mut disk, 1), read_sector(&mut disk, 1));
}

#[test]
fn unreadable_sector_is_a_medium_error_until_it_is_written_and_leaves_its_bytes() {
    let (mut disk, _) = disk(Options::magnetic());
    write_sector(&mut disk, 9, &secret_sector());
    disk.options_mut().unreadable = BTreeSet::from([9]);
    let cdb = "88 00 00 00 00 00 00 00 00 08 00 00 00 04 00 00";
    let answer = send(&mut disk, cdb, &[]);
    assert_eq!(answer.sense[..7], [0xF0, 0, 3, 0, 0, 0, 9]);
    assert_eq!(answer.sense[12..14], [0x11, 0x04]);
    write_sector(&mut disk, 9, &[0; 512]);
    assert_eq!(read_sector(&mut disk, 9), [0; 512]);
    assert!(has_secret(&mut disk), "in the sector that was replaced");
    let data = read(&mut disk, "85 08 0E 00 D0 00 01 00 00 00 4F 00 C2 00 B0 00");
    assert_eq!((data[2], data[7]), (5, 1), "reallocated sectors");
}

#[test]
fn smart_has_a_verdict_self_tests_and_logs() {
    let (mut disk, clock) = disk(Options::default());
    let verdict = "85 06 20 00 DA 00 00 00 00 00 4F 00 C2 00 B0 00";
    assert_eq!(registers(&mut disk, verdict).lba, 0xC2_4F00);
    let short = "85 06 20 00 D4 00 00 00 01 00 4F 00 C2 00 B0 00";
    assert_eq!(registers(&mut disk, short).status, 0x50);
    let data = "85 08 0E 00 D0 00 01 00 00 00 4F 00 C2 00 B0 00";
    assert_eq!(read(&mut disk, data)[363], 0xF9);
    clock.advance(Duration::from_secs(60));
    let page = read(&mut disk, data);
    assert_eq!(page[363], 0);
    let sum = page.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    assert_eq!(sum, 0);
    let tests = read(&mut disk, "85 08 0E 00 D5 00 01 00 06 00 4F 00 C2 00 B0 00");
    assert_eq!((tests[2], tests[3], tests[508]), (1, 0, 1));
    let thresholds = "85 08 0E 00 D1 00 01 00 00 00 4F 00 C2 00 B0 00";
    assert_eq!(read(&mut disk, thresholds)[2..4], [5, 10]);
    let no_key = "85 06 20 00 DA 00 00 00 00 00 00 00 00 00 B0 00";
    assert_eq!(registers_of_refusal(&mut disk, no_key), 0x04);
    let off = "85 06 20 00 D9 00 00 00 00 00 4F 00 C2 00 B0 00";
    assert_eq!(registers(&mut disk, off).status, 0x50);
    assert_eq!(identify_word(&mut disk, 85) & 1, 0);
    assert_eq!(registers_of_refusal(&mut disk, verdict), 0x04);
}

#[test]
fn self_test_is_lost_with_the_power_and_one_that_ended_is_not() {
    let data = "85 08 0E 00 D0 00 01 00 00 00 4F 00 C2 00 B0 00";
    let short = "85 06 20 00 D4 00 00 00 01 00 4F 00 C2 00 B0 00";
    for (seconds, status) in [(59, 0x10), (60, 0x00)] {
        let (mut disk, clock) = disk(Options::default());
        registers(&mut disk, short);
        clock.advance(Duration::from_secs(seconds));
        disk.event(Event::PowerOff);
        disk.event(Event::PowerOn);
        sense(&mut disk, "00 00 00 00 00 00");
        assert_eq!(read(&mut disk, data)[363], status);
    }
}

/// The error register in fixed format.
fn registers_of_refusal(disk: &mut sim::ata::disk::AtaDisk, cdb: &str) -> u8 {
    send(disk, cdb, &[]).sense[3]
}

#[test]
fn logs_are_listed_and_the_security_page_tells_of_the_override() {
    let (mut disk, _) = disk(Options::default());
    let list = read(&mut disk, "85 09 0E 00 00 00 01 00 00 00 00 00 00 40 2F 00");
    assert_eq!((list[0], list[0x60], list[0x20]), (1, 7, 1));
    let pages = "85 09 0E 00 00 00 01 00 30 00 00 00 00 40 2F 00";
    assert_eq!(read(&mut disk, pages)[8..14], [5, 0, 1, 2, 5, 6]);
    let copy = "85 09 0E 00 00 00 01 00 30 00 01 00 00 40 2F 00";
    assert_eq!(read(&mut disk, copy), read(&mut disk, IDENTIFY));
    let security = "85 09 0E 00 00 00 01 00 30 00 06 00 00 40 2F 00";
    let page = read(&mut disk, security);
    assert_eq!(page[48..56], [0x81, 0, 0, 0, 0, 0, 0, 0x80]);
    assert_eq!((page[2], page[16]), (6, 0x21));
    let capacity = "85 09 0E 00 00 00 01 00 30 00 02 00 00 40 2F 00";
    assert_eq!(
        read(&mut disk, capacity)[8..16],
        [0, 8, 0, 0, 0, 0, 0, 0x80]
    );
    let unknown = "85 09 0E 00 00 00 01 00 E0 00 00 00 00 40 2F 00";
    assert_eq!(sense(&mut disk, unknown), (0x0B, 0, 0));
    let queued = "85 09 0E 00 00 00 01 00 10 00 00 00 00 40 2F 00";
    let page = read(&mut disk, queued);
    assert_eq!((page[0], page[511]), (0x80, 0x80));
}
