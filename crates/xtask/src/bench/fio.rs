//! fio's best: the limit that raz is held against.
//!
//! Buffers from huge pages, since a request built from 4 KiB pages hits the device's segment limit
//! and would understate the limit several times over. Block size and depth are found once per
//! setting over a small grid; the rounds then repeat the best write and the best read.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use super::child;
use super::devices::Drive;

const HUGE_PAGE_BYTES: u64 = 2 << 20;
const NR_HUGEPAGES: &str = "/proc/sys/vm/nr_hugepages";

/// Block size in KiB and depth: what was ever the best somewhere.
const GRID: &[(u32, u32)] = &[
    (512, 4),
    (512, 8),
    (1024, 2),
    (1024, 4),
    (1024, 8),
    (2048, 4),
    (4096, 4),
    (4096, 16),
];

/// Direction of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Write,
    Read,
}

impl Direction {
    fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Read => "read",
        }
    }
}

/// How fio is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    pub block_kib: u32,
    pub depth: u32,
    /// One thread for each drive, or one for all of them.
    pub thread_per_drive: bool,
}

impl Setting {
    /// Those to be tried for so many drives.
    pub fn grid(drives: usize) -> Vec<Self> {
        let threads: &[bool] = if drives > 1 { &[true, false] } else { &[true] };
        GRID.iter()
            .flat_map(|(block_kib, depth)| {
                threads.iter().map(|thread_per_drive| Self {
                    block_kib: *block_kib,
                    depth: *depth,
                    thread_per_drive: *thread_per_drive,
                })
            })
            .collect()
    }

    /// `1024k qd4`, and how many threads where there is a choice.
    pub fn shown(self, drives: usize) -> String {
        let threads = match (drives, self.thread_per_drive) {
            (0 | 1, _) => "",
            (_, true) => ", a thread a drive",
            (_, false) => ", one thread",
        };
        format!("{}k qd{}{threads}", self.block_kib, self.depth)
    }

    /// The command over drives that are ours.
    pub fn command(self, direction: Direction, drives: &[Drive]) -> anyhow::Result<Command> {
        ensure!(!drives.is_empty(), "fio without a drive");
        let paths = drives
            .iter()
            .map(|drive| Ok(drive.check()?.display().to_string()))
            .collect::<anyhow::Result<Vec<_>>>()?;
        Ok(child::command(
            "fio",
            self.arguments(direction, &paths).iter().map(String::as_str),
        ))
    }

    fn arguments(self, direction: Direction, devices: &[String]) -> Vec<String> {
        let mut arguments = vec![
            "--output-format=json".to_owned(),
            "--thread".to_owned(),
            "--ioengine=io_uring".to_owned(),
            "--direct=1".to_owned(),
            "--mem=shmhuge".to_owned(),
            "--hugepage-size=2m".to_owned(),
            format!("--rw={}", direction.name()),
            format!("--bs={}k", self.block_kib),
            format!("--iodepth={}", self.depth),
        ];
        if self.thread_per_drive {
            for (number, device) in devices.iter().enumerate() {
                arguments.push(format!("--name=drive-{number}"));
                arguments.push(format!("--filename={device}"));
            }
        } else {
            arguments.push("--name=drives".to_owned());
            arguments.push(format!("--filename={}", devices.join(":")));
        }
        arguments
    }

    fn buffer_bytes(self, drives: usize) -> u64 {
        let threads = if self.thread_per_drive { drives } else { 1 };
        let each = u64::from(self.block_kib) * 1024 * u64::from(self.depth);
        // fio takes the length, a page for alignment, and rounds up to one huge page too many.
        threads as u64 * (each.next_multiple_of(HUGE_PAGE_BYTES) + 2 * HUGE_PAGE_BYTES)
    }
}

#[derive(Deserialize)]
struct Output {
    jobs: Vec<Job>,
}

#[derive(Deserialize)]
struct Job {
    error: i32,
    read: Half,
    write: Half,
}

#[derive(Deserialize)]
struct Half {
    io_bytes: u64,
    /// Milliseconds.
    runtime: u64,
}

/// Seconds of the slowest job, from fio's JSON. An error when a job failed or moved other than
/// `bytes` in all.
pub fn seconds(json: &str, direction: Direction, bytes: u64) -> anyhow::Result<f64> {
    // Messages of fio may stand before the document.
    let start = json.find('{').context("fio printed no JSON")?;
    let output: Output = serde_json::from_str(json.get(start..).unwrap_or_default())
        .context("parsing fio's JSON")?;
    let mut moved = 0;
    let mut slowest = 0;
    for job in &output.jobs {
        if job.error != 0 {
            bail!("a job of fio ended with error {}", job.error);
        }
        let half = match direction {
            Direction::Write => &job.write,
            Direction::Read => &job.read,
        };
        moved += half.io_bytes;
        slowest = slowest.max(half.runtime);
    }
    ensure!(moved == bytes, "fio moved {moved} bytes of {bytes}");
    ensure!(slowest > 0, "fio took less than a millisecond");
    Ok(slowest as f64 / 1000.0)
}

/// Huge pages reserved for the time of the bench.
pub struct HugePages {
    before: u64,
}

impl HugePages {
    /// As many as any of the settings needs for so many drives, above those that there are.
    pub fn reserve(drives: usize, settings: &[Setting]) -> anyhow::Result<Self> {
        let before = count()?;
        let needed = settings
            .iter()
            .map(|setting| setting.buffer_bytes(drives).div_ceil(HUGE_PAGE_BYTES))
            .max()
            .unwrap_or(0);
        let pages = Self { before };
        set(before + needed)?;
        let got = count()?;
        ensure!(
            got >= before + needed,
            "the kernel reserved {} huge pages of {needed}: memory is too fragmented",
            got.saturating_sub(before)
        );
        Ok(pages)
    }
}

impl Drop for HugePages {
    fn drop(&mut self) {
        if let Err(error) = set(self.before) {
            eprintln!("bench: {error:#}");
        }
    }
}

fn count() -> anyhow::Result<u64> {
    fs::read_to_string(NR_HUGEPAGES)?
        .trim()
        .parse()
        .with_context(|| format!("reading {NR_HUGEPAGES}"))
}

fn set(pages: u64) -> anyhow::Result<()> {
    fs::write(Path::new(NR_HUGEPAGES), pages.to_string())
        .with_context(|| format!("setting {NR_HUGEPAGES} to {pages}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cut from what fio 3.33 printed.
    fn json(jobs: &[(i32, u64, u64)]) -> String {
        let jobs: Vec<String> = jobs
            .iter()
            .map(|(error, bytes, runtime)| {
                format!(
                    r#"{{ "jobname" : "d0", "error" : {error}, "eta" : 2147483647,
                    "job options" : {{ "bs" : "1m" }},
                    "read" : {{ "io_bytes" : 0, "bw_bytes" : 0, "runtime" : 0 }},
                    "write" : {{ "io_bytes" : {bytes}, "bw" : 1659139, "iops" : 1620.253165,
                                 "runtime" : {runtime} }} }}"#
                )
            })
            .collect();
        format!(
            "fio: a note\n{{ \"fio version\" : \"fio-3.33\", \"jobs\" : [{}] }}\n",
            jobs.join(",")
        )
    }

    #[test]
    fn the_slowest_job_counts() {
        let text = json(&[(0, 100, 316), (0, 100, 401)]);
        let seconds = seconds(&text, Direction::Write, 200).expect("two good jobs");
        assert!((seconds - 0.401).abs() < 1e-9);
    }

    #[test]
    fn failed_short_and_absent_runs_are_errors() {
        assert!(seconds(&json(&[(5, 100, 316)]), Direction::Write, 100).is_err());
        assert!(seconds(&json(&[(0, 99, 316)]), Direction::Write, 100).is_err());
        assert!(seconds(&json(&[(0, 100, 316)]), Direction::Read, 100).is_err());
        assert!(seconds(&json(&[]), Direction::Write, 100).is_err());
        assert!(seconds("", Direction::Write, 100).is_err());
        assert!(seconds("{ \"jobs\" : ", Direction::Write, 100).is_err());
    }

    #[test]
    fn every_drive_is_named_once_in_either_layout() {
        let devices = ["/dev/loop1".to_owned(), "/dev/loop2".to_owned()];
        for setting in Setting::grid(2) {
            let text = setting.arguments(Direction::Write, &devices).join(" ");
            for device in &devices {
                assert_eq!(text.matches(device.as_str()).count(), 1, "{text}");
            }
            assert!(text.contains("--mem=shmhuge"));
        }
    }

    #[test]
    fn more_than_one_drive_also_tries_a_single_thread() {
        assert_eq!(Setting::grid(1).len(), GRID.len());
        assert_eq!(Setting::grid(4).len(), 2 * GRID.len());
    }
}
