//! Format NVM (base specification 2.1, section 5.1.10). The command lasts as long as it takes:
//! whoever waits for the answer waits for the erasure.

use super::events;
use super::namespace::Erasure;
use super::self_test::Ending;
use super::status;
use super::{Entry, NvmeDrive, Reply, put};
use std::time::Duration;

const BROADCAST: u32 = 0xFFFF_FFFF;

/// A format that was answered before it is done.
pub struct Format {
    order: Order,
    done: Duration,
}

/// What a format is to do.
#[derive(Clone)]
struct Order {
    nsids: Vec<u32>,
    /// Secure erase settings: 0 none, 1 user data, 2 cryptographic.
    erase: u8,
    format_index: usize,
    extended: bool,
}

impl NvmeDrive {
    pub(super) fn format_command(&mut self, entry: &Entry) -> Reply {
        let switches = self.options.switches;
        if !switches.format {
            return Err(status::INVALID_OPCODE);
        }
        let order = self.order(entry)?;
        self.end_self_test(Ending::AbortedByFormat);
        let duration = match order.erase {
            0 => Duration::ZERO,
            _ => self.options.durations.format,
        };
        let mut body = [0; 12];
        put(&mut body, 0, &entry.nsid().to_le_bytes());
        put(&mut body, 8, &entry.dword(40).to_le_bytes());
        self.record(events::FORMAT_STARTED, &body);
        if self.options.lies.format_answers_early {
            self.format = Some(Format {
                order,
                done: Duration::ZERO,
            });
            return Ok((0, Vec::new()));
        }
        self.clock.pass(duration);
        self.settle();
        self.carry_out(&order);
        Ok((0, Vec::new()))
    }

    pub(super) fn advance_format(&mut self, by: Duration) {
        let Some(format) = &mut self.format else {
            return;
        };
        format.done += by;
        if format.done >= self.options.durations.format {
            let order = format.order.clone();
            self.format = None;
            self.carry_out(&order);
        }
    }

    /// What was going on ends undone.
    pub(super) fn lose_format(&mut self) {
        self.format = None;
    }

    pub(super) fn is_formatting(&self, nsid: u32) -> bool {
        let format = self.format.as_ref();
        format.is_some_and(|format| format.order.nsids.contains(&nsid))
    }

    /// Percent of a format of this namespace that is still to be done, at least 1 while it goes on.
    pub(super) fn format_remaining(&self, nsid: u32) -> u8 {
        let Some(format) = self.format.as_ref().filter(|_| self.is_formatting(nsid)) else {
            return 0;
        };
        let whole = self.options.durations.format.as_millis().max(1);
        let left = whole.saturating_sub(format.done.as_millis());
        u8::try_from(left * 100 / whole).map_or(100, |percent| percent.clamp(1, 100))
    }

    fn order(&self, entry: &Entry) -> Result<Order, u16> {
        let switches = &self.options.switches;
        let dword = entry.dword(40);
        let [low, high, ..] = dword.to_le_bytes();
        let erase = high >> 1 & 7;
        if erase > 2 || erase == 2 && !switches.format_crypto_erase {
            return Err(status::INVALID_FIELD);
        }
        let format_index = usize::from(low & 0xF | (high >> 4 & 3) << 4);
        // No format here has protection information.
        if format_index >= self.options.formats.len() || low >> 5 & 7 != 0 {
            return Err(status::INVALID_FORMAT);
        }
        let is_of_all = match erase {
            0 => switches.format_is_of_all,
            _ => switches.format_erase_is_of_all,
        };
        let nsid = entry.nsid();
        // Attached or not: any namespace that is allocated can be named.
        let is_named = self.visible(nsid).is_some();
        if nsid == BROADCAST {
            if !is_of_all && !switches.format_broadcast {
                return Err(status::INVALID_FIELD);
            }
        } else if nsid == 0 || nsid > self.namespace_count() {
            return Err(status::INVALID_NAMESPACE);
        } else if !is_named {
            return Err(status::INVALID_FIELD);
        }
        // The broadcast value means what is attached, unless a format is of all anyway.
        let nsids = self.namespaces.iter().filter(|namespace| {
            is_of_all || namespace.nsid == nsid || nsid == BROADCAST && namespace.attached
        });
        let nsids: Vec<u32> = nsids.map(|namespace| namespace.nsid).collect();
        if nsids.iter().any(|nsid| self.is_write_protected(*nsid)) {
            return Err(status::WRITE_PROTECTED);
        }
        Ok(Order {
            nsids,
            erase,
            format_index,
            extended: low & 0x10 != 0,
        })
    }

    fn carry_out(&mut self, order: &Order) {
        let lies = &self.options.lies;
        let formats = &self.options.formats;
        let erasure = match order.erase {
            0 => None,
            1 => Some(Erasure::Blocks(self.options.switches.erased_byte)),
            _ => Some(Erasure::Key),
        };
        let wanted = self.namespaces.iter_mut();
        let wanted = wanted.filter(|namespace| order.nsids.contains(&namespace.nsid));
        for (index, namespace) in wanted.enumerate() {
            if index > 0 && lies.format_erases_one_namespace {
                break;
            }
            if let Some(erasure) = erasure {
                namespace.erase(erasure, lies);
            }
            namespace.deallocate_all(lies);
            namespace.reformat(
                order.format_index,
                formats[order.format_index],
                order.extended,
            );
        }
        if erasure.is_some() {
            self.warning |= lies.critical_warning_after_erasure;
        }
        let nsid = order.nsids.first().copied().unwrap_or(0);
        let mut body = [0; 12];
        put(&mut body, 0, &nsid.to_le_bytes());
        self.record(events::FORMAT_ENDED, &body);
    }
}
