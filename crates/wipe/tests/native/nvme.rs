//! Sanitize of simulated NVM subsystems: the honest ones are claimed, the liars never, but for lies
//! that no host can see. The truth is what is found in all namespaces: the one that is read, one that
//! is attached to nothing, and one that was deleted.

pub mod format;
mod log;
pub mod traps;

use crate::trap::{is_claimed, reasons};
use crate::wire::nvme::{NvmeWire, entry};
use crate::wire::{World, another};
use drive::identity::IdentityLost;
use sim::clock::Clock;
use sim::device::{Event, NvmeDevice as _};
use sim::nvme::NvmeDrive;
use sim::nvme::lies::{Becomes, Kept, Lies};
use sim::nvme::options::{DeallocatedReads, NamespaceOptions, Options, Switches};
use sim::random::Random;
use std::sync::Arc;
use std::time::Duration;
use wipe::native::nvme::NvmeSanitize;
use wipe::native::{End, Evidence, Patience, Sanitize as _, State, Technique, Verdict, judge, run};

const SECRET: &[u8] = b"the donor's accounts";
const SECTORS: u64 = 2048;
const ALL: [Technique; 3] = [
    Technique::BlockErase,
    Technique::CryptoErase,
    Technique::Overwrite,
];

/// A subsystem full of the donor's data: namespace 1 is read and written by the host, 2 is not
/// attached, 3 was deleted.
struct Bench {
    wire: NvmeWire,
    clock: Clock,
}

impl Bench {
    fn new(mut options: Options) -> Self {
        let clock = Clock::by_hand();
        let namespace = |sectors, attached| NamespaceOptions {
            write_protected: false,
            sectors,
            lba_format: 0,
            attached,
        };
        options.spares = 64;
        options.namespaces = vec![
            namespace(SECTORS, true),
            namespace(128, false),
            namespace(128, true),
        ];
        let lies = std::mem::take(&mut options.lies);
        let sanitize_failures = lies.sanitize_failures;
        let management = std::mem::replace(&mut options.switches.namespace_management, true);
        options.lies.sanitize_failures = sanitize_failures;
        let mut drive = NvmeDrive::new(options, clock.clone());
        let mut bytes = SECRET.repeat(26);
        bytes.truncate(512);
        for (nsid, sectors) in [(1, SECTORS), (2, 128), (3, 128)] {
            let cells = drive.cells_mut(nsid).expect("a namespace");
            // Twice: what was written first has no address any more.
            for address in (0..sectors).chain(0..8) {
                cells.write(address, &bytes);
            }
        }
        let deletion = drive.admin(&entry(0x0D, 3, [1, 0, 0, 0, 0, 0]), &[]);
        assert_eq!(deletion.map(|answer| answer.status), Some(0));
        drive.options_mut().switches.namespace_management = management;
        drive.options_mut().lies = lies;
        Self {
            wire: NvmeWire::new(drive, 1, SECTORS),
            clock,
        }
    }

    fn world(&self) -> World<'_> {
        World::new(self.clock.clone())
    }

    fn door(&self) -> NvmeSanitize {
        NvmeSanitize::new(Arc::new(self.wire.clone()), self.wire.capabilities())
    }

    fn sanitize(&self, technique: Technique, world: &World<'_>) -> Evidence {
        let patience = Patience::of(false);
        run(&self.door(), technique, &self.wire, world, patience)
    }

    /// Places where the donor's data can still be had, by anybody: the truth.
    fn residue(&self) -> usize {
        self.wire.drive().find(SECRET)
    }

    /// Command dword 10 of the sanitize that was sent.
    fn sent(&self) -> Option<u32> {
        let drive = self.wire.drive();
        let mut sent = drive.commands().iter().filter(|c| c.entry[0] == 0x84);
        let entry = sent.next()?.entry;
        Some(u32::from_le_bytes([
            entry[40], entry[41], entry[42], entry[43],
        ]))
    }
}

fn with(lies: Lies) -> Options {
    Options {
        lies,
        ..Options::default()
    }
}

fn switched(change: impl Fn(&mut Switches)) -> Options {
    let mut options = Options::default();
    change(&mut options.switches);
    options
}

#[test]
fn honest_drives_are_claimed_and_nothing_is_left_in_any_namespace() {
    for technique in ALL {
        for earlier_sanitize in [None, Some(2), Some(0x204)] {
            for (purge, inhibited, modifies) in [
                (true, false, 1),
                (false, false, 1),
                (true, true, 1),
                (false, true, 0),
                (true, false, 0),
                (false, false, 2),
            ] {
                let mut options = switched(|switches| {
                    switches.sanitize_purge = purge;
                    switches.no_deallocate_inhibited = inhibited;
                    switches.no_deallocate_modifies = modifies;
                });
                options.earlier_sanitize = earlier_sanitize;
                let bench = Bench::new(options);
                assert!(bench.residue() > 2048 + 256, "all three namespaces");
                let evidence = bench.sanitize(technique, &bench.world());
                let case = format!("{technique}, {purge} {inhibited} {modifies}");
                assert!(is_claimed(&evidence), "{case}: {}", reasons(&evidence));
                assert_eq!(bench.residue(), 0, "{case}");
                assert!(evidence.in_progress_seen > 0 && evidence.witnesses.planted > 50);
                let sent = bench.sent().expect("a command");
                assert_eq!(
                    sent & 1 << 11 != 0,
                    purge,
                    "{case}: PREQ where there is SPRRS"
                );
                let keeps = !inhibited && modifies == 1;
                assert_eq!(
                    sent & 1 << 9 != 0,
                    keeps,
                    "{case}: NDAS where it is allowed"
                );
                assert_eq!(sent & 1 << 3, 0, "{case}: AUSE never");
            }
        }
    }
}

#[test]
fn overwrite_that_stays_mapped_is_read_back_as_the_byte() {
    let bench = Bench::new(Options::default());
    let evidence = bench.sanitize(Technique::Overwrite, &bench.world());
    assert!(is_claimed(&evidence), "{}", reasons(&evidence));
    let (kinds, looked_at) = (evidence.witnesses.kinds, evidence.witnesses.looked_at());
    assert_eq!(kinds.constant, looked_at);
}

#[test]
fn drive_that_deallocates_although_asked_not_to_and_says_so_is_claimed() {
    for (technique, reads) in [
        (Technique::BlockErase, DeallocatedReads::Zeros),
        (Technique::Overwrite, DeallocatedReads::Zeros),
        (Technique::Overwrite, DeallocatedReads::Ones),
    ] {
        let mut options = switched(|switches| switches.deallocated_reads = reads);
        options.lies.deallocates_all_the_same = true;
        let bench = Bench::new(options);
        let evidence = bench.sanitize(technique, &bench.world());
        assert!(is_claimed(&evidence), "{technique}: {}", reasons(&evidence));
        assert_eq!(bench.residue(), 0);
    }
}

#[test]
fn erased_blocks_that_cannot_be_read_leave_nothing_to_judge_by() {
    let bench = Bench::new(switched(|switches| {
        switches.erased_blocks_are_unreadable = true;
    }));
    let evidence = bench.sanitize(Technique::BlockErase, &bench.world());
    assert_eq!(bench.residue(), 0, "it is honest");
    let reasons = reasons(&evidence);
    assert!(reasons.contains("none of the witnesses"), "{reasons}");
    // Deallocated, they read as zeros.
    let bench = Bench::new(switched(|switches| {
        switches.erased_blocks_are_unreadable = true;
        switches.no_deallocate_inhibited = true;
    }));
    let evidence = bench.sanitize(Technique::BlockErase, &bench.world());
    assert!(is_claimed(&evidence), "{}", self::reasons(&evidence));
}

#[test]
fn log_that_lacks_a_word_is_no_claim() {
    type Alter = fn(&mut [u8]);
    let says: [(Alter, &str); 4] = [
        // Purged: SSTAT bit 11.
        (|log| log[3] &= !(1 << 3), "a purge was required"),
        // Global Data Erased: SSTAT bit 8.
        (|log| log[3] &= !1, "data written before is still there"),
        // A status that no revision defines.
        (|log| log[2] = log[2] & !7 | 5, "status 5"),
        (|log| log.fill(0), "no log"),
    ];
    for (alter, says) in says {
        let mut bench = Bench::new(Options::default());
        bench.wire.alters_log = Some(alter);
        let reasons = reasons(&bench.sanitize(Technique::BlockErase, &bench.world()));
        assert!(!reasons.starts_with("claimed"), "{says}");
        assert!(reasons.contains(says), "{says}: {reasons}");
    }
}

#[test]
fn namespace_that_the_drive_hides_is_erased_with_the_others() {
    let bench = Bench::new(with(Lies {
        hides_namespace: Some(2),
        ..Lies::default()
    }));
    let evidence = bench.sanitize(Technique::BlockErase, &bench.world());
    assert!(is_claimed(&evidence), "{}", reasons(&evidence));
    assert_eq!(bench.residue(), 0);
}

#[test]
fn refused_command_leaves_the_words_of_an_earlier_sanitize_as_they_were() {
    let mut options = with(Lies {
        refuses_sanitize: Some(0x286),
        ..Lies::default()
    });
    options.earlier_sanitize = Some(2);
    let bench = Bench::new(options);
    let door = bench.door();
    let before = door.said();
    assert!(door.start(Technique::BlockErase).is_err());
    // Not "a purge was required": none was begun.
    assert_eq!(door.said(), before);
    assert!(matches!(before.state, State::Idle { .. }));
}

/// A drive in media verification after a block erase that somebody else sent (EMVS).
fn left_in_verification() -> Bench {
    let bench = Bench::new(Options::default());
    let sanitize = entry(0x84, 0, [2 | 1 << 10, 0, 0, 0, 0, 0]);
    let answer = bench.wire.drive().admin(&sanitize, &[]);
    assert_eq!(answer.map(|answer| answer.status), Some(0));
    bench.clock.advance(Duration::from_secs(600));
    assert_eq!(bench.door().said().state, State::MediaVerification);
    bench
}

#[test]
fn drive_that_another_program_left_in_media_verification_is_told_to_leave_it_and_erased_anew() {
    let bench = left_in_verification();
    let evidence = bench.sanitize(Technique::BlockErase, &bench.world());
    assert!(is_claimed(&evidence), "{}", reasons(&evidence));
    assert!(evidence.witnesses.planted > 0);
    assert_eq!(bench.residue(), 0);
}

#[test]
fn drive_that_does_not_leave_media_verification_is_sent_nothing_more_and_not_waited_for() {
    let mut bench = left_in_verification();
    // In progress, media verification, whatever it is told.
    bench.wire.alters_log = Some(|log| {
        log[2] = 2;
        log[36] = 5;
    });
    let world = bench.world();
    let evidence = bench.sanitize(Technique::BlockErase, &world);
    let not_begun = evidence.not_begun.as_deref().unwrap_or_default();
    assert!(not_begun.contains("does not leave"), "{not_begun}");
    assert!(!is_claimed(&evidence));
    assert!(*world.pauses.lock().expect("no panic") < 10);
}

#[test]
fn power_cut_in_the_middle_is_waited_out_and_is_no_claim_of_the_next_run_by_itself() {
    let bench = Bench::new(Options::default());
    let mut world = bench.world();
    *world.pauses_left.get_mut().expect("no panic") = 3;
    let evidence = bench.sanitize(Technique::BlockErase, &world);
    assert_eq!(evidence.end, Some(End::Stopped));
    let reasons = reasons(&evidence);
    assert!(reasons.contains("the drive goes on"), "{reasons}");
    bench.wire.drive().event(Event::PowerOff);
    bench.clock.advance(Duration::from_secs(600));
    bench.wire.drive().event(Event::PowerOn);
    // It resumes by itself; the next run waits for its end, and erases once more with witnesses.
    let evidence = bench.sanitize(Technique::BlockErase, &bench.world());
    assert!(is_claimed(&evidence), "{}", self::reasons(&evidence));
    assert!(evidence.witnesses.planted > 0);
    assert_eq!(bench.residue(), 0);
}

#[test]
fn power_cut_and_reset_that_the_wait_does_not_notice_end_well() {
    for (at, then) in [
        (Event::PowerOff, Event::PowerOn),
        (Event::Reset, Event::Reset),
    ] {
        let bench = Bench::new(Options::default());
        let mut world = bench.world();
        let wire = bench.wire.clone();
        world.meanwhile = Box::new(move |pauses| match pauses {
            3 => wire.drive().event(at),
            4 => wire.drive().event(then),
            _ => {}
        });
        let evidence = bench.sanitize(Technique::BlockErase, &world);
        assert!(is_claimed(&evidence), "{at:?}: {}", reasons(&evidence));
        assert_eq!(bench.residue(), 0);
    }
}

/// Its power goes in the middle and stays away; what is said of its identity then.
fn lost(bench: &Bench, lost: IdentityLost) -> Evidence {
    let mut world = bench.world();
    let wire = bench.wire.clone();
    world.meanwhile = Box::new(move |pauses| {
        if pauses == 3 {
            wire.drive().event(Event::PowerOff);
        }
    });
    let wire = bench.wire.clone();
    world.identity = Box::new(move || match wire.serial().is_empty() {
        true => Err(lost.clone()),
        false => Ok(()),
    });
    bench.sanitize(Technique::BlockErase, &world)
}

#[test]
fn drive_that_is_gone_or_silent_leaves_it_unknown_and_goes_on_when_its_power_comes_back() {
    for why in [
        IdentityLost::Gone("nvme0n1 has left the machine".into()),
        IdentityLost::Silent("no answer to identify".into()),
    ] {
        let bench = Bench::new(Options::default());
        let evidence = lost(&bench, why.clone());
        assert_eq!(evidence.end, Some(End::Undecoded));
        let words = reasons(&evidence);
        let told = format!("lost in its erase ({why})");
        assert!(
            words.starts_with("unknown")
                && words.contains(&told)
                && words.contains("`raz drives` calls it \"erasing itself\""),
            "{words}"
        );
        assert!(bench.residue() > 0, "it has erased nothing yet");
        bench.wire.drive().event(Event::PowerOn);
        let is_under_way = matches!(bench.door().said().state, State::InProgress { .. });
        assert!(is_under_way, "{:?}", bench.door().said());
    }
}

/// Another drive answers once the sanitize has begun; the identity is read from the drive.
fn swapped(bench: &Bench) -> Evidence {
    let serial = bench.wire.serial();
    let mut world = bench.world();
    let wire = bench.wire.clone();
    world.meanwhile = Box::new(move |pauses| {
        if pauses == 3 {
            wire.drive().options_mut().lies.becomes = Some(Becomes {
                after_commands: 0,
                serial: "SIM00000002".into(),
            });
        }
    });
    let wire = bench.wire.clone();
    world.identity = Box::new(move || match wire.serial() == serial {
        true => Ok(()),
        false => Err(another()),
    });
    bench.sanitize(Technique::BlockErase, &world)
}

#[test]
fn drive_that_failed_before_gets_another_try_and_no_claim() {
    let bench = Bench::new(with(Lies {
        sanitize_failures: 1,
        ..Lies::default()
    }));
    let first = bench.sanitize(Technique::BlockErase, &bench.world());
    assert!(matches!(judge(&first), Verdict::Refuted(_)));
    let second = bench.sanitize(Technique::BlockErase, &bench.world());
    assert!(second.end.is_some(), "it was sent");
    let reasons = reasons(&second);
    assert!(reasons.contains("no witnesses"), "{reasons}");
    // The drive is well again; a third run can stand witnesses on it.
    let third = bench.sanitize(Technique::BlockErase, &bench.world());
    assert!(is_claimed(&third), "{}", self::reasons(&third));
}

/// `SEEDS=N` for more.
#[test]
fn no_seed_claims_what_a_host_could_have_seen() {
    let seeds = std::env::var("SEEDS")
        .ok()
        .and_then(|seeds| seeds.parse().ok());
    let mut claimed = 0;
    for seed in 0..seeds.unwrap_or(1000) {
        let mut random = Random::new(seed);
        let options = drawn(&mut random);
        let technique = random.pick(&ALL);
        let invisible = traps::is_invisible(&options, technique);
        let bench = Bench::new(options);
        let mut world = bench.world();
        let cut = random.one_in(4).then(|| random.below(12));
        let wire = bench.wire.clone();
        world.meanwhile = Box::new(move |pauses| {
            if cut == Some(pauses) {
                wire.drive().event(Event::PowerOff);
                wire.drive().event(Event::PowerOn);
            }
        });
        let evidence = bench.sanitize(technique, &world);
        if is_claimed(&evidence) {
            claimed += 1;
            let residue = bench.residue();
            let found = bench.wire.drive().cells(1).map(|cells| cells.find(SECRET));
            assert!(
                residue == 0 || invisible,
                "seed {seed}, {technique}: {residue} places, of them {:?} in namespace 1, {evidence:?}",
                found.map(|found| found.len())
            );
        }
    }
    assert!(
        claimed > 100,
        "{claimed} claims: most of the seeds must not be hopeless"
    );
}

/// A drive with a few lies, seldom many.
fn drawn(random: &mut Random) -> Options {
    let mut options = Options {
        earlier_sanitize: random.pick(&[None, Some(2), Some(4), Some(0xA02), Some(0xA13)]),
        ..Options::default()
    };
    let switches = &mut options.switches;
    switches.sanitize_purge = random.one_in(2);
    switches.no_deallocate_inhibited = random.one_in(3);
    switches.no_deallocate_modifies = random.pick(&[0, 1, 1, 2]);
    switches.erased_blocks_are_unreadable = random.one_in(4);
    switches.erased_byte = random.pick(&[0, 0xFF]);
    switches.deallocated_reads = random.pick(&[
        DeallocatedReads::Zeros,
        DeallocatedReads::Ones,
        DeallocatedReads::Unreported,
    ]);
    switches.namespace_management = random.one_in(2);
    switches.write_cache_sectors = random.pick(&[0, 16, 256]);
    let few = 12;
    let lies = &mut options.lies;
    lies.swallows_sanitize = random.one_in(few);
    lies.command_dword_10 = random.one_in(few).then_some(2);
    lies.global_data_erased_always = random.one_in(few);
    lies.elides_zeros = random.one_in(few);
    lies.only_deallocates = random.one_in(few);
    lies.deallocates_all_the_same = random.one_in(few);
    lies.locked_reads_zeros = random.one_in(2 * few);
    lies.crypto_erase_keeps_the_key = random.one_in(few);
    lies.sanitize_is_instant = random.one_in(few);
    lies.sanitize_sticks_at = random.one_in(few).then_some(655);
    lies.sanitize_failures = u32::from(random.one_in(few));
    lies.ignores_flush = random.one_in(few);
    lies.ignores_writes = random.one_in(2 * few);
    lies.power_loss_ends_sanitize = random.one_in(few);
    lies.refuses_sanitize = random.one_in(2 * few).then_some(0x286);
    lies.keeps = match random.below(10) {
        0 => Some(Kept::All),
        1 => Some(Kept::Spares),
        2 => Some(Kept::Namespace(1)),
        3 => Some(Kept::Namespace(2)),
        _ => None,
    };
    options
}
