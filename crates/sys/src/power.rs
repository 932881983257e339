//! Switching the machine off or starting it anew (`reboot(2)`), at once: no service is told.

use std::convert::Infallible;
use std::io;
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::reboot::RebootMode;

/// Longest wait for file systems to be written out. A sick drive can hold `sync` for ever; a bench where the
/// machine stays on because of it gets its plug pulled, which is worse for the stick.
const SYNC_MAX: Duration = Duration::from_secs(20);

/// Writes file systems out and switches the machine off. Returns only an error.
///
/// # Errors
/// `EPERM` without CAP_SYS_BOOT.
pub fn power_off() -> io::Result<Infallible> {
    end(RebootMode::RB_POWER_OFF)
}

/// Writes file systems out and starts the machine anew. Returns only an error.
///
/// # Errors
/// `EPERM` without CAP_SYS_BOOT.
pub fn reboot() -> io::Result<Infallible> {
    end(RebootMode::RB_AUTOBOOT)
}

fn end(mode: RebootMode) -> io::Result<Infallible> {
    let (done, waiting) = mpsc::channel();
    std::thread::Builder::new()
        .name("sync".into())
        .spawn(move || {
            nix::unistd::sync();
            // Nobody listens any more when it took too long.
            let _ = done.send(());
        })?;
    // Too late or not, the machine goes down.
    let _ = waiting.recv_timeout(SYNC_MAX);
    Ok(nix::sys::reboot::reboot(mode)?)
}
