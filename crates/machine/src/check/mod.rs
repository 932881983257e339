//! Tests of the machine that do something to it, other than [`crate::facts`], which reads.

pub mod memory;
