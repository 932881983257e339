//! 24 drives of mixed sizes, each limited to a hard disk's rate, against the slowest of them alone:
//! drives that share an eraser are to cost each other nothing.
//!
//! What all of them may move together is held against what fio moves on them without limits: where
//! the limits' sum is more than a half of it, the machine and not the eraser would be measured.

use anyhow::Context;

use super::devices::{Backing, Folder};
use super::figures::{Finding, Spread, Subject, Wanted};
use super::fio::{Direction, HugePages, Setting};
use super::limit::{self, Limits};
use super::{Bench, Group, Site, child, progress};

const DRIVES: usize = 24;
/// Bytes per second, each drive.
const RATE: u64 = 80_000_000;
/// Sizes as parts of the slowest drive's, by turns.
const PARTS: &[u64] = &[1, 2, 4, 4];
/// What was ever the best for so many drives.
const FIO: &[Setting] = &[
    Setting {
        block_kib: 1024,
        depth: 2,
        thread_per_drive: true,
    },
    Setting {
        block_kib: 1024,
        depth: 8,
        thread_per_drive: false,
    },
];

/// The slowest drive's write and verify take `seconds`.
pub fn group(bench: &Bench, seconds: u32) -> anyhow::Result<Group> {
    let sizes = sizes(seconds);
    let slowest_bytes = *sizes.first().context("no drive")?;
    let heading = format!("{DRIVES} drives limited to {} MB/s each", RATE / 1_000_000);
    let (folder, drives) = Folder::with_drives(bench.root, &sizes, Backing::Memory)?;
    let free = Site {
        backing: Backing::Memory,
        folder: &folder,
        drives: &drives,
        limits: None,
    };
    progress(&heading, "looking for fio's rate without limits");
    let fio_rate = fio_rate(bench, free)?;
    let limits = Limits::make()?;
    for drive in &drives {
        limits.limit(drive, RATE)?;
    }
    let all = Site {
        limits: Some(&limits),
        ..free
    };
    let slowest = Site {
        drives: drives.get(..1).context("no drive")?,
        ..all
    };
    let variant = bench.shipped();
    let mut subjects = Vec::new();
    for (name, site) in [("raz, all drives", all), ("raz, slowest alone", slowest)] {
        subjects.push(Subject {
            name: name.to_owned(),
            command: child::typed(&bench.raz_command(variant, 1, site)?),
            bytes: site.bytes(),
            runs: Vec::new(),
        });
    }
    for round in 1..=bench.rounds {
        progress(&heading, &format!("round {round} of {}", bench.rounds));
        for (subject, site) in subjects.iter_mut().zip([all, slowest]) {
            let run = bench.raz(variant, 1, site)?;
            limit::check_held(run.wall_seconds, 2 * slowest_bytes, RATE)?;
            subject.runs.push(run);
        }
    }
    let sum = RATE as f64 * DRIVES as f64;
    Ok(Group {
        heading,
        notes: vec![
            format!(
                "memory-backed, {} to {} MiB, {} MiB in all",
                sizes.iter().min().unwrap_or(&0) >> 20,
                slowest_bytes >> 20,
                all.bytes() >> 20
            ),
            format!(
                "sum of the limits {:.2} GB/s; fio without limits {:.2} GB/s, the lesser of write and read",
                sum / 1e9,
                fio_rate / 1e9
            ),
        ],
        backing: Backing::Memory,
        drives_bytes: all.drives_bytes(),
        limit_bytes_per_second: Some(RATE),
        findings: findings(&subjects, sum / fio_rate, slowest_bytes),
        subjects,
    })
}

/// Bytes of each drive, the slowest first, in whole MiB.
fn sizes(seconds: u32) -> Vec<u64> {
    let slowest = RATE * u64::from(seconds) / 2;
    let parts = PARTS.iter().cycle().take(DRIVES);
    parts
        .map(|part| ((slowest / part) >> 20).max(1) << 20)
        .collect()
}

/// Bytes per second that fio reaches, the lesser of its best write and its best read. A drive that
/// ends early leaves the others to the rest: it is rather too little.
fn fio_rate(bench: &Bench, site: Site) -> anyhow::Result<f64> {
    let _huge_pages = HugePages::reserve(site.drives.len(), FIO)?;
    let first = *FIO.first().context("no setting of fio")?;
    // The very first write pays for space that was never touched.
    bench.fio(first, Direction::Write, site)?;
    let mut best = [0.0; 2];
    for setting in FIO {
        for (best, direction) in best.iter_mut().zip([Direction::Write, Direction::Read]) {
            let run = bench.fio(*setting, direction, site)?;
            let seconds = run.write_seconds.or(run.verify_seconds);
            let seconds = seconds.context("fio measured no phase")?;
            *best = f64::max(*best, site.bytes() as f64 / seconds);
        }
    }
    Ok(f64::min(best[0], best[1]))
}

fn findings(subjects: &[Subject], limits_of_fio: f64, slowest_bytes: u64) -> Vec<Finding> {
    let [all, alone] = subjects else {
        return Vec::new();
    };
    let arithmetic = 2.0 * slowest_bytes as f64 / RATE as f64;
    let of_arithmetic =
        |subject: &Subject| subject.spread(|run| Some(run.wall_seconds / arithmetic));
    [
        Finding::new(
            "fio, no limits",
            "sum of the limits, of its rate",
            Spread::of([limits_of_fio]),
            Some(Wanted::AtMost(0.5)),
        ),
        Finding::new(
            &all.name,
            "whole, of the slowest alone",
            // The speed of the other against ours is our time as a part of theirs.
            alone.speed(all, |run| Some(run.wall_seconds)),
            Some(Wanted::AtMost(1.03)),
        ),
        Finding::new(
            &all.name,
            "whole, of the slowest's size ÷ limit",
            of_arithmetic(all),
            Some(Wanted::AtMost(1.03)),
        ),
        Finding::new(
            &alone.name,
            "whole, of its size ÷ limit",
            of_arithmetic(alone),
            None,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::figures::Run;
    use super::*;

    #[test]
    fn the_first_drive_is_the_slowest_and_takes_the_time_that_was_asked() {
        let sizes = sizes(32);
        assert_eq!(sizes.len(), DRIVES);
        assert_eq!(sizes.iter().max(), sizes.first());
        assert!(sizes[0] != sizes[1] && sizes[1] != sizes[2], "mixed");
        let seconds = 2.0 * sizes[0] as f64 / RATE as f64;
        assert!((31.9..=32.0).contains(&seconds), "{seconds}");
    }

    #[test]
    fn the_whole_is_held_against_the_slowest_and_against_arithmetic() {
        let subject = |name: &str, wall_seconds| Subject {
            name: name.to_owned(),
            command: String::new(),
            bytes: 0,
            runs: vec![Run {
                wall_seconds,
                ..Run::default()
            }],
        };
        let subjects = [subject("all", 2.2), subject("alone", 2.0)];
        let found = findings(&subjects, 0.4, RATE);
        let measured = |figure: &str| {
            let finding = found.iter().find(|finding| finding.figure == figure);
            finding.map(|finding| (finding.measured.median, finding.met))
        };
        assert_eq!(
            measured("whole, of the slowest alone"),
            Some((1.1, Some(false)))
        );
        assert_eq!(
            measured("whole, of the slowest's size ÷ limit"),
            Some((1.1, Some(false)))
        );
        assert_eq!(
            measured("sum of the limits, of its rate"),
            Some((0.4, Some(true)))
        );
    }
}
