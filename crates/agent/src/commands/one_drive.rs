//! What `raz reformat` and `raz revert` begin with: one drive, named and confirmed by its id, with what
//! speaks against it, and the claim.

use super::Status;
use crate::compose;
use crate::output::{self, printable, tell};
use crate::survey::Survey;
use drive::claim::{Checks, ClaimError, Consent, ConsentSource};
use drive::discover::Machine;
use drive::facts::DriveFacts;
use drive::refusal::{PlanKind, Refusal};

/// A drive against which nothing speaks, as it was listed.
pub(super) struct OneDrive {
    pub(super) machine: Machine,
    pub(super) facts: DriveFacts,
    survey: Survey,
    kind: PlanKind,
}

/// The drive that is named. What speaks against it are the refusals that `counts` says of, what `also`
/// finds in it beside all drives of the machine, and an id that is not its own.
///
/// # Errors
/// What the command ends in, when it is none or something speaks against it; why is told.
pub(super) fn named(
    name: &String,
    confirmed: &str,
    networked_allowed: bool,
    counts: fn(&Refusal) -> bool,
    also: impl FnOnce(&DriveFacts, &[DriveFacts]) -> Vec<String>,
) -> Result<OneDrive, Status> {
    let machine = Machine::this();
    let names = std::slice::from_ref(name);
    let survey = Survey::take(&machine, names);
    let facts = match survey.named(&machine, names) {
        Ok(named) => named.into_iter().next().cloned(),
        Err(error) => {
            tell!("{error:#}");
            return Err(Status::Usage);
        }
    };
    let Some(facts) = facts else {
        tell!("{}: no such drive", printable(name));
        return Err(Status::Usage);
    };
    let kind = PlanKind {
        unattended: false,
        several: false,
        removable_allowed: true,
        networked_allowed,
    };
    let mut against: Vec<String> = survey
        .refusals(&facts, &[], kind)
        .iter()
        .filter(|refusal| counts(refusal))
        .map(compose::refusal)
        .collect();
    against.extend(also(&facts, &survey.drives));
    if !facts.identity.id().eq_ignore_ascii_case(confirmed) {
        against.push("its id was not confirmed; to do: look it up with `raz drives` and give it with --confirm".into());
    }
    if against.is_empty() {
        return Ok(OneDrive {
            machine,
            facts,
            survey,
            kind,
        });
    }
    output::tell_if_not_root();
    for reason in against {
        tell!("{}: refused: {}", facts.path.display(), printable(&reason));
    }
    tell!("nothing was sent to the drive");
    Err(Status::Refused)
}

impl OneDrive {
    /// The claim, which looks at everything anew.
    ///
    /// # Errors
    /// [`Status::Refused`]; why is told.
    pub(super) fn claimed<C>(
        &self,
        claim: fn(&DriveFacts, &Consent, &Checks<'_>) -> Result<C, ClaimError>,
    ) -> Result<C, Status> {
        let checks = Checks {
            machine: &self.machine,
            all: &self.survey.drives,
            kept: &[],
            plan: self.kind,
        };
        let consent = Consent {
            id: self.facts.identity.id(),
            source: ConsentSource::CommandLine,
        };
        claim(&self.facts, &consent, &checks).map_err(|error| {
            let error = format!("{:#}", anyhow::Error::from(error));
            tell!("{}\nnothing was sent to the drive", printable(&error));
            Status::Refused
        })
    }
}
