//! Storage that no drive of the list holds, on PCI trees that are folders: written by hand after the
//! layout of sysfs and the ids of real controllers, since QEMU has neither VMD nor RST.

use crate::support::folder::Folder;
use crate::support::script::Script;
use drive::disc::discs;
use drive::medium::BootMedium;
use drive::unseen::{Unseen, find};

const AHCI: &str = "0x010601";
const RAID: &str = "0x010400";
const NVME: &str = "0x010802";
const SATA: &str = "pci0000:00/0000:00:1f.2";

/// A function of the PCI bus at the end of `place`.
fn function(folder: &mut Folder, place: &str, id: [&str; 2], class: &str, driver: Option<&str>) {
    let address = place.rsplit('/').next().unwrap().to_owned();
    let [vendor, device] = id;
    folder.attributes(
        place,
        &format!("class = {class}\nvendor = {vendor}\ndevice = {device}"),
    );
    let dir = format!("sys/devices/{place}");
    folder.link(&format!("sys/bus/pci/devices/{address}"), &dir);
    if let Some(driver) = driver {
        let target = format!("sys/bus/pci/drivers/{driver}");
        folder.write(&format!("{target}/new_id"), "");
        folder.link(&format!("{dir}/driver"), &target);
    }
}

fn found(folder: &Folder) -> Vec<(&'static str, String)> {
    let machine = folder.machine();
    let (drives, discs) = (machine.drives(&[]), discs(&machine));
    let medium = BootMedium::find(&machine.roots, &drives).or_disc(&discs);
    let found = find(&machine.roots, &drives, &medium, &discs);
    for unseen in &found {
        println!("{unseen}; to do: {}", unseen.remedy());
    }
    found
        .iter()
        .map(|unseen| (unseen.name(), unseen.place().to_owned()))
        .collect()
}

fn one(name: &'static str, place: &str) -> Vec<(&'static str, String)> {
    vec![(name, place.to_owned())]
}

#[test]
fn pc_with_nothing_hidden_has_nothing_unseen() {
    let mut folder = Folder::new();
    function(&mut folder, SATA, ["0x8086", "0x2922"], AHCI, Some("ahci"));
    folder.attributes(SATA, "remapped_nvme = 0");
    folder.sata(
        "sda",
        1,
        8192,
        Script::sata("S1", 0x5000_0000_0000_0001, 8192),
    );
    // An empty SATA controller, a network card, a card reader without a card, a chip whose RAID is the
    // firmware's.
    let other = "pci0000:00/0000:00:1f.5";
    function(&mut folder, other, ["0x1b21", "0x0612"], AHCI, Some("ahci"));
    let nic = "pci0000:00/0000:00:19.0";
    function(&mut folder, nic, ["0x8086", "0x153a"], "0x020000", None);
    let reader = "pci0000:00/0000:00:1a.0";
    function(
        &mut folder,
        reader,
        ["0x1217", "0x8520"],
        "0x080501",
        Some("sdhci-pci"),
    );
    let chip = "pci0000:00/0000:00:1c.0";
    function(
        &mut folder,
        chip,
        ["0x1095", "0x3114"],
        RAID,
        Some("sata_sil"),
    );
    assert_eq!(found(&folder), []);
}

#[test]
fn pc_without_any_drive_has_nothing_unseen_either() {
    let mut folder = Folder::new();
    function(&mut folder, SATA, ["0x8086", "0x2922"], AHCI, Some("ahci"));
    assert_eq!(found(&folder), []);
    // And a machine without PCI.
    assert_eq!(found(&Folder::new()), []);
}

#[test]
fn drives_that_rst_remaps_are_unseen_beside_those_that_are_there() {
    for (count, unseen) in [("2", true), ("0", false), ("nonsense", true), ("-1", true)] {
        let mut folder = Folder::new();
        let place = "pci0000:00/0000:00:17.0";
        function(&mut folder, place, ["0x8086", "0x282a"], RAID, Some("ahci"));
        folder.attributes(place, &format!("remapped_nvme = {count}"));
        folder.sata(
            "sda",
            1,
            8192,
            Script::sata("S1", 0x5000_0000_0000_0001, 8192),
        );
        let wanted = match unseen {
            true => one("remapped", "0000:00:17.0"),
            false => Vec::new(),
        };
        assert_eq!(found(&folder), wanted, "{count:?}");
    }
    // In AHCI mode a kernel without the attribute hides nothing.
    let mut folder = Folder::new();
    function(&mut folder, SATA, ["0x8086", "0xa102"], AHCI, Some("ahci"));
    assert_eq!(found(&folder), []);
    folder.attributes(SATA, "remapped_nvme = 1");
    assert_eq!(found(&folder), one("remapped", "0000:00:1f.2"));
}

const VMD: &str = "pci0000:00/0000:00:0e.0";

#[test]
fn vmd_without_driver_or_without_drives_is_named() {
    let vmd = ["0x8086", "0x467f"];
    let mut folder = Folder::new();
    function(&mut folder, VMD, vmd, RAID, None);
    assert_eq!(found(&folder), one("no driver", "0000:00:0e.0"));
    let mut folder = Folder::new();
    function(&mut folder, VMD, vmd, RAID, Some("vmd"));
    let port = format!("{VMD}/pci10000:e0/10000:e0:06.0");
    function(
        &mut folder,
        &port,
        ["0x8086", "0x464d"],
        "0x060400",
        Some("pcieport"),
    );
    assert_eq!(found(&folder), one("empty VMD", "0000:00:0e.0"));
    // With a drive below it.
    let drive = format!("{port}/10000:e1:00.0");
    function(
        &mut folder,
        &drive,
        ["0x144d", "0xa80a"],
        NVME,
        Some("nvme"),
    );
    folder.attributes(&format!("{drive}/nvme/nvme0"), "state = live");
    folder.write(
        &format!("sys/devices/{drive}/nvme/nvme0/nvme0n1/size"),
        "8192",
    );
    assert_eq!(found(&folder), []);
}

#[test]
fn nvme_drive_that_shows_no_namespace_is_named_with_its_state() {
    let place = "pci0000:00/0000:00:1d.0/0000:02:00.0";
    let id = ["0x144d", "0xa808"];
    for (state, words) in [(Some("dead"), "dead"), (None, "its state is not told")] {
        let mut folder = Folder::new();
        function(&mut folder, place, id, NVME, Some("nvme"));
        if let Some(state) = state {
            folder.attributes(&format!("{place}/nvme/nvme0"), &format!("state = {state}"));
        }
        let machine = folder.machine();
        let unseen = find(&machine.roots, &[], &BootMedium::NotNamed, &[]);
        assert!(
            matches!(&unseen[..], [unseen @ Unseen::NoNamespace { .. }] if unseen.to_string().contains(words)),
            "{unseen:?}"
        );
    }
    // A driver that gave it up has let go of it.
    let mut folder = Folder::new();
    function(&mut folder, place, id, NVME, None);
    assert_eq!(found(&folder), one("no driver", "0000:02:00.0"));
    // Paths of a multipath namespace, whose node is not below the controller.
    let mut folder = Folder::new();
    function(&mut folder, place, id, NVME, Some("nvme"));
    folder.write(
        &format!("sys/devices/{place}/nvme/nvme0/nvme0c0n1/size"),
        "8192",
    );
    assert_eq!(found(&folder), []);
}

#[test]
fn members_of_a_raid_controller_are_unseen_beside_its_volumes() {
    let place = "pci0000:00/0000:00:02.0/0000:03:00.0";
    let mut folder = Folder::new();
    function(
        &mut folder,
        place,
        ["0x1000", "0x005b"],
        RAID,
        Some("megaraid_sas"),
    );
    assert_eq!(found(&folder), one("RAID members", "0000:03:00.0"));
    // A controller that passes drives through, until a volume is on it.
    let mut folder = Folder::new();
    function(
        &mut folder,
        place,
        ["0x1000", "0x0072"],
        "0x010700",
        Some("mpt3sas"),
    );
    assert_eq!(found(&folder), []);
    let device = format!("{place}/host0/target0:1:0/0:1:0:0");
    folder.attributes(
        &format!("{place}/host0/scsi_host/host0"),
        "proc_name = mpt3sas",
    );
    folder.attributes(&device, "vendor = LSI\nmodel = Logical Volume\nrev = 3000");
    folder.block(&format!("{device}/block/sda"), 8192);
    assert_eq!(found(&folder), one("RAID members", "0000:03:00.0"));
}

/// Fixed sense: key, code, qualifier.
fn sense(key: u8, asc: u8, ascq: u8) -> Vec<u8> {
    let mut sense = vec![0; 18];
    sense[0] = 0x70;
    (sense[2], sense[7], sense[12], sense[13]) = (key, 10, asc, ascq);
    sense
}

const TEST_UNIT_READY: [u8; 1] = [0x00];

/// The folder with an optical drive that answers so.
fn optical(script: Script) -> Folder {
    let mut folder = Folder::new();
    folder.block(
        "pci0000:00/0000:00:1f.2/ata2/host2/target2:0:0/2:0:0:0/block/sr0",
        0x1f_ffff,
    );
    folder.answers("sr0", script);
    folder
}

#[test]
fn disc_in_an_optical_drive_is_named() {
    // Status and host status are both good.
    let ready = || Script::new().host_status(&TEST_UNIT_READY, 0);
    let changed = sense(6, 0x28, 0);
    for (script, has_disc) in [
        (ready(), true),
        (ready().sense_once(&TEST_UNIT_READY, changed.clone()), true),
        (
            Script::new().sense(&TEST_UNIT_READY, sense(2, 0x04, 0x01)),
            true,
        ),
        (
            Script::new().sense(&TEST_UNIT_READY, sense(2, 0x3A, 0x01)),
            false,
        ),
        (Script::new().sense(&TEST_UNIT_READY, changed), false),
        (Script::new().sense(&TEST_UNIT_READY, []), false),
        (Script::new().host_status(&TEST_UNIT_READY, 3), false),
    ] {
        let wanted = match has_disc {
            true => one("disc", "sr0"),
            false => Vec::new(),
        };
        assert_eq!(found(&optical(script)), wanted);
    }
}

#[test]
fn disc_that_raz_runs_from_is_found_and_not_named() {
    let mut image = vec![0; 68 * 1024];
    image[32768..32774].copy_from_slice(b"\x01CD001");
    image[32768 + 813..32768 + 829].copy_from_slice(b"2026112715300000");
    image[34816..34822].copy_from_slice(b"\xFFCD001");
    let folder = optical(Script::new().host_status(&TEST_UNIT_READY, 0).medium(image));
    assert_eq!(found(&folder), one("disc", "sr0"));
    folder.write("proc/cmdline", "raz.medium=2026-11-27-15-30-00-00\n");
    assert_eq!(found(&folder), []);
    let machine = folder.machine();
    let medium = || BootMedium::find(&machine.roots, &[]).or_disc(&discs(&machine));
    let named = "2026-11-27-15-30-00-00".to_owned();
    let alike = Vec::new();
    assert_eq!(medium(), BootMedium::Disc { named, alike });
    assert_eq!(medium().stops_unattended(), None);
    folder.write(
        "proc/cmdline",
        "raz.medium=2026-11-27-15-30-00-00 raz.boot=disc\n",
    );
    assert_eq!(medium().stops_unattended(), None);
    folder.write("proc/cmdline", "raz.medium=2026-11-27-15-30-00-01\n");
    assert_eq!(found(&folder), one("disc", "sr0"));
    assert!(medium().stops_unattended().is_some());
}

#[test]
fn odd_folders_give_an_answer() {
    let mut folder = Folder::new();
    function(&mut folder, SATA, ["0xzz", "x"], "0x0106", None);
    function(&mut folder, VMD, ["0x99999", "0x1"], "0xffffffffff", None);
    folder.write("sys/bus/pci/devices/0000:00:01.0/class", [0xFF, 0, 0x0A]);
    assert_eq!(found(&folder), []);
}
