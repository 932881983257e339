//! What may be concluded from a run, and the read-back of a drive that was erased earlier.
//!
//! [`Proof`] has private fields and its one constructor is `prove` below: nothing else in raz can
//! say "verified". In the same way only `prove_by_sample` can say "checked by sample". The proof is for the keyed pattern; zeros are a pass after it and prove nothing
//! alone, since a drive that was never written may read as zeros too.

use crate::content::Content;
use crate::engine::Engine;
use crate::job::{VerifyMode, Work};
use crate::lane::Run;
use crate::options::Options;
use crate::outcome::{
    ByteRange, Conclusion, IdentityCheck, PassKind, PassRecord, Shortfall, VerifyRecord,
};
use crate::progress::Progress;
use crate::ranges::merged;
use crate::sample::{Samples, Share};
use crate::target::{Control, Target};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The verifier's word that it read every byte of a claimed drive and found it equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    bytes_verified: u64,
    pattern_passes_verified: u32,
    complement_verified: bool,
    zeros_verified: bool,
}

impl Proof {
    /// Bytes read back and compared in each pass; equals the capacity.
    #[must_use]
    pub fn bytes_verified(&self) -> u64 {
        self.bytes_verified
    }
    /// Pattern and complement passes that were verified in full.
    #[must_use]
    pub fn pattern_passes_verified(&self) -> u32 {
        self.pattern_passes_verified
    }
    /// The complement pass was verified too (USB sticks and SD cards, NIST SP 800-88r1 table A-8).
    #[must_use]
    pub fn complement_verified(&self) -> bool {
        self.complement_verified
    }
    /// A final zero pass was read back as zeros.
    #[must_use]
    pub fn zeros_verified(&self) -> bool {
        self.zeros_verified
    }
}

/// The verifier's word that a claimed drive was written in full, that it read a sample of every
/// pass, and that it found the sample equal. It says nothing of the bytes that were not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleProof {
    least: Samples,
    sectors_read: u64,
    pattern_passes: u32,
    complement: bool,
    zeros: bool,
}

impl SampleProof {
    /// The samples of the pass of which the fewest sectors were read.
    #[must_use]
    pub fn samples(&self) -> &Samples {
        &self.least
    }
    /// Sectors read back and compared in that pass.
    #[must_use]
    pub fn sectors_read(&self) -> u64 {
        self.sectors_read
    }
    /// Pattern and complement passes that were sampled.
    #[must_use]
    pub fn pattern_passes(&self) -> u32 {
        self.pattern_passes
    }
    /// The complement pass was sampled too.
    #[must_use]
    pub fn complement(&self) -> bool {
        self.complement
    }
    /// A final zero pass was sampled, and reads as zeros there.
    #[must_use]
    pub fn zeros(&self) -> bool {
        self.zeros
    }
}

/// What a run was to do.
#[derive(Clone, Debug)]
pub(crate) struct Goal {
    pub(crate) capacity_bytes: u64,
    pub(crate) passes: Vec<PassKind>,
    pub(crate) verify: VerifyMode,
}

/// Bytes that a pass took over from an earlier run: they count only where this run has read the whole
/// drive, whatever was found.
fn taken_over(pass: &PassRecord, capacity: u64) -> u64 {
    let is_whole = |read: &VerifyRecord| {
        read.samples.is_none()
            && read.complete
            && read.read_bytes + read.read_error_bytes == capacity
    };
    match (&pass.resumed, &pass.verify) {
        (Some(resumed), Some(read)) if is_whole(read) => resumed.taken_over_bytes,
        (Some(_) | None, _) => 0,
    }
}

/// The conclusion from what happened. Collects every reason rather than the first.
pub(crate) fn conclude(run: &Run, goal: &Goal) -> Conclusion {
    // A pass of which the recall has found parts is begun, also where nothing was left to write.
    let goes_on = |pass: &PassRecord| {
        pass.resumed
            .as_ref()
            .is_some_and(|resumed| resumed.taken_over_bytes > 0)
    };
    if run.first_write.is_none() && !run.passes.iter().any(goes_on) {
        let nothing = || vec![Shortfall::Other("nothing was written".into())];
        let reasons = if run.stops.is_empty() {
            nothing()
        } else {
            run.stops.clone()
        };
        return Conclusion::NotStarted(reasons);
    }
    let mut reasons = run.stops.clone();
    reasons.extend(from_records(&run.passes));
    // A run that was stopped has not reached its end: that its bytes do not add up is no news.
    if run.stops.is_empty() {
        reasons.extend(byte_counts(&run.passes, goal.capacity_bytes));
    }
    if !reasons.is_empty() {
        return Conclusion::NotComplete(reasons);
    }
    let concluded = match goal.verify {
        VerifyMode::Full => prove(run, goal).map(Conclusion::Verified),
        VerifyMode::Sampled(share) => {
            prove_by_sample(run, goal, share).map(Conclusion::SampleVerified)
        }
        VerifyMode::None => all_written(run, goal).map(|()| Conclusion::WrittenNotChecked),
    };
    concluded.unwrap_or_else(|reason| Conclusion::NotComplete(vec![Shortfall::Other(reason)]))
}

/// Makes the proof, or says which part of it is missing. Looks at every condition anew and relies
/// on no earlier judgement.
fn prove(run: &Run, goal: &Goal) -> Result<Proof, String> {
    for read in reads(run, goal)? {
        if read.samples.is_some() || !is_equal(read, goal.capacity_bytes) {
            return Err("a pass was not read back whole and equal".into());
        }
    }
    let kinds = kinds(run)?;
    Ok(Proof {
        bytes_verified: goal.capacity_bytes,
        pattern_passes_verified: kinds.patterns,
        complement_verified: kinds.complement,
        zeros_verified: kinds.zeros,
    })
}

/// As [`prove`], for a run of which a sample was to be read. The ranges are derived anew from the
/// seed in the record, and every byte of them must have been read.
fn prove_by_sample(run: &Run, goal: &Goal, share: Share) -> Result<SampleProof, String> {
    let mut all: Vec<&Samples> = Vec::new();
    for read in reads(run, goal)? {
        let Some(samples) = &read.samples else {
            return Err("a pass was not read back by sample".into());
        };
        let size = u64::from(samples.sector_bytes());
        let fits = samples.share() == share
            && samples.sectors_total() * size == goal.capacity_bytes
            && all.iter().all(|before| before.seed() != samples.seed());
        if !fits || !is_equal(read, samples.sectors_read() * size) {
            return Err("the sample of a pass was not read back whole and equal".into());
        }
        all.push(samples);
    }
    let least = all.into_iter().min_by_key(|samples| samples.sectors_read());
    let least = least.ok_or("no sample was read back")?;
    let kinds = kinds(run)?;
    Ok(SampleProof {
        least: least.clone(),
        sectors_read: least.sectors_read(),
        pattern_passes: kinds.patterns,
        complement: kinds.complement,
        zeros: kinds.zeros,
    })
}

/// The read-backs of all passes of a run that was written in full, with the identity read between
/// all phases.
fn reads<'a>(run: &'a Run, goal: &Goal) -> Result<Vec<&'a VerifyRecord>, String> {
    all_written(run, goal)?;
    // One check before the first write and one after each of the drive's own erases, one after each
    // write and one after each read.
    if run.identity_checks.len() != 1 + run.own_erases.len() + 2 * run.passes.len() {
        return Err("the identity was not read between all phases".into());
    }
    let reads: Option<Vec<_>> = run.passes.iter().map(|pass| pass.verify.as_ref()).collect();
    reads.ok_or_else(|| "a pass was not read back".into())
}

struct Kinds {
    patterns: u32,
    complement: bool,
    zeros: bool,
}

fn kinds(run: &Run) -> Result<Kinds, String> {
    let mut kinds = Kinds {
        patterns: 0,
        complement: false,
        zeros: false,
    };
    for pass in &run.passes {
        match pass.kind {
            PassKind::Pattern => kinds.patterns += 1,
            PassKind::Complement => {
                (kinds.patterns, kinds.complement) = (kinds.patterns + 1, true);
            }
            PassKind::Zero => kinds.zeros = true,
        }
    }
    match kinds.patterns {
        0 => {
            Err("no pass of the keyed pattern was read back, and zeros alone prove nothing".into())
        }
        _ => Ok(kinds),
    }
}

fn all_written(run: &Run, goal: &Goal) -> Result<(), String> {
    if !run.stops.is_empty() {
        return Err("the run was stopped".into());
    }
    if !run
        .passes
        .iter()
        .map(|pass| pass.kind)
        .eq(goal.passes.iter().copied())
        || goal.passes.is_empty()
    {
        return Err("not all passes were made".into());
    }
    for pass in &run.passes {
        let written = pass.written_bytes + taken_over(pass, goal.capacity_bytes);
        let whole = written == goal.capacity_bytes
            && pass.write_error_bytes == 0
            && pass.write_errors.is_empty();
        if !whole || !pass.flushed {
            return Err("a pass was not written whole and flushed".into());
        }
    }
    if run.identity_checks.len() <= run.passes.len()
        || !run.identity_checks.iter().all(|check| check.same)
    {
        return Err("the identity was not the confirmed one at every check".into());
    }
    Ok(())
}

fn is_equal(read: &VerifyRecord, wanted_bytes: u64) -> bool {
    read.complete
        && read.read_bytes == wanted_bytes
        && read.mismatch_bytes == 0
        && read.mismatches.is_empty()
        && read.first_mismatch_offset_bytes.is_none()
        && read.read_error_bytes == 0
        && read.read_errors.is_empty()
}

/// Errors and differences of all passes; a sector that failed in two passes counts once.
fn from_records(passes: &[PassRecord]) -> Vec<Shortfall> {
    let reads = || passes.iter().filter_map(|pass| pass.verify.as_ref());
    let mut found = Vec::new();
    let bytes = union_bytes(
        passes
            .iter()
            .map(|pass| (&pass.write_errors, pass.write_error_bytes)),
    );
    if bytes > 0 {
        found.push(Shortfall::WriteErrors { bytes });
    }
    let bytes = union_bytes(reads().map(|read| (&read.read_errors, read.read_error_bytes)));
    if bytes > 0 {
        found.push(Shortfall::ReadErrors { bytes });
    }
    let bytes = union_bytes(reads().map(|read| (&read.mismatches, read.mismatch_bytes)));
    let first = reads()
        .filter_map(|read| read.first_mismatch_offset_bytes)
        .min();
    if let Some(first_offset_bytes) = first {
        found.push(Shortfall::Mismatch {
            bytes,
            first_offset_bytes,
        });
    }
    found
}

/// Bytes in the union of the lists, or in the longest of them when lists were cut.
fn union_bytes<'a>(lists: impl Iterator<Item = (&'a Vec<ByteRange>, u64)>) -> u64 {
    let (mut all, mut most) = (Vec::new(), 0);
    for (ranges, bytes) in lists {
        all.extend_from_slice(ranges);
        most = most.max(bytes);
    }
    merged(all)
        .iter()
        .map(ByteRange::len)
        .sum::<u64>()
        .max(most)
}

fn byte_counts(passes: &[PassRecord], capacity: u64) -> Vec<Shortfall> {
    let written = passes.iter().map(|pass| {
        let written = pass.written_bytes + taken_over(pass, capacity);
        (written + pass.write_error_bytes, capacity)
    });
    let read = passes.iter().filter_map(|pass| pass.verify.as_ref());
    let read = read.map(|read| {
        let wanted = read.samples.as_ref().map_or(capacity, Samples::bytes);
        (read.read_bytes + read.read_error_bytes, wanted)
    });
    let wrong = written
        .chain(read)
        .filter(|(accounted, wanted)| accounted != wanted);
    wrong
        .map(|(accounted, wanted)| Shortfall::ByteCount {
            accounted,
            capacity: wanted,
        })
        .collect()
}

/// A drive read back against what an earlier run left on it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadBack {
    /// What was read; empty when reading did not begin.
    pub record: VerifyRecord,
    /// Identity before and after.
    pub identity_checks: Vec<IdentityCheck>,
    /// Why the drive cannot be said to hold the expected bytes; empty when every byte is equal.
    pub shortfalls: Vec<Shortfall>,
}

impl ReadBack {
    /// Every byte of the drive was read and is what was expected. Of zeros this says "reads as
    /// zeros" and proves no erasure.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.shortfalls.is_empty()
    }
}

/// Reads a whole drive and compares it with `content`. Writes nothing: the file may be read-only.
///
/// `identity` is the one recorded in the report: another one ends the run before the first read.
#[must_use]
pub fn read_back(
    target: Target,
    control: Arc<dyn Control>,
    identity: String,
    content: Content,
    progress: Arc<Progress>,
    options: &Options,
    cancel: &Arc<AtomicBool>,
) -> ReadBack {
    let capacity = target.capacity_bytes;
    let run = Work::read_back(target, control, identity, content, progress)
        .map_err(|reason| vec![reason])
        .and_then(|work| only_run(work, options, cancel));
    match run {
        Ok(run) => judge_read_back(run, capacity),
        Err(shortfalls) => ReadBack {
            record: unread(),
            identity_checks: Vec::new(),
            shortfalls,
        },
    }
}

fn only_run(
    work: Work,
    options: &Options,
    cancel: &Arc<AtomicBool>,
) -> Result<Run, Vec<Shortfall>> {
    let mut engine = Engine::new(options.clone(), Arc::clone(cancel));
    engine.admit(work);
    loop {
        if let Some((_, run)) = engine.next_run(Duration::from_secs(1)) {
            return run;
        }
    }
}

fn judge_read_back(run: Run, capacity: u64) -> ReadBack {
    let mut shortfalls = run.stops;
    shortfalls.extend(from_records(&run.passes));
    let record = run
        .passes
        .into_iter()
        .next()
        .and_then(|pass| pass.verify)
        .unwrap_or_else(unread);
    if shortfalls.is_empty() && !is_equal(&record, capacity) {
        // Without an error: what could not be read is in the shortfalls already.
        shortfalls.push(Shortfall::ByteCount {
            accounted: record.read_bytes,
            capacity,
        });
    }
    ReadBack {
        record,
        identity_checks: run.identity_checks,
        shortfalls,
    }
}

fn unread() -> VerifyRecord {
    VerifyRecord {
        samples: None,
        read_bytes: 0,
        mismatches: Vec::new(),
        mismatch_bytes: 0,
        read_errors: Vec::new(),
        read_error_bytes: 0,
        first_read_error: None,
        first_mismatch_offset_bytes: None,
        seconds: 0.0,
        complete: false,
    }
}

#[cfg(test)]
mod tests;
