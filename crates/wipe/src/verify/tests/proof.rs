//! One flaw at a time: each alone keeps the proof back, whatever the rest of the code has seen of it.

use super::super::{all_written, conclude, judge_read_back, prove, prove_by_sample};
use super::{CAPACITY, resumed};
use crate::job::VerifyMode;
use crate::lane::Run;
use crate::native::{Evidence, Patience, Said, Technique, Verdict, witness::Witnesses};
use crate::outcome::{
    ByteRange, Conclusion, PassKind, PassRecord, SanitizeRecord, Shortfall, VerifyRecord,
};
use crate::pattern::Seed;
use crate::sample::{Samples, Share};
use crate::verify::Goal;
use PassKind::{Complement, Pattern, Zero};
use std::time::Duration;

const SECTOR: ByteRange = ByteRange { start: 0, end: 512 };

/// A run of these passes without a flaw.
fn flawless(kinds: &[PassKind]) -> Run {
    let mut run = resumed();
    let mut pass = run.passes[0].clone();
    (pass.resumed, pass.written_bytes) = (None, CAPACITY);
    let check = run.identity_checks[0].clone();
    run.identity_checks = vec![check; 1 + 2 * kinds.len()];
    let of = |kind: &PassKind| PassRecord {
        kind: *kind,
        ..pass.clone()
    };
    run.passes = kinds.iter().map(of).collect();
    run
}

fn goal(kinds: &[PassKind], verify: VerifyMode) -> Goal {
    Goal {
        capacity_bytes: CAPACITY,
        passes: kinds.to_vec(),
        verify,
    }
}

fn samples(seed: u8, capacity: u64, share: Share) -> Samples {
    Samples::new(Seed([seed; 32]), share, capacity, 512).unwrap()
}

/// As [`flawless`], read back by samples of these seeds.
fn sampled(kinds: &[PassKind], seeds: &[u8]) -> Run {
    let mut run = flawless(kinds);
    for (pass, seed) in run.passes.iter_mut().zip(seeds) {
        let samples = samples(*seed, CAPACITY, Share::MIN);
        let read = pass.verify.as_mut().unwrap();
        (read.read_bytes, read.samples) = (samples.bytes(), Some(samples));
    }
    run
}

fn read(run: &mut Run) -> &mut VerifyRecord {
    let pass = run.passes.last_mut().expect("a pass");
    pass.verify.as_mut().expect("a read-back")
}

fn written(run: &mut Run) -> &mut PassRecord {
    run.passes.last_mut().expect("a pass")
}

type Flaw = (&'static str, fn(&mut Run));

/// What spoils an overwrite, read back or not.
const OF_WRITES: [Flaw; 10] = [
    ("stopped", |run| run.stops.push(Shortfall::Interrupted)),
    ("a pass is missing", |run| {
        run.passes.pop();
        run.identity_checks.truncate(3);
    }),
    ("another pass", |run| written(run).kind = Complement),
    ("a sector less", |run| written(run).written_bytes -= 512),
    ("a sector more", |run| written(run).written_bytes += 512),
    ("bytes that failed", |run| {
        written(run).write_error_bytes = 512
    }),
    ("a range that failed", |run| {
        written(run).write_errors.push(SECTOR);
    }),
    ("no flush", |run| written(run).flushed = false),
    ("another drive, once", |run| {
        run.identity_checks[1].same = false;
    }),
    ("hardly asked who it is", |run| {
        run.identity_checks.truncate(2);
    }),
];

/// What spoils a read-back.
const OF_READS: [Flaw; 10] = [
    ("not asked who it is after the last read", |run| {
        run.identity_checks.pop();
    }),
    ("asked once too often", |run| {
        run.identity_checks.extend_from_within(..1);
    }),
    ("not read", |run| written(run).verify = None),
    ("not to the end", |run| read(run).complete = false),
    ("a sector less", |run| read(run).read_bytes -= 512),
    ("bytes that differ", |run| read(run).mismatch_bytes = 512),
    ("a range that differs", |run| {
        read(run).mismatches.push(SECTOR);
    }),
    ("a place that differs", |run| {
        read(run).first_mismatch_offset_bytes = Some(0);
    }),
    ("bytes unread", |run| read(run).read_error_bytes = 512),
    ("a range unread", |run| read(run).read_errors.push(SECTOR)),
];

#[test]
fn each_flaw_alone_keeps_the_proof_back() {
    let kinds = [Pattern, Zero];
    let goal = goal(&kinds, VerifyMode::Full);
    let sample: Flaw = ("only a sample was read", |run| {
        read(run).samples = Some(samples(1, CAPACITY, Share::MIN));
    });
    for (name, spoil) in OF_WRITES.into_iter().chain(OF_READS).chain([sample]) {
        let mut run = flawless(&kinds);
        assert!(prove(&run, &goal).is_ok());
        spoil(&mut run);
        assert!(prove(&run, &goal).is_err(), "{name}");
        let conclusion = conclude(&run, &goal);
        assert!(
            matches!(conclusion, Conclusion::NotComplete(_)),
            "{name}: {conclusion:?}"
        );
    }
}

#[test]
fn each_flaw_alone_keeps_the_proof_by_sample_back() {
    let kinds = [Pattern, Zero];
    let goal = goal(&kinds, VerifyMode::Sampled(Share::MIN));
    let of_samples: [Flaw; 4] = [
        ("read in full, and nobody said which sample", |run| {
            read(run).samples = None;
        }),
        ("another share", |run| {
            let others = samples(2, CAPACITY, Share::MAX);
            (read(run).read_bytes, read(run).samples) = (others.bytes(), Some(others));
        }),
        ("of a smaller drive", |run| {
            let others = samples(2, CAPACITY - 512, Share::MIN);
            (read(run).read_bytes, read(run).samples) = (others.bytes(), Some(others));
        }),
        (
            "places that the pass before had, which a drive may know",
            |run| {
                let others = run.passes[0].verify.clone();
                written(run).verify = others;
            },
        ),
    ];
    for (name, spoil) in OF_WRITES.into_iter().chain(OF_READS).chain(of_samples) {
        let mut run = sampled(&kinds, &[1, 2]);
        assert!(prove_by_sample(&run, &goal, Share::MIN).is_ok());
        spoil(&mut run);
        assert!(prove_by_sample(&run, &goal, Share::MIN).is_err(), "{name}");
        let conclusion = conclude(&run, &goal);
        assert!(
            matches!(conclusion, Conclusion::NotComplete(_)),
            "{name}: {conclusion:?}"
        );
    }
}

#[test]
fn each_flaw_alone_keeps_an_unchecked_run_from_being_called_written() {
    let kinds = [Pattern, Zero];
    let goal = goal(&kinds, VerifyMode::None);
    for (name, spoil) in OF_WRITES {
        let mut run = flawless(&kinds);
        run.passes.iter_mut().for_each(|pass| pass.verify = None);
        run.identity_checks.truncate(3);
        assert_eq!(conclude(&run, &goal), Conclusion::WrittenNotChecked);
        spoil(&mut run);
        assert!(all_written(&run, &goal).is_err(), "{name}");
        let conclusion = conclude(&run, &goal);
        assert!(
            matches!(conclusion, Conclusion::NotComplete(_)),
            "{name}: {conclusion:?}"
        );
    }
}

/// Of a job without a pass, and of zeros alone, nothing can be proven.
#[test]
fn no_pass_and_no_pass_but_zeros_prove_nothing() {
    let none = goal(&[], VerifyMode::Full);
    assert!(all_written(&flawless(&[]), &none).is_err());
    assert!(prove(&flawless(&[]), &none).is_err());
    let zeros = goal(&[Zero], VerifyMode::Full);
    assert!(prove(&flawless(&[Zero]), &zeros).is_err());
    let zeros = goal(&[Zero], VerifyMode::Sampled(Share::MIN));
    assert!(prove_by_sample(&sampled(&[Zero], &[1]), &zeros, Share::MIN).is_err());
}

/// Of each number of passes: capacity, patterns, complement, zeros.
#[test]
fn proof_says_which_passes_it_is_of() {
    for (kinds, said) in [
        (&[Pattern][..], (1, false, false)),
        (&[Pattern, Complement], (2, true, false)),
        (&[Pattern, Zero], (1, false, true)),
        (&[Pattern, Complement, Zero], (2, true, true)),
    ] {
        let full = prove(&flawless(kinds), &goal(kinds, VerifyMode::Full)).expect("proven");
        let of = (
            full.pattern_passes_verified(),
            full.complement_verified(),
            full.zeros_verified(),
        );
        assert_eq!((full.bytes_verified(), of), (CAPACITY, said), "{kinds:?}");

        let goal = goal(kinds, VerifyMode::Sampled(Share::MIN));
        let sample = prove_by_sample(&sampled(kinds, &[1, 2, 3]), &goal, Share::MIN);
        let sample = sample.expect("proven");
        let of = (sample.pattern_passes(), sample.complement(), sample.zeros());
        assert_eq!(of, said, "{kinds:?}");
    }
}

#[test]
fn sample_is_told_of_the_pass_of_which_the_least_was_read() {
    let sectors = |seed: u8| samples(seed, CAPACITY, Share::MIN).sectors_read();
    let fewer = (1..=u8::MAX)
        .min_by_key(|seed| sectors(*seed))
        .expect("one");
    let more = (1..=u8::MAX)
        .max_by_key(|seed| sectors(*seed))
        .expect("one");
    assert!(sectors(fewer) < sectors(more));
    let kinds = [Pattern, Complement];
    let goal = goal(&kinds, VerifyMode::Sampled(Share::MIN));
    for seeds in [[fewer, more], [more, fewer]] {
        let run = sampled(&kinds, &seeds);
        let proof = prove_by_sample(&run, &goal, Share::MIN).expect("proven");
        assert_eq!(proof.samples(), &samples(fewer, CAPACITY, Share::MIN));
        assert_eq!(proof.sectors_read(), sectors(fewer));
    }
}

/// A drive that erased itself could be another one afterwards.
#[test]
fn each_erase_by_the_drive_itself_needs_its_own_look_at_who_it_is() {
    let said = Said::unknown("a test");
    let evidence = Evidence {
        technique: Technique::BlockErase,
        capacity_bytes: CAPACITY,
        at_first: said.clone(),
        before: said,
        not_begun: None,
        is_refused: false,
        in_progress_seen: 0,
        end: None,
        after: None,
        took: Duration::ZERO,
        may_be_unreadable: false,
        witnesses: Witnesses::default(),
        media: None,
        boot_areas: Vec::new(),
        identity_lost: None,
        patience: Patience::of(false),
    };
    let record = SanitizeRecord {
        evidence,
        verdict: Verdict::Unknown(vec!["a test".into()]),
    };
    for kinds in [
        &[Pattern][..],
        &[Pattern, Zero],
        &[Pattern, Complement, Zero],
    ] {
        let goal = goal(kinds, VerifyMode::Full);
        let mut run = flawless(kinds);
        run.own_erases = vec![record.clone(); 2];
        assert!(prove(&run, &goal).is_err());
        run.identity_checks.extend_from_within(..1);
        assert!(prove(&run, &goal).is_err());
        let mut looked = run.clone();
        looked.identity_checks.extend_from_within(..1);
        assert!(prove(&looked, &goal).is_ok());
    }
}

/// The reasons name what happened, once, and with its bytes.
#[test]
fn reasons_are_what_happened_and_nothing_that_only_follows_from_it() {
    let kinds = [Pattern, Complement];
    let reasons = |spoil: fn(&mut Run)| {
        let mut run = flawless(&kinds);
        spoil(&mut run);
        match conclude(&run, &goal(&kinds, VerifyMode::Full)) {
            Conclusion::NotComplete(reasons) => reasons,
            other => panic!("{other:?}"),
        }
    };
    // The same sector fails in both passes.
    let write_errors = |run: &mut Run| {
        for pass in &mut run.passes {
            (pass.written_bytes, pass.write_error_bytes) = (CAPACITY - 512, 512);
            pass.write_errors = vec![SECTOR];
        }
    };
    let wanted = [Shortfall::WriteErrors { bytes: 512 }];
    assert_eq!(reasons(write_errors), wanted);
    let read_errors = |run: &mut Run| {
        for pass in &mut run.passes {
            let read = pass.verify.as_mut().unwrap();
            (read.read_bytes, read.read_error_bytes) = (CAPACITY - 512, 512);
            read.read_errors = vec![SECTOR];
        }
    };
    let wanted = [Shortfall::ReadErrors { bytes: 512 }];
    assert_eq!(reasons(read_errors), wanted);
    // Of a list that was cut the bytes count.
    let mismatches = |run: &mut Run| {
        let read = read(run);
        (read.mismatches, read.mismatch_bytes) = (vec![SECTOR], 4096);
        read.first_mismatch_offset_bytes = Some(7);
    };
    let wanted = [Shortfall::Mismatch {
        bytes: 4096,
        first_offset_bytes: 7,
    }];
    assert_eq!(reasons(mismatches), wanted);
    // Whoever stopped it knows why it is not whole.
    let stopped = |run: &mut Run| {
        run.stops = vec![Shortfall::Vanished];
        written(run).written_bytes = 0;
    };
    assert_eq!(reasons(stopped), [Shortfall::Vanished]);
    let counts = |run: &mut Run| {
        written(run).written_bytes -= 512;
        read(run).read_bytes -= 1024;
    };
    let short = |bytes| Shortfall::ByteCount {
        accounted: CAPACITY - bytes,
        capacity: CAPACITY,
    };
    assert_eq!(reasons(counts), [short(512), short(1024)]);
}

/// A sector that cannot be read is one of the whole drive, and no reason to doubt what was taken over.
#[test]
fn sector_that_cannot_be_read_after_a_resumed_run_is_the_only_reason() {
    let mut run = resumed();
    let read = read(&mut run);
    (read.read_bytes, read.read_error_bytes) = (CAPACITY - 512, 512);
    read.read_errors = vec![SECTOR];
    let goal = goal(&[Pattern], VerifyMode::Full);
    let wanted = vec![Shortfall::ReadErrors { bytes: 512 }];
    assert_eq!(conclude(&run, &goal), Conclusion::NotComplete(wanted));
}

#[test]
fn read_back_alone_is_equal_only_where_every_byte_was_read_and_is_the_same() {
    let of = |spoil: fn(&mut Run)| {
        let mut run = flawless(&[Pattern]);
        spoil(&mut run);
        judge_read_back(run, CAPACITY)
    };
    assert!(of(|_| ()).is_equal());
    for (name, spoil) in OF_READS.into_iter().skip(2) {
        let judged = of(spoil);
        assert!(
            !judged.is_equal() && judged.shortfalls.len() == 1,
            "{name}: {judged:?}"
        );
    }
    let less = of(|run| read(run).read_bytes -= 512).shortfalls;
    let wanted = Shortfall::ByteCount {
        accounted: CAPACITY - 512,
        capacity: CAPACITY,
    };
    assert_eq!(less, [wanted]);
    let differs = of(|run| read(run).first_mismatch_offset_bytes = Some(0));
    assert!(matches!(
        differs.shortfalls[..],
        [Shortfall::Mismatch { .. }]
    ));
}
