//! Loop devices over files of the test's own, and the binary under test.

use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A size that is no multiple of a request, of 4 KiB sectors or of a MiB.
pub const ODD_BYTES: u64 = 3 * 1024 * 1024 + 7 * 512;

/// What a run of the binary left behind.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Asserts the exit status and gives the run back.
    #[track_caller]
    pub fn with_status(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    /// Asserts that standard error says all of `words`.
    #[track_caller]
    pub fn telling(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.err.contains(word), "{word:?} is missing: {self:#?}");
        }
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// The command `raz` with these arguments, not started yet.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_raz"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs `raz` to its end.
pub fn raz(arguments: &[&str]) -> Ran {
    ran(&mut command(arguments))
}

/// Runs a command to its end. A signal counts as a status of its own.
pub fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs a tool that the test needs.
#[track_caller]
pub fn tool(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}: these tests need it, and root"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A folder of the test's own. Paths in it are given as text, as a command line has them.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        text(&self.path(name)).to_owned()
    }
}

/// A loop device over a new file.
pub struct Loop {
    pub folder: Folder,
    pub path: String,
    mounted: Vec<PathBuf>,
}

impl Loop {
    /// Over a file full of something recognisable.
    pub fn new(bytes: u64) -> Self {
        Self::with(bytes, &[], |file| fill(file, bytes))
    }

    /// Over a file without a single allocated block.
    pub fn sparse(bytes: u64) -> Self {
        Self::with(bytes, &[], |_| {})
    }

    /// That the kernel does not write to.
    pub fn read_only(bytes: u64) -> Self {
        Self::with(bytes, &["--read-only"], |file| fill(file, bytes))
    }

    /// With sectors of this size.
    pub fn with_sectors(bytes: u64, sector_bytes: u32) -> Self {
        let size = format!("--sector-size={sector_bytes}");
        Self::with(bytes, &[&size], |file| fill(file, bytes))
    }

    /// With one partition. The partition is told to the kernel rather than found by it: not every
    /// kernel reads partition tables.
    pub fn partitioned(bytes: u64) -> Self {
        let made = Self::with(bytes, &["--partscan"], |file| fill(file, bytes));
        tool("addpart", &[&made.path, "1", "8", "64"]);
        made
    }

    fn with(bytes: u64, options: &[&str], prepare: impl FnOnce(&Path)) -> Self {
        let folder = Folder::new();
        let file = folder.path("backing.img");
        File::create(&file).unwrap().set_len(bytes).unwrap();
        prepare(&file);
        let path = attach(&file, options);
        Self {
            folder,
            path,
            mounted: Vec::new(),
        }
    }

    /// The file behind it.
    pub fn file(&self) -> PathBuf {
        self.folder.path("backing.img")
    }

    pub fn name(&self) -> &str {
        self.path.strip_prefix("/dev/").unwrap()
    }

    /// The device is still the one over the test's own file. Asked before every wipe.
    #[track_caller]
    pub fn assert_ours(&self) {
        let shown = format!("/sys/block/{}/loop/backing_file", self.name());
        let backing = fs::read_to_string(shown).unwrap();
        assert_eq!(Path::new(backing.trim_end()), self.file());
    }

    /// Digest of the backing file.
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(fs::read(self.file()).unwrap()))
    }

    /// The id that `raz drives` shows.
    #[track_caller]
    pub fn id(&self) -> String {
        let listed = raz(&["drives", "--json", &self.path]).with_status(0).json();
        listed[0]["id"].as_str().unwrap().to_owned()
    }

    /// Puts an ext4 file system on it and mounts that in a folder of the test's.
    pub fn mount(&mut self) -> PathBuf {
        tool("mkfs.ext4", &["-q", "-F", &self.path]);
        self.mount_as_it_is()
    }

    pub fn mount_as_it_is(&mut self) -> PathBuf {
        let at = self.folder.path("mounted");
        fs::create_dir(&at).unwrap();
        tool("mount", &["-o", "ro,noload", &self.path, text(&at)]);
        self.mounted.push(at.clone());
        at
    }

    /// Changes one byte, through the device, past every cache of the file.
    pub fn flip_byte(&self, offset_bytes: u64) {
        self.assert_ours();
        let device = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(&self.path)
            .unwrap();
        let mut byte = [0];
        device.read_exact_at(&mut byte, offset_bytes).unwrap();
        device.write_all_at(&[!byte[0]], offset_bytes).unwrap();
        device.sync_all().unwrap();
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        for at in &self.mounted {
            let _ = Command::new("umount").arg(at).status();
        }
        let _ = Command::new("losetup").args(["-d", &self.path]).status();
    }
}

/// Another loop device over the file of an existing one.
pub struct Twin {
    pub path: String,
}

impl Twin {
    pub fn of(original: &Loop) -> Self {
        Self {
            path: attach(&original.file(), &[]),
        }
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        let _ = Command::new("losetup").args(["-d", &self.path]).status();
    }
}

fn attach(file: &Path, options: &[&str]) -> String {
    let mut arguments = vec!["--find", "--show"];
    arguments.extend(options);
    arguments.push(text(file));
    let path = tool("losetup", &arguments).trim().to_owned();
    assert!(path.starts_with("/dev/loop"), "{path}");
    path
}

fn fill(file: &Path, bytes: u64) {
    let line = b"a letter that must not be read by anybody else\n";
    let content: Vec<u8> = line.iter().copied().cycle().take(bytes as usize).collect();
    fs::write(file, content).unwrap();
}

/// `raz wipe` of these drives with their ids confirmed.
#[track_caller]
pub fn wipe(drives: &[&Loop], options: &[&str]) -> Ran {
    let arguments = wipe_arguments(drives, options);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    raz(&arguments)
}

/// The arguments of [`wipe`].
#[track_caller]
pub fn wipe_arguments(drives: &[&Loop], options: &[&str]) -> Vec<String> {
    let mut arguments = vec!["wipe".to_owned()];
    for drive in drives {
        drive.assert_ours();
        arguments.extend([drive.path.clone(), "--confirm".into(), drive.id()]);
    }
    arguments.extend(options.iter().map(|option| (*option).to_owned()));
    arguments
}

/// Runs something that must leave every drive's file as it was.
#[track_caller]
pub fn untouched(drives: &[&Loop], run: impl FnOnce() -> Ran) -> Ran {
    let digests = || -> Vec<String> { drives.iter().map(|drive| drive.digest()).collect() };
    let before = digests();
    let ran = run();
    assert_eq!(digests(), before, "bytes were written: {ran:#?}");
    ran
}
