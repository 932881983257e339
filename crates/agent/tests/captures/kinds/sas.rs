//! Drives behind SAS controllers and RAID controllers.

use super::{Kind, sata};
use crate::bench;
use crate::support::folder::Folder;
use crate::support::script::{Script, capacity_16, inquiry, naa, vpd};
use drive::discover::Opener;
use sim::ata::disk::AtaDisk;
use sim::cells::Placement;
use sim::clock::Clock;
use sim::device::{Event, ScsiDevice as _};
use sim::scsi::{AfterErase, Sanitize, ScsiDisk, ScsiOptions};
use std::time::Duration;

const SECTORS: u64 = 1_172_123_568;

/// The sysfs of a drive on a host of this driver.
fn on_host(driver: &str, channel: u32, names: [&str; 2], block: &str, sectors: u64) -> Folder {
    let mut folder = Folder::new();
    let host = "pci0000:00/0000:03:00.0/host7";
    let device = format!("{host}/target7:{channel}:4/7:{channel}:4:0");
    let [vendor, model] = names;
    folder.attributes(host, &format!("scsi_host/host7/proc_name = {driver}"));
    folder.attributes(
        &device,
        &format!("vendor = {vendor}\nmodel = {model}\nrev = 0003\ntype = 0"),
    );
    let place = format!("{device}/block/sdc");
    folder.block(&place, sectors);
    folder.attributes(&place, &format!("diskseq = 11\n{block}"));
    folder
}

pub fn disk(model: &str, serial: &str) -> ScsiOptions {
    ScsiOptions {
        vendor: "SEAGATE".into(),
        product: model.into(),
        revision: "0003".into(),
        rotation: 10_500,
        clock: Clock::by_hand(),
        ..ScsiOptions::disk(serial, 0x5000_C500_1234_5678, SECTORS)
    }
}

fn simulated(name: &'static str, what: &'static str, options: ScsiOptions) -> Kind {
    // The kernel gives a disk whose blocks it cannot serve no capacity.
    let sectors = match options.sector_bytes {
        512 => options.sectors,
        _ => 0,
    };
    made(
        name,
        what,
        &options,
        sectors,
        ScsiDisk::new(options.clone()),
    )
}

/// A disk of other blocks whose format to 512 bytes was cut off.
fn cut_off(name: &'static str, what: &'static str, options: &ScsiOptions) -> Kind {
    let mut disk = ScsiDisk::new(options.clone());
    let all = [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 2, 0];
    let commands = [
        (&[0x15, 0x10, 0, 0, 12, 0], &all[..]),
        (&[0x04, 0x10, 0, 0, 0, 0], &[0, 2, 0, 0]),
    ];
    for (cdb, out) in commands {
        let answer = disk.command(cdb, out).unwrap();
        assert_eq!(answer.status, 0, "{answer:?}");
    }
    disk.event(Event::PowerOff);
    disk.event(Event::PowerOn);
    made(name, what, options, options.sectors, disk)
}

fn made(
    name: &'static str,
    what: &'static str,
    options: &ScsiOptions,
    sectors: u64,
    disk: ScsiDisk,
) -> Kind {
    let rotational = u8::from(options.rotation > 1);
    let folder = on_host(
        "mpt3sas",
        0,
        [&options.vendor, &options.product],
        &format!("queue/rotational = {rotational}"),
        sectors,
    );
    Kind::scripted(name, what, folder, "sdc").simulated(bench::disk(disk))
}

/// The machine of a [`disk`], which is asked by this opener.
pub fn around(opener: Opener) -> Kind {
    let folder = on_host("mpt3sas", 0, ["SEAGATE", "DISK"], "", SECTORS);
    Kind::scripted("SAS", "", folder, "sdc").simulated(opener)
}

pub fn kinds() -> Vec<Kind> {
    let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
    let overwrites = ScsiOptions {
        sanitize: Sanitize {
            overwrite: hours(2),
            ..Sanitize::NONE
        },
        format: hours(2),
        ..disk("ST600MM0006", "RAZ0SAS1")
    };
    let odd_blocks = |sector_bytes, serial| ScsiOptions {
        sector_bytes,
        other_sector_bytes: vec![512],
        format: hours(2),
        ..disk("ST600MM0006", serial)
    };
    let protected = ScsiOptions {
        protection_type: Some(2),
        format: hours(2),
        ..disk("ST600MM0006", "RAZ0SASPI2")
    };
    let flash = ScsiOptions {
        vendor: "SAMSUNG".into(),
        rotation: 1,
        placement: Placement::Moving,
        sanitize: Sanitize {
            block_erase: hours(1),
            cryptographic_erase: hours(1),
            after_block_erase: AfterErase::Good,
            after_cryptographic_erase: AfterErase::Good,
            ..Sanitize::NONE
        },
        ..disk("MZILT960HAHQ/007", "RAZ0SASSSD")
    };
    vec![
        simulated(
            "sas-hdd-sanitize",
            "SAS disk that reports SANITIZE OVERWRITE among its operation codes; answers of the simulated SAS disk",
            overwrites,
        ),
        simulated(
            "sas-hdd-plain",
            "SAS disk without SANITIZE; answers of the simulated SAS disk",
            disk("ST600MM0006", "RAZ0SAS2"),
        ),
        simulated(
            "sas-hdd-520",
            "SAS disk formatted with blocks of 520 bytes, which Linux does not serve; answers of the simulated SAS disk",
            odd_blocks(520, "RAZ0SAS520"),
        ),
        simulated(
            "sas-hdd-528",
            "SAS disk formatted with blocks of 528 bytes, which Linux does not serve; answers of the simulated SAS disk",
            odd_blocks(528, "RAZ0SAS528"),
        ),
        cut_off(
            "sas-hdd-format-cut",
            "SAS disk that lost its power in a FORMAT UNIT, which Linux serves and cannot read; answers of the simulated SAS disk",
            &ScsiOptions {
                sectors: 4096,
                ..odd_blocks(520, "RAZ0SASCUT")
            },
        ),
        simulated(
            "sas-hdd-pi2",
            "SAS disk with protection information of type 2, which Linux serves; answers of the simulated SAS disk",
            protected,
        ),
        simulated(
            "sas-ssd-sanitize",
            "SAS SSD with SANITIZE BLOCK ERASE and CRYPTOGRAPHIC ERASE; answers of the simulated SAS disk",
            flash,
        ),
        behind_hba(),
        raid_volume(),
    ]
}

fn behind_hba() -> Kind {
    let options = sata::disk();
    let names = ["ATA", "WDC WD10EZEX-08W"];
    let block = "queue/physical_block_size = 4096";
    let folder = on_host("mpt3sas", 0, names, block, options.sectors);
    let drive = AtaDisk::new(options, Clock::by_hand());
    let what = "SATA disk on a SAS controller, which translates for it (vendor ATA); answers of the simulated ATA disk";
    Kind::scripted("sas-hba-sata-hdd", what, folder, "sdc").simulated(bench::disk(drive))
}

/// Channel 2 of MegaRAID: a logical drive.
fn raid_volume() -> Kind {
    let script = Script::new()
        .data(&[0x12, 0], inquiry("LSI", "MR9271-8i", "3.46"))
        .data(&[0x12, 1, 0x00], vpd(0x00, &[0x00, 0x80, 0x83]))
        .data(&[0x12, 1, 0x80], vpd(0x80, b"00raz00000000001"))
        .data(&[0x12, 1, 0x83], vpd(0x83, &naa(0x600A_0B80_0000_0001)))
        .data(&[0x9E, 0x10], capacity_16(SECTORS, 512));
    let mut folder = on_host("megaraid_sas", 2, ["LSI", "MR9271-8i"], "", SECTORS);
    folder.answers("sdc", script);
    let what = "volume of a MegaRAID controller; written by hand from megaraid_sas and SPC-4";
    Kind::scripted("raid-volume", what, folder, "sdc")
}
