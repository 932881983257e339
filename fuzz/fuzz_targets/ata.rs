//! ATA answers as `discover` reads them: IDENTIFY, SMART, the security log, DCO, and the registers
//! that come back as SCSI sense.

#![no_main]

use drive::ata::dco::DcoIdentify;
use drive::ata::registers::{NativeMax, PowerMode};
use drive::ata::sanitize::SanitizeStatus;
use drive::ata::security_log::SecurityPage;
use drive::ata::smart::{SmartData, SmartStatus, Thresholds};
use drive::ata::{Identify, RegisterReturn};
use drive::health::{AtaPages, Health};
use libfuzzer_sys::fuzz_target;

/// Sets byte 511 so that the page sums to 0: what has a checksum is otherwise refused at once.
fn with_checksum(page: &[u8]) -> Vec<u8> {
    let mut page = page.to_vec();
    if let Some((last, rest)) = page.get_mut(..512).and_then(<[u8]>::split_last_mut) {
        *last = rest.iter().fold(0u8, |sum, byte| sum.wrapping_sub(*byte));
    }
    page
}

fuzz_target!(|input: (&[u8], &[u8], &[u8])| {
    let (page, thresholds, sense) = input;
    let registers = RegisterReturn::from_sense(sense);
    let _ = SanitizeStatus::from_registers(&registers);
    let _ = PowerMode::from_registers(&registers);
    let _ = NativeMax::from_registers_48(&registers).sectors();
    let _ = NativeMax::from_registers_28(&registers).sectors();
    let status = SmartStatus::from_registers(&registers);
    for page in [page.to_vec(), with_checksum(page)] {
        let _ = Identify::parse(&page).capacity_bytes();
        let _ = SecurityPage::parse(&page);
        let _ = DcoIdentify::parse(&page).map(|dco| dco.sectors());
        let data = SmartData::parse(&page);
        for thresholds in [None, Some(Thresholds::parse(&with_checksum(thresholds)))] {
            let _ = Health::from_ata(AtaPages {
                data: &data,
                thresholds: thresholds.as_ref(),
                status,
            });
        }
    }
});
