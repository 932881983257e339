//! NVMe admin commands and their answers.
//!
//! Pure codecs, little-endian. NVM Express base specification 2.0 and NVM command set 1.0, by byte
//! offset; the purge bits of later revisions where named. `command` encodes what only asks,
//! `change` what changes a drive.

pub mod change;
pub mod command;
pub mod event_log;
pub mod identify;
pub mod log;

pub use identify::{Controller, Namespace};
