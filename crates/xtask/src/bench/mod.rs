//! `cargo xtask bench`: raz's write and verify against fio's best and against other erasers, on
//! loop devices that it makes itself and takes down again.
//!
//! It asserts no time: it prints figures, their conditions and what is wanted, for a person to
//! read. Programs run interleaved, round by round, because ratios of neighbours in time bear the
//! noise of a machine that absolute figures do not. docs/performance.md says what is measured.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde::Serialize;

use crate::setup;
use child::Interruption;
use conditions::Conditions;
use devices::{Backing, Drive, Folder};
use figures::{Finding, Run, Subject};
use fio::{Direction, HugePages, Setting};
use peers::Peer;
use raz::Content;

mod child;
mod conditions;
mod devices;
mod figures;
mod fio;
mod peers;
mod raz;
mod show;
mod table;
mod targets;

/// Before each phase on file-backed devices: a host still writes back what was written to it.
const REST_SECONDS: u64 = 3;

/// What `cargo xtask bench` takes.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// GiB a drive
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=1024))]
    gib: u64,
    /// Drives of the case with several
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(2..=64))]
    drives: u8,
    /// Rounds: runs of each program
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// Measure on file-backed devices too, under the checkout's target folder
    #[arg(long)]
    file_backed: bool,
    /// An nwipe of 0.42 or later to measure against
    #[arg(long, value_name = "PATH")]
    nwipe: Option<PathBuf>,
    /// Print one JSON document with every run
    #[arg(long)]
    json: bool,
    /// Print the tables in Markdown
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Only this case (repeatable)
    #[arg(long, value_name = "CASE")]
    only: Vec<Case>,
}

/// What may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Case {
    /// One drive, AES-128-CTR
    Aes,
    /// One drive, ChaCha8
    Chacha8,
    /// One drive, zeros
    Zero,
    /// Several drives at once, the pattern that this CPU would get
    Drives,
    /// shred, scrub, badblocks and nwipe, beside whatever else is measured
    Peers,
}

/// One program of a round.
enum Entrant {
    Raz(Content),
    Peer(Peer),
}

/// One setting with everything that was measured in it.
#[derive(Serialize)]
struct Group {
    backing: Backing,
    drives: usize,
    bytes_per_drive: u64,
    fio_write: Setting,
    fio_read: Setting,
    /// fio first.
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
    example: &'a Path,
    scratch: &'a Path,
    interruption: &'a Interruption,
    conditions: &'a Conditions,
    rounds: u16,
}

/// Measures and prints.
pub fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
    setup::run(&[setup::Need::Bench])?;
    ensure!(
        setup::is_root(),
        "the bench makes loop devices and reserves huge pages: run it as root"
    );
    let interruption = Interruption::watch()?;
    // Before the build: its own load is no condition of the measure.
    let conditions = Conditions::gather(root)?;
    let example = raz::build(root)?;
    // Declared first, dropped last: drives go before it, whatever happens.
    let scratch = Folder::make(root, Backing::Memory, "scratch")?;
    let nwipe = peers::nwipe(options.nwipe.as_deref(), scratch.path());
    let settings = options.settings(conditions.has("aes"), nwipe.as_deref().unwrap_or_default());
    let drives_most = settings.iter().map(|(drives, _)| *drives).max();
    let drives_most = drives_most.context("nothing to measure: this CPU has no AES")?;
    let _huge_pages = HugePages::reserve(drives_most)?;
    let bench = Bench {
        example: &example,
        scratch: scratch.path(),
        interruption: &interruption,
        conditions: &conditions,
        rounds: options.rounds,
    };
    let bytes = options.gib << 30;
    let mut groups = Vec::new();
    let backings: &[Backing] = if options.file_backed {
        &[Backing::Memory, Backing::File]
    } else {
        &[Backing::Memory]
    };
    for backing in backings {
        if *backing == Backing::Memory {
            let meminfo = std::fs::read_to_string("/proc/meminfo")?;
            devices::check_memory(&meminfo, bytes.saturating_mul(drives_most as u64))?;
        }
        let folder = Folder::make(root, *backing, "drives")?;
        let drives = (0..drives_most)
            .map(|number| folder.drive(number, bytes, *backing))
            .collect::<anyhow::Result<Vec<_>>>()?;
        for (count, entrants) in &settings {
            let drives = drives.get(..*count).context("too few drives")?;
            groups.push(bench.group(*backing, &folder, drives, bytes, entrants)?);
        }
    }
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

impl Options {
    fn takes(&self, case: Case) -> bool {
        self.only.is_empty() || self.only.contains(&case)
    }

    fn form(&self) -> table::Form {
        if self.markdown {
            table::Form::Markdown
        } else {
            table::Form::Terminal
        }
    }

    /// How many drives, and what runs on them. AES only where the CPU has it: raz would not use
    /// it in software.
    fn settings(&self, cpu_has_aes: bool, nwipe: &[Peer]) -> Vec<(usize, Vec<Entrant>)> {
        let peers = || {
            let all = peers::packaged().into_iter().chain(nwipe.iter().cloned());
            all.filter(|_| self.takes(Case::Peers)).map(Entrant::Peer)
        };
        let one = [
            (Case::Aes, Content::Aes),
            (Case::Chacha8, Content::ChaCha8),
            (Case::Zero, Content::Zero),
        ];
        let one: Vec<Entrant> = one
            .into_iter()
            .filter(|(case, _)| self.takes(*case))
            .filter(|(_, content)| cpu_has_aes || *content != Content::Aes)
            .map(|(_, content)| Entrant::Raz(content))
            .collect();
        let several = if cpu_has_aes {
            Content::Aes
        } else {
            Content::ChaCha8
        };
        let mut settings = Vec::new();
        let only_peers = self.only.as_slice() == [Case::Peers];
        if !one.is_empty() || only_peers {
            settings.push((1, one.into_iter().chain(peers()).collect()));
        }
        if self.takes(Case::Drives) {
            let entrants = std::iter::once(Entrant::Raz(several)).chain(peers());
            settings.push((usize::from(self.drives), entrants.collect()));
        }
        settings
    }
}

impl Bench<'_> {
    /// fio's best first, then the rounds.
    fn group(
        &self,
        backing: Backing,
        folder: &Folder,
        drives: &[Drive],
        bytes_per_drive: u64,
        entrants: &[Entrant],
    ) -> anyhow::Result<Group> {
        let count = drives.len();
        let bytes = bytes_per_drive * count as u64;
        let rest = match backing {
            Backing::Memory => 0,
            Backing::File => REST_SECONDS,
        };
        progress(backing, count, "looking for fio's best");
        let (fio_write, fio_read) = self.fio_best(drives, bytes, rest)?;
        let typed = format!(
            "{}; {}",
            child::typed(&fio_write.command(Direction::Write, drives)?),
            child::typed(&fio_read.command(Direction::Read, drives)?)
        );
        let mut subjects = vec![Subject {
            name: "fio's best".to_owned(),
            command: typed,
            runs: Vec::new(),
        }];
        for entrant in entrants {
            let commands = self.commands(entrant, folder, drives, rest)?;
            let typed: Vec<String> = commands.iter().map(child::typed).collect();
            subjects.push(Subject {
                name: entrant.name().to_owned(),
                command: typed.join(" & "),
                runs: Vec::new(),
            });
        }
        for round in 1..=self.rounds {
            progress(backing, count, &format!("round {round} of {}", self.rounds));
            let write = self.fio(fio_write, Direction::Write, drives, bytes, rest)?;
            let read = self.fio(fio_read, Direction::Read, drives, bytes, rest)?;
            let mut runs = vec![both(write, read)];
            for entrant in entrants {
                self.interruption.rest(Duration::from_secs(rest))?;
                let commands = self.commands(entrant, folder, drives, rest)?;
                let (seen, said) =
                    child::measure(commands, drives, self.scratch, self.interruption)?;
                runs.push(match entrant {
                    Entrant::Raz(_) => raz::run(&said, &seen, bytes)?,
                    Entrant::Peer(_) => seen,
                });
            }
            for (subject, run) in subjects.iter_mut().zip(runs) {
                subject.runs.push(run);
            }
        }
        let findings = entrants
            .iter()
            .filter_map(|entrant| match entrant {
                Entrant::Raz(content) => Some(*content),
                Entrant::Peer(_) => None,
            })
            .flat_map(|content| {
                targets::findings(content, &subjects, count, bytes, self.conditions)
            })
            .collect();
        Ok(Group {
            backing,
            drives: count,
            bytes_per_drive,
            fio_write,
            fio_read,
            subjects,
            findings,
        })
    }

    fn commands(
        &self,
        entrant: &Entrant,
        folder: &Folder,
        drives: &[Drive],
        rest: u64,
    ) -> anyhow::Result<Vec<Command>> {
        match entrant {
            Entrant::Raz(content) => {
                let command = raz::command(self.example, *content, folder.path(), rest, drives)?;
                Ok(vec![command])
            }
            Entrant::Peer(peer) => peer.commands(drives),
        }
    }

    /// The settings that write and that read in the least time.
    fn fio_best(
        &self,
        drives: &[Drive],
        bytes: u64,
        rest: u64,
    ) -> anyhow::Result<(Setting, Setting)> {
        let grid = Setting::grid(drives.len());
        let first = *grid.first().context("an empty grid")?;
        // The very first write pays for space that was never touched.
        self.fio(first, Direction::Write, drives, bytes, rest)?;
        let mut best = [(first, f64::INFINITY); 2];
        for setting in grid {
            for (best, direction) in best.iter_mut().zip([Direction::Write, Direction::Read]) {
                let run = self.fio(setting, direction, drives, bytes, rest)?;
                let seconds = run.write_seconds.or(run.verify_seconds);
                if let Some(seconds) = seconds.filter(|seconds| *seconds < best.1) {
                    *best = (setting, seconds);
                }
            }
        }
        let [(write, _), (read, _)] = best;
        Ok((write, read))
    }

    /// One run of fio: a write phase or a read phase, in fio's own words.
    fn fio(
        &self,
        setting: Setting,
        direction: Direction,
        drives: &[Drive],
        bytes: u64,
        rest: u64,
    ) -> anyhow::Result<Run> {
        self.interruption.rest(Duration::from_secs(rest))?;
        let command = setting.command(direction, drives)?;
        let (seen, said) = child::measure(vec![command], drives, self.scratch, self.interruption)?;
        let seconds = Some(fio::seconds(&said, direction, bytes)?);
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

impl Entrant {
    fn name(&self) -> &'static str {
        match self {
            Self::Raz(content) => content.name(),
            Self::Peer(peer) => peer.name,
        }
    }
}

/// fio's two processes as one run.
fn both(write: Run, read: Run) -> Run {
    Run {
        write_seconds: write.write_seconds,
        verify_seconds: read.verify_seconds,
        wall_seconds: write.wall_seconds + read.wall_seconds,
        user_seconds: write.user_seconds + read.user_seconds,
        system_seconds: write.system_seconds + read.system_seconds,
        rss_peak_bytes: write.rss_peak_bytes.max(read.rss_peak_bytes),
    }
}

/// Standard output is for the figures.
fn progress(backing: Backing, drives: usize, what: &str) {
    eprintln!("bench: {}, {drives} at once: {what}", backing.name());
}

fn command_line(arguments: impl Iterator<Item = String>) -> String {
    ["cargo".to_owned(), "xtask".to_owned()]
        .into_iter()
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn parse(words: &[&str]) -> Result<Options, clap::Error> {
        Line::try_parse_from(std::iter::once("bench").chain(words.iter().copied()))
            .map(|line| line.options)
    }

    fn names(options: &Options, aes: bool) -> Vec<(usize, Vec<&'static str>)> {
        options
            .settings(aes, &[])
            .iter()
            .map(|(drives, entrants)| (*drives, entrants.iter().map(Entrant::name).collect()))
            .collect()
    }

    #[test]
    fn senseless_arguments_are_refused() {
        for words in [
            &["--gib", "0"][..],
            &["--gib", "1.5"],
            &["--drives", "1"],
            &["--drives", "65"],
            &["--rounds", "0"],
            &["--only", "everything"],
            &["--json", "--markdown"],
            &["--nwipe"],
            &["/dev/sda"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn by_default_everything_is_measured() {
        let options = parse(&[]).expect("defaults");
        assert_eq!((options.gib, options.drives, options.rounds), (2, 4, 3));
        let settings = names(&options, true);
        assert_eq!(settings.len(), 2);
        assert_eq!(
            settings[0].1[..3],
            ["raz aes-128-ctr", "raz chacha8", "raz zero"]
        );
        assert_eq!((settings[1].0, settings[1].1[0]), (4, "raz aes-128-ctr"));
        assert_eq!(settings[0].1.len(), 3 + peers::packaged().len());
    }

    #[test]
    fn a_cpu_without_aes_gets_no_aes() {
        let options = parse(&[]).expect("defaults");
        let settings = names(&options, false);
        assert!(
            settings
                .iter()
                .all(|(_, names)| !names.contains(&"raz aes-128-ctr"))
        );
        assert_eq!(settings[1].1[0], "raz chacha8");
    }

    #[test]
    fn only_leaves_the_rest_out() {
        let zero = parse(&["--only", "zero"]).expect("a case");
        assert_eq!(names(&zero, true), [(1, vec!["raz zero"])]);
        let drives = parse(&["--only", "drives", "--drives", "8"]).expect("a case");
        assert_eq!(names(&drives, true), [(8, vec!["raz aes-128-ctr"])]);
        let peers = parse(&["--only", "peers"]).expect("a case");
        assert_eq!(names(&peers, true)[0].1.len(), peers::packaged().len());
        let none = parse(&["--only", "aes"]).expect("a case");
        assert!(names(&none, false).is_empty());
    }
}
