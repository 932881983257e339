//! The computer and its verdict in the words of the wire schema.

use crate::i18n::Words;
use drive::health::{Confidence, Count};
use machine::parts::battery::Battery;
use machine::parts::display::{Display, Gpu};
use machine::parts::firmware::{FirmwareMode, SecureBoot};
use machine::parts::smbios::MemoryDevice;
use machine::verdict::{self, DriveFate, DriveHealth};
use machine::{Label, MachineFacts};
use report::schema;
use wipe::pattern::{Backend, Cipher};

/// The machine's facts.
#[must_use]
pub fn machine(facts: &MachineFacts) -> schema::Machine {
    let smbios = facts.smbios.as_ref();
    let board = smbios.and_then(|s| s.board.as_ref());
    let bios = smbios.and_then(|s| s.bios.as_ref());
    schema::Machine {
        maker: facts.maker().map(text),
        model: facts.model().map(text),
        serial: facts.serial().map(text),
        uuid: facts.uuid().map(text),
        chassis: facts
            .chassis()
            .and_then(|kind| kind.name())
            .map(str::to_owned),
        board: board.and_then(|b| joined(&[&b.maker, &b.product, &b.serial])),
        bios: bios.and_then(|b| joined(&[&b.vendor, &b.version, &b.date])),
        cpus: facts
            .cpus
            .iter()
            .map(|cpu| schema::Cpu {
                model: cpu.model.clone().unwrap_or_else(|| "unknown".into()),
                cores: cpu.cores,
                threads: Some(cpu.threads),
            })
            .collect(),
        memory_total_bytes: facts.memory.total_bytes,
        memory_slots: facts.memory.slots.iter().map(slot).collect(),
        networks: facts
            .nics
            .iter()
            .map(|nic| schema::Network {
                name: nic.name.clone(),
                mac: nic.mac.clone().unwrap_or_default(),
                driver: nic.driver.clone(),
                wireless: nic.wireless,
            })
            .collect(),
        batteries: facts.power.batteries.iter().map(battery).collect(),
        graphics: facts.gpus.iter().map(gpu).collect(),
        displays: facts.displays.iter().map(display).collect(),
        firmware_mode: facts.firmware.mode.map(|mode| {
            match mode {
                FirmwareMode::Uefi => "uefi",
                FirmwareMode::Bios => "bios",
            }
            .to_owned()
        }),
        secure_boot: facts.firmware.secure_boot.map(|state| match state {
            SecureBoot::Enabled => true,
            SecureBoot::Disabled | SecureBoot::Unsupported => false,
        }),
        lockdown: facts.firmware.lockdown.clone(),
        tpm: Some(facts.firmware.tpm.as_ref().map_or_else(
            || "none".to_owned(),
            |tpm| {
                tpm.version_major
                    .map_or_else(|| "unknown version".into(), |major| format!("{major}.x"))
            },
        )),
        oddities: facts
            .oddities
            .iter()
            .cloned()
            .chain(
                [Cipher::Aes128Ctr, Cipher::ChaCha8]
                    .into_iter()
                    .flat_map(|cipher| odd_processor(cipher, Backend::rejected(cipher))),
            )
            .collect(),
    }
}

/// What the processor says that it can and computes wrongly: the pattern is then computed without it, or not at
/// all.
fn odd_processor(cipher: Cipher, rejected: &[&str]) -> Vec<String> {
    let cipher = cipher.name();
    rejected
        .iter()
        .map(|name| format!("processor: computes {cipher} wrongly by {name}, which is not used"))
        .collect()
}

/// Maker, model and serial in one line, for screens and events.
#[must_use]
pub fn summary(facts: &MachineFacts) -> Words {
    let parts = [facts.maker(), facts.model(), facts.serial()];
    let words: Vec<&str> = parts
        .into_iter()
        .flatten()
        .filter_map(Label::specific)
        .collect();
    if words.is_empty() {
        Words::new("machine inconnue", "unknown machine")
    } else {
        Words::verbatim(words.join(" "))
    }
}

/// What names this machine towards the service: UUID, else serial, else the first network address.
#[must_use]
pub fn machine_id(facts: &MachineFacts) -> Option<String> {
    let specific = |label: Option<&Label>| label.and_then(Label::specific).map(str::to_owned);
    let mac = || {
        let wired = facts
            .nics
            .iter()
            .find(|nic| !nic.wireless && nic.mac.is_some());
        wired.and_then(|nic| nic.mac.clone())
    };
    specific(facts.uuid())
        .map(|uuid| format!("uuid {uuid}"))
        .or_else(|| specific(facts.serial()).map(|serial| format!("serial {serial}")))
        .or_else(|| mac().map(|mac| format!("mac {mac}")))
}

/// The verdict.
#[must_use]
pub fn verdict(verdict: &verdict::Verdict) -> schema::Verdict {
    schema::Verdict {
        grade: verdict.grade.as_str().into(),
        grade_once_removed: verdict.grade_once_removed.as_str().into(),
        remove: verdict.remove.clone(),
        caps: verdict
            .caps
            .iter()
            .map(|cap| schema::Cap {
                rule: cap.rule.clone(),
                axis: cap.axis.as_str().into(),
                subject: cap.subject.clone(),
                measured: cap.measured.clone(),
                threshold: cap.threshold.clone(),
                effect: cap.effect.as_str().into(),
                source: cap.source.clone(),
                message_fr: cap.message_fr.clone(),
                message_en: cap.message_en.clone(),
            })
            .collect(),
        not_checked: verdict
            .not_checked
            .iter()
            .map(|item| format!("{}: {}", item.label_en, item.subject))
            .collect(),
        rules_version: verdict.rules_version.clone(),
        rules_sha256: verdict.rules_sha256.clone(),
    }
}

/// What the verdict needs to know of a drive: its health after the run where there is one.
#[must_use]
pub fn drive_health(
    facts: &drive::facts::DriveFacts,
    after: Option<&drive::health::Health>,
    fate: DriveFate,
) -> DriveHealth {
    use drive::facts::Medium;
    let health = after.unwrap_or(&facts.health);
    let model = facts.model.as_deref().unwrap_or("drive");
    DriveHealth {
        subject: format!("{model} {}", facts.identity.id()),
        rotating: match facts.medium {
            Medium::Rotating { .. } => Some(true),
            Medium::SolidState => Some(false),
            Medium::Unknown => None,
        },
        erased: fate,
        smart_failing: health.failing,
        reallocated: sure(health.reallocated),
        pending: sure(health.pending),
        offline_uncorrectable: sure(health.offline_uncorrectable),
        reported_uncorrectable: sure(health.reported_uncorrectable),
        command_timeout: sure(health.command_timeout),
        crc_errors: sure(health.crc_errors),
        spin_retry: sure(health.spin_retry),
        power_on_hours: health.power_on_hours,
        start_stop: health.start_stop_cycles,
        percentage_used: health.percentage_used,
        available_spare: health.available_spare,
        spare_threshold: health.spare_threshold,
        critical_warning: health.critical_warning,
        media_errors: health.media_errors,
        grown_defects: health.grown_defects,
        uncorrected_errors: health.uncorrected_errors,
    }
}

/// A count that may be read in two ways condemns nothing and clears nothing.
fn sure(count: Option<Count>) -> Option<u64> {
    count
        .filter(|count| count.confidence != Confidence::Doubtful)
        .map(|count| count.value)
}

fn text(label: &Label) -> String {
    label.text.clone()
}

fn joined(labels: &[&Option<Label>]) -> Option<String> {
    let words: Vec<&str> = labels
        .iter()
        .filter_map(|label| label.as_ref().map(|l| l.text.as_str()))
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn slot(slot: &MemoryDevice) -> schema::MemorySlot {
    schema::MemorySlot {
        locator: slot.locator.as_ref().map_or_else(|| "unnamed".into(), text),
        size_bytes: match slot.populated {
            Some(false) => Some(0),
            Some(true) | None => slot.capacity_bytes,
        },
        kind: slot.kind.map(str::to_owned),
        speed_mts: slot.speed_configured_mts.or(slot.speed_mts),
        maker: slot.maker.as_ref().map(text),
        part: slot.part.as_ref().map(text),
        serial: slot.serial.as_ref().map(text),
    }
}

fn battery(battery: &Battery) -> schema::Battery {
    let words: Vec<&str> = [&battery.maker, &battery.model]
        .into_iter()
        .filter_map(|word| word.as_deref())
        .collect();
    schema::Battery {
        name: battery.name.clone(),
        model: (!words.is_empty()).then(|| words.join(" ")),
        capacity_design_mwh: battery.capacity_design_mwh,
        capacity_full_mwh: battery.capacity_full_mwh,
        health_percent: battery.health_percent,
        cycles: battery.cycles,
    }
}

fn gpu(gpu: &Gpu) -> String {
    let driver = gpu.driver.as_deref().unwrap_or("no driver");
    format!("{:04x}:{:04x} {driver}", gpu.vendor_id, gpu.device_id)
}

fn display(display: &Display) -> schema::Display {
    let edid = &display.edid;
    schema::Display {
        connector: display.connector.clone(),
        model: edid.name.clone().or_else(|| edid.maker.clone()),
        width_px: edid.width_px,
        height_px: edid.height_px,
        width_cm: edid.width_cm,
        height_cm: edid.height_cm,
    }
}

#[cfg(test)]
mod tests {
    use super::{Cipher, odd_processor};

    #[test]
    fn instructions_that_failed_the_self_test_are_odd() {
        assert_eq!(
            odd_processor(Cipher::Aes128Ctr, &["vaes-256"]),
            ["processor: computes aes-128-ctr wrongly by vaes-256, which is not used"]
        );
        assert_eq!(odd_processor(Cipher::ChaCha8, &[]), [""; 0]);
    }
}
