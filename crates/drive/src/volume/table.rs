//! Identities in partition tables: GPT (UEFI 2.10 5.3) and MBR.
//!
//! Checksums are not verified: a damaged table must still keep raz's medium from being erased.

use super::file_system::{dashed, file_systems};
use super::{VolumeId, VolumeKind};
use crate::bytes::{array, byte, le32, le64};

/// More entries than any real table has (128); a false count must not cost time.
const ENTRIES_MAX: usize = 1024;

/// The GPT and the MBR in the first bytes of a drive, with their partitions.
///
/// The GPT is looked for at `sector_bytes`, and at 512 too: a hybrid image is read from drives with
/// larger sectors, optical ones among them.
#[must_use]
pub fn partition_table(first_bytes: &[u8], sector_bytes: u32) -> Vec<VolumeId> {
    let mut ids = gpt(first_bytes, u64::from(sector_bytes));
    if ids.is_empty() && sector_bytes != 512 {
        ids = gpt(first_bytes, 512);
    }
    ids.extend(mbr(first_bytes));
    ids
}

fn gpt(bytes: &[u8], sector_bytes: u64) -> Vec<VolumeId> {
    header(bytes, sector_bytes).map_or(Vec::new(), |(disk, entries)| {
        let partitions = entries.filter_map(|entry| partition(entry, sector_bytes));
        std::iter::once(disk).chain(partitions).collect()
    })
}

/// The disk's identity, and its partition entries as far as the bytes reach.
fn header(bytes: &[u8], sector_bytes: u64) -> Option<(VolumeId, impl Iterator<Item = &[u8]>)> {
    let header = bytes.get(usize::try_from(sector_bytes).ok()?..)?;
    if header.get(..8)? != b"EFI PART" {
        return None;
    }
    let disk = VolumeId {
        kind: VolumeKind::GptDisk,
        id: guid(header, 56)?,
        start_bytes: 0,
    };
    let entries_at = le64(header, 72)?
        .checked_mul(sector_bytes)
        .and_then(|at| usize::try_from(at).ok());
    let count = usize::try_from(le32(header, 80)?).unwrap_or(ENTRIES_MAX);
    let entry_bytes = usize::try_from(le32(header, 84)?).unwrap_or(0).max(128);
    let entries = entries_at
        .and_then(|at| bytes.get(at..))
        .unwrap_or_default();
    Some((
        disk,
        entries
            .chunks_exact(entry_bytes)
            .take(count.min(ENTRIES_MAX)),
    ))
}

/// A used entry: its type is not zero.
fn partition(entry: &[u8], sector_bytes: u64) -> Option<VolumeId> {
    if array::<16>(entry, 0)? == [0; 16] {
        return None;
    }
    let start_bytes = le64(entry, 32)?.checked_mul(sector_bytes)?;
    Some(VolumeId {
        kind: VolumeKind::GptPartition,
        id: guid(entry, 16)?,
        start_bytes,
    })
}

/// A GUID: its first three fields are little-endian.
fn guid(bytes: &[u8], at: usize) -> Option<String> {
    let [a, b, c, d, e, f, g, h, rest @ ..]: [u8; 16] = array(bytes, at)?;
    let [i, j, k, l, m, n, o, p] = rest;
    Some(dashed(&[d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p]))
}

/// MBR sectors are 512 bytes by every tool that writes hybrid images; the start of a partition is
/// counted in them.
fn mbr(bytes: &[u8]) -> Vec<VolumeId> {
    read_mbr(bytes).unwrap_or_default()
}

fn read_mbr(bytes: &[u8]) -> Option<Vec<VolumeId>> {
    let signature = le32(bytes, 440)?;
    if bytes.get(510..512)? != [0x55, 0xAA] || is_boot_sector(bytes) {
        return None;
    }
    let entries: Vec<&[u8]> = bytes.get(446..510)?.chunks_exact(16).collect();
    // Boot code of something else has other bytes there.
    if entries
        .iter()
        .any(|e| !matches!(byte(e, 0), Some(0x00 | 0x80)))
    {
        return None;
    }
    let mut ids = Vec::new();
    if signature != 0 {
        ids.push(VolumeId {
            kind: VolumeKind::MbrDisk,
            id: format!("{signature:08x}"),
            start_bytes: 0,
        });
    }
    for (number, entry) in (1..).zip(entries) {
        let (kind, start, length) = (byte(entry, 4)?, le32(entry, 8)?, le32(entry, 12)?);
        // EEh is the GPT's own cover, not a partition.
        if kind == 0 || kind == 0xEE || length == 0 {
            continue;
        }
        // Without a signature the number alone is no identity; the start is still of use.
        let id = if signature == 0 {
            String::new()
        } else {
            format!("{signature:08x}-{number:02x}")
        };
        ids.push(VolumeId {
            kind: VolumeKind::MbrPartition,
            id,
            start_bytes: u64::from(start) * 512,
        });
    }
    Some(ids)
}

/// A FAT or NTFS volume without a table also ends its first sector in 55h AAh.
fn is_boot_sector(bytes: &[u8]) -> bool {
    file_systems(bytes.get(..512).unwrap_or_default())
        .iter()
        .any(|v| matches!(v.kind, VolumeKind::Fat | VolumeKind::Ntfs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(bytes: &[u8], sector_bytes: u32) -> Vec<(VolumeKind, String, u64)> {
        partition_table(bytes, sector_bytes)
            .into_iter()
            .map(|v| (v.kind, v.id, v.start_bytes))
            .collect()
    }

    /// A GPT with one partition at LBA 2048, entries at LBA 2.
    fn gpt_disk(sector: usize) -> Vec<u8> {
        let mut b = vec![0u8; 16 * sector];
        let h = sector;
        b[h..h + 8].copy_from_slice(b"EFI PART");
        b[h + 56..h + 72].copy_from_slice(&[
            0x28, 0x73, 0x2A, 0xC1, 0x1F, 0xF8, 0xD2, 0x11, 0xBA, 0x4B, 0x00, 0xA0, 0xC9, 0x3E,
            0xC9, 0x3B,
        ]);
        b[h + 72] = 2;
        b[h + 80] = 128;
        b[h + 84] = 128;
        // The second entry: the first is free.
        let e = 2 * sector + 128;
        b[e] = 0xAF;
        b[e + 16..e + 32].copy_from_slice(&[
            0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E,
            0x0F, 0x10,
        ]);
        b[e + 33] = 8;
        b
    }

    const DISK_GUID: &str = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
    const PARTITION_GUID: &str = "04030201-0605-0807-090a-0b0c0d0e0f10";

    #[test]
    fn gpt_names_disk_and_partitions_with_their_start() {
        for sector in [512u32, 4096] {
            let want = vec![
                (VolumeKind::GptDisk, DISK_GUID.to_owned(), 0),
                (
                    VolumeKind::GptPartition,
                    PARTITION_GUID.to_owned(),
                    2048 * u64::from(sector),
                ),
            ];
            assert_eq!(ids(&gpt_disk(sector as usize), sector), want);
        }
    }

    #[test]
    fn gpt_of_a_hybrid_image_is_found_on_larger_sectors() {
        assert_eq!(ids(&gpt_disk(512), 2048).len(), 2);
    }

    #[test]
    fn gpt_entries_out_of_reach_leave_the_disk_guid() {
        let mut b = gpt_disk(512);
        b[512 + 72..512 + 80].fill(0xFF);
        assert_eq!(
            ids(&b, 512),
            vec![(VolumeKind::GptDisk, DISK_GUID.to_owned(), 0)]
        );
        let b = &gpt_disk(512)[..1024];
        assert_eq!(ids(b, 512).len(), 1);
    }

    #[test]
    fn absurd_entry_count_and_size_end() {
        let mut b = gpt_disk(512);
        b[512 + 80..512 + 88].fill(0xFF);
        assert_eq!(ids(&b, 512).len(), 1);
        b[512 + 84..512 + 88].fill(0);
        assert_eq!(ids(&b, 512).len(), 2);
    }

    fn mbr_disk() -> Vec<u8> {
        let mut b = vec![0u8; 512];
        b[440..444].copy_from_slice(&[0xCD, 0xAB, 0x34, 0x12]);
        b[446..462].copy_from_slice(&[0x80, 0, 0, 0, 0x0C, 0, 0, 0, 0, 8, 0, 0, 0, 0, 1, 0]);
        b[478..494].copy_from_slice(&[0, 0, 0, 0, 0x83, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0]);
        b[510..].copy_from_slice(&[0x55, 0xAA]);
        b
    }

    #[test]
    fn mbr_names_disk_and_primary_partitions() {
        let want = vec![
            (VolumeKind::MbrDisk, "1234abcd".to_owned(), 0),
            (
                VolumeKind::MbrPartition,
                "1234abcd-01".to_owned(),
                2048 * 512,
            ),
            (
                VolumeKind::MbrPartition,
                "1234abcd-03".to_owned(),
                65536 * 512,
            ),
        ];
        assert_eq!(ids(&mbr_disk(), 512), want);
    }

    #[test]
    fn partitions_of_an_mbr_without_signature_have_a_start_but_no_id() {
        let mut b = mbr_disk();
        b[440..444].fill(0);
        assert_eq!(
            ids(&b, 512).first(),
            Some(&(VolumeKind::MbrPartition, String::new(), 2048 * 512))
        );
    }

    #[test]
    fn protective_mbr_is_no_partition() {
        let mut b = mbr_disk();
        b[440..444].fill(0);
        b[450] = 0xEE;
        b[478..494].fill(0);
        assert_eq!(ids(&b, 512), vec![]);
    }

    #[test]
    fn boot_code_in_the_entries_is_no_mbr() {
        let mut b = mbr_disk();
        b[446] = 0x33;
        assert_eq!(ids(&b, 512), vec![]);
        let mut b = mbr_disk();
        b[510] = 0;
        assert_eq!(ids(&b, 512), vec![]);
    }

    #[test]
    fn boot_sector_of_a_file_system_is_no_mbr() {
        let mut b = mbr_disk();
        b[3..11].copy_from_slice(b"NTFS    ");
        assert_eq!(ids(&b, 512), vec![]);
    }
}
