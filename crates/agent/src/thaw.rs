//! Drives that the machine's firmware froze, and what a sleep makes of them.
//!
//! Firmware freezes the security commands of ATA drives at boot, and some the sanitize commands, until
//! their power goes. A sleep takes
//! the power away for a moment; some firmware freezes again on the way back, and some machines come
//! back with a dark screen. So what a drive says afterwards decides, and no password is set on any
//! drive before a person has pressed a key: who sees a dead machine pulls its plug, and a drive in
//! the middle of its erase would stay locked. Where any of this is missing, the drive is overwritten
//! as if it had no such command, and the report says why.

use crate::i18n;
use crate::i18n::Words;
use crate::sleep::{Refusal, Slept};
use crate::survey::Survey;
use drive::discover::Machine;
use drive::facts::DriveFacts;
use std::time::{Duration, Instant};
use wipe::native::Technique;
use wipe::plan::{self, Plan, Wishes};

/// How long raz waits for a key after the machine woke.
pub const KEY_WITHIN: Duration = Duration::from_secs(120);

/// How long drives may take to come back.
pub const BACK_WITHIN: Duration = Duration::from_secs(60);

/// Time between two looks for them.
const LOOK: Duration = Duration::from_secs(1);

/// What a sleep made of one drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thaw {
    /// It is not frozen any more, and a person was there afterwards.
    Thawed,
    /// Its sanitize commands, which need no password, are not frozen any more. Nobody pressed a key.
    SanitizeThawed,
    /// A password could be set, and nobody pressed a key.
    NoKey,
    /// The firmware froze it again.
    FrozenAgain,
    /// It does not say any more whether it is frozen.
    Unanswered,
    /// The machine did not sleep.
    NotSlept(Refusal),
}

impl Thaw {
    /// A password may be set on the drive in this run.
    #[must_use]
    pub fn allows_password(&self) -> bool {
        matches!(self, Self::Thawed)
    }

    /// In a sentence.
    #[must_use]
    pub fn words(&self) -> Words {
        i18n::sleep::thaw(self)
    }
}

/// How the sleep went for the drives of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Night {
    /// The machine slept, or why not.
    pub slept: Result<Slept, Refusal>,
    /// A person pressed a key afterwards.
    pub key: bool,
}

impl Night {
    /// What it made of a drive; `None` for one whose plan it does not touch.
    #[must_use]
    pub fn of(&self, before: &DriveFacts, now: &DriveFacts, wishes: &Wishes) -> Option<Thaw> {
        if gains_sanitize(before, wishes) {
            return Some(self.of_sanitize(now));
        }
        let was_frozen = before.security.frozen == Some(true);
        match (&self.slept, now.security.frozen) {
            (Err(refusal), _) => was_frozen.then(|| Thaw::NotSlept(refusal.clone())),
            (Ok(_), Some(true)) => was_frozen.then_some(Thaw::FrozenAgain),
            // Also a drive that was never frozen: the dark screen is the same.
            (Ok(_), Some(false)) if !self.key && sets_password(now, wishes) => Some(Thaw::NoKey),
            (Ok(_), Some(false)) => was_frozen.then_some(Thaw::Thawed),
            (Ok(_), None) => was_frozen.then_some(Thaw::Unanswered),
        }
    }

    /// Of a drive whose sanitize commands were frozen: a power cut in them costs time, and locks nothing.
    fn of_sanitize(&self, now: &DriveFacts) -> Thaw {
        match (&self.slept, &now.sanitize) {
            (Err(refusal), _) => Thaw::NotSlept(refusal.clone()),
            (Ok(_), _) if now.sanitize_frozen.is_some() => Thaw::FrozenAgain,
            (Ok(_), Err(_)) => Thaw::Unanswered,
            (Ok(_), Ok(_)) if self.key => Thaw::Thawed,
            (Ok(_), Ok(_)) => Thaw::SanitizeThawed,
        }
    }
}

fn sets_password(facts: &DriveFacts, wishes: &Wishes) -> bool {
    let plan = plan::plan(facts, wishes);
    let mut rungs = plan.ladder.iter();
    rungs.any(|rung| rung.technique == Technique::EnhancedErase)
}

/// Not as what is left when the drive refuses its sanitize commands: that is worth no sleep.
fn begins_with_password(facts: &DriveFacts, wishes: &Wishes) -> bool {
    let plan = plan::plan(facts, wishes);
    let first = plan.ladder.first();
    first.is_some_and(|rung| rung.technique == Technique::EnhancedErase)
}

/// The drive has no erase of its own that makes a purge, and were its sanitize commands not frozen, it
/// would.
fn gains_sanitize(facts: &DriveFacts, wishes: &Wishes) -> bool {
    let purges = |facts: &DriveFacts| {
        let plan = plan::plan(facts, wishes);
        plan.ladder.iter().any(|rung| rung.is_purge)
    };
    let Some(offered) = facts.sanitize_frozen else {
        return false;
    };
    let thawed = DriveFacts {
        sanitize: Ok(offered),
        sanitize_frozen: None,
        ..facts.clone()
    };
    !purges(facts) && purges(&thawed)
}

/// The drive is frozen, and were it not, it would erase itself by its security commands, or by those of
/// sanitize.
#[must_use]
pub fn gains(facts: &DriveFacts, wishes: &Wishes) -> bool {
    if gains_sanitize(facts, wishes) {
        return true;
    }
    let mut thawed = facts.clone();
    thawed.security.frozen = Some(false);
    facts.security.frozen == Some(true) && begins_with_password(&thawed, wishes)
}

/// A key is worth waiting for: one of the drives would have a password set.
#[must_use]
pub fn needs_key<'a>(drives: impl IntoIterator<Item = &'a DriveFacts>, wishes: &Wishes) -> bool {
    let mut drives = drives.into_iter();
    drives.any(|facts| sets_password(facts, wishes))
}

/// The plan of a drive after a sleep, or without one.
#[must_use]
pub fn planned(facts: &DriveFacts, wishes: &Wishes, thaw: Option<&Thaw>) -> Plan {
    let wishes = Wishes {
        passwords: wishes.passwords && thaw.is_none_or(Thaw::allows_password),
        ..*wishes
    };
    plan::plan(facts, &wishes)
}

/// All drives anew, when each of `wanted` is there again, under whatever name.
///
/// # Errors
/// One of them is not, within `patience`: drive first.
pub fn back(
    machine: &Machine,
    names: &[String],
    wanted: &[DriveFacts],
    patience: Duration,
) -> Result<Survey, String> {
    let end = Instant::now() + patience;
    loop {
        let survey = Survey::take(machine, names);
        let missing = wanted
            .iter()
            .find(|before| same(&survey.drives, before).is_none());
        match missing {
            None => return Ok(survey),
            Some(before) if Instant::now() >= end => {
                return Err(format!(
                    "{}: did not come back as it was after the machine slept; switch it off and begin again",
                    before.path.display()
                ));
            }
            Some(_) => std::thread::sleep(LOOK),
        }
    }
}

/// The one drive that is the same as before. What is known by its place alone must not have been
/// taken out of it.
#[must_use]
pub fn same<'a>(drives: &'a [DriveFacts], before: &DriveFacts) -> Option<&'a DriveFacts> {
    let stayed = |now: &DriveFacts| {
        !before.identity.is_path_only()
            || (before.disk_sequence.is_some() && now.disk_sequence == before.disk_sequence)
    };
    let mut same = drives.iter().filter(|now| {
        now.identity == before.identity
            && now.capacity_bytes == before.capacity_bytes
            && now.silent == before.silent
            && stayed(now)
    });
    same.next().filter(|_| same.next().is_none())
}
