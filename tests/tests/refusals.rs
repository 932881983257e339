//! What an unattended session must not erase, and when it must not erase at all.
//!
//! Every drive is read from outside afterwards: one that was refused is byte-identical, the
//! ordinary one beside it is proven, so that a refusal is never just a session that does nothing.

use anyhow::{Context, ensure};
use lab::bay::{Bay, all_unchanged};
use lab::bench::{Bench, scenario};
use lab::disk::FileSystem;
use lab::drive::Bus;
use lab::machine::{Machine, Running, Screen};
use lab::proxy::Proxy;
use lab::scenario::{Audit, PATIENCE, Workshop, goes_on};
use lab::station::Station;
use lab::terminal;
use report::event::Event;
use report::schema::Drive;
use std::collections::BTreeSet;

/// Room for FAT32; a power of two, as SD cards are.
const MIB: u64 = 64;
/// Where the file system does not matter.
const SMALL_MIB: u64 = 16;

/// An ordinary drive, which nothing speaks against.
fn ordinary(bench: &Bench) -> anyhow::Result<Bay> {
    let bay = Bay::new(bench, "ORDINARY", Bus::Nvme, SMALL_MIB, FileSystem::Ext4)?;
    Ok(bay.drive(|drive| drive.wwn(0x0025_3852_0000_0011)))
}

/// In English, so that reasons can be looked for.
fn machine(name: &str, bays: &[&Bay]) -> Machine {
    bays.iter().fold(
        Machine::new(name).argument("raz.lang=en"),
        |machine, bay| machine.drive(bay.drive.clone()),
    )
}

/// The report has this drive with this one refusal and what to do, and nothing was done to it.
fn is_refused(entry: &Drive, reason: &str, remedy: &str) -> anyhow::Result<()> {
    let named = matches!(&entry.refusals[..], [one] if one.starts_with(reason)
        && one.split_once("; to do: ").is_some_and(|(_, says)| says.contains(remedy)));
    ensure!(
        named && entry.erasure.is_none(),
        "{}: not refused as {reason:?} with {remedy:?}: {:?}, erasure {:?}",
        entry.path,
        entry.refusals,
        entry.erasure.as_ref().map(|erasure| &erasure.outcome_text)
    );
    Ok(())
}

fn serials<'a>(drives: impl IntoIterator<Item = &'a Drive>) -> BTreeSet<&'a str> {
    drives
        .into_iter()
        .filter_map(|drive| drive.serial.as_deref())
        .collect()
}

/// Only these were in any plan of the session.
fn planned_only(running: &Running, audit: &Audit, names: &[&str]) -> anyhow::Result<()> {
    let mut planned = BTreeSet::new();
    for line in running.events.so_far()? {
        if let Event::Plan { ids, .. } = line.event {
            planned.extend(ids);
        }
    }
    let drives = &audit.report.drives;
    let planned = serials(drives.iter().filter(|drive| planned.contains(&drive.id)));
    ensure!(
        planned == names.iter().copied().collect(),
        "in the plan: {planned:?}"
    );
    Ok(())
}

/// Nothing began: no countdown, no phase of any drive.
fn nothing_began(running: &Running) -> anyhow::Result<()> {
    for line in running.events.so_far()? {
        ensure!(
            !matches!(
                line.event,
                Event::Countdown { .. } | Event::Phase { .. } | Event::Outcome { .. }
            ),
            "{:?}",
            line.event
        );
    }
    Ok(())
}

/// How often the service was asked for an arming and gave this answer, by its log.
fn answers(log: &str, answer: &str) -> usize {
    let end = format!("asked: {answer}");
    log.lines().filter(|line| line.ends_with(&end)).count()
}

#[test]
fn refused_drives_are_byte_identical_beside_a_proven_one() {
    scenario("refused", |bench| {
        let bay = |name, bus, system| Bay::new(bench, name, bus, MIB, system);
        let erased = ordinary(bench)?;
        let kept = bay("KEPT", Bus::VirtioScsi, FileSystem::Ext4)?
            .drive(|drive| drive.wwn(0x5000_c500_0000_0012));
        let medium = bay("MEDIUM", Bus::Usb, FileSystem::Fat32)?;
        let twin = |name| {
            let bay = Bay::new(bench, name, Bus::Ahci, SMALL_MIB, FileSystem::Ext4)?;
            anyhow::Ok(bay.drive(|drive| drive.serial("TWINS")))
        };
        let twins = [twin("TWIN-A")?, twin("TWIN-B")?];
        let read_only = bay("READ-ONLY", Bus::VirtioScsi, FileSystem::Ntfs)?
            .drive(|drive| drive.wwn(0x5000_c500_0000_0013).read_only());
        let refused = [&kept, &medium, &twins[0], &twins[1], &read_only];

        let workshop = Workshop::open(bench)?;
        let id = medium.disk.file_system_id(FileSystem::Fat32)?;
        let machine = refused
            .iter()
            .fold(machine("pc", &[&erased]), |machine, bay| {
                machine.drive(bay.drive.clone())
            })
            .argument("raz.removable=erase")
            .argument("raz.keep=KEPT")
            .argument(&format!("raz.medium={id}"));
        let played = workshop.play(&workshop.unattended(machine)?)?;

        let audit = &played.audit;
        all_unchanged(refused)?;
        erased.is_proven(audit)?;
        ensure!(played.status == 0, "exit status {}", played.status);
        planned_only(&played.running, audit, &["ORDINARY"])?;
        ensure!(audit.drive("ORDINARY")?.refusals.is_empty());
        is_refused(audit.drive("KEPT")?, "kept", "raz.keep=")?;
        let medium = audit.drive("MEDIUM")?;
        is_refused(medium, "boot medium", "boot raz from another medium")?;
        is_refused(
            audit.drive("READ-ONLY")?,
            "read-only",
            "write-protect switch",
        )?;
        let twins: Vec<&Drive> = audit
            .report
            .drives
            .iter()
            .filter(|drive| drive.serial.as_deref() == Some("TWINS"))
            .collect();
        let [one, other] = twins[..] else {
            anyhow::bail!("{} twins in the report", twins.len());
        };
        for (twin, like) in [(one, other), (other, one)] {
            let reason = format!("ambiguous identity: same as {}", like.path);
            is_refused(twin, &reason, "one at a time")?;
        }
        ensure!(audit.report.drives.len() == 6, "a drive too many");
        Ok(())
    });
}

#[test]
fn drives_that_an_array_stands_on_are_named_with_it_and_byte_identical_beside_a_proven_one() {
    scenario("held", |bench| {
        let erased = ordinary(bench)?;
        let whole = Bay::new(bench, "WHOLE", Bus::VirtioScsi, SMALL_MIB, FileSystem::Ext4)?
            .drive(|drive| drive.wwn(0x5000_c500_0000_0014));
        let partition = Bay::new(bench, "PARTITION", Bus::Ahci, SMALL_MIB, FileSystem::Ext4)?
            .drive(|drive| drive.wwn(0x5000_c500_0000_0015));
        let held = [&whole, &partition];

        let workshop = Workshop::open(bench)?;
        let machine = machine("pc", &[&erased, &whole, &partition])
            .screen(Screen::Serial)
            .held(&whole.drive, None, "md127")
            .held(&partition.drive, Some(1), "md126");
        let running = workshop.boot(&workshop.unattended(machine)?)?;
        let drives: Vec<Drive> =
            running
                .events
                .wait_for("the list", PATIENCE, |event| match event {
                    Event::Drives { drives } => Some(drives.clone()),
                    _ => None,
                })?;
        // The arrays themselves are no drives.
        ensure!(
            serials(&drives) == ["ORDINARY", "PARTITION", "WHOLE"].into(),
            "listed: {drives:?}"
        );
        let device = |drives: &[Drive], serial: &str, partition: &str| -> anyhow::Result<String> {
            let mut drives = drives.iter();
            let entry = drives.find(|drive| drive.serial.as_deref() == Some(serial));
            let path = &entry.with_context(|| format!("no {serial}"))?.path;
            Ok(format!("{}{partition}", path.trim_start_matches("/dev/")))
        };
        let whole_device = device(&drives, "WHOLE", "")?;
        let partition_device = device(&drives, "PARTITION", "1")?;
        // The list has 23 columns for it.
        let rows = [&whole_device, &partition_device].map(|name| format!("refused: held: {name}"));
        terminal::wait_for_all(&running.serial, &[&rows[0], &rows[1]], PATIENCE)?;
        workshop.service.accept(&running.events)?;
        workshop.arm(1)?;
        let status = workshop.finished(&running)?;
        let audit = workshop.audit(&running)?;

        all_unchanged(held)?;
        erased.is_proven(&audit)?;
        ensure!(status == 0, "exit status {status}");
        planned_only(&running, &audit, &["ORDINARY"])?;
        ensure!(audit.report.drives.len() == 3, "a drive too many");
        for drives in [&drives, &audit.report.drives] {
            for (serial, device, array) in [
                ("WHOLE", &whole_device, "md127"),
                ("PARTITION", &partition_device, "md126"),
            ] {
                let mut drives = drives.iter();
                let entry = drives.find(|drive| drive.serial.as_deref() == Some(serial));
                is_refused(
                    entry.with_context(|| format!("no {serial}"))?,
                    &format!("held: {device} by {array}"),
                    &format!("stop {array}, which is built on {device} (`mdadm --stop`"),
                )?;
            }
        }
        Ok(())
    });
}

#[test]
fn unarmed_plan_writes_nothing_and_armed_it_leaves_removable_drives_alone() {
    scenario("unarmed", |bench| {
        let bay = |name, bus| Bay::new(bench, name, bus, MIB, FileSystem::Fat32);
        let erased = ordinary(bench)?;
        let card = bay("CARD", Bus::SdCard)?;
        let stick = bay("STICK", Bus::Usb)?.drive(|drive| drive.removable());
        let usb_disk = bay("USB-DISK", Bus::Usb)?;
        let removable = [&card, &stick, &usb_disk];

        let workshop = Workshop::open(bench)?;
        let machine = machine("pc", &[&erased, &card, &stick, &usb_disk]);
        let running = workshop.boot(&workshop.unattended(machine)?)?;
        workshop.service.accept(&running.events)?;
        running
            .events
            .wait_for_reason(0, "nobody has armed", PATIENCE)?;
        // It goes on asking, and every answer is heard before the next question.
        workshop
            .service
            .log
            .wait("four answers without an arming", PATIENCE, |log| {
                (answers(&String::from_utf8_lossy(log), "not armed") >= 4).then_some(())
            })?;
        nothing_began(&running)?;
        all_unchanged(removable)?;
        erased.is_unchanged()?;

        workshop.arm(1)?;
        let status = workshop.finished(&running)?;
        let audit = workshop.audit(&running)?;
        all_unchanged(removable)?;
        erased.is_proven(&audit)?;
        ensure!(status == 0, "exit status {status}");
        planned_only(&running, &audit, &["ORDINARY"])?;
        let mut others = 0;
        for drive in &audit.report.drives {
            if drive.serial.as_deref() != Some("ORDINARY") {
                is_refused(drive, "removable", "raz.removable=erase")?;
                others += 1;
            }
        }
        ensure!(others == 3, "{others} refused drives");
        Ok(())
    });
}

#[test]
fn copies_of_the_boot_medium_stop_the_unattended_mode_until_one_is_left() {
    scenario("copies", |bench| {
        let erased = ordinary(bench)?;
        let first = Bay::new(bench, "FIRST", Bus::Usb, SMALL_MIB, FileSystem::Ext4)?;
        let copy = Bay::with_disk("COPY", Bus::Usb, first.disk.cloned(bench.path(), "COPY")?)?;
        let id = first.disk.file_system_id(FileSystem::Ext4)?;

        let workshop = Workshop::open(bench)?;
        let machine = machine("pc", &[&first, &copy, &erased])
            .argument("raz.removable=erase")
            .argument(&format!("raz.medium={id}"));
        let mut running = workshop.boot(&workshop.unattended(machine)?)?;
        workshop.service.accept(&running.events)?;
        workshop.arm(1)?;
        let reason = running
            .events
            .wait_for_reason(0, "all carry raz's medium", PATIENCE)?;
        ensure!(
            reason.contains(&id) && reason.contains("unplug"),
            "{reason}"
        );
        goes_on(&mut running)?;
        nothing_began(&running)?;
        all_unchanged([&erased, &first, &copy])?;

        running.unplug(&copy.drive, PATIENCE)?;
        workshop.finished(&running)?;
        let audit = workshop.audit(&running)?;
        all_unchanged([&first, &copy])?;
        erased.is_proven(&audit)?;
        is_refused(
            audit.drive("FIRST")?,
            "boot medium",
            "boot raz from another medium",
        )
    });
}

#[test]
fn arming_that_another_machine_took_or_that_is_withdrawn_begins_nothing() {
    scenario("arming", |bench| {
        let erased = ordinary(bench)?;
        let workshop = Workshop::open(bench)?;
        let service = &workshop.service;
        let other = Station::new("other")?;
        other.enrol(service, &service.token()?)?;
        other.accept(service)?;
        workshop.arm(1)?;
        let taken = other.ask(service, "uuid another machine")?;
        ensure!(taken.armed, "{taken:?}");

        let machine = workshop.unattended(machine("pc", &[&erased]))?;
        let mut running = workshop.boot(&machine)?;
        service.accept(&running.events)?;
        running
            .events
            .wait_for_reason(0, "all are counted", PATIENCE)?;
        goes_on(&mut running)?;
        nothing_began(&running)?;
        erased.is_unchanged()?;

        let seen = running.events.count()?;
        workshop.arm(1)?;
        running
            .events
            .wait_after(seen, "the countdown", PATIENCE, |event| {
                matches!(event, Event::Countdown { .. }).then_some(())
            })?;
        // The machine stands still while the person is on the way to the service: how long that
        // takes here says nothing about raz.
        let seen = running.while_still(|running| {
            service.command(&["disarm"])?;
            running.events.count()
        })?;
        running
            .events
            .wait_for_reason(seen, "nobody has armed", PATIENCE)?;
        goes_on(&mut running)?;
        erased.is_unchanged()?;
        let wrote = running
            .events
            .so_far()?
            .iter()
            .any(|line| matches!(line.event, Event::Phase { .. } | Event::Outcome { .. }));
        ensure!(!wrote, "a drive began");
        Ok(())
    });
}

#[test]
fn arming_withdrawn_in_the_last_seconds_begins_nothing_and_a_new_one_does() {
    scenario("disarmed", |bench| {
        let erased = ordinary(bench)?;
        let workshop = Workshop::open(bench)?;
        let service = &workshop.service;
        let wire = Proxy::start(service.port())?;
        let token = service.token()?;
        let machine = machine("pc", &[&erased]).argument("raz.auto=erase");
        let machine = workshop.enrolled_at(wire.port(), &token, machine);
        let mut running = workshop.boot(&machine)?;
        service.accept(&running.events)?;
        workshop.arm(1)?;
        let counts = |running: &Running, seen, to| {
            let what = format!("the countdown at {to}");
            let began = running
                .events
                .wait_after(seen, &what, PATIENCE, |event| match event {
                    Event::Countdown { seconds_left } => (*seconds_left == to).then_some(false),
                    Event::Phase { .. } => Some(true),
                    _ => None,
                })?;
            ensure!(!began, "a drive began before {what}");
            anyhow::Ok(())
        };
        // The service has said "armed" while it counted. From here on its answers, also one that
        // it gives now, arrive too late to count.
        counts(&running, 0, 5)?;
        running.while_still(|_| {
            wire.hold();
            service.command(&["disarm"])
        })?;
        counts(&running, 0, 0)?;
        let seen = running.events.count()?;
        wire.release();
        running
            .events
            .wait_for_reason(seen, "nobody has armed", PATIENCE)?;
        goes_on(&mut running)?;
        erased.is_unchanged()?;
        let wrote = running
            .events
            .so_far()?
            .iter()
            .any(|line| matches!(line.event, Event::Phase { .. } | Event::Outcome { .. }));
        ensure!(!wrote, "a drive began");

        // A person arms it, and anew while it counts: the run and its report go by the newer one.
        workshop.arm(1)?;
        counts(&running, seen, 5)?;
        let armed = running
            .while_still(|_| service.command(&["arm", "--until", "+2h", "--max-machines", "1"]))?;
        ensure!(workshop.finished(&running)? == 0);
        let audit = workshop.audit(&running)?;
        let consent = &erased.is_proven(&audit)?.consent;
        // To the second: `2026-11-26T20:39:46`.
        let until = armed.split_whitespace().nth(2);
        let until = until.and_then(|until| until.get(..19)).context("no end")?;
        ensure!(
            consent
                .detail
                .as_deref()
                .is_some_and(|detail| detail.contains(until)),
            "{armed}, in the report: {:?}",
            consent.detail
        );
        Ok(())
    });
}

#[test]
fn used_token_is_not_accepted_and_nothing_is_written() {
    scenario("token", |bench| {
        let erased = ordinary(bench)?;
        let workshop = Workshop::open(bench)?;
        let service = &workshop.service;
        let token = service.token()?;
        Station::new("first")?.enrol(service, &token)?;
        let stations = service.command(&["station", "list"])?;
        workshop.arm(5)?;

        let mut machine = workshop.unattended(machine("pc", &[&erased]))?;
        machine = machine.replaced("raz.token=", &token);
        let mut running = workshop.boot(&machine)?;
        let detail = service_state(&running, "token refused")?;
        ensure!(detail.contains("the token is used"), "{detail}");
        ensure!(!detail.contains(&token), "the token is in an event");
        running
            .events
            .wait_for_reason(0, "the station is not accepted", PATIENCE)?;
        goes_on(&mut running)?;
        nothing_began(&running)?;
        erased.is_unchanged()?;
        ensure!(service.command(&["station", "list"])? == stations);
        ensure!(answers(&workshop.service.log.text(), "armed") == 0);
        Ok(())
    });
}

#[test]
fn service_with_another_certificate_gets_no_token_and_nothing_is_written() {
    scenario("pin", |bench| {
        let erased = ordinary(bench)?;
        let workshop = Workshop::open(bench)?;
        let service = &workshop.service;
        let token = service.token()?;
        workshop.arm(5)?;
        let other_pin = "5a".repeat(32);
        let machine = workshop
            .unattended(machine("pc", &[&erased]))?
            .replaced("raz.token=", &token)
            .replaced("raz.pin=", &other_pin);
        let mut running = workshop.boot(&machine)?;
        service_state(&running, "pin mismatch")?;
        running
            .events
            .wait_for_reason(0, "the station is not accepted", PATIENCE)?;
        goes_on(&mut running)?;
        nothing_began(&running)?;
        erased.is_unchanged()?;
        let log = service.log.text();
        ensure!(!log.contains("enrolled") && !log.contains("asked"), "{log}");
        // Nobody has used the token.
        Station::new("first")?.enrol(service, &token)
    });
}

#[test]
fn misspelt_argument_keeps_the_unattended_mode_off() {
    scenario("misspelt", |bench| {
        let erased = ordinary(bench)?;
        let meant = Bay::new(bench, "MEANT", Bus::Ahci, SMALL_MIB, FileSystem::Ext4)?;
        let workshop = Workshop::open(bench)?;
        let machine = machine("pc", &[&erased, &meant]).argument("raz.kepp=MEANT");
        let mut running = workshop.boot(&workshop.unattended(machine)?)?;
        workshop.service.accept(&running.events)?;
        workshop.arm(5)?;
        let reason = running.events.wait_for_reason(0, "raz.kepp", PATIENCE)?;
        ensure!(!reason.contains("MEANT"), "it repeats the value: {reason}");
        goes_on(&mut running)?;
        nothing_began(&running)?;
        ensure!(
            answers(&workshop.service.log.text(), "armed") == 0,
            "it asked"
        );
        all_unchanged([&erased, &meant])
    });
}

#[test]
fn drive_to_keep_that_is_not_there_keeps_the_unattended_mode_off() {
    scenario("keep-misspelt", |bench| {
        let erased = ordinary(bench)?;
        let meant = Bay::new(bench, "MEANT", Bus::Ahci, SMALL_MIB, FileSystem::Ext4)?;
        let workshop = Workshop::open(bench)?;
        let machine = machine("pc", &[&erased, &meant]).argument("raz.keep=MAENT");
        let mut running = workshop.boot(&workshop.unattended(machine)?)?;
        workshop.service.accept(&running.events)?;
        workshop.arm(5)?;
        running
            .events
            .wait_for_reason(0, "raz.keep=MAENT", PATIENCE)?;
        goes_on(&mut running)?;
        nothing_began(&running)?;
        all_unchanged([&erased, &meant])
    });
}

#[test]
fn unattended_mode_without_a_service_writes_nothing() {
    scenario("no-service", |bench| {
        let erased = ordinary(bench)?;
        let machine = machine("pc", &[&erased])
            .argument("raz.auto=erase")
            .argument("raz.events=raz.events");
        let mut running = machine.boot(bench, &lab::image::Image::built()?)?;
        running.wait_until_ready()?;
        running
            .events
            .wait_for_reason(0, "raz.auto=erase needs raz.server=", PATIENCE)?;
        goes_on(&mut running)?;
        nothing_began(&running)?;
        erased.is_unchanged()
    });
}

#[test]
fn machine_without_drives_says_so_and_goes_on() {
    scenario("no-drives", |bench| {
        let workshop = Workshop::open(bench)?;
        let machine = machine("pc", &[]).screen(Screen::Serial);
        let running = workshop.boot(&workshop.unattended(machine)?)?;
        workshop.service.accept(&running.events)?;
        workshop.arm(1)?;
        running
            .events
            .wait_for_reason(0, "no drive may be wiped unattended", PATIENCE)?;
        let english = ["No drive found", "No automatic wipe"];
        terminal::wait_for_all(&running.serial, &english, PATIENCE)?;
        running.serial.send(b"l")?;
        let french = ["Aucun disque trouv", "Pas d'effacement automatique"];
        terminal::wait_for_all(&running.serial, &french, PATIENCE)?;
        nothing_began(&running)?;
        ensure!(
            answers(&workshop.service.log.text(), "armed") == 0,
            "it asked"
        );

        // A drive that comes later is found; on the serial line nobody has done anything yet.
        running.serial.send(b"l")?;
        terminal::wait_for_all(&running.serial, &english, PATIENCE).map(drop)
    });
}

/// The detail of the first event with this state of the service.
fn service_state(running: &Running, wanted: &str) -> anyhow::Result<String> {
    running.events.wait_for(
        &format!("service {wanted:?}"),
        PATIENCE,
        |event| match event {
            Event::Service { state, detail } if state == wanted => Some(detail.clone()),
            _ => None,
        },
    )
}
