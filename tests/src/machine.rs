//! A virtual PC: built from parts, booted with the unmodified image, watched and switched off.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::drive::{Bus, Drive};
use crate::events::{Events, PORT};
use crate::firmware::{Prepared, Start};
use crate::holder::{self, Holder};
use crate::image::Image;
use crate::lan::Lan;
use crate::process;
use crate::qmp::Qmp;
use crate::stream::Stream;
use crate::wire::{Socket, Unit, Wire};

/// Until init says that it is ready: 8 s on a quiet machine, and several times that on a busy one.
pub const BOOT_PATIENCE: Duration = Duration::from_secs(180);
/// The same when firmware and GRUB come first: they read 42 MB with one emulated processor.
const FIRMWARE_PATIENCE: Duration = Duration::from_secs(600);
/// What init prints to every console when drivers are loaded.
pub const READY: &str = "raz-init: ready";

/// What the machine can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// No network card.
    None,
    /// DHCP answers, nothing else does.
    Isolated,
    /// This host's loopback services are at 10.0.2.2.
    Host,
}

/// Where the session's screen is; kernel and init speak on the serial line in both cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// tty1 on a VGA card: `screendump` and `send_keys`.
    Monitor,
    /// The serial line, in both directions.
    Serial,
}

/// A machine to be booted.
#[derive(Clone, Debug)]
pub struct Machine {
    name: String,
    memory_mib: u32,
    network: Network,
    screen: Screen,
    arguments: Vec<String>,
    drives: Vec<Drive>,
    units: Vec<Unit>,
    holders: Vec<Holder>,
    start: Option<Start>,
    namespace: Option<String>,
    extra: Vec<String>,
}

impl Machine {
    /// Two processors, 512 MiB, no network, no drives. `name` prefixes its log files.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            memory_mib: 512,
            network: Network::None,
            screen: Screen::Monitor,
            arguments: Vec::new(),
            drives: Vec::new(),
            units: Vec::new(),
            holders: Vec::new(),
            start: None,
            namespace: None,
            extra: Vec::new(),
        }
    }

    /// Memory in MiB.
    #[must_use]
    pub fn memory_mib(mut self, memory_mib: u32) -> Self {
        self.memory_mib = memory_mib;
        self
    }

    /// What it can reach.
    #[must_use]
    pub fn network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// Where the session's screen is.
    #[must_use]
    pub fn screen(mut self, screen: Screen) -> Self {
        self.screen = screen;
        self
    }

    /// One more kernel argument.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Another value for the kernel argument that begins with `name` (`raz.pin=`).
    ///
    /// # Panics
    /// When there is none: the scenario would play another story than it tells.
    #[must_use]
    pub fn replaced(mut self, name: &str, value: &str) -> Self {
        let argument = self
            .arguments
            .iter_mut()
            .find(|argument| argument.starts_with(name))
            .unwrap_or_else(|| panic!("no argument {name}"));
        *argument = format!("{name}{value}");
        self
    }

    /// One more drive.
    #[must_use]
    pub fn drive(mut self, drive: Drive) -> Self {
        self.drives.push(drive);
        self
    }

    /// One more simulated drive, on a SCSI controller that all of them share. It outlives the
    /// machine: another one may be given the same.
    #[must_use]
    pub fn simulated(mut self, unit: Unit) -> Self {
        self.units.push(unit);
        self
    }

    /// Started by its firmware from the ISO, and not by QEMU from kernel and initramfs. The ISO's copy is
    /// `NAME.iso` in the bench's folder.
    #[must_use]
    pub fn start(mut self, start: Start) -> Self {
        self.start = Some(start);
        self
    }

    /// Plugged into this network, which it is started from.
    #[must_use]
    pub fn lan(mut self, lan: &Lan) -> Self {
        self.namespace = Some(lan.namespace().to_owned());
        self
    }

    /// Copies the image's files of netboot into the bench's folder `netboot`, with this machine's arguments
    /// in them.
    ///
    /// # Errors
    /// When a file cannot be copied.
    ///
    /// # Panics
    /// When it does not say how it is started.
    pub fn netboot(&self, bench: &Bench, image: &Image) -> anyhow::Result<PathBuf> {
        let folder = bench.path().join("netboot");
        std::fs::create_dir_all(folder.join("grub"))?;
        for from in [image.netboot.clone(), image.netboot.join("grub")] {
            let entries = std::fs::read_dir(&from);
            for entry in entries.with_context(|| format!("reading {}", from.display()))? {
                let path = entry?.path();
                if path.is_file() {
                    std::fs::copy(&path, folder.join(path.strip_prefix(&image.netboot)?))?;
                }
            }
        }
        let start = self.start.as_ref().expect("a way to start");
        for (name, text) in start.configuration(&self.own_arguments()) {
            std::fs::write(folder.join(name), text)?;
        }
        Ok(folder)
    }

    /// An md array of this kernel name (`md127`) stands on the drive, or on its partition of this
    /// number, before the image's init runs.
    #[must_use]
    pub fn held(mut self, drive: &Drive, partition: Option<u32>, array: &str) -> Self {
        self.holders.push(Holder {
            serial: drive.serial_number().to_owned(),
            partition,
            array: array.to_owned(),
        });
        self
    }

    /// QEMU arguments that the lab has no word for (`-smbios`, `-rtc base=…`).
    #[must_use]
    pub fn qemu(mut self, arguments: &[&str]) -> Self {
        self.extra
            .extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// Starts it. All its files lie in the bench's folder.
    ///
    /// # Errors
    /// When QEMU cannot be started or refuses the machine; the message holds what it said.
    pub fn boot(&self, bench: &Bench, image: &Image) -> anyhow::Result<Running> {
        let folder = bench.path();
        let file = |part: &str| format!("{}.{part}", self.name);
        let (_, serial) = Socket::bind(folder, &file("serial.socket"))?;
        let (_, events) = Socket::bind(folder, &file("events.socket"))?;
        let wire = if self.units.is_empty() {
            None
        } else {
            Some(Wire::listen(folder, &file("wire.socket"), &self.units)?)
        };
        let errors = folder.join(file("qemu.log"));
        let held;
        let image = if self.holders.is_empty() {
            image
        } else {
            held = holder::image(image, folder, &self.holders)?;
            &held
        };

        let prepared = match &self.start {
            None => None,
            Some(start) => {
                let arguments = self.own_arguments();
                let name = &self.name;
                Some((start, start.prepare(folder, name, image, &arguments)?))
            }
        };

        // The monitor is QEMU's own standard input and output: when QEMU ends, it ends.
        let (ours, theirs) = UnixStream::pair()?;
        let theirs = OwnedFd::from(theirs);
        let mut command = process::tied_in(self.namespace.as_deref(), "qemu-system-x86_64");
        command
            .args(self.qemu_arguments(
                image,
                &file("serial.socket"),
                &file("events.socket"),
                prepared.as_ref(),
            ))
            .current_dir(folder)
            .stdin(Stdio::from(theirs.try_clone()?))
            .stdout(Stdio::from(theirs))
            .stderr(File::create(&errors)?)
            // A Ctrl-C is for the test runner, and QEMU ends with it.
            .process_group(0);
        let child = command.spawn().context("starting qemu-system-x86_64")?;
        // Our copies of its ends are in the command; without them gone we would never see its end.
        drop(command);
        let mut child = Process(child);

        // QEMU connects both sockets before it greets: after the greeting, accept cannot block.
        let qmp = match Qmp::new(ours) {
            Ok(qmp) => qmp,
            Err(error) => {
                let _ = child.0.kill();
                let _ = child.0.wait();
                let said = std::fs::read_to_string(&errors).unwrap_or_default();
                return Err(error.context(format!("QEMU says: {}", said.trim())));
            }
        };
        let accept = |listener: UnixListener, part: &str| -> anyhow::Result<Stream> {
            let log = folder.join(file(&format!("{part}.log")));
            Stream::new(&format!("{} {part}", self.name), listener.accept()?.0, &log)
        };
        Ok(Running {
            serial: accept(serial, "serial")?,
            events: Events::new(accept(events, "events")?),
            qmp,
            child,
            errors,
            boot_patience: match self.start {
                None => BOOT_PATIENCE,
                Some(_) => FIRMWARE_PATIENCE,
            },
            _wire: wire,
        })
    }

    /// Kernel arguments that are this machine's, not the image's. The last console is the session's. A
    /// panic ends the machine (-no-reboot).
    fn own_arguments(&self) -> Vec<String> {
        let consoles = match self.screen {
            Screen::Monitor => ["console=ttyS0", "console=tty1"],
            Screen::Serial => ["console=tty1", "console=ttyS0"],
        };
        let words = consoles.into_iter().chain(["panic=-1"]).map(str::to_owned);
        let mut words: Vec<String> = words.chain(self.arguments.iter().cloned()).collect();
        // What QEMU hands over itself came from no medium. A scenario that names one has it.
        let named = |word: &String| word.starts_with("raz.medium=");
        if self.start.is_none() && !words.iter().any(named) {
            words.push("raz.boot=net".to_owned());
        }
        // QEMU's keys are named as on a US keyboard.
        if !words.iter().any(|word| word.starts_with("raz.keyboard=")) {
            words.push("raz.keyboard=us".to_owned());
        }
        words
    }

    fn qemu_arguments(
        &self,
        image: &Image,
        serial: &str,
        events: &str,
        start: Option<&(&Start, Prepared)>,
    ) -> Vec<String> {
        let is_kvm = std::env::var_os("RAZ_LAB_KVM").is_some_and(|value| value == "1");
        let mut arguments: Vec<String> = Vec::new();
        let mut add =
            |words: &[&str]| arguments.extend(words.iter().map(|word| (*word).to_owned()));
        if is_kvm {
            add(&["-accel", "kvm", "-cpu", "host"]);
        } else {
            // One thread for all virtual CPUs: with one thread each, QEMU may go on running a
            // breakpoint that the guest's kernel has already patched away, and the guest dies
            // of "Oops: int3" (about one boot in some hundred).
            add(&["-accel", "tcg,thread=single", "-cpu", "max"]);
        }
        add(&[
            "-M",
            "q35,smm=on",
            "-smp",
            "2",
            "-m",
            &self.memory_mib.to_string(),
        ]);
        add(&[
            "-name",
            &self.name,
            "-nodefaults",
            "-no-reboot",
            "-display",
            "none",
        ]);
        add(&["-device", "VGA"]);
        add(&[
            "-chardev",
            "stdio,id=qmp,signal=off",
            "-mon",
            "chardev=qmp,mode=control",
        ]);
        add(&[
            "-chardev",
            &format!("socket,id=serial,path={serial},server=off"),
        ]);
        add(&["-serial", "chardev:serial"]);
        add(&[
            "-chardev",
            &format!("socket,id=events,path={events},server=off"),
        ]);
        add(&["-device", "virtio-serial-pci"]);
        add(&[
            "-device",
            &format!("virtserialport,chardev=events,name={PORT}"),
        ]);

        let uses = |bus: Bus| self.drives.iter().any(|drive| drive.bus() == bus);
        if uses(Bus::VirtioScsi) {
            add(&["-device", "virtio-scsi-pci,id=scsi"]);
        }
        if uses(Bus::Usb) {
            add(&["-device", "qemu-xhci,id=usb,p2=8,p3=8"]);
        }
        for (index, drive) in self.drives.iter().enumerate() {
            if let Some(object) = drive.throttle_object() {
                add(&["-object", &object.to_string()]);
            }
            add(&["-blockdev", &drive.blockdev().to_string()]);
            for mut device in drive.devices(index) {
                if drive.bus() == Bus::Ahci {
                    // QEMU takes the first port for each, and then refuses.
                    let earlier = &self.drives[..index];
                    let port = earlier
                        .iter()
                        .filter(|drive| drive.bus() == Bus::Ahci)
                        .count();
                    device["bus"] = format!("ide.{port}").into();
                }
                add(&["-device", &device.to_string()]);
            }
        }

        if !self.units.is_empty() {
            // The wire's end reads the rings in the guest's memory, so that is shared.
            let memory = format!(
                "memory-backend-memfd,id=memory,size={}M,share=on",
                self.memory_mib
            );
            add(&["-object", &memory, "-numa", "node,memdev=memory"]);
            let socket = format!("socket,id=wire,path={}.wire.socket", self.name);
            add(&["-chardev", &socket]);
            let controller = "vhost-user-scsi-pci,id=simulated,chardev=wire,num_queues=1";
            add(&["-device", &format!("{controller},param_change=off")]);
        }

        let restrict = match self.network {
            Network::None => None,
            Network::Isolated => Some("on"),
            Network::Host => Some("off"),
        };
        if let Some(restrict) = restrict {
            add(&["-netdev", &format!("user,id=net,restrict={restrict}")]);
            // Without its boot ROM, which nothing here uses.
            add(&["-device", "virtio-net-pci,netdev=net,romfile="]);
        }

        match start {
            Some((start, prepared)) => arguments.extend(start.qemu_arguments(prepared)),
            None => {
                let kernel = [self.own_arguments(), image.arguments.clone()].concat();
                add(&[
                    "-kernel",
                    &image.kernel.to_string_lossy(),
                    "-initrd",
                    &image.initrd.to_string_lossy(),
                    "-append",
                    &kernel.join(" "),
                ]);
            }
        }
        arguments.extend(self.extra.iter().cloned());
        arguments
    }
}

/// A machine that runs. Dropping it pulls its plug.
#[derive(Debug)]
pub struct Running {
    /// Kernel and init, and the session when its screen is here.
    pub serial: Stream,
    /// The session's events.
    pub events: Events,
    /// QEMU's monitor.
    pub qmp: Qmp,
    child: Process,
    errors: PathBuf,
    boot_patience: Duration,
    /// Behind the child: it ends when QEMU is gone.
    _wire: Option<Wire>,
}

impl Running {
    /// Waits until init has loaded the drivers; gives back its line, which names the drives.
    ///
    /// # Errors
    /// When the machine ends or is silent before.
    pub fn wait_until_ready(&self) -> anyhow::Result<String> {
        self.serial.wait_for_line(READY, self.boot_patience)
    }

    /// Pulls a drive out and waits until the guest has let go.
    ///
    /// # Errors
    /// QEMU's refusal, or a guest that holds on.
    pub fn unplug(&mut self, drive: &Drive, patience: Duration) -> anyhow::Result<()> {
        self.qmp.device_del(drive.name(), patience)
    }

    /// Changes how fast a drive made with [`Drive::bytes_per_second`] is, or lifts the limit. What
    /// waits for the old limit goes on by the new one.
    ///
    /// # Errors
    /// QEMU's refusal, also of a drive that was made without a limit.
    pub fn set_speed(&mut self, drive: &Drive, rate: Option<u64>) -> anyhow::Result<()> {
        let group = json!({
            "path": format!("/objects/{}", drive.throttle_group()),
            "property": "limits",
            "value": {"bps-total": rate.unwrap_or(0)},
        });
        self.qmp.execute("qom-set", &group).map(drop)
    }

    /// Holds the machine still while `act` does something outside it, or sends it bytes: how long
    /// that takes on this host then says nothing about the machine. Keys of the monitor's keyboard
    /// are lost meanwhile.
    ///
    /// # Errors
    /// QEMU's, and what `act` gives back.
    pub fn while_still<T>(
        &mut self,
        act: impl FnOnce(&mut Self) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.qmp.execute("stop", &json!({}))?;
        let done = act(self);
        self.qmp.execute("cont", &json!({}))?;
        done
    }

    /// Plugs a USB or SCSI drive in; `index` is no other drive's.
    ///
    /// # Errors
    /// QEMU's refusal.
    pub fn plug(&mut self, drive: &Drive, index: usize) -> anyhow::Result<()> {
        if let Some(object) = drive.throttle_object() {
            self.qmp.execute("object-add", &object)?;
        }
        self.qmp.execute("blockdev-add", &drive.blockdev())?;
        let device = drive.hotplug(index);
        self.qmp.execute("device_add", &device).map(drop)
    }

    /// Waits until the machine has switched itself off.
    ///
    /// # Errors
    /// When it runs on, or QEMU failed.
    pub fn wait_until_off(mut self, patience: Duration) -> anyhow::Result<()> {
        self.serial.wait_for_end(patience)?;
        let status: ExitStatus = self.child.0.wait()?;
        if !status.success() {
            let said = std::fs::read_to_string(&self.errors).unwrap_or_default();
            bail!("QEMU ended with {status}: {}", said.trim());
        }
        Ok(())
    }

    /// Pulls the plug: no flush, no warning.
    ///
    /// # Errors
    /// When QEMU is gone already.
    pub fn pull_the_plug(mut self) -> anyhow::Result<()> {
        self.child.0.kill()?;
        self.child.0.wait()?;
        Ok(())
    }

    /// A status of QEMU's monitor, such as `running` or `paused`.
    ///
    /// # Errors
    /// When QEMU is gone.
    pub fn status(&mut self) -> anyhow::Result<String> {
        let answer: Value = self.qmp.execute("query-status", &json!({}))?;
        Ok(answer["status"].as_str().unwrap_or_default().to_owned())
    }
}

/// A child that does not outlive us.
#[derive(Debug)]
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Fails when it has ended already, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
