//! NVMe admin commands that only ask, and their answers.
//!
//! Pure codecs, little-endian. NVM Express base specification 2.0 and NVM command set 1.0, by byte
//! offset; the purge bits of later revisions where named. Nothing here encodes a command that
//! changes a drive.

pub mod command;
pub mod identify;
pub mod log;

pub use identify::{Controller, Namespace};
