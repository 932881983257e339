//! The questions behind a drive's health.

use crate::ata::command as ata;
use crate::ata::identify::Identify;
use crate::ata::registers::RegisterReturn;
use crate::ata::smart::{SmartData, SmartStatus, Thresholds};
use crate::discover::line::Line;
use crate::facts::DriveFacts;
use crate::health::{AtaPages, Health, ScsiPages};
use crate::nvme::command as nvme;
use crate::nvme::log::SmartLog;
use crate::scsi::command as scsi;
use crate::scsi::log_page::{self, page};

/// Room for a log page; the ones asked for are shorter.
const LOG_PAGE_BYTES: u16 = 512;

/// The header of READ DEFECT DATA (12), which holds the length of the list.
const DEFECT_HEADER_BYTES: u32 = 8;

/// SMART of an ATA drive.
pub fn ata(line: &Line<'_>, said: &Identify) -> Health {
    if said.smart.supported == Some(false) {
        return Health::not_read("the drive has no SMART");
    }
    if said.smart.enabled == Some(false) {
        return Health::not_read("SMART is switched off in the drive");
    }
    let page = match line.read_scsi(&ata::smart_read_data(), ata::PAGE_BYTES) {
        Ok(page) => page,
        Err(reason) => return Health::not_read(format!("SMART READ DATA: {reason}")),
    };
    let thresholds = line
        .read_scsi(&ata::smart_read_thresholds(), ata::PAGE_BYTES)
        .ok()
        .map(|page| Thresholds::parse(&page));
    let status = line
        .sense_of(&ata::smart_return_status())
        .map_or(SmartStatus::Unknown, |sense| {
            SmartStatus::from_registers(&RegisterReturn::from_sense(&sense))
        });
    Health::from_ata(AtaPages {
        data: &SmartData::parse(&page),
        thresholds: thresholds.as_ref(),
        status,
    })
}

/// SMART / Health log of an NVMe drive.
pub fn nvme(line: &Line<'_>) -> Health {
    match line.read_nvme(&nvme::smart_log(), nvme::LOG_BYTES) {
        Ok(page) => SmartLog::parse(&page).map_or_else(
            || Health::not_read("the SMART log holds nothing"),
            |log| Health::from_nvme(&log),
        ),
        Err(reason) => Health::not_read(format!("SMART log: {reason}")),
    }
}

/// Log pages of a SCSI drive.
pub fn scsi(line: &Line<'_>) -> Health {
    let log = |page: u8| {
        let cdb = scsi::log_sense(page, 0, LOG_PAGE_BYTES);
        line.read_scsi(&cdb, usize::from(LOG_PAGE_BYTES))
    };
    let supported = match log(page::SUPPORTED) {
        Ok(data) => log_page::supported_pages(&data).unwrap_or_default(),
        Err(reason) => return Health::not_read(format!("LOG SENSE: {reason}")),
    };
    let read = |page: u8| supported.contains(&page).then(|| log(page).ok()).flatten();
    let exceptions = read(page::INFORMATIONAL_EXCEPTIONS);
    let temperature = read(page::TEMPERATURE);
    let write_errors = read(page::WRITE_ERRORS);
    let read_errors = read(page::READ_ERRORS);
    let verify_errors = read(page::VERIFY_ERRORS);
    let start_stop = read(page::START_STOP);
    let solid_state = read(page::SOLID_STATE);
    let background_scan = read(page::BACKGROUND_SCAN);
    let defects = line
        .read_scsi(
            &scsi::read_grown_defects_12(DEFECT_HEADER_BYTES),
            DEFECT_HEADER_BYTES as usize,
        )
        .ok();
    Health::from_scsi(ScsiPages {
        informational_exceptions: exceptions.as_deref(),
        temperature: temperature.as_deref(),
        write_errors: write_errors.as_deref(),
        read_errors: read_errors.as_deref(),
        verify_errors: verify_errors.as_deref(),
        start_stop: start_stop.as_deref(),
        solid_state: solid_state.as_deref(),
        background_scan: background_scan.as_deref(),
        grown_defects: defects.as_deref(),
    })
}

/// Sectors that were replaced keep what was written to them before: no write reaches them.
pub fn replaced_sectors(facts: &mut DriveFacts) {
    let reallocated = facts.health.reallocated.map_or(0, |count| count.value);
    if reallocated > 0 {
        facts.not_reached.push(format!(
            "{reallocated} reallocated sectors (SMART attribute 5)"
        ));
    }
    let grown = facts.health.grown_defects.unwrap_or(0);
    if grown > 0 {
        facts
            .not_reached
            .push(format!("{grown} grown defects (READ DEFECT DATA)"));
    }
}
