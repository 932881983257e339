//! Running a program under measure, from outside: time, CPU, memory, and when its drives were
//! written and read.
//!
//! The phases come from the kernel's counters of each drive, so that programs which report
//! nothing are measured like those that do. They are as fine as [`POLL`].

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::devices::{Drive, Traffic};
use super::figures::Run;
use crate::run;

const POLL: Duration = Duration::from_millis(5);
/// With a program that was told to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Set by SIGINT, SIGTERM and SIGHUP: the drives are still taken down.
#[derive(Clone)]
pub struct Interruption(Arc<AtomicBool>);

impl Interruption {
    /// From here on these signals no longer end xtask by themselves.
    pub fn watch() -> anyhow::Result<Self> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&flag))?;
        }
        Ok(Self(flag))
    }

    /// An error once a signal came.
    pub fn check(&self) -> anyhow::Result<()> {
        if self.0.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        Ok(())
    }

    /// Waits, or ends with an error at a signal.
    pub fn rest(&self, time: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.check()?;
            thread::sleep(POLL.min(end.saturating_duration_since(Instant::now())));
        }
        self.check()
    }
}

/// Children that are ended when they are not waited for to the end.
struct Children(Vec<Child>);

impl Drop for Children {
    fn drop(&mut self) {
        for child in &mut self.0 {
            if !matches!(child.try_wait(), Ok(None)) {
                continue;
            }
            // Politely first: a killed fio leaves its huge pages taken. The number is the
            // child's for as long as nobody has waited for it.
            let number = child.id().to_string();
            let _ = run::output(run::program("kill").args(["-TERM", &number]));
            let patience = Instant::now() + PATIENCE;
            while matches!(child.try_wait(), Ok(None)) && Instant::now() < patience {
                thread::sleep(POLL);
            }
            // Both fail only when it has ended by now.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Runs the commands at once, one or more for all `drives`, and gives what was measured and the
/// standard output of the first. What they print goes to files in `scratch`.
pub fn measure(
    commands: Vec<Command>,
    drives: &[Drive],
    scratch: &Path,
    interruption: &Interruption,
) -> anyhow::Result<(Run, String)> {
    interruption.check()?;
    for drive in drives {
        drive.check()?;
    }
    let before = (cpu_seconds()?, traffic(drives)?);
    let begun = Instant::now();
    let mut children = Children(Vec::new());
    let mut names = Vec::new();
    for (number, mut command) in commands.into_iter().enumerate() {
        command
            .stdin(std::process::Stdio::null())
            .stdout(File::create(scratch.join(format!("out-{number}")))?)
            .stderr(File::create(scratch.join(format!("err-{number}")))?)
            // A group of its own: Ctrl-C reaches xtask alone, which ends its children in order.
            .process_group(0);
        names.push(command.get_program().to_string_lossy().into_owned());
        let child = command
            .spawn()
            .with_context(|| format!("starting {}", names[number]))?;
        children.0.push(child);
    }
    let mut phases: Vec<Phases> = before.1.iter().map(|from| Phases::new(*from)).collect();
    let mut rss_peaks = vec![0; children.0.len()];
    let mut failed = None;
    loop {
        interruption.check()?;
        let mut open = false;
        for (number, child) in children.0.iter_mut().enumerate() {
            match child.try_wait()? {
                Some(status) if status.success() => {}
                Some(status) => failed = failed.or(Some((number, status))),
                None => {
                    open = true;
                    rss_peaks[number] = rss_peak_bytes(child.id())
                        .unwrap_or(0)
                        .max(rss_peaks[number]);
                }
            }
        }
        let now = begun.elapsed().as_secs_f64();
        for (phases, traffic) in phases.iter_mut().zip(traffic(drives)?) {
            phases.see(now, traffic);
        }
        if !open {
            break;
        }
        thread::sleep(POLL);
    }
    let wall_seconds = begun.elapsed().as_secs_f64();
    interruption.check()?;
    if let Some((number, status)) = failed {
        // nwipe says its troubles on standard output.
        let said = ["err", "out"]
            .map(|stream| fs::read(scratch.join(format!("{stream}-{number}"))).unwrap_or_default())
            .map(|said| String::from_utf8_lossy(&said).trim().to_owned());
        bail!("{} ended with {status}: {}", names[number], said.join("\n"));
    }
    let after = cpu_seconds()?;
    let slowest = |seconds: &dyn Fn(&Phases) -> Option<f64>| {
        phases.iter().filter_map(seconds).reduce(f64::max)
    };
    let first_writes: Option<Vec<f64>> = phases.iter().map(|phases| phases.first_write).collect();
    let measured = Run {
        first_write_seconds: first_writes.and_then(|all| all.into_iter().reduce(f64::max)),
        write_seconds: slowest(&|phases| phases.write.seconds()),
        verify_seconds: slowest(&|phases| phases.read.seconds()),
        wall_seconds,
        user_seconds: after.0 - before.0.0,
        system_seconds: after.1 - before.0.1,
        rss_peak_bytes: rss_peaks.iter().sum(),
        huge_pages_bytes: None,
    };
    Ok((measured, fs::read_to_string(scratch.join("out-0"))?))
}

fn traffic(drives: &[Drive]) -> anyhow::Result<Vec<Traffic>> {
    drives.iter().map(Drive::traffic).collect()
}

/// When a counter first and last moved.
#[derive(Debug, Default, PartialEq)]
struct Span {
    /// The last moment at which nothing had moved yet, and the last at which something did.
    ends: Option<(f64, f64)>,
}

impl Span {
    fn see(&mut self, before: f64, now: f64) {
        let from = self.ends.map_or(before, |(from, _)| from);
        self.ends = Some((from, now));
    }

    fn seconds(&self) -> Option<f64> {
        self.ends.map(|(from, to)| to - from)
    }
}

/// Write and read phase of one drive.
struct Phases {
    last: Traffic,
    seen: f64,
    /// When something was first seen to be written.
    first_write: Option<f64>,
    write: Span,
    /// Reads after the last write: what was read before it is no verify.
    read: Span,
}

impl Phases {
    fn new(from: Traffic) -> Self {
        Self {
            last: from,
            seen: 0.0,
            first_write: None,
            write: Span::default(),
            read: Span::default(),
        }
    }

    fn see(&mut self, now: f64, traffic: Traffic) {
        if traffic.read_bytes != self.last.read_bytes {
            self.read.see(self.seen, now);
        }
        if traffic.written_bytes != self.last.written_bytes {
            self.write.see(self.seen, now);
            self.first_write.get_or_insert(now);
            self.read = Span::default();
        }
        self.last = traffic;
        self.seen = now;
    }
}

/// User and system time of all children that were waited for.
fn cpu_seconds() -> anyhow::Result<(f64, f64)> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    children_seconds(&stat).context("parsing /proc/self/stat")
}

/// Fields 16 and 17 of proc_pid_stat(5), cutime and cstime; USER_HZ is 100 everywhere.
fn children_seconds(stat: &str) -> Option<(f64, f64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut words = rest.split_whitespace().skip(13);
    let mut seconds = || Some(words.next()?.parse::<f64>().ok()? / 100.0);
    Some((seconds()?, seconds()?))
}

/// None once it has ended.
fn rss_peak_bytes(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? << 10)
}

/// A program by name or path, as [`run::program`] starts it.
pub fn command<'a>(program: &str, arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = run::program(program);
    command.args(arguments);
    command
}

/// As it would be typed; of its environment only what makes a difference.
pub fn typed(command: &Command) -> String {
    let tunables = command
        .get_envs()
        .filter(|(name, _)| *name == GLIBC_TUNABLES)
        .filter_map(|(name, value)| Some((name, value?)))
        .map(|(name, value)| format!("{}={}", name.to_string_lossy(), value.to_string_lossy()));
    let words = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned());
    tunables.chain(words).collect::<Vec<_>>().join(" ")
}

/// Several of them in a line.
pub fn typed_all(commands: &[Command], separator: &str) -> String {
    let typed: Vec<String> = commands.iter().map(typed).collect();
    typed.join(separator)
}

/// Where the C library is told which instructions not to use.
pub const GLIBC_TUNABLES: &str = "GLIBC_TUNABLES";

#[cfg(test)]
mod tests {
    use super::*;

    fn traffic(read_bytes: u64, written_bytes: u64) -> Traffic {
        Traffic {
            read_bytes,
            written_bytes,
        }
    }

    #[test]
    fn phases_are_first_to_last_movement_and_reads_before_a_write_do_not_count() {
        let mut phases = Phases::new(traffic(100, 100));
        // Probing reads, then a write from 2 to 4 s, a flush, a read from 5 to 8 s.
        for (now, read, written) in [
            (1.0, 110, 100),
            (2.0, 110, 100),
            (3.0, 110, 200),
            (4.0, 110, 300),
            (5.0, 110, 300),
            (6.0, 200, 300),
            (8.0, 300, 300),
            (9.0, 300, 300),
        ] {
            phases.see(now, traffic(read, written));
        }
        assert_eq!(phases.first_write, Some(3.0));
        assert_eq!(phases.write.seconds(), Some(2.0));
        assert_eq!(phases.read.seconds(), Some(3.0));
    }

    #[test]
    fn a_program_that_never_reads_has_no_verify() {
        let mut phases = Phases::new(traffic(0, 0));
        phases.see(1.0, traffic(0, 5));
        assert_eq!(phases.read.seconds(), None);
    }

    #[test]
    fn children_time_is_found_behind_a_name_with_brackets() {
        let stat = "7 (a) b) R 1 1 1 0 -1 4194304 97 0 0 0 11 22 345 67 20 0 1 0 24";
        assert_eq!(children_seconds(stat), Some((3.45, 0.67)));
        assert_eq!(children_seconds("7 (a) R 1"), None);
    }
}
