//! The machine's drives, as facts.
//!
//! The roots of `/sys`, `/dev` and `/proc` are arguments, so that a folder is a machine. Every drive
//! is asked on a thread of its own and nothing waits for one without a bound: a sick drive costs its
//! own answers, not the list. Nothing here writes, and nothing decides what is erased.

mod answers;
mod attachment;
mod base;
mod hidden;
mod kernel_log;
mod line;
mod serial;
mod shown;
pub(crate) mod sysfs;

use crate::facts::{DriveFacts, Silence, Use};
use crate::health::Health;
use crate::identity::{Identity, IdentityLost};
use crate::linux::LinuxPort;
use crate::port::Port;
use answers::{Answered, Context};
use attachment::attachment;
pub use shown::Shown;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use sysfs::Node;

/// Time for all drives to answer. One command that times out takes the kernel 7 s at least, and
/// its error handling comes on top.
const PATIENCE: Duration = Duration::from_secs(20);

/// Most of the kernel log that is read.
const LOG_BYTES_MAX: usize = 16 << 20;

/// Where the machine shows itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// Root of sysfs.
    pub sys: PathBuf,
    /// Folder of device nodes; its `kmsg` is the kernel log.
    pub dev: PathBuf,
    /// Root of procfs.
    pub proc: PathBuf,
}

impl Default for Roots {
    /// This machine's.
    fn default() -> Self {
        Self {
            sys: "/sys".into(),
            dev: "/dev".into(),
            proc: "/proc".into(),
        }
    }
}

/// Opens a drive's node for questions.
pub type Opener = Arc<dyn Fn(&Path) -> io::Result<Box<dyn Port>> + Send + Sync>;

/// A machine whose drives can be listed.
#[derive(Clone)]
pub struct Machine {
    /// Where it shows itself.
    pub roots: Roots,
    /// How its drives are asked.
    pub opener: Opener,
    /// How long all drives together may take to answer.
    pub patience: Duration,
}

/// Why a path names no whole drive.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The path leads nowhere.
    #[error("{path}: no such drive")]
    Missing {
        /// As given.
        path: PathBuf,
        /// What the kernel says.
        #[source]
        source: io::Error,
    },
    /// A file, a folder, a character device.
    #[error("{path}: not a block device")]
    NotBlock {
        /// As given.
        path: PathBuf,
    },
    /// A partition of a drive.
    #[error("{path}: a partition of {whole}; name the whole drive")]
    Partition {
        /// As given.
        path: PathBuf,
        /// Kernel name of the drive that it is part of.
        whole: String,
    },
    /// A block device that sysfs does not show.
    #[error("{path}: sysfs knows no such block device")]
    Unknown {
        /// As given.
        path: PathBuf,
    },
}

/// Why one drive could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Sysfs shows no drive of that name.
    #[error("no such drive")]
    NoDrive,
    /// It did not say who it is.
    #[error("it does not say who it is: {reason}")]
    Silent {
        /// In words.
        reason: String,
    },
}

impl Machine {
    /// The machine that this program runs on.
    #[must_use]
    pub fn this() -> Self {
        Self {
            roots: Roots::default(),
            opener: Arc::new(|path| Ok(Box::new(LinuxPort::open(path)?) as Box<dyn Port>)),
            patience: PATIENCE,
        }
    }

    /// All drives of the machine in the order of their names; of loop devices only those named
    /// (by kernel name, such as `loop3`).
    ///
    /// What is built on other block devices (dm, md, zram) and what is never a drive (optical
    /// discs, floppies, host firmware flash, card slots without a card) is not in the list.
    #[must_use]
    pub fn drives(&self, named_loops: &[String]) -> Vec<DriveFacts> {
        let log: Arc<str> = kernel_log_text(&self.roots.dev.join("kmsg")).into();
        let mut names = sysfs::names(&self.roots.sys.join("block"));
        names.retain(|name| !sysfs::numbered(name, "loop") || named_loops.contains(name));
        names.sort_by_key(|name| natural(name));
        let known: Vec<(DriveFacts, Context)> = names
            .iter()
            .filter_map(|name| known(&self.roots, name, Arc::clone(&log)))
            .collect();
        let questions = known.into_iter().map(|(facts, context)| {
            let (opener, path) = (Arc::clone(&self.opener), facts.path.clone());
            let open = move || opener(&path);
            (facts, context, open)
        });
        let answered = ask_all(questions.collect(), self.patience);
        answered.into_iter().map(|drive| drive.facts).collect()
    }

    /// One drive by its kernel name, asked through `port`.
    ///
    /// # Errors
    /// When there is no such drive, or it does not say who it is: facts from sysfs alone are not
    /// enough to erase by.
    pub fn drive(&self, name: &str, port: Box<dyn Port>) -> Result<DriveFacts, AskError> {
        let log: Arc<str> = kernel_log_text(&self.roots.dev.join("kmsg")).into();
        let (facts, context) = known(&self.roots, name, log).ok_or(AskError::NoDrive)?;
        let asked = ask_all(vec![(facts, context, move || Ok(port))], self.patience).pop();
        let answered = asked.ok_or(AskError::NoDrive)?;
        match answered.identified {
            Ok(()) => Ok(answered.facts),
            Err(reason) => Err(AskError::Silent { reason }),
        }
    }

    /// One drive by its kernel name, asked through the opener; facts from sysfs alone where it does
    /// not answer, as in the list. `None` when there is no such drive.
    #[must_use]
    pub fn listed(&self, name: &str) -> Option<DriveFacts> {
        let log: Arc<str> = kernel_log_text(&self.roots.dev.join("kmsg")).into();
        let (facts, context) = known(&self.roots, name, log)?;
        let (opener, path) = (Arc::clone(&self.opener), facts.path.clone());
        let open = move || opener(&path);
        let asked = ask_all(vec![(facts, context, open)], self.patience).pop();
        asked.map(|drive| drive.facts)
    }

    /// What sysfs and the kernel log show of one drive, without asking it. `None` when there is no
    /// such drive.
    #[must_use]
    pub fn shown(&self, name: &str) -> Option<Shown> {
        let node = Node::whole(&self.roots.sys, name)?;
        let attachment = attachment(&node)?;
        let log = kernel_log_text(&self.roots.dev.join("kmsg"));
        Some(Shown::of(&self.roots.sys, &node, &attachment, &log))
    }

    /// Kernel name of the whole drive that a path names, through whatever links.
    ///
    /// # Errors
    /// When it names none, or a partition.
    pub fn resolve(&self, path: &Path) -> Result<String, ResolveError> {
        let given = || path.to_owned();
        let data = path.metadata().map_err(|source| ResolveError::Missing {
            path: given(),
            source,
        })?;
        if data.mode() & 0o170_000 != 0o060_000 {
            return Err(ResolveError::NotBlock { path: given() });
        }
        let number = device_number(data.rdev());
        let unknown = || ResolveError::Unknown { path: given() };
        for name in sysfs::names(&self.roots.sys.join("block")) {
            let Some(node) = Node::whole(&self.roots.sys, &name) else {
                continue;
            };
            if node.device_number() == Some(number) {
                return Ok(name);
            }
            if node
                .partitions()
                .iter()
                .any(|part| part.device_number() == Some(number))
            {
                return Err(ResolveError::Partition {
                    path: given(),
                    whole: name,
                });
            }
        }
        Err(unknown())
    }
}

/// Who the drive under a kernel name is now. Asks on the caller's thread and may block.
///
/// # Errors
/// When it is not there or does not say.
pub(crate) fn identity_now(
    roots: &Roots,
    name: &str,
    port: &dyn Port,
) -> Result<Identity, IdentityLost> {
    let (facts, context) = known(roots, name, Arc::from(""))
        .ok_or_else(|| IdentityLost::Gone("it has left the machine".into()))?;
    let answered = answers::identify(facts, &context, port);
    match answered.identified {
        Ok(()) => Ok(answered.facts.identity),
        Err(why) => Err(IdentityLost::Silent(why)),
    }
}

/// Who the drive under a kernel name is by what sysfs shows. Asks nobody.
pub(crate) fn identity_shown(roots: &Roots, name: &str) -> Option<Identity> {
    known(roots, name, Arc::from("")).map(|(facts, _)| facts.identity)
}

/// How the drive under a kernel name is now. Asks on the caller's thread and may block.
///
/// # Errors
/// In words, when it is not there or does not say who it is.
pub(crate) fn health_now(roots: &Roots, name: &str, port: &dyn Port) -> Result<Health, String> {
    let (facts, context) = known(roots, name, Arc::from("")).ok_or("it has left the machine")?;
    answers::health(facts, &context, port)
}

/// Who uses the drive under a kernel name now. Asks sysfs and `/proc` only.
pub(crate) fn uses_now(roots: &Roots, name: &str) -> Vec<Use> {
    Node::whole(&roots.sys, name).map_or_else(Vec::new, |node| base::uses(roots, &node))
}

/// What is known of a drive before it is asked.
fn known(roots: &Roots, name: &str, log: Arc<str>) -> Option<(DriveFacts, Context)> {
    let node = Node::whole(&roots.sys, name)?;
    let attachment = attachment(&node)?;
    let facts = base::facts(roots, &node, &attachment);
    let context = Context {
        node,
        attachment,
        log,
    };
    Some((facts, context))
}

/// Major and minor number of a `dev_t`, as glibc and the kernel pack it.
pub(crate) fn device_number(packed: u64) -> (u32, u32) {
    let major = (packed >> 8 & 0xFFF) | (packed >> 32 & 0xFFFF_F000);
    let minor = (packed & 0xFF) | (packed >> 12 & 0xFFFF_FF00);
    (
        u32::try_from(major & 0xFFFF_FFFF).unwrap_or(u32::MAX),
        u32::try_from(minor & 0xFFFF_FFFF).unwrap_or(u32::MAX),
    )
}

/// Asks every drive at once, each on a thread that is left behind when the time is over.
fn ask_all<O>(questions: Vec<(DriveFacts, Context, O)>, patience: Duration) -> Vec<Answered>
where
    O: FnOnce() -> io::Result<Box<dyn Port>> + Send + 'static,
{
    let deadline = Instant::now() + patience;
    let (send, receive) = mpsc::channel();
    let late = format!("did not answer identify within {} s", patience.as_secs());
    let mut drives = Vec::new();
    for (index, (facts, context, open)) in questions.into_iter().enumerate() {
        // What stays when nothing better arrives.
        let silence = Silence::NoAnswer(late.clone());
        drives.push(unasked(facts.clone(), silence, late.clone()));
        let (send, without_thread) = (send.clone(), facts.clone());
        let started = thread::Builder::new()
            .name(format!("ask-{}", facts.name))
            .spawn(move || {
                let answered = match open() {
                    Ok(port) => answers::complete(facts, &context, &*port),
                    Err(error) => unopened(facts, &error),
                };
                // Nobody listens any more when the time is over.
                let _ = send.send((index, answered));
            });
        if let Err(error) = started
            && let Some(drive) = drives.get_mut(index)
        {
            *drive = unopened(without_thread, &error);
        }
    }
    // The channel ends with the last thread.
    drop(send);
    while let Ok((index, answered)) =
        receive.recv_timeout(deadline.saturating_duration_since(Instant::now()))
    {
        if let Some(drive) = drives.get_mut(index) {
            *drive = answered;
        }
    }
    drives
}

fn unopened(facts: DriveFacts, error: &io::Error) -> Answered {
    let silence = match error.kind() {
        io::ErrorKind::PermissionDenied => Silence::Denied(error.to_string()),
        _ => Silence::NotOpened(error.to_string()),
    };
    unasked(facts, silence, format!("cannot be asked: {error}"))
}

fn unasked(mut facts: DriveFacts, silence: Silence, reason: String) -> Answered {
    facts.oddities.push(reason.clone());
    facts.health = Health::not_read(&reason);
    facts.silent = Some(silence);
    Answered {
        facts,
        identified: Err(reason),
    }
}

/// Sorts `sdb` before `sdaa` and `nvme2n1` before `nvme10n1`.
fn natural(name: &str) -> (String, usize, String) {
    let letters: String = name.chars().take_while(|c| !c.is_ascii_digit()).collect();
    let family = letters.get(..2).unwrap_or(&letters).to_owned();
    (family, name.len(), name.to_owned())
}

/// The kernel log so far, from `/dev/kmsg` or a file in its place; empty when it cannot be read.
fn kernel_log_text(path: &Path) -> String {
    let mut options = OpenOptions::new();
    // Without it the last read of /dev/kmsg waits for the kernel's next message.
    options.read(true).custom_flags(libc::O_NONBLOCK);
    let Ok(mut log) = options.open(path) else {
        return String::new();
    };
    let mut text = Vec::new();
    let mut record = [0; 8192];
    while text.len() < LOG_BYTES_MAX {
        match log.read(&mut record) {
            Ok(0) => break,
            Ok(n) => text.extend_from_slice(record.get(..n).unwrap_or(&[])),
            // Records were overwritten while we read: the next read goes on behind them.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{device_number, natural};

    #[test]
    fn device_numbers_unpack_beyond_eight_bits() {
        assert_eq!(device_number(0x0801), (8, 1));
        assert_eq!(device_number(0x10_3F03), (0x3F, 0x103));
        assert_eq!(device_number(259 << 8 & 0xF_FF00 | 4), (259, 4));
    }

    #[test]
    fn drives_are_listed_in_the_order_that_people_expect() {
        let mut names = ["sdaa", "sdb", "nvme10n1", "nvme2n1", "sda", "mmcblk0"];
        names.sort_by_key(|name| natural(name));
        assert_eq!(
            names,
            ["mmcblk0", "nvme2n1", "nvme10n1", "sda", "sdb", "sdaa"]
        );
    }
}
