//! Format NVM.

use crate::support::{ALL, Bench, SECRET, namespace, qword, sector, small};
use sim::nvme::options::Options;
use std::time::Duration;

const USER_DATA: u32 = 1 << 9;
const CRYPTO: u32 = 2 << 9;

fn three_namespaces() -> Options {
    Options {
        namespaces: vec![
            namespace(64, true),
            namespace(64, true),
            namespace(64, false),
        ],
        ..small()
    }
}

fn bench_of_three(options: Options) -> Bench {
    let mut bench = Bench::with_secret(options);
    let detached = bench.drive.cells_mut(3).unwrap();
    detached.write(3, &sector(SECRET, 512));
    assert_eq!(bench.drive.find(SECRET), 5);
    bench
}

#[test]
fn format_without_secure_erase_erases_nothing() {
    let mut bench = Bench::with_secret(small());
    assert_eq!(bench.status(0x80, 1, 0), 0);
    assert_eq!(bench.read(1, 3).data, [0; 512], "it looks clean");
    assert_eq!(bench.drive.find(SECRET), 2);
}

#[test]
fn secure_erase_reaches_spare_places_and_lasts() {
    for ses in [USER_DATA, CRYPTO] {
        let mut bench = Bench::with_secret(small());
        let before = bench.clock.now();
        assert_eq!(bench.status(0x80, 1, ses), 0);
        assert_eq!(bench.clock.now() - before, Duration::from_secs(30));
        assert_eq!(bench.drive.find(SECRET), 0);
        assert_eq!(bench.read(1, 3).data, [0; 512]);
    }
}

#[test]
fn format_is_of_one_namespace_or_of_those_attached() {
    let mut bench = bench_of_three(three_namespaces());
    assert_eq!(bench.status(0x80, 1, USER_DATA), 0);
    assert_eq!(bench.drive.find(SECRET), 3);
    assert_eq!(bench.read(2, 3).data, sector(SECRET, 512));
    assert_eq!(bench.status(0x80, ALL, USER_DATA), 0);
    assert_eq!(bench.drive.find(SECRET), 1, "the detached one");
    assert_eq!(bench.status(0x80, 3, USER_DATA), 0, "it can be named");
    assert_eq!(bench.drive.find(SECRET), 0);
    assert_eq!(bench.status(0x80, 4, USER_DATA), 0x00B);
    assert_eq!(bench.status(0x80, 0, USER_DATA), 0x00B);
    assert_eq!(bench.status(0x0D, 3, 1), 0, "deleted");
    assert_eq!(bench.status(0x80, 3, USER_DATA), 0x002, "not allocated");
}

#[test]
fn format_attributes_make_it_one_of_all() {
    let mut options = three_namespaces();
    options.switches.format_erase_is_of_all = true;
    options.switches.format_broadcast = false;
    let mut bench = bench_of_three(options);
    assert_eq!(bench.identify(0x01, 0).data[524], 0b1110);
    assert_eq!(bench.status(0x80, ALL, 0), 0x002, "of those attached: no");
    assert_eq!(bench.status(0x80, 1, 0), 0);
    assert_eq!(
        bench.read(2, 3).data,
        sector(SECRET, 512),
        "no erase: of one"
    );
    assert_eq!(bench.status(0x80, ALL, USER_DATA), 0, "of all: yes");
    assert_eq!(bench.drive.find(SECRET), 0);
    let mut options = three_namespaces();
    options.switches.format_is_of_all = true;
    let mut bench = bench_of_three(options);
    assert_eq!(bench.status(0x80, 1, 0), 0);
    assert_eq!(bench.read(2, 3).data, [0; 512]);
    assert_eq!(bench.drive.find(SECRET), 5);
}

#[test]
fn format_refuses_what_is_not_supported() {
    let mut options = small();
    options.switches.format_crypto_erase = false;
    options.switches.format_broadcast = false;
    let mut bench = Bench::with_secret(options);
    assert_eq!(bench.status(0x80, 1, CRYPTO), 0x002);
    assert_eq!(bench.status(0x80, 1, 3 << 9), 0x002);
    assert_eq!(bench.status(0x80, ALL, USER_DATA), 0x002);
    assert_eq!(bench.status(0x80, 1, 4), 0x10A, "no such format");
    assert_eq!(
        bench.status(0x80, 1, 1 << 12),
        0x10A,
        "upper bits of the format"
    );
    assert_eq!(
        bench.status(0x80, 1, 1 << 5),
        0x10A,
        "protection information"
    );
    assert_eq!(bench.drive.find(SECRET), 2);
}

#[test]
fn format_changes_the_block_size_and_leaves_the_old_media_behind() {
    let mut bench = Bench::with_secret(small());
    assert_eq!(bench.status(0x80, 1, 1), 0);
    let data = bench.identify(0x00, 1).data;
    assert_eq!(data[26], 1);
    assert_eq!(qword(&data, 0), 8, "blocks of 4096");
    assert_eq!(bench.write(1, 0, &sector(b"new", 4096)), 0);
    assert_eq!(bench.read(1, 0).data.len(), 4096);
    assert_eq!(bench.drive.find(SECRET), 2);
    assert_eq!(bench.status(0x80, 1, 1 | USER_DATA), 0);
    assert_eq!(bench.drive.find(SECRET), 0);
    assert_eq!(bench.status(0x80, 1, 0), 0);
    assert_eq!(qword(&bench.identify(0x00, 1).data, 0), 64);
}

#[test]
fn metadata_travel_with_extended_blocks_and_stay_otherwise() {
    let mut bench = Bench::new(small());
    assert_eq!(bench.status(0x80, 1, 2 | 1 << 4), 0, "512 and 8, extended");
    assert_eq!(bench.identify(0x00, 1).data[26], 0x12);
    let mut block = sector(b"data", 520);
    block[512..].copy_from_slice(b"METADATA");
    assert_eq!(bench.write(1, 5, &block), 0);
    assert_eq!(bench.read(1, 5).data, block);
    let mut bench = Bench::new(small());
    assert_eq!(
        bench.status(0x80, 1, 2),
        0,
        "metadata in a buffer of their own"
    );
    bench.drive.cells_mut(1).unwrap().write(5, &block);
    assert_eq!(bench.read(1, 5).data, block[..512]);
    assert_eq!(bench.write(1, 5, &sector(b"new", 512)), 0);
    bench.flush(1);
    let stored = bench.drive.cells(1).unwrap().read(5).unwrap();
    assert_eq!(&stored[512..], b"METADATA");
}
