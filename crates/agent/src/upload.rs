//! Towards the inventory service: recognise it, talk to it, and keep what it has not got yet.
//!
//! `pin` decides whether the other end is the service, `client` speaks `/api/v1`
//! ([`report::api`]), `ledgers` the part of it that keeps erasures under way, `spool` keeps signed
//! reports until their receipts are there. Nothing here makes a report or decides what is erased
//! (issue 2, "Inventory service"; architecture §7).

pub mod client;
pub mod ledgers;
mod names;
pub mod pin;
pub mod spool;
