//! What the binary `raz` is made of. A library only so that tests can reach the parts.

// `println!` panics when nobody reads: see `output`.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod arguments;
pub mod bundle;
pub mod capture;
pub mod cli;
pub mod coldplug;
pub mod commands;
pub mod compose;
pub mod events;
pub mod i18n;
pub mod keeping;
pub mod ledger;
pub mod output;
pub mod session;
pub mod sleep;
pub mod survey;
pub mod thaw;
pub mod ui;
pub mod upload;
pub mod work;
