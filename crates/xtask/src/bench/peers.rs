//! What else erases drives: shred, scrub and badblocks from Debian's packages, nwipe by its path.
//!
//! Measured from outside, with the options nearest to raz's work: one pass, a verify where the
//! program has one. nwipe before 0.42 is no baseline: it wrote through the page cache, 5 to 15
//! times slower on the same device.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::ensure;

use super::child;
use super::devices::Drive;
use crate::run;

/// The first nwipe that counts.
const NWIPE_LEAST: (u64, u64) = (0, 42);

/// One program in one mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    pub name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
    /// One process for all drives, or one for each.
    takes_all_drives: bool,
}

impl Peer {
    fn new(name: &'static str, program: impl Into<PathBuf>, arguments: &[&str]) -> Self {
        Self {
            name,
            program: program.into(),
            arguments: arguments.iter().map(|text| (*text).to_owned()).collect(),
            takes_all_drives: false,
        }
    }

    /// The commands over drives that are ours. None is ever without a device: nwipe would then
    /// take every drive of the machine.
    pub fn commands(&self, drives: &[Drive]) -> anyhow::Result<Vec<Command>> {
        ensure!(!drives.is_empty(), "{} without a drive", self.name);
        let paths = drives
            .iter()
            .map(Drive::check)
            .collect::<anyhow::Result<Vec<_>>>()?;
        let command = |devices: &[&Path]| {
            let mut command = child::command(
                &self.program.display().to_string(),
                self.arguments.iter().map(String::as_str),
            );
            command.args(devices);
            command
        };
        Ok(if self.takes_all_drives {
            vec![command(&paths)]
        } else {
            paths.iter().map(|path| command(&[path])).collect()
        })
    }
}

/// Those of Debian's packages.
pub fn packaged() -> Vec<Peer> {
    vec![
        Peer::new("shred -n1, no verify", "shred", &["--iterations=1"]),
        Peer::new(
            "scrub zero, no verify",
            "scrub",
            &["--force", "--no-signature", "--pattern=fillzero"],
        ),
        Peer::new(
            "badblocks -w random",
            "badblocks",
            &["-w", "-t", "random", "-b", "4096", "-c", "1024"],
        ),
    ]
}

/// Which generator nwipe chose by itself, from what it printed.
pub fn generator(said: &str) -> Option<&str> {
    said.lines()
        .find_map(|line| line.trim().strip_prefix("Selected PRNG:"))
        .map(str::trim)
}

/// nwipe with the generator it chooses by itself, its fastest, and with the one it recommended
/// before; or why it is no baseline.
pub fn nwipe(path: Option<&Path>, scratch: &Path) -> Result<Vec<Peer>, String> {
    let Some(path) = path else {
        return Err("no baseline: nwipe was not given (--nwipe PATH, 0.42 or later)".to_owned());
    };
    let shown = path.display();
    let path = path
        .canonicalize()
        .map_err(|error| format!("no baseline: {shown}: {error}"))?;
    // 0.42 documents --version and answers it with an error.
    let said = run::output(run::program(&path).arg("-V"))
        .map_err(|error| format!("no baseline: {error:#}"))?;
    let version =
        version(&said).ok_or_else(|| format!("no baseline: {shown} does not say its version"))?;
    if version < NWIPE_LEAST {
        return Err(format!(
            "no baseline: {shown} is {}.{}, older than 0.42",
            version.0, version.1
        ));
    }
    let log = format!("--logfile={}", scratch.join("nwipe.log").display());
    let peer = |name, generator: &str| {
        let arguments = [
            "--autonuke",
            "--nogui",
            "--nowait",
            "--method=random",
            "--rounds=1",
            "--verify=last",
            "--noblank",
            generator,
            &log,
            // It would spend time at its end on certificates, which raz's side does not make.
            "--PDFreportpath=noPDF",
        ];
        Peer {
            takes_all_drives: true,
            ..Peer::new(name, path.clone(), &arguments)
        }
    };
    Ok(vec![
        peer(NWIPE_FASTEST, "--prng=auto"),
        peer(NWIPE_ISAAC64, "--prng=isaac64"),
    ])
}

/// Name of nwipe with the generator that it finds fastest.
pub const NWIPE_FASTEST: &str = "nwipe auto";
/// Name of nwipe with ISAAC-64.
pub const NWIPE_ISAAC64: &str = "nwipe isaac64";

/// The first `N.N` in what a program says of its version.
fn version(said: &str) -> Option<(u64, u64)> {
    said.split_whitespace().find_map(|word| {
        let mut parts = word.trim_start_matches('v').split('.');
        let major = parts.next()?.parse().ok()?;
        let digits = parts.next()?;
        let end = digits
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(digits.len());
        Some((major, digits.get(..end)?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn program(folder: &Path, version: &str) -> PathBuf {
        let path = folder.join("nwipe");
        std::fs::write(&path, format!("#!/bin/sh\necho '{version}'\n")).expect("a program");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        path
    }

    #[test]
    fn version_is_found_in_words() {
        assert_eq!(version("nwipe version 0.42\n"), Some((0, 42)));
        assert_eq!(version("nwipe 0.42.1-dev"), Some((0, 42)));
        assert_eq!(version("nwipe v1.0rc2"), Some((1, 0)));
        assert_eq!(version("nwipe"), None);
        assert_eq!(version("0.x 7"), None);
    }

    #[test]
    fn the_generator_that_nwipe_chose_is_told() {
        let said = "ChaCha20 (CSPRNG)  ->  587.5 MB/s\nSelected PRNG: SplitMix64\n\
            Auto-selected fastest PRNG: SplitMix64\n";
        assert_eq!(generator(said), Some("SplitMix64"));
        assert_eq!(generator("prng = ISAAC-64"), None);
    }

    #[test]
    fn an_old_absent_or_silent_nwipe_is_no_baseline() {
        let folder = tempfile::tempdir().expect("a folder");
        let reason = |path: Option<&Path>| nwipe(path, folder.path()).expect_err("no baseline");
        assert!(reason(None).starts_with("no baseline:"));
        assert!(reason(Some(&folder.path().join("none"))).starts_with("no baseline:"));
        let old = program(folder.path(), "nwipe version 0.34");
        assert!(reason(Some(&old)).contains("0.34, older than 0.42"));
        let silent = program(folder.path(), "hello");
        assert!(reason(Some(&silent)).starts_with("no baseline:"));
    }

    #[test]
    fn a_recent_nwipe_is_two_peers_and_never_starts_without_a_device() {
        let folder = tempfile::tempdir().expect("a folder");
        let recent = program(folder.path(), "nwipe version 0.42");
        let peers = nwipe(Some(&recent), folder.path()).expect("a baseline");
        assert_eq!(peers.len(), 2);
        for peer in peers.iter().chain(&packaged()) {
            assert!(peer.commands(&[]).is_err(), "{}", peer.name);
        }
    }
}
