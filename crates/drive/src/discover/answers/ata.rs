//! What an ATA drive answers, natively or through a bridge's translation (SAT).

use super::Context;
use crate::ata::command::{self, PAGE_BYTES};
use crate::ata::dco::DcoIdentify;
use crate::ata::identify::{Feature, Identify, Rotation};
use crate::ata::registers::{NativeMax, RegisterReturn};
use crate::ata::sanitize::{AbortReason, SanitizeStatus};
use crate::discover::hidden::{self, Answer, Answers};
use crate::discover::kernel_log;
use crate::discover::line::Line;
use crate::discover::serial::Serial;
use crate::facts::{DriveFacts, HiddenCapacity, Medium, Security, Transport};

/// Asks IDENTIFY DEVICE and takes identity, model and security state from it.
///
/// The drive's own word replaces the translation layer's: bridges repeat serials of their own.
pub fn identify(line: &Line<'_>, facts: &mut DriveFacts) -> Option<Identify> {
    let native = facts.transport == Transport::Ata;
    let page = match line.read_scsi(&command::identify_device(), PAGE_BYTES) {
        Ok(page) => page,
        Err(reason) => {
            facts.oddities.push(format!("IDENTIFY DEVICE: {reason}"));
            return None;
        }
    };
    let said = Identify::parse(&page);
    if !said.is_answer {
        facts
            .oddities
            .push("IDENTIFY DEVICE: the answer is no drive's".into());
        return None;
    }
    let serial = Serial::credible(
        said.serial.as_deref(),
        "IDENTIFY DEVICE",
        &mut facts.oddities,
    );
    // A bridge that makes the answer up has nothing to put there.
    if !native && serial.is_none() {
        facts
            .oddities
            .push("IDENTIFY DEVICE through the bridge names no serial: not believed".into());
        return None;
    }
    if let (true, Some(own), Some(translated)) = (native, &serial, &facts.identity.serial)
        && own != translated
    {
        facts.oddities.push(format!(
            "IDENTIFY DEVICE says serial {own}, the translation layer {translated}"
        ));
    }
    if serial.is_some() {
        facts.identity.serial = serial;
    }
    let wwn = said.wwn.map(|wwn| format!("wwn-{wwn:016x}"));
    if wwn.is_some() || !native {
        // The bridge's name is not the drive's.
        facts.identity.world_wide = wwn;
    }
    facts.model = said.model.clone().or_else(|| facts.model.take());
    facts.firmware = said.firmware.clone().or_else(|| facts.firmware.take());
    facts.oddities.extend(said.oddities.iter().cloned());
    facts.medium = match said.rotation {
        Rotation::Rpm(rpm) => Medium::Rotating { rpm },
        Rotation::SolidState => Medium::SolidState,
        Rotation::Unknown => facts.medium,
    };
    facts.flash_cache = said.flash_cache;
    facts.security = Security {
        supported: Some(said.security.supported),
        enabled: Some(said.security.enabled),
        locked: Some(said.security.locked),
        frozen: Some(said.security.frozen),
        enhanced_erase: said
            .security
            .enhanced_erase
            .then_some(said.erase_time_enhanced),
    };
    Some(said)
}

/// Compares capacities and asks for hidden ones.
pub fn capacity(line: &Line<'_>, facts: &mut DriveFacts, context: &Context, said: &Identify) {
    match said.capacity_bytes() {
        Some(bytes) if bytes == facts.capacity_bytes => {}
        Some(bytes) => facts.oddities.push(format!(
            "IDENTIFY DEVICE gives {bytes} bytes, the kernel addresses {}",
            facts.capacity_bytes
        )),
        None => facts
            .oddities
            .push("IDENTIFY DEVICE gives an impossible capacity".into()),
    }
    if said.logical_sector_bytes != facts.logical_sector_bytes {
        facts.oddities.push(format!(
            "IDENTIFY DEVICE gives sectors of {} bytes, the kernel {}",
            said.logical_sector_bytes, facts.logical_sector_bytes
        ));
    }
    facts.physical_sector_bytes = facts.physical_sector_bytes.max(said.physical_sector_bytes);
    let (configuration, oddities) = configuration(line, said);
    facts.oddities.extend(oddities);
    let answers = Answers {
        kernel_bytes: facts.capacity_bytes,
        sector_bytes: said.logical_sector_bytes,
        identify_sectors: said.sectors,
        native_max: native_max(line, facts.transport, said),
        accessible_max: accessible_max(line, said),
        configuration,
        log: context
            .attachment
            .ata_device
            .as_deref()
            .and_then(|device| kernel_log::hpa(&context.log, device)),
    };
    facts.hidden = hidden::decide(&answers);
}

/// The drive says that it takes no sanitize command before the next power cycle. Any other answer, also
/// none, is left to the run, which asks again before it sends one.
pub fn is_sanitize_frozen(line: &Line<'_>) -> bool {
    let Ok(sense) = line.sense_of(&command::sanitize_status_ext()) else {
        return false;
    };
    match SanitizeStatus::from_registers(&RegisterReturn::from_sense(&sense)) {
        SanitizeStatus::Reported(report) => report.frozen && !report.in_progress,
        SanitizeStatus::Aborted(reason) => reason == AbortReason::Frozen,
        SanitizeStatus::Unknown(_) => false,
    }
}

/// What is known of hidden capacity when IDENTIFY DEVICE was not answered.
pub fn unidentified(transport: Transport) -> HiddenCapacity {
    HiddenCapacity::Unknown {
        reason: match transport {
            Transport::Usb => "the USB bridge passes no IDENTIFY DEVICE through".into(),
            Transport::Ata
            | Transport::Scsi
            | Transport::Nvme
            | Transport::Mmc
            | Transport::Sd
            | Transport::Virtio
            | Transport::Loop
            | Transport::RaidVolume
            | Transport::Network
            | Transport::Other => "IDENTIFY DEVICE was not answered".into(),
        },
    }
}

/// READ NATIVE MAX ADDRESS in the width that the drive has. A native port is asked even when
/// IDENTIFY DEVICE denies the feature set: an overlay may hide it, and the refusal costs nothing.
fn native_max(line: &Line<'_>, transport: Transport, said: &Identify) -> (&'static str, Answer) {
    let wide = said.lba48.supported == Some(true);
    let (name, cdb) = if wide {
        (
            "READ NATIVE MAX ADDRESS EXT",
            command::read_native_max_address_ext(),
        )
    } else {
        (
            "READ NATIVE MAX ADDRESS",
            command::read_native_max_address(),
        )
    };
    let denied = said.hpa.supported != Some(true);
    if denied && transport != Transport::Ata {
        return (name, Answer::NotSupported);
    }
    let answer = match line
        .sense_of(&cdb)
        .map(|sense| RegisterReturn::from_sense(&sense))
    {
        Err(_) if denied && line.silent().is_none() => Answer::NotSupported,
        Err(reason) => Answer::Unknown(reason),
        Ok(registers) => {
            let native = if wide {
                NativeMax::from_registers_48(&registers)
            } else {
                NativeMax::from_registers_28(&registers)
            };
            match native {
                NativeMax::LastLba(_) if denied && native.sectors() < Some(said.sectors) => {
                    Answer::NotSupported
                }
                NativeMax::LastLba(last) => Answer::Sectors(last.saturating_add(1)),
                NativeMax::Aborted | NativeMax::Unknown if denied => Answer::NotSupported,
                NativeMax::Aborted => Answer::Unknown("aborted by the drive".into()),
                NativeMax::Unknown => {
                    Answer::Unknown(format!("no registers came back ({registers})"))
                }
            }
        }
    };
    (name, answer)
}

fn accessible_max(line: &Line<'_>, said: &Identify) -> Answer {
    if said.amac.supported != Some(true) {
        return Answer::NotSupported;
    }
    let sense = match line.sense_of(&command::get_native_max_address_ext()) {
        Ok(sense) => sense,
        Err(reason) => return Answer::Unknown(reason),
    };
    let registers = RegisterReturn::from_sense(&sense);
    match NativeMax::from_registers_48(&registers) {
        NativeMax::LastLba(last) => Answer::Sectors(last.saturating_add(1)),
        NativeMax::Aborted => Answer::Unknown("aborted by the drive".into()),
        NativeMax::Unknown => Answer::Unknown(format!("no registers came back ({registers})")),
    }
}

fn configuration(line: &Line<'_>, said: &Identify) -> (Answer, Vec<String>) {
    if said.dco.supported != Some(true) {
        return (Answer::NotSupported, Vec::new());
    }
    let page = match line.read_scsi(&command::dco_identify(), PAGE_BYTES) {
        Ok(page) => page,
        Err(reason) => {
            let reason = format!("{reason}; frozen by the firmware, or an HPA is set");
            return (Answer::Unknown(reason), Vec::new());
        }
    };
    let Some(dco) = DcoIdentify::parse(&page) else {
        return (
            Answer::Unknown("the answer is no overlay's".into()),
            Vec::new(),
        );
    };
    let mut oddities = dco.oddities.clone();
    let mut hides = |name: &str, offered: bool, feature: Feature| {
        if offered && feature.supported == Some(false) {
            oddities.push(format!(
                "a device configuration overlay hides the {name} feature set"
            ));
        }
    };
    hides("HPA", dco.hpa, said.hpa);
    hides("48-bit address", dco.lba48, said.lba48);
    if dco.security && !said.security.supported {
        oddities.push("a device configuration overlay hides the security feature set".into());
    }
    let answer = dco
        .sectors()
        .map_or(Answer::Unknown("implausible limit".into()), Answer::Sectors);
    (answer, oddities)
}
