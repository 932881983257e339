//! What a drive does to itself: a sanitize or a format that is under way, or failed.
//!
//! Asked before anything is read from the medium. Linux repeats a read that a SCSI disk puts off for a
//! sanitize for three minutes (`sd`, 02/04/1B), and a power cut ends no sanitize.

use super::{Said, asks_inquiry_only};
use crate::ata::command::sanitize_status_ext;
use crate::ata::registers::RegisterReturn;
use crate::ata::sanitize::{AbortReason, SanitizeStatus};
use crate::discover::line::Line;
use crate::facts::{DriveFacts, OwnErase};
use crate::nvme::command::{LOG_BYTES, sanitize_log};
use crate::nvme::log::{SanitizeLog, SanitizeMachine, SanitizeState};
use crate::scsi::Sense;
use crate::scsi::command::{request_sense, test_unit_ready};
use crate::scsi::progress::LongOperation;

const SENSE_BYTES: u8 = 252;

/// REQUEST SENSE brings what happened to the drive first, one thing each time.
const TRIES: usize = 4;

const KEY_UNIT_ATTENTION: u8 = 0x06;

/// `None` where the drive tells of nothing, was not asked, or its answer says nothing: what it is at is
/// then seen when it is read.
pub fn asked(line: &Line<'_>, facts: &DriveFacts, said: &Said) -> Option<OwnErase> {
    match said {
        Said::Ata(identify) if facts.takes_ata_commands() => {
            identify.sanitize.is_some().then(|| ata(line)).flatten()
        }
        Said::Scsi if asks_inquiry_only(facts) => None,
        Said::Ata(_) | Said::Scsi => scsi(line),
        Said::Nvme(said) => said.0.sanitize.is_supported().then(|| nvme(line)).flatten(),
        Said::Mmc(_) | Said::Nothing => None,
    }
}

fn ata(line: &Line<'_>) -> Option<OwnErase> {
    let sense = line.sense_of(&sanitize_status_ext()).ok()?;
    match SanitizeStatus::from_registers(&RegisterReturn::from_sense(&sense)) {
        SanitizeStatus::Reported(report) if report.in_progress => Some(OwnErase::Sanitizing {
            progress: Some(report.progress_raw),
        }),
        // Other reasons are those of drives that do not take the question.
        SanitizeStatus::Aborted(AbortReason::SectorsRemain) => Some(OwnErase::SanitizeFailed),
        SanitizeStatus::Reported(_) | SanitizeStatus::Aborted(_) | SanitizeStatus::Unknown(_) => {
            None
        }
    }
}

fn scsi(line: &Line<'_>) -> Option<OwnErase> {
    requested(line).or_else(|| {
        // Some tell it only when they refuse a command.
        let sense = line.sense_of(&test_unit_ready()).ok()?;
        told_by(&Sense::parse(&sense)?)
    })
}

fn requested(line: &Line<'_>) -> Option<OwnErase> {
    for _ in 0..TRIES {
        let data = line.read_scsi(&request_sense(SENSE_BYTES), usize::from(SENSE_BYTES));
        let sense = Sense::parse(&data.ok()?)?;
        if sense.key != KEY_UNIT_ATTENTION {
            return told_by(&sense);
        }
    }
    None
}

fn told_by(sense: &Sense) -> Option<OwnErase> {
    match LongOperation::from_sense(sense) {
        LongOperation::Sanitizing { progress_raw } => Some(OwnErase::Sanitizing {
            progress: progress_raw,
        }),
        LongOperation::SanitizeFailed => Some(OwnErase::SanitizeFailed),
        LongOperation::Formatting { progress_raw } => Some(OwnErase::Formatting {
            progress: progress_raw,
        }),
        LongOperation::FormatFailed | LongOperation::FormatCorrupt => Some(OwnErase::FormatFailed),
        LongOperation::NoneTold | LongOperation::Other => None,
    }
}

fn nvme(line: &Line<'_>) -> Option<OwnErase> {
    let page = line.read_nvme(&sanitize_log(), LOG_BYTES).ok()?;
    let log = SanitizeLog::parse(&page)?;
    match log.state {
        SanitizeState::InProgress if log.machine == SanitizeMachine::MediaVerification => {
            Some(OwnErase::MediaVerification)
        }
        SanitizeState::InProgress => Some(OwnErase::Sanitizing {
            progress: Some(log.progress_raw),
        }),
        SanitizeState::Failed => Some(OwnErase::SanitizeFailed),
        SanitizeState::Never
        | SanitizeState::Succeeded
        | SanitizeState::SucceededDeallocated
        | SanitizeState::Reserved(_) => None,
    }
}
