//! What carries entries of 64 bytes between `wipe::native` and a simulated NVM subsystem.

use drive::nvme::identify::{Controller, SanitizeCapabilities};
use drive::port::{AdminCommand, AdminReply, Data, Port, ScsiReply};
use sim::device::{NvmeAnswer, NvmeDevice as _};
use sim::nvme::NvmeDrive;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use wipe::native::witness::Medium;

const SECTOR_BYTES: usize = 512;

/// What becomes of a block on its way.
pub type AlterRead = fn(&mut [u8]) -> io::Result<()>;

/// A drive that the test holds too; its medium is that of one namespace.
#[derive(Clone)]
pub struct NvmeWire {
    drive: Arc<Mutex<NvmeDrive>>,
    nsid: u32,
    sectors: u64,
    /// What becomes of what a read past the disk driver brings, on its way.
    pub alters_read: Option<AlterRead>,
    /// Reads of a medium that is shown come back.
    pub answers_media: bool,
    /// What becomes of each sanitize log on its way.
    pub alters_log: Option<fn(&mut [u8])>,
}

impl NvmeWire {
    pub fn new(drive: NvmeDrive, nsid: u32, sectors: u64) -> Self {
        Self {
            drive: Arc::new(Mutex::new(drive)),
            nsid,
            sectors,
            alters_read: None,
            answers_media: true,
            alters_log: None,
        }
    }

    pub fn drive(&self) -> MutexGuard<'_, NvmeDrive> {
        self.drive.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What Identify Controller says, by raz's own decoder.
    pub fn capabilities(&self) -> SanitizeCapabilities {
        Controller::parse(&self.identify()).sanitize
    }

    /// Serial in Identify Controller, byte by byte.
    pub fn serial(&self) -> String {
        let identify = self.identify();
        let serial = identify.get(4..24).unwrap_or_default();
        String::from_utf8_lossy(serial).trim().to_owned()
    }

    fn identify(&self) -> Vec<u8> {
        let entry = entry(0x06, 0, [1, 0, 0, 0, 0, 0]);
        let answer = self.drive().admin(&entry, &[]);
        answer.map(|answer| answer.data).unwrap_or_default()
    }

    /// As the kernel's disk driver: what has a status but 0 has failed.
    fn io(&self, opcode: u8, sector: u64, out: &[u8]) -> io::Result<NvmeAnswer> {
        match self.send(opcode, sector, out)? {
            answer if answer.status == 0 => Ok(answer),
            answer => Err(io::Error::other(format!("status {:03X}h", answer.status))),
        }
    }

    fn send(&self, opcode: u8, sector: u64, out: &[u8]) -> io::Result<NvmeAnswer> {
        let (low, high) = (sector & 0xFFFF_FFFF, sector >> 32);
        let word = |half: u64| u32::try_from(half).expect("32 bits");
        // NLB counts from 0: one block.
        let entry = entry(opcode, self.nsid, [word(low), word(high), 0, 0, 0, 0]);
        let answer = self.drive().io(&entry, out);
        answer.ok_or_else(|| io::ErrorKind::TimedOut.into())
    }
}

/// A submission queue entry; `dwords` are command dwords 10 to 15.
pub fn entry(opcode: u8, nsid: u32, dwords: [u32; 6]) -> [u8; 64] {
    let mut entry = [0; 64];
    entry[0] = opcode;
    entry[4..8].copy_from_slice(&nsid.to_le_bytes());
    for (place, dword) in entry[40..].chunks_exact_mut(4).zip(dwords) {
        place.copy_from_slice(&dword.to_le_bytes());
    }
    entry
}

impl Port for NvmeWire {
    fn scsi(&self, _: &[u8], _: Data<'_>, _: Duration) -> io::Result<ScsiReply> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn nvme_admin(&self, c: &AdminCommand, data: Data<'_>, _: Duration) -> io::Result<AdminReply> {
        let dwords = [c.cdw10, c.cdw11, c.cdw12, c.cdw13, c.cdw14, c.cdw15];
        let out = match &data {
            Data::Out(bytes) => bytes,
            Data::None | Data::In(_) => &[][..],
        };
        let answer = self.drive().admin(&entry(c.opcode, c.nsid, dwords), out);
        let answer = answer.ok_or_else(|| io::Error::from(io::ErrorKind::TimedOut))?;
        if let Data::In(buffer) = data {
            let length = buffer.len().min(answer.data.len());
            buffer[..length].copy_from_slice(&answer.data[..length]);
            let is_sanitize_log = c.opcode == 0x02 && c.cdw10 & 0xFF == 0x81;
            if let Some(alter) = self.alters_log.filter(|_| is_sanitize_log) {
                alter(buffer);
            }
        }
        Ok(AdminReply {
            status: answer.status,
            result: answer.result.into(),
        })
    }

    fn nvme_read(&self, block: u64, buffer: &mut [u8], _: Duration) -> io::Result<AdminReply> {
        let answer = self.send(0x02, block, &[])?;
        let length = buffer.len().min(answer.data.len());
        buffer[..length].copy_from_slice(&answer.data[..length]);
        if answer.status != 0 && !self.answers_media {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if let Some(alter) = self.alters_read {
            alter(buffer)?;
        }
        Ok(AdminReply {
            status: answer.status,
            result: answer.result.into(),
        })
    }

    fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Medium for NvmeWire {
    fn sector_bytes(&self) -> usize {
        SECTOR_BYTES
    }

    fn sectors(&self) -> u64 {
        self.sectors
    }

    fn read(&self, sector: u64, buffer: &mut [u8]) -> io::Result<()> {
        let answer = self.io(0x02, sector, &[])?;
        if answer.data.len() != buffer.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer.copy_from_slice(&answer.data);
        Ok(())
    }

    fn write(&self, sector: u64, bytes: &[u8]) -> io::Result<()> {
        self.io(0x01, sector, bytes).map(|_| ())
    }

    fn flush(&self) -> io::Result<()> {
        self.io(0x00, 0, &[]).map(|_| ())
    }
}
