//! Report schema v1: what leaves the machine, field by field.
//!
//! The published JSON Schema (`docs/report-v1.schema.json`) is generated from these types and
//! tested against real reports. Field set: NIST SP 800-88r2 §4.6 and appendix C (through
//! r1 §4.8 / appendix G), plus the evidence that an auditor needs to repeat the check.
//! No host names, users, networks or file names of the donor are in it.
//!
//! Sizes are bytes, times RFC 3339 in UTC, unless the name says otherwise. Absent means that it
//! was not read or does not apply; nothing is guessed.

mod drive;
mod erasure;
mod machine;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use drive::{Drive, Health, HiddenCapacity, HiddenState, Security, Tcg, TcgLocking};
pub use erasure::{
    Arrangement, BootArea, BootAreaState, Command, Consent, Erasure, FinalContent, IdentityCheck,
    LedgerRecord, Level, MediaVerification, MediaVerificationState, Missed, OutcomeWord, Pass,
    PassKind, Pattern, RANGES_COUNTED_MAX, RANGES_LISTED_MAX, Ranges, Recall, Resumed, Sample,
    Sanitize, SanitizeTechnique, SanitizeVerdict, SectorKinds, Verification, Witnesses,
};
pub use machine::{Battery, Cpu, Display, FirmwarePassword, Machine, MemorySlot, Network};

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
    /// Places that may hold data and are no drive of `drives`; absent in reports of earlier versions,
    /// which did not look for them.
    #[serde(default)]
    pub unseen_storage: Vec<UnseenStorage>,
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

/// A place that may hold data, of which raz saw no drive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnseenStorage {
    /// `no driver`, `remapped` (Intel RST), `empty VMD`, `no namespace`, `RAID members` or `disc`; a
    /// later version may have more.
    pub kind: String,
    /// Place on the PCI bus, such as `0000:00:17.0`, or the optical drive's device name.
    pub place: String,
    /// What is there, in words.
    pub text: String,
    /// What to do, in words.
    pub remedy: String,
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
    /// What the rules were applied to, so that others can be applied later. Empty in reports of
    /// versions that did not write it down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measured: Vec<Measured>,
    /// What was not checked, so that the grade says nothing of it.
    pub not_checked: Vec<String>,
    /// Version of the rule file.
    pub rules_version: String,
    /// SHA-256 of the rule file's bytes, hexadecimal.
    pub rules_sha256: String,
}

/// One thing that was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    /// Key as rule files spell it, such as `drive.pending`.
    pub fact: String,
    /// Which drive, battery or screen; `machine` for the whole.
    pub subject: String,
    /// The value, in the key's unit.
    pub value: MeasuredValue,
    /// The subject is a drive that is known not to rotate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub solid_state: bool,
}

/// What is so of a subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum MeasuredValue {
    /// Yes or no.
    Flag(bool),
    /// A count.
    Number(i64),
    /// A word of the key's list.
    Word(String),
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
