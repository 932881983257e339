//! An outcome in the words of the wire schema.
//!
//! The one place where "verified" is written, and it is written only for a
//! [`Conclusion::Verified`], which needs the verifier's proof. A sample has words of its own.

use super::boot_areas;
use super::media_verification;
use super::resumption::resumption;
use super::sample::{figures, sample};
use crate::ledger::Earlier;
use crate::thaw::Thaw;
use crate::work::restoring::Restoration;
use drive::claim::{Consent, ConsentSource};
use drive::facts::{DriveFacts, Transport};
use report::schema::{self, FinalContent, Level, OutcomeWord, SanitizeTechnique, SanitizeVerdict};
use std::time::SystemTime;
use wipe::native::{Technique, Verdict};
use wipe::outcome::{
    ByteRange, Conclusion, IdentityCheck, JournalRecord, Outcome, PassKind, PassRecord, Resumed,
    SampleProof, SanitizeRecord, Shortfall,
};
use wipe::pattern::{CONTEXT, Cipher, Seed};
use wipe::plan::{self, Plan, Rung, Wanted};

/// One drive's run, as the session or the command line held it.
#[derive(Clone, Debug)]
pub struct Run {
    /// The drive at the time of the claim.
    pub facts: DriveFacts,
    /// What was decided and why.
    pub plan: Plan,
    /// Whose consent.
    pub consent: Consent,
    /// End of the arming in the inventory's words.
    pub armed_until: Option<String>,
    /// Input of the pattern.
    pub seed: Seed,
    /// Cipher of the pattern.
    pub cipher: Cipher,
    /// The runs before this one, when it went on from a ledger.
    pub earlier: Option<Earlier>,
    /// What came of it.
    pub outcome: Outcome,
    /// Health after the run, when it could be read.
    pub health_after: Option<drive::health::Health>,
    /// Commands through the claim, reads and writes apart, with their answers.
    pub answers: Vec<drive::trace::Answer>,
    /// What was done before about capacity that the drive hid, if it was tried.
    pub restoration: Option<Restoration>,
    /// What a sleep of the machine made of the drive, if one was tried for its sake.
    pub thaw: Option<Thaw>,
}

/// The erasure part of a drive's entry.
#[must_use]
pub fn erasure(run: &Run) -> schema::Erasure {
    let outcome = &run.outcome;
    let (word, _, shortfalls) = conclusion(&outcome.conclusion);
    let mut text = ended(run);
    let (achieved_level, remark) = achieved(word, run.plan.level, by_drive(run));
    text.push_str(remark);
    text.extend(boot_areas::remarks(run));
    schema::Erasure {
        requested_level: requested(&run.plan),
        achieved_level,
        technique: technique(run),
        reasons: reasons(run),
        outcome: word,
        outcome_text: text,
        shortfalls,
        consent: consent(run),
        pattern: schema::Pattern {
            derivation: CONTEXT.into(),
            seed: hex::encode(run.seed.0),
            cipher: run.cipher.name().into(),
        },
        own_erases: outcome.own_erases.iter().map(own_erase).collect(),
        passes: outcome
            .passes
            .iter()
            .map(|pass| record(pass, run.facts.capacity_bytes, run.earlier.as_ref()))
            .collect(),
        final_content: final_content(outcome),
        commands: run
            .restoration
            .iter()
            .flat_map(|restoration| &restoration.answers)
            .chain(&run.answers)
            .map(command)
            .collect(),
        identity_checks: outcome.identity_checks.iter().map(identity_check).collect(),
        started: time(outcome.started),
        ended: time(outcome.ended),
        not_reached: boot_areas::left(run)
            .chain(run.plan.residual.iter().cloned())
            .collect(),
        ledger: outcome.journal.as_ref().map(ledger_record),
    }
}

/// Why it was done so, and what a sleep of the machine had to do with it.
fn reasons(run: &Run) -> Vec<String> {
    let thaw = run.thaw.iter().map(|thaw| thaw.words().english);
    run.plan.reasons.iter().cloned().chain(thaw).collect()
}

/// The conclusion in a sentence, and of a run that went on from a ledger what that means.
#[must_use]
pub fn ended(run: &Run) -> String {
    let (_, mut text, _) = conclusion(&run.outcome.conclusion);
    if let Some(resumption) = resumption(run) {
        text.push_str("; ");
        text.push_str(&resumption.english());
    }
    if let Some(restoration) = &run.restoration {
        text.push_str("; ");
        text.push_str(&restoration.english());
    }
    text
}

/// The drive reached the level that was asked for, by a proof.
#[must_use]
pub fn reached(run: &Run) -> bool {
    let word = conclusion(&run.outcome.conclusion).0;
    let achieved = achieved(word, run.plan.level, by_drive(run)).0;
    match run.plan.wanted {
        Wanted::Clear | Wanted::Auto => matches!(achieved, Level::Clear | Level::Purge),
        Wanted::Purge => achieved == Level::Purge,
    }
}

/// Of a run that takes the best level that the drive has, what was planned.
fn requested(plan: &Plan) -> Level {
    match (plan.wanted, plan.level) {
        (Wanted::Purge, _) | (Wanted::Auto, plan::Level::Purge) => Level::Purge,
        (Wanted::Clear | Wanted::Auto, _) => Level::Clear,
    }
}

/// What was done, in order: of the drive's own erases only those whose command it took.
fn technique(run: &Run) -> String {
    let mut techniques: Vec<String> = run
        .outcome
        .own_erases
        .iter()
        .filter(|record| record.evidence.not_begun.is_none())
        .map(|record| record.evidence.technique.to_string())
        .collect();
    techniques.push(run.plan.technique.into());
    techniques.join(", then ")
}

/// What the drive's own erases came to, where a purge was planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ByDrive {
    /// None was tried in this run.
    NotTried,
    /// None that makes a purge is claimed.
    NotClaimed,
    /// One is claimed, and boot areas of the card held data, or nobody looked at them.
    BootAreasLeft,
    /// One is claimed with all the evidence that there can be.
    Purged,
}

fn by_drive(run: &Run) -> ByDrive {
    is_purged(
        run.facts.transport,
        &run.plan.ladder,
        &run.outcome.own_erases,
    )
}

fn is_purged(transport: Transport, ladder: &[Rung], tried: &[SanitizeRecord]) -> ByDrive {
    let makes_purge = |technique: Technique| {
        ladder
            .iter()
            .any(|rung| rung.is_purge && rung.technique == technique)
    };
    let claimed = tried.iter().find(|record| {
        matches!(record.verdict, Verdict::ClaimedByDrive(_))
            && makes_purge(record.evidence.technique)
    });
    match claimed {
        None if tried.is_empty() => ByDrive::NotTried,
        None => ByDrive::NotClaimed,
        Some(record) if boot_areas::are_blank(transport, &record.evidence) => ByDrive::Purged,
        Some(_) => ByDrive::BootAreasLeft,
    }
}

/// The level that an outcome reaches, and what is to be said of it beside the outcome.
fn achieved(word: OutcomeWord, aim: plan::Level, by_drive: ByDrive) -> (Level, &'static str) {
    match (word, aim) {
        (OutcomeWord::Verified, plan::Level::Purge) => match by_drive {
            ByDrive::Purged => (
                Level::Purge,
                "; before that the drive erased itself, as the drive claims (its status was read, data that stood there was gone)",
            ),
            ByDrive::NotTried => (
                Level::Clear,
                "; the drive did not erase itself in this run, which went on from an earlier one: Clear, not Purge",
            ),
            ByDrive::NotClaimed => (
                Level::Clear,
                "; no erase by the drive itself that makes a purge is claimed, for the reasons given: Clear, not Purge",
            ),
            ByDrive::BootAreasLeft => (
                Level::Clear,
                "; before that the drive erased itself, as the drive claims, but a boot area of the card held data, or may: Clear, not Purge",
            ),
        },
        (OutcomeWord::Verified, plan::Level::Clear) => (Level::Clear, ""),
        (OutcomeWord::Verified, plan::Level::BelowClear) => (
            Level::None,
            "; this does not reach the level Clear, for the reasons given",
        ),
        (
            OutcomeWord::Sampled
            | OutcomeWord::WrittenNotChecked
            | OutcomeWord::NotComplete
            | OutcomeWord::NotStarted,
            plan::Level::Purge | plan::Level::Clear | plan::Level::BelowClear,
        ) => (Level::None, ""),
    }
}

/// The word, the sentence and the reasons of a conclusion.
#[must_use]
pub fn conclusion(conclusion: &Conclusion) -> (OutcomeWord, String, Vec<String>) {
    let words = |shortfalls: &[Shortfall]| shortfalls.iter().map(ToString::to_string).collect();
    match conclusion {
        Conclusion::Verified(proof) => {
            let zeros = if proof.zeros_verified() {
                "; afterwards it was filled with zeros and reads as zeros"
            } else {
                ""
            };
            let passes = match (proof.pattern_passes_verified(), proof.complement_verified()) {
                (_, true) => "the pattern and then its complement",
                (_, false) => "a pattern keyed by position",
            };
            let text = format!(
                "erased and verified: all {} bytes were overwritten with {passes}, read back and compared{zeros}",
                proof.bytes_verified()
            );
            (OutcomeWord::Verified, text, Vec::new())
        }
        Conclusion::SampleVerified(proof) => (OutcomeWord::Sampled, sampled(proof), Vec::new()),
        Conclusion::WrittenNotChecked => (
            OutcomeWord::WrittenNotChecked,
            "written, not checked: nothing was read back because that was asked for".into(),
            Vec::new(),
        ),
        Conclusion::NotComplete(shortfalls) => {
            let reasons: Vec<String> = words(shortfalls);
            let text = format!("not complete: {}", reasons.join("; "));
            (OutcomeWord::NotComplete, text, reasons)
        }
        Conclusion::NotStarted(shortfalls) => {
            let reasons: Vec<String> = words(shortfalls);
            let text = format!("not started, nothing was written: {}", reasons.join("; "));
            (OutcomeWord::NotStarted, text, reasons)
        }
    }
}

/// Neither "erased" nor "verified": most of the drive was not read. That a sample may suffice is
/// said by NIST SP 800-88r1 §4.7, and that the decision is the organisation's by r2 §4.5.2.
fn sampled(proof: &SampleProof) -> String {
    let figures = figures(proof);
    let passes = match proof.complement() {
        true => "the pattern and then its complement",
        false => "a pattern keyed by position",
    };
    let zeros = match proof.zeros() {
        true => ", afterwards filled with zeros, sampled too",
        false => "",
    };
    format!(
        "written, checked by sample: every sector was written with {passes}{zeros}; {} of {} sectors ({} %), at random places, were read back and are what was written; the others were not read. One sector left unwritten would be missed with probability {}, a run of 1 MiB with {}. Whether a sample suffices is the decision of the organisation",
        figures.sectors,
        figures.sectors_total,
        figures.percent,
        figures.sector_missed,
        figures.mebibyte_missed
    )
}

fn consent(run: &Run) -> schema::Consent {
    let by = match run.consent.source {
        ConsentSource::CommandLine => "command_line",
        ConsentSource::Typed => "typed",
        ConsentSource::Armed { .. } => "armed",
    };
    let detail = |until: &String| format!("armed in the inventory until {until}");
    schema::Consent {
        by: by.into(),
        drive_id: run.consent.id.clone(),
        detail: run.armed_until.as_ref().map(detail),
    }
}

/// What a pass writes.
pub(super) fn pass_kind(kind: PassKind) -> schema::PassKind {
    match kind {
        PassKind::Pattern => schema::PassKind::Pattern,
        PassKind::Complement => schema::PassKind::Complement,
        PassKind::Zero => schema::PassKind::Zero,
    }
}

fn record(pass: &PassRecord, capacity_bytes: u64, earlier: Option<&Earlier>) -> schema::Pass {
    schema::Pass {
        kind: pass_kind(pass.kind),
        pass: pass.pass,
        resumed: pass
            .resumed
            .as_ref()
            .map(|resumed| taken_over(resumed, earlier)),
        written_bytes: pass.written_bytes,
        write_errors: ranges(&pass.write_errors, pass.write_error_bytes),
        write_errors_seen: Some(pass.write_errors_seen),
        first_write_error: pass.first_write_error.clone(),
        flushed: pass.flushed,
        write_seconds: pass.write_seconds,
        verification: pass.verify.as_ref().map(|verify| schema::Verification {
            r#type: match verify.samples {
                Some(_) => "sampled".into(),
                None => "full".into(),
            },
            sample: verify.samples.as_ref().map(sample),
            read_bytes: verify.read_bytes,
            coverage_percent: percent(verify.read_bytes, capacity_bytes),
            mismatches: ranges(&verify.mismatches, verify.mismatch_bytes),
            first_mismatch_offset_bytes: verify.first_mismatch_offset_bytes,
            read_errors: ranges(&verify.read_errors, verify.read_error_bytes),
            first_read_error: verify.first_read_error.clone(),
            seconds: verify.seconds,
            complete: verify.complete,
        }),
    }
}

fn own_erase(record: &SanitizeRecord) -> schema::Sanitize {
    let evidence = &record.evidence;
    let (verdict, reasons) = match &record.verdict {
        Verdict::ClaimedByDrive(_) => (SanitizeVerdict::ClaimedByDrive, Vec::new()),
        Verdict::Refuted(reasons) => (SanitizeVerdict::Refuted, reasons.clone()),
        Verdict::Unknown(reasons) => (SanitizeVerdict::Unknown, reasons.clone()),
    };
    let witnesses = &evidence.witnesses;
    schema::Sanitize {
        technique: match evidence.technique {
            Technique::BlockErase => SanitizeTechnique::BlockErase,
            Technique::CryptoErase => SanitizeTechnique::CryptoErase,
            Technique::Overwrite => SanitizeTechnique::Overwrite,
            Technique::EnhancedErase => SanitizeTechnique::EnhancedSecurityErase,
            Technique::Format => SanitizeTechnique::NvmeFormat,
        },
        verdict,
        reasons,
        status_before: evidence.before.raw.clone(),
        status_after: evidence.after.as_ref().map(|said| said.raw.clone()),
        in_progress_seen: evidence.in_progress_seen,
        seconds: evidence.took.as_secs_f64(),
        witnesses: schema::Witnesses {
            planted: witnesses.planted,
            found: witnesses.found,
            kept: witnesses.kept,
            gone: witnesses.gone,
            unreadable: witnesses.unreadable,
        },
        media_verification: evidence.media.as_ref().map(media_verification::record),
        boot_areas: evidence.boot_areas.iter().map(boot_areas::record).collect(),
    }
}

fn taken_over(resumed: &Resumed, earlier: Option<&Earlier>) -> schema::Resumed {
    let recall = &resumed.recall;
    schema::Resumed {
        begun: earlier.map_or_else(|| "unknown".into(), |earlier| earlier.begun.clone()),
        runs_before: earlier.map_or(0, |earlier| earlier.runs),
        mark_bytes: resumed.mark_bytes,
        taken_over_bytes: resumed.taken_over_bytes,
        recall: schema::Recall {
            read_bytes: recall.read_bytes,
            mismatch_bytes: recall.mismatch_bytes,
            first_mismatch_offset_bytes: recall.first_mismatch_offset_bytes,
            first_read_error: recall.first_read_error.clone(),
            complete: recall.complete,
        },
    }
}

fn ledger_record(record: &JournalRecord) -> schema::LedgerRecord {
    schema::LedgerRecord {
        recorded: record.recorded,
        failures: record.failures,
        first_error: record.first_error.clone(),
    }
}

/// Rounded down, so that 100 means every byte.
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    (u128::from(part) * 1_000_000 / u128::from(whole)) as f64 / 10_000.0
}

/// The engine caps its lists; `bytes` is the exact sum all the same.
fn ranges(ranges: &[ByteRange], bytes: u64) -> schema::Ranges {
    schema::Ranges {
        count: ranges.len().min(schema::RANGES_COUNTED_MAX) as u64,
        bytes,
        listed: ranges
            .iter()
            .take(schema::RANGES_LISTED_MAX)
            .map(|range| [range.start, range.end])
            .collect(),
    }
}

/// Established only by a proof: what the last verified pass wrote.
fn final_content(outcome: &Outcome) -> FinalContent {
    match &outcome.conclusion {
        Conclusion::Verified(_) => match outcome.passes.last().map(|pass| pass.kind) {
            Some(PassKind::Pattern) => FinalContent::Pattern,
            Some(PassKind::Complement) => FinalContent::Complement,
            Some(PassKind::Zero) => FinalContent::Zeros,
            None => FinalContent::Unknown,
        },
        Conclusion::SampleVerified(_)
        | Conclusion::WrittenNotChecked
        | Conclusion::NotComplete(_)
        | Conclusion::NotStarted(_) => FinalContent::Unknown,
    }
}

fn command(answer: &drive::trace::Answer) -> schema::Command {
    let times = match answer.count {
        1 => String::new(),
        count => format!(" ({count} times)"),
    };
    schema::Command {
        command: format!("{}{times}", answer.command),
        status: answer.status.clone(),
    }
}

fn identity_check(check: &IdentityCheck) -> schema::IdentityCheck {
    schema::IdentityCheck {
        moment: check.moment.clone(),
        found: match &check.found {
            Ok(identity) => identity.clone(),
            Err(error) => format!("not read: {error}"),
        },
        same: check.same,
    }
}

/// RFC 3339 in UTC, whole seconds.
#[must_use]
pub fn time(time: SystemTime) -> String {
    let seconds = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0));
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| "unknown".into(), |stamp| stamp.to_string())
}

#[cfg(test)]
pub(super) mod tests;
