//! A folder that is a machine with one simulated disk, and a kernel that puts it to sleep.

use crate::folder::Folder;
use crate::script::Script;
use agent::sleep::{self, Kernel, Refusal, Slept};
use drive::discover::Machine;
use drive::facts::DriveFacts;
use drive::port::{AdminCommand, AdminReply, Data, Port, ScsiReply};
use sim::ata::disk::AtaDisk;
use sim::ata::options::{Options, SanitizeOptions, SecurityOptions};
use sim::clock::Clock;
use sim::device::{Event, ScsiDevice as _};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECRET: &[u8] = b"OLD-BYTES";
const SECTORS: u64 = 2048;
const ALARM: &str = "sys/class/rtc/rtc0/wakealarm";

/// Whether the disk's power goes while the machine sleeps.
#[derive(Clone, Copy)]
pub enum Power {
    Goes,
    Stays,
}

pub struct Bench {
    pub machine: Machine,
    disk: Arc<Mutex<AtaDisk>>,
    _folder: Folder,
}

#[derive(Clone)]
pub struct Wire(Arc<Mutex<AtaDisk>>);

impl Bench {
    /// Old bytes in every sector, and in one that was replaced.
    pub const PLACES: usize = SECTORS as usize + 1;

    /// A disk without a sanitize command that the firmware froze, and freezes again whenever its power
    /// comes back.
    pub fn new(freezes_again: bool) -> Self {
        let options = Options {
            sectors: SECTORS,
            sanitize: SanitizeOptions {
                supported: false,
                ..SanitizeOptions::default()
            },
            security: SecurityOptions {
                frozen: true,
                frozen_again: freezes_again,
                ..SecurityOptions::default()
            },
            ..Options::magnetic()
        };
        Self::with(options)
    }

    /// One with sanitize commands that the firmware froze.
    pub fn sanitize_frozen(security: SecurityOptions) -> Self {
        Self::with(Options {
            sectors: SECTORS,
            sanitize: SanitizeOptions {
                frozen: true,
                ..SanitizeOptions::default()
            },
            security,
            ..Options::magnetic()
        })
    }

    fn with(options: Options) -> Self {
        let mut disk = AtaDisk::new(options, Clock::by_hand());
        for address in 0..SECTORS {
            let mut sector = [SECRET, &address.to_be_bytes()].concat();
            sector.resize(512, 0x20);
            disk.cells_mut().write(address, &sector);
        }
        disk.reallocate(100);
        let disk = Arc::new(Mutex::new(disk));
        let mut folder = Folder::new();
        let place = folder.sata("sda", 1, SECTORS, Script::new());
        folder.attributes(&place, "diskseq = 9");
        let wire = Wire(Arc::clone(&disk));
        let machine = Machine {
            opener: Arc::new(move |_| Ok(Box::new(wire.clone()) as Box<dyn Port>)),
            ..folder.machine()
        };
        Self {
            machine,
            disk,
            _folder: folder,
        }
    }

    pub fn port(&self) -> Wire {
        Wire(Arc::clone(&self.disk))
    }

    pub fn facts(&self) -> DriveFacts {
        let [facts] = &self.machine.drives(&[])[..] else {
            panic!("one drive");
        };
        facts.clone()
    }

    /// Places that hold old bytes.
    pub fn left(&self) -> usize {
        self.disk.lock().unwrap().cells().find(SECRET).len()
    }

    /// How often SECURITY SET PASSWORD reached the disk.
    pub fn passwords_sent(&self) -> usize {
        let disk = self.disk.lock().unwrap();
        let tasks = disk.tasks().last();
        tasks.filter(|task| task.command == 0xF1).count()
    }

    pub fn sleep(&self, power: Power) -> Result<Slept, Refusal> {
        let kernel = Sleeper {
            disk: Arc::clone(&self.disk),
            power,
            state: Mutex::default(),
        };
        sleep::through(&kernel, &[self.facts()], || ())
    }
}

impl Port for Wire {
    fn scsi(&self, cdb: &[u8], data: Data<'_>, _: Duration) -> io::Result<ScsiReply> {
        let out = match &data {
            Data::Out(bytes) => bytes,
            Data::None | Data::In(_) => &[][..],
        };
        let answer = self.0.lock().unwrap().command(cdb, out);
        let answer = answer.ok_or(io::ErrorKind::TimedOut)?;
        let mut residual_bytes = 0;
        if let Data::In(buffer) = data {
            let length = buffer.len().min(answer.data.len());
            buffer[..length].copy_from_slice(&answer.data[..length]);
            residual_bytes = i32::try_from(buffer.len() - length).unwrap();
        }
        Ok(ScsiReply {
            status: answer.status,
            host_status: 0,
            driver_status: 0,
            sense: answer.sense,
            residual_bytes,
            duration_ms: 0,
        })
    }

    fn nvme_admin(&self, _: &AdminCommand, _: Data<'_>, _: Duration) -> io::Result<AdminReply> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn read_at(&self, buffer: &mut [u8], _: u64) -> io::Result<()> {
        buffer.fill(0);
        Ok(())
    }
}

/// A kernel whose alarm goes off as set.
struct Sleeper {
    disk: Arc<Mutex<AtaDisk>>,
    power: Power,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    awake: Duration,
    asleep: Duration,
    rings_at: Option<Duration>,
}

impl Kernel for Sleeper {
    fn read(&self, file: &str) -> io::Result<String> {
        let state = self.state.lock().unwrap();
        let now = state.awake + state.asleep;
        Ok(match file {
            "sys/power/state" => "freeze mem\n".into(),
            "sys/power/mem_sleep" => "s2idle [deep]\n".into(),
            "sys/class/rtc/rtc0/device/power/wakeup" => "enabled\n".into(),
            ALARM => match state.rings_at.is_some_and(|at| at > now) {
                true => "1700000000\n".into(),
                false => String::new(),
            },
            "proc/uptime" => format!("{:.2} 1.00\n", now.as_secs_f64()),
            _ => return Err(io::ErrorKind::NotFound.into()),
        })
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        let now = state.awake + state.asleep;
        if file == ALARM {
            let after = text.strip_prefix('+').map(|text| text.parse().unwrap());
            state.rings_at = after.map(|after| now + Duration::from_secs(after));
        }
        if file == "sys/power/state" {
            let at = state.rings_at.expect("an alarm is set");
            state.asleep += at - now;
            if let Power::Goes = self.power {
                let mut disk = self.disk.lock().unwrap();
                disk.event(Event::PowerOff);
                disk.event(Event::PowerOn);
            }
        }
        Ok(())
    }

    fn awake(&self) -> Duration {
        self.state.lock().unwrap().awake
    }

    fn pause(&self, time: Duration) {
        self.state.lock().unwrap().awake += time;
    }
}
