//! What an eMMC says in its extended CSD.

use crate::discover::line::Line;
use crate::facts::{DriveFacts, HiddenCapacity, Sanitize, SanitizeCommands};
use crate::mmc::ExtCsd;
use crate::mmc::boot::{self, BootAreaFacts, BootAreas};
use crate::mmc::erasing::Erasing;

/// Reads the register.
///
/// # Errors
/// In words, when the card does not answer.
pub fn register(line: &Line<'_>) -> Result<ExtCsd, String> {
    let data = line
        .read_ext_csd()
        .map_err(|reason| format!("EXT_CSD: {reason}"))?;
    ExtCsd::parse(&data).ok_or_else(|| "EXT_CSD: the answer is no register".to_owned())
}

/// Compares the capacity of the user area with the register. Boot and other areas are drives of
/// their own, and have no capacity beyond themselves.
pub fn capacity(facts: &mut DriveFacts, said: &ExtCsd) {
    facts.oddities.extend(said.oddities.iter().cloned());
    if !facts.identity.area.is_empty() {
        facts.hidden = HiddenCapacity::NotApplicable;
        return;
    }
    let user_bytes = u64::from(said.sectors).saturating_mul(512);
    let evidence = format!(
        "EXT_CSD SEC_COUNT {user_bytes} bytes, the kernel addresses {}",
        facts.capacity_bytes
    );
    facts.hidden = if said.sectors == 0 {
        // Cards of 2 GB or less count in the CSD, which the kernel has read.
        HiddenCapacity::Unknown {
            reason: "EXT_CSD SEC_COUNT is 0".into(),
        }
    } else if user_bytes > facts.capacity_bytes {
        HiddenCapacity::Hidden {
            bytes: user_bytes - facts.capacity_bytes,
            evidence,
        }
    } else if user_bytes < facts.capacity_bytes {
        HiddenCapacity::Unknown { reason: evidence }
    } else {
        HiddenCapacity::None { evidence }
    };
    boot_areas(facts, said);
    let is_named = |facts: &DriveFacts, area: &str| {
        let mut texts = facts.not_reached.iter();
        texts.any(|text| text.starts_with(&format!("eMMC area {area},")))
    };
    for (number, bytes) in said.general_purpose_bytes.iter().enumerate() {
        let area = format!("gp{number}");
        if *bytes > 0 && !is_named(facts, &area) {
            let text = format!("eMMC area {area}, {bytes} bytes: the kernel shows no drive of it");
            facts.not_reached.push(text);
        }
    }
    // b0 and b2 of USER_WP: protection until the power goes, or for good, of groups that CMD28 names.
    if said.user_write_protect_raw & 0b101 != 0 {
        facts.oddities.push(format!(
            "EXT_CSD USER_WP {:02X}h: groups of the user area may be write-protected",
            said.user_write_protect_raw
        ));
    }
    if said.rpmb_bytes > 0 && !facts.not_reached.iter().any(|text| text.contains("rpmb")) {
        facts
            .not_reached
            .push("replay-protected area rpmb: cannot be erased without its key".into());
    }
}

/// What the register says of the boot areas, against what the kernel shows.
fn boot_areas(facts: &mut DriveFacts, said: &ExtCsd) {
    let said = BootAreas::of(said);
    for area in &mut facts.boot_areas {
        area.unwritable = said.unwritable(area.number);
        if area.bytes != said.bytes {
            facts.oddities.push(format!(
                "boot area {}: EXT_CSD BOOT_MULT says {} bytes, the kernel shows {}",
                area.number, said.bytes, area.bytes
            ));
        }
    }
    for number in (0..boot::AREAS).filter(|_| said.bytes > 0) {
        if !facts.boot_areas.iter().any(|area| area.number == number) {
            facts.boot_areas.push(BootAreaFacts {
                number,
                name: None,
                bytes: said.bytes,
                unwritable: Some("the kernel shows no drive of it".into()),
            });
        }
    }
}

/// What the card can do of itself, by the node of its user area: it removes what no address points to,
/// once the whole of that area is erased.
///
/// # Errors
/// Why not, in words.
pub fn sanitize(facts: &DriveFacts, said: &ExtCsd) -> Result<Sanitize, String> {
    if !facts.identity.area.is_empty() {
        return Err("one area of a card: its sanitize is with the user area".into());
    }
    let erasing = Erasing::of(said)?;
    if !erasing.counts_in_sectors() {
        return Err("a card of 2 GB or less, which counts in bytes".into());
    }
    Ok(Sanitize {
        block_erase: true,
        crypto_erase: false,
        overwrite: false,
        commands: SanitizeCommands::Mmc(erasing),
    })
}
