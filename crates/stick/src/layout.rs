//! Where the volume stands: the second partition of the GPT behind raz's ISO 9660 file system.
//!
//! ECMA-119 8.4 (primary volume descriptor), UEFI 2.10 5.3 (GPT). `xorriso` writes both; a stick that was
//! made by copying has the GPT of the ISO, and its second copy not at its end.

use crate::{Error, Storage};
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

/// Sectors of both tables; `xorriso` knows no other.
const SECTOR_BYTES: u64 = 512;
const ENTRY_BYTES: usize = 128;
/// Bytes of the header that its checksum covers.
const HEADER_BYTES: usize = 92;
/// Most entries that are believed; `xorriso` writes 248.
const ENTRIES_MAX: u32 = 256;
/// "Basic data", as it is stored.
const BASIC_DATA: [u8; 16] = [
    0xa2, 0xa0, 0xd0, 0xeb, 0xe5, 0xb9, 0x33, 0x44, 0x87, 0xc0, 0x68, 0xb6, 0xb7, 0x26, 0x99, 0xc7,
];
/// Where the primary volume descriptor stands.
const DESCRIPTOR_AT: u64 = 16 * 2048;

/// raz's medium: its tables, read and found whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The FAT volume, in bytes.
    pub volume: Range<u64>,
    header: [u8; HEADER_BYTES],
    entries: Vec<u8>,
}

impl Layout {
    /// Reads the tables of an image or a stick.
    ///
    /// # Errors
    /// [`Error::NotRaz`] where something is not as raz's image has it; [`Error::Io`].
    pub fn read(image: &mut (impl Read + Seek)) -> Result<Self, Error> {
        let length_bytes = image.seek(SeekFrom::End(0))?;
        if length_bytes < DESCRIPTOR_AT + 2048 {
            return Err(Error::NotRaz("too small"));
        }
        let descriptor: [u8; 2048] = bytes_at(image, DESCRIPTOR_AT)?;
        if descriptor[..6] != *b"\x01CD001" || descriptor[40..72].trim_ascii_end() != b"RAZ" {
            return Err(Error::NotRaz("no ISO 9660 file system named RAZ"));
        }
        let header: [u8; HEADER_BYTES] = bytes_at(image, SECTOR_BYTES)?;
        let (count, size) = (u32_at(&header, 80), u32_at(&header, 84));
        if header[..8] != *b"EFI PART"
            || u32_at(&header, 12) != 92
            || u32_at(&header, 16) != header_checksum(&header)
        {
            return Err(Error::NotRaz("no partition table"));
        }
        if u64_at(&header, 72) != 2 || size != 128 || !(2..=ENTRIES_MAX).contains(&count) {
            return Err(Error::NotRaz("another kind of partition table"));
        }
        let mut entries = vec![0; ENTRY_BYTES * usize::try_from(count).unwrap_or(0)];
        image.seek(SeekFrom::Start(2 * SECTOR_BYTES))?;
        image.read_exact(&mut entries)?;
        if u32_at(&header, 88) != crc32fast::hash(&entries) {
            return Err(Error::NotRaz("a damaged partition table"));
        }
        let entry = &entries[ENTRY_BYTES..2 * ENTRY_BYTES];
        let (first, last) = (u64_at(entry, 32), u64_at(entry, 40));
        let volume = first
            .checked_mul(SECTOR_BYTES)
            .zip(
                last.checked_add(1)
                    .and_then(|end| end.checked_mul(SECTOR_BYTES)),
            )
            .map(|(start, end)| start..end)
            .filter(|volume| {
                volume.start > DESCRIPTOR_AT
                    && volume.start < volume.end
                    && volume.end <= length_bytes
            });
        let Some(volume) = volume.filter(|_| entry[..16] == BASIC_DATA) else {
            return Err(Error::NotRaz("no volume behind the file system"));
        };
        Ok(Self {
            volume,
            header,
            entries,
        })
    }
}

fn header_checksum(header: &[u8; HEADER_BYTES]) -> u32 {
    let mut header = *header;
    header[16..20].fill(0);
    crc32fast::hash(&header)
}

fn bytes_at<const N: usize>(
    image: &mut (impl Read + Seek),
    offset_bytes: u64,
) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    image.seek(SeekFrom::Start(offset_bytes))?;
    image.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk);
    bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk);
    bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Writes the tables of a medium of `medium_bytes` whose volume reaches from `start_bytes` to just before
/// the second copy of the partition table at the medium's end, or as far as `volume_bytes_max`.
/// Gives the layout back.
///
/// Of the entries that `from` has, those of the ISO and of the volume stay.
///
/// # Errors
/// [`Error::NotRaz`] where the medium is too small; [`Error::Io`].
pub fn enlarge(
    from: &Layout,
    medium: &mut impl Storage,
    medium_bytes: u64,
    volume_bytes_max: u64,
) -> Result<Layout, Error> {
    const MIB: u64 = 1 << 20;
    let last = (medium_bytes / SECTOR_BYTES).saturating_sub(1);
    let table_sectors = u64::try_from(from.entries.len())
        .unwrap_or(u64::MAX)
        .div_ceil(SECTOR_BYTES);
    let first = from.volume.start / SECTOR_BYTES;
    // The last mebibyte is the table's and nobody's.
    let end = (medium_bytes.saturating_sub(MIB) / MIB * MIB)
        .min(from.volume.start.saturating_add(volume_bytes_max));
    if end < from.volume.end {
        return Err(Error::NotRaz("too small"));
    }
    let mut entries = from.entries.clone();
    entries[ENTRY_BYTES + 40..ENTRY_BYTES + 48]
        .copy_from_slice(&(end / SECTOR_BYTES - 1).to_le_bytes());
    entries[2 * ENTRY_BYTES..].fill(0);
    let header = |own: u64, other: u64, table: u64| {
        let mut header = from.header;
        header[24..32].copy_from_slice(&own.to_le_bytes());
        header[32..40].copy_from_slice(&other.to_le_bytes());
        header[48..56].copy_from_slice(&(last - table_sectors - 1).to_le_bytes());
        header[72..80].copy_from_slice(&table.to_le_bytes());
        header[88..92].copy_from_slice(&crc32fast::hash(&entries).to_le_bytes());
        let checksum = header_checksum(&header);
        header[16..20].copy_from_slice(&checksum.to_le_bytes());
        header
    };
    // The second copy first: a cut in between leaves the first as it was.
    let places = [
        (
            last - table_sectors,
            header(last, 1, last - table_sectors),
            last,
        ),
        (2, header(1, last, 2), 1),
    ];
    for (table, header, own) in places {
        medium.seek(SeekFrom::Start(table * SECTOR_BYTES))?;
        medium.write_all(&entries)?;
        let mut sector = [0; 512];
        sector[..HEADER_BYTES].copy_from_slice(&header);
        medium.seek(SeekFrom::Start(own * SECTOR_BYTES))?;
        medium.write_all(&sector)?;
    }
    // The protective MBR's size (UEFI 2.10, 5.2.3).
    let sectors = u32::try_from(last).unwrap_or(u32::MAX);
    medium.seek(SeekFrom::Start(446 + 12))?;
    medium.write_all(&sectors.to_le_bytes())?;
    medium.sync()?;
    let layout = Layout::read(medium)?;
    debug_assert_eq!(layout.volume, first * SECTOR_BYTES..end);
    Ok(layout)
}
