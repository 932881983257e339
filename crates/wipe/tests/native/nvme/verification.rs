//! Drives that can show their medium before they deallocate it: told so where they can, read past the
//! disk driver, and told to leave that state whatever comes.

use super::{Bench, SECRET, switched, with};
use crate::trap::{is_claimed, reasons};
use crate::wire::nvme::AlterRead;
use sim::nvme::lies::Lies;
use sim::nvme::options::Options;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use wipe::native::verification::{Look, MediaVerification};
use wipe::native::{End, Evidence, Sanitize as _, State, Technique};

/// A drive that shows its medium after a block erase or a cryptographic one.
pub fn showing(lies: Lies) -> Options {
    let mut options = with(lies);
    options.switches.sanitize_verification = true;
    options
}

#[test]
fn honest_drives_show_their_medium_before_they_deallocate_it() {
    // Erased blocks are readable there, whether they are afterwards or not, and hold what they hold.
    for (technique, erased_byte) in [
        (Technique::BlockErase, 0xFF),
        (Technique::BlockErase, 0),
        (Technique::CryptoErase, 0),
    ] {
        for erased_blocks_are_unreadable in [false, true] {
            let bench = Bench::new(switched(|switches| {
                switches.sanitize_verification = true;
                switches.erased_byte = erased_byte;
                switches.erased_blocks_are_unreadable = erased_blocks_are_unreadable;
            }));
            let evidence = bench.sanitize(technique, &bench.world());
            assert!(is_claimed(&evidence), "{}", reasons(&evidence));
            assert_eq!(bench.residue(), 0);
            let sent = bench.sent().expect("a command");
            assert_eq!(sent & 0x600, 0x400, "EMVS, and so no NDAS: {sent:X}");
            let look = looked(&evidence);
            let witnesses = &evidence.witnesses;
            assert_eq!(look.gone, witnesses.planted + witnesses.found);
            assert_eq!((look.kept, look.sampled), (0, 256));
            let read = look.gone + look.sampled;
            let kinds = &look.kinds;
            match (technique, erased_byte) {
                (Technique::BlockErase, 0xFF) => assert_eq!(kinds.ones, read),
                (Technique::BlockErase, _) => assert_eq!(kinds.zeros, read),
                _ => assert_eq!(kinds.random, read),
            }
            // What is deallocated behind it reads as filling.
            assert_eq!(witnesses.kinds.zeros, witnesses.looked_at());
            // Neither the look nor the deallocation is time of the erase.
            assert!(
                evidence.took < Duration::from_secs(71),
                "{:?}",
                evidence.took
            );
        }
    }
}

/// What was seen of the medium.
pub fn looked(evidence: &Evidence) -> &Look {
    match &evidence.media {
        Some(MediaVerification::Entered(look)) => look,
        other => panic!("{other:?}"),
    }
}

#[test]
fn overwrite_and_a_drive_without_the_state_are_not_told_to_show_the_medium() {
    for (technique, verification) in [
        (Technique::Overwrite, true),
        (Technique::BlockErase, false),
        (Technique::CryptoErase, false),
    ] {
        let bench = Bench::new(switched(|switches| {
            switches.sanitize_verification = verification;
        }));
        let evidence = bench.sanitize(technique, &bench.world());
        assert!(is_claimed(&evidence), "{}", reasons(&evidence));
        assert_eq!(bench.sent().expect("a command") & 1 << 10, 0);
        assert_eq!(evidence.media, None);
    }
}

#[test]
fn drive_that_refuses_to_show_its_medium_is_told_again_without_and_the_reason_is_kept() {
    let bench = Bench::new(showing(Lies {
        refuses_verification: Some(0x002),
        ..Lies::default()
    }));
    let evidence = bench.sanitize(Technique::BlockErase, &bench.world());
    assert!(is_claimed(&evidence), "{}", reasons(&evidence));
    let why = "refused with NVMe status 002h".to_owned();
    assert_eq!(evidence.media, Some(MediaVerification::NotAsked(why)));
    assert_eq!(bench.residue(), 0);
    // One that refuses both ways is refused once and for all.
    let bench = Bench::new(showing(Lies {
        refuses_sanitize: Some(0x286),
        ..Lies::default()
    }));
    let evidence = bench.sanitize(Technique::BlockErase, &bench.world());
    assert!(evidence.is_refused && evidence.not_begun.is_some());
}

#[test]
fn reads_that_do_not_bring_what_stands_there_leave_the_medium_unasked_for() {
    let ways: [(AlterRead, &str); 2] = [
        // Another namespace's blocks, or another size of them.
        (
            |data| {
                data[0] ^= 1;
                Ok(())
            },
            "does not bring what stands in sector 0",
        ),
        (|_| Err(io::ErrorKind::Unsupported.into()), "has no answer"),
    ];
    for (alter, says) in ways {
        let mut bench = Bench::new(showing(Lies::default()));
        bench.wire.alters_read = Some(alter);
        let evidence = bench.sanitize(Technique::BlockErase, &bench.world());
        assert!(is_claimed(&evidence), "{}", reasons(&evidence));
        assert!(
            matches!(&evidence.media, Some(MediaVerification::NotAsked(why)) if why.contains(says)),
            "{:?}",
            evidence.media
        );
        assert_eq!(bench.sent().expect("a command") & 1 << 10, 0);
    }
}

/// The operator stops while the medium is looked at: the drive is told to leave the state all the same.
#[test]
fn look_that_is_stopped_leaves_no_drive_in_media_verification() {
    let bench = Bench::new(showing(Lies::default()));
    let mut world = bench.world();
    let wire = bench.wire.clone();
    let begun = Arc::new(AtomicBool::new(false));
    let (is_begun, looks) = (Arc::clone(&begun), bench.door());
    world.stops = Box::new(move || {
        let is_shown = looks.said().state == State::MediaVerification;
        is_begun.fetch_or(is_shown, Ordering::Relaxed)
    });
    let evidence = bench.sanitize(Technique::BlockErase, &world);
    assert!(begun.load(Ordering::Relaxed));
    assert_eq!(evidence.end, Some(End::Stopped));
    let look = looked(&evidence);
    assert_eq!(look.ended_early.as_deref(), Some("stopped by the operator"));
    bench.clock.advance(Duration::from_secs(60));
    assert!(matches!(bench.door().said().state, State::Idle { .. }));
    assert!(wire.drive().find(SECRET) == 0);
}

/// A read without an answer ends the look, and the others are not waited for.
#[test]
fn reads_without_an_answer_end_the_look_at_once_and_leave_it_unknown() {
    let mut bench = Bench::new(showing(Lies::default()));
    bench.wire.answers_media = false;
    let evidence = bench.sanitize(Technique::BlockErase, &bench.world());
    let words = reasons(&evidence);
    assert!(
        words.starts_with("unknown") && words.contains("nothing was seen of the medium"),
        "{words}"
    );
    assert_eq!(
        bench
            .wire
            .drive()
            .commands()
            .iter()
            .filter(|c| c.status == Some(0x19C))
            .count(),
        1
    );
    assert_eq!(
        bench.residue(),
        0,
        "it was told to leave the state, and is erased"
    );
}
