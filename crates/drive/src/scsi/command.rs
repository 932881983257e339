//! SCSI command blocks. Allocation lengths are in bytes and are what the caller's buffer holds.
//!
//! SPC-5 clause 6, SBC-4 clause 5.

/// TEST UNIT READY (00h).
#[must_use]
pub fn test_unit_ready() -> [u8; 6] {
    [0; 6]
}

/// REQUEST SENSE (03h), fixed format (DESC = 0).
#[must_use]
pub fn request_sense(allocation_bytes: u8) -> [u8; 6] {
    [0x03, 0, 0, 0, allocation_bytes, 0]
}

/// INQUIRY (12h), standard data. Old devices misbehave beyond 36 bytes.
#[must_use]
pub fn inquiry(allocation_bytes: u16) -> [u8; 6] {
    let [high, low] = allocation_bytes.to_be_bytes();
    [0x12, 0, 0, high, low, 0]
}

/// INQUIRY (12h) with EVPD: one vital product data page.
#[must_use]
pub fn inquiry_vpd(page: u8, allocation_bytes: u16) -> [u8; 6] {
    let [high, low] = allocation_bytes.to_be_bytes();
    [0x12, 0x01, page, high, low, 0]
}

/// READ CAPACITY(10) (25h): 8 bytes in.
#[must_use]
pub fn read_capacity_10() -> [u8; 10] {
    [0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

/// READ CAPACITY(16) (9Eh/10h): 32 bytes in.
#[must_use]
pub fn read_capacity_16(allocation_bytes: u32) -> [u8; 16] {
    let [a, b, c, d] = allocation_bytes.to_be_bytes();
    [0x9E, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d, 0, 0]
}

/// LOG SENSE (4Dh), cumulative values (PC = 01b), from the first parameter.
#[must_use]
pub fn log_sense(page: u8, subpage: u8, allocation_bytes: u16) -> [u8; 10] {
    let [high, low] = allocation_bytes.to_be_bytes();
    [
        0x4D,
        0,
        0x40 | (page & 0x3F),
        subpage,
        0,
        0,
        0,
        high,
        low,
        0,
    ]
}

/// Which values MODE SENSE returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageControl {
    /// What is in force.
    Current = 0,
    /// A mask of what may be changed.
    Changeable = 1,
    /// What the maker set.
    Default = 2,
    /// What survives a power cycle.
    Saved = 3,
}

/// MODE SENSE(10) (5Ah) with LLBAA, so that block descriptors may be the long ones.
#[must_use]
pub fn mode_sense_10(
    control: PageControl,
    page: u8,
    subpage: u8,
    allocation_bytes: u16,
) -> [u8; 10] {
    let [high, low] = allocation_bytes.to_be_bytes();
    [
        0x5A,
        0x10,
        (control as u8) << 6 | (page & 0x3F),
        subpage,
        0,
        0,
        0,
        high,
        low,
        0,
    ]
}

/// READ DEFECT DATA(12) (B7h), grown list (REQ_GLIST), long block format (011b). With 8 bytes
/// allocated it returns the list's length alone.
#[must_use]
pub fn read_grown_defects_12(allocation_bytes: u32) -> [u8; 12] {
    let [a, b, c, d] = allocation_bytes.to_be_bytes();
    [0xB7, 0x08 | 0x03, 0, 0, 0, 0, a, b, c, d, 0, 0]
}

/// SYNCHRONIZE CACHE(10) (35h) of the whole medium, not immediate: it returns when all is written.
#[must_use]
pub fn synchronize_cache_10() -> [u8; 10] {
    [0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

/// REPORT SUPPORTED OPERATION CODES (A3h/0Ch) for one command, without its timeouts: for
/// [`super::operation_code::OperationSupport`]. The service action is `None` for a command that has
/// none; the drive refuses the question when that is wrong.
#[must_use]
pub fn report_supported_operation_code(
    operation_code: u8,
    service_action: Option<u16>,
    allocation_bytes: u32,
) -> [u8; 12] {
    let options = match service_action {
        None => 0b001,
        Some(_) => 0b010,
    };
    let [action_high, action_low] = service_action.unwrap_or(0).to_be_bytes();
    let [a, b, c, d] = allocation_bytes.to_be_bytes();
    [
        0xA3,
        0x0C,
        options,
        operation_code,
        action_high,
        action_low,
        a,
        b,
        c,
        d,
        0,
        0,
    ]
}

/// SECURITY PROTOCOL IN (A2h), length in bytes (INC_512 = 0). Protocol 01h with ComID 0001h is TCG's
/// Level 0 discovery.
#[must_use]
pub fn security_protocol_in(protocol: u8, specific: u16, allocation_bytes: u32) -> [u8; 12] {
    let [specific_high, specific_low] = specific.to_be_bytes();
    let [a, b, c, d] = allocation_bytes.to_be_bytes();
    [
        0xA2,
        protocol,
        specific_high,
        specific_low,
        0,
        0,
        a,
        b,
        c,
        d,
        0,
        0,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_commands_are_the_golden_vectors() {
        assert_eq!(test_unit_ready(), [0x00, 0, 0, 0, 0, 0]);
        assert_eq!(request_sense(252), [0x03, 0, 0, 0, 0xFC, 0]);
        assert_eq!(inquiry(36), [0x12, 0, 0, 0, 36, 0]);
        assert_eq!(inquiry_vpd(0x83, 0x0123), [0x12, 0x01, 0x83, 0x01, 0x23, 0]);
    }

    #[test]
    fn capacity_commands_are_the_golden_vectors() {
        assert_eq!(read_capacity_10(), [0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(
            read_capacity_16(32),
            [0x9E, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0]
        );
    }

    #[test]
    fn sense_pages_are_the_golden_vectors() {
        assert_eq!(
            log_sense(0x2F, 0, 512),
            [0x4D, 0, 0x6F, 0, 0, 0, 0, 0x02, 0x00, 0]
        );
        assert_eq!(
            mode_sense_10(PageControl::Default, 0x3F, 0, 252),
            [0x5A, 0x10, 0xBF, 0, 0, 0, 0, 0, 0xFC, 0]
        );
        assert_eq!(
            read_grown_defects_12(8),
            [0xB7, 0x0B, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0]
        );
    }

    #[test]
    fn synchronize_cache_waits_for_the_whole_medium() {
        assert_eq!(synchronize_cache_10(), [0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn questions_of_support_and_security_are_the_golden_vectors() {
        assert_eq!(
            report_supported_operation_code(0x48, Some(0x02), 512),
            [0xA3, 0x0C, 0x02, 0x48, 0, 0x02, 0, 0, 0x02, 0, 0, 0]
        );
        assert_eq!(
            report_supported_operation_code(0x04, None, 512),
            [0xA3, 0x0C, 0x01, 0x04, 0, 0, 0, 0, 0x02, 0, 0, 0]
        );
        assert_eq!(
            security_protocol_in(0x01, 0x0001, 2048),
            [0xA2, 0x01, 0, 0x01, 0, 0, 0, 0, 0x08, 0, 0, 0]
        );
    }
}
