//! IDENTIFY DEVICE: 256 words, from options and state.

use super::disk::AtaDisk;
use super::options::Options;
use super::{seal, words};
use std::time::Duration;

/// Text in words: two characters each, the first in the high byte, padded with spaces.
fn put_text(page: &mut [u16; 256], first: usize, count: usize, text: &str) {
    let mut bytes = text.bytes().chain(std::iter::repeat(b' '));
    for word in &mut page[first..first + count] {
        let pair = [bytes.next().unwrap_or(b' '), bytes.next().unwrap_or(b' ')];
        *word = u16::from_be_bytes(pair);
    }
}

/// The bits of a word.
fn bits(of: &[(u32, bool)]) -> u16 {
    let set = of.iter().filter(|(_, is_set)| *is_set);
    set.fold(0, |word, (bit, _)| word | 1 << bit)
}

/// Words 89 and 90: units of two minutes, 8 bits wide, or 15 bits where bit 15 says so.
fn erase_minutes(time: Duration) -> u16 {
    match time.as_secs().div_ceil(120) {
        units @ 0..=254 => u16::try_from(units).unwrap_or(0),
        units => 0x8000 | u16::try_from(units).unwrap_or(u16::MAX).min(0x7FFF),
    }
}

impl AtaDisk {
    /// The page, with its checksum.
    pub(crate) fn identify(&self) -> [u8; 512] {
        let mut page = [0u16; 256];
        self.put_basics(&mut page);
        self.put_feature_sets(&mut page);
        self.put_capacity(&mut page);
        self.put_security(&mut page);
        page[255] = 0x00A5;
        let mut bytes = [0u8; 512];
        for (pair, word) in bytes.chunks_mut(2).zip(page) {
            pair.copy_from_slice(&word.to_le_bytes());
        }
        seal(&mut bytes);
        bytes
    }

    fn put_basics(&self, page: &mut [u16; 256]) {
        let options = &self.options;
        let (serial, wwn) = self.names();
        page[0] = 0x0040;
        page[1] = 16_383;
        page[2] = 0xC837;
        page[3] = 16;
        page[6] = 63;
        put_text(page, 10, 10, serial);
        put_text(page, 23, 4, &options.firmware);
        put_text(page, 27, 20, &options.model);
        page[47] = 0x8001;
        page[48] = match self.tper {
            Some(_) => 0x4001,
            None => 0,
        };
        page[49] = 0x2F00;
        page[50] = 0x4000;
        page[53] = 0x0006;
        let sanitize = &options.sanitize;
        page[59] = bits(&[
            (15, sanitize.supported && sanitize.block),
            (14, sanitize.supported && sanitize.overwrite),
            (13, sanitize.supported && sanitize.crypto),
            (12, sanitize.supported),
            (11, sanitize.supported),
            (10, sanitize.supported && sanitize.antifreeze),
        ]);
        page[63] = 0x0007;
        page[64] = 0x0003;
        page[65..69].fill(120);
        page[69] = bits(&[
            (14, options.trim && options.trim_deterministic),
            (5, options.trim && options.trim_zeros),
            (4, options.encrypts),
            (3, options.lba48),
        ]);
        // Serial ATA without queued commands; software settings preserved over COMRESET.
        page[76] = 0x000E;
        page[78] = 0x0040;
        page[79] = 0x0040;
        // ATA-4 to ACS-4.
        page[80] = 0x0FF0;
        page[88] = 0x407F;
        page[105] = if options.trim { 8 } else { 0 };
        for (word, value) in page[108..112].iter_mut().zip(words(wwn).iter().rev()) {
            *word = *value;
        }
        page[169] = u16::from(options.trim);
        page[217] = options.rotation;
        page[222] = 0x107F;
    }

    fn put_feature_sets(&self, page: &mut [u16; 256]) {
        let options = &self.options;
        let has_hpa = self.hidden.has_hpa(options);
        let has_security = self.hidden.has_security(options);
        let commands = |security: bool, cache: bool, ahead: bool, smart: bool| {
            bits(&[
                (0, smart),
                (1, security),
                (3, true),
                (5, cache),
                (6, ahead),
                (10, has_hpa),
            ])
        };
        page[82] = commands(has_security, true, true, options.smart);
        page[85] = commands(
            has_security && self.security.is_enabled(),
            self.caches_writes,
            self.looks_ahead,
            options.smart && self.smart.is_enabled,
        );
        let more = bits(&[
            (8, has_hpa),
            (10, options.lba48),
            (11, options.dco),
            (12, true),
            (13, options.lba48),
        ]);
        page[83] = 0x4000 | more;
        page[86] = 0x8000 | (more & !bits(&[(8, !self.hidden.has_password())]));
        page[84] = 0x4000
            | bits(&[
                (0, options.smart),
                (1, options.smart),
                (5, options.logs),
                (6, true),
                (8, options.wwn != 0),
            ]);
        page[87] = page[84];
        page[119] = 0x4000 | bits(&[(8, options.amac)]);
        page[120] = page[119];
    }

    fn put_capacity(&self, page: &mut [u16; 256]) {
        let sectors = self.hidden.accessible();
        let short = words(sectors.min(0x0FFF_FFFF));
        page[60..62].copy_from_slice(&short[..2]);
        if self.options.lba48 {
            page[100..104].copy_from_slice(&words(sectors));
            page[230..234].copy_from_slice(&words(sectors));
        }
        let is_long = self.options.logical_sector_bytes > 512;
        page[106] = sector_size(&self.options);
        if is_long {
            page[117] = self.options.logical_sector_bytes / 2;
        }
        page[209] = 0x4000;
    }

    fn put_security(&self, page: &mut [u16; 256]) {
        if !self.hidden.has_security(&self.options) {
            return;
        }
        let options = &self.options.security;
        page[89] = erase_minutes(options.erase_time);
        page[90] = if options.enhanced {
            erase_minutes(options.enhanced_time)
        } else {
            0
        };
        page[92] = self.security.master_id;
        page[128] = self.security_status();
    }

    /// Word 128.
    pub(crate) fn security_status(&self) -> u16 {
        let security = &self.security;
        bits(&[
            (0, true),
            (1, security.is_enabled()),
            (2, security.is_locked),
            (3, security.is_frozen),
            (4, security.has_no_attempts()),
            (5, self.options.security.enhanced),
            (8, security.is_enabled() && security.is_maximum),
        ])
    }
}

/// Word 106: several logical sectors in a physical one, or logical sectors of more than 512 bytes.
fn sector_size(options: &Options) -> u16 {
    0x4000
        | bits(&[
            (13, options.physical_exponent > 0),
            (12, options.logical_sector_bytes > 512),
        ])
        | u16::from(options.physical_exponent & 0x0F)
}
