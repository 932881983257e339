//! ATA commands and answers, as they travel inside SCSI (SAT ATA PASS-THROUGH).
//!
//! Pure codecs: bytes in, facts and oddities out. Nothing here talks to a drive, and nothing here
//! encodes a command that changes one. ACS-4 for the contents, SAT-4 for the envelope.

pub mod command;
pub mod dco;
pub mod identify;
pub mod registers;
pub mod sanitize;
pub mod security_log;
pub mod smart;

pub use identify::Identify;
pub use registers::RegisterReturn;
