//! The kernel learns that a drive has more capacity than it thought.
//!
//! SCSI disks are asked again by `device/rescan`; libata answers that from its memory, so a drive
//! that keeps its old size is taken from the kernel and its host searched anew, upon which it may
//! have another name. Whoever comes back must have the same identity: only then may it be claimed.
//! No claim may be held meanwhile, and a drive that is in use is not taken away.

use crate::discover::sysfs::{self, Node};
use crate::discover::{self, Machine};
use crate::facts::{DriveFacts, Transport};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How often the list is read anew.
const POLL: Duration = Duration::from_millis(500);

/// Why a drive could not be shown in its new size.
#[derive(Debug, thiserror::Error)]
pub enum RescanError {
    /// Its kind is not one that is searched anew.
    #[error("not a drive whose host can be searched anew")]
    Kind,
    /// It is another disk, or in use.
    #[error("{0}")]
    Changed(String),
    /// The kernel did not take the order.
    #[error("the kernel did not take {order}")]
    Kernel {
        /// The attribute in sysfs.
        order: &'static str,
        /// What it says.
        #[source]
        source: io::Error,
    },
    /// It did not come back with its new size in time.
    #[error("did not come back with {bytes} bytes; switch the machine off, and begin again")]
    NotBack {
        /// Bytes that it should have.
        bytes: u64,
    },
}

/// Makes the kernel see the `bytes` that a drive has now, and lists all drives anew: the drive itself,
/// which may have another name, and all of them. Blocks for `patience`, beside what the kernel takes
/// for each order.
///
/// # Errors
/// When it is another drive, is used, or does not come back with exactly that many bytes.
pub fn rescan(
    machine: &Machine,
    before: &DriveFacts,
    bytes: u64,
    patience: Duration,
) -> Result<(DriveFacts, Vec<DriveFacts>), RescanError> {
    if !matches!(before.transport, Transport::Ata | Transport::Scsi) {
        return Err(RescanError::Kind);
    }
    let end = Instant::now() + patience;
    let sys = &machine.roots.sys;
    let node = Node::whole(sys, &before.name)
        .ok_or_else(|| RescanError::Changed("has left the machine".into()))?;
    if node.number("diskseq") != before.disk_sequence {
        return Err(RescanError::Changed("is another disk now".into()));
    }
    order(&node.dir.join("device/rescan"), "rescan", "1")?;
    if node.capacity_bytes() != bytes {
        let host = node
            .ancestor(|name| sysfs::numbered(name, "host"))
            .map(|dir| sysfs::file_name(dir).to_owned())
            .ok_or(RescanError::Kind)?;
        if let Some(used) = discover::uses_now(&machine.roots, &before.name).first() {
            return Err(RescanError::Changed(format!("is in use now: {used:?}")));
        }
        order(&node.dir.join("device/delete"), "delete", "1")?;
        let scan = sys.join("class/scsi_host").join(host).join("scan");
        order(&scan, "scan", "- - -")?;
    }
    loop {
        let all = machine.drives(&[]);
        let same: Vec<&DriveFacts> = all
            .iter()
            .filter(|drive| drive.identity == before.identity)
            .collect();
        if let [drive] = same[..]
            && drive.capacity_bytes == bytes
            && drive.silent.is_none()
        {
            return Ok((drive.clone(), all));
        }
        if Instant::now() >= end {
            return Err(RescanError::NotBack { bytes });
        }
        thread::sleep(POLL);
    }
}

fn order(attribute: &Path, order: &'static str, text: &str) -> Result<(), RescanError> {
    let mut options = OpenOptions::new();
    // An attribute that is not there is not made.
    options.write(true).create(false);
    options
        .open(attribute)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| RescanError::Kernel { order, source })
}
