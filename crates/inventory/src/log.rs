//! One line on standard error for each thing that happened.
//!
//! Lines name report ids and key fingerprints only: no token, no request body, no header, nothing
//! that a report says of a machine.

/// Writes a line with the time.
pub fn line(text: &str) {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    eprintln!("{now} {text}");
}
