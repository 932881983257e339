//! The drives of this machine with what speaks against erasing each, and how a person names them.

use anyhow::anyhow;
use drive::disc;
use drive::discover::Machine;
use drive::facts::{DriveFacts, Transport};
use drive::medium::BootMedium;
use drive::refusal::{PlanKind, Refusal, refusals};
use drive::unseen::{self, Unseen};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// All drives, read once.
pub struct Survey {
    /// Facts of each drive.
    pub drives: Vec<DriveFacts>,
    /// What raz booted from, and which of them that is.
    pub boot_medium: BootMedium,
    /// Where else data may be.
    pub unseen: Vec<Unseen>,
}

/// A stick or a card that cannot be raz's own: most often somebody forgot it in the machine.
#[must_use]
pub fn is_forgotten(drive: &DriveFacts, refusals: &[Refusal]) -> bool {
    (drive.removable || drive.transport == Transport::Sd)
        && !refusals
            .iter()
            .any(|refusal| matches!(refusal, Refusal::BootMedium | Refusal::MaybeBootMedium))
}

/// The block device that a loop device stands on, if it does not stand on a file. Through the loop
/// a drive could be written that is mounted or held: the kernel does not ask twice.
fn device_below(machine: &Machine, name: &str) -> Option<PathBuf> {
    let shown = machine
        .roots
        .sys
        .join("block")
        .join(name)
        .join("loop/backing_file");
    let below = PathBuf::from(std::fs::read_to_string(shown).ok()?.trim_end_matches('\n'));
    let is_device = below.metadata().ok()?.file_type().is_block_device();
    is_device.then_some(below)
}

fn loops(machine: &Machine) -> Vec<String> {
    let entries = std::fs::read_dir(machine.roots.sys.join("block"));
    entries
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with("loop"))
        .collect()
}

impl Survey {
    /// Asks every drive of `machine`. Loop devices are asked when `names` names one of them, then
    /// all of them: another one may be a second door to the same file.
    #[must_use]
    pub fn take(machine: &Machine, names: &[String]) -> Self {
        let a_loop_is_named = names
            .iter()
            .filter_map(|name| machine.resolve(Path::new(name)).ok())
            .any(|name| name.starts_with("loop"));
        let loops = if a_loop_is_named {
            loops(machine)
        } else {
            Vec::new()
        };
        let drives = machine.drives(&loops);
        let discs = disc::discs(machine);
        let boot_medium = BootMedium::find(&machine.roots, &drives).or_disc(&discs);
        let unseen = unseen::find(&machine.roots, &drives, &boot_medium, &discs);
        Self {
            drives,
            boot_medium,
            unseen,
        }
    }

    /// What speaks against erasing `drive` in a plan of this kind.
    ///
    /// The kernel guards each path to a drive by itself: a dual-ported SAS disk that is mounted by
    /// one path opens exclusively by the other. So the uses of what identifies as the same drive
    /// count as its own.
    #[must_use]
    pub fn refusals(&self, drive: &DriveFacts, kept: &[String], plan: PlanKind) -> Vec<Refusal> {
        let own = self.boot_medium.of(drive);
        refusals(drive, &self.drives, own, kept, plan)
    }

    /// Entries of `kept` (serials or ids) that no drive here has: most likely misspelt, and the drive that
    /// was meant is then as good as not kept.
    #[must_use]
    pub fn kept_unknown(&self, kept: &[String]) -> Vec<String> {
        let known = |entry: &String| {
            let only = std::slice::from_ref(entry);
            self.drives.iter().any(|drive| {
                self.refusals(drive, only, PlanKind::default())
                    .contains(&Refusal::Kept)
            })
        };
        kept.iter().filter(|entry| !known(entry)).cloned().collect()
    }

    /// Every drive with its refusals.
    #[must_use]
    pub fn with_refusals(
        &self,
        kept: &[String],
        plan: PlanKind,
    ) -> Vec<(DriveFacts, Vec<Refusal>)> {
        self.drives
            .iter()
            .map(|drive| (drive.clone(), self.refusals(drive, kept, plan)))
            .collect()
    }

    /// The drives that `names` means, in that order; all when there are no names.
    ///
    /// # Errors
    /// A name that means no drive, a partition, an id that means several, or one drive named twice.
    pub fn named(&self, machine: &Machine, names: &[String]) -> anyhow::Result<Vec<&DriveFacts>> {
        if names.is_empty() {
            return Ok(self.drives.iter().collect());
        }
        let mut found: Vec<(&DriveFacts, &str)> = Vec::new();
        for name in names {
            let drive = self.one(machine, name)?;
            if let Some((_, before)) = found.iter().find(|(other, _)| other.path == drive.path) {
                return Err(anyhow!(
                    "{name} and {before} are the same drive, {}: name it once",
                    drive.path.display()
                ));
            }
            found.push((drive, name));
        }
        Ok(found.into_iter().map(|(drive, _)| drive).collect())
    }

    fn one(&self, machine: &Machine, name: &str) -> anyhow::Result<&DriveFacts> {
        let by_id: Vec<&DriveFacts> = self
            .drives
            .iter()
            .filter(|drive| drive.identity.id().eq_ignore_ascii_case(name))
            .collect();
        match by_id[..] {
            [] => {}
            [drive] => return Ok(drive),
            _ => {
                let paths: Vec<String> =
                    by_id.iter().map(|d| d.path.display().to_string()).collect();
                return Err(anyhow!(
                    "{name}: the id of {}; unplug all but one of them, or name one by its path",
                    paths.join(" and ")
                ));
            }
        }
        if !name.contains('/') {
            return Err(anyhow!(
                "{name}: no drive has this id; `raz drives` lists ids and paths"
            ));
        }
        let kernel_name = machine.resolve(Path::new(name))?;
        if let Some(below) = device_below(machine, &kernel_name) {
            return Err(anyhow!(
                "{name}: a loop device over {}; name that drive",
                below.display()
            ));
        }
        self.drives
            .iter()
            .find(|drive| drive.name == kernel_name)
            .ok_or_else(|| {
                anyhow!("{name}: {kernel_name} is not a drive that raz erases (memory, optical, or built on other drives)")
            })
    }
}
