//! From what a drive is to what will be done to it, each decision with its reason in words.
//!
//! Host overwrite is Clear at best, on any medium (NIST SP 800-88r2, 3.1.1 and 3.1.2; the rows are
//! those of the withdrawn SP 800-88r1, tables, the newest public ones). Purge needs the
//! drive's own sanitize command ([`crate::native`]), where it is asked for and the drive has the right
//! one; the overwrite and its read-back follow all the same, so that nothing rests on the drive's word
//! alone. Each technique that is left out is named with its reason.
//! Whether the drive *may* be erased is not decided here: see `drive::refusal`.

mod ladder;
mod tcg;

use crate::job::VerifyMode;
use crate::native::Technique;
use crate::outcome::PassKind;
use crate::sample::SECTORS_MIN;
use drive::facts::{DriveFacts, HiddenCapacity, Medium, Transport, Zoned};
use drive::health::{Confidence, Count};
use drive::mmc::boot;
use std::fmt;

/// What the operator asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// The level to reach.
    pub level: Wanted,
    /// A last pass of zeros after the proven pattern.
    pub then_zero: bool,
    /// One pass where the medium's row asks for two.
    pub single_pass: bool,
    /// Whether passes are read back.
    pub verify: VerifyMode,
    /// A drive's erase may need a password, which a power cut leaves on it.
    pub passwords: bool,
}

impl Default for Wishes {
    /// Everything proven, nothing more.
    fn default() -> Self {
        Self {
            level: Wanted::Clear,
            then_zero: false,
            single_pass: false,
            verify: VerifyMode::Full,
            passwords: true,
        }
    }
}

/// The level that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// Clear: the host overwrites and reads back.
    Clear,
    /// Purge: the drive erases itself first. A drive that cannot is planned as for Clear, and the
    /// plan's level says so; the caller may refuse it.
    Purge,
    /// Purge where the drive can be purged, Clear where not.
    Auto,
}

/// The sanitization level that a plan reaches when all of it succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// Purge, as the drive claims it, and all addressable bytes overwritten beside.
    Purge,
    /// Clear: all addressable bytes overwritten by ordinary writes.
    Clear,
    /// Less than the row for this kind of medium asks for, or not the whole drive.
    BelowClear,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Purge => "Purge",
            Self::Clear => "Clear",
            Self::BelowClear => "below Clear",
        })
    }
}

pub use ladder::Rung;

/// What will be done to one drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What was asked for.
    pub wanted: Wanted,
    /// What it reaches at best.
    pub level: Level,
    /// The technique in a few words.
    pub technique: &'static str,
    /// How the drive erases itself before the passes: the first of these, and the next where the drive
    /// itself says that one did not happen. Empty where it does not.
    pub ladder: Vec<Rung>,
    /// The passes, in order.
    pub passes: Vec<PassKind>,
    /// Whether they are read back.
    pub verify: VerifyMode,
    /// Why so, one sentence each.
    pub reasons: Vec<String>,
    /// What it cannot reach or does not know, one sentence each.
    pub residual: Vec<String>,
}

/// The kinds of media that the plan tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Stick,
    Card,
    EmbeddedFlash,
    SolidState,
    Rotating,
    Unknown,
}

/// The plan for a drive.
#[must_use]
pub fn plan(facts: &DriveFacts, wishes: &Wishes) -> Plan {
    let kind = kind(facts);
    let two_passes = matches!(kind, Kind::Stick | Kind::Card);
    let mut reasons = vec![kind_reason(kind).to_owned()];
    let verify = wishes
        .verify
        .on(facts.capacity_bytes, facts.logical_sector_bytes);
    let mut passes = vec![PassKind::Pattern];
    let mut level = Level::Clear;
    if two_passes && wishes.single_pass {
        level = Level::BelowClear;
        reasons.push(
            "one pass was asked for: this is below the row of NIST SP 800-88r1 table A-8 for this kind of medium"
                .into(),
        );
    } else if two_passes {
        passes.push(PassKind::Complement);
    }
    if let HiddenCapacity::Hidden { bytes, .. } = &facts.hidden {
        level = Level::BelowClear;
        reasons.push(format!(
            "{bytes} bytes of the drive are hidden from this overwrite: below Clear, which is of the whole drive; SATA and SAS drives are told to give them back before the first write, and planned anew when they did"
        ));
    }
    if let Some(reason) = tcg::hides(&facts.tcg) {
        level = Level::BelowClear;
        reasons.push(reason.to_owned());
    }
    reasons.extend(tcg::blocked(&facts.tcg).map(str::to_owned));
    if facts.transport == Transport::RaidVolume {
        level = Level::BelowClear;
        reasons.push(
            "a RAID controller's volume is not the drives it is made of: below Clear, which is of whole drives; attach them to an ordinary controller and erase each"
                .into(),
        );
    }
    if wishes.then_zero {
        passes.push(PassKind::Zero);
        reasons.push("zeros were asked for as a last pass; they are not the proof".into());
    }
    reasons.push(match verify {
        VerifyMode::Full if verify != wishes.verify => format!(
            "a sample was asked for; with fewer than {SECTORS_MIN} sectors every byte of every pass is read back and compared"
        ),
        VerifyMode::Full => "every byte of every pass is read back and compared".into(),
        VerifyMode::Sampled(share) => format!(
            "only a sample of every pass is read back, {share} of it at random places, as was asked for: the outcome will be \"written, checked by sample\""
        ),
        VerifyMode::None => {
            "nothing is read back, as was asked for: the outcome will be \"written, not checked\""
                .into()
        }
    });
    let (ladder, why) = ladder::ladder(facts, kind, wishes);
    reasons.extend(why);
    let is_purge = ladder.iter().any(|rung| rung.is_purge) && wishes.level != Wanted::Clear;
    if is_purge && level == Level::Clear {
        level = match facts.hidden {
            HiddenCapacity::None { .. } => Level::Purge,
            _ => {
                reasons.push(
                    "it is not known that no capacity is hidden: Clear, since a purge is of the whole drive"
                        .into(),
                );
                Level::Clear
            }
        };
    }
    Plan {
        wanted: wishes.level,
        level,
        technique: technique(&passes),
        residual: residual(facts, kind, &ladder),
        ladder,
        passes,
        verify,
        reasons,
    }
}

fn kind(facts: &DriveFacts) -> Kind {
    match (facts.transport, facts.medium) {
        (Transport::Sd, _) => Kind::Card,
        (Transport::Mmc, _) => Kind::EmbeddedFlash,
        (_, Medium::Rotating { .. }) => Kind::Rotating,
        (Transport::Usb, Medium::SolidState | Medium::Unknown) if is_stick(facts) => Kind::Stick,
        (_, Medium::SolidState) => Kind::SolidState,
        (_, Medium::Unknown) => Kind::Unknown,
    }
}

/// Sticks and card readers call themselves removable; those that do not often say what they are.
/// Enclosures of disks do neither.
fn is_stick(facts: &DriveFacts) -> bool {
    let names = [
        facts.bridge.as_ref().map(|bridge| bridge.name.as_str()),
        facts.model.as_deref(),
    ];
    let says = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["flash", "card", "stick", "sd/mmc"]
            .iter()
            .any(|word| name.contains(word))
    };
    facts.removable || names.into_iter().flatten().any(says)
}

fn kind_reason(kind: Kind) -> &'static str {
    match kind {
        Kind::Stick => "a USB stick: pattern and complement, the row of NIST SP 800-88r1 table A-8",
        Kind::Card => {
            "a memory card: pattern and complement, the row of NIST SP 800-88r1 table A-8"
        }
        Kind::EmbeddedFlash => "soldered flash: one overwrite of all that can be addressed",
        Kind::SolidState => "a solid-state drive: one overwrite of all that can be addressed",
        Kind::Rotating => "a rotating disk: one overwrite suffices, more passes add nothing",
        Kind::Unknown => {
            "the drive does not say whether it rotates: one overwrite of all that can be addressed"
        }
    }
}

fn technique(passes: &[PassKind]) -> &'static str {
    let has = |kind| passes.contains(&kind);
    match (has(PassKind::Complement), has(PassKind::Zero)) {
        (false, false) => "overwrite with a position-keyed pattern",
        (true, false) => "overwrite with a position-keyed pattern, then its complement",
        (false, true) => "overwrite with a position-keyed pattern, then zeros",
        (true, true) => "overwrite with a position-keyed pattern, then its complement, then zeros",
    }
}

/// A boot area of an eMMC that keeps what it holds, as what is not reached.
#[must_use]
pub fn boot_area_left(number: u8, bytes: u64, why: &str) -> String {
    format!("boot area {}, {bytes} bytes: {why}", boot::name(number))
}

fn residual(facts: &DriveFacts, kind: Kind, ladder: &[Rung]) -> Vec<String> {
    let mut residual = Vec::new();
    // With its own erase they are looked at, and named afterwards where they keep something.
    if ladder.is_empty() {
        residual.extend(facts.boot_areas.iter().map(|area| {
            let why = "not looked at; old data may be in it";
            boot_area_left(area.number, area.bytes, why)
        }));
    }
    residual.extend(facts.not_reached.iter().cloned());
    // Of a format nothing is known beyond the namespace.
    let reaches_all = |rung: &Rung| rung.technique != Technique::Format;
    let erases_itself = ladder.iter().any(reaches_all);
    match kind {
        Kind::SolidState | Kind::EmbeddedFlash if erases_itself => residual.push(
            "spare and replaced cells of the flash are reached by the drive's own command only, as the drive claims".into(),
        ),
        Kind::Rotating if erases_itself => residual.push(
            "replaced sectors are reached by the drive's own command only, as the drive claims".into(),
        ),
        Kind::Stick | Kind::Card | Kind::EmbeddedFlash | Kind::SolidState => residual.push(
            "flash keeps spare and replaced cells that no overwrite reaches: old data may remain in them".into(),
        ),
        Kind::Unknown => residual.push(
            "if it is flash, it keeps spare and replaced cells that no overwrite reaches".into(),
        ),
        Kind::Rotating => residual.extend(replaced_sectors(facts)),
    }
    if facts.flash_cache {
        residual.push(
            "a hybrid disk keeps copies in its flash, which no overwrite is known to reach".into(),
        );
    }
    residual.extend(hidden(&facts.hidden));
    residual.extend(tcg::residual(&facts.tcg));
    residual.extend(behind(facts.transport).map(str::to_owned));
    match facts.zoned {
        Zoned::No => {}
        Zoned::HostAware => {
            residual.push("a zoned disk may keep old data in its cache zones".into())
        }
        Zoned::HostManaged => {
            residual.push("host-managed zones are not served by this overwrite".into())
        }
    }
    residual
}

/// Sectors that the drive replaced keep what was in them.
fn replaced_sectors(facts: &DriveFacts) -> Option<String> {
    // A doubtful count clears nothing: it is as good as unknown.
    let sure = |count: Count| match count.confidence {
        Confidence::Doubtful => None,
        Confidence::Likely | Confidence::Certain => Some(count.value),
    };
    match facts
        .health
        .reallocated
        .and_then(sure)
        .or(facts.health.grown_defects)
    {
        Some(0) => None,
        Some(sectors) => Some(format!(
            "{sectors} replaced sectors keep their old data, which no overwrite reaches"
        )),
        None => Some(
            "how many sectors the drive has replaced is unknown; replaced ones keep their old data"
                .into(),
        ),
    }
}

fn hidden(hidden: &HiddenCapacity) -> Option<String> {
    match hidden {
        HiddenCapacity::NotApplicable | HiddenCapacity::None { .. } => None,
        HiddenCapacity::Hidden { bytes, evidence } => Some(format!(
            "{bytes} bytes are hidden and are not reached ({evidence})"
        )),
        HiddenCapacity::OpenedForThisBoot { bytes, evidence } => Some(format!(
            "{bytes} bytes are hidden but for this boot: they are overwritten, and hidden again afterwards ({evidence})"
        )),
        HiddenCapacity::Unknown { reason } => Some(format!(
            "whether capacity is hidden is unknown ({reason}): unknown is not clean"
        )),
    }
}

fn behind(transport: Transport) -> Option<&'static str> {
    match transport {
        Transport::Usb => Some("a USB bridge may hide part of the drive behind it"),
        Transport::RaidVolume => Some(
            "a controller's volume: its members, spares and cache are not reached, only what the volume shows",
        ),
        Transport::Virtio | Transport::Loop => {
            Some("a virtual drive: where its bytes really are is not known here")
        }
        Transport::Network => {
            Some("networked storage: where its bytes really are is not known here")
        }
        Transport::Ata
        | Transport::Scsi
        | Transport::Nvme
        | Transport::Mmc
        | Transport::Sd
        | Transport::Other => None,
    }
}

#[cfg(test)]
mod tests;
