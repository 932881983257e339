//! The page about the event stream is what the types say: every kind, every field, real lines.

use std::collections::BTreeSet;

use report::event::{Event, Line};
use serde_json::Value;

const PAGE: &str = include_str!("../../../docs/events.md");

/// Every kind that there is: serde lists them when it is given another.
fn kinds() -> BTreeSet<String> {
    let error = serde_json::from_str::<Event>(r#"{"event":"?"}"#).unwrap_err();
    let error = error.to_string();
    let (_, listed) = error.split_once("expected one of ").unwrap();
    listed
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The page's lines from a real run.
fn lines() -> impl Iterator<Item = Value> {
    PAGE.lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
}

/// The row of the page's table that begins with this name.
fn row(name: &str) -> Option<&'static str> {
    let start = format!("| `{name}` |");
    PAGE.lines().find(|line| line.starts_with(&start))
}

#[test]
fn every_kind_has_its_row_and_a_line() {
    let kinds = kinds();
    assert!(kinds.contains("started"), "{kinds:?}");
    for kind in &kinds {
        assert!(row(kind).is_some(), "docs/events.md has no row for {kind}");
    }
    let shown: BTreeSet<String> = lines()
        .map(|line| line["event"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(shown, kinds, "docs/events.md shows a line of each kind");
}

#[test]
fn lines_are_read_without_loss_and_their_fields_explained() {
    for value in lines() {
        let line: Line = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&line).unwrap(), value);
        let kind = value["event"].as_str().unwrap();
        for field in value.as_object().unwrap().keys() {
            let common = row(field).is_some();
            let explained = row(kind).is_some_and(|row| row.contains(&format!("`{field}`")));
            assert!(common || explained, "docs/events.md: {field} of {kind}");
        }
    }
}
