//! Discovery on machines that are folders, with drives that answer from scripts; claims on loop
//! devices that each test makes for itself.

mod ata;
mod claim;
mod kinds;
mod medium;
mod mmc;
mod nvme;
mod refusal;
mod rescan;
mod scsi;
mod sick;
mod support;
mod tcg;
mod unseen;
mod usb;
mod uses;
