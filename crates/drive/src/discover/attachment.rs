//! How a block device hangs on the machine, from its place in sysfs alone.
//!
//! Decides which block devices are drives at all: what is built on other block devices (dm, md,
//! zram) is not, and neither is what must never be erased as a drive (host firmware flash as
//! `mtdblock`, floppies, optical discs).

use super::serial::Serial;
use super::sysfs::{self, Node, file_name, numbered, scsi_address};
use crate::facts::{Transport, UsbBridge};
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// Prefixes of kernel names that are no drives, each followed by something that is not a letter
/// of a longer name (`md0`, not `mdisk`).
const NO_DRIVES: [&str; 10] = [
    "ram", "zram", "dm-", "md", "sr", "fd", "mtdblock", "drbd", "bcache", "zd",
];

/// SCSI hosts whose disks are reached over a network.
const NETWORK_HOSTS: [&str; 14] = [
    "iscsi_tcp",
    "iser",
    "ib_iser",
    "bnx2i",
    "be2iscsi",
    "cxgb3i",
    "cxgb4i",
    "qla4xxx",
    "qedi",
    "fcoe",
    "bnx2fc",
    "qedf",
    "ib_srp",
    "zfcp",
];

/// SCSI hosts that show logical volumes only.
const RAID_HOSTS: [&str; 14] = [
    "3w-9xxx",
    "3w-sas",
    "3w-xxxx",
    "arcmsr",
    "ips",
    "megaraid",
    "megaraid_legacy",
    "mvumi",
    "cciss",
    "gdth",
    "dpt_i2o",
    "stex",
    "pmcraid",
    "hptiop",
];

/// Place and relatives of one drive.
#[derive(Clone, Debug, PartialEq)]
pub struct Attachment {
    /// How it is attached.
    pub transport: Transport,
    /// The USB device in front of it, if there is one.
    pub bridge: Option<UsbBridge>,
    /// What it shares with siblings, in words.
    pub controller: Option<String>,
    /// The folder of the SCSI device, NVMe controller, MMC card or virtio device.
    pub device: Option<PathBuf>,
    /// Controllers of the drive's NVMe subsystem, folders; the first answers for the drive.
    pub nvme_controllers: Vec<PathBuf>,
    /// SCSI logical unit number.
    pub lun: u64,
    /// The kernel's name of the ATA device in its log, such as `ata1.00`.
    pub ata_device: Option<String>,
    /// What is odd.
    pub oddities: Vec<String>,
}

impl Attachment {
    fn new(transport: Transport) -> Self {
        Self {
            transport,
            bridge: None,
            controller: None,
            device: None,
            nvme_controllers: Vec::new(),
            lun: 0,
            ata_device: None,
            oddities: Vec::new(),
        }
    }
}

/// The attachment of a whole block device; `None` when it is no drive.
///
/// Loop devices are drives only over a file, not over another block device; whether a person named
/// one is for the caller to ask.
pub fn attachment(node: &Node) -> Option<Attachment> {
    let hidden_path = node.number("hidden") == Some(1);
    let excluded = NO_DRIVES.iter().any(|prefix| {
        node.name
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    });
    if hidden_path || excluded || node.name.ends_with("rpmb") {
        return None;
    }
    if numbered(&node.name, "loop") {
        let file = node.text("loop/backing_file")?;
        // A second door to that device, which the kernel does not guard: neither its mounts nor its
        // holders keep anyone from writing here.
        let over_device = fs::metadata(file).is_ok_and(|data| data.file_type().is_block_device());
        return (!over_device).then(|| Attachment::new(Transport::Loop));
    }
    let attached = node.capacity_bytes() > 0;
    if numbered(&node.name, "nbd") || numbered(&node.name, "rbd") {
        return attached.then(|| Attachment::new(Transport::Network));
    }
    // A reader's slot without a card holds nothing; a fixed disk of no capacity is a finding.
    if !attached && node.number("removable") == Some(1) {
        return None;
    }
    let mut found = if node.name.starts_with("nvme") {
        nvme(node)
    } else if node.name.starts_with("mmcblk") {
        mmc(node)
    } else if let Some(device) = node.ancestor(|name| scsi_address(name).is_some()) {
        scsi(node, device)
    } else if let Some(device) = virtio(node) {
        let mut found = Attachment::new(Transport::Virtio);
        found.device = Some(device.to_owned());
        found
    } else if node.ancestor(|name| name == "virtual").is_some() {
        // Made by software on something else, or in memory.
        return None;
    } else {
        let mut found = Attachment::new(Transport::Other);
        let driver = node.dir.join("device").join("driver").canonicalize().ok();
        let driver = driver.as_deref().map_or("unknown", file_name);
        found.oddities.push(format!(
            "kernel driver {driver}: a kind of drive that raz does not know"
        ));
        found
    };
    found.bridge = usb_bridge(node);
    Some(found)
}

fn nvme(node: &Node) -> Attachment {
    let is_controller = |name: &str| numbered(name, "nvme");
    let subsystem = node
        .ancestor(|name| numbered(name, "nvme-subsys"))
        .map(Path::to_owned);
    // Numbers of controller and namespace need not agree: only the folders tell.
    let controllers: Vec<PathBuf> = match &subsystem {
        Some(dir) => sysfs::names(dir)
            .into_iter()
            .filter(|name| is_controller(name))
            .filter_map(|name| dir.join(name).canonicalize().ok())
            .collect(),
        None => node
            .ancestor(is_controller)
            .map(Path::to_owned)
            .into_iter()
            .collect(),
    };
    let names: Vec<&str> = controllers.iter().map(|dir| file_name(dir)).collect();
    let group = subsystem
        .as_deref()
        .map(|dir| format!("{}: ", file_name(dir)));
    let wires: Vec<String> = controllers
        .iter()
        .filter_map(|dir| sysfs::text(&dir.join("transport")))
        .collect();
    let local = |wire: &String| wire == "pcie" || wire.starts_with("apple");
    let mut found = Attachment::new(if !wires.is_empty() && wires.iter().all(local) {
        Transport::Nvme
    } else {
        Transport::Network
    });
    if wires.is_empty() {
        found
            .oddities
            .push("sysfs names no NVMe wire: taken as networked".into());
    }
    found.controller =
        (!names.is_empty()).then(|| format!("{}{}", group.unwrap_or_default(), names.join(", ")));
    found.device = controllers.first().cloned();
    found.nvme_controllers = controllers;
    found
}

fn mmc(node: &Node) -> Attachment {
    let card = node.ancestor(|name| name.starts_with("mmc") && name.contains(':'));
    let kind = card.and_then(|dir| sysfs::text(&dir.join("type")));
    let mut found = Attachment::new(match kind.as_deref() {
        Some("MMC") => Transport::Mmc,
        Some("SD" | "SDcombo") => Transport::Sd,
        Some(_) | None => Transport::Other,
    });
    if found.transport == Transport::Other {
        found.oddities.push(format!(
            "card of unknown type {}",
            kind.as_deref().unwrap_or("(none)")
        ));
    }
    found.controller = card.map(|dir| file_name(dir).to_owned());
    found.device = card.map(Path::to_owned);
    found
}

fn virtio(node: &Node) -> Option<&Path> {
    let device = node.ancestors().nth(2)?;
    numbered(file_name(device), "virtio").then_some(device)
}

fn scsi(node: &Node, device: &Path) -> Attachment {
    let [_, channel, target, lun] = scsi_address(file_name(device)).unwrap_or_default();
    let host = node.ancestor(|name| numbered(name, "host"));
    let host_name = host.map(file_name).unwrap_or_default();
    let driver = host
        .and_then(|dir| sysfs::text(&dir.join("scsi_host").join(host_name).join("proc_name")))
        // What the kernel prints for a driver without the name, such as uas.
        .filter(|driver| driver != "(null)")
        .unwrap_or_default();
    let ata_port = node.ancestor(|name| numbered(name, "ata")).map(file_name);
    let vendor = sysfs::text(&device.join("vendor")).unwrap_or_default();
    let networked = NETWORK_HOSTS.contains(&driver.as_str())
        || node
            .ancestor(|name| numbered(name, "session") || name.starts_with("rport-"))
            .is_some();
    let transport = if networked {
        Transport::Network
    } else if node.ancestors().any(|dir| dir.join("idVendor").is_file()) {
        Transport::Usb
    } else if is_raid_volume(device, &driver, channel) {
        Transport::RaidVolume
    } else if ata_port.is_some() || vendor == "ATA" {
        Transport::Ata
    } else {
        Transport::Scsi
    };
    let mut found = Attachment::new(transport);
    found.controller = host.map(|_| match driver.as_str() {
        "" => host_name.to_owned(),
        driver => format!("{host_name} ({driver})"),
    });
    found.device = Some(device.to_owned());
    found.lun = lun;
    // `ata_dev_printk` writes port and link/device number; a port multiplier's link is the channel.
    found.ata_device = ata_port.map(|port| format!("{port}.{:02}", channel.saturating_add(target)));
    found
}

fn is_raid_volume(device: &Path, driver: &str, channel: u64) -> bool {
    let model = sysfs::text(&device.join("model")).unwrap_or_default();
    match driver {
        // Channels 0 and 1 carry the drives that the controller passes through.
        "megaraid_sas" => channel >= 2,
        // Both drivers say N/A for a drive of its own; silence is not that.
        "hpsa" | "smartpqi" => {
            sysfs::text(&device.join("raid_level")).is_none_or(|level| level != "N/A")
        }
        // Containers are on channel 0, drives of their own on others.
        "aacraid" => channel == 0,
        "mpt3sas" | "mpt2sas" | "mptsas" | "mptspi" => model == "Logical Volume",
        other => RAID_HOSTS.contains(&other),
    }
}

fn usb_bridge(node: &Node) -> Option<UsbBridge> {
    let device = node
        .ancestors()
        .find(|dir| dir.join("idVendor").is_file())?;
    let read = |name: &str| sysfs::text(&device.join(name));
    let number = |name: &str| u16::from_str_radix(&read(name)?, 16).ok();
    let name: Vec<String> = ["manufacturer", "product"]
        .into_iter()
        .filter_map(read)
        .collect();
    Some(UsbBridge {
        vendor_id: number("idVendor")?,
        product_id: number("idProduct")?,
        name: name.join(" "),
        serial: match Serial::judge(read("serial").as_deref()) {
            Serial::Given(serial) | Serial::Junk(serial) => Some(serial),
            Serial::Absent => None,
        },
    })
}
