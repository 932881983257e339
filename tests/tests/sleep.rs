//! The machine really sleeps (suspend to RAM) and wakes by the alarm of its clock, with the shipped
//! kernel and the shipped raz.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, ensure};
use lab::bay::Bay;
use lab::bench::scenario;
use lab::derive::check_medium;
use lab::disk::FileSystem;
use lab::drive::Bus;
use lab::events::PORT;
use lab::image::Image;
use lab::machine::{Machine, Running, Screen};
use lab::scenario::PATIENCE;
use lab::shell::Shell;
use lab::terminal;
use lab::truth::is_as_reported;
use lab::wire::Unit;
use report::event::Event as Told;
use report::schema::{Level, OutcomeWord, SanitizeVerdict};
use sim::ata::disk::AtaDisk;
use sim::ata::options::Options;
use sim::clock::Clock;
use sim::device::{Event, ScsiDevice};

const SECRET: &[u8] = b"OLD-BYTES";
const SERIAL: &str = "SLEEPS-000001";

/// A machine whose firmware knows S3.
fn machine() -> Machine {
    Machine::new("pc").qemu(&["-global", "ICH9-LPC.disable_s3=0"])
}

/// Takes the power of disks away for a moment, as a PC does that sleeps.
fn cut_power(disks: &[&Arc<Mutex<AtaDisk>>]) {
    for disk in disks {
        let mut disk = disk.lock().unwrap();
        disk.event(Event::PowerOff);
        disk.event(Event::PowerOn);
    }
}

#[test]
fn machine_sleeps_and_wakes_by_its_clock_and_its_disk_is_erased_and_verified() {
    scenario("sleep", |bench| {
        let bay = Bay::new(bench, SERIAL, Bus::Ahci, 16, FileSystem::Ext4)?;
        let mut shell = Shell::boot(bench, machine().drive(bay.drive.clone()))?;
        let id = shell.id(SERIAL)?;

        let sleeping = shell.begin("raz sleep")?;
        let any = |_: &serde_json::Value| true;
        shell.running.qmp.wait_for_event("SUSPEND", PATIENCE, any)?;
        let said = shell.running.serial.text();
        ensure!(
            said.contains("The screen may stay black") && !said.contains("slept for"),
            "{said}"
        );
        shell.running.qmp.wait_for_event("WAKEUP", PATIENCE, any)?;
        let slept = shell.end(sleeping)?;
        println!("{}", slept.text);
        ensure!(
            slept.status == 0
                && slept.text.contains("slept for ")
                && slept.text.contains("/dev/sda: is there as it was"),
            "{slept:?}"
        );

        ensure!(shell.id(SERIAL)? == id);
        let wiped = shell.run(&format!("raz wipe {id} --confirm {id} --report /run/out"))?;
        println!("{}", wiped.text);
        ensure!(wiped.status == 0, "{wiped:?}");
        let audit = shell.audit(bench, "/run/out")?;
        let entry = audit.drive(SERIAL)?;
        let erasure = entry.erasure.as_ref().context("no erasure")?;
        ensure!(
            erasure.outcome == OutcomeWord::Verified && erasure.achieved_level == Level::Clear,
            "{erasure:?}"
        );
        ensure!(check_medium(bay.disk.path(), entry)?.is_as_reported());
        Ok(())
    });
}

/// A magnetic disk without a sanitize command that its PC's firmware froze; old bytes everywhere, in a
/// replaced sector too.
fn frozen(serial: &str, wwn: u64) -> Arc<Mutex<AtaDisk>> {
    let sectors = 16 << 11;
    let mut options = Options {
        serial: serial.into(),
        wwn,
        sectors,
        ..Options::magnetic()
    };
    options.sanitize.supported = false;
    options.security.frozen = true;
    options.security.enhanced_time = Duration::from_secs(4);
    let mut disk = AtaDisk::new(options, Clock::of_host());
    for address in 0..sectors {
        let mut sector = [SECRET, &address.to_be_bytes()].concat();
        sector.resize(512, 0x20);
        disk.cells_mut().write(address, &sector);
    }
    disk.reallocate(100);
    Arc::new(Mutex::new(disk))
}

/// How often SECURITY SET PASSWORD reached it.
fn passwords(disk: &Mutex<AtaDisk>) -> usize {
    let disk = disk.lock().unwrap();
    let tasks = disk.tasks().last();
    tasks.filter(|task| task.command == 0xF1).count()
}

#[test]
fn frozen_disk_thaws_while_the_machine_sleeps_and_erases_itself_after_a_key() {
    scenario("thaw", |bench| {
        let disk = frozen(SERIAL, 0x5000_c500_0000_0061);
        let machine = machine().simulated(Unit::new(disk.clone()));
        let mut shell = Shell::boot(bench, machine)?;
        let id = shell.id(SERIAL)?;
        let command =
            format!("raz wipe {id} --confirm {id} --level purge --thaw --report /run/out");

        let wiping = shell.begin(&command)?;
        let any = |_: &serde_json::Value| true;
        shell.running.qmp.wait_for_event("SUSPEND", PATIENCE, any)?;
        cut_power(&[&disk]);
        shell.running.qmp.wait_for_event("WAKEUP", PATIENCE, any)?;
        shell.says(wiping, "Press any key within")?;
        ensure!(passwords(&disk) == 0, "a password before a key");
        shell.running.serial.send(b" ")?;
        let wiped = shell.end(wiping)?;
        println!("{}", wiped.text);
        ensure!(wiped.status == 0, "{wiped:?}");
        ensure!(passwords(&disk) == 1);

        let audit = shell.audit(bench, "/run/out")?;
        let entry = audit.drive(SERIAL)?;
        let erasure = entry.erasure.as_ref().context("no erasure")?;
        let sanitize = erasure.own_erases.first().context("no erase of its own")?;
        ensure!(
            erasure.outcome == OutcomeWord::Verified
                && erasure.achieved_level == Level::Purge
                && sanitize.verdict == SanitizeVerdict::ClaimedByDrive,
            "{erasure:?}"
        );
        let reasons = erasure.reasons.join("; ");
        ensure!(
            reasons.contains("a key was pressed afterwards"),
            "{reasons}"
        );
        is_as_reported(disk.lock().unwrap().cells(), entry)?;
        let left = disk.lock().unwrap().cells().find(SECRET);
        ensure!(left.is_empty(), "old bytes at {left:?}");
        Ok(())
    });
}

#[test]
fn without_a_key_and_where_it_was_frozen_again_a_disk_is_overwritten_and_gets_no_password() {
    scenario("thaw-no-key", |bench| {
        let thaws = frozen("THAWS-0000001", 0x5000_c500_0000_0063);
        let stays = frozen("STAYS-0000001", 0x5000_c500_0000_0064);
        stays.lock().unwrap().options_mut().security.frozen_again = true;
        let machine = machine()
            .simulated(Unit::new(thaws.clone()))
            .simulated(Unit::new(stays.clone()));
        let mut shell = Shell::boot(bench, machine)?;
        let (first, second) = (shell.id("THAWS-0000001")?, shell.id("STAYS-0000001")?);
        let command = format!(
            "raz wipe {first} {second} --confirm {first} --confirm {second} --level auto --thaw --report /run/out"
        );
        let wiping = shell.begin(&command)?;
        let any = |_: &serde_json::Value| true;
        shell.running.qmp.wait_for_event("SUSPEND", PATIENCE, any)?;
        cut_power(&[&thaws, &stays]);
        let wiped = shell.end(wiping)?;
        println!("{}", wiped.text);
        ensure!(wiped.status == 0, "{wiped:?}");
        ensure!(passwords(&thaws) == 0 && passwords(&stays) == 0);

        let audit = shell.audit(bench, "/run/out")?;
        for (disk, serial, reason) in [
            (&thaws, "THAWS-0000001", "nobody pressed a key"),
            (&stays, "STAYS-0000001", "froze the drive again"),
        ] {
            let entry = audit.drive(serial)?;
            let erasure = entry.erasure.as_ref().context("no erasure")?;
            let reasons = erasure.reasons.join("; ");
            ensure!(
                erasure.outcome == OutcomeWord::Verified
                    && erasure.achieved_level == Level::Clear
                    && erasure.own_erases.is_empty()
                    && reasons.contains(reason),
                "{erasure:?}"
            );
            let mut disk = disk.lock().unwrap();
            is_as_reported(disk.cells(), entry)?;
        }
        Ok(())
    });
}

#[test]
fn machine_whose_firmware_knows_no_s3_is_not_sent_to_sleep() {
    scenario("no-sleep", |bench| {
        let machine = Machine::new("pc").qemu(&["-global", "ICH9-LPC.disable_s3=1"]);
        let mut shell = Shell::boot(bench, machine)?;
        let tried = shell.run("raz sleep")?;
        println!("{}", tried.text);
        ensure!(
            tried.status == 1 && tried.text.contains("did not sleep"),
            "{tried:?}"
        );
        ensure!(shell.running.status()? == "running");
        Ok(())
    });
}

/// Waits until a person sees this text.
fn sees(running: &Running, text: &str) -> anyhow::Result<()> {
    terminal::wait_for(&running.serial, &format!("{text:?}"), PATIENCE, |screen| {
        screen.contains(text).then_some(())
    })
}

#[test]
fn session_asks_before_the_machine_sleeps_and_purges_the_thawed_disk_after_a_key() {
    scenario("thaw-session", |bench| {
        let disk = frozen(SERIAL, 0x5000_c500_0000_0062);
        let mut running = machine()
            .simulated(Unit::new(disk.clone()))
            .screen(Screen::Serial)
            .argument("raz.lang=en")
            .argument("raz.level=auto")
            .argument(&format!("raz.events={PORT}"))
            .boot(bench, &Image::built()?)?;
        running.wait_until_ready()?;
        sees(&running, "may be wiped")?;
        running.serial.send(b" ")?;
        sees(&running, "to be wiped")?;
        running.serial.send(b"\r")?;
        sees(&running, "Type the last 6 characters of the serial number")?;
        running.serial.send(b"000001\r")?;
        sees(&running, "All chosen drives are confirmed")?;
        running.serial.send(b"e")?;
        sees(&running, "1 drive(s) frozen by the firmware")?;
        sees(&running, "The screen may stay black")?;
        running.serial.send(b"s")?;

        let any = |_: &serde_json::Value| true;
        running.qmp.wait_for_event("SUSPEND", PATIENCE, any)?;
        cut_power(&[&disk]);
        running.qmp.wait_for_event("WAKEUP", PATIENCE, any)?;
        sees(&running, "Press any key within")?;
        ensure!(passwords(&disk) == 0, "a password before a key");
        running.serial.send(b" ")?;
        let outcome = running
            .events
            .wait_for("an outcome", PATIENCE, |event| match event {
                Told::Outcome { outcome, .. } => Some(*outcome),
                _ => None,
            })?;
        ensure!(outcome == OutcomeWord::Verified, "{outcome:?}");
        ensure!(passwords(&disk) == 1);
        let left = disk.lock().unwrap().cells().find(SECRET);
        ensure!(left.is_empty(), "old bytes at {left:?}");
        Ok(())
    });
}
