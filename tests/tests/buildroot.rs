//! An image that somebody built with buildroot-config/ does the whole job: RAZ_IMAGES=FOLDER names what lies in
//! Buildroot's `images`.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use lab::bay::Bay;
use lab::bench::scenario;
use lab::disk::FileSystem;
use lab::drive::Bus;
use lab::firmware::{Firmware, Medium, Start};
use lab::image::Image;
use lab::machine::Machine;
use lab::scenario::Workshop;
use lab::service::Service;

fn wipes(firmware: Firmware) {
    scenario(&format!("buildroot-{firmware:?}").to_lowercase(), |bench| {
        let folder = std::env::var_os("RAZ_IMAGES").context("RAZ_IMAGES names no folder")?;
        let image = Image {
            iso: PathBuf::from(folder).canonicalize()?.join("raz.iso"),
            ..Image::built()?
        };
        let workshop = Workshop::with(bench, image, Service::start(bench)?);
        let bay = Bay::new(bench, "DISK", Bus::Ahci, 64, FileSystem::Ext4)?;
        let start = Start {
            firmware,
            medium: Medium::Stick,
            grub: String::new(),
        };
        let machine = Machine::new("pc").drive(bay.drive.clone()).start(start);
        let machine = workshop.unattended(machine)?;
        let running = workshop.boot(&machine)?;
        workshop.service.accept(&running.events)?;
        workshop.arm(1)?;
        let status = workshop.finished(&running)?;
        let audit = workshop.audit(&running)?;
        ensure!(status == 0, "{status}: {:?}", audit.report.drives);
        bay.is_proven(&audit)?;
        Ok(())
    });
}

#[test]
#[ignore = "RAZ_IMAGES=FOLDER"]
fn built_image_wipes_by_bios() {
    wipes(Firmware::Bios);
}

#[test]
#[ignore = "RAZ_IMAGES=FOLDER"]
fn built_image_wipes_by_uefi() {
    wipes(Firmware::Uefi);
}
