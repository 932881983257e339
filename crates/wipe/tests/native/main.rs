//! Sanitize by the drive, over simulated drives that are honest and over those that lie.

mod ata;
mod mmc;
mod nvme;
mod patience;
mod reformat;
mod restore;
mod scsi;
mod security;
mod table;
mod trap;
mod wait;
mod wire;
