//! A drive that leaves between consent and the first write.

use anyhow::ensure;
use lab::bench::scenario;
use lab::drive::Bus;
use lab::machine::Machine;
use lab::scenario::{PATIENCE, Workshop};
use report::event::Event;
use report::schema::OutcomeWord;

use crate::steps::{bay, id_of, judged};

#[test]
fn drive_pulled_in_the_countdown_keeps_its_bytes_and_the_others_are_erased() {
    scenario("countdown", |bench| {
        let pulled = bay(bench, "PULLED-1", Bus::VirtioScsi, 16)?;
        let others = [
            bay(bench, "SCSI-2", Bus::VirtioScsi, 16)?,
            bay(bench, "SATA-3", Bus::Ahci, 16)?,
        ];
        let machine = Machine::new("pc")
            .argument("raz.poweroff")
            .drive(pulled.drive.clone());
        let machine = others
            .iter()
            .fold(machine, |machine, bay| machine.drive(bay.drive.clone()));
        let workshop = Workshop::open(bench)?;
        let mut running = workshop.boot(&workshop.unattended(machine)?)?;
        workshop.service.accept(&running.events)?;
        workshop.arm(1)?;
        let is_counting = |event: &Event| matches!(event, Event::Countdown { .. }).then_some(());
        running
            .events
            .wait_for("the countdown", PATIENCE, is_counting)?;
        let seen = running.events.count()?;
        running.unplug(&pulled.drive, PATIENCE)?;

        // The plan that a person armed is not this one any more: it is made and counted down anew.
        let pulled_id = id_of(&running, pulled.name())?;
        running
            .events
            .wait_after(seen, "a plan without it", PATIENCE, |event| match event {
                Event::Plan { ids, .. } => {
                    (ids.len() == others.len() && !ids.contains(&pulled_id)).then_some(())
                }
                _ => None,
            })?;
        let status = workshop.finished(&running)?;
        let audit = workshop.audit(&running)?;
        judged(&audit, || {
            for bay in &others {
                bay.is_proven(&audit)?;
            }
            ensure!(status == 0, "exit status {status}");
            // It is no longer in the machine: if it is in the report, then with nothing done to it.
            let mut entries = audit.report.drives.iter();
            let claimed = entries.any(|entry| {
                entry.serial.as_deref() == Some(pulled.name())
                    && entry
                        .erasure
                        .as_ref()
                        .is_some_and(|erasure| erasure.outcome != OutcomeWord::NotStarted)
            });
            ensure!(!claimed, "something is claimed of {}", pulled.name());
            pulled.is_unchanged()
        })?;
        running.wait_until_off(PATIENCE)
    });
}
