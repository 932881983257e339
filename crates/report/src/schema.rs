//! Report schema v1: what leaves the machine, field by field.
//!
//! The published JSON Schema (`docs/report-v1.schema.json`) is generated from these types and
//! tested against real reports. Field set: NIST SP 800-88r2 §4.6 and appendix C (through
//! r1 §4.8 / appendix G), plus the evidence that an auditor needs to repeat the check.
//! No host names, users, networks or file names of the donor are in it.
//!
//! Sizes are bytes, times RFC 3339 in UTC, unless the name says otherwise. Absent means that it
//! was not read or does not apply; nothing is guessed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Value of [`Report::schema`].
pub const SCHEMA: &str = "raz-report@v1";

/// One machine's report: facts, what was done to each drive, what was proven, the verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Always `raz-report@v1`: also the SSHSIG namespace.
    pub schema: String,
    /// Random UUID, version 4. An upload again under the same id must have the same bytes.
    pub report_id: Uuid,
    /// The program that made the report.
    pub tool: Tool,
    /// When the report was composed.
    pub created: String,
    /// How far the times in this report can be trusted.
    pub clock: Clock,
    /// The station whose key signs the report.
    pub station: Station,
    /// Who performed and verified the sanitization, as typed in. Required before a certificate is issued.
    pub operator: Option<Operator>,
    /// Donor's lot or property number, as given.
    pub lot: Option<String>,
    /// How the run was started.
    pub mode: Mode,
    /// The computer.
    pub machine: Machine,
    /// Every drive that was found, also those that were not erased.
    pub drives: Vec<Drive>,
    /// The grade and its reasons.
    pub verdict: Option<Verdict>,
    /// What this report does not establish, in words.
    pub limits: Vec<String>,
}

/// Name and version of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `raz`.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// Architecture and running kernel release.
    pub platform: String,
}

/// Trust in the machine's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Clock {
    /// The state.
    pub state: ClockState,
    /// Service time minus machine time when the service answered, in seconds.
    pub offset_seconds: Option<i64>,
}

/// What the machine's clock was compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockState {
    /// Compared with nothing: donated machines' clocks are often years off.
    Unsynchronised,
    /// Compared with the pinned service's time; `offset_seconds` says by how much it is off.
    Compared,
}

/// The signing station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Station {
    /// Name given at enrolment, or `unnamed`.
    pub name: String,
    /// `SHA256:…` fingerprint of its ed25519 key, as `ssh-keygen -l` prints it.
    pub key_fingerprint: String,
}

/// The person responsible (NIST SP 800-88r1 appendix G).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Operator {
    /// Name.
    pub name: String,
    /// Title or function.
    pub title: Option<String>,
    /// Place.
    pub location: Option<String>,
    /// Telephone or mail.
    pub contact: Option<String>,
}

/// How the run was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// From a command line.
    CommandLine,
    /// A person at the console.
    Session,
    /// `raz.auto=erase`, armed in the inventory.
    Unattended,
}

/// The computer around the drives.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// SMBIOS type 1 manufacturer.
    pub maker: Option<String>,
    /// SMBIOS type 1 product name.
    pub model: Option<String>,
    /// SMBIOS type 1 serial.
    pub serial: Option<String>,
    /// SMBIOS type 1 UUID.
    pub uuid: Option<String>,
    /// SMBIOS type 3 chassis kind in words.
    pub chassis: Option<String>,
    /// Base board maker, model, serial.
    pub board: Option<String>,
    /// BIOS vendor, version, date.
    pub bios: Option<String>,
    /// Processors.
    pub cpus: Vec<Cpu>,
    /// RAM that the kernel sees.
    pub memory_total_bytes: Option<u64>,
    /// DIMM slots (SMBIOS type 17), also empty ones.
    pub memory_slots: Vec<MemorySlot>,
    /// Physical network adapters.
    pub networks: Vec<Network>,
    /// Batteries.
    pub batteries: Vec<Battery>,
    /// Graphics adapters, `vendor:device` in hexadecimal and driver.
    pub graphics: Vec<String>,
    /// Screens by EDID.
    pub displays: Vec<Display>,
    /// `uefi` or `bios`.
    pub firmware_mode: Option<String>,
    /// Secure Boot is on.
    pub secure_boot: Option<bool>,
    /// TPM version, such as `2.0`; `none` when the kernel found none.
    pub tpm: Option<String>,
    /// What was odd or unreadable.
    pub oddities: Vec<String>,
}

/// One processor package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cpu {
    /// Brand string.
    pub model: String,
    /// Physical cores.
    pub cores: Option<u32>,
    /// Hardware threads.
    pub threads: Option<u32>,
}

/// One DIMM slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemorySlot {
    /// Device locator as printed on the board.
    pub locator: String,
    /// Module size; 0 for an empty slot; absent when unknown.
    pub size_bytes: Option<u64>,
    /// Such as `DDR4`.
    pub kind: Option<String>,
    /// Configured speed in MT/s.
    pub speed_mts: Option<u32>,
    /// Module maker.
    pub maker: Option<String>,
    /// Part number.
    pub part: Option<String>,
    /// Module serial.
    pub serial: Option<String>,
}

/// One network adapter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Network {
    /// Kernel name.
    pub name: String,
    /// Hardware address.
    pub mac: String,
    /// Kernel driver.
    pub driver: Option<String>,
    /// Wireless adapter.
    pub wireless: bool,
}

/// One battery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Battery {
    /// Kernel name.
    pub name: String,
    /// Maker and model.
    pub model: Option<String>,
    /// Capacity by design.
    pub capacity_design_mwh: Option<u64>,
    /// Capacity when full now.
    pub capacity_full_mwh: Option<u64>,
    /// Full over design, at most 100.
    pub health_percent: Option<u8>,
    /// Charge cycles; absent when the battery does not count.
    pub cycles: Option<u32>,
}

/// One screen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Display {
    /// Connector name.
    pub connector: String,
    /// EDID maker, product and name.
    pub model: Option<String>,
    /// Preferred width in pixels.
    pub width_px: Option<u32>,
    /// Preferred height in pixels.
    pub height_px: Option<u32>,
    /// Width in centimetres.
    pub width_cm: Option<u8>,
    /// Height in centimetres.
    pub height_cm: Option<u8>,
}

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

/// Sanitization level of NIST SP 800-88.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nothing may be claimed.
    None,
    /// Clear.
    Clear,
    /// Purge.
    Purge,
}

/// The conclusion in one word, used strictly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeWord {
    /// Every addressable byte was overwritten, read back and compared by raz.
    Verified,
    /// Written in full, read back not at all.
    WrittenNotChecked,
    /// Something is not proven.
    NotComplete,
    /// Nothing was written.
    NotStarted,
}

/// What was done to a drive and what of it is proven.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Erasure {
    /// Level asked for.
    pub requested_level: Level,
    /// Level reached: `none` unless the outcome is `verified`.
    pub achieved_level: Level,
    /// Sanitization technique (r2 §4.6), such as `overwrite`.
    pub technique: String,
    /// Why this technique, and which row of the tables it follows or falls short of.
    pub reasons: Vec<String>,
    /// The conclusion.
    pub outcome: OutcomeWord,
    /// The conclusion in a sentence.
    pub outcome_text: String,
    /// Each reason why it is not proven.
    pub shortfalls: Vec<String>,
    /// Whose consent, how.
    pub consent: Consent,
    /// How to derive the pattern again.
    pub pattern: Pattern,
    /// Each pass that began.
    pub passes: Vec<Pass>,
    /// What the drive holds now.
    pub final_content: FinalContent,
    /// Commands beyond reads and writes, with the status each brought.
    pub commands: Vec<Command>,
    /// The identity re-read before, between and after the phases.
    pub identity_checks: Vec<IdentityCheck>,
    /// Start.
    pub started: String,
    /// End.
    pub ended: String,
    /// What the technique does not reach on this drive.
    pub not_reached: Vec<String>,
}

/// A person's consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Consent {
    /// `command_line`, `typed`, `armed`.
    pub by: String,
    /// The id that was confirmed.
    pub drive_id: String,
    /// Such as the end of the arming in the inventory.
    pub detail: Option<String>,
}

/// Inputs of the pattern's key derivation, besides [`Drive::identity`] and [`Pass::pass`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pattern {
    /// BLAKE3 key derivation context string.
    pub derivation: String,
    /// 32 random bytes in hexadecimal.
    pub seed: String,
    /// `aes-128-ctr` or `chacha8`.
    pub cipher: String,
}

/// What was written in a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PassKind {
    /// Position-keyed pattern.
    Pattern,
    /// Bitwise complement of the pattern of the same pass number.
    Complement,
    /// Zeros.
    Zero,
}

/// What an untroubled drive holds at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FinalContent {
    /// The pattern of the last pattern pass.
    Pattern,
    /// Its complement.
    Complement,
    /// Zeros: reading them back later proves nothing about this run.
    Zeros,
    /// Not established.
    Unknown,
}

/// One pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pass {
    /// What was written.
    pub kind: PassKind,
    /// Pass number in the key derivation.
    pub pass: u32,
    /// Bytes written without error.
    pub written_bytes: u64,
    /// Sectors that could not be written, at most [`RANGES_LISTED_MAX`] ranges.
    pub write_errors: Ranges,
    /// The write cache was flushed after the last write.
    pub flushed: bool,
    /// Duration of the write phase.
    pub write_seconds: f64,
    /// Verification type and coverage; absent when none was done.
    pub verification: Option<Verification>,
}

/// Most ranges that a report lists; the counts are always whole.
pub const RANGES_LISTED_MAX: usize = 1000;

/// Byte ranges with their sums.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ranges {
    /// Ranges in all.
    pub count: u64,
    /// Bytes in all.
    pub bytes: u64,
    /// The first of them, ascending, as `[start, end)` byte offsets.
    pub listed: Vec<[u64; 2]>,
}

/// A read-back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verification {
    /// `full`: every addressable byte was to be read.
    pub r#type: String,
    /// Bytes read and compared.
    pub read_bytes: u64,
    /// `read_bytes` over the capacity, in percent.
    pub coverage_percent: f64,
    /// Sectors that differ.
    pub mismatches: Ranges,
    /// Offset of the first byte that differs.
    pub first_mismatch_offset_bytes: Option<u64>,
    /// Sectors that could not be read.
    pub read_errors: Ranges,
    /// Duration.
    pub seconds: f64,
    /// It reached the end of the drive.
    pub complete: bool,
}

/// One command and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Command {
    /// Name and bytes.
    pub command: String,
    /// Status and sense or registers.
    pub status: String,
}

/// One re-reading of the identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IdentityCheck {
    /// When.
    pub moment: String,
    /// What was read, or the error.
    pub found: String,
    /// Equal to what was confirmed.
    pub same: bool,
}

/// Grade and reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// `A`, `B`, `C`, `D` or `parts`, as the machine stands: `parts` while a drive is in it whose
    /// erasure is not proven.
    pub grade: String,
    /// The grade once the parts in `remove` are out.
    #[serde(default)]
    pub grade_once_removed: String,
    /// Parts to take out before the machine leaves.
    #[serde(default)]
    pub remove: Vec<String>,
    /// Each rule that capped the grade or left a note.
    pub caps: Vec<Cap>,
    /// What was not checked, so that the grade says nothing of it.
    pub not_checked: Vec<String>,
    /// Version of the rule file.
    pub rules_version: String,
    /// SHA-256 of the rule file's bytes, hexadecimal.
    pub rules_sha256: String,
}

/// One rule that fired.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cap {
    /// Rule id.
    pub rule: String,
    /// Axis: `disk`, `battery`, `memory`, …
    pub axis: String,
    /// Which part.
    pub subject: String,
    /// Measured value.
    pub measured: String,
    /// Threshold of the rule.
    pub threshold: String,
    /// Effect: a grade that is not exceeded, `parts`, or `note`.
    pub effect: String,
    /// Where the number comes from.
    pub source: String,
    /// In French.
    pub message_fr: String,
    /// In English.
    pub message_en: String,
}

/// The JSON Schema of [`Report`] (draft 2020-12), pretty-printed with a final line feed.
#[must_use]
pub fn json_schema() -> String {
    let schema = schemars::schema_for!(Report);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}
