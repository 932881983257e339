//! The wires from a guest's kernel to drives that do not exist.

pub mod nvme_tcp;
