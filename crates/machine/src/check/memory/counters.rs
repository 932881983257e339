//! What the machine itself counts of failing memory: the kernel's list of corrupted pages, the memory
//! controllers' counters (EDAC), machine check exceptions. Each is there on some machines only.

use crate::check::memory::room::field;
use crate::roots::{Reader, Roots};

/// The counters at one moment; `None` where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// `HardwareCorrupted` of `/proc/meminfo`: memory that the kernel uses no more.
    pub corrupted_bytes: Option<u64>,
    /// Errors that memory controllers corrected (`edac/mc/*/ce_count`).
    pub corrected: Option<u64>,
    /// Errors that they could not (`ue_count`).
    pub uncorrected: Option<u64>,
    /// Machine check exceptions of all cores, the ones that come by interrupt with them (`/proc/interrupts`,
    /// lines MCE, THR and DFR).
    pub machine_checks: Option<u64>,
}

impl Counters {
    /// Reads them.
    #[must_use]
    pub fn read(roots: &Roots) -> Self {
        let mut reader = Reader::new(roots);
        let meminfo = reader.proc_text("meminfo");
        let interrupts = reader.proc_text("interrupts");
        let controllers: Vec<String> = reader
            .sys_list("devices/system/edac/mc")
            .into_iter()
            .filter(|name| name.starts_with("mc"))
            .collect();
        let mut sum = |counter: &str| {
            let counts = controllers.iter().filter_map(|name| {
                let count =
                    reader.sys_number(&format!("devices/system/edac/mc/{name}/{counter}"))?;
                u64::try_from(count).ok()
            });
            counts.reduce(u64::saturating_add)
        };
        Self {
            corrupted_bytes: meminfo.and_then(|text| field(&text, "HardwareCorrupted:")),
            corrected: sum("ce_count"),
            uncorrected: sum("ue_count"),
            machine_checks: interrupts.and_then(|text| machine_checks(&text)),
        }
    }

    /// Whether any rose since `before`. One that was not there at both times says nothing.
    #[must_use]
    pub fn rose_since(&self, before: &Self) -> bool {
        let pairs = [
            (before.corrupted_bytes, self.corrupted_bytes),
            (before.corrected, self.corrected),
            (before.uncorrected, self.uncorrected),
            (before.machine_checks, self.machine_checks),
        ];
        let rose = |(before, after): (Option<u64>, Option<u64>)| before.zip(after);
        pairs
            .into_iter()
            .filter_map(rose)
            .any(|(before, after)| after > before)
    }
}

/// Sums the columns of the cores.
fn machine_checks(text: &str) -> Option<u64> {
    let counts = text.lines().filter_map(|line| {
        let (name, columns) = line.split_once(':')?;
        let is_ours = matches!(name.trim(), "MCE" | "THR" | "DFR");
        let columns = columns.split_whitespace();
        let numbers = columns.map_while(|column| column.parse::<u64>().ok());
        is_ours.then(|| numbers.fold(0, u64::saturating_add))
    });
    counts.reduce(u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn machine() -> (tempfile::TempDir, Roots) {
        let folder = tempfile::tempdir().unwrap();
        let roots = Roots {
            sys: folder.path().join("sys"),
            proc: folder.path().join("proc"),
        };
        fs::create_dir(&roots.proc).unwrap();
        (folder, roots)
    }

    #[test]
    fn counters_of_all_controllers_and_cores_are_summed() {
        let (_folder, roots) = machine();
        fs::write(roots.proc.join("meminfo"), "HardwareCorrupted:     8 kB\n").unwrap();
        let interrupts = "           CPU0 CPU1\n  0:  40  0  timer\n\
            MCE:   1   2   Machine check exceptions\nMCP:  99  99  Machine check polls\n\
            THR:   0   4   Threshold APIC interrupts\nERR:   7\n";
        fs::write(roots.proc.join("interrupts"), interrupts).unwrap();
        for (name, corrected, uncorrected) in [("mc0", "3\n", "0\n"), ("mc1", "2\n", "1\n")] {
            let folder = roots.sys.join("devices/system/edac/mc").join(name);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("ce_count"), corrected).unwrap();
            fs::write(folder.join("ue_count"), uncorrected).unwrap();
        }
        let read = Counters::read(&roots);
        let expected = Counters {
            corrupted_bytes: Some(8192),
            corrected: Some(5),
            uncorrected: Some(1),
            machine_checks: Some(7),
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn machine_without_counters_has_none_and_none_rises() {
        let (_folder, roots) = machine();
        let none = Counters::read(&roots);
        assert_eq!(none, Counters::default());
        let later = Counters {
            corrected: Some(9),
            ..none
        };
        assert!(!later.rose_since(&none));
        let still_later = Counters {
            corrected: Some(10),
            ..none
        };
        assert!(still_later.rose_since(&later));
        assert!(!later.rose_since(&still_later));
    }
}
