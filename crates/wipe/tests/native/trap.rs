//! One way to lie or to fail, what became of it, and short questions to a verdict.

use wipe::native::{Evidence, Technique, Verdict, judge};

/// A drive's lie, and what must come of it.
pub struct Trap<O> {
    /// In the list of traps (docs/traps.md); none for what is only refused.
    pub numbers: &'static [u8],
    pub name: &'static str,
    pub technique: Technique,
    pub options: O,
    /// A part of the reason.
    pub says: &'static str,
}

/// What became of it in a run.
pub struct Run {
    pub numbers: &'static [u8],
    /// The command set.
    pub drive: &'static str,
    pub name: &'static str,
    pub technique: Technique,
    /// All of the verdict: numbers in it differ from run to run.
    pub reasons: String,
    /// The part of it that does not.
    pub says: &'static str,
    /// Old bytes are somewhere in the cells afterwards: the truth.
    pub remained: bool,
}

impl<O> Trap<O> {
    /// Runs it: evidence, and the places where old bytes remain.
    pub fn run(
        self,
        drive: &'static str,
        of: impl FnOnce(O, Technique) -> (Evidence, usize),
    ) -> Run {
        let (evidence, residue) = of(self.options, self.technique);
        Run {
            numbers: self.numbers,
            drive,
            name: self.name,
            technique: self.technique,
            reasons: reasons(&evidence),
            says: self.says,
            remained: residue > 0,
        }
    }
}

impl Run {
    pub fn is_claimed(&self) -> bool {
        self.reasons == CLAIMED
    }

    /// Claimed where that was expected; else not claimed, and for the reason that was expected.
    pub fn assert_expected(&self) {
        let name = format!("{} {:?} {}", self.drive, self.numbers, self.name);
        assert_eq!(
            self.is_claimed(),
            self.says == CLAIMED,
            "{name}: {}",
            self.reasons
        );
        assert!(self.reasons.contains(self.says), "{name}: {}", self.reasons);
    }

    /// Claimed although old bytes remain.
    pub fn assert_invisible(&self) {
        let name = format!("{} {:?} {}", self.drive, self.numbers, self.name);
        assert!(self.remained, "{name}: nothing remained");
        assert!(self.is_claimed(), "{name}: {}", self.reasons);
    }
}

const CLAIMED: &str = "claimed by drive";

pub fn is_claimed(evidence: &Evidence) -> bool {
    matches!(judge(evidence), Verdict::ClaimedByDrive(_))
}

/// The word of the verdict, and all its reasons.
pub fn reasons(evidence: &Evidence) -> String {
    match judge(evidence) {
        Verdict::ClaimedByDrive(_) => CLAIMED.into(),
        Verdict::Refuted(reasons) => format!("refuted: {}", reasons.join("; ")),
        Verdict::Unknown(reasons) => format!("unknown: {}", reasons.join("; ")),
    }
}
