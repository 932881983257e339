//! Drives limited to a rate, by the kernel's block I/O controller: what a real drive's speed does
//! to an eraser, without the drive.
//!
//! The kernel counts what a process in the cgroup submits to the device, so programs are started
//! inside. It charges a request twice that it has to split: those here fit a loop device's queue
//! when their memory is in huge pages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use super::devices::Drive;
use crate::run;

/// Where the controller is and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Controller {
    /// `blkio` of cgroup v1, by its mount point.
    One(PathBuf),
    /// `io` of cgroup v2.
    Two(PathBuf),
}

/// A cgroup of this run, which goes away at its end.
pub struct Limits {
    controller: Controller,
    path: PathBuf,
    /// The controller was off for children of the root, and is to be off again.
    switched_on: bool,
}

impl Limits {
    /// Makes the cgroup; so far it limits nothing.
    pub fn make() -> anyhow::Result<Self> {
        let mounts = fs::read_to_string("/proc/mounts").context("reading mounts")?;
        let controller = controller(&mounts, |root| {
            fs::read_to_string(root.join("cgroup.controllers")).unwrap_or_default()
        })
        .context(
            "no cgroup has a controller of block I/O here (blkio of v1, io of v2): no drive can be \
             limited to a rate",
        )?;
        let (Controller::One(root) | Controller::Two(root)) = &controller;
        let path = root.join(format!("raz-bench-{}", std::process::id()));
        // Fails when it exists: then it is not ours.
        fs::create_dir(&path).with_context(|| format!("making {}", path.display()))?;
        let mut limits = Self {
            controller,
            path,
            switched_on: false,
        };
        if let Controller::Two(root) = &limits.controller {
            limits.switched_on = switch_on(root)?;
        }
        Ok(limits)
    }

    /// Limits reads and writes of the drive, each to so much.
    pub fn limit(&self, drive: &Drive, bytes_per_second: u64) -> anyhow::Result<()> {
        drive.check()?;
        for (file, line) in lines(&self.controller, &drive.number()?, bytes_per_second) {
            put(&self.path.join(file), &line)?;
        }
        Ok(())
    }

    /// The same program, started inside.
    pub fn inside(&self, command: &Command) -> Command {
        let mut inside = run::program("sh");
        inside
            .args(["-c", r#"echo $$ > "$0" && exec "$@""#])
            .arg(self.path.join("cgroup.procs"))
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        inside
    }
}

impl Drop for Limits {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.path) {
            eprintln!("bench: removing {}: {error}", self.path.display());
        }
        if let (true, Controller::Two(root)) = (self.switched_on, &self.controller)
            && let Err(error) = put(&root.join(SUBTREE), "-io")
        {
            eprintln!("bench: {error:#}");
        }
    }
}

const SUBTREE: &str = "cgroup.subtree_control";

/// The controller is with one version of cgroups at a time; `controllers` says what a v2 root has.
fn controller(mounts: &str, controllers: impl Fn(&Path) -> String) -> Option<Controller> {
    let has = |text: &str, separator, word| text.split(separator).any(|one| one == word);
    mounts.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (point, kind, options) = (words.next()?, words.next()?, words.next()?);
        match kind {
            "cgroup" if has(options, ',', "blkio") => Some(Controller::One(point.into())),
            "cgroup2" if has(controllers(Path::new(point)).trim(), ' ', "io") => {
                Some(Controller::Two(point.into()))
            }
            _ => None,
        }
    })
}

/// Whether it had to be switched on.
fn switch_on(root: &Path) -> anyhow::Result<bool> {
    let path = root.join(SUBTREE);
    let on = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    if on.split_whitespace().any(|word| word == "io") {
        return Ok(false);
    }
    put(&path, "+io")?;
    Ok(true)
}

/// What goes into which file of the cgroup.
fn lines(controller: &Controller, number: &str, rate: u64) -> Vec<(&'static str, String)> {
    match controller {
        Controller::One(_) => vec![
            (
                "blkio.throttle.write_bps_device",
                format!("{number} {rate}"),
            ),
            ("blkio.throttle.read_bps_device", format!("{number} {rate}")),
        ],
        Controller::Two(_) => vec![("io.max", format!("{number} rbps={rate} wbps={rate}"))],
    }
}

fn put(path: &Path, line: &str) -> anyhow::Result<()> {
    fs::write(path, line).with_context(|| format!("writing {line:?} to {}", path.display()))
}

/// An error when what was measured was faster than its limit allows: then nothing was limited, and
/// the figures say something else than their heading. A quarter is for the rate that the kernel
/// lets pass in advance, which weighs in a short run.
pub fn check_held(seconds: f64, bytes: u64, bytes_per_second: u64) -> anyhow::Result<()> {
    let rate = bytes as f64 / seconds;
    let limit = bytes_per_second as f64;
    if rate > limit * 1.25 {
        bail!(
            "{:.0} MB/s on a drive limited to {:.0} MB/s: the limit does not hold",
            rate / 1e6,
            limit / 1e6
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_controller_is_found_in_either_version() {
        let one = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n\
                   cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n\
                   cgroup /sys/fs/cgroup/blkio cgroup rw,relatime,blkio 0 0\n\
                   cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        let two = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n";
        let found = |mounts, controllers: &str| controller(mounts, |_| controllers.to_owned());
        assert_eq!(
            found(one, ""),
            Some(Controller::One("/sys/fs/cgroup/blkio".into()))
        );
        assert_eq!(
            found(two, "cpuset cpu io memory\n"),
            Some(Controller::Two("/sys/fs/cgroup".into()))
        );
        assert_eq!(found(two, "cpuset cpu\n"), None);
        assert_eq!(found("tmpfs /tmp tmpfs rw 0 0\n", "io"), None);
    }

    #[test]
    fn both_directions_are_limited_in_either_version() {
        let one = lines(&Controller::One(PathBuf::new()), "7:3", 80_000_000);
        assert_eq!(
            one,
            [
                ("blkio.throttle.write_bps_device", "7:3 80000000".to_owned()),
                ("blkio.throttle.read_bps_device", "7:3 80000000".to_owned()),
            ]
        );
        let two = lines(&Controller::Two(PathBuf::new()), "7:3", 80_000_000);
        assert_eq!(
            two,
            [("io.max", "7:3 rbps=80000000 wbps=80000000".to_owned())]
        );
    }

    #[test]
    fn what_was_faster_than_its_limit_is_no_figure() {
        assert!(check_held(1.0, 100, 100).is_ok());
        assert!(check_held(0.9, 100, 100).is_ok(), "what passed in advance");
        assert!(check_held(2.0, 100, 100).is_ok(), "slower is a figure");
        assert!(check_held(0.5, 100, 100).is_err());
    }

    #[test]
    fn a_program_keeps_its_words_and_its_environment_inside() {
        let limits = Limits {
            controller: Controller::One(PathBuf::new()),
            path: PathBuf::from("/nonexistent/ours"),
            switched_on: false,
        };
        let mut command = run::program("fio");
        command.args(["--name=a b", "$x"]).env("KEPT", "1");
        let inside = limits.inside(&command);
        let words: Vec<_> = inside.get_args().skip(2).collect();
        assert_eq!(
            words,
            ["/nonexistent/ours/cgroup.procs", "fio", "--name=a b", "$x"]
        );
        assert!(
            inside
                .get_envs()
                .any(|(name, value)| name == "KEPT" && value == Some("1".as_ref()))
        );
    }
}
