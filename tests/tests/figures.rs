//! How little memory is enough, and where the time to the drive list goes, by each way of starting:
//! `cargo xtask lab figures` prints the table of docs/boot.md. Nothing is asserted of a time.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use lab::bay::Bay;
use lab::bench::{Bench, scenario};
use lab::disk::FileSystem;
use lab::drive::Bus;
use lab::events::PORT;
use lab::firmware::{Firmware, Medium, Start};
use lab::image::Image;
use lab::lan::{Addresses, Lan};
use lab::machine::Machine;
use lab::scenario::Workshop;
use lab::service::Service;
use report::event::Event;

/// Memory is tried in steps of so much.
const STEP_MIB: u32 = 16;
/// What surely is enough, and what surely is not.
const BOUNDS_MIB: (u32, u32) = (64, 512);
/// From switching on to the session, at most; a machine without enough memory may just stand still.
const START_PATIENCE: Duration = Duration::from_secs(240);
/// What is said on the serial line by a machine that does not get there.
const ENDS: [&str; 4] = [
    "Kernel panic",
    "out of memory",
    "Out of memory",
    "System is deadlocked on memory",
];

/// Since the machine was switched on.
struct Times {
    kernel: Duration,
    drivers: Duration,
    list: Duration,
    first_byte: Duration,
}

/// One run with so much memory: boots, erases and proves a drive unattended.
fn run(bench: &Bench, workshop: &Workshop<'_>, machine: &Machine) -> anyhow::Result<Times> {
    let began = Instant::now();
    let running = machine.boot(bench, &Image::built()?)?;
    let says = |what: &str| {
        let told = running.serial.wait(what, START_PATIENCE, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let ended = ENDS.iter().find(|end| text.contains(**end));
            ended
                .map(|end| Err(*end))
                .or_else(|| text.contains(what).then_some(Ok(())))
        })?;
        match told {
            Ok(()) => Ok(began.elapsed()),
            Err(end) => bail!("{end}"),
        }
    };
    let kernel = says("Linux version")?;
    let drivers = says("raz-init: ready")?;
    let when = |what: &str, pick: fn(&Event) -> bool| {
        let events = &running.events;
        events.wait_for(what, START_PATIENCE, |event| pick(event).then_some(()))?;
        Ok::<_, anyhow::Error>(began.elapsed())
    };
    let list = when("the list", |event| matches!(event, Event::Drives { .. }))?;
    workshop.service.accept(&running.events)?;
    workshop.arm(1)?;
    let first_byte = when("progress", |event| matches!(event, Event::Progress { .. }))?;
    let status = workshop.finished(&running)?;
    ensure!(status == 0, "status {status}");
    Ok(Times {
        kernel,
        drivers,
        list,
        first_byte,
    })
}

/// The smallest memory that is enough, and the times with 512 MiB.
fn figures(firmware: Firmware, medium: Medium) {
    let name = format!("figures-{firmware:?}-{medium:?}").to_lowercase();
    scenario(&name, |bench| {
        let is_net = matches!(medium, Medium::Pxe | Medium::Http);
        let mut lan = is_net.then(|| Lan::new(Addresses::Bench)).transpose()?;
        let machine = |name: &str, lan: Option<&Lan>| {
            let start = Start {
                firmware,
                medium,
                grub: "set timeout=0".to_owned(),
            };
            let machine = Machine::new(name).start(start);
            match lan {
                Some(lan) => machine
                    .lan(lan)
                    .argument("raz.auto=erase")
                    .argument(&format!("raz.events={PORT}")),
                None => machine,
            }
        };
        let workshop = match &mut lan {
            Some(lan) => {
                let image = Image::built()?;
                let files = machine("files", Some(lan)).netboot(bench, &image)?;
                let service = Service::start_in(bench, lan, &files)?;
                lan.start_dhcp(bench, &service, &files)?;
                Workshop::with(bench, image, service)
            }
            None => Workshop::open(bench)?,
        };
        let try_with = |memory_mib: u32| {
            let name = format!("pc-{memory_mib}");
            let bay = Bay::new(bench, &name, Bus::Ahci, 64, FileSystem::Ext4)?;
            let machine = machine(&name, lan.as_ref())
                .drive(bay.drive.clone())
                .memory_mib(memory_mib);
            let machine = match is_net {
                true => machine,
                false => workshop.unattended(machine)?,
            };
            let times = run(bench, &workshop, &machine);
            if let Err(error) = &times {
                println!("{firmware:?} {medium:?}: {memory_mib} MiB: {error:#}");
            }
            times
        };
        let times = try_with(BOUNDS_MIB.1).context("with 512 MiB")?;
        let (mut too_small, mut enough) = BOUNDS_MIB;
        while enough - too_small > STEP_MIB {
            let middle = (too_small + enough) / 2 / STEP_MIB * STEP_MIB;
            match try_with(middle) {
                Ok(_) => enough = middle,
                Err(_) => too_small = middle,
            }
        }
        let seconds = |time: Duration| time.as_secs_f64();
        println!(
            "| {firmware:?} | {medium:?} | {enough} MiB | {:.1} s | {:.1} s | {:.1} s | {:.1} s |",
            seconds(times.kernel),
            seconds(times.drivers),
            seconds(times.list),
            seconds(times.first_byte),
        );
        Ok(())
    });
}

/// One after the other, so that they do not slow each other.
#[test]
#[ignore = "cargo xtask lab figures"]
fn memory_and_times_by_each_way() {
    figures(Firmware::Bios, Medium::Stick);
    figures(Firmware::Uefi, Medium::Stick);
    figures(Firmware::SecureBoot, Medium::Stick);
    figures(Firmware::Bios, Medium::Pxe);
}
