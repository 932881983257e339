//! A machine that does what it is told: a line of the host's is carried out there as by a person at
//! its console, by the shipped kernel and the shipped raz. The session does not run.
//!
//! A first init of the lab's (`before`) listens on the serial line. It brings what the machine was
//! given: drives of this process over NVMe/TCP, for which the image has no driver and no business
//! (`fabric`), and other people's tools ([`Setup::with_peers`]), which the image does not have.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::before::Before;
use crate::bench::{self, Bench};
use crate::fabric::{self, Subsystem};
use crate::image::Image;
use crate::machine::{BOOT_PATIENCE, Machine, Network, Running, Screen};
use crate::scenario::PATIENCE;
use crate::wire::Unit;

/// What a machine is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    machine: Machine,
    name: String,
    subsystems: Vec<Subsystem>,
    has_peers: bool,
}

impl Setup {
    /// No drives, no network. `name` prefixes its log files: a second machine on one bench has another.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            machine: Machine::new(name).screen(Screen::Serial),
            name: name.to_owned(),
            subsystems: Vec::new(),
            has_peers: false,
        }
    }

    /// One more drive over NVMe/TCP, and a network to reach it by.
    #[must_use]
    pub fn subsystem(mut self, subsystem: &Subsystem) -> Self {
        if self.subsystems.is_empty() {
            self.machine = self.machine.network(Network::Host);
        }
        self.subsystems.push(subsystem.clone());
        self
    }

    /// One more simulated drive on the SCSI controller.
    #[must_use]
    pub fn simulated(mut self, unit: Unit) -> Self {
        self.machine = self.machine.simulated(unit);
        self
    }

    /// hdparm, sg3-utils, nvme and smartctl, as `cargo xtask peers` laid them.
    #[must_use]
    pub fn with_peers(mut self) -> Self {
        self.has_peers = true;
        self
    }
}

/// A machine that does what it is told over its serial line.
#[derive(Debug)]
pub struct Guest {
    /// The machine.
    pub running: Running,
}

/// What came of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Exit status of its last command.
    pub status: u8,
    /// Standard output and error.
    pub text: String,
}

impl Guest {
    /// Boots a machine and connects what it has over a network.
    ///
    /// # Errors
    /// When it does not boot, or the kernel does not connect: the end of its log is in the message.
    pub fn boot(bench: &Bench, setup: &Setup) -> anyhow::Result<Self> {
        let peers = match setup.has_peers {
            true => peers()?,
            false => Vec::new(),
        };
        let has_subsystems = !setup.subsystems.is_empty();
        let connect = ("connect", fabric::lines(&setup.subsystems));
        let before = Before {
            name: &setup.name,
            init: include_str!("guest/init"),
            files: if has_subsystems { &[connect] } else { &[] },
            modules: if has_subsystems { fabric::MODULES } else { &[] },
            programs: &peers,
        };
        let image = before.image(&Image::built()?, bench.path())?;
        let running = setup.machine.boot(bench, &image)?;
        running
            .serial
            .wait_for_line("lab: listens", BOOT_PATIENCE)?;
        let guest = Self { running };
        if has_subsystems {
            guest.connect()?;
        }
        Ok(guest)
    }

    /// Connects the subsystems, once more after they were lost.
    ///
    /// # Errors
    /// When the kernel does not: the end of its log is in the message.
    pub fn connect(&self) -> anyhow::Result<()> {
        let connected = self.run("connect")?;
        if connected.status != 0 {
            let log = self.run("dmesg | tail -n 20")?;
            anyhow::bail!("not connected: {}\n{}", connected.text, log.text);
        }
        Ok(())
    }

    /// Begins a line; [`Begun::end`] waits for what came of it. One at a time.
    ///
    /// # Errors
    /// When the machine is gone.
    pub fn begin(&self, line: &str) -> anyhow::Result<Begun<'_>> {
        let serial = &self.running.serial;
        let from = serial.text().len();
        serial.send(format!("{line}\n").as_bytes())?;
        Ok(Begun { guest: self, from })
    }

    /// Carries out a line of its shell.
    ///
    /// # Errors
    /// When the machine is gone or silent.
    pub fn run(&self, line: &str) -> anyhow::Result<Said> {
        self.begin(line)?.end()
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// When there is none.
    pub fn file(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let said = self.run(&format!("busybox base64 {path}"))?;
        ensure!(said.status == 0, "{path}: {}", said.text);
        let text: String = said.text.split_ascii_whitespace().collect();
        STANDARD
            .decode(text)
            .with_context(|| format!("{path}: no base64"))
    }
}

/// A line that is being carried out.
#[derive(Debug)]
#[must_use]
pub struct Begun<'a> {
    guest: &'a Guest,
    /// Where its output begins in all that was said.
    from: usize,
}

impl Begun<'_> {
    /// Waits to its end.
    ///
    /// # Errors
    /// When the machine is gone or silent.
    pub fn end(self) -> anyhow::Result<Said> {
        const MARK: &str = "lab: status ";
        let serial = &self.guest.running.serial;
        serial.wait("the end of a command", PATIENCE, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let (said, after) = text.get(self.from..)?.split_once(MARK)?;
            let (status, _) = after.split_once('\n')?;
            Some(Said {
                status: status.trim().parse().ok()?,
                text: said.to_owned(),
            })
        })
    }
}

/// Programs and libraries of the peers.
fn peers() -> anyhow::Result<Vec<PathBuf>> {
    let folder = bench::root().join("target/peers");
    let entries = fs::read_dir(&folder).with_context(|| {
        format!(
            "no tools in {}: run `cargo xtask peers` first",
            folder.display()
        )
    })?;
    let paths = entries.map(|entry| Ok(entry?.path()));
    paths.collect()
}
