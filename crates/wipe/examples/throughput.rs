//! raz's side of `cargo xtask bench`: writes and verifies loop devices that exist already, and
//! prints one JSON object. A measure for people, not a test: nothing is asserted but that every byte
//! was written and read back equal.
//!
//! `throughput FOLDER default|threads aes|chacha PASSES REST_SECONDS DEVICE…`: `default` is the queue that
//! the engine takes by itself, `threads` the one of kernels without io_uring; PASSES is a comma list of
//! `pattern` and `zero`; between the write and the verify of a pass it rests. It refuses any device that
//! is not a loop device over a file in FOLDER.

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};
use wipe::engine::{Engine, QueueMaker, run_with};
use wipe::job::{Job, VerifyMode};
use wipe::options::Options;
use wipe::outcome::{Outcome, PassKind};
use wipe::pattern::{Cipher, Seed};
use wipe::progress::Progress;
use wipe::target::{Control, Target};

/// A device of the bench as the engine sees it.
struct Plain {
    file: File,
    identity: String,
    /// Pause between write and verify: reads right after a large write are slow where the host
    /// still writes back. The engine asks for the identity there, which no phase's time includes.
    rest: Duration,
    identity_checks: AtomicU64,
    /// The most memory in huge pages that was seen, of all drives.
    huge_pages_bytes: Arc<AtomicU64>,
}

impl Control for Plain {
    fn flush(&self) -> std::io::Result<()> {
        self.file.sync_all()
    }
    fn recheck_identity(&self) -> Result<String, drive::identity::IdentityLost> {
        // Once at the claim, then after each write and each verify by turns.
        if self.identity_checks.fetch_add(1, Ordering::Relaxed) % 2 == 1 {
            std::thread::sleep(self.rest);
            // Here the drive's buffers are in use, and no phase is under way.
            self.huge_pages_bytes
                .fetch_max(huge_pages_bytes(), Ordering::Relaxed);
        }
        Ok(self.identity.clone())
    }
    fn is_present(&self) -> bool {
        true
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, queue, cipher_name, passes, rest, devices @ ..] = arguments.as_slice() else {
        return Err(
            "usage: throughput FOLDER default|threads aes|chacha PASSES REST_SECONDS DEVICE…"
                .into(),
        );
    };
    if devices.is_empty() {
        return Err("no device named".into());
    }
    let folder = Path::new(folder).canonicalize()?;
    let queues: QueueMaker = match queue.as_str() {
        "default" => Arc::new(sys::queue::queue),
        "threads" => Arc::new(sys::queue::threads),
        other => return Err(format!("{other}: default or threads").into()),
    };
    let cipher = cipher(cipher_name)?;
    let passes = passes
        .split(',')
        .map(|name| match name {
            "pattern" => Ok(PassKind::Pattern),
            "zero" => Ok(PassKind::Zero),
            other => Err(format!("{other}: pattern or zero")),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let rest = Duration::try_from_secs_f64(rest.parse()?)?;
    let huge_pages_bytes = Arc::default();
    // All of them are looked at before the first is written to.
    let jobs = devices
        .iter()
        .map(|device| {
            let device = Path::new(device);
            let mut file = open(device)?;
            check_own_loop(&file, &folder).map_err(|why| format!("{}: {why}", device.display()))?;
            let bytes = file.seek(SeekFrom::End(0))?;
            let control = Plain {
                file: file.try_clone()?,
                identity: device.display().to_string(),
                rest,
                identity_checks: AtomicU64::new(0),
                huge_pages_bytes: Arc::clone(&huge_pages_bytes),
            };
            job(control, file, bytes, cipher, &passes)
        })
        .collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    let round = round(jobs, queues)?;
    println!(
        "{{\"bytes\":{},\"first_write_seconds\":{},\"write_seconds\":{},\"verify_seconds\":{},\"wall_seconds\":{},\"rest_seconds\":{},\"user_seconds\":{},\"system_seconds\":{},\"rss_peak_bytes\":{},\"huge_pages_bytes\":{}}}",
        round.bytes,
        round.first_write_seconds,
        round.write_seconds,
        round.verify_seconds,
        round.wall_seconds,
        rest.as_secs_f64() * passes.len() as f64,
        round.user_seconds,
        round.system_seconds,
        rss_peak_bytes()?,
        huge_pages_bytes.load(Ordering::Relaxed)
    );
    Ok(())
}

/// Whether the *open* file is a loop device over a file that lies directly in `folder`: asked by
/// the device's number, since a name may point elsewhere by now.
fn check_own_loop(file: &File, folder: &Path) -> Result<(), Box<dyn Error>> {
    let metadata = file.metadata()?;
    let number = (libc::major(metadata.rdev()), libc::minor(metadata.rdev()));
    if !metadata.file_type().is_block_device() || number.0 != LOOP_MAJOR {
        return Err("not a loop device".into());
    }
    let attribute = format!("/sys/dev/block/{}:{}/loop/backing_file", number.0, number.1);
    let backing = std::fs::read_to_string(attribute)?;
    let backing = Path::new(backing.trim_end_matches('\n'));
    // A deleted file's name ends in " (deleted)": then nothing by that name is found.
    if backing.parent() != Some(folder) || !backing.is_file() {
        return Err(format!(
            "over {}, which is not in {}",
            backing.display(),
            folder.display()
        )
        .into());
    }
    Ok(())
}

/// The kernel's number for loop devices (Documentation/admin-guide/devices.txt).
const LOOP_MAJOR: libc::c_uint = 7;

/// Figures of one run over all drives: the slowest drive's phases, this process's time.
struct Round {
    bytes: u64,
    /// From the start of the engine until the last drive's first write is sent.
    first_write_seconds: f64,
    write_seconds: f64,
    verify_seconds: f64,
    wall_seconds: f64,
    user_seconds: f64,
    system_seconds: f64,
}

fn round(jobs: Vec<Job>, queues: QueueMaker) -> Result<Round, Box<dyn Error>> {
    let bytes = jobs.iter().map(|job| job.target.capacity_bytes).sum();
    let capacities: Vec<u64> = jobs.iter().map(|job| job.target.capacity_bytes).collect();
    let (begun, before) = (Instant::now(), cpu_seconds()?);
    // The outcomes say the wall clock's time.
    let clock = SystemTime::now();
    let cancel = Arc::new(AtomicBool::new(false));
    let engine = Engine::with_queues(Options::default(), cancel, queues);
    let outcomes = run_with(engine, jobs);
    let (wall_seconds, after) = (begun.elapsed().as_secs_f64(), cpu_seconds()?);
    for (outcome, capacity) in outcomes.iter().zip(capacities) {
        if !proven(outcome, capacity) {
            return Err(format!("{:?}", outcome.conclusion).into());
        }
    }
    let longest =
        |seconds: &dyn Fn(&Outcome) -> f64| outcomes.iter().map(seconds).fold(0.0, f64::max);
    Ok(Round {
        bytes,
        first_write_seconds: longest(&|outcome| {
            let since = outcome.started.duration_since(clock);
            since.unwrap_or_default().as_secs_f64()
        }),
        write_seconds: longest(&|outcome| {
            outcome.passes.iter().map(|pass| pass.write_seconds).sum()
        }),
        verify_seconds: longest(&|outcome| {
            let verifies = outcome.passes.iter().flat_map(|pass| &pass.verify);
            verifies.map(|verify| verify.seconds).sum()
        }),
        wall_seconds,
        user_seconds: after.0 - before.0,
        system_seconds: after.1 - before.1,
    })
}

/// Every byte of every pass written and read back equal. The conclusion says less of a zero pass
/// alone, which proves no erasure; here it is a measure only.
fn proven(outcome: &Outcome, capacity_bytes: u64) -> bool {
    !outcome.passes.is_empty()
        && outcome.passes.iter().all(|pass| {
            pass.written_bytes == capacity_bytes
                && pass.verify.as_ref().is_some_and(|verify| {
                    verify.complete
                        && verify.read_bytes == capacity_bytes
                        && verify.mismatch_bytes == 0
                })
        })
}

fn cipher(name: &str) -> Result<Cipher, String> {
    match name {
        "aes" => Ok(Cipher::Aes128Ctr),
        "chacha" => Ok(Cipher::ChaCha8),
        other => Err(format!("{other}: aes or chacha")),
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_DIRECT)
        .open(path)
}

fn job(
    control: Plain,
    file: File,
    bytes: u64,
    cipher: Cipher,
    passes: &[PassKind],
) -> Result<Job, Box<dyn Error>> {
    let identity = control.identity.clone();
    Ok(Job {
        target: Target {
            label: identity.clone(),
            capacity_bytes: bytes,
            logical_sector_bytes: 512,
            physical_sector_bytes: 4096,
            file: Arc::new(file.into()),
            max_request_bytes: None,
            optimal_request_bytes: None,
        },
        control: Arc::new(control),
        identity,
        seed: Seed::random()?,
        cipher,
        ladder: Vec::new(),
        passes: passes.to_vec(),
        verify: VerifyMode::Full,
        journal: None,
        resume: None,
        progress: Arc::new(Progress::default()),
    })
}

/// User and system time of this process so far.
fn cpu_seconds() -> Result<(f64, f64), Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after = stat.rsplit(')').next().ok_or("no stat")?;
    let seconds = |index: usize| {
        let ticks = after.split_whitespace().nth(index)?.parse::<f64>().ok()?;
        // USER_HZ is 100 on every Linux that raz runs on.
        Some(ticks / 100.0)
    };
    Ok((
        seconds(11).ok_or("no user time")?,
        seconds(12).ok_or("no system time")?,
    ))
}

/// The most memory that this process had at any time.
fn rss_peak_bytes() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("no VmHWM")?;
    let kib = line.split_whitespace().next().ok_or("no VmHWM")?;
    Ok(kib.parse::<u64>()? << 10)
}

/// Memory of this process that is in transparent huge pages now; 0 where the kernel does not say.
fn huge_pages_bytes() -> u64 {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let kib = rollup
        .lines()
        .find_map(|line| line.strip_prefix("AnonHugePages:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|kib| kib.parse::<u64>().ok());
    kib.unwrap_or(0) << 10
}
