//! `raz reformat`: a SAS disk of a storage array gets blocks that Linux drives, and loses its data.
//!
//! What the disk says of its format proves no erasure; an ordinary one follows. The disk formats by
//! itself, so that a person may end the waiting, and wait again by the same command.

use super::{Status, drives, signals};
use crate::cli;
use crate::compose;
use crate::output::{self, printable, say, tell};
use crate::survey::Survey;
use drive::claim::reformat::{
    Reformattable, claim_for_reformat, is_needed, stands_against_reformat,
};
use drive::claim::{Checks, Consent, ConsentSource};
use drive::discover::Machine;
use drive::facts::{DriveFacts, OwnErase};
use drive::identity::IdentityLost;
use drive::refusal::PlanKind;
use drive::rescan::rescan;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use wipe::native::Surroundings;
use wipe::reformat::{Failure, Patience, Reformatted, percent, run};

/// How long a disk may take to come back with its capacity.
const BACK: Duration = Duration::from_secs(60);

/// How soon a signal is seen.
const GLANCE: Duration = Duration::from_millis(200);

/// Runs `raz reformat`.
///
/// # Errors
/// Signals that cannot be watched.
pub fn reformat(arguments: &cli::Reformat) -> anyhow::Result<Status> {
    let machine = Machine::this();
    let names = std::slice::from_ref(&arguments.drive);
    let survey = Survey::take(&machine, names);
    let facts = match survey.named(&machine, names) {
        Ok(named) => named.into_iter().next().cloned(),
        Err(error) => {
            tell!("{error:#}");
            return Ok(Status::Usage);
        }
    };
    let Some(facts) = facts else {
        tell!("{}: no such drive", printable(&arguments.drive));
        return Ok(Status::Usage);
    };
    let kind = PlanKind {
        unattended: false,
        several: false,
        removable_allowed: true,
        networked_allowed: false,
    };
    let path = facts.path.display();
    let mut against: Vec<String> = survey
        .refusals(&facts, &[], kind)
        .iter()
        .filter(|refusal| stands_against_reformat(refusal))
        .map(compose::refusal)
        .collect();
    against.extend(unneeded(&facts));
    against.extend(sibling(&facts, &survey.drives));
    if !facts.identity.id().eq_ignore_ascii_case(&arguments.confirm) {
        against.push("its id was not confirmed; to do: look it up with `raz drives` and give it with --confirm".into());
    }
    if !against.is_empty() {
        output::tell_if_not_root();
        for reason in against {
            tell!("{path}: refused: {}", printable(&reason));
        }
        tell!("nothing was sent to the drive");
        return Ok(Status::Refused);
    }
    let checks = Checks {
        machine: &machine,
        all: &survey.drives,
        kept: &[],
        plan: kind,
    };
    let consent = Consent {
        id: facts.identity.id(),
        source: ConsentSource::CommandLine,
    };
    let claimed = match claim_for_reformat(&facts, &consent, &checks) {
        Ok(claimed) => claimed,
        Err(error) => {
            let error = format!("{:#}", anyhow::Error::from(error));
            tell!("{}\nnothing was sent to the drive", printable(&error));
            return Ok(Status::Refused);
        }
    };
    let facts = claimed.facts().clone();
    tell!(
        "{}\n{}. ALL DATA ON THIS DRIVE WILL BE LOST. Leave its power on.",
        drives::line(&facts),
        match facts.own_erase {
            Some(OwnErase::Formatting { .. }) => "It is being formatted, and raz waits for the end",
            _ => "It is formatted anew, which takes hours",
        }
    );
    let stop = signals::stop_flag()?;
    let outcome = run(
        &claimed.port(),
        &Door {
            claimed: &claimed,
            stop: &stop,
            begun: Instant::now(),
            shown: AtomicU32::new(u32::MAX),
        },
        &Patience::default(),
    );
    // The kernel looks at no drive anew that is held.
    drop(claimed);
    let done = match outcome {
        Ok(done) => done,
        Err(failure) => {
            let words = format!(
                "{}: {failure}; to do: {}",
                facts.path.display(),
                failure.remedy()
            );
            tell!("{}", printable(&words));
            return Ok(match failure {
                Failure::NotBegun(_) => Status::Refused,
                _ => Status::NotProven,
            });
        }
    };
    match rescan(&machine, &facts, done.after.bytes(), BACK) {
        Ok((now, _)) => {
            say!("{}: {}", now.path.display(), printable(&words(&done, &now)));
            Ok(Status::Proven)
        }
        Err(error) => {
            let error = format!("{:#}", anyhow::Error::from(error));
            tell!(
                "{path}: formatted, and Linux does not drive it yet: {}; to do: switch the machine off and on, and list the drives",
                printable(&error)
            );
            Ok(Status::NotProven)
        }
    }
}

/// What is said of a disk that has its new blocks.
fn words(done: &Reformatted, now: &DriveFacts) -> String {
    let seen = match done.was_under_way {
        true => "",
        false => " It was done at once, as no disk is",
    };
    format!(
        "{} blocks of {} bytes now, by its own word.{seen} That proves no erasure: erase it now with `raz wipe` ({})",
        done.after.blocks,
        done.after.block_bytes,
        now.identity.id()
    )
}

/// Why a format would destroy data for nothing.
fn unneeded(facts: &DriveFacts) -> Option<String> {
    if is_needed(facts) {
        return None;
    }
    // Other refusals say it better.
    (facts.capacity_bytes > 0)
        .then(|| "it is formatted as Linux drives it; to do: erase it with `raz wipe`".to_owned())
}

/// FORMAT UNIT of one unit may be of the whole drive (disks with two actuators).
fn sibling(facts: &DriveFacts, all: &[DriveFacts]) -> Option<String> {
    let serial = facts.identity.serial.as_deref()?;
    let other = all.iter().find(|other| {
        other.path != facts.path
            && other
                .identity
                .serial
                .as_deref()
                .is_some_and(|other| other.eq_ignore_ascii_case(serial))
    })?;
    Some(format!(
        "{} has the same serial: a format could reach it, and nobody confirmed that; to do: unplug it if it is another drive, else have the drive destroyed",
        other.path.display()
    ))
}

struct Door<'a> {
    claimed: &'a Reformattable,
    stop: &'a AtomicBool,
    begun: Instant,
    /// Percent that were shown last.
    shown: AtomicU32,
}

impl Surroundings for Door<'_> {
    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn pause(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        while !self.stop.load(Ordering::Relaxed) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(GLANCE));
        }
        false
    }

    fn progress(&self, part: u16) {
        let percent = percent(part);
        if self.shown.swap(percent, Ordering::Relaxed) != percent {
            let minutes = self.begun.elapsed().as_secs() / 60;
            tell!(
                "formatting: {percent} %, {} h {:02} min so far",
                minutes / 60,
                minutes % 60
            );
        }
    }

    fn recheck_identity(&self) -> Result<(), IdentityLost> {
        self.claimed.recheck_identity().map(|_| ())
    }
}

#[cfg(test)]
mod tests;
