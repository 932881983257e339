//! Whether a report's word on a drive agrees with the numbers beside it.
//!
//! A station that is broken or bent can sign "verified" over a pass that was never read back. The
//! service stores such a report as it came, but neither counts nor shows that drive as verified.
//! What it cannot see is whether the numbers are true: the signature and a re-read with
//! `raz verify` are for that.

mod boot_areas;
mod medium;

use report::schema::{
    Drive, Erasure, HiddenState, Level, OutcomeWord, Pass, PassKind, Ranges, Sample, Sanitize,
    SanitizeTechnique, SanitizeVerdict, Verification,
};

/// What the pages say of a drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Overwritten, read back and compared, and the numbers agree.
    Verified,
    /// Written in full, read back by a representative sample, and the numbers agree. Not verified.
    Sampled,
    /// Written in full, read back not at all.
    WrittenNotChecked,
    /// Something is not proven.
    NotComplete,
    /// Nothing was written.
    NotStarted,
    /// Not in the plan.
    NotTried,
    /// The report says more than its own numbers.
    Contradiction(Vec<Doubt>),
}

/// One number that does not agree with the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// No pattern was written.
    NoPattern,
    /// A pass has write errors or fewer bytes than the drive.
    NotAllWritten,
    /// A pass was not flushed.
    NotFlushed,
    /// A pass was not read back from the first to the last byte.
    NotAllRead,
    /// The sample is not that of this drive, or smaller than it must be.
    Sample,
    /// A pass read back different.
    Mismatch,
    /// The drive's own erase is claimed, and what stands beside it does not bear that.
    Sanitize,
    /// Reasons why it is not proven stand beside it.
    Shortfalls,
    /// The identity changed, or was not read between all phases.
    Identity,
    /// A level is claimed that the outcome, the technique or hidden capacity does not bear.
    Level,
}

/// Judges one drive of a report.
pub fn judge(drive: &Drive) -> Finding {
    let Some(erasure) = &drive.erasure else {
        return Finding::NotTried;
    };
    let finding = match erasure.outcome {
        OutcomeWord::Verified => return unless(doubts(drive, erasure, false), Finding::Verified),
        OutcomeWord::Sampled => return unless(doubts(drive, erasure, true), Finding::Sampled),
        OutcomeWord::WrittenNotChecked => Finding::WrittenNotChecked,
        OutcomeWord::NotComplete => Finding::NotComplete,
        OutcomeWord::NotStarted => Finding::NotStarted,
    };
    match erasure.achieved_level {
        Level::None => finding,
        Level::Clear | Level::Purge => Finding::Contradiction(vec![Doubt::Level]),
    }
}

/// An erase by the drive that bears the level Purge: not of the keys alone, which nobody answers for,
/// and no format.
fn is_claimed(sanitize: &Sanitize) -> bool {
    let reaches = match sanitize.technique {
        SanitizeTechnique::BlockErase
        | SanitizeTechnique::Overwrite
        | SanitizeTechnique::EnhancedSecurityErase => true,
        SanitizeTechnique::CryptoErase | SanitizeTechnique::NvmeFormat => false,
    };
    reaches && sanitize.verdict == SanitizeVerdict::ClaimedByDrive && bears_claim(sanitize)
}

/// What must stand beside a claim: witnesses that were there and are gone, and the drive's word.
fn bears_claim(sanitize: &Sanitize) -> bool {
    let witnesses = &sanitize.witnesses;
    sanitize.reasons.is_empty()
        && sanitize.status_after.is_some()
        && witnesses.planted > 0
        && witnesses.kept == 0
        && sanitize
            .media_verification
            .as_ref()
            .is_none_or(medium::bears_claim)
}

fn unless(doubts: Vec<Doubt>, finding: Finding) -> Finding {
    match doubts.is_empty() {
        true => finding,
        false => Finding::Contradiction(doubts),
    }
}

/// What speaks against "verified", or against "sampled".
fn doubts(drive: &Drive, erasure: &Erasure, sampled: bool) -> Vec<Doubt> {
    let any = |test: &dyn Fn(&Pass) -> bool| erasure.passes.iter().any(test);
    let size = drive.capacity_bytes;
    let is_pattern = |pass: &Pass| match pass.kind {
        PassKind::Pattern | PassKind::Complement => true,
        PassKind::Zero => false,
    };
    let some = |ranges: &Ranges| ranges.count > 0 || ranges.bytes > 0;
    let not_written = |(index, pass): (usize, &Pass)| {
        // What an earlier run is said to have written can only be the first pass's.
        let taken_over = match index {
            0 => taken_over(drive, pass),
            _ => 0,
        };
        let written = pass.written_bytes.checked_add(taken_over);
        some(&pass.write_errors) || size == 0 || written != Some(size)
    };
    let not_read = |pass: &Pass| {
        pass.verification.as_ref().is_none_or(|verification| {
            !verification.complete
                || some(&verification.read_errors)
                || (!sampled && (verification.read_bytes != size || verification.sample.is_some()))
        })
    };
    let bad_sample = |pass: &Pass| {
        let read = pass.verification.as_ref();
        sampled && read.is_some_and(|read| !is_representative(drive, read))
    };
    let differs = |pass: &Pass| {
        pass.verification.as_ref().is_some_and(|verification| {
            some(&verification.mismatches) || verification.first_mismatch_offset_bytes.is_some()
        })
    };
    // Once before the first write and after each of the drive's own erases, then after each write and
    // each read.
    let identity_checks = 1 + erasure.own_erases.len() + 2 * erasure.passes.len();
    let wrong_level = match erasure.achieved_level {
        // A level is claimed for what was read in full.
        Level::Clear | Level::Purge if sampled => true,
        // Less than it could be is no contradiction: one pass on a stick is below its row.
        Level::None => false,
        Level::Clear => drive.hidden_capacity.state == HiddenState::Hidden,
        // Overwriting by the host alone never reaches it, and it is of the whole drive.
        Level::Purge => {
            let purges =
                |erase: &Sanitize| is_claimed(erase) && boot_areas::are_blank(drive, erase);
            !erasure.own_erases.iter().any(purges)
                || drive.hidden_capacity.state != HiddenState::None
        }
    };
    let wrong_claim = erasure
        .own_erases
        .iter()
        .any(|erase| erase.verdict == SanitizeVerdict::ClaimedByDrive && !bears_claim(erase));
    let checks = [
        (Doubt::NoPattern, !any(&is_pattern)),
        (
            Doubt::NotAllWritten,
            erasure.passes.iter().enumerate().any(not_written),
        ),
        (Doubt::NotFlushed, any(&|pass| !pass.flushed)),
        (Doubt::NotAllRead, any(&not_read)),
        (Doubt::Sample, any(&bad_sample)),
        (Doubt::Mismatch, any(&differs)),
        (Doubt::Sanitize, wrong_claim),
        (Doubt::Shortfalls, !erasure.shortfalls.is_empty()),
        (
            Doubt::Identity,
            erasure.identity_checks.len() < identity_checks
                || erasure.identity_checks.iter().any(|check| !check.same),
        ),
        (Doubt::Level, wrong_level),
    ];
    checks
        .into_iter()
        .filter(|(_, found)| *found)
        .map(|(doubt, _)| doubt)
        .collect()
}

/// Bytes that an earlier run wrote. They count beside a read-back of the whole drive only, and where
/// the look at them before the first write found nothing.
fn taken_over(drive: &Drive, pass: &Pass) -> u64 {
    let (Some(resumed), Some(read)) = (&pass.resumed, &pass.verification) else {
        return 0;
    };
    let recall = &resumed.recall;
    let recalled = recall.complete
        && recall.mismatch_bytes == 0
        && recall.first_mismatch_offset_bytes.is_none()
        && recall.first_read_error.is_none();
    let in_full = read.complete && read.sample.is_none() && read.read_bytes == drive.capacity_bytes;
    let counts = pass.kind == PassKind::Pattern
        && recalled
        && in_full
        && resumed.taken_over_bytes <= resumed.mark_bytes;
    match counts {
        true => resumed.taken_over_bytes,
        false => 0,
    }
}

/// The rules of NIST SP 800-88r1 §4.7 as far as numbers show them.
fn is_representative(drive: &Drive, read: &Verification) -> bool {
    const SHARE_PERCENT_MIN: u32 = 10;
    const SUBSECTIONS_MIN: u32 = 1000;
    let Some(sample) = &read.sample else {
        return false;
    };
    let Sample {
        share_percent,
        subsections,
        sectors,
        sectors_total,
        ..
    } = *sample;
    let bytes = |sectors: u64| u128::from(sectors) * u128::from(drive.logical_sector_bytes);
    bytes(sectors_total) == u128::from(drive.capacity_bytes)
        && bytes(sectors) == u128::from(read.read_bytes)
        && sectors <= sectors_total
        && share_percent >= SHARE_PERCENT_MIN
        && subsections >= SUBSECTIONS_MIN
        && u128::from(sectors) * 100 >= u128::from(sectors_total) * u128::from(share_percent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::schema::{Recall, Report, Resumed};

    fn sample() -> Report {
        serde_json::from_str(include_str!("../../../docs/report-v1.sample.json")).unwrap()
    }

    pub(super) fn doubts_after(change: impl FnOnce(&mut Drive, &mut Erasure)) -> Finding {
        let mut drive = sample().drives.remove(0);
        let mut erasure = drive.erasure.take().unwrap();
        change(&mut drive, &mut erasure);
        drive.erasure = Some(erasure);
        judge(&drive)
    }

    #[test]
    fn sample_drives_are_verified_not_complete_and_not_tried() {
        let found: Vec<_> = sample().drives.iter().map(judge).collect();
        assert_eq!(
            found,
            [Finding::Verified, Finding::NotComplete, Finding::NotTried]
        );
    }

    fn sample_of(drive: &Drive) -> Sample {
        let sectors_total = drive.capacity_bytes / u64::from(drive.logical_sector_bytes);
        Sample {
            derivation: "raz 2026-11 verification samples v1".into(),
            seed: "07".repeat(32),
            share_percent: 10,
            subsections: 1000,
            sectors: sectors_total / 10 + 2,
            sectors_total,
            missed: Vec::new(),
        }
    }

    /// A report that says "sampled", with a change to it.
    fn sampled(change: impl FnOnce(&mut Erasure, &mut Sample)) -> Finding {
        doubts_after(|drive, erasure| {
            erasure.outcome = OutcomeWord::Sampled;
            erasure.achieved_level = Level::None;
            let mut sample = sample_of(drive);
            let read = erasure.passes[0].verification.as_mut().unwrap();
            read.read_bytes = sample.sectors * u64::from(drive.logical_sector_bytes);
            change(erasure, &mut sample);
            if let Some(read) = &mut erasure.passes[0].verification {
                read.sample = Some(sample);
            }
        })
    }

    #[test]
    fn sample_is_a_finding_of_its_own_and_never_verified() {
        assert_eq!(sampled(|_, _| ()), Finding::Sampled);
        let as_verified = sampled(|e, _| e.outcome = OutcomeWord::Verified);
        assert_eq!(as_verified, Finding::Contradiction(vec![Doubt::NotAllRead]));
        // Every byte read, but it says that it was a sample: not what "verified" means.
        let labelled = doubts_after(|drive, e| {
            let read = e.passes[0].verification.as_mut().unwrap();
            read.sample = Some(sample_of(drive));
        });
        assert_eq!(labelled, Finding::Contradiction(vec![Doubt::NotAllRead]));
    }

    #[test]
    fn sample_without_its_numbers_is_a_contradiction() {
        let only = |doubt| Finding::Contradiction(vec![doubt]);
        assert_eq!(
            sampled(|e, _| e.achieved_level = Level::Clear),
            only(Doubt::Level)
        );
        assert_eq!(
            sampled(|e, _| e.passes[0].verification = None),
            only(Doubt::NotAllRead)
        );
        assert_eq!(
            sampled(|e, _| e.passes[0].verification.as_mut().unwrap().complete = false),
            only(Doubt::NotAllRead)
        );
        assert_eq!(
            sampled(|e, _| e.passes[0].verification.as_mut().unwrap().mismatches.count = 1),
            only(Doubt::Mismatch)
        );
        assert_eq!(
            sampled(|e, _| e.passes[0].verification.as_mut().unwrap().read_bytes -= 512),
            only(Doubt::Sample)
        );
        assert_eq!(sampled(|_, s| s.sectors += 1), only(Doubt::Sample));
        assert_eq!(sampled(|_, s| s.sectors_total -= 1), only(Doubt::Sample));
        assert_eq!(sampled(|_, s| s.share_percent = 9), only(Doubt::Sample));
        assert_eq!(sampled(|_, s| s.share_percent = 11), only(Doubt::Sample));
        assert_eq!(sampled(|_, s| s.subsections = 999), only(Doubt::Sample));
        assert_eq!(
            sampled(|e, _| e.passes[0].flushed = false),
            only(Doubt::NotFlushed)
        );
    }

    /// A verified report of a run that wrote all but 1 MiB, with a change to it.
    fn resumed(change: impl FnOnce(&mut Erasure)) -> Finding {
        const TAKEN_OVER: u64 = 1 << 20;
        doubts_after(|_, erasure| {
            let pass = &mut erasure.passes[0];
            pass.written_bytes -= TAKEN_OVER;
            pass.resumed = Some(Resumed {
                begun: "2026-03-13T09:45:00Z".into(),
                runs_before: 1,
                mark_bytes: TAKEN_OVER,
                taken_over_bytes: TAKEN_OVER,
                recall: Recall {
                    read_bytes: TAKEN_OVER,
                    mismatch_bytes: 0,
                    first_mismatch_offset_bytes: None,
                    first_read_error: None,
                    complete: true,
                },
            });
            change(erasure);
        })
    }

    #[test]
    fn bytes_taken_over_count_beside_a_read_back_of_the_whole_drive_only() {
        assert_eq!(resumed(|_| ()), Finding::Verified);
        let unread = Finding::Contradiction(vec![Doubt::NotAllWritten, Doubt::NotAllRead]);
        assert_eq!(resumed(|e| e.passes[0].verification = None), unread);
        let read = |e: &mut Erasure, change: fn(&mut Verification)| {
            change(e.passes[0].verification.as_mut().unwrap());
        };
        assert_eq!(resumed(|e| read(e, |r| r.complete = false)), unread);
        assert_eq!(resumed(|e| read(e, |r| r.read_bytes -= 512)), unread);
        let sampled = resumed(|e| {
            let sample = sample_of(&sample().drives[0]);
            e.passes[0].verification.as_mut().unwrap().sample = Some(sample);
        });
        assert_eq!(sampled, unread);

        let unwritten = Finding::Contradiction(vec![Doubt::NotAllWritten]);
        let taken =
            |change: fn(&mut Resumed)| resumed(|e| change(e.passes[0].resumed.as_mut().unwrap()));
        assert_eq!(resumed(|e| e.passes[0].written_bytes -= 512), unwritten);
        assert_eq!(resumed(|e| e.passes[0].written_bytes += 512), unwritten);
        assert_eq!(taken(|r| r.taken_over_bytes = u64::MAX), unwritten);
        assert_eq!(taken(|r| r.mark_bytes -= 512), unwritten);
        assert_eq!(taken(|r| r.recall.complete = false), unwritten);
        assert_eq!(taken(|r| r.recall.mismatch_bytes = 512), unwritten);
        let failed = taken(|r| r.recall.first_read_error = Some("EIO".into()));
        assert_eq!(failed, unwritten);
        // Only a first pass, and only one of the pattern, goes on from a ledger.
        let second = resumed(|e| {
            let size = sample().drives[0].capacity_bytes;
            let mut first = e.passes[0].clone();
            (first.resumed, first.written_bytes) = (None, size);
            e.passes.insert(0, first);
            let checks = e.identity_checks.clone();
            e.identity_checks.extend(checks);
        });
        assert_eq!(second, unwritten);
        let zeros = resumed(|e| e.passes[0].kind = PassKind::Zero);
        let no_pattern = Finding::Contradiction(vec![Doubt::NoPattern, Doubt::NotAllWritten]);
        assert_eq!(zeros, no_pattern);
    }

    #[test]
    fn sample_beside_bytes_taken_over_is_a_contradiction() {
        let found = sampled(|e, _| {
            let pass = &mut e.passes[0];
            pass.written_bytes -= 512;
            pass.resumed = Some(Resumed {
                begun: "2026-03-13T09:45:00Z".into(),
                runs_before: 1,
                mark_bytes: 512,
                taken_over_bytes: 512,
                recall: Recall {
                    read_bytes: 512,
                    mismatch_bytes: 0,
                    first_mismatch_offset_bytes: None,
                    first_read_error: None,
                    complete: true,
                },
            });
        });
        assert_eq!(found, Finding::Contradiction(vec![Doubt::NotAllWritten]));
    }

    #[test]
    fn verified_below_the_mediums_row_is_no_contradiction() {
        assert_eq!(
            doubts_after(|_, e| e.achieved_level = Level::None),
            Finding::Verified
        );
        let hidden = doubts_after(|d, e| {
            d.hidden_capacity.state = HiddenState::Hidden;
            e.achieved_level = Level::None;
        });
        assert_eq!(hidden, Finding::Verified);
    }

    #[test]
    fn word_without_its_numbers_is_a_contradiction() {
        let only = |doubt| Finding::Contradiction(vec![doubt]);
        assert_eq!(doubts_after(|_, _| ()), Finding::Verified);
        assert_eq!(
            doubts_after(|_, e| e.passes.clear()),
            only(Doubt::NoPattern)
        );
        assert_eq!(
            doubts_after(|_, e| e.passes[0].kind = PassKind::Zero),
            only(Doubt::NoPattern)
        );
        assert_eq!(
            doubts_after(|_, e| e.passes[0].written_bytes -= 512),
            only(Doubt::NotAllWritten)
        );
        assert_eq!(
            doubts_after(|_, e| e.passes[0].write_errors.count = 1),
            only(Doubt::NotAllWritten)
        );
        assert_eq!(
            doubts_after(|_, e| e.passes[0].flushed = false),
            only(Doubt::NotFlushed)
        );
        assert_eq!(
            doubts_after(|_, e| e.passes[0].verification = None),
            only(Doubt::NotAllRead)
        );
        assert_eq!(
            doubts_after(|_, e| e.passes[0].verification.as_mut().unwrap().read_bytes -= 1),
            only(Doubt::NotAllRead)
        );
        assert_eq!(
            doubts_after(|_, e| {
                e.passes[0].verification.as_mut().unwrap().mismatches.count = 1;
            }),
            only(Doubt::Mismatch)
        );
        assert_eq!(
            doubts_after(|_, e| e.shortfalls.push("stopped".into())),
            only(Doubt::Shortfalls)
        );
        assert_eq!(
            doubts_after(|_, e| e.identity_checks[0].same = false),
            only(Doubt::Identity)
        );
        assert_eq!(
            doubts_after(|_, e| drop(e.identity_checks.pop())),
            only(Doubt::Identity)
        );
        assert_eq!(
            doubts_after(|_, e| e.passes[0].write_errors.bytes = 512),
            only(Doubt::NotAllWritten)
        );
        assert_eq!(
            doubts_after(|d, _| d.hidden_capacity.state = HiddenState::Hidden),
            only(Doubt::Level)
        );
        assert_eq!(
            doubts_after(|_, e| e.achieved_level = Level::Purge),
            only(Doubt::Level)
        );
        assert_eq!(
            doubts_after(|d, _| d.capacity_bytes *= 2),
            Finding::Contradiction(vec![Doubt::NotAllWritten, Doubt::NotAllRead])
        );
        assert_eq!(
            doubts_after(|_, e| e.outcome = OutcomeWord::WrittenNotChecked),
            only(Doubt::Level)
        );
    }

    pub(super) fn claimed() -> Sanitize {
        Sanitize {
            technique: SanitizeTechnique::BlockErase,
            verdict: SanitizeVerdict::ClaimedByDrive,
            reasons: Vec::new(),
            status_before: "idle".into(),
            status_after: Some("done".into()),
            in_progress_seen: 3,
            seconds: 60.0,
            witnesses: report::schema::Witnesses {
                planted: 64,
                found: 10,
                kept: 0,
                gone: 74,
                unreadable: 0,
            },
            media_verification: None,
            boot_areas: Vec::new(),
        }
    }

    #[test]
    fn purge_needs_a_claim_by_the_drive_that_its_numbers_bear() {
        let purged = |change: fn(&mut Drive, &mut Sanitize)| {
            doubts_after(|drive, erasure| {
                let mut sanitize = claimed();
                drive.hidden_capacity.state = HiddenState::None;
                change(drive, &mut sanitize);
                erasure.achieved_level = Level::Purge;
                erasure.own_erases = vec![sanitize];
                let check = erasure.identity_checks[0].clone();
                erasure.identity_checks.push(check);
            })
        };
        let level = Finding::Contradiction(vec![Doubt::Level]);
        let both = Finding::Contradiction(vec![Doubt::Level, Doubt::Sanitize]);
        let order = |finding| match finding {
            Finding::Contradiction(mut doubts) => {
                doubts.sort_by_key(|doubt| format!("{doubt:?}"));
                Finding::Contradiction(doubts)
            }
            other => other,
        };
        assert_eq!(purged(|_, _| ()), Finding::Verified);
        for (change, expected) in [
            (
                (|_, sanitize| sanitize.verdict = SanitizeVerdict::Unknown)
                    as fn(&mut Drive, &mut Sanitize),
                &level,
            ),
            (
                |_, sanitize| sanitize.technique = SanitizeTechnique::CryptoErase,
                &level,
            ),
            (
                |_, sanitize| sanitize.technique = SanitizeTechnique::NvmeFormat,
                &level,
            ),
            (
                |drive, _| drive.hidden_capacity.state = HiddenState::Unknown,
                &level,
            ),
            (|_, sanitize| sanitize.witnesses.kept = 1, &both),
            (|_, sanitize| sanitize.witnesses.planted = 0, &both),
            (|_, sanitize| sanitize.status_after = None, &both),
            (|_, sanitize| sanitize.reasons.push("stuck".into()), &both),
        ] {
            assert_eq!(order(purged(change)), *expected);
        }
    }

    #[test]
    fn identity_is_read_once_more_after_the_drives_own_erase() {
        let found = doubts_after(|_, erasure| erasure.own_erases = vec![claimed()]);
        assert_eq!(found, Finding::Contradiction(vec![Doubt::Identity]));
    }
}
