//! The folders that the machine is read from, and bounded reads that never fail loudly.
//!
//! A file that does not exist is an answer (`None`). A file that exists and cannot be read is an
//! oddity with its name. Names of oddities are relative to the root: a report must not depend on
//! where the root was mounted.

use crate::text;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes read from one file at most. The largest file wanted is the SMBIOS table (a few hundred
/// KiB on servers); anything longer is not what we came for.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Where the kernel's file systems are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// Usually `/sys`.
    pub sys: PathBuf,
    /// Usually `/proc`.
    pub proc: PathBuf,
}

impl Roots {
    /// The running machine.
    #[must_use]
    pub fn live() -> Self {
        Self {
            sys: PathBuf::from("/sys"),
            proc: PathBuf::from("/proc"),
        }
    }
}

/// Reads below [`Roots`] and collects what was odd on the way.
pub(crate) struct Reader<'a> {
    roots: &'a Roots,
    pub(crate) oddities: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(roots: &'a Roots) -> Self {
        Self {
            roots,
            oddities: Vec::new(),
        }
    }

    pub(crate) fn odd(&mut self, what: impl Into<String>) {
        self.oddities.push(what.into());
    }

    pub(crate) fn sys_exists(&self, name: &str) -> bool {
        self.roots.sys.join(name).exists()
    }

    pub(crate) fn sys_bytes(&mut self, name: &str) -> Option<Vec<u8>> {
        let path = self.roots.sys.join(name);
        self.bytes(&path, name)
    }

    /// First and only line, made printable; `None` when absent or empty.
    pub(crate) fn sys_text(&mut self, name: &str) -> Option<String> {
        let text = text::printable(&self.sys_bytes(name)?);
        (!text.is_empty()).then_some(text)
    }

    /// A decimal number; text that is none is an oddity.
    pub(crate) fn sys_number(&mut self, name: &str) -> Option<i64> {
        let text = self.sys_text(name)?;
        match text.parse() {
            Ok(number) => Some(number),
            Err(_) => {
                self.odd(format!("{name}: not a number: {text}"));
                None
            }
        }
    }

    pub(crate) fn proc_text(&mut self, name: &str) -> Option<String> {
        let path = self.roots.proc.join(name);
        self.bytes(&path, name)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Entries of a folder, sorted, so that two reads of the same machine are equal.
    pub(crate) fn sys_list(&mut self, name: &str) -> Vec<String> {
        let entries = match fs::read_dir(self.roots.sys.join(name)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                self.odd(format!("{name}: {error}"));
                return Vec::new();
            }
        };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    /// Last component of a symbolic link: sysfs names drivers and subsystems this way.
    pub(crate) fn sys_link(&self, name: &str) -> Option<String> {
        let target = fs::read_link(self.roots.sys.join(name)).ok()?;
        Some(target.file_name()?.to_string_lossy().into_owned())
    }

    fn bytes(&mut self, path: &Path, name: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let read =
            fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes));
        match read {
            Ok(_) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                self.odd(format!("{name}: {error}"));
                None
            }
        }
    }
}
