//! The number of blocks of SAS disks: what is sent, and what of their answers is no restoration.

use super::path::{Path, answers, attention, commands, not_restored, refused, reply};
use super::{SECTORS, changes, is_open, power_cycle, restore};
use crate::wire::Wire;
use drive::port::ScsiReply;
use sim::device::ScsiDevice as _;
use sim::scsi::{ScsiDisk, ScsiOptions};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use wipe::restore::{Limits, Outcome, Reason};

const SELECT: &str = "MODE SELECT (10)";

fn whole() -> Wire<ScsiDisk> {
    let disk = ScsiDisk::new(ScsiOptions::disk(
        "SAS00001",
        0x5000_C500_1234_5678,
        SECTORS,
    ));
    Wire::new(disk, 512, SECTORS)
}

/// One block less.
fn short() -> Wire<ScsiDisk> {
    let wire = whole();
    // MODE SELECT (6).
    let [.., high, low] = (SECTORS - 1).to_be_bytes();
    let list = [0, 0, 0, 8, 0, 0, high, low, 0, 0, 2, 0];
    let answer = wire.drive().command(&[0x15, 0x10, 0, 0, 12, 0], &list);
    assert_eq!(answer.map(|answer| answer.status), Some(0));
    assert!(!is_open(&wire));
    wire
}

fn is_select(cdb: &[u8]) -> bool {
    cdb[0] == 0x55
}

/// MODE SENSE (10), and which values are asked for: 0 the current ones, 2 the default ones.
fn is_sense(cdb: &[u8], values: u8) -> bool {
    cdb[0] == 0x5A && cdb[2] >> 6 == values
}

fn is_capacity(cdb: &[u8]) -> bool {
    cdb[0] == 0x9E
}

#[test]
fn short_disk_is_whole_again_and_stays_so() {
    let wire = short();
    let (outcome, evidence) = restore(Limits::Scsi, &wire);
    let restored = Outcome::Restored {
        from: SECTORS - 1,
        to: SECTORS,
        for_good: true,
    };
    assert_eq!(outcome, restored, "{evidence:?}");
    power_cycle(&wire);
    assert!(is_open(&wire));
}

#[test]
fn whole_disk_gets_no_command_that_changes_it() {
    let (outcome, evidence) = restore(Limits::Scsi, &whole());
    assert!(!evidence.steps.iter().any(changes), "{evidence:?}");
    let wanted = (Reason::NotLasting, Some(SECTORS));
    assert_eq!(not_restored(outcome), wanted);
}

#[test]
fn select_that_is_refused_or_lost_is_told() {
    type Answer = fn() -> io::Result<ScsiReply>;
    let cases: [(Answer, &str); 3] = [
        (
            || Ok(reply(2, &[0x70, 0, 5, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0x26, 0])),
            "status 02h, sense 70 00 05 00 00 00 00 06 00 00 00 00 26 00",
        ),
        (
            || Err(io::ErrorKind::TimedOut.into()),
            "MODE SELECT (10): timed out",
        ),
        (
            || Ok(attention()),
            "MODE SELECT (10): one reset after another",
        ),
    ];
    for (answer, says) in cases {
        let path = answers(&short(), is_select, answer);
        let (outcome, _) = restore(Limits::Scsi, &path);
        let wanted = (refused(SELECT, says), Some(SECTORS - 1));
        assert_eq!(not_restored(outcome), wanted);
    }
}

#[test]
fn select_that_is_answered_for_and_swallowed_is_no_restoration() {
    let path = answers(&short(), is_select, || Ok(reply(0, &[])));
    let (outcome, _) = restore(Limits::Scsi, &path);
    let wanted = (Reason::NoEffect, Some(SECTORS - 1));
    assert_eq!(not_restored(outcome), wanted);
}

#[test]
fn select_that_is_told_of_a_reset_is_sent_again() {
    let wire = short();
    let was_reset = AtomicBool::new(false);
    let path = Path {
        instead: Box::new(move |cdb| {
            let is_first = is_select(cdb) && !was_reset.swap(true, Ordering::Relaxed);
            is_first.then(|| Ok(attention()))
        }),
        ..Path::to(&wire)
    };
    let (_, evidence) = restore(Limits::Scsi, &path);
    let sent = commands(&evidence);
    assert_eq!(sent.iter().filter(|name| **name == SELECT).count(), 2);
    assert!(is_open(&wire));
}

#[test]
fn disk_whose_current_values_show_no_descriptor_gets_no_select() {
    let no_descriptor = Path {
        afterwards: Box::new(|cdb, _, data| {
            if is_sense(cdb, 0) {
                data[7] = 0;
            }
        }),
        ..Path::to(&short())
    };
    let (outcome, evidence) = restore(Limits::Scsi, &no_descriptor);
    let wanted = refused(SELECT, "not sent: MODE SENSE has no block descriptor");
    assert_eq!(not_restored(outcome), (wanted, Some(SECTORS - 1)));
    assert!(!evidence.steps.iter().any(changes));

    let no_answer = answers(
        &short(),
        |cdb| is_sense(cdb, 0),
        || Err(io::ErrorKind::TimedOut.into()),
    );
    let (outcome, evidence) = restore(Limits::Scsi, &no_answer);
    let wanted = refused(SELECT, "MODE SENSE (10): timed out");
    assert_eq!(not_restored(outcome), (wanted, Some(SECTORS - 1)));
    assert!(!evidence.steps.iter().any(changes));
}

#[test]
fn disk_that_does_not_name_its_default_is_left_open() {
    let path = Path {
        afterwards: Box::new(|cdb, _, data| {
            if is_sense(cdb, 2) {
                data[8..16].fill(0);
            }
        }),
        ..Path::to(&short())
    };
    let (outcome, evidence) = restore(Limits::Scsi, &path);
    let why = "MODE SENSE (10) names no number of blocks".to_owned();
    let wanted = (Reason::Unanswered(why), Some(SECTORS - 1));
    assert_eq!(not_restored(outcome), wanted);
    assert!(!evidence.steps.iter().any(changes));
}

#[test]
fn capacity_that_is_short_or_impossible_or_not_answered_well_is_none() {
    type Change = fn(&mut ScsiReply, &mut [u8]);
    let cases: [(Change, &str); 3] = [
        (
            |reply, _| reply.residual_bytes = 20,
            "the answer is too short",
        ),
        (|_, data| data[..8].fill(0xFF), "no such capacity"),
        (|reply, _| reply.status = 8, "status 08h"),
    ];
    for (change, says) in cases {
        let path = Path {
            afterwards: Box::new(move |cdb, reply, data| {
                if is_capacity(cdb) {
                    change(reply, data);
                }
            }),
            ..Path::to(&short())
        };
        let (outcome, evidence) = restore(Limits::Scsi, &path);
        let why = format!("READ CAPACITY (16): {says}");
        assert_eq!(not_restored(outcome), (Reason::Unanswered(why), None));
        assert!(!evidence.steps.iter().any(changes));
    }
}
