//! What a SCSI device answers: INQUIRY and its pages, capacity, mode parameters.

use crate::discover::line::Line;
use crate::discover::serial::Serial;
use crate::facts::{Blocks, DriveFacts, HiddenCapacity, Medium, Sanitize, SanitizeCommands};
use crate::scsi::capacity::{Capacity10, Capacity16};
use crate::scsi::command::{self, PageControl};
use crate::scsi::inquiry::Inquiry;
use crate::scsi::mode::ModeHeader;
use crate::scsi::operation_code::OperationSupport;
use crate::scsi::vpd::{self, Association, Characteristics, Designator, DesignatorName, page};

/// Standard INQUIRY data that every device has; beyond that old ones misbehave.
const INQUIRY_BYTES: u16 = 36;

/// Room for a VPD page: what the kernel itself asks for at most.
const PAGE_BYTES: u16 = 1024;

/// Number of bytes of READ CAPACITY (16) data.
const CAPACITY_BYTES: u32 = 32;

/// Number of bytes of READ CAPACITY (10) data.
const CAPACITY_10_BYTES: usize = 8;

/// SANITIZE, and its service actions (SBC-4 5.30).
const OPERATION_SANITIZE: u8 = 0x48;
const ACTION_OVERWRITE: u16 = 0x01;
const ACTION_BLOCK_ERASE: u16 = 0x02;
const ACTION_CRYPTOGRAPHIC_ERASE: u16 = 0x03;

/// Read-write error recovery: a mode page that every disk has.
const PAGE_ERROR_RECOVERY: u8 = 0x01;

/// Asks INQUIRY; `with_pages` also the pages that name the unit.
///
/// # Errors
/// In words, when INQUIRY itself was not answered: nothing is behind the node, or it hangs.
pub fn identify(line: &Line<'_>, facts: &mut DriveFacts, with_pages: bool) -> Result<(), String> {
    let data = line
        .read_scsi(&command::inquiry(INQUIRY_BYTES), usize::from(INQUIRY_BYTES))
        .map_err(|reason| format!("INQUIRY: {reason}"))?;
    let said = Inquiry::parse(&data);
    facts.oddities.extend(said.oddities);
    if said.peripheral_qualifier != 0 {
        facts.oddities.push(format!(
            "INQUIRY: peripheral qualifier {}: no unit is connected",
            said.peripheral_qualifier
        ));
    }
    facts.vendor = said.vendor.or_else(|| facts.vendor.take());
    facts.model = said.product.or_else(|| facts.model.take());
    facts.firmware = said.revision.or_else(|| facts.firmware.take());
    if !with_pages {
        return Ok(());
    }
    let pages = vpd_page(line, page::SUPPORTED)
        .ok()
        .and_then(|data| vpd::supported_pages(&data))
        .unwrap_or_default();
    if pages.contains(&page::SERIAL)
        && let Ok(data) = vpd_page(line, page::SERIAL)
    {
        let serial = vpd::unit_serial(&data);
        let serial = Serial::credible(
            serial.as_deref(),
            "the unit serial number page",
            &mut facts.oddities,
        );
        facts.identity.serial = serial.or_else(|| facts.identity.serial.take());
    }
    if pages.contains(&page::IDENTIFICATION)
        && let Ok(data) = vpd_page(line, page::IDENTIFICATION)
    {
        let name = vpd::designators(&data).as_deref().and_then(world_wide);
        facts.identity.world_wide = name.or_else(|| facts.identity.world_wide.take());
    }
    Ok(())
}

/// The logical unit's own name with its kind: NAA before EUI-64.
pub fn world_wide(designators: &[Designator]) -> Option<String> {
    let named = |kind: fn(&DesignatorName) -> Option<String>| {
        designators
            .iter()
            .filter(|designator| designator.association == Association::LogicalUnit)
            .find_map(|designator| kind(&designator.name))
    };
    named(|name| match name {
        DesignatorName::Naa(hex) => Some(format!("wwn-{hex}")),
        DesignatorName::Eui64(_)
        | DesignatorName::T10(_)
        | DesignatorName::ScsiName(_)
        | DesignatorName::Uuid(_)
        | DesignatorName::Other { .. } => None,
    })
    .or_else(|| {
        named(|name| match name {
            DesignatorName::Eui64(hex) => Some(format!("eui-{hex}")),
            DesignatorName::Naa(_)
            | DesignatorName::T10(_)
            | DesignatorName::ScsiName(_)
            | DesignatorName::Uuid(_)
            | DesignatorName::Other { .. } => None,
        })
    })
}

/// Compares the device's capacity with the kernel's, and reads what kind of medium it is.
pub fn geometry(line: &Line<'_>, facts: &mut DriveFacts) -> Option<Capacity16> {
    let cdb = command::read_capacity_16(CAPACITY_BYTES);
    let capacity = line
        .read_scsi(&cdb, CAPACITY_BYTES as usize)
        .ok()
        .and_then(|data| Capacity16::parse(&data));
    if let Some(said) = &capacity {
        // What the kernel gives no capacity for its blocks is no oddity but a refusal.
        let is_unserved = facts.capacity_bytes == 0 && !blocks_of(Some(said)).are_served();
        if !is_unserved && said.capacity_bytes() != Some(facts.capacity_bytes) {
            facts.oddities.push(format!(
                "READ CAPACITY (16) gives last LBA {} of {} bytes, the kernel addresses {} bytes",
                said.last_lba, said.block_bytes, facts.capacity_bytes
            ));
        }
        if !is_unserved && said.block_bytes != facts.logical_sector_bytes {
            facts.oddities.push(format!(
                "READ CAPACITY (16) gives blocks of {} bytes, the kernel {}",
                said.block_bytes, facts.logical_sector_bytes
            ));
        }
        if let Some(kind) = said.protection_type {
            facts.not_reached.push(format!(
                "protection information of type {kind}, 8 bytes beside each block: made anew with each write, and read back by nobody"
            ));
        }
        if let Some(bytes) = said.physical_block_bytes() {
            facts.physical_sector_bytes = facts.physical_sector_bytes.max(bytes);
        }
    }
    let characteristics = vpd_page(line, page::CHARACTERISTICS)
        .ok()
        .and_then(|data| vpd::characteristics(&data));
    if let Some(said) = characteristics {
        facts.medium = match (said.solid_state(), said.rpm()) {
            (Some(true), _) => Medium::SolidState,
            (Some(false), rpm) => Medium::Rotating {
                rpm: rpm.unwrap_or(0),
            },
            (None, _) => facts.medium,
        };
    }
    capacity
}

fn blocks_of(capacity: Option<&Capacity16>) -> Blocks {
    Blocks {
        bytes: capacity.map(|said| said.block_bytes),
        protection_type: capacity.and_then(|said| said.protection_type),
    }
}

/// How the medium is formatted.
pub fn blocks(line: &Line<'_>, capacity: Option<&Capacity16>) -> Blocks {
    let mut blocks = blocks_of(capacity);
    // Old disks, and some whose format was cut off, do not answer the long question.
    if blocks.bytes.is_none() {
        let data = line.read_scsi(&command::read_capacity_10(), CAPACITY_10_BYTES);
        blocks.bytes = match data.ok().and_then(|data| Capacity10::parse(&data)) {
            Some(Capacity10::Fits { block_bytes, .. }) => Some(block_bytes),
            Some(Capacity10::TooLarge) | None => None,
        };
    }
    blocks
}

/// Which SANITIZE service actions the drive says that it has. A drive that does not answer the
/// question has none: the command itself is no question.
pub fn sanitize(line: &Line<'_>) -> Result<Sanitize, String> {
    const BYTES: u32 = 64;
    let has = |action| {
        let cdb = command::report_supported_operation_code(OPERATION_SANITIZE, Some(action), BYTES);
        let data = line.read_scsi(&cdb, BYTES as usize)?;
        let support = OperationSupport::parse(&data);
        Ok::<bool, String>(support == Some(OperationSupport::Standard))
    };
    let asked = |reason| format!("REPORT SUPPORTED OPERATION CODES of SANITIZE: {reason}");
    let offered = Sanitize {
        overwrite: has(ACTION_OVERWRITE).map_err(asked)?,
        block_erase: has(ACTION_BLOCK_ERASE).map_err(asked)?,
        crypto_erase: has(ACTION_CRYPTOGRAPHIC_ERASE).map_err(asked)?,
        commands: SanitizeCommands::Scsi(characteristics(line)),
    };
    if offered.overwrite || offered.block_erase || offered.crypto_erase {
        Ok(offered)
    } else {
        Err("the drive says that it has no SANITIZE command".into())
    }
}

/// A drive whose sanitize failed does not even say which it has (SBC-4 4.11.3). It has one, and refuses
/// what it has not.
pub fn untold_sanitize(line: &Line<'_>) -> Sanitize {
    Sanitize {
        overwrite: true,
        block_erase: true,
        crypto_erase: true,
        commands: SanitizeCommands::Scsi(characteristics(line)),
    }
}

fn characteristics(line: &Line<'_>) -> Option<Characteristics> {
    let data = vpd_page(line, page::CHARACTERISTICS);
    data.ok().and_then(|data| vpd::characteristics(&data))
}

/// Whether mode parameters reduce the capacity: the block descriptor's default against what is
/// addressed now (SBC-4 6.5.2).
pub fn hidden(line: &Line<'_>, facts: &DriveFacts, capacity: Option<Capacity16>) -> HiddenCapacity {
    let unknown = |reason: String| HiddenCapacity::Unknown { reason };
    if facts.capacity_bytes == 0 {
        return unknown("the kernel addresses none of its blocks".into());
    }
    let Some(current) = capacity.and_then(|said| said.capacity_bytes()) else {
        return unknown("READ CAPACITY (16) was not answered".into());
    };
    let cdb = command::mode_sense_10(PageControl::Default, PAGE_ERROR_RECOVERY, 0, PAGE_BYTES);
    let data = match line.read_scsi(&cdb, usize::from(PAGE_BYTES)) {
        Ok(data) => data,
        Err(reason) => return unknown(format!("MODE SENSE (default values): {reason}")),
    };
    let Some(header) = ModeHeader::parse(&data) else {
        return unknown("MODE SENSE (default values): the answer is too short".into());
    };
    let default = match (header.blocks, header.block_bytes) {
        (Some(blocks), Some(bytes)) => blocks.saturating_mul(u64::from(bytes)),
        _ => return unknown("MODE SENSE (default values) names no number of blocks".into()),
    };
    let evidence = format!(
        "READ CAPACITY (16) {current} bytes, the kernel addresses {}; MODE SENSE default {default} bytes",
        facts.capacity_bytes
    );
    let most = default.max(current);
    if most > facts.capacity_bytes {
        let bytes = most - facts.capacity_bytes;
        return HiddenCapacity::Hidden { bytes, evidence };
    }
    if default < current {
        return unknown(format!(
            "{evidence}: the default is smaller than what is addressed"
        ));
    }
    HiddenCapacity::None { evidence }
}

fn vpd_page(line: &Line<'_>, page: u8) -> Result<Vec<u8>, String> {
    line.read_scsi(
        &command::inquiry_vpd(page, PAGE_BYTES),
        usize::from(PAGE_BYTES),
    )
}
