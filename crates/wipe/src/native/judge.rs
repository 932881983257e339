//! What follows from the evidence of a sanitize: claimed by the drive, refuted, or unknown.

use super::security::PASSWORD_TEXT;
use super::{End, Evidence, Said, State, Technique};
use drive::identity::IdentityLost;

/// The drive erased itself, says the drive, and nothing that raz can see speaks against it. Only
/// [`judge`] makes one.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim(());

/// What may be said of a sanitize.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Claimed by the drive. More than that no host can see: never "verified".
    ClaimedByDrive(Claim),
    /// It did not happen, or not in full: at least one reason.
    Refuted(Vec<String>),
    /// Neither: at least one reason.
    Unknown(Vec<String>),
}

/// Weighs all of it. One contradiction refutes, one gap leaves it unknown.
#[must_use]
pub fn judge(evidence: &Evidence) -> Verdict {
    let refuted = contradictions(evidence);
    if !refuted.is_empty() {
        return Verdict::Refuted(refuted);
    }
    let unknown = gaps(evidence);
    if unknown.is_empty() {
        Verdict::ClaimedByDrive(Claim(()))
    } else {
        Verdict::Unknown(unknown)
    }
}

fn contradictions(evidence: &Evidence) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(said) = &evidence.after {
        match &said.state {
            State::Failed(why) => found.push(format!("the drive says that it failed: {why}")),
            State::Idle {
                completed: Some(false),
            } => found.push("the drive is idle and does not say that it completed".into()),
            State::Idle { .. }
            | State::InProgress { .. }
            | State::MediaVerification
            | State::Frozen
            | State::Unknown(_) => {}
        }
        // While it is under way the drive says so of what it has yet to erase.
        let is_idle = matches!(said.state, State::Idle { .. });
        if is_idle && said.erased_since_write == Some(false) {
            found.push("the drive says that data written before is still there".into());
        }
    }
    let witnesses = &evidence.witnesses;
    if witnesses.kept > 0 {
        found.push(format!(
            "{} of {} sectors read after it still hold what stood there before",
            witnesses.kept,
            witnesses.looked_at()
        ));
    }
    let not_overwritten = not_overwritten(evidence);
    if not_overwritten > 0 {
        found.push(format!(
            "{not_overwritten} sectors do not hold the byte that the drive was told to write"
        ));
    }
    match &evidence.identity_lost {
        Some(another @ IdentityLost::Another { .. }) => found.push(another.to_string()),
        Some(IdentityLost::Gone(_) | IdentityLost::Silent(_)) | None => {}
    }
    found
}

/// Sectors that an overwrite cannot have left: others than the byte, or than the filling of what was
/// deallocated after it.
fn not_overwritten(evidence: &Evidence) -> u32 {
    let witnesses = &evidence.witnesses;
    let is_deallocated = evidence.after.as_ref().is_some_and(|s| s.is_deallocated);
    match evidence.technique {
        Technique::Overwrite if is_deallocated => {
            let kinds = witnesses.kinds;
            let filled = kinds.zeros + kinds.ones + kinds.constant;
            witnesses.looked_at().saturating_sub(filled)
        }
        Technique::Overwrite => witnesses.not_overwritten,
        Technique::BlockErase
        | Technique::CryptoErase
        | Technique::EnhancedErase
        | Technique::Format => 0,
    }
}

fn gaps(evidence: &Evidence) -> Vec<String> {
    let out_of_reach = out_of_reach(evidence);
    if let Some(why) = &evidence.not_begun {
        return [why.clone()].into_iter().chain(out_of_reach).collect();
    }
    let (Some(end), Some(after)) = (&evidence.end, &evidence.after) else {
        return vec!["nothing is known of its end".into()];
    };
    let mut found = Vec::from_iter(out_of_reach);
    match end {
        End::Ended => {}
        End::Stuck { progress } => found.push(format!(
            "the drive stays at {progress}/65536: it may go on by itself while it has power"
        )),
        End::Undecoded => found.push("the drive's answers could not be decoded".into()),
        End::Stopped => found.push(
            "the wait was ended by the operator; the drive goes on while it has power".into(),
        ),
    }
    match &after.state {
        State::Idle { .. } => {}
        State::InProgress { .. } => found.push("the drive says that it is under way".into()),
        State::MediaVerification => found.push(
            "the drive stays in media verification, which nobody asked for: it takes no writes until that is ended".into(),
        ),
        State::Frozen => found.push("the drive is frozen and says nothing of its end".into()),
        State::Unknown(why) => found.push(format!("the drive's state is unknown: {why}")),
        State::Failed(_) => {}
    }
    if !is_fresh(evidence, after) {
        found.push(
            "no transition was seen: what the drive says may be of an earlier sanitize".into(),
        );
    }
    if after.is_ours == Some(false) {
        found.push("the drive speaks of another operation than the one that was sent".into());
    }
    let witnesses = &evidence.witnesses;
    if witnesses.planted == 0 {
        found.push("no witnesses stood on the medium".into());
    }
    if witnesses.unreadable > 0 && !evidence.may_be_unreadable {
        found.push(format!(
            "{} sectors could not be read after it",
            witnesses.unreadable
        ));
    }
    if end == &End::Ended && witnesses.planted > 0 && witnesses.looked_at() == 0 {
        found.push("none of the witnesses was looked at after it".into());
    }
    found.extend(too_fast(evidence));
    found
}

/// Of a drive that left or fell silent: what it may be at, and how to get it back.
fn out_of_reach(evidence: &Evidence) -> Option<String> {
    let lost = match evidence.identity_lost.as_ref()? {
        lost @ (IdentityLost::Gone(_) | IdentityLost::Silent(_)) => lost,
        IdentityLost::Another { .. } => return None,
    };
    let said_last = evidence.after.as_ref().map(|said| &said.state);
    if matches!(said_last, Some(State::Idle { .. } | State::Failed(_))) {
        return Some(format!("the drive was lost behind its erase: {lost}"));
    }
    let state = match evidence.technique {
        Technique::BlockErase | Technique::CryptoErase | Technique::Overwrite => {
            "it may go on erasing itself, also when its power comes back: connect it again, and `raz drives` calls it \"erasing itself\" until it is done; then erase it anew".into()
        }
        Technique::EnhancedErase => format!(
            "it may still erase itself, and be locked by the password \"{PASSWORD_TEXT}\" when its power comes back: connect it again, `raz unlock` takes the password away, then erase it anew"
        ),
        Technique::Format => {
            "it may still be formatting: connect it again, and erase it anew once `raz drives` shows it with its capacity".into()
        }
    };
    Some(format!("the drive was lost in its erase ({lost}): {state}"))
}

/// This run saw the drive change: under way, or a bit that was off before is on.
fn is_fresh(evidence: &Evidence, after: &Said) -> bool {
    let completed = |said: &Said| match said.state {
        State::Idle { completed } => completed,
        _ => None,
    };
    let turned_on =
        |before: Option<bool>, after: Option<bool>| before == Some(false) && after == Some(true);
    evidence.in_progress_seen > 0
        || turned_on(completed(&evidence.before), completed(after))
        || turned_on(evidence.before.erased_since_write, after.erased_since_write)
}

fn too_fast(evidence: &Evidence) -> Option<String> {
    let (took, patience) = (evidence.took, &evidence.patience);
    let least = match evidence.technique {
        Technique::Overwrite | Technique::EnhancedErase => {
            let bytes = evidence.capacity_bytes as f64;
            bytes / patience.fastest_overwrite.max(1) as f64
        }
        Technique::BlockErase => patience.shortest_block_erase.as_secs_f64(),
        Technique::CryptoErase | Technique::Format => 0.0,
    };
    (took.as_secs_f64() < least).then(|| {
        format!(
            "it took {:.3} s, where no drive of its kind needs less than {least:.1} s",
            took.as_secs_f64()
        )
    })
}

#[cfg(test)]
mod tests;
