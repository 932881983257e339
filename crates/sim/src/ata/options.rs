//! What one drive is like, and how it lies. Trap numbers are those of raz's list of what makes a
//! drive look clean that is not.

use crate::cells::Placement;
use crate::tcg;
use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

/// One drive. [`Options::default`] is a small solid-state drive with every command set that raz
/// knows, and honest.
#[derive(Clone, Debug)]
pub struct Options {
    /// Up to 20 characters.
    pub serial: String,
    /// Up to 40 characters.
    pub model: String,
    /// Up to 8 characters.
    pub firmware: String,
    /// World wide name; 0: the drive has none.
    pub wwn: u64,
    /// All that can ever have an address: hidden sectors included. Any number can be read and written;
    /// an erasure walks over all of them, and takes memory for what is not zero.
    pub sectors: u64,
    /// Bytes of an addressed sector: a multiple of 512, at least 512.
    pub logical_sector_bytes: u16,
    /// Logical sectors per physical one, as a power of two.
    pub physical_exponent: u8,
    /// 0 not told, 1 solid state, else revolutions per minute.
    pub rotation: u16,
    /// Disk or flash.
    pub placement: Placement,
    /// Places without an address.
    pub spares: u64,
    /// Sectors that cannot be read until they are written, which moves them to a spare place.
    pub unreadable: BTreeSet<u64>,
    /// User data is encrypted, and IDENTIFY says so.
    pub encrypts: bool,
    /// DATA SET MANAGEMENT TRIM.
    pub trim: bool,
    /// Reads of a trimmed sector are all the same.
    pub trim_deterministic: bool,
    /// Reads of a trimmed sector are zeros.
    pub trim_zeros: bool,
    /// SMART.
    pub smart: bool,
    /// General purpose logging: READ LOG EXT.
    pub logs: bool,
    /// SANITIZE DEVICE.
    pub sanitize: SanitizeOptions,
    /// SECURITY.
    pub security: SecurityOptions,
    /// Trusted computing: TCG behind TRUSTED SEND and RECEIVE.
    pub tcg: Option<tcg::Options>,
    /// Addresses of 48 bits, and the commands that have them.
    pub lba48: bool,
    /// READ NATIVE MAX and SET MAX.
    pub hpa: bool,
    /// Accessible sectors at the start, if fewer than the native ones, by `hpa` or `amac`.
    pub accessible: Option<u64>,
    /// Accessible Max Address configuration.
    pub amac: bool,
    /// DEVICE CONFIGURATION.
    pub dco: bool,
    /// What a device configuration did before the start.
    pub configured: Configured,
    /// The last address stays where it was when a configuration is undone: what that had hidden is
    /// behind a set max address then.
    pub keeps_max: bool,
    /// A set max address or configuration cannot be changed until the power is cycled.
    pub hidden_frozen: bool,
    /// Where sense data is in descriptor format from the start (D_SENSE of the control page).
    pub d_sense: bool,
    /// How it lies.
    pub lies: Lies,
}

/// The SANITIZE DEVICE feature set.
#[derive(Clone, Debug)]
pub struct SanitizeOptions {
    /// Supported at all.
    pub supported: bool,
    /// CRYPTO SCRAMBLE EXT.
    pub crypto: bool,
    /// BLOCK ERASE EXT.
    pub block: bool,
    /// OVERWRITE EXT.
    pub overwrite: bool,
    /// ANTIFREEZE LOCK EXT.
    pub antifreeze: bool,
    /// A sanitize ended well before the start: COUNT bit 15 is set.
    pub done_before: bool,
    /// Frozen at the start, by the firmware of the PC.
    pub frozen: bool,
    /// A locked drive takes a sanitize with FAILURE MODE 0 (log 30h page 06h says so).
    pub overrides_lock: bool,
    /// What a crypto scramble takes.
    pub crypto_time: Duration,
    /// What a block erase takes.
    pub block_time: Duration,
    /// What one pass of an overwrite takes.
    pub pass_time: Duration,
}

/// The SECURITY feature set.
#[derive(Clone, Debug)]
pub struct SecurityOptions {
    /// Supported at all.
    pub supported: bool,
    /// Enhanced erase.
    pub enhanced: bool,
    /// Frozen at the start, by the firmware of the PC.
    pub frozen: bool,
    /// Frozen again each time the power comes back.
    pub frozen_again: bool,
    /// A user password from before, level High: the drive is locked at the start.
    pub password: Option<[u8; 32]>,
    /// What a normal erase takes: word 89.
    pub erase_time: Duration,
    /// What an enhanced erase takes: word 90.
    pub enhanced_time: Duration,
}

/// What a device configuration hides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Configured {
    /// Native sectors that are left, if fewer.
    pub sectors: Option<u64>,
    /// The SECURITY feature set is hidden.
    pub hides_security: bool,
    /// The HPA feature set is hidden.
    pub hides_hpa: bool,
}

/// What an erasure leaves as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Kept {
    /// Nothing: honest.
    #[default]
    Nothing,
    /// All of it.
    All,
    /// Places that no address points to.
    Unaddressed,
    /// These places, numbered as in [`crate::cells`].
    Places(Range<u64>),
}

/// Named ways not to do what is said. All off by default.
#[derive(Clone, Debug, Default)]
pub struct Lies {
    /// 1: A sanitize command does nothing and is answered as one that ended well long ago.
    pub sanitize_swallowed: bool,
    /// 6: READ NATIVE MAX and GET NATIVE MAX answer a count, one more than the last address.
    pub native_max_is_count: bool,
    /// 10: A sector of zeros is not written but deallocated; its old bytes stay.
    pub zeros_elided: bool,
    /// 14: A locked drive reads as zeros, with success.
    pub zeros_while_locked: bool,
    /// 15: CRYPTO SCRAMBLE changes the key for new data and keeps the old one, or there is none.
    pub key_kept: bool,
    /// 17: What a block erase or an overwrite leaves and says nothing of; `key_kept` is for a scramble.
    pub sanitize_keeps: Kept,
    /// 17: What SECURITY ERASE UNIT leaves and says nothing of.
    pub erase_keeps: Kept,
    /// 18: A sanitize ends as soon as it began, and an erase takes no time.
    pub instant: bool,
    /// 19: A sanitize never gets further than this many 65536ths.
    pub stuck_at: Option<u16>,
    /// 20: A sanitize fails in the end for this reason (1: physical sectors remain unsanitized).
    pub sanitize_fails: Option<u8>,
    /// 21: The bridge answers GOOD without sense data where registers were asked for, whatever the
    /// drive said; RETURN RESPONSE INFORMATION has them.
    pub sense_empty: bool,
    /// 21: The bridge answers GOOD to every pass-through and passes nothing on.
    pub pass_through_swallowed: bool,
    /// The bridge knows no pass-through.
    pub pass_through_refused: bool,
    /// The bridge passes commands of 28 bits only.
    pub pass_through_28_bit: bool,
    /// 22: The bridge keeps this many sectors at the end for itself.
    pub bridge_reserves: u64,
    /// 23: The bridge counts addresses modulo this.
    pub bridge_wraps_at: Option<u64>,
    /// 35: Flushes and FUA are answered and not carried out.
    pub flush_ignored: bool,
    /// 37: After this many commands it is another drive: serial number and world wide name.
    pub identity_changes_after: Option<u64>,
    /// 42: A read of more than one sector lacks its last one, with success.
    pub reads_short: bool,
    /// 43: After this many write commands the medium is worn out and keeps what it has, with success.
    pub writes_ignored_after: Option<u64>,
    /// 46: A reset of the bus ends SECURITY ERASE UNIT at once, which is answered as success; the
    /// drive stays locked.
    pub erase_reset: bool,
    /// SECURITY ERASE UNIT loses its power half way and is not answered.
    pub erase_power_cut: bool,
    /// 49: What OVERWRITE EXT writes instead of the pattern that it was given.
    pub overwrite_pattern: Option<[u8; 4]>,
    /// 52: SMART says that the drive is failing.
    pub smart_failing: bool,
    /// 4: A normal SECURITY ERASE UNIT ends at the accessible max address.
    pub erase_leaves_hidden: bool,
    /// The HBA writes zero into COUNT of every command without data.
    pub count_zeroed: bool,
    /// The HBA knows fixed format sense data only: COUNT 15:8 and LBA 47:24 are lost.
    pub fixed_sense_only: bool,
    /// Registers in fixed format are where the kernel had them before 2024: error in byte 8, LBA low
    /// in byte 17.
    pub fixed_sense_misplaced: bool,
    /// The HBA returns the low bytes of the registers only, as for 28-bit commands.
    pub registers_28_bit: bool,
    /// The HBA returns the registers of the command before.
    pub registers_of_previous: bool,
    /// The drive never answers this ATA command.
    pub hangs_on: Option<u8>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            serial: "SIM-ATA-0001".into(),
            model: "SIMULATED ATA DISK".into(),
            firmware: "SIM01".into(),
            wwn: 0x5000_C500_0000_0001,
            sectors: 2048,
            logical_sector_bytes: 512,
            physical_exponent: 3,
            rotation: 1,
            placement: Placement::Moving,
            spares: 128,
            unreadable: BTreeSet::new(),
            encrypts: true,
            trim: true,
            trim_deterministic: true,
            trim_zeros: true,
            smart: true,
            logs: true,
            sanitize: SanitizeOptions::default(),
            security: SecurityOptions::default(),
            tcg: None,
            lba48: true,
            hpa: true,
            accessible: None,
            amac: false,
            dco: true,
            configured: Configured::default(),
            keeps_max: false,
            hidden_frozen: false,
            d_sense: false,
            lies: Lies::default(),
        }
    }
}

impl Options {
    /// A magnetic disk: writes in place, knows no TRIM, encrypts nothing, overwrites.
    #[must_use]
    pub fn magnetic() -> Self {
        let sanitize = SanitizeOptions {
            crypto: false,
            block: false,
            ..SanitizeOptions::default()
        };
        Self {
            rotation: 7200,
            placement: Placement::InPlace,
            encrypts: false,
            trim: false,
            trim_deterministic: false,
            trim_zeros: false,
            sanitize,
            ..Self::default()
        }
    }
}

impl Default for SanitizeOptions {
    fn default() -> Self {
        Self {
            supported: true,
            crypto: true,
            block: true,
            overwrite: true,
            antifreeze: true,
            done_before: false,
            frozen: false,
            overrides_lock: true,
            crypto_time: Duration::from_secs(2),
            block_time: Duration::from_secs(60),
            pass_time: Duration::from_secs(7200),
        }
    }
}

impl Default for SecurityOptions {
    fn default() -> Self {
        Self {
            supported: true,
            enhanced: true,
            frozen: false,
            frozen_again: false,
            password: None,
            erase_time: Duration::from_secs(7200),
            enhanced_time: Duration::from_secs(120),
        }
    }
}
