//! `raz drives`: what is there, and what speaks against erasing it.

use super::Status;
use crate::cli;
use crate::compose;
use crate::i18n::{Language, Text};
use crate::output::{self, printable, say, tell};
use crate::survey::{Survey, is_forgotten};
use drive::discover::Machine;
use drive::facts::DriveFacts;
use drive::refusal::{PlanKind, Refusal};
use drive::unseen::Unseen;

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
    let (chosen, unseen) = match choose(&arguments.drives) {
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
        // Beside the list, which is of drives alone.
        unseen
            .iter()
            .for_each(|unseen| tell!("{}", not_seen(unseen)));
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
        if let Some(tcg) = compose::tcg_line(&facts.tcg) {
            say!("    TCG: {}", printable(&tcg));
        }
        for oddity in &facts.oddities {
            say!("    odd: {}", printable(oddity));
        }
        if is_forgotten(facts, refusals) {
            say!("    {}", Text::Forgotten.says(Language::English));
        }
    }
    unseen
        .iter()
        .for_each(|unseen| say!("{}", not_seen(unseen)));
    Ok(Status::Proven)
}

/// A place that may hold data, in one line.
fn not_seen(unseen: &Unseen) -> String {
    printable(&format!("not seen: {unseen}; to do: {}", unseen.remedy()))
}

/// Drives, each with its refusals, and where else data may be.
type Found = (Vec<(DriveFacts, Vec<Refusal>)>, Vec<Unseen>);

/// The drives that `names` means, all when there are none.
///
/// # Errors
/// A name that means no drive.
pub(super) fn choose(names: &[String]) -> anyhow::Result<Found> {
    output::tell_if_not_root();
    let machine = Machine::this();
    let survey = Survey::take(&machine, names);
    let kind = kind(survey.drives.len());
    let named = survey.named(&machine, names)?;
    let drives = named
        .into_iter()
        .map(|facts| (facts.clone(), survey.refusals(facts, &[], kind)));
    Ok((drives.collect(), survey.unseen.clone()))
}

/// Id, path, model, serial, capacity and transport of a drive.
pub(super) fn line(facts: &DriveFacts) -> String {
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
