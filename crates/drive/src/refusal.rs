//! Why a drive may not be erased, and what a person can do about it.
//!
//! A refusal is data, not an error: it is listed beside the drive. `drive` states refusals from
//! facts; whether a plan is unattended or names several drives is told by the caller.

use crate::facts::{DriveFacts, FormatState, Silence, Tcg, Transport, Use, Zoned};
use std::fmt;

/// One reason against erasing a drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// raz booted from it, or it carries raz's medium identity.
    BootMedium,
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
    /// A SCSI disk whose format is not whole: it can be neither read nor written.
    Unformatted {
        /// The format is under way; else it was cut off or failed.
        under_way: bool,
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
            Self::Mounted { .. } => "mounted",
            Self::Held { .. } => "held",
            Self::Swap { .. } => "swap",
            Self::Busy => "busy",
            Self::ReadOnly => "read-only",
            Self::Networked => "networked",
            Self::Locked => "locked",
            Self::TcgLocked { .. } => "TCG-locked",
            Self::AmbiguousIdentity { .. } => "ambiguous identity",
            Self::HostManagedZones => "host-managed zones",
            Self::Silent { .. } => "silent",
            Self::NotOpened { .. } => "not opened",
            Self::Denied { .. } => "access denied",
            Self::UnservedBlocks { .. } => "unserved blocks",
            Self::Unformatted { .. } => "not formatted",
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
            Self::Mounted { device } => format!("unmount it (`umount /dev/{device}`) if its data may go"),
            Self::Held { device, by } => format!("stop {by}, which is built on {device} (`mdadm --stop` or `dmsetup remove`), if its data may go"),
            Self::Swap { device } => format!("turn the swap off (`swapoff /dev/{device}`)"),
            Self::Busy => "close the program that uses the drive, or restart the machine from raz's medium".into(),
            Self::ReadOnly => "open its write-protect switch, if it has one; an eMMC boot area is protected by the kernel, usually for firmware: leave it; a flash drive that turned read-only by wear must be destroyed".into(),
            Self::Networked => "erase it on the machine that owns it".into(),
            Self::Locked => "if an erase of raz's was cut, run `raz unlock`; else unlock it with its password, or revert it with the PSID from its label; else destroy it".into(),
            Self::TcgLocked { .. } => "read the PSID on its label and give it to `raz revert`, which destroys all its data, then erase it; a drive whose PSID cannot be read must be destroyed".into(),
            Self::AmbiguousIdentity { same_as } if same_as.is_empty() => "it has no serial: name it alone on a command line at this machine, with no other drive".into(),
            Self::AmbiguousIdentity { same_as } => format!("unplug the drives that look the same ({}) and erase them one at a time, or attach it without its USB bridge", same_as.join(", ")),
            Self::HostManagedZones => "raz does not overwrite host-managed zones yet; keep the drive apart".into(),
            Self::Silent { .. } => "look at its cable and power and restart the machine; a drive that never answers must be destroyed".into(),
            Self::NotOpened { .. } => "list the drives again; if it stays so, look at its cable and power and restart the machine".into(),
            Self::Denied { .. } => "run raz as root (`sudo`); in a container, give it the block devices".into(),
            Self::UnservedBlocks { .. } => "`raz reformat` formats it anew with blocks that Linux drives, which takes hours and loses its data; then erase it, since that proves no erasure".into(),
            Self::Unformatted { under_way: true } => "wait for its end, or have `raz reformat` wait for it; then erase it".into(),
            Self::Unformatted { under_way: false } => "`raz reformat` formats it anew, which takes hours; then erase it".into(),
            Self::NoCapacity => "insert a medium, or look at the drive's cable and sector format".into(),
            Self::Kept => "remove its serial from raz.keep= to erase it".into(),
            Self::RemovableUnattended => "boot with raz.removable=erase, or confirm it at the machine".into(),
        }
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
            Self::Unformatted { under_way: true } => {
                f.write_str("not formatted: it is being formatted at this moment")
            }
            Self::Unformatted { under_way: false } => f.write_str(
                "not formatted: a format was cut off or failed, and nothing can be read or written",
            ),
            Self::BootMedium
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
/// `kept` holds serials or ids to keep (whole, compared without case); `boot_medium` says that
/// this drive is raz's own.
#[must_use]
pub fn refusals(
    drive: &DriveFacts,
    all: &[DriveFacts],
    boot_medium: bool,
    kept: &[String],
    plan: PlanKind,
) -> Vec<Refusal> {
    let mut found = Vec::new();
    if boot_medium {
        found.push(Refusal::BootMedium);
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
    let of_blocks = of_blocks(drive);
    if drive.capacity_bytes == 0 && of_blocks.is_none() {
        found.push(Refusal::NoCapacity);
    }
    found.extend(of_blocks);
    let same_as: Vec<String> = twins
        .iter()
        .map(|twin| twin.path.display().to_string())
        .collect();
    let nameless = drive.identity.is_path_only();
    if (plan.unattended || plan.several) && (nameless || !same_as.is_empty()) {
        found.push(Refusal::AmbiguousIdentity { same_as });
    }
    let id = drive.identity.id();
    let is_kept = kept.iter().any(|k| {
        let k = k.trim();
        !k.is_empty()
            && (drive
                .identity
                .serial
                .as_deref()
                .is_some_and(|s| s.eq_ignore_ascii_case(k))
                || id.eq_ignore_ascii_case(k))
    });
    if is_kept {
        found.push(Refusal::Kept);
    }
    let removable = drive.removable || matches!(drive.transport, Transport::Usb | Transport::Sd);
    if plan.unattended && removable && !plan.removable_allowed {
        found.push(Refusal::RemovableUnattended);
    }
    found
}

/// What the format of a SCSI disk's medium says against erasing it.
pub(crate) fn of_blocks(drive: &DriveFacts) -> Option<Refusal> {
    let blocks = drive.blocks.as_ref()?;
    match (blocks.format, blocks.bytes) {
        (FormatState::UnderWay, _) => Some(Refusal::Unformatted { under_way: true }),
        (FormatState::Broken, _) => Some(Refusal::Unformatted { under_way: false }),
        // What the kernel gives a capacity is written in the kernel's blocks.
        (FormatState::Whole, Some(block_bytes))
            if drive.capacity_bytes == 0 && !blocks.are_served() =>
        {
            Some(Refusal::UnservedBlocks {
                block_bytes,
                protection_type: blocks.protection_type,
            })
        }
        (FormatState::Whole, _) => None,
    }
}

/// Another node that cannot be told from this drive by what it says.
pub(crate) fn are_twins(drive: &DriveFacts, other: &DriveFacts) -> bool {
    other.path != drive.path && other.identity.collides_with(&drive.identity)
}
