//! A power cut in mid-write: the machine boots again and goes on from what the service has of it.

use anyhow::{Context, ensure};
use lab::bay::Bay;
use lab::bench::{Bench, scenario};
use lab::derive::check_medium;
use lab::disk::FileSystem;
use lab::drive::Bus;
use lab::machine::{Machine, Running, Screen};
use lab::scenario::{PATIENCE, Workshop};
use lab::terminal;
use report::event::Event;
use report::schema::OutcomeWord;

const SERIAL: &str = "CUT-000123";
const MIB: u64 = 48;

fn bay(bench: &Bench) -> anyhow::Result<Bay> {
    Bay::new(bench, SERIAL, Bus::Ahci, MIB, FileSystem::Ext4)
}

/// Waits until a person sees this text.
fn sees(running: &Running, text: &str) -> anyhow::Result<()> {
    terminal::wait_for(&running.serial, &format!("{text:?}"), PATIENCE, |screen| {
        screen.contains(text).then_some(())
    })
}

/// The words of the next event about a ledger in this state.
fn ledger(running: &Running, wanted: &str) -> anyhow::Result<String> {
    let what = format!("a ledger that is {wanted}");
    running
        .events
        .wait_for(&what, PATIENCE, |event| match event {
            Event::Ledger { state, detail, .. } if state == wanted => Some(detail.clone()),
            _ => None,
        })
}

fn consents(running: &Running) -> anyhow::Result<()> {
    running.serial.send(b" ")?;
    sees(running, "to be wiped")?;
    running.serial.send(b"\r")?;
    sees(running, "Type the last 6 characters of the serial number")?;
    running.serial.send(b"000123\r")?;
    sees(running, "All chosen drives are confirmed")?;
    running.serial.send(b"e")
}

#[test]
fn a_machine_that_lost_its_power_goes_on_where_the_service_knows_it_was() {
    scenario("power-cut", |bench| {
        // A checkpoint comes after 60 s of writing: that is about half of the drive.
        let bay = bay(bench)?;
        let slow = bay.drive.clone().bytes_per_second((MIB << 20) / 110);
        let workshop = Workshop::open(bench)?;
        let machine = |name: &str| {
            workshop.enrolled(
                Machine::new(name)
                    .screen(Screen::Serial)
                    .argument("raz.lang=en"),
            )
        };
        let running = workshop.boot(&machine("before")?.drive(slow))?;
        sees(&running, "may be wiped")?;
        workshop.service.accept(&running.events)?;
        sees(&running, "station accepted")?;
        consents(&running)?;
        // The service has it on its medium when it says so.
        let line = workshop.service.log.wait_for_line(" begun", PATIENCE)?;
        ensure!(line.contains("ledger of run "), "{line}");
        running.pull_the_plug()?;

        // Another station, as far as the service can tell: the image keeps no key.
        let machine = machine("after")?.drive(bay.drive.clone());
        let running = workshop.boot(&machine)?;
        sees(&running, "may be wiped")?;
        workshop.service.accept(&running.events)?;
        let offered = ledger(&running, "offered")?;
        ensure!(
            offered.starts_with("resumes at ") && offered.contains("every byte will be read back"),
            "{offered}"
        );
        sees(&running, "may be wiped, resumes")?;
        sees(&running, "was interrupted")?;
        let begins = |event: &Event| matches!(event, Event::Plan { .. } | Event::Phase { .. });
        let so_far = running.events.so_far()?;
        let consented = so_far.iter().any(|line| begins(&line.event));
        ensure!(!consented, "a ledger is no consent");
        consents(&running)?;
        ensure!(ledger(&running, "resumes")? == offered);
        ensure!(workshop.finished(&running)? == 0);

        let audit = workshop.audit(&running)?;
        let entry = audit.drive(SERIAL)?;
        let erasure = entry.erasure.as_ref().context("no erasure")?;
        ensure!(erasure.outcome == OutcomeWord::Verified, "{erasure:?}");
        let pass = &erasure.passes[0];
        let resumed = pass.resumed.as_ref().context("nothing was resumed")?;
        ensure!(
            resumed.runs_before == 1
                && resumed.taken_over_bytes > 0
                && resumed.taken_over_bytes + pass.written_bytes == entry.capacity_bytes,
            "{resumed:?}, {} written",
            pass.written_bytes
        );
        let read = pass.verification.as_ref().context("not read back")?;
        ensure!(read.read_bytes == entry.capacity_bytes && read.complete);
        ensure!(check_medium(bay.disk.path(), entry)?.is_as_reported());

        // It ended with the receipt, and before the session said that it is over.
        let log = workshop.service.log.text();
        let ended = log.lines().filter(|line| line.ends_with(" ended")).count();
        ensure!(ended == 1, "{log}");
        ensure!(!log.contains(" refused"), "{log}");
        Ok(())
    });
}
