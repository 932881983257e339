//! Log pages: SMART / Health (02h) and Sanitize Status (81h).
//!
//! SPROG FFFFh or "no operation" is never success: only SSTAT decides, and SSTAT 1 may be years old.

use crate::bytes::{bit, byte, is_one_byte_repeated, le16, le32, le128};

/// SMART / Health Information log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmartLog {
    /// Byte 0.
    pub critical_warning: CriticalWarning,
    /// Composite temperature; `None` when 0 K (not said).
    pub temperature_celsius: Option<i32>,
    /// Spare capacity left, percent.
    pub available_spare: u8,
    /// Threshold of the spare, percent.
    pub spare_threshold: u8,
    /// Rated endurance used, percent; may exceed 100; 255 means 255 or more.
    pub percentage_used: u8,
    /// Host reads, in units of 1000 * 512 bytes.
    pub units_read: u128,
    /// Host writes, in units of 1000 * 512 bytes.
    pub units_written: u128,
    /// Power cycles.
    pub power_cycles: u128,
    /// Power-on hours.
    pub power_on_hours: u128,
    /// Unsafe shutdowns.
    pub unsafe_shutdowns: u128,
    /// Unrecovered data integrity errors.
    pub media_errors: u128,
    /// Entries of the error log over the controller's life.
    pub error_entries: u128,
}

/// Critical warning bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CriticalWarning {
    /// The byte as it came.
    pub raw: u8,
    /// b0: spare below its threshold.
    pub spare_low: bool,
    /// b1: temperature beyond a threshold, now.
    pub temperature: bool,
    /// b2: reliability degraded by media errors.
    pub degraded: bool,
    /// b3: media read-only.
    pub read_only: bool,
    /// b4: volatile memory backup failed.
    pub backup_failed: bool,
    /// b5: persistent memory region unreliable.
    pub pmr_unreliable: bool,
}

impl SmartLog {
    /// Parses the 512 bytes. `None` when short or one byte repeated: a log of zeros would read as
    /// a drive in perfect health.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let data = data.get(..super::command::LOG_BYTES)?;
        if is_one_byte_repeated(data) {
            return None;
        }
        let kelvin = le16(data, 1)?;
        Some(Self {
            critical_warning: CriticalWarning::decode(byte(data, 0)?),
            temperature_celsius: (kelvin > 0).then(|| i32::from(kelvin) - 273),
            available_spare: byte(data, 3)?,
            spare_threshold: byte(data, 4)?,
            percentage_used: byte(data, 5)?,
            units_read: le128(data, 32)?,
            units_written: le128(data, 48)?,
            power_cycles: le128(data, 112)?,
            power_on_hours: le128(data, 128)?,
            unsafe_shutdowns: le128(data, 144)?,
            media_errors: le128(data, 160)?,
            error_entries: le128(data, 176)?,
        })
    }
}

impl CriticalWarning {
    fn decode(raw: u8) -> Self {
        Self {
            raw,
            spare_low: bit(raw, 0),
            temperature: bit(raw, 1),
            degraded: bit(raw, 2),
            read_only: bit(raw, 3),
            backup_failed: bit(raw, 4),
            pmr_unreliable: bit(raw, 5),
        }
    }

    /// Whether any warning but the temperature is set.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.spare_low
            || self.degraded
            || self.read_only
            || self.backup_failed
            || self.pmr_unreliable
    }
}

/// Sanitize Status log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SanitizeLog {
    /// SSTAT b2:0.
    pub state: SanitizeState,
    /// SPROG: part done in 65536ths; FFFFh when nothing is in progress.
    pub progress_raw: u16,
    /// SSTAT b7:3: overwrite passes done.
    pub passes_done: u8,
    /// SSTAT b8: nothing was written to any namespace since the last successful sanitize.
    pub global_data_erased: bool,
    /// SSTAT b9: media verification was cancelled.
    pub media_verification_cancelled: bool,
    /// SSTAT b11: the last sanitize purged as IEEE 2883 names it (later revisions).
    pub purged: bool,
    /// SSTAT as it came.
    pub status_raw: u16,
    /// SCDW10: command dword 10 of the last sanitize.
    pub command_dword_10: u32,
    /// ETO, ETBE, ETCE: estimated seconds, deallocation among them.
    pub estimated_seconds: EstimatedSeconds,
    /// ETOND, ETBEND, ETCEND: estimated seconds with no-deallocate (NDAS).
    pub estimated_seconds_no_deallocate: EstimatedSeconds,
    /// ETPVDS: estimated seconds of the deallocation after media verification (later revisions).
    pub estimated_seconds_deallocation: Option<u32>,
    /// SSI b3:0: state of the sanitize state machine (later revisions; others say idle).
    pub machine: SanitizeMachine,
    /// SSI b7:4: the state in which it failed.
    pub failed_in: SanitizeMachine,
}

/// A state of the sanitize state machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SanitizeMachine {
    /// 0: idle, or a revision that does not say.
    Idle,
    /// 1: processing, restricted.
    RestrictedProcessing,
    /// 2: failed, restricted.
    RestrictedFailure,
    /// 3: processing, unrestricted.
    UnrestrictedProcessing,
    /// 4: failed, unrestricted.
    UnrestrictedFailure,
    /// 5: the medium is readable as the processing left it, until the host says that it is done.
    MediaVerification,
    /// 6: deallocation after the verification.
    PostVerificationDeallocation,
    /// Another value.
    Reserved(u8),
}

/// Estimated times; `None` when not said (FFFFFFFFh).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct EstimatedSeconds {
    /// Overwrite.
    pub overwrite: Option<u32>,
    /// Block erase.
    pub block_erase: Option<u32>,
    /// Crypto erase.
    pub crypto_erase: Option<u32>,
}

/// SSTAT b2:0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SanitizeState {
    /// 0: never sanitized.
    Never,
    /// 1: the last sanitize succeeded, perhaps years ago.
    Succeeded,
    /// 2: in progress.
    InProgress,
    /// 3: the last sanitize failed.
    Failed,
    /// 4: succeeded, but deallocated although the host asked not to.
    SucceededDeallocated,
    /// A value that no revision defines: not success.
    Reserved(u8),
}

impl SanitizeLog {
    /// Parses the 512 bytes. `None` when short or one byte repeated: a drive that was never
    /// sanitized says SPROG FFFFh, so a page of zeros is no answer.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let data = data.get(..super::command::LOG_BYTES)?;
        if is_one_byte_repeated(data) {
            return None;
        }
        let status = le16(data, 2)?;
        let seconds = |at| le32(data, at).filter(|s| *s != u32::MAX);
        let machine = byte(data, 36)?;
        Some(Self {
            state: SanitizeState::decode(status),
            progress_raw: le16(data, 0)?,
            passes_done: (status >> 3 & 0x1F) as u8,
            global_data_erased: bit(status, 8),
            media_verification_cancelled: bit(status, 9),
            purged: bit(status, 11),
            status_raw: status,
            command_dword_10: le32(data, 4)?,
            estimated_seconds: EstimatedSeconds {
                overwrite: seconds(8),
                block_erase: seconds(12),
                crypto_erase: seconds(16),
            },
            estimated_seconds_no_deallocate: EstimatedSeconds {
                overwrite: seconds(20),
                block_erase: seconds(24),
                crypto_erase: seconds(28),
            },
            estimated_seconds_deallocation: seconds(32),
            machine: SanitizeMachine::decode(machine & 0x0F),
            failed_in: SanitizeMachine::decode(machine >> 4),
        })
    }
}

impl SanitizeState {
    /// SSTAT b2:0; the other bits are of others.
    pub(super) fn decode(status: u16) -> Self {
        match status & 0b111 {
            0 => Self::Never,
            1 => Self::Succeeded,
            2 => Self::InProgress,
            3 => Self::Failed,
            4 => Self::SucceededDeallocated,
            other => Self::Reserved(other as u8),
        }
    }
}

impl SanitizeMachine {
    fn decode(value: u8) -> Self {
        match value {
            0 => Self::Idle,
            1 => Self::RestrictedProcessing,
            2 => Self::RestrictedFailure,
            3 => Self::UnrestrictedProcessing,
            4 => Self::UnrestrictedFailure,
            5 => Self::MediaVerification,
            6 => Self::PostVerificationDeallocation,
            other => Self::Reserved(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smart_log_by_offset() {
        let mut d = vec![0u8; 512];
        d[0] = 0b0000_0101;
        d[1..3].copy_from_slice(&[0x37, 0x01]);
        d[3..6].copy_from_slice(&[97, 10, 4]);
        d[32] = 1;
        d[48] = 2;
        d[112] = 3;
        d[128..130].copy_from_slice(&[0x10, 0x27]);
        d[144] = 5;
        d[160 + 15] = 1;
        d[176] = 7;
        let log = SmartLog::parse(&d).expect("log");
        assert!(log.critical_warning.spare_low && log.critical_warning.degraded);
        assert!(!log.critical_warning.temperature);
        assert_eq!(log.temperature_celsius, Some(38));
        assert_eq!(
            (
                log.available_spare,
                log.spare_threshold,
                log.percentage_used
            ),
            (97, 10, 4)
        );
        assert_eq!(
            (log.units_read, log.units_written, log.power_cycles),
            (1, 2, 3)
        );
        assert_eq!(
            (log.power_on_hours, log.unsafe_shutdowns, log.error_entries),
            (10_000, 5, 7)
        );
        assert_eq!(log.media_errors, 1 << 120);
    }

    #[test]
    fn temperature_that_the_drive_does_not_say_is_not_273_degrees_of_frost() {
        let temperature = |kelvin: [u8; 2]| {
            let mut d = vec![0u8; 512];
            (d[1], d[2], d[3]) = (kelvin[0], kelvin[1], 100);
            SmartLog::parse(&d).expect("log").temperature_celsius
        };
        assert_eq!(temperature([0, 0]), None);
        assert_eq!(temperature([0x11, 0x01]), Some(0));
        assert_eq!(temperature([0xFF, 0x00]), Some(-18));
    }

    #[test]
    fn temperature_alone_is_not_failing() {
        let warning = |raw| CriticalWarning::decode(raw).is_failing();
        assert!(!warning(0b0000_0010));
        for b in [0, 2, 3, 4, 5] {
            assert!(warning(1 << b), "bit {b}");
        }
    }

    #[test]
    fn empty_or_short_smart_log_is_no_health() {
        assert_eq!(SmartLog::parse(&[0; 512]), None);
        assert_eq!(SmartLog::parse(&[0xFF; 512]), None);
        assert_eq!(SmartLog::parse(&[1; 100]), None);
    }

    fn sanitize(progress: [u8; 2], status: [u8; 2]) -> SanitizeLog {
        let mut d = vec![0u8; 512];
        d[..2].copy_from_slice(&progress);
        d[2..4].copy_from_slice(&status);
        d[4..8].copy_from_slice(&[0x04, 0x08, 0, 0]);
        d[8..12].fill(0xFF);
        d[12..16].copy_from_slice(&[0x3C, 0, 0, 0]);
        d[16..20].copy_from_slice(&[2, 0, 0, 0]);
        (d[20], d[24], d[28], d[32]) = (0x20, 0x24, 0x28, 0x32);
        d[36] = 0x21;
        SanitizeLog::parse(&d).expect("log")
    }

    #[test]
    fn idle_progress_with_failed_state_is_failed() {
        // The trap of waiting for SPROG FFFFh alone.
        assert_eq!(
            sanitize([0xFF, 0xFF], [0x03, 0]).state,
            SanitizeState::Failed
        );
    }

    #[test]
    fn each_state_decodes() {
        for (value, state) in [
            (0, SanitizeState::Never),
            (1, SanitizeState::Succeeded),
            (2, SanitizeState::InProgress),
            (4, SanitizeState::SucceededDeallocated),
            (5, SanitizeState::Reserved(5)),
        ] {
            assert_eq!(sanitize([0xFF, 0xFF], [value, 0]).state, state);
        }
    }

    #[test]
    fn status_bits_and_times() {
        let log = sanitize([0x8F, 0x02], [0b0001_1010, 0b0000_1011]);
        assert_eq!(
            (log.state, log.progress_raw, log.passes_done),
            (SanitizeState::InProgress, 655, 3)
        );
        assert!(log.global_data_erased && log.media_verification_cancelled && log.purged);
        assert_eq!(log.command_dword_10, 0x804);
        assert_eq!(
            log.estimated_seconds,
            EstimatedSeconds {
                overwrite: None,
                block_erase: Some(60),
                crypto_erase: Some(2)
            }
        );
        assert_eq!(
            (log.machine, log.failed_in),
            (
                SanitizeMachine::RestrictedProcessing,
                SanitizeMachine::RestrictedFailure
            )
        );
        assert_eq!(
            log.estimated_seconds_no_deallocate,
            EstimatedSeconds {
                overwrite: Some(0x20),
                block_erase: Some(0x24),
                crypto_erase: Some(0x28)
            }
        );
        assert_eq!(log.estimated_seconds_deallocation, Some(0x32));
        let clear = sanitize([0xFF, 0xFF], [0x01, 0]);
        assert!(!clear.global_data_erased && !clear.purged);
    }

    #[test]
    fn each_state_of_the_machine_decodes() {
        for (value, state) in [
            (0, SanitizeMachine::Idle),
            (3, SanitizeMachine::UnrestrictedProcessing),
            (4, SanitizeMachine::UnrestrictedFailure),
            (5, SanitizeMachine::MediaVerification),
            (6, SanitizeMachine::PostVerificationDeallocation),
            (7, SanitizeMachine::Reserved(7)),
        ] {
            let mut d = vec![0u8; 512];
            d[36] = value << 4 | value;
            d[0] = 0xFF;
            let log = SanitizeLog::parse(&d).expect("log");
            assert_eq!((log.machine, log.failed_in), (state, state));
        }
    }

    #[test]
    fn zeros_and_ones_are_no_sanitize_status() {
        assert_eq!(SanitizeLog::parse(&[0; 512]), None);
        assert_eq!(SanitizeLog::parse(&[0xFF; 512]), None);
        assert_eq!(SanitizeLog::parse(&[0; 511]), None);
    }
}
