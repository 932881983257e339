//! raz's side: the `throughput` example of `wipe`, built for release and run as a child, since
//! xtask depends on none of raz's crates.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::child;
use super::devices::Drive;
use super::figures::Run;
use crate::run;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    Aes,
    ChaCha8,
    Zero,
}

impl Content {
    pub fn name(self) -> &'static str {
        match self {
            Self::Aes => "raz aes-128-ctr",
            Self::ChaCha8 => "raz chacha8",
            Self::Zero => "raz zero",
        }
    }

    /// Cipher and passes as the example takes them.
    fn arguments(self) -> [&'static str; 2] {
        match self {
            Self::Aes => ["aes", "pattern"],
            Self::ChaCha8 => ["chacha", "pattern"],
            Self::Zero => ["aes", "zero"],
        }
    }
}

/// Builds the example; gives its path.
pub fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let mut build = run::cargo(root);
    build.args([
        "build",
        "--release",
        "--locked",
        "--package",
        "wipe",
        "--example",
        "throughput",
        "--message-format=json-render-diagnostics",
    ]);
    let messages = run::output(&mut build)?;
    executable(&messages).context("cargo did not say where it put the throughput example")
}

#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}

fn executable(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter_map(|message| message.executable)
        .next_back()
}

/// The command over drives that are ours; `folder` is where their files lie.
pub fn command(
    example: &Path,
    content: Content,
    folder: &Path,
    rest_seconds: u64,
    drives: &[Drive],
) -> anyhow::Result<Command> {
    ensure!(!drives.is_empty(), "raz without a drive");
    let mut command = child::command(&example.display().to_string(), []);
    command
        .arg(folder)
        .args(content.arguments())
        .arg(rest_seconds.to_string());
    for drive in drives {
        command.arg(drive.check()?);
    }
    Ok(command)
}

#[derive(Deserialize)]
struct Output {
    bytes: u64,
    write_seconds: f64,
    verify_seconds: f64,
    rest_seconds: f64,
    user_seconds: f64,
    system_seconds: f64,
    rss_peak_bytes: u64,
}

/// The run in raz's own words; the whole process is what was seen from outside.
pub fn run(json: &str, seen: &Run, bytes: u64) -> anyhow::Result<Run> {
    let output: Output = serde_json::from_str(json).context("parsing raz's JSON")?;
    ensure!(
        output.bytes == bytes,
        "raz wrote {} bytes of {bytes}",
        output.bytes
    );
    Ok(Run {
        write_seconds: Some(output.write_seconds),
        verify_seconds: Some(output.verify_seconds),
        wall_seconds: seen.wall_seconds - output.rest_seconds,
        user_seconds: output.user_seconds,
        system_seconds: output.system_seconds,
        rss_peak_bytes: output.rss_peak_bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_are_not_part_of_the_whole() {
        let seen = Run {
            write_seconds: None,
            verify_seconds: None,
            wall_seconds: 4.0,
            user_seconds: 0.0,
            system_seconds: 0.0,
            rss_peak_bytes: 0,
        };
        let json = r#"{"bytes":10,"write_seconds":0.4,"verify_seconds":0.5,"wall_seconds":3.9,
            "rest_seconds":3,"user_seconds":0.1,"system_seconds":0.2,"rss_peak_bytes":7}"#;
        let measured = run(json, &seen, 10).expect("a good run");
        assert_eq!(measured.wall_seconds, 1.0);
        assert_eq!(measured.verify_seconds, Some(0.5));
        assert!(run(json, &seen, 11).is_err(), "not all was written");
        assert!(run("", &seen, 10).is_err());
    }

    #[test]
    fn the_last_executable_that_cargo_names_is_the_example() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\n\
            {\"reason\":\"compiler-artifact\",\"executable\":\"/t/throughput\"}\n\
            {\"reason\":\"build-finished\",\"success\":true}\n";
        assert_eq!(executable(messages), Some(PathBuf::from("/t/throughput")));
        assert_eq!(executable("nothing"), None);
    }
}
