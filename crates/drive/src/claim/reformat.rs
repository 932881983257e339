//! The reformat of a SCSI disk that Linux does not drive: a claim that writes no block.
//!
//! The kernel gives such a disk a capacity of 0 and carries commands to it all the same, through the
//! same node. The commands are the caller's; what counts afterwards is what the disk says when it is
//! asked anew, and then an ordinary erasure.

use super::{Checks, ClaimError, Claimed, Consent, claim_where};
use crate::facts::{DriveFacts, OwnErase};
use crate::identity::{Identity, IdentityLost};
use crate::linux::LinuxPort;
use crate::refusal::Refusal;
use crate::trace::Traced;

/// A disk held exclusively, to be formatted anew. Let go when it is dropped.
#[derive(Debug)]
pub struct Reformattable(Claimed);

/// Claims a drive as [`super::claim`] does, and lets two refusals pass: that the kernel does not drive
/// its blocks, and that its format is not whole. One of them must be there.
///
/// # Errors
/// Each other reason not to touch it. Nothing was sent to it but questions.
pub fn claim_for_reformat(
    facts: &DriveFacts,
    consent: &Consent,
    checks: &Checks<'_>,
) -> Result<Reformattable, ClaimError> {
    let claimed = claim_where(facts, consent, checks, stands_against_reformat)?;
    if is_needed(&claimed.facts) {
        return Ok(Reformattable(claimed));
    }
    Err(ClaimError::Changed {
        drive: claimed.facts.path.display().to_string(),
        what: "is formatted as Linux drives it".into(),
    })
}

/// Whether a refusal counts against a reformat, too.
#[must_use]
pub fn stands_against_reformat(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::UnservedBlocks { .. } => false,
        Refusal::OwnErase { of, .. } => !of.is_of_format(),
        _ => true,
    }
}

/// Whether it stands in the way of an erasure how the disk is formatted.
#[must_use]
pub fn is_needed(facts: &DriveFacts) -> bool {
    facts.own_erase.is_some_and(OwnErase::is_of_format)
        || crate::refusal::unserved_blocks(facts).is_some()
}

impl Reformattable {
    /// The facts as read through the claim.
    #[must_use]
    pub fn facts(&self) -> &DriveFacts {
        self.0.facts()
    }

    /// As [`Claimed::recheck_identity`].
    ///
    /// # Errors
    /// As there.
    pub fn recheck_identity(&self) -> Result<Identity, IdentityLost> {
        self.0.recheck_identity()
    }

    /// The disk's control path, through the descriptor that holds it.
    #[must_use]
    pub fn port(&self) -> Traced<LinuxPort> {
        self.0.port()
    }
}
