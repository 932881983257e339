//! An eMMC at the level of its commands: an index and an argument in, the card status and a block
//! of data out, and what it really does to its [`crate::cells`].
//!
//! Written from JESD84-B51. It shares no encoder or decoder with the crate `drive`, which is tested
//! against it. Sectors have addresses (cards of more than 2 GB). CMD0 stands for the whole way from
//! power-on or reset to the transfer state; before it the card answers nothing. Not modelled: bus
//! modes, the volatile cache, background operations, command queues, partitioning, sleep, and the
//! protocol of the replay protected area.

mod erase;
pub mod options;
mod register;
#[cfg(test)]
mod tests;

use crate::ata::Received;
use crate::cells::{Cells, Place, Placement};
use crate::clock::Clock;
use crate::device::{Event, MmcAnswer, MmcDevice};
use options::Options;
use std::collections::BTreeSet;
use std::time::Duration;

/// Bytes of a sector.
pub const SECTOR_BYTES: usize = 512;

/// R1 b8: ready for data.
const READY: u32 = 1 << 8;
/// R1 b12:9: ready for commands.
const TRANSFER: u32 = 4 << 9;
/// R1 b12:9: busy with an erase, a write or a sanitize.
const PROGRAMMING: u32 = 7 << 9;
/// R1 b31: beyond the area's last sector.
const OUT_OF_RANGE: u32 = 1 << 31;
/// R1 b28.
const ERASE_SEQUENCE_ERROR: u32 = 1 << 28;
/// R1 b27.
const ERASE_PARAMETER_ERROR: u32 = 1 << 27;
/// R1 b26: a write to protected sectors.
const PROTECTED: u32 = 1 << 26;
/// R1 b22: not a command, or not now.
const ILLEGAL: u32 = 1 << 22;
/// R1 b19.
const ERROR: u32 = 1 << 19;
/// R1 b15: protected groups were left out of an erase.
const PROTECTED_SKIPPED: u32 = 1 << 15;
/// R1 b13: another command ended an erase before it began.
const ERASE_RESET: u32 = 1 << 13;
/// R1 b7: CMD6 did not do what it was told to.
const SWITCH_ERROR: u32 = 1 << 7;

/// Areas of a card, by their number in PARTITION_CONFIG b2:0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// What a computer partitions.
    User,
    /// 0 or 1.
    Boot(u8),
    /// Written with a key only.
    ReplayProtected,
    /// 0 to 3.
    GeneralPurpose(u8),
}

impl Area {
    fn of(access: u8) -> Self {
        match access & 0b111 {
            0 => Self::User,
            access @ 1..=2 => Self::Boot(access - 1),
            3 => Self::ReplayProtected,
            access => Self::GeneralPurpose(access - 4),
        }
    }
}

/// One area's places.
#[derive(Clone, Debug)]
struct Space {
    cells: Cells,
    /// Places that were discarded, not erased: sanitize may leave them.
    discarded: BTreeSet<Place>,
}

impl Space {
    fn new(sectors: u64, spares: u64) -> Self {
        Self {
            cells: Cells::new(SECTOR_BYTES, sectors, spares, Placement::Moving),
            discarded: BTreeSet::new(),
        }
    }
}

/// What keeps the card busy.
#[derive(Clone, Copy, Debug)]
struct Work {
    since: Duration,
    /// `None`: it never ends.
    until: Option<Duration>,
    /// It is a sanitize that does something.
    sanitizes: bool,
}

/// Where the range of an erase stands.
#[derive(Clone, Copy, Debug, Default)]
struct Range {
    first: Option<u32>,
    last: Option<u32>,
}

/// An eMMC that has reached the transfer state.
#[derive(Debug)]
pub struct MmcCard {
    options: Options,
    clock: Clock,
    user: Space,
    boot: [Space; 2],
    general: Vec<Space>,
    /// Byte 179: the area that commands go to, and the one that is given at boot.
    partition_config: u8,
    /// Byte 173.
    boot_protection: u8,
    /// Byte 175.
    erase_group_def: u8,
    range: Range,
    /// CMD23: blocks of the next CMD18 or CMD25.
    block_count: u32,
    /// Error bits that the next answer shows, once.
    errors: u32,
    work: Option<Work>,
    is_off: bool,
    /// It waits for CMD0.
    is_idle: bool,
    commands: Received<(u8, u32)>,
}

impl MmcCard {
    /// A card that was never written to, in the transfer state.
    #[must_use]
    pub fn new(options: Options, clock: Clock) -> Self {
        let boot_sectors = u64::from(options.boot_units) * 256;
        let general = options.general_purpose_groups.iter().map(|groups| {
            let sectors = u64::from(*groups) * u64::from(options.group_sectors());
            Space::new(sectors, options.spares)
        });
        Self {
            user: Space::new(u64::from(options.sectors), options.spares),
            boot: [(); 2].map(|()| Space::new(boot_sectors, 4)),
            general: general.collect(),
            partition_config: options.boots_from << 3,
            boot_protection: options.boot_protection,
            erase_group_def: u8::from(options.high_capacity_groups),
            range: Range::default(),
            block_count: 0,
            errors: 0,
            work: None,
            is_off: false,
            is_idle: false,
            commands: Received::default(),
            options,
            clock,
        }
    }

    /// What an area physically holds.
    ///
    /// # Panics
    /// For the replay protected area and one that the card does not have.
    #[must_use]
    pub fn cells(&mut self, area: Area) -> &Cells {
        self.settle();
        &self.space(area).expect("an area of cells").cells
    }

    /// As [`MmcCard::cells`], to put something there behind the host's back.
    ///
    /// # Panics
    /// As [`MmcCard::cells`].
    pub fn cells_mut(&mut self, area: Area) -> &mut Cells {
        self.settle();
        &mut self.space(area).expect("an area of cells").cells
    }

    /// How it is, to change it in the middle of its life.
    pub fn options_mut(&mut self) -> &mut Options {
        &mut self.options
    }

    /// Commands with their arguments, answered or not.
    #[must_use]
    pub fn commands(&self) -> &Received<(u8, u32)> {
        &self.commands
    }

    /// The card identification register: another card has another one. No command of the transfer
    /// state asks for it; the host knows it from the time of its insertion.
    #[must_use]
    pub fn cid(&self) -> u64 {
        self.options.serial + u64::from(self.is_another())
    }

    /// Busy with an erase or a sanitize: what a host sees on a line of the bus, without a command.
    #[must_use]
    pub fn is_busy(&mut self) -> bool {
        self.settle();
        !self.is_off && self.work.is_some()
    }

    /// CMD0 and all that the host's driver sends until the transfer state.
    fn start_over(&mut self) {
        self.interrupt();
        self.is_idle = false;
        self.range = Range::default();
        self.errors = 0;
        self.partition_config &= !0b111;
        self.erase_group_def = u8::from(self.options.high_capacity_groups);
    }

    fn is_another(&self) -> bool {
        let after = self.options.lies.becomes_another_after;
        after.is_some_and(|after| self.commands.total() > after)
    }

    fn space(&mut self, area: Area) -> Option<&mut Space> {
        match area {
            Area::User => Some(&mut self.user),
            Area::Boot(number) => self.boot.get_mut(usize::from(number)),
            Area::ReplayProtected => None,
            Area::GeneralPurpose(number) => self.general.get_mut(usize::from(number)),
        }
    }

    fn area(&self) -> Area {
        Area::of(self.partition_config)
    }

    fn erased_byte(&self) -> u8 {
        if self.options.erased_reads_ones {
            0xFF
        } else {
            0x00
        }
    }

    /// The card status before this command, with the errors that were not shown yet.
    fn answer(&mut self) -> MmcAnswer {
        let state = match self.work {
            Some(_) => PROGRAMMING,
            None => TRANSFER | READY,
        };
        MmcAnswer {
            response: state | std::mem::take(&mut self.errors),
            data: Vec::new(),
        }
    }

    /// An answer of no data with these errors in it.
    fn refused(&mut self, errors: u32) -> Option<MmcAnswer> {
        self.errors |= errors;
        Some(self.answer())
    }

    fn dispatch(&mut self, index: u8, argument: u32, out: &[u8]) -> Option<MmcAnswer> {
        if !matches!(index, 35 | 36 | 38 | 13)
            && (self.range.first.is_some() || self.range.last.is_some())
        {
            self.range = Range::default();
            self.errors |= ERASE_RESET;
        }
        match index {
            6 => Some(self.switch(argument)),
            8 => {
                let data = self.ext_csd();
                let answer = self.answer();
                Some(MmcAnswer { data, ..answer })
            }
            13 => Some(self.answer()),
            16 => Some(self.answer()),
            17 => self.read(argument, 1),
            18 => {
                let blocks = std::mem::take(&mut self.block_count);
                self.read(argument, blocks)
            }
            23 => {
                self.block_count = argument & 0xFFFF;
                Some(self.answer())
            }
            24 if out.len() == SECTOR_BYTES => self.write(argument, out),
            25 => {
                let blocks = std::mem::take(&mut self.block_count) as usize;
                match out.len() == blocks * SECTOR_BYTES {
                    true => self.write(argument, out),
                    false => self.refused(ERROR),
                }
            }
            35 | 36 => self.range_of_erase(index, argument),
            38 => self.erase(argument),
            _ => {
                self.errors |= ILLEGAL;
                None
            }
        }
    }

    /// CMD6. Whether it was done shows in the status after it.
    fn switch(&mut self, argument: u32) -> MmcAnswer {
        let answer = self.answer();
        let [mode, index, value, _] = argument.to_be_bytes();
        let of = |old: u8| match mode & 0b11 {
            1 => Some(old | value),
            2 => Some(old & !value),
            3 => Some(value),
            _ => None,
        };
        let done = match index {
            165 => mode & 0b11 == 3 && value == 1 && self.begin_sanitize(),
            173 => of(self.boot_protection).is_some_and(|new| {
                // What is permanent or set until the power goes is not taken back.
                self.boot_protection |= new & 0b101;
                self.boot_protection & 0b101 == new & 0b101
            }),
            175 => of(self.erase_group_def)
                .map(|new| self.erase_group_def = new & 1)
                .is_some(),
            179 => of(self.partition_config).is_some_and(|new| {
                let area = Area::of(new);
                let exists = area == Area::ReplayProtected || self.space(area).is_some();
                if exists {
                    self.partition_config = new;
                }
                exists
            }),
            _ => false,
        };
        if !done {
            self.errors |= SWITCH_ERROR;
        }
        answer
    }

    fn read(&mut self, first: u32, blocks: u32) -> Option<MmcAnswer> {
        let erased = match self.options.lies.erased_reads_wrong {
            true => !self.erased_byte(),
            false => self.erased_byte(),
        };
        let area = self.area();
        let addresses = u64::from(first)..u64::from(first) + u64::from(blocks);
        let Some(space) = self.space(area) else {
            return self.refused(ERROR);
        };
        if addresses.end > space.cells.addresses() {
            return self.refused(OUT_OF_RANGE);
        }
        let sectors = addresses.map(|address| {
            let read = space.cells.read(address);
            read.unwrap_or_else(|| vec![erased; SECTOR_BYTES])
        });
        let data = sectors.flatten().collect();
        let answer = self.answer();
        Some(MmcAnswer { data, ..answer })
    }

    fn write(&mut self, first: u32, out: &[u8]) -> Option<MmcAnswer> {
        let area = self.area();
        let end = u64::from(first) + (out.len() / SECTOR_BYTES) as u64;
        if (u64::from(first)..end).any(|address| self.is_protected(area, address)) {
            return self.refused(PROTECTED);
        }
        let lies = &self.options.lies;
        let ignores = match area {
            Area::Boot(_) => lies.ignores_writes || lies.ignores_boot_writes,
            Area::User | Area::ReplayProtected | Area::GeneralPurpose(_) => lies.ignores_writes,
        };
        let Some(space) = self.space(area) else {
            return self.refused(ERROR);
        };
        if end > space.cells.addresses() {
            return self.refused(OUT_OF_RANGE);
        }
        if !ignores {
            for (address, sector) in (u64::from(first)..).zip(out.chunks(SECTOR_BYTES)) {
                space.cells.write(address, sector);
            }
            let spare = space.cells.spare_places();
            space.discarded.retain(|place| spare.contains(place));
        }
        Some(self.answer())
    }

    fn is_protected(&self, area: Area, address: u64) -> bool {
        match area {
            Area::Boot(_) => self.boot_protection & 0b101 != 0,
            Area::User => self.options.protected.contains(&address),
            Area::ReplayProtected => true,
            Area::GeneralPurpose(_) => false,
        }
    }
}

impl MmcDevice for MmcCard {
    fn command(&mut self, index: u8, argument: u32, out: &[u8]) -> Option<MmcAnswer> {
        self.settle();
        self.commands.push((index, argument));
        if self.is_off {
            return None;
        }
        if index == 0 {
            self.start_over();
            return Some(MmcAnswer::default());
        }
        if self.is_idle {
            return None;
        }
        // CMD13 with b0: the high priority interrupt.
        if index == 13 && argument & 1 != 0 {
            self.interrupt();
            return Some(self.answer());
        }
        if self.work.is_some() && index != 13 {
            self.errors |= ILLEGAL;
            return None;
        }
        self.dispatch(index, argument, out)
    }

    fn event(&mut self, event: Event) {
        self.settle();
        self.interrupt();
        self.is_idle = true;
        match event {
            Event::PowerOff => {
                self.is_off = true;
                self.boot_protection &= !1;
            }
            Event::PowerOn => self.is_off = false,
            Event::Reset => {}
        }
    }
}
