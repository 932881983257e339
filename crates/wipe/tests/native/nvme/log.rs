//! What is taken from a sanitize log, by logs that no simulated drive sends.

use drive::nvme::identify::{Controller, SanitizeCapabilities};
use drive::port::{AdminCommand, AdminReply, Data, Port, ScsiReply};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use wipe::native::nvme::NvmeSanitize;
use wipe::native::{Said, Sanitize as _, State};

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

    fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// `leaves_media`: the controller can be told not to deallocate, and changes nothing by itself then.
fn said(command_status: u16, sstat: u16, leaves_media: bool) -> Said {
    let log = Log {
        command_status,
        sstat,
    };
    let capabilities = SanitizeCapabilities {
        no_deallocate_inhibited: !leaves_media,
        modifies_media_after: 1,
        ..Controller::parse(&[0; 4096]).sanitize
    };
    NvmeSanitize::new(Arc::new(log), capabilities).said()
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
