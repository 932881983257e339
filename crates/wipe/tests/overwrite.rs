//! Whole runs over files by direct I/O: what is on the medium afterwards, seen from outside.

mod support;

use drive::identity::IdentityLost;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{
    Manner, OLD, aes_pattern_by_openssl, bytes_of, file_job, job, no_cancel, old_file,
    overwrite_at, run_all, target,
};
use wipe::content::Content;
use wipe::engine::Engine;
use wipe::job::VerifyMode;
use wipe::options::Options;
use wipe::outcome::{ByteRange, Conclusion, PassKind, Shortfall};
use wipe::pattern::{Cipher, PassKey};
use wipe::progress::{Phase, Progress};
use wipe::verify::read_back;

const BOTH: [PassKind; 2] = [PassKind::Pattern, PassKind::Complement];

#[test]
fn every_byte_of_odd_sizes_is_the_pattern_that_openssl_computes() {
    let folder = tempfile::tempdir().unwrap();
    for sectors in [1_u64, 2, 7, 2047, 2048, 2049, 10_241] {
        let name = format!("odd-{sectors}");
        let bytes = sectors * 512;
        let (job, path) = file_job(
            folder.path(),
            &name,
            bytes,
            Cipher::Aes128Ctr,
            &[PassKind::Pattern],
        );
        let progress = Arc::clone(&job.progress);
        let outcome = run_all(vec![job]).remove(0);
        let Conclusion::Verified(proof) = &outcome.conclusion else {
            panic!("{outcome:?}")
        };
        assert_eq!(
            (proof.bytes_verified(), proof.pattern_passes_verified()),
            (bytes, 1)
        );
        assert!(!proof.complement_verified() && !proof.zeros_verified());
        assert!(
            bytes_of(&path) == aes_pattern_by_openssl(&name, 0, bytes as usize),
            "{sectors} sectors"
        );
        let moments: Vec<_> = outcome
            .identity_checks
            .iter()
            .map(|check| check.moment.as_str())
            .collect();
        assert_eq!(moments, ["claim", "after write", "after verify"]);
        assert_eq!(progress.snapshot().phase, Phase::Done);
    }
}

#[test]
fn progress_tells_answer_times_and_the_phases_to_come() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("medium");
    let file = old_file(&path, 64 << 20);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let progress = Arc::new(Progress::default());
    let manner = Manner::plain("medium");
    *manner.at_check.lock().unwrap() = {
        let (seen, progress) = (Arc::clone(&seen), Arc::clone(&progress));
        Box::new(move |_| seen.lock().unwrap().push(progress.snapshot()))
    };
    let target = target("medium", &file, 64 << 20, 512, 4096);
    let mut job = job(target, Arc::new(manner), Cipher::Aes128Ctr, &BOTH);
    job.progress = progress;
    assert!(matches!(
        run_all(vec![job]).remove(0).conclusion,
        Conclusion::Verified(_)
    ));
    // At the claim, then after each write and each verify of two passes.
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 5);
    assert_eq!((seen[0].latency, seen[0].time_left), (None, None));
    for now in &seen[1..] {
        let latency = now.latency.unwrap();
        assert!(!latency.max.is_zero() && latency.p50 <= latency.max);
    }
    // Something is left until the last phase is over.
    let nothing: Vec<bool> = seen[1..]
        .iter()
        .map(|now| now.time_left.unwrap().is_zero())
        .collect();
    assert_eq!(nothing, [false, false, false, true]);
}

#[test]
fn complement_is_verified_after_the_pattern_and_stays_on_the_medium() {
    let folder = tempfile::tempdir().unwrap();
    let (job, path) = file_job(folder.path(), "stick", 512 * 4099, Cipher::Aes128Ctr, &BOTH);
    let outcome = run_all(vec![job]).remove(0);
    let Conclusion::Verified(proof) = &outcome.conclusion else {
        panic!("{outcome:?}")
    };
    assert!(proof.complement_verified());
    assert_eq!(proof.pattern_passes_verified(), 2);
    assert_eq!(
        outcome
            .passes
            .iter()
            .map(|pass| pass.pass)
            .collect::<Vec<_>>(),
        [0, 0]
    );
    let mut expected = aes_pattern_by_openssl("stick", 0, 512 * 4099);
    expected.iter_mut().for_each(|byte| *byte ^= 0xff);
    assert!(bytes_of(&path) == expected);
}

#[test]
fn zeros_follow_the_proven_pattern() {
    let folder = tempfile::tempdir().unwrap();
    let passes = [PassKind::Pattern, PassKind::Zero];
    let (job, path) = file_job(
        folder.path(),
        "zeroed",
        512 * 3001,
        Cipher::ChaCha8,
        &passes,
    );
    let outcome = run_all(vec![job]).remove(0);
    let Conclusion::Verified(proof) = &outcome.conclusion else {
        panic!("{outcome:?}")
    };
    assert!(proof.zeros_verified());
    assert_eq!(proof.pattern_passes_verified(), 1);
    assert!(bytes_of(&path).iter().all(|byte| *byte == 0));
}

#[test]
fn zeros_alone_are_no_proof() {
    let folder = tempfile::tempdir().unwrap();
    let (job, _) = file_job(
        folder.path(),
        "zeros",
        512 * 100,
        Cipher::ChaCha8,
        &[PassKind::Zero],
    );
    let outcome = run_all(vec![job]).remove(0);
    assert!(
        matches!(outcome.conclusion, Conclusion::NotComplete(_)),
        "{outcome:?}"
    );
}

#[test]
fn without_verify_the_outcome_is_written_not_checked() {
    let folder = tempfile::tempdir().unwrap();
    let (mut job, path) = file_job(
        folder.path(),
        "quick",
        512 * 3001,
        Cipher::ChaCha8,
        &[PassKind::Pattern],
    );
    job.verify = VerifyMode::None;
    let outcome = run_all(vec![job]).remove(0);
    assert_eq!(outcome.conclusion, Conclusion::WrittenNotChecked);
    assert!(outcome.passes[0].verify.is_none() && outcome.passes[0].flushed);
    assert!(!bytes_of(&path).contains_sector_of(OLD));
}

#[test]
fn twenty_four_drives_on_two_threads_are_each_proven_with_their_own_pattern() {
    let folder = tempfile::tempdir().unwrap();
    let size = |n: usize| 512 * (3000 + 517 * n) as u64;
    let (jobs, paths): (Vec<_>, Vec<_>) = (0..24)
        .map(|n| {
            file_job(
                folder.path(),
                &format!("drive-{n}"),
                size(n),
                Cipher::Aes128Ctr,
                &[PassKind::Pattern],
            )
        })
        .unzip();
    let outcomes = run_all(jobs);
    for (n, (outcome, path)) in outcomes.iter().zip(&paths).enumerate() {
        assert!(
            matches!(outcome.conclusion, Conclusion::Verified(_)),
            "{outcome:?}"
        );
        let expected = aes_pattern_by_openssl(&format!("drive-{n}"), 0, size(n) as usize);
        assert!(bytes_of(path) == expected, "drive {n}");
    }
}

#[test]
fn drives_added_one_after_another_end_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::new(Options::default(), no_cancel());
    for n in 0..3 {
        let name = format!("later-{n}");
        let (job, _) = file_job(
            folder.path(),
            &name,
            512 * 999,
            Cipher::ChaCha8,
            &[PassKind::Pattern],
        );
        assert_eq!(engine.add(job), n);
        let (number, outcome) = next(&mut engine);
        assert_eq!(number, n);
        assert!(matches!(outcome.conclusion, Conclusion::Verified(_)));
    }
    assert_eq!(engine.open(), 0);
}

fn next(engine: &mut Engine) -> (usize, wipe::outcome::Outcome) {
    loop {
        if let Some(end) = engine.next_end(Duration::from_secs(1)) {
            return end;
        }
    }
}

#[test]
fn another_identity_before_the_first_write_leaves_the_drive_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("swapped");
    let file = old_file(&path, 512 * 100);
    let manner = Manner {
        changes_at_check: 0,
        ..Manner::plain("confirmed")
    };
    let job = job(
        target("swapped", &file, 512 * 100, 512, 512),
        Arc::new(manner),
        Cipher::ChaCha8,
        &BOTH,
    );
    let outcome = run_all(vec![job]).remove(0);
    let changed = Shortfall::IdentityChanged {
        confirmed: "confirmed".into(),
        found: "another drive".into(),
    };
    assert_eq!(outcome.conclusion, Conclusion::NotStarted(vec![changed]));
    assert!(bytes_of(&path).iter().all(|byte| *byte == OLD));
}

#[test]
fn another_identity_after_any_phase_spoils_the_proof() {
    let folder = tempfile::tempdir().unwrap();
    // The claim compares by itself, too, and says so.
    let claims = |check| IdentityLost::Another {
        found: format!("another drive since {check}"),
        confirmed: "confirmed".into(),
    };
    for (check, by_claim) in (1..=4).flat_map(|check| [(check, false), (check, true)]) {
        let path = folder.path().join(format!("swapped-{check}-{by_claim}"));
        let file = old_file(&path, 512 * 100);
        let manner = Manner {
            changes_at_check: check,
            lost: by_claim.then(|| (check, claims(check))),
            ..Manner::plain("confirmed")
        };
        let job = job(
            target("swapped", &file, 512 * 100, 512, 512),
            Arc::new(manner),
            Cipher::ChaCha8,
            &BOTH,
        );
        let outcome = run_all(vec![job]).remove(0);
        let Conclusion::NotComplete(reasons) = &outcome.conclusion else {
            panic!("{outcome:?}")
        };
        assert!(
            matches!(reasons[..], [Shortfall::IdentityChanged { .. }]),
            "{reasons:?}"
        );
        assert_eq!(outcome.identity_checks.len(), check + 1);
    }
}

#[test]
fn failed_flush_spoils_the_proof() {
    let folder = tempfile::tempdir().unwrap();
    let file = old_file(&folder.path().join("cache"), 512 * 100);
    let manner = Manner {
        flush_fails: true,
        ..Manner::plain("cache")
    };
    let job = job(
        target("cache", &file, 512 * 100, 512, 512),
        Arc::new(manner),
        Cipher::ChaCha8,
        &[PassKind::Pattern],
    );
    let outcome = run_all(vec![job]).remove(0);
    let Conclusion::NotComplete(reasons) = &outcome.conclusion else {
        panic!("{outcome:?}")
    };
    assert!(
        matches!(&reasons[..], [Shortfall::FlushFailed { error }] if error.contains("os error 5"))
    );
}

#[test]
fn data_that_changes_between_write_and_verify_is_found_to_the_sector() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("behind");
    let file = old_file(&path, 512 * 5001);
    let manner = Manner::plain("behind");
    let changed = path.clone();
    *manner.at_check.lock().unwrap() = Box::new(move |check| {
        if check == 1 {
            overwrite_at(&changed, 512 * 4000 + 77, b"evidence");
            overwrite_at(&changed, 512 * 5000 + 511, b"!");
        }
    });
    let job = job(
        target("behind", &file, 512 * 5001, 512, 512),
        Arc::new(manner),
        Cipher::Aes128Ctr,
        &[PassKind::Pattern],
    );
    let outcome = run_all(vec![job]).remove(0);
    let first = 512 * 4000 + 77;
    let sector = |n: u64| ByteRange {
        start: n * 512,
        end: (n + 1) * 512,
    };
    let mismatch = Shortfall::Mismatch {
        bytes: 1024,
        first_offset_bytes: first,
    };
    assert_eq!(outcome.conclusion, Conclusion::NotComplete(vec![mismatch]));
    let read = outcome.passes[0].verify.as_ref().unwrap();
    assert_eq!(read.mismatches, [sector(4000), sector(5000)]);
    assert!(read.complete && read.read_bytes == 512 * 5001);
}

#[test]
fn file_that_could_be_read_from_memory_is_not_begun() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cached");
    drop(old_file(&path, 512 * 8));
    let cached = std::fs::File::options().read(true).write(true).open(&path);
    let outcome = run_all(vec![job(
        target("cached", &cached.unwrap(), 512 * 8, 512, 512),
        Arc::new(Manner::plain("cached")),
        Cipher::ChaCha8,
        &[PassKind::Pattern],
    )])
    .remove(0);
    let Conclusion::NotStarted(reasons) = &outcome.conclusion else {
        panic!("{outcome:?}")
    };
    assert!(reasons[0].to_string().contains("direct I/O"), "{reasons:?}");
    assert!(bytes_of(&path).iter().all(|byte| *byte == OLD));
}

#[test]
fn cancelled_before_the_start_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (job, path) = file_job(
        folder.path(),
        "early",
        512 * 1000,
        Cipher::ChaCha8,
        &[PassKind::Pattern],
    );
    let cancel = Arc::new(AtomicBool::new(true));
    let outcome = wipe::engine::run(vec![job], &Options::default(), &cancel).remove(0);
    assert_eq!(
        outcome.conclusion,
        Conclusion::NotStarted(vec![Shortfall::Interrupted])
    );
    assert!(bytes_of(&path).iter().all(|byte| *byte == OLD));
}

#[test]
fn cancelled_between_write_and_verify_is_not_complete() {
    let folder = tempfile::tempdir().unwrap();
    let file = old_file(&folder.path().join("middle"), 512 * 1000);
    let cancel = no_cancel();
    let manner = Manner::plain("middle");
    let flag = Arc::clone(&cancel);
    *manner.at_check.lock().unwrap() =
        Box::new(move |check| flag.store(check == 1, Ordering::SeqCst));
    let job = job(
        target("middle", &file, 512 * 1000, 512, 512),
        Arc::new(manner),
        Cipher::ChaCha8,
        &[PassKind::Pattern],
    );
    let outcome = wipe::engine::run(vec![job], &Options::default(), &cancel).remove(0);
    assert_eq!(
        outcome.conclusion,
        Conclusion::NotComplete(vec![Shortfall::Interrupted])
    );
    assert_eq!(outcome.passes[0].written_bytes, 512 * 1000);
}

#[test]
fn impossible_jobs_are_refused_beside_a_good_one() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str, passes: &[PassKind]| {
        file_job(folder.path(), name, 512 * 10, Cipher::ChaCha8, passes).0
    };
    let mut torn = make("torn", &BOTH);
    torn.target.capacity_bytes = 512 * 10 - 1;
    let jobs = vec![
        make("none", &[]),
        torn,
        make("good", &BOTH),
        make("bare", &[PassKind::Complement]),
    ];
    let outcomes = run_all(jobs);
    for index in [0, 1, 3] {
        assert!(
            matches!(&outcomes[index].conclusion, Conclusion::NotStarted(_)),
            "{:?}",
            outcomes[index]
        );
    }
    assert!(matches!(outcomes[2].conclusion, Conclusion::Verified(_)));
}

#[test]
fn read_back_of_another_day_needs_only_what_the_report_says() {
    let folder = tempfile::tempdir().unwrap();
    let (job, path) = file_job(
        folder.path(),
        "again",
        512 * 3001,
        Cipher::Aes128Ctr,
        &[PassKind::Pattern],
    );
    assert!(matches!(
        run_all(vec![job]).remove(0).conclusion,
        Conclusion::Verified(_)
    ));

    let key = || PassKey::derive(&support::SEED, "again", Cipher::Aes128Ctr, 0).unwrap();
    let look = |content: Content| {
        let file = std::fs::File::from(sys::block::open_read_direct(&path).unwrap());
        let target = target("again", &file, 512 * 3001, 512, 4096);
        let control = Arc::new(Manner::plain("again"));
        let progress = Arc::new(Progress::default());
        read_back(
            target,
            control,
            "again".into(),
            content,
            progress,
            &Options::default(),
            &no_cancel(),
        )
    };
    let equal = look(Content::Pattern(key()));
    assert!(
        equal.is_equal() && equal.record.read_bytes == 512 * 3001,
        "{equal:?}"
    );
    assert_eq!(equal.identity_checks.len(), 2);
    for other in [Content::Complement(key()), Content::Zeros] {
        let differs = look(other);
        assert!(!differs.is_equal());
        assert_eq!(differs.record.mismatch_bytes, 512 * 3001);
    }
    overwrite_at(&path, 512 * 3001 - 1, b"x");
    assert!(!look(Content::Pattern(key())).is_equal());
}

trait ContainsSector {
    fn contains_sector_of(&self, byte: u8) -> bool;
}

impl ContainsSector for Vec<u8> {
    fn contains_sector_of(&self, byte: u8) -> bool {
        self.chunks(512)
            .any(|sector| sector.iter().all(|found| *found == byte))
    }
}
