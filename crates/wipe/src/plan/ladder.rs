//! The ways in which a drive can erase itself, in the order in which they are tried.
//!
//! A rung is left only where the drive itself says that it did not do it
//! ([`crate::native::Evidence::leaves_open`]). What each reaches is that of the rows of SP 800-88r1
//! tables that raz can answer for. Cryptographic erase alone is no purge: nobody has declared
//! that all data was encrypted and all keys are the drive's. Nor is Format NVM, which the newer mappings
//! call Clear. The erase and sanitize of an eMMC leave its boot areas: they make one where those can be
//! emptied besides.

use super::{Kind, Wanted, Wishes};
use crate::native::security::PASSWORD_TEXT;
use crate::native::{Technique, mmc};
use drive::ata::identify::EraseTime;
use drive::facts::{DriveFacts, OwnErase, Sanitize, Transport, Zoned};
use drive::mmc::boot::{self as mmc_boot, BootAreaFacts};

/// One way in which the drive erases itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// How.
    pub technique: Technique,
    /// Claimed by the drive, it makes a purge of the overwrite that follows.
    pub is_purge: bool,
}

/// How the drive erases itself, and why so or why not, one sentence each.
pub(super) fn ladder(facts: &DriveFacts, kind: Kind, wishes: &Wishes) -> (Vec<Rung>, Vec<String>) {
    let none = |reason: &str| {
        let why = format!("the drive does not erase itself: {reason}");
        (Vec::new(), vec![why])
    };
    let needed = facts.own_erase.filter(|of| of.needs_sanitize());
    if wishes.level == Wanted::Clear && needed.is_none() {
        return none("it was not asked for (Clear)");
    }
    if facts.security.locked == Some(true) {
        return none("it is locked by a password");
    }
    if facts.zoned == Zoned::HostManaged {
        return none("its zones are the host's to manage");
    }
    let (techniques, left_out) = match kind {
        Kind::SolidState => of_flash(facts),
        Kind::Rotating => of_platters(facts, wishes.passwords),
        Kind::EmbeddedFlash if offers(facts, |offered| offered.block_erase) => {
            (vec![Technique::BlockErase], Vec::new())
        }
        Kind::Stick | Kind::Card | Kind::EmbeddedFlash | Kind::Unknown => {
            let reason = unoffered(facts, "it is not known to be a disk or a solid-state drive");
            (Vec::new(), vec![reason])
        }
    };
    if techniques.is_empty() {
        return none(&left_out.join("; "));
    }
    let mut reasons: Vec<String> = needed.map(needed_for).into_iter().collect();
    for (number, technique) in techniques.iter().enumerate() {
        let when = match number {
            0 => "first, ",
            _ if technique.is_sanitize() => "should the drive refuse that or fail in it, ",
            _ => "should the drive refuse that, ",
        };
        reasons.push(format!("{when}{}", why(facts, *technique)));
    }
    if kind == Kind::EmbeddedFlash {
        reasons.extend(boot_areas(facts));
    }
    reasons.extend(left_out);
    let rung = |technique| Rung {
        technique,
        is_purge: is_purge(facts, kind, technique),
    };
    (techniques.into_iter().map(rung).collect(), reasons)
}

/// Why there is no way around the drive's own erase.
fn needed_for(of: OwnErase) -> String {
    match of {
        OwnErase::MediaVerification => "the drive waits in media verification after a sanitize: that is ended first, and it erases itself anew",
        OwnErase::SanitizeFailed
        | OwnErase::Sanitizing { .. }
        | OwnErase::Formatting { .. }
        | OwnErase::FormatFailed => "the drive's last sanitize failed, and it takes nothing but another one: it gets one, of which nothing can be claimed, since nothing can be written before it to see it go",
    }
    .into()
}

/// What is tried, and what is left out and why.
type Choice = (Vec<Technique>, Vec<String>);

fn of_flash(facts: &DriveFacts) -> Choice {
    let mut techniques = Vec::new();
    let mut left_out = Vec::new();
    if offers(facts, |offered| offered.block_erase) {
        techniques.push(Technique::BlockErase);
    }
    if offers(facts, |offered| offered.crypto_erase) {
        techniques.push(Technique::CryptoErase);
    }
    if techniques.is_empty() {
        left_out.push(unoffered(facts, "it has no sanitize command for flash"));
    }
    match &facts.format {
        Ok(_) => techniques.push(Technique::Format),
        Err(reason) if facts.transport == Transport::Nvme => {
            left_out.push(format!("Format NVM is left out: {reason}"));
        }
        Err(_) => {}
    }
    if offers(facts, |offered| offered.overwrite) {
        left_out.push(
            "overwrite by the drive is left out: no public table names it for flash, which it wears by as much as a pass does".into(),
        );
    }
    if facts.security.supported == Some(true) {
        left_out.push(
            "SECURITY ERASE UNIT is no purge of flash and is left out, since a power cut in it leaves the drive locked".into(),
        );
    }
    (techniques, left_out)
}

fn of_platters(facts: &DriveFacts, passwords: bool) -> Choice {
    let mut techniques = Vec::new();
    let mut left_out = Vec::new();
    match offers(facts, |offered| offered.overwrite) {
        true => techniques.push(Technique::Overwrite),
        false => left_out.push(unoffered(facts, "it has no overwrite of its own")),
    }
    match enhanced_erase(facts, passwords) {
        Ok(()) => techniques.push(Technique::EnhancedErase),
        Err(reason) if facts.takes_ata_commands() => left_out.push(format!(
            "enhanced SECURITY ERASE UNIT is left out: {reason}"
        )),
        Err(_) => {}
    }
    // Why nothing better is there is of interest only where nothing is.
    if techniques.first() == Some(&Technique::Overwrite) {
        left_out.clear();
    }
    (techniques, left_out)
}

fn offers(facts: &DriveFacts, test: fn(&Sanitize) -> bool) -> bool {
    facts.sanitize.as_ref().is_ok_and(test)
}

/// Why the drive's sanitize commands are of no use, where it has some that could be.
fn unoffered(facts: &DriveFacts, reason: &str) -> String {
    match &facts.sanitize {
        Ok(_) => reason.to_owned(),
        Err(reason) => reason.clone(),
    }
}

fn why(facts: &DriveFacts, technique: Technique) -> String {
    match technique {
        Technique::BlockErase if facts.transport == Transport::Mmc => mmc::REASON.into(),
        Technique::BlockErase => {
            "block erase by the drive, which reaches spare and replaced cells".into()
        }
        Technique::CryptoErase => {
            "cryptographic erase by the drive; it is no purge unless somebody answers for its encryption (NIST SP 800-88r2, 3.2)".into()
        }
        Technique::Format => {
            "Format NVM by the drive with an erase of user data; it says nothing of spare and replaced cells, so it is Clear like the overwrite".into()
        }
        Technique::Overwrite => {
            "overwrite by the drive, which reaches replaced sectors and takes as long as a pass".into()
        }
        Technique::EnhancedErase => {
            let time = match facts.security.enhanced_erase {
                Some(EraseTime::Minutes(minutes)) => format!("about {minutes} minutes"),
                Some(EraseTime::MoreThanMinutes(minutes)) => {
                    format!("more than {minutes} minutes")
                }
                Some(EraseTime::Unspecified) | None => "a time that it does not tell".into(),
            };
            format!(
                "enhanced security erase by the drive, which reaches replaced sectors (NIST SP 800-88r1 table A-5); it takes {time} by the drive's word, shows no progress, and must not lose its power: it would stay locked by the password \"{PASSWORD_TEXT}\", which `raz unlock` takes away"
            )
        }
    }
}

/// Whether a disk can be told to erase itself by its security commands, or why not. Never over USB: a
/// bridge may take the password and fail the erase.
fn enhanced_erase(facts: &DriveFacts, passwords: bool) -> Result<(), &'static str> {
    let security = &facts.security;
    if !facts.takes_ata_commands() {
        return Err("security commands are ATA's");
    }
    if security.supported != Some(true) || security.enhanced_erase.is_none() {
        return Err("the drive does not have it");
    }
    if facts.flash_cache || facts.zoned != Zoned::No {
        return Err("it is not known to reach the drive's flash or its cache zones");
    }
    match (security.enabled, security.frozen) {
        (Some(false), Some(false)) if !passwords => {
            Err("no password is set on the drive in this run, which it would need")
        }
        (Some(false), Some(false)) => Ok(()),
        (_, Some(true)) => Err(
            "the drive's security commands are frozen until its power goes: a person at the machine can have raz let it sleep and wake (`raz wipe --thaw`, or the question at the screen), or plug the drive in while the machine runs",
        ),
        _ => Err("the drive's security has a password"),
    }
}

/// What keeps an eMMC from a purge, or may.
fn boot_areas(facts: &DriveFacts) -> Vec<String> {
    if !shows_boot_areas(facts) {
        let why = "the card's boot areas are not shown by the kernel, so that nobody can look into them: Clear, and no purge of the whole card";
        return vec![why.into()];
    }
    let of = |area: &BootAreaFacts| {
        let why = area.unwritable.as_deref()?;
        let name = mmc_boot::name(area.number);
        Some(format!(
            "its boot area {name} is read and not written, since {why}: should it hold data, that stays, and this is Clear and no purge"
        ))
    };
    facts.boot_areas.iter().filter_map(of).collect()
}

fn shows_boot_areas(facts: &DriveFacts) -> bool {
    facts.boot_areas.len() == usize::from(mmc_boot::AREAS)
        && facts.boot_areas.iter().all(|area| area.name.is_some())
}

fn is_purge(facts: &DriveFacts, kind: Kind, technique: Technique) -> bool {
    match (kind, technique) {
        (Kind::SolidState, Technique::BlockErase)
        | (Kind::Rotating, Technique::Overwrite | Technique::EnhancedErase) => true,
        (Kind::EmbeddedFlash, Technique::BlockErase) => shows_boot_areas(facts),
        _ => false,
    }
}
