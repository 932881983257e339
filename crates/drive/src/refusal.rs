//! Why a drive may not be erased, and what a person can do about it.
//!
//! A refusal is data, not an error: it is listed beside the drive. `drive` states refusals from
//! facts; whether a plan is unattended or names several drives is told by the caller.

use crate::facts::{DriveFacts, OwnErase, Silence, Tcg, Transport, Use, Zoned};
use crate::identity::Identity;
use crate::medium::Own;
use std::fmt;

/// One reason against erasing a drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// raz booted from it, or it carries raz's medium identity.
    BootMedium,
    /// raz's medium is on no drive, and a PC may be started from this one: it may be the medium.
    MaybeBootMedium,
    /// A file system on it is mounted. Where is not said: a mount point can be a donor's name, and
    /// refusals go into reports and events.
    Mounted {
        /// Device mounted.
        device: String,
    },
    /// md, dm or another block device holds it.
    Held {
        /// Device held.
        device: String,
        /// By whom.
        by: String,
    },
    /// It is in use as swap.
    Swap {
        /// Device used.
        device: String,
    },
    /// Someone else has it open exclusively.
    Busy,
    /// The kernel or a switch says that it cannot be written.
    ReadOnly,
    /// It is reached over a network: others may own it.
    Networked,
    /// It is locked by a password.
    Locked,
    /// It is locked by TCG (Opal and its relatives): reads and writes do not reach what it holds.
    TcgLocked {
        /// A shadow MBR stands in place of its first sectors: what is read there is not what is there.
        shadow_mbr: bool,
    },
    /// It erases or formats itself, or failed in that, and takes neither reads nor writes.
    OwnErase {
        /// What it is at.
        of: OwnErase,
        /// The kernel has not read its capacity: the drive was at it when the machine started.
        is_without_capacity: bool,
    },
    /// Another drive here has the same identity, or it has none.
    AmbiguousIdentity {
        /// Paths of the drives that look the same; empty when it has no identity but its path.
        same_as: Vec<String>,
    },
    /// Only sequential zones: the overwrite does not serve it yet.
    HostManagedZones,
    /// It did not say who it is: nothing to confirm it by.
    Silent {
        /// What it did instead.
        why: String,
    },
    /// It could not be opened to be asked.
    NotOpened {
        /// The kernel's error.
        error: String,
    },
    /// The kernel does not let this program open or ask it: no root, or a container.
    Denied {
        /// The kernel's error.
        error: String,
    },
    /// A SCSI disk with blocks that the kernel does not drive, as in storage arrays.
    UnservedBlocks {
        /// Bytes of a block, without protection information.
        block_bytes: u32,
        /// Type of the protection information.
        protection_type: Option<u8>,
    },
    /// It reports no capacity: no medium, or sectors that the kernel refuses.
    NoCapacity,
    /// The operator asked to keep it (`raz.keep=`).
    Kept,
    /// Removable or USB in an unattended plan without `raz.removable=erase`.
    RemovableUnattended,
}

/// What kind of plan the refusals are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PlanKind {
    /// Nobody at the machine confirms each drive.
    pub unattended: bool,
    /// More than one drive is to be erased.
    pub several: bool,
    /// `raz.removable=erase`.
    pub removable_allowed: bool,
    /// `raz wipe --networked`: drives over a network were named on the command line for it. Nothing in an
    /// unattended plan, and nothing in a claim without the command line's consent.
    pub networked_allowed: bool,
}

impl Refusal {
    /// Stable name for machines, such as `boot medium` or `ambiguous identity`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::BootMedium => "boot medium",
            Self::MaybeBootMedium => "may be the boot medium",
            Self::Mounted { .. } => "mounted",
            Self::Held { .. } => "held",
            Self::Swap { .. } => "swap",
            Self::Busy => "busy",
            Self::ReadOnly => "read-only",
            Self::Networked => "networked",
            Self::Locked => "locked",
            Self::TcgLocked { .. } => "TCG-locked",
            Self::OwnErase { of, .. } => match of {
                OwnErase::Sanitizing { .. } => "erasing itself",
                OwnErase::MediaVerification => "in media verification",
                OwnErase::SanitizeFailed => "sanitize failed",
                OwnErase::Formatting { .. } => "formatting itself",
                OwnErase::FormatFailed => "format failed",
            },
            Self::AmbiguousIdentity { .. } => "ambiguous identity",
            Self::HostManagedZones => "host-managed zones",
            Self::Silent { .. } => "silent",
            Self::NotOpened { .. } => "not opened",
            Self::Denied { .. } => "access denied",
            Self::UnservedBlocks { .. } => "unserved blocks",
            Self::NoCapacity => "no capacity",
            Self::Kept => "kept",
            Self::RemovableUnattended => "removable",
        }
    }

    /// What the person at the bench can do.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::BootMedium => "raz runs from this drive; to erase it, boot raz from another medium".into(),
            Self::MaybeBootMedium => "raz's own medium is on no drive, so this may be it; plug raz's stick in again, or start raz from a stick that `raz stick` made (not by Ventoy)".into(),
            Self::Mounted { device } => format!("unmount it (`umount /dev/{device}`) if its data may go"),
            Self::Held { device, by } => format!("stop {by}, which is built on {device} (`mdadm --stop` or `dmsetup remove`), if its data may go"),
            Self::Swap { device } => format!("turn the swap off (`swapoff /dev/{device}`)"),
            Self::Busy => "close the program that uses the drive, or restart the machine from raz's medium".into(),
            Self::ReadOnly => "open its write-protect switch, if it has one; an eMMC boot area is protected by the kernel, usually for firmware: leave it; a flash drive that turned read-only by wear must be destroyed".into(),
            Self::Networked => "erase it on the machine that owns it".into(),
            Self::Locked => "if an erase of raz's was cut, run `raz unlock`; else unlock it with its password, or revert it with the PSID from its label; else destroy it".into(),
            Self::TcgLocked { .. } => "read the PSID on its label and give it to `raz revert`, which destroys all its data, then erase it; a drive whose PSID cannot be read must be destroyed".into(),
            Self::OwnErase { of, is_without_capacity } => own_erase_remedy(*of, *is_without_capacity).into(),
            Self::AmbiguousIdentity { same_as } if same_as.is_empty() => "it has no serial: name it alone on a command line at this machine, with no other drive".into(),
            Self::AmbiguousIdentity { same_as } => format!("unplug the drives that look the same ({}) and erase them one at a time, or attach it without its USB bridge", same_as.join(", ")),
            Self::HostManagedZones => "raz does not overwrite host-managed zones yet; keep the drive apart".into(),
            Self::Silent { .. } => "look at its cable and power and restart the machine; a drive that never answers must be destroyed".into(),
            Self::NotOpened { .. } => "list the drives again; if it stays so, look at its cable and power and restart the machine".into(),
            Self::Denied { .. } => "run raz as root (`sudo`); in a container, give it the block devices".into(),
            Self::UnservedBlocks { .. } => "`raz reformat` formats it anew with blocks that Linux drives, which takes hours and loses its data; then erase it, since that proves no erasure".into(),
            Self::NoCapacity => "insert a medium, or look at the drive's cable and sector format".into(),
            Self::Kept => "remove its serial from raz.keep= to erase it".into(),
            Self::RemovableUnattended => "boot with raz.removable=erase, or confirm it at the machine".into(),
        }
    }
}

fn own_erase_remedy(of: OwnErase, is_without_capacity: bool) -> &'static str {
    match of {
        OwnErase::Formatting { .. } => {
            "leave its power on, and have `raz reformat` wait for its end; then erase it"
        }
        OwnErase::Sanitizing { .. } if is_without_capacity => {
            "leave its power on until it is done, then restart the machine, whose kernel does not know its capacity yet, and erase it"
        }
        OwnErase::Sanitizing { .. } => {
            "leave its power on until it is done, then list the drives again and erase it"
        }
        OwnErase::MediaVerification => {
            "nothing but a sanitize command ends that, and raz cannot send it one here: attach it directly to another machine, or switch its power off and on"
        }
        OwnErase::SanitizeFailed => {
            "nothing but another sanitize gets it out of that, and raz cannot send it one here: attach it directly, try `sg_sanitize` or `hdparm`, else destroy it"
        }
        OwnErase::FormatFailed => {
            "`raz reformat` formats it anew, which takes hours; then erase it; a drive that fails in it once more must be destroyed"
        }
    }
}

/// Of 65536ths, in whole percent.
fn percent(progress: Option<u16>) -> String {
    match progress {
        Some(part) => format!("{} %", u32::from(part) * 100 / 65536),
        None => "how far is not told".into(),
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mounted { device } => write!(f, "mounted: {device}"),
            Self::Held { device, by } => write!(f, "held: {device} by {by}"),
            Self::Swap { device } => write!(f, "swap: {device}"),
            Self::Silent { why } => write!(f, "silent: {why}"),
            Self::NotOpened { error } => write!(f, "not opened: {error}"),
            Self::Denied { error } => write!(f, "access denied: {error}"),
            Self::TcgLocked { shadow_mbr: true } => f.write_str(
                "TCG-locked: a shadow MBR stands in place of its first sectors, and hides what they hold",
            ),
            Self::TcgLocked { shadow_mbr: false } => {
                f.write_str("TCG-locked: some or all of it can be neither read nor overwritten")
            }
            Self::OwnErase { of, .. } => match of {
                OwnErase::Sanitizing { progress } => {
                    write!(f, "{} (sanitize, {})", self.name(), percent(*progress))
                }
                OwnErase::Formatting { progress } => {
                    write!(f, "{} ({})", self.name(), percent(*progress))
                }
                OwnErase::MediaVerification => write!(
                    f,
                    "{}: a sanitize erased it, and it waits until somebody ends that",
                    self.name()
                ),
                OwnErase::SanitizeFailed => {
                    write!(f, "{}: it takes neither reads nor writes", self.name())
                }
                OwnErase::FormatFailed => write!(
                    f,
                    "{} or was cut: it takes neither reads nor writes",
                    self.name()
                ),
            },
            Self::AmbiguousIdentity { same_as } if !same_as.is_empty() => {
                write!(f, "ambiguous identity: same as {}", same_as.join(", "))
            }
            Self::AmbiguousIdentity { .. } => {
                f.write_str("ambiguous identity: known only by its path")
            }
            Self::UnservedBlocks {
                protection_type: Some(kind @ 4..),
                ..
            } => write!(
                f,
                "unserved blocks: it keeps protection information of type {kind}, which Linux does not drive"
            ),
            Self::UnservedBlocks { block_bytes, .. } => write!(
                f,
                "unserved blocks: its blocks are of {block_bytes} bytes, as in storage arrays, and Linux does not drive them"
            ),
            Self::BootMedium
            | Self::MaybeBootMedium
            | Self::Busy
            | Self::ReadOnly
            | Self::Networked
            | Self::Locked
            | Self::HostManagedZones
            | Self::NoCapacity
            | Self::Kept
            | Self::RemovableUnattended => f.write_str(self.name()),
        }
    }
}

/// The refusals of `drive` among `all` drives of the machine, for a plan of this kind.
///
/// The uses of what identifies as the same drive count as its own: the kernel guards each path to a
/// drive by itself, and a dual-ported disk that is mounted by one path opens exclusively by the other.
///
/// `kept` holds serials or ids to keep (whole, compared without case); `own` says what this drive is to
/// raz's own medium.
#[must_use]
pub fn refusals(
    drive: &DriveFacts,
    all: &[DriveFacts],
    own: Own,
    kept: &[String],
    plan: PlanKind,
) -> Vec<Refusal> {
    let mut found = Vec::new();
    match own {
        Own::No => {}
        Own::Maybe => found.push(Refusal::MaybeBootMedium),
        Own::Yes => found.push(Refusal::BootMedium),
    }
    let twins: Vec<&DriveFacts> = all.iter().filter(|other| are_twins(drive, other)).collect();
    let uses = twins.iter().flat_map(|twin| &twin.uses);
    for used in drive.uses.iter().chain(uses) {
        let refusal = match used.clone() {
            Use::Mounted { device, at: _ } => Refusal::Mounted { device },
            Use::Held { device, by } => Refusal::Held { device, by },
            Use::Swap { device } => Refusal::Swap { device },
            Use::Busy => Refusal::Busy,
        };
        if !found.contains(&refusal) {
            found.push(refusal);
        }
    }
    if drive.read_only {
        found.push(Refusal::ReadOnly);
    }
    if drive.transport == Transport::Network && (plan.unattended || !plan.networked_allowed) {
        found.push(Refusal::Networked);
    }
    if drive.security.locked == Some(true) {
        found.push(Refusal::Locked);
    }
    if let Tcg::Told(told) = &drive.tcg
        && let Some(locking) = told.locking
        && locking.hides_medium()
    {
        found.push(Refusal::TcgLocked {
            shadow_mbr: locking.shadows(),
        });
    }
    if drive.zoned == Zoned::HostManaged {
        found.push(Refusal::HostManagedZones);
    }
    found.extend(drive.silent.clone().map(|silence| match silence {
        Silence::NoAnswer(why) => Refusal::Silent { why },
        Silence::NotOpened(error) => Refusal::NotOpened { error },
        Silence::Denied(error) => Refusal::Denied { error },
    }));
    match drive.own_erase {
        // Another sanitize gets it out of that, and the plan has one.
        Some(of) if of.needs_sanitize() && drive.sanitize.is_ok() && drive.capacity_bytes > 0 => {}
        Some(of) => found.push(Refusal::OwnErase {
            of,
            is_without_capacity: drive.capacity_bytes == 0,
        }),
        None if drive.capacity_bytes == 0 => {
            found.push(unserved_blocks(drive).unwrap_or(Refusal::NoCapacity));
        }
        None => {}
    }
    let same_as: Vec<String> = twins
        .iter()
        .map(|twin| twin.path.display().to_string())
        .collect();
    let nameless = drive.identity.is_path_only();
    if (plan.unattended || plan.several) && (nameless || !same_as.is_empty()) {
        found.push(Refusal::AmbiguousIdentity { same_as });
    }
    if is_kept(&drive.identity, kept) {
        found.push(Refusal::Kept);
    }
    let removable = drive.removable || matches!(drive.transport, Transport::Usb | Transport::Sd);
    if plan.unattended && removable && !plan.removable_allowed {
        found.push(Refusal::RemovableUnattended);
    }
    found
}

/// Among the serials and ids to keep.
pub(crate) fn is_kept(identity: &Identity, kept: &[String]) -> bool {
    let (serial, id) = (identity.serial.as_deref(), identity.id());
    let mut kept = kept.iter().map(|k| k.trim()).filter(|k| !k.is_empty());
    kept.any(|k| serial.is_some_and(|s| s.eq_ignore_ascii_case(k)) || id.eq_ignore_ascii_case(k))
}

/// Blocks of a SCSI disk that the kernel does not drive: what it gives a capacity is in the kernel's.
pub(crate) fn unserved_blocks(drive: &DriveFacts) -> Option<Refusal> {
    let blocks = drive.blocks.filter(|blocks| !blocks.are_served())?;
    let block_bytes = blocks.bytes.filter(|_| drive.capacity_bytes == 0)?;
    Some(Refusal::UnservedBlocks {
        block_bytes,
        protection_type: blocks.protection_type,
    })
}

/// Another node that cannot be told from this drive by what it says.
pub(crate) fn are_twins(drive: &DriveFacts, other: &DriveFacts) -> bool {
    other.path != drive.path && other.identity.collides_with(&drive.identity)
}
