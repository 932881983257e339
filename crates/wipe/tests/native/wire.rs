//! What carries bytes between `wipe::native` and a simulated drive, and a clock that nobody waits for.

pub mod mmc;
pub mod nvme;

use drive::identity::IdentityLost;
use drive::port::{AdminCommand, AdminReply, Data, Port, ScsiReply};
use sim::clock::Clock;
use sim::device::ScsiDevice;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use wipe::native::Surroundings;
use wipe::native::witness::Medium;

/// A drive that the test holds too.
pub struct Wire<D> {
    drive: Arc<Mutex<D>>,
    sector_bytes: usize,
    sectors: u64,
}

impl<D> Clone for Wire<D> {
    fn clone(&self) -> Self {
        Self {
            drive: Arc::clone(&self.drive),
            ..*self
        }
    }
}

impl<D> Wire<D> {
    pub fn new(drive: D, sector_bytes: usize, sectors: u64) -> Self {
        Self {
            drive: Arc::new(Mutex::new(drive)),
            sector_bytes,
            sectors,
        }
    }

    pub fn drive(&self) -> MutexGuard<'_, D> {
        self.drive.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: ScsiDevice> Wire<D> {
    fn send(&self, cdb: &[u8], out: &[u8]) -> io::Result<sim::device::ScsiAnswer> {
        let answer = self.drive().command(cdb, out);
        answer.ok_or_else(|| io::Error::from(io::ErrorKind::TimedOut))
    }

    /// As the kernel's disk driver: UNIT ATTENTION is tried again.
    fn send_good(&self, cdb: &[u8], out: &[u8]) -> io::Result<Vec<u8>> {
        for _ in 0..4 {
            let answer = self.send(cdb, out)?;
            match (answer.status, answer.sense.get(2), answer.sense.get(1)) {
                (0, _, _) => return Ok(answer.data),
                (2, Some(6), _) if answer.sense[0] & 0x7E == 0x70 => {}
                (2, _, Some(6)) if answer.sense[0] & 0x7E == 0x72 => {}
                _ => break,
            }
        }
        Err(io::Error::other("refused"))
    }
}

fn block_command(code: u8, sector: u64) -> Vec<u8> {
    let mut cdb = vec![code, 0];
    cdb.extend(sector.to_be_bytes());
    cdb.extend([0, 0, 0, 1, 0, 0]);
    cdb
}

impl<D: ScsiDevice> Port for Wire<D> {
    fn scsi(&self, cdb: &[u8], data: Data<'_>, _: Duration) -> io::Result<ScsiReply> {
        let out = match &data {
            Data::Out(bytes) => bytes,
            Data::None | Data::In(_) => &[][..],
        };
        let answer = self.send(cdb, out)?;
        let mut residual_bytes = 0;
        if let Data::In(buffer) = data {
            let length = buffer.len().min(answer.data.len());
            buffer[..length].copy_from_slice(&answer.data[..length]);
            residual_bytes = i32::try_from(buffer.len() - length).expect("a small buffer");
        }
        Ok(ScsiReply {
            status: answer.status,
            host_status: 0,
            driver_status: 0,
            sense: answer.sense,
            residual_bytes,
            duration_ms: 0,
        })
    }

    fn nvme_admin(&self, _: &AdminCommand, _: Data<'_>, _: Duration) -> io::Result<AdminReply> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl<D: ScsiDevice> Medium for Wire<D> {
    fn sector_bytes(&self) -> usize {
        self.sector_bytes
    }

    fn sectors(&self) -> u64 {
        self.sectors
    }

    fn read(&self, sector: u64, buffer: &mut [u8]) -> io::Result<()> {
        let data = self.send_good(&block_command(0x88, sector), &[])?;
        if data.len() != buffer.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer.copy_from_slice(&data);
        Ok(())
    }

    fn write(&self, sector: u64, bytes: &[u8]) -> io::Result<()> {
        self.send_good(&block_command(0x8A, sector), bytes)
            .map(|_| ())
    }

    fn flush(&self) -> io::Result<()> {
        self.send_good(&[0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[])
            .map(|_| ())
    }
}

/// Another drive answers.
pub fn another() -> IdentityLost {
    IdentityLost::Another {
        found: "another drive".into(),
        confirmed: "the confirmed one".into(),
    }
}

/// Waiting advances the clock. The operator stops after so many pauses; the identity is what a
/// closure says.
pub struct World<'a> {
    pub clock: Clock,
    pub pauses_left: Mutex<u64>,
    pub identity: Box<dyn Fn() -> Result<(), IdentityLost> + Send + Sync + 'a>,
    /// Called at each pause, with the number of pauses before it: what happens meanwhile.
    pub meanwhile: Box<dyn Fn(u64) + Send + Sync + 'a>,
    pub pauses: Mutex<u64>,
}

impl World<'_> {
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            pauses_left: Mutex::new(u64::MAX),
            identity: Box::new(|| Ok(())),
            meanwhile: Box::new(|_| ()),
            pauses: Mutex::new(0),
        }
    }
}

impl Surroundings for World<'_> {
    fn now(&self) -> Duration {
        self.clock.now()
    }

    fn pause(&self, time: Duration) -> bool {
        self.clock.advance(time);
        let mut pauses = self.pauses.lock().expect("no panic");
        (self.meanwhile)(*pauses);
        *pauses += 1;
        let mut left = self.pauses_left.lock().expect("no panic");
        *left = left.saturating_sub(1);
        *left > 0
    }

    fn progress(&self, _: u16) {}

    fn recheck_identity(&self) -> Result<(), IdentityLost> {
        (self.identity)()
    }
}
