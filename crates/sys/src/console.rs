//! Becoming the program of a terminal, as the console's first process must.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::ioctl;

const TIOCSCTTY: u32 = 0x540E;
/// `linux/kd.h`: sets what one key gives.
const KDSKBENT: u32 = 0x4B47;

/// `struct kbentry` of `linux/kd.h`.
#[repr(C)]
struct KeyEntry {
    table: u8,
    key: u8,
    value: u16,
}

const _: () = assert!(size_of::<KeyEntry>() == 4);

/// Sets what a key of the console gives: `table` is the combination of Shift, `AltGr` and so on (bits of
/// `linux/keyboard.h`), `key` the kernel's key code, `value` its key symbol. For all virtual terminals.
///
/// # Errors
/// `ENOTTY` when `terminal` is no virtual terminal, `EPERM` without the right to it, `EINVAL` for values that the
/// kernel does not know.
pub fn set_key(terminal: BorrowedFd<'_>, table: u8, key: u8, value: u16) -> io::Result<()> {
    let mut entry = KeyEntry { table, key, value };
    // SAFETY: KDSKBENT reads one `struct kbentry`, whose four bytes these are, and no other memory.
    unsafe { ioctl::with_pointer(terminal, KDSKBENT, &mut entry) }.map(drop)
}

/// Makes the terminal at `path` the controlling terminal of this process, and its standard input, output and
/// error.
///
/// The process becomes the leader of a new session, so that Ctrl-C reaches it and nobody else; a process that
/// leads its session already stays in it.
///
/// # Errors
/// What `open` says; `ENOTTY` when `path` is no terminal; `EPERM` when this process leads a process group but
/// no session, when its session has another terminal, or when the terminal belongs to another session: it is
/// not taken away by force.
pub fn take(path: &Path) -> io::Result<()> {
    let terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOCTTY)
        .open(path)?;
    if nix::unistd::getsid(None)? != nix::unistd::getpid() {
        nix::unistd::setsid()?;
    }
    // SAFETY: TIOCSCTTY takes a number: 0, do not steal the terminal from another session.
    unsafe { ioctl::with_number(std::os::fd::AsFd::as_fd(&terminal), TIOCSCTTY, 0)? };
    nix::unistd::dup2_stdin(&terminal)?;
    nix::unistd::dup2_stdout(&terminal)?;
    nix::unistd::dup2_stderr(&terminal)?;
    Ok(())
}
