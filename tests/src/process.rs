//! Programs that end with the scenario that started them, also where no `Drop` runs: at a Ctrl-C, or
//! when a test runner is killed, a machine would otherwise go on emulating for ever.

use std::ffi::OsStr;
use std::process::Command;

/// A command that the kernel kills when the *thread* that starts it ends (`PR_SET_PDEATHSIG` of
/// prctl(2), by util-linux's `setpriv`). The process is the program's own: `setpriv` becomes it.
#[must_use]
pub fn tied(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// The same within a network namespace, where one is named.
#[must_use]
pub fn tied_in(namespace: Option<&str>, program: impl AsRef<OsStr>) -> Command {
    let Some(namespace) = namespace else {
        return tied(program);
    };
    let mut command = tied("ip");
    command.args(["netns", "exec", namespace]).arg(program);
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Stdio;
    use std::thread;

    #[test]
    fn a_program_is_killed_with_the_thread_that_started_it() {
        let mut child = thread::spawn(|| {
            let mut child = tied("cat")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            // An answer: setpriv has become cat.
            let mut line = [0];
            std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"x").unwrap();
            std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
            child
        })
        .join()
        .unwrap();
        // Closing its input would end it too, so that is kept: wait() would close it.
        let _input = child.stdin.take();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }
}
