//! The console screens: a pure view over [`State`], and what keys do to it.
//!
//! Nothing here opens a device, a network or a terminal: the session fills the state, calls
//! [`draw`] and [`handle_key`], and acts upon the [`Action`]s. Works at 80×24, without colour
//! and on a serial line (issue 2, "Agent"; architecture §11 for consent).

mod consent;
mod details;
mod draw;
mod keys;
mod list;
mod night;
mod state;
mod words;

pub use consent::{Source, Wanted, wanted};
pub use draw::draw;
pub use keys::{Action, handle_key};
pub use state::{Header, Mode, Network, Night, Phase, Plan, Row, Service, State};
pub use words::time_left;
