//! A drive that leaves between the end of the countdown and the first write.

use anyhow::{Context, ensure};
use lab::bench::scenario;
use lab::drive::Bus;
use lab::machine::{Machine, Screen};
use lab::scenario::{PATIENCE, Workshop};
use lab::terminal;
use report::event::Event;
use report::schema::OutcomeWord;

use crate::steps::{bay, id_of, judged, outcome};

/// No limit that is ever reached, but one that can be changed.
const FAST_BYTES_PER_SECOND: u64 = 1 << 40;
/// No answer: the next read but one waits for hours.
const NO_ANSWER_BYTES_PER_SECOND: u64 = 1;

#[test]
fn drive_pulled_while_it_is_claimed_is_not_started_and_the_others_are_erased() {
    scenario("claim", |bench| {
        let pulled = bay(bench, "PULLED-1", Bus::VirtioScsi, 16)?
            .drive(|drive| drive.bytes_per_second(FAST_BYTES_PER_SECOND));
        let others = [
            bay(bench, "SCSI-2", Bus::VirtioScsi, 16)?,
            bay(bench, "SATA-3", Bus::Ahci, 16)?,
        ];
        let machine = Machine::new("pc")
            .screen(Screen::Serial)
            .argument("raz.lang=en")
            .drive(pulled.drive.clone());
        let machine = others
            .iter()
            .fold(machine, |machine, bay| machine.drive(bay.drive.clone()));
        let workshop = Workshop::open(bench)?;
        let mut running = workshop.boot(&workshop.unattended(machine)?)?;
        workshop.service.accept(&running.events)?;
        workshop.arm(1)?;
        running
            .events
            .wait_for("the countdown", PATIENCE, |event| {
                matches!(event, Event::Countdown { .. }).then_some(())
            })?;
        // The claim reads what lies at the drive's start and at its partition's, and gets no further:
        // so the moment between countdown and first write lasts for the 20 s of a claim's patience.
        // A pull that comes later finds the drive given up as silent: not started either.
        running.set_speed(&pulled.drive, Some(NO_ANSWER_BYTES_PER_SECOND))?;
        terminal::wait_for_all(&running.serial, &["X stop", "waiting"], PATIENCE)?;
        running.unplug(&pulled.drive, PATIENCE)?;

        let id = id_of(&running, pulled.name())?;
        let (word, text) = outcome(&running, &id)?;
        ensure!(word == OutcomeWord::NotStarted, "{word:?}: {text}");
        let status = workshop.finished(&running)?;
        let audit = workshop.audit(&running)?;
        judged(&audit, || {
            ensure!(status == 1, "exit status {status}");
            for bay in &others {
                bay.is_proven(&audit)?;
            }
            let erasure = audit.drive(pulled.name())?.erasure.as_ref();
            let erasure = erasure.context("nothing about the pulled drive")?;
            ensure!(
                erasure.outcome == OutcomeWord::NotStarted
                    && erasure.outcome_text == text
                    && erasure.passes.is_empty(),
                "{erasure:?}"
            );
            pulled.is_unchanged()
        })?;
        terminal::wait_for_all(&running.serial, &["not started"], PATIENCE)?;
        running.serial.send(b"p")?;
        running.wait_until_off(PATIENCE)
    });
}
