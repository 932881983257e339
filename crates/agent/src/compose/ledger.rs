//! A mark with its heading in the words of the ledger's document.

use super::erasure::pass_kind;
use crate::ledger::Heading;
use report::ledger::{Ledger, SCHEMA};
use wipe::ledger::Mark;
use wipe::pattern::CONTEXT;

/// The document of a mark.
#[must_use]
pub fn ledger(heading: &Heading, sequence: u64, mark: &Mark) -> Ledger {
    Ledger {
        schema: SCHEMA.into(),
        sequence,
        identity: heading.identity.clone(),
        capacity_bytes: heading.capacity_bytes,
        logical_sector_bytes: heading.logical_sector_bytes,
        derivation: CONTEXT.into(),
        seed: hex::encode(heading.seed.0),
        cipher: heading.cipher.name().into(),
        passes: heading.passes.iter().copied().map(pass_kind).collect(),
        begun: heading.begun.clone(),
        runs_before: heading.runs_before,
        mark_bytes: mark.mark_bytes,
        holes: mark
            .holes
            .iter()
            .map(|hole| [hole.start, hole.end])
            .collect(),
    }
}
