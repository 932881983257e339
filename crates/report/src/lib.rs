//! What leaves the machine: schema v1, signature, receipt, events, the service's messages, the document
//! of a recorded drive, and the ledger of an erasure under way.
//!
//! Only this crate is serialised towards others. It reads no device and opens no network; the one
//! file that it touches is a key file.

pub mod api;
pub mod capture;
pub mod event;
pub mod ledger;
pub mod receipt;
pub mod schema;
pub mod sign;
