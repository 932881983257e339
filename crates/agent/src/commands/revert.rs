//! `raz revert`: a drive that TCG locks is opened with the PSID from its label, and loses its data.
//!
//! What the drive answers to the revert proves nothing. It is asked anew how it is locked, and an
//! ordinary erasure follows.

use super::{Status, drives, one_drive};
use crate::cli;
use crate::output::{printable, say, tell};
use drive::claim::revert::{RevertError, claim_for_revert, stands_against_revert};
use drive::facts::{DriveFacts, Tcg};
use drive::tcg::Psid;
use std::io::Read;

/// Most that is read of what is typed or scanned.
const LINE_BYTES_MAX: u64 = 1024;

/// Runs `raz revert`.
///
/// # Errors
/// None of its own: what speaks against it is told, and ends in a status.
pub fn revert(arguments: &cli::Revert) -> anyhow::Result<Status> {
    let named = one_drive::named(
        &arguments.drive,
        &arguments.confirm,
        arguments.networked,
        stands_against_revert,
        |facts, _| against(facts),
    );
    let one = match named {
        Ok(one) => one,
        Err(status) => return Ok(status),
    };
    let facts = &one.facts;
    let path = facts.path.display();
    tell!(
        "{}\nALL DATA ON THIS DRIVE WILL BE LOST. Type or scan the PSID from its label (32 letters and digits), then Enter; Ctrl-C leaves it as it is:",
        drives::line(facts)
    );
    let psid = match Psid::parse(&line()?) {
        Ok(psid) => psid,
        Err(error) => {
            tell!("{error}\nnothing was sent to the drive");
            return Ok(Status::Usage);
        }
    };
    let claimed = match one.claimed(claim_for_revert) {
        Ok(claimed) => claimed,
        Err(status) => return Ok(status),
    };
    let answer = claimed.revert(&psid);
    drop(claimed);
    let now = one.machine.listed(&facts.name);
    let (status, words) = concluded(facts, &psid, answer, now.as_ref());
    let words = printable(&words);
    match status {
        Status::Proven => say!("{path}: {words}"),
        _ => tell!("{path}: {words}"),
    }
    Ok(status)
}

/// A line of standard input, or all of it; a barcode reader types and ends with Enter.
fn line() -> std::io::Result<String> {
    let mut bytes = Vec::new();
    for byte in std::io::stdin().lock().take(LINE_BYTES_MAX).bytes() {
        let byte = byte?;
        if byte == b'\n' {
            break;
        }
        bytes.push(byte);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Why a revert would destroy data for nothing, or data that nobody named.
fn against(facts: &DriveFacts) -> Vec<String> {
    let reaches_more = facts.alone.as_ref().err().map(|others| {
        format!(
            "{others}; they would go with it, and nobody confirmed that; to do: have the drive destroyed"
        )
    });
    let reasons = [unneeded(&facts.tcg), reaches_more];
    reasons.into_iter().flatten().collect()
}

/// Why a revert would destroy data for nothing.
fn unneeded(tcg: &Tcg) -> Option<String> {
    match tcg {
        Tcg::Absent => Some("it tells of no TCG locking; to do: erase it with `raz wipe`".into()),
        Tcg::Unknown { reason } => Some(format!(
            "it does not tell how TCG locks it ({reason}); to do: attach it directly to a machine that runs raz's image"
        )),
        Tcg::Told(told) => match told.locking {
            Some(locking) if locking.enabled || locking.hides_medium() => None,
            Some(_) | None => {
                Some("its TCG locking is not in use; to do: erase it with `raz wipe`".into())
            }
        },
    }
}

/// What is said of the drive: by how it is locked now, whatever it answered.
fn concluded(
    before: &DriveFacts,
    psid: &Psid,
    answer: Result<(), RevertError>,
    now: Option<&DriveFacts>,
) -> (Status, String) {
    let answered = match &answer {
        Ok(()) => "it answered that it is reverted".to_owned(),
        Err(error) => {
            let source = std::error::Error::source(error);
            let source = source.map_or_else(String::new, |source| format!(" ({source})"));
            format!("{error}{source}")
        }
    };
    let Some(now) = now.filter(|now| now.silent.is_none() && now.identity == before.identity)
    else {
        return (
            Status::NotProven,
            format!(
                "{answered}, and it does not say who it is any more; to do: switch the machine off and on, then list the drives again"
            ),
        );
    };
    let Tcg::Told(told) = &now.tcg else {
        return (
            Status::NotProven,
            format!(
                "{answered}, and it does not tell any more how it is locked; to do: switch the machine off and on, then list the drives again"
            ),
        );
    };
    let is_in_use = told
        .locking
        .is_none_or(|locking| locking.enabled || locking.hides_medium());
    match (answer, is_in_use) {
        (Ok(()), false) => (
            Status::Proven,
            "not locked any more: its TCG locking is as from the factory. That proves no erasure: erase it now with `raz wipe`".into(),
        ),
        // Somebody else's doing; what was asked for is so, and nothing is claimed of the data.
        (Err(_), false) => (
            Status::NotProven,
            format!("{answered}, and yet it is not locked any more; to do: erase it with `raz wipe`"),
        ),
        (Ok(()), true) => (
            Status::NotProven,
            format!("STILL LOCKED, although {answered}; to do: switch the machine off and on and look again; if it stays so, destroy the drive"),
        ),
        (Err(error), true) => {
            let mut words = format!("STILL LOCKED: {answered}");
            if let Some(hint) = hint(&error, psid, told.block_sid.is_some_and(|block| block.sid_blocked)) {
                words.push_str("; to do: ");
                words.push_str(hint);
            }
            (Status::NotProven, words)
        }
    }
}

/// What a person can do about a revert that was not carried out.
fn hint(error: &RevertError, psid: &Psid, sid_blocked: bool) -> Option<&'static str> {
    const BLOCKED: &str = "the computer's firmware has blocked the drive's passwords (Block SID): turn that off in its setup, or revert the drive in another computer";
    match error {
        RevertError::NotAuthorized if psid.has_small_letters() => {
            Some("type the letters as the label has them, capitals as a rule")
        }
        RevertError::NotAuthorized => Some(
            "read the label once more (O and 0, I and 1, B and 8): after a few wrong ones the drive takes none until its power goes",
        ),
        RevertError::LockedOut => Some("switch the machine off and on, then try again"),
        RevertError::Method(_) | RevertError::Transport(_) | RevertError::Kernel(_)
            if sid_blocked =>
        {
            Some(BLOCKED)
        }
        RevertError::NoKernel => Some("run raz from its image"),
        RevertError::NotServed => Some(
            "attach the drive directly, without a bridge or RAID controller; a drive of another class (Pyrite, Ruby, Enterprise) cannot be reverted here: destroy it",
        ),
        RevertError::Method(_) | RevertError::Transport(_) | RevertError::Kernel(_) => None,
    }
}

#[cfg(test)]
mod tests;
