//! SANITIZE of a SCSI drive, for one that is SCSI itself: a drive behind a SATL is sanitized by ATA
//! commands, whose status says more.
//!
//! REQUEST SENSE tells of a sanitize that runs or failed, and of one that succeeded nothing: whoever
//! did not see it under way knows nothing of it.

use super::{OVERWRITE_BYTE, Said, Sanitize, State, Technique};
use drive::port::{Data, Port, ScsiReply};
use drive::sanitize::{AfterFailure, Overwrite, Passes, WritePointers};
use drive::scsi::Sense;
use drive::scsi::change::{
    Answer, overwrite_parameters, sanitize_block_erase, sanitize_cryptographic_erase,
    sanitize_overwrite,
};
use drive::scsi::command::request_sense;
use drive::scsi::progress::LongOperation;
use drive::scsi::vpd::{Characteristics, ReadAfterErase};
use std::sync::Arc;
use std::time::Duration;

/// Time for a command that only starts or asks something.
const TIMEOUT: Duration = Duration::from_secs(60);
/// A drive says UNIT ATTENTION once for each thing that happened to it; then it answers.
const TRIES: usize = 4;
const SENSE_BYTES: u8 = 252;
const GOOD: u8 = 0x00;
const CHECK_CONDITION: u8 = 0x02;
const KEY_NO_SENSE: u8 = 0;
const KEY_UNIT_ATTENTION: u8 = 6;
/// ASC of NO SENSE while a drive saves power: nothing is under way.
const LOW_POWER: u8 = 0x5E;

/// A SCSI drive.
pub struct ScsiSanitize {
    port: Arc<dyn Port>,
    characteristics: Option<Characteristics>,
}

impl ScsiSanitize {
    /// Over a claimed drive's port; the characteristics are those of VPD page B1h, `None` where it has
    /// no such page.
    #[must_use]
    pub fn new(port: Arc<dyn Port>, characteristics: Option<Characteristics>) -> Self {
        Self {
            port,
            characteristics,
        }
    }

    fn send(&self, cdb: &[u8], data: Data<'_>) -> Result<ScsiReply, String> {
        let reply = self.port.scsi(cdb, data, TIMEOUT);
        let reply = reply.map_err(|error| error.to_string())?;
        if reply.host_status != 0 {
            return Err(format!("no answer (host status {:x})", reply.host_status));
        }
        Ok(reply)
    }

    /// The sense data that REQUEST SENSE returns, or that it ends with.
    fn sense(&self) -> Result<(Sense, Vec<u8>), String> {
        for _ in 0..TRIES {
            let mut data = vec![0; usize::from(SENSE_BYTES)];
            let reply = self.send(&request_sense(SENSE_BYTES), Data::In(&mut data))?;
            let unused = usize::try_from(reply.residual_bytes).unwrap_or(0);
            data.truncate(data.len().saturating_sub(unused));
            let bytes = match reply.status {
                GOOD => data,
                CHECK_CONDITION => reply.sense,
                status => return Err(format!("SCSI status {status:02X}h")),
            };
            match Sense::parse(&bytes) {
                Some(sense) if sense.key == KEY_UNIT_ATTENTION => {}
                Some(sense) => return Ok((sense, bytes)),
                None => return Err("what REQUEST SENSE returned is no sense data".into()),
            }
        }
        Err("the drive reports one reset after another".into())
    }
}

impl Sanitize for ScsiSanitize {
    fn said(&self) -> Said {
        let (sense, bytes) = match self.sense() {
            Ok(answer) => answer,
            Err(why) => return Said::unknown(why),
        };
        let state = match LongOperation::from_sense(&sense) {
            LongOperation::Sanitizing { progress_raw } => State::InProgress {
                progress: progress_raw.unwrap_or(0),
            },
            LongOperation::SanitizeFailed => State::Failed("sanitize failed".into()),
            LongOperation::NoneTold => State::Idle { completed: None },
            LongOperation::Formatting { .. } => State::Unknown("a format is under way".into()),
            LongOperation::FormatFailed | LongOperation::FormatCorrupt => {
                State::Unknown("a format failed or was interrupted".into())
            }
            LongOperation::Other if sense.key == KEY_NO_SENSE && sense.asc == Some(LOW_POWER) => {
                State::Idle { completed: None }
            }
            LongOperation::Other => State::Unknown(sense.to_string()),
        };
        let raw = bytes.iter().map(|byte| format!("{byte:02X}"));
        Said {
            state,
            erased_since_write: None,
            is_ours: None,
            is_deallocated: false,
            raw: raw.collect::<Vec<_>>().join(" "),
        }
    }

    fn start(&self, technique: Technique) -> Result<(), String> {
        let options = (
            Answer::Immediately,
            AfterFailure::Restricted,
            WritePointers::Reset,
        );
        let parameters = overwrite_parameters(Overwrite {
            pattern: u32::from_be_bytes([OVERWRITE_BYTE; 4]),
            passes: Passes::ONE,
            invert_between_passes: false,
        });
        let (cdb, out) = match technique {
            Technique::BlockErase => {
                let cdb = sanitize_block_erase(options.0, options.1, options.2);
                (cdb, None)
            }
            Technique::CryptoErase => {
                let cdb = sanitize_cryptographic_erase(options.0, options.1, options.2);
                (cdb, None)
            }
            Technique::EnhancedErase | Technique::Format => {
                return Err("not a command of SCSI's".into());
            }
            Technique::Overwrite => {
                let cdb = sanitize_overwrite(options.0, options.1, options.2);
                (cdb, Some(&parameters[..]))
            }
        };
        for _ in 0..TRIES {
            let reply = self.send(&cdb, out.map_or(Data::None, Data::Out))?;
            match (reply.status, Sense::parse(&reply.sense)) {
                (GOOD, _) => return Ok(()),
                // Told instead of being carried out.
                (CHECK_CONDITION, Some(sense)) if sense.key == KEY_UNIT_ATTENTION => {}
                (CHECK_CONDITION, Some(sense)) => return Err(format!("refused: {sense}")),
                (status, _) => return Err(format!("refused with SCSI status {status:02X}h")),
            }
        }
        Err("the drive reports one reset after another".into())
    }

    fn may_be_unreadable_after(&self, technique: Technique) -> bool {
        let reads = self.characteristics.map(|of| match technique {
            Technique::BlockErase => of.read_after_block_erase,
            Technique::CryptoErase => of.read_after_crypto_erase,
            Technique::Overwrite | Technique::EnhancedErase | Technique::Format => {
                ReadAfterErase::Good
            }
        });
        matches!(
            reads,
            Some(ReadAfterErase::MediumError | ReadAfterErase::WriteRequired)
        )
    }
}
