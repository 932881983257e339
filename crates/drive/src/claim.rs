//! The one door to writing: a drive that was confirmed, opened exclusively and asked again.
//!
//! Facts are old the moment they are read. A claim opens the node exclusively first and only then
//! checks, through the very descriptor that will be written, that it is the drive that the person
//! confirmed: same identity, same size, nobody's. It decides nothing about *whether* to erase, and it
//! writes nothing itself.

pub mod boot_area;
pub mod reformat;
pub mod revert;

use crate::disc;
use crate::discover::{self, AskError, Machine, Roots, device_number};
use crate::facts::{DriveFacts, Transport};
use crate::health::Health;
use crate::identity::{Identity, IdentityLost};
use crate::linux::LinuxPort;
use crate::medium::{BootMedium, Own};
use crate::port::{Data, Port};
use crate::refusal::{PlanKind, Refusal, are_twins, refusals};
use crate::scsi::Sense;
use crate::scsi::command::synchronize_cache_10;
use crate::trace::{Answer, Trace, Traced};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A full cache of a slow drive takes seconds; a drive that needs minutes is sick.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(120);

/// A person's word that one drive may be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// The id ([`Identity::id`]) that was confirmed.
    pub id: String,
    /// How.
    pub source: ConsentSource,
}

/// How consent was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentSource {
    /// `--confirm ID` on a command line that names the drive.
    CommandLine,
    /// Typed at the machine's screen.
    Typed,
    /// A person armed this enrolment at the inventory service.
    Armed {
        /// End of the arming, on this machine's monotonic clock: the wall clock of a donated
        /// machine may be years off.
        until: Instant,
    },
}

/// What the refusals of a claim are judged against.
#[derive(Clone, Copy)]
pub struct Checks<'a> {
    /// The machine, for fresh facts.
    pub machine: &'a Machine,
    /// All drives as listed: what shares an identity with this one is among them.
    pub all: &'a [DriveFacts],
    /// Serials and ids to keep.
    pub kept: &'a [String],
    /// What kind of plan this is.
    pub plan: PlanKind,
}

/// Why a drive cannot be claimed. Nothing was written in any case.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// The confirmed id is another drive's.
    #[error("{drive}: {confirmed} was confirmed, but this drive is {id}")]
    NotConfirmed {
        /// Path of the drive.
        drive: String,
        /// Its id.
        id: String,
        /// What was confirmed.
        confirmed: String,
    },
    /// The arming is over.
    #[error("{drive}: the arming of this machine has ended")]
    Expired {
        /// Path of the drive.
        drive: String,
    },
    /// The drive may not be erased, by facts read just now.
    #[error("{drive}: {}", words(refusals))]
    Refused {
        /// Path of the drive.
        drive: String,
        /// At least one reason.
        refusals: Vec<Refusal>,
    },
    /// It is no longer the drive that was confirmed.
    #[error("{drive}: {what}")]
    Changed {
        /// Path of the drive.
        drive: String,
        /// What differs.
        what: String,
    },
    /// What is asked for would reach more than the drive that was confirmed.
    #[error("{drive}: {what}; they would go with it, and nobody confirmed that")]
    ReachesMore {
        /// Path of the drive.
        drive: String,
        /// What else there is, or may be.
        what: String,
    },
    /// It did not answer when it was asked again.
    #[error("{drive}: cannot be identified again")]
    Unanswered {
        /// Path of the drive.
        drive: String,
        /// Why.
        #[source]
        source: AskError,
    },
    /// The kernel did not open it, or not tell about it.
    #[error("{drive}: cannot be opened for erasing")]
    Kernel {
        /// Path of the drive.
        drive: String,
        /// What it says.
        #[source]
        source: io::Error,
    },
}

fn words(refusals: &[Refusal]) -> String {
    let texts: Vec<String> = refusals
        .iter()
        .map(|refusal| format!("{refusal} ({})", refusal.remedy()))
        .collect();
    texts.join("; ")
}

/// A drive held exclusively, to be erased. Let go when it is dropped.
///
/// Every method that speaks to the drive may block as long as the kernel's error handling takes;
/// `Claimed` is `Sync`, so that a thread that nobody waits for can call them through an `Arc`.
#[derive(Debug)]
pub struct Claimed {
    facts: DriveFacts,
    consent: Consent,
    fd: Arc<OwnedFd>,
    roots: Roots,
    device_number: (u32, u32),
    disk_sequence: Option<u64>,
    /// Serials and ids to keep.
    kept: Vec<String>,
    trace: Trace,
}

/// Opens the drive exclusively and makes sure that it is the one that was confirmed and that nothing
/// speaks against erasing it. Blocks for the machine's patience at most, beside the open itself.
///
/// # Errors
/// Each reason not to erase it. The drive is then closed again, and nothing was written.
pub fn claim(
    facts: &DriveFacts,
    consent: &Consent,
    checks: &Checks<'_>,
) -> Result<Claimed, ClaimError> {
    claim_where(facts, consent, checks, |_| true)
}

/// [`claim`], where only those refusals count that `counts` says of.
fn claim_where(
    facts: &DriveFacts,
    consent: &Consent,
    checks: &Checks<'_>,
    counts: fn(&Refusal) -> bool,
) -> Result<Claimed, ClaimError> {
    let drive = || facts.path.display().to_string();
    let id = facts.identity.id();
    if consent.id != id {
        return Err(ClaimError::NotConfirmed {
            drive: drive(),
            id,
            confirmed: consent.id.clone(),
        });
    }
    if let ConsentSource::Armed { until } = consent.source
        && Instant::now() >= until
    {
        return Err(ClaimError::Expired { drive: drive() });
    }
    let kernel = |source| ClaimError::Kernel {
        drive: drive(),
        source,
    };
    let changed = |what: String| ClaimError::Changed {
        drive: drive(),
        what,
    };

    // Who was not named with it on a command line is not reached over a network.
    let checks = &Checks {
        plan: PlanKind {
            networked_allowed: checks.plan.networked_allowed
                && consent.source == ConsentSource::CommandLine,
            ..checks.plan
        },
        ..*checks
    };
    // Facts that already speak against it spare the drive the open.
    refuse(facts, facts, checks, counts)?;
    let fd = open(&facts.path).map_err(|error| match refusal_of(&error) {
        Some(refusal) => ClaimError::Refused {
            drive: drive(),
            refusals: vec![refusal],
        },
        None => kernel(error),
    })?;
    let roots = &checks.machine.roots;
    let device_number = number_of(&fd).map_err(kernel)?;
    let fd = Arc::new(fd);
    let disk_sequence = sys::block::disk_sequence(fd.as_fd()).ok();
    same_device(roots, &facts.name, device_number, disk_sequence).map_err(changed)?;
    // Without a serial this alone tells two sticks apart that were in the same slot.
    if facts.disk_sequence.is_some() && facts.disk_sequence != disk_sequence {
        return Err(changed(
            "another disk or medium came to this place; list the drives again".into(),
        ));
    }

    let trace = Trace::default();
    let port = Box::new(Traced::new(LinuxPort::over(Arc::clone(&fd)), trace.clone()));
    let fresh =
        checks
            .machine
            .drive(&facts.name, port)
            .map_err(|source| ClaimError::Unanswered {
                drive: drive(),
                source,
            })?;
    same_drive(facts, &fresh, &fd).map_err(changed)?;
    refuse(facts, &fresh, checks, counts)?;
    if sys::block::is_read_only(fd.as_fd()).map_err(kernel)? {
        return Err(ClaimError::Refused {
            drive: drive(),
            refusals: vec![Refusal::ReadOnly],
        });
    }
    Ok(Claimed {
        facts: fresh,
        consent: consent.clone(),
        fd,
        roots: roots.clone(),
        device_number,
        disk_sequence,
        kept: checks.kept.to_vec(),
        trace,
    })
}

/// The refusals of `now`, which stands in the list in the place of `listed`. Who uses the drive by
/// another path is asked anew.
fn refuse(
    listed: &DriveFacts,
    now: &DriveFacts,
    checks: &Checks<'_>,
    counts: fn(&Refusal) -> bool,
) -> Result<(), ClaimError> {
    let mut all: Vec<DriveFacts> = checks
        .all
        .iter()
        .filter(|other| other.path != listed.path)
        .cloned()
        .collect();
    for twin in all.iter_mut().filter(|other| are_twins(now, other)) {
        twin.uses = discover::uses_now(&checks.machine.roots, &twin.name);
    }
    all.push(now.clone());
    let mut medium = BootMedium::find(&checks.machine.roots, &all);
    // An optical drive takes its time: it is asked where its disc would make a difference.
    if medium.of(now) == Own::Maybe {
        medium = medium.or_disc(&disc::discs(checks.machine));
    }
    let mut refusals = refusals(now, &all, medium.of(now), checks.kept, checks.plan);
    refusals.retain(counts);
    if refusals.is_empty() {
        return Ok(());
    }
    Err(ClaimError::Refused {
        drive: now.path.display().to_string(),
        refusals,
    })
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    sys::block::open_exclusive(path)
}

fn words_of(result: &io::Result<()>) -> String {
    match result {
        Ok(()) => "done".into(),
        Err(error) => error.to_string(),
    }
}

/// What the kernel's refusal to open means for a person.
fn refusal_of(error: &io::Error) -> Option<Refusal> {
    match error.kind() {
        io::ErrorKind::ResourceBusy => Some(Refusal::Busy),
        // A container's list of devices.
        _ if error.raw_os_error() == Some(libc::EPERM) => Some(Refusal::Denied {
            error: error.to_string(),
        }),
        // EACCES is what a write-protected device gives to a superuser.
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            Some(Refusal::ReadOnly)
        }
        _ => None,
    }
}

/// Device number of an open block device.
pub(crate) fn number_of(fd: &OwnedFd) -> io::Result<(u32, u32)> {
    let data = File::from(fd.try_clone()?).metadata()?;
    if data.mode() & 0o170_000 != 0o060_000 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a block device",
        ));
    }
    Ok(device_number(data.rdev()))
}

/// Whether sysfs still shows the same disk under the same name.
pub(crate) fn same_device(
    roots: &Roots,
    name: &str,
    number: (u32, u32),
    disk_sequence: Option<u64>,
) -> Result<(), String> {
    let node = discover::sysfs::Node::whole(&roots.sys, name)
        .ok_or_else(|| format!("{name} has left the machine"))?;
    if node.device_number() != Some(number) {
        return Err(format!("the open node is not the whole drive {name}"));
    }
    let shown = node.number("diskseq");
    if disk_sequence.is_some() && shown.is_some() && disk_sequence != shown {
        return Err(format!("{name} is another disk now (disk sequence)"));
    }
    Ok(())
}

fn same_drive(listed: &DriveFacts, fresh: &DriveFacts, fd: &OwnedFd) -> Result<(), String> {
    if fresh.identity != listed.identity {
        return Err(format!(
            "identifies as {} now, not as {}",
            fresh.identity.recorded(),
            listed.identity.recorded()
        ));
    }
    let open_bytes = sys::block::size_bytes(fd.as_fd()).map_err(|error| error.to_string())?;
    if [fresh.capacity_bytes, open_bytes]
        .iter()
        .any(|bytes| *bytes != listed.capacity_bytes)
    {
        return Err(format!(
            "has {open_bytes} bytes now, not {}",
            listed.capacity_bytes
        ));
    }
    if fresh.logical_sector_bytes != listed.logical_sector_bytes {
        return Err("has another sector size now".into());
    }
    Ok(())
}

impl Claimed {
    /// The facts as read through the claim.
    #[must_use]
    pub fn facts(&self) -> &DriveFacts {
        &self.facts
    }

    /// The consent that it rests on.
    #[must_use]
    pub fn consent(&self) -> &Consent {
        &self.consent
    }

    /// The exclusive descriptor, open for reading and writing by direct I/O. The claim lasts as long
    /// as any copy of it.
    #[must_use]
    pub fn file(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.fd)
    }

    /// The kernel's number of this disk in this boot; `None` on kernels before 5.15.
    #[must_use]
    pub fn disk_sequence(&self) -> Option<u64> {
        self.disk_sequence
    }

    /// Asks the drive once more who it is. Blocks.
    ///
    /// # Errors
    /// When it has left, does not answer, or is not the claimed drive any more.
    pub fn recheck_identity(&self) -> Result<Identity, IdentityLost> {
        self.check_present().map_err(IdentityLost::Gone)?;
        let identity = discover::identity_now(&self.roots, &self.facts.name, &self.port())?;
        if identity != self.facts.identity {
            return Err(IdentityLost::Another {
                found: identity.recorded(),
                confirmed: self.facts.identity.recorded(),
            });
        }
        Ok(identity)
    }

    /// Waits until everything written is on the medium, as far as the drive tells. Blocks.
    ///
    /// # Errors
    /// When the kernel or the drive reports a failure: bytes written before are then not to be relied on.
    pub fn flush(&self) -> io::Result<()> {
        let buffers = sys::block::flush_buffers(self.fd.as_fd());
        self.trace
            .note("ioctl BLKFLSBUF".into(), words_of(&buffers));
        buffers?;
        let synced = sys::block::sync(self.fd.as_fd());
        self.trace.note("fsync".into(), words_of(&synced));
        synced?;
        if !self.takes_synchronize_cache() {
            return Ok(());
        }
        // The kernel sends it only to drives that admit to a cache.
        for _ in 0..3 {
            let reply = self
                .port()
                .scsi(&synchronize_cache_10(), Data::None, FLUSH_TIMEOUT)?;
            if reply.status == 0 && reply.host_status == 0 {
                return Ok(());
            }
            match Sense::parse(&reply.sense).map(|sense| sense.key) {
                // Recovered error: done. Illegal request: it has no such command, and no cache to tell of.
                Some(0x01 | 0x05) => return Ok(()),
                Some(0x06) => {}
                Some(_) | None => break,
            }
        }
        Err(io::Error::other("the drive refused to write its cache out"))
    }

    /// Stick controllers hang on commands that their kernel driver does not send by itself.
    fn takes_synchronize_cache(&self) -> bool {
        match self.facts.transport {
            Transport::Ata | Transport::Scsi | Transport::RaidVolume => true,
            Transport::Usb => !self.facts.removable,
            Transport::Nvme
            | Transport::Mmc
            | Transport::Sd
            | Transport::Virtio
            | Transport::Loop
            | Transport::Network
            | Transport::Other => false,
        }
    }

    /// Reads the drive's health again. Blocks.
    ///
    /// # Errors
    /// In words, when it has left.
    pub fn health(&self) -> Result<Health, String> {
        self.check_present()?;
        discover::health_now(&self.roots, &self.facts.name, &self.port())
    }

    /// Whether the kernel still shows the claimed disk. Asks sysfs only, does not block.
    #[must_use]
    pub fn still_present(&self) -> bool {
        self.check_present().is_ok()
    }

    fn check_present(&self) -> Result<(), String> {
        same_device(
            &self.roots,
            &self.facts.name,
            self.device_number,
            self.disk_sequence,
        )
    }

    /// Every command that went to the drive through this claim, reads and writes of the engine
    /// apart, with its answer.
    #[must_use]
    pub fn answers(&self) -> Vec<Answer> {
        self.trace.answers()
    }

    /// The drive's control path; every command through it is among [`Claimed::answers`].
    #[must_use]
    pub fn port(&self) -> Traced<LinuxPort> {
        Traced::new(LinuxPort::over(Arc::clone(&self.fd)), self.trace.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::refusal_of;
    use std::io;

    #[test]
    fn what_the_kernel_refuses_is_told_from_what_the_drive_refuses() {
        for (error, expected) in [
            (libc::EBUSY, Some("busy")),
            (libc::EPERM, Some("access denied")),
            (libc::EACCES, Some("read-only")),
            (libc::EROFS, Some("read-only")),
            (libc::EIO, None),
        ] {
            let refusal = refusal_of(&io::Error::from_raw_os_error(error));
            assert_eq!(refusal.map(|refusal| refusal.name()), expected, "{error}");
        }
    }
}
