//! Identities of file systems: ISO 9660, FAT, ext, NTFS.
//!
//! ECMA-119 8.4 (volume descriptors), Microsoft FAT specification 1.03, ext4 superblock and NTFS
//! boot sector as the Linux kernel documents them.

use super::{VolumeId, VolumeKind};
use crate::bytes::{array, byte, le16, le32, le64};

/// The file systems that begin at the first of these bytes. More than one is possible: a hybrid
/// image, or a remnant of an older format.
#[must_use]
pub fn file_systems(first_bytes: &[u8]) -> Vec<VolumeId> {
    let ids = [
        (VolumeKind::Iso9660, iso9660(first_bytes)),
        (VolumeKind::Fat, fat(first_bytes)),
        (VolumeKind::Ext, ext(first_bytes)),
        (VolumeKind::Ntfs, ntfs(first_bytes)),
    ];
    ids.into_iter()
        .filter_map(|(kind, id)| {
            Some(VolumeId {
                kind,
                id: id?,
                start_bytes: 0,
            })
        })
        .collect()
}

/// Volume descriptors begin at 32 KiB, one per 2048 bytes, up to the terminator of type 255.
fn iso9660(bytes: &[u8]) -> Option<String> {
    let descriptors = bytes.get(32768..)?.chunks_exact(2048);
    let primary = descriptors
        .take(16)
        .take_while(|d| d.get(1..6) == Some(b"CD001") && byte(d, 0) != Some(255))
        .find(|d| byte(d, 0) == Some(1))?;
    // Modification first, as GRUB and blkid do; then creation.
    [830, 813].into_iter().find_map(|at| iso_date(primary, at))
}

/// 16 digits, year to hundredths of a second. All zeros (digits or NULs) means "not given".
fn iso_date(descriptor: &[u8], at: usize) -> Option<String> {
    let digits: [u8; 16] = array(descriptor, at)?;
    if digits.iter().all(|d| *d == b'0') || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut id = String::new();
    for (i, digit) in digits.into_iter().enumerate() {
        if i >= 4 && i % 2 == 0 {
            id.push('-');
        }
        id.push(char::from(digit));
    }
    Some(id)
}

/// Recognised by a plausible BIOS parameter block, as GRUB does: neither the jump nor
/// the `FAT` text is asked for.
fn fat(bytes: &[u8]) -> Option<String> {
    let sector = le16(bytes, 11)?;
    let (cluster, reserved, fats) = (byte(bytes, 13)?, le16(bytes, 14)?, byte(bytes, 16)?);
    let plausible = sector.is_power_of_two()
        && (512..=4096).contains(&sector)
        && cluster.is_power_of_two()
        && reserved > 0
        && (1..=2).contains(&fats)
        && matches!(byte(bytes, 21)?, 0xF0 | 0xF8..=0xFF);
    if !plausible {
        return None;
    }
    // FAT32 has no 16-bit FAT size; its serial lies behind a longer parameter block.
    let serial_at = match le16(bytes, 22)? {
        0 if le32(bytes, 36)? > 0 => 67,
        0 => return None,
        _ => 39,
    };
    let serial = le32(bytes, serial_at)?;
    Some(format!("{:04X}-{:04X}", serial >> 16, serial & 0xFFFF))
}

/// The superblock at 1024: magic EF53h at 56, UUID at 104.
fn ext(bytes: &[u8]) -> Option<String> {
    if le16(bytes, 1024 + 56)? != 0xEF53 {
        return None;
    }
    let uuid: [u8; 16] = array(bytes, 1024 + 104)?;
    uuid.iter().any(|b| *b != 0).then(|| dashed(&uuid))
}

/// The boot sector: `NTFS` at 3, serial at 72.
fn ntfs(bytes: &[u8]) -> Option<String> {
    if bytes.get(3..11)? != b"NTFS    " {
        return None;
    }
    le64(bytes, 72).map(|serial| format!("{serial:016X}"))
}

/// 16 bytes as a UUID in the order given, lower case.
pub(super) fn dashed(uuid: &[u8; 16]) -> String {
    let mut id = String::new();
    for (i, b) in uuid.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            id.push('-');
        }
        id.push_str(&format!("{b:02x}"));
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(bytes: &[u8]) -> (VolumeKind, String) {
        match file_systems(bytes).as_slice() {
            [one] => (one.kind, one.id.clone()),
            other => panic!("{other:?}"),
        }
    }

    fn iso(created: &[u8; 16], modified: &[u8; 16]) -> Vec<u8> {
        let mut b = vec![0u8; 32768 + 3 * 2048];
        // A boot record before the primary descriptor.
        b[32768..32775].copy_from_slice(b"\0CD001\x01");
        let primary = 32768 + 2048;
        b[primary..primary + 7].copy_from_slice(b"\x01CD001\x01");
        b[primary + 813..primary + 829].copy_from_slice(created);
        b[primary + 830..primary + 846].copy_from_slice(modified);
        b[primary + 2048..primary + 2055].copy_from_slice(b"\xFFCD001\x01");
        b
    }

    #[test]
    fn iso_is_named_by_its_modification_date() {
        let b = iso(b"2025010203040506", b"2026010100000000");
        assert_eq!(
            only(&b),
            (VolumeKind::Iso9660, "2026-01-01-00-00-00-00".into())
        );
    }

    #[test]
    fn iso_without_modification_date_is_named_by_creation() {
        let want = (VolumeKind::Iso9660, "2025-01-02-03-04-05-06".into());
        assert_eq!(only(&iso(b"2025010203040506", b"0000000000000000")), want);
        assert_eq!(only(&iso(b"2025010203040506", &[0; 16])), want);
        assert_eq!(file_systems(&iso(&[0; 16], &[0; 16])), vec![]);
    }

    #[test]
    fn descriptors_behind_the_terminator_do_not_count() {
        let mut b = iso(b"2025010203040506", b"2026010100000000");
        b[32768] = 0xFF;
        assert_eq!(file_systems(&b), vec![]);
    }

    fn fat_boot_sector() -> Vec<u8> {
        let mut b = vec![0u8; 512];
        b[..3].copy_from_slice(&[0xEB, 0x3C, 0x90]);
        b[3..11].copy_from_slice(b"mkfs.fat");
        b[11..24].copy_from_slice(&[0x00, 0x02, 4, 1, 0, 2, 0, 2, 0, 0x80, 0xF8, 0x20, 0]);
        b[510..].copy_from_slice(&[0x55, 0xAA]);
        b
    }

    #[test]
    fn fat16_serial_is_at_39() {
        let mut b = fat_boot_sector();
        b[38..43].copy_from_slice(&[0x29, 0xCD, 0xAB, 0x34, 0x12]);
        assert_eq!(only(&b), (VolumeKind::Fat, "1234-ABCD".into()));
    }

    #[test]
    fn fat32_serial_is_at_67() {
        let mut b = fat_boot_sector();
        b[22..24].copy_from_slice(&[0, 0]);
        b[36..40].copy_from_slice(&[0x10, 0x20, 0, 0]);
        b[66..71].copy_from_slice(&[0x29, 0x01, 0x00, 0xFE, 0xCA]);
        assert_eq!(only(&b), (VolumeKind::Fat, "CAFE-0001".into()));
    }

    #[test]
    fn implausible_parameter_block_is_no_fat() {
        for (at, value) in [(12, 0x03), (13, 3), (14, 0), (16, 9), (21, 0x12)] {
            let mut b = fat_boot_sector();
            b[at] = value;
            assert_eq!(file_systems(&b), vec![], "byte {at}");
        }
    }

    #[test]
    fn ext_uuid_is_in_the_superblock() {
        let mut b = vec![0u8; 4096];
        b[1080..1082].copy_from_slice(&[0x53, 0xEF]);
        for (i, byte) in b[1128..1144].iter_mut().enumerate() {
            *byte = 0x10 + i as u8;
        }
        let want = "10111213-1415-1617-1819-1a1b1c1d1e1f";
        assert_eq!(only(&b), (VolumeKind::Ext, want.into()));
        b[1128..1144].fill(0);
        assert_eq!(file_systems(&b), vec![]);
    }

    #[test]
    fn ntfs_serial_is_little_endian_and_no_fat() {
        let mut b = fat_boot_sector();
        b[3..11].copy_from_slice(b"NTFS    ");
        b[14..17].fill(0);
        b[72..80].copy_from_slice(&[0xEF, 0xCD, 0xAB, 0x89, 0x67, 0x45, 0x23, 0x01]);
        assert_eq!(only(&b), (VolumeKind::Ntfs, "0123456789ABCDEF".into()));
    }

    #[test]
    fn hybrid_of_iso_and_fat_is_both() {
        let mut b = iso(b"2025010203040506", b"2026010100000000");
        let mut boot = fat_boot_sector();
        boot[38] = 0x29;
        b[..512].copy_from_slice(&boot);
        let kinds: Vec<VolumeKind> = file_systems(&b).into_iter().map(|v| v.kind).collect();
        assert_eq!(kinds, [VolumeKind::Iso9660, VolumeKind::Fat]);
    }
}
