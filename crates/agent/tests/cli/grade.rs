//! `raz grade` over files: reports by other rules, and what smartctl printed.

use crate::support::{Folder, Loop, ODD_BYTES, Ran, raz, wipe};
use serde_json::{Value, json};
use std::fs;

/// The shipped rules with another number in one of them.
fn rules(folder: &Folder, from: &str, to: &str) -> String {
    let shipped = include_str!("../../../machine/rules/verdict.toml");
    assert!(shipped.contains(from));
    let path = folder.text("rules.toml");
    fs::write(&path, shipped.replacen(from, to, 1)).unwrap();
    path
}

/// A report of this machine with one erased drive, as a file and as JSON.
fn reported(folder: &Folder) -> (String, Value) {
    let drive = Loop::new(ODD_BYTES);
    let out = folder.text("out");
    wipe(&[&drive], &["--report", &out]).with_status(0);
    let file = format!("{out}/report.json");
    let report = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    (file, report)
}

fn first(ran: &Ran) -> Value {
    ran.json().get(0).expect("one was graded").clone()
}

#[test]
fn report_graded_again_by_the_same_rules_has_the_same_verdict() {
    let folder = Folder::new();
    let (file, report) = reported(&folder);
    let graded = first(&raz(&["grade", "--json", &file]).with_status(0));
    assert_eq!(graded["verdict"], report["verdict"]);
    assert_eq!(graded["earlier"], report["verdict"]);
}

#[test]
fn report_is_graded_again_by_a_workshops_own_rules() {
    let folder = Folder::new();
    let (file, report) = reported(&folder);
    let strict = rules(
        &folder,
        "compare = \"<\"\nthreshold = 3500",
        "compare = \"<\"\nthreshold = 99999999",
    );
    let ran = raz(&["grade", "--json", "--rules", &strict, &file]).with_status(0);
    let graded = first(&ran);
    let caps = graded["verdict"]["caps"].as_array().unwrap();
    let small = caps.iter().find(|cap| cap["rule"] == "memory-small");
    assert_eq!(small.unwrap()["threshold"], "< 99999999 MiB");
    assert_ne!(
        graded["verdict"]["rules_sha256"],
        report["verdict"]["rules_sha256"]
    );
    assert_eq!(graded["verdict"]["measured"], report["verdict"]["measured"]);
    let words = raz(&["grade", "--rules", &strict, &file]).with_status(0);
    assert!(words.out.contains("add memory"), "{words:#?}");
    assert!(words.out.contains("not checked: `raz report verify`"));
}

#[test]
fn report_without_measurements_is_not_graded_and_does_not_hide_the_next() {
    let folder = Folder::new();
    let (file, mut report) = reported(&folder);
    report["verdict"]
        .as_object_mut()
        .unwrap()
        .remove("measured");
    let old = folder.text("old.json");
    fs::write(&old, report.to_string()).unwrap();
    let ran = raz(&["grade", "--json", &old, &file])
        .with_status(1)
        .telling(&[&old, "does not hold what was measured"]);
    assert_eq!(ran.json().as_array().unwrap().len(), 1);
}

#[test]
fn measurement_that_the_rules_do_not_know_is_named_and_not_graded() {
    let folder = Folder::new();
    let (_, mut report) = reported(&folder);
    let measured = report["verdict"]["measured"].as_array_mut().unwrap();
    measured.push(json!({"fact": "drive.smell", "subject": "X", "value": 3}));
    measured.push(json!({"fact": "drive.pending", "subject": "X", "value": "many"}));
    let newer = folder.text("newer.json");
    fs::write(&newer, report.to_string()).unwrap();
    let ran = raz(&["grade", &newer]).with_status(0);
    for named in ["drive.smell", "drive.pending"] {
        let line = format!("not checked: {named}, which these rules do not know: X");
        assert!(ran.out.contains(&line), "{ran:#?}");
    }
}

#[test]
fn outputs_of_smartctl_are_graded_by_the_health_that_they_tell() {
    let folder = Folder::new();
    let smartctl = |name: &str, pending: u64, reallocated: u64| {
        let row = |id: u8, raw: u64| {
            json!({"id": id, "value": 100, "worst": 100, "thresh": 1, "when_failed": "",
                   "flags": {"value": 51}, "raw": {"value": raw, "string": raw.to_string()}})
        };
        let path = folder.text(name);
        let output = json!({
            "model_name": "FUJITSU MHZ2160BH", "serial_number": name, "rotation_rate": 5400,
            "smart_status": {"passed": true}, "power_on_time": {"hours": 100},
            "ata_smart_attributes": {"table": [row(5, reallocated), row(197, pending)]},
        });
        fs::write(&path, output.to_string()).unwrap();
        path
    };
    let packed = smartctl("packed.json", 0, 8_589_934_592_000);
    let pending = smartctl("pending.json", 1, 0);
    let broken = folder.text("broken.json");
    fs::write(&broken, "{").unwrap();
    let ran = raz(&["grade", "--json", "--smartctl", &packed, &broken, &pending])
        .with_status(1)
        .telling(&[&broken, "not JSON"]);
    let graded = ran.json();
    assert_eq!(graded[0]["verdict"]["grade"], "A");
    assert_eq!(graded[1]["verdict"]["grade"], "parts");
    assert_eq!(graded[1]["verdict"]["caps"][0]["rule"], "drive-pending");
    let words = raz(&["grade", "--smartctl", &packed]).with_status(0);
    assert!(words.out.contains("not checked: whether it is erased"));
}

#[test]
fn rule_file_that_lets_data_leave_grades_nothing() {
    let folder = Folder::new();
    let lax = rules(
        &folder,
        "threshold = \"not-erased\"\neffect = \"parts\"",
        "threshold = \"not-erased\"\neffect = \"note\"",
    );
    let ran = raz(&["grade", "--rules", &lax]);
    assert_ne!(ran.status, 0);
    ran.telling(&["does not reject drives that are not-erased"]);
}
