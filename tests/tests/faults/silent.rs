//! A drive that stops answering in mid-wipe, with requests in its queue for good.
//!
//! One byte a second is no answer: a request waits for days. The kernel does not end it either, since
//! virtio-scsi has no timeout.

use anyhow::{Context, ensure};
use lab::bay::Bay;
use lab::bench::{Bench, scenario};
use lab::derive::check_medium;
use lab::drive::Bus;
use lab::machine::{Machine, Running, Screen};
use lab::scenario::{Audit, PATIENCE, Workshop};
use lab::terminal;
use report::event::Event;
use report::schema::OutcomeWord;

use crate::steps::{MIB, bay, failed, held, id_of, judged, outcome, wait_until_written};

const NO_ANSWER_BYTES_PER_SECOND: u64 = 1;
const WRITTEN_BYTES: u64 = 4 * MIB;
const DOWN: &str = "\x1b[B";
/// From here on the screen says it.
const SHOWN_SECONDS: f64 = 20.0;

/// A machine whose first drive is silent, and whose others ended meanwhile.
struct Silent {
    running: Running,
    silent: Bay,
    others: [Bay; 3],
    id: String,
}

fn fall_silent(bench: &Bench, workshop: &Workshop<'_>) -> anyhow::Result<Silent> {
    let silent = held(bay(bench, "SILENT-1", Bus::VirtioScsi, 48)?);
    let others = [
        held(bay(bench, "SCSI-2", Bus::VirtioScsi, 16)?),
        held(bay(bench, "SATA-3", Bus::Ahci, 16)?),
        held(bay(bench, "NVME-4", Bus::Nvme, 16)?),
    ];
    let machine = Machine::new("pc")
        .screen(Screen::Serial)
        .argument("raz.lang=en")
        .drive(silent.drive.clone());
    let machine = others
        .iter()
        .fold(machine, |machine, bay| machine.drive(bay.drive.clone()));
    let mut running = workshop.boot(&workshop.unattended(machine)?)?;
    workshop.service.accept(&running.events)?;
    workshop.arm(1)?;
    let id = id_of(&running, silent.name())?;
    wait_until_written(&running, &id, WRITTEN_BYTES)?;
    running.set_speed(&silent.drive, Some(NO_ANSWER_BYTES_PER_SECOND))?;

    silence(&running, &id, 0, SHOWN_SECONDS)?;
    let below = terminal::wait_for(
        &running.serial,
        "a drive without an answer",
        PATIENCE,
        |screen| {
            let line = |wanted: &dyn Fn(&str) -> bool| screen.lines().position(wanted);
            let row = |line: &str| line.contains(silent.name()) && line.contains("no answer");
            line(&row)?.checked_sub(line(&|line| line.starts_with('>'))?)
        },
    )?;
    running.serial.send(DOWN.repeat(below).as_bytes())?;
    let sentence = "This drive has not answered for";
    terminal::wait_for_all(&running.serial, &[sentence], PATIENCE)?;
    for bay in &others {
        running.set_speed(&bay.drive, None)?;
    }
    for bay in &others {
        let (word, text) = outcome(&running, &id_of(&running, bay.name())?)?;
        ensure!(word == OutcomeWord::Verified, "{}: {text}", bay.name());
    }
    // It was silent all the while, and is waited for.
    let seen = running.events.count()?;
    silence(&running, &id, seen, SHOWN_SECONDS)?;
    Ok(Silent {
        running,
        silent,
        others,
        id,
    })
}

/// Waits for an event after the first `seen` that says that the drive owes an answer for so long.
fn silence(running: &Running, wanted: &str, seen: usize, seconds: f64) -> anyhow::Result<()> {
    let what = format!("{wanted} without an answer");
    running
        .events
        .wait_after(seen, &what, PATIENCE, |event| match event {
            Event::Progress {
                id, seconds_silent, ..
            } if id == wanted && *seconds_silent >= seconds => Some(Ok(())),
            Event::Outcome { id, text, .. } if id == wanted => {
                Some(Err(anyhow::anyhow!("{id} ended before that: {text}")))
            }
            _ => None,
        })?
}

impl Silent {
    /// The run ends with a report that the service has: this reason for the silent drive and not a
    /// byte too many, the others proven. Then the machine can be switched off.
    fn ends(self, workshop: &Workshop<'_>, reason: &str) -> anyhow::Result<()> {
        let (word, text) = outcome(&self.running, &self.id)?;
        ensure!(
            word == OutcomeWord::NotComplete && text.contains(reason),
            "{word:?}: {text}"
        );
        let status = workshop.finished(&self.running)?;
        let audit = workshop.audit(&self.running)?;
        judged(&audit, || {
            ensure!(status == 1, "exit status {status}");
            for bay in &self.others {
                bay.is_proven(&audit)?;
            }
            self.is_told_as_far_as_it_came(&audit, reason)
        })?;
        let told = format!("not complete: {reason}");
        terminal::wait_for_all(&self.running.serial, &[&told], PATIENCE)?;
        self.running.serial.send(b"p")?;
        self.running.wait_until_off(PATIENCE)
    }

    fn is_told_as_far_as_it_came(&self, audit: &Audit, reason: &str) -> anyhow::Result<()> {
        let erasure = failed(&self.silent, audit)?;
        let [only] = &erasure.shortfalls[..] else {
            anyhow::bail!("{:?}", erasure.shortfalls);
        };
        ensure!(only.contains(reason), "{only}");
        let [pass] = &erasure.passes[..] else {
            anyhow::bail!("{} passes", erasure.passes.len());
        };
        ensure!(
            pass.written_bytes >= WRITTEN_BYTES && !pass.flushed && pass.verification.is_none(),
            "{pass:?}"
        );
        let entry = audit.drive(self.silent.name())?;
        let check = check_medium(self.silent.disk.path(), entry).context("reading the medium")?;
        let overwritten = check.bytes - check.differing.bytes;
        ensure!(
            (pass.written_bytes..check.bytes).contains(&overwritten),
            "{} bytes are said to be written, {overwritten} are",
            pass.written_bytes
        );
        Ok(())
    }
}

#[test]
fn drive_that_stops_answering_is_shown_holds_no_other_back_and_can_be_stopped() {
    scenario("silent", |bench| {
        let workshop = Workshop::open(bench)?;
        let silent = fall_silent(bench, &workshop)?;
        silent.running.serial.send(b"x")?;
        terminal::wait_for_all(&silent.running.serial, &["Stop?"], PATIENCE)?;
        silent.running.serial.send(b"\r")?;
        silent.ends(&workshop, "stopped by the operator")
    });
}

/// By itself, when the engine's bound is over: 300 s, which the machine's clock decides.
#[test]
#[ignore = "waits five minutes: cargo test -p lab --test faults -- --ignored stalled"]
fn drive_that_never_answers_again_is_stalled_and_reported_without_a_person() {
    scenario("stalled", |bench| {
        let workshop = Workshop::open(bench)?;
        let silent = fall_silent(bench, &workshop)?;
        silent.ends(&workshop, "the drive answered nothing for 300 s")
    });
}
