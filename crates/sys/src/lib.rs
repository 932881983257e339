//! Safe doors to the kernel; all unsafe code of raz.
//!
//! One module per door. A module hands over bytes and the kernel's own answer and decides nothing:
//! what a command means, whether a status is good and which drive may be written is for `drive` and `wipe`.
//! Every function is sound whatever its arguments are: a wrong argument gives an error, a wrong command
//! gives the device's refusal.

pub mod aligned;
pub mod block;
pub mod blocking_queue;
pub mod console;
pub mod cpu;
pub mod data;
mod ioctl;
pub mod mmc;
pub mod module;
pub mod nvme;
pub mod power;
pub mod queue;
pub mod scsi_generic;
pub mod uring;
