//! What is to be done to one drive, and the steps that this means.

use crate::content::Content;
use crate::ledger::{Journal, Mark};
use crate::native;
use crate::outcome::{PassKind, Shortfall};
use crate::pattern::{Cipher, PassKey, Seed};
use crate::progress::Progress;
use crate::sample::{self, Share};
use crate::target::{Control, Target};
use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::sync::Arc;

/// One drive's overwrite.
pub struct Job {
    /// The drive's bytes.
    pub target: Target,
    /// The drive's slow calls.
    pub control: Arc<dyn Control>,
    /// The identity that was confirmed, as the report records it: part of the pattern's key.
    pub identity: String,
    /// The start of the pattern's key.
    pub seed: Seed,
    /// The pattern's cipher.
    pub cipher: Cipher,
    /// How the drive erases itself before the passes: the first of these, and the next where the drive
    /// itself says that one did not happen. Not of a job that resumes: it would undo what the ledger
    /// says.
    pub ladder: Vec<native::Order>,
    /// The passes, in order. A complement needs a pattern before it.
    pub passes: Vec<PassKind>,
    /// How much of each pass is read back. With [`Job::resume`] it is every byte, whatever this says.
    pub verify: VerifyMode,
    /// Where to keep how far the first pass is, when that is one of the keyed pattern.
    pub journal: Option<Arc<dyn Journal>>,
    /// What an earlier run of the first pass has written: a mark of the same drive, identity, seed,
    /// cipher and passes, which the caller has made sure of. One that is malformed begins nothing.
    pub resume: Option<Mark>,
    /// Where to show what is happening.
    pub progress: Arc<Progress>,
}

impl Job {
    /// How much is really read back: all of a drive that is small, and all of one whose erasure is
    /// resumed, since a ledger is no proof.
    pub(crate) fn reads_back(&self) -> VerifyMode {
        let (capacity, sector) = (self.target.capacity_bytes, self.target.logical_sector_bytes);
        match self.resume {
            Some(_) => VerifyMode::Full,
            None => self.verify.on(capacity, sector),
        }
    }
}

/// How much is read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VerifyMode {
    /// Every byte of every pass.
    Full,
    /// A sample of every pass: the outcome can be no better than "written, checked by sample".
    Sampled(Share),
    /// Nothing: the outcome can be no better than "written, not checked".
    None,
}

impl VerifyMode {
    /// What it comes to on a drive of this size: a small one is read in full rather than sampled.
    #[must_use]
    pub fn on(self, capacity_bytes: u64, sector_bytes: u32) -> Self {
        match self {
            Self::Sampled(_) if sample::is_read_in_full(capacity_bytes, sector_bytes) => Self::Full,
            Self::Full | Self::Sampled(_) | Self::None => self,
        }
    }
}

/// One pass with its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    pub(crate) kind: PassKind,
    pub(crate) number: u32,
    pub(crate) content: Content,
}

/// One step of a run; a number is an index into the passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Identity(&'static str),
    /// The drive erases itself.
    Sanitize,
    /// A few bytes of the first pass, before it goes on.
    Recall,
    Write(usize),
    Flush(usize),
    Verify(usize),
    Sample(usize, Share),
    /// The ledger ends: a later pass undoes what it says.
    Close,
}

/// A job as the engine carries it out.
pub(crate) struct Work {
    pub(crate) target: Target,
    pub(crate) control: Arc<dyn Control>,
    pub(crate) identity: String,
    pub(crate) ladder: VecDeque<native::Order>,
    pub(crate) passes: Vec<Pass>,
    pub(crate) steps: VecDeque<Step>,
    pub(crate) journal: Option<Arc<dyn Journal>>,
    pub(crate) resume: Option<Mark>,
    pub(crate) progress: Arc<Progress>,
}

impl Work {
    /// The steps of a job, or why it cannot begin.
    pub(crate) fn overwrite(job: Job) -> Result<Self, Shortfall> {
        let verify = job.reads_back();
        let Job {
            target,
            control,
            identity,
            seed,
            cipher,
            ladder,
            passes,
            verify: _,
            journal,
            resume,
            progress,
        } = job;
        check(&target)?;
        if let Some(mark) = &resume {
            check_mark(mark, &passes, &target)?;
        }
        let journal = journal.filter(|_| passes.first() == Some(&PassKind::Pattern));
        let passes = number(&seed, &identity, cipher, &passes)?;
        let ladder = match resume {
            Some(_) => VecDeque::new(),
            None => VecDeque::from(ladder),
        };
        Ok(Self {
            steps: steps(passes.len(), verify, resume.is_some(), !ladder.is_empty()),
            ladder,
            target,
            control,
            identity,
            passes,
            journal,
            resume,
            progress,
        })
    }

    /// The steps of a read-back that writes nothing.
    pub(crate) fn read_back(
        target: Target,
        control: Arc<dyn Control>,
        identity: String,
        content: Content,
        progress: Arc<Progress>,
    ) -> Result<Self, Shortfall> {
        check(&target)?;
        let kind = match content {
            Content::Pattern(_) => PassKind::Pattern,
            Content::Complement(_) => PassKind::Complement,
            Content::Zeros => PassKind::Zero,
        };
        let passes = vec![Pass {
            kind,
            number: 0,
            content,
        }];
        let steps = [
            Step::Identity("before reading"),
            Step::Verify(0),
            Step::Identity("after reading"),
        ];
        Ok(Self {
            target,
            control,
            identity,
            ladder: VecDeque::new(),
            passes,
            steps: steps.into(),
            journal: None,
            resume: None,
            progress,
        })
    }
}

/// The steps of an overwrite. A sample is a share until its step begins, which is after the flush
/// was answered: nobody can know before the last write what will be read.
fn steps(
    passes: usize,
    verify: VerifyMode,
    is_resumed: bool,
    is_sanitized: bool,
) -> VecDeque<Step> {
    let mut steps = VecDeque::from([Step::Identity("claim")]);
    if is_sanitized {
        steps.extend([Step::Sanitize, Step::Identity("after sanitize")]);
    }
    steps.extend(is_resumed.then_some(Step::Recall));
    for index in 0..passes {
        if index == 1 {
            steps.push_back(Step::Close);
        }
        steps.extend([
            Step::Write(index),
            Step::Flush(index),
            Step::Identity("after write"),
        ]);
        let reading = match verify {
            VerifyMode::Full => Step::Verify(index),
            VerifyMode::Sampled(share) => Step::Sample(index, share),
            VerifyMode::None => continue,
        };
        steps.extend([reading, Step::Identity("after verify")]);
    }
    steps
}

fn check(target: &Target) -> Result<(), Shortfall> {
    let Target {
        capacity_bytes: capacity,
        logical_sector_bytes: sector,
        label,
        file,
        ..
    } = target;
    if *sector == 0 || *capacity == 0 || !capacity.is_multiple_of(u64::from(*sector)) {
        return Err(Shortfall::Other(format!(
            "{label}: a capacity of {capacity} bytes in sectors of {sector} cannot be served"
        )));
    }
    // A read-back from the page cache would prove what was written to memory.
    match sys::block::is_direct(file.as_fd()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Shortfall::Other(format!(
            "{label}: not open for direct I/O, so that what is read could come from memory"
        ))),
        Err(error) => Err(Shortfall::Other(format!("{label}: {error}"))),
    }
}

/// Zeros that an earlier run is said to have written may never have been: only a keyed pattern is
/// taken over.
fn check_mark(mark: &Mark, passes: &[PassKind], target: &Target) -> Result<(), Shortfall> {
    let label = &target.label;
    if passes.first() != Some(&PassKind::Pattern) {
        return Err(Shortfall::Other(format!(
            "{label}: only a first pass of the keyed pattern can be resumed"
        )));
    }
    mark.check(target.capacity_bytes, target.logical_sector_bytes)
        .map_err(|wrong| {
            Shortfall::Other(format!(
                "{label}: the ledger cannot be this drive's: {wrong}"
            ))
        })
}

/// Pattern passes are numbered from 0; a complement has its pattern's number, zeros have that of
/// the pattern before them.
fn number(
    seed: &Seed,
    identity: &str,
    cipher: Cipher,
    kinds: &[PassKind],
) -> Result<Vec<Pass>, Shortfall> {
    let mut patterns = 0;
    let mut passes = Vec::new();
    for kind in kinds {
        let key = |pass| {
            PassKey::derive(seed, identity, cipher, pass)
                .map_err(|wrong| Shortfall::Other(wrong.to_string()))
        };
        let last = u32::saturating_sub(patterns, 1);
        let (number, content) = match kind {
            PassKind::Pattern => {
                patterns += 1;
                (patterns - 1, Content::Pattern(key(patterns - 1)?))
            }
            PassKind::Complement if patterns == 0 => {
                return Err(Shortfall::Other(
                    "a complement pass needs a pattern pass before it".into(),
                ));
            }
            PassKind::Complement => (last, Content::Complement(key(last)?)),
            PassKind::Zero => (last, Content::Zeros),
        };
        passes.push(Pass {
            kind: *kind,
            number,
            content,
        });
    }
    if passes.is_empty() {
        return Err(Shortfall::Other(
            "a plan without passes erases nothing".into(),
        ));
    }
    Ok(passes)
}

#[cfg(test)]
mod tests {
    use super::{Share, Step, VerifyMode, steps};

    /// No run can show from outside when a seed was drawn; what fixes it is that the step holds a
    /// share and comes after the flush.
    #[test]
    fn each_pass_is_flushed_before_its_sample_is_drawn() {
        let share = Share::MIN;
        let all = steps(2, VerifyMode::Sampled(share), false, false);
        let want = [
            Step::Identity("claim"),
            Step::Write(0),
            Step::Flush(0),
            Step::Identity("after write"),
            Step::Sample(0, share),
            Step::Identity("after verify"),
            Step::Close,
            Step::Write(1),
            Step::Flush(1),
            Step::Identity("after write"),
            Step::Sample(1, share),
            Step::Identity("after verify"),
        ];
        assert_eq!(all, want);
    }

    #[test]
    fn what_an_earlier_run_wrote_is_tried_before_the_first_write() {
        let all = steps(1, VerifyMode::Full, true, false);
        assert_eq!(
            all.iter().take(3).collect::<Vec<_>>(),
            [&Step::Identity("claim"), &Step::Recall, &Step::Write(0)]
        );
    }
}
