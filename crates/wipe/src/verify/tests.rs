//! What may be concluded of bytes that were taken over from an earlier run.

mod proof;

use super::{Conclusion, Goal, VerifyMode, conclude};
use crate::lane::Run;
use crate::outcome::{
    IdentityCheck, PassKind, PassRecord, Recall, Resumed, Shortfall, VerifyRecord,
};
use crate::pattern::Seed;
use crate::sample::{Samples, Share};
use std::time::SystemTime;

const CAPACITY: u64 = 50_000 * 512;

/// A run that went on at the half of the drive, without a flaw.
fn resumed() -> Run {
    let check = |moment: &str| IdentityCheck {
        moment: moment.into(),
        found: Ok("drive".into()),
        same: true,
    };
    Run {
        own_erases: Vec::new(),
        passes: vec![PassRecord {
            kind: PassKind::Pattern,
            pass: 0,
            resumed: Some(Resumed {
                mark_bytes: CAPACITY / 2,
                taken_over_bytes: CAPACITY / 2,
                recall: Recall {
                    read_bytes: 1 << 20,
                    complete: true,
                    ..Recall::default()
                },
            }),
            written_bytes: CAPACITY / 2,
            write_errors: Vec::new(),
            write_error_bytes: 0,
            first_write_error: None,
            write_errors_seen: 0,
            flushed: true,
            write_seconds: 1.0,
            verify: Some(VerifyRecord {
                samples: None,
                read_bytes: CAPACITY,
                mismatches: Vec::new(),
                mismatch_bytes: 0,
                read_errors: Vec::new(),
                read_error_bytes: 0,
                first_read_error: None,
                first_mismatch_offset_bytes: None,
                seconds: 1.0,
                complete: true,
            }),
        }],
        identity_checks: vec![check("claim"), check("after write"), check("after verify")],
        journal: None,
        stops: Vec::new(),
        first_write: Some(SystemTime::UNIX_EPOCH),
        begun: SystemTime::UNIX_EPOCH,
        ended: SystemTime::UNIX_EPOCH,
    }
}

fn concluded(run: &Run, verify: VerifyMode) -> Conclusion {
    let goal = Goal {
        capacity_bytes: CAPACITY,
        passes: vec![PassKind::Pattern],
        verify,
    };
    conclude(run, &goal)
}

fn is_half_unaccounted(conclusion: &Conclusion) -> bool {
    let half = Shortfall::ByteCount {
        accounted: CAPACITY / 2,
        capacity: CAPACITY,
    };
    matches!(conclusion, Conclusion::NotComplete(reasons) if reasons.contains(&half))
}

#[test]
fn bytes_taken_over_count_only_with_a_read_back_of_the_whole_drive() {
    let share = Share::MIN;
    let samples = Samples::new(Seed([1; 32]), share, CAPACITY, 512).unwrap();
    let sampled = VerifyMode::Sampled(share);

    let run = resumed();
    assert!(matches!(
        concluded(&run, VerifyMode::Full),
        Conclusion::Verified(_)
    ));

    let mut unread = resumed();
    unread.passes[0].verify = None;
    let mut short = resumed();
    short.passes[0].verify.as_mut().unwrap().complete = false;
    let mut less = resumed();
    less.passes[0].verify.as_mut().unwrap().read_bytes -= 512;
    let mut sample = resumed();
    let read = sample.passes[0].verify.as_mut().unwrap();
    (read.read_bytes, read.samples) = (samples.bytes(), Some(samples));
    for run in [&unread, &short, &less, &sample] {
        for verify in [VerifyMode::Full, sampled, VerifyMode::None] {
            let conclusion = concluded(run, verify);
            assert!(
                is_half_unaccounted(&conclusion),
                "{verify:?}: {conclusion:?}"
            );
        }
    }
}

#[test]
fn run_that_had_nothing_left_to_write_is_proven_by_its_read_back_alone() {
    let mut run = resumed();
    run.first_write = None;
    let pass = &mut run.passes[0];
    pass.written_bytes = 0;
    pass.resumed.as_mut().unwrap().taken_over_bytes = CAPACITY;
    assert!(matches!(
        concluded(&run, VerifyMode::Full),
        Conclusion::Verified(_)
    ));
    // Stopped in its read-back, it is no run that did not start: the drive is not as it was.
    run.stops = vec![Shortfall::Interrupted];
    run.passes[0].verify.as_mut().unwrap().complete = false;
    assert_eq!(
        concluded(&run, VerifyMode::Full),
        Conclusion::NotComplete(vec![Shortfall::Interrupted])
    );
    run.passes[0].resumed.as_mut().unwrap().taken_over_bytes = 0;
    assert_eq!(
        concluded(&run, VerifyMode::Full),
        Conclusion::NotStarted(vec![Shortfall::Interrupted])
    );
}

#[test]
fn difference_in_bytes_taken_over_spoils_the_proof() {
    let mut run = resumed();
    let read = run.passes[0].verify.as_mut().unwrap();
    read.mismatch_bytes = 512;
    read.first_mismatch_offset_bytes = Some(0);
    let wanted = Shortfall::Mismatch {
        bytes: 512,
        first_offset_bytes: 0,
    };
    assert_eq!(
        concluded(&run, VerifyMode::Full),
        Conclusion::NotComplete(vec![wanted])
    );
}
