//! `cargo xtask bench`: raz's write and verify against fio's best and against other erasers, on
//! loop devices that it makes itself and takes down again.
//!
//! It asserts no time: it prints figures, their conditions and what is wanted, for a person to
//! read. Programs run interleaved, round by round, because ratios of neighbours in time bear the
//! noise of a machine that absolute figures do not. docs/performance.md says what is measured.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::ensure;
use serde::Serialize;

use crate::image::agent;
use crate::setup;
use child::Interruption;
use conditions::Conditions;
use devices::{Backing, Drive, Folder};
use figures::{Finding, Run, Subject};
use fio::{Direction, Setting};
use limit::Limits;
use options::Case;
use raz::{Content, Programs, Variant};

mod child;
mod conditions;
mod devices;
mod figures;
mod fio;
mod limit;
mod limited;
mod memory;
mod options;
mod peers;
mod ram;
mod raz;
mod saturation;
mod scale;
mod show;
mod startup;
mod table;
mod targets;
mod versus;

pub use options::Options;

/// Before each phase on file-backed devices: a host still writes back what was written to it.
const REST_SECONDS: u64 = 3;

/// One setting with everything that was measured in it.
#[derive(Serialize)]
struct Group {
    /// What it is, above its tables.
    heading: String,
    /// What else is to be known of it, a line each.
    notes: Vec<String>,
    backing: Backing,
    /// Of each drive.
    drives_bytes: Vec<u64>,
    /// Of each drive, in each direction.
    limit_bytes_per_second: Option<u64>,
    /// fio first, where it was measured.
    subjects: Vec<Subject>,
    findings: Vec<Finding>,
}

/// All of it.
#[derive(Serialize)]
struct Document {
    command: String,
    conditions: Conditions,
    rounds: u16,
    rest_seconds_file_backed: u64,
    /// Which nwipe was measured, or why none.
    nwipe: String,
    groups: Vec<Group>,
}

/// What every run needs.
struct Bench<'a> {
    root: &'a Path,
    programs: &'a Programs,
    scratch: &'a Path,
    interruption: &'a Interruption,
    conditions: &'a Conditions,
    rounds: u16,
}

/// Drives to measure on.
#[derive(Clone, Copy)]
struct Site<'a> {
    backing: Backing,
    folder: &'a Folder,
    drives: &'a [Drive],
    /// Programs are started inside.
    limits: Option<&'a Limits>,
}

/// Measures and prints.
pub fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
    let mut needs = vec![setup::Need::Bench];
    needs.extend(options.nwipe.is_some().then_some(setup::Need::Nwipe));
    setup::run(&needs)?;
    ensure!(
        setup::is_root(),
        "the bench makes loop devices and reserves huge pages: run it as root"
    );
    let interruption = Interruption::watch()?;
    // Before the build: its own load is no condition of the measure.
    let conditions = Conditions::gather(root)?;
    let programs = Programs::build(root, &options.masked())?;
    let whole = if options.takes(Case::Startup) {
        Some(agent::build(root)?)
    } else {
        None
    };
    // Declared first, dropped last: drives go before it, whatever happens.
    let scratch = Folder::make(root, Backing::Memory, "scratch")?;
    let nwipe = peers::nwipe(options.nwipe.as_deref(), scratch.path());
    let bench = Bench {
        root,
        programs: &programs,
        scratch: scratch.path(),
        interruption: &interruption,
        conditions: &conditions,
        rounds: options.rounds,
    };
    let mut groups = versus::groups(&bench, options, nwipe.as_deref().unwrap_or_default())?;
    if options.takes(Case::Limited) {
        groups.extend(limited::groups(&bench, options.seconds)?);
    }
    if options.takes(Case::Scale) {
        groups.push(scale::group(&bench, options.seconds)?);
    }
    if options.takes(Case::Saturation) {
        groups.push(saturation::group(&bench, options.gib)?);
    }
    if options.takes(Case::Memory) {
        groups.push(memory::group(&bench)?);
    }
    if let Some(raz) = whole {
        groups.push(startup::group(&bench, &raz)?);
    }
    if options.takes(Case::Ram) {
        groups.push(ram::group(&bench, &ram::build(root)?)?);
    }
    ensure!(
        !groups.is_empty(),
        "nothing to measure: this CPU has no AES"
    );
    let document = Document {
        command: command_line(std::env::args().skip(1)),
        rounds: options.rounds,
        rest_seconds_file_backed: REST_SECONDS,
        nwipe: match &nwipe {
            Ok(_) => "measured".to_owned(),
            Err(reason) => reason.clone(),
        },
        conditions,
        groups,
    };
    if options.json {
        println!("{}", serde_json::to_string_pretty(&document)?);
    } else {
        print!("{}", show::document(&document, options.form()));
    }
    Ok(())
}

impl Bench<'_> {
    /// The engine as it ships, with the pattern that this CPU would get.
    fn shipped(&self) -> Variant {
        Variant::shipped(Content::of_this_cpu(self.conditions.has("aes")))
    }

    /// One run of raz's engine, every byte written and verified `passes` times.
    fn raz(&self, variant: Variant, passes: usize, site: Site) -> anyhow::Result<Run> {
        let command = self.raz_command(variant, passes, site)?;
        let (seen, said) =
            child::measure(vec![command], site.drives, self.scratch, self.interruption)?;
        raz::run(&said, &seen, site.bytes())
    }

    fn raz_command(&self, variant: Variant, passes: usize, site: Site) -> anyhow::Result<Command> {
        let (folder, rest) = (site.folder.path(), site.rest_seconds());
        let command = self
            .programs
            .command(variant, passes, folder, rest, site.drives)?;
        Ok(site.placed(command))
    }

    /// fio's two processes as one run.
    fn fio_both(&self, (write, read): (Setting, Setting), site: Site) -> anyhow::Result<Run> {
        let write = self.fio(write, Direction::Write, site)?;
        let read = self.fio(read, Direction::Read, site)?;
        Ok(Run {
            first_write_seconds: write.first_write_seconds,
            write_seconds: write.write_seconds,
            verify_seconds: read.verify_seconds,
            wall_seconds: write.wall_seconds + read.wall_seconds,
            user_seconds: write.user_seconds + read.user_seconds,
            system_seconds: write.system_seconds + read.system_seconds,
            rss_peak_bytes: write.rss_peak_bytes.max(read.rss_peak_bytes),
            huge_pages_bytes: None,
        })
    }

    /// One run of fio: a write phase or a read phase, in fio's own words.
    fn fio(&self, setting: Setting, direction: Direction, site: Site) -> anyhow::Result<Run> {
        self.interruption
            .rest(Duration::from_secs(site.rest_seconds()))?;
        let command = site.placed(setting.command(direction, site.drives)?);
        let (seen, said) =
            child::measure(vec![command], site.drives, self.scratch, self.interruption)?;
        let seconds = Some(fio::seconds(&said, direction, site.bytes())?);
        let (write_seconds, verify_seconds) = match direction {
            Direction::Write => (seconds, None),
            Direction::Read => (None, seconds),
        };
        Ok(Run {
            write_seconds,
            verify_seconds,
            ..seen
        })
    }
}

impl Site<'_> {
    /// fio's write and fio's read.
    fn fio_commands(self, (write, read): (Setting, Setting)) -> anyhow::Result<[Command; 2]> {
        Ok([
            self.placed(write.command(Direction::Write, self.drives)?),
            self.placed(read.command(Direction::Read, self.drives)?),
        ])
    }

    /// Of all drives together.
    fn bytes(&self) -> u64 {
        self.drives.iter().map(Drive::bytes).sum()
    }

    fn drives_bytes(&self) -> Vec<u64> {
        self.drives.iter().map(Drive::bytes).collect()
    }

    fn rest_seconds(&self) -> u64 {
        match self.backing {
            Backing::Memory => 0,
            Backing::File => REST_SECONDS,
        }
    }

    fn placed(&self, command: Command) -> Command {
        match self.limits {
            Some(limits) => limits.inside(&command),
            None => command,
        }
    }
}

/// `1 drive`, `24 drives`.
fn drives(count: usize) -> String {
    format!("{count} {}", if count == 1 { "drive" } else { "drives" })
}

/// Standard output is for the figures.
fn progress(setting: &str, what: &str) {
    eprintln!("bench: {setting}: {what}");
}

fn command_line(arguments: impl Iterator<Item = String>) -> String {
    ["cargo".to_owned(), "xtask".to_owned()]
        .into_iter()
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}
