//! The ISO starts every PC, from a disc and from a stick, and the machine that it starts does the whole
//! job: a drive wiped, proven, reported. What it was started from stays as it is, but for the reports in
//! its volume.
//!
//! `cargo xtask lab boot` runs all ways; the ignored ones differ from the others in one of the two choices.

use anyhow::{Context, ensure};
use lab::bay::Bay;
use lab::bench::scenario;
use lab::disk::FileSystem;
use lab::drive::Bus;
use lab::firmware::{self, Firmware, Medium, Start};
use lab::image::Image;
use lab::machine::Machine;
use lab::scenario::{PATIENCE, Workshop};

/// Boots by the firmware from the medium, wipes one drive unattended, and looks at both from outside.
fn wipes(firmware: Firmware, medium: Medium) {
    let name = format!("{firmware:?}-{medium:?}").to_lowercase();
    scenario(&name, |bench| {
        let workshop = Workshop::open(bench)?;
        let bay = Bay::new(bench, "DISK", Bus::Ahci, 64, FileSystem::Ext4)?;
        let start = Start {
            firmware,
            medium,
            grub: String::new(),
        };
        let machine = Machine::new("pc").drive(bay.drive.clone()).start(start);
        let machine = workshop.unattended(machine)?;
        let running = workshop.boot(&machine)?;
        let iso = bench.path().join("pc.iso");
        let before = firmware::sha256_outside(&iso)?;

        workshop.service.accept(&running.events)?;
        workshop.arm(1)?;
        let status = workshop.finished(&running)?;
        let audit = workshop.audit(&running)?;
        ensure!(status == 0, "{status}: {:?}", audit.report.drives);
        bay.is_proven(&audit)?;

        let facts = &audit.report.machine;
        let uefi = firmware != Firmware::Bios;
        let mode = if uefi { "uefi" } else { "bios" };
        ensure!(facts.firmware_mode.as_deref() == Some(mode), "{facts:?}");
        let secure = uefi.then_some(firmware == Firmware::SecureBoot);
        ensure!(facts.secure_boot == secure, "{facts:?}");
        let lockdown = match firmware {
            Firmware::SecureBoot => "integrity",
            Firmware::Bios | Firmware::Uefi | Firmware::Uefi32 => "none",
        };
        ensure!(facts.lockdown.as_deref() == Some(lockdown), "{facts:?}");

        if medium == Medium::Stick {
            let stick = audit.drive(firmware::STICK)?;
            ensure!(stick.erasure.is_none(), "{stick:?}");
        }
        ensure!(
            before == firmware::sha256_outside(&iso)?,
            "the medium was written to outside of its volume"
        );
        Ok(())
    });
}

#[test]
fn bios_from_a_disc() {
    wipes(Firmware::Bios, Medium::Disc);
}

#[test]
fn secure_boot_from_a_stick() {
    wipes(Firmware::SecureBoot, Medium::Stick);
}

#[test]
fn uefi_of_32_bits_from_a_stick() {
    wipes(Firmware::Uefi32, Medium::Stick);
}

/// A kernel with one other letter in its version, and so without a signature that fits, starts by UEFI and
/// not by the same firmware with Secure Boot: what Secure Boot is said to do in these tests it does.
#[test]
fn secure_boot_refuses_a_kernel_that_was_changed() {
    scenario("changed-kernel", |bench| {
        let mut image = Image::built()?;
        let kernel = std::fs::read(&image.kernel)?;
        let mut iso = std::fs::read(&image.iso)?;
        let version = version_at(&kernel)?;
        let block = &kernel[..4096];
        let mut blocks = iso.chunks(2048).enumerate();
        let found = blocks.find(|(_, chunk)| block.starts_with(chunk));
        let (number, _) = found.context("no kernel in the ISO")?;
        iso[number * 2048 + version] ^= 1;
        image.iso = bench.path().join("changed.iso");
        std::fs::write(&image.iso, iso)?;

        let machine = |name: &str, firmware| {
            Machine::new(name).start(Start {
                firmware,
                medium: Medium::Stick,
                grub: "serial --unit=0\nterminal_output console serial".to_owned(),
            })
        };
        let refused = machine("secure", Firmware::SecureBoot).boot(bench, &image)?;
        let line = refused
            .serial
            .wait_for_line("bad shim signature", PATIENCE)?;
        ensure!(!refused.serial.text().contains("Linux version"), "{line}");
        drop(refused);
        let starts = machine("open", Firmware::Uefi).boot(bench, &image)?;
        starts.wait_until_ready()?;
        Ok(())
    });
}

/// Where the kernel's version is told in its header (Documentation/arch/x86/boot.rst, `kernel_version`).
fn version_at(kernel: &[u8]) -> anyhow::Result<usize> {
    let pointer = kernel.get(0x20E..).and_then(<[u8]>::first_chunk);
    let at = 0x200 + usize::from(u16::from_le_bytes(*pointer.context("no header")?));
    let told = kernel.get(at..at + 2).context("no version")?;
    ensure!(told == b"6.", "no version at {at:#x}: {told:?}");
    Ok(at)
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn bios_from_a_stick() {
    wipes(Firmware::Bios, Medium::Stick);
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn uefi_from_a_disc() {
    wipes(Firmware::Uefi, Medium::Disc);
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn uefi_from_a_stick() {
    wipes(Firmware::Uefi, Medium::Stick);
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn secure_boot_from_a_disc() {
    wipes(Firmware::SecureBoot, Medium::Disc);
}
