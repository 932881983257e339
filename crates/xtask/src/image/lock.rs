//! Which Debian packages are taken, by version and digest: image/packages.lock for the image, and lists
//! of the same form for what is not in it.

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// One package file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    pub name: String,
    pub version: String,
    /// Hex digest of the .deb, as Debian's signed index gives it.
    pub sha256: String,
}

/// The packages by the part that they play.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    pub kernel: Package,
    pub busybox: Package,
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

    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = format!(
            "# The Debian packages in the image; `cargo xtask image --update-lock` writes this.\n\n{}",
            toml::to_string(self)?
        );
        fs::write(path, text).with_context(|| format!("writing {}", path.display()))
    }
}

/// Packages that are not the image's.
#[derive(Debug, Serialize, Deserialize)]
pub struct List {
    package: Vec<Package>,
}

impl List {
    /// Reads a list; None where there is no such file.
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

    pub fn named(&self, name: &str) -> Option<Package> {
        let mut packages = self.package.iter();
        packages.find(|package| package.name == name).cloned()
    }

    pub fn write(packages: &[Package], path: &Path) -> anyhow::Result<()> {
        let list = Self {
            package: packages.to_vec(),
        };
        let text = format!(
            "# Debian packages beside the image; `cargo xtask peers --update-lock` writes this.\n\n{}",
            toml::to_string(&list)?
        );
        fs::write(path, text).with_context(|| format!("writing {}", path.display()))
    }
}
