//! A second judge of the simulator: hdparm, sg3-utils, nvme-cli and smartmontools as Debian has them,
//! over simulated drives behind the shipped kernel. What they print is what the models say, and what
//! the drives physically hold is looked at here.

mod honest;
mod lies;

use anyhow::ensure;
use lab::fabric::Subsystem;
use lab::guest::{Guest, Said};
use lab::truth::use_up;
use lab::wire::nvme_tcp::Target;
use sim::ata::disk::AtaDisk;
use sim::clock::Clock;
use sim::nvme::NvmeDrive;
use sim::nvme::options::Options;
use sim::scsi::{ScsiDisk, ScsiOptions};
use std::sync::{Arc, Mutex};

/// Flash: so many places that no address points to.
const SPARES: u64 = 64;
const SECTORS: u64 = 4 << 11;

fn used_ata(mut options: sim::ata::options::Options, clock: &Clock) -> Arc<Mutex<AtaDisk>> {
    options.sectors = SECTORS;
    options.spares = SPARES;
    // Lies about writes are of the host's.
    let mut disk = AtaDisk::new(options, clock.clone());
    use_up(disk.cells_mut());
    Arc::new(Mutex::new(disk))
}

fn used_scsi(options: ScsiOptions) -> Arc<Mutex<ScsiDisk>> {
    let mut disk = ScsiDisk::new(options);
    use_up(disk.cells_mut());
    Arc::new(Mutex::new(disk))
}

/// A drive, and the target that it is behind.
struct Nvme {
    drive: Arc<Mutex<NvmeDrive>>,
    _target: Target,
    subsystem: Subsystem,
}

fn used_nvme(serial: &str, mut options: Options, clock: &Clock) -> anyhow::Result<Nvme> {
    options.serial = serial.into();
    options.spares = SPARES;
    options.namespaces[0].sectors = SECTORS;
    options.switches.over_fabrics = true;
    // The kernel takes no two namespaces of one name.
    for (name, byte) in options.nguid.iter_mut().zip(serial.bytes()) {
        *name = byte;
    }
    for (name, byte) in options.eui64.iter_mut().zip(serial.bytes().rev()) {
        *name = byte;
    }
    let mut drive = NvmeDrive::new(options, clock.clone());
    if let Some(cells) = drive.cells_mut(1) {
        use_up(cells);
    }
    let nqn = drive.nqn();
    let drive = Arc::new(Mutex::new(drive));
    let target = Target::listen(&nqn, drive.clone())?;
    let port = target.port();
    Ok(Nvme {
        drive,
        _target: target,
        subsystem: Subsystem { port, nqn },
    })
}

/// The text with one space wherever it has any.
fn words(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// Carries a line out that must end with this status and say all of these.
fn ends(guest: &Guest, line: &str, status: u8, phrases: &[&str]) -> anyhow::Result<Said> {
    let said = guest.run(line)?;
    println!("$ {line}\n{}[{}]", said.text, said.status);
    ensure!(said.status == status, "{line}: {said:?}");
    let all = words(&said.text);
    for phrase in phrases {
        ensure!(
            all.contains(phrase),
            "{line}: no {phrase:?} in {}",
            said.text
        );
    }
    Ok(said)
}

/// As [`ends`], with success.
fn says(guest: &Guest, line: &str, phrases: &[&str]) -> anyhow::Result<()> {
    ends(guest, line, 0, phrases).map(drop)
}
