//! What drivers ask the kernel for while they run: files of makers, from Debian's non-free-firmware.
//!
//! Each file that a module of the image names, and that one of the packages has, goes in, but for what
//! image/firmware.list keeps out. The kernel would read compressed ones too, but the archive is compressed
//! as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use super::glob;
use super::packages::Packages;

/// Where the packages lay them.
const FOLDER: &str = "usr/lib/firmware";
/// Of wired network cards, and of the storage controllers that have none of their own.
pub const PACKAGES: &[&str] = &[
    "firmware-amd-graphics",
    "firmware-bnx2",
    "firmware-bnx2x",
    "firmware-intel-graphics",
    "firmware-intel-misc",
    "firmware-misc-nonfree",
    "firmware-qlogic",
    "firmware-realtek",
];

/// The names that stay out.
pub struct Refused(Vec<String>);

impl Refused {
    /// Reads image/firmware.list: one glob a line (`*` crosses slashes), `#` is a comment.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let globs = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default().trim())
            .filter(|line| !line.is_empty())
            .map(str::to_owned);
        Ok(Self(globs.collect()))
    }
}

/// Of these names those that a package has, and where.
pub fn find(
    names: &BTreeSet<String>,
    packages: &Packages,
    refused: &Refused,
) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    for package in PACKAGES {
        let folder = packages.files(package)?.join(FOLDER);
        ensure!(folder.is_dir(), "{package} has no {FOLDER}");
        for name in names {
            let path = folder.join(name);
            let out = |glob: &String| glob::matches(glob, name);
            if path.is_file() && !refused.0.iter().any(out) {
                found.insert(name.clone(), path);
            }
        }
    }
    Ok(found)
}
