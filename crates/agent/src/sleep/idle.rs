//! Nobody erases a drive while the machine sleeps: every drive is held.
//!
//! A drive that loses its power in an erase by its security commands stays locked by a password. So
//! each drive is opened exclusively, for reading, before the machine sleeps and let go when it is
//! awake: what another raz has claimed shows, and it cannot claim one meanwhile.

use super::Refusal;
use drive::facts::DriveFacts;
use std::os::fd::OwnedFd;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Longest wait for all drives to open.
const BOUND: Duration = Duration::from_secs(20);

/// Drives that nobody else can claim. Let go when it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Held {
    _drives: Vec<OwnedFd>,
}

/// Holds all drives but those whose use is known (mounted, swap, a member of something): those no raz
/// can erase.
///
/// # Errors
/// A drive is held by another program, or does not open in time.
pub fn hold(drives: &[DriveFacts]) -> Result<Held, Refusal> {
    let free = drives.iter().filter(|facts| facts.uses.is_empty());
    let mut open: Vec<String> = Vec::new();
    let (sender, answers) = mpsc::channel();
    for facts in free {
        let path = facts.path.clone();
        let shown = path.display().to_string();
        open.push(shown.clone());
        let sender = sender.clone();
        let opening = move || {
            let opened = sys::block::open_exclusive_read(&path);
            // When nobody waits any more, the drive is let go here.
            let _ = sender.send((shown, opened));
        };
        let _ = std::thread::Builder::new()
            .name("raz-hold".into())
            .spawn(opening);
    }
    drop(sender);
    let mut held = Vec::new();
    let end = Instant::now() + BOUND;
    while let Ok((path, opened)) =
        answers.recv_timeout(end.saturating_duration_since(Instant::now()))
    {
        match opened {
            Ok(drive) => held.push(drive),
            Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => continue,
            // No medium, gone, not ours to open: nobody erases it either.
            Err(_) => {}
        }
        open.retain(|other| *other != path);
    }
    match open.is_empty() {
        true => Ok(Held { _drives: held }),
        false => Err(Refusal::InUse { drives: open }),
    }
}
