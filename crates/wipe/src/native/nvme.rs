//! Sanitize of an NVM subsystem.

use super::verification::{Answer, MediaView};
use super::{OVERWRITE_BYTE, Said, Sanitize, State, Technique};
use drive::nvme::change::{self, SanitizeAction};
use drive::nvme::command::{LOG_BYTES, sanitize_log};
use drive::nvme::identify::SanitizeCapabilities;
use drive::nvme::log::{SanitizeLog, SanitizeMachine, SanitizeState};
use drive::port::{Data, Port};
use drive::sanitize::{AfterFailure, Overwrite, Passes};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Time for a command that only starts or asks something.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Time for a read of one block.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// Status of a read in the media verification state that brought what is on the medium.
const MEDIA_VERIFICATION_READ: u16 = 0x19C;

/// Bit 9 of Sanitize's dword 10: no-deallocate after sanitize.
const NO_DEALLOCATE: u32 = 1 << 9;

/// No command was sent yet: not the dword 10 of any.
const NONE_SENT: u32 = 0;

/// An NVM subsystem by one of its controllers.
pub struct NvmeSanitize {
    port: Arc<dyn Port>,
    capabilities: SanitizeCapabilities,
    /// Command dword 10 of what was sent.
    sent: AtomicU32,
}

impl NvmeSanitize {
    /// Over a claimed drive's port; the capabilities are those of its controller.
    #[must_use]
    pub fn new(port: Arc<dyn Port>, capabilities: SanitizeCapabilities) -> Self {
        Self {
            port,
            capabilities,
            sent: AtomicU32::new(NONE_SENT),
        }
    }

    /// `shows`: the medium is left to be looked at, which rules out that it stays allocated.
    /// `None`: not a command of NVMe's.
    fn command(&self, technique: Technique, shows: bool) -> Option<change::Sanitize> {
        let action = match technique {
            Technique::BlockErase => SanitizeAction::BlockErase,
            Technique::CryptoErase => SanitizeAction::CryptoErase,
            Technique::EnhancedErase | Technique::Format => return None,
            Technique::Overwrite => SanitizeAction::Overwrite(Overwrite {
                pattern: u32::from_le_bytes([OVERWRITE_BYTE; 4]),
                passes: Passes::ONE,
                invert_between_passes: false,
            }),
        };
        Some(change::Sanitize {
            action,
            after_failure: AfterFailure::Restricted,
            no_deallocate_after: !shows && self.keeps_allocated(),
            enter_media_verification: shows,
            purge_required: self.capabilities.purge_required,
        })
    }

    /// Without deallocation a read-back reads the medium. Only where the controller lets it and does
    /// not change the medium afterwards by itself.
    fn keeps_allocated(&self) -> bool {
        !self.capabilities.no_deallocate_inhibited && self.capabilities.modifies_media_after == 1
    }

    fn log(&self) -> Result<SanitizeLog, String> {
        let mut page = vec![0; LOG_BYTES];
        match self
            .port
            .nvme_admin(&sanitize_log(), Data::In(&mut page), TIMEOUT)
        {
            Ok(reply) if reply.status == 0 => {}
            Ok(reply) => return Err(format!("the log is refused with {:03X}h", reply.status)),
            Err(error) => return Err(error.to_string()),
        }
        SanitizeLog::parse(&page).ok_or_else(|| "the sanitize log is no log".into())
    }

    fn send(&self, technique: Technique, shows: bool) -> Result<(), String> {
        let command = self
            .command(technique, shows)
            .ok_or("not a command of NVMe's")?;
        self.sent.store(command.dword_10(), Ordering::Release);
        match self
            .port
            .nvme_admin(&command.command(), Data::None, TIMEOUT)
        {
            Ok(reply) if reply.status == 0 => Ok(()),
            Ok(reply) => {
                // Nothing was begun: the log goes on speaking of another operation.
                self.sent.store(NONE_SENT, Ordering::Release);
                Err(format!("refused with NVMe status {:03X}h", reply.status))
            }
            Err(error) => Err(error.to_string()),
        }
    }
}

impl MediaView for NvmeSanitize {
    fn start(&self, technique: Technique) -> Result<(), String> {
        self.send(technique, true)
    }

    fn read(&self, sector: u64, buffer: &mut [u8]) -> Result<Answer, String> {
        match self.port.nvme_read(sector, buffer, READ_TIMEOUT) {
            Ok(reply) if reply.status == 0 => Ok(Answer::Ordinary),
            Ok(reply) if reply.status == MEDIA_VERIFICATION_READ => Ok(Answer::Medium),
            // Media and data integrity errors.
            Ok(reply) if reply.status >> 8 == 2 => Ok(Answer::Unreadable),
            Ok(reply) => Err(format!(
                "a read is refused with NVMe status {:03X}h",
                reply.status
            )),
            Err(error) => Err(format!("a read has no answer: {error}")),
        }
    }

    fn is_cancelled(&self) -> bool {
        self.log().is_ok_and(|log| log.media_verification_cancelled)
    }
}

impl Sanitize for NvmeSanitize {
    fn said(&self) -> Said {
        let log = match self.log() {
            Ok(log) => log,
            Err(why) => return Said::unknown(why),
        };
        let sent = self.sent.load(Ordering::Acquire);
        let keeps_allocated = match sent {
            NONE_SENT => self.keeps_allocated(),
            sent => sent & NO_DEALLOCATE != 0,
        };
        let purged = !self.capabilities.purge_required || sent == NONE_SENT || log.purged;
        let state = match log.state {
            SanitizeState::Never => State::Idle {
                completed: Some(false),
            },
            SanitizeState::Succeeded | SanitizeState::SucceededDeallocated if purged => {
                State::Idle {
                    completed: Some(true),
                }
            }
            SanitizeState::Succeeded | SanitizeState::SucceededDeallocated => State::Failed(
                "a purge was required, and the drive does not say that it was one".into(),
            ),
            SanitizeState::InProgress if log.machine == SanitizeMachine::MediaVerification => {
                State::MediaVerification
            }
            SanitizeState::InProgress => State::InProgress {
                progress: log.progress_raw,
            },
            SanitizeState::Failed => State::Failed("sanitize failed".into()),
            SanitizeState::Reserved(value) => State::Unknown(format!("status {value}")),
        };
        Said {
            state,
            erased_since_write: Some(log.global_data_erased),
            is_ours: (sent != NONE_SENT).then_some(log.command_dword_10 == sent),
            is_deallocated: log.state == SanitizeState::SucceededDeallocated
                || log.state == SanitizeState::Succeeded && !keeps_allocated,
            raw: format!(
                "SPROG {:04X}h SSTAT {:04X}h SCDW10 {:08X}h",
                log.progress_raw, log.status_raw, log.command_dword_10
            ),
        }
    }

    fn start(&self, technique: Technique) -> Result<(), String> {
        self.send(technique, false)
    }

    /// Base 2.1: of what is erased and deallocated behind it; an overwrite is refused with it.
    fn media_view(&self, technique: Technique) -> Option<&dyn MediaView> {
        let lets = match technique {
            Technique::BlockErase | Technique::CryptoErase => true,
            Technique::Overwrite | Technique::EnhancedErase | Technique::Format => false,
        };
        (lets && self.capabilities.media_verification).then_some(self)
    }

    fn leave_media_verification(&self) -> Result<(), String> {
        let command = change::sanitize_exit_media_verification();
        match self.port.nvme_admin(&command, Data::None, TIMEOUT) {
            Ok(reply) if reply.status == 0 => Ok(()),
            Ok(reply) => Err(format!("refused with NVMe status {:03X}h", reply.status)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Blocks that were erased and stay mapped may not be readable before they are written.
    fn may_be_unreadable_after(&self, technique: Technique) -> bool {
        technique == Technique::BlockErase && self.keeps_allocated()
    }
}
