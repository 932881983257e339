//! The inventory service raz-inventory and its pages.
fn main() {}
