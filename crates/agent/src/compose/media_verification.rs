//! The look at an NVMe drive's medium in the words of the wire schema.

use report::schema::{self, MediaVerificationState, SectorKinds};
use wipe::native::verification::{Look, MediaVerification};
use wipe::native::witness::Kinds;

/// What came of it.
pub(super) fn record(media: &MediaVerification) -> schema::MediaVerification {
    use MediaVerificationState::{Cancelled, Entered, NotAsked, NotEntered};
    let not_looked = |state, reason| {
        of(
            state,
            &Look {
                ended_early: reason,
                ..Look::default()
            },
        )
    };
    match media {
        MediaVerification::NotAsked(why) => not_looked(NotAsked, Some(why.clone())),
        MediaVerification::NotEntered { is_cancelled: true } => not_looked(Cancelled, None),
        MediaVerification::NotEntered {
            is_cancelled: false,
        } => not_looked(NotEntered, None),
        MediaVerification::Entered(look) => of(Entered, look),
    }
}

fn of(state: MediaVerificationState, look: &Look) -> schema::MediaVerification {
    let Look {
        kept,
        gone,
        unreadable,
        ordinary,
        sampled,
        kinds,
        ended_early,
    } = look;
    let Kinds {
        zeros,
        ones,
        constant,
        periodic,
        random,
        mixed,
    } = *kinds;
    schema::MediaVerification {
        state,
        reason: ended_early.clone(),
        kept: *kept,
        gone: *gone,
        unseen: unreadable + ordinary,
        sampled: *sampled,
        content: SectorKinds {
            zeros,
            ones,
            constant,
            periodic,
            random,
            mixed,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_has_its_word_and_what_was_seen_its_numbers() {
        let word = |media| record(&media).state;
        let not_entered = |is_cancelled| MediaVerification::NotEntered { is_cancelled };
        assert_eq!(word(not_entered(true)), MediaVerificationState::Cancelled);
        assert_eq!(word(not_entered(false)), MediaVerificationState::NotEntered);
        let not_asked = record(&MediaVerification::NotAsked("refused".into()));
        assert_eq!(not_asked.state, MediaVerificationState::NotAsked);
        assert_eq!(not_asked.reason.as_deref(), Some("refused"));
        let entered = record(&MediaVerification::Entered(Look {
            kept: 1,
            gone: 2,
            unreadable: 3,
            ordinary: 4,
            sampled: 5,
            kinds: Kinds {
                ones: 8,
                ..Kinds::default()
            },
            ended_early: None,
        }));
        let numbers = [entered.kept, entered.gone, entered.unseen, entered.sampled];
        assert_eq!(entered.state, MediaVerificationState::Entered);
        assert_eq!((numbers, entered.content.ones), ([1, 2, 7, 5], 8));
    }
}
