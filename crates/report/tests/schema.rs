//! The published JSON Schema is what the types say, and real reports fit it.

use report::schema::{Report, json_schema};
use serde_json::Value;

const PUBLISHED: &str = include_str!("../../../docs/report-v1.schema.json");
const SAMPLE: &str = include_str!("../../../docs/report-v1.sample.json");

#[test]
fn published_schema_is_the_generated_one() {
    assert!(
        PUBLISHED == json_schema(),
        "docs/report-v1.schema.json is out of date: cargo run -p report --example schema"
    );
}

#[test]
fn sample_fits_schema_and_types_without_loss() {
    let sample: Value = serde_json::from_str(SAMPLE).unwrap();
    let schema: Value = serde_json::from_str(PUBLISHED).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(&sample)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");

    let report: Report = serde_json::from_str(SAMPLE).unwrap();
    assert_eq!(serde_json::to_value(&report).unwrap(), sample);
}

#[test]
fn sampled_read_back_fits_schema_and_types_without_loss() {
    let mut sample: Value = serde_json::from_str(SAMPLE).unwrap();
    let erasure = &mut sample["drives"][0]["erasure"];
    erasure["outcome"] = "sampled".into();
    erasure["passes"][0]["verification"]["type"] = "sampled".into();
    erasure["passes"][0]["verification"]["sample"] = serde_json::json!({
        "derivation": "raz 2026-11 verification samples v1",
        "seed": "5e".repeat(32),
        "share_percent": 10,
        "subsections": 1000,
        "sectors": 50_012_002_u64,
        "sectors_total": 500_118_192_u64,
        "missed": [
            { "arrangement": "contiguous", "sectors": 1, "bytes": 512, "probability": 0.9 },
            { "arrangement": "scattered", "sectors": 100, "bytes": 51_200, "probability": 0.000_027 },
        ],
    });
    let schema: Value = serde_json::from_str(PUBLISHED).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&sample));
    let report: Report = serde_json::from_value(sample.clone()).unwrap();
    assert_eq!(serde_json::to_value(&report).unwrap(), sample);

    // Reports from before there were samples say nothing of them.
    let read = &mut sample["drives"][0]["erasure"]["passes"][0]["verification"];
    read.as_object_mut().unwrap().remove("sample");
    assert!(validator.is_valid(&sample));
    assert!(serde_json::from_value::<Report>(sample).is_ok());
}

#[test]
fn run_without_ledger_says_nothing_of_one_and_resumed_ones_say_all() {
    let report: Report = serde_json::from_str(SAMPLE).unwrap();
    let plain = serde_json::to_string(&report.drives[0]).unwrap();
    let says = |word: &str| plain.contains(&format!("\"{word}\""));
    assert!(!says("resumed") && !says("ledger"), "{plain}");
    // The other drive's run went on from one: the sample that fits without loss.
    let erasure = report.drives[1].erasure.as_ref().unwrap();
    assert!(erasure.ledger.is_some() && erasure.passes[0].resumed.is_some());
}

#[test]
fn report_of_a_version_that_did_not_tell_errors_is_still_read() {
    let mut sample: Value = serde_json::from_str(SAMPLE).unwrap();
    let pass = &mut sample["drives"][1]["erasure"]["passes"][0];
    for told in ["write_errors_seen", "first_write_error"] {
        pass.as_object_mut().unwrap().remove(told).unwrap();
    }
    let read = pass["verification"].as_object_mut().unwrap();
    read.remove("first_read_error").unwrap();
    let schema: Value = serde_json::from_str(PUBLISHED).unwrap();
    assert!(
        jsonschema::validator_for(&schema)
            .unwrap()
            .is_valid(&sample)
    );
    serde_json::from_value::<Report>(sample).unwrap();
}

#[test]
fn schema_refuses_an_outcome_of_another_word() {
    let mut sample: Value = serde_json::from_str(SAMPLE).unwrap();
    let schema: Value = serde_json::from_str(PUBLISHED).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    sample["drives"][0]["erasure"]["outcome"] = "erased".into();
    assert!(!validator.is_valid(&sample));
    assert!(serde_json::from_value::<Report>(sample).is_err());
}

#[test]
fn tcg_locking_fits_and_reports_from_before_it_say_nothing_of_it() {
    let mut sample: Value = serde_json::from_str(SAMPLE).unwrap();
    let report: Report = serde_json::from_value(sample.clone()).unwrap();
    assert_eq!(report.drives[0].tcg, None, "a report from before");
    sample["drives"][0]["tcg"] = serde_json::json!({
        "unknown": null,
        "classes": ["Opal 2"],
        "locking": {
            "supported": true,
            "enabled": true,
            "locked": false,
            "media_encryption": true,
            "shadow_mbr": true,
            "shadow_mbr_done": true,
        },
        "sid_changed": true,
        "sid_blocked": true,
    });
    let schema: Value = serde_json::from_str(PUBLISHED).unwrap();
    assert!(
        jsonschema::validator_for(&schema)
            .unwrap()
            .is_valid(&sample)
    );
    let report: Report = serde_json::from_value(sample.clone()).unwrap();
    assert_eq!(serde_json::to_value(&report).unwrap(), sample);
}
