//! The drives that lie, each named as the table of traps names it.

use crate::{Nvme, SECTORS, used_ata, used_nvme, used_scsi};
use sim::ata::disk::AtaDisk;
use sim::ata::options::{Kept, Lies, Options};
use sim::clock::Clock;
use sim::nvme;
use sim::scsi::{self, ScsiDisk, ScsiOptions};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const BLOCK_ERASE: &str = "hdparm --yes-i-know-what-i-am-doing --sanitize-block-erase DRIVE";
const CRYPTO_SCRAMBLE: &str =
    "hdparm --yes-i-know-what-i-am-doing --sanitize-crypto-scramble DRIVE";
const OVERWRITE: &str = "hdparm --yes-i-know-what-i-am-doing --sanitize-overwrite-passes 1 --sanitize-overwrite hex:a5a5a5a5 DRIVE";
const SECURITY_ERASE: &str = "hdparm --user-master u --security-set-pass x DRIVE && hdparm --user-master u --security-erase-enhanced x DRIVE";

/// Which commands erase it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sanitize,
    Security,
    Scsi,
    Nvme,
}

pub enum Drive {
    Ata(Arc<Mutex<AtaDisk>>),
    Scsi(Arc<Mutex<ScsiDisk>>),
    Nvme(Nvme),
}

pub struct Case {
    pub name: &'static str,
    pub kind: Kind,
    /// The command that erases.
    pub tells: &'static str,
    pub serial: String,
    pub drive: Drive,
}

/// All of them; those that need no minute of their own go by this clock.
pub fn all(clock: &Clock) -> anyhow::Result<Vec<Case>> {
    let mut cases: Vec<Case> = (1..)
        .zip(ata())
        .map(|(number, (name, tells, change))| {
            let serial = format!("LIAR-ATA-{number:02}");
            let mut options = match tells {
                SECURITY_ERASE => Options::magnetic(),
                _ => Options::default(),
            };
            options.serial.clone_from(&serial);
            options.wwn = 0x5000_c500_0000_0200 + number;
            change(&mut options);
            Case {
                name,
                kind: match tells {
                    SECURITY_ERASE => Kind::Security,
                    _ => Kind::Sanitize,
                },
                tells,
                serial,
                drive: Drive::Ata(used_ata(options, clock)),
            }
        })
        .collect();
    for (number, (name, tells, change)) in (1..).zip(scsi()) {
        let serial = format!("LIAR-SAS-{number:02}");
        let takes = Some(Duration::from_secs(2));
        let mut options = ScsiOptions::disk(&serial, 0x5000_c500_0000_0300 + number, SECTORS);
        options.sanitize.block_erase = takes;
        options.sanitize.cryptographic_erase = takes;
        options.sanitize.overwrite = takes;
        change(&mut options.lies);
        let drive = Drive::Scsi(used_scsi(options));
        cases.push(Case {
            name,
            kind: Kind::Scsi,
            tells,
            serial,
            drive,
        });
    }
    for (number, (name, tells, change)) in (1..).zip(nvme()) {
        let serial = format!("LIAR-NVME-{number:02}");
        let mut options = nvme::options::Options::default();
        change(&mut options);
        let drive = Drive::Nvme(used_nvme(&serial, options, clock)?);
        cases.push(Case {
            name,
            kind: Kind::Nvme,
            tells,
            serial,
            drive,
        });
    }
    Ok(cases)
}

type Change<O> = (&'static str, &'static str, fn(&mut O));

fn ata() -> Vec<Change<Options>> {
    vec![
        (
            "ATA, block erase: swallowed, status from years ago",
            BLOCK_ERASE,
            |options| {
                options.sanitize.done_before = true;
                options.lies.sanitize_swallowed = true;
            },
        ),
        (
            "ATA, cryptographic erase: nothing is encrypted, the keys change",
            CRYPTO_SCRAMBLE,
            |options| options.lies.key_kept = true,
        ),
        (
            "ATA, block erase: success, all data intact",
            BLOCK_ERASE,
            |options| options.lies.sanitize_keeps = Kept::All,
        ),
        (
            "ATA, block erase: keeps the places without an address",
            BLOCK_ERASE,
            |options| options.lies.sanitize_keeps = Kept::Unaddressed,
        ),
        ("ATA, block erase: over at once", BLOCK_ERASE, |options| {
            options.lies.instant = true;
        }),
        (
            "ATA, block erase: stuck at 655 of 65536",
            BLOCK_ERASE,
            |options| options.lies.stuck_at = Some(655),
        ),
        (
            "ATA, block erase: physical sectors remain",
            BLOCK_ERASE,
            |options| options.lies.sanitize_fails = Some(1),
        ),
        (
            "ATA, block erase: failed without a reason",
            BLOCK_ERASE,
            |options| options.lies.sanitize_fails = Some(0),
        ),
        (
            "ATA, block erase: a bridge with empty sense",
            BLOCK_ERASE,
            |options| options.lies.sense_empty = true,
        ),
        (
            "ATA, block erase: a bridge that swallows",
            BLOCK_ERASE,
            |options| options.lies.pass_through_swallowed = true,
        ),
        (
            "ATA, overwrite: another pattern than the one given",
            OVERWRITE,
            |options| options.lies.overwrite_pattern = Some([0; 4]),
        ),
        (
            "ATA, block erase: frozen by the firmware",
            BLOCK_ERASE,
            |options| options.sanitize.frozen = true,
        ),
        (
            "ATA security, enhanced security erase: all is kept",
            SECURITY_ERASE,
            |options| options.lies.erase_keeps = Kept::All,
        ),
        (
            "ATA security, enhanced security erase: ends at once",
            SECURITY_ERASE,
            |options| {
                options.lies = Lies {
                    instant: true,
                    ..Lies::default()
                };
            },
        ),
        (
            "ATA security, enhanced security erase: bridge swallows pass-through",
            SECURITY_ERASE,
            |options| options.lies.pass_through_swallowed = true,
        ),
        (
            "ATA security, enhanced security erase: a bus reset ends it, answered as success",
            SECURITY_ERASE,
            |options| options.lies.erase_reset = true,
        ),
    ]
}

fn scsi() -> Vec<Change<scsi::Lies>> {
    const BLOCK: &str = "sg_sanitize --block --quick DRIVE";
    const CRYPTO: &str = "sg_sanitize --crypto --quick DRIVE";
    const OVERWRITE: &str = "sg_sanitize --overwrite --zero --quick DRIVE";
    vec![
        ("SCSI, block erase: swallowed", BLOCK, |lies| {
            lies.swallows = true;
        }),
        ("SCSI, block erase: all data intact", BLOCK, |lies| {
            lies.keeps_data = true;
        }),
        ("SCSI, cryptographic erase: the key stays", CRYPTO, |lies| {
            lies.keeps_key = true;
        }),
        (
            "SCSI, overwrite: failed half way (31/03)",
            OVERWRITE,
            |lies| lies.fails = true,
        ),
    ]
}

fn nvme() -> Vec<Change<nvme::options::Options>> {
    const BLOCK: &str = "nvme sanitize -a 2 DRIVE";
    const CRYPTO: &str = "nvme sanitize -a 4 DRIVE";
    vec![
        (
            "NVMe, block erase: swallowed, the log is that of an earlier sanitize",
            BLOCK,
            |options| {
                options.earlier_sanitize = Some(2);
                options.lies.swallows_sanitize = true;
            },
        ),
        (
            "NVMe, block erase: success, all data intact",
            BLOCK,
            |options| options.lies.keeps = Some(nvme::lies::Kept::All),
        ),
        (
            "NVMe, cryptographic erase: nothing is encrypted, or the key stays",
            CRYPTO,
            |options| options.lies.crypto_erase_keeps_the_key = true,
        ),
        (
            "NVMe, block erase: stuck at 655 of 65536",
            BLOCK,
            |options| options.lies.sanitize_sticks_at = Some(655),
        ),
        (
            "NVMe, block erase: failed (status 3, progress FFFFh)",
            BLOCK,
            |options| options.lies.sanitize_failures = 1,
        ),
    ]
}
