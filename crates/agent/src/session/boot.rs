//! What a session leaves for the one that init starts after it, within one boot.
//!
//! Its key, so that a session that fell is still the station that a person accepted; and that the
//! unattended mode is over, so that a countdown that somebody stopped does not begin again, and a
//! run that broke off is not repeated, when nobody is there any more.

use anyhow::Context;
use report::sign::StationKey;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The mark of one boot that its unattended mode is over.
pub struct Attended {
    mark: PathBuf,
    boot_id: String,
}

impl Attended {
    /// The mark in the spool's folder, for the boot that `proc` shows.
    #[must_use]
    pub fn of(spool: &Path, proc: &Path) -> Self {
        let boot_id = fs::read_to_string(proc.join("sys/kernel/random/boot_id"));
        Self {
            mark: spool.join(".attended"),
            // Without it every boot counts as the same one: the unattended mode stays over.
            boot_id: boot_id.unwrap_or_default(),
        }
    }

    /// The mark is there. What cannot be read counts as a mark.
    #[must_use]
    pub fn is_set(&self) -> bool {
        match fs::read_to_string(&self.mark) {
            Ok(text) => text == self.boot_id,
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// Sets it for the rest of this boot.
    ///
    /// # Errors
    /// The file system's.
    pub fn set(&self) -> io::Result<()> {
        // Whole or not at all: half a mark is none.
        let partial = self.mark.with_extension("partial");
        let mut file = fs::File::create(&partial)?;
        io::Write::write_all(&mut file, self.boot_id.as_bytes())?;
        file.sync_all()?;
        fs::rename(&partial, &self.mark)
    }
}

/// The station's key: the given one, or this boot's beside the spool, made when it is not there.
///
/// # Errors
/// A given key that cannot be read; no random bytes.
pub fn key(given: Option<&Path>, spool: &Path) -> anyhow::Result<StationKey> {
    let of_this_boot = spool.with_file_name("station.key");
    let path = given.unwrap_or(&of_this_boot);
    match StationKey::read(path) {
        Ok(key) => Ok(key),
        Err(error) if given.is_some() => {
            Err(error).with_context(|| format!("{}: reading the station's key", path.display()))
        }
        Err(_) => {
            let key = StationKey::generate().context("making the station's key")?;
            // A key that cannot be kept is good for one session.
            let _ = key.write_new(path);
            Ok(key)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Attended, key};
    use std::fs;

    #[test]
    fn mark_holds_for_its_boot_only() {
        let folder = tempfile::tempdir().unwrap();
        let proc = folder.path().join("proc");
        let id = proc.join("sys/kernel/random/boot_id");
        fs::create_dir_all(id.parent().unwrap()).unwrap();
        fs::write(&id, "one\n").unwrap();
        let attended = || Attended::of(folder.path(), &proc);
        assert!(!attended().is_set());
        attended().set().unwrap();
        assert!(attended().is_set());
        fs::write(&id, "two\n").unwrap();
        assert!(!attended().is_set());
        attended().set().unwrap();
        assert!(attended().is_set());
    }

    #[test]
    fn mark_that_cannot_be_read_counts_as_set() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".attended")).unwrap();
        let attended = Attended::of(folder.path(), folder.path());
        assert!(attended.is_set());
        assert!(attended.set().is_err());
    }

    #[test]
    fn restarted_session_is_the_same_station() {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("spool");
        let first = key(None, &spool).unwrap().fingerprint();
        assert_eq!(key(None, &spool).unwrap().fingerprint(), first);
        let missing = folder.path().join("missing");
        assert!(key(Some(&missing), &spool).is_err());
        assert!(!missing.exists());
    }
}
