//! `raz stick`: a stick of raz's own image, by the door that every write to a drive goes through.

use super::{Status, drives};
use crate::cli;
use crate::compose;
use crate::output::{self, printable, say, tell};
use crate::survey::Survey;
use anyhow::Context;
use drive::claim::{Checks, Consent, ConsentSource, claim};
use drive::discover::Machine;
use drive::facts::{DriveFacts, Transport};
use drive::refusal::PlanKind;
use std::fs::File;
use std::os::fd::AsFd;
use stick::making;

/// Runs `raz stick`.
///
/// # Errors
/// An image that cannot be read; a stick that fails while it is written.
pub fn stick(arguments: &cli::Stick) -> anyhow::Result<Status> {
    let name = || arguments.iso.display().to_string();
    let mut iso = File::open(&arguments.iso).with_context(|| format!("{}: opening", name()))?;
    let needed_bytes = making::needed_bytes(&mut iso).with_context(name)?;
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
    let mut against: Vec<String> = survey
        .refusals(&facts, &[], kind)
        .iter()
        .map(compose::refusal)
        .collect();
    against.extend(unfit(&facts, needed_bytes, &arguments.confirm));
    if !against.is_empty() {
        output::tell_if_not_root();
        for reason in against {
            tell!("{}: refused: {}", facts.path.display(), printable(&reason));
        }
        tell!("nothing was written");
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
    let claimed = match claim(&facts, &consent, &checks) {
        Ok(claimed) => claimed,
        Err(error) => {
            let error = format!("{:#}", anyhow::Error::from(error));
            tell!("{}\nnothing was written", printable(&error));
            return Ok(Status::Refused);
        }
    };
    tell!(
        "{}\nALL DATA ON THIS STICK WILL BE LOST. It is written and read back.",
        drives::line(claimed.facts())
    );
    let fd = claimed.file();
    sys::block::make_buffered(fd.as_fd())?;
    let open = || -> anyhow::Result<File> { Ok(File::from(fd.try_clone()?)) };
    let mut identity = [0; 8];
    getrandom::fill(&mut identity).context("making the stick's identity")?;
    let identity = hex::encode(identity);
    let capacity = claimed.facts().capacity_bytes;
    let (iso, _) = making::make(iso, open()?, capacity, &identity).context("writing the stick")?;
    // What follows is read from the stick and not from memory.
    sys::block::flush_buffers(fd.as_fd()).context("flushing the stick")?;
    making::check(iso, open()?, &identity).context("reading the stick back")?;
    claimed
        .recheck_identity()
        .map_err(anyhow::Error::msg)
        .context("asking the stick again")?;
    say!(
        "{}: a stick of raz, read back; its identity is {identity}. Plug it in anew to see its volume RAZ",
        facts.path.display()
    );
    Ok(Status::Proven)
}

/// Why a drive is no place for a stick, whatever else speaks for it.
fn unfit(facts: &DriveFacts, needed_bytes: u64, confirmed: &str) -> Vec<String> {
    let mut against = Vec::new();
    if facts.transport != Transport::Usb {
        against.push("it is not on USB; to do: name a USB stick".to_owned());
    }
    // A disk on USB is most often somebody's backup.
    if !facts.removable {
        against.push("it is no removable medium but a disk; to do: name a USB stick".to_owned());
    }
    if facts.capacity_bytes < needed_bytes {
        let mib = needed_bytes.div_ceil(1 << 20);
        against.push(format!(
            "it is too small; to do: take one of at least {mib} MiB"
        ));
    }
    if !facts.identity.id().eq_ignore_ascii_case(confirmed) {
        against.push("its id was not confirmed; to do: look it up with `raz drives` and give it with --confirm".into());
    }
    against
}

#[cfg(test)]
mod tests {
    use super::unfit;
    use drive::facts::{DriveFacts, Transport};
    use drive::identity::Identity;

    #[test]
    fn only_a_confirmed_drive_on_usb_that_is_large_enough_becomes_a_stick() {
        let drive = |transport, capacity_bytes| DriveFacts {
            capacity_bytes,
            removable: true,
            identity: Identity {
                serial: Some("S".into()),
                ..Identity::default()
            },
            ..DriveFacts::unasked("sdb", transport)
        };
        let good = drive(Transport::Usb, 100);
        let id = good.identity.id();
        assert_eq!(unfit(&good, 100, &id.to_uppercase()), Vec::<String>::new());
        assert_eq!(unfit(&good, 101, &id).len(), 1);
        assert_eq!(unfit(&good, 100, "S").len(), 1);
        let disk = DriveFacts {
            removable: false,
            ..good.clone()
        };
        assert_eq!(unfit(&disk, 100, &id).len(), 1);
        for transport in [
            Transport::Ata,
            Transport::Nvme,
            Transport::Mmc,
            Transport::Sd,
            Transport::Loop,
            Transport::Virtio,
            Transport::Network,
        ] {
            let other = drive(transport, 100);
            assert_eq!(unfit(&other, 100, &id).len(), 1, "{transport:?}");
        }
    }
}
