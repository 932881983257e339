//! A wire from a guest's kernel to an NVMe drive that does not exist: a target of NVMe/TCP (TCP
//! transport specification 1.0) on the loopback. The guest says
//! `transport=tcp,traddr=10.0.2.2,trsvcid=PORT,nqn=NQN,hostnqn=..,hostid=..,nr_io_queues=1` to
//! `/dev/nvme-fabrics`; its commands then reach [`NvmeDevice`] as they are.
//!
//! Nothing here knows what a command means, but for the direction of its data, which two bits of
//! every opcode tell, and for those of fabrics (`fabrics`). One thread for each connection; data
//! of a write are asked for (R2T) while other commands go on. No digests, no TLS, no discovery. The
//! drive is asked under a lock: one that takes its time holds up the keep-alive too, so what it does
//! in a command must be shorter than the host's patience.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context, bail, ensure};
use sim::device::{NvmeAnswer, NvmeDevice};

use fabrics::{Connection, Fabrics};
use pdu::{Kind, Pdu};

mod fabrics;
mod pdu;

/// The most that a command may bring with it.
const DATA_BYTES_MAX: usize = 1 << 20;
const INVALID_FIELD: u16 = 0x002;

/// A target with one subsystem. Dropping it closes its connections and waits for their threads.
pub struct Target {
    port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    fabrics: Fabrics,
    device: Arc<Mutex<dyn NvmeDevice>>,
    open: Mutex<Vec<TcpStream>>,
    is_over: AtomicBool,
    is_cut: AtomicBool,
}

impl Target {
    /// Listens on a port of the loopback. `nqn` is the subsystem's name, `device` usually a clone of
    /// what the test keeps.
    ///
    /// # Errors
    /// Where there is no port or no thread to be had.
    pub fn listen(nqn: &str, device: Arc<Mutex<dyn NvmeDevice>>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listening")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            fabrics: Fabrics::new(nqn),
            device,
            open: Mutex::new(Vec::new()),
            is_over: AtomicBool::new(false),
            is_cut: AtomicBool::new(false),
        });
        let ours = shared.clone();
        let thread = thread::Builder::new()
            .name("nvme-tcp".into())
            .spawn(move || accept(&listener, &ours))
            .context("starting the target's thread")?;
        Ok(Self {
            port,
            shared,
            thread: Some(thread),
        })
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Pulls the cable: connections are closed, and new ones as soon as they come.
    pub fn cut(&self) {
        self.shared.is_cut.store(true, Ordering::Release);
        self.shared.close_all();
    }

    /// Puts the cable back.
    pub fn mend(&self) {
        self.shared.is_cut.store(false, Ordering::Release);
    }
}

impl Shared {
    fn close_all(&self) {
        for stream in lock(&self.open).drain(..) {
            // It may be closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
        self.shared.close_all();
        // Wakes the thread that accepts.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target on port {}", self.port)
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads = Vec::new();
    for stream in listener.incoming().map_while(Result::ok) {
        if let Ok(ours) = stream.try_clone() {
            lock(&shared.open).push(ours);
        }
        // After the push: whoever ends the target has either seen the stream or is seen here.
        if shared.is_over.load(Ordering::Acquire) {
            break;
        }
        if shared.is_cut.load(Ordering::Acquire) {
            shared.close_all();
            continue;
        }
        let shared = shared.clone();
        threads.push(thread::spawn(move || {
            if let Err(error) = serve(&stream, &shared)
                && !shared.is_over.load(Ordering::Acquire)
            {
                eprintln!("lab: nvme-tcp: {error:#}");
            }
            // The list of open ones has this stream too, so that dropping it would not close it.
            let _ = stream.shutdown(Shutdown::Both);
        }));
    }
    for thread in threads {
        // A panic of the thread has been printed.
        let _ = thread.join();
    }
}

/// One connection is one queue, from its first message to its end.
fn serve(mut stream: &TcpStream, shared: &Shared) -> anyhow::Result<()> {
    let Some(first) = Pdu::read(&mut stream)? else {
        return Ok(());
    };
    ensure!(
        first.kind == Kind::InitializeRequest,
        "{:?} first",
        first.kind
    );
    ensure!(first.word(8) == 0, "version {} of PDUs", first.word(8));
    stream.set_nodelay(true)?;
    stream.write_all(&pdu::initialize_response())?;
    let mut queue = Queue {
        stream,
        shared,
        connection: None,
        submission_head: 0,
        awaited: BTreeMap::new(),
        next_tag: 0,
    };
    while let Some(pdu) = Pdu::read(&mut queue.stream)? {
        match pdu.kind {
            Kind::Command => queue.capsule(&pdu)?,
            Kind::HostData => queue.host_data(&pdu)?,
            Kind::HostTermination => bail!("the host ended it for reason {}", pdu.word(8)),
            Kind::InitializeRequest => bail!("a second initialization"),
        }
    }
    Ok(())
}

struct Queue<'a> {
    stream: &'a TcpStream,
    shared: &'a Shared,
    /// What the Connect command said.
    connection: Option<Connection>,
    submission_head: u16,
    /// Commands whose data were asked for, by transfer tag.
    awaited: BTreeMap<u16, Awaited>,
    next_tag: u16,
}

struct Awaited {
    entry: [u8; 64],
    data: Vec<u8>,
    wanted: usize,
}

impl Queue<'_> {
    fn capsule(&mut self, pdu: &Pdu) -> anyhow::Result<()> {
        let entry = pdu.entry()?;
        let opcode = entry[0];
        let direction = if opcode == fabrics::OPCODE {
            entry[4]
        } else {
            opcode
        } & 3;
        let wanted = sgl_bytes(&entry);
        let brings_data = direction == 1 && wanted > 0;
        if !brings_data || !pdu.data().is_empty() {
            return self.execute(&entry, pdu.data());
        }
        if wanted > DATA_BYTES_MAX {
            return self.complete(&entry, &refusal(INVALID_FIELD));
        }
        let tag = self.next_tag;
        self.next_tag = self.next_tag.wrapping_add(1);
        let awaited = Awaited {
            entry,
            data: Vec::with_capacity(wanted),
            wanted,
        };
        ensure!(
            self.awaited.insert(tag, awaited).is_none(),
            "tag {tag} twice"
        );
        self.stream
            .write_all(&pdu::ready_to_transfer(command_id(&entry), tag, wanted)?)?;
        Ok(())
    }

    fn host_data(&mut self, pdu: &Pdu) -> anyhow::Result<()> {
        let tag = pdu.word(10);
        let awaited = self.awaited.get_mut(&tag);
        let awaited = awaited.with_context(|| format!("data for tag {tag}, which is none"))?;
        let (offset, data) = (pdu.dword(12)?, pdu.data());
        ensure!(
            pdu.word(8) == command_id(&awaited.entry),
            "data of another command"
        );
        ensure!(offset == awaited.data.len(), "data out of order");
        ensure!(pdu.dword(16)? == data.len(), "length of data");
        ensure!(
            offset + data.len() <= awaited.wanted,
            "more data than asked for"
        );
        awaited.data.extend_from_slice(data);
        if awaited.data.len() == awaited.wanted
            && let Some(whole) = self.awaited.remove(&tag)
        {
            return self.execute(&whole.entry, &whole.data);
        }
        Ok(())
    }

    fn execute(&mut self, entry: &[u8; 64], out: &[u8]) -> anyhow::Result<()> {
        let answer = if entry[0] == fabrics::OPCODE {
            let mut device = lock(&self.shared.device);
            let fabrics = &self.shared.fabrics;
            Some(fabrics.command(entry, out, &mut self.connection, &mut *device))
        } else {
            let Some(connection) = &self.connection else {
                bail!("command {:02x} before Connect", entry[0]);
            };
            let mut device = lock(&self.shared.device);
            if connection.queue == 0 {
                device.admin(entry, out)
            } else {
                device.io(entry, out)
            }
        };
        match answer {
            Some(answer) => self.complete(entry, &answer),
            None => Ok(()),
        }
    }

    /// Data, as many as the host has room for, then the completion.
    fn complete(&mut self, entry: &[u8; 64], answer: &NvmeAnswer) -> anyhow::Result<()> {
        let id = command_id(entry);
        let room = answer.data.len().min(sgl_bytes(entry));
        let data = &answer.data[..room];
        let mut messages = if data.is_empty() {
            Vec::new()
        } else {
            pdu::controller_data(id, data)?
        };
        let (queue, entries) = match &self.connection {
            Some(connection) => (connection.queue, u32::from(connection.entries_less_one) + 1),
            None => (0, 1),
        };
        let head = (u32::from(self.submission_head) + 1) % entries;
        self.submission_head = u16::try_from(head)?;
        let high = fabrics::high_half(entry);
        let response = pdu::response(answer, high, self.submission_head, queue, id);
        messages.extend(response);
        self.stream.write_all(&messages)?;
        Ok(())
    }
}

fn command_id(entry: &[u8; 64]) -> u16 {
    u16::from_le_bytes([entry[2], entry[3]])
}

/// Length of the one SGL descriptor that an entry over fabrics has.
fn sgl_bytes(entry: &[u8; 64]) -> usize {
    let bytes = u32::from_le_bytes([entry[32], entry[33], entry[34], entry[35]]);
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

fn refusal(status: u16) -> NvmeAnswer {
    NvmeAnswer {
        status,
        ..NvmeAnswer::default()
    }
}

#[cfg(test)]
mod tests;
