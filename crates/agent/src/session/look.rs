//! Looking at the machine, on a thread of its own: a sick drive must not freeze the screen.

use crate::survey::Survey;
use drive::discover::Machine;
use drive::facts::DriveFacts;
use machine::MachineFacts;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// Between two looks at drives that are not ready: a look at one that is silent takes 20 s.
const AGAIN: Duration = Duration::from_secs(60);

/// What one look saw.
pub struct Look {
    /// The drives.
    pub survey: Survey,
    /// The computer, on the first look only.
    pub machine: Option<MachineFacts>,
    /// Names of block devices when it began.
    pub names: Vec<String>,
}

/// Begins a look; the answer arrives once.
#[must_use]
pub fn begin(machine: &Machine, with_machine: bool) -> Receiver<Look> {
    let (sender, look) = mpsc::channel();
    let machine = machine.clone();
    let looking = move || {
        let names = block_names(&machine.roots.sys);
        let facts = with_machine.then(|| machine::facts(&machine::Roots::live()));
        let survey = Survey::take(&machine, &[]);
        let _ = sender.send(Look {
            survey,
            machine: facts,
            names,
        });
    };
    // Without a thread the receiver reports a closed channel, and the session tries again.
    let _ = std::thread::Builder::new()
        .name("raz-look".into())
        .spawn(looking);
    look
}

/// Whether a look of this age is to be repeated, though no drive came or left: one that did not answer,
/// or was erasing itself, may be through with that.
#[must_use]
pub fn is_due(drives: &[DriveFacts], age: Duration) -> bool {
    let is_busy = |drive: &DriveFacts| drive.silent.is_some() || drive.own_erase.is_some();
    age >= AGAIN && drives.iter().any(is_busy)
}

/// Whole block devices by kernel name and disk sequence, so that a drive that was exchanged under
/// the same name shows.
#[must_use]
pub fn block_names(sys: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(sys.join("block")) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| {
            let sequence =
                std::fs::read_to_string(entry.path().join("diskseq")).unwrap_or_default();
            format!(
                "{} {}",
                entry.file_name().to_string_lossy(),
                sequence.trim()
            )
        })
        .filter(|name| !name.starts_with("loop") && !name.starts_with("ram"))
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::{AGAIN, is_due};
    use drive::facts::{DriveFacts, OwnErase, Silence, Transport};
    use std::time::Duration;

    #[test]
    fn drives_that_were_not_ready_are_looked_at_again() {
        let ready = DriveFacts::unasked("sda", Transport::Scsi);
        let silent = DriveFacts {
            silent: Some(Silence::NoAnswer("no answer within 20 s".into())),
            ..ready.clone()
        };
        let erasing = DriveFacts {
            own_erase: Some(OwnErase::Sanitizing { progress: None }),
            ..ready.clone()
        };
        let early = AGAIN - Duration::from_millis(1);
        for (busy, is_ready) in [(&silent, false), (&erasing, false), (&ready, true)] {
            let drives = [ready.clone(), busy.clone()];
            assert_eq!(is_due(&drives, AGAIN), !is_ready);
            assert!(!is_due(&drives, early));
        }
    }
}
