//! Health counters in the words of the wire schema.

use drive::health::{Health, HealthSource};
use report::schema;

/// What was read, or why nothing was.
#[must_use]
pub fn health(health: &Health) -> schema::Health {
    schema::Health {
        source: match &health.source {
            HealthSource::AtaSmart => "ata smart".into(),
            HealthSource::NvmeLog => "nvme log 02h".into(),
            HealthSource::ScsiPages => "scsi log pages".into(),
            HealthSource::MmcExtCsd => "ext_csd".into(),
            HealthSource::Smartctl => "smartctl".into(),
            HealthSource::NotRead { why } => format!("not read: {why}"),
        },
        failing: health.failing,
        temperature_celsius: health.temperature_celsius,
        power_on_hours: health.power_on_hours,
        power_cycles: health.power_cycles,
        reallocated: health.reallocated.map(|count| count.value),
        pending: health.pending.map(|count| count.value),
        offline_uncorrectable: health.offline_uncorrectable.map(|count| count.value),
        reported_uncorrectable: health.reported_uncorrectable.map(|count| count.value),
        percentage_used: health.percentage_used,
        media_errors: health.media_errors,
        grown_defects: health.grown_defects,
        oddities: health.oddities.clone(),
    }
}
