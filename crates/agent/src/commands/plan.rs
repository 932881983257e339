//! `raz plan`: how each drive would be erased, and why so. Drives are this machine's, or captures.

use super::{Status, drives};
use crate::capture::Replayed;
use crate::cli;
use crate::compose;
use crate::output::{printable, say, tell};
use anyhow::{Context, anyhow};
use drive::facts::DriveFacts;
use drive::medium::Own;
use drive::refusal::{PlanKind, Refusal, refusals};
use report::capture::{self, Capture};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use wipe::plan::{self, Plan, Wishes};

/// A drive, what speaks against erasing it, and where it was recorded, if it was.
struct Entry {
    facts: DriveFacts,
    refusals: Vec<Refusal>,
    captured: Option<String>,
}

/// Runs `raz plan`.
///
/// # Errors
/// Output that cannot be made.
pub fn plan(arguments: &cli::Plan) -> anyhow::Result<Status> {
    let entries = match entries(arguments) {
        Ok(entries) => entries,
        Err(error) => {
            tell!("{error:#}");
            return Ok(Status::Usage);
        }
    };
    let wishes = Wishes {
        level: arguments.level,
        ..Wishes::default()
    };
    let planned = entries
        .iter()
        .map(|entry| (entry, plan::plan(&entry.facts, &wishes)));
    if arguments.json {
        let values: Vec<_> = planned.map(|(entry, plan)| json(entry, &plan)).collect();
        say!("{}", serde_json::to_string_pretty(&values)?);
        return Ok(Status::Proven);
    }
    for (entry, plan) in planned {
        if let Some(captured) = &entry.captured {
            say!("{}", printable(captured));
        }
        for line in lines(&entry.facts, &entry.refusals, &plan) {
            say!("{line}");
        }
    }
    Ok(Status::Proven)
}

fn entries(arguments: &cli::Plan) -> anyhow::Result<Vec<Entry>> {
    if arguments.captures.is_empty() {
        let chosen = drives::choose(&arguments.drives)?.0;
        let entry = |(facts, refusals)| Entry {
            facts,
            refusals,
            captured: None,
        };
        return Ok(chosen.into_iter().map(entry).collect());
    }
    arguments
        .captures
        .iter()
        .map(|file| captured(file))
        .collect()
}

fn captured(file: &Path) -> anyhow::Result<Entry> {
    let shown = file.display();
    let capture = read(file).with_context(|| shown.to_string())?;
    let replayed = Replayed::new(&capture)
        .with_context(|| format!("{shown}: laying out what sysfs showed"))?;
    let facts = replayed.facts().ok_or_else(|| {
        anyhow!(
            "{shown}: no capture of a drive: sysfs shows none that is named {}",
            capture.name
        )
    })?;
    Ok(Entry {
        refusals: refusals_alone(&facts),
        facts,
        captured: Some(format!("{shown}: {}", capture.what)),
    })
}

fn read(file: &Path) -> anyhow::Result<Capture> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(capture::BYTES_MAX).map_or(u64::MAX, |most| most + 1);
    File::open(file)?.take(limit).read_to_end(&mut bytes)?;
    Ok(Capture::parse(&bytes)?)
}

/// What speaks against erasing a captured drive, alone and with a person present. Who used it is not
/// in a capture.
#[must_use]
pub fn refusals_alone(facts: &DriveFacts) -> Vec<Refusal> {
    let kind = PlanKind {
        unattended: false,
        several: false,
        removable_allowed: true,
        networked_allowed: false,
    };
    refusals(facts, std::slice::from_ref(facts), Own::No, &[], kind)
}

/// The plan in words, a line each; only the refusals where there are any.
#[must_use]
pub fn lines(facts: &DriveFacts, refusals: &[Refusal], plan: &Plan) -> Vec<String> {
    let mut lines = vec![drives::line(facts)];
    let mut add = |text: String| lines.push(format!("    {}", printable(&text)));
    if !refusals.is_empty() {
        for refusal in refusals {
            add(format!("refused: {}", compose::refusal(refusal)));
        }
        return lines;
    }
    add(format!("level {}", plan.level));
    for (number, rung) in plan.ladder.iter().enumerate() {
        let when = if number == 0 { "first" } else { "else" };
        add(format!("{when} {}", rung.technique));
    }
    add(plan.technique.to_owned());
    for reason in &plan.reasons {
        add(format!("because {reason}"));
    }
    for item in &plan.residual {
        add(format!("not reached: {item}"));
    }
    lines
}

fn json(entry: &Entry, plan: &Plan) -> serde_json::Value {
    let Entry {
        facts,
        refusals,
        captured,
    } = entry;
    let mut value = serde_json::json!({
        "id": facts.identity.id(),
        "path": facts.path,
        "refusals": refusals.iter().map(compose::refusal).collect::<Vec<_>>(),
        "level": plan.level.to_string(),
        "own_erases": plan.ladder.iter().map(|rung| rung.technique.to_string()).collect::<Vec<_>>(),
        "technique": plan.technique,
        "passes": plan.passes.iter().map(|pass| format!("{pass:?}").to_lowercase()).collect::<Vec<_>>(),
        "reasons": plan.reasons,
        "not_reached": plan.residual,
    });
    if let Some(captured) = captured {
        value["capture"] = captured.as_str().into();
    }
    value
}
