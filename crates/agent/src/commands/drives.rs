//! `raz drives` and `raz plan`: what is there, what speaks against erasing it, how it would be done.

use super::Status;
use crate::cli;
use crate::compose;
use crate::output::{self, printable, say, tell};
use crate::survey::Survey;
use drive::discover::Machine;
use drive::facts::DriveFacts;
use drive::refusal::{PlanKind, Refusal};
use wipe::plan::{self, Wishes};

/// The listing's kind of plan: all the drives that are there, with a person present.
fn kind(drives: usize) -> PlanKind {
    PlanKind {
        unattended: false,
        several: drives > 1,
        removable_allowed: true,
        networked_allowed: false,
    }
}

/// Runs `raz drives`.
///
/// # Errors
/// A name that means no drive.
pub fn list(arguments: &cli::Drives) -> anyhow::Result<Status> {
    let chosen = match choose(arguments) {
        Ok(chosen) => chosen,
        Err(error) => {
            tell!("{error:#}");
            return Ok(Status::Usage);
        }
    };
    if arguments.json {
        let entries: Vec<_> = chosen
            .iter()
            .map(|(facts, refusals)| compose::drive(facts, refusals))
            .collect();
        say!("{}", serde_json::to_string_pretty(&entries)?);
        return Ok(Status::Proven);
    }
    if chosen.is_empty() {
        say!("no drive found: look at cables, and at the firmware's storage mode (AHCI, not RAID)");
    }
    for (facts, refusals) in &chosen {
        say!("{}", line(facts));
        for refusal in refusals {
            say!("    refused: {}", printable(&compose::refusal(refusal)));
        }
        for oddity in &facts.oddities {
            say!("    odd: {}", printable(oddity));
        }
    }
    Ok(Status::Proven)
}

/// Runs `raz plan`.
///
/// # Errors
/// A name that means no drive.
pub fn plan(arguments: &cli::Drives) -> anyhow::Result<Status> {
    let chosen = match choose(arguments) {
        Ok(chosen) => chosen,
        Err(error) => {
            tell!("{error:#}");
            return Ok(Status::Usage);
        }
    };
    let plans: Vec<_> = chosen
        .iter()
        .map(|(facts, refusals)| (facts, refusals, plan::plan(facts, &Wishes::default())))
        .collect();
    if arguments.json {
        let entries: Vec<_> = plans
            .iter()
            .map(|(facts, refusals, plan)| {
                serde_json::json!({
                    "id": facts.identity.id(),
                    "path": facts.path,
                    "refusals": refusals.iter().map(compose::refusal).collect::<Vec<_>>(),
                    "technique": plan.technique,
                    "passes": plan.passes.iter().map(|pass| format!("{pass:?}").to_lowercase()).collect::<Vec<_>>(),
                    "reasons": plan.reasons,
                    "not_reached": plan.residual,
                })
            })
            .collect();
        say!("{}", serde_json::to_string_pretty(&entries)?);
        return Ok(Status::Proven);
    }
    for (facts, refusals, plan) in &plans {
        say!("{}", line(facts));
        if !refusals.is_empty() {
            for refusal in *refusals {
                say!("    refused: {}", printable(&compose::refusal(refusal)));
            }
            continue;
        }
        say!("    {}", plan.technique);
        for reason in &plan.reasons {
            say!("    because {}", printable(reason));
        }
        for item in &plan.residual {
            say!("    not reached: {}", printable(item));
        }
    }
    Ok(Status::Proven)
}

fn choose(arguments: &cli::Drives) -> anyhow::Result<Vec<(DriveFacts, Vec<Refusal>)>> {
    output::tell_if_not_root();
    let machine = Machine::this();
    let survey = Survey::take(&machine, &arguments.drives);
    let kind = kind(survey.drives.len());
    let named = survey.named(&machine, &arguments.drives)?;
    Ok(named
        .into_iter()
        .map(|facts| (facts.clone(), survey.refusals(facts, &[], kind)))
        .collect())
}

fn line(facts: &DriveFacts) -> String {
    printable(&format!(
        "{}  {}  {}  serial {}  {} bytes  {}",
        facts.identity.id(),
        facts.path.display(),
        facts.model.as_deref().unwrap_or("unknown model"),
        facts.identity.serial.as_deref().unwrap_or("none"),
        facts.capacity_bytes,
        compose::transport(facts.transport),
    ))
}
