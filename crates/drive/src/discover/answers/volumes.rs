//! Reads the identities of what is on the medium, for `medium` to recognise raz's own.

use crate::discover::line::Line;
use crate::discover::sysfs::Node;
use crate::facts::DriveFacts;
use crate::volume::{self, VolumeId};

/// What reaches every header: the ISO 9660 descriptor at 32 KiB, a GPT of 4 KiB sectors.
const HEADER_BYTES: u64 = 64 * 1024;

/// Partitions looked into: a GPT has 128 entries by custom.
const PARTITIONS_MAX: usize = 256;

/// Identities of the whole drive and of each partition that the kernel or a table shows.
pub fn read(line: &Line<'_>, facts: &mut DriveFacts, node: &Node) {
    let Some(first) = bytes(line, facts, 0) else {
        return;
    };
    let mut found = volume::volume_ids(&first, facts.logical_sector_bytes);
    let mut starts: Vec<u64> = node
        .partitions()
        .iter()
        .filter_map(|part| part.number("start")?.checked_mul(512))
        .chain(
            found
                .iter()
                .filter(|id| id.kind.is_partition())
                .map(|id| id.start_bytes),
        )
        .collect();
    starts.sort_unstable();
    starts.dedup();
    starts.retain(|start| *start > 0);
    for start in starts.into_iter().take(PARTITIONS_MAX) {
        let Some(first) = bytes(line, facts, start) else {
            continue;
        };
        found.extend(volume::file_systems(&first).into_iter().map(|id| VolumeId {
            start_bytes: start,
            ..id
        }));
    }
    facts.volumes = found;
}

/// The header bytes at `start`, fewer at the drive's end. At an unreadable place raz's own medium
/// could not be recognised.
fn bytes(line: &Line<'_>, facts: &mut DriveFacts, start: u64) -> Option<Vec<u8>> {
    let len = HEADER_BYTES.min(facts.capacity_bytes.checked_sub(start)?);
    let mut buffer = vec![0; usize::try_from(len).ok()?];
    if let Err(error) = line.read_medium(&mut buffer, start) {
        facts.volumes_unread = true;
        facts
            .oddities
            .push(format!("{len} bytes at {start} cannot be read: {error}"));
        return None;
    }
    Some(buffer)
}
