//! What an NVMe namespace and its controller answer.

use crate::discover::base::{is_other_namespace, other_namespace};
use crate::discover::line::Line;
use crate::discover::serial::Serial;
use crate::facts::{DriveFacts, HiddenCapacity, Medium, NvmeFormat};
use crate::nvme::command::{self, IDENTIFY_BYTES};
use crate::nvme::identify::{Controller, Namespace, namespace_list};

/// Asks Identify Controller and Identify Namespace, and takes identity and model from them.
///
/// # Errors
/// In words, when either was not answered.
pub fn identify(
    line: &Line<'_>,
    facts: &mut DriveFacts,
    nsid: u32,
) -> Result<(Controller, Namespace), String> {
    let data = line
        .read_nvme(&command::identify_controller(), IDENTIFY_BYTES)
        .map_err(|reason| format!("Identify Controller: {reason}"))?;
    let controller = Controller::parse(&data);
    let data = line
        .read_nvme(&command::identify_namespace(nsid), IDENTIFY_BYTES)
        .map_err(|reason| format!("Identify Namespace {nsid}: {reason}"))?;
    let namespace = Namespace::parse(&data);
    facts.oddities.extend(
        controller
            .oddities
            .iter()
            .chain(&namespace.oddities)
            .cloned(),
    );
    let serial = Serial::credible(
        controller.serial.as_deref(),
        "the controller",
        &mut facts.oddities,
    );
    if let (Some(said), Some(shown)) = (&serial, &facts.identity.serial)
        && said != shown
    {
        facts.oddities.push(format!(
            "Identify Controller says serial {said}, the kernel {shown}"
        ));
    }
    facts.identity.serial = serial.or_else(|| facts.identity.serial.take());
    let name = namespace
        .nguid
        .as_ref()
        .map(|hex| format!("nguid-{hex}"))
        .or_else(|| namespace.eui64.as_ref().map(|hex| format!("eui-{hex}")));
    facts.identity.world_wide = name.or_else(|| facts.identity.world_wide.take());
    facts.model = controller.model.clone().or_else(|| facts.model.take());
    facts.firmware = controller
        .firmware
        .clone()
        .or_else(|| facts.firmware.take());
    facts.read_only |= namespace.write_protected;
    Ok((controller, namespace))
}

/// Compares capacities and lists what else the drive stores. Gives why a command to the whole NVM
/// subsystem would reach more than this namespace, whose erasure alone is confirmed.
pub fn capacity(
    line: &Line<'_>,
    facts: &mut DriveFacts,
    nsid: u32,
    controller: &Controller,
    namespace: &Namespace,
) -> Result<(), String> {
    let size = namespace.size_bytes();
    if size != Some(facts.capacity_bytes) {
        facts.oddities.push(format!(
            "Identify Namespace gives {} blocks ({} bytes), the kernel addresses {} bytes",
            namespace.blocks,
            size.map_or("?".to_owned(), |bytes| bytes.to_string()),
            facts.capacity_bytes
        ));
    }
    if let Some(format) = namespace.format
        && format.metadata_bytes > 0
    {
        facts.not_reached.push(format!(
            "{} bytes of metadata beside each block",
            format.metadata_bytes
        ));
    }
    if controller.has_rpmb {
        facts
            .not_reached
            .push("replay-protected memory blocks: cannot be erased without their key".into());
    }
    if controller.is_shared {
        facts.oddities.push(
            "the drive has more than one port or controller: another host may write to it".into(),
        );
    }
    // Over a network nobody else says what is behind the controller; blocks to erase are flash's.
    if facts.medium == Medium::Unknown && controller.sanitize.block_erase {
        facts.medium = Medium::SolidState;
    }
    let others = other_namespaces(line, nsid, controller);
    match &others {
        Ok(others) => {
            for other in others {
                let text = other_namespace(u64::from(*other));
                // Sysfs shows the attached ones already.
                if !facts.not_reached.contains(&text) {
                    facts.not_reached.push(text);
                }
            }
        }
        Err(reason) => facts.oddities.push(format!("list of namespaces: {reason}")),
    }
    facts.hidden = hidden(facts, controller, size);
    if let HiddenCapacity::Hidden { bytes, .. } = &facts.hidden {
        let text = format!(
            "unallocated capacity of {bytes} bytes, which deleted namespaces may have filled"
        );
        facts.not_reached.push(text);
    }
    if let Err(reason) = others {
        return Err(format!(
            "the list of the drive's namespaces is not known ({reason})"
        ));
    }
    if controller.is_shared
        || facts
            .not_reached
            .iter()
            .any(|text| is_other_namespace(text))
    {
        return Err("the drive has, or may have, other namespaces".into());
    }
    Ok(())
}

/// Format NVM, where it erases this namespace alone: by FNA, or because there is no other.
pub fn format(
    controller: &Controller,
    namespace: &Namespace,
    nsid: u32,
    alone: &Result<(), String>,
) -> Result<NvmeFormat, String> {
    if !controller.admin.format {
        return Err("the drive does not have it".into());
    }
    if namespace.format.is_none() {
        return Err("the namespace does not say how it is formatted".into());
    }
    // What FNA leaves to the controller's format is not asked for; its erase is.
    if controller.format.formats_all || controller.format.erases_all {
        alone.clone()?;
    }
    Ok(NvmeFormat { nsid })
}

/// Blocks that are known to have no metadata.
pub fn is_plain(namespace: &Namespace) -> bool {
    namespace
        .format
        .is_some_and(|format| format.metadata_bytes == 0)
}

/// Capacity of the controller that belongs to no namespace, and sectors beyond what the kernel addresses.
fn hidden(facts: &DriveFacts, controller: &Controller, size: Option<u64>) -> HiddenCapacity {
    let Some(size) = size else {
        return HiddenCapacity::Unknown {
            reason: "Identify Namespace gives no usable size".into(),
        };
    };
    let namespaces = if controller.admin.namespace_management {
        format!("UNVMCAP {}", controller.unallocated_bytes)
    } else {
        "no namespace management".into()
    };
    let evidence = format!(
        "Identify Namespace {size} bytes, the kernel addresses {}; Identify Controller: {namespaces}",
        facts.capacity_bytes
    );
    let unallocated = u64::try_from(controller.unallocated_bytes).unwrap_or(u64::MAX);
    let bytes = size
        .saturating_sub(facts.capacity_bytes)
        .saturating_add(unallocated);
    if bytes > 0 {
        return HiddenCapacity::Hidden { bytes, evidence };
    }
    if size < facts.capacity_bytes {
        return HiddenCapacity::Unknown {
            reason: format!("{evidence}: the kernel addresses more than the namespace has"),
        };
    }
    HiddenCapacity::None { evidence }
}

/// NSIDs of the drive beside this one: allocated ones, attached or not, where the drive can say.
fn other_namespaces(
    line: &Line<'_>,
    nsid: u32,
    controller: &Controller,
) -> Result<Vec<u32>, String> {
    let command = if controller.admin.namespace_management {
        command::allocated_namespaces(0)
    } else {
        command::active_namespaces(0)
    };
    let data = line.read_nvme(&command, IDENTIFY_BYTES)?;
    let mut others = namespace_list(&data);
    others.retain(|other| *other != nsid);
    Ok(others)
}
