//! Discs in optical drives, which are no drives of the list: whether one is in, and which it is.
//!
//! A drive is asked on a thread of its own, and all of them have one bound: a damaged disc is tried for long.

use crate::discover::{Machine, sysfs};
use crate::port::{Data, Port};
use crate::scsi::command::test_unit_ready;
use crate::scsi::sense::Sense;
use crate::volume::{VolumeId, same_id, volume_ids};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How long all optical drives together may take.
const PATIENCE: Duration = Duration::from_secs(5);
const COMMAND_TIMEOUT: Duration = Duration::from_secs(3);
/// An optical drive tells each change of its disc once before it answers.
const TRIES: u32 = 3;
/// Where an image's identity stands on its disc.
const HEAD_BYTES: usize = 68 * 1024;
const SECTOR_BYTES: u32 = 2048;

/// A disc.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disc {
    /// The kernel's name of the drive that it is in.
    pub drive: String,
    /// Its file systems; none where it cannot be read.
    pub volumes: Vec<VolumeId>,
}

impl Disc {
    /// Whether it has the file system of this identity.
    #[must_use]
    pub fn carries(&self, id: &str) -> bool {
        self.volumes.iter().any(|volume| same_id(&volume.id, id))
    }
}

/// The discs in this machine. An optical drive that does not answer has none.
#[must_use]
pub fn discs(machine: &Machine) -> Vec<Disc> {
    let mut names = sysfs::names(&machine.roots.sys.join("block"));
    names.retain(|name| sysfs::numbered(name, "sr"));
    let (send, answers) = mpsc::channel();
    for drive in names {
        let (opener, path) = (Arc::clone(&machine.opener), machine.roots.dev.join(&drive));
        let send = send.clone();
        let ask = move || {
            let Ok(port) = opener(&path) else { return };
            if has_disc(&*port) {
                let volumes = volumes(&*port);
                // Nobody listens any more when the time is over.
                let _ = send.send(Disc { drive, volumes });
            }
        };
        // Without a thread nothing is sent: as one that does not answer.
        let _ = thread::Builder::new().name("ask-disc".into()).spawn(ask);
    }
    drop(send);
    let deadline = Instant::now() + PATIENCE;
    let mut found = Vec::new();
    while let Ok(disc) = answers.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        found.push(disc);
    }
    found.sort_by(|a: &Disc, b| a.drive.cmp(&b.drive));
    found
}

/// Ready, or about to be: its key is NOT READY then, but not for want of a disc.
fn has_disc(port: &dyn Port) -> bool {
    const UNIT_ATTENTION: u8 = 6;
    const NOT_READY: u8 = 2;
    const BECOMING_READY: Option<u8> = Some(0x04);
    for _ in 0..TRIES {
        let Ok(reply) = port.scsi(&test_unit_ready(), Data::None, COMMAND_TIMEOUT) else {
            return false;
        };
        if reply.status == 0 && reply.host_status == 0 {
            return true;
        }
        match Sense::parse(&reply.sense) {
            Some(sense) if sense.key == UNIT_ATTENTION => {}
            Some(sense) => return sense.key == NOT_READY && sense.asc == BECOMING_READY,
            None => return false,
        }
    }
    false
}

fn volumes(port: &dyn Port) -> Vec<VolumeId> {
    let mut head = vec![0; HEAD_BYTES];
    match port.read_at(&mut head, 0) {
        Ok(()) => volume_ids(&head, SECTOR_BYTES),
        Err(_) => Vec::new(),
    }
}
