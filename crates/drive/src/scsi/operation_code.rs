//! REPORT SUPPORTED OPERATION CODES, for one command: whether the drive has it. SPC-5 6.34.
//!
//! The usage map of the command block is not parsed.

/// SUPPORT, byte 1 b2:0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationSupport {
    /// 0: the drive cannot say now. Bridges that answer zeros say it as well.
    NotKnownNow,
    /// 1: not supported.
    NotSupported,
    /// 3: supported as the standard has it.
    Standard,
    /// 5: supported in a way of the maker's own.
    VendorSpecific,
    /// Another value.
    Reserved(u8),
}

impl OperationSupport {
    /// Parses the one-command answer; `None` when it is shorter than its four bytes.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let [_, support, _, _] = *data.first_chunk()?;
        Some(match support & 0b111 {
            0 => Self::NotKnownNow,
            1 => Self::NotSupported,
            3 => Self::Standard,
            5 => Self::VendorSpecific,
            other => Self::Reserved(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_decodes_beside_the_timeouts_bit() {
        for (value, support) in [
            (0x00, OperationSupport::NotKnownNow),
            (0x01, OperationSupport::NotSupported),
            (0x02, OperationSupport::Reserved(2)),
            (0x03, OperationSupport::Standard),
            (0x83, OperationSupport::Standard),
            (0x05, OperationSupport::VendorSpecific),
        ] {
            let answer = [0, value, 0, 10, 0x48, 0xE2, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0];
            assert_eq!(OperationSupport::parse(&answer), Some(support));
        }
    }

    #[test]
    fn short_answer_is_none() {
        assert_eq!(OperationSupport::parse(&[0, 3, 0]), None);
        assert_eq!(OperationSupport::parse(&[]), None);
    }
}
