//! `raz session` on a pseudo-terminal: what becomes of it when the terminal does not do its part.
//!
//! Only what needs no drive: on the machine that runs the tests nothing may be erased. Keys that
//! switch the machine off are never sent. The way from boot to receipt is the lab's.

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{FlowArg, tcflow};
use nix::unistd::Pid;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What a session has not done by then it never will: the test fails, and is not held up.
const HANGING_AFTER: Duration = Duration::from_secs(120);

struct Bench {
    folder: TempDir,
}

struct Session {
    child: Child,
    /// The other end of its terminal.
    terminal: File,
    /// Its terminal.
    line: File,
}

impl Bench {
    fn new(arguments: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let events = folder.path().join("events");
        let arguments = format!("raz.lang=en raz.events={} {arguments}", events.display());
        fs::write(folder.path().join("cmdline"), arguments).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_raz"));
        command
            .arg("session")
            .arg("--arguments")
            .arg(self.path("cmdline"))
            .arg("--spool")
            .arg(self.path("run/spool"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn session(&self) -> Session {
        self.session_on(|_| {})
    }

    /// A session on a terminal that `prepare` had before it.
    fn session_on(&self, prepare: impl Fn(&File)) -> Session {
        // Close-on-exec from the start: a copy in the child of another test would keep the
        // terminal from hanging up.
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let master = posix_openpt(flags).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname_r(&master).unwrap();
        let line = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NOCTTY)
            .open(&path)
            .unwrap();
        let sized = Command::new("stty")
            .args(["-F", &path, "rows", "24", "cols", "80"])
            .status()
            .unwrap();
        assert!(sized.success());
        prepare(&line);
        let child = self.command().arg("--tty").arg(path).spawn().unwrap();
        Session {
            child,
            terminal: OwnedFd::from(master).into(),
            line,
        }
    }

    fn events(&self) -> String {
        fs::read_to_string(self.path("events")).unwrap_or_default()
    }

    /// Waits for so many events of a kind.
    fn until(&self, event: &str, count: usize) {
        let wanted = format!("\"event\":\"{event}\"");
        let begun = Instant::now();
        while self.events().matches(&wanted).count() < count {
            assert!(
                begun.elapsed() < HANGING_AFTER,
                "no {event}: {}",
                self.events()
            );
            thread::yield_now();
        }
    }
}

impl Session {
    /// Reads the screen until it says `words`.
    fn until_shown(&mut self, words: &str) {
        let mut shown = Vec::new();
        let mut part = [0; 4096];
        while !String::from_utf8_lossy(&shown).contains(words) {
            let read = self.terminal.read(&mut part).unwrap();
            shown.extend_from_slice(&part[..read]);
        }
    }

    fn tell(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// The exit status. A session that does not end fails the test, instead of holding it up.
    fn end(mut self) -> Option<i32> {
        let (sender, ended) = mpsc::channel();
        let pid = Pid::from_raw(self.child.id().cast_signed());
        // Keeps both ends of the terminal open until it has ended.
        let waiter = thread::spawn(move || {
            let status = self.child.wait().unwrap();
            let _ = sender.send(status.code());
        });
        let status = ended.recv_timeout(HANGING_AFTER);
        if status.is_err() {
            kill(pid, Signal::SIGKILL).unwrap();
        }
        waiter.join().unwrap();
        status.expect("the session ends")
    }
}

#[test]
fn session_whose_terminal_hangs_up_ends_for_its_successor() {
    let bench = Bench::new("");
    let mut session = bench.session();
    session.until_shown("drive");
    let Session {
        mut child,
        terminal,
        line,
    } = session;
    drop((line, terminal));
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn half_a_key_does_not_hold_up_the_session() {
    let bench = Bench::new("");
    let mut session = bench.session();
    session.until_shown("drive");
    session.terminal.write_all(b"\x1b[\xc3").unwrap();
    session.tell(Signal::SIGTERM);
    assert_eq!(session.end(), Some(1));
}

#[test]
fn terminal_that_takes_nothing_does_not_hold_up_the_session() {
    let bench = Bench::new("");
    let session = bench.session();
    bench.until("drives", 1);
    tcflow(&session.line, FlowArg::TCOOFF).unwrap();
    // The other language is another screen.
    (&session.terminal).write_all(b"l").unwrap();
    bench.until("drives", 2);
    session.tell(Signal::SIGINT);
    assert_eq!(session.end(), Some(1));
}

/// Not even its first words pass, so that its last ones do not either.
#[test]
fn terminal_that_takes_nothing_from_the_start_does_not_hold_up_the_session() {
    let bench = Bench::new("");
    let session = bench.session_on(|line| tcflow(line, FlowArg::TCOOFF).unwrap());
    bench.until("drives", 1);
    session.tell(Signal::SIGINT);
    assert_eq!(session.end(), Some(1));
}

/// It stops between two drawings, when only the last words are left to be said.
#[test]
fn terminal_that_stops_just_before_the_end_does_not_hold_up_the_session() {
    for _ in 0..8 {
        let bench = Bench::new("");
        let session = bench.session();
        bench.until("drives", 1);
        session.tell(Signal::SIGSTOP);
        tcflow(&session.line, FlowArg::TCOOFF).unwrap();
        session.tell(Signal::SIGINT);
        session.tell(Signal::SIGCONT);
        assert_eq!(session.end(), Some(1));
    }
}

#[test]
fn terminal_gets_its_own_screen_back() {
    let bench = Bench::new("");
    let mut session = bench.session();
    session.until_shown("drive");
    session.tell(Signal::SIGTERM);
    session.until_shown("\x1b[?1049l");
    assert_eq!(session.end(), Some(1));
}

#[test]
fn restarted_session_is_the_same_station_and_keeps_its_key_private() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new("");
    let fingerprint = || {
        let events = bench.events();
        let line = events.lines().rfind(|line| line.contains("\"started\""));
        let line: serde_json::Value = serde_json::from_str(line.unwrap()).unwrap();
        line["fingerprint"].as_str().unwrap().to_owned()
    };
    let first = bench.session();
    bench.until("started", 1);
    let of_the_first = fingerprint();
    first.tell(Signal::SIGKILL);
    first.end();
    let second = bench.session();
    bench.until("started", 2);
    assert_eq!(fingerprint(), of_the_first);
    second.tell(Signal::SIGTERM);
    assert_eq!(second.end(), Some(1));
    let key = fs::metadata(bench.path("run/station.key")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
}

#[test]
fn unattended_mode_without_its_second_key_waits_and_says_why() {
    let bench = Bench::new("raz.auto=erase");
    let session = bench.session();
    bench.until("waiting", 1);
    assert!(bench.events().contains("No automatic wipe"));
    assert!(bench.events().contains("raz.server="));
    assert!(!bench.events().contains("countdown"));
    session.tell(Signal::SIGTERM);
    session.end();
}

/// Whoever watches is no person at the screen: the reason stays the same one, in English.
#[test]
fn language_of_the_screen_is_not_that_of_the_events() {
    let bench = Bench::new("raz.auto=erase");
    let mut session = bench.session();
    bench.until("waiting", 1);
    session.terminal.write_all(b"l").unwrap();
    session.until_shown("Pas d'effacement automatique");
    session.tell(Signal::SIGTERM);
    session.end();
    let events = bench.events();
    assert!(!events.contains("Pas d'effacement"), "{events}");
}

/// Whoever stopped it may have gone when init starts the session again.
#[test]
fn unattended_mode_that_a_person_ended_stays_over_after_a_restart() {
    let bench = Bench::new("raz.auto=erase");
    let mut first = bench.session();
    bench.until("waiting", 1);
    first.terminal.write_all(b"a").unwrap();
    while !bench.path("run/spool/.attended").exists() {
        thread::yield_now();
    }
    first.tell(Signal::SIGKILL);
    first.end();
    let second = bench.session();
    bench.until("started", 2);
    let of_the_second = || {
        let events = bench.events();
        events.rsplit_once("\"started\"").unwrap().1.to_owned()
    };
    while !of_the_second().contains("\"waiting\"") {
        thread::yield_now();
    }
    second.tell(Signal::SIGTERM);
    second.end();
    let events = of_the_second();
    assert!(events.contains("started or stopped since boot"), "{events}");
    assert!(!events.contains("No automatic wipe"), "{events}");
}

#[test]
fn unattended_mode_without_a_terminal_waits_and_says_why() {
    let bench = Bench::new("raz.auto=erase");
    let mut child = bench.command().spawn().unwrap();
    bench.until("waiting", 1);
    assert!(bench.events().contains("no terminal shows the countdown"));
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn token_is_nowhere_but_in_the_request() {
    let token = "TOPsecrettoken";
    let pin = "ab".repeat(32);
    let bench = Bench::new(&format!(
        "raz.auto=erase raz.server=https://127.0.0.1:9 raz.pin={pin} raz.token={token}"
    ));
    let session = bench.session();
    bench.until("service", 1);
    session.tell(Signal::SIGTERM);
    session.end();
    let mut files = vec![bench.path("events")];
    files.extend(
        fs::read_dir(bench.path("run"))
            .unwrap()
            .map(|e| e.unwrap().path()),
    );
    files.extend(
        fs::read_dir(bench.path("run/spool"))
            .unwrap()
            .map(|e| e.unwrap().path()),
    );
    for file in files.iter().filter(|file| file.is_file()) {
        let text = fs::read(file).unwrap();
        assert!(
            !String::from_utf8_lossy(&text).contains(token),
            "{}",
            file.display()
        );
    }
}
