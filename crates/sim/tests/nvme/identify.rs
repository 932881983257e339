//! Identify.

use crate::support::{ALL, Bench, dword, namespace, qword, small, word};
use sim::nvme::options::{DeallocatedReads, Options, Switches};

fn three_namespaces() -> Options {
    Options {
        namespaces: vec![
            namespace(64, true),
            namespace(32, false),
            namespace(16, true),
        ],
        ..small()
    }
}

fn list(data: &[u8]) -> Vec<u32> {
    let numbers = data.chunks(4).map(|bytes| dword(bytes, 0));
    numbers.take_while(|nsid| *nsid != 0).collect()
}

#[test]
fn controller_says_its_names_and_what_it_supports() {
    let mut bench = Bench::new(small());
    let data = bench.identify(0x01, 0).data;
    assert_eq!(data.len(), 4096);
    assert_eq!(&data[4..24], b"SIM00000001         ");
    assert_eq!(&data[24..36], b"SIM NVMe 8M ");
    assert_eq!(&data[64..72], b"1.0     ");
    assert_eq!(dword(&data, 80), 0x0002_0100);
    // Format, namespace management, self-test.
    assert_eq!(word(&data, 256), 1 << 1 | 1 << 3 | 1 << 4);
    assert_eq!(qword(&data, 280), 64 * 512, "total capacity");
    assert_eq!(qword(&data, 296), 0, "unallocated capacity");
    assert_eq!(word(&data, 316), 20, "minutes of an extended self-test");
    // Crypto, block, overwrite, verification, purge; media not modified after.
    assert_eq!(dword(&data, 328), 0x4000_002F);
    assert_eq!(dword(&data, 516), 1);
    assert_eq!(word(&data, 520), 0x1C);
    assert_eq!(data[524], 1 << 2, "crypto erase by format");
    assert_eq!(data[525] & 1, 1, "volatile write cache");
    assert!(data[768..].starts_with(b"nqn."));
}

#[test]
fn what_is_switched_off_is_not_said_and_not_done() {
    let switches = Switches {
        sanitize_block_erase: false,
        sanitize_overwrite: false,
        sanitize_crypto_erase: false,
        format: false,
        self_test: false,
        namespace_management: false,
        write_cache_sectors: 0,
        ..Switches::default()
    };
    let mut bench = Bench::new(Options {
        switches,
        ..small()
    });
    let data = bench.identify(0x01, 0).data;
    assert_eq!(dword(&data, 328), 0, "no sanitize");
    assert_eq!(word(&data, 256), 0);
    assert_eq!(data[525], 0);
    for opcode in [0x84, 0x80, 0x14, 0x15, 0x0D, 0xC0] {
        assert_eq!(bench.status(opcode, 1, 2), 0x001, "{opcode:02x}");
    }
    assert_eq!(
        bench.status(0x02, ALL, 0x007F_0081),
        0x109,
        "no sanitize log"
    );
    assert_eq!(bench.status(0x0A, 0, 0x06), 0x002, "no write cache feature");
    assert_eq!(bench.identify(0x10, 0).status, 0x002);
}

#[test]
fn namespace_says_size_formats_and_what_deallocated_blocks_read_as() {
    let mut options = small();
    options.switches.deallocated_reads = DeallocatedReads::Ones;
    let mut bench = Bench::new(options);
    let data = bench.identify(0x00, 1).data;
    for offset in [0, 8, 16] {
        assert_eq!(qword(&data, offset), 64);
    }
    assert_eq!(data[25], 3, "four formats");
    assert_eq!(data[26], 0);
    assert_eq!(data[33], 2 | 1 << 3);
    assert_eq!(dword(&data, 128), 9 << 16);
    assert_eq!(dword(&data, 132), 12 << 16);
    assert_eq!(dword(&data, 136), 9 << 16 | 8);
    assert_eq!(data[104], 0x60);
    assert_eq!(data[120..123], [0x00, 0x25, 0x38]);
}

#[test]
fn replay_protected_blocks_are_said_where_they_are() {
    let mut options = small();
    options.switches.replay_protected_blocks = true;
    assert_eq!(Bench::new(options).identify(0x01, 0).data[312], 1);
    assert_eq!(Bench::new(small()).identify(0x01, 0).data[312], 0);
}

#[test]
fn lists_tell_attached_from_allocated_namespaces() {
    let mut bench = Bench::new(three_namespaces());
    assert_eq!(list(&bench.identify(0x02, 0).data), [1, 3]);
    assert_eq!(list(&bench.identify(0x02, 1).data), [3]);
    assert_eq!(list(&bench.identify(0x10, 0).data), [1, 2, 3]);
    assert_eq!(bench.identify(0x02, 0xFFFF_FFFE).status, 0x00B);
    let inactive = bench.identify(0x00, 2);
    assert_eq!(inactive.status, 0);
    assert!(inactive.data.iter().all(|byte| *byte == 0));
    assert_eq!(qword(&bench.identify(0x11, 2).data, 0), 32);
    assert_eq!(bench.identify(0x00, 4).status, 0x00B);
    assert_eq!(bench.identify(0x11, 4).status, 0x00B);
}

#[test]
fn descriptors_name_each_namespace_differently() {
    let mut bench = Bench::new(three_namespaces());
    let data = bench.identify(0x03, 1).data;
    assert_eq!(data[..4], [1, 8, 0, 0]);
    assert_eq!(data[12..16], [2, 16, 0, 0]);
    assert_eq!(data[32..36], [0; 4], "the end");
    let other = bench.identify(0x03, 3).data;
    assert_eq!(other[4..11], data[4..11]);
    assert_eq!(other[11], data[11] + 2);
    assert_eq!(bench.identify(0x03, 2).status, 0x00B, "not attached");
}

#[test]
fn controllers_are_listed_where_a_namespace_is_attached() {
    let mut bench = Bench::new(three_namespaces());
    assert_eq!(bench.identify(0x13, 0).data[..4], [1, 0, 1, 0]);
    assert_eq!(bench.identify(0x12, 1).data[..4], [1, 0, 1, 0]);
    assert_eq!(bench.identify(0x12, 2).data[..4], [0; 4]);
    assert_eq!(bench.identify(0x13 | 2 << 16, 0).data[..4], [0; 4]);
}

#[test]
fn namespace_is_attached_by_command_and_its_capacity_unallocated_once_it_is_deleted() {
    use sim::device::NvmeDevice;
    let mut bench = Bench::new(three_namespaces());
    let mut controllers = vec![0; 4096];
    controllers[..4].copy_from_slice(&[1, 0, 1, 0]);
    let attach = crate::support::entry(0x15, 2, [0; 6]);
    assert_eq!(bench.drive.admin(&attach, &controllers).unwrap().status, 0);
    assert_eq!(
        bench.drive.admin(&attach, &controllers).unwrap().status,
        0x118
    );
    assert_eq!(list(&bench.identify(0x02, 0).data), [1, 2, 3]);
    assert_eq!(bench.status(0x0D, 2, 1), 0, "deleted");
    assert_eq!(list(&bench.identify(0x10, 0).data), [1, 3]);
    let data = bench.identify(0x01, 0).data;
    assert_eq!(qword(&data, 296), 32 * 512);
    assert_eq!(qword(&data, 280), 112 * 512);
}
