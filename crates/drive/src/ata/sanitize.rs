//! Answer to SANITIZE STATUS EXT.
//!
//! It says what the drive claims, never that this run's sanitize was done: COUNT bit 15 survives
//! power cycles, so freshness must be shown elsewhere. ACS-4 7.36.6.

use super::registers::{Missing, RegisterReturn};
use crate::bytes::bit;

/// What the drive says of its sanitize operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SanitizeStatus {
    /// The command succeeded and all of COUNT and LBA came back.
    Reported(SanitizeReport),
    /// The command aborted: a failed sanitize (SD3), or a drive without the feature set.
    Aborted(AbortReason),
    /// Not decodable: never success.
    Unknown(UndecodedReason),
}

/// COUNT and LBA of a good SANITIZE STATUS EXT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SanitizeReport {
    /// COUNT b15: the last sanitize completed without error, perhaps years ago.
    pub completed_without_error: bool,
    /// COUNT b14: in progress (SD2).
    pub in_progress: bool,
    /// COUNT b13: frozen (SD1).
    pub frozen: bool,
    /// COUNT b12: antifreeze lock set.
    pub antifreeze_locked: bool,
    /// LBA 15:0: part done in 65536ths; FFFFh when nothing is in progress.
    pub progress_raw: u16,
    /// COUNT as it came, for the report.
    pub count_raw: u16,
}

/// LBA 7:0 of an aborted sanitize command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbortReason {
    /// 0: not said; the operation failed, or the drive knows no sanitize.
    Unspecified,
    /// 1: physical sectors remain unsanitized.
    SectorsRemain,
    /// 2: unsupported feature value.
    UnsupportedFeature,
    /// 3: frozen.
    Frozen,
    /// 4: freeze rejected by the antifreeze lock.
    AntifreezeLocked,
    /// Another value.
    Other(u8),
}

/// Why a status could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndecodedReason {
    /// No registers came back.
    NoRegisters(Missing),
    /// COUNT 15:8 was lost (fixed-format sense, or no EXTEND).
    CountLost,
    /// The drive reported an error other than abort.
    OtherError,
    /// Completed and in progress at once, or a progress without either bit.
    Contradiction,
}

impl SanitizeStatus {
    /// Decodes the registers that the command returned.
    #[must_use]
    pub fn from_registers(registers: &RegisterReturn) -> Self {
        let r = match registers {
            RegisterReturn::Missing(missing) => {
                return Self::Unknown(UndecodedReason::NoRegisters(*missing));
            }
            RegisterReturn::Returned(r) => r,
        };
        if r.is_aborted() {
            return Self::Aborted(AbortReason::from_lba_low((r.lba_low & 0xFF) as u8));
        }
        if r.has_error() {
            return Self::Unknown(UndecodedReason::OtherError);
        }
        let Some(count) = r.count() else {
            return Self::Unknown(UndecodedReason::CountLost);
        };
        let report = SanitizeReport {
            completed_without_error: bit(count, 15),
            in_progress: bit(count, 14),
            frozen: bit(count, 13),
            antifreeze_locked: bit(count, 12),
            progress_raw: (r.lba_low & 0xFFFF) as u16,
            count_raw: count,
        };
        // A progress beside no bit at all means that COUNT was lost on the way (HBA firmware that
        // zeroes it exists), and both bits at once mean nothing.
        let has_progress = !matches!(report.progress_raw, 0 | 0xFFFF);
        let count_zeroed = count >> 14 == 0 && has_progress;
        if count_zeroed || count >> 14 == 0b11 {
            return Self::Unknown(UndecodedReason::Contradiction);
        }
        Self::Reported(report)
    }
}

impl AbortReason {
    fn from_lba_low(value: u8) -> Self {
        match value {
            0 => Self::Unspecified,
            1 => Self::SectorsRemain,
            2 => Self::UnsupportedFeature,
            3 => Self::Frozen,
            4 => Self::AntifreezeLocked,
            other => Self::Other(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Descriptor sense of a 48-bit command with these registers.
    fn sense(error: u8, count: [u8; 2], lba_15_0: [u8; 2], status: u8) -> Vec<u8> {
        vec![
            0x72,
            0x01,
            0x00,
            0x1D,
            0,
            0,
            0,
            14,
            0x09,
            0x0C,
            0x01,
            error,
            count[0],
            count[1],
            0,
            lba_15_0[1],
            0,
            lba_15_0[0],
            0,
            0,
            0x40,
            status,
        ]
    }

    fn decode(sense: &[u8]) -> SanitizeStatus {
        SanitizeStatus::from_registers(&RegisterReturn::from_sense(sense))
    }

    fn report(count: [u8; 2], lba_15_0: [u8; 2]) -> SanitizeReport {
        match decode(&sense(0, count, lba_15_0, 0x50)) {
            SanitizeStatus::Reported(report) => report,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_count_bit_is_its_own_field() {
        let idle = report([0x00, 0x00], [0xFF, 0xFF]);
        assert!(!idle.completed_without_error && !idle.in_progress && !idle.frozen);
        assert!(report([0x80, 0x00], [0xFF, 0xFF]).completed_without_error);
        assert!(report([0x20, 0x00], [0xFF, 0xFF]).frozen);
        assert!(report([0x10, 0x00], [0xFF, 0xFF]).antifreeze_locked);
        let busy = report([0x40, 0x00], [0x80, 0x00]);
        assert!(busy.in_progress);
        assert_eq!(busy.progress_raw, 0x8000);
    }

    #[test]
    fn each_abort_reason_decodes() {
        for (lba, reason) in [
            (0, AbortReason::Unspecified),
            (1, AbortReason::SectorsRemain),
            (2, AbortReason::UnsupportedFeature),
            (3, AbortReason::Frozen),
            (4, AbortReason::AntifreezeLocked),
            (9, AbortReason::Other(9)),
        ] {
            let s = sense(0x04, [0x80, 0x00], [0x00, lba], 0x51);
            assert_eq!(decode(&s), SanitizeStatus::Aborted(reason));
        }
    }

    #[test]
    fn fixed_format_success_is_unknown() {
        let s = [
            0x70, 0, 0x01, 0x00, 0x50, 0x40, 0x00, 10, 0xC0, 0xFF, 0xFF, 0x00, 0x00, 0x1D, 0, 0, 0,
            0,
        ];
        assert_eq!(
            decode(&s),
            SanitizeStatus::Unknown(UndecodedReason::CountLost)
        );
    }

    #[test]
    fn no_sense_device_fault_and_contradictions_are_unknown() {
        let none = SanitizeStatus::Unknown(UndecodedReason::NoRegisters(Missing::NoSense));
        assert_eq!(decode(&[]), none);
        let fault = sense(0, [0x80, 0x00], [0xFF, 0xFF], 0x60);
        assert_eq!(
            decode(&fault),
            SanitizeStatus::Unknown(UndecodedReason::OtherError)
        );
        let contradiction = SanitizeStatus::Unknown(UndecodedReason::Contradiction);
        assert_eq!(
            decode(&sense(0, [0xC0, 0x00], [0x10, 0x00], 0x50)),
            contradiction
        );
        assert_eq!(
            decode(&sense(0, [0x00, 0x00], [0x10, 0x00], 0x50)),
            contradiction
        );
    }
}
