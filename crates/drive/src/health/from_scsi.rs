//! Health from SCSI log pages and the grown defect list.

use super::{Health, HealthSource};
use crate::scsi::log_page::{self, InformationalExceptions, page};

/// Raw answers of a SCSI drive; what was refused stays `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScsiPages<'a> {
    /// LOG SENSE page 2Fh, informational exceptions.
    pub informational_exceptions: Option<&'a [u8]>,
    /// LOG SENSE page 0Dh, temperature.
    pub temperature: Option<&'a [u8]>,
    /// LOG SENSE page 02h, write errors.
    pub write_errors: Option<&'a [u8]>,
    /// LOG SENSE page 03h, read errors.
    pub read_errors: Option<&'a [u8]>,
    /// LOG SENSE page 05h, verify errors.
    pub verify_errors: Option<&'a [u8]>,
    /// LOG SENSE page 0Eh, start-stop cycles.
    pub start_stop: Option<&'a [u8]>,
    /// LOG SENSE page 11h, solid state media.
    pub solid_state: Option<&'a [u8]>,
    /// LOG SENSE page 15h, background scan.
    pub background_scan: Option<&'a [u8]>,
    /// READ DEFECT DATA(12), grown list.
    pub grown_defects: Option<&'a [u8]>,
}

impl Health {
    /// Unifies the pages. When none of them gives anything, the health was not read: USB sticks
    /// accept LOG SENSE and answer nothing.
    #[must_use]
    pub fn from_scsi(pages: ScsiPages<'_>) -> Self {
        let mut health = Self::empty(HealthSource::ScsiPages);
        let exceptions = pages
            .informational_exceptions
            .and_then(log_page::informational_exceptions);
        if let Some(e) = exceptions {
            health.failing = failing(e);
            if e.asc != 0 {
                health.oddities.push(format!(
                    "informational exception {:02X}/{:02X}",
                    e.asc, e.ascq
                ));
            }
        }
        let temperature = pages.temperature.and_then(log_page::temperature_celsius);
        health.temperature_celsius = temperature
            .or(exceptions.and_then(|e| e.temperature_celsius))
            .map(i32::from);
        health.uncorrected_errors = [
            (pages.write_errors, page::WRITE_ERRORS),
            (pages.read_errors, page::READ_ERRORS),
            (pages.verify_errors, page::VERIFY_ERRORS),
        ]
        .into_iter()
        .filter_map(|(data, code)| log_page::uncorrected_errors(data?, code))
        .reduce(u64::saturating_add);
        health.start_stop_cycles = pages
            .start_stop
            .and_then(log_page::start_stop_cycles)
            .map(u64::from);
        health.percentage_used = pages.solid_state.and_then(log_page::percentage_used);
        health.grown_defects = pages
            .grown_defects
            .and_then(crate::scsi::defects::grown_defects);
        if let Some(minutes) = pages.background_scan.and_then(log_page::power_on_minutes) {
            health.set_power_on_hours(u64::from(minutes) / 60);
        }
        if health == Self::empty(HealthSource::ScsiPages) {
            return Self::not_read("no SCSI log page gave anything");
        }
        health
    }
}

/// 5Dh predicts failure; 0Bh is a warning, which is noted; 00h is none. Others are no verdict.
fn failing(exceptions: InformationalExceptions) -> Option<bool> {
    match exceptions.asc {
        0x5D => Some(true),
        0x00 | 0x0B => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_go_to_their_fields() {
        let h = Health::from_scsi(ScsiPages {
            informational_exceptions: Some(&[0x2F, 0, 0, 8, 0, 0, 3, 4, 0, 0, 41, 0]),
            temperature: Some(&[0x0D, 0, 0, 6, 0, 0, 3, 2, 0, 38]),
            write_errors: Some(&[0x02, 0, 0, 8, 0, 6, 2, 4, 0, 0, 0, 2]),
            read_errors: Some(&[0x03, 0, 0, 8, 0, 6, 2, 4, 0, 0, 0, 3]),
            verify_errors: None,
            start_stop: Some(&[0x0E, 0, 0, 8, 0, 4, 3, 4, 0, 0, 1, 0]),
            solid_state: Some(&[0x11, 0, 0, 8, 0, 1, 3, 4, 0, 0, 0, 12]),
            background_scan: Some(&[0x15, 0, 0, 8, 0, 0, 3, 4, 0, 0, 0x0E, 0x10]),
            grown_defects: Some(&[0, 0x0B, 0, 0, 0, 0, 0, 16]),
        });
        assert_eq!(h.source, HealthSource::ScsiPages);
        assert_eq!((h.failing, h.temperature_celsius), (Some(false), Some(38)));
        assert_eq!(h.uncorrected_errors, Some(5));
        assert_eq!(
            (h.start_stop_cycles, h.power_on_hours),
            (Some(256), Some(60))
        );
        assert_eq!((h.percentage_used, h.grown_defects), (Some(12), Some(2)));
    }

    #[test]
    fn predicted_failure_fails_and_a_warning_is_noted() {
        let with = |asc| {
            let page = [0x2F, 0, 0, 8, 0, 0, 3, 4, asc, 0x01, 0, 0];
            Health::from_scsi(ScsiPages {
                informational_exceptions: Some(&page),
                ..ScsiPages::default()
            })
        };
        assert_eq!(with(0x5D).failing, Some(true));
        assert_eq!(with(0x0B).failing, Some(false));
        assert_eq!(with(0x0B).oddities, ["informational exception 0B/01"]);
        assert_eq!(with(0x29).failing, None);
    }

    #[test]
    fn no_page_at_all_is_not_read() {
        let h = Health::from_scsi(ScsiPages {
            temperature: Some(&[0; 64]),
            ..ScsiPages::default()
        });
        assert!(matches!(h.source, HealthSource::NotRead { .. }));
        assert_eq!(h.uncorrected_errors, None);
    }
}
