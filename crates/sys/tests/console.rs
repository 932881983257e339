//! Taking a terminal, in a child process of the test's own and on a pseudo-terminal that it made.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Starts a shell that takes `terminal` before it begins, with nothing else as input or output.
fn shell_on(terminal: &Path, script: &str) -> io::Result<Child> {
    let terminal = terminal.to_path_buf();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", script])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // SAFETY: between fork and exec the closure only makes system calls and allocates; glibc and musl keep their
    // allocators usable in the child of a process with threads.
    unsafe { shell.pre_exec(move || sys::console::take(&terminal)) };
    shell.spawn()
}

#[test]
fn taken_terminal_is_controlling_and_carries_the_standard_streams() {
    let pair = nix::pty::openpty(None, None).unwrap();
    let terminal: PathBuf =
        std::fs::read_link(format!("/proc/self/fd/{}", pair.slave.as_raw_fd())).unwrap();
    let script = "tty; echo to the errors >&2; echo to the controlling terminal > /dev/tty";
    let mut shell = shell_on(&terminal, script).unwrap();
    drop(pair.slave);
    let mut shown = Vec::new();
    // Reading the master ends with EIO when the last descriptor of the terminal is closed.
    let end = File::from(pair.master).read_to_end(&mut shown).unwrap_err();
    assert_eq!(end.raw_os_error(), Some(libc::EIO));
    assert!(shell.wait().unwrap().success());
    let expected = format!(
        "{}\r\nto the errors\r\nto the controlling terminal\r\n",
        terminal.display()
    );
    assert_eq!(String::from_utf8_lossy(&shown), expected);
}

#[test]
fn what_is_no_terminal_is_not_taken() {
    let refused = shell_on(Path::new("/dev/null"), "true")
        .map(|_| ())
        .unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(libc::ENOTTY));
}
