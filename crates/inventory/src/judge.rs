//! Whether a report's word on a drive agrees with the numbers beside it.
//!
//! A station that is broken or bent can sign "verified" over a pass that was never read back. The
//! service stores such a report as it came, but neither counts nor shows that drive as verified.
//! What it cannot see is whether the numbers are true: the signature and a re-read with
//! `raz verify` are for that.

use report::schema::{Drive, Erasure, HiddenState, Level, OutcomeWord, Pass, PassKind, Ranges};

/// What the pages say of a drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Overwritten, read back and compared, and the numbers agree.
    Verified,
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
    /// A pass read back different.
    Mismatch,
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
        OutcomeWord::Verified => {
            let doubts = doubts(drive, erasure);
            return match doubts.is_empty() {
                true => Finding::Verified,
                false => Finding::Contradiction(doubts),
            };
        }
        OutcomeWord::WrittenNotChecked => Finding::WrittenNotChecked,
        OutcomeWord::NotComplete => Finding::NotComplete,
        OutcomeWord::NotStarted => Finding::NotStarted,
    };
    match erasure.achieved_level {
        Level::None => finding,
        Level::Clear | Level::Purge => Finding::Contradiction(vec![Doubt::Level]),
    }
}

fn doubts(drive: &Drive, erasure: &Erasure) -> Vec<Doubt> {
    let any = |test: &dyn Fn(&Pass) -> bool| erasure.passes.iter().any(test);
    let size = drive.capacity_bytes;
    let is_pattern = |pass: &Pass| match pass.kind {
        PassKind::Pattern | PassKind::Complement => true,
        PassKind::Zero => false,
    };
    let some = |ranges: &Ranges| ranges.count > 0 || ranges.bytes > 0;
    let not_written =
        |pass: &Pass| some(&pass.write_errors) || size == 0 || pass.written_bytes != size;
    let not_read = |pass: &Pass| {
        pass.verification.as_ref().is_none_or(|verification| {
            !verification.complete
                || some(&verification.read_errors)
                || verification.read_bytes != size
        })
    };
    let differs = |pass: &Pass| {
        pass.verification.as_ref().is_some_and(|verification| {
            some(&verification.mismatches) || verification.first_mismatch_offset_bytes.is_some()
        })
    };
    // Once before the first write, then after each write and each read.
    let identity_checks = 1 + 2 * erasure.passes.len();
    let wrong_level = match erasure.achieved_level {
        // Less than it could be is no contradiction: one pass on a stick is below its row.
        Level::None => false,
        Level::Clear => drive.hidden_capacity.state == HiddenState::Hidden,
        // Overwriting alone never reaches it.
        Level::Purge => {
            erasure.technique.starts_with("overwrite")
                || drive.hidden_capacity.state == HiddenState::Hidden
        }
    };
    let checks = [
        (Doubt::NoPattern, !any(&is_pattern)),
        (Doubt::NotAllWritten, any(&not_written)),
        (Doubt::NotFlushed, any(&|pass| !pass.flushed)),
        (Doubt::NotAllRead, any(&not_read)),
        (Doubt::Mismatch, any(&differs)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use report::schema::Report;

    fn sample() -> Report {
        serde_json::from_str(include_str!("../../../docs/report-v1.sample.json")).unwrap()
    }

    fn doubts_after(change: impl FnOnce(&mut Drive, &mut Erasure)) -> Finding {
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
}
