//! SCSI commands and their answers.
//!
//! Pure codecs: bytes in, facts and oddities out. SPC-5 for inquiry, logs and sense, SBC-4 for
//! capacity. `command` encodes what only asks, and SYNCHRONIZE CACHE, which changes no data;
//! `change` what changes a drive.

pub mod capacity;
pub mod change;
pub mod command;
pub mod defects;
pub mod inquiry;
pub mod log_page;
pub mod mode;
pub mod operation_code;
pub mod progress;
pub mod sense;
pub mod vpd;

pub use sense::Sense;
