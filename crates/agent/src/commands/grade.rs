//! `raz grade`: this machine, reports again by other rules, or what smartctl printed.
//!
//! Whether a report is genuine is not asked here: `raz report verify` does.

use super::Status;
use crate::cli;
use crate::compose;
use crate::output::{printable, say, tell};
use crate::survey::Survey;
use anyhow::Context;
use drive::discover::Machine;
use drive::health::Smartctl;
use drive::refusal::PlanKind;
use machine::verdict::Rules;
use report::schema::{Report, Verdict};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Reports and outputs of smartctl are some ten kilobytes.
const BYTES_MAX: u64 = 16 << 20;

/// Something with a grade, and what it was graded before, if it was.
struct Graded {
    what: String,
    verdict: Verdict,
    earlier: Option<Verdict>,
}

impl Graded {
    fn document(&self) -> Value {
        json!({"what": self.what, "verdict": self.verdict, "earlier": self.earlier})
    }
}

/// Runs `raz grade`.
///
/// # Errors
/// The rule file is refused, or the output cannot be serialised.
pub fn grade(arguments: &cli::Grade) -> anyhow::Result<Status> {
    let rules = match &arguments.rules {
        None => Rules::shipped(),
        Some(path) => {
            let shown = path.display();
            let text =
                String::from_utf8(read(path)?).with_context(|| format!("{shown}: reading"))?;
            Rules::parse(&text).with_context(|| format!("{shown}: no rules"))?
        }
    };
    if arguments.reports.is_empty() && arguments.smartctl.is_empty() {
        let verdict = this_machine(&rules);
        match arguments.json {
            true => say!("{}", serde_json::to_string_pretty(&verdict)?),
            false => print(&verdict),
        }
        return Ok(Status::Proven);
    }

    let reports = arguments.reports.iter().map(|path| report(path, &rules));
    let smartctl = arguments.smartctl.iter().map(|path| drive(path, &rules));
    let mut all = Vec::new();
    let mut status = Status::Proven;
    for graded in reports.chain(smartctl) {
        match graded {
            Ok(graded) => all.push(graded),
            Err(error) => {
                tell!("{error:#}");
                status = Status::NotProven;
            }
        }
    }
    if arguments.json {
        let all: Vec<Value> = all.iter().map(Graded::document).collect();
        say!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(status);
    }
    for graded in &all {
        say!("{}", graded.what);
        if let Some(earlier) = &graded.earlier {
            say!(
                "graded {} before, by rules {} sha256 {}",
                printable(&earlier.grade),
                printable(&earlier.rules_version),
                printable(&earlier.rules_sha256)
            );
        }
        print(&graded.verdict);
    }
    if !arguments.reports.is_empty() {
        say!("(graded, not checked: `raz report verify` checks the signature)");
    }
    Ok(status)
}

fn this_machine(rules: &Rules) -> Verdict {
    let facts = machine::facts(&machine::Roots::live());
    let survey = Survey::take(&Machine::this(), &[]);
    let drives = survey.with_refusals(&[], PlanKind::default());
    let summaries = compose::summaries(&drives, &survey.unseen, &[]);
    compose::verdict(&rules.judge(&facts, &summaries))
}

fn report(path: &Path, rules: &Rules) -> anyhow::Result<Graded> {
    let file = match path.is_dir() {
        true => path.join("report.json"),
        false => path.to_owned(),
    };
    let shown = file.display();
    let report: Report =
        serde_json::from_slice(&read(&file)?).with_context(|| format!("{shown}: not a report"))?;
    let earlier = report
        .verdict
        .filter(|verdict| !verdict.measured.is_empty())
        .with_context(|| {
            format!("{shown}: it does not hold what was measured (raz wrote that down later), so it cannot be graded again")
        })?;
    Ok(Graded {
        what: format!("{shown}: report {}", report.report_id),
        verdict: compose::graded_again(&earlier, rules),
        earlier: Some(earlier),
    })
}

fn drive(path: &Path, rules: &Rules) -> anyhow::Result<Graded> {
    let shown = path.display();
    let json: Value =
        serde_json::from_slice(&read(path)?).with_context(|| format!("{shown}: not JSON"))?;
    let drive = Smartctl::parse(&json).with_context(|| format!("{shown}: not graded"))?;
    let name = |part: &Option<String>| part.clone().unwrap_or_else(|| "unknown".into());
    Ok(Graded {
        what: format!(
            "{shown}: drive {:?}, serial {:?}",
            name(&drive.model),
            name(&drive.serial)
        ),
        verdict: compose::graded_health(&drive, rules),
        earlier: None,
    })
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(BYTES_MAX).read_to_end(&mut bytes))
        .with_context(|| format!("{shown}: reading"))?;
    Ok(bytes)
}

fn print(verdict: &Verdict) {
    say!(
        "grade {} as it stands, {} once removed: {}",
        verdict.grade,
        verdict.grade_once_removed,
        if verdict.remove.is_empty() {
            "nothing".to_owned()
        } else {
            printable(&verdict.remove.join(", "))
        }
    );
    for cap in &verdict.caps {
        say!(
            "  {}: {} is {}, limit {} ({}): {}",
            cap.effect,
            printable(&cap.subject),
            cap.measured,
            cap.threshold,
            cap.source,
            cap.message_en
        );
    }
    for item in &verdict.not_checked {
        say!("  not checked: {}", printable(item));
    }
    say!(
        "rules {} sha256 {}",
        verdict.rules_version,
        verdict.rules_sha256
    );
}
