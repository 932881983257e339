//! Files that stand for drives, and what the tests know of them without asking the engine.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod faulty;
pub mod judge;
pub mod kept;
pub mod scene;
pub mod simulated;

use drive::identity::IdentityLost;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use wipe::job::{Job, VerifyMode};
use wipe::options::Options;
use wipe::outcome::PassKind;
use wipe::pattern::{CONTEXT, Cipher, Seed};
use wipe::progress::Progress;
use wipe::target::{Control, Target};

pub const SEED: Seed = Seed([0x5e; 32]);
/// What is on a medium before: not zeros, not the pattern.
pub const OLD: u8 = 0x11;

/// A drive's slow calls, answered by a test.
pub struct Manner {
    pub identity: String,
    pub present: AtomicBool,
    /// From this identity check on (from 0) the answer is another identity.
    pub changes_at_check: usize,
    /// From this identity check on there is no answer but this.
    pub lost: Option<(usize, IdentityLost)>,
    pub flush_fails: bool,
    pub file: Option<File>,
    pub checks: AtomicUsize,
    pub flushes: AtomicUsize,
    /// Runs at each identity check with its number, before it is answered.
    pub at_check: Mutex<Box<dyn FnMut(usize) + Send>>,
}

impl Manner {
    pub fn plain(identity: &str) -> Self {
        Self {
            identity: identity.into(),
            present: AtomicBool::new(true),
            changes_at_check: usize::MAX,
            lost: None,
            flush_fails: false,
            file: None,
            checks: AtomicUsize::new(0),
            flushes: AtomicUsize::new(0),
            at_check: Mutex::new(Box::new(|_| {})),
        }
    }
}

impl Control for Manner {
    fn flush(&self) -> io::Result<()> {
        self.flushes.fetch_add(1, Ordering::SeqCst);
        if self.flush_fails {
            return Err(io::Error::from_raw_os_error(5));
        }
        self.file.as_ref().map_or(Ok(()), File::sync_all)
    }

    fn recheck_identity(&self) -> Result<String, IdentityLost> {
        let number = self.checks.fetch_add(1, Ordering::SeqCst);
        (self.at_check.lock().unwrap())(number);
        if let Some((_, lost)) = self.lost.as_ref().filter(|(from, _)| number >= *from) {
            return Err(lost.clone());
        }
        Ok(if number >= self.changes_at_check {
            "another drive".into()
        } else {
            self.identity.clone()
        })
    }

    fn is_present(&self) -> bool {
        self.present.load(Ordering::SeqCst)
    }
}

/// A file for direct I/O, filled with [`OLD`].
pub fn old_file(path: &Path, bytes: u64) -> File {
    let mut file = File::create_new(path).unwrap();
    let block = vec![OLD; 1 << 16];
    let mut left = bytes as usize;
    while left > 0 {
        let length = left.min(block.len());
        file.write_all(&block[..length]).unwrap();
        left -= length;
    }
    file.sync_all().unwrap();
    direct(path)
}

pub fn direct(path: &Path) -> File {
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_DIRECT)
        .open(path)
        .unwrap()
}

pub fn target(label: &str, file: &File, bytes: u64, logical: u32, physical: u32) -> Target {
    Target {
        label: label.into(),
        capacity_bytes: bytes,
        logical_sector_bytes: logical,
        physical_sector_bytes: physical,
        file: Arc::new(file.try_clone().unwrap().into()),
        max_request_bytes: None,
        optimal_request_bytes: None,
    }
}

pub fn job(target: Target, control: Arc<Manner>, cipher: Cipher, passes: &[PassKind]) -> Job {
    Job {
        target,
        identity: control.identity.clone(),
        control,
        seed: SEED,
        cipher,
        ladder: Vec::new(),
        passes: passes.to_vec(),
        verify: VerifyMode::Full,
        journal: None,
        resume: None,
        progress: Arc::new(Progress::default()),
    }
}

/// A job over a fresh file, with the file's path to look at it afterwards.
pub fn file_job(
    folder: &Path,
    name: &str,
    bytes: u64,
    cipher: Cipher,
    passes: &[PassKind],
) -> (Job, PathBuf) {
    let path = folder.join(name);
    let file = old_file(&path, bytes);
    let mut manner = Manner::plain(name);
    manner.file = Some(file.try_clone().unwrap());
    (
        job(
            target(name, &file, bytes, 512, 4096),
            Arc::new(manner),
            cipher,
            passes,
        ),
        path,
    )
}

pub fn no_cancel() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(false))
}

pub fn run_all(jobs: Vec<Job>) -> Vec<wipe::outcome::Outcome> {
    wipe::engine::run(jobs, &Options::default(), &no_cancel())
}

/// What the medium holds, read by other means than the engine's.
pub fn bytes_of(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

pub fn overwrite_at(file: &Path, offset: u64, bytes: &[u8]) {
    OpenOptions::new()
        .write(true)
        .open(file)
        .unwrap()
        .write_all_at(bytes, offset)
        .unwrap();
}

/// The AES pattern of a whole drive, from the derivation's text and OpenSSL: nothing of the engine.
pub fn aes_pattern_by_openssl(identity: &str, pass: u32, length: usize) -> Vec<u8> {
    let mut input = Vec::new();
    for field in [
        &SEED.0[..],
        identity.as_bytes(),
        b"aes-128-ctr",
        &pass.to_le_bytes(),
    ] {
        input.extend((field.len() as u64).to_le_bytes());
        input.extend(field);
    }
    let output = blake3::derive_key(CONTEXT, &input);
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let mut child = Command::new("openssl")
        .args([
            "enc",
            "-aes-128-ctr",
            "-K",
            &hex(&output[..16]),
            "-iv",
            &hex(&output[16..]),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the openssl command line tool is needed for this test");
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&vec![0; length]).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output.stdout
}
