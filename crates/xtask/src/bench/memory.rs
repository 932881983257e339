//! How much memory each further drive costs the engine.

use anyhow::Context;

use super::devices::{Backing, Folder};
use super::figures::{Finding, Run, Subject, Wanted};
use super::{Bench, Group, Site, child, progress};

const COUNTS: &[usize] = &[1, 8, 24, 60];
/// Many times a drive's buffers.
const DRIVE_BYTES: u64 = 64 << 20;
/// What the program itself and a few drives may have, before the memory of each drive counts.
const BASE_BYTES: u64 = 32 << 20;
/// MiB.
const WANTED: Wanted = Wanted::AtMost(2.0);

/// The engine on more and more drives.
pub fn group(bench: &Bench) -> anyhow::Result<Group> {
    let most = COUNTS.iter().copied().max().unwrap_or(0);
    let sizes = vec![DRIVE_BYTES; most];
    let (folder, drives) = Folder::with_drives(bench.root, &sizes, Backing::Memory)?;
    let variant = bench.shipped();
    let heading = format!("Memory, 1 to {most} × {} MiB", DRIVE_BYTES >> 20);
    let site = Site {
        backing: Backing::Memory,
        folder: &folder,
        drives: &drives,
        limits: None,
    };
    let mut settings = Vec::new();
    for count in COUNTS {
        let site = Site {
            drives: site.drives.get(..*count).context("too few drives")?,
            ..site
        };
        let subject = Subject {
            name: format!("raz, {}", super::drives(*count)),
            command: child::typed(&bench.raz_command(variant, 1, site)?),
            bytes: site.bytes(),
            runs: Vec::new(),
        };
        settings.push((site, subject));
    }
    for round in 1..=bench.rounds {
        progress(&heading, &format!("round {round} of {}", bench.rounds));
        for (site, subject) in &mut settings {
            subject.runs.push(bench.raz(variant, 1, *site)?);
        }
    }
    let counted = settings
        .iter()
        .flat_map(|(site, subject)| findings(site.drives.len(), subject));
    Ok(Group {
        notes: vec![format!(
            "{}; so short a run is no measure of speed",
            variant.name()
        )],
        heading,
        backing: site.backing,
        drives_bytes: site.drives_bytes(),
        limit_bytes_per_second: None,
        findings: counted.collect(),
        subjects: settings.into_iter().map(|(_, subject)| subject).collect(),
    })
}

/// The peak; how much was in huge pages, which shows that the peak has the buffers in it; and the
/// peak beyond the base, by drive.
fn findings(drives: usize, subject: &Subject) -> Vec<Finding> {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let beyond = |run: &Run| mib(run.rss_peak_bytes.saturating_sub(BASE_BYTES)) / drives as f64;
    [
        Finding::new(
            &subject.name,
            "RSS, MiB",
            subject.spread(|run| Some(mib(run.rss_peak_bytes))),
            None,
        ),
        Finding::new(
            &subject.name,
            "of it in huge pages, MiB",
            subject.spread(|run| run.huge_pages_bytes.map(mib)),
            None,
        ),
        Finding::new(
            &subject.name,
            "MiB beyond 32 MiB, a drive",
            subject.spread(|run| Some(beyond(run))),
            Some(WANTED),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_counts_beyond_the_base_and_by_drive() {
        let found = |drives, rss_mib: u64| {
            let subject = Subject {
                name: String::new(),
                command: String::new(),
                bytes: 0,
                runs: vec![Run {
                    rss_peak_bytes: rss_mib << 20,
                    huge_pages_bytes: Some(1 << 20),
                    ..Run::default()
                }],
            };
            let found = findings(drives, &subject);
            let last = found.last().expect("a finding");
            (last.measured.median, last.met)
        };
        assert_eq!(found(8, 20), (0.0, Some(true)));
        assert_eq!(found(24, 32 + 48), (2.0, Some(true)));
        assert_eq!(found(24, 32 + 60), (2.5, Some(false)));
    }
}
