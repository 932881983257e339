//! The one place where domain types become the wire schema (`report::schema`).
//!
//! Nothing else in raz serialises facts, plans or outcomes.

mod boot_areas;
mod drive;
mod erasure;
mod health;
mod ledger;
mod machine;
mod media_verification;
mod resumption;
mod sample;

pub use drive::{drive, refusal, tcg_line, transport};
pub use erasure::{Run, conclusion, ended, erasure, reached, time};
pub use health::health;
pub use ledger::ledger;
pub use machine::{
    drive_health, graded_again, graded_health, machine, machine_id, summary, verdict,
};
pub use resumption::{Resumption, resumption};
pub use sample::{Figures, figures};

use ::drive::facts::DriveFacts;
use ::drive::refusal::Refusal;
use ::drive::unseen::Unseen;
use ::machine::MachineFacts;
use ::machine::verdict::{DriveFate, DriveHealth, Rules, Verdict};
use report::schema::{self, Clock, Mode, Operator, OutcomeWord, Report, Station, Tool};
use std::time::SystemTime;
use uuid::Uuid;

/// What a report is made of.
pub struct Material<'a> {
    /// How the run was started.
    pub mode: Mode,
    /// Trust in the clock.
    pub clock: Clock,
    /// Name of the station.
    pub station_name: &'a str,
    /// Fingerprint of the key that will sign.
    pub fingerprint: &'a str,
    /// Who is responsible.
    pub operator: Option<&'a str>,
    /// Lot or property number.
    pub lot: Option<&'a str>,
    /// The computer.
    pub machine: &'a MachineFacts,
    /// Every drive found, with its refusals for this run's plan.
    pub drives: &'a [(DriveFacts, Vec<Refusal>)],
    /// Where else data may be.
    pub unseen: &'a [Unseen],
    /// The runs, matched to drives by identity.
    pub runs: &'a [Run],
}

/// The report of a run.
#[must_use]
pub fn report(material: &Material<'_>) -> Report {
    let listed = listed(material.drives, material.runs);
    let mut drives: Vec<schema::Drive> = Vec::new();
    for (facts, refusals) in &listed {
        let mut entry = drive(facts, refusals);
        if let Some(run) = run_of(material.runs, facts) {
            entry.health_after = run.health_after.as_ref().map(health);
            if let Some(restoration) = &run.restoration {
                drive::restored(&mut entry.hidden_capacity, restoration);
            }
            entry.erasure = Some(erasure(run));
        }
        drives.push(entry);
    }
    let judged = judge(material.machine, &listed, material.unseen, material.runs);
    Report {
        schema: schema::SCHEMA.into(),
        report_id: Uuid::new_v4(),
        tool: tool(),
        created: time(SystemTime::now()),
        clock: material.clock.clone(),
        station: Station {
            name: material.station_name.into(),
            key_fingerprint: material.fingerprint.into(),
        },
        operator: material.operator.map(|name| Operator {
            name: name.into(),
            title: None,
            location: None,
            contact: None,
        }),
        lot: material.lot.map(str::to_owned),
        mode: material.mode,
        machine: machine(material.machine),
        drives,
        unseen_storage: material.unseen.iter().map(unseen_storage).collect(),
        verdict: Some(verdict(&judged)),
        limits: limits(material),
    }
}

/// A place that may hold data, in the report.
fn unseen_storage(unseen: &Unseen) -> schema::UnseenStorage {
    schema::UnseenStorage {
        kind: unseen.name().into(),
        place: unseen.place().into(),
        text: unseen.to_string(),
        remedy: unseen.remedy().into(),
    }
}

/// The verdict over the machine and the fate of its drives, the unseen ones among them.
#[must_use]
pub fn judge(
    machine: &MachineFacts,
    drives: &[(DriveFacts, Vec<Refusal>)],
    unseen: &[Unseen],
    runs: &[Run],
) -> Verdict {
    let summaries = summaries(drives, unseen, runs);
    Rules::shipped().judge(machine, &summaries)
}

/// Each drive's health and fate, and the places where one may be.
#[must_use]
pub fn summaries(
    drives: &[(DriveFacts, Vec<Refusal>)],
    unseen: &[Unseen],
    runs: &[Run],
) -> Vec<DriveHealth> {
    let mut summaries: Vec<_> = drives
        .iter()
        // raz's own medium leaves with the technician, not with the machine.
        .filter(|(_, refusals)| !refusals.contains(&Refusal::BootMedium))
        .map(|(facts, refusals)| {
            let run = run_of(runs, facts);
            let fate = match run.map(|run| conclusion(&run.outcome.conclusion).0) {
                // Bytes that stayed hidden, or a pass too few: not what a drive may leave with.
                Some(OutcomeWord::Verified) => match run.is_some_and(reached) {
                    true => DriveFate::Proven,
                    false => DriveFate::NotProven,
                },
                // A sample leaves most of the drive unread: whether that is enough to let it go is
                // a person's decision, and not one that a grade may take.
                Some(
                    OutcomeWord::Sampled
                    | OutcomeWord::WrittenNotChecked
                    | OutcomeWord::NotComplete,
                ) => DriveFate::NotProven,
                Some(OutcomeWord::NotStarted) | None => {
                    if refusals.contains(&Refusal::Kept) {
                        DriveFate::Kept
                    } else {
                        DriveFate::NotErased
                    }
                }
            };
            drive_health(facts, run.and_then(|run| run.health_after.as_ref()), fate)
        })
        .collect();
    summaries.extend(unseen.iter().map(|unseen| {
        let subject = format!("{} {}", unseen.name(), unseen.place());
        DriveHealth::unknown(
            subject,
            match unseen {
                Unseen::Disc { .. } => DriveFate::NotErased,
                Unseen::NoDriver(_)
                | Unseen::Remapped { .. }
                | Unseen::EmptyVmd(_)
                | Unseen::NoNamespace { .. }
                | Unseen::RaidMembers(_) => DriveFate::NotSeen,
            },
        )
    }));
    summaries
}

/// The drives of a report: those found, and those of runs that are no longer among them. What was
/// written to a drive is reported even when the drive has left.
fn listed(found: &[(DriveFacts, Vec<Refusal>)], runs: &[Run]) -> Vec<(DriveFacts, Vec<Refusal>)> {
    let of = |run: &Run, facts: &DriveFacts| run_of(std::slice::from_ref(run), facts).is_some();
    let mut all = found.to_vec();
    // Capacity that was restored made another size and perhaps another name of what was found.
    for run in runs.iter().filter(|run| run.restoration.is_some()) {
        let identity = &run.facts.identity;
        if let Some((facts, _)) = all
            .iter_mut()
            .find(|(facts, _)| facts.identity == *identity)
        {
            *facts = run.facts.clone();
        }
    }
    for run in runs {
        if !all.iter().any(|(facts, _)| of(run, facts)) {
            all.push((run.facts.clone(), Vec::new()));
        }
    }
    all
}

fn run_of<'a>(runs: &'a [Run], facts: &DriveFacts) -> Option<&'a Run> {
    runs.iter()
        .find(|run| run.facts.path == facts.path && run.facts.identity == facts.identity)
}

/// This program on this kernel.
#[must_use]
pub fn tool() -> Tool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Tool {
        name: "raz".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        platform: format!("{} Linux {}", std::env::consts::ARCH, release.trim()),
    }
}

/// What no report of this version establishes, and what this one lacks.
fn limits(material: &Material<'_>) -> Vec<String> {
    let mut limits = vec![
        "performed and recorded along the lines of NIST SP 800-88r2; conformance is not certified".to_owned(),
        "overwriting through the host interface is Clear, never Purge: spare and replaced sectors are not reached".into(),
        "validation is the decision of the organisation, not of this tool".into(),
        "the signature proves possession of the station's key, not who stood at the machine".into(),
    ];
    if material.operator.is_none() {
        limits.push("no operator was named: not sufficient for a certificate".into());
    }
    if material.clock.state == schema::ClockState::Unsynchronised {
        limits.push("times are the machine's own and were compared with nothing".into());
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::{judge, unseen_storage};
    use crate::i18n;
    use machine::MachineFacts;
    use machine::verdict::Grade;

    #[test]
    fn machine_with_a_place_that_was_not_seen_does_not_leave_as_it_stands() {
        let machine = MachineFacts::default();
        let clean = judge(&machine, &[], &[], &[]);
        assert_ne!(clean.grade, Grade::Parts);
        for unseen in i18n::unseen::all() {
            let verdict = judge(&machine, &[], std::slice::from_ref(&unseen), &[]);
            assert_eq!(verdict.grade, Grade::Parts, "{unseen}");
            assert_eq!(verdict.grade_once_removed, clean.grade);
            let said = unseen_storage(&unseen);
            assert_eq!(verdict.remove, [format!("{} {}", said.kind, said.place)]);
            assert!(said.text.contains(&said.place) && !said.remedy.is_empty());
        }
    }
}
