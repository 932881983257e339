//! `raz wipe`: all of the named drives or none.

use super::Status;
use crate::bundle;
use crate::cli::{VerifyChoice, Wipe};
use crate::compose::{self, Material, Run};
use crate::survey::Survey;
use crate::work::{Order, Work, claim_all};
use anyhow::Context;
use drive::claim::{Claimed, Consent, ConsentSource};
use drive::discover::Machine;
use drive::facts::DriveFacts;
use drive::refusal::PlanKind;
use report::schema::{Clock, ClockState, Mode, OutcomeWord};
use report::sign::StationKey;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use wipe::job::VerifyMode;
use wipe::options::Options;
use wipe::plan::{self, Wishes};
use wipe::progress::Phase;

/// Runs `raz wipe`.
///
/// # Errors
/// What keeps the report from being made. The drives' own troubles are outcomes.
pub fn wipe(arguments: &Wipe) -> anyhow::Result<Status> {
    let machine = Machine::this();
    let survey = Survey::take(&machine, &arguments.drives);
    let named = match survey.named(&machine, &arguments.drives) {
        Ok(named) => named,
        Err(error) => return Ok(fail(Status::Usage, &format!("{error:#}"))),
    };
    let kind = PlanKind {
        unattended: false,
        several: named.len() > 1,
        removable_allowed: true,
    };
    let mut against = Vec::new();
    for facts in &named {
        for refusal in survey.refusals(facts, &[], kind) {
            let path = facts.path.display();
            against.push(format!("{path}: refused: {}", compose::refusal(&refusal)));
        }
    }
    against.extend(unconfirmed(&named, &arguments.confirm));
    if !against.is_empty() {
        against.push("nothing was written to any drive".into());
        return Ok(fail(Status::Refused, &against.join("\n")));
    }
    if let Some(folder) = &arguments.report
        && let Err(error) = bundle::prepare(folder)
    {
        return Ok(fail(Status::Usage, &format!("{error:#}")));
    }
    let key = match &arguments.key {
        Some(file) => match StationKey::read(file) {
            Ok(key) => key,
            Err(error) => {
                let error = anyhow::Error::from(error);
                return Ok(fail(
                    Status::Usage,
                    &format!("{}: {error:#}", file.display()),
                ));
            }
        },
        None => StationKey::generate().context("making a key for this run")?,
    };
    let orders: Vec<Order> = named.iter().map(|facts| order(facts, arguments)).collect();
    let claims = claim_all(&machine, &survey, &orders, &[], kind);
    let claims: Result<Vec<Claimed>, String> = claims.into_iter().collect();
    let claims = match claims {
        Ok(claims) => claims,
        Err(error) => {
            let text = format!("{error}\nnothing was written to any drive");
            return Ok(fail(Status::Refused, &text));
        }
    };
    let runs = run(orders.into_iter().zip(claims).collect())?;
    let drives: Vec<_> = named
        .iter()
        .map(|facts| ((*facts).clone(), Vec::new()))
        .collect();
    finish(arguments, &key, &drives, &runs)
}

fn fail(status: Status, text: &str) -> Status {
    eprintln!("{text}");
    status
}

/// Drives whose id was not given again, and ids that belong to none of them.
fn unconfirmed(named: &[&DriveFacts], confirmed: &[String]) -> Vec<String> {
    let is = |facts: &DriveFacts, id: &String| facts.identity.id().eq_ignore_ascii_case(id);
    let missing = named
        .iter()
        .filter(|facts| !confirmed.iter().any(|id| is(facts, id)))
        .map(|facts| {
            format!(
                "{}: refused: its id was not confirmed; to do: look it up with `raz drives {}` and give it with --confirm",
                facts.path.display(),
                facts.path.display()
            )
        });
    let strange = confirmed
        .iter()
        .filter(|id| !named.iter().any(|facts| is(facts, id)))
        .map(|id| format!("{id}: refused: confirmed, but none of the named drives has this id"));
    missing.chain(strange).collect()
}

fn order(facts: &DriveFacts, arguments: &Wipe) -> Order {
    let wishes = Wishes {
        then_zero: arguments.then_zero,
        single_pass: arguments.single_pass,
        verify: match arguments.verify {
            VerifyChoice::Full => VerifyMode::Full,
            VerifyChoice::None => VerifyMode::None,
        },
    };
    Order {
        facts: facts.clone(),
        plan: plan::plan(facts, &wishes),
        consent: Consent {
            id: facts.identity.id(),
            source: ConsentSource::CommandLine,
        },
        armed_until: None,
    }
}

fn run(claims: Vec<(Order, Claimed)>) -> anyhow::Result<Vec<Run>> {
    let cancel = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // The first signal asks for an honest end; a second one while that is under way kills.
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&cancel))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&cancel)))
            .context("watching for signals")?;
    }
    let mut work = Work::begin(claims, Options::default(), &cancel).context("making the seed")?;
    let terminal = std::io::stderr().is_terminal();
    let mut runs = Vec::new();
    while work.open() > 0 {
        if let Some(run) = work.next_end(Duration::from_secs(1)) {
            let (_, text, _) = compose::conclusion(&run.outcome.conclusion);
            if terminal {
                eprint!("\r\x1b[K");
            }
            eprintln!("{}: {text}", run.facts.path.display());
            runs.push(run);
        } else if terminal {
            eprint!("\r\x1b[K{}", progress(&work));
            let _ = std::io::stderr().flush();
        }
    }
    Ok(runs)
}

/// One line for all drives that are still at work.
fn progress(work: &Work) -> String {
    let parts: Vec<String> = work
        .flights()
        .iter()
        .filter(|flight| !flight.ended())
        .map(|flight| {
            let now = flight.progress.snapshot();
            let percent = now.bytes_done as f64 * 100.0 / (now.bytes_total.max(1) as f64);
            let name = &flight.order.facts.name;
            match now.phase {
                Phase::Waiting => format!("{name} waiting"),
                Phase::Settling => format!("{name} settling"),
                Phase::Done => format!("{name} done"),
                Phase::Writing | Phase::Verifying => {
                    let verb = if now.phase == Phase::Writing {
                        "write"
                    } else {
                        "verify"
                    };
                    let rate = now.bytes_per_second / 1e6;
                    format!("{name} {verb} {percent:.0}% {rate:.0} MB/s")
                }
            }
        })
        .collect();
    parts.join("  ")
}

fn finish(
    arguments: &Wipe,
    key: &StationKey,
    drives: &[(DriveFacts, Vec<drive::refusal::Refusal>)],
    runs: &[Run],
) -> anyhow::Result<Status> {
    let report = compose::report(&Material {
        mode: Mode::CommandLine,
        clock: Clock {
            state: ClockState::Unsynchronised,
            offset_seconds: None,
        },
        station_name: "unnamed",
        fingerprint: &key.fingerprint(),
        operator: arguments.operator.as_deref(),
        lot: arguments.lot.as_deref(),
        machine: &machine::facts(&machine::Roots::live()),
        drives,
        runs,
    });
    let signed = bundle::sign(&report, key)?;
    if let Some(folder) = &arguments.report {
        bundle::write(folder, &signed)?;
        let shown = folder.display();
        eprintln!(
            "report: {shown}/report.json, signed by {}{}",
            key.fingerprint(),
            if arguments.key.is_none() {
                " (a key of this run only)"
            } else {
                ""
            }
        );
    }
    if arguments.json {
        std::io::stdout().write_all(&signed.bytes)?;
    } else {
        print!("{}", super::report::words(&report));
    }
    let proven = runs.len() == drives.len()
        && runs
            .iter()
            .all(|run| compose::conclusion(&run.outcome.conclusion).0 == OutcomeWord::Verified);
    Ok(if proven {
        Status::Proven
    } else {
        Status::NotProven
    })
}
