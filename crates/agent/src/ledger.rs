//! The ledger of an erasure under way: what is kept of a run that a power cut may end, and whether
//! a drive's next run goes on from it.
//!
//! A ledger is believed for one thing only: which bytes need not be written again (`wipe::ledger`).
//! So what is checked here is that it is of this drive and that this machine can go on with it, and
//! not that it is true. One that does not fit costs nothing but time: a fresh run begins.
//!
//! Where it is kept is [`folder`]'s on the command line and [`service`]'s in a session.

pub mod folder;
pub mod service;

use crate::compose;
use drive::facts::DriveFacts;
use report::ledger::Ledger;
use report::schema;
use std::sync::Arc;
use std::time::SystemTime;
use wipe::ledger::{Journal, Mark};
use wipe::outcome::{ByteRange, Conclusion, Outcome, PassKind, Shortfall};
use wipe::pattern::{Backend, CONTEXT, Cipher, Seed, SeedError};

/// How a drive's run begins: with a pattern of its own, or with that of an earlier run.
#[derive(Clone)]
pub struct Start {
    /// Input of the pattern.
    pub seed: Seed,
    /// Cipher of the pattern.
    pub cipher: Cipher,
    /// What an earlier run has written, when this one goes on from it.
    pub resumes: Option<Resumes>,
    /// Where this run's marks go.
    pub journal: Option<Arc<dyn Journal>>,
}

/// What a run goes on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumes {
    /// What is said to be written.
    pub mark: Mark,
    /// The runs before.
    pub earlier: Earlier,
}

/// The runs before this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// When the first of them began; RFC 3339.
    pub begun: String,
    /// How many they were, as the ledger says: at least one.
    pub runs: u64,
}

impl Resumes {
    /// How much of a drive of this size is said to be written; 100 only for all of it.
    #[must_use]
    pub fn percent(&self, capacity_bytes: u64) -> u128 {
        u128::from(self.mark.written_bytes()) * 100 / u128::from(capacity_bytes.max(1))
    }

    /// What is about to be gone on with, for a drive of this size.
    #[must_use]
    pub fn words(&self, capacity_bytes: u64) -> String {
        format!(
            "resumes an erasure begun {}: {} % is said to be written; every byte will be read back",
            self.earlier.begun,
            self.percent(capacity_bytes)
        )
    }
}

/// All of a ledger but its mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// The identity that was confirmed, as the report records it.
    pub identity: String,
    /// The drive's capacity.
    pub capacity_bytes: u64,
    /// Its logical sector.
    pub logical_sector_bytes: u32,
    /// Input of the pattern.
    pub seed: Seed,
    /// Cipher of the pattern.
    pub cipher: Cipher,
    /// The run's passes.
    pub passes: Vec<PassKind>,
    /// When the first run began; RFC 3339.
    pub begun: String,
    /// Runs before this one.
    pub runs_before: u64,
}

/// What becomes of a drive's ledger when a run of it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// The run did not reach its end: another one goes on from it.
    Stays,
    /// The run reached its end, and what it says counts once the report is where nothing takes it.
    /// Until then another run costs a read-back instead of an erasure.
    EndsWithReport,
    /// The run reached its end, and the same would come of another one: it is not begun unasked.
    Ends,
}

/// What becomes of the ledger after this outcome.
#[must_use]
pub fn after(outcome: &Outcome) -> After {
    let cut_off = |shortfall: &Shortfall| match shortfall {
        Shortfall::Interrupted | Shortfall::Stalled { .. } | Shortfall::Vanished => true,
        // What was written since the last look at the identity may be on the other drive.
        Shortfall::IdentityChanged { .. }
        | Shortfall::WriteErrors { .. }
        | Shortfall::ReadErrors { .. }
        | Shortfall::Mismatch { .. }
        | Shortfall::FlushFailed { .. }
        | Shortfall::ByteCount { .. }
        | Shortfall::Other(_) => false,
    };
    match &outcome.conclusion {
        Conclusion::Verified(_) | Conclusion::SampleVerified(_) | Conclusion::WrittenNotChecked => {
            After::EndsWithReport
        }
        // Nothing goes on from what a second pass wrote over.
        Conclusion::NotComplete(_) if outcome.passes.len() > 1 => After::Ends,
        Conclusion::NotComplete(shortfalls) if shortfalls.iter().any(cut_off) => After::Stays,
        Conclusion::NotComplete(_) => After::Ends,
        Conclusion::NotStarted(_) => After::Stays,
    }
}

/// Whether a ledger may be kept of this drive at all.
///
/// # Errors
/// Why not, in words: of a drive that is known by its slot alone, any other drive in such a slot
/// would go by the same name, here or on another machine.
pub fn may_be_kept(facts: &DriveFacts) -> Result<(), String> {
    match facts.identity.is_path_only() {
        true => Err("the drive says neither serial nor name, and is known by its slot only".into()),
        false => Ok(()),
    }
}

impl Start {
    /// A run from the first byte, with a new seed and the cipher for this CPU.
    ///
    /// # Errors
    /// No random seed is to be had.
    pub fn fresh() -> Result<Self, SeedError> {
        Ok(Self {
            seed: Seed::random()?,
            cipher: Cipher::for_this_cpu(),
            resumes: None,
            journal: None,
        })
    }

    /// A run of this drive that goes on from `ledger`, whatever its own passes after the first are.
    ///
    /// # Errors
    /// Why it cannot, in words that name what the ledger says.
    pub fn resumed(ledger: &Ledger, facts: &DriveFacts) -> Result<Self, String> {
        may_be_kept(facts)?;
        let identity = facts.identity.recorded();
        if ledger.identity != identity {
            let other = &ledger.identity;
            return Err(format!("it is of another drive, {other}"));
        }
        let (capacity, sector) = (facts.capacity_bytes, facts.logical_sector_bytes);
        if ledger.capacity_bytes != capacity || ledger.logical_sector_bytes != sector {
            return Err(format!(
                "it is of a drive of {} bytes in sectors of {}, and this one has {capacity} in sectors of {sector}",
                ledger.capacity_bytes, ledger.logical_sector_bytes
            ));
        }
        if ledger.derivation != CONTEXT {
            let derivation = &ledger.derivation;
            return Err(format!(
                "its pattern is derived by {derivation:?}, which this version does not know"
            ));
        }
        let cipher = Cipher::from_name(&ledger.cipher)
            .filter(|cipher| Backend::fastest(*cipher).is_ok())
            .ok_or_else(|| format!("this machine cannot compute {:?}", ledger.cipher))?;
        if ledger.passes.first() != Some(&schema::PassKind::Pattern) {
            return Err("its first pass is not one of the keyed pattern".into());
        }
        let seed = hex::decode(&ledger.seed)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or("its seed is not 32 bytes in hexadecimal")?;
        let mark = mark(ledger)?;
        mark.check(capacity, sector)?;
        if mark.written_bytes() == 0 {
            return Err("nothing is said to be written".into());
        }
        Ok(Self {
            seed: Seed(seed),
            cipher,
            resumes: Some(Resumes {
                mark,
                earlier: Earlier {
                    begun: ledger.begun.clone(),
                    runs: ledger.runs_before.saturating_add(1),
                },
            }),
            journal: None,
        })
    }

    /// The runs before this one, if it goes on from one.
    #[must_use]
    pub fn earlier(&self) -> Option<Earlier> {
        self.resumes.as_ref().map(|resumes| resumes.earlier.clone())
    }

    /// What a ledger of this run says besides its marks.
    #[must_use]
    pub fn heading(&self, facts: &DriveFacts, passes: &[PassKind]) -> Heading {
        let earlier = self.earlier();
        let (begun, runs_before) = match earlier {
            Some(Earlier { begun, runs }) => (begun, runs),
            None => (compose::time(SystemTime::now()), 0),
        };
        Heading {
            identity: facts.identity.recorded(),
            capacity_bytes: facts.capacity_bytes,
            logical_sector_bytes: facts.logical_sector_bytes,
            seed: self.seed,
            cipher: self.cipher,
            passes: passes.to_vec(),
            begun,
            runs_before,
        }
    }
}

/// The ledger's mark. A hole that ends before it begins has no length, and so no form of ours.
fn mark(ledger: &Ledger) -> Result<Mark, String> {
    let hole = |[start, end]: &[u64; 2]| match start < end {
        true => Ok(ByteRange {
            start: *start,
            end: *end,
        }),
        false => Err(format!("a hole from byte {start} to {end}")),
    };
    Ok(Mark {
        mark_bytes: ledger.mark_bytes,
        holes: ledger.holes.iter().map(hole).collect::<Result<_, _>>()?,
    })
}
