//! What was done to a drive and what of it is proven, in the report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Written in full; a sample was read back and is what was written. The rest is not proven.
    Sampled,
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
    /// Level reached: `none` unless the outcome is `verified`; `purge` only where one of `own_erases`
    /// that makes a purge is claimed by the drive besides.
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
    /// The drive's erases by itself that were tried before the passes, in order: a next one only where
    /// the drive itself said that the one before did not happen. Absent when there was none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_erases: Vec<Sanitize>,
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
    /// How the ledger was kept that lets another run go on after a power cut; absent without one.
    /// It spoils nothing of the erasure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<LedgerRecord>,
}

/// An erase of the drive's own. It is never more than claimed by the drive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sanitize {
    /// How the drive was told to erase.
    pub technique: SanitizeTechnique,
    /// What may be said of it.
    pub verdict: SanitizeVerdict,
    /// Why it is not claimed.
    pub reasons: Vec<String>,
    /// The drive's status before, as it came.
    pub status_before: String,
    /// The drive's status at the end, as it came; absent when the command was not taken.
    pub status_after: Option<String>,
    /// How often the drive said that it was under way.
    pub in_progress_seen: u32,
    /// From the command to its end.
    pub seconds: f64,
    /// What stood on the medium before it, and whether it still did.
    pub witnesses: Witnesses,
    /// The look at the medium in NVMe's media verification state, before anything was deallocated. Absent
    /// where the drive or the technique has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_verification: Option<MediaVerification>,
    /// Boot areas of an eMMC, which its erase does not reach: read before it, and overwritten where
    /// that could be done. Without both of them empty it makes no purge. Absent for other drives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub boot_areas: Vec<BootArea>,
}

/// What an erase left on the medium, as the drive showed it. It proves nothing of what was not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MediaVerification {
    /// What came of it.
    pub state: MediaVerificationState,
    /// Why it was not asked for, or not all was read.
    pub reason: Option<String>,
    /// Of the witnesses, the same bytes on the medium: the data is still there.
    pub kept: u32,
    /// Of the witnesses, other bytes on the medium.
    pub gone: u32,
    /// Of the witnesses, not to be read, or read like any other sector and so not from the medium.
    pub unseen: u32,
    /// Sectors read besides, at places that were drawn when the drive was in the state.
    pub sampled: u32,
    /// What all that was read held.
    pub content: SectorKinds,
}

/// State of a [`MediaVerification`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MediaVerificationState {
    /// The drive was told to erase itself without it.
    NotAsked,
    /// A loss of power cancelled it, says the drive.
    Cancelled,
    /// It was asked for, and the drive was not seen in the state.
    NotEntered,
    /// The medium was looked at.
    Entered,
}

/// Sectors by what they hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SectorKinds {
    /// All bytes 00h.
    pub zeros: u32,
    /// All bytes FFh.
    pub ones: u32,
    /// All bytes the same, another one.
    pub constant: u32,
    /// A period of 2 to 16 bytes.
    pub periodic: u32,
    /// Bytes that look random.
    pub random: u32,
    /// Anything else.
    pub mixed: u32,
}

/// What became of a boot area.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BootArea {
    /// `boot0` or `boot1`.
    pub area: String,
    /// Its size.
    pub bytes: u64,
    /// What became of it.
    pub state: BootAreaState,
    /// Bytes that were read at the end and hold nothing: all of them, or the area is `left`.
    pub verified_bytes: u64,
    /// Why it is left.
    pub reason: Option<String>,
}

/// State of a [`BootArea`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BootAreaState {
    /// Every byte was read, and all are zero or all are ones. Nothing was written.
    Blank,
    /// Every byte was overwritten with a keyed pattern and then with zeros, each read back and
    /// compared.
    Overwritten,
    /// It may keep data.
    Left,
}

/// How a drive erases itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SanitizeTechnique {
    /// All flash blocks are erased.
    BlockErase,
    /// The keys are replaced.
    CryptoErase,
    /// The drive overwrites all of its medium.
    Overwrite,
    /// ATA's enhanced SECURITY ERASE UNIT.
    EnhancedSecurityErase,
    /// NVMe's Format NVM with an erase of user data. No purge.
    NvmeFormat,
}

/// What may be said of a sanitize operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SanitizeVerdict {
    /// The drive says so, a fresh transition was seen, and nothing that a host can see speaks
    /// against it.
    ClaimedByDrive,
    /// Something contradicts it.
    Refuted,
    /// Neither.
    Unknown,
}

/// Sectors that were looked at before and after a sanitize operation: random ones that raz wrote,
/// flushed and read back, and ones with data that were found at random places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Witnesses {
    /// Written by raz.
    pub planted: u32,
    /// Found.
    pub found: u32,
    /// Afterwards the same: the data is still there.
    pub kept: u32,
    /// Afterwards other bytes.
    pub gone: u32,
    /// Afterwards not readable.
    pub unreadable: u32,
}

/// How a run's ledger was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerRecord {
    /// Marks that were recorded.
    pub recorded: u64,
    /// Marks that could not be taken or recorded, and a ledger that could not be closed.
    pub failures: u64,
    /// The first of them, in words.
    pub first_error: Option<String>,
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

/// Inputs of the pattern's key derivation, besides the drive's `identity` and the pass's number.
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
    /// What the pass took over from an earlier run; absent when it began at the first byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed: Option<Resumed>,
    /// Bytes written without error in this run.
    pub written_bytes: u64,
    /// Sectors that could not be written, at most [`RANGES_LISTED_MAX`] ranges.
    pub write_errors: Ranges,
    /// Write commands that failed: more than `write_errors` holds, and more than 0 without any,
    /// when a second try of a part succeeded. Absent in reports of earlier versions.
    pub write_errors_seen: Option<u64>,
    /// The first write command that failed: its place and the kernel's words.
    pub first_write_error: Option<String>,
    /// The write cache was flushed after the last write.
    pub flushed: bool,
    /// Duration of the write phase.
    pub write_seconds: f64,
    /// Verification type and coverage; absent when none was done.
    pub verification: Option<Verification>,
}

/// What a pass took over from an earlier run that did not reach its end. The bytes are proven by a
/// read-back of the whole drive in this run, and by nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resumed {
    /// When the first of the runs began.
    pub begun: String,
    /// Runs before this one, as the ledger says.
    pub runs_before: u64,
    /// The ledger's mark: nothing from here on was said to be written.
    pub mark_bytes: u64,
    /// Bytes that this run did not write, because the ledger says that they are; 0 when the recall
    /// gave a reason to write the whole drive.
    pub taken_over_bytes: u64,
    /// The look at some of them before the first write.
    pub recall: Recall,
}

/// A part of what a ledger says is written, read back before the first write. It ends with the first
/// piece that differs or cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Recall {
    /// Bytes read and compared.
    pub read_bytes: u64,
    /// Bytes in sectors that differ.
    pub mismatch_bytes: u64,
    /// Offset of the first byte that differs.
    pub first_mismatch_offset_bytes: Option<u64>,
    /// The first read command that failed: its place and the kernel's words.
    pub first_read_error: Option<String>,
    /// Everything that was to be read was read.
    pub complete: bool,
}

/// Most ranges that a report lists.
pub const RANGES_LISTED_MAX: usize = 1000;

/// Most ranges that are told apart: a count that reaches it means at least so many. Bytes are
/// always counted to the last.
pub const RANGES_COUNTED_MAX: usize = 10_000;

/// Byte ranges with their sums.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ranges {
    /// Ranges in all; [`RANGES_COUNTED_MAX`] (10,000) means at least so many.
    pub count: u64,
    /// Bytes in all, also beyond the ranges that are counted or listed.
    pub bytes: u64,
    /// The first of them, ascending, as `[start, end)` byte offsets.
    pub listed: Vec<[u64; 2]>,
}

/// A read-back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verification {
    /// `full`: every addressable byte was to be read; `sampled`: those of `sample`.
    pub r#type: String,
    /// What was to be read, when not everything.
    pub sample: Option<Sample>,
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
    /// The first read command that failed, also when a second try of it succeeded: its place and
    /// the kernel's words.
    pub first_read_error: Option<String>,
    /// Duration.
    pub seconds: f64,
    /// It reached the end of what was to be read.
    pub complete: bool,
}

/// The part of the drive that a sampled read-back reads, along the lines of NIST SP 800-88r1 §4.7.
/// With the drive's capacity and logical sector size it tells every sector that was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// BLAKE3 key derivation context string.
    pub derivation: String,
    /// 32 random bytes in hexadecimal, drawn when the pass was written and flushed.
    pub seed: String,
    /// Share of every sub-section that was asked for, in percent: 10 to 90.
    pub share_percent: u32,
    /// Sub-sections of the drive, with two samples in each.
    pub subsections: u32,
    /// Logical sectors to be read, the first and the last one of the drive among them.
    pub sectors: u64,
    /// Logical sectors of the drive.
    pub sectors_total: u64,
    /// What such a sample can miss.
    pub missed: Vec<Missed>,
}

/// A residue that a pass might have left, and how likely a sample misses it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Missed {
    /// How its sectors lie.
    pub arrangement: Arrangement,
    /// Its logical sectors.
    pub sectors: u64,
    /// Its bytes.
    pub bytes: u64,
    /// Probability, 0 to 1, that none of it is read, rounded up; every place of the residue being
    /// as likely as another. 0 only when it cannot be missed.
    pub probability: f64,
}

/// How the sectors of a residue lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arrangement {
    /// One after another.
    Contiguous,
    /// Each in a place of its own.
    Scattered,
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
