//! One drive: what it is, what it can be told.
//!
//! `discover` lists the machine's drives as facts, `refusal` says which of them may not be erased
//! and why, `disc` and `unseen` what may hold data and is in no list, `claim` is the one door to
//! writing. `ata`, `scsi`, `nvme`, `mmc`, `tcg`, `health` and `volume` are codecs: bytes in, facts and oddities out; the commands that change a drive are in modules
//! named `change`, and nothing here sends one. Nothing here decides what is erased, and nothing
//! here erases.

pub mod ata;
mod bytes;
pub mod claim;
pub mod disc;
pub mod discover;
pub mod facts;
pub mod health;
pub mod identity;
pub mod linux;
pub mod medium;
pub mod mmc;
pub mod nvme;
pub mod own_stick;
pub mod port;
pub mod refusal;
pub mod rescan;
pub mod sanitize;
pub mod scsi;
pub mod tcg;
pub mod trace;
pub mod unseen;
mod uses;
pub mod volume;
