//! Backing files: real file systems with files that can be recognised, and the search for what is
//! left of them, from outside the program that erased.
//!
//! Made by each system's own mkfs in plain files: no loop device, no mount, no root.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};

/// In every file, and in the file names, of every formatted disk.
pub const CANARY: &str = "RAZ-CANARY";
/// Where the only partition starts, as partitioning programs have it.
const PARTITION_BYTES: u64 = 1 << 20;
const SECTOR_BYTES: u64 = 512;

/// What a disk is formatted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystem {
    /// Linux.
    Ext4,
    /// Windows.
    Ntfs,
    /// Sticks and cards; 40 MiB or more.
    Fat32,
}

/// A backing file.
#[derive(Clone, Debug)]
pub struct Disk {
    path: PathBuf,
    size_bytes: u64,
}

impl Disk {
    /// A sparse file of zeros.
    ///
    /// # Errors
    /// When the file exists or cannot be made.
    pub fn blank(folder: &Path, name: &str, size_bytes: u64) -> anyhow::Result<Self> {
        let path = folder.join(format!("{name}.img"));
        let file = File::create_new(&path).with_context(|| format!("making {}", path.display()))?;
        file.set_len(size_bytes)?;
        Ok(Self { path, size_bytes })
    }

    /// A partition table, one partition, a file system, files with canaries of this disk's name.
    ///
    /// # Errors
    /// When a mkfs is missing or refuses, or when the canaries are not found afterwards.
    pub fn formatted(
        folder: &Path,
        name: &str,
        size_bytes: u64,
        system: FileSystem,
    ) -> anyhow::Result<Self> {
        let disk = Self::blank(folder, name, size_bytes)?;
        let scratch = tempfile::Builder::new()
            .prefix("mkfs-")
            .tempdir_in(folder)?;
        let partition = scratch.path().join("partition");
        File::create_new(&partition)?.set_len(size_bytes - PARTITION_BYTES)?;
        let files = scratch.path().join("files");
        fs::create_dir(&files)?;
        for (file_name, content) in canary_files(name) {
            fs::write(files.join(file_name), content)?;
        }
        system.make(&partition, &files)?;

        let mut target = File::options().write(true).open(&disk.path)?;
        target.write_all(&partition_table(system, size_bytes))?;
        target.seek(SeekFrom::Start(PARTITION_BYTES))?;
        copy_sparse(&partition, &mut target)?;
        let found = disk.find(&format!("{CANARY}-{name}"))?;
        if found.len() < canary_files(name).len() {
            bail!("{name}: only {} canaries on the new disk", found.len());
        }
        Ok(disk)
    }

    /// A copy, byte for byte, as of a stick that somebody cloned.
    ///
    /// # Errors
    /// When the file exists or cannot be made.
    pub fn cloned(&self, folder: &Path, name: &str) -> anyhow::Result<Self> {
        let copy = Self::blank(folder, name, self.size_bytes)?;
        copy_sparse(
            &self.path,
            &mut File::options().write(true).open(&copy.path)?,
        )?;
        Ok(copy)
    }

    /// Identity of the file system on the only partition, as GRUB and `blkid` write it: the UUID
    /// of ext4 (superblock offset 104), the volume serial of FAT32 (boot sector offset 67).
    ///
    /// # Errors
    /// When the disk cannot be read or was not formatted with that system.
    pub fn file_system_id(&self, system: FileSystem) -> anyhow::Result<String> {
        let read = |offset_bytes: u64, count: usize| -> anyhow::Result<Vec<u8>> {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(PARTITION_BYTES + offset_bytes))?;
            let mut bytes = vec![0; count];
            file.read_exact(&mut bytes)?;
            Ok(bytes)
        };
        match system {
            FileSystem::Ext4 if read(1024 + 56, 2)? == [0x53, 0xef] => {
                let digits = hex::encode(read(1024 + 104, 16)?);
                let (a, rest) = digits.split_at(8);
                let (b, rest) = rest.split_at(4);
                let (c, rest) = rest.split_at(4);
                let (d, e) = rest.split_at(4);
                Ok(format!("{a}-{b}-{c}-{d}-{e}"))
            }
            FileSystem::Fat32 if read(82, 5)? == b"FAT32" => {
                let mut serial = read(67, 4)?;
                serial.reverse();
                let digits = hex::encode_upper(serial);
                let (high, low) = digits.split_at(4);
                Ok(format!("{high}-{low}"))
            }
            FileSystem::Ext4 | FileSystem::Ntfs | FileSystem::Fat32 => {
                bail!("{}: no {system:?} to identify", self.path.display())
            }
        }
    }

    /// The backing file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Size in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Offsets in bytes of every occurrence of `needle`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn find(&self, needle: &str) -> anyhow::Result<Vec<u64>> {
        find(&self.path, needle.as_bytes())
    }

    /// Hex SHA-256 of the whole disk.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn sha256(&self) -> anyhow::Result<String> {
        sha256(&self.path)
    }

    /// Overwrites bytes behind the machine's back.
    ///
    /// # Errors
    /// When the file cannot be written, or the bytes would reach past its end.
    pub fn overwrite(&self, offset_bytes: u64, bytes: &[u8]) -> anyhow::Result<()> {
        if offset_bytes.saturating_add(bytes.len() as u64) > self.size_bytes {
            bail!("{}: {offset_bytes} is too far", self.path.display());
        }
        let mut file = File::options().write(true).open(&self.path)?;
        file.seek(SeekFrom::Start(offset_bytes))?;
        file.write_all(bytes)?;
        Ok(())
    }
}

/// Hex SHA-256 of a file.
///
/// # Errors
/// When it cannot be read.
pub fn sha256(path: &Path) -> anyhow::Result<String> {
    let mut digest = Sha256::new();
    each_block(path, |block| digest.update(block))?;
    Ok(hex::encode(digest.finalize()))
}

/// Offsets in bytes of every occurrence of `needle` in a file.
///
/// # Errors
/// When it cannot be read.
pub fn find(path: &Path, needle: &[u8]) -> anyhow::Result<Vec<u64>> {
    let mut found = Vec::new();
    // The end of the last block, where an occurrence may have begun.
    let mut window: Vec<u8> = Vec::new();
    let mut window_bytes = 0_u64;
    each_block(path, |block| {
        window.extend_from_slice(block);
        found.extend(memchr::memmem::find_iter(&window, needle).map(|at| window_bytes + at as u64));
        let kept = window.len().min(needle.len().saturating_sub(1));
        let gone = window.len() - kept;
        window.drain(..gone);
        window_bytes += gone as u64;
    })?;
    Ok(found)
}

fn each_block(path: &Path, mut take: impl FnMut(&[u8])) -> anyhow::Result<()> {
    let mut file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut block = vec![0; 1 << 20];
    loop {
        match file
            .read(&mut block)
            .with_context(|| format!("reading {}", path.display()))?
        {
            0 => return Ok(()),
            count => take(&block[..count]),
        }
    }
}

/// Zeros are left out: the target is new and sparse.
fn copy_sparse(source: &Path, target: &mut File) -> anyhow::Result<()> {
    let mut result = Ok(());
    each_block(source, |block| {
        if result.is_ok() {
            result = match block.iter().all(|byte| *byte == 0) {
                true => target.seek_relative(block.len() as i64),
                false => target.write_all(block),
            };
        }
    })?;
    Ok(result?)
}

/// Small files (which file systems keep in their own tables), a large one, speaking names.
fn canary_files(disk: &str) -> Vec<(String, Vec<u8>)> {
    let line =
        |number: usize| format!("{CANARY}-{disk}-{number:04} carte vitale, releve, mot de passe\n");
    let large: String = (0..8192).map(line).collect();
    vec![
        (
            format!("{CANARY}-{disk}-lettre.txt"),
            line(9001).into_bytes(),
        ),
        (format!("{CANARY}-{disk}-photo.raw"), large.into_bytes()),
        (
            "compte.csv".to_owned(),
            (0..40).map(line).collect::<String>().into_bytes(),
        ),
    ]
}

/// A classic partition table with one partition of the system's type.
pub(crate) fn partition_table(system: FileSystem, size_bytes: u64) -> [u8; 512] {
    let kind = match system {
        FileSystem::Ext4 => 0x83,
        FileSystem::Ntfs => 0x07,
        FileSystem::Fat32 => 0x0c,
    };
    let sectors = |bytes: u64| {
        u32::try_from(bytes / SECTOR_BYTES)
            .unwrap_or(u32::MAX)
            .to_le_bytes()
    };
    let mut table = [0; 512];
    table[446 + 4] = kind;
    table[446 + 8..446 + 12].copy_from_slice(&sectors(PARTITION_BYTES));
    table[446 + 12..446 + 16].copy_from_slice(&sectors(size_bytes - PARTITION_BYTES));
    table[510..].copy_from_slice(&[0x55, 0xaa]);
    table
}

impl FileSystem {
    /// Formats `partition` and copies every file of the folder `files` into it.
    fn make(self, partition: &Path, files: &Path) -> anyhow::Result<()> {
        match self {
            FileSystem::Ext4 => run(program("mke2fs")
                .args(["-q", "-F", "-t", "ext4", "-d"])
                .arg(files)
                .arg(partition)),
            FileSystem::Ntfs => {
                run(program("mkntfs")
                    .args(["--quiet", "--force", "--fast"])
                    .arg(partition))?;
                for entry in fs::read_dir(files)? {
                    let entry = entry?;
                    run(program("ntfscp")
                        .args(["--quiet", "--force"])
                        .arg(partition)
                        .arg(entry.path())
                        .arg(entry.file_name()))?;
                }
                Ok(())
            }
            FileSystem::Fat32 => {
                run(program("mkfs.fat").args(["-F", "32"]).arg(partition))?;
                for entry in fs::read_dir(files)? {
                    run(program("mcopy")
                        .arg("-i")
                        .arg(partition)
                        .arg(entry?.path())
                        .arg("::/"))?;
                }
                Ok(())
            }
        }
    }
}

/// Administration programs live in sbin, which is not on an ordinary user's PATH.
pub(crate) fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command
}

pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("starting {name} (`cargo xtask setup` installs it)"))?;
    if !output.status.success() {
        bail!(
            "{name} ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE_BYTES: u64 = 48 << 20;

    #[test]
    fn every_file_system_carries_its_canaries_and_an_overwrite_removes_them() {
        let folder = tempfile::tempdir().unwrap();
        for (name, system) in [
            ("ext", FileSystem::Ext4),
            ("win", FileSystem::Ntfs),
            ("fat", FileSystem::Fat32),
        ] {
            let disk = Disk::formatted(folder.path(), name, SIZE_BYTES, system).unwrap();
            let before = disk.sha256().unwrap();
            let found = disk.find(&format!("{CANARY}-{name}-0007")).unwrap();
            assert!(
                found.len() >= 2,
                "{system:?}: in the large file and in the table: {found:?}"
            );
            assert_eq!(disk.find("RAZ-CANARY-other").unwrap(), Vec::<u64>::new());
            disk.overwrite(0, &vec![0; SIZE_BYTES as usize]).unwrap();
            assert_eq!(disk.find(CANARY).unwrap(), Vec::<u64>::new());
            assert_ne!(disk.sha256().unwrap(), before);
            assert!(disk.overwrite(SIZE_BYTES, b"x").is_err());
        }
    }

    #[test]
    fn a_clone_has_the_same_bytes_and_the_identity_that_blkid_reads() {
        let folder = tempfile::tempdir().unwrap();
        for (name, system) in [("ext", FileSystem::Ext4), ("fat", FileSystem::Fat32)] {
            let disk = Disk::formatted(folder.path(), name, SIZE_BYTES, system).unwrap();
            let clone = disk
                .cloned(folder.path(), &format!("{name}-clone"))
                .unwrap();
            assert_eq!(clone.sha256().unwrap(), disk.sha256().unwrap());
            let offset = PARTITION_BYTES.to_string();
            let output = program("blkid")
                .args(["--probe", "--output", "value", "--match-tag", "UUID"])
                .args(["--offset", &offset])
                .arg(clone.path())
                .output()
                .unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            assert_eq!(clone.file_system_id(system).unwrap(), said.trim());
            assert!(clone.file_system_id(FileSystem::Ntfs).is_err());
        }
    }

    #[test]
    fn an_occurrence_across_two_blocks_is_found_once() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::blank(folder.path(), "x", 3 << 20).unwrap();
        let places = [0, (1 << 20) - 4, (2 << 20) - 1, (3 << 20) - 10];
        for place in places {
            disk.overwrite(place, CANARY.as_bytes()).unwrap();
        }
        assert_eq!(disk.find(CANARY).unwrap(), places);
    }
}
