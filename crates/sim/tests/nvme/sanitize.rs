//! The sanitize state machine.

use crate::support::{ALL, Bench, SECRET, dword, namespace, sector, small, word};
use sim::device::{Event, NvmeDevice};
use sim::nvme::options::Options;

const IDLE: u8 = 0;
const RESTRICTED_PROCESSING: u8 = 1;
const RESTRICTED_FAILURE: u8 = 2;
const UNRESTRICTED_FAILURE: u8 = 4;
const MEDIA_VERIFICATION: u8 = 5;
const DEALLOCATION: u8 = 6;

#[test]
fn new_drive_was_never_sanitized_and_holds_no_data_until_a_write() {
    let mut bench = Bench::new(small());
    assert_eq!(bench.sanitize_log(), (0xFFFF, 0x0100, IDLE));
    bench.write(1, 0, &[0; 512]);
    assert_eq!(bench.sanitize_log(), (0xFFFF, 0x0000, IDLE));
}

#[test]
fn log_has_the_earlier_operation_and_the_estimates() {
    let mut options = small();
    options.earlier_sanitize = Some(0x84);
    let log = Bench::new(options).log(0x81, 512);
    assert_eq!(word(&log, 2), 0x0101);
    assert_eq!(dword(&log, 4), 0x84);
    let estimates = [8, 12, 16, 20, 24, 28, 32].map(|offset| dword(&log, offset));
    assert_eq!(estimates, [9600, 60, 4, ALL, ALL, ALL, 10]);
    let mut options = small();
    options.switches.no_deallocate_modifies = 2;
    assert_eq!(dword(&Bench::new(options).log(0x81, 512), 24), 60);
    let mut options = small();
    options.switches.sanitize_crypto_erase = false;
    assert_eq!(dword(&Bench::new(options).log(0x81, 512), 16), ALL);
}

#[test]
fn block_erase_runs_by_the_clock_and_leaves_nothing_anywhere() {
    let mut bench = Bench::with_secret(small());
    assert_eq!(bench.drive.find(SECRET), 2, "one of them in a spare place");
    assert_eq!(bench.sanitize(0x2), 0);
    assert_eq!(bench.sanitize_log(), (0, 0x0002, RESTRICTED_PROCESSING));
    bench.pass(15);
    assert_eq!(
        bench.sanitize_log(),
        (0x4000, 0x0002, RESTRICTED_PROCESSING)
    );
    bench.pass(44);
    assert_eq!(bench.sanitize_log().1, 0x0002);
    assert_eq!(bench.drive.find(SECRET), 2, "nothing is claimed yet");
    bench.pass(1);
    assert_eq!(bench.sanitize_log(), (0xFFFF, 0x0101, IDLE));
    assert_eq!(dword(&bench.log(0x81, 512), 4), 0x2);
    assert_eq!(bench.drive.find(SECRET), 0);
    assert_eq!(bench.read(1, 3).data, [0; 512], "deallocated");
    bench.write(1, 9, &sector(b"canary", 512));
    assert_eq!(bench.sanitize_log().1, 0x0001, "global data erased drops");
    bench.sanitize(0x2);
    assert_eq!(bench.sanitize_log().1, 0x0002);
    bench.pass(60);
    assert_eq!(bench.sanitize_log().1, 0x0101, "and returns");
}

#[test]
fn sanitize_covers_all_namespaces_attached_or_not_deleted_or_in_the_cache() {
    let mut bench = Bench::with_secret(Options {
        namespaces: vec![
            namespace(64, true),
            namespace(64, false),
            namespace(64, true),
        ],
        ..small()
    });
    let hidden = bench.drive.cells_mut(2).unwrap();
    hidden.write(7, &sector(SECRET, 512));
    assert_eq!(bench.status(0x0D, 3, 1), 0, "deleted");
    bench.write(1, 8, &sector(SECRET, 512));
    assert_eq!(bench.drive.find(SECRET), 5);
    bench.sanitize(0x2);
    bench.pass(60);
    assert_eq!(bench.drive.find(SECRET), 0);
    bench.flush(1);
    assert_eq!(bench.drive.find(SECRET), 0, "the cache too");
}

#[test]
fn commands_are_refused_while_media_are_erased() {
    let mut bench = Bench::with_secret(small());
    bench.sanitize(0x2);
    for opcode in [0x01, 0x02, 0x08, 0x09] {
        assert_eq!(
            bench.io(opcode, 1, 0, 1, &[0; 512]).status,
            0x01D,
            "{opcode:02x}"
        );
    }
    assert_eq!(bench.flush(1), 0, "allowed, and does nothing");
    for opcode in [0x80, 0x14, 0x15, 0x0D] {
        assert_eq!(bench.status(opcode, 1, 1), 0x01D, "{opcode:02x}");
    }
    for action in [0x1, 0x2, 0x3, 0x4] {
        assert_eq!(bench.sanitize(action), 0x01D, "action {action}");
    }
    assert_eq!(bench.sanitize(0x5), 0x002, "no verification to leave");
    assert_eq!(bench.status(0x02, ALL, 0x007F_0006), 0x01D);
    assert_eq!(bench.status(0x02, ALL, 0x007F_0002), 0);
    assert_eq!(bench.identify(0x01, 0).status, 0);
    assert_eq!(bench.status(0x18, 0, 0), 0, "keep alive");
}

#[test]
fn fields_that_are_not_supported_are_refused_and_start_nothing() {
    let mut options = small();
    options.switches.sanitize_verification = false;
    options.switches.sanitize_purge = false;
    options.switches.sanitize_crypto_erase = false;
    let mut bench = Bench::with_secret(options);
    let refused = [
        (0x0, "reserved"),
        (0x4, "crypto erase"),
        (0x5, "no verification to leave"),
        (0x6, "reserved"),
        (0x402, "verification"),
        (0x802, "purge"),
    ];
    for (dword_10, why) in refused {
        assert_eq!(bench.sanitize(dword_10), 0x002, "{why}");
    }
    assert_eq!(bench.sanitize(0x1), 0, "no failure to leave");
    assert_eq!(bench.sanitize_log().1, 0x0000);
    let mut bench = Bench::new(small());
    assert_eq!(bench.sanitize(0x403), 0x002, "verification of an overwrite");
    assert_eq!(
        bench.sanitize(0x602),
        0x002,
        "verification without deallocation"
    );
}

#[test]
fn overwrite_counts_its_passes_and_ends_with_the_pattern() {
    for (dword_10, passes) in [(0x213, 1), (0x323, 2), (0x333, 3), (0x303, 16)] {
        let mut bench = Bench::with_secret(small());
        let pattern = 0xA5A5_1122;
        let answer = bench.admin(0x84, 0, [dword_10, pattern, 0, 0, 0, 0]);
        assert_eq!(answer.status, 0);
        bench.pass(600 * (passes - 1) + 300);
        let done = u16::try_from(passes - 1).unwrap();
        assert_eq!(bench.sanitize_log().1, done << 3 | 2);
        bench.pass(300);
        assert_eq!(bench.sanitize_log().1, 0x0101 | (done + 1) << 3);
        assert_eq!(bench.drive.find(SECRET), 0);
        let keeps_allocation = dword_10 & 0x200 != 0;
        let expected = if keeps_allocation {
            [0x22, 0x11, 0xA5, 0xA5]
        } else {
            [0; 4]
        };
        assert_eq!(bench.read(1, 3).data[..4], expected);
    }
}

#[test]
fn crypto_erase_leaves_noise_where_addresses_stay() {
    let mut bench = Bench::with_secret(small());
    assert_eq!(bench.sanitize(0x204), 0);
    bench.pass(4);
    assert_eq!(bench.sanitize_log().1, 0x0101);
    assert_eq!(bench.drive.find(SECRET), 0);
    let noise = bench.read(1, 3).data;
    assert_ne!(noise, sector(SECRET, 512));
    assert!(noise.iter().any(|byte| *byte != 0));
}

#[test]
fn no_deallocate_leaves_the_erased_blocks_to_be_read() {
    let mut bench = Bench::with_secret(small());
    bench.sanitize(0x202);
    bench.pass(60);
    assert_eq!(bench.sanitize_log().1, 0x0101);
    assert_eq!(bench.read(1, 3).data, [0xFF; 512]);
    let mut options = small();
    options.switches.no_deallocate_modifies = 2;
    let mut bench = Bench::with_secret(options);
    bench.sanitize(0x202);
    bench.pass(60);
    assert_eq!(bench.read(1, 3).data, [0; 512], "written once more");
    let mut options = small();
    options.switches.erased_blocks_are_unreadable = true;
    let mut bench = Bench::with_secret(options);
    bench.sanitize(0x202);
    bench.pass(60);
    assert_eq!(bench.read(1, 3).status, 0x281);
    bench.write(1, 3, &sector(b"new", 512));
    assert_eq!(bench.read(1, 3).status, 0);
}

#[test]
fn no_deallocate_that_is_inhibited_is_an_error_or_a_warning() {
    let mut options = small();
    options.switches.no_deallocate_inhibited = true;
    let mut bench = Bench::with_secret(options);
    assert_eq!(bench.sanitize(0x202), 0x002);
    assert_eq!(bench.admin(0x09, 0, [0x17, 1, 0, 0, 0, 0]).status, 0);
    assert_eq!(bench.sanitize(0x202), 0);
    bench.pass(60);
    assert_eq!(bench.sanitize_log().1, 0x0104, "deallocated all the same");
    assert_eq!(bench.read(1, 3).data, [0; 512]);
}

#[test]
fn purge_that_was_required_is_reported_until_the_next_operation() {
    let mut bench = Bench::with_secret(small());
    assert_eq!(bench.sanitize(0x802), 0);
    assert_eq!(bench.sanitize_log().1, 0x0002);
    bench.pass(60);
    assert_eq!(bench.sanitize_log().1, 0x0901);
    bench.sanitize(0x2);
    bench.pass(60);
    assert_eq!(bench.sanitize_log().1, 0x0101);
}

#[test]
fn media_verification_shows_the_media_until_it_is_left() {
    let mut options = small();
    options.switches.erased_blocks_are_unreadable = true;
    let mut bench = Bench::with_secret(options);
    assert_eq!(bench.sanitize(0x402), 0);
    bench.pass(60);
    assert_eq!(bench.sanitize_log(), (0xFFFF, 0x0102, MEDIA_VERIFICATION));
    let answer = bench.read(1, 3);
    assert_eq!(answer.status, 0x19C, "successful media verification read");
    assert_eq!(answer.data, [0xFF; 512]);
    assert_eq!(bench.write(1, 3, &[0; 512]), 0x01D);
    assert_eq!(bench.sanitize(0x2), 0x002);
    assert_eq!(bench.sanitize(0x1), 0x002);
    assert_eq!(bench.sanitize(0x5), 0);
    bench.pass(5);
    assert_eq!(bench.sanitize_log(), (0x8000, 0x0102, DEALLOCATION));
    assert_eq!(bench.read(1, 3).status, 0x01D);
    bench.pass(5);
    assert_eq!(bench.sanitize_log(), (0xFFFF, 0x0101, IDLE));
    assert_eq!(bench.read(1, 3).status, 0);
    assert_eq!(bench.read(1, 3).data, [0; 512]);
}

#[test]
fn power_cycle_cancels_media_verification_and_a_controller_reset_does_not() {
    let mut bench = Bench::with_secret(small());
    bench.sanitize(0x402);
    bench.pass(60);
    bench.drive.event(Event::Reset);
    assert_eq!(bench.sanitize_log().2, MEDIA_VERIFICATION);
    bench.drive.event(Event::PowerOff);
    bench.drive.event(Event::PowerOn);
    assert_eq!(bench.sanitize_log(), (0, 0x0302, DEALLOCATION));
    bench.pass(10);
    assert_eq!(bench.sanitize_log(), (0xFFFF, 0x0301, IDLE));
    bench.sanitize(0x402);
    bench.drive.event(Event::PowerOff);
    bench.drive.event(Event::PowerOn);
    bench.pass(60);
    assert_eq!(bench.sanitize_log().1, 0x0301, "not entered at all");
}

#[test]
fn sanitize_goes_on_over_reset_and_power_loss_and_stands_still_without_power() {
    let mut bench = Bench::with_secret(small());
    bench.sanitize(0x2);
    bench.pass(15);
    bench.drive.event(Event::Reset);
    assert_eq!(bench.sanitize_log().0, 0x4000);
    bench.drive.event(Event::PowerOff);
    bench.pass(3600);
    bench.drive.event(Event::PowerOn);
    assert_eq!(
        bench.sanitize_log(),
        (0x4000, 0x0002, RESTRICTED_PROCESSING)
    );
    assert_eq!(bench.read(1, 3).status, 0x01D);
    bench.pass(45);
    assert_eq!(bench.sanitize_log().1, 0x0101);
    bench.drive.event(Event::PowerOff);
    bench.drive.event(Event::PowerOn);
    assert_eq!(bench.sanitize_log().1, 0x0101, "the log is kept");
}

#[test]
fn restricted_failure_is_left_by_another_restricted_operation_only() {
    let mut options = small();
    options.lies.sanitize_failures = 1;
    let mut bench = Bench::with_secret(options);
    bench.sanitize(0x2);
    bench.pass(60);
    let failed = RESTRICTED_PROCESSING << 4 | RESTRICTED_FAILURE;
    assert_eq!(bench.sanitize_log(), (0xFFFF, 0x0003, failed));
    assert_eq!(bench.drive.find(SECRET), 2);
    assert_eq!(bench.read(1, 3).status, 0x01C);
    assert_eq!(bench.flush(1), 0);
    assert_eq!(bench.status(0x80, 1, 1 << 9), 0x01C);
    assert_eq!(bench.sanitize(0x1), 0x01C, "exit failure mode");
    assert_eq!(bench.sanitize(0xA), 0x01C, "unrestricted");
    assert_eq!(bench.sanitize(0x5), 0x002);
    bench.drive.event(Event::PowerOff);
    bench.drive.event(Event::PowerOn);
    assert_eq!(bench.read(1, 3).status, 0x01C, "power does not help");
    assert_eq!(bench.sanitize(0x2), 0);
    bench.pass(60);
    assert_eq!(bench.sanitize_log(), (0xFFFF, 0x0101, IDLE));
    assert_eq!(bench.drive.find(SECRET), 0);
}

#[test]
fn unrestricted_failure_is_left_by_command_and_the_data_are_there_again() {
    let mut options = small();
    options.lies.sanitize_failures = 2;
    let mut bench = Bench::with_secret(options);
    bench.sanitize(0xA);
    bench.pass(60);
    let failed = 3 << 4 | UNRESTRICTED_FAILURE;
    assert_eq!(bench.sanitize_log(), (0xFFFF, 0x0003, failed));
    assert_eq!(bench.read(1, 3).status, 0x01C);
    assert_eq!(bench.sanitize(0x5), 0x002);
    assert_eq!(bench.sanitize(0x1), 0);
    assert_eq!(bench.sanitize_log().1, 0x0003, "failed all the same");
    assert_eq!(bench.read(1, 3).data, sector(SECRET, 512));
    bench.sanitize(0xA);
    bench.pass(60);
    assert_eq!(bench.sanitize(0x2), 0, "another one starts from failure");
    bench.pass(60);
    assert_eq!(bench.sanitize_log().1, 0x0101);
}
