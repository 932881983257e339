//! The port of a block device on this machine.
//!
//! Opened read-only it serves every question of discovery; over the descriptor of a claim it asks
//! the very device that is erased. It decides nothing and writes nothing.

use crate::port::{AdminCommand, AdminReply, Data, MmcCommand, Port, ScsiReply};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use sys::aligned::AlignedBuffer;

/// A block device by its descriptor.
#[derive(Clone, Debug)]
pub struct LinuxPort {
    fd: Arc<OwnedFd>,
}

impl LinuxPort {
    /// Opens the node for questions, read-only.
    ///
    /// # Errors
    /// What the kernel says to the open.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self::over(Arc::new(sys::block::open_read(path)?)))
    }

    /// Asks through a descriptor that is already open.
    #[must_use]
    pub fn over(fd: Arc<OwnedFd>) -> Self {
        Self { fd }
    }
}

impl Port for LinuxPort {
    fn scsi(&self, cdb: &[u8], data: Data<'_>, timeout: Duration) -> io::Result<ScsiReply> {
        sys::scsi_generic::execute(self.fd.as_fd(), cdb, data, timeout)
    }

    fn nvme_admin(
        &self,
        command: &AdminCommand,
        data: Data<'_>,
        timeout: Duration,
    ) -> io::Result<AdminReply> {
        sys::nvme::admin(self.fd.as_fd(), command, data, timeout)
    }

    fn nvme_read(
        &self,
        block: u64,
        buffer: &mut [u8],
        timeout: Duration,
    ) -> io::Result<AdminReply> {
        sys::nvme::read(self.fd.as_fd(), block, buffer, timeout)
    }

    fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
        sys::mmc::ext_csd(self.fd.as_fd())
    }

    fn mmc(&self, commands: &[MmcCommand], timeout: Duration) -> io::Result<Vec<u32>> {
        sys::mmc::send(self.fd.as_fd(), commands, timeout)
    }

    /// Reads whole sectors around the range, because a claim's descriptor is open for direct I/O.
    fn read_at(&self, buffer: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        if buffer.is_empty() {
            return Ok(());
        }
        let sector = u64::from(sys::block::logical_sector_bytes(self.fd.as_fd())?).max(1);
        let beyond = || io::Error::from(io::ErrorKind::InvalidInput);
        let end = offset_bytes
            .checked_add(buffer.len() as u64)
            .ok_or_else(beyond)?;
        let start = offset_bytes - offset_bytes % sector;
        let whole = end.checked_next_multiple_of(sector).ok_or_else(beyond)? - start;
        let mut sectors = AlignedBuffer::new(usize::try_from(whole).map_err(|_| beyond())?)?;
        sys::block::read_at(self.fd.as_fd(), &mut sectors, start)?;
        let skip = usize::try_from(offset_bytes - start).map_err(|_| beyond())?;
        let wanted = sectors.get(skip..skip + buffer.len()).ok_or_else(beyond)?;
        buffer.copy_from_slice(wanted);
        Ok(())
    }
}
