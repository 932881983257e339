//! LOG SENSE pages. SPC-5 7.3, SBC-4 6.4.
//!
//! A page or parameter that is not there is `None`, never zero.

use crate::bytes::{be_any, be16, be32, byte};

/// Page codes.
pub mod page {
    /// Supported log pages.
    pub const SUPPORTED: u8 = 0x00;
    /// Write error counters.
    pub const WRITE_ERRORS: u8 = 0x02;
    /// Read error counters.
    pub const READ_ERRORS: u8 = 0x03;
    /// Verify error counters.
    pub const VERIFY_ERRORS: u8 = 0x05;
    /// Temperature.
    pub const TEMPERATURE: u8 = 0x0D;
    /// Start-stop cycle counter.
    pub const START_STOP: u8 = 0x0E;
    /// Solid state media.
    pub const SOLID_STATE: u8 = 0x11;
    /// Background scan.
    pub const BACKGROUND_SCAN: u8 = 0x15;
    /// Informational exceptions.
    pub const INFORMATIONAL_EXCEPTIONS: u8 = 0x2F;
}

/// One log page: its parameters, whole ones only.
#[derive(Clone, Copy, Debug)]
pub struct LogPage<'a> {
    body: &'a [u8],
}

impl<'a> LogPage<'a> {
    /// The answer's page; `None` when it is short or another page than the one asked for.
    #[must_use]
    pub fn parse(data: &'a [u8], page: u8) -> Option<Self> {
        if byte(data, 0)? & 0x3F != page {
            return None;
        }
        let end = 4 + usize::from(be16(data, 2)?);
        Some(Self {
            body: data.get(4..end.min(data.len()))?,
        })
    }

    /// Parameters as code and value.
    pub fn parameters(self) -> impl Iterator<Item = (u16, &'a [u8])> {
        let mut rest = self.body;
        std::iter::from_fn(move || {
            let (code, length) = (be16(rest, 0)?, byte(rest, 3)?);
            let (parameter, after) = rest.split_at_checked(4 + usize::from(length))?;
            rest = after;
            Some((code, parameter.get(4..)?))
        })
    }

    /// The value of one parameter.
    #[must_use]
    pub fn parameter(self, code: u16) -> Option<&'a [u8]> {
        self.parameters()
            .find(|(c, _)| *c == code)
            .map(|(_, value)| value)
    }
}

/// Page 00h: the pages that exist.
#[must_use]
pub fn supported_pages(data: &[u8]) -> Option<Vec<u8>> {
    LogPage::parse(data, page::SUPPORTED).map(|page| page.body.iter().map(|b| b & 0x3F).collect())
}

/// Page 0Dh, parameter 0000h: temperature in degrees Celsius.
#[must_use]
pub fn temperature_celsius(data: &[u8]) -> Option<u8> {
    let value = LogPage::parse(data, page::TEMPERATURE)?.parameter(0)?;
    known_temperature(byte(value, 1)?)
}

/// FFh means "not known".
fn known_temperature(celsius: u8) -> Option<u8> {
    Some(celsius).filter(|t| *t != 0xFF)
}

/// Page 2Fh, parameter 0000h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InformationalExceptions {
    /// Additional sense code: 00h nothing, 5Dh failure predicted, 0Bh a warning.
    pub asc: u8,
    /// Qualifier.
    pub ascq: u8,
    /// Most recent temperature in degrees Celsius.
    pub temperature_celsius: Option<u8>,
}

/// Parses page 2Fh.
#[must_use]
pub fn informational_exceptions(data: &[u8]) -> Option<InformationalExceptions> {
    let value = LogPage::parse(data, page::INFORMATIONAL_EXCEPTIONS)?.parameter(0)?;
    Some(InformationalExceptions {
        asc: byte(value, 0)?,
        ascq: byte(value, 1)?,
        // 0 is what drives put there that leave the byte out.
        temperature_celsius: byte(value, 2)
            .and_then(known_temperature)
            .filter(|t| *t > 0),
    })
}

/// Pages 02h, 03h, 05h, parameter 0006h: total uncorrected errors.
#[must_use]
pub fn uncorrected_errors(data: &[u8], page: u8) -> Option<u64> {
    be_any(LogPage::parse(data, page)?.parameter(6)?)
}

/// Page 11h, parameter 0001h: percentage of rated endurance used; may exceed 100.
#[must_use]
pub fn percentage_used(data: &[u8]) -> Option<u8> {
    byte(LogPage::parse(data, page::SOLID_STATE)?.parameter(1)?, 3)
}

/// Page 0Eh, parameter 0004h: accumulated start-stop cycles.
#[must_use]
pub fn start_stop_cycles(data: &[u8]) -> Option<u32> {
    be32(LogPage::parse(data, page::START_STOP)?.parameter(4)?, 0)
}

/// Page 15h, parameter 0000h: accumulated power-on minutes.
#[must_use]
pub fn power_on_minutes(data: &[u8]) -> Option<u32> {
    be32(
        LogPage::parse(data, page::BACKGROUND_SCAN)?.parameter(0)?,
        0,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn supported_pages_lose_their_flags() {
        assert_eq!(
            supported_pages(&[0, 0, 0, 3, 0x00, 0x0D, 0x2F]),
            Some(vec![0, 0x0D, 0x2F])
        );
    }

    #[test]
    fn temperature_in_celsius_and_unknown() {
        let page = |t| [0x0D, 0, 0, 12, 0, 0, 3, 2, 0, t, 0, 1, 3, 2, 0, 60];
        assert_eq!(temperature_celsius(&page(38)), Some(38));
        assert_eq!(temperature_celsius(&page(0xFF)), None);
        assert_eq!(temperature_celsius(&page(38)[..8]), None);
    }

    #[test]
    fn informational_exceptions_predict_failure() {
        let data = [0x2F, 0, 0, 8, 0, 0, 3, 4, 0x5D, 0x10, 41, 0];
        assert_eq!(
            informational_exceptions(&data),
            Some(InformationalExceptions {
                asc: 0x5D,
                ascq: 0x10,
                temperature_celsius: Some(41)
            })
        );
    }

    #[test]
    fn uncorrected_errors_of_any_width_behind_other_parameters() {
        let mut data = vec![0x03, 0, 0, 0];
        data.extend([0x00, 0x00, 0x02, 2, 0x12, 0x34]);
        data.extend([0x00, 0x06, 0x02, 8, 0, 0, 0, 0, 0, 0, 1, 2]);
        data[3] = (data.len() - 4) as u8;
        assert_eq!(uncorrected_errors(&data, 0x03), Some(258));
        assert_eq!(uncorrected_errors(&data, 0x02), None);
        let four = [0x02, 0, 0, 8, 0x00, 0x06, 0x02, 4, 0, 0, 0, 7];
        assert_eq!(uncorrected_errors(&four, 0x02), Some(7));
    }

    #[test]
    fn endurance_cycles_and_minutes() {
        assert_eq!(
            percentage_used(&[0x11, 0, 0, 8, 0, 1, 3, 4, 0, 0, 0, 104]),
            Some(104)
        );
        let cycles = [0x0E, 0, 0, 8, 0, 4, 3, 4, 0, 0, 0x36, 0x35];
        assert_eq!(start_stop_cycles(&cycles), Some(13_877));
        let scan = [0x15, 0, 0, 12, 0, 0, 3, 8, 0, 0x22, 0x09, 0xE4, 0, 0, 0, 0];
        assert_eq!(power_on_minutes(&scan), Some(0x22_09E4));
    }

    #[test]
    fn another_page_or_a_cut_parameter_is_none() {
        let data = [0x0D, 0, 0, 6, 0, 0, 3, 2, 0, 38];
        assert_eq!(percentage_used(&data), None);
        assert_eq!(
            temperature_celsius(&[0x0D, 0, 0, 6, 0, 0, 3, 200, 0, 38]),
            None
        );
    }
}
