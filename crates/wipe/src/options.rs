//! The engine's measures, each with where its number comes from.

use crate::target::Target;
use std::time::Duration;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Bounds and sizes of a run. The defaults are for real drives.
#[derive(Clone, Debug)]
pub struct Options {
    /// Data threads for all drives together: at most two, and no more than the CPU has cores. One
    /// generates and compares faster than most memory buses carry.
    pub threads: usize,
    /// Drives to be expected, when they are added one after another: the buffers are shared among
    /// so many. 0: those known when a drive is added.
    pub drives_expected: usize,
    /// Bytes of I/O buffers for all drives together. Above 16 MiB in flight the buffers fall out
    /// of the cache and everything becomes slower (measured). Each drive has at least 1 MiB.
    pub memory_bytes: u64,
    /// No request of a drive completes for so long: the drive is stalled. The kernel itself gives
    /// a SCSI command 30 s and several tries.
    pub stall_bound: Duration,
    /// Patience with a flush of the write cache. Some drives take minutes.
    pub flush_bound: Duration,
    /// Patience with a question to the drive: its identity, its presence.
    pub question_bound: Duration,
    /// After an interruption, patience with what is in flight.
    pub drain_bound: Duration,
    /// Requests answer, but with errors only, for so long: the drive is given up.
    pub hopeless_after: Duration,
    /// Whole requests failed in a row, no success between them: the drive is given up.
    pub hopeless_requests: u64,
    /// Failed sectors in a row after which failed requests are listed whole and no longer cut
    /// down to the sector.
    pub cut_until_sectors: u64,
    /// Sectors that differ in one read-back after which it ends: the drive is not erased, whatever
    /// else it holds. Without a number all of them are found.
    pub stop_after_mismatches: Option<u64>,
    /// Ranges named in a record, per kind; the bytes are counted exactly even so.
    pub listed_ranges: usize,
    /// A mark is put in the ledger at most so often. What was written since the last one is written
    /// again after a power cut.
    pub checkpoint_every: Duration,
    /// From one checkpoint to the next it is at least so many times what the last one took: at 100,
    /// a drive that is slow to flush loses at most a hundredth of its time to them.
    pub checkpoint_rest: u32,
}

impl Default for Options {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            threads: cores.min(2),
            drives_expected: 0,
            memory_bytes: 16 * MIB,
            stall_bound: Duration::from_secs(300),
            flush_bound: Duration::from_secs(600),
            question_bound: Duration::from_secs(120),
            drain_bound: Duration::from_secs(10),
            hopeless_after: Duration::from_secs(1800),
            hopeless_requests: 1000,
            cut_until_sectors: 1000,
            stop_after_mismatches: None,
            listed_ranges: 10_000,
            checkpoint_every: Duration::from_secs(60),
            checkpoint_rest: 100,
        }
    }
}

/// Length and greatest number of a drive's requests in flight; see [`crate::depth`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    pub(crate) request_bytes: u32,
    pub(crate) depth: usize,
}

impl Options {
    /// The share of one of `drives` drives: requests of 1 MiB where memory allows four of them or
    /// more, else of 512 KiB; shorter where the drive's queue would split them.
    pub(crate) fn flow(&self, drives: usize, target: &Target) -> Flow {
        let share = (self.memory_bytes / drives.max(1) as u64).clamp(MIB, 8 * MIB);
        let wanted = if share >= 4 * MIB { MIB } else { 512 * KIB };
        let limit = target.max_request_bytes.unwrap_or(wanted).max(64 * KIB);
        // Firmware may claim a physical sector or a best length of gigabytes: one longer than a
        // request is no measure.
        let measure = |bytes: u64| Some(bytes).filter(|bytes| *bytes <= wanted).unwrap_or(0);
        let sector = measure(target.physical_sector_bytes.into())
            .max(target.logical_sector_bytes.into())
            .max(4 * KIB);
        let optimal = measure(target.optimal_request_bytes.unwrap_or(0));
        let unit = if optimal > 0 && optimal <= limit && optimal.is_multiple_of(sector) {
            optimal
        } else {
            sector
        };
        let request = (wanted.min(limit) / unit * unit).max(unit);
        Flow {
            request_bytes: request as u32,
            depth: (share / request).clamp(2, 8) as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Flow, Options, Target};
    use std::sync::Arc;

    fn flow(drives: usize, logical: u32, physical: u32, max: Option<u64>) -> Flow {
        flow_of(drives, logical, physical, max, None)
    }

    fn flow_of(
        drives: usize,
        logical: u32,
        physical: u32,
        max: Option<u64>,
        optimal: Option<u64>,
    ) -> Flow {
        let target = Target {
            label: String::new(),
            capacity_bytes: 0,
            logical_sector_bytes: logical,
            physical_sector_bytes: physical,
            file: Arc::new(std::fs::File::open("/dev/null").unwrap().into()),
            max_request_bytes: max,
            optimal_request_bytes: optimal,
        };
        Options::default().flow(drives, &target)
    }

    #[test]
    fn one_drive_gets_long_requests_sixty_share_the_memory() {
        assert_eq!(
            flow(1, 512, 512, None),
            Flow {
                request_bytes: 1 << 20,
                depth: 8
            }
        );
        assert_eq!(
            flow(4, 512, 512, None),
            Flow {
                request_bytes: 1 << 20,
                depth: 4
            }
        );
        assert_eq!(
            flow(60, 4096, 4096, None),
            Flow {
                request_bytes: 512 << 10,
                depth: 2
            }
        );
    }

    #[test]
    fn physical_sector_that_firmware_makes_up_costs_no_memory() {
        for physical in [2 << 20, 1 << 31, u32::MAX] {
            assert_eq!(flow(1, 512, physical, None), flow(1, 512, 512, None));
        }
        assert_eq!(flow(60, 512, 1 << 20, None).request_bytes, 512 << 10);
    }

    #[test]
    fn requests_are_whole_stripes_where_the_drive_names_one_that_can_be() {
        let request = |optimal, max| flow_of(1, 512, 4096, max, Some(optimal)).request_bytes;
        // A volume of three disks with 64 KiB each.
        assert_eq!(request(192 << 10, None), 960 << 10);
        // USB bridges say 65,535 sectors; some drives say one sector, or what no request can be.
        for optimal in [65_535 * 512, 0, 512, 5000, u64::MAX] {
            assert_eq!(request(optimal, None), 1 << 20, "{optimal}");
        }
        assert_eq!(request(192 << 10, Some(128 << 10)), 128 << 10);
    }

    #[test]
    fn requests_are_whole_sectors_within_the_queue_limit() {
        let usb = flow(1, 512, 512, Some(120 << 10));
        assert_eq!(
            usb,
            Flow {
                request_bytes: 120 << 10,
                depth: 8
            }
        );
        let odd = flow(1, 65536, 65536, Some(100_000));
        assert_eq!(odd.request_bytes, 65536);
    }
}
