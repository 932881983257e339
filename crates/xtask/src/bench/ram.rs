//! The sweeps of the memory test beside plain loops over the same memory in the same process, by the example
//! `ram` of `machine`; and whole memory testers from Debian's packages, where they are installed, over as much
//! memory as the test's quick list in the same round.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;

use super::devices::Backing;
use super::figures::{Finding, Spread, Wanted};
use super::raz;
use super::{Bench, Group, child, progress};
use crate::run;

/// Many times the caches of most processors.
const SWEPT_MIB: usize = 1024;
/// What the testers and the quick list go over: memtester needs minutes for more.
const LIST_MIB: usize = 128;
const SECONDS: &str = "10";
/// Of a plain read-write sweep's speed.
const WANTED: Wanted = Wanted::AtLeast(0.9);

/// What the example prints.
#[derive(Deserialize)]
struct Said {
    instructions: String,
    cores: usize,
    list_seconds: f64,
    list_sweeps: u64,
    list_gib: f64,
    /// GiB in a second of one core's time, by sweep.
    #[serde(flatten)]
    rates: BTreeMap<String, f64>,
}

/// Builds the example.
pub fn build(root: &Path) -> anyhow::Result<PathBuf> {
    raz::build(&mut run::cargo(root), "machine", "ram")
}

/// Sweeps, and testers that are there.
pub fn group(bench: &Bench, example: &Path) -> anyhow::Result<Group> {
    let heading = format!("Memory test, sweeps over {SWEPT_MIB} MiB, lists over {LIST_MIB} MiB");
    let mut measured = Measured::default();
    let mut notes = Vec::new();
    for round in 0..bench.rounds {
        progress(
            &heading,
            &format!("round {} of {}", round + 1, bench.rounds),
        );
        let swept = said(bench, example, SWEPT_MIB)?;
        let base = rate(&swept, "plain_read_write")?;
        for (name, figure, _) in SWEEPS {
            let rate = rate(&swept, name)?;
            measured.add(name, "GiB/CPU s", rate);
            if let Some(figure) = figure {
                measured.add(name, figure, rate / base);
            }
        }
        let listed = said(bench, example, LIST_MIB)?;
        measured.add("raz, quick list", "s", listed.list_seconds);
        measured.add(
            "raz, quick list",
            "GiB/s",
            listed.list_gib / listed.list_seconds,
        );
        if round == 0 {
            notes.push(format!(
                "{}, {} cores; the quick list is of {} sweeps",
                swept.instructions, swept.cores, listed.list_sweeps
            ));
        }
        for peer in peers(swept.cores) {
            if is_installed(peer.program) {
                peer.measure(bench, &mut measured)?;
            } else if round == 0 {
                notes.push(format!("{} is not installed", peer.program));
            }
        }
    }
    let wanted = |name: &str, figure: &str| {
        let mut sweeps = SWEEPS.iter();
        sweeps
            .find(|sweep| sweep.0 == name && sweep.1 == Some(figure))
            .and_then(|sweep| sweep.2)
    };
    let findings = measured.0.iter().filter_map(|((name, figure), values)| {
        let spread = Spread::of(values.iter().copied());
        Finding::new(name, figure, spread, wanted(name, figure))
    });
    Ok(Group {
        heading,
        notes,
        backing: Backing::Memory,
        drives_bytes: Vec::new(),
        limit_bytes_per_second: None,
        findings: findings.collect(),
        subjects: Vec::new(),
    })
}

const OF_PLAIN: &str = "of plain read-write";
/// Name, its ratio to the plain read-write sweep where that says something, and what that is to be.
const SWEEPS: [(&str, Option<&str>, Option<Wanted>); 7] = [
    ("plain_write", None, None),
    ("plain_read", None, None),
    ("plain_read_write", None, None),
    ("fill", Some(OF_PLAIN), Some(WANTED)),
    ("check", Some(OF_PLAIN), Some(WANTED)),
    ("replace_up", Some(OF_PLAIN), Some(WANTED)),
    ("replace_down", Some(OF_PLAIN), Some(WANTED)),
];

/// Values of the rounds by subject and figure.
#[derive(Default)]
struct Measured(BTreeMap<(&'static str, &'static str), Vec<f64>>);

impl Measured {
    fn add(&mut self, name: &'static str, figure: &'static str, value: f64) {
        self.0.entry((name, figure)).or_default().push(value);
    }
}

fn rate(said: &Said, name: &str) -> anyhow::Result<f64> {
    said.rates.get(name).copied().context(name.to_owned())
}

fn said(bench: &Bench, example: &Path, mib: usize) -> anyhow::Result<Said> {
    let mib = mib.to_string();
    let command = child::command(&example.display().to_string(), [mib.as_str()]);
    let (_, json) = child::measure(vec![command], &[], bench.scratch, bench.interruption)?;
    serde_json::from_str(&json).context("parsing the example's JSON")
}

/// Another tester.
struct Peer {
    program: &'static str,
    arguments: Vec<String>,
    /// What of its output is a figure, in its own words; the seconds of the whole process are one always.
    reads: fn(&str) -> Option<(&'static str, f64)>,
}

fn peers(cores: usize) -> [Peer; 3] {
    let words = |text: String| text.split(' ').map(str::to_owned).collect();
    [
        Peer {
            program: "memtester",
            arguments: words(format!("{LIST_MIB}M 1")),
            reads: |_| None,
        },
        Peer {
            program: "stressapptest",
            arguments: words(format!("-s {SECONDS} -M {SWEPT_MIB} -m {cores}")),
            reads: |said| Some(("GiB/s, as it counts", stressapptest(said)?)),
        },
        Peer {
            program: "stress-ng",
            arguments: words(format!(
                "--vm {cores} --vm-bytes {LIST_MIB}M --vm-method all --verify --timeout {SECONDS}s"
            )),
            reads: |_| None,
        },
    ]
}

impl Peer {
    fn measure(&self, bench: &Bench, measured: &mut Measured) -> anyhow::Result<()> {
        let command = child::command(self.program, self.arguments.iter().map(String::as_str));
        let (seen, said) = child::measure(vec![command], &[], bench.scratch, bench.interruption)?;
        measured.add(self.program, "s", seen.wall_seconds);
        measured.add(
            self.program,
            "CPU s",
            seen.user_seconds + seen.system_seconds,
        );
        if let Some((figure, value)) = (self.reads)(&said) {
            measured.add(self.program, figure, value);
        }
        Ok(())
    }
}

/// From its line `Stats: Memory Copy: 136568.00M at 13656.10MB/s`; its M are of 2^20 bytes.
fn stressapptest(said: &str) -> Option<f64> {
    let line = said
        .lines()
        .find(|line| line.contains("Stats: Memory Copy:"))?;
    let rate = line.split_once(" at ")?.1.trim().strip_suffix("MB/s")?;
    Some(rate.parse::<f64>().ok()? / 1024.0)
}

fn is_installed(program: &str) -> bool {
    let path = run::search_path();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_of_stressapptest_is_read_from_its_own_line() {
        let said = "x Stats: Completed: 9.00M in 10.01s 0.90MB/s with 0 errors\n\
            y Stats: Memory Copy: 136568.00M at 2048.00MB/s\n";
        assert_eq!(stressapptest(said), Some(2.0));
        assert_eq!(stressapptest("Stats: Memory Copy: none"), None);
    }

    #[test]
    fn rates_are_all_numbers_that_the_example_prints_beside_those_it_names() {
        let said: Said = serde_json::from_str(
            r#"{"instructions": "avx2", "cores": 2, "mib": 64, "check": 9.5, "fill": 7.25,
                "list_seconds": 1.5, "list_sweeps": 62, "list_gib": 3.5}"#,
        )
        .unwrap();
        assert_eq!((rate(&said, "check").unwrap(), said.list_sweeps), (9.5, 62));
        assert!(rate(&said, "plain_read").is_err());
    }
}
