//! A port that answers from a table, and refuses what is not in it as a device does.
//!
//! The answers are built here from the specifications, not with the crate's own codecs, so that a
//! wrong bit does not agree with itself.

use drive::port::{AdminCommand, AdminReply, Data, Port, ScsiReply};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What one command gets.
#[derive(Clone)]
enum Answer {
    Data(Vec<u8>),
    Sense(Vec<u8>),
    HostStatus(u16),
}

/// A command's first bytes, and sense data for the first that has them.
type Once = (Vec<u8>, Vec<u8>);

/// Answers by the command's first bytes, later entries first.
#[derive(Clone, Default)]
pub struct Script {
    scsi: Vec<(Vec<u8>, Answer)>,
    once: Arc<Mutex<Vec<Once>>>,
    nvme: Vec<(u8, u32, Vec<u8>)>,
    ext_csd: Option<Vec<u8>>,
    medium: Vec<u8>,
    unreadable: bool,
    /// Blocks every question until the other end of the lock is free.
    gate: Option<Arc<Mutex<()>>>,
    /// Command blocks as they came.
    pub asked: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Script {
    /// A port that refuses everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Data for commands that begin with these bytes.
    pub fn data(mut self, cdb: &[u8], data: impl Into<Vec<u8>>) -> Self {
        self.scsi.push((cdb.to_vec(), Answer::Data(data.into())));
        self
    }

    /// CHECK CONDITION with this sense.
    pub fn sense(mut self, cdb: &[u8], sense: impl Into<Vec<u8>>) -> Self {
        self.scsi.push((cdb.to_vec(), Answer::Sense(sense.into())));
        self
    }

    /// CHECK CONDITION with this sense the first time, then what is in the table.
    pub fn sense_once(self, cdb: &[u8], sense: impl Into<Vec<u8>>) -> Self {
        self.once.lock().unwrap().push((cdb.to_vec(), sense.into()));
        self
    }

    /// The host adapter's own failure.
    pub fn host_status(mut self, cdb: &[u8], status: u16) -> Self {
        self.scsi.push((cdb.to_vec(), Answer::HostStatus(status)));
        self
    }

    /// Data for an NVMe admin command with this opcode and dword 10.
    pub fn admin(mut self, opcode: u8, cdw10: u32, data: Vec<u8>) -> Self {
        self.nvme.push((opcode, cdw10, data));
        self
    }

    /// EXT_CSD.
    pub fn ext_csd(mut self, register: Vec<u8>) -> Self {
        self.ext_csd = Some(register);
        self
    }

    /// The medium's first bytes; behind them it reads as zeros.
    pub fn medium(mut self, bytes: Vec<u8>) -> Self {
        self.medium = bytes;
        self
    }

    /// No byte of the medium can be read.
    pub fn unreadable(mut self) -> Self {
        self.unreadable = true;
        self
    }

    /// A drive that does not answer as long as the lock is held.
    pub fn gate(mut self, gate: Arc<Mutex<()>>) -> Self {
        self.gate = Some(gate);
        self
    }

    /// An ordinary SATA drive behind libata.
    pub fn sata(serial: &str, wwn: u64, sectors: u64) -> Self {
        Self::new()
            .data(&[0x12, 0], inquiry("ATA", "SATA MODEL TRUNC", "1.0"))
            .data(&[0x12, 1, 0x00], vpd(0x00, &[0x00, 0x80, 0x83, 0x89, 0xB1]))
            .data(
                &[0x12, 1, 0x80],
                vpd(0x80, format!("{serial:>20}").as_bytes()),
            )
            .data(&[0x12, 1, 0x83], vpd(0x83, &naa(wwn)))
            .data(&[0x9E, 0x10], capacity_16(sectors, 512))
            .data(&ata(0xEC), identify(serial, wwn, sectors))
            .sense(&[0x85, 0x07, 0x20], registers(sectors - 1, 0x50))
    }
}

/// ATA PASS-THROUGH (16), PIO-in of one block, up to the command byte.
pub fn ata(command: u8) -> Vec<u8> {
    vec![0x85, 0x08, 0x0E, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, command]
}

/// Standard INQUIRY data.
pub fn inquiry(vendor: &str, product: &str, revision: &str) -> Vec<u8> {
    let mut data = vec![0, 0, 6, 2, 31, 0, 0, 2];
    data.extend(format!("{vendor:<8}{product:<16}{revision:<4}").bytes());
    data
}

/// A VPD page.
pub fn vpd(page: u8, payload: &[u8]) -> Vec<u8> {
    let mut data = vec![0, page, 0, u8::try_from(payload.len()).unwrap()];
    data.extend(payload);
    data
}

/// A designator: binary NAA of the logical unit.
pub fn naa(wwn: u64) -> Vec<u8> {
    let mut designator = vec![0x01, 0x03, 0, 8];
    designator.extend(wwn.to_be_bytes());
    designator
}

/// READ CAPACITY (16) data.
pub fn capacity_16(blocks: u64, block_bytes: u32) -> Vec<u8> {
    let mut data = (blocks - 1).to_be_bytes().to_vec();
    data.extend(block_bytes.to_be_bytes());
    data.resize(32, 0);
    data
}

/// IDENTIFY DEVICE data with 48-bit addresses, SMART off, a checksum; words to change afterwards with
/// [`set_word`].
pub fn identify(serial: &str, wwn: u64, sectors: u64) -> Vec<u8> {
    let mut page = vec![0; 512];
    for (first, text) in [
        (10, format!("{serial:>20}")),
        (23, format!("{:<8}", "FW01")),
        (27, format!("{:<40}", "WDC WD10EZEX-08WN4A0")),
    ] {
        for (n, pair) in text.as_bytes().chunks(2).enumerate() {
            page[(first + n) * 2] = pair[1];
            page[(first + n) * 2 + 1] = pair[0];
        }
    }
    let word = |page: &mut Vec<u8>, n: usize, value: u64| {
        page[n * 2..n * 2 + 2].copy_from_slice(&(value as u16).to_le_bytes());
    };
    let small = sectors.min(0x0FFF_FFFF);
    for (n, value) in [
        (60, small),
        (61, small >> 16),
        (80, 0x01F0),
        (83, 0x4400),
        (84, 0x4100),
        (86, 0x0400),
        (87, 0x4100),
        (100, sectors),
        (101, sectors >> 16),
        (102, sectors >> 32),
        (108, wwn >> 48),
        (109, wwn >> 32),
        (110, wwn >> 16),
        (111, wwn),
        (217, 7200),
    ] {
        word(&mut page, n, value);
    }
    seal(page)
}

/// Sets bits of a word of IDENTIFY DEVICE data.
pub fn set_word(mut page: Vec<u8>, n: usize, bits: u16) -> Vec<u8> {
    let old = u16::from_le_bytes([page[n * 2], page[n * 2 + 1]]);
    page[n * 2..n * 2 + 2].copy_from_slice(&(old | bits).to_le_bytes());
    seal(page)
}

/// Signature and checksum of a 512-byte ATA page.
pub fn seal(mut page: Vec<u8>) -> Vec<u8> {
    page[510] = 0xA5;
    page[511] = 0;
    let sum = page.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    page[511] = 0_u8.wrapping_sub(sum);
    page
}

/// Descriptor sense with the registers of a 48-bit command.
pub fn registers(lba: u64, status: u8) -> Vec<u8> {
    let b = lba.to_le_bytes();
    let error = if status & 1 == 1 { 0x04 } else { 0 };
    let mut sense = vec![0x72, 0x01, 0x00, 0x1D, 0, 0, 0, 14];
    sense.extend([
        0x09, 0x0C, 0x01, error, 0, 0, b[3], b[0], b[4], b[1], b[5], b[2], 0x40, status,
    ]);
    sense
}

/// ILLEGAL REQUEST, invalid command operation code, fixed format.
fn refused() -> Vec<u8> {
    vec![
        0x70, 0, 0x05, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20, 0x00, 0, 0, 0, 0,
    ]
}

impl Port for Script {
    fn scsi(&self, cdb: &[u8], data: Data<'_>, _timeout: Duration) -> io::Result<ScsiReply> {
        if let Some(gate) = &self.gate {
            drop(gate.lock());
        }
        self.asked.lock().unwrap().push(cdb.to_vec());
        let mut reply = ScsiReply {
            status: 0,
            host_status: 0,
            driver_status: 0,
            sense: Vec::new(),
            residual_bytes: 0,
            duration_ms: 1,
        };
        let mut once = self.once.lock().unwrap();
        if let Some(at) = once.iter().position(|(prefix, _)| cdb.starts_with(prefix)) {
            (reply.status, reply.sense) = (2, once.remove(at).1);
            return Ok(reply);
        }
        let answer = self
            .scsi
            .iter()
            .rev()
            .find(|(prefix, _)| cdb.starts_with(prefix));
        match answer.map(|(_, answer)| answer.clone()) {
            Some(Answer::Data(bytes)) => {
                let Data::In(buffer) = data else {
                    panic!("{cdb:02X?} asks for no data");
                };
                let n = bytes.len().min(buffer.len());
                buffer[..n].copy_from_slice(&bytes[..n]);
                reply.residual_bytes = i32::try_from(buffer.len() - n).unwrap();
            }
            Some(Answer::HostStatus(status)) => reply.host_status = status,
            Some(Answer::Sense(sense)) => (reply.status, reply.sense) = (2, sense),
            None => (reply.status, reply.sense) = (2, refused()),
        }
        Ok(reply)
    }

    fn nvme_admin(
        &self,
        command: &AdminCommand,
        data: Data<'_>,
        _timeout: Duration,
    ) -> io::Result<AdminReply> {
        let known = self
            .nvme
            .iter()
            .rev()
            .find(|(opcode, cdw10, _)| *opcode == command.opcode && *cdw10 == command.cdw10);
        let Some((_, _, bytes)) = known else {
            return Ok(AdminReply {
                status: 0x002,
                result: 0,
            });
        };
        if let Data::In(buffer) = data {
            let n = bytes.len().min(buffer.len());
            buffer[..n].copy_from_slice(&bytes[..n]);
        }
        Ok(AdminReply {
            status: 0,
            result: 0,
        })
    }

    fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
        let register = self.ext_csd.as_ref().ok_or(io::ErrorKind::TimedOut)?;
        Ok(register.as_slice().try_into().unwrap())
    }

    fn read_at(&self, buffer: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        if self.unreadable {
            return Err(io::Error::other("Input/output error"));
        }
        buffer.fill(0);
        let start = usize::try_from(offset_bytes)
            .unwrap()
            .min(self.medium.len());
        let end = (start + buffer.len()).min(self.medium.len());
        buffer[..end - start].copy_from_slice(&self.medium[start..end]);
        Ok(())
    }
}
