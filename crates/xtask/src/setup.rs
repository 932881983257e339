//! What the image, the tests, the lab and the bench need beyond Rust.
//!
//! Looks for the programs first, so that a machine that has them pays nothing. As root the missing
//! ones are installed with apt; otherwise they are named in one line and nothing is changed.

use std::fmt;
use std::path::Path;

use crate::run;

/// What a verb is about to do: each asks for one or several.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// What building raz and its image starts.
    Image,
    /// What checks buildroot-config/.
    Buildroot,
    /// What the demo and the scenario tests start.
    Lab,
    /// What the tests of our crates start, and the checks before them.
    Tests,
    /// What `cargo xtask bench` measures and measures with.
    Bench,
    /// What nwipe does not start without.
    Nwipe,
}

/// All but the bench: what a checkout is worked on with.
pub const ALL: &[Need] = &[Need::Image, Need::Tests, Need::Buildroot, Need::Lab];

/// Why packages alone are not enough for the tests.
pub const ROOT: &str = "the tests attach loop devices and mount file systems: run them as root";

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
    /// Who starts it.
    needs: &'static [Need],
}

const fn tool(
    any_of: &'static [&'static str],
    package: &'static str,
    needs: &'static [Need],
) -> Tool {
    Tool {
        any_of,
        package,
        needs,
    }
}

/// Where several programs of one package are started, one stands for it.
const TOOLS: &[Tool] = &[
    tool(&["cc"], "gcc", &[Need::Image, Need::Tests]),
    tool(&["dpkg-deb"], "dpkg", &[Need::Image]),
    tool(&["depmod"], "kmod", &[Need::Image]),
    tool(
        &["/usr/share/keyrings/debian-archive-keyring.gpg"],
        "debian-archive-keyring",
        &[Need::Image],
    ),
    tool(&["make"], "make", &[Need::Buildroot]),
    tool(&["bison"], "bison", &[Need::Buildroot]),
    tool(&["flex"], "flex", &[Need::Buildroot]),
    tool(&["shellcheck"], "shellcheck", &[Need::Buildroot]),
    tool(&["xorriso"], "xorriso", &[Need::Buildroot]),
    tool(&["xz"], "xz-utils", &[Need::Buildroot]),
    tool(&["qemu-system-x86_64"], "qemu-system-x86", &[Need::Lab]),
    tool(&["/usr/share/OVMF/OVMF_CODE_4M.fd"], "ovmf", &[Need::Lab]),
    tool(
        &["/usr/share/OVMF/OVMF32_CODE_4M.secboot.fd"],
        "ovmf-ia32",
        &[Need::Lab],
    ),
    tool(&["mke2fs"], "e2fsprogs", &[Need::Lab]),
    tool(&["mkntfs"], "ntfs-3g", &[Need::Lab]),
    tool(&["mkfs.fat"], "dosfstools", &[Need::Lab]),
    tool(&["mcopy"], "mtools", &[Need::Buildroot, Need::Lab]),
    tool(&["cpio"], "cpio", &[Need::Lab]),
    tool(&["curl"], "curl", &[Need::Lab]),
    tool(&["ip"], "iproute2", &[Need::Lab]),
    tool(&["dnsmasq"], "dnsmasq-base", &[Need::Lab]),
    tool(&["ssh-keygen"], "openssh-client", &[Need::Lab, Need::Tests]),
    tool(&["openssl"], "openssl", &[Need::Lab, Need::Tests]),
    tool(&["git"], "git", &[Need::Tests]),
    tool(&["mkfs.ext4"], "e2fsprogs", &[Need::Tests]),
    tool(
        &["losetup"],
        "mount",
        &[Need::Lab, Need::Tests, Need::Bench],
    ),
    tool(&["setpriv"], "util-linux", &[Need::Lab, Need::Tests]),
    tool(&["kill"], "procps", &[Need::Tests, Need::Bench]),
    tool(&["chromium"], "chromium", &[Need::Tests]),
    tool(&["fallocate"], "util-linux", &[Need::Bench]),
    tool(&["fio"], "fio", &[Need::Bench]),
    tool(&["scrub"], "scrub", &[Need::Bench]),
    tool(&["shred"], "coreutils", &[Need::Bench]),
    tool(&["badblocks"], "e2fsprogs", &[Need::Bench]),
    tool(&["hdparm"], "hdparm", &[Need::Nwipe]),
    tool(&["smartctl"], "smartmontools", &[Need::Nwipe]),
];

/// Makes sure that everything `needs` ask for is there.
pub fn run(needs: &[Need]) -> anyhow::Result<()> {
    let missing = missing(needs, &run::search_path());
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

/// Packages whose programs are not there, each once.
fn missing(needs: &[Need], path: &str) -> Vec<&'static str> {
    let mut packages = Vec::new();
    for tool in TOOLS {
        let is_needed = tool.needs.iter().any(|need| needs.contains(need));
        let is_there = || tool.any_of.iter().any(|name| found(name, path));
        if is_needed && !packages.contains(&tool.package) && !is_there() {
            packages.push(tool.package);
        }
    }
    packages
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
    fn an_empty_path_misses_every_package_once() {
        let mut names = missing(ALL, "/nonexistent");
        assert!(names.contains(&"qemu-system-x86") && names.contains(&"kmod"));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn the_image_alone_does_not_ask_for_the_lab() {
        assert!(!missing(&[Need::Image], "/nonexistent").contains(&"qemu-system-x86"));
    }

    #[test]
    fn the_quick_tests_ask_for_all_that_they_start_and_for_no_machine() {
        let tests = missing(&[Need::Tests], "/nonexistent");
        for package in [
            "chromium",
            "e2fsprogs",
            "mount",
            "openssh-client",
            "openssl",
            "procps",
            "util-linux",
        ] {
            assert!(tests.contains(&package), "{package}");
        }
        assert!(!tests.contains(&"qemu-system-x86"));
    }

    #[test]
    fn the_bench_and_the_lab_do_not_ask_for_each_other() {
        let bench = missing(&[Need::Bench], "/nonexistent");
        assert!(bench.contains(&"fio") && !bench.contains(&"qemu-system-x86"));
        assert!(!missing(ALL, "/nonexistent").contains(&"fio"));
    }
}
