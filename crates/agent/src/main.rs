//! The static binary raz.
fn main() {}
