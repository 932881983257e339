//! What is not known is named and never counts as good; what Windows 11 makes of it.

use crate::{desktop, good_drive, good_laptop, judge};
use machine::MachineFacts;
use machine::parts::battery::Confidence;
use machine::parts::smbios::Bios;
use machine::verdict::{DriveFate, DriveHealth, Grade, Obstacle, Verdict, Windows11};

/// Keys with their subject, without the checks that raz does not have at all.
fn unknown(verdict: &Verdict) -> Vec<(&'static str, &str)> {
    let of_this_machine = |what: &str| !NEVER.contains(&what);
    let known = verdict
        .not_checked
        .iter()
        .filter(|not| of_this_machine(not.what));
    known.map(|not| (not.what, not.subject.as_str())).collect()
}

const NEVER: [&str; 10] = [
    "memory-test",
    "cpu-stress",
    "cpu-class",
    "drive-self-test",
    "keyboard",
    "screen-picture",
    "sound-camera",
    "ports-radio",
    "remote-management",
    "cosmetics",
];

#[test]
fn checks_that_do_not_exist_are_always_named() {
    let verdict = judge(&good_laptop(), &[good_drive("disk")]);
    let keys: Vec<_> = verdict.not_checked.iter().map(|not| not.what).collect();
    assert_eq!(keys, NEVER);
    for not in &verdict.not_checked {
        assert!(
            !not.label_fr.is_empty() && !not.label_en.is_empty(),
            "{}",
            not.what
        );
    }
}

#[test]
fn machine_that_says_nothing_has_everything_named() {
    let verdict = judge(&MachineFacts::default(), &[]);
    assert_eq!(
        unknown(&verdict),
        [
            ("chassis", "machine"),
            ("memory-size", "machine"),
            ("cpu-cores", "machine"),
            ("cpu-64-bit", "machine"),
            ("firmware-password", "machine"),
            ("platform-binary", "machine"),
            ("screen-size", "machine"),
            ("battery", "machine"),
            ("drives", "machine"),
        ]
    );
}

#[test]
fn drive_without_health_is_named_and_its_fate_still_counts() {
    let verdict = judge(
        &good_laptop(),
        &[DriveHealth::unknown("USB stick", DriveFate::NotErased)],
    );
    assert_eq!(unknown(&verdict), [("drive-health", "USB stick")]);
    assert_eq!(verdict.grade, Grade::Parts);
}

#[test]
fn missing_counters_of_a_drive_are_named() {
    let ata = DriveHealth {
        rotating: Some(true),
        smart_failing: Some(false),
        power_on_hours: Some(4_661_094),
        ..DriveHealth::unknown("HDD", DriveFate::Proven)
    };
    let ssd = DriveHealth {
        rotating: Some(false),
        reallocated: Some(0),
        pending: Some(0),
        ..DriveHealth {
            subject: "SSD".into(),
            ..ata.clone()
        }
    };
    let verdict = judge(&desktop(0x03), &[ata, ssd]);
    assert_eq!(
        unknown(&verdict),
        [
            ("drive-sectors", "HDD"),
            ("drive-hours", "HDD"),
            ("drive-wear", "SSD")
        ]
    );
}

#[test]
fn battery_is_missing_only_where_the_kernel_would_have_shown_it() {
    let mut machine = good_laptop();
    machine.power.batteries.clear();
    let verdict = judge(&machine, &[good_drive("disk")]);
    assert_eq!((verdict.grade, unknown(&verdict)), (Grade::D, vec![]));

    machine.power.mains_seen = false;
    let verdict = judge(&machine, &[good_drive("disk")]);
    assert_eq!(verdict.caps, []);
    assert_eq!(unknown(&verdict), [("battery", "machine")]);
}

#[test]
fn doubtful_gauge_and_uncounted_cycles_are_named() {
    for confidence in [Confidence::Doubtful, Confidence::Unknown] {
        let mut machine = good_laptop();
        let battery = &mut machine.power.batteries[0];
        battery.confidence = confidence;
        battery.cycles = None;
        let verdict = judge(&machine, &[good_drive("disk")]);
        assert_eq!(
            unknown(&verdict),
            [("battery-health", "BAT0"), ("battery-cycles", "BAT0")]
        );
    }
}

#[test]
fn external_monitor_says_nothing_of_the_built_in_screen() {
    let mut machine = good_laptop();
    machine.displays[0].internal = false;
    machine.displays[0].edid.height_px = Some(480);
    let verdict = judge(&machine, &[good_drive("disk")]);
    assert_eq!(verdict.caps, []);
    assert_eq!(unknown(&verdict), [("screen-size", "machine")]);
}

#[test]
fn windows_11_is_never_a_yes() {
    assert_eq!(judge(&good_laptop(), &[]).windows_11, Windows11::Unknown);
    assert_eq!(
        judge(&MachineFacts::default(), &[]).windows_11,
        Windows11::Unknown
    );
}

#[test]
fn windows_11_is_refused_with_every_reason() {
    let mut machine = good_laptop();
    machine.cpus[0].cores = Some(1);
    let features = machine.cpus[0].features.as_mut().expect("seen");
    (features.long_mode, features.popcnt) = (false, false);
    machine.memory.installed_bytes = Some(2 << 30);
    machine.displays[0].edid.height_px = Some(600);
    machine.firmware.tpm = Some(machine::parts::firmware::Tpm {
        version_major: Some(1),
    });
    machine.smbios.as_mut().expect("there").bios = Some(Bios {
        vendor: None,
        version: None,
        date: None,
        uefi_supported: Some(false),
    });
    assert_eq!(
        judge(&machine, &[]).windows_11,
        Windows11::No(vec![
            Obstacle::Not64Bit,
            Obstacle::SingleCore,
            Obstacle::InstructionSet,
            Obstacle::Memory,
            Obstacle::NoUefi,
            Obstacle::OldTpm,
            Obstacle::Screen,
        ])
    );
}
