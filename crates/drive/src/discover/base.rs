//! Facts from sysfs and `/proc` alone: what is known of a drive before it is asked, and all that is
//! known of one that does not answer.

use super::Roots;
use super::answers;
use super::attachment::Attachment;
use super::serial::Serial;
use super::sysfs::{self, Node, file_name, numbered};
use crate::facts::Use;
use crate::facts::{DriveFacts, HiddenCapacity, Medium, Security, Tcg, Transport, Zoned};
use crate::health::Health;
use crate::identity::Identity;
use crate::scsi;
use crate::uses;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Sector size where sysfs names none: what the kernel itself falls back to.
const SECTOR_BYTES_DEFAULT: u32 = 512;

/// The facts of one whole drive that need no question to it.
pub fn facts(roots: &Roots, node: &Node, attachment: &Attachment) -> DriveFacts {
    let transport = attachment.transport;
    let mut oddities = attachment.oddities.clone();
    let device = |attribute: &str| {
        let dir = attachment.device.as_deref()?;
        sysfs::text(&dir.join(attribute))
    };
    let (vendor, model, firmware) = match transport {
        Transport::Mmc | Transport::Sd => (None, device("name"), device("fwrev")),
        Transport::Virtio | Transport::Loop => (None, None, None),
        Transport::Ata
        | Transport::Scsi
        | Transport::Nvme
        | Transport::Usb
        | Transport::RaidVolume
        | Transport::Network
        | Transport::Other => (
            device("vendor").filter(|_| attachment.nvme_controllers.is_empty()),
            device("model"),
            device("rev").or_else(|| device("firmware_rev")),
        ),
    };
    let identity = identity(node, attachment, &mut oddities);
    let sector = |attribute: &str| {
        node.number(attribute)
            .and_then(|bytes| u32::try_from(bytes).ok())
            .filter(|bytes| *bytes > 0)
            .unwrap_or(SECTOR_BYTES_DEFAULT)
    };
    DriveFacts {
        path: roots.dev.join(node.name.replace('!', "/")),
        name: node.name.clone(),
        transport,
        bridge: attachment.bridge.clone(),
        controller: attachment.controller.clone(),
        bus_path: node.position(),
        vendor,
        model,
        firmware,
        identity,
        disk_sequence: node.number("diskseq"),
        capacity_bytes: node.capacity_bytes(),
        logical_sector_bytes: sector("queue/logical_block_size"),
        physical_sector_bytes: sector("queue/physical_block_size"),
        medium: medium(node, transport),
        flash_cache: false,
        zoned: zoned(node, &mut oddities),
        removable: node.number("removable") == Some(1),
        read_only: node.number("ro") == Some(1),
        security: Security::default(),
        tcg: Tcg::Absent,
        alone: Ok(()),
        hidden: match transport {
            Transport::Virtio | Transport::Loop | Transport::Sd => HiddenCapacity::NotApplicable,
            Transport::Ata
            | Transport::Scsi
            | Transport::Nvme
            | Transport::Usb
            | Transport::Mmc
            | Transport::RaidVolume
            | Transport::Network
            | Transport::Other => HiddenCapacity::Unknown {
                reason: "the drive was not asked".into(),
            },
        },
        sanitize: Err("the drive was not asked".into()),
        format: Err("the drive was not asked".into()),
        blocks: None,
        health: Health::not_read("the drive was not asked"),
        volumes: Vec::new(),
        volumes_unread: false,
        uses: uses(roots, node),
        silent: None,
        not_reached: not_reached(roots, node, attachment),
        oddities,
    }
}

/// Rotation is believed only where it is denied: the kernel calls a drive rotating when it knows nothing.
fn medium(node: &Node, transport: Transport) -> Medium {
    match transport {
        Transport::Nvme | Transport::Mmc | Transport::Sd => Medium::SolidState,
        Transport::Virtio | Transport::Loop | Transport::RaidVolume | Transport::Network => {
            Medium::Unknown
        }
        Transport::Ata | Transport::Scsi | Transport::Usb | Transport::Other => {
            match node.number("queue/rotational") {
                Some(0) => Medium::SolidState,
                Some(_) | None => Medium::Unknown,
            }
        }
    }
}

fn zoned(node: &Node, oddities: &mut Vec<String>) -> Zoned {
    match node.text("queue/zoned").as_deref() {
        None | Some("none") => Zoned::No,
        Some("host-aware") => Zoned::HostAware,
        Some("host-managed") => Zoned::HostManaged,
        Some(other) => {
            // A zone model that raz does not know may refuse random writes.
            oddities.push(format!("unknown zone model {other}"));
            Zoned::HostManaged
        }
    }
}

fn identity(node: &Node, attachment: &Attachment, oddities: &mut Vec<String>) -> Identity {
    let dir = attachment.device.as_deref();
    let device = |attribute: &str| sysfs::text(&dir?.join(attribute));
    let page = |attribute: &str| sysfs::bytes(&dir?.join(attribute));
    let mut identity = Identity {
        bus_path: node.position(),
        ..Identity::default()
    };
    match attachment.transport {
        Transport::Loop => identity.world_wide = file_name_of_loop(node, oddities),
        Transport::Virtio => {
            identity.serial = Serial::credible(node.text("serial").as_deref(), "virtio", oddities);
        }
        Transport::Mmc | Transport::Sd => {
            identity.serial = Serial::credible(device("serial").as_deref(), "the card", oddities);
            identity.world_wide =
                device("cid").map(|cid| format!("cid-{}", cid.to_ascii_lowercase()));
            identity.area = mmc_area(&node.name);
        }
        Transport::Nvme | Transport::Network if !attachment.nvme_controllers.is_empty() => {
            identity.serial =
                Serial::credible(device("serial").as_deref(), "the controller", oddities);
            identity.world_wide = nvme_name(node);
            identity.area = node
                .number("nsid")
                .map_or_else(String::new, |nsid| format!("nsid-{nsid}"));
        }
        Transport::Ata
        | Transport::Scsi
        | Transport::Usb
        | Transport::RaidVolume
        | Transport::Network
        | Transport::Nvme
        | Transport::Other => {
            let serial = page("vpd_pg80").and_then(|bytes| scsi::vpd::unit_serial(&bytes));
            identity.serial =
                Serial::credible(serial.as_deref(), "the unit serial number page", oddities);
            identity.world_wide = page("vpd_pg83")
                .and_then(|bytes| scsi::vpd::designators(&bytes))
                .as_deref()
                .and_then(answers::world_wide)
                .or_else(|| device("wwid").as_deref().and_then(wwid_name));
            if attachment.lun > 0 {
                identity.area = format!("lun-{}", attachment.lun);
            }
        }
    }
    let bridge = attachment.bridge.as_ref();
    if identity.serial.is_none()
        && attachment.transport == Transport::Usb
        && let Some(serial) = bridge.and_then(|bridge| bridge.serial.as_deref())
    {
        identity.serial = Serial::credible(Some(serial), "the USB device", oddities);
    }
    identity
}

/// Who uses the drive now; of a loop device, also who uses its file through another one, at
/// whatever offset: the kernel guards each loop device by itself.
pub fn uses(roots: &Roots, node: &Node) -> Vec<Use> {
    let mut found = uses::uses(roots, node);
    let file = |node: &Node| backing_file(node).map(|file| (file.dev(), file.ino()));
    let Some(own) = file(node) else {
        return found;
    };
    let others = sysfs::names(&roots.sys.join("block"))
        .into_iter()
        .filter(|name| numbered(name, "loop") && *name != node.name)
        .filter_map(|name| Node::whole(&roots.sys, &name))
        .filter(|other| file(other) == Some(own));
    found.extend(others.flat_map(|other| uses::uses(roots, &other)));
    found
}

/// `file-DEVICE-INODE-OFFSET`.
fn file_name_of_loop(node: &Node, oddities: &mut Vec<String>) -> Option<String> {
    let Some(file) = backing_file(node) else {
        oddities.push("its backing file is no longer there".into());
        return None;
    };
    let offset = node.number("loop/offset").unwrap_or(0);
    Some(format!("file-{}-{}-{offset}", file.dev(), file.ino()))
}

/// The file behind a loop device; a deleted one, or one that is not where sysfs says, is none.
fn backing_file(node: &Node) -> Option<Metadata> {
    let path = node.text("loop/backing_file")?;
    fs::metadata(&path)
        .ok()
        .filter(|_| !path.ends_with(" (deleted)"))
}

/// `boot0`, `gp1`; empty for the user area.
fn mmc_area(name: &str) -> String {
    let area = name.strip_prefix("mmcblk").unwrap_or("");
    area.trim_start_matches(|c: char| c.is_ascii_digit())
        .to_owned()
}

fn nvme_name(node: &Node) -> Option<String> {
    let digits = |attribute: &str| {
        let text = node.text(attribute)?;
        let hex: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        let any = hex.bytes().any(|digit| digit != b'0');
        any.then(|| hex.to_ascii_lowercase())
    };
    digits("nguid")
        .map(|hex| format!("nguid-{hex}"))
        .or_else(|| digits("eui").map(|hex| format!("eui-{hex}")))
}

/// `naa.…` and `eui.…` as the kernel writes a designator; texts of type `t10.` hold vendor, model and
/// serial rather than a name of their own.
fn wwid_name(wwid: &str) -> Option<String> {
    let hex = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    let (kind, value) = wwid.split_once('.')?;
    match kind {
        "naa" if hex(value) => Some(format!("wwn-{}", value.to_ascii_lowercase())),
        "eui" if hex(value) => Some(format!("eui-{}", value.to_ascii_lowercase())),
        _ => None,
    }
}

/// Siblings that share the drive's silicon and are not this device.
fn not_reached(roots: &Roots, node: &Node, attachment: &Attachment) -> Vec<String> {
    let mut found = Vec::new();
    match attachment.transport {
        Transport::Mmc if mmc_area(&node.name).is_empty() => {
            let card = attachment.device.as_deref();
            for area in sysfs::names(&node.dir) {
                let is_area = area.strip_prefix(&node.name).is_some_and(|rest| {
                    numbered(rest, "boot") || numbered(rest, "gp") || rest == "rpmb"
                });
                if is_area {
                    found.push(mmc_sibling(&node.dir.join(&area)));
                }
            }
            // The replay-protected area is a character device since Linux 4.15, beside the disk.
            let rpmb = card.and_then(|dir| sysfs::text(&dir.join("raw_rpmb_size_mult")));
            if rpmb.is_some_and(|size| !matches!(size.trim_start_matches("0x"), "0" | "00" | "000000"))
                && !found.iter().any(|text| text.contains("rpmb"))
            {
                found.push("replay-protected area rpmb: cannot be erased without its key".into());
            }
        }
        Transport::Nvme => {
            let own = node.number("nsid");
            for name in sibling_namespaces(node, attachment) {
                let Some(other) = Node::whole(&roots.sys, &name) else {
                    continue;
                };
                let nsid = other.number("nsid");
                if nsid != own
                    && let Some(nsid) = nsid
                {
                    found.push(other_namespace(nsid));
                }
            }
        }
        Transport::RaidVolume => found.push(
            "member drives, hot spares and cache behind the RAID controller: only the volume is overwritten".into(),
        ),
        Transport::Ata
        | Transport::Scsi
        | Transport::Usb
        | Transport::Mmc
        | Transport::Sd
        | Transport::Virtio
        | Transport::Loop
        | Transport::Network
        | Transport::Other => {}
    }
    found
}

/// How a namespace that is not this drive is named among what is not reached.
pub fn other_namespace(nsid: u64) -> String {
    format!("{OTHER_NAMESPACE}{nsid} of the same drive")
}

/// Whether it is such a name.
pub fn is_other_namespace(text: &str) -> bool {
    text.starts_with(OTHER_NAMESPACE)
}

const OTHER_NAMESPACE: &str = "other namespace nsid-";

/// Names of all namespaces below the drive's controllers and subsystem. Path nodes of a multipath
/// namespace are in no list of whole devices that can be opened, or have the same nsid.
fn sibling_namespaces(node: &Node, attachment: &Attachment) -> Vec<String> {
    let beside = node.dir.parent().into_iter();
    let controllers = attachment.nvme_controllers.iter().map(PathBuf::as_path);
    let mut names: Vec<String> = beside
        .chain(controllers)
        .flat_map(sysfs::names)
        .filter(|name| name.starts_with("nvme"))
        .collect();
    names.sort();
    names.dedup();
    names
}

fn mmc_sibling(dir: &Path) -> String {
    let name = file_name(dir);
    let area = mmc_area(name);
    if area == "rpmb" {
        return "replay-protected area rpmb: cannot be erased without its key".into();
    }
    let size = sysfs::text(&dir.join("size")).and_then(|text| text.parse::<u64>().ok());
    let bytes = size.unwrap_or(0).saturating_mul(512);
    let locked = sysfs::text(&dir.join("force_ro")).as_deref() == Some("1");
    let note = if locked {
        "write-protected by the kernel (force_ro)"
    } else {
        "a drive of its own in raz's list"
    };
    format!("eMMC area {area}, {bytes} bytes: {note}")
}
