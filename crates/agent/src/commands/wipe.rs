//! `raz wipe`: all of the named drives or none.

use super::{Status, signals};
use crate::bundle::{self, Folder, Signed};
use crate::cli::Wipe;
use crate::compose::{self, Material, Run};
use crate::ledger::folder::Folder as Ledgers;
use crate::ledger::{self, After, Start};
use crate::output::{self, printable, tell};
use crate::survey::Survey;
use crate::thaw::{self, Thaw};
use crate::ui::time_left;
use crate::work::{self, Order, Work, claim_all, restoring};
use anyhow::Context;
use drive::claim::{Claimed, Consent, ConsentSource};
use drive::discover::Machine;
use drive::facts::DriveFacts;
use drive::refusal::PlanKind;
use report::schema::{Clock, ClockState, Mode, OutcomeWord};
use report::sign::StationKey;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use wipe::ledger::Journal;
use wipe::options::Options;
use wipe::plan::{self, Level, Plan, Wanted, Wishes};
use wipe::progress::Phase;

/// The rate at which the line of progress changes.
const TICK: Duration = Duration::from_secs(1);

/// Runs `raz wipe`.
///
/// # Errors
/// What keeps the report from being made. The drives' own troubles are outcomes.
pub fn wipe(arguments: &Wipe) -> anyhow::Result<Status> {
    let machine = Machine::this();
    let (survey, thaws, papers) = match look(&machine, arguments) {
        Ok(looked) => looked,
        Err(status) => return Ok(status),
    };
    let Papers {
        key,
        folder,
        ledgers,
    } = papers;
    let names: Vec<String> = match thaws.is_empty() {
        true => arguments.drives.clone(),
        // Kernel names may have changed while the machine slept.
        false => thaws.iter().map(|(id, _)| id.clone()).collect(),
    };
    let named = match survey.named(&machine, &names) {
        Ok(named) => named,
        Err(error) => return Ok(fail(Status::Usage, &format!("{error:#}"))),
    };
    let kind = kind(&named, arguments);
    // Whatever can fail on the way to a report fails before the first write.
    let facts = machine::facts(&machine::Roots::live());
    let cancel = signals::stop_flag()?;
    let orders: Vec<Order> = named
        .iter()
        .map(|facts| order(facts, arguments, &thaws))
        .collect();
    let claims = claim_all(&machine, &survey, &orders, &[], kind);
    let claims: Result<Vec<Claimed>, String> = claims.into_iter().collect();
    let claims = match claims {
        Ok(claims) => claims,
        Err(error) => {
            output::tell_if_not_root();
            let text = format!("{error}\nnothing was written to any drive");
            return Ok(fail(Status::Refused, &text));
        }
    };
    let claims = orders.into_iter().zip(claims.into_iter().map(Ok)).collect();
    let restored = restoring::all(&machine, claims, &[], kind, &cancel);
    let mut begun = Vec::new();
    let mut lost = Vec::new();
    let mut journals = Vec::new();
    for (order, claimed) in restored {
        if let Some(restoration) = &order.restoration {
            let path = order.facts.path.display();
            tell!("{path}: {}", printable(&restoration.english()));
        }
        let claimed = match claimed {
            Ok(claimed) => claimed,
            Err(reason) => {
                tell!("{}", printable(&reason));
                lost.push(work::not_started(order, reason).context("making the seed")?);
                continue;
            }
        };
        // It was to be reached with what the drive hid, which it kept.
        if falls_short(&order.plan) {
            let reason = format!("{}: {}", order.facts.path.display(), no_purge(&order.plan));
            tell!("{}", printable(&reason));
            lost.push(work::not_started(order, reason).context("making the seed")?);
            continue;
        }
        let start = match &ledgers {
            // Read under the claim: no other run of this drive writes it meanwhile.
            Some(ledgers) => ledgers.start(&order, |said| tell!("{said}")),
            None => Start::fresh(),
        };
        let start = start.context("making the seed")?;
        let journal = start.journal.clone();
        journals.extend(journal.map(|journal| (order.facts.path.clone(), journal)));
        begun.push((order, claimed, start));
    }
    let options = Options {
        checkpoint_every: Duration::from_secs(arguments.checkpoint),
        stop_after_mismatches: arguments.stop_after,
        ..Options::default()
    };
    let mut runs = run(begun, options, &cancel);
    runs.append(&mut lost);
    let drives: Vec<_> = named
        .iter()
        .map(|facts| ((*facts).clone(), Vec::new()))
        .collect();
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
        machine: &facts,
        drives: &drives,
        unseen: &survey.unseen,
        runs: &runs,
    });
    let signed = bundle::sign(&report, &key)?;
    let kept = match &folder {
        Some(folder) => keep(folder, &signed, &key, arguments.key.is_none()),
        None => true,
    };
    for (path, journal) in &journals {
        let run = runs.iter().find(|run| run.facts.path == *path);
        if let (Some(run), Some(ledgers)) = (run, &ledgers) {
            end(run, ledgers, journal.as_ref(), kept);
        }
    }
    if arguments.json || !kept {
        output::out(&signed.bytes);
    } else {
        output::out(super::report::words(&report).as_bytes());
    }
    if !kept || runs.len() != drives.len() {
        return Ok(Status::NotProven);
    }
    let statuses = runs.iter().map(|run| status(run, arguments.single_pass));
    Ok(statuses.max().unwrap_or(Status::NotProven))
}

/// What a sleep of the machine made of each named drive, by id; empty when there was none.
type Thaws = Vec<(String, Option<Thaw>)>;

/// What a run needs beside its drives.
struct Papers {
    key: StationKey,
    folder: Option<Folder>,
    ledgers: Option<Ledgers>,
}

impl Papers {
    /// Reads the key and makes sure of the folders.
    fn ready(arguments: &Wipe) -> Result<Self, Status> {
        let usage = |error: anyhow::Error| fail(Status::Usage, &format!("{error:#}"));
        let key = match &arguments.key {
            Some(file) => StationKey::read(file)
                .with_context(|| file.display().to_string())
                .map_err(usage)?,
            None => StationKey::generate()
                .context("making a key for this run")
                .map_err(|error| fail(Status::NotProven, &format!("{error:#}")))?,
        };
        let report = arguments.report.as_deref().map(Folder::reserve);
        let folder = report.transpose().map_err(usage)?;
        let ledgers = arguments.ledger.as_deref().map(Ledgers::open);
        let ledgers = ledgers.transpose().map_err(usage)?;
        Ok(Self {
            key,
            folder,
            ledgers,
        })
    }
}

/// The drives, with nothing against those that are named, and after a sleep of the machine where that
/// was asked for and helps. What else the run needs is ready before the sleep.
fn look(machine: &Machine, arguments: &Wipe) -> Result<(Survey, Thaws, Papers), Status> {
    let survey = Survey::take(machine, &arguments.drives);
    let named = survey
        .named(machine, &arguments.drives)
        .map_err(|error| fail(Status::Usage, &format!("{error:#}")))?;
    let wishes = wishes(arguments);
    let gains = |facts: &&DriveFacts| arguments.thaw && thaw::gains(facts, &wishes);
    let short = |facts: &&DriveFacts| match gains(facts) {
        true => None,
        false => below_purge(facts, arguments, None),
    };
    refuse(&survey, &named, arguments, named.iter().filter_map(short))?;
    let papers = Papers::ready(arguments)?;
    if !named.iter().any(gains) {
        return Ok((survey, Thaws::new(), papers));
    }
    let (night, woken) = super::thaw::night(machine, &survey, &arguments.drives, &named, &wishes)?;
    let before: Vec<DriveFacts> = named.into_iter().cloned().collect();
    let survey = woken.unwrap_or(survey);
    let pairs: Vec<(&DriveFacts, &DriveFacts)> = before
        .iter()
        .filter_map(|before| Some((before, thaw::same(&survey.drives, before)?)))
        .collect();
    let thaws: Thaws = pairs
        .iter()
        .map(|(before, now)| (now.identity.id(), night.of(before, now, &wishes)))
        .collect();
    for ((_, now), (_, thaw)) in pairs.iter().zip(&thaws) {
        if let Some(thaw) = thaw {
            let words = thaw.words().english;
            tell!("{}: {}", now.path.display(), printable(&words));
        }
    }
    let named: Vec<&DriveFacts> = pairs.iter().map(|(_, now)| *now).collect();
    let short = pairs
        .iter()
        .zip(&thaws)
        .filter_map(|((_, now), (_, thaw))| below_purge(now, arguments, thaw.as_ref()));
    refuse(&survey, &named, arguments, short)?;
    Ok((survey, thaws, papers))
}

fn kind(named: &[&DriveFacts], arguments: &Wipe) -> PlanKind {
    PlanKind {
        unattended: false,
        several: named.len() > 1,
        removable_allowed: true,
        networked_allowed: arguments.networked,
    }
}

/// Ends the command when anything speaks against one of the named drives; `short` are words about
/// those that cannot reach what was asked for.
fn refuse(
    survey: &Survey,
    named: &[&DriveFacts],
    arguments: &Wipe,
    short: impl Iterator<Item = String>,
) -> Result<(), Status> {
    let kind = kind(named, arguments);
    let mut against = Vec::new();
    for facts in named {
        for refusal in survey.refusals(facts, &[], kind) {
            let path = facts.path.display();
            let reason = printable(&compose::refusal(&refusal));
            against.push(format!("{path}: refused: {reason}"));
        }
    }
    against.extend(short);
    against.extend(unconfirmed(named, &arguments.confirm));
    if against.is_empty() {
        return Ok(());
    }
    output::tell_if_not_root();
    against.push("nothing was written to any drive".into());
    Err(fail(Status::Refused, &against.join("\n")))
}

/// What is proven of one drive of all that was asked for it.
fn status(run: &Run, single_pass: bool) -> Status {
    // A single pass that was asked for by name is all that was asked, whatever level it reaches.
    let as_asked = match (run.plan.wanted, single_pass) {
        (Wanted::Purge, _) => compose::reached(run),
        // The second pass is all that may be missing: not hidden bytes, nor a RAID volume's members.
        (Wanted::Clear | Wanted::Auto, true) => {
            plan::plan(&run.facts, &Wishes::default()).level == Level::Clear
        }
        (Wanted::Clear | Wanted::Auto, false) => run.plan.level != Level::BelowClear,
    };
    match compose::conclusion(&run.outcome.conclusion).0 {
        OutcomeWord::Verified if as_asked => Status::Proven,
        OutcomeWord::Sampled if as_asked => Status::Sampled,
        OutcomeWord::Verified
        | OutcomeWord::Sampled
        | OutcomeWord::WrittenNotChecked
        | OutcomeWord::NotComplete
        | OutcomeWord::NotStarted => Status::NotProven,
    }
}

/// Puts the report into its folder; says whether it is there.
fn keep(folder: &Folder, signed: &Signed, key: &StationKey, key_of_this_run: bool) -> bool {
    let shown = folder.path().display();
    if let Err(error) = folder.write(signed) {
        tell!(
            "{error:#}\nTHE REPORT IS NOT IN {shown}. It goes to standard output, its signature here:\n{}",
            signed.signature
        );
        return false;
    }
    let whose = if key_of_this_run {
        " (a key of this run only)"
    } else {
        ""
    };
    tell!(
        "report: {shown}/report.json, signed by {}{whose}",
        key.fingerprint()
    );
    if key_of_this_run {
        tell!("note this fingerprint: `raz-inventory import` asks for it");
    }
    true
}

fn fail(status: Status, text: &str) -> Status {
    tell!("{text}");
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

/// Why a drive cannot reach the level that was asked for by name, not even when it gives back what it
/// hides.
fn below_purge(facts: &DriveFacts, arguments: &Wipe, thaw: Option<&Thaw>) -> Option<String> {
    let planned = |facts: &DriveFacts| thaw::planned(facts, &wishes(arguments), thaw);
    let mut plan = planned(facts);
    plan.reasons.extend(thaw.map(|thaw| thaw.words().english));
    let reaches =
        restoring::if_restored(facts).is_some_and(|restored| !falls_short(&planned(&restored)));
    (falls_short(&plan) && !reaches)
        .then(|| format!("{}: {}", facts.path.display(), no_purge(&plan)))
}

fn falls_short(plan: &Plan) -> bool {
    plan.wanted == Wanted::Purge && plan.level != Level::Purge
}

fn no_purge(plan: &Plan) -> String {
    format!(
        "refused: Purge was asked for and cannot be reached: {}; to do: ask for --level clear, or have the drive destroyed",
        plan.reasons.join("; ")
    )
}

fn wishes(arguments: &Wipe) -> Wishes {
    Wishes {
        level: arguments.level,
        then_zero: arguments.then_zero,
        single_pass: arguments.single_pass,
        verify: arguments.verify,
        passwords: true,
    }
}

fn order(facts: &DriveFacts, arguments: &Wipe, thaws: &Thaws) -> Order {
    let id = facts.identity.id();
    let thaw = thaws.iter().find(|(other, _)| *other == id);
    let thaw = thaw.and_then(|(_, thaw)| thaw.clone());
    Order {
        facts: facts.clone(),
        plan: thaw::planned(facts, &wishes(arguments), thaw.as_ref()),
        consent: Consent {
            id,
            source: ConsentSource::CommandLine,
        },
        armed_until: None,
        restoration: None,
        thaw,
    }
}

/// Ends a drive's ledger, or says that it stays and what for.
fn end(run: &Run, ledgers: &Ledgers, journal: &dyn Journal, report_is_kept: bool) {
    let path = run.facts.path.display();
    match ledger::after(&run.outcome) {
        After::Stays => {
            // What is there, and not what the run knows of: its last mark may still have been on
            // its way.
            let pair = ledgers.pair(&run.facts).ok();
            let stays = pair.and_then(|pair| Start::resumed(pair.newest()?, &run.facts).ok());
            if let Some(resumes) = stays.and_then(|start| start.resumes) {
                let percent = resumes.percent(run.facts.capacity_bytes);
                tell!(
                    "{path}: the ledger stays, {percent} % written: the same command goes on from it"
                );
            }
        }
        After::EndsWithReport if !report_is_kept => {
            tell!(
                "{path}: the ledger stays, since the report is not kept: the same command reads the drive back again and reports"
            );
        }
        After::EndsWithReport | After::Ends => {
            if let Err(error) = journal.close() {
                tell!("{path}: the ledger could not be removed ({error}); remove its files");
            }
        }
    }
}

fn run(
    claims: Vec<(Order, Claimed, Start)>,
    options: Options,
    cancel: &Arc<AtomicBool>,
) -> Vec<Run> {
    let mut work = Work::begin(claims, options, cancel);
    let clear = if std::io::stderr().is_terminal() {
        Some("\r\x1b[K")
    } else {
        None
    };
    let mut runs = Vec::new();
    let mut stopping = false;
    while work.open() > 0 {
        let ended = work.next_end(TICK);
        let clear_line = clear.unwrap_or_default();
        if cancel.load(Ordering::Relaxed) && !std::mem::replace(&mut stopping, true) {
            tell!(
                "{clear_line}stopping; the report will say so (once more: end at once, without a report)"
            );
        }
        match ended {
            Some(run) => {
                let text = compose::ended(&run);
                tell!("{clear_line}{}: {text}", run.facts.path.display());
                runs.push(run);
            }
            None if clear.is_some() => {
                output::err(format_args!("{clear_line}{}", progress(&work)));
            }
            None => {}
        }
    }
    runs
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
                Phase::Sanitizing => format!("{name} erases itself {percent:.0}%"),
                Phase::Done => format!("{name} done"),
                Phase::Writing | Phase::Verifying => {
                    let verb = if now.phase == Phase::Writing {
                        "write"
                    } else {
                        "verify"
                    };
                    let rate = now.bytes_per_second / 1e6;
                    let left = now.time_left.map_or_else(String::new, |left| {
                        format!(" {} left", time_left(left.as_secs()))
                    });
                    format!("{name} {verb} {percent:.0}% {rate:.0} MB/s{left}")
                }
            }
        })
        .collect();
    parts.join("  ")
}

#[cfg(test)]
mod tests {
    use super::{Status, Wipe, below_purge, look};
    use crate::capture::Replayed;
    use crate::cli::{Cli, Command};
    use clap::Parser as _;
    use drive::facts::DriveFacts;
    use report::capture::Capture;

    fn capture(kind: &str) -> Capture {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures");
        let document = std::fs::read(format!("{folder}/{kind}.json")).unwrap();
        Capture::parse(&document).unwrap()
    }

    fn captured(kind: &str) -> DriveFacts {
        Replayed::new(&capture(kind)).unwrap().facts().unwrap()
    }

    /// Of a machine with one drive that gains by a sleep; the test has no terminal, so it never sleeps.
    #[test]
    fn key_and_folders_are_looked_at_before_the_machine_would_sleep() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(at("file"), "no key").unwrap();
        let capture = capture("sata-hdd-frozen");
        let replayed = Replayed::new(&capture).unwrap();
        let id = replayed.facts().unwrap().identity.id();
        let ended = |more: &[&str]| {
            let line = ["raz", "wipe", &id, "--confirm", &id];
            let purge = ["--level", "purge", "--thaw"];
            let line = line.iter().chain(&purge).chain(more);
            match Cli::try_parse_from(line).unwrap().command {
                Command::Wipe(wipe) => look(replayed.machine(), &wipe).err(),
                other => panic!("{other:?}"),
            }
        };
        // Awake it cannot be purged.
        assert_eq!(ended(&[]), Some(Status::Refused));
        for option in ["--key", "--report", "--ledger"] {
            let found = ended(&[option, &at("file")]);
            assert_eq!(found, Some(Status::Usage), "{option}");
        }
    }

    fn asking(level: &str) -> Wipe {
        let line = ["raz", "wipe", "/dev/x", "--confirm", "x", "--level", level];
        match Cli::try_parse_from(line).unwrap().command {
            Command::Wipe(wipe) => wipe,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn purge_is_refused_before_anything_is_changed_unless_what_is_hidden_can_come_back() {
        for (kind, is_refused) in [
            ("sata-hdd-sanitize", false),
            ("sata-hdd-amac", false),
            ("sata-ssd-frozen", true),
            ("sata-hdd-dco", true),
        ] {
            let facts = captured(kind);
            let refused = below_purge(&facts, &asking("purge"), None);
            assert_eq!(refused.is_some(), is_refused, "{kind}: {refused:?}");
            assert_eq!(below_purge(&facts, &asking("auto"), None), None);
        }
    }
}
