//! One drive: what it is, what it can be told.
//!
//! `ata`, `scsi`, `nvme`, `mmc`, `health` and `volume` are codecs: bytes in, facts and oddities
//! out. Nothing here decides what is erased, and nothing here erases.

pub mod ata;
mod bytes;
pub mod health;
pub mod mmc;
pub mod nvme;
pub mod scsi;
pub mod volume;
