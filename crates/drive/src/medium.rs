//! Which drive is raz's own: what GRUB says it booted from, never a guess.
//!
//! `raz.medium=UUID` on the kernel's command line is compared with every identity on every drive.
//! Every match is the boot medium. An optical disc is not among the drives, and is looked at where the
//! identity is on none of them. Without a match nothing is the medium: a stick may have been pulled out
//! after boot. But it may also be a drive that cannot be read where the identity stands, or one that
//! nobody named: a person decides then. `raz.boot=net` says that there is none.
//!
//! `raz.boot=file` says that the menu was read from an image file, and `raz.boot=disc` from what the firmware
//! called a disc, which Ventoy and its like make of such a file: the drive that holds the file carries
//! another identity, and a drive with this one is another drive. Whatever a PC is started from may be it then.

use crate::disc::Disc;
use crate::discover::Roots;
use crate::facts::{DriveFacts, Transport};
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
        /// Drives that carry the same identity.
        alike: Vec<PathBuf>,
    },
    /// It is an image that is no drive of its own: a file on a stick, as with Ventoy, or a disc that is in no
    /// optical drive any more.
    Image {
        /// As named; empty where the boot menu could not tell.
        named: String,
        /// Drives that carry its identity, of which it is none.
        alike: Vec<PathBuf>,
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

/// What a drive is to raz's own medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Own {
    /// Another drive.
    #[default]
    No,
    /// For all that is known it may be the medium: that is on no drive, and a PC is started from such drives.
    Maybe,
    /// It carries the medium's identity.
    Yes,
}

impl BootMedium {
    /// Looks for the named medium among `drives`.
    #[must_use]
    pub fn find(roots: &Roots, drives: &[DriveFacts]) -> Self {
        let command_line = fs::read(roots.proc.join("cmdline")).unwrap_or_default();
        let command_line = String::from_utf8_lossy(&command_line);
        let named = argument(&command_line, "raz.medium=").map(str::to_owned);
        let is_image = match (argument(&command_line, "raz.boot="), &named) {
            (Some("disc" | "file"), _) => true,
            (_, Some(_)) => false,
            (Some("net"), None) => return Self::Network,
            (_, None) => return Self::NotNamed,
        };
        let named = named.unwrap_or_default();
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
        if is_image {
            return Self::Image {
                named,
                alike: paths,
            };
        }
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
        let is_there = |named: &str| discs.iter().any(|disc| disc.carries(named));
        match self {
            Self::Absent { named, .. } if is_there(&named) => Self::Disc {
                named,
                alike: Vec::new(),
            },
            Self::Image { named, alike } if is_there(&named) => Self::Disc { named, alike },
            other => other,
        }
    }

    /// Whether this drive carries raz's medium, or may be it.
    #[must_use]
    pub fn of(&self, drive: &DriveFacts) -> Own {
        // What a stick or a card looks like; a disk on USB, too, can hold what a PC is started from.
        let is_medium =
            drive.removable || matches!(drive.transport, Transport::Usb | Transport::Sd);
        let (carriers, is_elsewhere) = match self {
            Self::Network | Self::NotNamed => return Own::No,
            Self::Disc { alike, .. } => (alike.as_slice(), true),
            Self::Image { alike, .. } => (alike.as_slice(), false),
            Self::Absent { .. } => (&[][..], false),
            Self::One { path, .. } => (std::slice::from_ref(path), true),
            Self::Several { paths, .. } => (paths.as_slice(), true),
        };
        match carriers.contains(&drive.path) {
            true => Own::Yes,
            false if is_medium && !is_elsewhere => Own::Maybe,
            false => Own::No,
        }
    }

    /// Why no unattended plan may run, if so: any drive could be raz's own where it is not found, and
    /// two media that look like it leave in doubt which of them it runs from.
    #[must_use]
    pub fn stops_unattended(&self) -> Option<String> {
        match self {
            Self::Network | Self::Disc { .. } | Self::One { .. } => None,
            Self::Image { .. } => Some(
                "raz was started from an ISO file (Ventoy) or a disc that is gone, and which drive holds it is not known: start from a stick of raz's own, or confirm at the machine"
                    .into(),
            ),
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
