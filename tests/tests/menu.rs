//! The boot menu: each entry starts what it says.

use std::fs;
use std::time::Instant;

use anyhow::ensure;
use lab::bench::{Bench, scenario};
use lab::firmware::{Firmware, Medium, Start};
use lab::image::Image;
use lab::machine::{Machine, Running};
use lab::scenario::PATIENCE;
use lab::shell::Shell;
use serde_json::json;

/// The entry that lays the graphics cards' own drivers over the initramfs.
const GRAPHICS: &str = "1>2";

/// A machine whose second graphics card is one that an own driver is there for, at the rescue shell.
fn shell_by(bench: &Bench, entry: &str) -> anyhow::Result<Shell> {
    let start = Start {
        firmware: Firmware::Bios,
        medium: Medium::Stick,
        grub: format!("set default=\"{entry}\"\nset timeout=0"),
    };
    let machine = Machine::new("menu")
        // Without its BIOS: the first card stays the one that shows the start.
        .qemu(&["-device", "ati-vga,model=rv100,romfile="])
        .start(start);
    Shell::boot(bench, machine)
}

#[test]
fn graphics_cards_own_drivers_are_loaded_by_their_entry() {
    scenario("menu-graphics", |bench| {
        let shell = shell_by(bench, GRAPHICS)?;
        let said = shell.run("cat /proc/cmdline")?;
        ensure!(said.text.contains("raz.medium="), "{said:?}");
        let said = shell.run("grep -q ^radeon /proc/modules")?;
        ensure!(said.status == 0, "{said:?}");
        // What the driver then does with the card that QEMU makes is not shown; its firmware is there.
        let said =
            shell.run("ls /lib/firmware/radeon/R100_cp.bin /lib/firmware/rtl_nic/rtl8168g-2.fw")?;
        ensure!(said.status == 0, "{said:?}");
        Ok(())
    });
}

/// The kernel itself stops on such a processor without a word.
#[test]
fn pc_with_a_processor_of_32_bits_is_told_so() {
    scenario("menu-32-bits", |bench| {
        let start = Start {
            firmware: Firmware::Bios,
            medium: Medium::Stick,
            grub: String::new(),
        };
        let machine = Machine::new("old").qemu(&["-cpu", "pentium3"]).start(start);
        let mut running = machine.boot(bench, &Image::built()?)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = text_on_screen(bench, &mut running)?;
            if text.contains("This PC has a processor of 32 bits") {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "on the screen: {text}");
        }
    });
}

/// What stands on the screen in text mode: the card's memory has each character beside its colour.
fn text_on_screen(bench: &Bench, running: &mut Running) -> anyhow::Result<String> {
    let path = bench.path().join("screen");
    let area = json!({"val": 0xB8000, "size": 80 * 25 * 2, "filename": path});
    running.qmp.execute("pmemsave", &area)?;
    let bytes = fs::read(&path)?;
    Ok(bytes
        .iter()
        .step_by(2)
        .map(|byte| char::from(*byte))
        .collect())
}

/// The first entry and those of *Problems*, with the words that each adds to the kernel's.
#[test]
#[ignore = "cargo xtask lab boot"]
fn every_entry_that_starts_linux_starts_it_with_its_own_words() {
    for (entry, words) in [
        ("0", ""),
        ("1>0", "nomodeset"),
        ("1>1", "nomodeset"),
        ("1>3", "intremap=off noapic"),
    ] {
        scenario(&format!("menu-{}", entry.replace('>', "-")), |bench| {
            let shell = shell_by(bench, entry)?;
            let said = shell.run("cat /proc/cmdline")?;
            ensure!(said.text.contains(words), "{said:?}");
            ensure!(said.text.contains("raz.medium="), "{said:?}");
            let said = shell.run("grep -q ^radeon /proc/modules")?;
            ensure!(said.status == 1, "{said:?}");
            Ok(())
        });
    }
}
