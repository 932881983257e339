//! `raz sleep`: tries whether this machine can sleep and wake, and whether that thaws its drives.

use super::Status;
use crate::i18n;
use crate::output::{self, printable, say, tell};
use crate::sleep::{self, Linux, Refusal};
use crate::survey::Survey;
use crate::thaw::{self, BACK_WITHIN};
use drive::discover::Machine;
use drive::facts::DriveFacts;

/// Runs `raz sleep`.
///
/// # Errors
/// None of its own: why the machine does not sleep is told, and ends in a status.
pub fn sleep() -> anyhow::Result<Status> {
    output::tell_if_not_root();
    let machine = Machine::this();
    let before = Survey::take(&machine, &[]).drives;
    tell!("proving that the clock's alarm goes off...");
    let slept = sleep::through(&Linux::default(), &before, || {
        for words in i18n::sleep::before() {
            tell!("{}", words.english);
        }
    });
    let slept = match slept {
        Ok(slept) => slept,
        Err(refusal) => {
            let why = i18n::sleep::refusal(&refusal).english;
            tell!("the machine did not sleep: {}", printable(&why));
            return Ok(match matches!(refusal, Refusal::InUse { .. }) {
                true => Status::Refused,
                false => Status::NotProven,
            });
        }
    };
    say!(
        "slept for {} s and woke; listing the drives again",
        slept.time.as_secs()
    );
    let after = match thaw::back(&machine, &[], &before, BACK_WITHIN) {
        Ok(survey) => survey.drives,
        Err(why) => {
            tell!("{}", printable(&why));
            return Ok(Status::NotProven);
        }
    };
    for facts in &before {
        tell_drive(facts, thaw::same(&after, facts));
    }
    Ok(Status::Proven)
}

fn tell_drive(before: &DriveFacts, after: Option<&DriveFacts>) {
    let path = before.path.display();
    let Some(after) = after else {
        say!("{path}: did not come back as it was");
        return;
    };
    let said = match (before.security.frozen, after.security.frozen) {
        (Some(true), Some(false)) => "was frozen, is not frozen any more",
        (Some(true), Some(true)) => "was frozen, is frozen again",
        (Some(true), None) => "was frozen, does not say whether it still is",
        (Some(false), Some(true)) => "was not frozen, is frozen now",
        (Some(false) | None, _) => "is there as it was",
    };
    say!("{path}: {said}");
}
