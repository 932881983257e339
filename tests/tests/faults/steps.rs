//! Steps and judgements that scenarios of failing drives share.

use std::fs::File;
use std::os::unix::fs::FileExt;

use anyhow::{Context, ensure};
use lab::bay::Bay;
use lab::bench::Bench;
use lab::derive::check_medium;
use lab::disk::{CANARY, Disk, FileSystem};
use lab::drive::{Bus, Operation};
use lab::machine::Running;
use lab::scenario::{Audit, PATIENCE};
use report::event::Event;
use report::schema::{Erasure, FinalContent, Level, OutcomeWord, Ranges};

pub const MIB: u64 = 1 << 20;
/// The unit of faults, whatever the drive's own sectors are.
pub const FAULT_BYTES: u64 = 512;

/// A drive that a scenario holds back is this slow: its phases last minutes, in which the scenario
/// does something to it and then lifts the limit.
const HELD_BYTES_PER_SECOND: u64 = MIB / 4;

/// A healthy drive with files on it.
pub fn bay(bench: &Bench, name: &str, bus: Bus, mib: u64) -> anyhow::Result<Bay> {
    Bay::new(bench, name, bus, mib, FileSystem::Ext4)
}

/// The drive, held back.
pub fn held(bay: Bay) -> Bay {
    bay.drive(|drive| drive.bytes_per_second(HELD_BYTES_PER_SECOND))
}

/// The drive with faults in these ranges, in units of [`FAULT_BYTES`]. They and their neighbours
/// hold words that can be found again.
pub fn failing(bay: Bay, operation: Operation, faults: &[[u64; 2]]) -> anyhow::Result<Bay> {
    for [start, end] in faults {
        let sectors = bay.disk.size_bytes() / FAULT_BYTES;
        for at in start.saturating_sub(1)..(end + 1).min(sectors) {
            let words = format!("{CANARY}-{}-sector-{at}", bay.name());
            bay.disk.overwrite(at * FAULT_BYTES, words.as_bytes())?;
        }
    }
    Ok(faults.iter().fold(bay, |bay, [start, end]| {
        bay.drive(|drive| drive.failing(operation, *start..*end))
    }))
}

/// Ranges of sectors of so many bytes, as a report lists them.
pub fn ranges(sector_bytes: u64, sectors: &[[u64; 2]]) -> Ranges {
    let listed: Vec<[u64; 2]> = sectors
        .iter()
        .map(|range| range.map(|sector| sector * sector_bytes))
        .collect();
    Ranges {
        count: listed.len() as u64,
        bytes: listed.iter().map(|[start, end]| end - start).sum(),
        listed,
    }
}

/// Inverts bytes of a medium, so that each of them differs from what it was.
pub fn invert(disk: &Disk, offset_bytes: u64, count: u64) -> anyhow::Result<()> {
    let mut bytes = vec![0; usize::try_from(count)?];
    File::open(disk.path())?.read_exact_at(&mut bytes, offset_bytes)?;
    bytes.iter_mut().for_each(|byte| *byte = !*byte);
    disk.overwrite(offset_bytes, &bytes)
}

/// The id that the session gave to the drive with this serial.
pub fn id_of(running: &Running, serial: &str) -> anyhow::Result<String> {
    running
        .events
        .wait_for(&format!("{serial} in a list"), PATIENCE, |event| {
            let Event::Drives { drives } = event else {
                return None;
            };
            drives
                .iter()
                .find(|drive| drive.serial.as_deref() == Some(serial))
                .map(|drive| drive.id.clone())
        })
}

/// Waits until so many bytes of its first phase are written on the drive with this id.
pub fn wait_until_written(running: &Running, wanted: &str, bytes: u64) -> anyhow::Result<()> {
    let what = format!("{bytes} bytes written on {wanted}");
    running
        .events
        .wait_for(&what, PATIENCE, |event| match event {
            Event::Progress {
                id,
                phase,
                bytes_done,
                ..
            } if id == wanted && phase == "writing" && *bytes_done >= bytes => Some(Ok(())),
            Event::Outcome { id, text, .. } if id == wanted => {
                Some(Err(anyhow::anyhow!("{id} ended before that: {text}")))
            }
            _ => None,
        })?
}

/// Waits for the end of the drive with this id; gives back its word and its sentence.
pub fn outcome(running: &Running, wanted: &str) -> anyhow::Result<(OutcomeWord, String)> {
    let what = format!("the outcome of {wanted}");
    running
        .events
        .wait_for(&what, PATIENCE, |event| match event {
            Event::Outcome { id, outcome, text } if id == wanted => Some((*outcome, text.clone())),
            _ => None,
        })
}

/// `check`, with the report beside its error.
pub fn judged(audit: &Audit, check: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    check().with_context(|| {
        let report = serde_json::to_string_pretty(&audit.report).unwrap_or_default();
        format!("by this report:\n{report}\n")
    })
}

/// The report's entry of a drive of which it must claim nothing.
pub fn failed<'a>(bay: &Bay, audit: &'a Audit) -> anyhow::Result<&'a Erasure> {
    let name = bay.name();
    let erasure = audit.drive(name)?.erasure.as_ref();
    let erasure = erasure.with_context(|| format!("{name}: no erasure in the report"))?;
    ensure!(
        erasure.outcome == OutcomeWord::NotComplete
            && erasure.achieved_level == Level::None
            && erasure.final_content == FinalContent::Unknown
            && erasure.outcome_text.starts_with("not complete"),
        "{name}: {:?}, {:?}, {:?}, {}",
        erasure.outcome,
        erasure.achieved_level,
        erasure.final_content,
        erasure.outcome_text
    );
    Ok(erasure)
}

/// Judges a drive with bad sectors: in each pass exactly these are listed, everything else is
/// overwritten and, as far as it can be read, compared; on the medium old bytes are only in the
/// sectors that cannot be written.
pub fn has_bad_sectors(
    bay: &Bay,
    audit: &Audit,
    unwritable: &Ranges,
    unreadable: &Ranges,
) -> anyhow::Result<()> {
    let name = bay.name();
    let size_bytes = bay.disk.size_bytes();
    let erasure = failed(bay, audit)?;
    ensure!(!erasure.passes.is_empty(), "{name}: no pass");
    for pass in &erasure.passes {
        let number = pass.pass;
        ensure!(
            pass.write_errors == *unwritable
                && pass.written_bytes == size_bytes - unwritable.bytes
                && pass.flushed,
            "{name}: pass {number} wrote {} bytes, flushed {}, {:?}",
            pass.written_bytes,
            pass.flushed,
            pass.write_errors
        );
        let read = pass.verification.as_ref();
        let read = read.with_context(|| format!("{name}: pass {number} was not read back"))?;
        let first = unwritable.listed.first().map(|[start, _]| *start);
        ensure!(
            read.complete
                && read.read_errors == *unreadable
                && read.mismatches == *unwritable
                && read.first_mismatch_offset_bytes == first
                && read.read_bytes == size_bytes - unreadable.bytes
                && (read.coverage_percent < 100.0) == (unreadable.bytes > 0),
            "{name}: {read:?}"
        );
    }
    let shortfall = |bytes: u64, words: &str| match bytes {
        0 => Ok(()),
        bytes => {
            let wanted = format!("{bytes} bytes {words}");
            let found = erasure.shortfalls.contains(&wanted);
            ensure!(found, "{name}: no {wanted:?} in {:?}", erasure.shortfalls);
            Ok(())
        }
    };
    shortfall(unwritable.bytes, "could not be written")?;
    shortfall(unreadable.bytes, "could not be read back")?;

    let check = check_medium(bay.disk.path(), audit.drive(name)?)?;
    ensure!(check.differing == *unwritable, "{name}: {check:?}");
    for at in bay.disk.find(CANARY)? {
        let mut listed = unwritable.listed.iter();
        let is_listed = listed.any(|[start, end]| (*start..*end).contains(&at));
        ensure!(is_listed, "{name}: a piece of a file is left at byte {at}");
    }
    Ok(())
}
