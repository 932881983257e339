//! A folder for one scenario: logs, disks, sockets. Gone at its end, kept when it failed (or with
//! `RAZ_LAB_KEEP` set).

use std::path::{Path, PathBuf};
use std::thread;

use anyhow::Context;
use tempfile::TempDir;

/// The root of the checkout.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// A scenario's folder below `target/lab`.
#[derive(Debug)]
pub struct Bench {
    folder: Option<TempDir>,
    path: PathBuf,
}

/// Runs one scenario in a folder of its own.
///
/// # Panics
/// With the scenario's error; a test that returns it would leave no folder to look at.
pub fn scenario(name: &str, play: impl FnOnce(&Bench) -> anyhow::Result<()>) {
    let bench = Bench::new(name).unwrap_or_else(|error| panic!("{error:#}"));
    if let Err(error) = play(&bench) {
        panic!("{error:#}");
    }
}

impl Bench {
    /// Makes the folder; `name` is the scenario's.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(name: &str) -> anyhow::Result<Self> {
        let parent = root().join("target/lab");
        std::fs::create_dir_all(&parent).with_context(|| format!("making {}", parent.display()))?;
        let folder = tempfile::Builder::new()
            .prefix(&format!("{name}-"))
            .tempdir_in(&parent)?;
        let path = folder.path().to_path_buf();
        Ok(Self {
            folder: Some(folder),
            path,
        })
    }

    /// Where everything of the scenario lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(folder) = self.folder.take()
            && (thread::panicking() || std::env::var_os("RAZ_LAB_KEEP").is_some())
        {
            eprintln!("lab: kept {}", folder.keep().display());
        }
    }
}
