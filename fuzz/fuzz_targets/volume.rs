//! Partition tables and file systems, as the boot medium is looked for. Former owners wrote them.

#![no_main]

use drive::volume::{file_systems, volume_ids};
use libfuzzer_sys::fuzz_target;

/// What `discover` reads of a drive or partition.
const HEADER_BYTES: usize = 64 * 1024;

fuzz_target!(|input: (u32, &[u8], &[u8], &[u8], &[u8])| {
    let (sector_bytes, start, gpt, entries, descriptors) = input;
    let mut bytes = vec![0; HEADER_BYTES];
    // Where tables and superblocks lie, so that short inputs reach them.
    for (at, part) in [
        (0, start),
        (512, gpt),
        (1024, entries),
        (32768, descriptors),
    ] {
        let len = part.len().min(HEADER_BYTES - at);
        bytes[at..at + len].copy_from_slice(&part[..len]);
    }
    for bytes in [start, &bytes] {
        let _ = file_systems(bytes);
        for sector_bytes in [512, 4096, sector_bytes] {
            let _ = volume_ids(bytes, sector_bytes);
        }
    }
});
