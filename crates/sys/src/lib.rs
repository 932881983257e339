//! Safe doors to the kernel and the processor; all unsafe code of raz.
//!
//! One module per door. A module hands over bytes and the kernel's own answer and decides nothing:
//! what a command means, whether a status is good and which drive may be written is for `drive` and `wipe`.
//! No argument makes a function unsound: a wrong length or direction gives an error, a wrong command gives the
//! device's refusal, and a descriptor of another kind gives `ENOTTY`, since a kernel driver answers only the
//! requests it knows.

pub mod aligned;
pub mod block;
pub mod blocking_queue;
pub mod console;
pub mod cpu;
pub mod data;
mod ioctl;
pub mod keystream;
pub mod memory;
pub mod mmc;
pub mod module;
pub mod nvme;
pub mod power;
pub mod queue;
pub mod scsi_generic;
pub mod sed;
pub mod uring;
