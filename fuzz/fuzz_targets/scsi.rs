//! SCSI answers: sense, INQUIRY and its pages, capacity, mode, defects and
//! log pages.

#![no_main]

use drive::health::{Health, ScsiPages};
use drive::scsi::capacity::{Capacity10, Capacity16};
use drive::scsi::inquiry::Inquiry;
use drive::scsi::mode::{
    ModeHeader, descriptor_sense, list_of_descriptor_sense, list_of_full_capacity,
};
use drive::scsi::operation_code::OperationSupport;
use drive::scsi::progress::LongOperation;
use drive::scsi::{Sense, defects, log_page, vpd};
use libfuzzer_sys::fuzz_target;

/// The log pages that there are.
type Pages<'a> = [Option<&'a [u8]>; 9];

fuzz_target!(|input: (&[u8], &[u8], Pages<'_>)| {
    let (sense, data, pages) = input;
    let _ = Sense::parse(sense).map(|sense| {
        (
            sense.to_string(),
            sense.key_name(),
            LongOperation::from_sense(&sense),
        )
    });
    let _ = Inquiry::parse(data).is_ata_behind_satl();
    let _ = Capacity10::parse(data);
    let _ =
        Capacity16::parse(data).map(|c| (c.blocks(), c.capacity_bytes(), c.physical_block_bytes()));
    let _ = ModeHeader::parse(data);
    let _ = OperationSupport::parse(data);
    let _ = (
        list_of_full_capacity(data),
        list_of_descriptor_sense(data),
        descriptor_sense(data),
    );
    let _ = defects::grown_defects(data);
    let _ = vpd::supported_pages(data);
    let _ = vpd::unit_serial(data);
    let _ = vpd::designators(data);
    let _ = vpd::logical_unit_name(data);
    let _ = vpd::ata_information(data);
    let _ = vpd::block_limits(data);
    let _ = vpd::characteristics(data).map(|c| (c.solid_state(), c.rpm()));
    let _ = vpd::provisioning(data);
    let _ = log_page::supported_pages(data);
    let _ = log_page::power_on_minutes(data);
    let [
        informational_exceptions,
        temperature,
        write_errors,
        read_errors,
        verify_errors,
        start_stop,
        solid_state,
        background_scan,
        grown_defects,
    ] = pages;
    let _ = Health::from_scsi(ScsiPages {
        informational_exceptions,
        temperature,
        write_errors,
        read_errors,
        verify_errors,
        start_stop,
        solid_state,
        background_scan,
        grown_defects,
    });
});
