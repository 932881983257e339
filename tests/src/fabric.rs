//! A machine whose kernel speaks NVMe/TCP to drives of this process: a line of the host's is carried
//! out there as by a person at its console, by the shipped kernel and the shipped raz.
//!
//! The image has no driver for such drives, so that nobody erases another's storage with it. A first
//! init of the lab's (`before`) brings the kernel's own modules, and the network that they need.

use std::path::Path;

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::before::Before;
use crate::bench::Bench;
use crate::image::Image;
use crate::machine::{BOOT_PATIENCE, Machine, Network, Running, Screen};
use crate::scenario::PATIENCE;

const HOST_NQN: &str = "nqn.2026-01.example.lab:pc";
const HOST_ID: &str = "6c616200-0000-4000-8000-000000000001";

/// A port of the host's loopback, and the subsystem behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subsystem {
    /// The port.
    pub port: u16,
    /// Its NVMe qualified name.
    pub nqn: String,
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
    /// Boots a machine with no drives but these subsystems' and connects them.
    ///
    /// # Errors
    /// When it does not boot, or the kernel does not connect: the end of its log is in the message.
    pub fn boot(bench: &Bench, subsystems: &[Subsystem]) -> anyhow::Result<Self> {
        let image = image(&Image::built()?, bench.path(), subsystems)?;
        let machine = Machine::new("pc")
            .network(Network::Host)
            .screen(Screen::Serial);
        let running = machine.boot(bench, &image)?;
        running
            .serial
            .wait_for_line("lab: listens", BOOT_PATIENCE)?;
        let guest = Self { running };
        guest.connect()?;
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

/// The image with the drivers before it, and what connects them.
fn image(image: &Image, folder: &Path, subsystems: &[Subsystem]) -> anyhow::Result<Image> {
    let connect = |Subsystem { port, nqn }: &Subsystem| {
        format!(
            "transport=tcp,traddr=10.0.2.2,trsvcid={port},nqn={nqn},hostnqn={HOST_NQN},\
             hostid={HOST_ID},nr_io_queues=1,reconnect_delay=1,ctrl_loss_tmo=5\n"
        )
    };
    let connect = subsystems.iter().map(connect).collect();
    let before = Before {
        name: "fabric",
        init: include_str!("fabric/init"),
        files: &[("connect", connect)],
        modules: &[
            "nvme/common/nvme-keyring",
            "nvme/host/nvme-fabrics",
            "nvme/host/nvme-tcp",
        ],
    };
    before.image(image, folder)
}
