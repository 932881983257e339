//! Health from the NVMe SMART / Health log.

use super::{Health, HealthSource};
use crate::nvme::log::SmartLog;

impl Health {
    /// Unifies the log. `failing` is any critical warning but the temperature.
    #[must_use]
    pub fn from_nvme(log: &SmartLog) -> Self {
        let mut health = Self::empty(HealthSource::NvmeLog);
        health.failing = Some(log.critical_warning.is_failing());
        health.temperature_celsius = log.temperature_celsius;
        health.power_cycles = Some(saturated(log.power_cycles));
        health.percentage_used = Some(log.percentage_used);
        health.available_spare = Some(log.available_spare);
        health.spare_threshold = Some(log.spare_threshold);
        health.critical_warning = Some(log.critical_warning.raw);
        health.media_errors = Some(saturated(log.media_errors));
        health.set_power_on_hours(saturated(log.power_on_hours));
        if log.critical_warning.temperature {
            health.oddities.push("temperature warning".into());
        }
        if log.available_spare > 100 {
            health
                .oddities
                .push(format!("available spare of {} %", log.available_spare));
        }
        health
    }
}

/// 128-bit counters of which no drive fills 64 bits.
fn saturated(counter: u128) -> u64 {
    u64::try_from(counter).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(bytes: &[(usize, u8)]) -> SmartLog {
        let mut data = vec![0u8; 512];
        data[1..6].copy_from_slice(&[0x37, 0x01, 100, 10, 3]);
        for (at, byte) in bytes {
            data[*at] = *byte;
        }
        SmartLog::parse(&data).expect("log")
    }

    #[test]
    fn fields_go_to_their_places() {
        let h = Health::from_nvme(&log(&[(112, 9), (129, 1), (160, 2)]));
        assert_eq!(h.source, HealthSource::NvmeLog);
        assert_eq!((h.failing, h.temperature_celsius), (Some(false), Some(38)));
        assert_eq!(
            (h.power_cycles, h.power_on_hours, h.media_errors),
            (Some(9), Some(256), Some(2))
        );
        assert_eq!(
            (h.percentage_used, h.available_spare, h.spare_threshold),
            (Some(3), Some(100), Some(10))
        );
        assert_eq!(h.critical_warning, Some(0));
        assert!(h.oddities.is_empty());
    }

    #[test]
    fn read_only_fails_and_temperature_alone_does_not() {
        assert_eq!(Health::from_nvme(&log(&[(0, 0x08)])).failing, Some(true));
        let hot = Health::from_nvme(&log(&[(0, 0x02)]));
        assert_eq!(hot.failing, Some(false));
        assert_eq!(hot.oddities, ["temperature warning"]);
    }

    #[test]
    fn impossible_hours_and_spare_are_odd() {
        let h = Health::from_nvme(&log(&[(140, 1), (3, 255)]));
        assert_eq!(h.power_on_hours, None);
        assert_eq!(h.oddities.len(), 2);
    }
}
