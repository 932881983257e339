//! A SAS disk: what it answers to each command block, by SPC-5 and SBC-4, and how it may lie.
//!
//! Written from the standards and byte by byte, without the parsers that it judges. One logical
//! unit; a host that numbers several puts them behind its own transport. What is written is on the
//! medium at once, so a flush has nothing to do. Not here: reservations, provisioning, microcode,
//! protection information that travels. An operation code that is not here ends with 5/20/00, and a field that
//! is not here with 5/24/00. What takes its time takes it by the disk's clock, and ends by itself.

use crate::cells::{Cells, Placement};
use crate::clock::Clock;
use crate::device::{Event, ScsiAnswer, ScsiDevice};
use crate::scsi::layout::{Layout, Unfinished, cell_bytes};
use crate::scsi::sense::Sense;
use crate::scsi::work::{Emptied, State};
use crate::tcg::{self, Tper};
use std::time::Duration;

pub use lies::{FormatLies, Lies};
pub use sanitize::Sanitize;
pub use work::AfterErase;

mod codes;
mod defects;
mod inquiry;
mod layout;
mod lies;
mod log;
mod mode;
mod sanitize;
mod security;
mod sense;
#[cfg(test)]
mod tests;
mod transfer;
mod work;

/// What a disk is.
#[derive(Clone, Debug)]
pub struct ScsiOptions {
    /// Up to 8 characters.
    pub vendor: String,
    /// Up to 16 characters.
    pub product: String,
    /// Up to 4 characters.
    pub revision: String,
    /// Serial number, up to 20 characters.
    pub serial: String,
    /// World wide name of the logical unit (NAA).
    pub wwn: u64,
    /// Bytes of a logical block: 512, 520, 4096, ...
    pub sector_bytes: u32,
    /// Other lengths that MODE SELECT and FORMAT UNIT can give it, with as many blocks.
    pub other_sector_bytes: Vec<u32>,
    /// Protection information of this type, 0 for none at present; `None`: the disk knows none.
    pub protection_type: Option<u8>,
    /// Logical blocks in a physical block, as a power of two.
    pub sectors_per_physical_log2: u8,
    /// Logical blocks that have an address.
    pub sectors: u64,
    /// Places beyond them.
    pub spare_sectors: u64,
    /// How it places what is written.
    pub placement: Placement,
    /// Medium rotation rate of VPD page B1h: 1 for flash, else revolutions per minute.
    pub rotation: u16,
    /// Log page 0Dh.
    pub temperature_celsius: u8,
    /// Log page 2Fh: ASC and ASCQ, both 0 when there is nothing to tell.
    pub exception: (u8, u8),
    /// What SANITIZE can do.
    pub sanitize: Sanitize,
    /// How long FORMAT UNIT takes; `None`: there is none.
    pub format: Option<Duration>,
    /// TCG behind SECURITY PROTOCOL IN and OUT.
    pub tcg: Option<tcg::Options>,
    /// What it does behind what it says.
    pub lies: Lies,
    /// The time that it goes by.
    pub clock: Clock,
}

impl ScsiOptions {
    /// An honest disk of 7200 revolutions with sectors of 512 bytes and 64 spare ones, by the
    /// host's clock. It has neither SANITIZE nor FORMAT UNIT.
    #[must_use]
    pub fn disk(serial: &str, wwn: u64, sectors: u64) -> Self {
        Self {
            vendor: "SIM".to_owned(),
            product: "SAS DISK".to_owned(),
            revision: "0001".to_owned(),
            serial: serial.to_owned(),
            wwn,
            sector_bytes: 512,
            other_sector_bytes: Vec::new(),
            protection_type: None,
            sectors_per_physical_log2: 0,
            sectors,
            spare_sectors: 64,
            placement: Placement::InPlace,
            rotation: 7200,
            temperature_celsius: 34,
            exception: (0, 0),
            sanitize: Sanitize::NONE,
            format: None,
            tcg: None,
            lies: Lies::default(),
            clock: Clock::of_host(),
        }
    }
}

/// A SAS disk.
#[derive(Clone, Debug)]
pub struct ScsiDisk {
    options: ScsiOptions,
    cells: Cells,
    /// Blocks that a host can reach.
    sectors: u64,
    /// Blocks that it says it could give.
    sectors_max: u64,
    /// What MODE SELECT asked for and no FORMAT UNIT has made yet.
    selected: Option<Layout>,
    /// A format that was called done and is not.
    unfinished: Option<Unfinished>,
    state: State,
    emptied: Option<Emptied>,
    tper: Option<Tper>,
    is_powered: bool,
    /// What the next command is told instead of being carried out: (ASC, ASCQ).
    attention: Option<(u8, u8)>,
    /// Addresses whose sectors were replaced.
    grown_defects: Vec<u64>,
}

/// What a command is carried out with: bytes for the host, or why not.
type Outcome = Result<Vec<u8>, Sense>;

impl ScsiDisk {
    /// A disk whose medium holds zeros, powered on, with nothing to tell.
    ///
    /// # Panics
    /// When a text is longer than its field.
    #[must_use]
    pub fn new(options: ScsiOptions) -> Self {
        let texts = [
            (&options.vendor, 8),
            (&options.product, 16),
            (&options.revision, 4),
            (&options.serial, 20),
        ];
        for (text, length_max) in texts {
            assert!(
                text.is_ascii() && text.len() <= length_max,
                "{text:?} does not fit into {length_max} bytes"
            );
        }
        let cells = Cells::new(
            cell_bytes(options.sector_bytes, options.protection_type),
            options.sectors,
            options.spare_sectors,
            options.placement,
        );
        Self {
            sectors: options.sectors,
            sectors_max: options.sectors,
            selected: None,
            unfinished: None,
            tper: options.tcg.clone().map(Tper::new),
            options,
            cells,
            state: State::Ready,
            emptied: None,
            is_powered: true,
            attention: None,
            grown_defects: Vec::new(),
        }
    }

    /// What it physically holds, as of the last command or event. A sector of it is a block, with 8
    /// bytes of protection information behind it where there is some.
    #[must_use]
    pub fn cells(&self) -> &Cells {
        &self.cells
    }

    /// The same, for a test that prepares the medium.
    pub fn cells_mut(&mut self) -> &mut Cells {
        &mut self.cells
    }

    /// Makes it lie otherwise from now on, or no more.
    pub fn set_lies(&mut self, lies: Lies) {
        self.options.lies = lies;
    }

    fn carry_out(&mut self, cdb: &[u8], out: &[u8]) -> Outcome {
        let code = cdb[0];
        // These are carried out whatever there is to tell (SAM-5, unit attention).
        let is_told_first = !matches!(code, 0x03 | 0x12 | 0xA0);
        if is_told_first && let Some((asc, ascq)) = self.attention.take() {
            return Err(Sense::new(6, asc, ascq));
        }
        if let Some(sense) = self.hindrance(cdb) {
            return Err(sense);
        }
        if let Some(outcome) = self.locked_by_tcg(cdb) {
            return outcome;
        }
        match code {
            0x00 => Ok(Vec::new()),
            0x03 => self.request_sense(cdb),
            0x04 => self.format_unit(cdb, out),
            0x12 => self.inquiry(cdb),
            0x15 | 0x55 => self.mode_select(cdb, out),
            0x1A | 0x5A => self.mode_sense(cdb),
            0x25 => self.read_capacity_10(),
            0x9E if cdb[1] & 0x1F == 0x10 => self.read_capacity_16(cdb),
            0x28 | 0x88 => self.read(cdb),
            0x2A | 0x8A => self.write(cdb, out),
            0x35 | 0x91 => self.synchronize_cache(cdb),
            0x48 => self.sanitize(cdb, out),
            0x4D => self.log_sense(cdb),
            0xA0 => report_luns(cdb),
            0xA2 | 0xB5 => self.security_protocol(cdb, out),
            0xB7 => self.read_defects(cdb),
            0xA3 if cdb[1] & 0x1F == 0x0C => self.report_operation_codes(cdb),
            _ => Err(Sense::INVALID_OPERATION),
        }
    }

    /// REQUEST SENSE: what there is to tell, as data.
    fn request_sense(&mut self, cdb: &[u8]) -> Outcome {
        let sense = match self.attention.take() {
            Some((asc, ascq)) => Sense::new(6, asc, ascq),
            None => self.told().unwrap_or(Sense::new(0, 0, 0)),
        };
        // DESC: the descriptor format.
        let bytes = if cdb[1] & 1 == 1 {
            sense.as_descriptors()
        } else {
            sense.as_fixed()
        };
        Ok(cut(bytes, usize::from(cdb[4])))
    }
}

impl ScsiDevice for ScsiDisk {
    fn command(&mut self, cdb: &[u8], out: &[u8]) -> Option<ScsiAnswer> {
        if !self.is_powered {
            return None;
        }
        self.settle();
        let length = cdb_bytes(cdb);
        let outcome = if length == 0 || cdb.len() < length {
            Err(Sense::INVALID_OPERATION)
        } else {
            self.carry_out(cdb, out)
        };
        Some(match outcome {
            Ok(data) => ScsiAnswer {
                data,
                ..ScsiAnswer::default()
            },
            Err(sense) => ScsiAnswer {
                status: 0x02,
                sense: sense.as_fixed(),
                data: Vec::new(),
            },
        })
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::PowerOff => {
                if self.is_powered {
                    self.interrupt();
                }
                self.is_powered = false;
            }
            Event::PowerOn => {
                if !self.is_powered {
                    self.resume();
                }
                self.is_powered = true;
                if let Some(tper) = &mut self.tper {
                    tper.power_on();
                }
                self.selected = None;
                self.attention = Some((0x29, 0x01));
            }
            Event::Reset => {
                self.selected = None;
                self.attention = Some((0x29, 0x03));
            }
        }
    }
}

/// Length of a command block by the group of its operation code (SPC-5); 0 when it has none.
fn cdb_bytes(cdb: &[u8]) -> usize {
    match cdb.first().map(|code| code >> 5) {
        Some(0) => 6,
        Some(1 | 2) => 10,
        Some(4) => 16,
        Some(5) => 12,
        _ => 0,
    }
}

/// REPORT LUNS (SPC-5): the one unit, number 0.
fn report_luns(cdb: &[u8]) -> Outcome {
    let mut list = vec![0, 0, 0, 8, 0, 0, 0, 0];
    list.extend([0; 8]);
    Ok(cut(list, length_32(&cdb[6..10])))
}

/// At most the allocation length.
fn cut(mut data: Vec<u8>, allocation_bytes: usize) -> Vec<u8> {
    data.truncate(allocation_bytes);
    data
}

fn length_16(bytes: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))
}

fn length_32(bytes: &[u8]) -> usize {
    let length = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    usize::try_from(length).unwrap_or(usize::MAX)
}
