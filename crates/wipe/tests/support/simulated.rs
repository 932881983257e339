//! Drives of `sim` as the engine's targets.

use drive::identity::IdentityLost;
use sim::drive::Drive;
use sim::faults::{Faults, Timing};
use sim::media::{Content as Bytes, Medium};
use sim::queue::{Shelf, lock};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, OnceLock};
use wipe::content::Content;
use wipe::engine::{Engine, QueueMaker};
use wipe::job::{Job, VerifyMode};
use wipe::options::Options;
use wipe::outcome::PassKind;
use wipe::pattern::{Cipher, PassKey, Seed};
use wipe::progress::Progress;
use wipe::target::{Control, Target};

/// What a test wants of one drive.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub identity: String,
    pub sectors: u64,
    pub sector_bytes: u32,
    pub physical_bytes: u32,
    pub max_request_bytes: Option<u64>,
    pub seed: Seed,
    pub cipher: Cipher,
    pub passes: Vec<PassKind>,
    pub verify: VerifyMode,
    pub faults: Faults,
    pub timing: Timing,
    /// Of the faults' chances.
    pub chance: u64,
}

impl Wanted {
    /// A good drive with one pass of the pattern.
    pub fn good(identity: &str, sectors: u64, sector_bytes: u32) -> Self {
        Self {
            identity: identity.into(),
            sectors,
            sector_bytes,
            physical_bytes: 4096.max(sector_bytes),
            max_request_bytes: None,
            seed: super::SEED,
            cipher: Cipher::ChaCha8,
            passes: vec![PassKind::Pattern],
            verify: VerifyMode::Full,
            faults: Faults::default(),
            timing: Timing::default(),
            chance: 0,
        }
    }

    pub fn bytes(&self) -> u64 {
        self.sectors * u64::from(self.sector_bytes)
    }

    /// Pass numbers as the derivation has them.
    pub fn numbers(&self) -> Vec<u32> {
        let mut patterns: u32 = 0;
        let number = |kind: &PassKind| {
            patterns += u32::from(*kind == PassKind::Pattern);
            patterns.saturating_sub(1)
        };
        self.passes.iter().map(number).collect()
    }

    /// Puts the drive on the shelf. What its passes write is what its medium expects, each by the
    /// index of its pass.
    pub fn put(&self, shelf: &Shelf) -> (Job, Arc<Mutex<Drive>>) {
        self.put_again(shelf, self.medium())
    }

    /// A medium on which nothing was written yet.
    pub fn medium(&self) -> Medium {
        let contents = self
            .passes
            .iter()
            .zip(self.numbers())
            .map(|(kind, number)| {
                let key = PassKey::derive(&self.seed, &self.identity, self.cipher, number).unwrap();
                let content = match kind {
                    PassKind::Pattern => Content::Pattern(key),
                    PassKind::Complement => Content::Complement(key),
                    PassKind::Zero => Content::Zeros,
                };
                Arc::new(move |offset, buffer: &mut [u8]| content.fill(offset, buffer)) as Bytes
            });
        Medium::new(
            self.sector_bytes,
            self.sectors,
            Arc::new(old),
            contents.collect(),
        )
    }

    /// As [`Wanted::put`], with the medium that an earlier run has left.
    pub fn put_again(&self, shelf: &Shelf, medium: Medium) -> (Job, Arc<Mutex<Drive>>) {
        let drive = Drive::new(
            &self.identity,
            medium,
            self.faults.clone(),
            self.timing,
            self.chance,
        );
        let file = stand_in();
        let drive = shelf.put(&file, drive);
        let job = Job {
            target: Target {
                label: self.identity.clone(),
                capacity_bytes: self.bytes(),
                logical_sector_bytes: self.sector_bytes,
                physical_sector_bytes: self.physical_bytes,
                file,
                max_request_bytes: self.max_request_bytes,
                optimal_request_bytes: None,
            },
            control: Arc::new(Door(Arc::clone(&drive))),
            identity: self.identity.clone(),
            seed: self.seed,
            cipher: self.cipher,
            ladder: Vec::new(),
            passes: self.passes.clone(),
            verify: self.verify,
            journal: None,
            resume: None,
            progress: Arc::new(Progress::default()),
        };
        (job, drive)
    }
}

/// An engine whose drives are on the shelf.
pub fn engine(
    options: Options,
    cancel: Arc<std::sync::atomic::AtomicBool>,
    shelf: &Arc<Shelf>,
) -> Engine {
    let shelf = Arc::clone(shelf);
    let queues: QueueMaker = Arc::new(move |entries| Ok(shelf.queue(entries)));
    Engine::with_queues(options, cancel, queues)
}

struct Door(Arc<Mutex<Drive>>);

impl Control for Door {
    fn flush(&self) -> io::Result<()> {
        lock(&self.0).flush()
    }

    fn recheck_identity(&self) -> Result<String, IdentityLost> {
        lock(&self.0).identify().map_err(IdentityLost::Silent)
    }

    fn is_present(&self) -> bool {
        lock(&self.0).is_present()
    }
}

/// What is on a drive before: at each place something else, and neither zeros nor the pattern.
fn old(offset: u64, buffer: &mut [u8]) {
    for (n, bytes) in (offset / 8..).zip(buffer.chunks_mut(8)) {
        bytes.copy_from_slice(&(n | 0x4f4c_4400_0000_0000).to_be_bytes()[..bytes.len()]);
    }
}

/// A descriptor of its own, of a file for direct I/O that nobody reads or writes.
fn stand_in() -> Arc<OwnedFd> {
    static FILE: OnceLock<std::fs::File> = OnceLock::new();
    let file = FILE.get_or_init(|| super::direct(tempfile::NamedTempFile::new().unwrap().path()));
    Arc::new(file.try_clone().unwrap().into())
}
