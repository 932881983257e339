//! What a drive is like: its names, its namespaces, what it supports and how long it takes.

use super::lies::Lies;
use crate::tcg;
use std::time::Duration;

/// Everything about a drive before its first command. The default is an honest drive of 8 MiB with
/// one namespace that supports everything.
#[derive(Clone, Debug)]
pub struct Options {
    /// At most 20 characters.
    pub serial: String,
    /// At most 40 characters.
    pub model: String,
    /// At most 8 characters.
    pub firmware: String,
    /// Of namespace 1; the last byte of the others counts up. All zero: none.
    pub eui64: [u8; 8],
    /// Of namespace 1; the last byte of the others counts up. All zero: none.
    pub nguid: [u8; 16],
    /// Namespace 1 and up.
    pub namespaces: Vec<NamespaceOptions>,
    /// The LBA formats that Identify lists, at most 16.
    pub formats: Vec<LbaFormat>,
    /// Places beyond the addresses of each namespace, in its sectors.
    pub spares: u64,
    /// Command dword 10 of a sanitize operation that succeeded before this life of the drive.
    pub earlier_sanitize: Option<u32>,
    /// TCG behind Security Send and Receive.
    pub tcg: Option<tcg::Options>,
    /// What the drive supports.
    pub switches: Switches,
    /// How long things take.
    pub durations: Durations,
    /// How worn it is.
    pub health: Health,
    /// What is untrue.
    pub lies: Lies,
}

/// A namespace as it left the factory.
#[derive(Clone, Copy, Debug)]
pub struct NamespaceOptions {
    /// Logical blocks.
    pub sectors: u64,
    /// Index into [`Options::formats`].
    pub lba_format: usize,
    /// Whether it is attached to the controller; one that is not is listed as allocated only.
    pub attached: bool,
    /// Write protected until it is not any more: no writes, no format, no sanitize of the drive.
    pub write_protected: bool,
}

/// A format of logical blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LbaFormat {
    /// Data bytes, a power of two from 512.
    pub data_bytes: u16,
    /// Metadata bytes beside them.
    pub metadata_bytes: u16,
}

/// What deallocated logical blocks read as (DLFEAT).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeallocatedReads {
    /// Zeros, without saying so.
    Unreported,
    /// Zeros.
    Zeros,
    /// FFh.
    Ones,
}

/// What the drive supports.
#[derive(Clone, Copy, Debug)]
pub struct Switches {
    /// SANICAP bit 1.
    pub sanitize_block_erase: bool,
    /// SANICAP bit 2.
    pub sanitize_overwrite: bool,
    /// SANICAP bit 0.
    pub sanitize_crypto_erase: bool,
    /// SANICAP bit 3: the Media Verification state.
    pub sanitize_verification: bool,
    /// SANICAP bit 5: a purge can be required and is reported.
    pub sanitize_purge: bool,
    /// SANICAP bit 29: no-deallocate is inhibited.
    pub no_deallocate_inhibited: bool,
    /// SANICAP bits 31:30, NODMMAS: 1 the media stay as erased, 2 they are written once more.
    pub no_deallocate_modifies: u8,
    /// Blocks that were erased and not written since answer reads with an unrecovered read error.
    pub erased_blocks_are_unreadable: bool,
    /// Format NVM.
    pub format: bool,
    /// FPI: Identify Namespace tells how much of a format is still to be done.
    pub format_tells_progress: bool,
    /// FNA bit 0: a format is of all namespaces.
    pub format_is_of_all: bool,
    /// FNA bit 1: a secure erase is of all namespaces.
    pub format_erase_is_of_all: bool,
    /// FNA bit 2: cryptographic erase by Format NVM.
    pub format_crypto_erase: bool,
    /// FNA bit 3 clear: Format NVM takes the broadcast value FFFFFFFFh for those attached.
    pub format_broadcast: bool,
    /// Device Self-test.
    pub self_test: bool,
    /// Namespace management: attach, detach and delete, lists of allocated namespaces.
    pub namespace_management: bool,
    /// A volatile write cache of so many sectors for each namespace; 0: none.
    pub write_cache_sectors: usize,
    /// DLFEAT bits 2:0.
    pub deallocated_reads: DeallocatedReads,
    /// DLFEAT bit 3: Write Zeroes with DEAC deallocates.
    pub write_zeroes_deallocates: bool,
    /// What an erased block holds.
    pub erased_byte: u8,
    /// Replay protected memory blocks, which no command here erases, are said to be there.
    pub replay_protected_blocks: bool,
    /// Identify has the fields that a host over fabrics needs.
    pub over_fabrics: bool,
}

/// How long things take.
#[derive(Clone, Copy, Debug)]
pub struct Durations {
    /// Sanitize, block erase.
    pub block_erase: Duration,
    /// Sanitize, one pass of an overwrite.
    pub overwrite_pass: Duration,
    /// Sanitize, crypto erase.
    pub crypto_erase: Duration,
    /// Deallocation behind the Media Verification state.
    pub deallocation: Duration,
    /// Format NVM with a secure erase; without one it takes no time.
    pub format: Duration,
    /// Short self-test.
    pub short_test: Duration,
    /// Extended self-test.
    pub extended_test: Duration,
}

/// What the SMART log begins with.
#[derive(Clone, Copy, Debug)]
pub struct Health {
    /// Byte 0 of the SMART log.
    pub critical_warning: u8,
    /// Kelvin.
    pub temperature: u16,
    /// Available spare, percent.
    pub spare_percent: u8,
    /// Percentage used.
    pub used_percent: u8,
    /// Power cycles before this life.
    pub power_cycles: u64,
    /// Power on hours before this life.
    pub power_on_hours: u64,
    /// Media and data integrity errors.
    pub media_errors: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            serial: "SIM00000001".into(),
            model: "SIM NVMe 8M".into(),
            firmware: "1.0".into(),
            eui64: [0x00, 0x25, 0x38, 0x11, 0x22, 0x33, 0x44, 0x01],
            nguid: [
                0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x00, 0x25, 0x38, 0xAA, 0xBB, 0xCC,
                0xDD, 0x01,
            ],
            namespaces: vec![NamespaceOptions {
                sectors: 16_384,
                lba_format: 0,
                attached: true,
                write_protected: false,
            }],
            formats: vec![
                LbaFormat {
                    data_bytes: 512,
                    metadata_bytes: 0,
                },
                LbaFormat {
                    data_bytes: 4096,
                    metadata_bytes: 0,
                },
                LbaFormat {
                    data_bytes: 512,
                    metadata_bytes: 8,
                },
                LbaFormat {
                    data_bytes: 4096,
                    metadata_bytes: 8,
                },
            ],
            spares: 1024,
            earlier_sanitize: None,
            tcg: None,
            switches: Switches::default(),
            durations: Durations::default(),
            health: Health::default(),
            lies: Lies::default(),
        }
    }
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            sanitize_block_erase: true,
            sanitize_overwrite: true,
            sanitize_crypto_erase: true,
            sanitize_verification: true,
            sanitize_purge: true,
            no_deallocate_inhibited: false,
            no_deallocate_modifies: 1,
            erased_blocks_are_unreadable: false,
            format: true,
            format_tells_progress: false,
            format_is_of_all: false,
            format_erase_is_of_all: false,
            format_crypto_erase: true,
            format_broadcast: true,
            self_test: true,
            namespace_management: true,
            write_cache_sectors: 256,
            deallocated_reads: DeallocatedReads::Zeros,
            write_zeroes_deallocates: true,
            erased_byte: 0xFF,
            replay_protected_blocks: false,
            over_fabrics: false,
        }
    }
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            block_erase: Duration::from_secs(60),
            overwrite_pass: Duration::from_secs(600),
            crypto_erase: Duration::from_secs(4),
            deallocation: Duration::from_secs(10),
            format: Duration::from_secs(30),
            short_test: Duration::from_secs(120),
            extended_test: Duration::from_secs(1200),
        }
    }
}

impl Default for Health {
    fn default() -> Self {
        Self {
            critical_warning: 0,
            temperature: 308,
            spare_percent: 100,
            used_percent: 3,
            power_cycles: 40,
            power_on_hours: 1000,
            media_errors: 0,
        }
    }
}
