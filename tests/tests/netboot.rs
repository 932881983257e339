//! A PC without any medium starts over the network and does the whole job: it enrols itself, waits for a
//! person, wipes, proves and reports.
//!
//! `cargo xtask lab boot` runs all ways; the ignored ones differ from the other in what starts them.

use anyhow::ensure;
use lab::bay::Bay;
use lab::bench::{Bench, scenario};
use lab::disk::FileSystem;
use lab::drive::Bus;
use lab::events::PORT;
use lab::firmware::{Firmware, Medium, Start};
use lab::image::Image;
use lab::lan::{Addresses, Lan};
use lab::machine::{Machine, Screen};
use lab::scenario::Workshop;
use lab::service::Service;
use lab::shell::Shell;

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

/// A machine at its rescue shell, by an entry of the menu that comes over the network.
fn shell_by(
    bench: &Bench,
    lan: &mut Lan,
    entry: &str,
    argument: &str,
) -> anyhow::Result<(Shell, Service)> {
    let image = Image::built()?;
    let machine = Machine::new("pc")
        .screen(Screen::Serial)
        .start(Start {
            firmware: Firmware::Bios,
            medium: Medium::Pxe,
            grub: format!("set default=\"{entry}\"\nset timeout=0"),
        })
        .lan(lan);
    let named = match argument {
        "" => machine.clone(),
        argument => machine.clone().argument(argument),
    };
    let files = named.netboot(bench, &image)?;
    let service = Service::start_in(bench, lan, &files)?;
    lan.start_dhcp(bench, &service, &files)?;
    Ok((Shell::boot(bench, machine)?, service))
}

fn starts_by_entry(entry: &str, argument: &str, words: &str, has_picture: bool) {
    scenario(&format!("netboot-{}", entry.replace('>', "-")), |bench| {
        let mut lan = Lan::new(Addresses::Bench)?;
        let (shell, _service) = shell_by(bench, &mut lan, entry, argument)?;
        let said = shell.run("cat /proc/cmdline")?;
        ensure!(said.text.contains(words), "{said:?}");
        ensure!(said.text.contains("raz.boot=net"), "{said:?}");
        let said = shell.run("test -e /sys/class/graphics/fb0")?;
        ensure!((said.status == 0) == has_picture, "{said:?}");
        Ok(())
    });
}

/// Nothing but this entry asks for the shell.
#[test]
fn problems_over_the_network_have_a_rescue_shell() {
    starts_by_entry("1>3", "", "raz.shell", true);
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn problems_over_the_network_have_the_firmwares_picture() {
    starts_by_entry("1>0", "raz.shell", "nomodeset", true);
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn problems_over_the_network_have_text_mode() {
    starts_by_entry("1>1", "raz.shell", "nomodeset", false);
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn problems_over_the_network_have_a_start_without_interrupt_remapping() {
    starts_by_entry("1>2", "raz.shell", "intremap=off noapic", true);
}
