//! Reads and writes, and what is lost with the power.

use crate::support::{ALL, Bench, SECRET, entry, namespace, sector, small};
use sim::device::{Event, NvmeDevice};
use sim::nvme::Queue;
use sim::nvme::options::{DeallocatedReads, Options};

#[test]
fn what_was_written_is_read_back_over_several_blocks() {
    let mut bench = Bench::new(small());
    let data: Vec<u8> = (0..4 * 512_u32).map(|byte| byte.to_le_bytes()[0]).collect();
    assert_eq!(bench.io(0x01, 1, 60, 4, &data).status, 0);
    assert_eq!(bench.io(0x02, 1, 60, 4, &[]).data, data);
    assert_eq!(bench.read(1, 0).data, [0; 512]);
}

#[test]
fn ranges_and_namespaces_that_are_not_there_are_refused() {
    let mut bench = Bench::new(Options {
        namespaces: vec![namespace(64, true), namespace(64, false)],
        ..small()
    });
    assert_eq!(bench.io(0x02, 1, 61, 4, &[]).status, 0x080);
    assert_eq!(bench.io(0x02, 1, u64::MAX, 1, &[]).status, 0x080);
    assert_eq!(bench.io(0x01, 1, 64, 1, &[0; 512]).status, 0x080);
    assert_eq!(bench.io(0x08, 1, 64, 1, &[]).status, 0x080);
    assert_eq!(bench.io(0x02, 3, 0, 1, &[]).status, 0x00B);
    assert_eq!(bench.io(0x02, 2, 0, 1, &[]).status, 0x002, "not attached");
    assert_eq!(bench.io(0x7E, 1, 0, 1, &[]).status, 0x001);
    assert_eq!(
        bench.io(0x01, 1, 0, 2, &[0; 512]).status,
        0x004,
        "half the data"
    );
}

#[test]
fn transfer_beyond_the_limit_is_refused() {
    let mut bench = Bench::new(Options {
        namespaces: vec![namespace(4096, true)],
        ..small()
    });
    assert_eq!(bench.io(0x02, 1, 0, 1024, &[]).data.len(), 1024 * 512);
    assert_eq!(bench.io(0x02, 1, 0, 1025, &[]).status, 0x002);
}

#[test]
fn what_was_not_flushed_is_lost_with_the_power() {
    let mut bench = Bench::new(small());
    bench.write(1, 1, &sector(SECRET, 512));
    bench.flush(1);
    bench.write(1, 2, &sector(SECRET, 512));
    let forced = entry(0x01, 1, [3, 0, 1 << 30, 0, 0, 0]);
    bench.drive.io(&forced, &sector(SECRET, 512)).unwrap();
    bench.drive.event(Event::PowerOff);
    assert_eq!(bench.drive.io(&entry(0x02, 1, [0; 6]), &[]), None);
    assert_eq!(
        bench.drive.admin(&entry(0x06, 0, [1, 0, 0, 0, 0, 0]), &[]),
        None
    );
    bench.drive.event(Event::PowerOn);
    assert_eq!(bench.read(1, 1).data, sector(SECRET, 512));
    assert_eq!(bench.read(1, 2).data, [0; 512], "was in the cache");
    assert_eq!(
        bench.read(1, 3).data,
        sector(SECRET, 512),
        "forced unit access"
    );
}

#[test]
fn without_a_write_cache_nothing_is_lost() {
    let mut bench = Bench::new(small());
    bench.write(1, 1, &sector(SECRET, 512));
    let off = bench.status(0x09, 0, 0x06);
    assert_eq!(off, 0, "switched off, which flushes");
    bench.write(1, 2, &sector(SECRET, 512));
    bench.drive.event(Event::PowerOff);
    bench.drive.event(Event::PowerOn);
    assert_eq!(bench.read(1, 1).data, sector(SECRET, 512));
    assert_eq!(bench.read(1, 2).data, sector(SECRET, 512));
}

#[test]
fn flush_takes_one_namespace_or_all() {
    let mut bench = Bench::new(small());
    bench.write(1, 1, &sector(SECRET, 512));
    assert_eq!(bench.drive.find(SECRET), 0);
    assert_eq!(bench.flush(ALL), 0);
    assert_eq!(bench.drive.find(SECRET), 1);
}

#[test]
fn deallocated_blocks_read_as_said_and_their_bytes_stay() {
    for (reads, byte) in [
        (DeallocatedReads::Zeros, 0x00),
        (DeallocatedReads::Ones, 0xFF),
    ] {
        let mut options = small();
        options.switches.deallocated_reads = reads;
        let mut bench = Bench::new(options);
        bench.write(1, 3, &sector(SECRET, 512));
        bench.flush(1);
        let mut range = [0; 16];
        range[4] = 4;
        range[8] = 2;
        let hint = entry(0x09, 1, [0; 6]);
        assert_eq!(bench.drive.io(&hint, &range).unwrap().status, 0);
        assert_eq!(bench.read(1, 3).data, sector(SECRET, 512), "a hint only");
        let deallocate = entry(0x09, 1, [0, 4, 0, 0, 0, 0]);
        assert_eq!(bench.drive.io(&deallocate, &range).unwrap().status, 0);
        assert_eq!(bench.read(1, 3).data, [byte; 512]);
        assert_eq!(bench.drive.find(SECRET), 1);
        range[8] = 61;
        assert_eq!(bench.drive.io(&deallocate, &range).unwrap().status, 0x080);
    }
}

#[test]
fn write_protected_namespace_keeps_its_data_and_the_drive_from_being_sanitized() {
    let mut bench = Bench::with_secret(Options {
        namespaces: vec![namespace(64, true), namespace(64, true)],
        ..small()
    });
    bench.drive.options_mut().namespaces[1].write_protected = true;
    assert_eq!(bench.identify(0x00, 2).data[99], 1);
    assert_eq!(bench.identify(0x00, 1).data[99], 0);
    for opcode in [0x01, 0x08, 0x09] {
        assert_eq!(bench.io(opcode, 2, 3, 1, &[0; 512]).status, 0x020);
    }
    assert_eq!(bench.status(0x80, 2, 1 << 9), 0x020);
    assert_eq!(bench.status(0x80, ALL, 1 << 9), 0x020);
    assert_eq!(bench.sanitize(0x2), 0x020);
    assert_eq!(bench.drive.find(SECRET), 4);
    assert_eq!(bench.status(0x80, 1, 1 << 9), 0);
    assert_eq!(bench.drive.find(SECRET), 2);
}

#[test]
fn write_zeroes_writes_and_deallocates_when_asked_to() {
    let mut options = small();
    options.switches.deallocated_reads = DeallocatedReads::Ones;
    let mut bench = Bench::new(options);
    bench.write(1, 3, &sector(SECRET, 512));
    assert_eq!(bench.io(0x08, 1, 3, 1, &[]).status, 0);
    assert_eq!(bench.read(1, 3).data, [0; 512]);
    let deallocating = entry(0x08, 1, [3, 0, 1 << 25, 0, 0, 0]);
    assert_eq!(bench.drive.io(&deallocating, &[]).unwrap().status, 0);
    assert_eq!(bench.read(1, 3).data, [0xFF; 512]);
}

#[test]
fn every_command_is_recorded_with_its_status() {
    let mut bench = Bench::new(small());
    bench.flush(1);
    bench.status(0xC0, 0, 0);
    let waits = entry(0x0C, 0, [0; 6]);
    assert_eq!(bench.drive.admin(&waits, &[]), None);
    let commands = bench.drive.commands();
    let seen: Vec<_> = commands
        .iter()
        .map(|command| (command.queue, command.entry[0], command.status))
        .collect();
    let expected = [
        (Queue::Io, 0x00, Some(0)),
        (Queue::Admin, 0xC0, Some(0x001)),
        (Queue::Admin, 0x0C, None),
    ];
    assert_eq!(seen, expected);
}
