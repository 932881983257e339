//! SANITIZE and FORMAT UNIT (SBC-4): what a host may ask for.

use super::layout::Format;
use super::sense::Sense;
use super::work::{AfterErase, Deed, State};
use super::{Outcome, ScsiDisk, length_16};
use std::time::Duration;

pub(super) const OVERWRITE: u8 = 0x01;
pub(super) const BLOCK_ERASE: u8 = 0x02;
pub(super) const CRYPTOGRAPHIC_ERASE: u8 = 0x03;
pub(super) const EXIT_FAILURE_MODE: u8 = 0x1F;

/// Sanitize operations of a disk: how long each takes, `None` where it has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sanitize {
    /// OVERWRITE.
    pub overwrite: Option<Duration>,
    /// BLOCK ERASE.
    pub block_erase: Option<Duration>,
    /// CRYPTOGRAPHIC ERASE.
    pub cryptographic_erase: Option<Duration>,
    /// Reads after a block erase (WABEREQ).
    pub after_block_erase: AfterErase,
    /// Reads after a cryptographic erase (WACEREQ).
    pub after_cryptographic_erase: AfterErase,
}

impl Sanitize {
    /// No SANITIZE at all.
    pub const NONE: Self = Self {
        overwrite: None,
        block_erase: None,
        cryptographic_erase: None,
        after_block_erase: AfterErase::Unspecified,
        after_cryptographic_erase: AfterErase::Unspecified,
    };

    /// Whether there is this service action.
    pub(super) fn has(&self, action: u8) -> bool {
        match action {
            OVERWRITE => self.overwrite.is_some(),
            BLOCK_ERASE => self.block_erase.is_some(),
            CRYPTOGRAPHIC_ERASE => self.cryptographic_erase.is_some(),
            EXIT_FAILURE_MODE => self.has_any(),
            _ => false,
        }
    }

    fn has_any(&self) -> bool {
        self.overwrite.is_some() || self.block_erase.is_some() || self.cryptographic_erase.is_some()
    }
}

impl ScsiDisk {
    pub(super) fn sanitize(&mut self, cdb: &[u8], out: &[u8]) -> Outcome {
        let offered = &self.options.sanitize;
        if !offered.has_any() {
            return Err(Sense::INVALID_OPERATION);
        }
        let action = cdb[1] & 0x1F;
        if !offered.has(action) {
            return Err(Sense::INVALID_FIELD);
        }
        // IMMED, AUSE; ZNR is for disks with zones.
        let is_immediate = cdb[1] & 0x80 != 0;
        let is_restricted = cdb[1] & 0x20 == 0;
        let list_bytes = length_16(&cdb[7..9]);
        if action != OVERWRITE && list_bytes != 0 {
            return Err(Sense::INVALID_FIELD);
        }
        if let State::SanitizeFailed {
            is_restricted: true,
        } = self.state
            && (action == EXIT_FAILURE_MODE || !is_restricted)
        {
            return Err(Sense::INVALID_FIELD);
        }
        let deed = match action {
            OVERWRITE => self.overwrite(list_bytes, out)?,
            BLOCK_ERASE => Deed::BlockErase,
            CRYPTOGRAPHIC_ERASE => Deed::CryptographicErase,
            _ => {
                // Out of the failed state, with whatever is on the medium.
                if matches!(self.state, State::SanitizeFailed { .. }) {
                    self.state = State::Ready;
                }
                return Ok(Vec::new());
            }
        };
        self.begin(deed, is_restricted, is_immediate)
    }

    /// The overwrite's parameter list. However often and inverted, the last pass is the pattern.
    fn overwrite(&self, list_bytes: usize, out: &[u8]) -> Result<Deed, Sense> {
        if list_bytes < 5 {
            return Err(Sense::LIST_LENGTH);
        }
        let list = out.get(..list_bytes).ok_or(Sense::DATA_PHASE)?;
        let count = list[0] & 0x1F;
        let pattern_bytes = length_16(&list[2..4]);
        if count == 0 || pattern_bytes == 0 || pattern_bytes > self.cells.sector_bytes() {
            return Err(Sense::INVALID_IN_LIST);
        }
        if list_bytes != 4 + pattern_bytes {
            return Err(Sense::LIST_LENGTH);
        }
        Ok(Deed::Overwrite(list[4..].to_vec()))
    }

    pub(super) fn format_unit(&mut self, cdb: &[u8], out: &[u8]) -> Outcome {
        if self.options.format.is_none() {
            return Err(Sense::INVALID_OPERATION);
        }
        // CMPLST without FMTDATA is nothing.
        let has_list = cdb[1] & 0x10 != 0;
        let is_complete = cdb[1] & 0x08 != 0;
        if (is_complete && !has_list) || cdb[4] & 0x02 != 0 {
            return Err(Sense::INVALID_FIELD);
        }
        let is_fast = cdb[4] & 0x01 != 0;
        let usage = if has_list {
            out.first().map_or(0, |byte| byte & 0x07)
        } else {
            0
        };
        let protection_type = self.protection_asked(cdb[1] >> 6, usage)?;
        let (is_immediate, pattern) = if has_list {
            let header_bytes = if cdb[1] & 0x20 == 0 { 4 } else { 8 };
            let header = out.get(..header_bytes).ok_or(Sense::DATA_PHASE)?;
            let defects = &header[header_bytes / 2..];
            if defects.iter().any(|byte| *byte != 0) {
                return Err(Sense::INVALID_IN_LIST);
            }
            let has_pattern = header[1] & 0x08 != 0;
            let pattern = if has_pattern {
                self.initialization_pattern(&out[header_bytes..])?
            } else {
                vec![0]
            };
            (header[1] & 0x02 != 0, pattern)
        } else {
            (false, vec![0])
        };
        if is_complete {
            // The list that was given is all there is to know, and it is empty.
            self.forget_defects();
        }
        let deed = Deed::Format(Format {
            pattern: (!is_fast).then_some(pattern),
            layout: self.next_layout(),
            protection_type,
        });
        self.begin(deed, false, is_immediate)
    }

    /// FMTPINFO, and PROTECTION FIELD USAGE of the list (SBC-4 table 41).
    fn protection_asked(&self, fmtpinfo: u8, usage: u8) -> Result<Option<u8>, Sense> {
        match (self.options.protection_type, fmtpinfo, usage) {
            (None, 0, 0) => Ok(None),
            (Some(_), 0, 0) => Ok(Some(0)),
            (Some(_), 2, 0) => Ok(Some(1)),
            (Some(_), 3, 0) => Ok(Some(2)),
            (Some(_), 3, 1) => Ok(Some(3)),
            _ => Err(Sense::INVALID_FIELD),
        }
    }

    /// The descriptor behind the header: type 0 (the default) or 1 (this pattern, repeated).
    fn initialization_pattern(&self, descriptor: &[u8]) -> Result<Vec<u8>, Sense> {
        let [_, kind, high, low, ..] = descriptor else {
            return Err(Sense::DATA_PHASE);
        };
        let length = length_16(&[*high, *low]);
        match kind {
            0 if length == 0 => Ok(vec![0]),
            1 if (1..=self.cells.sector_bytes()).contains(&length) => {
                let pattern = descriptor.get(4..4 + length).ok_or(Sense::DATA_PHASE)?;
                Ok(pattern.to_vec())
            }
            _ => Err(Sense::INVALID_IN_LIST),
        }
    }
}
