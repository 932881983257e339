//! A drive's facts in the words of the wire schema.

use crate::work::restoring::Restoration;
use drive::facts::{
    DriveFacts, HiddenCapacity, Medium, Security, Tcg, Transport, UsbBridge, Zoned,
};
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
        tcg: tcg(&facts.tcg),
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

fn tcg(tcg: &Tcg) -> Option<schema::Tcg> {
    match tcg {
        Tcg::Absent => None,
        Tcg::Unknown { reason } => Some(schema::Tcg {
            unknown: Some(reason.clone()),
            ..schema::Tcg::default()
        }),
        Tcg::Told(told) => Some(schema::Tcg {
            unknown: None,
            classes: told
                .classes
                .iter()
                .map(|class| class.kind.to_string())
                .collect(),
            locking: told.locking.map(|locking| schema::TcgLocking {
                supported: locking.supported,
                enabled: locking.enabled,
                locked: locking.locked,
                media_encryption: locking.media_encryption,
                shadow_mbr: locking.mbr_enabled,
                shadow_mbr_done: locking.mbr_done,
            }),
            sid_changed: told.block_sid.map(|block| block.sid_changed),
            sid_blocked: told.block_sid.map(|block| block.sid_blocked),
        }),
    }
}

/// What a drive says of TCG locking in a line for people; `None` where it says nothing.
#[must_use]
pub fn tcg_line(tcg: &Tcg) -> Option<String> {
    let told = match tcg {
        Tcg::Absent => return None,
        Tcg::Unknown { reason } => return Some(format!("unknown ({reason})")),
        Tcg::Told(told) => told,
    };
    let mut words: Vec<String> = told
        .classes
        .iter()
        .map(|class| class.kind.to_string())
        .collect();
    match told.locking {
        None => words.push("no locking told".into()),
        Some(locking) if !locking.enabled => words.push("locking not in use".into()),
        Some(locking) if locking.locked => words.push("locked".into()),
        Some(_) => words.push("locking in use, open now".into()),
    }
    if let Some(locking) = told.locking.filter(|locking| locking.mbr_enabled) {
        words.push(match locking.mbr_done {
            true => "shadow MBR put aside".into(),
            false => "shadow MBR".into(),
        });
    }
    if told.block_sid.is_some_and(|block| block.sid_blocked) {
        words.push(::drive::tcg::SID_BLOCKED.into());
    }
    Some(words.join("; "))
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

#[cfg(test)]
mod tests {
    use super::{tcg, tcg_line};
    use ::drive::facts::Tcg;
    use ::drive::tcg::Discovery;

    /// Level 0 discovery: Locking with this byte, Opal 2, Block SID with this byte.
    fn told(locking: u8, block_sid: u8) -> Tcg {
        let mut answer = vec![0; 48];
        for (code, byte) in [(0x0002_u16, locking), (0x0203, 0), (0x0402, block_sid)] {
            answer.extend(code.to_be_bytes());
            answer.extend([0x10, 12, byte]);
            answer.extend([0; 11]);
        }
        let length = u32::try_from(answer.len() - 4).unwrap();
        answer[..4].copy_from_slice(&length.to_be_bytes());
        Tcg::Told(Discovery::parse(&answer).unwrap())
    }

    #[test]
    fn what_level_0_says_is_on_the_report_bit_by_bit() {
        // Supported, enabled, locked, encrypting; changed and blocked.
        let said = tcg(&told(0x0F, 0x03)).unwrap();
        let locking = said.locking.unwrap();
        assert!(locking.supported && locking.enabled && locking.locked && locking.media_encryption);
        assert!(!locking.shadow_mbr && !locking.shadow_mbr_done);
        assert_eq!(said.classes, ["Opal 2"]);
        assert_eq!(
            (said.sid_changed, said.sid_blocked),
            (Some(true), Some(true))
        );
        let said = tcg(&told(0x3B, 0x00)).unwrap();
        let locking = said.locking.unwrap();
        assert!(!locking.locked && locking.shadow_mbr && locking.shadow_mbr_done);
        assert_eq!(
            (said.sid_changed, said.sid_blocked),
            (Some(false), Some(false))
        );
        let reason = || "not answered".to_owned();
        let unknown = tcg(&Tcg::Unknown { reason: reason() }).unwrap();
        assert_eq!(unknown.unknown, Some(reason()));
        assert_eq!(unknown.locking, None);
        assert_eq!(tcg(&Tcg::Absent), None);
    }

    #[test]
    fn blocked_owner_and_what_is_left_are_told_in_the_list() {
        let line = |locking, block| tcg_line(&told(locking, block)).unwrap();
        assert_eq!(line(0x01, 0x00), "Opal 2; locking not in use");
        assert_eq!(line(0x0F, 0x01), "Opal 2; locked");
        assert_eq!(
            line(0x1B, 0x01),
            "Opal 2; locking in use, open now; shadow MBR"
        );
        let blocked = line(0x0F, 0x03);
        assert!(
            blocked.contains("Block SID") && blocked.contains("PSID"),
            "{blocked}"
        );
        assert_eq!(tcg_line(&Tcg::Absent), None);
    }
}
