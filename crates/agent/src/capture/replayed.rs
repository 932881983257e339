//! A captured drive as a machine of one drive: its sysfs in a folder, its answers behind a port.

use super::wire;
use drive::discover::{Machine, Roots};
use drive::facts::DriveFacts;
use drive::port::{AdminCommand, AdminReply, Data, Port, ScsiReply};
use report::capture::{self, Answer, Capture, NvmeCommand};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Nothing here waits for a drive.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the kernel would show the drive's node.
const DEV: &str = "/dev";

/// A folder that goes with its owner, readable by nobody else: it holds serial numbers.
#[derive(Debug)]
struct Stage(PathBuf);

impl Stage {
    fn new() -> io::Result<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let name = format!("raz-capture-{}", hex::encode(random));
        let path = std::env::temp_dir().join(name);
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path.canonicalize()?))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A folder that stays behind is untidy and no more.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A captured drive that can be listed. Its folder is there as long as this is.
pub struct Replayed {
    stage: Stage,
    name: String,
    machine: Machine,
}

impl Replayed {
    /// Lays a capture out.
    ///
    /// # Errors
    /// A folder for temporary files that cannot be written, or paths that contradict each other.
    pub fn new(capture: &Capture) -> io::Result<Self> {
        let stage = Stage::new()?;
        let roots = Roots {
            sys: stage.0.join("sys"),
            dev: stage.0.join("dev"),
            proc: stage.0.join("proc"),
        };
        for root in [&roots.sys, &roots.dev, &roots.proc] {
            fs::create_dir(root)?;
        }
        lay_out(&capture.sysfs, &roots.sys)?;
        fs::write(roots.dev.join("kmsg"), capture.kernel_log.join("\n"))?;
        let port = Replay::new(capture);
        let not_opened = capture.not_opened;
        let machine = Machine {
            roots,
            opener: Arc::new(move |_| match not_opened {
                Some(errno) => Err(io::Error::from_raw_os_error(errno)),
                None => Ok(Box::new(port.afresh()) as Box<dyn Port>),
            }),
            patience: PATIENCE,
        };
        Ok(Self {
            stage,
            name: capture.name.clone(),
            machine,
        })
    }

    /// The machine of this one drive.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The drive's facts, as if its node were in `/dev`; `None` when what sysfs shows is no drive.
    #[must_use]
    pub fn facts(&self) -> Option<DriveFacts> {
        let facts = self.machine.listed(&self.name)?;
        let below = facts.path.strip_prefix(self.stage.0.join("dev"));
        let path = Path::new(DEV).join(below.unwrap_or(&facts.path));
        Some(DriveFacts { path, ..facts })
    }
}

/// Files before links, so that nothing is written through a link.
fn lay_out(sysfs: &capture::Sysfs, root: &Path) -> io::Result<()> {
    let in_folder = |path: &Path| match path.parent() {
        Some(folder) => fs::create_dir_all(folder),
        None => Ok(()),
    };
    let texts = sysfs.files.iter();
    let texts = texts.map(|(path, text)| (path, text.as_bytes()));
    let pages = sysfs.pages.iter();
    let pages = pages.map(|(path, bytes)| (path, bytes.0.as_slice()));
    for (path, bytes) in texts.chain(pages) {
        let path = root.join(path);
        in_folder(&path)?;
        fs::write(path, bytes)?;
    }
    for target in sysfs.links.values() {
        fs::create_dir_all(root.join(target))?;
    }
    for (path, target) in &sysfs.links {
        let path = root.join(path);
        in_folder(&path)?;
        symlink(root.join(target), path)?;
    }
    Ok(())
}

/// Answers in the order in which they were recorded; the last one to a question stays.
struct Queue<Q, R> {
    answers: Arc<[(Q, Answer<R>)]>,
    /// Those that were given and have a successor.
    given: Mutex<Vec<bool>>,
}

impl<Q: PartialEq, R: Clone> Queue<Q, R> {
    fn new(answers: Arc<[(Q, Answer<R>)]>) -> Self {
        let given = Mutex::new(vec![false; answers.len()]);
        Self { answers, given }
    }

    fn next(&self, question: &Q) -> io::Result<R> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = self.answers.iter().zip(given.iter_mut());
        let mut left = answers.filter(|((asked, _), given)| asked == question && !**given);
        let ((_, answer), mark) = left.next().ok_or_else(no_answer)?;
        *mark = left.next().is_some();
        match answer {
            Answer::Reply(reply) => Ok(reply.clone()),
            Answer::Errno(errno) => Err(io::Error::from_raw_os_error(*errno)),
        }
    }
}

/// Of a question that is not in the capture. Without a number, so that recording a replay does not
/// take it for the drive's.
fn no_answer() -> io::Error {
    io::Error::other("no answer in the capture")
}

/// A port that answers from a capture and invents nothing.
pub struct Replay {
    scsi: Queue<Vec<u8>, capture::ScsiReply>,
    nvme: Queue<NvmeCommand, capture::NvmeReply>,
    ext_csd: Option<Answer<[u8; 512]>>,
}

impl Replay {
    /// Before the first question.
    #[must_use]
    pub fn new(capture: &Capture) -> Self {
        let scsi = capture.scsi.iter();
        let scsi = scsi.map(|asked| (asked.command.0.clone(), asked.answer.clone()));
        let nvme = capture.nvme.iter();
        let nvme = nvme.map(|asked| {
            let mut command = asked.command.clone();
            // What a person wrote out is what is left out.
            while command.dwords.last() == Some(&0) {
                command.dwords.pop();
            }
            (command, asked.answer.clone())
        });
        Self {
            scsi: Queue::new(scsi.collect()),
            nvme: Queue::new(nvme.collect()),
            ext_csd: capture.ext_csd.as_ref().map(|answer| match answer {
                Answer::Reply(bytes) => {
                    let mut register = [0; 512];
                    fill(&mut register, &bytes.0);
                    Answer::Reply(register)
                }
                Answer::Errno(errno) => Answer::Errno(*errno),
            }),
        }
    }

    /// The same answers, from the first on.
    fn afresh(&self) -> Self {
        Self {
            scsi: Queue::new(Arc::clone(&self.scsi.answers)),
            nvme: Queue::new(Arc::clone(&self.nvme.answers)),
            ext_csd: self.ext_csd.clone(),
        }
    }
}

impl Port for Replay {
    fn scsi(&self, cdb: &[u8], data: Data<'_>, _: Duration) -> io::Result<ScsiReply> {
        let reply = self.scsi.next(&cdb.to_vec())?;
        let lost = match data {
            Data::In(buffer) => buffer.len() - fill(buffer, &reply.data.0),
            Data::None | Data::Out(_) => 0,
        };
        Ok(ScsiReply {
            status: reply.status,
            host_status: reply.host_status,
            driver_status: reply.driver_status,
            sense: reply.sense.0,
            residual_bytes: i32::try_from(lost).unwrap_or(i32::MAX),
            duration_ms: 0,
        })
    }

    fn nvme_admin(
        &self,
        command: &AdminCommand,
        data: Data<'_>,
        _: Duration,
    ) -> io::Result<AdminReply> {
        let reply = self.nvme.next(&wire(command))?;
        if let Data::In(buffer) = data {
            fill(buffer, &reply.data.0);
        }
        Ok(AdminReply {
            status: reply.status,
            result: reply.result,
        })
    }

    fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
        match self.ext_csd.as_ref().ok_or_else(no_answer)? {
            Answer::Reply(register) => Ok(*register),
            Answer::Errno(errno) => Err(io::Error::from_raw_os_error(*errno)),
        }
    }

    /// Zeros: no capture holds what was on a medium.
    fn read_at(&self, buffer: &mut [u8], _: u64) -> io::Result<()> {
        buffer.fill(0);
        Ok(())
    }
}

/// As much of `bytes` as there is room for; how much that was. The rest of the buffer is zeros.
fn fill(buffer: &mut [u8], bytes: &[u8]) -> usize {
    let length = buffer.len().min(bytes.len());
    buffer.fill(0);
    for (place, byte) in buffer.iter_mut().zip(bytes) {
        *place = *byte;
    }
    length
}
