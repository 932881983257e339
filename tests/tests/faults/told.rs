//! One PC with a drive of each failure.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use lab::bay::Bay;
use lab::bench::scenario;
use lab::derive::check_medium;
use lab::drive::{Bus, Operation};
use lab::machine::{Machine, Running, Screen};
use lab::scenario::{Audit, PATIENCE, Workshop};
use lab::terminal;
use report::event::Event;
use report::schema::{Erasure, OutcomeWord, Ranges};

use crate::steps::{
    FAULT_BYTES, MIB, bay, failed, failing, has_bad_sectors, held, id_of, invert, judged, outcome,
    ranges, wait_until_written,
};

/// In units of [`FAULT_BYTES`].
const UNWRITABLE: [[u64; 2]; 2] = [[20_001, 20_004], [70_000, 70_001]];
const UNREADABLE: [[u64; 2]; 2] = [[8, 9], [50_000, 50_017]];
/// Two sectors, from the middle of one to the middle of the next.
const CHANGED: [[u64; 2]; 1] = [[2051, 2053]];
const CHANGED_OFFSET_BYTES: u64 = 2051 * FAULT_BYTES + 100;
/// Far behind it are bytes that were written and will be read minutes later.
const WRITTEN_BYTES: u64 = 4 * MIB;

#[test]
fn each_failure_is_told_as_what_it_was_beside_proven_neighbours() {
    scenario("faults", |bench| {
        let bay = |name, bus| bay(bench, name, bus, 48);
        let unwritable = failing(
            bay("WBAD-1", Bus::VirtioScsi)?,
            Operation::Write,
            &UNWRITABLE,
        )?;
        let unreadable = failing(bay("RBAD-2", Bus::Nvme)?, Operation::Read, &UNREADABLE)?;
        let pulled = held(bay("PULLED-3", Bus::VirtioScsi)?);
        let changed = held(bay("CHANGED-4", Bus::Ahci)?);
        let good = bay("GOOD-5", Bus::Ahci)?;
        let slow = held(bay("SLOW-6", Bus::VirtioScsi)?);
        let all = [&unwritable, &unreadable, &pulled, &changed, &good, &slow];

        let workshop = Workshop::open(bench)?;
        let machine = Machine::new("pc")
            .screen(Screen::Serial)
            // Not followed while something is not proven: a machine that is off passes for done.
            .argument("raz.poweroff")
            .argument("raz.lang=en");
        let machine = all
            .iter()
            .fold(machine, |machine, bay| machine.drive(bay.drive.clone()));
        let mut running = workshop.boot(&workshop.unattended(machine)?)?;
        workshop.service.accept(&running.events)?;
        workshop.arm(1)?;

        // Bytes of one drive change behind raz's back, after they were written and before they are
        // read; another leaves.
        wait_until_written(&running, &id_of(&running, changed.name())?, WRITTEN_BYTES)?;
        invert(&changed.disk, CHANGED_OFFSET_BYTES, FAULT_BYTES)?;
        running.set_speed(&changed.drive, None)?;
        wait_until_written(&running, &id_of(&running, pulled.name())?, WRITTEN_BYTES)?;
        running.unplug(&pulled.drive, PATIENCE)?;

        // A drive that takes for ever costs no other anything: it is let go when they have ended.
        for bay in all.iter().filter(|bay| bay.name() != slow.name()) {
            outcome(&running, &id_of(&running, bay.name())?)?;
        }
        let slow_id = id_of(&running, slow.name())?;
        let has_ended = running
            .events
            .so_far()?
            .into_iter()
            .any(|line| matches!(line.event, Event::Outcome { id, .. } if id == slow_id));
        ensure!(!has_ended, "SLOW-6 was not held back");
        running.set_speed(&slow.drive, None)?;

        let status = workshop.finished(&running)?;
        let audit = workshop.audit(&running)?;
        judged(&audit, || {
            ensure!(status == 1, "exit status {status}");
            good.is_proven(&audit)?;
            slow.is_proven(&audit)?;
            let none = Ranges::default();
            let sectors = ranges(FAULT_BYTES, &UNWRITABLE);
            has_bad_sectors(&unwritable, &audit, &sectors, &none)?;
            let sectors = ranges(FAULT_BYTES, &UNREADABLE);
            has_bad_sectors(&unreadable, &audit, &none, &sectors)?;
            has_left(&pulled, &audit)?;
            was_changed(&changed, &audit)?;
            must_leave_the_machine(&[&unwritable, &unreadable, &pulled, &changed], &audit)?;
            for bay in all {
                let (word, text) = outcome(&running, &id_of(&running, bay.name())?)?;
                let erasure = erasure(bay, &audit)?;
                ensure!(
                    erasure.outcome == word && erasure.outcome_text == text,
                    "{}: the event says {word:?}, {text}",
                    bay.name()
                );
            }
            on_page(&workshop, &all, &audit)
        })?;
        on_screen(&running, &all, &audit)?;
        running.serial.send(b"p")?;
        running.wait_until_off(PATIENCE)
    });
}

fn erasure<'a>(bay: &Bay, audit: &'a Audit) -> anyhow::Result<&'a Erasure> {
    let erasure = audit.drive(bay.name())?.erasure.as_ref();
    erasure.with_context(|| format!("{}: no erasure in the report", bay.name()))
}

/// No byte is claimed that is not on the drive.
fn has_left(bay: &Bay, audit: &Audit) -> anyhow::Result<()> {
    let erasure = failed(bay, audit)?;
    // What was in flight may have come back as errors before the leaving was seen: that is told too.
    let (first, rest) = erasure.shortfalls.split_first().context("no shortfall")?;
    ensure!(
        first == "the drive left during the run"
            && rest
                .iter()
                .all(|reason| reason.ends_with("could not be written")),
        "{:?}",
        erasure.shortfalls
    );
    let [pass] = &erasure.passes[..] else {
        anyhow::bail!("{} passes", erasure.passes.len());
    };
    ensure!(
        pass.written_bytes >= WRITTEN_BYTES && !pass.flushed && pass.verification.is_none(),
        "{pass:?}"
    );
    let check = check_medium(bay.disk.path(), audit.drive(bay.name())?)?;
    let overwritten = check.bytes - check.differing.bytes;
    ensure!(
        (pass.written_bytes..check.bytes).contains(&overwritten),
        "{} bytes are said to be written, {overwritten} are",
        pass.written_bytes
    );
    Ok(())
}

/// The sectors, and the very first byte.
fn was_changed(bay: &Bay, audit: &Audit) -> anyhow::Result<()> {
    let erasure = failed(bay, audit)?;
    let sectors = ranges(FAULT_BYTES, &CHANGED);
    let [pass] = &erasure.passes[..] else {
        anyhow::bail!("{} passes", erasure.passes.len());
    };
    let read = pass.verification.as_ref().context("not read back")?;
    ensure!(
        read.complete
            && read.mismatches == sectors
            && read.first_mismatch_offset_bytes == Some(CHANGED_OFFSET_BYTES)
            && read.read_errors == Ranges::default()
            && pass.write_errors == Ranges::default(),
        "{pass:?}"
    );
    let wanted = format!(
        "{} bytes read back different from what was written, the first at byte {CHANGED_OFFSET_BYTES}",
        sectors.bytes
    );
    ensure!(erasure.shortfalls == [wanted], "{:?}", erasure.shortfalls);
    let check = check_medium(bay.disk.path(), audit.drive(bay.name())?)?;
    ensure!(
        check.differing == sectors && check.first_difference == Some(CHANGED_OFFSET_BYTES),
        "{check:?}"
    );
    Ok(())
}

/// The grade is `parts`, these drives and no other are to be taken out, and then it is better.
fn must_leave_the_machine(failing: &[&Bay], audit: &Audit) -> anyhow::Result<()> {
    let verdict = audit.report.verdict.as_ref().context("no verdict")?;
    let mut ids = BTreeSet::new();
    for bay in failing {
        ids.insert(audit.drive(bay.name())?.id.as_str());
    }
    let named: BTreeSet<&str> = verdict
        .remove
        .iter()
        .filter_map(|part| part.split_whitespace().last())
        .collect();
    ensure!(
        verdict.grade == "parts" && named == ids && verdict.grade_once_removed != "parts",
        "{verdict:?}"
    );
    Ok(())
}

/// The service's page has for each drive the word, each reason, and the ranges.
fn on_page(workshop: &Workshop<'_>, all: &[&Bay], audit: &Audit) -> anyhow::Result<()> {
    let path = format!("/reports/{}?lang=en", audit.report.report_id);
    let page = String::from_utf8(workshop.service.get(&path)?)?;
    for bay in all {
        let name = bay.name();
        let text = page
            .split("<article")
            .skip(1)
            .filter_map(|rest| rest.split("</article>").next())
            .map(without_tags)
            .find(|text| text.contains(name))
            .with_context(|| format!("{name}: not on the page"))?;
        let erasure = erasure(bay, audit)?;
        let word = match erasure.outcome {
            OutcomeWord::Verified => "✓ verified",
            OutcomeWord::Sampled => "◐ written, checked by sample",
            OutcomeWord::WrittenNotChecked => "○ written, not checked",
            OutcomeWord::NotComplete => "✗ not complete",
            OutcomeWord::NotStarted => "– nothing was written",
        };
        let mut wanted = vec![word.to_owned()];
        wanted.extend(erasure.shortfalls.clone());
        for pass in &erasure.passes {
            let read = pass.verification.as_ref();
            let listed = [
                Some(&pass.write_errors),
                read.map(|read| &read.mismatches),
                read.map(|read| &read.read_errors),
            ];
            let listed = listed.into_iter().flatten().flat_map(|list| &list.listed);
            wanted.extend(listed.map(|[start, end]| format!("[{start}, {end})")));
        }
        for words in wanted {
            ensure!(text.contains(&words), "{name}: no {words:?} in {text}");
        }
    }
    Ok(())
}

fn without_tags(html: &str) -> String {
    // What stands before the first `>` is the rest of the tag at which the page was cut.
    html.split('>')
        .skip(1)
        .filter_map(|piece| piece.split('<').next())
        .collect()
}

/// The last screen has for each drive the word and, under the cursor, the sentence.
fn on_screen(running: &Running, all: &[&Bay], audit: &Audit) -> anyhow::Result<()> {
    let wait = |what: &str, pieces: &[String]| {
        terminal::wait_for(&running.serial, what, PATIENCE, |screen| {
            let flat = screen.split_whitespace().collect::<Vec<_>>().join(" ");
            let all_there = pieces
                .iter()
                .all(|piece| screen.lines().any(|line| line == piece) || flat.contains(piece));
            all_there.then(|| screen.to_owned())
        })
    };
    let mut rows = vec!["Grade of the machine: parts".to_owned()];
    for bay in all {
        let word = match erasure(bay, audit)?.outcome {
            OutcomeWord::Verified => "verified",
            OutcomeWord::Sampled => "written, checked by sample",
            OutcomeWord::WrittenNotChecked => "written, not checked",
            OutcomeWord::NotComplete => "not complete",
            OutcomeWord::NotStarted => "not started",
        };
        rows.push(format!("{} 50 MB {word}", bay.name()));
    }
    let screen = wait("each drive with its word", &rows)?;
    let service = screen.lines().nth(1);
    ensure!(service == Some("Service: station accepted"), "{screen}");
    for number in 1..=all.len() {
        let place = format!("Drive {number} of {}", all.len());
        let screen = wait(&place, std::slice::from_ref(&place))?;
        let under_cursor = screen.lines().find(|line| line.starts_with('>'));
        let under_cursor = under_cursor.with_context(|| format!("no cursor in\n{screen}"))?;
        let bay = all.iter().find(|bay| under_cursor.contains(bay.name()));
        let bay = bay.with_context(|| format!("no drive in {under_cursor:?}"))?;
        let text = &erasure(bay, audit)?.outcome_text;
        wait(&place, std::slice::from_ref(text))?;
        running.serial.send(b"\x1b[B")?;
    }
    Ok(())
}
