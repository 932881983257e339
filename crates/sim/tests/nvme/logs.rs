//! Logs, features, self-tests.

use crate::support::{ALL, Bench, SECRET, dword, qword, sector, small, word};
use sim::device::{Event, NvmeDevice};

#[test]
fn smart_log_counts_and_comes_in_parts() {
    let mut bench = Bench::new(small());
    bench.write(1, 3, &sector(SECRET, 512));
    bench.pass(7200);
    bench.drive.event(Event::PowerOff);
    bench.drive.event(Event::PowerOn);
    let log = bench.log(0x02, 512);
    assert_eq!(log[0], 0);
    assert_eq!(word(&log, 1), 308, "kelvin");
    assert_eq!(log[3..6], [100, 10, 3]);
    assert_eq!(qword(&log, 48), 1, "units written");
    assert_eq!(qword(&log, 112), 41, "power cycles");
    assert_eq!(qword(&log, 128), 1002, "hours");
    assert_eq!(qword(&log, 144), 1, "unsafe shutdowns");
    assert_eq!(qword(&log, 160), 0, "media errors");
    let part = bench.admin(0x02, ALL, [1 << 16 | 2, 0, 112, 0, 0, 0]);
    assert_eq!(part.data, [41, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bench.admin(0x02, ALL, [2, 0, 516, 0, 0, 0]).status, 0x002);
    assert_eq!(bench.status(0x02, ALL, 0xC7), 0x109);
}

#[test]
fn firmware_log_names_the_one_slot() {
    let log = Bench::new(small()).log(0x03, 512);
    assert_eq!(log[0], 1);
    assert_eq!(&log[8..16], b"1.0     ");
}

#[test]
fn self_test_runs_by_the_clock_and_is_logged() {
    let mut bench = Bench::new(small());
    assert_eq!(bench.log(0x06, 564)[4], 0x0F, "never used");
    assert_eq!(bench.status(0x14, ALL, 2), 0);
    assert_eq!(bench.status(0x14, ALL, 1), 0x11D, "one runs");
    bench.pass(600);
    assert_eq!(bench.log(0x06, 564)[..2], [2, 50]);
    bench.drive.event(Event::Reset);
    assert_eq!(bench.log(0x06, 564)[0], 2, "an extended test goes on");
    bench.pass(600);
    let log = bench.log(0x06, 564);
    assert_eq!(log[0], 0);
    assert_eq!(log[4], 0x20, "extended, passed");
    assert_eq!(dword(&log, 16), ALL);
}

#[test]
fn self_test_ends_by_command_reset_format_and_sanitize() {
    let mut bench = Bench::new(small());
    bench.status(0x14, ALL, 1);
    bench.status(0x14, ALL, 0xF);
    assert_eq!(bench.log(0x06, 564)[4], 0x11);
    bench.status(0x14, ALL, 1);
    bench.drive.event(Event::Reset);
    assert_eq!(bench.log(0x06, 564)[4], 0x12);
    bench.status(0x14, ALL, 1);
    assert_eq!(bench.status(0x80, 1, 1 << 9), 0);
    assert_eq!(bench.log(0x06, 564)[4], 0x14);
    bench.status(0x14, ALL, 1);
    assert_eq!(bench.sanitize(0x2), 0);
    bench.pass(60);
    let log = bench.log(0x06, 564);
    assert_eq!(
        [log[4], log[32], log[60], log[88]],
        [0x19, 0x14, 0x12, 0x11]
    );
}

#[test]
fn features_are_kept_until_a_reset_unless_they_are_saved() {
    let mut bench = Bench::new(small());
    assert_eq!(bench.admin(0x0A, 0, [0x17, 0, 0, 0, 0, 0]).result, 0);
    assert_eq!(bench.admin(0x09, 0, [0x17, 1, 0, 0, 0, 0]).status, 0);
    assert_eq!(bench.admin(0x0A, 0, [0x17, 0, 0, 0, 0, 0]).result, 1);
    bench.drive.event(Event::Reset);
    assert_eq!(bench.admin(0x0A, 0, [0x17, 0, 0, 0, 0, 0]).result, 0);
    bench.admin(0x09, 0, [1 << 31 | 0x17, 1, 0, 0, 0, 0]);
    bench.drive.event(Event::Reset);
    assert_eq!(bench.admin(0x0A, 0, [0x17, 0, 0, 0, 0, 0]).result, 1);
    assert_eq!(
        bench.admin(0x0A, 0, [0x117, 0, 0, 0, 0, 0]).result,
        0,
        "default"
    );
    assert_eq!(bench.status(0x09, 0, 1 << 31 | 0x0B), 0x10D);
    assert_eq!(bench.status(0x09, 0, 0x7F), 0x002);
}

#[test]
fn queues_are_granted_up_to_a_number_and_keep_alive_is_answered() {
    let mut bench = Bench::new(small());
    let few = bench.admin(0x09, 0, [0x07, 1 << 16 | 2, 0, 0, 0, 0]);
    assert_eq!(few.result, 1 << 16 | 2);
    let many = bench.admin(0x09, 0, [0x07, 0x00FF_00FF, 0, 0, 0, 0]);
    assert_eq!(many.result, 0x0007_0007);
    assert_eq!(bench.status(0x18, 0, 0), 0);
}

#[test]
fn event_log_tells_formats_and_sanitize_operations() {
    let mut bench = Bench::new(small());
    let read = 511 << 16 | 0x0D;
    assert_eq!(bench.status(0x02, ALL, read), 0x00C, "no context");
    assert_eq!(bench.status(0x80, 1, 1 << 9), 0);
    assert_eq!(bench.sanitize(0x2), 0);
    assert_eq!(
        bench.status(0x02, ALL, read | 1 << 8),
        0x01D,
        "not meanwhile"
    );
    bench.pass(60);
    let log = bench.admin(0x02, ALL, [read | 1 << 8, 0, 0, 0, 0, 0]).data;
    assert_eq!(log[0], 0x0D);
    assert_eq!(dword(&log, 4), 4, "events");
    assert_eq!(&log[56..67], b"SIM00000001");
    let mut kinds = Vec::new();
    let mut offset = 512;
    while kinds.len() < 4 {
        kinds.push(log[offset]);
        offset += usize::from(log[offset + 2]) + 3 + usize::from(word(&log, offset + 22));
    }
    assert_eq!(kinds, [0x0A, 0x09, 0x08, 0x07], "the newest first");
    assert_eq!(qword(&log, 8), offset as u64, "total length");
    assert_eq!(
        word(&log, 512 + 24 + 2),
        0x0101,
        "sanitize status at its end"
    );
    assert_eq!(dword(&log, 512 + 32 + 24 + 4), 0x2, "dword 10 at its start");
    assert_eq!(bench.admin(0x02, ALL, [read, 0, 0, 0, 0, 0]).data, log);
    assert_eq!(bench.status(0x02, ALL, read | 2 << 8), 0, "released");
    assert_eq!(bench.status(0x02, ALL, read), 0x00C);
}
