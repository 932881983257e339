//! What sysfs and the kernel log show of one drive, as far as discovery reads it: the half of a
//! recorded drive that no question to the drive itself brings.
//!
//! Whoever lets discovery read another attribute names it here, too; the captures of crate `agent`
//! are compared with what they were recorded from. Left out is what belongs to the machine's owner
//! and not to the drive: partitions, holders, mounts, and the path of the file behind a loop device.

use super::attachment::Attachment;
use super::kernel_log;
use super::sysfs::{self, Node, file_name, numbered};
use crate::facts::Transport;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Attributes of the block device.
const OF_BLOCK: [&str; 16] = [
    "dev",
    "diskseq",
    "eui",
    "force_ro",
    "hidden",
    "loop/offset",
    "nguid",
    "nsid",
    "queue/logical_block_size",
    "queue/physical_block_size",
    "queue/rotational",
    "queue/zoned",
    "removable",
    "ro",
    "serial",
    "size",
];

/// Attributes of the SCSI device, NVMe controller or card that it stands on.
const OF_DEVICE: [&str; 15] = [
    "cid",
    "firmware_rev",
    "fwrev",
    "model",
    "name",
    "raid_level",
    "raw_rpmb_size_mult",
    "rev",
    "serial",
    "transport",
    "type",
    "vendor",
    "vpd_pg80",
    "vpd_pg83",
    "wwid",
];

/// Attributes of the USB device in front.
const OF_USB: [&str; 5] = ["idProduct", "idVendor", "manufacturer", "product", "serial"];

/// What stands for the path of a loop device's file.
const FILE_LEFT_OUT: &[u8] = b"(left out)\n";

/// Sysfs and the kernel log about one drive. Paths are relative to the root of sysfs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Attributes and their bytes; those that are empty or cannot be read are left out.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
    /// Links, and the file or folder at the end of each.
    pub links: BTreeMap<PathBuf, PathBuf>,
    /// Lines of the kernel log about the drive's host protected area, without time stamps.
    pub log: Vec<String>,
}

impl Shown {
    /// Of one drive.
    pub(super) fn of(sys: &Path, node: &Node, attachment: &Attachment, log: &str) -> Self {
        let mut shown = Self::default();
        let Ok(root) = sys.canonicalize() else {
            return shown;
        };
        shown.link(&root, &root.join("block").join(&node.name));
        shown.files(&root, &node.dir, &OF_BLOCK);
        let devices = attachment.device.iter().chain(&attachment.nvme_controllers);
        for device in devices {
            shown.files(&root, device, &OF_DEVICE);
        }
        if let Some(host) = node.ancestor(|name| numbered(name, "host")) {
            let host = host.join("scsi_host").join(file_name(host));
            shown.files(&root, &host, &["proc_name"]);
        }
        let usb = node.ancestors().find(|dir| dir.join("idVendor").is_file());
        if let Some(usb) = usb {
            shown.files(&root, usb, &OF_USB);
        }
        if !attachment.nvme_controllers.is_empty() {
            shown.subsystem(&root, node, attachment);
        }
        if attachment.transport == Transport::Mmc {
            for area in sysfs::names(&node.dir) {
                let is_area = area.strip_prefix(&node.name).is_some_and(|rest| {
                    rest.starts_with("boot") || rest.starts_with("gp") || rest == "rpmb"
                });
                if is_area {
                    shown.files(&root, &node.dir.join(area), &["size", "force_ro"]);
                }
            }
        }
        if attachment.transport == Transport::Other {
            let device = node.dir.join("device");
            shown.link(&root, &device);
            if let Ok(device) = device.canonicalize() {
                shown.link(&root, &device.join("driver"));
            }
        }
        let file = node.dir.join("loop/backing_file");
        if let (true, Ok(file)) = (file.is_file(), file.strip_prefix(&root)) {
            shown
                .files
                .insert(file.to_owned(), FILE_LEFT_OUT.to_owned());
        }
        if let Some(device) = &attachment.ata_device {
            let lines = log.lines().filter_map(|line| kernel_log::hpa(line, device));
            shown.log = lines.map(|line| line.text).collect();
        }
        shown
    }

    /// The controllers of an NVM subsystem, and its other namespaces by their numbers alone.
    fn subsystem(&mut self, root: &Path, node: &Node, attachment: &Attachment) {
        if let Some(dir) = node.ancestor(|name| numbered(name, "nvme-subsys")) {
            for name in sysfs::names(dir) {
                if numbered(&name, "nvme") {
                    self.link(root, &dir.join(name));
                }
            }
        }
        let dirs = node.dir.parent().into_iter();
        let dirs = dirs.chain(attachment.nvme_controllers.iter().map(PathBuf::as_path));
        for dir in dirs {
            for name in sysfs::names(dir) {
                let other = dir.join(&name);
                if name.starts_with("nvme") && name != node.name && other.join("nsid").is_file() {
                    self.files(root, &other, &["nsid", "hidden"]);
                    self.link(root, &root.join("block").join(&name));
                }
            }
        }
    }

    fn files(&mut self, root: &Path, dir: &Path, attributes: &[&str]) {
        for attribute in attributes {
            let path = dir.join(attribute);
            if let (Ok(below), Some(bytes)) = (path.strip_prefix(root), sysfs::bytes(&path)) {
                self.files.insert(below.to_owned(), bytes);
            }
        }
    }

    /// A path that leads somewhere else within the root; any other is left out.
    fn link(&mut self, root: &Path, path: &Path) {
        let Ok(target) = path.canonicalize() else {
            return;
        };
        if target != path
            && let (Ok(path), Ok(target)) = (path.strip_prefix(root), target.strip_prefix(root))
        {
            self.links.insert(path.to_owned(), target.to_owned());
        }
    }
}
