//! Which Debian packages are taken, by version and digest: image/packages.lock for what is in the image,
//! and files of the same form for the tools that put it together and for what the lab lays beside it.

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::apt::KERNEL;

/// One package file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    pub name: String,
    pub version: String,
    /// Hex digest of the .deb, as Debian's signed index gives it.
    pub sha256: String,
}

impl Package {
    /// Whether this is the package asked for by `name`. The kernel is asked for by the metapackage
    /// that names the current one.
    pub fn answers_to(&self, name: &str) -> bool {
        self.name == name || (name == KERNEL && self.name.starts_with("linux-image-"))
    }
}

/// A lock's file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    package: Vec<Package>,
}

impl Lock {
    /// Reads a lock; None where there is no such file.
    pub fn read(path: &Path) -> anyhow::Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let text =
            fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        toml::from_str(&text)
            .map(Some)
            .with_context(|| format!("parsing {}", path.display()))
    }

    pub fn named(&self, name: &str) -> Option<&Package> {
        self.package.iter().find(|package| package.answers_to(name))
    }

    pub fn write(packages: Vec<Package>, path: &Path) -> anyhow::Result<()> {
        let lock = Self { package: packages };
        let text = format!(
            "# Debian packages by version and digest; `cargo xtask image --update-lock`, or `peers`, writes this.\n\n{}",
            toml::to_string(&lock)?
        );
        fs::write(path, text).with_context(|| format!("writing {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_answers_to_its_metapackage_and_a_lock_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert_eq!(Lock::read(&path).unwrap(), None);
        let package = |name: &str| Package {
            name: name.into(),
            version: "1".into(),
            sha256: "00".into(),
        };
        let packages = ["linux-image-6.12.1+deb13-amd64", "busybox-static"].map(package);
        Lock::write(packages.to_vec(), &path).unwrap();
        let lock = Lock::read(&path).unwrap().unwrap();
        assert_eq!(lock.named(KERNEL), Some(&packages[0]));
        assert_eq!(lock.named("busybox-static"), Some(&packages[1]));
        assert_eq!(lock.named("busybox"), None);
    }
}
