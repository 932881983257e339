//! Writes and verifies files that it makes itself, or loop devices over them, and prints the rates.
//! A measure for people, not a test: nothing is asserted but that the drives are proven.
//!
//! `cargo run --release -p wipe --example throughput -- FOLDER [GIB] [DRIVES] [aes|chacha|zero] [loop]`

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;
use wipe::engine::run;
use wipe::job::{Job, VerifyMode};
use wipe::options::Options;
use wipe::outcome::{Conclusion, PassKind};
use wipe::pattern::{Cipher, Seed};
use wipe::progress::Progress;
use wipe::target::{Control, Target};

struct Plain(File, String);

impl Control for Plain {
    fn flush(&self) -> std::io::Result<()> {
        self.0.sync_all()
    }
    fn recheck_identity(&self) -> Result<String, String> {
        Ok(self.1.clone())
    }
    fn is_present(&self) -> bool {
        true
    }
}

/// A loop device over one of our files, detached on drop.
struct Loop(PathBuf);

impl Loop {
    fn over(file: &Path) -> Result<Self, Box<dyn Error>> {
        let out = Command::new("losetup")
            .args(["--find", "--show", "--direct-io=on"])
            .arg(file)
            .output()?;
        if !out.status.success() {
            return Err(String::from_utf8_lossy(&out.stderr).into());
        }
        let device = PathBuf::from(String::from_utf8(out.stdout)?.trim());
        let name = device
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or("no loop device")?;
        let backing = std::fs::read_to_string(format!("/sys/block/{name}/loop/backing_file"))?;
        assert_eq!(
            Path::new(backing.trim_end()),
            file.canonicalize()?,
            "not our loop device"
        );
        Ok(Self(device))
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("losetup")
            .arg("--detach")
            .arg(&self.0)
            .status();
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let parent = arguments
        .next()
        .ok_or("usage: throughput FOLDER [GIB] [DRIVES] [aes|chacha|zero] [loop]")?;
    let bytes = arguments.next().map_or(Ok(2), |text| text.parse::<u64>())? << 30;
    let drives = arguments
        .next()
        .map_or(Ok(1), |text| text.parse::<usize>())?;
    let kind = arguments.next();
    let looped = arguments.next().is_some();
    let (cipher, passes) = match kind.as_deref() {
        None => (Cipher::for_this_cpu(), vec![PassKind::Pattern]),
        Some("aes") => (Cipher::Aes128Ctr, vec![PassKind::Pattern]),
        Some("chacha") => (Cipher::ChaCha8, vec![PassKind::Pattern]),
        Some("zero") => (Cipher::ChaCha8, vec![PassKind::Zero]),
        Some(other) => return Err(format!("{other}: aes, chacha or zero").into()),
    };
    let folder = tempfile::tempdir_in(parent)?;
    let (mut devices, mut loops) = (Vec::new(), Vec::new());
    for n in 0..drives {
        let path = folder.path().join(format!("drive-{n}"));
        allocate(&path, bytes)?;
        devices.push(if looped {
            loops.push(Loop::over(&path)?);
            loops[n].0.clone()
        } else {
            path
        });
    }
    // The first round pays for memory that was never touched.
    for _ in 0..4 {
        let jobs = devices
            .iter()
            .map(|device| job(device, bytes, cipher, &passes))
            .collect::<Result<_, _>>()?;
        println!(
            "{drives} x {} GiB {}: {}",
            bytes >> 30,
            kind.as_deref().unwrap_or(cipher.name()),
            round(jobs)?
        );
    }
    Ok(())
}

/// One run over all drives, as a line of figures.
fn round(jobs: Vec<Job>) -> Result<String, Box<dyn Error>> {
    let bytes: u64 = jobs.iter().map(|job| job.target.capacity_bytes).sum();
    let zeros = jobs.iter().all(|job| job.passes == [PassKind::Zero]);
    let (begun, before) = (Instant::now(), cpu_seconds()?);
    let outcomes = run(jobs, &Options::default(), &Arc::new(AtomicBool::new(false)));
    let (wall, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds()? - before);
    for outcome in &outcomes {
        match &outcome.conclusion {
            Conclusion::Verified(_) => {}
            Conclusion::NotComplete(_) if zeros => {}
            other => return Err(format!("{other:?}").into()),
        }
    }
    let gib = bytes as f64 / f64::from(1 << 30);
    let longest = |seconds: &dyn Fn(&wipe::outcome::Outcome) -> f64| {
        outcomes.iter().map(seconds).fold(0.0, f64::max)
    };
    let write = longest(&|outcome| outcome.passes[0].write_seconds);
    let read = longest(&|outcome| {
        outcome.passes[0]
            .verify
            .as_ref()
            .map_or(0.0, |read| read.seconds)
    });
    Ok(format!(
        "write {:.2} GiB/s, verify {:.2} GiB/s, wall {wall:.2} s, CPU {:.2} s/GiB",
        gib / write,
        gib / read,
        cpu / gib
    ))
}

fn allocate(path: &Path, bytes: u64) -> Result<(), Box<dyn Error>> {
    let status = Command::new("fallocate")
        .arg("-l")
        .arg(bytes.to_string())
        .arg(path)
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err("fallocate failed".into())
    }
}

fn job(
    path: &Path,
    bytes: u64,
    cipher: Cipher,
    passes: &[PassKind],
) -> Result<Job, Box<dyn Error>> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_DIRECT)
        .open(path)?;
    let identity = path.display().to_string();
    Ok(Job {
        target: Target {
            label: identity.clone(),
            capacity_bytes: bytes,
            logical_sector_bytes: 512,
            physical_sector_bytes: 4096,
            file: Arc::new(file.try_clone()?.into()),
            max_request_bytes: None,
        },
        control: Arc::new(Plain(file, identity.clone())),
        identity,
        seed: Seed::random()?,
        cipher,
        passes: passes.to_vec(),
        verify: VerifyMode::Full,
        progress: Arc::new(Progress::default()),
    })
}

/// User and system time of this process so far.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after = stat.rsplit(')').next().ok_or("no stat")?;
    let ticks = |index: usize| {
        after
            .split_whitespace()
            .nth(index)
            .and_then(|text| text.parse::<f64>().ok())
    };
    let (user, system) = (
        ticks(11).ok_or("no user time")?,
        ticks(12).ok_or("no system time")?,
    );
    // USER_HZ is 100 on every Linux that raz runs on.
    Ok((user + system) / 100.0)
}
