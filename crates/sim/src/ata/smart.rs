//! SMART: attributes and thresholds, self-tests, logs, the verdict.

use super::disk::AtaDisk;
use super::{Answer, Task, low, seal};
use std::time::Duration;

/// LBA 23:8 of every SMART command.
const KEY: u64 = 0xC24F;
/// What it becomes when the drive is failing.
const FAILING: u64 = 0x2CF4;

const SHORT_TEST: Duration = Duration::from_secs(60);
const EXTENDED_TEST: Duration = Duration::from_secs(3600);

/// The feature set's state.
#[derive(Clone, Debug)]
pub(crate) struct Smart {
    pub(crate) is_enabled: bool,
    /// Sectors that were moved to a spare place: attribute 5.
    pub(crate) reallocated: u64,
    /// The last self-test: its code, when it began, how long it takes.
    test: Option<(u8, Duration, Duration)>,
    /// The last self-test was stopped by the host or by a loss of power.
    is_stopped: bool,
}

impl Smart {
    pub(crate) fn new() -> Self {
        Self {
            is_enabled: true,
            reallocated: 0,
            test: None,
            is_stopped: false,
        }
    }

    /// A self-test in progress is lost.
    pub(crate) fn power_off(&mut self, now: Duration) {
        self.is_stopped |= self.test_status(now) & 0xF0 == 0xF0;
    }

    /// Result in bits 7:4 (0 well, 1 stopped, F in progress), tenths that remain in bits 3:0.
    fn test_status(&self, now: Duration) -> u8 {
        let Some((_, began, takes)) = self.test else {
            return 0;
        };
        let left = (began + takes).saturating_sub(now);
        match (self.is_stopped, left.is_zero()) {
            (true, _) => 0x10,
            (false, true) => 0,
            (false, false) => {
                let tenths = (left.as_secs() * 10).div_ceil(takes.as_secs().max(1));
                0xF0 | low(tenths.min(9))
            }
        }
    }
}

/// An attribute: number, flags, value, worst, 48 bits of raw value.
fn attribute(number: u8, flags: u8, value: u8, raw: u64) -> [u8; 12] {
    let [a, b, c, d, e, f, ..] = raw.to_le_bytes();
    [number, flags, 0, value, value, a, b, c, d, e, f, 0]
}

impl AtaDisk {
    pub(crate) fn smart(&mut self, task: &Task) -> Answer {
        if !self.options.smart || task.lba >> 8 & 0xFFFF != KEY {
            return Answer::aborted(task);
        }
        let feature = task.feature & 0xFF;
        if !self.smart.is_enabled && feature != 0xD8 {
            return Answer::aborted(task);
        }
        match feature {
            0xD0 => Answer::with_data(task, self.smart_data().to_vec()),
            0xD1 => Answer::with_data(task, thresholds().to_vec()),
            0xD4 => self.execute_offline(task),
            0xD5 => self.smart_log(task),
            0xD8 => {
                self.smart.is_enabled = true;
                Answer::good(task)
            }
            0xD9 => {
                self.smart.is_enabled = false;
                Answer::good(task)
            }
            0xDA => self.smart_verdict(task),
            _ => Answer::aborted(task),
        }
    }

    fn smart_verdict(&self, task: &Task) -> Answer {
        let key = match self.options.lies.smart_failing {
            true => FAILING,
            false => KEY,
        };
        Answer {
            lba: key << 8 | task.lba & 0xFF,
            ..Answer::good(task)
        }
    }

    fn smart_data(&self) -> [u8; 512] {
        let reallocated = self.smart.reallocated;
        let pending = self.options.unreadable.len();
        let failing = self.options.lies.smart_failing;
        let attributes = [
            attribute(0x05, 0x33, if failing { 1 } else { 100 }, reallocated),
            attribute(0x09, 0x32, 99, 1000),
            attribute(0x0C, 0x32, 100, 10),
            attribute(0xC2, 0x22, 65, 35),
            attribute(0xC4, 0x32, 100, reallocated),
            attribute(0xC5, 0x12, 100, u64::try_from(pending).unwrap_or(0)),
            attribute(0xC6, 0x10, 100, 0),
        ];
        let mut bytes = [0; 512];
        bytes[0] = 0x10;
        for (slot, attribute) in bytes[2..362].chunks_mut(12).zip(attributes) {
            slot.copy_from_slice(&attribute);
        }
        bytes[363] = self.smart.test_status(self.clock.now());
        // Everything but selective self-tests, which would have a log of their own (09h).
        bytes[367] = 0x3B;
        bytes[368] = 0x03;
        bytes[370] = 0x01;
        bytes[372] = 1;
        bytes[373] = 60;
        bytes[374] = 2;
        seal(&mut bytes);
        bytes
    }

    fn execute_offline(&mut self, task: &Task) -> Answer {
        let code = low(task.lba);
        let takes = match code {
            0x00 | 0x7F => Duration::ZERO,
            0x01 | 0x03 => SHORT_TEST,
            0x02 => EXTENDED_TEST,
            _ => return Answer::aborted(task),
        };
        match code {
            0x00 => (),
            0x7F => self.smart.is_stopped = true,
            _ => {
                self.smart.test = Some((code, self.clock.now(), takes));
                self.smart.is_stopped = false;
            }
        }
        Answer::good(task)
    }

    fn smart_log(&self, task: &Task) -> Answer {
        if task.count != 1 {
            return Answer::aborted(task);
        }
        let mut bytes = [0; 512];
        match low(task.lba) {
            0x00 => {
                bytes[0] = 1;
                bytes[2] = 1;
                bytes[12] = 1;
            }
            // Summary of errors: none.
            0x01 => {
                bytes[0] = 1;
                seal(&mut bytes);
            }
            0x06 => {
                bytes[0] = 1;
                if let Some((code, ..)) = self.smart.test {
                    bytes[2] = code;
                    bytes[3] = self.smart.test_status(self.clock.now());
                    bytes[4..6].copy_from_slice(&1000u16.to_le_bytes());
                    bytes[508] = 1;
                }
                seal(&mut bytes);
            }
            _ => return Answer::aborted(task),
        }
        Answer::with_data(task, bytes.to_vec())
    }
}

fn thresholds() -> [u8; 512] {
    let mut bytes = [0; 512];
    bytes[0] = 0x10;
    for (slot, number) in bytes[2..362]
        .chunks_mut(12)
        .zip([0x05u8, 0x09, 0x0C, 0xC2, 0xC4, 0xC5, 0xC6])
    {
        slot[0] = number;
        slot[1] = if number == 0x05 { 10 } else { 0 };
    }
    seal(&mut bytes);
    bytes
}
