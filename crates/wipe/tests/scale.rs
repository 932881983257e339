//! Many bad sectors, and many drives, on the clock of drives that do not exist: what it costs, in
//! errors drawn and in the drives' own time. `SIM_SCALE` makes drives so many times longer; they
//! need no memory.

mod support;

use sim::drive::Drive;
use sim::faults::{Timing, When};
use sim::ledger::Phase;
use sim::media::Held;
use sim::queue::{Shelf, lock};
use sim::random::Random;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::no_cancel;
use support::simulated::{self, Wanted};
use wipe::engine::run_with;
use wipe::options::Options;
use wipe::outcome::{ByteRange, Conclusion, Outcome, Shortfall};

fn scale() -> u64 {
    let scale = std::env::var("SIM_SCALE").map(|text| text.parse().unwrap());
    scale.unwrap_or(1)
}

fn run(drives: &[Wanted]) -> Vec<(Outcome, Arc<Mutex<Drive>>)> {
    let shelf = Arc::new(Shelf::default());
    let engine = simulated::engine(Options::default(), no_cancel(), &shelf);
    let (jobs, media): (Vec<_>, Vec<_>) = drives.iter().map(|wanted| wanted.put(&shelf)).unzip();
    run_with(engine, jobs).into_iter().zip(media).collect()
}

fn run_one(wanted: &Wanted) -> (Outcome, Arc<Mutex<Drive>>) {
    run(std::slice::from_ref(wanted)).remove(0)
}

/// Write and read phase of the first pass, on the drive's clock.
fn seconds(outcome: &Outcome) -> [f64; 2] {
    let pass = &outcome.passes[0];
    let read = pass.verify.as_ref().unwrap();
    [pass.write_seconds, read.seconds]
}

/// `count` bad sectors, each at a random place among `apart` of its own, the first and the last of
/// the drive among them.
fn isolated(count: u64, apart: u64, error: Duration, max_request_bytes: u64) -> Wanted {
    let mut random = Random::new(count ^ apart);
    let sectors = count * apart;
    let mut bad: BTreeSet<u64> = (1..count - 1)
        .map(|n| n * apart + 1 + random.below(apart - 2))
        .collect();
    bad.extend([0, sectors - 1]);
    let mut wanted = Wanted::good("serial=BAD;world_wide=;area=", sectors, 512);
    wanted.max_request_bytes = Some(max_request_bytes);
    wanted.timing.error = error;
    let rules = || bad.iter().map(|n| (*n, When::Always)).collect();
    (wanted.faults.writes, wanted.faults.reads) = (rules(), rules());
    wanted
}

/// Every bad sector and no good one is listed, at most fourteen errors are drawn for each, and
/// beside the errors' own time the phase takes little longer than on a good drive.
fn assert_cheap(wanted: &Wanted) {
    let (outcome, drive) = run_one(wanted);
    let good = Wanted {
        faults: Default::default(),
        ..wanted.clone()
    };
    let (clean, _) = run_one(&good);
    assert!(matches!(clean.conclusion, Conclusion::Verified(_)));

    let range = |n: &u64| ByteRange {
        start: n * 512,
        end: (n + 1) * 512,
    };
    let bad: Vec<ByteRange> = wanted.faults.writes.keys().map(range).collect();
    let pass = &outcome.passes[0];
    let read = pass.verify.as_ref().unwrap();
    assert_eq!(pass.write_errors, bad);
    assert_eq!(read.read_errors, bad);
    let bytes = bad.len() as u64 * 512;
    assert_eq!(
        outcome.conclusion,
        Conclusion::NotComplete(vec![
            Shortfall::WriteErrors { bytes },
            Shortfall::ReadErrors { bytes },
        ])
    );

    let drive = lock(&drive);
    let [write, read]: &[Phase; 2] = drive.ledger.phases.as_slice().try_into().unwrap();
    for (name, phase, took, clean) in [
        ("write", write, seconds(&outcome)[0], seconds(&clean)[0]),
        ("read", read, seconds(&outcome)[1], seconds(&clean)[1]),
    ] {
        let drawn = phase.errors_at.values().map(|drawn| drawn.all);
        let (most, all) = (drawn.clone().max().unwrap(), drawn.sum::<u32>());
        let errors = phase.errors as f64 * wanted.timing.error.as_secs_f64();
        println!(
            "{name}: {} bad sectors, {} errors, {:.2} a sector, at most {most}; {took:.1} s, of which errors {errors:.1} s, clean {clean:.1} s",
            bad.len(),
            phase.errors,
            f64::from(all) / bad.len() as f64,
        );
        assert!(most <= 14);
        assert!(took <= 1.2 * (clean + errors));
    }
}

#[test]
fn ten_thousand_isolated_bad_sectors_draw_at_most_fourteen_errors_each() {
    assert_cheap(&isolated(10_000, 150, Duration::from_millis(30), 64 << 10));
}

/// In the longest requests, and so slow that there is no time for all
/// second tries.
#[test]
fn slow_bad_sectors_in_long_requests_cost_no_more() {
    let count = (300 * scale()).min(10_000);
    assert_cheap(&isolated(count, 2500, Duration::from_secs(7), 1 << 20));
}

#[test]
fn sixty_drives_take_as_long_as_each_does_alone() {
    let drives: Vec<Wanted> = (0..60)
        .map(|n| {
            let sectors = scale() * (16_000 + 517 * n);
            let mut wanted = Wanted::good(&format!("serial={n};world_wide=;area="), sectors, 512);
            wanted.timing = Timing {
                bytes_per_second: 4_000_000,
                ..Timing::default()
            };
            wanted
        })
        .collect();
    for (n, (outcome, drive)) in run(&drives).iter().enumerate() {
        assert!(
            matches!(outcome.conclusion, Conclusion::Verified(_)),
            "{outcome:?}"
        );
        let drive = lock(drive);
        let sectors = drives[n].sectors;
        assert_eq!(
            drive.medium.held(0..sectors),
            [(0..sectors, Held::Content(0))]
        );
        assert_eq!(drive.medium.cost(), (1, 0));
        // What the drive needs, if it never has to wait for the engine.
        let timing = drive.timing;
        let alone = timing.request.as_secs_f64() * drive.ledger.requests as f64
            + 2.0 * drives[n].bytes() as f64 / timing.bytes_per_second as f64;
        let took: f64 = seconds(outcome).iter().sum();
        println!("drive {n}: {took:.1} s, alone {alone:.1} s");
        assert!(took <= 1.03 * alone, "drive {n}: {took} s, alone {alone} s");
    }
}
