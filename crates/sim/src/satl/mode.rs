//! MODE SENSE and MODE SELECT: error recovery, caching (WCE), control (D_SENSE).

use super::sense::{INVALID_FIELD, INVALID_PARAMETER, Sense};
use super::{Outcome, Refusal, cut, good, number};
use crate::ata::Task;
use crate::ata::disk::AtaDisk;

const RECOVERY: u8 = 0x01;
const CACHING: u8 = 0x08;
const CONTROL: u8 = 0x0A;
const PAGES: [u8; 3] = [RECOVERY, CACHING, CONTROL];

const WCE: u8 = 0x04;
const D_SENSE: u8 = 0x04;

/// Which values of a page are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Values {
    Current,
    Changeable,
    Default,
}

impl AtaDisk {
    pub(super) fn mode_sense(&mut self, cdb: &[u8]) -> Outcome {
        let is_long = cdb[0] == 0x5A;
        let has_no_block = cdb[1] & 0x08 != 0;
        let values = match cdb[2] >> 6 {
            0 => Values::Current,
            1 => Values::Changeable,
            2 => Values::Default,
            // Saved values are not supported.
            _ => return Err(Sense::of(0x05, 0x39, 0x00).into()),
        };
        let subpage = cdb[3];
        let wanted = cdb[2] & 0x3F;
        let pages: Vec<u8> = match (wanted, subpage) {
            (0x3F, 0x00 | 0xFF) => PAGES.to_vec(),
            (code, 0x00) if PAGES.contains(&code) => vec![code],
            _ => return Err(INVALID_FIELD.into()),
        };
        let pages = pages.into_iter().flat_map(|code| self.page(code, values));
        let pages: Vec<u8> = pages.collect();
        let block = match has_no_block {
            true => Vec::new(),
            false => self.block_descriptor(),
        };
        Ok(match is_long {
            true => cut(long_list(&block, &pages), number(cdb, 7, 2)),
            false => cut(short_list(&block, &pages), number(cdb, 4, 1)),
        })
    }

    fn block_descriptor(&self) -> Vec<u8> {
        let count = u32::try_from(self.hidden.accessible()).unwrap_or(u32::MAX);
        let bytes = u32::from(self.options.logical_sector_bytes);
        [count.to_be_bytes(), bytes.to_be_bytes()].concat()
    }

    fn page(&self, code: u8, values: Values) -> Vec<u8> {
        let is_changeable = values == Values::Changeable;
        let flag = |current: bool, default: bool, bit: u8| {
            let is_set = match values {
                Values::Current => current,
                Values::Changeable => true,
                Values::Default => default,
            };
            if is_set { bit } else { 0 }
        };
        let mut page = match code {
            CACHING => vec![0; 20],
            _ => vec![0; 12],
        };
        page[0] = code;
        page[1] = if code == CACHING { 18 } else { 10 };
        match code {
            CACHING => {
                page[2] = flag(self.caches_writes, true, WCE);
                page[12] = u8::from(!is_changeable && !self.looks_ahead) << 5;
            }
            CONTROL => {
                let is_fixed = self.options.lies.fixed_sense_only;
                let default = self.options.d_sense;
                if !(is_fixed && is_changeable) {
                    page[2] = flag(self.translation.d_sense, default, D_SENSE);
                }
            }
            // AWRE.
            _ => page[2] = u8::from(!is_changeable) << 7,
        }
        page
    }

    pub(super) fn mode_select(&mut self, cdb: &[u8], out: &[u8]) -> Outcome {
        let is_long = cdb[0] == 0x55;
        let saves = cdb[1] & 0x01 != 0;
        let length = match is_long {
            true => number(cdb, 7, 2),
            false => number(cdb, 4, 1),
        };
        if saves || usize::try_from(length) != Ok(out.len()) {
            return Err(INVALID_FIELD.into());
        }
        if out.is_empty() {
            return Ok(good(Vec::new()));
        }
        let (header, block) = match is_long {
            true => (8, number(out, 6, 2)),
            false => (4, number(out, 3, 1)),
        };
        let block = usize::try_from(block).unwrap_or(usize::MAX);
        let mut pages = out.get(header + block..).ok_or(INVALID_PARAMETER)?;
        while let [code, length, ..] = *pages {
            let length = usize::from(length) + 2;
            let page = pages.get(..length).ok_or(INVALID_PARAMETER)?;
            self.set_page(code & 0x3F, page)?;
            pages = &pages[length..];
        }
        Ok(good(Vec::new()))
    }

    /// Takes a page over if it changes nothing but what can be changed.
    fn set_page(&mut self, code: u8, page: &[u8]) -> Result<(), Refusal> {
        if !PAGES.contains(&code) {
            return Err(INVALID_PARAMETER.into());
        }
        let current = self.page(code, Values::Current);
        let mask = self.page(code, Values::Changeable);
        let is_allowed = current.len() == page.len()
            && (2..page.len()).all(|index| (current[index] ^ page[index]) & !mask[index] == 0);
        if !is_allowed {
            return Err(INVALID_PARAMETER.into());
        }
        match code {
            CACHING => {
                let feature = if page[2] & WCE != 0 { 0x02 } else { 0x82 };
                let task = Task {
                    command: 0xEF,
                    feature,
                    ..Task::default()
                };
                self.ata(&task, &[])?;
            }
            CONTROL => self.translation.d_sense = page[2] & D_SENSE != 0,
            _ => (),
        }
        Ok(())
    }
}

/// DPOFUA: READ and WRITE know FUA.
const DEVICE: u8 = 0x10;

fn short_list(block: &[u8], pages: &[u8]) -> Vec<u8> {
    let block_length = u8::try_from(block.len()).unwrap_or(0);
    let length = u8::try_from(3 + block.len() + pages.len()).unwrap_or(u8::MAX);
    [&[length, 0x00, DEVICE, block_length], block, pages].concat()
}

fn long_list(block: &[u8], pages: &[u8]) -> Vec<u8> {
    let block_length = u16::try_from(block.len()).unwrap_or(0).to_be_bytes();
    let length = u16::try_from(6 + block.len() + pages.len()).unwrap_or(u16::MAX);
    let [high, low] = length.to_be_bytes();
    let header = [
        high,
        low,
        0x00,
        DEVICE,
        0,
        0,
        block_length[0],
        block_length[1],
    ];
    [&header[..], block, pages].concat()
}
