//! An NVMe subsystem with one controller, byte by byte: what it answers, what it holds, and how it
//! lies.
//!
//! Written from the NVMe base specification 2.1 and the NVM command set specification 1.1. A drive
//! answers to 64 byte entries through [`NvmeDevice`]; [`NvmeDrive::find`] tells what is on its media
//! all the same. It goes by its [`Clock`], and only while it has power.
//!
//! It has no asynchronous events (their requests are never answered), no protection information, no
//! firmware update, no directories and no security protocols but TCG's.

use crate::cells::Cells;
use crate::clock::Clock;
use crate::device::{Event, NvmeAnswer, NvmeDevice};
use crate::tcg::Tper;
use lies::Becomes;
use namespace::Namespace;
use options::Options;
use std::time::Duration;

mod attachment;
mod events;
mod features;
mod format;
mod identify;
mod io;
pub mod lies;
mod logs;
mod namespace;
pub mod options;
mod sanitize;
mod security;
mod self_test;
mod status;

const CONTROLLER_ID: u16 = 1;
/// Largest transfer: 2^MDTS pages of 4096 bytes.
const MDTS: u8 = 7;
const TRANSFER_BYTES_MAX: usize = 4096 << MDTS;

/// Result and data, or the status of a refusal.
type Reply = Result<(u32, Vec<u8>), u16>;

/// Which queue a command came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// The admin queue.
    Admin,
    /// An I/O queue.
    Io,
}

/// A command that the drive was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Where it came by.
    pub queue: Queue,
    /// The submission queue entry.
    pub entry: [u8; 64],
    /// Status of its completion; `None`: it was not answered.
    pub status: Option<u16>,
}

/// The drive.
pub struct NvmeDrive {
    options: Options,
    clock: Clock,
    /// What the clock showed when the drive last looked.
    looked_at: Duration,
    is_powered: bool,
    /// Time with power.
    powered_for: Duration,
    namespaces: Vec<Namespace>,
    /// Namespaces that were deleted; their media are still there.
    deleted: Vec<Namespace>,
    features: Vec<features::Feature>,
    sanitize: sanitize::Sanitize,
    tper: Option<Tper>,
    format: Option<format::Format>,
    self_test: self_test::SelfTest,
    events: events::Events,
    /// Status of a command that ends well, if not 0.
    status: u16,
    /// Critical warnings that came up in this life.
    warning: u8,
    sectors_read: u64,
    sectors_written: u64,
    power_cycles: u64,
    unsafe_shutdowns: u64,
    commands: Vec<Recorded>,
}

impl NvmeDrive {
    /// A drive with power, its media all zeros.
    ///
    /// # Panics
    /// Where a namespace names an LBA format that is not there.
    #[must_use]
    pub fn new(options: Options, clock: Clock) -> Self {
        let namespaces = (1..).zip(&options.namespaces).map(|(nsid, namespace)| {
            let index = namespace.lba_format;
            Namespace::new(
                nsid,
                namespace.attached,
                namespace.sectors,
                (index, options.formats[index]),
                options.spares,
            )
        });
        Self {
            namespaces: namespaces.collect(),
            deleted: Vec::new(),
            features: features::all(),
            sanitize: sanitize::Sanitize::new(&options),
            tper: options.tcg.clone().map(Tper::new),
            format: None,
            self_test: self_test::SelfTest::default(),
            events: events::Events::default(),
            status: status::SUCCESS,
            warning: 0,
            sectors_read: 0,
            sectors_written: 0,
            power_cycles: options.health.power_cycles,
            unsafe_shutdowns: 0,
            commands: Vec::new(),
            looked_at: clock.now(),
            is_powered: true,
            powered_for: Duration::ZERO,
            options,
            clock,
        }
    }

    /// The media of a namespace, attached or not, without what is in the volatile cache.
    #[must_use]
    pub fn cells(&self, nsid: u32) -> Option<&Cells> {
        let mut namespaces = self.namespaces.iter();
        let namespace = namespaces.find(|namespace| namespace.nsid == nsid)?;
        Some(&namespace.cells)
    }

    /// The media of a namespace, to put something there behind the drive's back.
    pub fn cells_mut(&mut self, nsid: u32) -> Option<&mut Cells> {
        let mut namespaces = self.namespaces.iter_mut();
        let namespace = namespaces.find(|namespace| namespace.nsid == nsid)?;
        Some(&mut namespace.cells)
    }

    /// In how many places `needle` can still be read by somebody: all namespaces, deleted ones too,
    /// with and without an address, under every LBA format they had. The truth, as of the clock.
    pub fn find(&mut self, needle: &[u8]) -> usize {
        self.settle();
        let namespaces = self.namespaces.iter().chain(&self.deleted);
        namespaces.map(|namespace| namespace.find(needle)).sum()
    }

    /// The subsystem's NVMe qualified name, which Identify says too.
    #[must_use]
    pub fn nqn(&self) -> String {
        format!("nqn.2026-01.example.sim:{}", self.serial())
    }

    /// What was sent so far.
    #[must_use]
    pub fn commands(&self) -> &[Recorded] {
        &self.commands
    }

    /// What the drive is like; a test changes it between commands.
    pub fn options_mut(&mut self) -> &mut Options {
        &mut self.options
    }

    /// Whatever the time has brought.
    fn settle(&mut self) {
        let now = self.clock.now();
        let by = now.saturating_sub(self.looked_at);
        self.looked_at = now;
        if self.is_powered {
            self.powered_for += by;
            self.advance_sanitize(by);
            self.advance_format(by);
            self.advance_self_test(by);
        }
    }

    fn admin_command(&mut self, entry: &Entry, out: &[u8]) -> Option<Reply> {
        let opcode = entry.byte(0);
        // An asynchronous event request waits for an event, and there is none.
        if opcode == 0x0C || self.options.lies.never_answers == Some(opcode) {
            return None;
        }
        let is_allowed = matches!(opcode, 0x02 | 0x06 | 0x08 | 0x09 | 0x0A | 0x18 | 0x84);
        if let Some(refusal) = self.sanitize_refusal()
            && !is_allowed
        {
            return Some(Err(refusal));
        }
        if self.is_of_all_and_locked(opcode) {
            return Some(Err(status::ACCESS_DENIED));
        }
        Some(match opcode {
            0x02 => self.get_log(entry),
            0x06 => self.identify(entry),
            // Abort: no command is ever under way.
            0x08 => Ok((1, Vec::new())),
            0x09 => self.set_feature(entry),
            0x0A => self.get_feature(entry),
            0x0D => self.management_command(entry),
            0x14 => self.self_test_command(entry),
            0x15 => self.attachment_command(entry, out),
            0x18 => Ok((0, Vec::new())),
            0x80 => self.format_command(entry),
            0x81 | 0x82 => self.security_command(entry, out),
            0x84 => self.sanitize_command(entry),
            _ => Err(status::INVALID_OPCODE),
        })
    }

    fn answer(&mut self, queue: Queue, bytes: &[u8; 64], out: &[u8]) -> Option<NvmeAnswer> {
        self.settle();
        let entry = Entry(bytes);
        self.status = status::SUCCESS;
        let reply = match queue {
            _ if !self.is_powered => None,
            Queue::Admin => self.admin_command(&entry, out),
            Queue::Io => Some(self.io_command(&entry, out)),
        };
        let answer = reply.map(|reply| match reply {
            Ok((result, data)) => NvmeAnswer {
                status: self.status,
                result,
                data,
            },
            Err(status) => NvmeAnswer {
                status,
                ..NvmeAnswer::default()
            },
        });
        self.commands.push(Recorded {
            queue,
            entry: *bytes,
            status: answer.as_ref().map(|answer| answer.status),
        });
        answer
    }

    /// A namespace that takes commands.
    fn active(&mut self, nsid: u32) -> Result<&mut Namespace, u16> {
        let namespace = self.visible(nsid);
        // A number that is valid and not active, and one that is not valid.
        let status = match namespace {
            Some(namespace) if !namespace.attached => status::INVALID_FIELD,
            _ => status::INVALID_NAMESPACE,
        };
        let is_hidden = self.is_hidden(nsid);
        let mut namespaces = self.namespaces.iter_mut();
        let namespace = namespaces.find(|one| one.nsid == nsid && one.attached && !is_hidden);
        namespace.ok_or(status)
    }

    /// A namespace that is allocated as far as the drive admits.
    fn visible(&self, nsid: u32) -> Option<&Namespace> {
        let mut namespaces = self.namespaces.iter();
        namespaces.find(|namespace| namespace.nsid == nsid && !self.is_hidden(nsid))
    }

    fn is_hidden(&self, nsid: u32) -> bool {
        self.options.lies.hides_namespace == Some(nsid)
    }

    fn is_write_protected(&self, nsid: u32) -> bool {
        let index = usize::try_from(nsid)
            .ok()
            .and_then(|nsid| nsid.checked_sub(1));
        let namespace = index.and_then(|index| self.options.namespaces.get(index));
        namespace.is_some_and(|namespace| namespace.write_protected)
    }

    /// The write-protected ones among the namespaces that are there.
    fn any_write_protected(&self) -> bool {
        let mut namespaces = self.namespaces.iter();
        namespaces.any(|namespace| self.is_write_protected(namespace.nsid))
    }

    fn namespace_count(&self) -> u32 {
        u32::try_from(self.options.namespaces.len()).unwrap_or(u32::MAX)
    }

    fn unallocated_bytes(&self) -> u64 {
        self.deleted.iter().map(Namespace::capacity_bytes).sum()
    }

    fn power_on_hours(&self) -> u64 {
        self.options.health.power_on_hours + self.powered_for.as_secs() / 3600
    }

    fn other_drive(&self) -> Option<&Becomes> {
        let sent = u64::try_from(self.commands.len()).unwrap_or(u64::MAX);
        let becomes = self.options.lies.becomes.as_ref();
        becomes.filter(|becomes| sent >= becomes.after_commands)
    }
}

impl NvmeDevice for NvmeDrive {
    fn admin(&mut self, entry: &[u8; 64], out: &[u8]) -> Option<NvmeAnswer> {
        self.answer(Queue::Admin, entry, out)
    }

    fn io(&mut self, entry: &[u8; 64], out: &[u8]) -> Option<NvmeAnswer> {
        self.answer(Queue::Io, entry, out)
    }

    fn event(&mut self, event: Event) {
        self.settle();
        match event {
            Event::PowerOff => {
                self.is_powered = false;
                self.unsafe_shutdowns += 1;
                for namespace in &mut self.namespaces {
                    namespace.lose_cache();
                }
                self.lose_format();
            }
            Event::PowerOn => {
                self.is_powered = true;
                self.power_cycles += 1;
                self.power_on_sanitize();
                if let Some(tper) = &mut self.tper {
                    tper.power_on();
                }
            }
            Event::Reset => {}
        }
        self.reset_features();
        self.reset_self_test();
        self.release_events();
    }
}

/// A submission queue entry. Offsets are of the entry: dword 10 is at byte 40.
struct Entry<'a>(&'a [u8; 64]);

impl Entry<'_> {
    fn byte(&self, offset: usize) -> u8 {
        self.0[offset]
    }

    fn word(&self, offset: usize) -> u16 {
        u16::from_le_bytes([self.0[offset], self.0[offset + 1]])
    }

    fn dword(&self, offset: usize) -> u32 {
        dword(self.0, offset)
    }

    fn nsid(&self) -> u32 {
        self.dword(4)
    }
}

fn dword(bytes: &[u8], offset: usize) -> u32 {
    (0..4).rev().fold(0, |value, index| {
        value << 8 | u32::from(bytes[offset + index])
    })
}

fn qword(bytes: &[u8], offset: usize) -> u64 {
    u64::from(dword(bytes, offset + 4)) << 32 | u64::from(dword(bytes, offset))
}

fn put(data: &mut [u8], offset: usize, bytes: &[u8]) {
    data[offset..offset + bytes.len()].copy_from_slice(bytes);
}
