//! Health from what smartctl printed (`smartctl --json --all`), for drives that raz did not see.
//!
//! Total: any JSON gives a health or says that it tells of no drive. A number of a shape that is not
//! known is left out and named, so that it neither condemns a drive nor clears it. ATA attributes go
//! the way of a drive's own pages ([`Health::from_ata`]), packed raw values included; the text beside
//! the raw value is read only where the number is missing. Keys: smartmontools 7.0 to 7.5.

use super::{AtaPages, Health, HealthSource};
use crate::ata::smart::{AttributeRow, SmartData, SmartStatus, Thresholds, WhenFailed};
use serde_json::Value;

/// A drive as smartctl printed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smartctl {
    /// Model; of a SAS drive maker and product.
    pub model: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// Rotating medium.
    pub rotating: Option<bool>,
    /// Health.
    pub health: Health,
}

/// The JSON tells of no drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no output of smartctl --json --all: neither ATA attributes, nor NVMe or SCSI logs, nor a SMART status are in it"
)]
pub struct NoDrive;

impl Smartctl {
    /// Reads one output of smartctl.
    ///
    /// # Errors
    /// [`NoDrive`] when nothing in it is of a drive's health.
    pub fn parse(json: &Value) -> Result<Self, NoDrive> {
        let text = |key| string(json, &[key]).map(str::to_owned);
        let passed = json
            .pointer("/smart_status/passed")
            .and_then(Value::as_bool);
        let mut health = match json.pointer("/ata_smart_attributes/table") {
            Some(table) => from_table(table, passed),
            None => Health::empty(HealthSource::Smartctl),
        };
        health.source = HealthSource::Smartctl;
        health.failing = passed.map(|passed| !passed);

        let mut numbers = Numbers {
            json,
            odd: Vec::new(),
        };
        let celsius = json.pointer("/temperature/current").and_then(Value::as_i64);
        if let Some(celsius) = celsius.and_then(|celsius| i32::try_from(celsius).ok()) {
            health.temperature_celsius = Some(celsius);
        }
        if let Some(hours) = numbers.get("/power_on_time/hours") {
            health.power_on_hours = None;
            health.set_power_on_hours(hours);
        }
        if let Some(cycles) = numbers.get("/power_cycle_count") {
            health.power_cycles = Some(cycles);
        }
        let nvme = |key| format!("/nvme_smart_health_information_log/{key}");
        health.critical_warning = numbers.get(&nvme("critical_warning"));
        health.available_spare = numbers.get(&nvme("available_spare"));
        health.spare_threshold = numbers.get(&nvme("available_spare_threshold"));
        health.media_errors = numbers.get(&nvme("media_errors"));
        health.percentage_used = [
            &nvme("percentage_used"),
            "/scsi_percentage_used_endurance_indicator",
            "/endurance_used/current_percent",
        ]
        .into_iter()
        .find_map(|pointer| numbers.get(pointer));
        health.grown_defects = numbers.get("/scsi_grown_defect_list");
        let errors = ["read", "write", "verify"].map(|what| {
            numbers.get::<u64>(&format!(
                "/scsi_error_counter_log/{what}/total_uncorrected_errors"
            ))
        });
        health.uncorrected_errors = errors.into_iter().flatten().reduce(u64::saturating_add);
        health.oddities.append(&mut numbers.odd);

        let nothing = health.failing.is_none()
            && health.attributes.is_empty()
            && health.critical_warning.is_none()
            && health.grown_defects.is_none()
            && health.uncorrected_errors.is_none();
        if nothing {
            return Err(NoDrive);
        }
        Ok(Self {
            model: text("model_name").or_else(|| text("scsi_model_name")),
            serial: text("serial_number"),
            rotating: rotating(json, &health),
            health,
        })
    }
}

/// `rotation_rate` is 0 for a solid-state drive, and absent where the drive does not say.
fn rotating(json: &Value, health: &Health) -> Option<bool> {
    if health.critical_warning.is_some() || string(json, &["device", "protocol"]) == Some("NVMe") {
        return Some(false);
    }
    let rate = json.get("rotation_rate")?.as_u64()?;
    Some(rate != 0)
}

/// ATA attributes with their thresholds, as if the drive had given its two pages.
fn from_table(table: &Value, passed: Option<bool>) -> Health {
    let mut data = SmartData::default();
    let mut thresholds = Thresholds::default();
    let mut failed = Vec::new();
    for (index, row) in table.as_array().into_iter().flatten().enumerate() {
        let Some(id) = byte(row, "/id") else {
            data.oddities
                .push(format!("row {index} of the attributes has no number"));
            continue;
        };
        let Some(raw) = raw(row) else {
            data.oddities
                .push(format!("attribute {id}: raw value is of an unknown shape"));
            continue;
        };
        // Values that are left out do not count: neither failed nor at any threshold (1 to 253 do).
        data.attributes.push(AttributeRow {
            id,
            flags: number(row, "/flags/value")
                .and_then(|flags| u16::try_from(flags).ok())
                .unwrap_or(0),
            value: byte(row, "/value").unwrap_or(0),
            worst: byte(row, "/worst").unwrap_or(0),
            raw,
        });
        if let Some(threshold) = byte(row, "/thresh") {
            thresholds.rows.push((id, threshold));
        }
        match string(row, &["when_failed"]) {
            Some("now") => failed.push((id, WhenFailed::Now)),
            Some("past") => failed.push((id, WhenFailed::Past)),
            Some(_) | None => {}
        }
    }
    let mut health = Health::from_ata(AtaPages {
        data: &data,
        thresholds: Some(&thresholds),
        status: match passed {
            Some(true) => SmartStatus::Passed,
            Some(false) => SmartStatus::Failing,
            None => SmartStatus::Unknown,
        },
    });
    for attribute in &mut health.attributes {
        if let Some((_, when)) = failed.iter().find(|(id, _)| *id == attribute.id) {
            attribute.when_failed = *when;
        }
    }
    health
}

/// The 48 bits of an attribute; without them the text beside them, if it is `N` or `N (…)`.
fn raw(row: &Value) -> Option<u64> {
    match row.pointer("/raw/value") {
        Some(value) => value.as_u64().filter(|raw| *raw < 1 << 48),
        None => {
            let text = string(row, &["raw", "string"])?;
            let first = text.split_once(" (").map_or(text, |(first, _)| first);
            first.parse().ok().filter(|raw| *raw < 1 << 16)
        }
    }
}

/// Numbers by their place; what stands there and is no count is named.
struct Numbers<'a> {
    json: &'a Value,
    odd: Vec<String>,
}

impl Numbers<'_> {
    fn get<N: TryFrom<u64>>(&mut self, pointer: &str) -> Option<N> {
        let value = self.json.pointer(pointer)?;
        let number = value.as_u64().and_then(|number| N::try_from(number).ok());
        if number.is_none() {
            let place = pointer.trim_start_matches('/').replace('/', ".");
            self.odd.push(format!("{place} is no such number"));
        }
        number
    }
}

fn number(json: &Value, pointer: &str) -> Option<u64> {
    json.pointer(pointer)?.as_u64()
}

fn byte(json: &Value, pointer: &str) -> Option<u8> {
    u8::try_from(number(json, pointer)?).ok()
}

fn string<'a>(json: &'a Value, path: &[&str]) -> Option<&'a str> {
    path.iter()
        .try_fold(json, |value, key| value.get(key))?
        .as_str()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
