//! A medium laid out as raz's, with nothing to boot: for tests.

use std::io::Cursor;

/// Where the volume begins.
pub const VOLUME_AT: usize = 1 << 20;

/// The tables of raz's ISO with an unformatted volume of this size behind it.
pub fn medium(volume_bytes: usize) -> Cursor<Vec<u8>> {
    let mut image = vec![0; VOLUME_AT + volume_bytes];
    image[32768..32774].copy_from_slice(b"\x01CD001");
    image[32768 + 40..32768 + 72].fill(b' ');
    image[32768 + 40..32768 + 43].copy_from_slice(b"RAZ");
    let last = (image.len() / 512 - 1) as u64;
    let mut entries = [0; 248 * 128];
    for (index, (first, last)) in [(64, 2047), (2048, last)].into_iter().enumerate() {
        let entry = &mut entries[128 * index..128 * (index + 1)];
        entry[..16]
            .copy_from_slice(b"\xa2\xa0\xd0\xeb\xe5\xb9\x33\x44\x87\xc0\x68\xb6\xb7\x26\x99\xc7");
        entry[16] = 1;
        entry[32..40].copy_from_slice(&u64::to_le_bytes(first));
        entry[40..48].copy_from_slice(&u64::to_le_bytes(last));
    }
    image[1024..1024 + entries.len()].copy_from_slice(&entries);
    let mut header = [0; 92];
    header[..8].copy_from_slice(b"EFI PART");
    header[8..16].copy_from_slice(&[0, 0, 1, 0, 92, 0, 0, 0]);
    for (at, value) in [(24, 1), (32, last), (40, 64), (48, last), (72, 2)] {
        header[at..at + 8].copy_from_slice(&u64::to_le_bytes(value));
    }
    header[80..88].copy_from_slice(&[248, 0, 0, 0, 128, 0, 0, 0]);
    header[88..92].copy_from_slice(&crc32fast::hash(&entries).to_le_bytes());
    let checksum = crc32fast::hash(&header);
    header[16..20].copy_from_slice(&checksum.to_le_bytes());
    image[512..512 + 92].copy_from_slice(&header);
    Cursor::new(image)
}
