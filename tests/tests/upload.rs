//! The way of a report to the service when something is wrong there: dead in mid-upload, revoked,
//! not accepted yet, somebody else. A report arrives once, or stays and is said to be there.
//!
//! What the service refuses of a report's content is tested beside the service; a certificate
//! without its key beside the agent.

use std::fs;

use anyhow::{Context, ensure};
use lab::bench::{Bench, scenario};
use lab::derive::check_medium;
use lab::disk::{CANARY, Disk, FileSystem};
use lab::drive::{Bus, Drive};
use lab::machine::{Machine, Running, Screen};
use lab::proxy::{Failure, LONG_BYTES, Proxy};
use lab::scenario::{PATIENCE, Workshop};
use lab::service::Service;
use lab::terminal;
use report::event::Event;
use report::schema::{Mode, OutcomeWord};
use uuid::Uuid;

const SERIAL: &str = "ONLY-000123";
const SIZE_BYTES: u64 = 32 << 20;

fn disk(bench: &Bench) -> anyhow::Result<Disk> {
    Disk::formatted(bench.path(), SERIAL, SIZE_BYTES, FileSystem::Ext4)
}

fn drive(disk: &Disk) -> Drive {
    Drive::new(SERIAL, Bus::Ahci, disk.path())
}

/// Slow enough that the run does not end before the scenario lifts the limit: minutes for a phase.
fn held_drive(disk: &Disk) -> Drive {
    drive(disk).bytes_per_second(SIZE_BYTES / 128)
}

/// Waits until the first byte may be written: from here on the run needs no service.
fn begun(running: &Running) -> anyhow::Result<()> {
    running
        .events
        .wait_for("the first phase", PATIENCE, |event| match event {
            Event::Phase { .. } => Some(()),
            _ => None,
        })
}

/// Waits for an attempt to upload of this kind; gives back the report's id and the words.
fn upload(running: &Running, wanted: &str) -> anyhow::Result<(Uuid, String)> {
    let what = format!("an upload to end in {wanted}");
    running
        .events
        .wait_for(&what, PATIENCE, |event| match event {
            Event::Upload {
                report_id,
                state,
                detail,
            } if state == wanted => Some((*report_id, detail.clone())),
            _ => None,
        })
}

/// Waits for a state of the service as the session sees it.
fn service_is(running: &Running, wanted: &str) -> anyhow::Result<()> {
    let what = format!("the service to be {wanted}");
    running
        .events
        .wait_for(&what, PATIENCE, |event| match event {
            Event::Service { state, .. } if state == wanted => Some(()),
            _ => None,
        })
}

/// Waits until a person sees this text.
fn sees(running: &Running, text: &str) -> anyhow::Result<()> {
    terminal::wait_for(&running.serial, &format!("{text:?}"), PATIENCE, |screen| {
        screen.contains(text).then_some(())
    })
}

/// The states of all uploads so far, and whether the session has ended.
fn told(running: &Running) -> anyhow::Result<(Vec<String>, bool)> {
    let mut states = Vec::new();
    let mut is_over = false;
    for line in running.events.so_far()? {
        match line.event {
            Event::Upload { state, .. } => states.push(state),
            Event::Finished { .. } => is_over = true,
            _ => {}
        }
    }
    Ok((states, is_over))
}

#[test]
fn a_service_that_is_killed_in_mid_upload_has_the_report_once() {
    scenario("killed", |bench| {
        let disk = disk(bench)?;
        let drive = held_drive(&disk);
        let mut workshop = Workshop::open(bench)?;
        let wire = Proxy::start(workshop.service.port())?;
        let token = workshop.service.token()?;
        let machine = Machine::new("pc")
            .drive(drive.clone())
            .argument("raz.auto=erase")
            .argument("raz.poweroff");
        let machine = workshop.enrolled_at(wire.port(), &token, machine);
        let mut running = workshop.boot(&machine)?;
        workshop.service.accept(&running.events)?;
        workshop.arm(1)?;

        // Dead when the run ends.
        begun(&running)?;
        workshop.service.kill()?;
        running.set_speed(&drive, None)?;
        let (report_id, _) = upload(&running, "retry")?;

        // Dead again when it has the first part of the report.
        wire.fail_next(Failure::RequestCut);
        workshop.service.restart()?;
        wire.wait_until_failed(PATIENCE)?;
        workshop.service.kill()?;
        ensure!(
            !workshop.service.log.text().contains("stored"),
            "a report was stored that was not sent whole"
        );

        // Dead again when it has stored the report and its answer is under way.
        wire.fail_next(Failure::AnswerLost);
        workshop.service.restart()?;
        wire.wait_until_failed(PATIENCE)?;
        workshop
            .service
            .log
            .wait_for_line(&format!("report {report_id} by"), PATIENCE)?;
        workshop.service.kill()?;
        let (states, is_over) = told(&running)?;
        ensure!(
            states.iter().all(|state| state == "retry") && !is_over,
            "{states:?}, over: {is_over}"
        );
        ensure!(running.status()? == "running", "powered off unsent");

        workshop.service.restart()?;
        let (sent_id, detail) = upload(&running, "receipt")?;
        let status = workshop.finished(&running)?;
        ensure!(sent_id == report_id && status == 0, "exit status {status}");
        ensure!(detail.starts_with("receipt 1 of "), "{detail}");
        let (states, _) = told(&running)?;
        let receipts = states.iter().filter(|state| *state == "receipt").count();
        ensure!(
            receipts == 1 && states.last().is_some_and(|state| state == "receipt"),
            "{states:?}"
        );
        let events = running.events.so_far()?;
        running.wait_until_off(PATIENCE)?;

        let log = workshop.service.log.text();
        let lines = |what: &str| log.lines().filter(|line| line.ends_with(what)).count();
        ensure!(
            lines(" stored") == 1 && lines(" again: first receipt") == 1,
            "{log}"
        );
        let said = workshop.service.command(&["receipts", "verify"])?;
        ensure!(said.starts_with("receipts verified: 1, "), "{said}");
        let audit = workshop.audit_of(report_id)?;
        let bytes = fs::read(audit.folder.join("report.json"))?;
        ensure!(
            bytes.len() > 3 * LONG_BYTES,
            "the wire takes it for another request"
        );
        ensure!(check_medium(disk.path(), audit.drive(SERIAL)?)?.is_as_reported());

        // What let the machine in is nowhere to be read afterwards.
        let places = [
            ("the report", String::from_utf8(bytes)?),
            ("the events", serde_json::to_string(&events)?),
            ("the service's log", log),
        ];
        for (place, text) in places {
            ensure!(!text.contains(&token), "the token is in {place}");
            ensure!(!text.contains("raz.token"), "an argument is in {place}");
        }
        Ok(())
    });
}

#[test]
fn a_station_that_is_revoked_during_the_run_keeps_its_report_and_its_power() {
    scenario("revoked", |bench| {
        let disk = disk(bench)?;
        let drive = held_drive(&disk);
        let workshop = Workshop::open(bench)?;
        let machine = Machine::new("pc")
            .screen(Screen::Serial)
            .drive(drive.clone())
            .argument("raz.lang=en")
            .argument("raz.poweroff");
        let mut running = workshop.boot(&workshop.unattended(machine)?)?;
        let fingerprint = workshop.service.accept(&running.events)?;
        workshop.arm(1)?;
        begun(&running)?;
        workshop
            .service
            .command(&["station", "revoke", &fingerprint])?;
        running.set_speed(&drive, None)?;

        // The run that was armed goes on to its end.
        let (report_id, detail) = upload(&running, "refused")?;
        ensure!(
            detail.starts_with("403: ") && detail.contains("is revoked"),
            "{detail}"
        );
        let verified = running
            .events
            .so_far()?
            .iter()
            .any(|line| matches!(line.event, Event::Outcome { outcome, .. } if outcome == OutcomeWord::Verified));
        ensure!(verified, "the run was not carried out");
        service_is(&running, "revoked")?;
        sees(&running, "STATION REVOKED")?;
        sees(&running, "Upload of the report: 403")?;
        // Whoever watches is told, and that the proof is not where it was to go.
        let (status, text) = running
            .events
            .wait_for("the end of the run", PATIENCE, |event| match event {
                Event::Finished { status, text } => Some((*status, text.clone())),
                _ => None,
            })?;
        ensure!(
            status == 1 && text.contains("refused the report: 403: ") && text.contains("spool"),
            "exit status {status}: {text}"
        );
        sees(&running, "The machine stays on")?;
        ensure!(
            workshop.audit_of(report_id).is_err(),
            "the service has the report of a revoked station"
        );

        // It is still in the spool: only that makes the session hesitate.
        running.serial.send(b"p")?;
        sees(&running, "would be lost")?;
        let (states, _) = told(&running)?;
        ensure!(!states.iter().any(|state| state == "receipt"), "{states:?}");
        ensure!(running.status()? == "running", "powered off unsent");
        // A person may decide otherwise.
        running.serial.send(b"p")?;
        running.wait_until_off(PATIENCE)
    });
}

#[test]
fn a_report_waits_for_its_station_to_be_accepted_after_the_run() {
    scenario("pending", |bench| {
        let disk = disk(bench)?;
        let workshop = Workshop::open(bench)?;
        let machine = Machine::new("pc")
            .screen(Screen::Serial)
            .drive(drive(&disk))
            .argument("raz.lang=en")
            .argument("raz.poweroff");
        let running = workshop.boot(&workshop.enrolled(machine)?)?;
        service_is(&running, "pending")?;

        // A pending station cannot be armed: the consent is a person's at the machine.
        sees(&running, "may be wiped")?;
        running.serial.send(b" ")?;
        sees(&running, "to be wiped")?;
        running.serial.send(b"\r")?;
        sees(&running, "Type the last 6 characters of the serial number")?;
        running.serial.send(b"000123\r")?;
        sees(&running, "All chosen drives are confirmed")?;
        ensure!(!disk.find(CANARY)?.is_empty(), "written to before E");
        running.serial.send(b"e")?;

        let (report_id, detail) = upload(&running, "retry")?;
        ensure!(detail.contains("is pending"), "{detail}");
        ensure!(
            workshop.audit_of(report_id).is_err(),
            "the service has the report of a pending station"
        );
        workshop.service.accept(&running.events)?;
        upload(&running, "receipt")?;
        let status = workshop.finished(&running)?;
        ensure!(status == 0, "exit status {status}");
        running.wait_until_off(PATIENCE)?;

        let audit = workshop.audit_of(report_id)?;
        let entry = audit.drive(SERIAL)?;
        let erasure = entry.erasure.as_ref().context("no erasure")?;
        ensure!(audit.report.mode == Mode::Session && erasure.consent.by == "typed");
        ensure!(check_medium(disk.path(), entry)?.is_as_reported());
        Ok(())
    });
}

#[test]
fn another_certificate_at_the_address_gets_nothing_and_arms_nothing() {
    scenario("impostor", |bench| {
        let disk = disk(bench)?;
        let before = disk.sha256()?;
        let workshop = Workshop::open(bench)?;
        workshop.arm(1)?;
        let elsewhere = Bench::new("impostor-service")?;
        let impostor = Service::start(&elsewhere)?;
        ensure!(impostor.pin() != workshop.service.pin());
        impostor.command(&["arm", "--until", "+1h", "--max-machines", "9"])?;

        let machine = Machine::new("pc")
            .drive(drive(&disk))
            .argument("raz.auto=erase");
        let token = workshop.service.token()?;
        let machine = workshop.enrolled_at(impostor.port(), &token, machine);
        let running = workshop.boot(&machine)?;
        service_is(&running, "pin mismatch")?;
        running.events.wait_for(
            "the plan to wait for a station",
            PATIENCE,
            |event| match event {
                Event::Waiting { reason } if reason.contains("not accepted") => Some(()),
                _ => None,
            },
        )?;

        for service in [&impostor, &workshop.service] {
            let stations = service.command(&["station", "list"])?;
            ensure!(stations.is_empty(), "enrolled: {stations}");
        }
        let log = impostor.log.text();
        ensure!(log.is_empty(), "it heard something: {log}");
        ensure!(disk.sha256()? == before, "written to");
        Ok(())
    });
}
