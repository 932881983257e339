//! Builds the `/sys`, `/proc` and `/dev` of a machine in a temporary folder, as the kernel lays them out.

use super::script::Script;
use drive::discover::{Machine, Roots};
use drive::facts::DriveFacts;
use drive::port::Port;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A machine under construction.
pub struct Folder {
    dir: TempDir,
    ports: HashMap<String, Script>,
    minor: u32,
    /// How long discovery waits.
    pub patience: Duration,
}

impl Folder {
    /// A machine without drives.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["sys/block", "sys/devices", "proc/self", "dev"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        let folder = Self {
            dir,
            ports: HashMap::new(),
            minor: 0,
            patience: Duration::from_secs(60),
        };
        folder.write(
            "proc/self/mountinfo",
            "22 1 0:21 / /proc rw - proc proc rw\n",
        );
        folder.write("proc/swaps", "Filename Type Size Used Priority\n");
        folder.write("proc/cmdline", "quiet\n");
        folder
    }

    /// Path below the machine's folder.
    pub fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// Writes one file.
    pub fn write(&self, below: &str, text: impl AsRef<[u8]>) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Links `below` to another path of the machine.
    pub fn link(&self, below: &str, target: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(self.path(target), path).unwrap();
    }

    /// Adds a whole block device whose folder is `devices/PLACE`, of 512-byte sectors.
    pub fn block(&mut self, place: &str, sectors: u64) -> &mut Self {
        let name = Path::new(place)
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let dir = format!("sys/devices/{place}");
        self.minor += 16;
        let minor = self.minor;
        for (attribute, value) in [
            ("dev", format!("8:{minor}")),
            ("size", sectors.to_string()),
            ("removable", "0".into()),
            ("ro", "0".into()),
            ("queue/logical_block_size", "512".into()),
            ("queue/physical_block_size", "512".into()),
            ("queue/rotational", "1".into()),
            ("queue/zoned", "none".into()),
        ] {
            self.write(&format!("{dir}/{attribute}"), format!("{value}\n"));
        }
        self.link(&format!("sys/block/{name}"), &dir);
        self.write(&format!("dev/{name}"), "");
        self
    }

    /// Writes attributes below `sys/devices/PLACE`, one `name = value` a line.
    pub fn attributes(&mut self, place: &str, lines: &str) -> &mut Self {
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(" = ").unwrap();
            self.write(&format!("sys/devices/{place}/{name}"), format!("{value}\n"));
        }
        self
    }

    /// Adds a partition of a whole device.
    pub fn partition(&mut self, place: &str, number: u32, start: u64, sectors: u64) -> String {
        let name = Path::new(place).file_name().unwrap().to_str().unwrap();
        let separator = if name.ends_with(|c: char| c.is_ascii_digit()) {
            "p"
        } else {
            ""
        };
        let part = format!("{name}{separator}{number}");
        let minor = self.minor + number;
        for (attribute, value) in [
            ("dev", format!("8:{minor}")),
            ("partition", number.to_string()),
            ("start", start.to_string()),
            ("size", sectors.to_string()),
        ] {
            self.write(
                &format!("sys/devices/{place}/{part}/{attribute}"),
                format!("{value}\n"),
            );
        }
        part
    }

    /// A SATA drive on a port of its own.
    pub fn sata(&mut self, name: &str, port: u32, sectors: u64, script: Script) -> String {
        let device =
            format!("pci0000:00/0000:00:1f.2/ata{port}/host{port}/target{port}:0:0/{port}:0:0:0");
        let place = format!("{device}/block/{name}");
        self.block(&place, sectors);
        self.attributes(
            &device,
            "vendor = ATA     \nmodel = SATA MODEL TRUNC\nrev = 1.0\ntype = 0",
        );
        self.answers(name, script);
        place
    }

    /// A drive behind a USB bridge.
    pub fn usb(
        &mut self,
        name: &str,
        port: u32,
        sectors: u64,
        serial: &str,
        script: Script,
    ) -> String {
        let usb = format!("pci0000:00/0000:00:14.0/usb1/1-{port}");
        let host = 20 + port;
        let device = format!("{usb}/1-{port}:1.0/host{host}/target{host}:0:0/{host}:0:0:0");
        let place = format!("{device}/block/{name}");
        self.block(&place, sectors);
        self.attributes(
            &usb,
            "idVendor = 152d\nidProduct = 0578\nmanufacturer = JMicron\nproduct = External",
        );
        if !serial.is_empty() {
            self.attributes(&usb, &format!("serial = {serial}"));
        }
        self.attributes(&device, "vendor = Ext\nmodel = Disk\nrev = 0204");
        self.answers(name, script);
        place
    }

    /// What the drive's port says.
    pub fn answers(&mut self, name: &str, script: Script) -> &mut Self {
        self.ports.insert(name.to_owned(), script);
        self
    }

    /// The machine as discovery takes it.
    pub fn machine(&self) -> Machine {
        let ports = self.ports.clone();
        Machine {
            roots: Roots {
                sys: self.path("sys"),
                dev: self.path("dev"),
                proc: self.path("proc"),
            },
            opener: Arc::new(move |path| {
                let name = path.file_name().unwrap().to_str().unwrap();
                let script = ports.get(name).ok_or(io::ErrorKind::PermissionDenied)?;
                Ok(Box::new(script.clone()) as Box<dyn Port>)
            }),
            patience: self.patience,
        }
    }

    /// The machine's drives without loops.
    pub fn drives(&self) -> Vec<DriveFacts> {
        self.machine().drives(&[])
    }

    /// The only drive.
    pub fn drive(&self) -> DriveFacts {
        let mut drives = self.drives();
        assert_eq!(drives.len(), 1, "{drives:#?}");
        drives.remove(0)
    }
}
