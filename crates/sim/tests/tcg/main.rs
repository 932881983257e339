//! TCG of the simulated drives, by a host that speaks as Linux' sed-opal does.

mod ata;
mod host;
mod nvme;
mod scsi;
