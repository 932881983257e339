//! SATA and PATA drives behind libata.

use super::Kind;
use crate::bench;
use crate::support::folder::Folder;
use crate::support::script::{Script, ata, capacity_16, identify, inquiry, seal, vpd};
use drive::discover::Opener;
use report::capture::Answer;
use sim::ata::disk::AtaDisk;
use sim::ata::options::{Configured, Options, SanitizeOptions, SecurityOptions};
use sim::clock::Clock;

const TB: u64 = 1_953_525_168;
const SSD: u64 = 488_397_168;
const OLD: u64 = 78_165_360;

/// A simulated drive under the name of a real one.
pub fn named(options: Options, model: &str, serial: &str, wwn: u64) -> Options {
    Options {
        model: model.into(),
        serial: serial.into(),
        firmware: "RZ01".into(),
        wwn,
        ..options
    }
}

pub fn ssd() -> Options {
    let options = Options {
        sectors: SSD,
        ..Options::default()
    };
    let model = "Samsung SSD 860 EVO 250GB";
    named(options, model, "RAZ0SSD00000001", 0x5002_538E_0000_0001)
}

pub fn disk() -> Options {
    let options = Options {
        sectors: TB,
        ..Options::magnetic()
    };
    let model = "WDC WD10EZEX-08WN4A0";
    named(options, model, "RAZ-HDD00000001", 0x5001_4EE2_0000_0001)
}

fn without_sanitize(options: Options) -> Options {
    let sanitize = SanitizeOptions {
        supported: false,
        ..SanitizeOptions::default()
    };
    Options {
        sanitize,
        ..options
    }
}

/// The sysfs of a drive on an AHCI port.
fn on_port(sectors: u64, rotates: bool, zones: &str, script: Script) -> Folder {
    let mut folder = Folder::new();
    let place = folder.sata("sda", 1, sectors, script);
    let attributes = format!(
        "queue/physical_block_size = 4096\nqueue/rotational = {}\nqueue/zoned = {zones}\ndiskseq = 9",
        u8::from(rotates)
    );
    folder.attributes(&place, &attributes);
    folder.attributes(
        "pci0000:00/0000:00:1f.2/ata1/host1/scsi_host/host1",
        "proc_name = ahci",
    );
    folder
}

fn zoned(name: &'static str, what: &'static str, options: Options, zones: &str) -> Kind {
    let sectors = options.accessible.unwrap_or(options.sectors);
    let sectors = options.configured.sectors.unwrap_or(sectors);
    let folder = on_port(sectors, options.rotation > 1, zones, Script::new());
    let drive = AtaDisk::new(options, Clock::by_hand());
    Kind::scripted(name, what, folder, "sda").simulated(bench::disk(drive))
}

fn simulated(name: &'static str, what: &'static str, options: Options) -> Kind {
    zoned(name, what, options, "none")
}

/// The machine of [`ssd`], which is asked by this opener.
pub fn around(opener: Opener) -> Kind {
    let folder = on_port(SSD, false, "none", Script::new());
    Kind::scripted("ATA", "", folder, "sda").simulated(opener)
}

pub fn kinds() -> Vec<Kind> {
    let mut kinds = disks();
    kinds.extend(hiding());
    kinds.extend(zones());
    kinds.extend(solid_state());
    kinds.extend([old_disk(), silent()]);
    kinds
}

fn disks() -> Vec<Kind> {
    let hybrid = Options {
        rotation: 5400,
        ..named(
            disk(),
            "ST1000LM014-1EJ164",
            "RAZ0SSHD",
            0x5000_C500_0000_0051,
        )
    };
    let locked = Options {
        security: SecurityOptions {
            password: Some([0x20; 32]),
            ..SecurityOptions::default()
        },
        ..without_sanitize(disk())
    };
    let frozen = Options {
        security: SecurityOptions {
            frozen: true,
            ..SecurityOptions::default()
        },
        ..without_sanitize(disk())
    };
    vec![
        simulated(
            "sata-hdd-frozen",
            "SATA disk without SANITIZE whose SECURITY the firmware froze; answers of the simulated ATA disk",
            frozen,
        ),
        simulated(
            "sata-hdd-sanitize",
            "SATA disk with SANITIZE OVERWRITE EXT; answers of the simulated ATA disk",
            disk(),
        ),
        simulated(
            "sata-hdd-enhanced-erase",
            "SATA disk without SANITIZE, with SECURITY ERASE UNIT in enhanced mode; answers of the simulated ATA disk",
            without_sanitize(disk()),
        ),
        simulated(
            "sata-hdd-locked",
            "SATA disk locked by an ATA password; answers of the simulated ATA disk",
            locked,
        ),
        simulated(
            "sata-sshd",
            "SATA hybrid disk, platters with a cache of flash; answers of the simulated ATA disk, which knows of no flash",
            without_sanitize(hybrid),
        ),
    ]
}

fn hiding() -> Vec<Kind> {
    let protected = Options {
        accessible: Some(TB - 2_097_152),
        ..without_sanitize(disk())
    };
    let configured = Options {
        configured: Configured {
            sectors: Some(TB / 2),
            hides_security: true,
            hides_hpa: false,
        },
        ..without_sanitize(disk())
    };
    let max_address = Options {
        accessible: Some(TB - 4096),
        amac: true,
        hpa: false,
        dco: false,
        ..disk()
    };
    let opened = simulated(
        "sata-hdd-hpa-opened",
        "SATA disk whose host protected area the kernel opened for this boot; answers of the simulated ATA disk, kernel log written by hand from ata_hpa_resize",
        without_sanitize(disk()),
    );
    opened.folder.write(
        "dev/kmsg",
        format!(
            "6,412,1234567,-;ata1.00: HPA unlocked: {} -> {TB}, native {TB}\n6,413,1234570,-;ata2.00: HPA detected: current 1, native 2\n",
            TB - 2_097_152
        ),
    );
    vec![
        simulated(
            "sata-hdd-hpa",
            "SATA disk with a host protected area of 1 GiB; answers of the simulated ATA disk",
            protected,
        ),
        opened,
        simulated(
            "sata-hdd-dco",
            "SATA disk whose device configuration overlay hides half of it and the security feature set; answers of the simulated ATA disk",
            configured,
        ),
        simulated(
            "sata-hdd-amac",
            "SATA disk with SANITIZE whose accessible max address leaves 2 MiB out; answers of the simulated ATA disk",
            max_address,
        ),
    ]
}

fn zones() -> Vec<Kind> {
    let aware = named(
        disk(),
        "ST8000AS0022-1WL17Z",
        "RAZ00000SMR",
        0x5000_C500_0000_00A1,
    );
    let managed = named(
        disk(),
        "HGST HSH721414ALE6M0",
        "RAZ00000ZBC",
        0x5000_CCA2_0000_0001,
    );
    let mut managed = zoned(
        "sata-hdd-host-managed",
        "SATA disk with host-managed zones; answers of the simulated ATA disk, zone model and device type written by hand from ZAC-2 and SAT-4",
        without_sanitize(managed),
        "host-managed",
    );
    managed.by_hand = |capture| {
        // Peripheral device type 14h (SPC-5): a host-managed zoned block device.
        for asked in &mut capture.scsi {
            if let (true, Answer::Reply(reply)) =
                (asked.command.0.starts_with(&[0x12, 0]), &mut asked.answer)
            {
                reply.data.0[0] = 0x14;
            }
        }
    };
    vec![
        zoned(
            "sata-hdd-host-aware",
            "SATA disk with host-aware zones (shingled); answers of the simulated ATA disk, zone model written by hand from ZAC-2",
            without_sanitize(aware),
            "host-aware",
        ),
        managed,
    ]
}

fn solid_state() -> Vec<Kind> {
    let frozen = Options {
        security: SecurityOptions {
            frozen: true,
            ..SecurityOptions::default()
        },
        ..without_sanitize(ssd())
    };
    let sanitize_frozen = Options {
        sanitize: SanitizeOptions {
            frozen: true,
            ..SanitizeOptions::default()
        },
        ..ssd()
    };
    let crypto_only = Options {
        sanitize: SanitizeOptions {
            block: false,
            overwrite: false,
            ..SanitizeOptions::default()
        },
        ..ssd()
    };
    let opal = named(
        ssd(),
        "Samsung SSD 850 PRO 256GB",
        "RAZ0OPAL0000001",
        0x5002_538D_0000_0001,
    );
    let opal = Options {
        tcg: Some(sim::tcg::Options {
            owner: Some(sim::tcg::Owner {
                ranges: vec![0..SSD / 2, SSD / 2..SSD],
                shadow_mbr: Some(vec![0; 1 << 20]),
                is_open: false,
            }),
            ..sim::tcg::Options::default()
        }),
        ..without_sanitize(opal)
    };
    vec![
        simulated(
            "sata-ssd-sanitize",
            "SATA SSD with SANITIZE BLOCK ERASE and CRYPTO SCRAMBLE; answers of the simulated ATA disk",
            ssd(),
        ),
        simulated(
            "sata-ssd-crypto-only",
            "SATA SSD whose only SANITIZE operation is CRYPTO SCRAMBLE; answers of the simulated ATA disk",
            crypto_only,
        ),
        simulated(
            "sata-ssd-frozen",
            "SATA SSD without SANITIZE, its security frozen by the computer's firmware; answers of the simulated ATA disk",
            frozen,
        ),
        simulated(
            "sata-ssd-sanitize-frozen",
            "SATA SSD with SANITIZE, frozen by the computer's firmware; answers of the simulated ATA disk",
            sanitize_frozen,
        ),
        simulated(
            "sata-ssd-opal-locked",
            "SATA SSD with TCG Opal 2, its ranges locked and the shadow MBR in place; answers of the simulated ATA disk",
            opal,
        ),
    ]
}

/// A disk of 2003: 28-bit addresses, ATA-6, SMART, HPA, and the old security without enhanced erase.
fn old_disk() -> Kind {
    let mut page = identify("RAZ0PATA", 0, OLD);
    let put = |page: &mut Vec<u8>, word: usize, value: u16| {
        page[word * 2..word * 2 + 2].copy_from_slice(&value.to_le_bytes());
    };
    for (n, pair) in format!("{:<40}", "ST340014A")
        .as_bytes()
        .chunks(2)
        .enumerate()
    {
        put(&mut page, 27 + n, u16::from_be_bytes([pair[0], pair[1]]));
    }
    let words = [
        (80, 0x007E),
        (82, 0x346B),
        (83, 0x4001),
        (84, 0x4003),
        (85, 0x3469),
        (86, 0x0001),
        (87, 0x4003),
        (89, 22),
        (90, 0),
        (100, 0),
        (101, 0),
        (102, 0),
        (128, 0x0001),
        (217, 0),
    ];
    for (word, value) in words {
        put(&mut page, word, value);
    }
    let [a, b, c, d] = u32::try_from(OLD - 1).unwrap().to_le_bytes();
    let returned = |lba: [u8; 3], device: u8| {
        let mut sense = vec![0x72, 0x01, 0x00, 0x1D, 0, 0, 0, 14];
        sense.extend([
            9, 12, 0, 0, 0, 0, 0, lba[0], 0, lba[1], 0, lba[2], device, 0x50,
        ]);
        sense
    };
    let mut attributes = vec![0; 512];
    attributes[0] = 16;
    // Attribute 5, reallocated sectors: normalized 100, raw 3.
    attributes[2..14].copy_from_slice(&[5, 0x33, 0, 100, 100, 3, 0, 0, 0, 0, 0, 0]);
    let smart = |feature: u8| {
        vec![
            0x85, 0x08, 0x0E, 0, feature, 0, 1, 0, 0, 0, 0x4F, 0, 0xC2, 0, 0xB0,
        ]
    };
    let script = Script::new()
        .data(&[0x12, 0], inquiry("ATA", "ST340014A", "8.54"))
        .data(&[0x12, 1, 0x00], vpd(0x00, &[0x00, 0x80, 0x83, 0x89]))
        .data(&[0x12, 1, 0x80], vpd(0x80, b"            RAZ0PATA"))
        .data(&[0x9E, 0x10], capacity_16(OLD, 512))
        .data(&ata(0xEC), seal(page))
        .data(&smart(0xD0), seal(attributes))
        .sense(&[0x85, 0x06, 0x20, 0, 0xDA], returned([0, 0x4F, 0xC2], 0))
        .sense(
            &[0x85, 0x06, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0xF8],
            returned([a, b, c], 0x40 | d),
        );
    let mut folder = on_port(OLD, true, "none", script);
    folder.attributes(
        "pci0000:00/0000:00:1f.2/ata1/host1",
        "scsi_host/host1/proc_name = ata_piix",
    );
    let what = "PATA disk of 2003 without 48-bit addresses, SANITIZE and enhanced erase; written by hand from ATA-6";
    Kind::scripted("pata-hdd", what, folder, "sda")
}

/// A disk whose host adapter gives every command up.
fn silent() -> Kind {
    // DID_TIME_OUT.
    let script = Script::new().host_status(&[0x12], 0x03);
    let folder = on_port(TB, true, "none", script);
    let what = "SATA disk that answers nothing; written by hand, from what Linux reports after its error handling";
    Kind::scripted("sata-hdd-silent", what, folder, "sda")
}
