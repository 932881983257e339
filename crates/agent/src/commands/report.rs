//! `raz report` and `raz key`: signatures and reports, without a drive.

use super::Status;
use crate::bundle;
use crate::cli::{Key, ReportCommand};
use crate::output::{self, say, tell};
use anyhow::{Context, bail};
use report::schema::{Arrangement, Drive, Erasure, Level, OutcomeWord, Report, Resumed, Sample};
use report::sign::StationKey;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// Runs `raz report …`.
///
/// # Errors
/// Files that cannot be read.
pub fn report(command: &ReportCommand) -> anyhow::Result<Status> {
    match command {
        ReportCommand::Verify {
            report,
            allowed_signers,
        } => Ok(verify(report, allowed_signers.as_deref())),
        ReportCommand::Show { report } => show(report),
        ReportCommand::Schema => {
            output::out(report::schema::json_schema().as_bytes());
            Ok(Status::Proven)
        }
    }
}

fn verify(path: &Path, allowed_signers: Option<&Path>) -> Status {
    match bundle::verify(path, allowed_signers) {
        Ok(verified) => {
            say!(
                "{}: the signature holds; report {} signed by {}",
                path.display(),
                verified.report.report_id,
                verified.fingerprint
            );
            if allowed_signers.is_none() {
                say!(
                    "the key was taken from {}, which came with the report: compare the fingerprint with the one you were given",
                    verified.list.display()
                );
            }
            Status::Proven
        }
        Err(error) => {
            tell!("{error:#}");
            Status::NotProven
        }
    }
}

fn show(path: &Path) -> anyhow::Result<Status> {
    let file = if path.is_dir() {
        path.join("report.json")
    } else {
        path.to_owned()
    };
    let bytes = std::fs::read(&file).with_context(|| format!("{}: reading", file.display()))?;
    let report: Report = serde_json::from_slice(&bytes)
        .with_context(|| format!("{}: not a report", file.display()))?;
    output::out(words(&report).as_bytes());
    say!("(shown, not checked: `raz report verify` checks the signature)");
    Ok(Status::Proven)
}

/// A report in words. Control characters of firmware strings are not passed to the terminal.
#[must_use]
pub fn words(report: &Report) -> String {
    let mut text = String::new();
    let machine = &report.machine;
    let name: Vec<&str> = [&machine.maker, &machine.model, &machine.serial]
        .into_iter()
        .filter_map(|part| part.as_deref())
        .collect();
    let _ = writeln!(text, "report   {}", report.report_id);
    let _ = writeln!(
        text,
        "made     {} by {} {}",
        report.created, report.tool.name, report.tool.version
    );
    let _ = writeln!(
        text,
        "station  {} {}",
        report.station.name, report.station.key_fingerprint
    );
    let _ = writeln!(
        text,
        "machine  {}",
        if name.is_empty() {
            "unknown".into()
        } else {
            name.join(" ")
        }
    );
    for drive in &report.drives {
        let _ = writeln!(text, "drive    {}", drive_words(drive));
        if let Some(erasure) = &drive.erasure {
            erasure_words(&mut text, erasure);
        }
        for refusal in &drive.refusals {
            let _ = writeln!(text, "         refused: {refusal}");
        }
    }
    for unseen in &report.unseen_storage {
        let _ = writeln!(text, "NOT SEEN {}; to do: {}", unseen.text, unseen.remedy);
    }
    if let Some(verdict) = &report.verdict {
        let _ = write!(text, "grade    {}", verdict.grade);
        if verdict.remove.is_empty() {
            text.push('\n');
        } else {
            let _ = writeln!(
                text,
                "; {} once removed: {}",
                verdict.grade_once_removed,
                verdict.remove.join(", ")
            );
        }
        for cap in &verdict.caps {
            let _ = writeln!(
                text,
                "         {}: {} {} (limit {}): {}",
                cap.effect, cap.subject, cap.measured, cap.threshold, cap.message_en
            );
        }
        for item in &verdict.not_checked {
            let _ = writeln!(text, "         not checked: {item}");
        }
    }
    for limit in &report.limits {
        let _ = writeln!(text, "limit    {limit}");
    }
    text.chars()
        .map(|c| if c.is_control() && c != '\n' { '?' } else { c })
        .collect()
}

fn drive_words(drive: &Drive) -> String {
    format!(
        "{} {} {} bytes, {}",
        drive.id,
        drive.model.as_deref().unwrap_or("unknown model"),
        drive.capacity_bytes,
        drive.transport
    )
}

fn erasure_words(text: &mut String, erasure: &Erasure) {
    let _ = writeln!(text, "         {}", erasure.outcome_text);
    match erasure.outcome {
        OutcomeWord::Verified => {
            let level = match erasure.achieved_level {
                Level::Clear => "clear",
                Level::Purge => "purge",
                Level::None => "below clear",
            };
            let _ = writeln!(text, "         level {level} by {}", erasure.technique);
        }
        OutcomeWord::Sampled => {
            let _ = writeln!(
                text,
                "         NO LEVEL IS CLAIMED: only a sample was read back; who hands this drive on decides whether that suffices"
            );
        }
        OutcomeWord::WrittenNotChecked | OutcomeWord::NotComplete | OutcomeWord::NotStarted => {
            let _ = writeln!(text, "         NOT SANITIZED: do not hand this drive on");
        }
    }
    let reads = erasure.passes.iter().flat_map(|pass| &pass.verification);
    for sample in reads.flat_map(|read| &read.sample) {
        sample_words(text, sample);
    }
    for resumed in erasure.passes.iter().flat_map(|pass| &pass.resumed) {
        resumed_words(text, resumed);
    }
    if let Some(ledger) = &erasure.ledger {
        let _ = write!(text, "         ledger: {} marks kept", ledger.recorded);
        match &ledger.first_error {
            Some(error) => {
                let _ = writeln!(text, ", {} failures, the first: {error}", ledger.failures);
            }
            None => text.push('\n'),
        }
    }
    for item in &erasure.not_reached {
        let _ = writeln!(text, "         not reached: {item}");
    }
}

fn resumed_words(text: &mut String, resumed: &Resumed) {
    let Resumed {
        begun,
        runs_before,
        mark_bytes,
        taken_over_bytes,
        recall,
    } = resumed;
    let _ = writeln!(
        text,
        "         went on from a run begun {begun}, runs before: {runs_before}; ledger's mark at byte {mark_bytes}, {taken_over_bytes} bytes not written again"
    );
    let cut = match recall.complete {
        true => "",
        false => ", not to its end",
    };
    let _ = writeln!(
        text,
        "         read before that: {} bytes{cut}, {} bytes in sectors that differ",
        recall.read_bytes, recall.mismatch_bytes
    );
    if let Some(error) = &recall.first_read_error {
        let _ = writeln!(text, "         first read that failed: {error}");
    }
}

fn sample_words(text: &mut String, sample: &Sample) {
    let _ = writeln!(
        text,
        "         sampled: {} sectors of {}, seed {}",
        sample.sectors, sample.sectors_total, sample.seed
    );
    for missed in &sample.missed {
        let residue = match missed.arrangement {
            Arrangement::Contiguous => "in one run",
            Arrangement::Scattered => "scattered",
        };
        let _ = writeln!(
            text,
            "         misses {} sectors ({} bytes) {residue} with probability {:.6}",
            missed.sectors, missed.bytes, missed.probability
        );
    }
}

/// Runs `raz key …`.
///
/// # Errors
/// No random bytes are to be had.
pub fn key(command: &Key) -> anyhow::Result<Status> {
    match command {
        Key::New { file } => {
            let key = StationKey::generate().context("making a key")?;
            if let Err(error) = write_pair(file, &key) {
                tell!("{error:#}");
                return Ok(Status::Usage);
            }
            say!("{}: station key {}", file.display(), key.fingerprint());
            Ok(Status::Proven)
        }
    }
}

/// The private key and beside it the public one, neither over an existing file.
fn write_pair(file: &Path, key: &StationKey) -> anyhow::Result<()> {
    let mut public = file.as_os_str().to_owned();
    public.push(".pub");
    let public = Path::new(&public);
    if public.symlink_metadata().is_ok() {
        bail!("{}: exists already and is not replaced", public.display());
    }
    key.write_new(file)?;
    let line = key.public_line("raz");
    File::create_new(public)
        .and_then(|mut file| writeln!(file, "{line}").and_then(|()| file.sync_all()))
        .with_context(|| format!("{}: writing", public.display()))
}
