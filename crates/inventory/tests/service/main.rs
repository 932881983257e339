//! The real `raz-inventory` on 127.0.0.1, driven over real TLS and HTTP.

mod browser;
mod bundle;
mod crash;
mod enrolment;
mod hostile;
mod image;
mod import;
mod ledgers;
mod netboot;
mod reports;
mod rig;
