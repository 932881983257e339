//! The parts of a computer, one module each: what the kernel and the firmware say of them.

pub mod battery;
pub mod chassis;
pub mod cpu;
pub mod display;
pub mod edid;
pub mod firmware;
pub mod locks;
pub mod memory;
pub mod network;
pub mod smbios;
