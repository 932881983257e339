//! `cargo xtask test`: everything that has to hold before a change lands.
//!
//! Every step runs even when one before it failed, so that one run shows all. The last line is
//! the sum of cargo's own `test result:` lines.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context;

use crate::{image, run, setup, tidy};

/// What `cargo xtask test` takes.
#[derive(clap::Args)]
pub struct Options {
    /// Leave out the image and the lab's scenarios
    #[arg(long)]
    quick: bool,
}

/// Sums of cargo's `test result:` lines.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
}

/// Runs all steps and ends with one line of numbers.
pub fn run(root: &Path, options: &Options) -> anyhow::Result<ExitCode> {
    let mut tally = Tally::default();
    let mut broken = Vec::new();
    let mut step = |name: &'static str, result: anyhow::Result<bool>| match result {
        Ok(true) => {}
        Ok(false) => broken.push(name.to_owned()),
        Err(error) => broken.push(format!("{name} ({error:#})")),
    };

    let checks = if options.quick {
        setup::Need::Image
    } else {
        setup::Need::Lab
    };
    setup::run(checks)?;
    announce("format");
    step(
        "format",
        succeeds(run::cargo(root).args(["fmt", "--all", "--check"])),
    );
    announce("clippy");
    step(
        "clippy",
        succeeds(run::cargo(root).args([
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ])),
    );
    announce("tidy");
    step(
        "tidy",
        tidy::run(root).map(|code| code == ExitCode::SUCCESS),
    );
    announce("tests");
    let workspace = [
        "test",
        "--locked",
        "--no-fail-fast",
        "--workspace",
        "--exclude",
        "lab",
    ];
    step(
        "tests",
        counted(run::cargo(root).args(workspace), &mut tally),
    );
    if !options.quick {
        announce("image");
        let image = image::build(root, &image::Options::default());
        let built = image.is_ok();
        step("image", image.map(|_| true));
        if built {
            announce("lab");
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
            step("lab", counted(run::cargo(root).args(lab), &mut tally));
        }
    }

    for name in &broken {
        println!("failed: {name}");
    }
    println!("{}", tally.line());
    Ok(if broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn announce(step: &str) {
    println!("--- {step}");
}

fn succeeds(command: &mut Command) -> anyhow::Result<bool> {
    Ok(command.stdin(Stdio::null()).status()?.success())
}

/// Runs cargo test, shows each line as it comes, adds up its results.
fn counted(command: &mut Command, tally: &mut Tally) -> anyhow::Result<bool> {
    let mut child = command
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
}
