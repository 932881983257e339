//! Single answers to REQUEST SENSE, and what is made of them.

use drive::port::{AdminCommand, AdminReply, Data, Port, ScsiReply};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wipe::native::scsi::ScsiSanitize;
use wipe::native::{Sanitize as _, State, Technique};

/// Answers each command with the next of these: SCSI status and, for REQUEST SENSE, data.
struct Script(Mutex<VecDeque<(u8, Vec<u8>)>>);

impl Port for Script {
    fn scsi(&self, _: &[u8], data: Data<'_>, _: Duration) -> io::Result<ScsiReply> {
        let next = self.0.lock().expect("no panic").pop_front();
        let (status, bytes) = next.ok_or(io::ErrorKind::TimedOut)?;
        let mut reply = ScsiReply {
            status,
            host_status: 0,
            driver_status: 0,
            sense: Vec::new(),
            residual_bytes: 0,
            duration_ms: 0,
        };
        match data {
            Data::In(buffer) if status == 0 => {
                buffer[..bytes.len()].copy_from_slice(&bytes);
                let unused = buffer.len() - bytes.len();
                reply.residual_bytes = i32::try_from(unused).expect("a small buffer");
            }
            _ => reply.sense = bytes,
        }
        Ok(reply)
    }

    fn nvme_admin(&self, _: &AdminCommand, _: Data<'_>, _: Duration) -> io::Result<AdminReply> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Fixed format, with a progress of one half.
fn sense(key: u8, asc: u8, ascq: u8) -> Vec<u8> {
    vec![
        0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, asc, ascq, 0, 0x80, 0x80, 0,
    ]
}

fn said(answers: Vec<(u8, Vec<u8>)>) -> State {
    let script = Script(Mutex::new(answers.into()));
    ScsiSanitize::new(Arc::new(script), None).said().state
}

#[test]
fn each_answer_has_its_state() {
    let half = State::InProgress { progress: 0x8000 };
    let idle = State::Idle { completed: None };
    let failed = State::Failed("sanitize failed".into());
    for (key, asc, ascq, state) in [
        (2, 0x04, 0x1B, &half),
        (0, 0x04, 0x1B, &half),
        (3, 0x31, 0x03, &failed),
        (0, 0x00, 0x00, &idle),
        // Idle_a by a timer.
        (0, 0x5E, 0x03, &idle),
    ] {
        assert_eq!(&said(vec![(0, sense(key, asc, ascq))]), state);
        // As the sense of a command that ends with CHECK CONDITION.
        assert_eq!(&said(vec![(2, sense(key, asc, ascq))]), state);
    }
    for answer in [
        // A format under way, one that was interrupted, becoming ready, a threshold exceeded.
        (0, sense(2, 0x04, 0x04)),
        (0, sense(3, 0x31, 0x00)),
        (0, sense(2, 0x04, 0x01)),
        (0, sense(1, 0x5D, 0x00)),
        // A bridge that answers everything with zeros, or with nothing; BUSY.
        (0, vec![0; 18]),
        (0, Vec::new()),
        (8, Vec::new()),
    ] {
        let state = said(vec![answer]);
        assert!(matches!(state, State::Unknown(_)), "{state:?}");
    }
}

/// A warning that comes without a sense key hides what the drive is at, and so does a change of power
/// of a drive that is not ready.
#[test]
fn only_a_drive_that_saves_power_and_has_nothing_else_to_tell_is_idle() {
    for (key, asc) in [(0, 0x5D), (0, 0x0B), (2, 0x5E)] {
        let state = said(vec![(0, sense(key, asc, 0x01))]);
        assert!(
            matches!(state, State::Unknown(_)),
            "{key:X}/{asc:02X}: {state:?}"
        );
    }
}

/// A reset alone lets it be sent again: what the drive refuses once it need not refuse twice.
#[test]
fn sanitize_that_the_disk_refuses_is_sent_once_and_told_with_its_sense() {
    for (key, asc, words) in [(5, 0x20, "5/20/00"), (3, 0x31, "3/31/00")] {
        let answers = vec![(2, sense(key, asc, 0x00)), (0, Vec::new())];
        let script = Script(Mutex::new(answers.into()));
        let drive = ScsiSanitize::new(Arc::new(script), None);
        let refusal = drive.start(Technique::BlockErase).unwrap_err();
        assert!(refusal.starts_with("refused: "), "{refusal}");
        assert!(refusal.contains(words), "{refusal}");
    }
}

#[test]
fn unit_attention_is_asked_again_a_few_times() {
    let attention = || (0, sense(6, 0x29, 0x00));
    let ready = (0, sense(0, 0, 0));
    let idle = State::Idle { completed: None };
    let three = vec![attention(), attention(), attention(), ready];
    assert_eq!(said(three), idle);
    let state = said((0..5).map(|_| attention()).collect());
    let State::Unknown(why) = state else {
        panic!("{state:?}");
    };
    assert!(why.contains("one reset after another"), "{why}");
}
