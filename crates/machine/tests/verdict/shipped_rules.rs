//! Every shipped rule at its boundary, and what a rejected drive means for the machine.

use crate::{desktop, good_drive, good_laptop, judge};
use machine::MachineFacts;
use machine::verdict::{DriveFate, DriveHealth, Effect, Grade, Rules, Verdict};
use std::collections::BTreeSet;

const A_TO_D: [Effect; 4] = [
    Effect::Cap(Grade::A),
    Effect::Cap(Grade::B),
    Effect::Cap(Grade::C),
    Effect::Cap(Grade::D),
];
const B: Effect = A_TO_D[1];
const C: Effect = A_TO_D[2];
const D: Effect = A_TO_D[3];
const PARTS: Effect = Effect::Cap(Grade::Parts);
const NOTE: Effect = Effect::Note;

/// Sets one value of the good laptop with its good drive.
type Set = fn(&mut MachineFacts, &mut DriveHealth, u64);
/// Values with the one rule that must fire on them, and its effect.
type Scale = &'static [(u64, Option<(&'static str, Effect)>)];

fn byte(value: u64) -> Option<u8> {
    Some(u8::try_from(value).expect("a byte"))
}

/// Written from the published numbers, not from the rule file.
const SCALES: &[(Set, Scale)] = &[
    (
        |_, drive, value| {
            drive.erased = match value {
                0 => DriveFate::Proven,
                1 => DriveFate::NotProven,
                2 => DriveFate::NotErased,
                3 => DriveFate::Kept,
                _ => DriveFate::NotSeen,
            }
        },
        &[
            (0, None),
            (1, Some(("drive-erasure-not-proven", PARTS))),
            (2, Some(("drive-not-erased", PARTS))),
            (3, Some(("drive-kept", PARTS))),
            (4, Some(("drive-not-seen", PARTS))),
        ],
    ),
    (
        |machine, _, value| machine.locks.passwords[0].set = Some(value == 1),
        &[(0, None), (1, Some(("firmware-password", D)))],
    ),
    (
        |machine, _, value| machine.locks.platform_binary = Some(value == 1),
        &[(0, None), (1, Some(("firmware-platform-binary", NOTE)))],
    ),
    (
        |_, drive, value| drive.smart_failing = Some(value == 1),
        &[(0, None), (1, Some(("drive-smart-failing", PARTS)))],
    ),
    (
        |_, drive, value| drive.pending = Some(value),
        &[
            (0, None),
            (1, Some(("drive-pending", PARTS))),
            (u64::MAX, Some(("drive-pending", PARTS))),
        ],
    ),
    (
        |_, drive, value| drive.offline_uncorrectable = Some(value),
        &[(0, None), (1, Some(("drive-offline-uncorrectable", PARTS)))],
    ),
    (
        |_, drive, value| drive.reallocated = Some(value),
        &[
            (0, None),
            (1, Some(("drive-reallocated-some", C))),
            (2, Some(("drive-reallocated-some", C))),
            (3, Some(("drive-reallocated-some", C))),
            (4, Some(("drive-reallocated-many", PARTS))),
            (5, Some(("drive-reallocated-many", PARTS))),
        ],
    ),
    (
        |_, drive, value| drive.reported_uncorrectable = Some(value),
        &[
            (0, None),
            (1, Some(("drive-reported-uncorrectable-some", C))),
            (5, Some(("drive-reported-uncorrectable-some", C))),
            (6, Some(("drive-reported-uncorrectable-many", PARTS))),
            (7, Some(("drive-reported-uncorrectable-many", PARTS))),
        ],
    ),
    (
        |_, drive, value| drive.command_timeout = Some(value),
        &[(0, None), (1, Some(("drive-command-timeout", NOTE)))],
    ),
    (
        |_, drive, value| drive.crc_errors = Some(value),
        &[
            (1, None),
            (2, Some(("drive-crc-errors", NOTE))),
            (3, Some(("drive-crc-errors", NOTE))),
        ],
    ),
    (
        |_, drive, value| drive.spin_retry = Some(value),
        &[(0, None), (1, Some(("drive-spin-retry", C)))],
    ),
    (
        |_, drive, value| drive.power_on_hours = Some(value),
        &[
            (37_176, None),
            (37_177, None),
            (37_178, Some(("drive-hours", B))),
            (200_000, Some(("drive-hours", B))),
            // A unit quirk, not an age.
            (200_001, None),
            (4_661_094, None),
        ],
    ),
    (
        |_, drive, value| drive.start_stop = Some(value),
        &[
            (13_876, None),
            (13_877, None),
            (13_878, Some(("drive-start-stop", B))),
        ],
    ),
    (
        |_, drive, value| drive.critical_warning = byte(value),
        &[
            (0, None),
            (1 << 0, Some(("drive-critical-warning", PARTS))),
            (1 << 1, Some(("drive-temperature-warning", NOTE))),
            (1 << 2, Some(("drive-critical-warning", PARTS))),
            (1 << 3, Some(("drive-critical-warning", PARTS))),
            (1 << 4, Some(("drive-critical-warning", PARTS))),
            (1 << 5, None),
        ],
    ),
    (
        // The drive's own limit is 10 %.
        |_, drive, value| drive.available_spare = byte(value),
        &[
            (100, None),
            (21, None),
            (20, Some(("drive-spare-low", C))),
            (10, Some(("drive-spare-low", C))),
            (9, Some(("drive-spare-exhausted", PARTS))),
            (0, Some(("drive-spare-exhausted", PARTS))),
        ],
    ),
    (
        // A limit of 99 % is not a nearly spent spare while nothing of it is used.
        |_, drive, value| drive.spare_threshold = byte(value),
        &[(10, None), (99, None), (100, None)],
    ),
    (
        |_, drive, value| drive.percentage_used = byte(value),
        &[
            (49, None),
            (50, Some(("drive-wear-half", B))),
            (79, Some(("drive-wear-half", B))),
            (80, Some(("drive-wear-high", C))),
            (99, Some(("drive-wear-high", C))),
            (100, Some(("drive-wear-out", PARTS))),
            (255, Some(("drive-wear-out", PARTS))),
        ],
    ),
    (
        |_, drive, value| drive.media_errors = Some(value),
        &[(0, None), (1, Some(("drive-media-errors", C)))],
    ),
    (
        |_, drive, value| drive.grown_defects = Some(value),
        &[
            (0, None),
            (1, Some(("drive-grown-defects-some", NOTE))),
            (10, Some(("drive-grown-defects-some", NOTE))),
            (11, Some(("drive-grown-defects-many", C))),
        ],
    ),
    (
        |_, drive, value| drive.uncorrected_errors = Some(value),
        &[(0, None), (1, Some(("drive-uncorrected-errors", PARTS)))],
    ),
    (
        |machine, _, value| {
            if value == 0 {
                machine.power.batteries.clear();
            }
        },
        &[(1, None), (0, Some(("battery-missing", D)))],
    ),
    (
        |machine, _, value| machine.power.batteries[0].health_percent = byte(value),
        &[
            (81, None),
            (80, None),
            (79, Some(("battery-worn", B))),
            (60, Some(("battery-worn", B))),
            (59, Some(("battery-weak", C))),
            (50, Some(("battery-weak", C))),
            (49, Some(("battery-spent", D))),
            (0, Some(("battery-spent", D))),
        ],
    ),
    (
        |machine, _, value| machine.power.batteries[0].cycles = u32::try_from(value).ok(),
        &[(749, None), (750, None), (751, Some(("battery-cycles", B)))],
    ),
    (
        // MiB, modules stated.
        |machine, _, value| machine.memory.installed_bytes = Some(value << 20),
        &[
            (4096, None),
            (3500, None),
            (3499, Some(("memory-small", C))),
            (2048, Some(("memory-small", C))),
            (1750, Some(("memory-small", C))),
            (1749, Some(("memory-tiny", D))),
            (1024, Some(("memory-tiny", D))),
        ],
    ),
    (
        // MiB that the kernel can use of 4 GB, modules not stated.
        |machine, _, value| {
            machine.memory.installed_bytes = None;
            machine.memory.total_bytes = Some(value << 20);
        },
        &[(3_712, None)],
    ),
    (
        |machine, _, value| {
            machine.cpus[0].features.as_mut().expect("seen").long_mode = value == 64;
        },
        &[(64, None), (32, Some(("cpu-32-bit", D)))],
    ),
    (
        |machine, _, value| machine.cpus[0].cores = u32::try_from(value).ok(),
        &[(1, Some(("cpu-single-core", D))), (2, None), (3, None)],
    ),
    (
        |machine, _, value| machine.displays[0].edid.height_px = u32::try_from(value).ok(),
        &[(719, Some(("screen-low", C))), (720, None), (721, None)],
    ),
];

#[test]
fn nothing_bad_known_is_grade_a_without_caps() {
    let verdict = judge(&good_laptop(), &[good_drive("disk")]);
    assert_eq!(verdict.caps, []);
    assert_eq!(
        (verdict.grade, verdict.grade_once_removed),
        (Grade::A, Grade::A)
    );
}

#[test]
fn every_rule_fires_at_its_boundary_and_alone() {
    let mut fired = BTreeSet::new();
    for (set, scale) in SCALES {
        for (value, expected) in *scale {
            let (mut machine, mut drive) = (good_laptop(), good_drive("disk"));
            set(&mut machine, &mut drive, *value);
            let verdict = judge(&machine, &[drive]);
            let caps: Vec<_> = verdict
                .caps
                .iter()
                .map(|cap| (cap.rule.as_str(), cap.effect))
                .collect();
            let expected: Vec<_> = expected.iter().copied().collect();
            assert_eq!(caps, expected, "value {value}");
            for (rule, effect) in expected {
                fired.insert(rule.to_owned());
                let grade = match effect {
                    Effect::Cap(grade) => grade,
                    Effect::Note => Grade::A,
                };
                assert_eq!(verdict.grade, grade, "{rule}");
            }
        }
    }
    let shipped: BTreeSet<String> = Rules::shipped()
        .list()
        .map(|rule| rule.id.to_owned())
        .collect();
    assert_eq!(fired, shipped);
}

#[test]
fn every_rule_says_why_in_two_languages_and_where_its_number_is_from() {
    for rule in Rules::shipped().list() {
        assert!(!rule.source.is_empty(), "{}", rule.id);
        assert_ne!(rule.message_fr, rule.message_en, "{}", rule.id);
    }
}

#[test]
fn cap_tells_measured_value_and_threshold_with_units() {
    let mut machine = good_laptop();
    machine.power.batteries[0].health_percent = Some(46);
    let mut drive = good_drive("NVME 1234");
    drive.critical_warning = Some(0b101);
    let verdict = judge(&machine, &[drive]);
    let [warning, battery] = verdict.caps.as_slice() else {
        panic!("{:?}", verdict.caps)
    };
    assert_eq!(
        (warning.subject.as_str(), warning.axis.as_str()),
        ("NVME 1234", "disk")
    );
    assert_eq!(
        (warning.measured.as_str(), warning.threshold.as_str()),
        ("0x05", "bits 0x1d")
    );
    assert_eq!(
        (battery.subject.as_str(), battery.axis.as_str()),
        ("BAT0", "battery")
    );
    assert_eq!(
        (battery.measured.as_str(), battery.threshold.as_str()),
        ("46 %", "< 50 %")
    );
    assert_eq!(battery.message_fr, "Batterie usée : la remplacer");
}

#[test]
fn bits_are_separate_statements() {
    let mut drive = good_drive("disk");
    drive.critical_warning = Some(0b11);
    let rules: Vec<String> = judge(&good_laptop(), &[drive])
        .caps
        .into_iter()
        .map(|cap| cap.rule)
        .collect();
    assert_eq!(
        rules,
        ["drive-critical-warning", "drive-temperature-warning"]
    );
}

#[test]
fn rules_for_rotating_drives_spare_solid_state_and_not_unknown_ones() {
    let grade = |rotating, reallocated, hours| {
        let drive = DriveHealth {
            rotating,
            reallocated: Some(reallocated),
            power_on_hours: Some(hours),
            ..good_drive("disk")
        };
        judge(&good_laptop(), &[drive]).grade
    };
    assert_eq!(grade(Some(false), 9, 50_000), Grade::A);
    assert_eq!(grade(Some(true), 9, 50_000), Grade::Parts);
    assert_eq!(grade(None, 9, 50_000), Grade::Parts);
    assert_eq!(grade(None, 0, 50_000), Grade::B);
}

#[test]
fn machine_with_an_unproven_drive_must_not_leave_and_its_rest_is_graded() {
    for fate in [
        DriveFate::NotProven,
        DriveFate::NotErased,
        DriveFate::Kept,
        DriveFate::NotSeen,
    ] {
        // The rejected drive is also old: that leaves with it.
        let bad = DriveHealth {
            erased: fate,
            power_on_hours: Some(50_000),
            ..good_drive("WD40EFRX 1234")
        };
        let verdict = judge(&good_laptop(), &[bad, good_drive("SSD 5678")]);
        assert_eq!(verdict.grade, Grade::Parts, "{fate:?}");
        assert_eq!(verdict.grade_once_removed, Grade::A, "{fate:?}");
        assert_eq!(verdict.remove, ["WD40EFRX 1234"]);
        assert_eq!(verdict.caps.len(), 2);
        assert_eq!(verdict.caps[0].measured, fate.as_str());
    }
}

#[test]
fn weakness_of_another_part_stays_when_a_drive_is_out() {
    let mut machine = good_laptop();
    machine.power.batteries[0].health_percent = Some(70);
    let bad = DriveHealth {
        pending: Some(3),
        ..good_drive("bad")
    };
    let worn = DriveHealth {
        percentage_used: Some(85),
        ..good_drive("worn")
    };
    let verdict = judge(&machine, &[bad, worn]);
    assert_eq!(
        (verdict.grade, verdict.grade_once_removed),
        (Grade::Parts, Grade::C)
    );
    assert_eq!(verdict.remove, ["bad"]);
    let worst_first: Vec<Effect> = verdict.caps.iter().map(|cap| cap.effect).collect();
    assert_eq!(worst_first, [PARTS, C, B]);
}

#[test]
fn drive_rejected_for_two_reasons_is_named_once() {
    let drive = DriveHealth {
        pending: Some(1),
        offline_uncorrectable: Some(1),
        ..good_drive("disk")
    };
    let verdict = judge(&good_laptop(), &[drive]);
    assert_eq!(
        (verdict.caps.len(), verdict.remove),
        (2, vec!["disk".to_owned()])
    );
}

#[test]
fn desktop_needs_no_battery_and_no_screen() {
    let verdict: Verdict = judge(&desktop(0x03), &[good_drive("disk")]);
    assert_eq!(verdict.grade, Grade::A);
    assert!(
        !verdict
            .not_checked
            .iter()
            .any(|not| not.what.starts_with("battery"))
    );
    assert!(
        !verdict
            .not_checked
            .iter()
            .any(|not| not.what == "screen-size")
    );
}
