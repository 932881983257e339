//! A drive's facts in the words of the wire schema.

use crate::work::restoring::Restoration;
use drive::facts::{DriveFacts, HiddenCapacity, Medium, Security, Transport, UsbBridge, Zoned};
use drive::refusal::Refusal;
use report::schema;

/// One drive without an erasure.
#[must_use]
pub fn drive(facts: &DriveFacts, refusals: &[Refusal]) -> schema::Drive {
    let (media_type, rotation_rpm) = medium(facts.medium);
    schema::Drive {
        id: facts.identity.id(),
        path: facts.path.display().to_string(),
        model: facts.model.clone(),
        serial: facts.identity.serial.clone(),
        capacity_bytes: facts.capacity_bytes,
        refusals: refusals.iter().map(refusal).collect(),
        identity: facts.identity.recorded(),
        world_wide: facts.identity.world_wide.clone(),
        area: Some(facts.identity.area.clone()).filter(|area| !area.is_empty()),
        vendor: facts.vendor.clone(),
        firmware: facts.firmware.clone(),
        transport: transport(facts.transport).into(),
        bridge: facts.bridge.as_ref().map(bridge),
        controller: facts.controller.clone(),
        bus_path: facts.bus_path.clone(),
        logical_sector_bytes: facts.logical_sector_bytes,
        physical_sector_bytes: facts.physical_sector_bytes,
        media_type: media_type.into(),
        rotation_rpm,
        zoned: zoned(facts.zoned).into(),
        removable: facts.removable,
        read_only: facts.read_only,
        security: security(&facts.security),
        hidden_capacity: hidden(&facts.hidden),
        health_before: Some(super::health::health(&facts.health)),
        health_after: None,
        oddities: facts.oddities.clone(),
        erasure: None,
    }
}

/// A refusal with what to do about it, in one line.
#[must_use]
pub fn refusal(refusal: &Refusal) -> String {
    format!("{refusal}; to do: {}", refusal.remedy())
}

/// The transport's word on the wire.
#[must_use]
pub fn transport(transport: Transport) -> &'static str {
    match transport {
        Transport::Ata => "ata",
        Transport::Scsi => "scsi",
        Transport::Nvme => "nvme",
        Transport::Usb => "usb",
        Transport::Mmc => "mmc",
        Transport::Sd => "sd",
        Transport::Virtio => "virtio",
        Transport::Loop => "loop",
        Transport::RaidVolume => "raid volume",
        Transport::Network => "network",
        Transport::Other => "other",
    }
}

fn medium(medium: Medium) -> (&'static str, Option<u16>) {
    match medium {
        Medium::Rotating { rpm } => ("magnetic", Some(rpm).filter(|&rpm| rpm > 0)),
        Medium::SolidState => ("flash", None),
        Medium::Unknown => ("unknown", None),
    }
}

fn zoned(zoned: Zoned) -> &'static str {
    match zoned {
        Zoned::No => "no",
        Zoned::HostAware => "host-aware",
        Zoned::HostManaged => "host-managed",
    }
}

fn bridge(bridge: &UsbBridge) -> String {
    format!(
        "{:04x}:{:04x} {}",
        bridge.vendor_id, bridge.product_id, bridge.name
    )
}

fn security(security: &Security) -> schema::Security {
    schema::Security {
        supported: security.supported,
        enabled: security.enabled,
        locked: security.locked,
        frozen: security.frozen,
    }
}

fn hidden(hidden: &HiddenCapacity) -> schema::HiddenCapacity {
    let (state, bytes, evidence) = match hidden {
        HiddenCapacity::NotApplicable => (
            schema::HiddenState::NotApplicable,
            None,
            "this kind of drive has no HPA, DCO or AMAC".to_owned(),
        ),
        HiddenCapacity::None { evidence } => (schema::HiddenState::None, None, evidence.clone()),
        HiddenCapacity::Hidden { bytes, evidence } => {
            (schema::HiddenState::Hidden, Some(*bytes), evidence.clone())
        }
        HiddenCapacity::OpenedForThisBoot { bytes, evidence } => (
            schema::HiddenState::OpenedForThisBoot,
            Some(*bytes),
            evidence.clone(),
        ),
        HiddenCapacity::Unknown { reason } => (schema::HiddenState::Unknown, None, reason.clone()),
    };
    schema::HiddenCapacity {
        state,
        bytes,
        evidence,
        restored_for_good: false,
    }
}

/// Adds to what is known now of hidden capacity what was done about it, step by step.
pub fn restored(hidden: &mut schema::HiddenCapacity, restoration: &Restoration) {
    hidden.restored_for_good = restoration.is_for_good();
    let steps: Vec<String> = restoration
        .evidence
        .steps
        .iter()
        .map(|step| format!("{} [{}]: {}", step.command, step.bytes, step.answer))
        .collect();
    hidden.evidence = format!(
        "before: {}; {}; steps: {}; now: {}",
        restoration.found,
        restoration.english(),
        steps.join(", "),
        hidden.evidence
    );
}
