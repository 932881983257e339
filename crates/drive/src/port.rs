//! The seam between what raz knows and the drive that answers: raw bytes on purpose.
//!
//! A port asks and reads; it has no write. `linux` implements it over a descriptor, tests over
//! scripted answers, the simulator over models of drives. ATA travels inside SCSI (SAT), as on Linux.

use std::io;
use std::time::Duration;

pub use sys::data::Data;
pub use sys::mmc::Command as MmcCommand;
pub use sys::nvme::{AdminCommand, AdminReply};
pub use sys::scsi_generic::ScsiReply;

/// One drive's control path, and small reads of its medium.
///
/// Every call may block past its timeout (the kernel's error handling comes on top), so each caller
/// runs it where nobody waits without a bound.
pub trait Port: Send + Sync {
    /// Sends a SCSI command block.
    ///
    /// # Errors
    /// Where the command could not be sent or its fate is unknown; a refusal by the device is a reply.
    fn scsi(&self, cdb: &[u8], data: Data<'_>, timeout: Duration) -> io::Result<ScsiReply>;

    /// Sends an NVMe admin command.
    ///
    /// # Errors
    /// As for [`Port::scsi`].
    fn nvme_admin(
        &self,
        command: &AdminCommand,
        data: Data<'_>,
        timeout: Duration,
    ) -> io::Result<AdminReply>;

    /// Reads one logical block of an NVMe namespace without metadata by a Read of its own, with the status
    /// that the kernel's disk driver keeps to itself. `buffer` is as long as a block, and holds what was
    /// transferred whatever the status.
    ///
    /// # Errors
    /// As for [`Port::scsi`]; a port that carries none has no such command.
    fn nvme_read(
        &self,
        block: u64,
        buffer: &mut [u8],
        timeout: Duration,
    ) -> io::Result<AdminReply> {
        let _ = (block, buffer, timeout);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Reads the extended CSD of an eMMC.
    ///
    /// # Errors
    /// Where there is no such register or no answer.
    fn mmc_ext_csd(&self) -> io::Result<[u8; 512]>;

    /// Sends commands without data to an eMMC, as [`sys::mmc::send`] says, each with this timeout; the
    /// status (R1) of each.
    ///
    /// # Errors
    /// As there; a port that carries none has no such commands.
    fn mmc(&self, commands: &[MmcCommand], timeout: Duration) -> io::Result<Vec<u32>> {
        let _ = (commands, timeout);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Fills `buffer` from the medium at `offset_bytes`, wherever that lies within a sector.
    ///
    /// # Errors
    /// Read errors, and an end of the medium within the buffer: a short read is never a success.
    fn read_at(&self, buffer: &mut [u8], offset_bytes: u64) -> io::Result<()>;
}
