//! A loop device on this host that raz erases by its command line, and what raz says of it.
//!
//! Needs root and loop devices.

use crate::bench::{self, Bench};
use crate::derive::{check_medium, find_canaries};
use anyhow::{Context, bail, ensure};
use report::schema::{FinalContent, OutcomeWord, PassKind, Report};
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

const CANARY: &str = "RAZ-CANARY carte vitale, releve de compte, mot de passe\n";

/// A loop device that raz has erased, and what raz says of it.
#[derive(Debug)]
pub struct Erased {
    /// The device, and the file behind it.
    pub drive: Loop,
    /// Report, signature and signer.
    pub folder: PathBuf,
    /// What the report says.
    pub report: Report,
    /// What raz said on standard error.
    pub said: String,
    /// Holds them.
    pub bench: Bench,
}

impl Erased {
    /// Fills a loop device with canaries and has raz wipe it.
    ///
    /// # Errors
    /// When raz does not end well.
    pub fn new(name: &str, size_bytes: u64, sector: u32, options: &[&str]) -> anyhow::Result<Self> {
        Self::with_status(name, size_bytes, sector, options, 0)
    }

    /// As [`Self::new`], ending with another status.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_status(
        name: &str,
        size_bytes: u64,
        sector: u32,
        options: &[&str],
        status: i32,
    ) -> anyhow::Result<Self> {
        let bench = Bench::new(&format!("derivation-{name}"))?;
        let drive = Loop::new(bench.path(), size_bytes, sector)?;
        let canaries = find_canaries(&drive.backing, &[CANARY.as_bytes()])?;
        assert_eq!(canaries.len() as u64, size_bytes / CANARY.len() as u64);

        let listed = run(Command::new(raz())
            .arg("drives")
            .arg(&drive.device)
            .arg("--json"))?;
        let listed: Value = serde_json::from_slice(&listed.stdout)?;
        assert_eq!(listed[0]["capacity_bytes"], size_bytes, "{listed}");
        let id = listed[0]["id"].as_str().context("no id")?;

        let folder = bench.path().join("report");
        let wiped = Command::new(raz())
            .arg("wipe")
            .arg(&drive.device)
            .args(["--confirm", id, "--report"])
            .arg(&folder)
            .args(options)
            .output()?;
        assert_eq!(wiped.status.code(), Some(status), "{wiped:?}");
        let report = fs::read(folder.join("report.json")).context("reading the report")?;
        let report: Report = serde_json::from_slice(&report)?;
        assert_eq!(report.drives.len(), 1);
        assert_eq!(report.drives[0].logical_sector_bytes, sector);
        Ok(Self {
            drive,
            folder,
            report,
            said: String::from_utf8(wiped.stderr)?,
            bench,
        })
    }

    /// Report, signature and medium say the same.
    ///
    /// # Errors
    /// When the signature does not hold, or the medium cannot be read.
    pub fn must_hold(&self, kind: PassKind, content: FinalContent) -> anyhow::Result<()> {
        self.signature_holds()?;
        let entry = &self.report.drives[0];
        let erasure = entry.erasure.as_ref().context("no erasure")?;
        assert_eq!(erasure.outcome, OutcomeWord::Verified);
        assert_eq!(erasure.final_content, content);
        let check = check_medium(&self.drive.backing, entry)?;
        assert!(check.is_as_reported(), "{check:?}");
        assert_eq!(check.kind, kind);
        assert_eq!(check.bytes, self.drive.size_bytes);
        assert_eq!(
            find_canaries(&self.drive.backing, &[b"RAZ-CANARY", b"mot de passe"])?,
            []
        );
        Ok(())
    }

    /// `ssh-keygen` accepts the report, and not with one byte changed.
    ///
    /// # Errors
    /// When it does not.
    pub fn signature_holds(&self) -> anyhow::Result<()> {
        let report = self.folder.join("report.json");
        let verify = |report: &Path| -> anyhow::Result<Output> {
            Command::new("ssh-keygen")
                .args(["-Y", "verify", "-I", "raz", "-n", "raz-report@v1", "-f"])
                .arg(self.folder.join("allowed_signers"))
                .arg("-s")
                .arg(self.folder.join("report.json.sig"))
                .stdin(File::open(report)?)
                .output()
                .context("starting ssh-keygen")
        };
        let accepted = verify(&report)?;
        ensure!(accepted.status.success(), "refused: {accepted:?}");

        let mut bytes = fs::read(&report)?;
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        let changed = self.folder.join("changed.json");
        fs::write(&changed, bytes)?;
        let refused = verify(&changed)?;
        ensure!(!refused.status.success(), "accepted: {refused:?}");
        Ok(())
    }
}

/// A loop device over a file of its own that is full of canaries; detached at the end.
#[derive(Debug)]
pub struct Loop {
    /// Its node.
    pub device: PathBuf,
    /// The file behind it.
    pub backing: PathBuf,
    /// Its size.
    pub size_bytes: u64,
}

impl Loop {
    fn new(folder: &Path, size_bytes: u64, sector_bytes: u32) -> anyhow::Result<Self> {
        let backing = folder.join("backing.img");
        let text = CANARY.bytes().cycle().take(size_bytes as usize);
        fs::write(&backing, text.collect::<Vec<u8>>())?;
        let output = run(losetup()
            .args(["--find", "--show", "--sector-size"])
            .arg(sector_bytes.to_string())
            .arg(&backing))?;
        let made = Self {
            device: String::from_utf8(output.stdout)?.trim().into(),
            backing,
            size_bytes,
        };
        // Before anything is written: the device is the one over our own file.
        let name = made.device.file_name().context("losetup named no device")?;
        let attribute = Path::new("/sys/block").join(name).join("loop/backing_file");
        let behind = fs::read_to_string(&attribute)
            .with_context(|| format!("reading {}", attribute.display()))?;
        assert_eq!(Path::new(behind.trim()), made.backing.canonicalize()?);
        Ok(made)
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = losetup().arg("--detach").arg(&self.device).status();
    }
}

/// In sbin, which is not on every user's PATH.
fn losetup() -> Command {
    let mut command = Command::new("losetup");
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command
}

/// The program as this checkout has it, built once.
///
/// # Panics
/// When it does not build.
#[must_use]
pub fn raz() -> &'static Path {
    static RAZ: OnceLock<PathBuf> = OnceLock::new();
    RAZ.get_or_init(|| build().expect("building raz"))
}

fn build() -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = run(Command::new(cargo)
        .current_dir(bench::root())
        .args(["build", "--locked", "--quiet", "-p", "agent"])
        .args(["--bin", "raz", "--message-format", "json"]))?;
    let messages = String::from_utf8(output.stdout)?;
    for line in messages.lines() {
        let message: Value = serde_json::from_str(line)?;
        if message["target"]["name"] == "raz"
            && let Some(path) = message["executable"].as_str()
        {
            return Ok(path.into());
        }
    }
    bail!("cargo names no program raz:\n{messages}");
}

/// Runs to the end, which must be good.
///
/// # Errors
/// With what it said.
pub fn run(command: &mut Command) -> anyhow::Result<Output> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?} ended with {}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output)
}
