//! `raz machine` and `raz grade`.

use super::Status;
use crate::cli;
use crate::compose;
use crate::output::say;
use crate::survey::Survey;
use drive::discover::Machine;
use drive::refusal::PlanKind;

/// Runs `raz machine`.
///
/// # Errors
/// The output cannot be serialised.
pub fn machine(arguments: &cli::Json) -> anyhow::Result<Status> {
    let facts = compose::machine(&machine::facts(&machine::Roots::live()));
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&facts)?);
        return Ok(Status::Proven);
    }
    let value = serde_json::to_value(&facts)?;
    if let Some(fields) = value.as_object() {
        for (name, value) in fields {
            print_field(name, value);
        }
    }
    Ok(Status::Proven)
}

fn print_field(name: &str, value: &serde_json::Value) {
    match value {
        serde_json::Value::Null => say!("{name:20} not known"),
        serde_json::Value::String(text) => say!("{name:20} {text:?}"),
        serde_json::Value::Array(items) => {
            for item in items {
                say!("{name:20} {item}");
            }
        }
        serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::Object(_) => say!("{name:20} {value}"),
    }
}

/// Runs `raz grade`.
///
/// # Errors
/// The output cannot be serialised.
pub fn grade(arguments: &cli::Json) -> anyhow::Result<Status> {
    let facts = machine::facts(&machine::Roots::live());
    let survey = Survey::take(&Machine::this(), &[]);
    let drives = survey.with_refusals(&[], PlanKind::default());
    let verdict = compose::verdict(&compose::judge(&facts, &drives, &survey.unseen, &[]));
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&verdict)?);
        return Ok(Status::Proven);
    }
    say!(
        "grade {} as it stands, {} once removed: {}",
        verdict.grade,
        verdict.grade_once_removed,
        if verdict.remove.is_empty() {
            "nothing".to_owned()
        } else {
            verdict.remove.join(", ")
        }
    );
    for cap in &verdict.caps {
        say!(
            "  {}: {} is {}, limit {} ({}): {}",
            cap.effect,
            cap.subject,
            cap.measured,
            cap.threshold,
            cap.source,
            cap.message_en
        );
    }
    for item in &verdict.not_checked {
        say!("  not checked: {item}");
    }
    say!(
        "rules {} sha256 {}",
        verdict.rules_version,
        verdict.rules_sha256
    );
    Ok(Status::Proven)
}
