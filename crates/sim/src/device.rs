//! A drive at the level of its commands: bytes in, bytes out, and what happens to its power.
//!
//! The models behind these traits are written from the specifications and share no encoder or
//! decoder with the crate `drive`, which they judge. Whoever carries the bytes (a port in process,
//! a wire to a guest's kernel) knows nothing of what they mean.

/// How a SCSI command ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScsiAnswer {
    /// SCSI status (SAM-5): 00h good, 02h check condition.
    pub status: u8,
    /// Sense data, empty when there is none.
    pub sense: Vec<u8>,
    /// Bytes for the host, at most what the command allows.
    pub data: Vec<u8>,
}

/// How an NVMe command ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NvmeAnswer {
    /// Status code type << 8 | status code; 0 is success.
    pub status: u16,
    /// Dword 0 of the completion.
    pub result: u32,
    /// Bytes for the host.
    pub data: Vec<u8>,
}

/// How an MMC command ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MmcAnswer {
    /// R1: the card status.
    pub response: u32,
    /// Bytes for the host.
    pub data: Vec<u8>,
}

/// What happens to a drive from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The power goes: what is volatile is lost. Commands are not answered.
    PowerOff,
    /// The power comes back.
    PowerOn,
    /// A reset of the bus with the power on: COMRESET, LUN reset, controller reset.
    Reset,
}

/// A logical unit that takes command blocks: a SCSI disk, or an ATA disk behind a translation.
pub trait ScsiDevice: Send {
    /// Carries out one command; `out` is what the host sent with it. `None`: no answer ever comes.
    fn command(&mut self, cdb: &[u8], out: &[u8]) -> Option<ScsiAnswer>;

    /// Something happens to the drive.
    fn event(&mut self, event: Event);
}

/// An NVMe subsystem with one controller. Entries are submission queue entries of 64 bytes, little
/// endian, whose data pointer is ignored: `out` is what the host sent.
pub trait NvmeDevice: Send {
    /// Carries out one admin command. `None`: no answer ever comes.
    fn admin(&mut self, entry: &[u8; 64], out: &[u8]) -> Option<NvmeAnswer>;

    /// Carries out one command of an I/O queue. `None`: no answer ever comes.
    fn io(&mut self, entry: &[u8; 64], out: &[u8]) -> Option<NvmeAnswer>;

    /// Something happens to the drive.
    fn event(&mut self, event: Event);
}

/// An eMMC in the transfer state, at the level of its bus.
pub trait MmcDevice: Send {
    /// Carries out CMD`index`; `out` is what the host sent with it. A command that takes long is
    /// answered at once, and CMD13 tells when the card is no longer busy. `None`: no answer comes.
    fn command(&mut self, index: u8, argument: u32, out: &[u8]) -> Option<MmcAnswer>;

    /// Something happens to the card.
    fn event(&mut self, event: Event);
}
