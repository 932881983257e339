//! The verdict on crafted machines: the shipped rules and their boundaries, what a rejected drive
//! means, what is named as not checked, and which rule files are refused.

mod rule_file;
mod shipped_rules;
mod unknown;

use machine::MachineFacts;
use machine::parts::battery::{Battery, Confidence};
use machine::parts::chassis::ChassisKind;
use machine::parts::cpu::{Cpu, CpuFeatures};
use machine::parts::display::Display;
use machine::parts::edid::Edid;
use machine::parts::locks::FirmwarePassword;
use machine::parts::smbios::{Chassis, Smbios};
use machine::verdict::{DriveFate, DriveHealth, Rules, Verdict};

/// A laptop of which nothing bad is known and everything measurable is.
fn good_laptop() -> MachineFacts {
    let mut machine = desktop(0x0A);
    machine.power.mains_seen = true;
    machine.power.batteries.push(Battery {
        name: "BAT0".into(),
        maker: None,
        model: None,
        serial: None,
        chemistry: None,
        capacity_design_mwh: Some(50_000),
        capacity_full_mwh: Some(45_000),
        voltage_design_mv: None,
        health_percent: Some(90),
        health_percent_raw: Some(90),
        cycles: Some(100),
        confidence: Confidence::Plausible,
    });
    machine.displays.push(Display {
        connector: "eDP-1".into(),
        internal: true,
        edid: Edid {
            width_px: Some(1366),
            height_px: Some(768),
            ..Edid::default()
        },
    });
    machine
}

/// The same in a case of another kind, without battery and screen.
fn desktop(chassis_code: u8) -> MachineFacts {
    let mut machine = MachineFacts {
        smbios: Some(Smbios {
            chassis: Some(Chassis {
                kind: ChassisKind { code: chassis_code },
                maker: None,
                serial: None,
                asset_tag: None,
            }),
            ..Smbios::default()
        }),
        cpus: vec![Cpu {
            package: 0,
            model: None,
            vendor: None,
            signature: None,
            cores: Some(4),
            threads: 8,
            features: Some(CpuFeatures {
                long_mode: true,
                aes: true,
                sse4_2: true,
                popcnt: true,
                hypervisor: false,
            }),
        }],
        ..MachineFacts::default()
    };
    machine.memory.installed_bytes = Some(8 << 30);
    machine.locks.platform_binary = Some(false);
    machine.locks.passwords.push(FirmwarePassword {
        role: "bios-admin".into(),
        set: Some(false),
    });
    machine
}

/// A healthy rotating drive with a proven erasure that answers every question.
fn good_drive(subject: &str) -> DriveHealth {
    DriveHealth {
        rotating: Some(true),
        smart_failing: Some(false),
        reallocated: Some(0),
        pending: Some(0),
        offline_uncorrectable: Some(0),
        reported_uncorrectable: Some(0),
        command_timeout: Some(0),
        crc_errors: Some(0),
        spin_retry: Some(0),
        power_on_hours: Some(7_487),
        start_stop: Some(1_000),
        percentage_used: Some(0),
        available_spare: Some(100),
        spare_threshold: Some(10),
        critical_warning: Some(0),
        media_errors: Some(0),
        grown_defects: Some(0),
        uncorrected_errors: Some(0),
        ..DriveHealth::unknown(subject, DriveFate::Proven)
    }
}

fn judge(machine: &MachineFacts, drives: &[DriveHealth]) -> Verdict {
    Rules::shipped().judge(machine, drives)
}
