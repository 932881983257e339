//! One piece of evidence changed at a time.

use super::super::verification::{Look, MediaVerification};
use super::super::witness::Witnesses;
use super::super::{End, Evidence, Patience, Said, State, Technique};
use super::{Verdict, judge};
use drive::identity::IdentityLost;
use std::time::Duration;

fn idle(completed: Option<bool>) -> Said {
    Said {
        state: State::Idle { completed },
        erased_since_write: None,
        is_ours: None,
        is_deallocated: false,
        raw: String::new(),
    }
}

/// A block erase that is to be believed.
fn good() -> Evidence {
    let mut witnesses = Witnesses::default();
    (witnesses.planted, witnesses.found, witnesses.gone) = (64, 10, 74);
    Evidence {
        technique: Technique::BlockErase,
        capacity_bytes: 64 << 30,
        at_first: idle(Some(true)),
        before: idle(Some(true)),
        not_begun: None,
        is_refused: false,
        in_progress_seen: 3,
        end: Some(End::Ended),
        after: Some(idle(Some(true))),
        took: Duration::from_secs(60),
        may_be_unreadable: false,
        witnesses,
        media: None,
        boot_areas: Vec::new(),
        identity_lost: None,
        patience: Patience::of(false),
    }
}

fn after(evidence: &mut Evidence, state: State) {
    evidence.after.as_mut().expect("an end").state = state;
}

#[test]
fn good_evidence_is_claimed() {
    assert!(matches!(judge(&good()), Verdict::ClaimedByDrive(_)));
}

#[test]
fn each_contradiction_alone_refutes() {
    type Change = fn(&mut Evidence);
    let changes: [(&str, Change); 7] = [
        ("failed", |evidence| {
            after(evidence, State::Failed("sectors remain".into()));
        }),
        ("does not say that it completed", |evidence| {
            after(
                evidence,
                State::Idle {
                    completed: Some(false),
                },
            );
        }),
        ("still there", |evidence| {
            evidence.after.as_mut().expect("an end").erased_since_write = Some(false);
        }),
        ("still hold", |evidence| evidence.witnesses.kept = 1),
        ("1 of 73 sectors of the medium still hold", |evidence| {
            evidence.media = Some(MediaVerification::Entered(Look {
                kept: 1,
                gone: 70,
                ordinary: 2,
                ..Look::default()
            }));
        }),
        ("do not hold the byte", |evidence| {
            evidence.technique = Technique::Overwrite;
            evidence.took = Duration::from_secs(3600);
            evidence.witnesses.not_overwritten = 1;
        }),
        ("another drive", |evidence| {
            evidence.identity_lost = Some(IdentityLost::Another {
                found: "another drive".into(),
                confirmed: "this one".into(),
            });
        }),
    ];
    for (says, change) in changes {
        let mut evidence = good();
        change(&mut evidence);
        match judge(&evidence) {
            Verdict::Refuted(reasons) => {
                assert!(
                    reasons.len() == 1 && reasons[0].contains(says),
                    "{says}: {reasons:?}"
                );
            }
            other => panic!("{says}: {other:?}"),
        }
    }
}

#[test]
fn each_gap_alone_leaves_it_unknown() {
    type Change = fn(&mut Evidence);
    let changes: [(&str, Change); 19] = [
        ("frozen", |evidence| {
            evidence.not_begun = Some("frozen".into())
        }),
        ("nothing is known of its end", |evidence| {
            evidence.end = None
        }),
        ("nothing is known of its end", |evidence| {
            evidence.after = None
        }),
        ("stays at 655/65536", |evidence| {
            evidence.end = Some(End::Stuck { progress: 655 });
        }),
        ("could not be decoded", |evidence| {
            evidence.end = Some(End::Undecoded)
        }),
        ("ended by the operator", |evidence| {
            evidence.end = Some(End::Stopped)
        }),
        ("under way", |evidence| {
            after(evidence, State::InProgress { progress: 9 })
        }),
        ("frozen", |evidence| after(evidence, State::Frozen)),
        ("state is unknown", |evidence| {
            after(evidence, State::Unknown("no sense".into()))
        }),
        ("told to show its medium, and did not", |evidence| {
            evidence.media = Some(MediaVerification::NotEntered {
                is_cancelled: false,
            });
        }),
        ("of the medium: no read brought", |evidence| {
            evidence.media = Some(MediaVerification::Entered(Look {
                ordinary: 74,
                ..Look::default()
            }));
        }),
        ("of the medium: timed out", |evidence| {
            evidence.media = Some(MediaVerification::Entered(Look {
                unreadable: 1,
                ended_early: Some("timed out".into()),
                ..Look::default()
            }));
        }),
        ("no transition", |evidence| evidence.in_progress_seen = 0),
        ("another operation", |evidence| {
            evidence.after.as_mut().expect("an end").is_ours = Some(false);
        }),
        ("no witnesses stood", |evidence| {
            evidence.witnesses = Witnesses::default();
        }),
        ("1 sectors could not be read", |evidence| {
            evidence.witnesses.unreadable = 1
        }),
        ("none of the witnesses was looked at", |evidence| {
            evidence.witnesses.gone = 0
        }),
        ("it took 0.999 s", |evidence| {
            evidence.took = Duration::from_millis(999)
        }),
        ("it took 3.900 s", |evidence| {
            evidence.technique = Technique::Overwrite;
            evidence.took = Duration::from_millis(3900);
        }),
    ];
    for (says, change) in changes {
        let mut evidence = good();
        change(&mut evidence);
        match judge(&evidence) {
            Verdict::Unknown(reasons) => {
                assert!(
                    reasons.len() == 1 && reasons[0].contains(says),
                    "{says}: {reasons:?}"
                );
            }
            other => panic!("{says}: {other:?}"),
        }
    }
}

/// Gone, and silent: what it may be at and how it comes back, by how it was told to erase.
#[test]
fn drive_lost_in_its_erase_is_unknown_and_its_way_back_is_told() {
    let lost: [fn(String) -> IdentityLost; 2] = [IdentityLost::Gone, IdentityLost::Silent];
    let ways = [
        (Technique::BlockErase, "erasing itself"),
        (Technique::CryptoErase, "erasing itself"),
        (Technique::Overwrite, "erasing itself"),
        (Technique::EnhancedErase, "raz unlock"),
        (Technique::Format, "formatting"),
    ];
    for (technique, says) in ways {
        for lost in lost {
            let mut evidence = good();
            evidence.technique = technique;
            evidence.took = Duration::from_secs(3600);
            evidence.identity_lost = Some(lost("no answer".into()));
            evidence.end = Some(End::Undecoded);
            after(&mut evidence, State::Unknown("no answer".into()));
            let Verdict::Unknown(reasons) = judge(&evidence) else {
                panic!("{:?}", judge(&evidence));
            };
            let first = &reasons[0];
            assert!(
                first.contains(says) && first.contains("(no answer)"),
                "{reasons:?}"
            );
            // A command whose answer was lost with the drive may be under way.
            evidence.not_begun = Some("refused".into());
            (evidence.end, evidence.after) = (None, None);
            let Verdict::Unknown(reasons) = judge(&evidence) else {
                panic!("{:?}", judge(&evidence));
            };
            assert!(
                reasons[0] == "refused" && reasons[1].contains(says),
                "{reasons:?}"
            );
        }
    }
    // It had said that it was done.
    let mut evidence = good();
    evidence.identity_lost = Some(IdentityLost::Gone("left".into()));
    let expected = vec!["the drive was lost behind its erase: left".to_owned()];
    assert_eq!(judge(&evidence), Verdict::Unknown(expected));
}

/// A drive that is not through yet may still show it.
#[test]
fn medium_is_missed_only_of_a_drive_that_is_through() {
    let mut evidence = good();
    evidence.media = Some(MediaVerification::NotEntered {
        is_cancelled: false,
    });
    after(&mut evidence, State::InProgress { progress: 1 });
    let Verdict::Unknown(reasons) = judge(&evidence) else {
        panic!("{:?}", judge(&evidence));
    };
    assert!(
        !reasons.iter().any(|reason| reason.contains("told to show")),
        "{reasons:?}"
    );
}

#[test]
fn medium_that_was_not_asked_for_or_cancelled_or_seen_without_old_bytes_is_no_gap() {
    for media in [
        MediaVerification::NotAsked("refused".into()),
        MediaVerification::NotEntered { is_cancelled: true },
        MediaVerification::Entered(Look {
            gone: 1,
            unreadable: 73,
            ..Look::default()
        }),
    ] {
        let mut evidence = good();
        evidence.media = Some(media);
        assert!(matches!(judge(&evidence), Verdict::ClaimedByDrive(_)));
    }
}

#[test]
fn transition_is_also_a_bit_that_was_off_and_is_on() {
    let unseen = || {
        let mut evidence = good();
        evidence.in_progress_seen = 0;
        evidence
    };
    let mut completed = unseen();
    completed.before = idle(Some(false));
    assert!(matches!(judge(&completed), Verdict::ClaimedByDrive(_)));
    let mut erased = unseen();
    erased.before.erased_since_write = Some(false);
    erased.after.as_mut().expect("an end").erased_since_write = Some(true);
    assert!(matches!(judge(&erased), Verdict::ClaimedByDrive(_)));
    // Off before and not said after is no transition.
    erased.after.as_mut().expect("an end").erased_since_write = None;
    assert!(matches!(judge(&erased), Verdict::Unknown(_)));
}

#[test]
fn what_may_be_unreadable_is_no_gap_and_a_crypto_erase_may_be_quick() {
    let mut evidence = good();
    (evidence.witnesses.gone, evidence.witnesses.unreadable) = (1, 73);
    evidence.may_be_unreadable = true;
    assert!(matches!(judge(&evidence), Verdict::ClaimedByDrive(_)));
    let mut evidence = good();
    evidence.technique = Technique::CryptoErase;
    evidence.took = Duration::from_millis(1);
    assert!(matches!(judge(&evidence), Verdict::ClaimedByDrive(_)));
}

#[test]
fn data_that_is_still_there_while_it_is_under_way_refutes_nothing() {
    let mut evidence = good();
    evidence.end = Some(End::Stopped);
    after(&mut evidence, State::InProgress { progress: 655 });
    evidence.after.as_mut().expect("an end").erased_since_write = Some(false);
    assert!(matches!(judge(&evidence), Verdict::Unknown(_)));
}

#[test]
fn filling_of_what_was_deallocated_is_no_contradiction_to_an_overwrite() {
    let mut evidence = good();
    evidence.technique = Technique::Overwrite;
    evidence.took = Duration::from_secs(3600);
    evidence.witnesses.not_overwritten = 74;
    let kinds = &mut evidence.witnesses.kinds;
    (kinds.zeros, kinds.ones, kinds.constant) = (70, 1, 3);
    assert!(matches!(judge(&evidence), Verdict::Refuted(_)));
    evidence.after.as_mut().expect("an end").is_deallocated = true;
    assert!(matches!(judge(&evidence), Verdict::ClaimedByDrive(_)));
    let kinds = &mut evidence.witnesses.kinds;
    (kinds.zeros, kinds.mixed) = (69, 1);
    assert!(matches!(judge(&evidence), Verdict::Refuted(_)));
}
