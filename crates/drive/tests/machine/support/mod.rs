//! A folder that is a machine, and ports that answer from a script.

pub mod folder;
pub mod loops;
pub mod script;
