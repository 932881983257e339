//! A person at the machine: nothing is written without the characters from the drive's label, a
//! key stops what a key can stop, and the end is told as it was.
//!
//! On the serial line the screen is read as a terminal shows it; on the monitor the keys are the
//! keyboard's and the picture is the card's.

use anyhow::{Context, ensure};
use lab::bay::{Bay, all_unchanged};
use lab::bench::{Bench, scenario};
use lab::disk::{FileSystem, find};
use lab::drive::Bus;
use lab::image::Image;
use lab::machine::{Machine, Running, Screen};
use lab::scenario::{Audit, PATIENCE, Workshop, goes_on};
use lab::terminal;
use report::event::Event;
use report::schema::{Level, Mode, OutcomeWord};
use std::fs;
use std::time::Instant;

const ESCAPE: &str = "\x1b";
const DOWN: &str = "\x1b[B";
const ENTER: &str = "\r";

fn bay(bench: &Bench, name: &str, bus: Bus, mib: u64) -> anyhow::Result<Bay> {
    Bay::new(bench, name, bus, mib, FileSystem::Ext4)
}

fn keys(running: &Running, keys: &str) -> anyhow::Result<()> {
    running.serial.send(keys.as_bytes())
}

/// Waits until all these words are on the screen.
fn sees(running: &Running, words: &[&str]) -> anyhow::Result<String> {
    terminal::wait_for_all(&running.serial, words, PATIENCE)
}

/// Types an answer, sees it on the screen, then presses Enter.
fn answers(running: &Running, text: &str) -> anyhow::Result<()> {
    keys(running, text)?;
    sees(running, &[&format!("> {text}_")])?;
    keys(running, ENTER)
}

fn counts_down(running: &Running, seen: usize) -> anyhow::Result<()> {
    running
        .events
        .wait_after(seen, "the countdown", PATIENCE, |event| {
            matches!(event, Event::Countdown { .. }).then_some(())
        })
}

/// No drive was begun, and no countdown among the events after the first `seen`.
fn nothing_began(running: &Running, seen: usize) -> anyhow::Result<()> {
    for (number, line) in running.events.so_far()?.into_iter().enumerate() {
        let began = match line.event {
            Event::Phase { .. } | Event::Outcome { .. } => true,
            Event::Countdown { .. } => number >= seen,
            _ => false,
        };
        ensure!(!began, "{:?}", line.event);
    }
    Ok(())
}

/// The outcome of the drive with this serial.
fn outcome(running: &Running, serial: &str) -> anyhow::Result<(OutcomeWord, String)> {
    let slug: String = serial.chars().filter(char::is_ascii_alphanumeric).collect();
    running.events.wait_for(
        &format!("{serial}'s outcome"),
        PATIENCE,
        |event| match event {
            Event::Outcome { id, outcome, text } if id.starts_with(&slug) => {
                Some((*outcome, text.clone()))
            }
            _ => None,
        },
    )
}

fn typed_consent(audit: &Audit, bay: &Bay) -> anyhow::Result<()> {
    let entry = audit.drive(bay.name())?;
    let erasure = entry.erasure.as_ref().context("no erasure")?;
    ensure!(
        audit.report.mode == Mode::Session
            && erasure.consent.by == "typed"
            && erasure.consent.drive_id == entry.id,
        "{:?}, {:?}",
        audit.report.mode,
        erasure.consent
    );
    Ok(())
}

#[test]
fn drives_are_erased_by_hand_on_the_serial_line_and_a_stopped_one_is_not_complete() {
    scenario("by-hand", |bench| {
        let fast = bay(bench, "FAST-A1B2C3", Bus::Ahci, 16)?;
        let slow = bay(bench, "SLOW-D4E5F6", Bus::VirtioScsi, 64)?
            .drive(|drive| drive.bytes_per_second(1 << 18));
        let workshop = Workshop::open(bench)?;
        let machine = Machine::new("pc")
            .screen(Screen::Serial)
            .drive(fast.drive.clone())
            .drive(slow.drive.clone());
        let mut running = workshop.boot(&workshop.enrolled(machine)?)?;

        // French without being asked.
        sees(&running, &["Modèle", "effaçable", "Espace choisir"])?;
        sees(&running, &["FAST-A1B2C3", "SLOW-D4E5F6"])?;
        workshop.service.accept(&running.events)?;
        sees(&running, &["poste accepté"])?;

        keys(&running, "a")?;
        sees(&running, &["[x]", "à effacer"])?;
        keys(&running, "e")?;
        sees(
            &running,
            &["Chaque disque choisi doit d'abord être confirmé"],
        )?;
        let first = [
            "Confirmation 1 sur 2",
            "FAST-A1B2C3",
            "Taper les 6 derniers",
        ];
        keys(&running, ENTER)?;
        sees(&running, &first)?;
        // Too few, too many, the other drive's, none.
        for wrong in ["1B2C3", "-A1B2C3", "D4E5F6", ""] {
            answers(&running, wrong)?;
            sees(
                &running,
                &["Confirmation 1 sur 2", "> _", "rien n'est confirmé"],
            )?;
        }
        answers(&running, "a1b2c3")?;
        sees(&running, &["Confirmation 2 sur 2", "SLOW-D4E5F6"])?;
        keys(&running, ESCAPE)?;
        sees(&running, &["aucun disque n'est confirmé"])?;
        keys(&running, "e")?;
        sees(
            &running,
            &["Chaque disque choisi doit d'abord être confirmé"],
        )?;
        nothing_began(&running, 0)?;

        let confirm = |running: &Running| -> anyhow::Result<()> {
            keys(running, ENTER)?;
            sees(running, &first)?;
            answers(running, "A1B2C3")?;
            sees(running, &["Confirmation 2 sur 2"])?;
            answers(running, "D4E5F6")?;
            sees(running, &["Tous les disques choisis sont confirmés"])?;
            keys(running, "e")
        };
        confirm(&running)?;
        counts_down(&running, 0)?;
        sees(&running, &["N'IMPORTE QUELLE TOUCHE", "sur 2 disque(s)"])?;
        running.while_still(|running| keys(running, " "))?;
        running
            .events
            .wait_for_reason(0, "nothing was written", PATIENCE)?;
        sees(&running, &["Arrêté : rien n'a été écrit", "Espace choisir"])?;
        // Who stopped it is asked again.
        let seen = running.events.count()?;
        keys(&running, "e")?;
        sees(
            &running,
            &["Chaque disque choisi doit d'abord être confirmé"],
        )?;
        nothing_began(&running, seen)?;
        all_unchanged([&fast, &slow])?;

        confirm(&running)?;
        let (word, _) = outcome(&running, fast.name())?;
        ensure!(word == OutcomeWord::Verified);
        sees(&running, &["vérifié", "écriture", "X arrêter"])?;
        keys(&running, "x")?;
        sees(&running, &["Arrêter ?"])?;
        keys(&running, DOWN)?;
        sees(&running, &["L'effacement continue"])?;
        keys(&running, "x")?;
        sees(&running, &["Arrêter ?"])?;
        keys(&running, ENTER)?;
        running.set_speed(&slow.drive, None)?;
        let (word, text) = outcome(&running, slow.name())?;
        ensure!(
            word == OutcomeWord::NotComplete && text.contains("stopped by the operator"),
            "{word:?}: {text}"
        );

        ensure!(workshop.finished(&running)? == 1);
        let words = [
            "incomplet : arrêté par l'opérateur",
            "Rapport reçu par le service",
        ];
        let screen = sees(&running, &words)?;
        let line = |name: &str| screen.lines().find(|line| line.contains(name));
        ensure!(
            line("FAST-A1B2C3").is_some_and(|line| line.contains("vérifié"))
                && line("SLOW-D4E5F6").is_some_and(|line| line.contains("incomplet")),
            "{screen}"
        );
        keep_screen(bench, &running)?;

        let audit = workshop.audit(&running)?;
        fast.is_proven(&audit)?;
        typed_consent(&audit, &fast)?;
        typed_consent(&audit, &slow)?;
        let stopped = audit.drive(slow.name())?.erasure.as_ref();
        let stopped = stopped.context("nothing about the stopped drive")?;
        ensure!(
            stopped.outcome == OutcomeWord::NotComplete
                && stopped.achieved_level == Level::None
                && stopped
                    .shortfalls
                    .iter()
                    .any(|reason| reason.contains("stopped by the operator"))
                && !stopped.outcome_text.contains("erased"),
            "{}: {:?}",
            stopped.outcome_text,
            stopped.shortfalls
        );
        Ok(())
    });
}

/// A word on the kernel's command line that is nobody's argument.
const MARKER: &str = "marker=KARG-7f3a91c2";

#[test]
fn stopped_unattended_countdown_leaves_only_consent_by_hand_and_no_secret_gets_out() {
    scenario("stopped", |bench| {
        let disk = bay(bench, "ONLY-A1B2C3", Bus::Nvme, 16)?;
        let workshop = Workshop::open(bench)?;
        let service = &workshop.service;
        let token = service.token()?;
        let machine = Machine::new("pc")
            .screen(Screen::Serial)
            .argument("raz.lang=en")
            .argument(MARKER)
            .drive(disk.drive.clone());
        let machine = workshop.unattended(machine)?.replaced("raz.token=", &token);
        let mut running = workshop.boot(&machine)?;
        sees(&running, &["Model", "Space choose", "to be wiped"])?;
        service.accept(&running.events)?;
        workshop.arm(1)?;
        counts_down(&running, 0)?;
        // And nothing beside it that says otherwise.
        terminal::wait_for(&running.serial, "the countdown alone", PATIENCE, |screen| {
            let counts = [
                "First write in",
                "ANY KEY stops everything",
                "Any key: stop",
            ]
            .iter()
            .all(|words| screen.contains(words));
            (counts && !screen.contains("waiting to be armed")).then_some(())
        })?;
        running.while_still(|running| keys(running, "q"))?;
        running
            .events
            .wait_for_reason(0, "nothing was written", PATIENCE)?;
        sees(&running, &["Stopped: nothing was written", "Enter confirm"])?;

        // It is still armed, and nothing comes of it.
        let seen = running.events.count()?;
        keys(&running, "ll")?;
        running
            .events
            .wait_after(seen, "a list in French and one in English", PATIENCE, {
                let mut lists = 0;
                move |event| {
                    lists += usize::from(matches!(event, Event::Drives { .. }));
                    (lists == 2).then_some(())
                }
            })?;
        keys(&running, "e")?;
        sees(&running, &["must first be confirmed"])?;
        nothing_began(&running, seen)?;
        disk.is_unchanged()?;

        keys(&running, ENTER)?;
        sees(
            &running,
            &["Confirmation 1 of 1", "Type the last 6 characters"],
        )?;
        answers(&running, "A1B2C3")?;
        sees(&running, &["All chosen drives are confirmed"])?;
        keys(&running, "e")?;
        ensure!(workshop.finished(&running)? == 0);
        sees(
            &running,
            &["verified", "Grade of the machine", "receipt no 1"],
        )?;
        let audit = workshop.audit(&running)?;
        disk.is_proven(&audit)?;
        typed_consent(&audit, &disk)?;
        no_secret_got_out(bench, &workshop, &running, &audit, &token)
    });
}

/// Neither the token nor the kernel's command line is in anything that leaves the machine or that
/// the service keeps. The serial line has it where the kernel itself prints it, and nowhere else.
fn no_secret_got_out(
    bench: &Bench,
    workshop: &Workshop<'_>,
    running: &Running,
    audit: &Audit,
    token: &str,
) -> anyhow::Result<()> {
    let service = &workshop.service;
    let report_id = audit.report.report_id;
    let mut texts = vec![
        ("the events", running.events.text().into_bytes()),
        ("the service's log", service.log.text().into_bytes()),
    ];
    let own_page = format!("/reports/{report_id}");
    for page in ["/", "/stations", &own_page] {
        texts.push(("a page", service.get(page)?));
    }
    for folder in [&audit.folder, service.data()] {
        for file in fs::read_dir(folder)? {
            let path = file?.path();
            ensure!(
                find(&path, token.as_bytes())?.is_empty(),
                "the token is in {}",
                path.display()
            );
            texts.push(("a file", fs::read(&path)?));
        }
    }
    for secret in [token, service.pin(), MARKER] {
        for (place, text) in &texts {
            // The service's own folder holds its certificate, not its certificate's digest.
            let found = memchr::memmem::find(text, secret.as_bytes());
            ensure!(found.is_none(), "{secret} is in {place}");
        }
    }
    let serial = running.serial.text();
    let told: Vec<&str> = serial.lines().filter(|line| line.contains(token)).collect();
    ensure!(
        !told.is_empty()
            && told
                .iter()
                .all(|line| line.to_lowercase().contains("command line: ")),
        "the token is on the serial line: {told:?}"
    );
    ensure!(!terminal::screen(serial.as_bytes()).contains(token));
    let said = fs::read(bench.path().join("pc.qemu.log"))?;
    ensure!(memchr::memmem::find(&said, token.as_bytes()).is_none());
    Ok(())
}

#[test]
fn drive_is_erased_by_hand_on_the_monitor_without_a_service() {
    scenario("monitor", |bench| {
        let disk = bay(bench, "ONLY-A1B2C3", Bus::VirtioBlk, 16)?;
        let machine = Machine::new("pc")
            .argument("raz.events=raz.events")
            .drive(disk.drive.clone());
        let mut running = machine.boot(bench, &Image::built()?)?;
        running.wait_until_ready()?;
        running.events.wait_for("the list", PATIENCE, |event| {
            matches!(event, Event::Drives { .. }).then_some(())
        })?;
        types(bench, &mut running, "chosen", " ")?;
        types(bench, &mut running, "question", "\n")?;
        types(bench, &mut running, "wrong", "a1b2c4\n")?;
        running.qmp.send_keys(&["esc"])?;
        running.qmp.type_text("e")?;
        goes_on(&mut running)?;
        nothing_began(&running, 0)?;
        disk.is_unchanged()?;

        running.qmp.type_text("\na1b2c3\ne")?;
        counts_down(&running, 0)?;
        picture(bench, &mut running, "countdown")?;
        let (word, text) = outcome(&running, disk.name())?;
        ensure!(word == OutcomeWord::Verified, "{text}");
        let text = running
            .events
            .wait_for("the end", PATIENCE, |event| match event {
                Event::Finished { status: 0, text } => Some(text.clone()),
                _ => None,
            })?;
        ensure!(text.contains("in the spool"), "{text}");
        // The report is in this machine's memory only: P asks, and another key takes it back.
        types(bench, &mut running, "warned", "p")?;
        for _ in 0..2 {
            types(bench, &mut running, "language", "l")?;
        }
        let status = running.status()?;
        ensure!(status == "running", "{status} after P was typed once");
        running.qmp.type_text("pp")?;
        running.wait_until_off(PATIENCE)
    });
}

/// Typed are the places of the keys as QEMU names them, on a US keyboard; what is printed there on a French one
/// is AZQWSS.
#[test]
fn keys_give_what_is_printed_on_the_keyboard_of_the_configuration() {
    scenario("keyboard", |bench| {
        let disk = bay(bench, "ONLY-AZQWSS", Bus::VirtioBlk, 16)?;
        let machine = Machine::new("pc")
            .argument("raz.events=raz.events")
            .argument("raz.keyboard=fr")
            .drive(disk.drive.clone());
        let mut running = machine.boot(bench, &Image::built()?)?;
        running.wait_until_ready()?;
        running.events.wait_for("the list", PATIENCE, |event| {
            matches!(event, Event::Drives { .. }).then_some(())
        })?;
        types(bench, &mut running, "chosen", " ")?;
        types(bench, &mut running, "question", "\n")?;
        running.qmp.type_text("qwazss\ne")?;
        let (word, text) = outcome(&running, disk.name())?;
        ensure!(word == OutcomeWord::Verified, "{text}");
        Ok(())
    });
}

/// The picture of the card, also kept in the bench's folder.
fn picture(bench: &Bench, running: &mut Running, name: &str) -> anyhow::Result<Vec<u8>> {
    let path = bench.path().join(format!("{name}.ppm"));
    running.qmp.screendump(&path)?;
    Ok(fs::read(path)?)
}

/// Types on the machine's keyboard and looks until the picture is another one.
fn types(bench: &Bench, running: &mut Running, name: &str, text: &str) -> anyhow::Result<()> {
    let before = picture(bench, running, "before")?;
    running.qmp.type_text(text)?;
    let deadline = Instant::now() + PATIENCE;
    while picture(bench, running, name)? == before {
        ensure!(
            Instant::now() < deadline,
            "{name}: the picture stays the same"
        );
    }
    Ok(())
}

/// For a person who looks into the bench's folder afterwards.
fn keep_screen(bench: &Bench, running: &Running) -> anyhow::Result<()> {
    let screen = terminal::screen(running.serial.text().as_bytes());
    Ok(fs::write(bench.path().join("pc.screen.txt"), screen)?)
}
