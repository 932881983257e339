//! SCSI commands that only ask, and their answers.
//!
//! Pure codecs: bytes in, facts and oddities out. SPC-5 for inquiry, logs and sense, SBC-4 for
//! capacity. Nothing here encodes a command that changes a drive, but SYNCHRONIZE CACHE, which
//! changes no data.

pub mod capacity;
pub mod command;
pub mod defects;
pub mod inquiry;
pub mod log_page;
pub mod mode;
pub mod sense;
pub mod vpd;

pub use sense::Sense;
