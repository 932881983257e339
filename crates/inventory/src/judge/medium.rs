//! What an NVMe drive showed of its medium after its own erase.

use report::schema::{MediaVerification, MediaVerificationState};

/// A drive that took the command to show its medium did so, and nothing of before was on it.
pub(super) fn bears_claim(seen: &MediaVerification) -> bool {
    seen.kept == 0
        && match seen.state {
            MediaVerificationState::NotAsked | MediaVerificationState::Cancelled => true,
            MediaVerificationState::NotEntered => false,
            MediaVerificationState::Entered => seen.gone > 0,
        }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{claimed, doubts_after};
    use super::super::{Doubt, Finding};
    use super::*;
    use report::schema::{HiddenState, Level, SectorKinds};

    /// A report that says "purge" of a drive that showed this.
    fn purged(state: MediaVerificationState, kept: u32, gone: u32) -> Finding {
        doubts_after(|drive, erasure| {
            let mut sanitize = claimed();
            sanitize.media_verification = Some(MediaVerification {
                state,
                reason: None,
                kept,
                gone,
                unseen: 0,
                sampled: 0,
                content: SectorKinds::default(),
            });
            drive.hidden_capacity.state = HiddenState::None;
            erasure.achieved_level = Level::Purge;
            erasure.own_erases = vec![sanitize];
            let check = erasure.identity_checks[0].clone();
            erasure.identity_checks.push(check);
        })
    }

    #[test]
    fn purge_of_a_drive_that_showed_old_bytes_or_nothing_is_a_contradiction() {
        use MediaVerificationState::{Cancelled, Entered, NotAsked, NotEntered};
        for (state, kept, gone, bears) in [
            (Entered, 0, 74, true),
            (Entered, 1, 73, false),
            (Entered, 0, 0, false),
            (NotEntered, 0, 0, false),
            (NotAsked, 0, 0, true),
            (Cancelled, 0, 0, true),
        ] {
            let expected = match bears {
                true => Finding::Verified,
                false => Finding::Contradiction(vec![Doubt::Sanitize, Doubt::Level]),
            };
            assert_eq!(
                purged(state, kept, gone),
                expected,
                "{state:?} {kept} {gone}"
            );
        }
    }
}
