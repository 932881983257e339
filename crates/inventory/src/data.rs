//! The service's folder: TLS certificate and key, receipt key, database. Mode 0700, each file 0600.
//!
//! Only `serve` makes one, so that a mistyped `--data` never arms or accepts in an empty folder.

use crate::store::Store;
use crate::tls::Identity;
use anyhow::{Context, Result, ensure};
use report::sign::StationKey;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// An open service folder.
pub struct Data {
    folder: PathBuf,
}

impl Data {
    /// Opens the folder and makes what is missing: the first start of `serve`.
    pub fn open_or_create(folder: &Path) -> Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("making {}", folder.display()))?;
        let data = Self {
            folder: folder.to_owned(),
        };
        // Whole or not there: a start that was cut off leaves no half key behind.
        data.place("tls.pem", |path| {
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)?;
            file.write_all(crate::tls::new_pem()?.as_bytes())?;
            Ok(file.sync_all()?)
        })?;
        data.place("receipt_key", |path| {
            Ok(StationKey::generate()?.write_new(path)?)
        })?;
        // Empty, for SQLite to fill: made by itself it would be open to all where the folder is.
        data.place("inventory.sqlite", |path| {
            let mut options = OpenOptions::new();
            options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)?;
            Ok(())
        })?;
        Ok(data)
    }

    /// Opens a folder that `serve` has made.
    pub fn open(folder: &Path) -> Result<Self> {
        ensure!(
            folder.join("tls.pem").is_file(),
            "{} is no folder of raz-inventory: `raz-inventory serve --data` makes one",
            folder.display()
        );
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// The TLS certificate and key.
    pub fn identity(&self) -> Result<Identity> {
        let path = self.folder.join("tls.pem");
        let pem =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Identity::from_pem(&pem).with_context(|| format!("reading {}", path.display()))
    }

    /// The key that signs receipts and allowed signers.
    pub fn service_key(&self) -> Result<StationKey> {
        Ok(StationKey::read(&self.folder.join("receipt_key"))?)
    }

    /// The database, its schema up to date.
    pub async fn store(&self) -> Result<Store> {
        let path = self.folder.join("inventory.sqlite");
        Store::open(&path)
            .await
            .with_context(|| format!("opening {}", path.display()))
    }

    fn place(&self, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let target = self.folder.join(name);
        if target.exists() {
            return Ok(());
        }
        let source = self.folder.join(format!("{name}.{}", std::process::id()));
        make(&source).with_context(|| format!("making {}", target.display()))?;
        // A hard link fails where a rename would replace: two first starts at once agree on one.
        let linked = fs::hard_link(&source, &target);
        fs::remove_file(&source)?;
        match linked {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                Err(error).with_context(|| format!("making {}", target.display()))
            }
            Ok(()) | Err(_) => Ok(File::open(&self.folder)?.sync_all()?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[tokio::test]
    async fn no_file_is_open_to_others_even_in_a_folder_that_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let data = Data::open_or_create(folder.path()).unwrap();
        let store = data.store().await.unwrap();
        store.add_token("t", 1).await.unwrap();
        let mut seen = Vec::new();
        for entry in fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            seen.push((entry.file_name().into_string().unwrap(), mode & 0o077));
        }
        assert!(seen.len() >= 4, "{seen:?}");
        assert!(seen.iter().all(|(_, others)| *others == 0), "{seen:?}");
    }
}
