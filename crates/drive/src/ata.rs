//! ATA commands and answers, as they travel inside SCSI (SAT ATA PASS-THROUGH).
//!
//! Pure codecs: bytes in, facts and oddities out. Nothing here talks to a drive. `command` encodes
//! what only asks, `change` what changes a drive. ACS-4 for the contents, SAT-4 for the envelope.

pub mod change;
pub mod command;
pub mod dco;
pub mod identify;
mod pass_through;
pub mod registers;
pub mod sanitize;
pub mod security_log;
pub mod smart;

pub use identify::Identify;
pub use pass_through::Cdb;
pub use registers::RegisterReturn;
