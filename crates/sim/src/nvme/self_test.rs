//! Device Self-test (base specification 2.1, sections 5.1.5 and 8.1.7) and its log, 06h.

use super::status;
use super::{Entry, NvmeDrive, Reply, put};
use std::time::Duration;

const RESULTS_MAX: usize = 20;
const RESULT_BYTES: usize = 28;
const SHORT: u8 = 1;
const EXTENDED: u8 = 2;
const ABORT: u8 = 0xF;

/// How a self-test ended, as the log tells it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Passed = 0,
    AbortedByCommand = 1,
    AbortedByReset = 2,
    AbortedByFormat = 4,
    AbortedBySanitize = 9,
}

/// The self-test that runs, and those that ran.
#[derive(Default)]
pub struct SelfTest {
    running: Option<Running>,
    /// Entries of the log, the newest first.
    results: Vec<[u8; RESULT_BYTES]>,
}

struct Running {
    code: u8,
    nsid: u32,
    done: Duration,
    total: Duration,
}

impl NvmeDrive {
    pub(super) fn self_test_command(&mut self, entry: &Entry) -> Reply {
        if !self.options.switches.self_test {
            return Err(status::INVALID_OPCODE);
        }
        let total = match entry.byte(40) & 0xF {
            SHORT => self.options.durations.short_test,
            EXTENDED => self.options.durations.extended_test,
            ABORT => {
                self.end_self_test(Ending::AbortedByCommand);
                return Ok((0, Vec::new()));
            }
            _ => return Err(status::INVALID_FIELD),
        };
        let nsid = entry.nsid();
        if nsid != 0 && nsid != 0xFFFF_FFFF {
            self.active(nsid)?;
        }
        if self.self_test.running.is_some() {
            return Err(status::SELF_TEST_IN_PROGRESS);
        }
        self.self_test.running = Some(Running {
            code: entry.byte(40) & 0xF,
            nsid,
            done: Duration::ZERO,
            total,
        });
        Ok((0, Vec::new()))
    }

    pub(super) fn advance_self_test(&mut self, by: Duration) {
        let Some(running) = &mut self.self_test.running else {
            return;
        };
        running.done += by;
        if running.done >= running.total {
            self.end_self_test(Ending::Passed);
        }
    }

    /// A short test ends at a reset, an extended one goes on.
    pub(super) fn reset_self_test(&mut self) {
        let running = self.self_test.running.as_ref();
        if running.is_some_and(|running| running.code == SHORT) {
            self.end_self_test(Ending::AbortedByReset);
        }
    }

    pub(super) fn end_self_test(&mut self, ending: Ending) {
        let Some(running) = self.self_test.running.take() else {
            return;
        };
        let mut result = [0; RESULT_BYTES];
        result[0] = running.code << 4 | ending as u8;
        result[2] = 1;
        put(&mut result, 4, &self.power_on_hours().to_le_bytes());
        put(&mut result, 12, &running.nsid.to_le_bytes());
        self.self_test.results.insert(0, result);
        self.self_test.results.truncate(RESULTS_MAX);
    }

    pub(super) fn self_test_log(&self) -> Vec<u8> {
        let mut data = vec![0; 4];
        if let Some(running) = &self.self_test.running {
            data[0] = running.code;
            let percent = running.done.as_secs() * 100 / running.total.as_secs().max(1);
            data[1] = percent.min(99).to_le_bytes()[0];
        }
        for result in &self.self_test.results {
            data.extend_from_slice(result);
        }
        while data.len() < 4 + RESULTS_MAX * RESULT_BYTES {
            // An entry that was never used.
            let mut unused = [0; RESULT_BYTES];
            unused[0] = 0xF;
            data.extend_from_slice(&unused);
        }
        data
    }
}
