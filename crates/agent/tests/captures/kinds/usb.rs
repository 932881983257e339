//! Drives behind USB bridges, and sticks.

use super::{Kind, sata};
use crate::bench;
use crate::support::folder::Folder;
use crate::support::script::{Script, inquiry};
use sim::ata::disk::AtaDisk;
use sim::ata::options::{Lies, Options};
use sim::clock::Clock;

pub fn kinds() -> Vec<Kind> {
    let empty = Lies {
        sense_empty: true,
        ..Lies::default()
    };
    let refused = Lies {
        pass_through_refused: true,
        ..Lies::default()
    };
    vec![
        bridge(
            "usb-bridge-good",
            "SATA disk behind a USB bridge that passes ATA commands and their registers; answers of the simulated ATA disk",
            Lies::default(),
        ),
        bridge(
            "usb-bridge-empty-sense",
            "SATA disk behind a USB bridge that passes ATA commands and returns no registers; answers of the simulated ATA disk",
            empty,
        ),
        bridge(
            "usb-bridge-no-pass-through",
            "SATA disk behind a USB bridge that refuses ATA PASS-THROUGH; answers of the simulated ATA disk",
            refused,
        ),
        stick(),
    ]
}

fn bridge(name: &'static str, what: &'static str, lies: Lies) -> Kind {
    let options = Options {
        lies,
        ..sata::disk()
    };
    let mut folder = Folder::new();
    let serial = "RAZBRIDGE001";
    let place = folder.usb("sdb", 2, options.sectors, serial, Script::new());
    folder.attributes(&place, "queue/physical_block_size = 4096\ndiskseq = 12");
    folder.attributes(
        "pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/host22/scsi_host/host22",
        "proc_name = usb-storage",
    );
    let drive = AtaDisk::new(options, Clock::by_hand());
    Kind::scripted(name, what, folder, "sdb").simulated(bench::disk(drive))
}

fn stick() -> Kind {
    let script = Script::new().data(&[0x12, 0], inquiry("SanDisk", "Ultra", "1.00"));
    let mut folder = Folder::new();
    let usb = "pci0000:00/0000:00:14.0/usb1/1-3";
    let device = format!("{usb}/1-3:1.0/host23/target23:0:0/23:0:0:0");
    folder.attributes(
        usb,
        "idVendor = 0781\nidProduct = 5581\nmanufacturer = SanDisk\nproduct = Ultra\nserial = 4C530001000000000001",
    );
    folder.attributes(
        &device,
        "vendor = SanDisk\nmodel = Ultra\nrev = 1.00\ntype = 0",
    );
    let place = format!("{device}/block/sdd");
    folder.block(&place, 60_062_500);
    folder.attributes(&place, "removable = 1\ndiskseq = 14");
    folder.answers("sdd", script);
    let what = "USB stick; written by hand from SPC-4 and what sticks answer";
    Kind::scripted("usb-stick", what, folder, "sdd")
}
