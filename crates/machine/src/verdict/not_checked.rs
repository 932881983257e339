//! What no measurement covers: named, never assumed good.
//!
//! Two halves: checks that this version of raz does not have, and facts that this machine or this
//! drive did not give.

use super::drive_health::DriveHealth;
use super::fact::{HOURS_PLAUSIBLE_MAX, MACHINE, battery_missing, cores};
use crate::facts::MachineFacts;
use crate::parts::battery::Confidence;

/// One thing that nobody looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotChecked {
    /// Stable key, such as `memory-test`.
    pub what: &'static str,
    /// Which drive or battery; `machine` for the whole.
    pub subject: String,
    /// In French.
    pub label_fr: &'static str,
    /// In English.
    pub label_en: &'static str,
}

type Label = (&'static str, &'static str, &'static str);

/// Checks that raz does not have yet. An entry leaves with the check that makes it untrue.
const NEVER: [Label; 10] = [
    ("memory-test", "test de la mémoire", "memory test"),
    (
        "cpu-stress",
        "processeur en charge, température, ventilateur",
        "processor under load, temperature, fan",
    ),
    (
        "cpu-class",
        "génération du processeur (Core i3 ou mieux)",
        "class of the processor (Core i3 or better)",
    ),
    (
        "drive-self-test",
        "autotest et vitesse des disques",
        "self-test and speed of the drives",
    ),
    (
        "keyboard",
        "clavier, pavé tactile, boutons",
        "keyboard, touchpad, buttons",
    ),
    (
        "screen-picture",
        "image de l'écran",
        "picture of the screen",
    ),
    (
        "sound-camera",
        "son, micro, caméra",
        "sound, microphone, camera",
    ),
    (
        "ports-radio",
        "ports, Wi-Fi, Bluetooth",
        "ports, Wi-Fi, Bluetooth",
    ),
    (
        "remote-management",
        "gestion à distance (AMT) restée active",
        "remote management (AMT) left active",
    ),
    (
        "cosmetics",
        "aspect, charnières, châssis",
        "looks, hinges, case",
    ),
];
const CHASSIS: Label = (
    "chassis",
    "type de machine (portable ou fixe)",
    "kind of machine (portable or not)",
);
const MEMORY_SIZE: Label = ("memory-size", "taille de la mémoire", "size of the memory");
const CPU_CORES: Label = ("cpu-cores", "cœurs du processeur", "cores of the processor");
const CPU_64_BIT: Label = ("cpu-64-bit", "processeur 64 bits", "64-bit processor");
const SCREEN_SIZE: Label = (
    "screen-size",
    "définition de l'écran intégré",
    "resolution of the built-in screen",
);
const FIRMWARE_PASSWORD: Label = ("firmware-password", "mot de passe du BIOS", "BIOS password");
const PLATFORM_BINARY: Label = (
    "platform-binary",
    "programme que le BIOS donne à Windows (Absolute)",
    "program that the BIOS hands to Windows (Absolute)",
);
const BATTERY: Label = ("battery", "batterie", "battery");
const BATTERY_HEALTH: Label = (
    "battery-health",
    "capacité de la batterie (jauge absente ou douteuse)",
    "capacity of the battery (gauge absent or doubtful)",
);
const BATTERY_CYCLES: Label = (
    "battery-cycles",
    "cycles de la batterie",
    "cycles of the battery",
);
const NO_DRIVE: Label = ("drives", "disques (aucun vu)", "drives (none seen)");
const DRIVE_HEALTH: Label = (
    "drive-health",
    "état SMART du disque",
    "SMART health of the drive",
);
const DRIVE_SECTORS: Label = (
    "drive-sectors",
    "compteurs de secteurs du disque",
    "sector counters of the drive",
);
const DRIVE_WEAR: Label = ("drive-wear", "usure du disque", "wear of the drive");
const DRIVE_HOURS: Label = (
    "drive-hours",
    "heures de fonctionnement du disque",
    "hours of the drive",
);

pub(super) fn list(machine: &MachineFacts, drives: &[DriveHealth]) -> Vec<NotChecked> {
    let mut list: Vec<NotChecked> = NEVER
        .into_iter()
        .map(|label| entry(label, MACHINE))
        .collect();
    let mut add = |missing: bool, label: Label, subject: &str| {
        if missing {
            list.push(entry(label, subject));
        }
    };
    let portable = machine.portable();
    add(portable.is_none(), CHASSIS, MACHINE);
    add(
        machine.memory.fitted_bytes().is_none(),
        MEMORY_SIZE,
        MACHINE,
    );
    add(cores(machine).is_none(), CPU_CORES, MACHINE);
    add(
        machine.cpus.iter().all(|cpu| cpu.features.is_none()),
        CPU_64_BIT,
        MACHINE,
    );

    let locks = &machine.locks;
    add(locks.password_set().is_none(), FIRMWARE_PASSWORD, MACHINE);
    add(locks.platform_binary.is_none(), PLATFORM_BINARY, MACHINE);

    let screens = machine.displays.iter().filter(|display| display.internal);
    let measured = screens
        .filter(|screen| screen.edid.height_px.is_some())
        .count();
    add(
        portable != Some(false) && measured == 0,
        SCREEN_SIZE,
        MACHINE,
    );

    add(
        portable != Some(false) && battery_missing(machine).is_none(),
        BATTERY,
        MACHINE,
    );
    for battery in &machine.power.batteries {
        let trusted = battery.confidence == Confidence::Plausible;
        add(!trusted, BATTERY_HEALTH, &battery.name);
        add(battery.cycles.is_none(), BATTERY_CYCLES, &battery.name);
    }

    add(drives.is_empty(), NO_DRIVE, MACHINE);
    list.extend(drives.iter().flat_map(of_drive));
    list
}

/// What a drive did not tell of its health.
pub fn of_drive(drive: &DriveHealth) -> Vec<NotChecked> {
    let mut list = Vec::new();
    let mut add = |missing: bool, label: Label| {
        if missing {
            list.push(entry(label, &drive.subject));
        }
    };
    let nvme = drive.critical_warning.is_some();
    let scsi = drive.grown_defects.is_some() || drive.uncorrected_errors.is_some();
    let health = drive.smart_failing.is_some() || nvme || scsi;
    add(!health, DRIVE_HEALTH);
    if health {
        let sectors = drive.reallocated.and(drive.pending).is_some();
        add(!nvme && !scsi && !sectors, DRIVE_SECTORS);
        let wear = drive.percentage_used.is_some();
        add(drive.rotating == Some(false) && !wear, DRIVE_WEAR);
        let hours = drive
            .power_on_hours
            .is_some_and(|hours| hours <= HOURS_PLAUSIBLE_MAX);
        add(
            drive.rotating != Some(false) && !nvme && !hours,
            DRIVE_HOURS,
        );
    }
    list
}

fn entry((what, label_fr, label_en): Label, subject: &str) -> NotChecked {
    NotChecked {
        what,
        subject: subject.to_owned(),
        label_fr,
        label_en,
    }
}
