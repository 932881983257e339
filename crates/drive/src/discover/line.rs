//! One drive's port with a memory: after a command that never came back, nothing more is asked.
//!
//! Each further command to a drive that hangs would cost another timeout and another reset by the
//! kernel. Refusals are answers and do not end the talk.

use crate::port::{AdminCommand, Data, Port, ScsiReply};
use crate::scsi::Sense;
use std::cell::{Cell, RefCell};
use std::io;
use std::time::Duration;

/// Time for one question. The kernel raises it to 7 s on disk nodes.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A drive says UNIT ATTENTION once for each thing that happened to it; then it answers.
const UNIT_ATTENTIONS_MAX: usize = 3;

const STATUS_GOOD: u8 = 0x00;
const STATUS_CHECK_CONDITION: u8 = 0x02;
const KEY_ILLEGAL_REQUEST: u8 = 0x05;
const KEY_UNIT_ATTENTION: u8 = 0x06;

/// Invalid Command Opcode and Invalid Field in Command (NVMe base specification 2.1, 4.2.3).
const NVME_UNKNOWN_COMMAND: [u16; 2] = [0x001, 0x002];

/// `DID_NO_CONNECT` and `DID_TIME_OUT`: the drive has left, or does not come back.
const HOST_SILENT: [u16; 2] = [0x01, 0x03];

/// A port that is asked until it falls silent.
pub struct Line<'a> {
    port: &'a dyn Port,
    silent: RefCell<Option<String>>,
    denied: Cell<bool>,
}

impl<'a> Line<'a> {
    /// A line nobody has spoken on.
    pub fn new(port: &'a dyn Port) -> Self {
        Self {
            port,
            silent: RefCell::new(None),
            denied: Cell::new(false),
        }
    }

    /// Why nothing more is asked, if so.
    pub fn silent(&self) -> Option<String> {
        self.silent.borrow().clone()
    }

    /// The kernel refused to carry a command for this program.
    pub fn is_denied(&self) -> bool {
        self.denied.get()
    }

    /// Sends a command that returns up to `len_bytes`; what came, when the status is good.
    pub fn read_scsi(&self, cdb: &[u8], len_bytes: usize) -> Result<Vec<u8>, String> {
        let mut data = vec![0; len_bytes];
        let reply = self.scsi(cdb, Some(&mut data))?;
        if reply.status != STATUS_GOOD || reply.host_status != 0 {
            return Err(refusal(&reply));
        }
        let lost = usize::try_from(reply.residual_bytes).unwrap_or(0);
        data.truncate(len_bytes.saturating_sub(lost));
        Ok(data)
    }

    /// As [`Line::read_scsi`]; `None` where the device knows no such command (ILLEGAL REQUEST).
    pub fn read_scsi_if_known(
        &self,
        cdb: &[u8],
        len_bytes: usize,
    ) -> Result<Option<Vec<u8>>, String> {
        let mut data = vec![0; len_bytes];
        let reply = self.scsi(cdb, Some(&mut data))?;
        let sense = Sense::parse(&reply.sense);
        match reply.status {
            STATUS_GOOD if reply.host_status == 0 => {
                let lost = usize::try_from(reply.residual_bytes).unwrap_or(0);
                data.truncate(len_bytes.saturating_sub(lost));
                Ok(Some(data))
            }
            _ if sense.is_some_and(|sense| sense.key == KEY_ILLEGAL_REQUEST) => Ok(None),
            _ => Err(refusal(&reply)),
        }
    }

    /// Sends a command without data; the sense data that it leaves, where ATA registers come back.
    pub fn sense_of(&self, cdb: &[u8]) -> Result<Vec<u8>, String> {
        let reply = self.scsi(cdb, None)?;
        match reply.status {
            STATUS_GOOD | STATUS_CHECK_CONDITION if reply.host_status == 0 => Ok(reply.sense),
            _ => Err(refusal(&reply)),
        }
    }

    /// Sends an NVMe admin command that returns `len_bytes`.
    pub fn read_nvme(&self, command: &AdminCommand, len_bytes: usize) -> Result<Vec<u8>, String> {
        self.nvme(command, len_bytes)?
            .map_err(|status| format!("refused with NVMe status {status:03X}h"))
    }

    /// As [`Line::read_nvme`]; `None` where the controller knows no such command, or not these fields of it.
    pub fn read_nvme_if_known(
        &self,
        command: &AdminCommand,
        len_bytes: usize,
    ) -> Result<Option<Vec<u8>>, String> {
        match self.nvme(command, len_bytes)? {
            Ok(data) => Ok(Some(data)),
            // Type and code of the status: Do Not Retry stands beside them.
            Err(status) if NVME_UNKNOWN_COMMAND.contains(&(status & 0x7FF)) => Ok(None),
            Err(status) => Err(format!("refused with NVMe status {status:03X}h")),
        }
    }

    /// The data, or the status of a refusal; an error where the command was not carried.
    fn nvme(
        &self,
        command: &AdminCommand,
        len_bytes: usize,
    ) -> Result<Result<Vec<u8>, u16>, String> {
        self.spoken()?;
        let mut data = vec![0; len_bytes];
        match self.port.nvme_admin(command, Data::In(&mut data), TIMEOUT) {
            Ok(reply) if reply.status == 0 => Ok(Ok(data)),
            Ok(reply) => Ok(Err(reply.status)),
            Err(error) => Err(self.lost(&error)),
        }
    }

    /// EXT_CSD of an eMMC.
    pub fn read_ext_csd(&self) -> Result<[u8; 512], String> {
        self.spoken()?;
        self.port.mmc_ext_csd().map_err(|error| self.lost(&error))
    }

    /// Bytes of the medium. A read error is the sector's, not the line's.
    pub fn read_medium(&self, buffer: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        if let Some(reason) = self.silent() {
            return Err(io::Error::other(reason));
        }
        self.port.read_at(buffer, offset_bytes)
    }

    fn scsi(&self, cdb: &[u8], mut data: Option<&mut Vec<u8>>) -> Result<ScsiReply, String> {
        let mut attentions = 0;
        loop {
            self.spoken()?;
            let phase = match &mut data {
                Some(buffer) => Data::In(buffer),
                None => Data::None,
            };
            let reply = self
                .port
                .scsi(cdb, phase, TIMEOUT)
                .map_err(|error| self.lost(&error))?;
            if HOST_SILENT.contains(&reply.host_status) {
                let reason = format!("no answer (host status {:02X}h)", reply.host_status);
                *self.silent.borrow_mut() = Some(reason.clone());
                return Err(reason);
            }
            let attention = reply.status == STATUS_CHECK_CONDITION
                && Sense::parse(&reply.sense).is_some_and(|sense| sense.key == KEY_UNIT_ATTENTION);
            if !attention || attentions == UNIT_ATTENTIONS_MAX {
                return Ok(reply);
            }
            attentions += 1;
        }
    }

    fn spoken(&self) -> Result<(), String> {
        self.silent().map_or(Ok(()), Err)
    }

    /// The words for a command that was not carried; an interrupted or timed-out one ends the talk.
    fn lost(&self, error: &io::Error) -> String {
        let text = format!("not sent: {error}");
        if error.kind() == io::ErrorKind::PermissionDenied {
            self.denied.set(true);
        }
        if matches!(
            error.kind(),
            io::ErrorKind::TimedOut | io::ErrorKind::Interrupted | io::ErrorKind::NotConnected
        ) {
            *self.silent.borrow_mut() = Some(format!("no answer ({error})"));
        }
        text
    }
}

/// Key, ASC and ASCQ of a refusal, or its statuses when there is no sense.
fn refusal(reply: &ScsiReply) -> String {
    match Sense::parse(&reply.sense) {
        Some(sense) => format!(
            "refused with sense {:X}/{:02X}/{:02X}",
            sense.key,
            sense.asc.unwrap_or(0),
            sense.ascq.unwrap_or(0)
        ),
        None => format!(
            "refused with status {:02X}h, host status {:02X}h, no sense",
            reply.status, reply.host_status
        ),
    }
}
