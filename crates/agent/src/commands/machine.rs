//! `raz machine`.

use super::Status;
use crate::cli;
use crate::compose;
use crate::output::say;

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
