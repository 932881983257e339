//! Batteries by `/sys/class/power_supply` (kernel ABI `sysfs-class-power`).
//!
//! The gauge inside the battery computes these numbers and is often wrong, so the raw ratio is
//! kept beside the capped one, and a number that looks invented says so. Nothing is discharged
//! here: a ratio is not a test.

use crate::roots::Reader;

/// One battery that powers the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Battery {
    /// Kernel name, such as `BAT0`.
    pub name: String,
    /// Manufacturer.
    pub maker: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// Chemistry as the kernel names it, such as `Li-ion`.
    pub chemistry: Option<String>,
    /// Capacity by design.
    pub capacity_design_mwh: Option<u64>,
    /// Capacity when full now.
    pub capacity_full_mwh: Option<u64>,
    /// Voltage by design.
    pub voltage_design_mv: Option<u64>,
    /// Full over design in percent, at most 100.
    pub health_percent: Option<u8>,
    /// The same as the gauge gives it: above 100 on new packs and on confused gauges.
    pub health_percent_raw: Option<u32>,
    /// Charge cycles; absent when 0, which means that the battery does not count them.
    pub cycles: Option<u32>,
    /// How far `health_percent` can be trusted.
    pub confidence: Confidence,
}

/// Trust in a battery's gauge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confidence {
    /// Below design capacity, as a used battery should be.
    Plausible,
    /// At or above design capacity: a new pack, or a gauge that never learned.
    Doubtful,
    /// No ratio.
    Unknown,
}

/// What `/sys/class/power_supply` shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Power {
    /// Batteries that are present; those of mice and headsets are left out.
    pub batteries: Vec<Battery>,
    /// A mains adapter is known to the kernel, so the power drivers are at work and an empty
    /// list means that no battery is fitted.
    pub mains_seen: bool,
}

/// A ratio above this is no battery, even a new one: design and full are in different units.
const HEALTH_PERCENT_PLAUSIBLE_MAX: u32 = 150;

pub(crate) fn read(reader: &mut Reader) -> Power {
    let mut power = Power::default();
    for name in reader.sys_list("class/power_supply") {
        let folder = format!("class/power_supply/{name}");
        match reader.sys_text(&format!("{folder}/type")).as_deref() {
            Some("Mains") => power.mains_seen = true,
            Some("Battery") => {
                let peripheral =
                    reader.sys_text(&format!("{folder}/scope")).as_deref() == Some("Device");
                let absent = reader.sys_number(&format!("{folder}/present")) == Some(0);
                if !peripheral && !absent {
                    power.batteries.push(battery(reader, name, &folder));
                }
            }
            _ => {}
        }
    }
    power
}

fn battery(reader: &mut Reader, name: String, folder: &str) -> Battery {
    // Microunits; zero and negative values are what a gauge without an answer gives.
    let mut micro = |file: &str| {
        let value = reader.sys_number(&format!("{folder}/{file}"))?;
        u64::try_from(value).ok().filter(|value| *value != 0)
    };
    let energy_design = micro("energy_full_design");
    let energy_full = micro("energy_full");
    let charge_design = micro("charge_full_design");
    let charge_full = micro("charge_full");
    let voltage = micro("voltage_min_design");
    let cycles = micro("cycle_count").and_then(|cycles| u32::try_from(cycles).ok());

    // A ratio needs both numbers in one unit.
    let ratio = energy_full
        .zip(energy_design)
        .or(charge_full.zip(charge_design));
    let raw = ratio.map(|(full, design)| {
        u32::try_from(u128::from(full) * 100 / u128::from(design)).unwrap_or(u32::MAX)
    });
    let implausible = raw.is_some_and(|raw| raw > HEALTH_PERCENT_PLAUSIBLE_MAX);
    if implausible {
        reader.odd(format!(
            "{name}: full capacity is {} % of design",
            raw.unwrap_or_default()
        ));
    }
    let mwh = |energy: Option<u64>, charge: Option<u64>| {
        energy
            .map(|microwatthours| microwatthours / 1000)
            .or_else(|| {
                let picowatthours = u128::from(charge?) * u128::from(voltage?);
                u64::try_from(picowatthours / 1_000_000_000).ok()
            })
    };
    Battery {
        capacity_design_mwh: mwh(energy_design, charge_design),
        capacity_full_mwh: mwh(energy_full, charge_full),
        voltage_design_mv: voltage.map(|microvolts| microvolts / 1000),
        health_percent: raw
            .filter(|_| !implausible)
            .map(|raw| u8::try_from(raw.min(100)).unwrap_or(100)),
        health_percent_raw: raw,
        cycles,
        confidence: match raw {
            None => Confidence::Unknown,
            Some(_) if implausible => Confidence::Unknown,
            Some(raw) if raw >= 100 => Confidence::Doubtful,
            Some(_) => Confidence::Plausible,
        },
        maker: reader.sys_text(&format!("{folder}/manufacturer")),
        model: reader.sys_text(&format!("{folder}/model_name")),
        serial: reader.sys_text(&format!("{folder}/serial_number")),
        chemistry: reader.sys_text(&format!("{folder}/technology")),
        name,
    }
}
