//! Drives that fail in every way that QEMU has, beside drives that do not: each failure is told
//! as what it was, on the screen, in the events, in the signed report, in the exit status and on
//! the service's page, and no neighbour suffers.
//!
//! The media are read here, from outside: what the report calls overwritten is, and old bytes are
//! only where the report says.

mod buses;
mod claim;
mod countdown;
mod silent;
mod steps;
mod told;
