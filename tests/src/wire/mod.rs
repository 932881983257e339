//! The wire from a guest's kernel to drives that do not exist: QEMU's `vhost-user-scsi-pci` hands
//! over the rings of its virtio-scsi controller, and here the crate `sim` answers them.
//!
//! The guest sees a plain SCSI controller; command, data, status and sense pass as they are
//! ([`scsi`]). One thread per machine and one for its rings, both gone when QEMU is. Not here: what
//! a drive answers, which is `sim`'s, and hot-plugging.
//!
//! A command without an answer stays open. Linux' virtio_scsi never lets one time out (its
//! `eh_timed_out` begins the time anew, drivers/scsi/virtio_scsi.c), so behind this wire it hangs
//! until the machine ends, or until somebody in the guest resets the unit.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use anyhow::Context;
use sim::device::ScsiDevice;
use vhost::vhost_user::{Listener, VhostUserProtocolFeatures, VhostUserVirtioFeatures};
use vhost_user_backend::{VhostUserBackendMut, VhostUserDaemon, VringMutex, VringT};
use virtio_queue::{DescriptorChain, QueueOwnedT};
use vm_memory::{GuestAddressSpace, GuestMemoryAtomic, GuestMemoryLoadGuard, GuestMemoryMmap};
use vmm_sys_util::epoll::EventSet;
use vmm_sys_util::event::{
    EventConsumer, EventFlag, EventNotifier, new_event_consumer_and_notifier,
};

use scsi::{Answer, Controller, Open};

pub mod nvme_tcp;
mod scsi;
#[cfg(test)]
mod tests;

/// Virtio 1 rather than what was before it, and descriptors of descriptors (VIRTIO 1.2, 6).
const FEATURES: u64 = 1 << 32 | 1 << 28;
const CONTROL_QUEUE: u16 = 0;
/// Nothing of ours happens unasked: what the guest puts there stays there.
const EVENT_QUEUE: u16 = 1;
/// Control, events, and one for commands: QEMU's `num_queues=1`.
const QUEUES: usize = 3;
const QUEUE_SIZE_MAX: usize = 1024;

/// A simulated drive, shared between the wire and the test that looks at its medium.
#[derive(Clone)]
pub struct Unit(Arc<Mutex<dyn ScsiDevice>>);

impl Unit {
    /// A drive; `device` is usually a clone of what the test keeps.
    #[must_use]
    pub fn new(device: Arc<Mutex<dyn ScsiDevice>>) -> Self {
        Self(device)
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unit")
    }
}

/// A controller that waits for QEMU, then serves it to its end. Dropping it waits for that end: QEMU
/// is gone by then, or was never started.
#[derive(Debug)]
pub(crate) struct Wire {
    socket: Socket,
    thread: Option<JoinHandle<()>>,
}

impl Wire {
    /// Listens on a socket of this name in the folder. `units` are targets 0, 1, ... of one
    /// controller.
    pub(crate) fn listen(folder: &Path, name: &str, units: &[Unit]) -> anyhow::Result<Self> {
        let (socket, listener) = Socket::bind(folder, name)?;
        let controller = Controller::new(units.iter().map(|unit| unit.0.clone()).collect());
        let ours = name.to_owned();
        let thread = thread::Builder::new()
            .name(ours.clone())
            .spawn(move || {
                if let Err(error) = serve(&ours, listener, controller) {
                    eprintln!("lab: {ours}: {error}");
                }
            })
            .context("starting the wire's thread")?;
        Ok(Self {
            socket,
            thread: Some(thread),
        })
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // Nobody may have come; where somebody did, this one is never taken in.
        drop(UnixStream::connect(self.socket.path()));
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed.
            let _ = thread.join();
        }
    }
}

/// A socket with a name in a folder. Reached through the folder's descriptor: a socket's path may
/// have 107 bytes only, the checkout's may be longer.
#[derive(Debug)]
pub(crate) struct Socket {
    folder: File,
    name: String,
}

impl Socket {
    /// Makes it and listens.
    pub(crate) fn bind(folder: &Path, name: &str) -> anyhow::Result<(Self, UnixListener)> {
        let socket = Self {
            folder: File::open(folder)?,
            name: name.to_owned(),
        };
        let listener = UnixListener::bind(socket.path())
            .with_context(|| format!("making the socket {name}"))?;
        Ok((socket, listener))
    }

    fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.folder.as_raw_fd())).join(&self.name)
    }
}

/// Takes one connection in and serves it until it ends.
fn serve(
    name: &str,
    listener: UnixListener,
    controller: Controller,
) -> Result<(), vhost_user_backend::Error> {
    let backend = Arc::new(Mutex::new(Backend {
        controller,
        memory: None,
        open: Vec::new(),
    }));
    let memory = GuestMemoryAtomic::new(GuestMemoryMmap::new());
    let mut daemon = VhostUserDaemon::new(name.to_owned(), backend, memory)?;
    daemon.start(&mut Listener::from(listener))?;
    // It always ends by losing its other end, in the middle of a message or not.
    let _ = daemon.wait();
    Ok(())
}

type Memory = GuestMemoryAtomic<GuestMemoryMmap>;
type Chain = DescriptorChain<GuestMemoryLoadGuard<GuestMemoryMmap>>;

/// What QEMU's end of the wire is served by.
struct Backend {
    controller: Controller,
    memory: Option<Memory>,
    /// Commands that got no answer, where they stand in the ring.
    open: Vec<(Open, Chain)>,
}

impl Backend {
    fn command(&mut self, chain: Chain, ring: &VringMutex) -> io::Result<()> {
        let request = readable(&chain)?;
        let room = chain
            .clone()
            .writer(chain.memory())
            .map_err(io::Error::other)?
            .available_bytes();
        match self.controller.command(&request, room) {
            Answer::Now(answer) => complete(&chain, ring, &answer),
            Answer::Never(open) => {
                self.open.push((open, chain));
                Ok(())
            }
        }
    }

    fn manage(&mut self, chain: &Chain, rings: &[VringMutex]) -> io::Result<()> {
        let managed = self.controller.manage(&readable(chain)?);
        if let Some(ended) = &managed.ended {
            let (over, open) = std::mem::take(&mut self.open)
                .into_iter()
                .partition(|(open, _)| ended.holds(open));
            self.open = open;
            let commands = &rings[usize::from(EVENT_QUEUE) + 1];
            for (_, chain) in over {
                complete(&chain, commands, &ended.answer())?;
            }
            commands.signal_used_queue()?;
        }
        complete(chain, &rings[usize::from(CONTROL_QUEUE)], &managed.answer)
    }
}

impl VhostUserBackendMut for Backend {
    type Bitmap = ();
    type Vring = VringMutex;

    fn num_queues(&self) -> usize {
        QUEUES
    }

    fn max_queue_size(&self) -> usize {
        QUEUE_SIZE_MAX
    }

    fn features(&self) -> u64 {
        FEATURES | VhostUserVirtioFeatures::PROTOCOL_FEATURES.bits()
    }

    fn protocol_features(&self) -> VhostUserProtocolFeatures {
        VhostUserProtocolFeatures::MQ | VhostUserProtocolFeatures::REPLY_ACK
    }

    fn set_event_idx(&mut self, _enabled: bool) {}

    fn update_memory(&mut self, memory: Memory) -> io::Result<()> {
        self.memory = Some(memory);
        Ok(())
    }

    fn exit_event(&self, _thread: usize) -> Option<(EventConsumer, EventNotifier)> {
        new_event_consumer_and_notifier(EventFlag::NONBLOCK | EventFlag::CLOEXEC).ok()
    }

    fn handle_event(
        &mut self,
        queue: u16,
        _events: EventSet,
        rings: &[VringMutex],
        _thread: usize,
    ) -> io::Result<()> {
        let Some(memory) = self.memory.as_ref().map(GuestAddressSpace::memory) else {
            return Ok(());
        };
        let Some(ring) = rings.get(usize::from(queue)) else {
            return Ok(());
        };
        if queue == EVENT_QUEUE {
            return Ok(());
        }
        let chains: Vec<Chain> = ring
            .get_mut()
            .get_queue_mut()
            .iter(memory)
            .map_err(io::Error::other)?
            .collect();
        for chain in chains {
            if queue == CONTROL_QUEUE {
                self.manage(&chain, rings)?;
            } else {
                self.command(chain, ring)?;
            }
        }
        ring.signal_used_queue()
    }
}

/// What the guest sent.
fn readable(chain: &Chain) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut reader = chain
        .clone()
        .reader(chain.memory())
        .map_err(io::Error::other)?;
    reader.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Gives a request back with its answer.
fn complete(chain: &Chain, ring: &VringMutex, answer: &[u8]) -> io::Result<()> {
    let mut writer = chain
        .clone()
        .writer(chain.memory())
        .map_err(io::Error::other)?;
    let length = answer.len().min(writer.available_bytes());
    writer.write_all(&answer[..length])?;
    let length = u32::try_from(length).map_err(io::Error::other)?;
    ring.add_used(chain.head_index(), length)
        .map_err(io::Error::other)
}
