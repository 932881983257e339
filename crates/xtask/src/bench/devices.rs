//! The bench's own drives: loop devices over files that it makes, and nothing else.
//!
//! Before anything writes to one, [`Drive::check`] asks the kernel which file is behind it. When
//! the folder goes, every loop device over a file in it goes first, known to us or not: an
//! interruption may have come between the making of a device and our learning its name.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

use crate::run;

const SYSFS: &str = "/sys";
/// What the files need not fill.
const SPARE_MEMORY_BYTES: u64 = 2 << 30;

/// Where the files lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backing {
    /// A tmpfs.
    Memory,
    /// The checkout's file system, past its cache.
    File,
}

impl Backing {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory-backed",
            Self::File => "file-backed",
        }
    }
}

/// A folder of this run, with the loop devices over its files.
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes it, in memory or under the checkout's `target`; `purpose` tells those of a run apart.
    pub fn make(root: &Path, backing: Backing, purpose: &str) -> anyhow::Result<Self> {
        let parent = match backing {
            Backing::Memory => {
                let mounts = fs::read_to_string("/proc/mounts").context("reading mounts")?;
                ensure!(
                    is_tmpfs(&mounts, "/dev/shm"),
                    "/dev/shm is no tmpfs: nowhere to make memory-backed devices"
                );
                PathBuf::from("/dev/shm")
            }
            Backing::File => root.join("target"),
        };
        let path = parent.join(format!("raz-bench-{}-{purpose}", std::process::id()));
        fs::create_dir_all(&parent)?;
        // Fails when it exists: then it is not ours.
        fs::create_dir(&path).with_context(|| format!("making {}", path.display()))?;
        let path = path.canonicalize()?;
        Ok(Self { path })
    }

    /// Its canonical path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A drive over a new file. Its space is allocated, but has never been written.
    fn drive(&self, number: usize, bytes: u64, backing: Backing) -> anyhow::Result<Drive> {
        let file = self.path.join(format!("drive-{number}"));
        run::output(
            run::program("fallocate")
                .arg("--length")
                .arg(bytes.to_string())
                .arg(&file),
        )?;
        let mut losetup = run::program("losetup");
        losetup.args(["--find", "--show"]);
        match backing {
            Backing::Memory => {}
            Backing::File => {
                losetup.arg("--direct-io=on");
            }
        }
        let device = PathBuf::from(run::output(losetup.arg(&file))?.trim());
        let drive = Drive {
            device,
            file,
            bytes,
        };
        drive.check()?;
        Ok(drive)
    }

    /// A folder with drives of these sizes, if the memory would hold memory-backed ones.
    pub fn with_drives(
        root: &Path,
        bytes: &[u64],
        backing: Backing,
    ) -> anyhow::Result<(Self, Vec<Drive>)> {
        if backing == Backing::Memory {
            let meminfo = fs::read_to_string("/proc/meminfo")?;
            check_memory(&meminfo, bytes.iter().sum())?;
        }
        let folder = Self::make(root, backing, "drives")?;
        let drives = bytes
            .iter()
            .enumerate()
            .map(|(number, bytes)| folder.drive(number, *bytes, backing))
            .collect::<anyhow::Result<_>>()?;
        Ok((folder, drives))
    }

    fn detach_all(&self) {
        for (device, file) in attached(Path::new(SYSFS)) {
            if file.parent() == Some(&self.path) {
                // A group of its own: a second Ctrl-C does not end it half-way.
                let detached = run::output(
                    run::program("losetup")
                        .arg("--detach")
                        .arg(&device)
                        .process_group(0),
                );
                if let Err(error) = detached {
                    eprintln!("bench: {error:#}");
                }
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.detach_all();
        if let Err(error) = fs::remove_dir_all(&self.path) {
            eprintln!("bench: removing {}: {error}", self.path.display());
        }
    }
}

/// A loop device of this run.
#[derive(Clone, Debug)]
pub struct Drive {
    device: PathBuf,
    file: PathBuf,
    bytes: u64,
}

impl Drive {
    /// Its size.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// `MAJOR:MINOR`, by which cgroups know it.
    pub fn number(&self) -> anyhow::Result<String> {
        let path = block(Path::new(SYSFS), &self.device)?.join("dev");
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok(text.trim().to_owned())
    }

    /// The device's path, after asking the kernel that it is still the one over our file.
    pub fn check(&self) -> anyhow::Result<&Path> {
        check(Path::new(SYSFS), &self.device, &self.file)?;
        Ok(&self.device)
    }

    /// Bytes that were read from and written to it since it exists.
    pub fn traffic(&self) -> anyhow::Result<Traffic> {
        let path = block(Path::new(SYSFS), &self.device)?.join("stat");
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        traffic(&text).with_context(|| format!("parsing {}", path.display()))
    }
}

/// Counters of a block device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    pub read_bytes: u64,
    pub written_bytes: u64,
}

/// Fields 3 and 7 of the kernel's Documentation/block/stat.rst, in sectors of 512 bytes.
fn traffic(text: &str) -> Option<Traffic> {
    let field = |index| {
        let sectors: u64 = text.split_whitespace().nth(index)?.parse().ok()?;
        sectors.checked_mul(512)
    };
    Some(Traffic {
        read_bytes: field(2)?,
        written_bytes: field(6)?,
    })
}

/// Refuses when the memory would not hold the files.
fn check_memory(meminfo: &str, bytes: u64) -> anyhow::Result<()> {
    let available = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|kib| kib.parse::<u64>().ok())
        .context("reading the available memory")?
        << 10;
    ensure!(
        available >= bytes.saturating_add(SPARE_MEMORY_BYTES),
        "{} GiB of memory-backed drives need {} GiB available, there are {}: take a smaller --gib, \
         fewer --drives or fewer --seconds",
        bytes >> 30,
        (bytes + SPARE_MEMORY_BYTES) >> 30,
        available >> 30
    );
    Ok(())
}

fn is_tmpfs(mounts: &str, point: &str) -> bool {
    // The last mount on a point is the one that is seen.
    mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            Some((words.next()?, words.next()?))
        })
        .rfind(|(at, _)| *at == point)
        .is_some_and(|(_, kind)| kind == "tmpfs")
}

/// `/sys/block/loopN` of a device that is called `/dev/loopN`; no other name passes.
fn block(sysfs: &Path, device: &Path) -> anyhow::Result<PathBuf> {
    let shown = device.display();
    let name = device
        .to_str()
        .and_then(|path| path.strip_prefix("/dev/"))
        .with_context(|| format!("{shown}: no device name"))?;
    let number = name.strip_prefix("loop").unwrap_or_default();
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        bail!("{shown}: not a loop device");
    }
    Ok(sysfs.join("block").join(name))
}

fn check(sysfs: &Path, device: &Path, file: &Path) -> anyhow::Result<()> {
    let shown = device.display();
    let attribute = block(sysfs, device)?.join("loop/backing_file");
    let backing = fs::read_to_string(&attribute)
        .with_context(|| format!("{shown}: nothing is attached any more"))?;
    let backing = Path::new(backing.trim_end_matches('\n'));
    ensure!(
        backing == file,
        "{shown} is over {}, not over our {}",
        backing.display(),
        file.display()
    );
    Ok(())
}

/// Every attached loop device with its file.
fn attached(sysfs: &Path) -> Vec<(PathBuf, PathBuf)> {
    let entries = fs::read_dir(sysfs.join("block"))
        .into_iter()
        .flatten()
        .flatten();
    entries
        .filter_map(|entry| {
            let backing = fs::read_to_string(entry.path().join("loop/backing_file")).ok()?;
            Some((
                Path::new("/dev").join(entry.file_name()),
                PathBuf::from(backing.trim_end_matches('\n')),
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sysfs(devices: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, backing) in devices {
            let path = folder.path().join("block").join(name).join("loop");
            fs::create_dir_all(&path).expect("a device");
            fs::write(path.join("backing_file"), format!("{backing}\n")).expect("its file");
        }
        fs::create_dir_all(folder.path().join("block/vda")).expect("a disk");
        folder
    }

    #[test]
    fn a_loop_over_our_file_passes_and_over_any_other_does_not() {
        let sysfs = sysfs(&[
            ("loop3", "/dev/shm/ours/drive-0"),
            ("loop4", "/srv/someone-elses"),
            ("loop5", "/dev/shm/ours/drive-0 (deleted)"),
        ]);
        let ours = Path::new("/dev/shm/ours/drive-0");
        let check = |device: &str| check(sysfs.path(), Path::new(device), ours);
        assert!(check("/dev/loop3").is_ok());
        assert!(check("/dev/loop4").is_err());
        assert!(check("/dev/loop5").is_err());
        assert!(check("/dev/loop6").is_err(), "nothing attached");
    }

    #[test]
    fn what_is_not_called_loop_and_a_number_is_refused() {
        let sysfs = sysfs(&[("loop3", "/a"), ("loop3p1", "/a"), ("vdb", "/a")]);
        for device in [
            "/dev/vdb",
            "/dev/loop",
            "/dev/loop3p1",
            "/dev/../dev/loop3",
            "/dev/loop3/../vdb",
            "loop3",
            "/dev/disk/by-id/loop3",
        ] {
            assert!(
                check(sysfs.path(), Path::new(device), Path::new("/a")).is_err(),
                "{device}"
            );
        }
    }

    #[test]
    fn attached_devices_are_found_with_their_files() {
        let sysfs = sysfs(&[("loop3", "/a/b"), ("loop10", "/c d")]);
        let mut found = attached(sysfs.path());
        found.sort();
        assert_eq!(
            found,
            [
                (PathBuf::from("/dev/loop10"), PathBuf::from("/c d")),
                (PathBuf::from("/dev/loop3"), PathBuf::from("/a/b")),
            ]
        );
    }

    #[test]
    fn traffic_is_in_bytes() {
        let line =
            "  107438        0 190660724   131019   181111     1911 192955526   151899 0 1 2\n";
        assert_eq!(
            traffic(line),
            Some(Traffic {
                read_bytes: 190_660_724 * 512,
                written_bytes: 192_955_526 * 512,
            })
        );
        assert_eq!(traffic("1 2 3"), None);
    }

    #[test]
    fn memory_that_would_not_hold_the_drives_is_refused() {
        let meminfo = "MemTotal: 16777216 kB\nMemAvailable:    8388608 kB\n";
        assert!(check_memory(meminfo, 6 << 30).is_ok());
        assert!(check_memory(meminfo, 7 << 30).is_err());
        assert!(check_memory("", 1).is_err());
    }

    #[test]
    fn the_last_mount_on_a_point_counts() {
        assert!(is_tmpfs("tmpfs /dev/shm tmpfs rw 0 0\n", "/dev/shm"));
        let over = "tmpfs /dev/shm tmpfs rw 0 0\n/dev/vdb /dev/shm ext4 rw 0 0\n";
        assert!(!is_tmpfs(over, "/dev/shm"));
        assert!(!is_tmpfs("tmpfs /run tmpfs rw 0 0\n", "/dev/shm"));
    }
}
