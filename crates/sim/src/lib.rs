//! Drives that do not exist, below the engine: media without their bytes, faults from a seed, a
//! clock that nobody waits for, and a ledger of what was really done to whom.
//!
//! For tests only: no shipped crate depends on it. It knows nothing of raz's pattern, plan or
//! outcome; a test compares what raz says with what the [`ledger`] says.
//!
//! Beside that, drives at the level of their commands: [`device`] has what each model answers to,
//! [`cells`] what it physically holds, [`clock`] its time; [`ata`] is a disk behind the translation
//! [`satl`], [`scsi`] a SAS disk, [`nvme`] an NVM subsystem, [`mmc`] an eMMC; [`tcg`] locks them.

pub mod ata;
pub mod cells;
pub mod clock;
pub mod device;
pub mod drive;
pub mod faults;
pub mod ledger;
pub mod media;
pub mod mmc;
pub mod nvme;
pub mod queue;
pub mod random;
pub mod satl;
pub mod scsi;
pub mod sectors;
pub mod tcg;
