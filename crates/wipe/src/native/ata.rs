//! SANITIZE DEVICE of an ATA drive, through a path that returns its registers.

use super::{OVERWRITE_BYTE, Said, Sanitize, State, Technique};
use drive::ata::change::{
    LastPass, sanitize_block_erase_ext, sanitize_crypto_scramble_ext, sanitize_overwrite_ext,
};
use drive::ata::command::{check_power_mode, sanitize_status_ext};
use drive::ata::registers::{PowerMode, RegisterReturn};
use drive::ata::sanitize::{AbortReason, SanitizeStatus};
use drive::port::{Data, Port};
use drive::sanitize::{AfterFailure, Overwrite, Passes, WritePointers};
use std::sync::Arc;
use std::time::Duration;

/// Time for a command that only starts or asks something. The kernel raises it to 7 s.
const TIMEOUT: Duration = Duration::from_secs(15);
/// A drive says UNIT ATTENTION once for each thing that happened to it; then it answers.
const TRIES: usize = 4;
const KEY_UNIT_ATTENTION: u8 = 6;
const NOT_OURS: &str = "not a command of the sanitize feature set";

/// An ATA drive.
pub struct AtaSanitize {
    port: Arc<dyn Port>,
}

impl AtaSanitize {
    /// Over a claimed drive's port.
    #[must_use]
    pub fn new(port: Arc<dyn Port>) -> Self {
        Self { port }
    }
}

/// What came of a command that was sent once.
#[derive(Debug)]
pub(super) enum Sent {
    /// What came back of the registers.
    Registers(RegisterReturn),
    /// The drive says that something happened to it, and did not carry out the command.
    UnitAttention,
}

/// Sends a command once.
///
/// # Errors
/// There is no answer, in words.
pub(super) fn send(
    port: &dyn Port,
    cdb: &[u8],
    data: Data<'_>,
    timeout: Duration,
) -> Result<Sent, String> {
    let reply = port
        .scsi(cdb, data, timeout)
        .map_err(|error| error.to_string())?;
    if reply.host_status != 0 {
        return Err(format!("no answer (host status {:x})", reply.host_status));
    }
    let sense = drive::scsi::Sense::parse(&reply.sense);
    Ok(match sense {
        Some(sense) if sense.key == KEY_UNIT_ATTENTION => Sent::UnitAttention,
        _ => Sent::Registers(RegisterReturn::from_sense(&reply.sense)),
    })
}

/// Sends a command whose answer is in the registers, again after each UNIT ATTENTION.
pub(super) fn registers(
    port: &dyn Port,
    cdb: &[u8],
    out: Option<&[u8]>,
    timeout: Duration,
) -> Result<RegisterReturn, String> {
    for _ in 0..TRIES {
        let data = out.map_or(Data::None, Data::Out);
        if let Sent::Registers(registers) = send(port, cdb, data, timeout)? {
            return Ok(registers);
        }
    }
    Err("the drive reports one reset after another".into())
}

/// The path returns registers: CHECK POWER MODE of a drive that was just spoken to has one of a few
/// known answers. A drive in the failed state aborts it, which takes registers too.
pub(super) fn path_returns_registers(port: &dyn Port) -> Result<(), String> {
    let registers = registers(port, &check_power_mode(), None, TIMEOUT)?;
    let is_abort = matches!(&registers, RegisterReturn::Returned(r) if r.is_aborted());
    match PowerMode::from_registers(&registers) {
        PowerMode::Unknown if !is_abort => Err(format!("no registers came back ({registers})")),
        _ => Ok(()),
    }
}

impl Sanitize for AtaSanitize {
    fn said(&self) -> Said {
        let registers = match registers(&*self.port, &sanitize_status_ext(), None, TIMEOUT) {
            Ok(registers) => registers,
            Err(error) => return Said::unknown(error),
        };
        let state = match SanitizeStatus::from_registers(&registers) {
            SanitizeStatus::Reported(report) if report.in_progress => State::InProgress {
                progress: report.progress_raw,
            },
            SanitizeStatus::Reported(report) if report.frozen => State::Frozen,
            SanitizeStatus::Reported(report) => State::Idle {
                completed: Some(report.completed_without_error),
            },
            SanitizeStatus::Aborted(AbortReason::Frozen) => State::Frozen,
            SanitizeStatus::Aborted(AbortReason::SectorsRemain) => {
                State::Failed("physical sectors remain unsanitized".into())
            }
            // A drive without the feature set is not asked: it offers no technique.
            SanitizeStatus::Aborted(reason) => State::Failed(format!("aborted: {reason:?}")),
            SanitizeStatus::Unknown(why) => State::Unknown(format!("{why:?}")),
        };
        Said {
            state,
            erased_since_write: None,
            is_ours: None,
            is_deallocated: false,
            raw: format!("{registers:x?}"),
        }
    }

    fn start(&self, technique: Technique) -> Result<(), String> {
        path_returns_registers(&*self.port)?;
        let (failure, zones) = (AfterFailure::Restricted, WritePointers::Reset);
        let cdb = match technique {
            Technique::BlockErase => sanitize_block_erase_ext(failure, zones),
            Technique::CryptoErase => sanitize_crypto_scramble_ext(failure, zones),
            Technique::Overwrite => {
                let overwrite = Overwrite {
                    pattern: u32::from_be_bytes([OVERWRITE_BYTE; 4]),
                    passes: Passes::ONE,
                    invert_between_passes: false,
                };
                sanitize_overwrite_ext(overwrite, LastPass::Pattern, failure, zones)
            }
            Technique::EnhancedErase | Technique::Format => return Err(NOT_OURS.into()),
        };
        let registers = registers(&*self.port, &cdb, None, TIMEOUT)?;
        match registers.good() {
            Some(_) => Ok(()),
            None => Err(format!(
                "the drive does not take the command: {registers:x?}"
            )),
        }
    }

    /// ACS-4 leaves the contents open, not whether they can be read.
    fn may_be_unreadable_after(&self, _: Technique) -> bool {
        false
    }
}
