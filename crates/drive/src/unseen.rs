//! Where data may be in this machine that no drive of the list holds: storage controllers of the PCI
//! bus that have nothing to show for themselves, or that show less than is there, and discs.
//!
//! Read from sysfs; no drive is asked. A place that cannot be judged is named: unknown is not clean. An
//! AHCI or SAS controller without drives is an ordinary thing and no finding.
//!
//! Class codes: PCI Code and ID Assignment Specification, 1.1 and 1.9. `remapped_nvme` is an
//! attribute of the kernel's ahci driver (drivers/ata/ahci.c), `state` one of its nvme driver.

use crate::disc::Disc;
use crate::discover::{Roots, sysfs};
use crate::facts::{DriveFacts, Transport};
use crate::medium::BootMedium;
use std::fmt;
use std::path::{Path, PathBuf};

/// Class codes of PCI functions, base class and subclass.
const MASS_STORAGE: u32 = 0x01;
const RAID: u32 = 0x0104;
const NVM: u32 = 0x0108;
const SD_HOST: u32 = 0x0805;

const INTEL: u16 = 0x8086;

/// A storage controller, or one function of it, on the PCI bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Place on the bus, such as `0000:00:17.0`.
    pub address: String,
    /// Vendor and device.
    pub id: (u16, u16),
    /// Class code: base class, subclass, programming interface.
    pub class: u32,
    /// The kernel's driver for it.
    pub driver: Option<String>,
    /// Its folder in sysfs.
    pub dir: PathBuf,
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (vendor, device) = self.id;
        write!(f, "{} ({vendor:04x}:{device:04x})", self.address)
    }
}

/// A place that may hold data and is no drive of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unseen {
    /// A storage controller that no driver serves.
    NoDriver(Function),
    /// NVMe drives that Intel's RST hides behind the SATA controller.
    Remapped {
        /// The SATA controller.
        function: Function,
        /// How many there are; `None` when its driver does not say whether there are any.
        drives: Option<u64>,
    },
    /// Intel's VMD, which holds drives of its own bus, and shows none.
    EmptyVmd(Function),
    /// An NVMe drive without a namespace.
    NoNamespace {
        /// The drive.
        function: Function,
        /// The kernel's state of it, such as `live` or `dead`.
        state: Option<String>,
    },
    /// A RAID controller: its volumes are drives of the list, what they are made of, spares and drives
    /// that are in no volume are not.
    RaidMembers(Function),
    /// A disc in an optical drive.
    Disc {
        /// Kernel name of the optical drive, such as `sr0`.
        drive: String,
    },
}

impl Unseen {
    /// Stable name for machines, such as `no driver` or `remapped`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoDriver(_) => "no driver",
            Self::Remapped { .. } => "remapped",
            Self::EmptyVmd(_) => "empty VMD",
            Self::NoNamespace { .. } => "no namespace",
            Self::RaidMembers(_) => "RAID members",
            Self::Disc { .. } => "disc",
        }
    }

    /// Where it is: a place on the PCI bus, or an optical drive's kernel name.
    #[must_use]
    pub fn place(&self) -> &str {
        match self {
            Self::NoDriver(function)
            | Self::Remapped { function, .. }
            | Self::EmptyVmd(function)
            | Self::NoNamespace { function, .. }
            | Self::RaidMembers(function) => &function.address,
            Self::Disc { drive } => drive,
        }
    }

    /// What the person at the bench can do.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NoDriver(_) => {
                "in the firmware's setup, set the storage mode to AHCI (not RAID, RST or VMD) and start raz again; else take its drives out and erase them in another machine"
            }
            Self::Remapped { .. } => {
                "in the firmware's setup, set the storage or SATA mode from RAID, RST or Optane to AHCI, and start raz again"
            }
            Self::EmptyVmd(_) => {
                "in the firmware's setup, switch VMD off and start raz again; if nothing more is listed then, no drive is behind it"
            }
            Self::NoNamespace { .. } => {
                "switch the machine off and on; a drive that shows nothing all the same must be taken out and destroyed"
            }
            Self::RaidMembers(_) => {
                "count the drives in the machine: in the controller's own setup, delete its volumes and pass each drive through (HBA or JBOD mode), or erase them in another machine"
            }
            Self::Disc { .. } => "take it out and give it back",
        }
    }
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDriver(function) => {
                write!(
                    f,
                    "the storage controller at {function} has no driver, so that its drives are not seen"
                )
            }
            Self::Remapped {
                function,
                drives: Some(drives),
            } => write!(
                f,
                "Intel RST hides {drives} NVMe drive(s) behind the SATA controller at {function}"
            ),
            Self::Remapped {
                function,
                drives: None,
            } => write!(
                f,
                "Intel RST may hide an NVMe drive behind the SATA controller at {function}"
            ),
            Self::EmptyVmd(function) => write!(
                f,
                "Intel VMD at {function} shows no drive, though it is there for that"
            ),
            Self::NoNamespace { function, state } => write!(
                f,
                "the NVMe drive at {function} shows nothing that it holds ({})",
                state.as_deref().unwrap_or("its state is not told")
            ),
            Self::RaidMembers(function) => write!(
                f,
                "the RAID controller at {function} shows volumes, and neither their members nor spares"
            ),
            Self::Disc { drive } => write!(f, "a disc is in the optical drive {drive}"),
        }
    }
}

/// What may hold data beside the `drives` of this machine: controllers, and `discs` that are not raz's medium.
#[must_use]
pub fn find(
    roots: &Roots,
    drives: &[DriveFacts],
    medium: &BootMedium,
    discs: &[Disc],
) -> Vec<Unseen> {
    let functions = functions(&roots.sys);
    let mut found: Vec<Unseen> = functions
        .iter()
        .filter_map(|function| judge(function, &functions, drives))
        .collect();
    let own = own(medium);
    let foreign = |disc: &&Disc| !own.is_some_and(|own| disc.carries(own));
    found.extend(discs.iter().filter(foreign).map(|disc| Unseen::Disc {
        drive: disc.drive.clone(),
    }));
    found
}

/// Storage controllers of the PCI bus, in the order of their places; those below a VMD, too.
fn functions(sys: &Path) -> Vec<Function> {
    let devices = sys.join("bus/pci/devices");
    let read = |address: String| {
        let dir = devices.join(&address).canonicalize().ok()?;
        let hex = |name: &str| hexadecimal(&sysfs::text(&dir.join(name))?);
        let class = hex("class")?;
        let is_storage = class >> 16 == MASS_STORAGE || class >> 8 == SD_HOST;
        let id = |name| hex(name).and_then(|id| u16::try_from(id).ok()).unwrap_or(0);
        is_storage.then(|| Function {
            address,
            id: (id("vendor"), id("device")),
            class,
            driver: driver(&dir),
            dir: dir.clone(),
        })
    };
    sysfs::names(&devices)
        .into_iter()
        .filter_map(read)
        .collect()
}

/// `0x010601`, as sysfs writes ids and classes.
fn hexadecimal(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

fn driver(dir: &Path) -> Option<String> {
    let driver = dir.join("driver").canonicalize().ok()?;
    Some(sysfs::file_name(&driver).to_owned()).filter(|name| !name.is_empty())
}

fn judge(function: &Function, all: &[Function], drives: &[DriveFacts]) -> Option<Unseen> {
    let this = || function.clone();
    let Some(driver) = function.driver.as_deref() else {
        return Some(Unseen::NoDriver(this()));
    };
    let is_raid = function.class >> 8 == RAID;
    match driver {
        "ahci" => {
            let told = sysfs::text(&function.dir.join("remapped_nvme"));
            match told.and_then(|text| text.parse().ok()) {
                Some(0) => None,
                // Only Intel's controllers do that, and in no other mode.
                None if !is_raid || function.id.0 != INTEL => None,
                drives => Some(Unseen::Remapped {
                    function: this(),
                    drives,
                }),
            }
        }
        "vmd" => {
            let is_below = |other: &Function| {
                other.dir != function.dir && other.dir.starts_with(&function.dir)
            };
            (!all.iter().any(is_below)).then(|| Unseen::EmptyVmd(this()))
        }
        // Chips whose RAID is a matter of the firmware's, with each drive for itself.
        _ if is_raid && !is_plain_ata(driver) => Some(Unseen::RaidMembers(this())),
        _ if drives.iter().any(|drive| is_volume_of(drive, function)) => {
            Some(Unseen::RaidMembers(this()))
        }
        "nvme" if function.class >> 8 == NVM => no_namespace(function),
        _ => None,
    }
}

fn is_plain_ata(driver: &str) -> bool {
    let prefixes = ["ata_", "pata_", "sata_", "pdc_"];
    prefixes.iter().any(|prefix| driver.starts_with(prefix))
}

/// A volume of this controller's.
fn is_volume_of(drive: &DriveFacts, function: &Function) -> bool {
    let mut parts = drive.bus_path.split('/');
    drive.transport == Transport::RaidVolume && parts.any(|part| part == function.address)
}

fn no_namespace(function: &Function) -> Option<Unseen> {
    let class = function.dir.join("nvme");
    let controllers: Vec<PathBuf> = sysfs::names(&class)
        .into_iter()
        .map(|name| class.join(name))
        .collect();
    // A namespace, or a path of one that has several.
    let has_one = |controller: &PathBuf| {
        let names = sysfs::names(controller);
        names.iter().any(|name| name.starts_with("nvme"))
    };
    if controllers.iter().any(has_one) {
        return None;
    }
    let state = controllers.first();
    Some(Unseen::NoNamespace {
        function: function.clone(),
        state: state.and_then(|controller| sysfs::text(&controller.join("state"))),
    })
}

/// The identity of raz's own medium.
fn own(medium: &BootMedium) -> Option<&str> {
    match medium {
        BootMedium::Network | BootMedium::NotNamed => None,
        BootMedium::Disc { named, .. }
        | BootMedium::Image { named, .. }
        | BootMedium::Absent { named, .. }
        | BootMedium::One { named, .. }
        | BootMedium::Several { named, .. } => Some(named),
    }
}

#[cfg(test)]
mod tests {
    use super::hexadecimal;

    #[test]
    fn class_codes_are_read_and_anything_else_is_none() {
        assert_eq!(hexadecimal("0x010601"), Some(0x01_0601));
        assert_eq!(hexadecimal("0xffffffff"), Some(u32::MAX));
        for odd in [
            "",
            "0x",
            "010601",
            "0x1ffffffff",
            "0xzz",
            "0x-1",
            "\u{fffd}",
        ] {
            assert_eq!(hexadecimal(odd), None, "{odd:?}");
        }
    }
}
