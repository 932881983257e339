//! The revert of a drive that TCG locks: a claim that can do nothing else.
//!
//! The kernel speaks the session (`sys::sed`). A revert replaces the media key, as the drive says, and
//! proves nothing: what counts afterwards is what Level 0 discovery says, and then an ordinary erasure.

use super::{Checks, ClaimError, Claimed, Consent, claim_where};
use crate::facts::DriveFacts;
use crate::refusal::Refusal;
use crate::tcg::Psid;
use std::io;
use std::os::fd::AsFd;

/// Method statuses (TCG Core 2.01, 5.1.5).
const NOT_AUTHORIZED: u32 = 0x01;
const AUTHORITY_LOCKED_OUT: u32 = 0x12;
const METHOD_STATUS_MAX: u32 = 0x3F;

/// The kernel's own `ENOTSUPP`, which it lets out here.
const ENOTSUPP: i32 = 524;

/// A drive held exclusively, to be reverted and for nothing else. Let go when it is dropped.
#[derive(Debug)]
pub struct Revertible(Claimed);

/// Why a drive was not reverted.
#[derive(Debug, thiserror::Error)]
pub enum RevertError {
    /// The drive does not know this PSID.
    #[error("the drive does not take this PSID")]
    NotAuthorized,
    /// Too many wrong ones.
    #[error("the drive takes no PSID any more until its power goes: too many were wrong")]
    LockedOut,
    /// Another answer of the drive.
    #[error("the drive refused with method status {0:02X}h")]
    Method(u32),
    /// The transport's answer.
    #[error("the command was refused with status {0:X}h")]
    Transport(u32),
    /// The kernel has no such request.
    #[error("this kernel cannot revert drives (it has no sed-opal)")]
    NoKernel,
    /// The kernel has it, and not for this drive.
    #[error(
        "the kernel speaks no TCG with this drive: it does so with Opal drives that are SATA or NVMe and attached directly"
    )]
    NotServed,
    /// The kernel did not carry it.
    #[error("the kernel did not carry the revert")]
    Kernel(#[source] io::Error),
}

/// Claims a drive as [`super::claim`] does, and lets one refusal pass: that TCG locks it. A drive with other
/// namespaces is not claimed, since a revert is of them all.
///
/// # Errors
/// Each other reason not to touch it. Nothing was sent to it but questions.
pub fn claim_for_revert(
    facts: &DriveFacts,
    consent: &Consent,
    checks: &Checks<'_>,
) -> Result<Revertible, ClaimError> {
    let claimed = claim_where(facts, consent, checks, stands_against_revert)?;
    match claimed.facts.alone.clone() {
        Ok(()) => Ok(Revertible(claimed)),
        Err(what) => Err(ClaimError::ReachesMore {
            drive: claimed.facts.path.display().to_string(),
            what,
        }),
    }
}

/// Whether a refusal counts against a revert, too.
#[must_use]
pub fn stands_against_revert(refusal: &Refusal) -> bool {
    !matches!(refusal, Refusal::TcgLocked { .. })
}

impl Revertible {
    /// The facts as read through the claim.
    #[must_use]
    pub fn facts(&self) -> &DriveFacts {
        self.0.facts()
    }

    /// Reverts the drive: ALL ITS DATA is gone where it encrypts. Blocks as long as the drive takes.
    ///
    /// # Errors
    /// Why it was not, as far as the kernel tells.
    pub fn revert(&self, psid: &Psid) -> Result<(), RevertError> {
        let fd = self.0.fd.as_fd();
        outcome(sys::sed::revert_by_psid(fd, psid.as_bytes()))?;
        // What the kernel has in memory of the drive is from before; that it has not is no fault.
        let _ = sys::block::flush_buffers(fd);
        let _ = sys::block::reread_partitions(fd);
        Ok(())
    }
}

/// What the kernel's answer means.
fn outcome(answer: io::Result<u32>) -> Result<(), RevertError> {
    let error = match answer {
        Ok(0) => return Ok(()),
        Ok(NOT_AUTHORIZED) => return Err(RevertError::NotAuthorized),
        Ok(AUTHORITY_LOCKED_OUT) => return Err(RevertError::LockedOut),
        Ok(status @ ..=METHOD_STATUS_MAX) => return Err(RevertError::Method(status)),
        Ok(status) => return Err(RevertError::Transport(status)),
        Err(error) => error,
    };
    Err(match error.raw_os_error() {
        Some(libc::ENOTTY | libc::EINVAL) => RevertError::NoKernel,
        Some(libc::EOPNOTSUPP | ENOTSUPP) => RevertError::NotServed,
        Some(_) | None => RevertError::Kernel(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_of_the_kernel_has_its_meaning_and_only_zero_is_success() {
        let errno = |number| Err(io::Error::from_raw_os_error(number));
        assert!(outcome(Ok(0)).is_ok());
        for (answer, words) in [
            (Ok(0x01), "does not take this PSID"),
            (Ok(0x12), "until its power goes"),
            (Ok(0x0C), "method status 0Ch"),
            (Ok(0x4002), "status 4002h"),
            (errno(libc::ENOTTY), "this kernel cannot"),
            (errno(libc::EINVAL), "this kernel cannot"),
            (errno(libc::EOPNOTSUPP), "attached directly"),
            (errno(524), "attached directly"),
            (errno(libc::EIO), "did not carry"),
        ] {
            let error = outcome(answer).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
