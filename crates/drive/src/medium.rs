//! Which drive is raz's own: what GRUB says it booted from, never a guess.
//!
//! `raz.medium=UUID` on the kernel's command line is compared with every identity on every drive.
//! Every match is the boot medium. Without a match nothing is: an optical disc is not among the
//! drives, and a stick may have been pulled out after boot. But it may also be a drive that cannot be
//! read where the identity stands: a person decides then.

use crate::discover::Roots;
use crate::facts::DriveFacts;
use crate::volume::same_id;
use std::fs;
use std::path::PathBuf;

/// raz's own medium among the drives of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BootMedium {
    /// The command line names none, as with netboot.
    NotNamed,
    /// It names one that is on no drive.
    Absent {
        /// As named.
        named: String,
        /// Paths of the drives that cannot be read where it may stand.
        unread: Vec<PathBuf>,
    },
    /// One drive carries it.
    One {
        /// As named.
        named: String,
        /// Its path.
        path: PathBuf,
    },
    /// Several drives carry it: copies of the image, or of the stick.
    Several {
        /// As named.
        named: String,
        /// Their paths.
        paths: Vec<PathBuf>,
    },
}

impl BootMedium {
    /// Looks for the named medium among `drives`.
    #[must_use]
    pub fn find(roots: &Roots, drives: &[DriveFacts]) -> Self {
        let command_line = fs::read(roots.proc.join("cmdline")).unwrap_or_default();
        let command_line = String::from_utf8_lossy(&command_line);
        // The last one counts, as with the kernel's own arguments.
        let named = command_line
            .split_whitespace()
            // The kernel lets an argument or its value stand in quotes; an identity has no spaces.
            .filter_map(|word| word.trim_matches('"').strip_prefix("raz.medium="))
            .map(|named| named.trim_matches('"'))
            .rfind(|named| !named.is_empty());
        let Some(named) = named else {
            return Self::NotNamed;
        };
        let named = named.to_owned();
        let carries = |drive: &&DriveFacts| {
            drive
                .volumes
                .iter()
                .any(|volume| same_id(&volume.id, &named))
        };
        let mut paths: Vec<PathBuf> = drives
            .iter()
            .filter(carries)
            .map(|drive| drive.path.clone())
            .collect();
        match paths.pop() {
            None => Self::Absent {
                named,
                unread: drives
                    .iter()
                    .filter(|drive| drive.volumes_unread)
                    .map(|drive| drive.path.clone())
                    .collect(),
            },
            Some(path) if paths.is_empty() => Self::One { named, path },
            Some(path) => {
                paths.push(path);
                Self::Several { named, paths }
            }
        }
    }

    /// Whether this drive carries raz's medium.
    #[must_use]
    pub fn is(&self, drive: &DriveFacts) -> bool {
        match self {
            Self::NotNamed | Self::Absent { .. } => false,
            Self::One { path, .. } => *path == drive.path,
            Self::Several { paths, .. } => paths.contains(&drive.path),
        }
    }

    /// Why no unattended plan may run, if so: two media that look like raz's own leave in doubt
    /// which of them it runs from, and one that cannot be read whether it is raz's own.
    #[must_use]
    pub fn stops_unattended(&self) -> Option<String> {
        match self {
            Self::NotNamed | Self::One { .. } => None,
            Self::Absent { unread, .. } if unread.is_empty() => None,
            Self::Absent { named, unread } => Some(format!(
                "raz's medium {named} is not found, and {} cannot be read where it may stand: unplug it, or confirm at the machine",
                listed(unread)
            )),
            Self::Several { named, paths } => Some(format!(
                "{} all carry raz's medium {named}: unplug all but the one that raz runs from",
                listed(paths)
            )),
        }
    }
}

fn listed(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    paths.join(", ")
}
