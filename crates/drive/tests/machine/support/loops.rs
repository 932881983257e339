//! Loop devices over files of the test's own, given back when the test ends.
//!
//! Needs root and loop devices: without them the test fails and says so, because a claim that was
//! never tried must not count as tested.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A loop device over a file of its own.
pub struct Loop {
    dir: TempDir,
    /// Device node.
    pub path: PathBuf,
    mounted_at: Option<PathBuf>,
}

impl Loop {
    /// A loop device of `len_bytes` over a new file.
    pub fn new(len_bytes: u64) -> Self {
        Self::attached(len_bytes, &[], |_| {})
    }

    /// A loop device that the kernel does not write to.
    pub fn read_only(len_bytes: u64) -> Self {
        Self::attached(len_bytes, &["--read-only"], |_| {})
    }

    /// A loop device over a file that holds an ext4 file system with this UUID.
    pub fn ext4(len_bytes: u64, uuid: &str) -> Self {
        Self::attached(len_bytes, &[], |file| {
            run(Command::new("mkfs.ext4").args(["-q", "-U", uuid]).arg(file));
        })
    }

    fn attached(len_bytes: u64, options: &[&str], fill: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("backing.img");
        fs::File::create(&file).unwrap().set_len(len_bytes).unwrap();
        fill(&file);
        let path = attach(&file, options);
        let made = Self {
            dir,
            path: path.into(),
            mounted_at: None,
        };
        // Before anything is written: the device is the one over our own file.
        let backing = fs::read_to_string(made.sys("loop/backing_file")).unwrap();
        assert_eq!(Path::new(backing.trim()), made.file());
        made
    }

    /// Kernel name.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap().to_str().unwrap().to_owned()
    }

    /// The file behind it.
    pub fn file(&self) -> PathBuf {
        self.dir.path().join("backing.img")
    }

    /// An attribute's path in the real sysfs.
    pub fn sys(&self, attribute: &str) -> PathBuf {
        Path::new("/sys/block").join(self.name()).join(attribute)
    }

    /// Another loop device, over this one's file or node.
    pub fn door(&self, over: &Path, options: &[&str]) -> Door {
        assert!(over == self.file() || over == self.path);
        let path = attach(over, options);
        Door { path: path.into() }
    }

    /// Mounts its file system, read-only, in a folder of its own.
    pub fn mount(&mut self) -> PathBuf {
        let at = self.dir.path().join("mnt");
        fs::create_dir(&at).unwrap();
        run(Command::new("mount")
            .args(["-o", "ro"])
            .arg(&self.path)
            .arg(&at));
        self.mounted_at = Some(at.clone());
        at
    }

    /// Puts another new file behind the same device name.
    pub fn reattach(&self, len_bytes: u64) {
        let file = self.dir.path().join("other.img");
        fs::File::create(&file).unwrap().set_len(len_bytes).unwrap();
        run(Command::new("losetup").arg("--detach").arg(&self.path));
        run(Command::new("losetup").arg(&self.path).arg(&file));
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        if let Some(at) = &self.mounted_at {
            let _ = Command::new("umount").arg(at).status();
        }
        let _ = Command::new("losetup")
            .arg("--detach")
            .arg(&self.path)
            .status();
    }
}

/// A second loop device, never written to.
pub struct Door {
    path: PathBuf,
}

impl Door {
    /// Kernel name.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap().to_str().unwrap().to_owned()
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ = Command::new("losetup")
            .arg("--detach")
            .arg(&self.path)
            .status();
    }
}

fn attach(over: &Path, options: &[&str]) -> String {
    let path = run(Command::new("losetup")
        .args(["--find", "--show"])
        .args(options)
        .arg(over));
    path.trim().to_owned()
}

fn run(command: &mut Command) -> String {
    let out = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}: claims are tested on loop devices"));
    assert!(
        out.status.success(),
        "{command:?} failed: claims are tested on loop devices, which need root and a kernel with \
         them: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).unwrap()
}
