//! Writes the event stream ([`report::event`]) to `raz.events=PORT`, one JSON object a line.
//!
//! The session is never held up: it puts events in a bounded queue, and a thread of its own
//! writes them, however long the port blocks. When the queue is full, progress gives way first.
//! It reads nothing, and has no access to tokens or the kernel's command line.
//!
//! A port is the name of a virtio-serial port, or the absolute path of a terminal line, a FIFO
//! or an ordinary file. Anything else that has a path, above all a block device, is refused: a
//! slip in `raz.events=` must not write over a drive.

use report::event::{Event, Line};
use std::collections::VecDeque;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Progress events are dropped from here on.
const QUEUE_PROGRESS_MAX: usize = 256;
/// Nothing more is taken from here on. A session of 60 drives makes about a thousand events
/// besides progress; only a port that nobody reads gets here.
const QUEUE_MAX: usize = 16_384;

/// Why there is no event stream.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// No virtio-serial port has this name.
    #[error("raz.events={name}: no virtio-serial port has this name")]
    NoPort {
        /// Name.
        name: String,
    },
    /// A path that is no terminal line, FIFO or file.
    #[error("raz.events={}: neither a terminal line, a FIFO nor an ordinary file", path.display())]
    NotAPort {
        /// Path.
        path: PathBuf,
    },
    /// The kernel refused.
    #[error("raz.events={}", path.display())]
    Io {
        /// Path.
        path: PathBuf,
        /// Cause.
        #[source]
        source: io::Error,
    },
}

/// Roots under which ports are looked for.
#[derive(Clone, Debug)]
pub struct Roots {
    /// `/sys`.
    pub sys: PathBuf,
    /// `/dev`.
    pub dev: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self {
            sys: "/sys".into(),
            dev: "/dev".into(),
        }
    }
}

/// The stream. Dropping it lets the thread write what is queued and end by itself.
#[derive(Debug)]
pub struct Events {
    shared: Arc<Shared>,
    began: Instant,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<(f64, Event)>,
    /// Taken by the thread and not yet written.
    writing: bool,
    closed: bool,
    lost: u64,
    failure: Option<String>,
}

impl Events {
    /// Finds the port and begins to write to it. Opening happens in the thread: a FIFO waits for
    /// its reader.
    ///
    /// # Errors
    /// The port is not there, or is nothing that events may be written to.
    pub fn open(port: &str, roots: &Roots) -> Result<Self, EventsError> {
        let path = find(port, roots)?;
        let sys = roots.sys.clone();
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            changed: Condvar::new(),
        });
        let theirs = Arc::clone(&shared);
        let thread = move || {
            let written = open_port(&path, &sys)
                .map_err(|error| error.to_string())
                .and_then(|file| theirs.write_all(file).map_err(|error| error.to_string()));
            let mut queue = theirs.lock();
            if let Err(error) = written {
                queue.failure = Some(error);
            }
            queue.closed = true;
            queue.writing = false;
            queue.waiting.clear();
            theirs.changed.notify_all();
        };
        std::thread::Builder::new()
            .name("events".into())
            .spawn(thread)
            .map_err(|source| EventsError::Io {
                path: port.into(),
                source,
            })?;
        Ok(Self {
            shared,
            began: Instant::now(),
        })
    }

    /// Queues an event; returns at once. Sequence numbers are given when an event is written,
    /// so that a dropped one leaves no gap.
    pub fn send(&self, event: Event) {
        let seconds = self.began.elapsed().as_secs_f64();
        let mut queue = self.shared.lock();
        queue.put(seconds, event);
        self.shared.changed.notify_all();
    }

    /// Events that were dropped because nobody read, and why writing ended if it did.
    #[must_use]
    pub fn lost(&self) -> (u64, Option<String>) {
        let queue = self.shared.lock();
        (queue.lost, queue.failure.clone())
    }

    /// Waits at most `bound` until all is written, as before power off; says whether it is.
    #[must_use]
    pub fn flush(&self, bound: Duration) -> bool {
        let queue = self.shared.lock();
        let busy = |queue: &mut Queue| !queue.waiting.is_empty() || queue.writing;
        let waited = self.shared.changed.wait_timeout_while(queue, bound, busy);
        let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !busy(&mut queue) && queue.failure.is_none()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Queue {
    fn put(&mut self, seconds: f64, event: Event) {
        if self.closed {
            self.lost += 1;
            return;
        }
        if self.waiting.len() >= QUEUE_PROGRESS_MAX {
            // The oldest progress says least; without any, what comes now gives way if it is
            // progress itself.
            let oldest = self
                .waiting
                .iter()
                .position(|(_, waiting)| is_progress(waiting));
            match oldest {
                Some(at) => {
                    self.waiting.remove(at);
                    self.lost += 1;
                }
                None if is_progress(&event) || self.waiting.len() >= QUEUE_MAX => {
                    self.lost += 1;
                    return;
                }
                None => {}
            }
        }
        self.waiting.push_back((seconds, event));
    }
}

fn is_progress(event: &Event) -> bool {
    matches!(event, Event::Progress { .. })
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes until the queue is closed and empty.
    fn write_all(&self, mut file: File) -> io::Result<()> {
        let mut sequence = 0;
        loop {
            let queue = self.lock();
            let idle = |queue: &mut Queue| queue.waiting.is_empty() && !queue.closed;
            let waited = self.changed.wait_while(queue, idle);
            let mut queue = waited.unwrap_or_else(PoisonError::into_inner);
            let Some((seconds, event)) = queue.waiting.pop_front() else {
                return Ok(());
            };
            queue.writing = true;
            drop(queue);
            let line = Line {
                sequence,
                seconds,
                event,
            };
            let mut bytes = serde_json::to_vec(&line)?;
            bytes.push(b'\n');
            file.write_all(&bytes)?;
            sequence += 1;
            self.lock().writing = false;
            self.changed.notify_all();
        }
    }
}

/// The path of a port given by name or path.
fn find(port: &str, roots: &Roots) -> Result<PathBuf, EventsError> {
    if port.starts_with('/') {
        let path = PathBuf::from(port);
        return match std::fs::metadata(&path) {
            Ok(found) if may_write(&found, &roots.sys) => Ok(path),
            Ok(_) => Err(EventsError::NotAPort { path }),
            // A file that will be made, in a folder that is there.
            Err(error)
                if error.kind() == io::ErrorKind::NotFound
                    && path.parent().is_some_and(Path::is_dir)
                    && !path.starts_with(&roots.dev) =>
            {
                Ok(path)
            }
            Err(source) => Err(EventsError::Io { path, source }),
        };
    }
    let ports = roots.sys.join("class/virtio-ports");
    let listing = std::fs::read_dir(&ports).ok();
    for entry in listing.into_iter().flatten().flatten() {
        let name = std::fs::read_to_string(entry.path().join("name")).unwrap_or_default();
        if !port.is_empty() && name.trim_end_matches('\n') == port {
            return Ok(roots.dev.join(entry.file_name()));
        }
    }
    Err(EventsError::NoPort {
        name: port.to_owned(),
    })
}

/// Terminal lines, virtio-serial ports, FIFOs and ordinary files. A character device can be a
/// drive's pass-through or the memory itself, so its class must be known.
fn may_write(found: &Metadata, sys: &Path) -> bool {
    let kind = found.file_type();
    if kind.is_char_device() {
        let (major, minor) = device_numbers(found.rdev());
        // Unix98 pseudo terminals have no entry in /sys (devices.txt: majors 136 to 143).
        return (136..=143).contains(&major)
            || std::fs::read_link(sys.join(format!("dev/char/{major}:{minor}/subsystem")))
                .ok()
                .and_then(|link| {
                    link.file_name()
                        .map(|name| name == "tty" || name == "virtio-ports")
                })
                .unwrap_or(false);
    }
    kind.is_fifo() || kind.is_file()
}

/// Major and minor of a 64-bit `dev_t` (`makedev(3)`).
fn device_numbers(rdev: u64) -> (u64, u64) {
    let major = ((rdev >> 8) & 0xfff) | ((rdev >> 32) & !0xfff);
    let minor = (rdev & 0xff) | ((rdev >> 12) & !0xff);
    (major, minor)
}

/// Opens the port and checks what was opened: the path may have changed since.
fn open_port(path: &Path, sys: &Path) -> Result<File, EventsError> {
    let io_error = |source| EventsError::Io {
        path: path.to_owned(),
        source,
    };
    let there = std::fs::metadata(path);
    if there.is_ok_and(|found| !may_write(&found, sys)) {
        return Err(EventsError::NotAPort {
            path: path.to_owned(),
        });
    }
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        // The init process would get the line as its controlling terminal.
        .custom_flags(libc::O_NOCTTY)
        .open(path)
        .map_err(io_error)?;
    let opened = file.metadata().map_err(io_error)?;
    if !may_write(&opened, sys) {
        return Err(EventsError::NotAPort {
            path: path.to_owned(),
        });
    }
    Ok(file)
}
