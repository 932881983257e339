//! Uploads against a real TLS listener on this machine: pin, client, spool.

mod client;
mod journal;
mod ledgers;
mod pin;
mod service;
mod spool;
