//! Each lie: what it looks like, and what is true.

use crate::support::{ALL, Bench, SECRET, dword, namespace, sector, small, word};
use sim::device::{Event, NvmeDevice};
use sim::nvme::lies::{Becomes, Kept, Lies};
use sim::nvme::options::Options;

const USER_DATA: u32 = 1 << 9;

fn lying(lies: Lies) -> Bench {
    Bench::with_secret(Options { lies, ..small() })
}

/// A whole block erase; what the log says at its end.
fn block_erase(bench: &mut Bench) -> u16 {
    assert_eq!(bench.sanitize(0x2), 0);
    bench.pass(60);
    bench.sanitize_log().1
}

#[test]
fn swallowed_sanitize_shows_the_success_of_an_earlier_one() {
    let mut bench = Bench::with_secret(Options {
        earlier_sanitize: Some(0x2),
        lies: Lies {
            swallows_sanitize: true,
            ..Lies::default()
        },
        ..small()
    });
    assert_eq!(bench.sanitize(0x2), 0);
    let log = bench.log(0x81, 512);
    assert_eq!(
        (word(&log, 0), word(&log, 2), dword(&log, 4)),
        (0xFFFF, 0x0001, 0x2)
    );
    assert_eq!(bench.read(1, 3).data, sector(SECRET, 512));
    assert_eq!(bench.drive.find(SECRET), 2);
}

/// Told to show its media after a block erase.
fn verified_erase(lies: Lies) -> Bench {
    let mut bench = lying(lies);
    assert_eq!(bench.sanitize(0x402), 0);
    bench.pass(60);
    bench
}

#[test]
fn media_that_were_kept_are_shown_as_zeros() {
    let mut bench = verified_erase(Lies {
        only_deallocates: true,
        verification_shows_zeros: true,
        ..Lies::default()
    });
    let answer = bench.read(1, 3);
    assert_eq!((answer.status, answer.data), (0x19C, vec![0; 512]));
    bench.sanitize(0x5);
    bench.pass(10);
    assert_eq!(bench.sanitize_log().1, 0x0101);
    assert_eq!(bench.drive.find(SECRET), 2);
}

#[test]
fn media_verification_is_passed_over_or_never_left() {
    let mut bench = verified_erase(Lies {
        skips_verification: true,
        ..Lies::default()
    });
    assert_eq!(bench.sanitize_log(), (0xFFFF, 0x0101, 0));
    let mut bench = verified_erase(Lies {
        stays_in_verification: true,
        ..Lies::default()
    });
    assert_eq!(bench.sanitize(0x5), 0);
    bench.pass(3600);
    assert_eq!(bench.sanitize_log(), (0xFFFF, 0x0102, 5));
}

#[test]
fn media_verification_alone_can_be_refused() {
    let mut bench = lying(Lies {
        refuses_verification: Some(0x002),
        ..Lies::default()
    });
    assert_eq!(bench.sanitize(0x402), 0x002);
    assert_eq!(bench.sanitize(0x2), 0);
}

#[test]
fn log_names_the_command_of_another_operation() {
    let mut bench = lying(Lies {
        command_dword_10: Some(0x4),
        ..Lies::default()
    });
    assert_eq!(block_erase(&mut bench), 0x0101);
    assert_eq!(dword(&bench.log(0x81, 512), 4), 0x4);
}

#[test]
fn global_data_erased_survives_a_write() {
    let mut bench = lying(Lies {
        global_data_erased_always: true,
        ..Lies::default()
    });
    assert_eq!(bench.sanitize_log().1, 0x0100);
    assert_eq!(bench.drive.find(SECRET), 2);
}

#[test]
fn format_of_all_erases_one_namespace() {
    let mut bench = Bench::with_secret(Options {
        namespaces: vec![namespace(64, true), namespace(64, true)],
        lies: Lies {
            format_erases_one_namespace: true,
            ..Lies::default()
        },
        ..small()
    });
    assert_eq!(bench.status(0x80, ALL, USER_DATA), 0);
    assert_eq!(bench.read(1, 3).data, [0; 512]);
    assert_eq!(bench.read(2, 3).data, sector(SECRET, 512));
    assert_eq!(bench.drive.find(SECRET), 2);
}

#[test]
fn zeros_that_are_elided_leave_the_old_bytes() {
    let mut bench = lying(Lies {
        elides_zeros: true,
        ..Lies::default()
    });
    assert_eq!(bench.drive.find(SECRET), 2);
    for address in (0..64).cycle().take(640) {
        assert_eq!(bench.write(1, address, &[0; 512]), 0);
        bench.flush(1);
    }
    assert_eq!(bench.read(1, 3).data, [0; 512]);
    assert_eq!(bench.drive.find(SECRET), 2, "ten passes of zeros");
}

#[test]
fn deallocation_passes_for_erasure_after_sanitize_and_format() {
    let lies = Lies {
        only_deallocates: true,
        ..Lies::default()
    };
    let mut bench = lying(lies.clone());
    assert_eq!(block_erase(&mut bench), 0x0101);
    assert_eq!(bench.read(1, 3).data, [0; 512]);
    assert_eq!(bench.drive.find(SECRET), 2);
    let mut bench = lying(lies);
    assert_eq!(bench.status(0x80, 1, USER_DATA), 0);
    assert_eq!(bench.read(1, 3).data, [0; 512]);
    assert_eq!(bench.drive.find(SECRET), 2);
}

#[test]
fn deallocates_although_it_was_asked_not_to() {
    let mut bench = lying(Lies {
        deallocates_all_the_same: true,
        ..Lies::default()
    });
    assert_eq!(bench.sanitize(0x202), 0);
    bench.pass(60);
    assert_eq!(bench.sanitize_log().1, 0x0104);
    assert_eq!(bench.read(1, 3).data, [0; 512]);
    assert_eq!(bench.drive.find(SECRET), 0, "erased, and not to be seen");
}

#[test]
fn locked_drive_reads_zeros() {
    let mut bench = lying(Lies {
        locked_reads_zeros: true,
        refuses_sanitize: Some(0x286),
        ..Lies::default()
    });
    let answer = bench.read(1, 3);
    assert_eq!((answer.status, answer.data), (0, vec![0; 512]));
    assert_eq!(bench.write(1, 3, &[0; 512]), 0x286);
    assert_eq!(bench.sanitize(0x2), 0x286);
    assert_eq!(
        bench.sanitize_log().1,
        0x0000,
        "a refusal leaves the log alone"
    );
    assert_eq!(bench.drive.find(SECRET), 2);
}

#[test]
fn crypto_erase_that_keeps_the_key_hides_the_data_only() {
    let lies = Lies {
        crypto_erase_keeps_the_key: true,
        ..Lies::default()
    };
    let mut bench = lying(lies.clone());
    assert_eq!(bench.sanitize(0x4), 0);
    bench.pass(4);
    assert_eq!(bench.sanitize_log().1, 0x0101);
    assert_eq!(bench.read(1, 3).data, [0; 512], "deallocated");
    assert_eq!(bench.drive.find(SECRET), 2);
    let mut bench = lying(lies.clone());
    bench.sanitize(0x204);
    bench.pass(4);
    assert_eq!(
        bench.read(1, 3).data,
        sector(SECRET, 512),
        "not deallocated"
    );
    let mut bench = lying(lies);
    assert_eq!(bench.status(0x80, 1, 2 << 9), 0);
    assert_eq!(bench.drive.find(SECRET), 2);
}

#[test]
fn success_is_reported_and_something_is_kept() {
    for (kept, left) in [(Kept::All, 4), (Kept::Spares, 2), (Kept::Namespace(2), 2)] {
        let options = Options {
            namespaces: vec![namespace(64, true), namespace(64, true)],
            lies: Lies {
                keeps: Some(kept),
                ..Lies::default()
            },
            ..small()
        };
        let mut bench = Bench::with_secret(options.clone());
        assert_eq!(block_erase(&mut bench), 0x0101);
        assert_eq!(bench.drive.find(SECRET), left, "{kept:?}");
        let is_readable = bench.read(2, 3).data == sector(SECRET, 512);
        assert_eq!(is_readable, kept != Kept::Spares, "{kept:?}");
        let mut bench = Bench::with_secret(options);
        assert_eq!(bench.status(0x80, ALL, USER_DATA), 0);
        assert_eq!(bench.drive.find(SECRET), left, "{kept:?}");
    }
}

#[test]
fn sanitize_is_over_before_anybody_could_have_done_it() {
    let mut bench = lying(Lies {
        sanitize_is_instant: true,
        ..Lies::default()
    });
    assert_eq!(bench.sanitize(0x13), 0);
    assert_eq!(bench.sanitize_log().1, 0x0109, "an overwrite of one pass");
    assert_eq!(bench.read(1, 3).data, [0; 512]);
    assert_eq!(bench.drive.find(SECRET), 2);
}

#[test]
fn sanitize_sticks_for_days_over_power_cycles() {
    let mut bench = lying(Lies {
        sanitize_sticks_at: Some(655),
        ..Lies::default()
    });
    assert_eq!(bench.sanitize(0x2), 0);
    for _ in 0..3 {
        bench.pass(86_400);
        assert_eq!(bench.sanitize_log(), (655, 0x0002, 1));
        bench.drive.event(Event::PowerOff);
        bench.drive.event(Event::PowerOn);
    }
    assert_eq!(bench.drive.find(SECRET), 2);
}

#[test]
fn failure_has_the_progress_of_success() {
    let mut bench = lying(Lies {
        sanitize_failures: 1,
        ..Lies::default()
    });
    assert_eq!(block_erase(&mut bench), 0x0003);
    assert_eq!(bench.sanitize_log().0, 0xFFFF);
    assert_eq!(bench.drive.find(SECRET), 2);
}

#[test]
fn hidden_namespace_is_in_no_list_and_holds_its_data() {
    let mut bench = Bench::with_secret(Options {
        namespaces: vec![namespace(64, true), namespace(64, true)],
        lies: Lies {
            hides_namespace: Some(2),
            ..Lies::default()
        },
        ..small()
    });
    for cns in [0x02, 0x10] {
        assert_eq!(bench.identify(cns, 0).data[..8], [1, 0, 0, 0, 0, 0, 0, 0]);
    }
    for cns in [0x00, 0x11] {
        assert!(bench.identify(cns, 2).data.iter().all(|byte| *byte == 0));
    }
    assert_eq!(bench.read(2, 3).status, 0x00B);
    assert_eq!(bench.status(0x80, 1, USER_DATA), 0);
    assert_eq!(bench.drive.find(SECRET), 2);
    assert_eq!(block_erase(&mut bench), 0x0101);
    assert_eq!(bench.drive.find(SECRET), 0, "sanitize reaches it");
}

#[test]
fn flush_that_is_ignored_loses_what_was_flushed() {
    let mut bench = lying(Lies {
        ignores_flush: true,
        ..Lies::default()
    });
    assert_eq!(bench.write(1, 3, &sector(b"canary", 512)), 0);
    assert_eq!(bench.flush(1), 0);
    assert_eq!(bench.read(1, 3).data, sector(b"canary", 512));
    bench.drive.event(Event::PowerOff);
    bench.drive.event(Event::PowerOn);
    assert_eq!(bench.read(1, 3).data, sector(SECRET, 512));
}

#[test]
fn another_drive_takes_the_place_mid_way() {
    let mut bench = Bench::new(small());
    let before = bench.identify(0x01, 0).data;
    let names_before = bench.identify(0x00, 1).data;
    bench.drive.options_mut().lies.becomes = Some(Becomes {
        after_commands: 3,
        serial: "OTHER".into(),
    });
    assert_eq!(bench.identify(0x01, 0).data, before);
    let after = bench.identify(0x01, 0).data;
    assert_eq!(&after[4..24], b"OTHER               ");
    let names_after = bench.identify(0x00, 1).data;
    assert_ne!(names_after[104..128], names_before[104..128]);
}

#[test]
fn writes_that_are_ignored_change_nothing() {
    let mut bench = lying(Lies {
        ignores_writes: true,
        ..Lies::default()
    });
    assert_eq!(bench.write(1, 3, &sector(b"canary", 512)), 0);
    assert_eq!(bench.io(0x08, 1, 3, 1, &[]).status, 0);
    assert_eq!(bench.flush(1), 0);
    assert_eq!(bench.read(1, 3).data, sector(SECRET, 512));
}

#[test]
fn format_that_answers_early_is_ended_by_a_power_loss() {
    let lies = Lies {
        format_answers_early: true,
        ..Lies::default()
    };
    let mut bench = lying(lies.clone());
    assert_eq!(bench.status(0x80, 1, USER_DATA), 0);
    assert_eq!(bench.read(1, 3).status, 0x084, "format in progress");
    assert_eq!(bench.drive.find(SECRET), 2);
    bench.pass(30);
    assert_eq!(bench.read(1, 3).data, [0; 512]);
    assert_eq!(bench.drive.find(SECRET), 0);
    let mut bench = lying(lies);
    assert_eq!(bench.status(0x80, 1, USER_DATA), 0);
    bench.drive.event(Event::PowerOff);
    bench.drive.event(Event::PowerOn);
    bench.pass(30);
    assert_eq!(bench.read(1, 3).data, sector(SECRET, 512));
}

#[test]
fn power_loss_passes_for_the_end_of_a_sanitize() {
    let mut bench = lying(Lies {
        power_loss_ends_sanitize: true,
        ..Lies::default()
    });
    bench.sanitize(0x2);
    bench.pass(1);
    bench.drive.event(Event::PowerOff);
    bench.drive.event(Event::PowerOn);
    assert_eq!(bench.sanitize_log(), (0xFFFF, 0x0101, 0));
    assert_eq!(bench.read(1, 3).data, sector(SECRET, 512));
}

#[test]
fn command_that_is_never_answered_does_nothing() {
    use crate::support::entry;
    let mut bench = lying(Lies {
        never_answers: Some(0x84),
        ..Lies::default()
    });
    let sanitize = entry(0x84, 0, [0x2, 0, 0, 0, 0, 0]);
    assert_eq!(bench.drive.admin(&sanitize, &[]), None);
    assert_eq!(bench.sanitize_log().1, 0x0000);
    assert_eq!(bench.drive.find(SECRET), 2);
}

#[test]
fn critical_warning_comes_up_with_the_erasure() {
    let mut bench = lying(Lies {
        critical_warning_after_erasure: 0b101,
        ..Lies::default()
    });
    assert_eq!(bench.log(0x02, 512)[0], 0);
    assert_eq!(block_erase(&mut bench), 0x0101);
    assert_eq!(bench.log(0x02, 512)[0], 0b101);
}

#[test]
fn sanitize_is_refused_and_nothing_is_touched() {
    for status in [0x286, 0x123, 0x023] {
        let mut bench = lying(Lies {
            refuses_sanitize: Some(status),
            ..Lies::default()
        });
        assert_eq!(bench.sanitize(0x2), status);
        assert_eq!(bench.sanitize_log().1, 0x0000);
        assert_eq!(bench.drive.find(SECRET), 2);
    }
}
