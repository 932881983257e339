//! Whatever firmware answers, a codec gives a value: no panic, no overflow, no endless loop.
//!
//! Arbitrary bytes rarely pass a first check, so each codec is also given bytes that carry its
//! magic numbers. What is right is tested beside each codec; here only that it ends.

use drive::ata::registers::{NativeMax, PowerMode};
use drive::ata::sanitize::SanitizeStatus;
use drive::ata::security_log::SecurityPage;
use drive::ata::smart::{SmartData, SmartStatus, Thresholds};
use drive::ata::{Identify, RegisterReturn, dco::DcoIdentify};
use drive::health::{AtaPages, Health, ScsiPages};
use drive::mmc::{ExtCsd, status::CardStatus};
use drive::nvme::change::{SecureErase, format_nvm};
use drive::nvme::event_log::SanitizeEvents;
use drive::nvme::log::{SanitizeLog, SmartLog};
use drive::nvme::{Controller, Namespace, identify::namespace_list};
use drive::scsi::capacity::{Capacity10, Capacity16};
use drive::scsi::inquiry::Inquiry;
use drive::scsi::mode::{
    ModeHeader, descriptor_sense, list_of_descriptor_sense, list_of_full_capacity,
};
use drive::scsi::operation_code::OperationSupport;
use drive::scsi::progress::LongOperation;
use drive::scsi::{Sense, defects, log_page, vpd};
use drive::tcg::Discovery;
use drive::volume::volume_ids;
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_oneof, proptest};

/// Answers of any length up to `longest`, long ones as often as short ones.
fn answer(longest: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..=longest), vec(any::<u8>(), longest)]
}

/// Bytes of which the first ones are set.
fn with_start(
    start: impl Strategy<Value = Vec<u8>>,
    longest: usize,
) -> impl Strategy<Value = Vec<u8>> {
    (start, answer(longest)).prop_map(|(start, rest)| [start, rest].concat())
}

fn set(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}

proptest! {
    #[test]
    fn ata_pages(mut page in answer(600), status in any::<u8>()) {
        let _ = Identify::parse(&page).capacity_bytes();
        let _ = SecurityPage::parse(&page);
        if let Some(last) = page.len().checked_sub(1) {
            // A right checksum and signature lets more through.
            set(&mut page, 510, &[0xA5]);
            let sum = page.iter().take(511).fold(0u8, |sum, b| sum.wrapping_add(*b));
            set(&mut page, last.min(511), &[0u8.wrapping_sub(sum)]);
        }
        let _ = DcoIdentify::parse(&page).map(|dco| dco.sectors());
        let _ = Identify::parse(&page);
        let data = SmartData::parse(&page);
        let thresholds = Thresholds::parse(&page);
        let status = match status % 3 {
            0 => SmartStatus::Passed,
            1 => SmartStatus::Failing,
            _ => SmartStatus::Unknown,
        };
        let _ = Health::from_ata(AtaPages { data: &data, thresholds: Some(&thresholds), status });
    }

    #[test]
    fn sense_and_registers(
        sense in with_start(prop_oneof![vec(0x70u8..=0x73, 1), vec(any::<u8>(), 0..8)], 64),
        descriptor in vec(any::<u8>(), 0..16),
    ) {
        let with_descriptor = [
            &[0x72, 0x01, 0x00, 0x1D, 0, 0, 0, 20, 0x09, 0x0C][..],
            &descriptor,
        ].concat();
        for sense in [sense, with_descriptor] {
            let _ = Sense::parse(&sense).map(|s| (s.to_string(), LongOperation::from_sense(&s)));
            let registers = RegisterReturn::from_sense(&sense);
            let _ = SanitizeStatus::from_registers(&registers);
            let _ = SmartStatus::from_registers(&registers);
            let _ = PowerMode::from_registers(&registers);
            let _ = NativeMax::from_registers_48(&registers).sectors();
            let _ = NativeMax::from_registers_28(&registers).sectors();
        }
    }

    #[test]
    fn scsi_data(mut data in answer(600)) {
        let _ = Inquiry::parse(&data);
        let _ = Capacity10::parse(&data);
        let _ = Capacity16::parse(&data).map(|c| (c.capacity_bytes(), c.physical_block_bytes()));
        let _ = ModeHeader::parse(&data);
        let _ = OperationSupport::parse(&data);
        let _ = (list_of_full_capacity(&data), list_of_descriptor_sense(&data), descriptor_sense(&data));
        let _ = defects::grown_defects(&data);
        // A control page where one is looked for.
        set(&mut data, 6, &[0, 8]);
        set(&mut data, 16, &[0x8A, 10]);
        let _ = (list_of_descriptor_sense(&data), descriptor_sense(&data));
        for page in [0x00, 0x80, 0x83, 0x89, 0xB0, 0xB1, 0xB2] {
            set(&mut data, 1, &[page]);
            let _ = vpd::supported_pages(&data);
            let _ = vpd::unit_serial(&data);
            let _ = vpd::designators(&data);
            let _ = vpd::logical_unit_name(&data);
            let _ = vpd::ata_information(&data);
            let _ = vpd::block_limits(&data);
            let _ = vpd::characteristics(&data);
            let _ = vpd::provisioning(&data);
        }
    }

    #[test]
    fn scsi_log_pages(pages in vec(answer(64), 9), well_formed in any::<bool>()) {
        let codes = [0x2F, 0x0D, 0x02, 0x03, 0x05, 0x0E, 0x11, 0x15, 0x00];
        let pages: Vec<Vec<u8>> = pages
            .into_iter()
            .zip(codes)
            .map(|(mut page, code)| {
                set(&mut page, 0, &[code, 0, 0, 60]);
                if well_formed {
                    set(&mut page, 4, &[0, u8::from(code == 0x11), 3]);
                }
                page
            })
            .collect();
        let page = |n: usize| pages.get(n).map(Vec::as_slice);
        let _ = page(8).map(log_page::supported_pages);
        let _ = Health::from_scsi(ScsiPages {
            informational_exceptions: page(0),
            temperature: page(1),
            write_errors: page(2),
            read_errors: page(3),
            verify_errors: page(4),
            start_stop: page(5),
            solid_state: page(6),
            background_scan: page(7),
            grown_defects: page(8),
        });
    }

    #[test]
    fn nvme_and_mmc_data(data in answer(4096), status in any::<u32>()) {
        let _ = CardStatus::decode(status).has_error();
        let _ = Controller::parse(&data);
        let namespace = Namespace::parse(&data);
        let _ = namespace.size_bytes();
        let _ = format_nvm(1, &namespace, SecureErase::UserData);
        let _ = namespace_list(&data);
        let _ = SanitizeLog::parse(&data);
        let _ = SmartLog::parse(&data).map(|log| Health::from_nvme(&log));
        let _ = ExtCsd::parse(&data).map(|csd| Health::from_mmc(&csd));
    }

    #[test]
    fn nvme_event_log(
        mut header in vec(any::<u8>(), 512),
        log_bytes in prop_oneof![any::<u64>(), 0u64..2000],
        events in vec((prop_oneof![any::<u8>(), 0x09u8..0x0F], 0u8..40, any::<u8>(), answer(60)), 0..30),
    ) {
        set(&mut header, 0, &[0x0D]);
        set(&mut header, 8, &log_bytes.to_le_bytes());
        set(&mut header, 18, &[0xEC, 0x01]);
        for (kind, header_bytes, vendor_bytes, mut rest) in events {
            let length = rest.len().saturating_sub(24).to_le_bytes();
            set(&mut rest, 0, &[kind, 1, header_bytes]);
            set(&mut rest, 20, &[vendor_bytes, 0, length[0], length[1]]);
            header.extend(rest);
        }
        let _ = SanitizeEvents::parse(&header);
    }

    #[test]
    fn tcg_discovery(
        data in answer(600),
        length in prop_oneof![any::<u32>(), 40u32..700],
        descriptors in vec((0u16..0x0410, answer(20)), 0..20),
    ) {
        let _ = Discovery::parse(&data);
        let mut answer = vec![0; 48];
        set(&mut answer, 0, &length.to_be_bytes());
        for (code, data) in descriptors {
            answer.extend(code.to_be_bytes());
            answer.extend(data);
        }
        let _ = Discovery::parse(&answer).map(|d| d.locking.map(|l| l.hides_medium()));
    }

    #[test]
    fn volumes(
        start in answer(4096),
        gpt_header in answer(128),
        descriptors in answer(4096),
        sector_bytes in prop_oneof![any::<u32>(), 0u32..2, 512u32..513, 4096u32..4097],
    ) {
        let mut bytes = vec![0u8; 40960];
        set(&mut bytes, 0, &start);
        set(&mut bytes, 510, &[0x55, 0xAA]);
        set(&mut bytes, 512, &gpt_header);
        set(&mut bytes, 512, b"EFI PART");
        set(&mut bytes, 1080, &[0x53, 0xEF]);
        set(&mut bytes, 32768, &descriptors);
        set(&mut bytes, 32768, b"\x01CD001");
        let _ = volume_ids(&bytes, sector_bytes);
        let _ = volume_ids(&start, sector_bytes);
    }
}
