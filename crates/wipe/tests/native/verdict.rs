//! Short questions to a verdict.

use wipe::native::{Evidence, Verdict, judge};

pub fn is_claimed(evidence: &Evidence) -> bool {
    matches!(judge(evidence), Verdict::ClaimedByDrive(_))
}

/// The word of the verdict, and all its reasons.
pub fn reasons(evidence: &Evidence) -> String {
    match judge(evidence) {
        Verdict::ClaimedByDrive(_) => "claimed by drive".into(),
        Verdict::Refuted(reasons) => format!("refuted: {}", reasons.join("; ")),
        Verdict::Unknown(reasons) => format!("unknown: {}", reasons.join("; ")),
    }
}
