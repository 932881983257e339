//! One emulated drive: how it is attached, what it says of itself, what is wrong with it.
//!
//! Turned into QEMU's arguments here; the contents are `disk`'s. QEMU 7.2's own devices have no
//! ATA security, no sanitize and no ATA pass-through behind SCSI: those drives are `sim`'s,
//! attached by `wire`.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// How a drive is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bus {
    /// NVMe behind a PCIe root port of its own, so that it can be pulled.
    Nvme,
    /// SATA on the chipset's AHCI controller; logical sectors are always 512 bytes. Cannot be pulled.
    Ahci,
    /// SCSI disk on a virtio-scsi controller.
    VirtioScsi,
    /// USB mass storage on an xHCI controller.
    Usb,
    /// virtio-blk behind a PCIe root port of its own.
    VirtioBlk,
    /// SD card in an SDHCI reader; the size is a power of two, the serial is QEMU's own. Cannot be
    /// pulled.
    SdCard,
}

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Reads that touch the range.
    Read,
    /// Writes that touch the range.
    Write,
}

/// Sectors that give an I/O error each time.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    operation: Operation,
    /// In units of 512 bytes, whatever the drive's sector size.
    sectors: Range<u64>,
}

/// A drive of a machine.
#[derive(Clone, Debug)]
pub struct Drive {
    name: String,
    bus: Bus,
    backing: PathBuf,
    serial: String,
    wwn: Option<u64>,
    logical_bytes: u32,
    physical_bytes: u32,
    rotation: Option<u16>,
    is_removable: bool,
    is_read_only: bool,
    bytes_per_second: Option<u64>,
    faults: Vec<Fault>,
    /// Another NVMe drive whose controller this one shares, and its number there.
    namespace: Option<(String, u32)>,
}

impl Drive {
    /// A drive whose bytes are the file `backing`. `name` is QEMU's id for it (a letter, then
    /// letters, digits, `-`, `_`) and its serial number unless another is given.
    #[must_use]
    pub fn new(name: &str, bus: Bus, backing: &Path) -> Self {
        assert!(
            name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
                && name.len() <= 20,
            "{name:?} is no id of QEMU or too long for a serial number"
        );
        Self {
            name: name.to_owned(),
            bus,
            backing: backing.to_path_buf(),
            serial: name.to_owned(),
            wwn: None,
            logical_bytes: 512,
            physical_bytes: 512,
            rotation: None,
            is_removable: false,
            is_read_only: false,
            bytes_per_second: None,
            faults: Vec::new(),
            namespace: None,
        }
    }

    /// QEMU's id, for `device_del`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Becomes namespace `nsid` of the NVMe drive `first`, which has number 1, its serial number and
    /// stands before this one in the machine.
    #[must_use]
    pub fn namespace_of(mut self, first: &Self, nsid: u32) -> Self {
        assert!(
            self.bus == Bus::Nvme && first.bus == Bus::Nvme && nsid > 1,
            "a further namespace of an NVMe drive"
        );
        self.serial.clone_from(&first.serial);
        self.namespace = Some((first.name.clone(), nsid));
        self
    }

    /// Another serial number, for drives that share one. At most 20 characters.
    #[must_use]
    pub fn serial(mut self, serial: &str) -> Self {
        assert!(
            serial.len() <= 20,
            "{serial:?} is too long for a serial number"
        );
        serial.clone_into(&mut self.serial);
        self
    }

    /// World wide name (SATA, SCSI) or EUI-64 (NVMe); no other bus has one.
    #[must_use]
    pub fn wwn(mut self, wwn: u64) -> Self {
        assert!(
            matches!(self.bus, Bus::Nvme | Bus::Ahci | Bus::VirtioScsi),
            "{:?} has no world wide name",
            self.bus
        );
        self.wwn = Some(wwn);
        self
    }

    /// Sector sizes in bytes: (512, 512), (512, 4096) for 512e, (4096, 4096) for 4Kn.
    #[must_use]
    pub fn sectors(mut self, logical_bytes: u32, physical_bytes: u32) -> Self {
        assert!(
            logical_bytes == 512 || !matches!(self.bus, Bus::Ahci | Bus::SdCard),
            "QEMU has no 4Kn drive on {:?}",
            self.bus
        );
        self.logical_bytes = logical_bytes;
        self.physical_bytes = physical_bytes;
        self
    }

    /// Rotation rate as ATA words it: 1 for an SSD, otherwise revolutions per minute (SATA, SCSI).
    #[must_use]
    pub fn rotation(mut self, rate: u16) -> Self {
        assert!(
            matches!(self.bus, Bus::Ahci | Bus::VirtioScsi),
            "{:?} has no rotation rate",
            self.bus
        );
        self.rotation = Some(rate);
        self
    }

    /// Says that its medium is removable, as sticks do (USB, SCSI).
    #[must_use]
    pub fn removable(mut self) -> Self {
        assert!(
            matches!(self.bus, Bus::Usb | Bus::VirtioScsi),
            "{:?} cannot be removable",
            self.bus
        );
        self.is_removable = true;
        self
    }

    /// Says that it cannot be written.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        assert!(self.bus != Bus::Ahci, "QEMU has no read-only SATA disk");
        self.is_read_only = true;
        self
    }

    /// No faster than this, so that something can happen in mid-wipe.
    #[must_use]
    pub fn bytes_per_second(mut self, rate: u64) -> Self {
        self.bytes_per_second = Some(rate);
        self
    }

    /// These sectors (units of 512 bytes) fail each time. One rule a sector: keep ranges short.
    #[must_use]
    pub fn failing(mut self, operation: Operation, sectors: Range<u64>) -> Self {
        self.faults.push(Fault { operation, sectors });
        self
    }

    pub(crate) fn serial_number(&self) -> &str {
        &self.serial
    }

    pub(crate) fn bus(&self) -> Bus {
        self.bus
    }

    /// `-object` of the throttle group, when it has one.
    pub(crate) fn throttle_object(&self) -> Option<Value> {
        self.bytes_per_second.map(|rate| {
            json!({
                "qom-type": "throttle-group",
                "id": self.throttle_group(),
                "limits": {"bps-total": rate},
            })
        })
    }

    /// `-blockdev`, also the arguments of QMP's `blockdev-add`: file, faults, speed, in that order.
    #[must_use]
    pub fn blockdev(&self) -> Value {
        let mut node = json!({
            "driver": "file",
            "filename": self.backing,
            // The scenario looks at the file, or changes it, while the machine runs.
            "locking": "off",
        });
        if !self.faults.is_empty() {
            let rules: Vec<Value> = self.faults.iter().flat_map(Fault::rules).collect();
            node = json!({"driver": "blkdebug", "image": node, "inject-error": rules});
        }
        // blkdebug's events come from the format layer above it.
        node = json!({"driver": "raw", "file": node});
        if self.bytes_per_second.is_some() {
            let group = self.throttle_group();
            node = json!({"driver": "throttle", "throttle-group": group, "file": node});
        }
        node["node-name"] = self.node().into();
        node["read-only"] = self.is_read_only.into();
        // A flush is the guest's, the host's disk is not under test.
        node["cache"] = json!({"no-flush": true});
        node
    }

    pub(crate) fn throttle_group(&self) -> String {
        format!("throttle-{}", self.name)
    }

    fn node(&self) -> String {
        format!("node-{}", self.name)
    }

    /// `-device` of everything that the drive needs of its own; `index` counts the machine's drives.
    pub(crate) fn devices(&self, index: usize) -> Vec<Value> {
        let mut drive = json!({"id": self.name, "drive": self.node()});
        let port = format!("port-{}", self.name);
        let root_port = json!({
            "driver": "pcie-root-port",
            "id": port,
            "chassis": index + 1,
            "slot": index + 1,
        });
        match self.bus {
            Bus::Nvme => {
                let controller =
                    json!({"driver": "nvme", "id": self.name, "serial": self.serial, "bus": port});
                drive["driver"] = "nvme-ns".into();
                drive["id"] = format!("{}-ns", self.name).into();
                if let Some(wwn) = self.wwn {
                    drive["eui64"] = wwn.into();
                }
                self.describe_sectors(&mut drive);
                match &self.namespace {
                    Some((controller, nsid)) => {
                        drive["bus"] = controller.as_str().into();
                        drive["nsid"] = (*nsid).into();
                        vec![drive]
                    }
                    None => {
                        drive["bus"] = self.name.as_str().into();
                        drive["nsid"] = 1.into();
                        vec![root_port, controller, drive]
                    }
                }
            }
            Bus::Ahci => {
                drive["driver"] = "ide-hd".into();
                self.describe(&mut drive);
                vec![drive]
            }
            Bus::VirtioScsi => {
                drive["driver"] = "scsi-hd".into();
                drive["bus"] = "scsi.0".into();
                drive["scsi-id"] = index.into();
                if self.is_removable {
                    drive["removable"] = true.into();
                }
                self.describe(&mut drive);
                vec![drive]
            }
            Bus::Usb => {
                drive["driver"] = "usb-storage".into();
                drive["bus"] = "usb.0".into();
                drive["removable"] = self.is_removable.into();
                self.describe(&mut drive);
                vec![drive]
            }
            Bus::VirtioBlk => {
                drive["driver"] = "virtio-blk-pci".into();
                drive["bus"] = port.into();
                self.describe(&mut drive);
                vec![root_port, drive]
            }
            Bus::SdCard => {
                let reader = format!("reader-{}", self.name);
                drive["driver"] = "sd-card".into();
                drive["bus"] = "sd-bus".into();
                vec![json!({"driver": "sdhci-pci", "id": reader}), drive]
            }
        }
    }

    /// `driver` and properties for plugging it in later with `Qmp::device_add`: USB and SCSI only, on
    /// a machine whose drives brought that controller.
    #[must_use]
    pub fn hotplug(&self, index: usize) -> Value {
        assert!(
            matches!(self.bus, Bus::Usb | Bus::VirtioScsi),
            "{:?} needs a port first",
            self.bus
        );
        self.devices(index).remove(0)
    }

    fn describe(&self, device: &mut Value) {
        device["serial"] = self.serial.as_str().into();
        if let Some(wwn) = self.wwn {
            device["wwn"] = wwn.into();
        }
        if let Some(rate) = self.rotation {
            device["rotation_rate"] = rate.into();
        }
        // QEMU's default stops the machine; a real drive answers with an error.
        device["rerror"] = "report".into();
        device["werror"] = "report".into();
        self.describe_sectors(device);
    }

    fn describe_sectors(&self, device: &mut Value) {
        device["logical_block_size"] = self.logical_bytes.into();
        device["physical_block_size"] = self.physical_bytes.into();
    }
}

impl Fault {
    /// blkdebug's rules. `iotype` beside the event: a rule that a read has armed would otherwise hit
    /// the next write too.
    fn rules(&self) -> Vec<Value> {
        let (event, kind) = match self.operation {
            Operation::Read => ("read_aio", "read"),
            Operation::Write => ("write_aio", "write"),
        };
        self.sectors
            .clone()
            .map(|sector| json!({"event": event, "iotype": kind, "errno": 5, "sector": sector}))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_and_speed_lie_above_the_file_in_that_order() {
        let drive = Drive::new("disk1", Bus::Ahci, Path::new("x.img"))
            .failing(Operation::Write, 8..10)
            .bytes_per_second(1000);
        let node = drive.blockdev();
        assert_eq!(node["driver"], "throttle");
        assert_eq!(node["node-name"], "node-disk1");
        assert_eq!(node["file"]["driver"], "raw");
        assert_eq!(node["file"]["file"]["driver"], "blkdebug");
        let rules = node["file"]["file"]["inject-error"].as_array().unwrap();
        assert_eq!(rules.len(), 2);
        assert_eq!(rules[1]["sector"], 9);
        assert_eq!(node["file"]["file"]["image"]["filename"], "x.img");
    }

    #[test]
    #[should_panic(expected = "QEMU has no 4Kn drive on Ahci")]
    fn what_qemu_does_not_have_is_said_when_it_is_asked_for() {
        let _ = Drive::new("a", Bus::Ahci, Path::new("x")).sectors(4096, 4096);
    }
}
