//! Format NVM of one namespace: what it says is weighed like a sanitize's, and never makes a purge.

use super::{Bench, SECRET, switched, with};
use crate::trap::{Run, Trap, is_claimed, reasons};
use drive::facts::NvmeFormat as Offered;
use sim::device::{Event, NvmeDevice as _};
use sim::nvme::lies::{Kept, Lies};
use sim::nvme::options::Options;
use sim::random::Random;
use std::sync::Arc;
use wipe::native::format::NvmeFormat;
use wipe::native::{Evidence, Patience, Sanitize as _, Technique, run};

fn door(bench: &Bench) -> NvmeFormat {
    NvmeFormat::new(
        Arc::new(bench.wire.clone()),
        Offered { nsid: 1 },
        super::SECTORS * 512,
    )
}

fn format(bench: &Bench) -> Evidence {
    let patience = Patience::of(false);
    run(
        &door(bench),
        Technique::Format,
        &bench.wire,
        &bench.world(),
        patience,
    )
}

/// Places of the donor's data in the namespace that was formatted: the truth.
fn residue(bench: &Bench) -> usize {
    let mut drive = bench.wire.drive();
    drive
        .cells_mut(1)
        .map_or(0, |cells| cells.find(SECRET).len())
}

/// The formats that were sent: namespace, secure erase settings, LBA format.
fn sent(bench: &Bench) -> Vec<(u32, u32, u32)> {
    let drive = bench.wire.drive();
    let formats = drive.commands().iter().filter(|c| c.entry[0] == 0x80);
    let word = |entry: &[u8], at: usize| {
        u32::from_le_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]])
    };
    formats
        .map(|c| {
            let dword = word(&c.entry, 40);
            (word(&c.entry, 4), dword >> 9 & 7, dword & 0xF)
        })
        .collect()
}

fn trap(
    numbers: &'static [u8],
    name: &'static str,
    lies: Lies,
    says: &'static str,
) -> Trap<Options> {
    Trap {
        numbers,
        name,
        technique: Technique::Format,
        options: with(lies),
        says,
    }
}

fn traps() -> Vec<Trap<Options>> {
    let kept = "still hold";
    let keeps = |kept| Lies {
        keeps: Some(kept),
        ..Lies::default()
    };
    vec![
        trap(
            &[3],
            "honest: one namespace of several is formatted, with its erase of user data",
            Lies::default(),
            "claimed by drive",
        ),
        trap(
            &[3],
            "success, and nothing was formatted",
            keeps(Kept::All),
            kept,
        ),
        trap(
            &[3],
            "another namespace was formatted",
            keeps(Kept::Namespace(1)),
            kept,
        ),
        trap(
            &[46],
            "a format that is answered early, and goes on",
            Lies {
                format_answers_early: true,
                ..Lies::default()
            },
            "could not be read",
        ),
        trap(
            &[35],
            "the cache stays volatile",
            Lies {
                ignores_flush: true,
                ..Lies::default()
            },
            "claimed by drive",
        ),
    ]
}

fn run_each(traps: Vec<Trap<Options>>) -> Vec<Run> {
    let run = |options, _| {
        let bench = Bench::new(options);
        let evidence = format(&bench);
        (evidence, residue(&bench))
    };
    traps
        .into_iter()
        .map(|trap| trap.run("NVMe", run))
        .collect()
}

/// For the table.
pub fn runs() -> Vec<Run> {
    run_each(traps().into_iter().take(4).collect())
}

#[test]
fn lies_of_a_format_that_show_are_never_claimed() {
    run_each(traps()).iter().for_each(Run::assert_expected);
}

#[test]
fn honest_format_erases_the_one_namespace_and_keeps_its_layout() {
    let bench = Bench::new(Options::default());
    let before = residue(&bench);
    assert!(before > 2048, "{before}");
    let evidence = format(&bench);
    assert!(is_claimed(&evidence), "{}", reasons(&evidence));
    assert_eq!(residue(&bench), 0);
    assert_eq!(sent(&bench), [(1, 1, 0)], "once, with user data erase");
    assert!(bench.residue() > 0, "the other namespaces are not touched");
    let after = evidence.after.expect("an end");
    assert!(after.raw.contains("NVMe status 000h"), "{}", after.raw);
}

#[test]
fn format_that_says_how_far_it_is_is_waited_for() {
    let mut options = switched(|switches| switches.format_tells_progress = true);
    options.lies.format_answers_early = true;
    let bench = Bench::new(options);
    let evidence = format(&bench);
    assert!(is_claimed(&evidence), "{}", reasons(&evidence));
    assert!(evidence.in_progress_seen > 0);
    assert_eq!(residue(&bench), 0);
}

#[test]
fn refused_format_leaves_all_and_lets_another_way_be_tried() {
    let mut options = switched(|switches| switches.format = false);
    options.lies = Lies::default();
    let bench = Bench::new(options);
    let before = residue(&bench);
    let evidence = format(&bench);
    assert!(evidence.is_refused, "{evidence:?}");
    assert!(evidence.leaves_open(Technique::BlockErase));
    assert!(!is_claimed(&evidence));
    // Witnesses took the place of a few.
    assert!(residue(&bench) > before / 2);
}

#[test]
fn power_cut_in_a_format_that_was_answered_early_is_not_claimed() {
    let mut options = with(Lies {
        format_answers_early: true,
        ..Lies::default()
    });
    options.switches.format_tells_progress = true;
    let bench = Bench::new(options);
    let mut world = bench.world();
    let wire = bench.wire.clone();
    world.meanwhile = Box::new(move |pauses| {
        if pauses == 2 {
            wire.drive().event(Event::PowerOff);
            wire.drive().event(Event::PowerOn);
        }
    });
    let patience = Patience::of(false);
    let evidence = run(
        &door(&bench),
        Technique::Format,
        &bench.wire,
        &world,
        patience,
    );
    assert!(residue(&bench) > 0, "the cut ended it undone");
    assert!(
        reasons(&evidence).contains("still hold"),
        "{}",
        reasons(&evidence)
    );
}

#[test]
fn no_seed_of_a_format_claims_what_a_host_could_have_seen() {
    let mut claimed = 0;
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let options = super::drawn(&mut random);
        // What the host cannot see: spares that are kept, and addresses that only read as erased.
        let lies = &options.lies;
        let is_invisible = lies.keeps == Some(Kept::Spares) || lies.only_deallocates;
        let bench = Bench::new(options);
        let evidence = format(&bench);
        if is_claimed(&evidence) {
            claimed += 1;
            let residue = residue(&bench);
            assert!(
                residue == 0 || is_invisible,
                "seed {seed}: {residue} {evidence:?}"
            );
        }
    }
    assert!(claimed > 100, "{claimed} claims");
}

#[test]
fn format_knows_no_other_technique() {
    let bench = Bench::new(Options::default());
    assert!(door(&bench).start(Technique::BlockErase).is_err());
    assert!(sent(&bench).is_empty());
}
