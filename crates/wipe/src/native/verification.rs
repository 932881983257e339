//! The look at the medium in NVMe's media verification state: as the erase left it, and before anything
//! is deallocated, so that no filling hides what is still there.
//!
//! A read in that state brings the medium with the status 19Ch (Successful Media Verification Read). To the
//! kernel's disk driver that is a failed read, so these go past it, by a path that was tried before the
//! command was sent. What erased flash holds is the vendor's: other bytes than before are no proof, the
//! same ones are a contradiction. NVMe base 2.1, 5.1.22 and 8.1.24.3.6; NVM command set 1.1, Media
//! Verification.

use super::witness::{Kinds, Medium, Witnesses, digest, places};
use super::{Surroundings, Technique};
use std::time::Duration;

/// Sectors at places that are drawn when the drive is in the state.
const SAMPLED: usize = 256;

/// The look is given up after that. It is hundreds of reads of flash: seconds.
const BOUND: Duration = Duration::from_secs(300);

/// How a drive shows its medium.
pub trait MediaView: Send + Sync {
    /// As [`super::Sanitize::start`], and tells the drive to enter
    /// [`super::State::MediaVerification`] at the end.
    ///
    /// # Errors
    /// As there.
    fn start(&self, technique: Technique) -> Result<(), String>;

    /// Reads one sector past the kernel's disk driver.
    ///
    /// # Errors
    /// Why there is no answer, or that the read was refused, in words.
    fn read(&self, sector: u64, buffer: &mut [u8]) -> Result<Answer, String>;

    /// The drive says that a loss of power cancelled the verification, and not the erase.
    fn is_cancelled(&self) -> bool;
}

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What is on the medium.
    Medium,
    /// What any read brings.
    Ordinary,
    /// Nothing: the medium gives nothing back there.
    Unreadable,
}

/// What came of the media verification of an erase.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaVerification {
    /// The drive was told to erase itself without it, and why.
    NotAsked(String),
    /// The drive took the command that asks for it, and was not seen in the state.
    NotEntered {
        /// It says that a loss of power cancelled it.
        is_cancelled: bool,
    },
    /// The medium was looked at.
    Entered(Look),
}

/// What the medium held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    /// Of the witnesses, those whose bytes were still there.
    pub kept: u32,
    /// Of the witnesses, those in whose place the medium held other bytes.
    pub gone: u32,
    /// Of the witnesses, those that the medium did not give back.
    pub unreadable: u32,
    /// Of the witnesses, those in whose place the read was an ordinary one, of other bytes.
    pub ordinary: u32,
    /// Sectors of the sample that were read from the medium.
    pub sampled: u32,
    /// What was read from the medium, by kind.
    pub kinds: Kinds,
    /// Why not all of them were read.
    pub ended_early: Option<String>,
}

/// Whether reads past the disk driver bring what stands there: the two outermost canaries.
///
/// # Errors
/// In words, when they do not.
pub(super) fn try_path(
    view: &dyn MediaView,
    witnesses: &Witnesses,
    medium: &dyn Medium,
) -> Result<(), String> {
    let mut buffer = vec![0; medium.sector_bytes()];
    let mut all = witnesses.digests();
    for (sector, before) in [all.next(), all.next_back()].into_iter().flatten() {
        let answer = view.read(sector, &mut buffer)?;
        if answer != Answer::Ordinary || digest(&buffer) != *before {
            return Err(format!(
                "a read past the disk driver does not bring what stands in sector {sector}"
            ));
        }
    }
    Ok(())
}

/// Looks at each witness and at a sample of the medium. Ends early when the operator stops it, at the
/// first read without an answer, and after [`BOUND`].
pub(super) fn look(
    view: &dyn MediaView,
    witnesses: &Witnesses,
    medium: &dyn Medium,
    surroundings: &dyn Surroundings,
) -> Look {
    let mut look = Look::default();
    let mut sample: Vec<u64> = match places(medium.sectors()) {
        Ok(places) => places.take(SAMPLED).collect(),
        Err(error) => {
            look.ended_early = Some(error.to_string());
            return look;
        }
    };
    sample.sort_unstable();
    let of_witnesses = witnesses.digests().map(|(at, before)| (at, Some(before)));
    let began = surroundings.now();
    let mut buffer = vec![0; medium.sector_bytes()];
    for (sector, before) in of_witnesses.chain(sample.into_iter().map(|at| (at, None))) {
        // It also shows that the drive is heard of.
        if !surroundings.pause(Duration::ZERO) {
            look.ended_early = Some("stopped by the operator".into());
            break;
        }
        if surroundings.now().saturating_sub(began) >= BOUND {
            look.ended_early = Some(format!("it took more than {} s", BOUND.as_secs()));
            break;
        }
        buffer.fill(0);
        let answer = match view.read(sector, &mut buffer) {
            Ok(answer) => answer,
            Err(why) => {
                look.ended_early = Some(why);
                break;
            }
        };
        if answer == Answer::Medium {
            look.kinds.count(&buffer);
        }
        match (before, answer) {
            (Some(_), Answer::Unreadable) => look.unreadable += 1,
            (Some(before), _) if digest(&buffer) == *before => look.kept += 1,
            (Some(_), Answer::Medium) => look.gone += 1,
            (Some(_), Answer::Ordinary) => look.ordinary += 1,
            (None, Answer::Medium) => look.sampled += 1,
            (None, Answer::Ordinary | Answer::Unreadable) => {}
        }
    }
    look
}

#[cfg(test)]
mod tests {
    use super::super::witness::tests::{Memory, SECTOR, random_sector};
    use super::*;
    use drive::identity::IdentityLost;

    /// A drive whose reads bring other bytes than before, in three ways by turns.
    struct ByTurns;

    impl MediaView for ByTurns {
        fn start(&self, _: Technique) -> Result<(), String> {
            Ok(())
        }

        fn read(&self, sector: u64, buffer: &mut [u8]) -> Result<Answer, String> {
            buffer.fill(0xEE);
            Ok(match sector % 3 {
                0 => Answer::Medium,
                1 => Answer::Ordinary,
                _ => Answer::Unreadable,
            })
        }

        fn is_cancelled(&self) -> bool {
            false
        }
    }

    struct Still;

    impl Surroundings for Still {
        fn now(&self) -> Duration {
            Duration::ZERO
        }
        fn pause(&self, _: Duration) -> bool {
            true
        }
        fn progress(&self, _: u16) {}
        fn recheck_identity(&self) -> Result<(), IdentityLost> {
            Ok(())
        }
    }

    #[test]
    fn each_way_in_which_a_place_answers_is_counted_by_itself() {
        let medium = Memory::of((0..3000).map(random_sector).collect());
        let witnesses = Witnesses::plant(&medium).unwrap();
        let places: Vec<u64> = witnesses.digests().map(|(at, _)| at).collect();
        let of = |turn| u32::try_from(places.iter().filter(|at| **at % 3 == turn).count()).unwrap();
        let (gone, ordinary, unreadable) = (of(0), of(1), of(2));
        assert!(gone > 1 && ordinary > 1 && unreadable > 1);
        let look = look(&ByTurns, &witnesses, &medium, &Still);
        assert_eq!(
            (look.kept, look.gone, look.ordinary, look.unreadable),
            (0, gone, ordinary, unreadable)
        );
        // Of the places that are drawn only those count that the medium gave back.
        assert!(look.sampled > 1 && usize::try_from(look.sampled).unwrap() < SAMPLED);
        assert_eq!(look.kinds, {
            let mut kinds = Kinds::default();
            (0..gone + look.sampled).for_each(|_| kinds.count(&[0xEE; SECTOR]));
            kinds
        });
        assert_eq!(look.ended_early, None);
    }
}
