//! What is said of a run that went on from a ledger, beside its conclusion.

use super::{OutcomeWord, Run, conclusion};
use wipe::outcome::Resumed;

/// What came of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resumption {
    /// The bytes that it names were not written again, and this run read back every byte.
    Proven {
        /// When the first run began.
        begun: String,
        /// Runs that wrote, this one included.
        runs: u64,
    },
    /// The bytes that it names were not written again, and nothing is proven.
    Unproven {
        /// When the first run began.
        begun: String,
    },
    /// What was read of them first differs, or could not be read: all of the drive was to be written.
    Untrue {
        /// When the first run began.
        begun: String,
    },
}

/// Of a run that went on from a ledger; `None` also when it was stopped before that showed.
#[must_use]
pub fn resumption(run: &Run) -> Option<Resumption> {
    let begun = run.earlier.as_ref()?.begun.clone();
    let resumed = run.outcome.passes.first()?.resumed.as_ref()?;
    let Resumed {
        taken_over_bytes,
        recall,
        ..
    } = resumed;
    if *taken_over_bytes == 0 {
        let differs = recall.mismatch_bytes > 0 || recall.first_read_error.is_some();
        return differs.then_some(Resumption::Untrue { begun });
    }
    match conclusion(&run.outcome.conclusion).0 {
        OutcomeWord::Verified => Some(Resumption::Proven {
            begun,
            runs: run.earlier.as_ref()?.runs.saturating_add(1),
        }),
        OutcomeWord::Sampled
        | OutcomeWord::WrittenNotChecked
        | OutcomeWord::NotComplete
        | OutcomeWord::NotStarted => Some(Resumption::Unproven { begun }),
    }
}

impl Resumption {
    /// For reports, events and the command line.
    #[must_use]
    pub fn english(&self) -> String {
        match self {
            Self::Proven { begun, runs } => format!(
                "it was written in {runs} runs, the first begun {begun}, and this run read back every byte"
            ),
            Self::Unproven { begun } => {
                format!(
                    "this run went on from one begun {begun}, whose bytes it did not write again"
                )
            }
            Self::Untrue { begun } => format!(
                "what the ledger of a run begun {begun} says was not on the drive, so this run wrote all of it"
            ),
        }
    }
}
