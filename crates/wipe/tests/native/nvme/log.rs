//! What is taken from a sanitize log and from the status of a read, by answers that no simulated drive
//! gives.

use drive::nvme::identify::{Controller, SanitizeCapabilities};
use drive::port::{AdminCommand, AdminReply, Data, Port, ScsiReply};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use wipe::native::nvme::NvmeSanitize;
use wipe::native::verification::{Answer, MediaView};
use wipe::native::{Said, Sanitize, State, Technique};

/// Answers every command with this status and this SSTAT.
struct Log {
    command_status: u16,
    sstat: u16,
}

impl Port for Log {
    fn scsi(&self, _: &[u8], _: Data<'_>, _: Duration) -> io::Result<ScsiReply> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn nvme_admin(&self, _: &AdminCommand, data: Data<'_>, _: Duration) -> io::Result<AdminReply> {
        if let Data::In(page) = data {
            page[0..2].fill(0xFF);
            page[2..4].copy_from_slice(&self.sstat.to_le_bytes());
        }
        Ok(AdminReply {
            status: self.command_status,
            result: 0,
        })
    }

    fn nvme_read(&self, _: u64, _: &mut [u8], _: Duration) -> io::Result<AdminReply> {
        Ok(AdminReply {
            status: self.command_status,
            result: 0,
        })
    }

    fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// `leaves_media`: the controller can be told not to deallocate, and changes nothing by itself then.
fn drive(command_status: u16, sstat: u16, leaves_media: bool) -> NvmeSanitize {
    let log = Log {
        command_status,
        sstat,
    };
    let capabilities = SanitizeCapabilities {
        no_deallocate_inhibited: !leaves_media,
        modifies_media_after: 1,
        ..Controller::parse(&[0; 4096]).sanitize
    };
    NvmeSanitize::new(Arc::new(log), capabilities)
}

fn said(command_status: u16, sstat: u16, leaves_media: bool) -> Said {
    drive(command_status, sstat, leaves_media).said()
}

/// An overwrite is held against the byte that was written, unless filling may stand there.
#[test]
fn filling_is_expected_only_after_an_end_that_deallocates() {
    for (sstat, leaves_media, deallocated) in [
        (1, true, false),
        (4, true, true),
        (1, false, true),
        (4, false, true),
        // Never, under way, failed: nothing was deallocated.
        (0, false, false),
        (2, false, false),
        (3, false, false),
    ] {
        let said = said(0, sstat, leaves_media);
        assert_eq!(
            said.is_deallocated, deallocated,
            "SSTAT {sstat}, {leaves_media}"
        );
    }
}

/// What was sent counts, not what could have been.
#[test]
fn filling_is_expected_unless_the_command_that_was_sent_forbids_to_deallocate() {
    for (leaves_media, shows, deallocated) in [
        (true, false, false),
        (false, false, true),
        // To be looked at, it has to be deallocated behind the look.
        (true, true, true),
    ] {
        let drive = drive(0, 1, leaves_media);
        let technique = Technique::BlockErase;
        let sent = match shows {
            true => MediaView::start(&drive, technique),
            false => Sanitize::start(&drive, technique),
        };
        assert_eq!(sent, Ok(()));
        let said = drive.said().is_deallocated;
        assert_eq!(said, deallocated, "{leaves_media}, {shows}");
    }
}

#[test]
fn log_that_is_refused_tells_nothing_whatever_came_with_the_refusal() {
    assert_eq!(
        said(0, 1, true).state,
        State::Idle {
            completed: Some(true)
        }
    );
    let refused = said(0x4002, 1, true);
    assert!(matches!(refused.state, State::Unknown(_)), "{refused:?}");
}

#[test]
fn media_verification_is_left_when_the_drive_says_so_and_not_when_it_refuses() {
    let leave = |command_status| drive(command_status, 5, true).leave_media_verification();
    assert_eq!(leave(0), Ok(()));
    let refusal = leave(0x1C).unwrap_err();
    assert!(refusal.contains("01Ch"), "{refusal}");
}

/// Only what the medium itself brings is looked at; a read that failed for it is counted as such, and
/// any other failure says nothing of the medium.
#[test]
fn read_in_media_verification_is_told_by_its_status_alone() {
    let read = |status| drive(status, 5, true).read(0, &mut [0; 512]);
    assert_eq!(read(0x000), Ok(Answer::Ordinary));
    assert_eq!(read(0x19C), Ok(Answer::Medium));
    // Unrecovered read error; the first and the last of the kind.
    for status in [0x281, 0x200, 0x2FF] {
        assert_eq!(read(status), Ok(Answer::Unreadable), "{status:03X}h");
    }
    for status in [0x01C, 0x19B, 0x186, 0x300, 0x681] {
        let refusal = read(status).unwrap_err();
        assert!(refusal.contains(&format!("{status:03X}h")), "{refusal}");
    }
}

#[test]
fn look_is_cancelled_where_the_log_says_so_and_not_where_it_is_refused() {
    let is_cancelled = |status, sstat| drive(status, sstat, true).is_cancelled();
    assert!(is_cancelled(0, 1 << 9 | 1));
    assert!(!is_cancelled(0, 1));
    assert!(!is_cancelled(0x002, 1 << 9 | 1));
}

/// What a block erase leaves allocated may answer reads with an error.
#[test]
fn blocks_are_excused_from_reading_after_a_block_erase_that_leaves_them_allocated() {
    for (technique, leaves_media, excused) in [
        (Technique::BlockErase, true, true),
        (Technique::BlockErase, false, false),
        (Technique::Overwrite, true, false),
        (Technique::CryptoErase, true, false),
        (Technique::Overwrite, false, false),
    ] {
        let drive = drive(0, 1, leaves_media);
        assert_eq!(
            drive.may_be_unreadable_after(technique),
            excused,
            "{technique}, {leaves_media}"
        );
    }
}
