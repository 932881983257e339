//! One drive, in the report and in listings: what it is, not what was done to it.

use super::Erasure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One drive: facts, and the erasure if one was tried. Also an element of `raz drives --json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drive {
    /// Short id to name the drive by.
    pub id: String,
    /// Device node at that time. It changes between boots.
    pub path: String,
    /// Model.
    pub model: Option<String>,
    /// Serial.
    pub serial: Option<String>,
    /// Addressable capacity.
    pub capacity_bytes: u64,
    /// Reasons against erasing it, each with what to do; empty when it may be erased.
    pub refusals: Vec<String>,
    /// The identity as recorded: input of the pattern's key derivation.
    pub identity: String,
    /// WWN, EUI-64, NGUID or backing file.
    pub world_wide: Option<String>,
    /// Namespace, LUN or area.
    pub area: Option<String>,
    /// SCSI vendor field.
    pub vendor: Option<String>,
    /// Firmware revision.
    pub firmware: Option<String>,
    /// Such as `ata`, `nvme`, `usb`.
    pub transport: String,
    /// USB bridge in front of it.
    pub bridge: Option<String>,
    /// Shared controller, subsystem or card.
    pub controller: Option<String>,
    /// Position in the machine.
    pub bus_path: String,
    /// Logical sector size.
    pub logical_sector_bytes: u32,
    /// Physical sector size.
    pub physical_sector_bytes: u32,
    /// Media type: `magnetic`, `flash`, `unknown`.
    pub media_type: String,
    /// Revolutions per minute of a rotating medium, when said.
    pub rotation_rpm: Option<u16>,
    /// `no`, `host-aware`, `host-managed`.
    pub zoned: String,
    /// Removable flag.
    pub removable: bool,
    /// Read-only flag.
    pub read_only: bool,
    /// Security state.
    pub security: Security,
    /// TCG locking; absent where nothing says that the drive has any, where it was not asked, and in
    /// reports of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcg: Option<Tcg>,
    /// Hidden capacity (HPA, DCO, AMAC): `not_applicable`, `none`, `hidden`, `opened_for_this_boot`, `unknown`.
    pub hidden_capacity: HiddenCapacity,
    /// Health before anything was written.
    pub health_before: Option<Health>,
    /// Health after the run.
    pub health_after: Option<Health>,
    /// What was odd.
    pub oddities: Vec<String>,
    /// What was done; absent when nothing was tried.
    pub erasure: Option<Erasure>,
}

/// ATA security and locking.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Security {
    /// Feature set supported.
    pub supported: Option<bool>,
    /// Password set.
    pub enabled: Option<bool>,
    /// Locked.
    pub locked: Option<bool>,
    /// Frozen until power cycle.
    pub frozen: Option<bool>,
}

/// What a drive says of TCG locking (Opal and its relatives), by Level 0 discovery.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tcg {
    /// Why it is not known how it is locked: unknown is not unlocked.
    pub unknown: Option<String>,
    /// Its security subsystem classes, such as `Opal 2`.
    pub classes: Vec<String>,
    /// Locking: absent where the drive told none.
    pub locking: Option<TcgLocking>,
    /// The owner's password is not the maker's any more.
    pub sid_changed: Option<bool>,
    /// The computer's firmware has blocked the owner's password until a power cycle (Block SID).
    pub sid_blocked: Option<bool>,
}

/// The Locking feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TcgLocking {
    /// The drive can lock.
    pub supported: bool,
    /// An owner has taken it into use.
    pub enabled: bool,
    /// At least one range is locked.
    pub locked: bool,
    /// Data are encrypted on the medium.
    pub media_encryption: bool,
    /// The shadow MBR is in use.
    pub shadow_mbr: bool,
    /// The shadow MBR has been put aside since power on.
    pub shadow_mbr_done: bool,
}

/// Capacity that cannot be addressed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HiddenCapacity {
    /// The state: unknown is not clean.
    pub state: HiddenState,
    /// Bytes hidden, or opened for this boot only.
    pub bytes: Option<u64>,
    /// Commands and answers, or why it is unknown.
    pub evidence: String,
    /// A hidden area was restored for good (not only for this boot).
    pub restored_for_good: bool,
}

/// State of [`HiddenCapacity`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HiddenState {
    /// The kind of drive has no such feature.
    NotApplicable,
    /// All capacity can be addressed.
    None,
    /// Some is hidden.
    Hidden,
    /// An HPA is open until the next power cycle.
    OpenedForThisBoot,
    /// Could not be asked.
    Unknown,
}

/// Health counters as read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// Where from: `ata smart`, `nvme log 02h`, `scsi log pages`, `ext_csd`, or `not read: why`.
    pub source: String,
    /// The drive says that it is failing.
    pub failing: Option<bool>,
    /// Temperature.
    pub temperature_celsius: Option<i32>,
    /// Power-on hours.
    pub power_on_hours: Option<u64>,
    /// Power cycles.
    pub power_cycles: Option<u64>,
    /// Reallocated sectors.
    pub reallocated: Option<u64>,
    /// Pending sectors.
    pub pending: Option<u64>,
    /// Offline uncorrectable sectors.
    pub offline_uncorrectable: Option<u64>,
    /// Reported uncorrectable errors.
    pub reported_uncorrectable: Option<u64>,
    /// Endurance used.
    pub percentage_used: Option<u8>,
    /// NVMe media errors.
    pub media_errors: Option<u64>,
    /// SCSI grown defects.
    pub grown_defects: Option<u64>,
    /// What was odd.
    pub oddities: Vec<String>,
}
