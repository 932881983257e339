//! The image boots, loads its drivers and starts the session, with every kind of drive that QEMU
//! has; what is plugged in later gets its driver too.

use anyhow::ensure;
use lab::bench::scenario;
use lab::disk::{CANARY, Disk, FileSystem};
use lab::drive::{Bus, Drive};
use lab::image::Image;
use lab::machine::{BOOT_PATIENCE, Machine, Network, Screen};

const SIZE_BYTES: u64 = 64 << 20;

#[test]
fn every_bus_gets_its_driver_and_no_shell_is_open() {
    scenario("boot", |bench| {
        let mut machine = Machine::new("pc").network(Network::Isolated);
        for (name, bus) in [
            ("nvme1", Bus::Nvme),
            ("sata1", Bus::Ahci),
            ("scsi1", Bus::VirtioScsi),
            ("usb1", Bus::Usb),
            ("virtio1", Bus::VirtioBlk),
            ("card1", Bus::SdCard),
        ] {
            let disk = Disk::blank(bench.path(), name, SIZE_BYTES)?;
            machine = machine.drive(Drive::new(name, bus, disk.path()));
        }
        let running = machine.boot(bench, &Image::built()?)?;

        let line = running.wait_until_ready()?;
        let drives = line.split("drives:").nth(1).unwrap_or_default();
        for drive in ["nvme0n1", "sda", "sdb", "sdc", "vda", "mmcblk0"] {
            let found = drives.split_whitespace().any(|word| word == drive);
            ensure!(found, "no {drive} in: {line}");
        }
        let text = running.serial.text();
        ensure!(
            !text.contains("built-in shell"),
            "a shell is open without raz.shell:\n{text}"
        );
        Ok(())
    });
}

#[test]
fn a_stick_that_is_plugged_in_later_gets_its_driver() {
    scenario("hotplug", |bench| {
        let stick = Disk::formatted(bench.path(), "stick", SIZE_BYTES, FileSystem::Fat32)?;
        let before = stick.sha256()?;
        // A USB controller without a drive: no USB storage driver is loaded yet.
        let mut running = Machine::new("pc")
            .qemu(&["-device", "qemu-xhci,id=usb"])
            .argument("raz.shell")
            .screen(Screen::Serial)
            .boot(bench, &Image::built()?)?;
        running.wait_until_ready()?;
        running.serial.wait("a prompt", BOOT_PATIENCE, |bytes| {
            String::from_utf8_lossy(bytes)
                .contains("~ # ")
                .then_some(())
        })?;

        running.plug(&Drive::new("stick", Bus::Usb, stick.path()).removable(), 0)?;
        // The echo of the command has its two halves apart, the output has not.
        running
            .serial
            .send(b"until [ -e /dev/sda1 ]; do sleep 1; done; echo plug\"\"ged\n")?;
        running.serial.wait_for_line("plugged\r", BOOT_PATIENCE)?;
        ensure!(!stick.find(CANARY)?.is_empty() && stick.sha256()? == before);
        Ok(())
    });
}
