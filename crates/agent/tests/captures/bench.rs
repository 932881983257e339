//! Ports over simulated drives, and one that keeps what is asked through it.

use drive::discover::{Machine, Opener};
use drive::port::{AdminCommand, AdminReply, Data, Port, ScsiReply};
use sim::device::{NvmeDevice as _, ScsiDevice};
use sim::nvme::NvmeDrive;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// `ETIMEDOUT`.
const TIMED_OUT: i32 = 110;

/// A simulated SCSI disk, or an ATA one behind its translation. Its medium reads as zeros.
pub struct Disk<D>(pub Arc<Mutex<D>>);

/// A simulated NVM subsystem.
pub struct Nvme(pub Arc<Mutex<NvmeDrive>>);

/// Opens a simulated disk, whatever the path.
pub fn disk<D: ScsiDevice + 'static>(drive: D) -> Opener {
    let drive = Arc::new(Mutex::new(drive));
    Arc::new(move |_| Ok(Box::new(Disk(Arc::clone(&drive))) as Box<dyn Port>))
}

/// Opens a simulated NVM subsystem, whatever the path.
pub fn nvme(drive: NvmeDrive) -> Opener {
    let drive = Arc::new(Mutex::new(drive));
    Arc::new(move |_| Ok(Box::new(Nvme(Arc::clone(&drive))) as Box<dyn Port>))
}

fn unsupported<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

fn timed_out() -> io::Error {
    io::Error::from_raw_os_error(TIMED_OUT)
}

/// Bytes of the buffer that got no answer.
fn fill(data: Data<'_>, answer: &[u8]) -> usize {
    let Data::In(buffer) = data else {
        return 0;
    };
    let length = buffer.len().min(answer.len());
    buffer[..length].copy_from_slice(&answer[..length]);
    buffer.len() - length
}

impl<D: ScsiDevice> Port for Disk<D> {
    fn scsi(&self, cdb: &[u8], data: Data<'_>, _: Duration) -> io::Result<ScsiReply> {
        assert!(!matches!(data, Data::Out(_)), "{cdb:02X?} sends data");
        let answer = self.0.lock().unwrap().command(cdb, &[]);
        let answer = answer.ok_or_else(timed_out)?;
        Ok(ScsiReply {
            status: answer.status,
            host_status: 0,
            // What Linux adds where there is sense data.
            driver_status: if answer.sense.is_empty() { 0 } else { 8 },
            residual_bytes: i32::try_from(fill(data, &answer.data)).unwrap(),
            sense: answer.sense,
            duration_ms: 0,
        })
    }

    fn nvme_admin(&self, _: &AdminCommand, _: Data<'_>, _: Duration) -> io::Result<AdminReply> {
        unsupported()
    }

    fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
        unsupported()
    }

    fn read_at(&self, buffer: &mut [u8], _: u64) -> io::Result<()> {
        buffer.fill(0);
        Ok(())
    }
}

impl Port for Nvme {
    fn scsi(&self, _: &[u8], _: Data<'_>, _: Duration) -> io::Result<ScsiReply> {
        unsupported()
    }

    fn nvme_admin(&self, c: &AdminCommand, data: Data<'_>, _: Duration) -> io::Result<AdminReply> {
        assert!(!matches!(data, Data::Out(_)), "{c:?} sends data");
        let mut entry = [0; 64];
        entry[0] = c.opcode;
        entry[4..8].copy_from_slice(&c.nsid.to_le_bytes());
        let dwords = [c.cdw10, c.cdw11, c.cdw12, c.cdw13, c.cdw14, c.cdw15];
        for (place, dword) in entry[40..].chunks_exact_mut(4).zip(dwords) {
            place.copy_from_slice(&dword.to_le_bytes());
        }
        let answer = self.0.lock().unwrap().admin(&entry, &[]);
        let answer = answer.ok_or_else(timed_out)?;
        fill(data, &answer.data);
        Ok(AdminReply {
            status: answer.status,
            result: answer.result.into(),
        })
    }

    fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
        unsupported()
    }

    fn read_at(&self, buffer: &mut [u8], _: u64) -> io::Result<()> {
        buffer.fill(0);
        Ok(())
    }
}

/// What was asked, answered or not.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub scsi: Arc<Mutex<Vec<Vec<u8>>>>,
    pub nvme: Arc<Mutex<Vec<AdminCommand>>>,
}

struct Watched {
    port: Box<dyn Port>,
    asked: Asked,
}

impl Asked {
    /// The machine, each of whose questions is noted here.
    pub fn of(&self, machine: &Machine) -> Machine {
        let (opener, asked) = (Arc::clone(&machine.opener), self.clone());
        Machine {
            opener: Arc::new(move |path| {
                let (port, asked) = (opener(path)?, asked.clone());
                Ok(Box::new(Watched { port, asked }) as Box<dyn Port>)
            }),
            ..machine.clone()
        }
    }
}

impl Port for Watched {
    fn scsi(&self, cdb: &[u8], data: Data<'_>, timeout: Duration) -> io::Result<ScsiReply> {
        assert!(!matches!(data, Data::Out(_)), "{cdb:02X?} sends data");
        self.asked.scsi.lock().unwrap().push(cdb.to_vec());
        self.port.scsi(cdb, data, timeout)
    }

    fn nvme_admin(&self, c: &AdminCommand, data: Data<'_>, t: Duration) -> io::Result<AdminReply> {
        assert!(!matches!(data, Data::Out(_)), "{c:?} sends data");
        self.asked.nvme.lock().unwrap().push(*c);
        self.port.nvme_admin(c, data, t)
    }

    fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
        self.port.mmc_ext_csd()
    }

    fn read_at(&self, buffer: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        self.port.read_at(buffer, offset_bytes)
    }
}
