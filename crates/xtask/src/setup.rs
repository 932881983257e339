//! What the image, the lab and the bench need beyond Rust.
//!
//! Looks for the programs first, so that a machine that has them pays nothing. As root the missing
//! ones are installed with apt; otherwise they are named in one line and nothing is changed.

use std::fmt;
use std::path::Path;

use crate::run;

/// How far the set-up goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// What `cargo xtask image` starts.
    Image,
    /// That, and what the demo and the scenario tests start.
    Lab,
    /// What `cargo xtask bench` measures and measures with.
    Bench,
}

impl Need {
    fn includes(self, other: Self) -> bool {
        match self {
            Self::Image | Self::Bench => self == other,
            Self::Lab => matches!(other, Self::Image | Self::Lab),
        }
    }
}

/// Something a person has to install: the commands end with status 2.
#[derive(Debug)]
pub struct Missing(String);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

/// One thing that must be there: a program on the path (any of the names) or a file.
struct Tool {
    /// Program names (found on PATH) or absolute paths.
    any_of: &'static [&'static str],
    /// Debian's package that brings it.
    package: &'static str,
    need: Need,
}

const fn tool(any_of: &'static [&'static str], package: &'static str, need: Need) -> Tool {
    Tool {
        any_of,
        package,
        need,
    }
}

const TOOLS: &[Tool] = &[
    tool(&["cc"], "gcc", Need::Image),
    tool(&["dpkg-deb"], "dpkg", Need::Image),
    tool(&["depmod"], "kmod", Need::Image),
    tool(
        &["/usr/share/keyrings/debian-archive-keyring.gpg"],
        "debian-archive-keyring",
        Need::Image,
    ),
    tool(&["qemu-system-x86_64"], "qemu-system-x86", Need::Lab),
    tool(&["/usr/share/OVMF/OVMF_CODE_4M.fd"], "ovmf", Need::Lab),
    tool(&["mke2fs"], "e2fsprogs", Need::Lab),
    tool(&["mkntfs"], "ntfs-3g", Need::Lab),
    tool(&["mkfs.fat"], "dosfstools", Need::Lab),
    tool(&["mcopy"], "mtools", Need::Lab),
    tool(&["cpio"], "cpio", Need::Lab),
    tool(&["ssh-keygen"], "openssh-client", Need::Lab),
    tool(&["openssl"], "openssl", Need::Lab),
    tool(&["curl"], "curl", Need::Lab),
    tool(
        &["chromium", "chromium-browser", "google-chrome"],
        "chromium",
        Need::Lab,
    ),
    tool(&["losetup"], "mount", Need::Bench),
    tool(&["fallocate"], "util-linux", Need::Bench),
    tool(&["kill"], "procps", Need::Bench),
    tool(&["fio"], "fio", Need::Bench),
    tool(&["scrub"], "scrub", Need::Bench),
    tool(&["shred"], "coreutils", Need::Bench),
    tool(&["badblocks"], "e2fsprogs", Need::Bench),
];

/// Makes sure that everything `need` asks for is there.
pub fn run(need: Need) -> anyhow::Result<()> {
    let missing = missing(need, &run::search_path());
    if missing.is_empty() {
        return Ok(());
    }
    if !is_root() || !found("apt-get", &run::search_path()) {
        return Err(Missing(format!(
            "install these packages first: {}",
            missing.join(" ")
        ))
        .into());
    }
    // Standard output is the caller's: `bench --json` prints one document on it.
    eprintln!("setup: installing {}", missing.join(" "));
    let install = || {
        let mut command = run::program("apt-get");
        command
            .stdout(std::io::stderr())
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "--yes", "--quiet", "--no-install-recommends"])
            .args(&missing);
        run::run(&mut command)
    };
    if install().is_err() {
        // The lists are absent on a fresh machine and stale on an old one.
        run::run(
            run::program("apt-get")
                .stdout(std::io::stderr())
                .args(["update", "--quiet"]),
        )?;
        install()?;
    }
    Ok(())
}

/// Packages whose programs are not there.
fn missing(need: Need, path: &str) -> Vec<&'static str> {
    TOOLS
        .iter()
        .filter(|tool| need.includes(tool.need))
        .filter(|tool| !tool.any_of.iter().any(|name| found(name, path)))
        .map(|tool| tool.package)
        .collect()
}

fn found(name: &str, path: &str) -> bool {
    if name.starts_with('/') {
        return Path::new(name).exists();
    }
    path.split(':')
        .any(|folder| Path::new(folder).join(name).is_file())
}

/// Whether the effective user is root, by /proc: xtask has no door to the kernel of its own.
pub fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        status
            .lines()
            .find_map(|line| line.strip_prefix("Uid:"))
            .and_then(|ids| ids.split_whitespace().nth(1))
            == Some("0")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_path_misses_every_program_once() {
        let mut names = missing(Need::Lab, "/nonexistent");
        assert!(names.contains(&"qemu-system-x86") && names.contains(&"kmod"));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn the_image_alone_does_not_ask_for_the_lab() {
        assert!(!missing(Need::Image, "/nonexistent").contains(&"qemu-system-x86"));
    }

    #[test]
    fn the_bench_and_the_lab_do_not_ask_for_each_other() {
        let bench = missing(Need::Bench, "/nonexistent");
        assert!(bench.contains(&"fio") && !bench.contains(&"qemu-system-x86"));
        assert!(!missing(Need::Lab, "/nonexistent").contains(&"fio"));
    }
}
