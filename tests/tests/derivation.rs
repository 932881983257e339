//! raz's pattern and the lab's second implementation of it agree, byte by byte, on real block
//! devices: the program erases a loop device, the lab reads the file behind it.
//!
//! Needs root and loop devices. Two-pass drives and the other cipher need a virtual PC: see the
//! scenarios that boot the image.

use std::fs;
use std::process::Command;

use anyhow::{Context, ensure};
use lab::derive::{check_medium, sampled_sectors};
use lab::erased::{Erased, raz, run};
use lab::scenario::fits_schema;
use report::schema::{FinalContent, OutcomeWord, PassKind};

const MIB: u64 = 1 << 20;

#[test]
fn pattern_on_a_drive_of_an_odd_size() -> anyhow::Result<()> {
    let erased = Erased::new("odd", 3 * MIB + 7 * 512, 512, &[])?;
    erased.must_hold(PassKind::Pattern, FinalContent::Pattern)
}

/// Many writes in flight, in whatever order.
#[test]
fn pattern_on_a_drive_of_many_requests() -> anyhow::Result<()> {
    let erased = Erased::new("many", 96 * MIB + 7 * 512, 512, &[])?;
    erased.must_hold(PassKind::Pattern, FinalContent::Pattern)
}

#[test]
fn pattern_on_a_drive_with_sectors_of_4096_bytes() -> anyhow::Result<()> {
    let erased = Erased::new("4kn", 5 * MIB + 7 * 4096, 4096, &[])?;
    erased.must_hold(PassKind::Pattern, FinalContent::Pattern)
}

#[test]
fn zeros_after_the_pattern() -> anyhow::Result<()> {
    let erased = Erased::new("zero", 4 * MIB + 7 * 512, 512, &["--then-zero"])?;
    erased.must_hold(PassKind::Zero, FinalContent::Zeros)?;
    let zeros = fs::read(&erased.drive.backing)?;
    ensure!(zeros.iter().all(|byte| *byte == 0));
    Ok(())
}

/// The report alone tells which sectors were read.
#[test]
fn sample_of_a_sampled_drive_is_derived_from_its_report() -> anyhow::Result<()> {
    let how = ["--verify", "sampled=12"];
    let erased = Erased::with_status("sampled", 24 * MIB + 7 * 512, 512, &how, 4)?;
    erased.signature_holds()?;
    let entry = &erased.report.drives[0];
    let erasure = entry.erasure.as_ref().context("no erasure")?;
    assert_eq!(erasure.outcome, OutcomeWord::Sampled);
    let read = erasure.passes[0].verification.as_ref().context("unread")?;
    let sample = read.sample.as_ref().context("no sample")?;
    let sectors = sampled_sectors(entry, sample)?;
    assert_eq!(sectors.len() as u64, sample.sectors);
    assert_eq!(read.read_bytes, sample.sectors * 512);
    // It was written in full all the same.
    let check = check_medium(&erased.drive.backing, entry)?;
    assert!(check.is_as_reported(), "{check:?}");
    fits_schema(&fs::read(erased.folder.join("report.json"))?)
}

#[test]
fn a_byte_changed_afterwards_is_found_by_both() -> anyhow::Result<()> {
    let erased = Erased::new("changed", 2 * MIB + 7 * 512, 512, &[])?;
    erased.must_hold(PassKind::Pattern, FinalContent::Pattern)?;
    let report = erased.folder.join("report.json");
    let mut verify = Command::new(raz());
    verify
        .arg("verify")
        .arg(&erased.drive.device)
        .arg("--report")
        .arg(&report);
    run(&mut verify)?;

    let last = erased.drive.size_bytes - 1;
    let mut bytes = fs::read(&erased.drive.backing)?;
    bytes[last as usize] ^= 1;
    fs::write(&erased.drive.backing, &bytes)?;

    let check = check_medium(&erased.drive.backing, &erased.report.drives[0])?;
    assert_eq!(check.first_difference, Some(last));
    let answer = verify.output()?;
    assert_eq!(answer.status.code(), Some(1), "{answer:?}");
    Ok(())
}
