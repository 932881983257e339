//! One view of a drive's health, whatever wire its numbers came by.
//!
//! It states what the drive said and how sure the reading is; it grades nothing. A number that was
//! not read is `None`, never 0.

mod from_ata;
mod from_mmc;
mod from_nvme;
mod from_scsi;
mod from_smartctl;
pub mod packed;

use crate::ata::smart::WhenFailed;
pub use from_ata::AtaPages;
pub use from_scsi::ScsiPages;
pub use from_smartctl::{NoDrive, Smartctl};
pub use packed::{Confidence, Count};

/// More power-on hours than any drive can have (22 years): the unit is another one.
const POWER_ON_HOURS_MAX: u64 = 200_000;

/// A drive's health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Where the numbers come from.
    pub source: HealthSource,
    /// The drive's own verdict: it fails, or predicts that it will. `None`: it gave none.
    pub failing: Option<bool>,
    /// Temperature now, in degrees Celsius.
    pub temperature_celsius: Option<i32>,
    /// Power-on hours; `None` also when the number cannot be hours (see `oddities`).
    pub power_on_hours: Option<u64>,
    /// Start-stop cycles of the spindle.
    pub start_stop_cycles: Option<u64>,
    /// Power cycles.
    pub power_cycles: Option<u64>,
    /// ATA 5: reallocated sectors.
    pub reallocated: Option<Count>,
    /// ATA 196: reallocation events.
    pub reallocation_events: Option<Count>,
    /// ATA 197: sectors that wait to be reallocated.
    pub pending: Option<Count>,
    /// ATA 198: sectors found unreadable by the offline scan.
    pub offline_uncorrectable: Option<Count>,
    /// ATA 187: errors reported to the host as uncorrectable.
    pub reported_uncorrectable: Option<Count>,
    /// ATA 188: command time-outs, low 16 bits. A note, never a verdict alone.
    pub command_timeout: Option<Count>,
    /// ATA 10: spin-up retries.
    pub spin_retry: Option<Count>,
    /// ATA 199: interface CRC errors, mostly the cable's.
    pub crc_errors: Option<Count>,
    /// NVMe, SCSI page 11h, eMMC: rated endurance used, percent, may exceed 100. For eMMC the
    /// lower end of a step of ten.
    pub percentage_used: Option<u8>,
    /// NVMe: spare capacity left, percent.
    pub available_spare: Option<u8>,
    /// NVMe: threshold of the spare, percent.
    pub spare_threshold: Option<u8>,
    /// NVMe: critical warning byte.
    pub critical_warning: Option<u8>,
    /// NVMe: unrecovered data integrity errors.
    pub media_errors: Option<u64>,
    /// SCSI: length of the grown defect list.
    pub grown_defects: Option<u64>,
    /// SCSI: uncorrected read, write and verify errors, summed over the pages that were read.
    pub uncorrected_errors: Option<u64>,
    /// ATA attributes, in the drive's order.
    pub attributes: Vec<SmartAttribute>,
    /// What was odd, in words.
    pub oddities: Vec<String>,
}

/// Where a drive's health comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthSource {
    /// SMART READ DATA and its relatives.
    AtaSmart,
    /// NVMe SMART / Health log.
    NvmeLog,
    /// SCSI log pages.
    ScsiPages,
    /// eMMC EXT_CSD.
    MmcExtCsd,
    /// What smartctl printed of it (`smartctl --json`).
    Smartctl,
    /// It was not read.
    NotRead {
        /// Why, in words.
        why: String,
    },
}

/// One ATA attribute, for the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SmartAttribute {
    /// Attribute number.
    pub id: u8,
    /// Normalised value.
    pub value: u8,
    /// Lowest normalised value so far.
    pub worst: u8,
    /// Threshold; `None` when the thresholds were not read.
    pub threshold: Option<u8>,
    /// Raw value, 48 bits as the drive gave them.
    pub raw: u64,
    /// Flags bit 0: a failing value predicts failure rather than age.
    pub prefail: bool,
    /// Whether the value is, or was, at or below its threshold.
    pub when_failed: WhenFailed,
}

impl Health {
    /// Health that was not read, and why.
    #[must_use]
    pub fn not_read(why: impl Into<String>) -> Self {
        Self::empty(HealthSource::NotRead { why: why.into() })
    }

    fn empty(source: HealthSource) -> Self {
        Self {
            source,
            failing: None,
            temperature_celsius: None,
            power_on_hours: None,
            start_stop_cycles: None,
            power_cycles: None,
            reallocated: None,
            reallocation_events: None,
            pending: None,
            offline_uncorrectable: None,
            reported_uncorrectable: None,
            command_timeout: None,
            spin_retry: None,
            crc_errors: None,
            percentage_used: None,
            available_spare: None,
            spare_threshold: None,
            critical_warning: None,
            media_errors: None,
            grown_defects: None,
            uncorrected_errors: None,
            attributes: Vec::new(),
            oddities: Vec::new(),
        }
    }

    /// The drive says that it fails: by its own verdict, or by an attribute that is at or below its
    /// threshold now, whatever the raw value beside it. Temperatures (190, 194) are the room's, not
    /// the drive's. `None`: it said nothing of either.
    #[must_use]
    pub fn says_failing(&self) -> Option<bool> {
        let failed_now = |attribute: &SmartAttribute| {
            attribute.when_failed == WhenFailed::Now && !matches!(attribute.id, 190 | 194)
        };
        match self.attributes.iter().any(failed_now) {
            true => Some(true),
            false => self.failing,
        }
    }

    /// Takes power-on hours, unless they cannot be hours.
    fn set_power_on_hours(&mut self, hours: u64) {
        if hours > POWER_ON_HOURS_MAX {
            self.oddities
                .push(format!("power-on counter {hours} cannot be hours"));
        } else {
            self.power_on_hours = Some(hours);
        }
    }
}

/// Health of a drive that was not asked yet.
impl Default for Health {
    fn default() -> Self {
        Self::not_read("not asked")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_that_was_not_read_holds_no_numbers() {
        let health = Health::not_read("the bridge returns no registers");
        assert_eq!(
            health.source,
            HealthSource::NotRead {
                why: "the bridge returns no registers".into()
            }
        );
        assert_eq!(
            (health.failing, health.power_on_hours, health.pending),
            (None, None, None)
        );
    }

    #[test]
    fn power_on_counter_beyond_200_000_is_no_number_of_hours() {
        let mut health = Health::not_read("");
        health.set_power_on_hours(4_661_094);
        assert_eq!(health.power_on_hours, None);
        assert_eq!(
            health.oddities,
            ["power-on counter 4661094 cannot be hours"]
        );
        health.set_power_on_hours(200_000);
        assert_eq!(health.power_on_hours, Some(200_000));
    }
}
