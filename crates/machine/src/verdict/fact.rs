//! The keys that a rule may ask for, and their values on one machine.
//!
//! A fact that is not known has no value, so no rule fires on it: it is listed as not checked.

use super::drive_health::DriveHealth;
use crate::facts::MachineFacts;

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Axis {
    /// Drives.
    Disk,
    /// Batteries.
    Battery,
    /// Main memory.
    Memory,
    /// Processors.
    Cpu,
    /// The built-in screen.
    Screen,
    /// The firmware: passwords and what it hands to systems.
    Firmware,
}

impl Axis {
    /// As in rule files and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Battery => "battery",
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Screen => "screen",
            Self::Firmware => "firmware",
        }
    }

    /// A subject of this axis is a part that a workshop takes out. Memory is measured as a whole.
    pub(super) fn has_removable_parts(self) -> bool {
        match self {
            Self::Disk | Self::Battery => true,
            Self::Memory | Self::Cpu | Self::Screen | Self::Firmware => false,
        }
    }
}

/// A value that rules compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A count, in its key's unit.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// One of its key's words.
    Word(&'a str),
}

/// Type of a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// A key, as rule files spell it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FactKey {
    pub key: &'static str,
    pub axis: Axis,
    pub kind: Kind,
    /// Printed after the number, with a space.
    pub unit: &'static str,
}

const fn fact(key: &'static str, axis: Axis, kind: Kind, unit: &'static str) -> FactKey {
    FactKey {
        key,
        axis,
        kind,
        unit,
    }
}

pub(super) const ERASED: FactKey = fact(
    "drive.erasure",
    Axis::Disk,
    Kind::Word(&["proven", "not-proven", "not-erased", "kept", "not-seen"]),
    "",
);
const SMART_FAILING: FactKey = fact("drive.smart_failing", Axis::Disk, Kind::Flag, "");
const REALLOCATED: FactKey = fact("drive.reallocated", Axis::Disk, Kind::Number, "sectors");
const PENDING: FactKey = fact("drive.pending", Axis::Disk, Kind::Number, "sectors");
const OFFLINE_UNCORRECTABLE: FactKey = fact(
    "drive.offline_uncorrectable",
    Axis::Disk,
    Kind::Number,
    "sectors",
);
const REPORTED_UNCORRECTABLE: FactKey = fact(
    "drive.reported_uncorrectable",
    Axis::Disk,
    Kind::Number,
    "errors",
);
const COMMAND_TIMEOUT: FactKey = fact("drive.command_timeout", Axis::Disk, Kind::Number, "");
const CRC_ERRORS: FactKey = fact("drive.crc_errors", Axis::Disk, Kind::Number, "errors");
const SPIN_RETRY: FactKey = fact("drive.spin_retry", Axis::Disk, Kind::Number, "");
const POWER_ON_HOURS: FactKey = fact("drive.power_on_hours", Axis::Disk, Kind::Number, "h");
const START_STOP: FactKey = fact("drive.start_stop", Axis::Disk, Kind::Number, "");
const CRITICAL_WARNING: FactKey = fact("drive.critical_warning", Axis::Disk, Kind::Number, "");
const SPARE_MARGIN: FactKey = fact("drive.spare_margin", Axis::Disk, Kind::Number, "points");
const PERCENTAGE_USED: FactKey = fact("drive.percentage_used", Axis::Disk, Kind::Number, "%");
const MEDIA_ERRORS: FactKey = fact("drive.media_errors", Axis::Disk, Kind::Number, "errors");
const GROWN_DEFECTS: FactKey = fact("drive.grown_defects", Axis::Disk, Kind::Number, "defects");
const UNCORRECTED: FactKey = fact(
    "drive.uncorrected_errors",
    Axis::Disk,
    Kind::Number,
    "errors",
);
const BATTERY_MISSING: FactKey = fact("battery.missing", Axis::Battery, Kind::Flag, "");
const BATTERY_HEALTH: FactKey = fact("battery.health", Axis::Battery, Kind::Number, "%");
const BATTERY_CYCLES: FactKey = fact("battery.cycles", Axis::Battery, Kind::Number, "cycles");
const MEMORY_FITTED: FactKey = fact("memory.fitted", Axis::Memory, Kind::Number, "MiB");
const CPU_64_BIT: FactKey = fact("cpu.64_bit", Axis::Cpu, Kind::Flag, "");
const CPU_CORES: FactKey = fact("cpu.cores", Axis::Cpu, Kind::Number, "cores");
const SCREEN_HEIGHT: FactKey = fact("screen.height", Axis::Screen, Kind::Number, "px");
const FIRMWARE_PASSWORD: FactKey = fact("firmware.password_set", Axis::Firmware, Kind::Flag, "");
const PLATFORM_BINARY: FactKey = fact("firmware.platform_binary", Axis::Firmware, Kind::Flag, "");

/// Every key there is.
pub(super) const KEYS: [&FactKey; 26] = [
    &ERASED,
    &SMART_FAILING,
    &REALLOCATED,
    &PENDING,
    &OFFLINE_UNCORRECTABLE,
    &REPORTED_UNCORRECTABLE,
    &COMMAND_TIMEOUT,
    &CRC_ERRORS,
    &SPIN_RETRY,
    &POWER_ON_HOURS,
    &START_STOP,
    &CRITICAL_WARNING,
    &SPARE_MARGIN,
    &PERCENTAGE_USED,
    &MEDIA_ERRORS,
    &GROWN_DEFECTS,
    &UNCORRECTED,
    &BATTERY_MISSING,
    &BATTERY_HEALTH,
    &BATTERY_CYCLES,
    &MEMORY_FITTED,
    &CPU_64_BIT,
    &CPU_CORES,
    &SCREEN_HEIGHT,
    &FIRMWARE_PASSWORD,
    &PLATFORM_BINARY,
];

/// One known fact of one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    pub(super) fact: &'static FactKey,
    /// Which drive, battery or screen; `machine` for the whole.
    pub subject: String,
    /// What is so.
    pub value: Value<'static>,
    /// Known not to rotate: rules for rotating media do not apply. Unknown counts as rotating.
    pub solid_state: bool,
}

impl Measurement {
    /// A fact that was measured before, as it was written down. `None` for a key that this version
    /// does not have, and for a value that is not of its key's type.
    #[must_use]
    pub fn recorded(key: &str, subject: &str, value: Value<'_>, solid_state: bool) -> Option<Self> {
        let fact = *KEYS.iter().find(|fact| fact.key == key)?;
        let value = match (fact.kind, value) {
            (Kind::Number, Value::Number(number)) => Value::Number(number),
            (Kind::Flag, Value::Flag(flag)) => Value::Flag(flag),
            (Kind::Word(words), Value::Word(said)) => {
                Value::Word(words.iter().find(|word| **word == said)?)
            }
            (Kind::Number | Kind::Flag | Kind::Word(_), _) => return None,
        };
        Some(Self {
            fact,
            subject: subject.to_owned(),
            value,
            solid_state,
        })
    }

    /// Key, as rule files spell it.
    #[must_use]
    pub fn key(&self) -> &'static str {
        self.fact.key
    }
}

/// Subject of facts that concern the machine as a whole.
pub(super) const MACHINE: &str = "machine";

/// Hours beyond this (23 years) are a unit quirk of the drive, not an age.
pub(super) const HOURS_PLAUSIBLE_MAX: u64 = 200_000;

/// Every known fact.
pub(super) fn measure(machine: &MachineFacts, drives: &[DriveHealth]) -> Vec<Measurement> {
    let mut known: Vec<Measurement> = drives.iter().flat_map(of_drive).collect();
    let mut add = |fact: &'static FactKey, subject: &str, value: Option<Value<'static>>| {
        known.extend(value.map(|value| Measurement {
            fact,
            subject: subject.to_owned(),
            value,
            solid_state: false,
        }));
    };
    let missing = battery_missing(machine);
    add(&BATTERY_MISSING, MACHINE, missing.map(Value::Flag));
    for battery in &machine.power.batteries {
        add(
            &BATTERY_HEALTH,
            &battery.name,
            battery.health_percent.map(number),
        );
        add(&BATTERY_CYCLES, &battery.name, battery.cycles.map(number));
    }
    let fitted_mib = machine.memory.fitted_bytes().map(|bytes| bytes >> 20);
    add(&MEMORY_FITTED, MACHINE, fitted_mib.map(number));
    let features = machine.cpus.iter().find_map(|cpu| cpu.features);
    add(
        &CPU_64_BIT,
        MACHINE,
        features.map(|features| Value::Flag(features.long_mode)),
    );
    add(&CPU_CORES, MACHINE, cores(machine).map(number));
    for screen in machine.displays.iter().filter(|display| display.internal) {
        add(
            &SCREEN_HEIGHT,
            &screen.connector,
            screen.edid.height_px.map(number),
        );
    }
    let locks = &machine.locks;
    add(
        &FIRMWARE_PASSWORD,
        MACHINE,
        locks.password_set().map(Value::Flag),
    );
    add(
        &PLATFORM_BINARY,
        MACHINE,
        locks.platform_binary.map(Value::Flag),
    );
    known
}

/// Cores of all packages; absent when one does not tell.
pub(super) fn cores(machine: &MachineFacts) -> Option<u32> {
    let mut cores = machine.cpus.iter().map(|cpu| cpu.cores);
    cores
        .try_fold(0, |sum: u32, cores| sum.checked_add(cores?))
        .filter(|cores| *cores != 0)
}

/// A portable machine without a battery, as far as the kernel's power drivers are at work: they
/// show the mains adapter of every portable machine.
pub(super) fn battery_missing(machine: &MachineFacts) -> Option<bool> {
    if !machine.power.batteries.is_empty() {
        return Some(false);
    }
    (machine.portable()? && machine.power.mains_seen).then_some(true)
}

fn of_drive(drive: &DriveHealth) -> Vec<Measurement> {
    let mut known = of_health(drive);
    known.insert(
        0,
        Measurement {
            fact: &ERASED,
            subject: drive.subject.clone(),
            value: Value::Word(drive.erased.as_str()),
            solid_state: drive.rotating == Some(false),
        },
    );
    known
}

/// What is known of a drive's health, whatever became of its data.
pub(super) fn of_health(drive: &DriveHealth) -> Vec<Measurement> {
    let hours = drive
        .power_on_hours
        .filter(|hours| *hours <= HOURS_PLAUSIBLE_MAX);
    let values = [
        (&SMART_FAILING, drive.smart_failing.map(Value::Flag)),
        (&REALLOCATED, drive.reallocated.map(number)),
        (&PENDING, drive.pending.map(number)),
        (
            &OFFLINE_UNCORRECTABLE,
            drive.offline_uncorrectable.map(number),
        ),
        (
            &REPORTED_UNCORRECTABLE,
            drive.reported_uncorrectable.map(number),
        ),
        (&COMMAND_TIMEOUT, drive.command_timeout.map(number)),
        (&CRC_ERRORS, drive.crc_errors.map(number)),
        (&SPIN_RETRY, drive.spin_retry.map(number)),
        (&POWER_ON_HOURS, hours.map(number)),
        (&START_STOP, drive.start_stop.map(number)),
        (&CRITICAL_WARNING, drive.critical_warning.map(number)),
        (&SPARE_MARGIN, spare_margin(drive).map(Value::Number)),
        (&PERCENTAGE_USED, drive.percentage_used.map(number)),
        (&MEDIA_ERRORS, drive.media_errors.map(number)),
        (&GROWN_DEFECTS, drive.grown_defects.map(number)),
        (&UNCORRECTED, drive.uncorrected_errors.map(number)),
    ];
    let known = |(fact, value): (&'static FactKey, Option<Value<'static>>)| {
        Some(Measurement {
            fact,
            subject: drive.subject.clone(),
            value: value?,
            solid_state: drive.rotating == Some(false),
        })
    };
    values.into_iter().filter_map(known).collect()
}

/// Spare above the drive's own limit, in percentage points. A spare that is untouched has its
/// whole margin: some drives (Apple's) set the limit at 99 %.
fn spare_margin(drive: &DriveHealth) -> Option<i64> {
    let (spare, limit) = drive.available_spare.zip(drive.spare_threshold)?;
    Some(if spare >= 100 {
        100
    } else {
        i64::from(spare) - i64::from(limit)
    })
}

fn number(value: impl TryInto<i64>) -> Value<'static> {
    Value::Number(value.try_into().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{DriveFate, Rules};

    #[test]
    fn every_key_is_unique_and_used_by_the_shipped_rules() {
        let rules = Rules::shipped();
        for (index, fact) in KEYS.iter().enumerate() {
            assert!(
                KEYS.iter()
                    .skip(index + 1)
                    .all(|other| other.key != fact.key),
                "{}",
                fact.key
            );
            assert!(
                rules.list().any(|rule| rule.fact == fact.key),
                "no rule for {}",
                fact.key
            );
        }
    }

    #[test]
    fn every_fate_is_a_word_that_rules_can_name() {
        let Kind::Word(words) = ERASED.kind else {
            panic!("not a word")
        };
        let fates = [
            DriveFate::Proven,
            DriveFate::NotProven,
            DriveFate::NotErased,
            DriveFate::Kept,
            DriveFate::NotSeen,
        ];
        assert_eq!(fates.map(DriveFate::as_str), words);
    }
}
