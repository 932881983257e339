//! raz's pattern and the lab's second implementation of it agree, byte by byte, on real block
//! devices: the program erases a loop device, the lab reads the file behind it.
//!
//! Needs root and loop devices. Two-pass drives and the other cipher need a virtual PC: see the
//! scenarios that boot the image.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, bail, ensure};
use lab::bench::{self, Bench};
use lab::derive::{check_medium, find_canaries, sampled_sectors};
use lab::scenario::fits_schema;
use report::schema::{FinalContent, OutcomeWord, PassKind, Report};
use serde_json::Value;

const MIB: u64 = 1 << 20;
const CANARY: &str = "RAZ-CANARY carte vitale, releve de compte, mot de passe\n";

#[test]
fn pattern_on_a_drive_of_an_odd_size() -> anyhow::Result<()> {
    let erased = Erased::new("odd", 3 * MIB + 7 * 512, 512, &[])?;
    erased.must_hold(PassKind::Pattern, FinalContent::Pattern)
}

/// Many writes in flight, in whatever order.
#[test]
fn pattern_on_a_drive_of_many_requests() -> anyhow::Result<()> {
    let erased = Erased::new("many", 96 * MIB + 7 * 512, 512, &[])?;
    erased.must_hold(PassKind::Pattern, FinalContent::Pattern)
}

#[test]
fn pattern_on_a_drive_with_sectors_of_4096_bytes() -> anyhow::Result<()> {
    let erased = Erased::new("4kn", 5 * MIB + 7 * 4096, 4096, &[])?;
    erased.must_hold(PassKind::Pattern, FinalContent::Pattern)
}

#[test]
fn zeros_after_the_pattern() -> anyhow::Result<()> {
    let erased = Erased::new("zero", 4 * MIB + 7 * 512, 512, &["--then-zero"])?;
    erased.must_hold(PassKind::Zero, FinalContent::Zeros)?;
    let zeros = fs::read(&erased.drive.backing)?;
    ensure!(zeros.iter().all(|byte| *byte == 0));
    Ok(())
}

/// The report alone tells which sectors were read.
#[test]
fn sample_of_a_sampled_drive_is_derived_from_its_report() -> anyhow::Result<()> {
    let how = ["--verify", "sampled=12"];
    let erased = Erased::with_status("sampled", 24 * MIB + 7 * 512, 512, &how, 4)?;
    erased.signature_holds()?;
    let entry = &erased.report.drives[0];
    let erasure = entry.erasure.as_ref().context("no erasure")?;
    assert_eq!(erasure.outcome, OutcomeWord::Sampled);
    let read = erasure.passes[0].verification.as_ref().context("unread")?;
    let sample = read.sample.as_ref().context("no sample")?;
    let sectors = sampled_sectors(entry, sample)?;
    assert_eq!(sectors.len() as u64, sample.sectors);
    assert_eq!(read.read_bytes, sample.sectors * 512);
    // It was written in full all the same.
    let check = check_medium(&erased.drive.backing, entry)?;
    assert!(check.is_as_reported(), "{check:?}");
    fits_schema(&fs::read(erased.folder.join("report.json"))?)
}

#[test]
fn a_byte_changed_afterwards_is_found_by_both() -> anyhow::Result<()> {
    let erased = Erased::new("changed", 2 * MIB + 7 * 512, 512, &[])?;
    erased.must_hold(PassKind::Pattern, FinalContent::Pattern)?;
    let report = erased.folder.join("report.json");
    let mut verify = Command::new(raz());
    verify
        .arg("verify")
        .arg(&erased.drive.device)
        .arg("--report")
        .arg(&report);
    run(&mut verify)?;

    let last = erased.drive.size_bytes - 1;
    let mut bytes = fs::read(&erased.drive.backing)?;
    bytes[last as usize] ^= 1;
    fs::write(&erased.drive.backing, &bytes)?;

    let check = check_medium(&erased.drive.backing, &erased.report.drives[0])?;
    assert_eq!(check.first_difference, Some(last));
    let answer = verify.output()?;
    assert_eq!(answer.status.code(), Some(1), "{answer:?}");
    Ok(())
}

/// A loop device that raz has erased, and what raz says of it.
struct Erased {
    drive: Loop,
    folder: PathBuf,
    report: Report,
    _bench: Bench,
}

impl Erased {
    /// Fills a loop device with canaries and has raz wipe it.
    fn new(name: &str, size_bytes: u64, sector: u32, options: &[&str]) -> anyhow::Result<Self> {
        Self::with_status(name, size_bytes, sector, options, 0)
    }

    fn with_status(
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
            _bench: bench,
        })
    }

    /// Report, signature and medium say the same.
    fn must_hold(&self, kind: PassKind, content: FinalContent) -> anyhow::Result<()> {
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
    fn signature_holds(&self) -> anyhow::Result<()> {
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
struct Loop {
    device: PathBuf,
    backing: PathBuf,
    size_bytes: u64,
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
fn raz() -> &'static Path {
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
fn run(command: &mut Command) -> anyhow::Result<Output> {
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
