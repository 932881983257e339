//! Under which conditions figures were taken: without them a figure says nothing.

use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::run;

/// The instructions that decide the keystream's speed.
const FLAGS: &[&str] = &["aes", "vaes", "ssse3", "avx2", "avx512f"];

#[derive(Debug, Serialize)]
pub struct Conditions {
    /// UTC.
    pub date: String,
    pub cpu: String,
    /// Those of the CPU's flags that decide the keystream's speed.
    pub flags: Vec<String>,
    pub cores: usize,
    pub kernel: String,
    pub memory_bytes: u64,
    /// Over 1, 5 and 15 minutes, before the first run.
    pub load_average: String,
    /// The choice in brackets decides whether raz's buffers are huge pages.
    pub transparent_huge_pages: String,
    /// `git describe`; "-dirty" means that the checkout had changes.
    pub commit: String,
    /// Each program with what it says of itself.
    pub tools: Vec<(String, String)>,
}

impl Conditions {
    pub fn gather(root: &Path) -> anyhow::Result<Self> {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo")?;
        let meminfo = fs::read_to_string("/proc/meminfo")?;
        let mut git = run::program("git");
        git.current_dir(root)
            .args(["describe", "--always", "--dirty"]);
        let tools = [
            ("fio", "--version"),
            ("scrub", "--version"),
            ("shred", "--version"),
            ("losetup", "--version"),
        ];
        Ok(Self {
            date: run::output(run::program("date").args(["--utc", "+%Y-%m-%d %H:%M"]))?
                .trim()
                .to_owned(),
            cpu: field(&cpuinfo, "model name")
                .unwrap_or("unknown")
                .to_owned(),
            flags: flags(field(&cpuinfo, "flags").unwrap_or_default()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: read("/proc/sys/kernel/osrelease"),
            memory_bytes: field(&meminfo, "MemTotal")
                .and_then(|text| text.split_whitespace().next())
                .and_then(|kib| kib.parse::<u64>().ok())
                .unwrap_or(0)
                << 10,
            load_average: read("/proc/loadavg")
                .split_whitespace()
                .take(3)
                .collect::<Vec<_>>()
                .join(" "),
            transparent_huge_pages: read("/sys/kernel/mm/transparent_hugepage/enabled"),
            commit: run::output(&mut git)?.trim().to_owned(),
            tools: tools
                .iter()
                .map(|(name, option)| ((*name).to_owned(), first_line(name, option)))
                .collect(),
        })
    }

    pub fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|one| one == flag)
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path)
        .map(|text| text.trim().to_owned())
        .unwrap_or_else(|_| "unknown".to_owned())
}

fn first_line(program: &str, option: &str) -> String {
    run::output(run::program(program).arg(option))
        .ok()
        .and_then(|text| text.lines().next().map(str::to_owned))
        .unwrap_or_else(|| "unknown".to_owned())
}

/// The value of the first `name : value` line.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then_some(value.trim())
    })
}

fn flags(all: &str) -> Vec<String> {
    FLAGS
        .iter()
        .filter(|flag| all.split_whitespace().any(|word| word == **flag))
        .map(|flag| (*flag).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_whole_words() {
        assert_eq!(flags("fpu vaes avx2 ssse3"), ["vaes", "ssse3", "avx2"]);
        assert_eq!(flags("xaes"), Vec::<String>::new());
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let text = "vendor_id\t: A\nmodel\t\t: 17\nmodel name\t: AMD EPYC: x\n";
        assert_eq!(field(text, "model name"), Some("AMD EPYC: x"));
        assert_eq!(field(text, "flags"), None);
    }
}
