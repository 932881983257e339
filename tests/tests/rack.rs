//! A rack: sixty drives in one PC of 512 MiB, each erased in full and proven, and how long they take
//! together.

use std::time::Duration;

use anyhow::{Context, ensure};
use jiff::Timestamp;
use lab::bay::Bay;
use lab::bench::{Bench, scenario};
use lab::disk::Disk;
use lab::drive::Bus;
use lab::machine::Machine;
use lab::scenario::{Audit, Workshop};
use report::event::Event;

const DRIVES: u64 = 60;
const SECTOR: u64 = 512;

/// Long enough for a run by emulation; only to end a hang.
const PATIENCE: Duration = Duration::from_secs(900);

/// Drives of `sectors(n)`, with something on each.
fn rack(bench: &Bench, sectors: impl Fn(u64) -> u64) -> anyhow::Result<Vec<Bay>> {
    (0..DRIVES)
        .map(|number| {
            let name = format!("RACK-{number:02}");
            let disk = Disk::blank(bench.path(), &name, sectors(number) * SECTOR)?;
            disk.overwrite(number * SECTOR, b"RAZ-CANARY")?;
            Bay::with_disk(&name, Bus::VirtioScsi, disk)
        })
        .collect()
}

fn erase(workshop: &Workshop<'_>, name: &str, bays: &[Bay]) -> anyhow::Result<Audit> {
    let machine = bays.iter().fold(Machine::new(name), |machine, bay| {
        machine.drive(bay.drive.clone())
    });
    let machine = workshop.unattended(machine.memory_mib(512))?;
    let running = workshop.boot(&machine)?;
    workshop.service.accept(&running.events)?;
    workshop.arm(1)?;
    let status =
        running
            .events
            .wait_for("the end of the session", PATIENCE, |event| match event {
                Event::Finished { status, .. } => Some(*status),
                _ => None,
            })?;
    let audit = workshop.audit(&running)?;
    ensure!(status == 0, "status {status}");
    for bay in bays {
        bay.is_proven(&audit)?;
    }
    Ok(audit)
}

/// From the first byte that could be written on any drive to the end of the last, in seconds.
fn seconds(audit: &Audit) -> anyhow::Result<f64> {
    let erasures = audit
        .report
        .drives
        .iter()
        .filter_map(|drive| drive.erasure.as_ref());
    let (mut first, mut last): (Option<Timestamp>, Option<Timestamp>) = (None, None);
    for erasure in erasures {
        let (started, ended): (Timestamp, Timestamp) =
            (erasure.started.parse()?, erasure.ended.parse()?);
        first = Some(first.map_or(started, |first| first.min(started)));
        last = Some(last.map_or(ended, |last| last.max(ended)));
    }
    let (first, last) = first.zip(last).context("nothing was erased")?;
    Ok(last.duration_since(first).as_secs_f64())
}

fn megabytes(bays: &[Bay]) -> f64 {
    bays.iter()
        .map(|bay| bay.disk.size_bytes() as f64)
        .sum::<f64>()
        / 1e6
}

#[test]
fn sixty_drives_are_erased_and_proven_in_a_pc_of_512_mib() {
    scenario("rack", |bench| {
        let workshop = Workshop::open(bench)?;
        // Some end within a request, none has its neighbour's size.
        let bays = rack(bench, |number| (2 << 11) + number * 331)?;
        erase(&workshop, "sixty", &bays)?;
        Ok(())
    });
}

/// A measure, not a test of time: it prints how long sixty limited drives take together, and the
/// slowest of them alone, on the guest's clock.
#[test]
#[ignore = "a measure of minutes: cargo test -p lab --test rack -- --ignored --nocapture"]
fn sixty_limited_drives_beside_the_slowest_alone() {
    // Together less than half of what they reach without: emulation computes the pattern slowly.
    const LIMIT: u64 = 600_000;
    scenario("rack-limited", |bench| {
        let workshop = Workshop::open(bench)?;
        let size = |number| (6 << 11) + number * 601;
        let free = rack(bench, size)?;
        let took = seconds(&erase(&workshop, "free", &free)?)?;
        let all = megabytes(&free);
        println!(
            "without limits: {all:.0} MB written and read in {took:.1} s, {:.0} MB/s each way",
            2.0 * all / took
        );
        for bay in &free {
            std::fs::remove_file(bay.disk.path())?;
        }

        let limited = |bay: Bay| bay.drive(|drive| drive.bytes_per_second(LIMIT));
        let bays: Vec<Bay> = rack(bench, size)?.into_iter().map(limited).collect();
        let together = seconds(&erase(&workshop, "limited", &bays)?)?;
        let slowest = bays.last().context("no drives")?;
        let arithmetic = 2.0 * slowest.disk.size_bytes() as f64 / LIMIT as f64;
        let alone = seconds(&erase(&workshop, "alone", std::slice::from_ref(slowest))?)?;
        println!(
            "{DRIVES} drives of {LIMIT} B/s, {:.0} MB/s in all: {together:.1} s; the slowest alone: {alone:.1} s, by arithmetic {arithmetic:.1} s; ratio {:.3}",
            (DRIVES * LIMIT) as f64 / 1e6,
            together / alone
        );
        Ok(())
    });
}
