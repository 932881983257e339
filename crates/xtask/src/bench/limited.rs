//! One drive limited to the rate of a hard disk, a SATA SSD and an NVMe drive: there every pause
//! between two requests is time lost, and the limit is known.

use anyhow::ensure;

use super::devices::{Backing, Folder};
use super::fio::{HugePages, Setting};
use super::limit::{self, Limits};
use super::versus::Entrant;
use super::{Bench, Direction, Group, Site, targets};

/// Bytes per second.
const RATES: &[u64] = &[150_000_000, 500_000_000, 1_500_000_000];
/// Of memory; the fastest drive's phases are shorter for it.
const DRIVE_BYTES_MAX: u64 = 6 << 30;
/// One that any of these rates holds back; requests within a loop device's queue limit.
const FIO: Setting = Setting {
    block_kib: 1024,
    depth: 4,
    thread_per_drive: true,
};

/// A group a rate; `seconds` a round: two phases of fio and two of raz.
pub fn groups(bench: &Bench, seconds: u32) -> anyhow::Result<Vec<Group>> {
    let _huge_pages = HugePages::reserve(1, &[FIO])?;
    RATES
        .iter()
        .map(|rate| group(bench, *rate, drive_bytes(*rate, seconds)))
        .collect()
}

fn group(bench: &Bench, rate: u64, bytes: u64) -> anyhow::Result<Group> {
    let (folder, drives) = Folder::with_drives(bench.root, &[bytes], Backing::Memory)?;
    let free = Site {
        backing: Backing::Memory,
        folder: &folder,
        drives: &drives,
        limits: None,
    };
    // The very first write pays for space that was never touched.
    bench.fio(FIO, Direction::Write, free)?;
    let limits = Limits::make()?;
    for drive in &drives {
        limits.limit(drive, rate)?;
    }
    let site = Site {
        limits: Some(&limits),
        ..free
    };
    let heading = format!("1 drive limited to {} MB/s", rate / 1_000_000);
    let variant = bench.shipped();
    let (subjects, _) = bench.rounds(&heading, site, (FIO, FIO), &[Entrant::Raz(variant)])?;
    let runs = subjects.iter().flat_map(|subject| &subject.runs);
    let phases = runs.flat_map(|run| [run.write_seconds, run.verify_seconds]);
    let phases: Vec<f64> = phases.flatten().collect();
    ensure!(!phases.is_empty(), "no phase was measured");
    for seconds in phases {
        limit::check_held(seconds, bytes, rate)?;
    }
    Ok(Group {
        notes: vec![format!(
            "{} MiB, memory-backed; fio {}",
            bytes >> 20,
            FIO.shown(1)
        )],
        heading,
        backing: Backing::Memory,
        drives_bytes: site.drives_bytes(),
        limit_bytes_per_second: Some(rate),
        findings: targets::limited(variant, &subjects, rate),
        subjects,
    })
}

/// So much that a phase takes a quarter of `seconds`, in whole MiB.
fn drive_bytes(rate: u64, seconds: u32) -> u64 {
    let bytes = (rate * u64::from(seconds) / 4).min(DRIVE_BYTES_MAX);
    (bytes >> 20).max(1) << 20
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_takes_a_quarter_of_the_time_unless_memory_is_short() {
        assert_eq!(drive_bytes(150_000_000, 32), 1144 << 20);
        assert_eq!(drive_bytes(1_500_000_000, 32), DRIVE_BYTES_MAX);
        assert_eq!(drive_bytes(1, 1), 1 << 20);
    }
}
