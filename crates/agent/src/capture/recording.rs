//! Keeps what a drive answers while discovery asks it.

use super::wire;
use drive::discover::{Machine, Shown};
use drive::facts::DriveFacts;
use drive::port::{AdminCommand, AdminReply, Data, Port, ScsiReply};
use report::capture::hex::Bytes;
use report::capture::{self, Answer, Capture, Nvme, NvmeReply, SCHEMA, Scsi, Sysfs};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// `EIO`, for an open that failed without a number.
const ERRNO_UNKNOWN: i32 = 5;

/// Answers so far.
#[derive(Clone, Debug, Default)]
struct Answers {
    not_opened: Option<i32>,
    scsi: Vec<Scsi>,
    nvme: Vec<Nvme>,
    ext_csd: Option<Answer<Bytes>>,
}

/// A port whose answers are kept. An answer that repeats the last one to the same question is not
/// kept twice; an error without the kernel's number is none of the drive's and is not kept.
struct Recorded {
    port: Box<dyn Port>,
    answers: Recording,
}

/// What was answered. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Recording(Arc<Mutex<Answers>>);

impl Recording {
    /// A port that keeps here what `port` answers.
    #[must_use]
    pub fn over(&self, port: Box<dyn Port>) -> Box<dyn Port> {
        Box::new(Recorded {
            port,
            answers: self.clone(),
        })
    }

    /// The document, with what was shown beside what was answered so far.
    #[must_use]
    pub fn capture(&self, what: String, name: String, shown: &Shown) -> Capture {
        let answers = self.lock().clone();
        Capture {
            schema: SCHEMA.into(),
            what,
            name,
            not_opened: answers.not_opened,
            sysfs: sysfs(shown),
            kernel_log: shown.log.clone(),
            scsi: answers.scsi,
            nvme: answers.nvme,
            ext_csd: answers.ext_csd,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the drive `name` of `machine` all that discovery asks, once. Gives the capture and the facts
/// that it was asked for; `None` when there is no such drive.
///
/// A drive that is still silent when the machine's patience ends is recorded as far as it answered.
#[must_use]
pub fn record(machine: &Machine, name: &str, what: &str) -> Option<(Capture, DriveFacts)> {
    let shown = machine.shown(name)?;
    let recording = Recording::default();
    let (opener, answers) = (Arc::clone(&machine.opener), recording.clone());
    let asked = Machine {
        opener: Arc::new(move |path| {
            let port = opener(path).inspect_err(|error| {
                answers.lock().not_opened = Some(error.raw_os_error().unwrap_or(ERRNO_UNKNOWN));
            })?;
            Ok(answers.over(port))
        }),
        ..machine.clone()
    };
    let facts = asked.listed(name)?;
    let capture = recording.capture(what.to_owned(), name.to_owned(), &shown);
    Some((capture, facts))
}

fn sysfs(shown: &Shown) -> Sysfs {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let mut sysfs = Sysfs::default();
    for (file, bytes) in &shown.files {
        match String::from_utf8(bytes.clone()) {
            Ok(text) if is_plain(&text) => sysfs.files.insert(path(file), text).map(|_| ()),
            _ => sysfs
                .pages
                .insert(path(file), Bytes(bytes.clone()))
                .map(|_| ()),
        };
    }
    let links = shown.links.iter();
    sysfs.links = links.map(|(from, to)| (path(from), path(to))).collect();
    sysfs
}

fn is_plain(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && c != '\n')
}

/// An answer as the document has it; `None` for an error without the kernel's number.
fn answer<R>(reply: Result<R, &io::Error>) -> Option<Answer<R>> {
    match reply {
        Ok(reply) => Some(Answer::Reply(reply)),
        Err(error) => error.raw_os_error().map(Answer::Errno),
    }
}

/// The bytes of a buffer that were moved.
fn moved(buffer: &[u8], residual_bytes: i32) -> Bytes {
    let lost = usize::try_from(residual_bytes).unwrap_or(0);
    let moved = buffer.len().saturating_sub(lost);
    Bytes(buffer.get(..moved).unwrap_or_default().to_vec())
}

impl Port for Recorded {
    fn scsi(&self, cdb: &[u8], mut data: Data<'_>, timeout: Duration) -> io::Result<ScsiReply> {
        let reply = self.port.scsi(cdb, again(&mut data), timeout);
        let kept = reply.as_ref().map(|reply| capture::ScsiReply {
            status: reply.status,
            host_status: reply.host_status,
            driver_status: reply.driver_status,
            sense: Bytes(reply.sense.clone()),
            data: match data {
                // What else is in the buffer is not an answer.
                Data::In(buffer) if reply.status == 0 && reply.host_status == 0 => {
                    moved(buffer, reply.residual_bytes)
                }
                Data::None | Data::In(_) | Data::Out(_) => Bytes::default(),
            },
        });
        if let Some(answer) = answer(kept) {
            let command = Bytes(cdb.to_vec());
            let mut answers = self.answers.lock();
            let last = answers.scsi.iter().rfind(|asked| asked.command == command);
            if last.is_none_or(|last| last.answer != answer) {
                answers.scsi.push(Scsi { command, answer });
            }
        }
        reply
    }

    fn nvme_admin(
        &self,
        command: &AdminCommand,
        mut data: Data<'_>,
        timeout: Duration,
    ) -> io::Result<AdminReply> {
        let reply = self.port.nvme_admin(command, again(&mut data), timeout);
        let kept = reply.as_ref().map(|reply| NvmeReply {
            status: reply.status,
            result: reply.result,
            data: match data {
                Data::In(buffer) if reply.status == 0 => Bytes(buffer.to_vec()),
                Data::None | Data::In(_) | Data::Out(_) => Bytes::default(),
            },
        });
        if let Some(answer) = answer(kept) {
            let command = wire(command);
            let mut answers = self.answers.lock();
            let last = answers.nvme.iter().rfind(|asked| asked.command == command);
            if last.is_none_or(|last| last.answer != answer) {
                answers.nvme.push(Nvme { command, answer });
            }
        }
        reply
    }

    fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
        let reply = self.port.mmc_ext_csd();
        let kept = reply.as_ref().map(|register| Bytes(register.to_vec()));
        if let Some(answer) = answer(kept) {
            self.answers.lock().ext_csd = Some(answer);
        }
        reply
    }

    /// What is on the medium is the donor's: it is not kept.
    fn read_at(&self, buffer: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        self.port.read_at(buffer, offset_bytes)
    }
}

/// The same data phase, lent.
fn again<'a>(data: &'a mut Data<'_>) -> Data<'a> {
    match data {
        Data::None => Data::None,
        Data::In(buffer) => Data::In(buffer),
        Data::Out(bytes) => Data::Out(bytes),
    }
}
