//! Erase and prove: overwrite every addressable byte with a position-keyed pattern, read every
//! byte back (or a sample, where that is asked for), and say no more than was proven.
//!
//! `wipe` opens no drive and finds none; it is given a [`target::Target`]. It does not serialise
//! its outcomes and knows no report; a ledger of what is written goes to a [`ledger::Journal`] of the
//! caller's. [`native`] lets a drive erase itself and weighs what may be believed of it,
//! [`restore`] lets it give hidden capacity back, and [`reformat`] gives a SCSI disk blocks that Linux
//! drives.

mod call;
mod checkpoint;
pub mod claimed;
pub mod content;
pub mod curve;
mod depth;
pub mod engine;
mod flush;
pub mod job;
mod lane;
pub mod latency;
pub mod ledger;
mod movement;
pub mod native;
pub mod options;
pub mod outcome;
mod pace;
pub mod pattern;
pub mod plan;
pub mod progress;
mod ranges;
mod recall;
pub mod reformat;
pub mod restore;
pub mod sample;
mod sweep;
pub mod target;
pub mod verify;
mod worker;
