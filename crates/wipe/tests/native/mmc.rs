//! Erase and sanitize of simulated eMMCs: the honest ones are claimed, the liars never, but for lies
//! that no host can see. The truth is what is found in all places of the user area, with an address or
//! without.

mod boot_areas;
mod bounds;
pub mod traps;

use crate::trap::{is_claimed, reasons};
use crate::wire::mmc::{Kernel, MmcWire};
use crate::wire::{World, another};
use sim::clock::Clock;
use sim::device::{Event, MmcDevice as _};
use sim::mmc::options::{Features, Lies, Options};
use sim::mmc::{Area, MmcCard, SECTOR_BYTES};
use sim::random::Random;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use wipe::native::mmc::{MmcSanitize, SHORTEST};
use wipe::native::{End, Evidence, Patience, Sanitize as _, State, Technique, Verdict, judge, run};

const SECRET: &[u8] = b"the donor's accounts";

/// A card full of the donor's data, with old copies of some of it.
struct Bench {
    wire: MmcWire,
    clock: Clock,
}

impl Bench {
    fn new(options: Options) -> Self {
        Self::behind(options, Kernel::default())
    }

    fn behind(options: Options, kernel: Kernel) -> Self {
        let clock = Clock::by_hand();
        let sectors = u64::from(options.sectors);
        let mut card = MmcCard::new(options, clock.clone());
        // Twice: what was written first has no address any more.
        for address in (0..sectors).chain(0..32) {
            card.cells_mut(Area::User).write(address, &secret());
        }
        for boot in [0, 1] {
            let cells = card.cells_mut(Area::Boot(boot));
            if cells.addresses() > 0 {
                cells.write(7, &secret());
            }
        }
        Self {
            wire: MmcWire::new(card, clock.clone(), kernel, sectors),
            clock,
        }
    }

    /// The identity is the card's, which the kernel reads when it comes.
    fn world(&self) -> World<'_> {
        let mut world = World::new(self.clock.clone());
        let (wire, cid) = (self.wire.clone(), self.wire.card().cid());
        world.identity = Box::new(move || match wire.card().cid() == cid {
            true => Ok(()),
            false => Err(another()),
        });
        world
    }

    fn door(&self) -> MmcSanitize {
        let erasing = self.wire.erasing().expect("a card with sanitize");
        let clock = self.clock.clone();
        let now = Box::new(move || clock.now());
        let wire = self.wire.clone();
        let hold = Box::new(move |number| wire.hold(number));
        MmcSanitize::new(Arc::new(self.wire.clone()), erasing, hold, now)
    }

    fn sanitize(&self) -> Evidence {
        let world = self.world();
        let patience = Patience::of(false);
        run(
            &self.door(),
            Technique::BlockErase,
            &self.wire,
            &world,
            patience,
        )
    }

    /// Places of the user area where the donor's data still is: the truth.
    fn residue(&self) -> usize {
        self.wire.card().cells(Area::User).find(SECRET).len()
    }

    /// As [`Bench::residue`], of a boot area.
    fn boot_residue(&self, number: u8) -> usize {
        self.wire
            .card()
            .cells(Area::Boot(number))
            .find(SECRET)
            .len()
    }

    /// Commands with their arguments, reads, writes, questions and the kernel's choice of the area apart.
    fn changes(&self) -> Vec<(u8, u32)> {
        let card = self.wire.card();
        let sent = card.commands().last().copied();
        let is_choice = |index, argument: u32| index == 6 && argument.to_be_bytes()[1] == 179;
        sent.filter(|(index, _)| !matches!(index, 0 | 8 | 13 | 17 | 24))
            .filter(|(index, argument)| !is_choice(*index, *argument))
            .collect()
    }
}

fn secret() -> Vec<u8> {
    let mut bytes = SECRET.repeat(26);
    bytes.truncate(SECTOR_BYTES);
    bytes
}

fn with(lies: Lies) -> Options {
    Options {
        lies,
        ..Options::default()
    }
}

fn no_trim() -> Features {
    Features {
        trim: false,
        ..Options::default().features
    }
}

const SEES_BUSY: Kernel = Kernel {
    sees_busy: true,
    checks_switch: true,
    patience: Duration::MAX,
    hides_boot_areas: false,
    keeps_force_ro: false,
};

#[test]
fn honest_cards_are_claimed_and_nothing_is_left_in_any_place() {
    for sectors in [1024, 4 * 1024 + 100, 66 * 1024 + 1] {
        for (features, high_capacity_groups, erased_reads_ones) in [
            (Options::default().features, true, false),
            (no_trim(), true, true),
            (Options::default().features, false, true),
        ] {
            for kernel in [Kernel::default(), SEES_BUSY] {
                let options = Options {
                    sectors,
                    features,
                    high_capacity_groups,
                    erased_reads_ones,
                    ..Options::default()
                };
                let bench = Bench::behind(options.clone(), kernel);
                assert!(bench.residue() > sectors as usize, "old copies too");
                let evidence = bench.sanitize();
                let case = format!("{options:?} {kernel:?}");
                assert!(is_claimed(&evidence), "{case}: {}", reasons(&evidence));
                assert_eq!(bench.residue(), 0, "{case}");
                let kinds = evidence.witnesses.kinds;
                let filled = match erased_reads_ones {
                    true => kinds.ones,
                    false => kinds.zeros,
                };
                assert_eq!(filled, evidence.witnesses.looked_at(), "{case}");
                let raw = evidence.after.expect("an end").raw;
                assert!(raw.contains("SANITIZE_START answered after 8."), "{raw}");
            }
        }
    }
}

#[test]
fn discard_is_never_sent_nor_is_anything_but_erase_and_sanitize() {
    let bench = Bench::new(Options::default());
    assert!(is_claimed(&bench.sanitize()));
    let last = 4 * 1024 + 99;
    let expected = [
        (0, 1023),
        (1024, 2047),
        (2048, 3071),
        (3072, 4095),
        (4096, last),
    ];
    let groups = expected
        .into_iter()
        .flat_map(|(first, last)| [(35, first), (36, last), (38, 0)]);
    let tail = [(35, 4096), (36, last), (38, 1), (6, 0x03A5_0101)];
    let wanted: Vec<(u8, u32)> = groups.chain(tail).collect();
    assert_eq!(bench.changes(), wanted);
}

#[test]
fn card_without_sanitize_or_with_general_purpose_areas_offers_none() {
    let features = Features {
        sanitize: false,
        ..Options::default().features
    };
    for (options, says) in [
        (
            Options {
                features,
                ..Options::default()
            },
            "names no sanitize",
        ),
        (
            Options {
                revision: 5,
                ..Options::default()
            },
            "names no sanitize",
        ),
        (
            Options {
                general_purpose_groups: vec![1],
                ..Options::default()
            },
            "general purpose areas",
        ),
    ] {
        let bench = Bench::new(options);
        let reason = bench.wire.erasing().unwrap_err();
        assert!(reason.contains(says), "{reason}");
    }
}

#[test]
fn power_cut_in_the_sanitize_is_no_claim_and_the_next_run_does_all_of_it() {
    for (when, event) in [
        (38, Event::PowerOff),
        (6, Event::PowerOff),
        (6, Event::Reset),
    ] {
        let mut bench = Bench::new(Options::default());
        bench.wire.meanwhile = Some((when, event));
        let evidence = bench.sanitize();
        assert!(matches!(judge(&evidence), Verdict::Unknown(_)), "{when}");
        let before = bench.residue();
        assert!(before > 0, "it was cut");
        bench.wire.card().event(Event::PowerOn);
        bench.clock.advance(Duration::from_secs(3600));
        // Nothing goes on by itself.
        assert_eq!(bench.residue(), before);
        bench.wire.meanwhile = None;
        let _ = bench.wire.card().command(0, 0, &[]);
        let evidence = bench.sanitize();
        assert!(is_claimed(&evidence), "{}", reasons(&evidence));
        assert_eq!(bench.residue(), 0);
    }
}

#[test]
fn kernel_that_loses_its_patience_interrupts_the_sanitize_and_it_is_no_claim() {
    let kernel = Kernel {
        patience: Duration::from_secs(4),
        ..Kernel::default()
    };
    let bench = Bench::behind(Options::default(), kernel);
    let evidence = bench.sanitize();
    assert!(
        reasons(&evidence).contains("SANITIZE_START: the card answers nothing, or was busy"),
        "{}",
        reasons(&evidence)
    );
    assert!(bench.residue() > 0);
}

#[test]
fn kernel_is_given_more_time_than_a_slow_card_needs() {
    // As slow as flash that removes by overwriting.
    let bench = Bench::new(Options {
        sanitize_time: Duration::from_secs(3000),
        ..Options::default()
    });
    let evidence = bench.sanitize();
    assert!(is_claimed(&evidence), "{}", reasons(&evidence));
    let bound = bench.door().blocks_for();
    assert!(bound > Duration::from_secs(3 * 3600) && bound < Duration::from_secs(12 * 3600));
}

#[test]
fn sanitize_sooner_than_a_switch_may_be_is_left_unknown_even_of_an_honest_card() {
    for (time, claimed) in [(SHORTEST / 2, false), (SHORTEST * 2, true)] {
        let bench = Bench::new(Options {
            sanitize_time: time,
            ..Options::default()
        });
        let evidence = bench.sanitize();
        assert_eq!(is_claimed(&evidence), claimed, "{}", reasons(&evidence));
        assert_eq!(bench.residue(), 0);
    }
}

#[test]
fn switch_error_that_the_kernel_keeps_to_itself_is_read_by_raz_where_it_is_left() {
    let lies = Lies {
        sanitize_refused: true,
        ..Lies::default()
    };
    for (sees_busy, checks_switch, says) in [
        (false, true, "SANITIZE_START: the card does not take it"),
        (true, true, "SANITIZE_START: the card does not take it"),
        (true, false, "card status 00000980 after it"),
        // The kernel has read it away: what is left is that nothing took any time.
        (false, false, "no transition was seen"),
    ] {
        let kernel = Kernel {
            sees_busy,
            checks_switch,
            ..Kernel::default()
        };
        let bench = Bench::behind(with(lies.clone()), kernel);
        let reasons = reasons(&bench.sanitize());
        assert!(reasons.starts_with("unknown"), "{reasons}");
        assert!(reasons.contains(says), "{kernel:?}: {reasons}");
        assert!(bench.residue() > 0);
    }
}

#[test]
fn protected_groups_that_an_erase_leaves_out_are_found_with_the_status_and_without() {
    let protected = Options {
        protected: 2048..3072,
        ..Options::default()
    };
    // By the status, where the kernel did not read it away.
    let door = Bench::behind(protected.clone(), SEES_BUSY).door();
    let refusal = door.start(Technique::BlockErase).unwrap_err();
    assert_eq!(
        refusal,
        "erase of sectors 2048 to 3071: card status 00008900 after it"
    );
    let door = Bench::new(protected).door();
    assert_eq!(door.start(Technique::BlockErase), Ok(()));
    let State::Failed(why) = door.said().state else {
        panic!("{:?}", door.said());
    };
    assert!(why.contains("sector 3071 does not read as erased"), "{why}");
}

#[test]
fn card_that_is_busy_when_it_is_found_is_waited_for_and_then_erased() {
    let bench = Bench::new(Options::default());
    let door = bench.door();
    let begins = bench.wire.card().command(6, 0x03A5_0101, &[]);
    assert!(begins.is_some());
    assert!(matches!(door.said().state, State::InProgress { .. }));
    let world = bench.world();
    let patience = Patience::of(false);
    let evidence = run(&door, Technique::BlockErase, &bench.wire, &world, patience);
    assert!(is_claimed(&evidence), "{}", reasons(&evidence));
    assert_eq!(evidence.end, Some(End::Ended));
    assert_eq!(bench.residue(), 0);
}

#[test]
fn another_card_gets_no_erase() {
    let bench = Bench::new(Options::default());
    let door = bench.door();
    bench.wire.card().options_mut().lies.becomes_another_after = Some(0);
    let refusal = door.start(Technique::BlockErase).unwrap_err();
    assert!(
        refusal.contains("not that of the claimed card"),
        "{refusal}"
    );
    assert_eq!(bench.changes(), []);
}

/// `SEEDS=N` for more.
#[test]
fn no_seed_claims_what_a_host_could_have_seen() {
    let seeds = std::env::var("SEEDS")
        .ok()
        .and_then(|seeds| seeds.parse().ok());
    let (mut claimed, mut emptied) = (0, 0);
    let mut met = BTreeSet::new();
    for seed in 0..seeds.unwrap_or(400) {
        let mut random = Random::new(seed);
        let options = drawn(&mut random);
        let kernel = Kernel {
            sees_busy: random.one_in(2),
            checks_switch: !random.one_in(4),
            patience: random.pick(&[Duration::MAX, Duration::MAX, Duration::from_secs(3)]),
            hides_boot_areas: random.one_in(8),
            keeps_force_ro: random.one_in(8),
        };
        let lies = options.lies.clone();
        let mut bench = Bench::behind(options, kernel);
        let event = random.pick(&[Event::PowerOff, Event::Reset]);
        let when = random.pick(&[6, 38]);
        bench.wire.meanwhile = random.one_in(6).then_some((when, event));
        let evidence = bench.sanitize();
        met.insert(reasons(&evidence).split(':').next().map(str::to_owned));
        if is_claimed(&evidence) {
            claimed += 1;
            let residue = bench.residue();
            assert!(
                residue == 0 || traps::is_invisible(&lies),
                "seed {seed}: {residue} places, {lies:?} {kernel:?}: {evidence:?}"
            );
            let mut card = bench.wire.card();
            let readable = (0..card.cells(Area::User).addresses())
                .filter(|address| card.cells(Area::User).read(*address) == Some(secret()));
            let readable = readable.count();
            assert_eq!(readable, 0, "seed {seed}: {lies:?}");
            drop(card);
            // What is said of the boot areas is true, too.
            assert_eq!(evidence.boot_areas.len(), 2, "seed {seed}");
            for area in evidence.boot_areas.iter().filter(|area| area.is_empty()) {
                emptied += 1;
                let residue = bench.boot_residue(area.number());
                assert_eq!(residue, 0, "seed {seed}: {lies:?} {area:?}");
            }
        }
    }
    assert!(emptied > 60, "{emptied}: most boot areas must be");
    assert!(claimed > 60, "{claimed}: most seeds must not be hopeless");
    assert_eq!(met.len(), 3, "{met:?}");
}

/// A card with a few lies, seldom many.
fn drawn(random: &mut Random) -> Options {
    let few = 12;
    let lies = Lies {
        sanitize_swallowed: random.one_in(few),
        sanitize_keeps: random.one_in(few),
        sanitize_refused: random.one_in(few),
        sanitize_never_ends: random.one_in(few),
        erase_ignored: random.one_in(few),
        erase_only_discards: random.one_in(few),
        erase_leaves_tail: random.one_in(few),
        erase_never_ends: random.one_in(2 * few),
        erased_reads_wrong: random.one_in(few),
        ignores_writes: random.one_in(2 * few),
        ignores_boot_writes: random.one_in(few),
        becomes_another_after: random.one_in(few).then(|| random.below(14_000)),
    };
    let protected = random.below(2000);
    Options {
        sectors: random.pick(&[2048, 2 * 1024 + 1, 4 * 1024 + 100]),
        high_capacity_groups: random.one_in(2),
        erased_reads_ones: random.one_in(2),
        features: match random.one_in(2) {
            true => no_trim(),
            false => Options::default().features,
        },
        // A group of its own, as protection is.
        protected: match random.one_in(few) {
            true => protected - protected % 1024..protected - protected % 1024 + 1024,
            false => 0..0,
        },
        sanitize_time: random.pick(&[
            Duration::from_millis(300),
            Duration::from_secs(2),
            Duration::from_secs(40),
        ]),
        boot_protection: random.pick(&[0, 0, 0, 0, 1, 4]),
        boots_from: random.pick(&[0, 0, 0, 1, 2, 7]),
        lies,
        ..Options::default()
    }
}
