use super::*;
use crate::health::{Confidence, Count};
use serde_json::{Value, json};

/// An attribute as smartctl prints it.
fn row(id: u8, value: u8, threshold: u8, raw: u64, text: &str) -> Value {
    json!({
        "id": id, "name": "Some_Name", "value": value, "worst": value, "thresh": threshold,
        "when_failed": if threshold != 0 && value <= threshold { "now" } else { "" },
        "flags": {"value": 51, "string": "PO--CK "},
        "raw": {"value": raw, "string": text},
    })
}

fn disk(rows: &[Value]) -> Value {
    json!({
        "json_format_version": [1, 0],
        "smartctl": {"version": [7, 4]},
        "device": {"name": "/dev/sda", "type": "sat", "protocol": "ATA"},
        "model_name": "ST500DM002", "serial_number": " Z3T00001 ",
        "rotation_rate": 7200,
        "smart_status": {"passed": true},
        "ata_smart_attributes": {"revision": 10, "table": rows},
        "power_on_time": {"hours": 7487},
        "power_cycle_count": 812,
        "temperature": {"current": 33},
    })
}

fn parse(json: &Value) -> Smartctl {
    Smartctl::parse(json).expect("a drive")
}

fn sure(count: Option<Count>) -> Option<u64> {
    count
        .filter(|count| count.confidence != Confidence::Doubtful)
        .map(|count| count.value)
}

#[test]
fn ata_disk_is_read_with_its_names_and_counters() {
    let drive = parse(&disk(&[
        row(5, 100, 36, 3, "3"),
        row(197, 100, 0, 1, "1"),
        row(4, 99, 20, 0x5_0000_03E8, "1000"),
    ]));
    assert_eq!(drive.model.as_deref(), Some("ST500DM002"));
    assert_eq!(drive.serial.as_deref(), Some("Z3T00001"));
    assert_eq!(drive.rotating, Some(true));
    let health = &drive.health;
    assert_eq!(health.source, HealthSource::Smartctl);
    assert_eq!(health.says_failing(), Some(false));
    assert_eq!(sure(health.reallocated), Some(3));
    assert_eq!(sure(health.pending), Some(1));
    assert_eq!(health.start_stop_cycles, Some(1000));
    assert_eq!(health.power_on_hours, Some(7487));
    assert_eq!(health.power_cycles, Some(812));
    assert_eq!(health.temperature_celsius, Some(33));
    assert_eq!(health.offline_uncorrectable, None, "not in the table");
    assert_eq!(health.oddities, [""; 0]);
}

#[test]
fn packed_raw_values_are_no_counts() {
    let drive = parse(&disk(&[
        row(5, 100, 24, 8_589_934_592_000, "0 (2000 0)"),
        row(188, 100, 0, 4_295_032_833, "1 1 1"),
        row(9, 83, 0, 0x1234_0000_3039, "12345h+12m+01.2s"),
    ]));
    assert_eq!(sure(drive.health.reallocated), Some(0));
    assert_eq!(sure(drive.health.command_timeout), Some(1));
}

#[test]
fn attribute_that_fails_now_counts_though_its_raw_value_is_zero_and_the_status_passed() {
    let drive = parse(&disk(&[row(5, 1, 5, 0, "0")]));
    assert_eq!(drive.health.failing, Some(false));
    assert_eq!(drive.health.says_failing(), Some(true));
    let hot = parse(&disk(&[
        row(190, 40, 45, 60, "60"),
        row(194, 40, 45, 60, "60"),
    ]));
    assert_eq!(hot.health.says_failing(), Some(false));
}

#[test]
fn smartctls_own_word_of_a_failed_attribute_counts_without_a_threshold() {
    let mut failed = row(5, 1, 5, 0, "0");
    failed.as_object_mut().expect("a row").remove("thresh");
    assert_eq!(parse(&disk(&[failed])).health.says_failing(), Some(true));
    let mut past = row(5, 100, 5, 0, "0");
    past["when_failed"] = json!("past");
    assert_eq!(parse(&disk(&[past])).health.says_failing(), Some(false));
}

#[test]
fn text_beside_a_missing_raw_value_is_read_only_in_the_two_known_shapes() {
    let pending = |text: &str| {
        let mut nameless = row(197, 100, 0, 0, text);
        nameless["raw"]
            .as_object_mut()
            .expect("raw")
            .remove("value");
        let drive = parse(&disk(&[nameless, row(9, 100, 0, 1, "1")]));
        sure(drive.health.pending)
    };
    assert_eq!(pending("4"), Some(4));
    assert_eq!(pending("4 (1 2)"), Some(4));
    for unknown in ["", "4 5 6", "0x04", "4h+2m", "-4", "8589934592000"] {
        assert_eq!(pending(unknown), None, "{unknown:?}");
    }
}

#[test]
fn nvme_drive_is_read_by_its_log() {
    let drive = parse(&json!({
        "device": {"protocol": "NVMe"},
        "model_name": "SAMSUNG MZVLB256", "serial_number": "S4DX0001",
        "smart_status": {"passed": true, "nvme": {"value": 0}},
        "nvme_smart_health_information_log": {
            "critical_warning": 0, "temperature": 35, "available_spare": 100,
            "available_spare_threshold": 10, "percentage_used": 57, "media_errors": 2,
        },
        "temperature": {"current": -3}, "power_on_time": {"hours": 4_661_094},
    }));
    let health = &drive.health;
    assert_eq!(drive.rotating, Some(false));
    assert_eq!(health.critical_warning, Some(0));
    assert_eq!(health.available_spare, Some(100));
    assert_eq!(health.spare_threshold, Some(10));
    assert_eq!(health.percentage_used, Some(57));
    assert_eq!(health.media_errors, Some(2));
    assert_eq!(health.temperature_celsius, Some(-3));
    assert_eq!(health.power_on_hours, None);
    assert_eq!(
        health.oddities,
        ["power-on counter 4661094 cannot be hours"]
    );
}

#[test]
fn sas_disk_is_read_by_its_lists() {
    let drive = parse(&json!({
        "device": {"protocol": "SCSI"},
        "scsi_model_name": "SEAGATE ST600MM0006", "serial_number": "S0M00001",
        "rotation_rate": 10_000,
        "smart_status": {"passed": true},
        "scsi_grown_defect_list": 12,
        "scsi_error_counter_log": {
            "read": {"total_uncorrected_errors": 1},
            "write": {"total_uncorrected_errors": 2},
        },
        "scsi_percentage_used_endurance_indicator": 3,
    }));
    assert_eq!(drive.model.as_deref(), Some("SEAGATE ST600MM0006"));
    assert_eq!(drive.health.grown_defects, Some(12));
    assert_eq!(drive.health.uncorrected_errors, Some(3));
    assert_eq!(drive.health.percentage_used, Some(3));
}

#[test]
fn json_that_is_of_no_drive_is_refused() {
    for json in [
        json!(null),
        json!([]),
        json!({"smartctl": {"exit_status": 2, "messages": [{"string": "No such device"}]}}),
        json!({"ata_smart_attributes": {"table": []}}),
    ] {
        assert_eq!(Smartctl::parse(&json), Err(NoDrive), "{json}");
    }
}

/// Each value of three real shapes of output, replaced by each kind of nonsense: nothing panics, and
/// what cannot be read condemns no drive.
#[test]
fn nonsense_in_any_place_never_panics_and_never_condemns() {
    let nonsense = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!("now and then"),
        json!([1]),
        json!({"value": "x"}),
    ];
    let good = [
        disk(&[
            row(5, 100, 36, 0, "0"),
            row(197, 100, 0, 0, "0"),
            row(188, 100, 0, 0, "0 0 0"),
        ]),
        json!({
            "device": {"protocol": "NVMe"}, "smart_status": {"passed": true},
            "nvme_smart_health_information_log": {
                "critical_warning": 0, "available_spare": 100, "available_spare_threshold": 10,
                "percentage_used": 1, "media_errors": 0,
            },
        }),
        json!({
            "smart_status": {"passed": true}, "scsi_grown_defect_list": 0,
            "scsi_error_counter_log": {"read": {"total_uncorrected_errors": 0}},
        }),
    ];
    let mut tried = 0;
    for original in &good {
        for place in places(original, String::new()) {
            for value in &nonsense {
                let mut json = original.clone();
                *json.pointer_mut(&place).expect("the place is there") = value.clone();
                let Ok(drive) = Smartctl::parse(&json) else {
                    continue;
                };
                let health = &drive.health;
                let bad = |count: Option<Count>| sure(count).unwrap_or(0);
                assert_ne!(health.says_failing(), Some(true), "{place} {value}");
                assert_eq!(bad(health.reallocated), 0, "{place} {value}");
                assert_eq!(bad(health.pending), 0, "{place} {value}");
                assert_eq!(health.critical_warning.unwrap_or(0), 0, "{place} {value}");
                assert!(health.percentage_used.unwrap_or(0) <= 1, "{place} {value}");
                tried += 1;
            }
        }
    }
    assert!(tried > 300, "only {tried} were tried");
}

fn places(json: &Value, here: String) -> Vec<String> {
    let below: Vec<(String, &Value)> = match json {
        Value::Object(fields) => fields.iter().map(|(key, v)| (key.clone(), v)).collect(),
        Value::Array(items) => (0..).map(|i: usize| i.to_string()).zip(items).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    let mut all = vec![here.clone()];
    for (key, value) in below {
        all.extend(places(value, format!("{here}/{key}")));
    }
    all
}
