//! What a conclusion and a claim come to in the report's words.

use super::{
    ByDrive, ByteRange, Conclusion, Level, OutcomeWord, PassKind, PassRecord, Rung, SanitizeRecord,
    Shortfall, Transport, achieved, conclusion, is_purged, plan, record, schema,
};
use crate::compose::boot_areas::tests::{area, overwritten};
use std::time::Duration;
use wipe::native::witness::Witnesses;
use wipe::native::{End, Evidence, Patience, Said, State, Technique, Verdict, judge};
use wipe::options::Options;
use wipe::outcome::VerifyRecord;

fn sectors(count: u64) -> Vec<ByteRange> {
    let sector = |n| ByteRange {
        start: n * 1024,
        end: n * 1024 + 512,
    };
    (0..count).map(sector).collect()
}

#[test]
fn errors_are_reported_with_the_kernels_words_and_counts_that_hold() {
    let counted = schema::RANGES_COUNTED_MAX;
    // What the engine cut is no count.
    assert_eq!(Options::default().listed_ranges, counted);
    let passed = record(
        &PassRecord {
            kind: PassKind::Pattern,
            pass: 0,
            resumed: None,
            written_bytes: 1 << 30,
            write_errors: sectors(counted as u64),
            write_error_bytes: 1 << 29,
            first_write_error: Some("at byte 1024: Input/output error".into()),
            write_errors_seen: 40_000,
            flushed: true,
            write_seconds: 1.0,
            verify: Some(VerifyRecord {
                samples: None,
                read_bytes: 1 << 30,
                mismatches: Vec::new(),
                mismatch_bytes: 0,
                read_errors: sectors(1001),
                read_error_bytes: 1001 * 512,
                first_read_error: Some("at byte 0: No data available".into()),
                first_mismatch_offset_bytes: None,
                seconds: 1.0,
                complete: true,
            }),
        },
        1 << 31,
        None,
    );
    let read = passed.verification.unwrap();
    for (ranges, count, bytes) in [
        (&passed.write_errors, 10_000, 1 << 29),
        (&read.read_errors, 1001, 1001 * 512),
        (&read.mismatches, 0, 0),
    ] {
        assert_eq!((ranges.count, ranges.bytes), (count, bytes));
        let listed = ranges.listed.len();
        assert_eq!(listed, schema::RANGES_LISTED_MAX.min(count as usize));
    }
    assert_eq!(passed.write_errors_seen, Some(40_000));
    let first = passed.first_write_error.as_deref();
    assert_eq!(first, Some("at byte 1024: Input/output error"));
    let first = read.first_read_error.as_deref();
    assert_eq!(first, Some("at byte 0: No data available"));
}

#[test]
fn level_is_claimed_only_for_a_proof_of_all_that_the_medium_asks_for() {
    let words = [
        OutcomeWord::Verified,
        OutcomeWord::Sampled,
        OutcomeWord::WrittenNotChecked,
        OutcomeWord::NotComplete,
        OutcomeWord::NotStarted,
    ];
    for word in words {
        for aim in [
            plan::Level::Purge,
            plan::Level::Clear,
            plan::Level::BelowClear,
        ] {
            for by_drive in [
                ByDrive::Purged,
                ByDrive::BootAreasLeft,
                ByDrive::NotClaimed,
                ByDrive::NotTried,
            ] {
                let expected = match (word, aim) {
                    (OutcomeWord::Verified, plan::Level::Purge) if by_drive == ByDrive::Purged => {
                        Level::Purge
                    }
                    (OutcomeWord::Verified, plan::Level::Purge | plan::Level::Clear) => {
                        Level::Clear
                    }
                    _ => Level::None,
                };
                let claimed = achieved(word, aim, by_drive).0;
                assert_eq!(claimed, expected, "{word:?} {aim:?} {by_drive:?}");
            }
        }
    }
    for aim in [plan::Level::Purge, plan::Level::BelowClear] {
        assert!(
            !achieved(OutcomeWord::Verified, aim, ByDrive::NotTried)
                .1
                .is_empty()
        );
    }
}

/// An erase by the drive itself against which nothing speaks.
pub(in crate::compose) fn claimed(technique: Technique) -> SanitizeRecord {
    let said = |completed| Said {
        state: State::Idle {
            completed: Some(completed),
        },
        erased_since_write: None,
        is_ours: None,
        is_deallocated: false,
        raw: String::new(),
    };
    let mut witnesses = Witnesses::default();
    (witnesses.planted, witnesses.gone) = (8, 8);
    let evidence = Evidence {
        technique,
        capacity_bytes: 1 << 20,
        at_first: said(false),
        before: said(false),
        not_begun: None,
        is_refused: false,
        in_progress_seen: 3,
        end: Some(End::Ended),
        after: Some(said(true)),
        took: Duration::from_secs(60),
        may_be_unreadable: false,
        witnesses,
        media: None,
        boot_areas: Vec::new(),
        identity_lost: None,
        patience: Patience::of(false),
    };
    let verdict = judge(&evidence);
    assert!(matches!(verdict, Verdict::ClaimedByDrive(_)), "{verdict:?}");
    SanitizeRecord { evidence, verdict }
}

#[test]
fn purge_is_of_the_rung_that_is_claimed_and_not_of_the_ladder() {
    let rung = |technique, is_purge| Rung {
        technique,
        is_purge,
    };
    let (block, crypto) = (Technique::BlockErase, Technique::CryptoErase);
    let ladder = [rung(block, true), rung(crypto, false)];
    let mut refused = claimed(block);
    refused.evidence.not_begun = Some("refused".into());
    refused.verdict = judge(&refused.evidence);
    let is_purged = |ladder: &[Rung], tried: &[SanitizeRecord]| {
        is_purged(Transport::Ata, ladder, tried) == ByDrive::Purged
    };
    assert!(is_purged(&ladder, &[claimed(block)]));
    assert!(!is_purged(&ladder, &[refused, claimed(crypto)]));
    assert!(!is_purged(&[], &[claimed(block)]), "not planned");
}

#[test]
fn nothing_short_of_a_proof_says_erased_or_verified() {
    let shortfalls = || {
        vec![
            Shortfall::Interrupted,
            Shortfall::Vanished,
            Shortfall::WriteErrors { bytes: 1 },
            Shortfall::Stalled { seconds: 1 },
        ]
    };
    for said in [
        Conclusion::WrittenNotChecked,
        Conclusion::NotComplete(shortfalls()),
        Conclusion::NotStarted(shortfalls()),
    ] {
        let (word, text, _) = conclusion(&said);
        assert_ne!(word, OutcomeWord::Verified);
        for claim in ["erased", "verified"] {
            assert!(!text.to_lowercase().contains(claim), "{text}");
        }
    }
}

#[test]
fn claimed_erase_of_an_emmc_is_a_purge_only_with_its_boot_areas_blank() {
    let ladder = [Rung {
        technique: Technique::BlockErase,
        is_purge: true,
    }];
    let of = |areas: &[u8], transport| {
        let mut record = claimed(Technique::BlockErase);
        record.evidence.boot_areas = (0..)
            .zip(areas)
            .map(|(n, filling)| area(n, *filling))
            .collect();
        is_purged(transport, &ladder, &[record])
    };
    assert_eq!(of(&[0x00, 0xFF], Transport::Mmc), ByDrive::Purged);
    // One held data, and an overwrite by the host is Clear.
    let mut record = claimed(Technique::BlockErase);
    record.evidence.boot_areas = vec![area(0, 0xFF), overwritten(1)];
    let held = is_purged(Transport::Mmc, &ladder, &[record]);
    assert_eq!(held, ByDrive::BootAreasLeft);
    // One keeps data; one, or both, were not looked at.
    for areas in [&[0x00, 0xA5][..], &[0x00], &[]] {
        assert_eq!(
            of(areas, Transport::Mmc),
            ByDrive::BootAreasLeft,
            "{areas:?}"
        );
        let (level, remark) = achieved(
            OutcomeWord::Verified,
            plan::Level::Purge,
            ByDrive::BootAreasLeft,
        );
        assert!(level == Level::Clear && remark.contains("boot area"));
    }
    assert_eq!(of(&[], Transport::Ata), ByDrive::Purged);
    let unclaimed = is_purged(Transport::Mmc, &ladder, &[]);
    assert_eq!(unclaimed, ByDrive::NotTried);
}
