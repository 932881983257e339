//! `raz verify`: a drive read again against the pattern that a signed report names.

use super::{Status, signals};
use crate::bundle;
use crate::cli::Verify;
use crate::output::{self, say, tell};
use crate::survey::Survey;
use anyhow::{Context, bail};
use drive::discover::Machine;
use drive::facts::DriveFacts;
use drive::identity::IdentityLost;
use drive::linux::LinuxPort;
use report::schema::{self, Erasure, OutcomeWord};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use wipe::content::Content;
use wipe::options::Options;
use wipe::pattern::{CONTEXT, Cipher, PassKey, Seed};
use wipe::progress::Progress;
use wipe::target::{Control, Target};
use wipe::verify::read_back;

/// Runs `raz verify`.
///
/// # Errors
/// What keeps the drive from being read at all.
pub fn verify(arguments: &Verify) -> anyhow::Result<Status> {
    if !arguments.report.exists() {
        tell!("{}: no such report", arguments.report.display());
        return Ok(Status::Usage);
    }
    let verified = match bundle::verify(&arguments.report, arguments.allowed_signers.as_deref()) {
        Ok(verified) => verified,
        Err(error) => {
            tell!("refused: {error:#}");
            return Ok(Status::Refused);
        }
    };
    output::tell_if_not_root();
    let machine = Machine::this();
    let names = [arguments.drive.clone()];
    let survey = Survey::take(&machine, &names);
    let named = match survey.named(&machine, &names) {
        Ok(named) => named,
        Err(error) => {
            tell!("{error:#}");
            return Ok(Status::Usage);
        }
    };
    let Some(facts) = named.first() else {
        return Ok(Status::Usage);
    };
    let path = facts.path.display();
    let identity = facts.identity.recorded();
    let Some(entry) = verified
        .report
        .drives
        .iter()
        .find(|drive| drive.identity == identity)
    else {
        tell!(
            "{path}: refused: it identifies as {identity}, and report {} is of {}",
            verified.report.report_id,
            all_identities(&verified.report)
        );
        return Ok(Status::Refused);
    };
    let Some(erasure) = &entry.erasure else {
        tell!("{path}: the report holds no erasure of this drive");
        return Ok(Status::NotProven);
    };
    if entry.capacity_bytes != facts.capacity_bytes {
        tell!(
            "{path}: refused: it has {} bytes, the report says {}",
            facts.capacity_bytes,
            entry.capacity_bytes
        );
        return Ok(Status::Refused);
    }
    let (content, kind) = match expected(erasure, &identity) {
        Ok(expected) => expected,
        Err(error) => {
            tell!("{path}: {error:#}");
            return Ok(Status::NotProven);
        }
    };
    let read = read(&machine, facts, &identity, content, arguments.stop_after)?;
    let bytes = read.record.read_bytes;
    if !read.is_equal() {
        let why: Vec<String> = read.shortfalls.iter().map(ToString::to_string).collect();
        say!("{path}: differs from the report: {}", why.join("; "));
        return Ok(Status::NotProven);
    }
    let words = match kind {
        schema::PassKind::Pattern => "verified: every byte equals the report's pattern",
        schema::PassKind::Complement => {
            "verified: every byte equals the complement of the report's pattern"
        }
        schema::PassKind::Zero => {
            "reads as zeros, as after the report's last pass; zeros do not show that this run wrote them"
        }
    };
    say!(
        "{path}: {words} ({bytes} bytes read, report {} signed by {})",
        verified.report.report_id,
        verified.fingerprint
    );
    if erasure.outcome != OutcomeWord::Verified {
        say!("{path}: the report itself says: {}", erasure.outcome_text);
    }
    Ok(match (erasure.outcome, kind) {
        (OutcomeWord::Verified, _) => Status::Proven,
        // Every byte was read now and is the keyed pattern: more than the report's own sample.
        (OutcomeWord::Sampled, schema::PassKind::Pattern | schema::PassKind::Complement) => {
            Status::Proven
        }
        (OutcomeWord::Sampled, schema::PassKind::Zero) => Status::Sampled,
        (
            OutcomeWord::WrittenNotChecked | OutcomeWord::NotComplete | OutcomeWord::NotStarted,
            _,
        ) => Status::NotProven,
    })
}

fn all_identities(report: &schema::Report) -> String {
    let all: Vec<&str> = report
        .drives
        .iter()
        .map(|drive| drive.identity.as_str())
        .collect();
    if all.is_empty() {
        "no drive".into()
    } else {
        all.join(", ")
    }
}

/// What the last pass of the report left on the drive.
fn expected(erasure: &Erasure, identity: &str) -> anyhow::Result<(Content, schema::PassKind)> {
    let Some(pass) = erasure.passes.last() else {
        bail!("the report names no pass on this drive");
    };
    let pattern = &erasure.pattern;
    if pattern.derivation != CONTEXT {
        bail!(
            "the report's pattern is derived by {:?}, which this version does not know",
            pattern.derivation
        );
    }
    let Some(cipher) = Cipher::from_name(&pattern.cipher) else {
        bail!(
            "the report's cipher {:?} is not known to this version",
            pattern.cipher
        );
    };
    let seed: [u8; 32] = hex::decode(&pattern.seed)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .context("the report's seed is not 32 bytes in hexadecimal")?;
    let key = PassKey::derive(&Seed(seed), identity, cipher, pass.pass)?;
    let content = match pass.kind {
        schema::PassKind::Pattern => Content::Pattern(key),
        schema::PassKind::Complement => Content::Complement(key),
        schema::PassKind::Zero => Content::Zeros,
    };
    Ok((content, pass.kind))
}

fn read(
    machine: &Machine,
    facts: &DriveFacts,
    identity: &str,
    content: Content,
    stop_after: Option<u64>,
) -> anyhow::Result<wipe::verify::ReadBack> {
    let path = &facts.path;
    let file = sys::block::open_read_direct(path)
        .with_context(|| format!("{}: opening for reading", path.display()))?;
    let file = Arc::new(file);
    let target = Target {
        label: path.display().to_string(),
        capacity_bytes: facts.capacity_bytes,
        logical_sector_bytes: facts.logical_sector_bytes,
        physical_sector_bytes: facts.physical_sector_bytes,
        file: Arc::clone(&file),
        max_request_bytes: None,
        optimal_request_bytes: None,
    };
    let control = Arc::new(Reader {
        machine: machine.clone(),
        name: facts.name.clone(),
        file,
    });
    let cancel = signals::stop_flag()?;
    let progress = Arc::new(Progress::default());
    let options = Options {
        stop_after_mismatches: stop_after,
        ..Options::default()
    };
    Ok(read_back(
        target,
        control,
        identity.to_owned(),
        content,
        progress,
        &options,
        &cancel,
    ))
}

/// A drive that is only read.
struct Reader {
    machine: Machine,
    name: String,
    file: Arc<OwnedFd>,
}

impl Control for Reader {
    fn flush(&self) -> io::Result<()> {
        Err(io::Error::other(
            "a drive that is only read has nothing to flush",
        ))
    }

    fn recheck_identity(&self) -> Result<String, IdentityLost> {
        let port = Box::new(LinuxPort::over(Arc::clone(&self.file)));
        self.machine
            .drive(&self.name, port)
            .map(|facts| facts.identity.recorded())
            .map_err(|error| IdentityLost::Silent(format!("{:#}", anyhow::Error::from(error))))
    }

    fn is_present(&self) -> bool {
        self.machine
            .roots
            .sys
            .join("block")
            .join(&self.name)
            .exists()
    }
}
