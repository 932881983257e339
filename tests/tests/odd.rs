//! PCs that lack something: what a person reads on the screen, in French, and that the work goes on. What lacks a
//! disk, or shows none, is in `unseen`.

use anyhow::ensure;
use lab::bay::Bay;
use lab::bench::scenario;
use lab::by_hand::{DISK, bay, confirms_in_french, kept, report_on_stick, sees};
use lab::disk::FileSystem;
use lab::drive::Bus;
use lab::firmware::{Firmware, Medium, Start};
use lab::image::Image;
use lab::machine::{Machine, Screen};
use lab::scenario::{PATIENCE, Workshop, goes_on};
use serde_json::json;
use std::fs;

/// The session's keys, which are of no use without any on the machine.
const KEYS: &str = "Espace choisir";
const NO_KEYBOARD: &str = "AUCUN CLAVIER : en brancher un en USB";

/// A machine whose screen is a monitor in text mode, and which has no keyboard: no PS/2 controller either.
fn without_keyboard() -> Machine {
    Machine::new("pc")
        .screen(Screen::Monitor)
        .argument("raz.lang=fr")
        .argument("nomodeset")
        .qemu(&["-machine", "i8042=off"])
        .qemu(&["-device", "qemu-xhci,id=keys"])
}

#[test]
fn pc_without_a_network_card_says_so() {
    scenario("no-card", |bench| {
        let running = Machine::new("pc")
            .screen(Screen::Serial)
            .argument("raz.lang=fr")
            .argument("raz.server=https://10.0.2.2:8443")
            .argument(&format!("raz.pin={}", "0".repeat(64)))
            .boot(bench, &Image::built()?)?;
        println!(
            "{}",
            sees(
                &running,
                &["pas de carte réseau filaire", "Aucun disque trouvé"]
            )?
        );
        Ok(())
    });
}

/// Without the cable the report lies on the stick, and with it the service has it.
#[test]
#[ignore = "cargo xtask lab boot"]
fn pc_whose_network_cable_is_out_says_so_and_sends_its_report_when_it_is_in() {
    scenario("no-cable", |bench| {
        let bay = bay(bench)?;
        let workshop = Workshop::open(bench)?;
        let machine = Machine::new("pc")
            .screen(Screen::Serial)
            .argument("raz.lang=fr")
            .drive(bay.drive.clone())
            .start(Start {
                firmware: Firmware::Bios,
                medium: Medium::Stick,
                grub: String::new(),
            });
        let machine = workshop.enrolled(machine)?.qemu(&["-S"]);
        let mut running = machine.boot(bench, &Image::built()?)?;
        let cable = |up: bool| json!({"name": "net", "up": up});
        running.qmp.execute("set_link", &cable(false))?;
        running.qmp.execute("cont", &json!({}))?;
        running.wait_until_ready()?;
        println!(
            "{}",
            sees(&running, &["le câble réseau est débranché", DISK])?
        );
        confirms_in_french(&running)?;
        let (place, detail) = kept(&running, 0)?;
        ensure!(place == "stick", "{place}: {detail}");
        println!(
            "{}",
            sees(&running, &["sur la clé de raz (dossier reports)"])?
        );

        running.qmp.execute("set_link", &cable(true))?;
        workshop.service.accept(&running.events)?;
        let status = workshop.finished(&running)?;
        ensure!(status == 0, "status {status}");
        sees(&running, &["Rapport reçu par le service"])?;
        let audit = report_on_stick(bench)?;
        bay.is_proven(&audit)?;
        let path = format!("/reports/{}/report.json", audit.report.report_id);
        let kept = fs::read(audit.folder.join("report.json"))?;
        ensure!(workshop.service.get(&path)? == kept, "other bytes");
        Ok(())
    });
}

#[test]
fn pc_without_a_keyboard_says_so_and_takes_one_that_is_plugged_in() {
    scenario("no-keyboard", |bench| {
        let machine = without_keyboard().argument(&format!("raz.events={}", lab::events::PORT));
        let mut running = machine.boot(bench, &Image::built()?)?;
        running.wait_until_ready()?;
        let screen = running
            .qmp
            .wait_for_text(bench.path(), NO_KEYBOARD, PATIENCE)?;
        ensure!(!screen.contains(KEYS), "{screen}");
        let from = screen.find("raz 0").unwrap_or(0);
        println!("{}", screen.get(from..).unwrap_or(&screen));
        let keyboard = json!({"id": "keyboard", "bus": "keys.0"});
        running.qmp.device_add("usb-kbd", &keyboard)?;
        running.qmp.wait_for_text(bench.path(), KEYS, PATIENCE)?;
        goes_on(&mut running)
    });
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn pc_without_a_keyboard_is_erased_when_it_is_armed() {
    scenario("no-keyboard-armed", |bench| {
        let bay = Bay::new(bench, DISK, Bus::Ahci, 16, FileSystem::Ext4)?;
        let workshop = Workshop::open(bench)?;
        let machine = workshop.unattended(without_keyboard().drive(bay.drive.clone()))?;
        let mut running = workshop.boot(&machine)?;
        running
            .qmp
            .wait_for_text(bench.path(), NO_KEYBOARD, PATIENCE)?;
        workshop.service.accept(&running.events)?;
        workshop.arm(1)?;
        let status = workshop.finished(&running)?;
        ensure!(status == 0, "status {status}");
        bay.is_proven(&workshop.audit(&running)?)?;
        Ok(())
    });
}
