//! What a drive says of itself, as plain values. Nothing here decides, opens or writes.
//!
//! A value that the drive or the kernel did not give is `None` or an `Unknown` variant:
//! *unknown is not clean*, and no default stands in for an answer.

use crate::ata::identify::EraseTime;
use crate::health::Health;
use crate::identity::Identity;
use crate::mmc::boot::BootAreaFacts;
use crate::mmc::erasing::Erasing;
use crate::nvme::identify::SanitizeCapabilities;
use crate::scsi::vpd::Characteristics;
use crate::tcg::Discovery;
use crate::volume::VolumeId;
use std::path::{Path, PathBuf};

/// Everything known of one whole block device at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct DriveFacts {
    /// Kernel name, such as `sda` or `nvme0n1`. It changes between boots: never an identity.
    pub name: String,
    /// Device node, such as `/dev/sda`.
    pub path: PathBuf,
    /// How the drive is attached.
    pub transport: Transport,
    /// The USB bridge in front of the drive, if there is one.
    pub bridge: Option<UsbBridge>,
    /// What the drive shares with its siblings: NVMe subsystem and controllers, SCSI host, MMC card.
    pub controller: Option<String>,
    /// Position in the machine, such as `pci-0000:00:1f.2/ata1/…`: the sysfs device path.
    pub bus_path: String,
    /// SCSI vendor field, where there is one (`ATA` behind a SATL).
    pub vendor: Option<String>,
    /// Model as the drive writes it, trimmed.
    pub model: Option<String>,
    /// Firmware revision.
    pub firmware: Option<String>,
    /// What tells this drive from every other.
    pub identity: Identity,
    /// The kernel's number of this disk or medium in this boot: another number under the same name
    /// is another disk. `None` on kernels before 5.15.
    pub disk_sequence: Option<u64>,
    /// Bytes that can be addressed now.
    pub capacity_bytes: u64,
    /// Logical sector size in bytes.
    pub logical_sector_bytes: u32,
    /// Physical sector size in bytes.
    pub physical_sector_bytes: u32,
    /// Rotating, solid state, or not said.
    pub medium: Medium,
    /// Flash of its own in front of the platters (a hybrid disk), as it says or as its model is known:
    /// what erases platters is not known to reach it.
    pub flash_cache: bool,
    /// Zone model.
    pub zoned: Zoned,
    /// The kernel's removable flag.
    pub removable: bool,
    /// The kernel's read-only flag.
    pub read_only: bool,
    /// ATA security.
    pub security: Security,
    /// TCG locking: Opal and its relatives.
    pub tcg: Tcg,
    /// What is of the whole drive (sanitize, a revert) reaches this node and nothing else; else why not, in
    /// words: nobody confirmed the rest.
    pub alone: Result<(), String>,
    /// Capacity beyond what can be addressed.
    pub hidden: HiddenCapacity,
    /// The drive's own sanitize commands, or why none can be used here, in words.
    pub sanitize: Result<Sanitize, String>,
    /// What its sanitize commands could do, which are frozen until its power goes (ATA's SANITIZE FREEZE
    /// LOCK).
    pub sanitize_frozen: Option<Sanitize>,
    /// NVMe's Format NVM of this namespace and no other, or why it cannot be used here, in words.
    pub format: Result<NvmeFormat, String>,
    /// How the medium of a SCSI disk is formatted; `None` where it is none, or a volume of them.
    pub blocks: Option<Blocks>,
    /// SMART and its relatives.
    pub health: Health,
    /// Volume and partition identities found on the medium, to recognise raz's own.
    pub volumes: Vec<VolumeId>,
    /// A place where such an identity may stand cannot be read.
    pub volumes_unread: bool,
    /// Who uses the drive now.
    pub uses: Vec<Use>,
    /// What it does, or failed to do, to itself, and that keeps its medium away; `None` when it tells of
    /// nothing.
    pub own_erase: Option<OwnErase>,
    /// Why the drive did not say who it is; `None` when it did. The other facts are then the
    /// kernel's alone.
    pub silent: Option<Silence>,
    /// Boot areas of the card whose user area this is.
    pub boot_areas: Vec<BootAreaFacts>,
    /// Storage at this drive that an overwrite of its addressable bytes does not reach, boot areas apart
    /// (RPMB, general purpose areas, other namespaces, reallocated sectors), in words.
    pub not_reached: Vec<String>,
    /// What was odd in the answers, in words.
    pub oddities: Vec<String>,
}

impl DriveFacts {
    /// A drive of which nothing is known but its name and how it is attached.
    #[must_use]
    pub fn unasked(name: &str, transport: Transport) -> Self {
        const UNASKED: &str = "the drive was not asked";
        Self {
            name: name.into(),
            path: Path::new("/dev").join(name),
            transport,
            bridge: None,
            controller: None,
            bus_path: String::new(),
            vendor: None,
            model: None,
            firmware: None,
            identity: Identity::default(),
            disk_sequence: None,
            capacity_bytes: 0,
            logical_sector_bytes: 512,
            physical_sector_bytes: 512,
            medium: Medium::Unknown,
            flash_cache: false,
            zoned: Zoned::No,
            removable: false,
            read_only: false,
            security: Security::default(),
            tcg: Tcg::Absent,
            alone: Ok(()),
            hidden: HiddenCapacity::Unknown {
                reason: UNASKED.into(),
            },
            sanitize: Err(UNASKED.into()),
            sanitize_frozen: None,
            format: Err(UNASKED.into()),
            health: Health::not_read(UNASKED),
            volumes: Vec::new(),
            volumes_unread: false,
            own_erase: None,
            blocks: None,
            uses: Vec::new(),
            silent: None,
            boot_areas: Vec::new(),
            not_reached: Vec::new(),
            oddities: Vec::new(),
        }
    }

    /// ATA commands reach it whole: attached directly, or behind a SAS controller's translation, which
    /// puts `ATA` into the vendor field (SAT-4 8.1.2). A USB bridge is trusted with none.
    #[must_use]
    pub fn takes_ata_commands(&self) -> bool {
        match self.transport {
            Transport::Ata => true,
            Transport::Scsi => self.vendor.as_deref() == Some("ATA"),
            Transport::Nvme
            | Transport::Usb
            | Transport::Mmc
            | Transport::Sd
            | Transport::Virtio
            | Transport::Loop
            | Transport::RaidVolume
            | Transport::Network
            | Transport::Other => false,
        }
    }
}

/// Why a drive did not say who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Silence {
    /// It was asked: what it did instead, in words.
    NoAnswer(String),
    /// It could not be opened to be asked: the kernel's error.
    NotOpened(String),
    /// The kernel does not let this program open or ask it: its error. Nothing is known against
    /// the drive.
    Denied(String),
}

/// A drive's own erase or format that its medium is not to be had for, by the drive's word. It goes on
/// over resets, and a sanitize over power cycles, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnErase {
    /// A sanitize is under way.
    Sanitizing {
        /// Part done in 65536ths; `None` when not said.
        progress: Option<u16>,
    },
    /// NVMe: a sanitize erased it and left its medium to be looked at, until somebody ends that.
    MediaVerification,
    /// The last sanitize failed: the drive takes nothing but another one.
    SanitizeFailed,
    /// A format is under way.
    Formatting {
        /// Part done in 65536ths; `None` when not said.
        progress: Option<u16>,
    },
    /// A format failed or was cut: the drive takes nothing before it is formatted anew.
    FormatFailed,
}

impl OwnErase {
    /// Reads wait for its end, and the kernel asks again and again for minutes meanwhile.
    #[must_use]
    pub fn is_under_way(self) -> bool {
        match self {
            Self::Sanitizing { .. } | Self::Formatting { .. } | Self::MediaVerification => true,
            Self::SanitizeFailed | Self::FormatFailed => false,
        }
    }

    /// FORMAT UNIT, or its end, makes the drive take reads and writes again.
    #[must_use]
    pub fn is_of_format(self) -> bool {
        match self {
            Self::Formatting { .. } | Self::FormatFailed => true,
            Self::Sanitizing { .. } | Self::MediaVerification | Self::SanitizeFailed => false,
        }
    }

    /// Nothing but a sanitize command makes the drive take reads and writes again.
    #[must_use]
    pub fn needs_sanitize(self) -> bool {
        match self {
            Self::MediaVerification | Self::SanitizeFailed => true,
            Self::Sanitizing { .. } | Self::Formatting { .. } | Self::FormatFailed => false,
        }
    }
}

/// How a drive is attached to this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// SATA or PATA through libata.
    Ata,
    /// SAS, parallel SCSI, or a SCSI disk of unknown wire.
    Scsi,
    /// NVMe over PCIe.
    Nvme,
    /// USB, by usb-storage or uas.
    Usb,
    /// Embedded MMC: soldered flash.
    Mmc,
    /// An SD card.
    Sd,
    /// virtio-blk.
    Virtio,
    /// A loop device over a file.
    Loop,
    /// A logical volume of a RAID controller, whose members are hidden.
    RaidVolume,
    /// iSCSI, NVMe over fabrics, network block device, fibre channel: storage that others may own.
    Network,
    /// Anything else, by its kernel driver's name in the oddities.
    Other,
}

/// A USB bridge or stick controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsbBridge {
    /// USB vendor id.
    pub vendor_id: u16,
    /// USB product id.
    pub product_id: u16,
    /// The bridge's own strings, joined.
    pub name: String,
    /// The bridge's own serial: often repeated between units.
    pub serial: Option<String>,
}

/// What kind of medium holds the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// Magnetic platters at this many revolutions per minute, 0 when not said.
    Rotating {
        /// Revolutions per minute.
        rpm: u16,
    },
    /// Flash or other memory.
    SolidState,
    /// Not said.
    Unknown,
}

/// The kernel's `queue/zoned`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zoned {
    /// Not zoned.
    No,
    /// Zoned, but random writes are taken.
    HostAware,
    /// Zoned, sequential writes only.
    HostManaged,
}

/// ATA security of the drive's own firmware. `None` where it was not asked or the kind of drive has
/// none; a drive whose `locked` is false may still be locked by TCG ([`Tcg`]).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Security {
    /// ATA security feature set supported.
    pub supported: Option<bool>,
    /// A password is set.
    pub enabled: Option<bool>,
    /// Media access is locked by the ATA password.
    pub locked: Option<bool>,
    /// Security commands are refused until the next power cycle.
    pub frozen: Option<bool>,
    /// Enhanced SECURITY ERASE UNIT exists, and takes so long by the drive's word.
    pub enhanced_erase: Option<EraseTime>,
}

/// What the drive says of TCG locking, by Level 0 discovery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tcg {
    /// Nothing that was asked says that the drive has any, or it was not asked.
    Absent,
    /// What it told.
    Told(Discovery),
    /// It says that it has trusted computing, and not how it is locked: unknown is not unlocked.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// What a drive's own sanitize commands can do, through a path that carries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sanitize {
    /// All flash blocks are erased.
    pub block_erase: bool,
    /// The keys are replaced.
    pub crypto_erase: bool,
    /// The whole medium is overwritten.
    pub overwrite: bool,
    /// The command set that they belong to.
    pub commands: SanitizeCommands,
}

/// Command sets that have sanitize commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SanitizeCommands {
    /// SANITIZE DEVICE (ACS-4 7.36), by ATA PASS-THROUGH.
    Ata,
    /// SANITIZE (SBC-4 5.30), with what VPD page B1h says of reads after it.
    Scsi(Option<Characteristics>),
    /// Sanitize of an NVM subsystem, with its controller's SANICAP; its media verification only where the
    /// namespace has no metadata, because raz reads none.
    Nvme(SanitizeCapabilities),
    /// Erase and SANITIZE_START of an eMMC (JESD84-B51 6.6.13), with what its register says of them.
    Mmc(Erasing),
}

/// Format NVM with an erase of user data, which reaches one namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NvmeFormat {
    /// The namespace.
    pub nsid: u32,
}

/// How the medium of a SCSI disk is formatted, by the disk's own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// Bytes of a logical block, without protection information; `None` where it does not tell.
    pub bytes: Option<u32>,
    /// Type of the protection information, 8 bytes beside each block.
    pub protection_type: Option<u8>,
}

impl Blocks {
    /// Whether Linux drives blocks of this length and protection (`sd_read_capacity`,
    /// `sd_read_protection_type`). It gives other disks a capacity of 0.
    #[must_use]
    pub fn are_served(&self) -> bool {
        self.bytes
            .is_none_or(|bytes| matches!(bytes, 512 | 1024 | 2048 | 4096))
            && self.protection_type.is_none_or(|kind| kind <= 3)
    }
}

/// Whether the drive has more capacity than can be addressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HiddenCapacity {
    /// The kind of drive has no such feature (virtio, loop, SD).
    NotApplicable,
    /// Asked and answered: all capacity is addressable.
    None {
        /// How it was established, naming the commands.
        evidence: String,
    },
    /// This many bytes are hidden now.
    Hidden {
        /// Native minus addressable capacity.
        bytes: u64,
        /// By what and how it was found.
        evidence: String,
    },
    /// An HPA was opened by the kernel for this boot only (`libata.ignore_hpa=1`):
    /// its bytes are addressable now, and hidden again after a power cycle.
    OpenedForThisBoot {
        /// Bytes beyond the lasting limit.
        bytes: u64,
        /// The kernel's words or the command's answer.
        evidence: String,
    },
    /// Could not be asked: unknown is not clean.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// One user of a drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Use {
    /// The drive or a partition of it is mounted here.
    Mounted {
        /// The device that is mounted, by kernel name.
        device: String,
        /// The mount point.
        at: String,
    },
    /// Held by another block device: md, dm, bcache.
    Held {
        /// The drive or partition, by kernel name.
        device: String,
        /// The holder's kernel name.
        by: String,
    },
    /// Used as swap.
    Swap {
        /// The drive or partition, by kernel name.
        device: String,
    },
    /// Backing file of nothing, but opened exclusively by someone else.
    Busy,
}
