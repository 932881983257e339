//! Health from SMART pages.

use super::packed::{power_on_counter, temperature_celsius};
use super::{Count, Health, HealthSource, SmartAttribute};
use crate::ata::smart::{SmartData, SmartStatus, Thresholds, WhenFailed};

/// What was read from an ATA drive; what failed to come stays `None`.
#[derive(Clone, Copy, Debug)]
pub struct AtaPages<'a> {
    /// SMART READ DATA.
    pub data: &'a SmartData,
    /// SMART READ ATTRIBUTE THRESHOLDS.
    pub thresholds: Option<&'a Thresholds>,
    /// SMART RETURN STATUS.
    pub status: SmartStatus,
}

impl Health {
    /// Unifies SMART pages.
    ///
    /// Without attributes (a page of zeros through a bridge) the numbers stay `None`. An attribute
    /// whose normalised value has failed counts also when its raw value is 0: read `when_failed`
    /// first.
    #[must_use]
    pub fn from_ata(pages: AtaPages<'_>) -> Self {
        let data = pages.data;
        let mut health = Self::empty(HealthSource::AtaSmart);
        health.failing = match pages.status {
            SmartStatus::Passed => Some(false),
            SmartStatus::Failing => Some(true),
            SmartStatus::Unknown => None,
        };
        health.oddities.clone_from(&data.oddities);
        if let Some(thresholds) = pages.thresholds {
            health.oddities.extend(thresholds.oddities.iter().cloned());
        }
        if data.attributes.is_empty() {
            health.oddities.push("SMART data: no attributes".into());
        }
        health.attributes = data
            .attributes
            .iter()
            .map(|row| {
                let threshold = pages.thresholds.and_then(|t| t.get(row.id));
                SmartAttribute {
                    id: row.id,
                    value: row.value,
                    worst: row.worst,
                    threshold,
                    raw: row.raw,
                    prefail: row.flags & 1 == 1,
                    when_failed: row.when_failed(threshold),
                }
            })
            .collect();

        let raw = |id| data.attribute(id).map(|row| row.raw);
        let count = |id| raw(id).map(Count::of_sectors_or_events);
        health.reallocated = count(5);
        health.reallocation_events = count(196);
        health.pending = count(197);
        health.offline_uncorrectable = count(198);
        health.reported_uncorrectable = count(187);
        health.spin_retry = count(10);
        health.crc_errors = count(199);
        health.command_timeout = raw(188).map(Count::of_timeouts);
        health.start_stop_cycles = raw(4).map(low_32);
        health.power_cycles = raw(12).map(low_32);
        health.temperature_celsius = [194, 190]
            .into_iter()
            .find_map(|id| temperature_celsius(raw(id)?));
        if let Some(counter) = raw(9) {
            health.set_power_on_hours(power_on_counter(counter));
        }
        health.name_contradictions();
        health
    }

    /// A drive that passes while a pre-failure attribute has failed contradicts itself.
    fn name_contradictions(&mut self) {
        let failed_now = self
            .attributes
            .iter()
            .find(|a| a.prefail && a.when_failed == WhenFailed::Now);
        if let (Some(false), Some(attribute)) = (self.failing, failed_now) {
            self.oddities.push(format!(
                "SMART status passed, but attribute {} is at or below its threshold",
                attribute.id
            ));
        }
    }
}

/// Cycle counters: some drives keep other things in the upper bits.
fn low_32(raw: u64) -> u64 {
    raw & 0xFFFF_FFFF
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ata::smart::AttributeRow;
    use crate::health::Confidence;

    fn data(rows: &[(u8, u8, u64)]) -> SmartData {
        SmartData {
            attributes: rows
                .iter()
                .map(|(id, value, raw)| AttributeRow {
                    id: *id,
                    flags: 0x33,
                    value: *value,
                    worst: *value,
                    raw: *raw,
                })
                .collect(),
            ..SmartData::default()
        }
    }

    fn health(rows: &[(u8, u8, u64)], status: SmartStatus) -> Health {
        let thresholds = Thresholds {
            rows: vec![(5, 5), (194, 0)],
            oddities: vec![],
        };
        Health::from_ata(AtaPages {
            data: &data(rows),
            thresholds: Some(&thresholds),
            status,
        })
    }

    #[test]
    fn every_attribute_goes_to_its_field() {
        let h = health(
            &[
                (5, 100, 8_589_934_592_000),
                (196, 100, 2),
                (197, 100, 3),
                (198, 100, 4),
                (187, 100, 5),
                (188, 100, 4_295_032_833),
                (10, 100, 6),
                (199, 100, 7),
                (4, 100, 13_877),
                (12, 100, 0x5_0000_0064),
                (9, 100, 12_345),
                (194, 100, 0x002F_000E_0024),
            ],
            SmartStatus::Passed,
        );
        let value = |count: Option<Count>| count.map(|c| c.value);
        assert_eq!(h.source, HealthSource::AtaSmart);
        assert_eq!(h.failing, Some(false));
        assert_eq!(
            h.reallocated,
            Some(Count {
                value: 0,
                confidence: Confidence::Likely
            })
        );
        assert_eq!(value(h.reallocation_events), Some(2));
        assert_eq!(value(h.pending), Some(3));
        assert_eq!(value(h.offline_uncorrectable), Some(4));
        assert_eq!(value(h.reported_uncorrectable), Some(5));
        assert_eq!(value(h.command_timeout), Some(1));
        assert_eq!(value(h.spin_retry), Some(6));
        assert_eq!(value(h.crc_errors), Some(7));
        assert_eq!(h.start_stop_cycles, Some(13_877));
        assert_eq!(h.power_cycles, Some(100));
        assert_eq!(h.power_on_hours, Some(12_345));
        assert_eq!(h.temperature_celsius, Some(36));
        assert_eq!(h.attributes.len(), 12);
        assert!(h.oddities.is_empty());
    }

    #[test]
    fn attributes_that_the_drive_lacks_are_none_not_zero() {
        let h = health(&[(9, 100, 1)], SmartStatus::Unknown);
        assert_eq!(
            (h.reallocated, h.pending, h.temperature_celsius),
            (None, None, None)
        );
        assert_eq!(h.failing, None);
    }

    #[test]
    fn temperature_falls_back_to_attribute_190() {
        let h = health(&[(190, 60, 0x2828), (194, 60, 0)], SmartStatus::Passed);
        assert_eq!(h.temperature_celsius, Some(40));
    }

    #[test]
    fn failed_value_with_raw_zero_shows_and_contradicts_passed() {
        let h = health(&[(5, 1, 0)], SmartStatus::Passed);
        assert_eq!(
            h.attributes.first().map(|a| a.when_failed),
            Some(WhenFailed::Now)
        );
        assert!(h.oddities.iter().any(|o| o.contains("attribute 5")));
    }

    #[test]
    fn without_thresholds_nothing_is_known_to_have_failed() {
        let data = data(&[(5, 1, 0)]);
        let h = Health::from_ata(AtaPages {
            data: &data,
            thresholds: None,
            status: SmartStatus::Failing,
        });
        assert_eq!(
            h.attributes.first().map(|a| a.when_failed),
            Some(WhenFailed::Unknown)
        );
        assert_eq!(h.failing, Some(true));
    }

    #[test]
    fn page_without_attributes_is_odd() {
        let h = health(&[], SmartStatus::Unknown);
        assert_eq!(h.oddities, ["SMART data: no attributes"]);
    }
}
