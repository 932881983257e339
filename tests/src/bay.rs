//! A drive and the file behind it, as a scenario judges them afterwards: unchanged to the byte, or
//! erased and proven, from outside and by the report alone.

use anyhow::{Context, ensure};
use report::schema::{Erasure, Level, OutcomeWord};

use crate::bench::Bench;
use crate::derive::check_medium;
use crate::disk::{CANARY, Disk, FileSystem};
use crate::drive::{Bus, Drive};
use crate::scenario::Audit;

/// A drive with files on it.
#[derive(Clone, Debug)]
pub struct Bay {
    /// The drive; its name is its serial unless another is given.
    pub drive: Drive,
    /// Its bytes.
    pub disk: Disk,
    sha256_before: String,
}

impl Bay {
    /// Formats a disk of `mib` MiB and puts it behind a drive.
    ///
    /// # Errors
    /// When the disk cannot be made.
    pub fn new(
        bench: &Bench,
        name: &str,
        bus: Bus,
        mib: u64,
        system: FileSystem,
    ) -> anyhow::Result<Self> {
        let disk = Disk::formatted(bench.path(), name, mib << 20, system)?;
        Self::with_disk(name, bus, disk)
    }

    /// A drive before a disk that is there.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn with_disk(name: &str, bus: Bus, disk: Disk) -> anyhow::Result<Self> {
        Ok(Self {
            drive: Drive::new(name, bus, disk.path()),
            sha256_before: disk.sha256()?,
            disk,
        })
    }

    /// The same with another drive before the disk.
    #[must_use]
    pub fn drive(mut self, change: impl FnOnce(Drive) -> Drive) -> Self {
        self.drive = change(self.drive);
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.drive.name()
    }

    /// Every byte of the disk is as it was before the machine was made.
    ///
    /// # Errors
    /// When one is not.
    pub fn is_unchanged(&self) -> anyhow::Result<()> {
        ensure!(
            self.disk.sha256()? == self.sha256_before,
            "{}: the disk was changed",
            self.name()
        );
        Ok(())
    }

    /// Erased and proven by the report, and by the disk itself: every byte is as derived, nothing of
    /// the files is left. Gives back the report's entry.
    ///
    /// # Errors
    /// What is not so.
    pub fn is_proven<'a>(&self, audit: &'a Audit) -> anyhow::Result<&'a Erasure> {
        let name = self.name();
        let entry = audit.drive(name)?;
        let erasure = entry
            .erasure
            .as_ref()
            .with_context(|| format!("{name}: no erasure in the report"))?;
        ensure!(
            erasure.outcome == OutcomeWord::Verified && erasure.achieved_level == Level::Clear,
            "{name}: {}",
            erasure.outcome_text
        );
        let check = check_medium(self.disk.path(), entry)?;
        ensure!(check.is_as_reported(), "{name}: {check:?}");
        ensure!(self.disk.find(CANARY)?.is_empty(), "{name}: files are left");
        Ok(erasure)
    }
}

/// None of these drives was changed.
///
/// # Errors
/// The first that was.
pub fn all_unchanged<'a>(bays: impl IntoIterator<Item = &'a Bay>) -> anyhow::Result<()> {
    bays.into_iter().try_for_each(Bay::is_unchanged)
}
