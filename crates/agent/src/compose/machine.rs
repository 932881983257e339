//! The computer and its verdict in the words of the wire schema.

use crate::i18n::Words;
use drive::health::{Confidence, Count, Health, Smartctl};
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
        firmware_passwords: facts
            .locks
            .passwords
            .iter()
            .map(|password| schema::FirmwarePassword {
                role: password.role.clone(),
                set: password.set,
            })
            .collect(),
        platform_binary: facts.locks.platform_binary,
        windows_key_ends: facts
            .locks
            .windows_key
            .as_ref()
            .map(|key| key.ends.clone().unwrap_or_else(|| "unknown".into())),
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
        caps: verdict.caps.iter().map(cap).collect(),
        measured: verdict.measured.iter().map(measured).collect(),
        not_checked: verdict.not_checked.iter().map(not_checked).collect(),
        rules_version: verdict.rules_version.clone(),
        rules_sha256: verdict.rules_sha256.clone(),
    }
}

/// What the rules make of an earlier run's measurements, which keeps what that run did not check.
#[must_use]
pub fn graded_again(earlier: &schema::Verdict, rules: &verdict::Rules) -> schema::Verdict {
    let known: Vec<verdict::Measurement> = earlier.measured.iter().filter_map(recorded).collect();
    let judgement = rules.apply(&known);
    let mut again = judged(&judgement, rules);
    again.measured.clone_from(&earlier.measured);
    again.not_checked.clone_from(&earlier.not_checked);
    again.not_checked.extend(
        earlier
            .measured
            .iter()
            .filter(|measured| recorded(measured).is_none())
            .map(|measured| {
                format!(
                    "{}, which these rules do not know: {}",
                    measured.fact, measured.subject
                )
            }),
    );
    again
}

/// A drive's grade by what smartctl said of it: of its data, and of the machine, nothing is known.
#[must_use]
pub fn graded_health(drive: &Smartctl, rules: &verdict::Rules) -> schema::Verdict {
    let names = [&drive.model, &drive.serial];
    let names: Vec<&str> = names
        .into_iter()
        .filter_map(|name| name.as_deref())
        .collect();
    let subject = match names.is_empty() {
        true => "drive".to_owned(),
        false => names.join(" "),
    };
    let health = health_of(
        subject.clone(),
        drive.rotating,
        &drive.health,
        DriveFate::NotErased,
    );
    let mut verdict = judged(&rules.judge_health(&health), rules);
    let missing = verdict::not_checked_of(&health);
    verdict.not_checked = std::iter::once(format!("whether it is erased: {subject}"))
        .chain(missing.iter().map(not_checked))
        .collect();
    verdict
}

fn judged(judgement: &verdict::Judgement, rules: &verdict::Rules) -> schema::Verdict {
    schema::Verdict {
        grade: judgement.grade.as_str().into(),
        grade_once_removed: judgement.grade_once_removed.as_str().into(),
        remove: judgement.remove.clone(),
        caps: judgement.caps.iter().map(cap).collect(),
        measured: Vec::new(),
        not_checked: Vec::new(),
        rules_version: rules.version().into(),
        rules_sha256: rules.sha256().into(),
    }
}

fn cap(cap: &verdict::Cap) -> schema::Cap {
    schema::Cap {
        rule: cap.rule.clone(),
        axis: cap.axis.as_str().into(),
        subject: cap.subject.clone(),
        measured: cap.measured.clone(),
        threshold: cap.threshold.clone(),
        effect: cap.effect.as_str().into(),
        source: cap.source.clone(),
        message_fr: cap.message_fr.clone(),
        message_en: cap.message_en.clone(),
    }
}

fn measured(measured: &verdict::Measurement) -> schema::Measured {
    schema::Measured {
        fact: measured.key().into(),
        subject: measured.subject.clone(),
        value: match measured.value {
            verdict::Value::Number(number) => schema::MeasuredValue::Number(number),
            verdict::Value::Flag(flag) => schema::MeasuredValue::Flag(flag),
            verdict::Value::Word(word) => schema::MeasuredValue::Word(word.into()),
        },
        solid_state: measured.solid_state,
    }
}

fn recorded(measured: &schema::Measured) -> Option<verdict::Measurement> {
    let value = match &measured.value {
        schema::MeasuredValue::Number(number) => verdict::Value::Number(*number),
        schema::MeasuredValue::Flag(flag) => verdict::Value::Flag(*flag),
        schema::MeasuredValue::Word(word) => verdict::Value::Word(word),
    };
    verdict::Measurement::recorded(
        &measured.fact,
        &measured.subject,
        value,
        measured.solid_state,
    )
}

fn not_checked(item: &verdict::NotChecked) -> String {
    format!("{}: {}", item.label_en, item.subject)
}

/// What the verdict needs to know of a drive: its health after the run where there is one.
#[must_use]
pub fn drive_health(
    facts: &drive::facts::DriveFacts,
    after: Option<&Health>,
    fate: DriveFate,
) -> DriveHealth {
    use drive::facts::Medium;
    let health = after.unwrap_or(&facts.health);
    let model = facts.model.as_deref().unwrap_or("drive");
    let rotating = match facts.medium {
        Medium::Rotating { .. } => Some(true),
        Medium::SolidState => Some(false),
        Medium::Unknown => None,
    };
    let subject = format!("{model} {}", facts.identity.id());
    health_of(subject, rotating, health, fate)
}

fn health_of(
    subject: String,
    rotating: Option<bool>,
    health: &Health,
    erased: DriveFate,
) -> DriveHealth {
    DriveHealth {
        subject,
        rotating,
        erased,
        smart_failing: health.says_failing(),
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
