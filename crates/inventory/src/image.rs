//! `image configure`: a copy of raz's ISO with a workshop's `raz.toml` in its volume. Nothing else in the
//! copy differs, so every boot program in it is still the signed one.

use anyhow::{Context, Result, ensure};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use stick::{CONFIGURATION, Volume};

/// Most of the volume's file that is read back.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Fails where `iso` is no image of raz, or `copy` is there.
pub fn check(iso: &Path, copy: &Path) -> Result<()> {
    let file = File::open(iso).with_context(|| format!("{}: opening", iso.display()))?;
    let is_file = file.metadata()?.is_file();
    ensure!(is_file, "{}: not a file", iso.display());
    Volume::open(file).with_context(|| format!("{}: reading", iso.display()))?;
    ensure!(
        copy.symlink_metadata().is_err(),
        "{} is there already",
        copy.display()
    );
    Ok(())
}

/// Copies `iso` to the new file `copy` (mode 0600: it may hold a token) and writes `text` into it. A copy
/// that was not finished is removed.
pub fn configure(iso: &Path, copy: &Path, text: &str) -> Result<()> {
    let written = copied(iso, copy).and_then(|file| {
        let volume = Volume::open(file)?;
        volume.put_file("", CONFIGURATION, text.as_bytes())?;
        volume.close()?;
        let read = Volume::open(File::open(copy)?)?.read(CONFIGURATION, FILE_BYTES_MAX)?;
        ensure!(
            read.as_deref() == Some(text.as_bytes()),
            "reads back as another file"
        );
        Ok(())
    });
    if written.is_err() {
        let _ = fs::remove_file(copy);
    }
    written.with_context(|| format!("writing {}", copy.display()))
}

fn copied(iso: &Path, copy: &Path) -> Result<File> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(copy)?;
    io::copy(&mut File::open(iso)?, &mut file)?;
    Ok(file)
}
