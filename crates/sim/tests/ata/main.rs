//! The model of an ATA disk, spoken to in bytes that are spelled here by hand.

mod basics;
mod hidden;
mod host;
mod lies;
mod sanitize;
mod security;
