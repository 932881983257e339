//! Which drive is raz's own: what GRUB says it booted from, never a guess.
//!
//! `raz.medium=UUID` on the kernel's command line is compared with every identity on every drive.
//! Every match is the boot medium. An optical disc is not among the drives, and is looked at where the
//! identity is on none of them. Without a match nothing is the medium: a stick may have been pulled out
//! after boot. But it may also be a drive that cannot be read where the identity stands, or one that
//! nobody named: a person decides then. `raz.boot=net` says that there is none.

use crate::disc::Disc;
use crate::discover::Roots;
use crate::facts::DriveFacts;
use crate::volume::same_id;
use std::fs;
use std::path::PathBuf;

/// raz's own medium among the drives of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BootMedium {
    /// The command line says that raz came over a network, and names none.
    Network,
    /// The command line names none.
    NotNamed,
    /// It is an optical disc.
    Disc {
        /// As named.
        named: String,
    },
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
        let Some(named) = argument(&command_line, "raz.medium=") else {
            return match argument(&command_line, "raz.boot=") {
                Some("net") => Self::Network,
                Some(_) | None => Self::NotNamed,
            };
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

    /// The same, or the one of these discs that carries it, where it is on no drive.
    #[must_use]
    pub fn or_disc(self, discs: &[Disc]) -> Self {
        match self {
            Self::Absent { named, .. } if discs.iter().any(|disc| disc.carries(&named)) => {
                Self::Disc { named }
            }
            other => other,
        }
    }

    /// Whether this drive carries raz's medium.
    #[must_use]
    pub fn is(&self, drive: &DriveFacts) -> bool {
        match self {
            Self::Network | Self::NotNamed | Self::Disc { .. } | Self::Absent { .. } => false,
            Self::One { path, .. } => *path == drive.path,
            Self::Several { paths, .. } => paths.contains(&drive.path),
        }
    }

    /// Why no unattended plan may run, if so: any drive could be raz's own where it is not found, and
    /// two media that look like it leave in doubt which of them it runs from.
    #[must_use]
    pub fn stops_unattended(&self) -> Option<String> {
        match self {
            Self::Network | Self::Disc { .. } | Self::One { .. } => None,
            Self::NotNamed => Some(
                "nothing says what raz runs from (raz.medium=, or raz.boot=net): confirm at the machine"
                    .into(),
            ),
            Self::Absent { named, unread } if unread.is_empty() => Some(format!(
                "raz's medium {named} is on no drive and no disc: plug it in again, or confirm at the machine"
            )),
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

/// The value of the last argument that begins so and has one: the last counts, as with the kernel's own.
fn argument<'a>(command_line: &'a str, name: &str) -> Option<&'a str> {
    command_line
        .split_whitespace()
        // The kernel lets an argument or its value stand in quotes; these values have no spaces.
        .filter_map(|word| word.trim_matches('"').strip_prefix(name))
        .map(|value| value.trim_matches('"'))
        .rfind(|value| !value.is_empty())
}

fn listed(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    paths.join(", ")
}
