//! Automation: demo, test, image, bench, tidy.
fn main() {}
