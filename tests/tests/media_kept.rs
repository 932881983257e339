//! Reports on the stick that raz runs from: there after a power cut, and nowhere where it is in doubt which
//! stick that is. The wipe goes on in every case.

use anyhow::ensure;
use lab::bay::Bay;
use lab::bench::scenario;
use lab::by_hand::{
    bay, confirms, is_in_memory, kept, machine, report_on_stick, sees, stick, writes,
};
use lab::drive::{Bus, Drive};
use lab::firmware::{self, Firmware, Medium, STICK};
use lab::image::Image;
use lab::machine::Machine;
use lab::scenario::PATIENCE;
use std::fs;
use std::io::{Seek, SeekFrom, Write};

fn by_bios(bay: &Bay, medium: Medium) -> Machine {
    machine(bay, Firmware::Bios, medium)
}

#[test]
fn report_without_a_service_is_on_the_stick_when_the_power_is_cut() {
    scenario("kept", |bench| {
        let bay = bay(bench)?;
        let running = by_bios(&bay, Medium::Stick).boot(bench, &Image::built()?)?;
        running.wait_until_ready()?;
        let before = firmware::sha256_outside(&stick(bench))?;
        confirms(&running)?;
        let (place, detail) = kept(&running, 0)?;
        ensure!(place == "stick", "{place}: {detail}");
        sees(&running, &["The report is on raz's stick, too"])?;
        running.pull_the_plug()?;

        let audit = report_on_stick(bench)?;
        bay.is_proven(&audit)?;
        let medium = audit.drive(STICK)?;
        ensure!(medium.erasure.is_none(), "{medium:?}");
        ensure!(
            before == firmware::sha256_outside(&stick(bench))?,
            "written outside of the volume"
        );
        Ok(())
    });
}

/// The donor's disk is a copy of this very stick, to the last byte.
#[test]
fn copy_on_a_donors_disk_is_never_written_also_when_the_stick_was_pulled() {
    scenario("kept-copy", |bench| {
        let bay = bay(bench)?;
        let copy = bench.path().join("copy");
        let machine = by_bios(&bay, Medium::Stick);
        // The copy is made of the stick as this machine gets it.
        fs::write(
            &copy,
            vec![0; usize::try_from(fs::metadata(Image::built()?.iso)?.len())?],
        )?;
        let machine = machine
            .drive(Drive::new("COPY-D4E5F6", Bus::Ahci, &copy))
            .qemu(&["-S"]);
        let mut running = machine.boot(bench, &Image::built()?)?;
        fs::copy(stick(bench), &copy)?;
        let before = fs::read(&copy)?;
        running.qmp.execute("cont", &serde_json::json!({}))?;
        running.wait_until_ready()?;
        sees(&running, &["COPY-D4E5F6"])?;
        confirms(&running)?;
        writes(&running)?;
        running.qmp.device_del(STICK, PATIENCE)?;
        is_in_memory(&running, "several drives look like")?;
        running.pull_the_plug()?;
        ensure!(fs::read(&copy)? == before, "the copy was written to");
        ensure!(
            fs::read(stick(bench))? == before,
            "the stick was written to"
        );
        Ok(())
    });
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn two_sticks_of_one_release_are_both_left_alone() {
    scenario("kept-two", |bench| {
        let bay = bay(bench)?;
        let second = bench.path().join("second");
        fs::copy(Image::built()?.iso, &second)?;
        let before = fs::read(&second)?;
        let machine = by_bios(&bay, Medium::Stick).drive(Drive::new("STICK-2", Bus::Usb, &second));
        let running = machine.boot(bench, &Image::built()?)?;
        running.wait_until_ready()?;
        let first = fs::read(stick(bench))?;
        confirms(&running)?;
        is_in_memory(&running, "several drives look like")?;
        running.pull_the_plug()?;
        ensure!(fs::read(&second)? == before && fs::read(stick(bench))? == first);
        Ok(())
    });
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn stick_that_is_pulled_holds_nothing_up_and_gets_the_report_when_it_is_back() {
    scenario("kept-pulled", |bench| {
        let bay = bay(bench)?.drive(|drive| drive.bytes_per_second(1 << 19));
        let mut running = by_bios(&bay, Medium::Stick).boot(bench, &Image::built()?)?;
        running.wait_until_ready()?;
        confirms(&running)?;
        writes(&running)?;
        running.qmp.device_del(STICK, PATIENCE)?;
        running.set_speed(&bay.drive, None)?;
        is_in_memory(&running, "is on no drive")?;
        let seen = running.events.count()?;
        firmware::plug_again(&mut running)?;
        let (place, detail) = kept(&running, seen)?;
        ensure!(place == "stick", "{place}: {detail}");
        running.pull_the_plug()?;
        bay.is_proven(&report_on_stick(bench)?)?;
        Ok(())
    });
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn full_stick_is_told_and_not_written() {
    scenario("kept-full", |bench| {
        let bay = bay(bench)?;
        let mut image = Image::built()?;
        let full = bench.path().join("full.iso");
        fs::copy(&image.iso, &full)?;
        image.iso = full;
        // All but a little less than what is left for the configuration.
        let filling = "x".repeat(6_100 << 10);
        firmware::write(&image.iso, "filling", &filling)?;
        let running = by_bios(&bay, Medium::Stick).boot(bench, &image)?;
        running.wait_until_ready()?;
        let before = fs::read(stick(bench))?;
        confirms(&running)?;
        is_in_memory(&running, "the volume is full")?;
        running.pull_the_plug()?;
        ensure!(
            fs::read(stick(bench))? == before,
            "the stick was written to"
        );
        Ok(())
    });
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn protected_stick_is_told() {
    scenario("kept-protected", |bench| {
        let bay = bay(bench)?;
        let running = by_bios(&bay, Medium::ProtectedStick).boot(bench, &Image::built()?)?;
        running.wait_until_ready()?;
        confirms(&running)?;
        is_in_memory(&running, "write-protected")
    });
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn stick_with_a_damaged_file_system_is_told_and_not_written() {
    scenario("kept-damaged", |bench| {
        let bay = bay(bench)?;
        let running = by_bios(&bay, Medium::Stick).boot(bench, &Image::built()?)?;
        running.wait_until_ready()?;
        // After GRUB, which reads the configuration there.
        let mut file = fs::OpenOptions::new().write(true).open(stick(bench))?;
        file.seek(SeekFrom::Start(firmware::volume(&stick(bench))?.start))?;
        file.write_all(&[0; 512])?;
        let before = fs::read(stick(bench))?;
        confirms(&running)?;
        is_in_memory(&running, "the volume cannot be used")?;
        running.pull_the_plug()?;
        ensure!(
            fs::read(stick(bench))? == before,
            "the stick was written to"
        );
        Ok(())
    });
}
