//! More and more drives at once without limits: the machine is full, and the total is to stay where
//! it is instead of collapsing. fio on as many drives says how much of a fall is the machine's.

use anyhow::Context;

use super::devices::{Backing, Folder};
use super::figures::{Finding, Run, Spread, Subject, Wanted};
use super::fio::{HugePages, Setting};
use super::targets::gib;
use super::{Bench, Group, Site, child, progress};

/// Drives, and raz's passes over each of them: every count writes about as much.
const COUNTS: &[(usize, usize)] = &[(8, 8), (16, 4), (32, 2), (60, 1)];
/// Not found over a grid: what was best for 4 drives.
const FIO: Setting = Setting {
    block_kib: 1024,
    depth: 2,
    thread_per_drive: true,
};

/// One count of drives.
struct Count<'a> {
    site: Site<'a>,
    passes: usize,
    fio: Subject,
    raz: Subject,
}

/// Drives of a tenth of `gib`: there are many.
pub fn group(bench: &Bench, gib: u64) -> anyhow::Result<Group> {
    let most = COUNTS.iter().map(|(drives, _)| *drives).max().unwrap_or(0);
    let bytes = ((gib << 30) / 10) >> 20 << 20;
    let _huge_pages = HugePages::reserve(most, &[FIO])?;
    let (folder, drives) = Folder::with_drives(bench.root, &vec![bytes; most], Backing::Memory)?;
    let site = Site {
        backing: Backing::Memory,
        folder: &folder,
        drives: &drives,
        limits: None,
    };
    let heading = format!("8 to {most} × {} MiB, memory-backed", bytes >> 20);
    let variant = bench.shipped();
    // The very first write pays for space that was never touched.
    bench.raz(variant, 1, site)?;
    let mut counts = Vec::new();
    for (drives, passes) in COUNTS {
        let site = Site {
            drives: site.drives.get(..*drives).context("too few drives")?,
            ..site
        };
        let subject = |name, commands: &[_], bytes| Subject {
            name: format!("{name}, {drives} drives"),
            command: child::typed_all(commands, "; "),
            bytes,
            runs: Vec::new(),
        };
        let raz = bench.raz_command(variant, *passes, site)?;
        counts.push(Count {
            fio: subject("fio", &site.fio_commands((FIO, FIO))?, site.bytes()),
            raz: subject("raz", &[raz], site.bytes() * *passes as u64),
            site,
            passes: *passes,
        });
    }
    for round in 1..=bench.rounds {
        progress(&heading, &format!("round {round} of {}", bench.rounds));
        for count in &mut counts {
            let fio = bench.fio_both((FIO, FIO), count.site)?;
            count.fio.runs.push(fio);
            let raz = bench.raz(variant, count.passes, count.site)?;
            count.raz.runs.push(raz);
        }
    }
    let (fio, raz): (Vec<Subject>, Vec<Subject>) = counts
        .into_iter()
        .map(|count| (count.fio, count.raz))
        .unzip();
    let flat = Some(Wanted::AtLeast(FLAT));
    let mut findings = totals(&raz, |run| Some(run.wall_seconds), flat);
    findings.extend(totals(&fio, Run::phases_seconds, None));
    Ok(Group {
        heading,
        notes: vec![format!(
            "{}, several passes where drives are fewer; fio {}",
            variant.name(),
            FIO.shown(most)
        )],
        backing: site.backing,
        drives_bytes: site.drives_bytes(),
        limit_bytes_per_second: None,
        findings,
        subjects: fio.into_iter().chain(raz).collect(),
    })
}

/// What of the fewest drives' total still counts as flat.
const FLAT: f64 = 0.9;

/// Written and verified bytes by `seconds`, and their ratio to the fewest drives'.
fn totals(
    subjects: &[Subject],
    seconds: impl Fn(&Run) -> Option<f64>,
    flat: Option<Wanted>,
) -> Vec<Finding> {
    let Some(few) = subjects.first() else {
        return Vec::new();
    };
    let rate = |subject: &Subject, run: &Run| Some(2.0 * gib(subject.bytes) / seconds(run)?);
    let total = subjects.iter().map(|subject| {
        let total = subject.spread(|run| rate(subject, run));
        Finding::new(&subject.name, "total GiB/s, written + read", total, None)
    });
    let of_few = subjects.iter().skip(1).map(|subject| {
        let pairs = subject.runs.iter().zip(&few.runs);
        let ratios: Option<Vec<f64>> = pairs
            .map(|(own, of_few)| Some(rate(subject, own)? / rate(few, of_few)?))
            .collect();
        Finding::new(
            &subject.name,
            "total, of the fewest drives'",
            Spread::of(ratios?),
            flat,
        )
    });
    total.chain(of_few).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_of_drives_writes_about_as_much() {
        let drives = COUNTS.iter().map(|(drives, passes)| drives * passes);
        let all: Vec<usize> = drives.collect();
        assert!(
            all.iter().all(|drives| (60..=64).contains(drives)),
            "{all:?}"
        );
    }

    #[test]
    fn a_total_that_falls_with_more_drives_is_not_flat() {
        let subject = |bytes, wall_seconds| Subject {
            name: String::new(),
            command: String::new(),
            bytes,
            runs: vec![Run {
                wall_seconds,
                ..Run::default()
            }],
        };
        let last = |seconds| {
            let subjects = [subject(8 << 30, 2.0), subject(4 << 30, seconds)];
            let wanted = Some(Wanted::AtLeast(FLAT));
            let found = totals(&subjects, |run| Some(run.wall_seconds), wanted);
            let last = found.last().expect("a finding");
            (last.measured.median, last.met)
        };
        assert_eq!(last(1.0), (1.0, Some(true)));
        assert_eq!(last(2.0), (0.5, Some(false)));
    }
}
