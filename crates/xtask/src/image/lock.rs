//! image/packages.lock: which Debian packages the image is made of, by version and digest.

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
