//! A PC without any medium starts over the network and does the whole job: it enrols itself, waits for a
//! person, wipes, proves and reports.
//!
//! `cargo xtask lab boot` runs all ways; the ignored ones differ from the other in what starts them.

use anyhow::ensure;
use lab::bay::Bay;
use lab::bench::scenario;
use lab::disk::FileSystem;
use lab::drive::Bus;
use lab::events::PORT;
use lab::firmware::{Firmware, Medium, Start};
use lab::image::Image;
use lab::lan::{Addresses, Lan};
use lab::machine::Machine;
use lab::scenario::Workshop;
use lab::service::Service;

fn wipes(firmware: Firmware, medium: Medium, addresses: Addresses) {
    let name = format!("{firmware:?}-{medium:?}").to_lowercase();
    scenario(&name, |bench| {
        let image = Image::built()?;
        let bay = Bay::new(bench, "DISK", Bus::Ahci, 64, FileSystem::Ext4)?;
        let mut lan = Lan::new(addresses)?;
        let machine = Machine::new("pc")
            .drive(bay.drive.clone())
            .start(Start {
                firmware,
                medium,
                grub: String::new(),
            })
            .lan(&lan)
            .argument("raz.auto=erase")
            .argument("raz.lot=NETBOOT")
            .argument(&format!("raz.events={PORT}"));
        let files = machine.netboot(bench, &image)?;
        let service = Service::start_in(bench, &lan, &files)?;
        lan.start_dhcp(bench, &service, &files)?;
        let workshop = Workshop::with(bench, image, service);

        let played = workshop.play(&machine)?;
        let audit = &played.audit;
        ensure!(played.status == 0, "{:?}", audit.report.drives);
        bay.is_proven(audit)?;
        ensure!(audit.report.lot.as_deref() == Some("NETBOOT"));

        let facts = &audit.report.machine;
        let uefi = firmware != Firmware::Bios;
        let mode = if uefi { "uefi" } else { "bios" };
        ensure!(facts.firmware_mode.as_deref() == Some(mode), "{facts:?}");
        let secure = uefi.then_some(firmware == Firmware::SecureBoot);
        ensure!(facts.secure_boot == secure, "{facts:?}");
        Ok(())
    });
}

/// By shim, Debian's signed GRUB and kernel, beside the workshop's own DHCP server.
#[test]
fn secure_boot_by_pxe() {
    wipes(Firmware::SecureBoot, Medium::Pxe, Addresses::Other);
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn bios_by_pxe() {
    wipes(Firmware::Bios, Medium::Pxe, Addresses::Bench);
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn bios_by_pxe_beside_another_dhcp_server() {
    wipes(Firmware::Bios, Medium::Pxe, Addresses::Other);
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn uefi_by_pxe() {
    wipes(Firmware::Uefi, Medium::Pxe, Addresses::Bench);
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn uefi_of_32_bits_by_pxe() {
    wipes(Firmware::Uefi32, Medium::Pxe, Addresses::Other);
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn uefi_by_http() {
    wipes(Firmware::Uefi, Medium::Http, Addresses::Bench);
}
