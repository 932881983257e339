//! The boot menu: each entry starts what it says.

use anyhow::ensure;
use lab::bench::{Bench, scenario};
use lab::firmware::{Firmware, Medium, Start};
use lab::image::Image;
use lab::machine::{Machine, Screen};
use lab::scenario::PATIENCE;
use lab::shell::Shell;
use lab::terminal;

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
        let words = "This PC has a processor of 32 bits";
        running.qmp.wait_for_text(bench.path(), words, PATIENCE)?;
        Ok(())
    });
}

/// The first entry and those of *Problems*, with the words that each adds to the kernel's.
#[test]
#[ignore = "cargo xtask lab boot"]
fn every_entry_that_starts_linux_starts_it_with_its_own_words() {
    for (entry, words, has_picture) in [
        ("0", "", true),
        ("1>0", "nomodeset", true),
        ("1>1", "nomodeset", false),
        ("1>3", "intremap=off noapic", true),
    ] {
        scenario(&format!("menu-{}", entry.replace('>', "-")), |bench| {
            let shell = shell_by(bench, entry)?;
            let said = shell.run("cat /proc/cmdline")?;
            ensure!(said.text.contains(words), "{said:?}");
            ensure!(said.text.contains("raz.medium="), "{said:?}");
            let said = shell.run("grep -q ^radeon /proc/modules")?;
            ensure!(said.status == 1, "{said:?}");
            let said = shell.run("test -e /sys/class/graphics/fb0")?;
            ensure!((said.status == 0) == has_picture, "{said:?}");
            Ok(())
        });
    }
}

/// A machine that is started by an entry of the menu, with GRUB's words on the serial line, too.
fn machine_by(firmware: Firmware, entry: &str) -> Machine {
    Machine::new("menu").screen(Screen::Serial).start(Start {
        firmware,
        medium: Medium::Stick,
        grub: format!(
            "serial --unit=0\nterminal_output console serial\nset default=\"{entry}\"\nset timeout=0"
        ),
    })
}

/// Its own screen, which it draws on the serial line, too, since the kernel's arguments name that; and a test that
/// goes on.
fn memory_test(firmware: Firmware) {
    let name = format!("menu-memtest-{firmware:?}").to_lowercase();
    scenario(&name, |bench| {
        let machine = machine_by(firmware, "2");
        let running = machine.boot(bench, &Image::built()?)?;
        let words = ["Memtest86+ v", "QEMU TCG CPU", "Test #"];
        let screen = terminal::wait_for_all(&running.serial, &words, PATIENCE)?;
        println!("{screen}");
        Ok(())
    });
}

#[test]
fn memory_test_runs_by_bios() {
    memory_test(Firmware::Bios);
}

#[test]
#[ignore = "cargo xtask lab boot"]
fn memory_test_runs_by_uefi() {
    memory_test(Firmware::Uefi);
}

/// The firmware's own screen, which no start of these tests shows otherwise.
#[test]
fn settings_of_the_firmware_come_up() {
    scenario("menu-settings", |bench| {
        // The firmware is told by a variable, and restarts.
        let machine = machine_by(Firmware::SecureBoot, "3").qemu(&["-action", "reboot=reset"]);
        let running = machine.boot(bench, &Image::built()?)?;
        let words = "Boot Maintenance Manager";
        running.serial.wait(words, PATIENCE, |bytes| {
            String::from_utf8_lossy(bytes).contains(words).then_some(())
        })?;
        Ok(())
    });
}

#[test]
fn machine_is_switched_off_by_the_last_entry() {
    scenario("menu-off", |bench| {
        let running = machine_by(Firmware::Bios, "3").boot(bench, &Image::built()?)?;
        running.wait_until_off(PATIENCE)
    });
}
