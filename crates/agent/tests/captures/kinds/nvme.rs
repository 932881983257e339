//! NVMe drives.

use super::Kind;
use crate::bench;
use crate::support::folder::Folder;
use drive::discover::Opener;
use sim::clock::Clock;
use sim::nvme::NvmeDrive;
use sim::nvme::options::{NamespaceOptions, Options, Switches};
use sim::tcg::{self, Owner};

const SECTORS: u64 = 500_118_192;

fn drive(serial: &str, model: &str, switches: Switches, namespaces: usize) -> Options {
    let namespace = NamespaceOptions {
        sectors: SECTORS,
        lba_format: 0,
        attached: true,
        write_protected: false,
    };
    Options {
        serial: serial.into(),
        model: model.into(),
        namespaces: vec![namespace; namespaces],
        switches,
        ..Options::default()
    }
}

/// Somebody has taken its TCG locking into use.
fn owned(serial: &str, switches: Switches, is_open: bool) -> Options {
    let owner = Owner {
        ranges: vec![0..SECTORS / 2, SECTORS / 2..SECTORS],
        shadow_mbr: None,
        is_open,
    };
    let tcg = tcg::Options {
        owner: Some(owner),
        ..tcg::Options::default()
    };
    Options {
        tcg: Some(tcg),
        ..drive(serial, "Samsung SSD 990 PRO 250GB", switches, 1)
    }
}

fn simulated(name: &'static str, what: &'static str, options: Options) -> Kind {
    let opener = bench::nvme(NvmeDrive::new(options.clone(), Clock::by_hand()));
    around(name, what, &options, opener)
}

/// A drive with one namespace.
pub fn ordinary() -> Options {
    drive(
        "RAZ0BUSY",
        "Samsung SSD 980 PRO 250GB",
        Switches::default(),
        1,
    )
}

/// The machine of such a drive, which is asked by this opener.
pub fn around(name: &'static str, what: &'static str, options: &Options, opener: Opener) -> Kind {
    let mut folder = Folder::new();
    let controller = "pci0000:00/0000:00:1d.0/0000:02:00.0/nvme/nvme0";
    folder.attributes(
        controller,
        &format!(
            "transport = pcie\nserial = {}\nmodel = {}\nfirmware_rev = 1.0",
            options.serial, options.model
        ),
    );
    for (nsid, namespace) in (1..).zip(&options.namespaces) {
        let place = format!("{controller}/nvme0n{nsid}");
        folder.block(&place, namespace.sectors);
        folder.attributes(
            &place,
            &format!("nsid = {nsid}\nqueue/rotational = 0\ndiskseq = 3"),
        );
    }
    Kind::scripted(name, what, folder, "nvme0n1").simulated(opener)
}

pub fn kinds() -> Vec<Kind> {
    // One namespace for life, as in most drives of laptops.
    let plain = Switches {
        namespace_management: false,
        ..Switches::default()
    };
    let format_only = Switches {
        sanitize_block_erase: false,
        sanitize_overwrite: false,
        sanitize_crypto_erase: false,
        sanitize_verification: false,
        sanitize_purge: false,
        no_deallocate_modifies: 0,
        ..plain
    };
    let crypto_only = Switches {
        sanitize_block_erase: false,
        sanitize_overwrite: false,
        ..plain
    };
    vec![
        simulated(
            "nvme-sanitize",
            "NVMe drive with Sanitize (block erase, overwrite, crypto erase) and one namespace; answers of the simulated NVMe drive",
            drive("RAZ0NVME1", "Samsung SSD 980 PRO 250GB", plain, 1),
        ),
        simulated(
            "nvme-sanitize-crypto-only",
            "NVMe drive whose only Sanitize operation is crypto erase; answers of the simulated NVMe drive",
            drive("RAZ0NVME2", "KBG40ZNV256G KIOXIA", crypto_only, 1),
        ),
        simulated(
            "nvme-format-only",
            "NVMe drive without Sanitize, with Format NVM; answers of the simulated NVMe drive",
            drive("RAZ0NVME3", "SAMSUNG MZVLW256HEHP-000L7", format_only, 1),
        ),
        simulated(
            "nvme-two-namespaces",
            "NVMe drive with Sanitize and two namespaces; answers of the simulated NVMe drive",
            drive(
                "RAZ0NVME4",
                "SAMSUNG MZWLL800HEHP-00003",
                Switches::default(),
                2,
            ),
        ),
        simulated(
            "nvme-opal-locked",
            "NVMe drive with Sanitize and TCG Opal 2, a range locked; answers of the simulated NVMe drive",
            owned("RAZ0NVME5", plain, false),
        ),
        simulated(
            "nvme-opal-open",
            "NVMe drive with Sanitize and TCG Opal 2, its locking in use and open until the power goes; answers of the simulated NVMe drive",
            owned("RAZ0NVME6", plain, true),
        ),
    ]
}
