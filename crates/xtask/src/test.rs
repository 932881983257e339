//! `cargo xtask test`: everything that has to hold before a change lands.
//!
//! Every step runs even when one before it failed, so that one run shows all. The last line is
//! the sum of cargo's own `test result:` lines, and of the steps that broke without one.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context;

use crate::{buildroot, image, run, setup, tidy};

/// What `cargo xtask test` takes.
#[derive(clap::Args)]
pub struct Options {
    /// Leave out the image and the lab's scenarios
    #[arg(long)]
    quick: bool,
}

/// Scenarios that belong together, of which `cargo xtask test` runs only some.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Group {
    /// Every firmware, from disc, stick and network
    Boot,
    /// Smallest memory and times to the drive list, by each way of starting
    Figures,
}

/// Runs all scenarios of a group.
pub fn lab(root: &Path, group: Group) -> anyhow::Result<ExitCode> {
    setup::run(&[setup::Need::Image, setup::Need::Lab])?;
    image::build(root, &image::Options::default())?;
    let binaries: &[&str] = match group {
        Group::Boot => &[
            "media",
            "media_kept",
            "media_other",
            "menu",
            "netboot",
            "odd",
            "stick",
        ],
        Group::Figures => &["figures"],
    };
    let built = succeeds(run::cargo(root).args(["build", "--quiet", "--package", "inventory"]))?;
    anyhow::ensure!(built, "the inventory service was not built");
    let mut command = run::cargo(root);
    command
        .args(["test", "--locked", "--no-fail-fast", "-p", "lab"])
        .args(binaries.iter().flat_map(|binary| ["--test", binary]))
        .args(["--", "--include-ignored", "--test-threads=2", "--nocapture"])
        .env("PATH", run::search_path());
    Ok(match succeeds(&mut command)? {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Sums of cargo's `test result:` lines; what broke without one is among `failed`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
}

/// The steps so far, and what their last line will say.
#[derive(Default)]
struct Steps {
    tally: Tally,
    broken: Vec<String>,
}

impl Steps {
    /// Runs one step, which may count tests; `false` and an error break it. A broken step of which
    /// no count tells (a format check, a test that does not compile) counts as one failure: the
    /// last line is all that some read.
    fn run(&mut self, name: &str, work: impl FnOnce(&mut Tally) -> anyhow::Result<bool>) -> bool {
        println!("--- {name}");
        let failed_before = self.tally.failed;
        match work(&mut self.tally) {
            Ok(true) => return true,
            Ok(false) => self.broken.push(name.to_owned()),
            Err(error) => self.broken.push(format!("{name} ({error:#})")),
        }
        if self.tally.failed == failed_before {
            self.tally.failed += 1;
        }
        false
    }
}

/// Runs all steps and ends with one line of numbers.
pub fn run(root: &Path, options: &Options) -> anyhow::Result<ExitCode> {
    if !setup::is_root() {
        println!("{}", setup::ROOT);
    }
    setup::run(if options.quick {
        &[setup::Need::Tests]
    } else {
        setup::ALL
    })?;
    let mut steps = Steps::default();
    steps.run("format", |_| {
        succeeds(run::cargo(root).args(["fmt", "--all", "--check"]))
    });
    steps.run("clippy", |_| {
        succeeds(run::cargo(root).args([
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))
    });
    steps.run("tidy", |_| {
        tidy::run(root).map(|code| code == ExitCode::SUCCESS)
    });
    let workspace = [
        "test",
        "--locked",
        "--no-fail-fast",
        "--workspace",
        "--exclude",
        "lab",
    ];
    steps.run("tests", |tally| {
        counted(run::cargo(root).args(workspace), tally)
    });
    if !options.quick
        && steps.run("image", |_| {
            image::build(root, &image::Options::default()).map(|_| true)
        })
    {
        steps.run("buildroot", |_| buildroot::check(root).map(|()| true));
        if steps.run("peers", |_| {
            image::peers::lay(root, &image::peers::Options::default()).map(|()| true)
        }) {
            // Two machines at a time: each emulates two processors.
            let lab = [
                "test",
                "--locked",
                "--no-fail-fast",
                "-p",
                "lab",
                "--",
                "--test-threads=2",
            ];
            steps.run("lab", |tally| counted(run::cargo(root).args(lab), tally));
        }
    }

    for name in &steps.broken {
        println!("failed: {name}");
    }
    println!("{}", steps.tally.line());
    Ok(if steps.broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn succeeds(command: &mut Command) -> anyhow::Result<bool> {
    Ok(command.stdin(Stdio::null()).status()?.success())
}

/// Runs cargo test, shows each line as it comes, adds up its results.
fn counted(command: &mut Command, tally: &mut Tally) -> anyhow::Result<bool> {
    let mut child = command
        // Tests start the programs that the set-up looked for, where it looked.
        .env("PATH", run::search_path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = child.stdout.take().context("cargo's output is piped")?;
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        tally.add(&line);
    }
    Ok(child.wait()?.success())
}

impl Tally {
    /// Adds `test result: ok. 3 passed; 0 failed; 1 ignored; …`; other lines are nothing.
    fn add(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("test result: ") else {
            return;
        };
        for part in rest.split([';', '.']) {
            let mut words = part.split_whitespace();
            let Some(Ok(count)) = words.next().map(str::parse::<u64>) else {
                continue;
            };
            match words.next() {
                Some("passed") => self.passed += count,
                Some("failed") => self.failed += count,
                Some("ignored") => self.skipped += count,
                Some(_) | None => {}
            }
        }
    }

    fn line(&self) -> String {
        let mut line = format!("{} passed, {} failed", self.passed, self.failed);
        if self.skipped > 0 {
            line += &format!(", {} skipped", self.skipped);
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_several_programs_add_up() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s",
            "test x ... ok",
            "test result: FAILED. 12 passed; 2 failed; 0 ignored; 0 measured; 5 filtered out; finished in 1.00s",
        ] {
            tally.add(line);
        }
        assert_eq!(
            tally,
            Tally {
                passed: 15,
                failed: 2,
                skipped: 1
            }
        );
        assert_eq!(tally.line(), "15 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn a_step_that_breaks_without_a_count_is_a_failure_of_the_last_line() {
        let mut steps = Steps::default();
        assert!(!steps.run("format", |_| Ok(false)));
        assert!(!steps.run("image", |_| anyhow::bail!("no mirror answers")));
        let counted = "test result: FAILED. 9 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s";
        assert!(!steps.run("tests", |tally| {
            tally.add(counted);
            Ok(false)
        }));
        assert!(steps.run("tidy", |_| Ok(true)));
        // One each for format and image; the failures of the tests are not counted twice.
        assert_eq!(steps.tally.line(), "9 passed, 4 failed");
        assert_eq!(
            steps.broken,
            ["format", "image (no mirror answers)", "tests"]
        );
    }
}
