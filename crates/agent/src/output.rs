//! What the commands print. `println!` panics when nobody reads any more, and a panic in mid-wipe
//! would cost the report: here a reader that has left is no fault, and any other failure of
//! standard output is kept for the exit status.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};

/// The first failure of standard output that is not a reader's leaving.
static FAILURE: Mutex<Option<io::Error>> = Mutex::new(None);

/// A line on standard output.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::output::out(format!("{}\n", format_args!($($text)*)).as_bytes())
    };
}

/// A line on standard error.
macro_rules! tell {
    ($($text:tt)*) => { $crate::output::err(format_args!("{}\n", format_args!($($text)*))) };
}

pub(crate) use {say, tell};

/// Bytes on standard output.
pub fn out(bytes: &[u8]) {
    let mut stdout = io::stdout().lock();
    if let Err(error) = stdout.write_all(bytes).and_then(|()| stdout.flush())
        && error.kind() != ErrorKind::BrokenPipe
    {
        FAILURE
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(error);
    }
}

/// Text on standard error. When even that cannot be written there is nobody left to tell.
pub fn err(text: Arguments<'_>) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_fmt(text).and_then(|()| stderr.flush());
}

/// Why standard output could not be written, when it could not.
pub fn take_failure() -> Option<io::Error> {
    FAILURE
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take()
}

/// Firmware strings and mount points must not steer the terminal.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// Says that raz does not run as root, when it does not: the kernel's own words for what then
/// fails point at the drive.
pub fn tell_if_not_root() {
    // The owner of a process's folder is its effective user.
    let root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if !root {
        err(format_args!(
            "raz is not running as root: drives cannot be asked, claimed or read; try it with sudo\n"
        ));
    }
}
