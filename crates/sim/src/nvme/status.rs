//! Status values of completions: status code type << 8 | status code (NVMe base specification 2.1,
//! section 4.2.3).

pub const SUCCESS: u16 = 0x000;
pub const INVALID_OPCODE: u16 = 0x001;
pub const INVALID_FIELD: u16 = 0x002;
pub const DATA_TRANSFER_ERROR: u16 = 0x004;
pub const INVALID_NAMESPACE: u16 = 0x00B;
pub const COMMAND_SEQUENCE_ERROR: u16 = 0x00C;
pub const SANITIZE_FAILED: u16 = 0x01C;
pub const SANITIZE_IN_PROGRESS: u16 = 0x01D;
pub const WRITE_PROTECTED: u16 = 0x020;
pub const LBA_OUT_OF_RANGE: u16 = 0x080;
pub const FORMAT_IN_PROGRESS: u16 = 0x084;
pub const INVALID_LOG_PAGE: u16 = 0x109;
pub const INVALID_FORMAT: u16 = 0x10A;
pub const FEATURE_NOT_SAVEABLE: u16 = 0x10D;
pub const NAMESPACE_ALREADY_ATTACHED: u16 = 0x118;
pub const NAMESPACE_NOT_ATTACHED: u16 = 0x11A;
pub const SELF_TEST_IN_PROGRESS: u16 = 0x11D;
/// A read in the Media Verification state brought what is on the medium: no error, and yet not 0.
pub const MEDIA_VERIFICATION_READ: u16 = 0x19C;
pub const UNRECOVERED_READ_ERROR: u16 = 0x281;
pub const ACCESS_DENIED: u16 = 0x286;
