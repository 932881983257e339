//! Identities of what is on a medium: file systems, partition tables, partitions.
//!
//! They serve to recognise raz's own boot medium by what GRUB says it booted from, so they are
//! spelled as GRUB and blkid spell them, and a damaged table still counts: a match only ever keeps a
//! drive. Names and labels are not read, they may be the donor's. Logical partitions (inside an
//! extended one) are not listed.

mod file_system;
mod table;

use std::fmt;

pub use file_system::file_systems;
pub use table::partition_table;

/// One identity, and where what it names begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeId {
    /// What is named.
    pub kind: VolumeKind,
    /// The identity, spelled as blkid spells it. Compare with [`same_id`].
    pub id: String,
    /// Offset of the thing that is named from the first of the bytes that were read: 0 for file
    /// systems and tables, the partition's start for partitions.
    pub start_bytes: u64,
}

/// Kinds of identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VolumeKind {
    /// ISO 9660 date of modification (else creation), `2026-01-01-00-00-00-00`.
    Iso9660,
    /// FAT12, FAT16 or FAT32 serial, `1234-ABCD`.
    Fat,
    /// ext2, ext3 or ext4 UUID.
    Ext,
    /// NTFS serial, 16 hexadecimal digits.
    Ntfs,
    /// GPT disk GUID.
    GptDisk,
    /// GPT unique partition GUID.
    GptPartition,
    /// MBR disk signature, 8 hexadecimal digits.
    MbrDisk,
    /// MBR primary partition, `1234abcd-01`; empty when the disk has no signature.
    MbrPartition,
}

impl VolumeKind {
    /// Whether `start_bytes` is where another volume may begin.
    #[must_use]
    pub fn is_partition(self) -> bool {
        match self {
            Self::GptPartition | Self::MbrPartition => true,
            Self::Iso9660 | Self::Fat | Self::Ext | Self::Ntfs | Self::GptDisk | Self::MbrDisk => {
                false
            }
        }
    }
}

impl fmt::Display for VolumeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Iso9660 => "iso9660",
            Self::Fat => "fat",
            Self::Ext => "ext",
            Self::Ntfs => "ntfs",
            Self::GptDisk => "gpt disk",
            Self::GptPartition => "gpt partition",
            Self::MbrDisk => "mbr disk",
            Self::MbrPartition => "mbr partition",
        })
    }
}

/// All identities in the first bytes of a drive: its file systems and its partition tables.
///
/// `first_bytes` is what was read from the start, 64 KiB or more to reach every header, 1 MiB at
/// most to be useful. For each partition, read as much from `start_bytes` on and give it to
/// [`file_systems`].
#[must_use]
pub fn volume_ids(first_bytes: &[u8], sector_bytes: u32) -> Vec<VolumeId> {
    let mut ids = file_systems(first_bytes);
    ids.extend(partition_table(first_bytes, sector_bytes));
    ids
}

/// Whether two spellings name the same: letter case, surrounding space and GUID braces don't count.
/// Nothing is the same as an empty one.
#[must_use]
pub fn same_id(a: &str, b: &str) -> bool {
    let a = normalised(a);
    !a.is_empty() && a == normalised(b)
}

/// The spelling that [`same_id`] compares: lower case, no surrounding space or braces.
#[must_use]
pub fn normalised(id: &str) -> String {
    id.trim()
        .trim_start_matches('{')
        .trim_end_matches('}')
        .trim()
        .to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_grub_and_blkid_are_the_same() {
        assert!(same_id("1234-ABCD", "1234-abcd"));
        assert!(same_id(
            "{C12A7328-F81F-11D2-BA4B-00A0C93EC93B}",
            " c12a7328-f81f-11d2-ba4b-00a0c93ec93b\n"
        ));
        assert!(!same_id("1234-ABCD", "1234-ABCE"));
        assert!(!same_id("1234-ABCD", "1234ABCD"));
    }

    #[test]
    fn nothing_is_the_same_as_an_empty_id() {
        assert!(!same_id("", ""));
        assert!(!same_id("{}", " "));
    }

    #[test]
    fn empty_medium_has_no_ids() {
        assert_eq!(volume_ids(&[0; 65536], 512), vec![]);
        assert_eq!(volume_ids(&[], 0), vec![]);
        assert_eq!(volume_ids(&[0xFF; 65536], u32::MAX), vec![]);
    }
}
