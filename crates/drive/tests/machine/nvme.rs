//! NVMe namespaces and their controllers.

use crate::support::folder::Folder;
use crate::support::script::Script;
use drive::facts::{HiddenCapacity, Medium, OwnErase, SanitizeCommands, Transport};

const SECTORS: u64 = 1_000_215_216;

/// Identify Controller: OACS with namespace management when `managed`.
fn controller(serial: &str, managed: bool, unallocated_bytes: u128) -> Vec<u8> {
    let mut data = vec![0; 4096];
    data[4..24].copy_from_slice(format!("{serial:<20}").as_bytes());
    data[24..64].copy_from_slice(format!("{:<40}", "Samsung SSD 970 EVO Plus 500GB").as_bytes());
    data[64..72].copy_from_slice(b"2B2QEXM7");
    data[80..84].copy_from_slice(&0x0001_0300_u32.to_le_bytes());
    if managed {
        data[256] = 1 << 3;
        data[280..296]
            .copy_from_slice(&(u128::from(SECTORS) * 512 + unallocated_bytes).to_le_bytes());
        data[296..312].copy_from_slice(&unallocated_bytes.to_le_bytes());
    }
    data[516..520].copy_from_slice(&32_u32.to_le_bytes());
    data
}

/// Identify Namespace: one format of 512-byte blocks.
fn namespace(blocks: u64, eui64: u64) -> Vec<u8> {
    let mut data = vec![0; 4096];
    for at in [0, 8, 16] {
        data[at..at + 8].copy_from_slice(&blocks.to_le_bytes());
    }
    data[120..128].copy_from_slice(&eui64.to_be_bytes());
    data[130] = 9;
    data
}

fn list(nsids: &[u32]) -> Vec<u8> {
    let mut data: Vec<u8> = nsids.iter().flat_map(|nsid| nsid.to_le_bytes()).collect();
    data.resize(4096, 0);
    data
}

fn script(eui64: u64, managed: bool, unallocated: u128, nsids: &[u32]) -> Script {
    Script::new()
        .admin(
            0x06,
            0x01,
            controller("S4EVNX0M000001", managed, unallocated),
        )
        .admin(0x06, 0x00, namespace(SECTORS, eui64))
        .admin(0x06, 0x02, list(nsids))
        .admin(0x06, 0x10, list(nsids))
}

/// A controller whose number is not the namespace's, as multipath kernels number them.
fn single(script: Script) -> Folder {
    at("pci0000:00/0000:01:00.0/nvme/nvme3", "pcie", script)
}

fn at(device: &str, wire: &str, script: Script) -> Folder {
    let mut folder = Folder::new();
    let attributes = format!("transport = {wire}\nserial = S4EVNX0M000001\nmodel = Samsung");
    folder.attributes(device, &attributes);
    folder.block(&format!("{device}/nvme0n1"), SECTORS);
    folder.attributes(&format!("{device}/nvme0n1"), "nsid = 1");
    folder.answers("nvme0n1", script);
    folder
}

#[test]
fn namespace_says_who_it_is_by_its_own_controller() {
    let drive = single(script(0x0025_3855_0140_0001, false, 0, &[1])).drive();
    assert_eq!(drive.transport, Transport::Nvme);
    assert_eq!(drive.controller.as_deref(), Some("nvme3"));
    assert_eq!(
        drive.model.as_deref(),
        Some("Samsung SSD 970 EVO Plus 500GB")
    );
    assert_eq!(drive.firmware.as_deref(), Some("2B2QEXM7"));
    assert_eq!(drive.identity.serial.as_deref(), Some("S4EVNX0M000001"));
    assert_eq!(
        drive.identity.world_wide.as_deref(),
        Some("eui-0025385501400001")
    );
    assert_eq!(drive.identity.area, "nsid-1");
    assert_eq!(drive.medium, Medium::SolidState);
    assert!(
        matches!(drive.hidden, HiddenCapacity::None { .. }),
        "{:?}",
        drive.hidden
    );
    assert_eq!(drive.not_reached, Vec::<String>::new());
    assert_eq!(drive.bus_path, "pci0000:00/0000:01:00.0/nvme/nvme3/nvme0n1");
}

#[test]
fn unallocated_capacity_is_not_clean() {
    let drive = single(script(1, true, 1 << 30, &[1])).drive();
    let HiddenCapacity::Hidden { bytes, evidence } = &drive.hidden else {
        panic!("{:?}", drive.hidden);
    };
    assert_eq!(*bytes, 1 << 30);
    assert!(evidence.contains("UNVMCAP 1073741824"), "{evidence}");
    assert!(
        drive.not_reached.iter().any(|t| t.contains("unallocated")),
        "{:?}",
        drive.not_reached
    );
}

#[test]
fn namespaces_that_no_node_shows_are_not_reached() {
    let drive = single(script(1, true, 0, &[1, 5])).drive();
    assert_eq!(
        drive.not_reached,
        ["other namespace nsid-5 of the same drive"]
    );
}

#[test]
fn multipath_subsystem_is_one_drive_per_namespace() {
    let mut folder = Folder::new();
    let subsystem = "virtual/nvme-subsystem/nvme-subsys0";
    for (controller, slot) in [("nvme0", "01"), ("nvme1", "02")] {
        let device = format!("pci0000:00/0000:{slot}:00.0/nvme/{controller}");
        folder.attributes(&device, "transport = pcie\nserial = S4EVNX0M000001");
        folder.link(
            &format!("sys/devices/{subsystem}/{controller}"),
            &format!("sys/devices/{device}"),
        );
        let path = format!("{device}/nvme0c{}n1", &controller[4..]);
        folder.block(&path, SECTORS);
        folder.attributes(&path, "hidden = 1\nnsid = 1");
    }
    for nsid in [1, 2] {
        let place = format!("{subsystem}/nvme0n{nsid}");
        folder.block(&place, SECTORS);
        folder.attributes(&place, &format!("nsid = {nsid}"));
        folder.answers(
            &format!("nvme0n{nsid}"),
            script(u64::from(nsid as u32), false, 0, &[1, 2]),
        );
    }
    let drives = folder.drives();
    let names: Vec<&str> = drives.iter().map(|drive| drive.name.as_str()).collect();
    assert_eq!(names, ["nvme0n1", "nvme0n2"]);
    assert_eq!(
        drives[0].controller.as_deref(),
        Some("nvme-subsys0: nvme0, nvme1")
    );
    assert_eq!(drives[0].transport, Transport::Nvme);
    assert_ne!(drives[0].identity, drives[1].identity);
    assert!(
        drives[0].not_reached.iter().any(|t| t.contains("nsid-2")),
        "{:?}",
        drives[0].not_reached
    );
}

/// Its sanitize is told as any controller's: the refusal is what keeps it from being sent.
#[test]
fn namespace_over_fabrics_is_networked_and_says_what_its_controller_offers() {
    let drive = |capabilities: u8, nsids: &[u32]| {
        let mut data = controller("S4EVNX0M000001", false, 0);
        data[328] = capabilities;
        let script = Script::new()
            .admin(0x06, 0x01, data)
            .admin(0x06, 0x00, namespace(SECTORS, 1))
            .admin(0x06, 0x02, list(nsids));
        let drive = at("virtual/nvme-fabrics/ctl/nvme0", "tcp", script).drive();
        assert_eq!(drive.transport, Transport::Network);
        (drive.medium, drive.sanitize)
    };
    let (medium, offered) = drive(0b010, &[1]);
    assert_eq!(medium, Medium::SolidState, "its blocks are erased");
    assert!(offered.unwrap().block_erase);
    let (_, offered) = drive(0b010, &[1, 2]);
    assert!(offered.unwrap_err().contains("nobody confirmed"));
    let (medium, offered) = drive(0b100, &[1]);
    assert_eq!(medium, Medium::Unknown, "the target may keep it on a disk");
    assert!(offered.unwrap().overwrite);
}

#[test]
fn refused_identify_is_said() {
    let drive = single(Script::new()).drive();
    assert!(
        drive
            .oddities
            .iter()
            .any(|o| o.contains("Identify Controller: refused with NVMe status 002h")),
        "{:?}",
        drive.oddities
    );
    assert!(matches!(drive.hidden, HiddenCapacity::Unknown { .. }));
    // What the kernel read at probe still names the drive.
    assert_eq!(drive.identity.serial.as_deref(), Some("S4EVNX0M000001"));
}

/// A drive with block erase, and what else this does to its controller and to the list that it gives.
fn sanitizing(
    nsids: Option<&[u32]>,
    change: impl FnOnce(&mut Vec<u8>),
) -> drive::facts::DriveFacts {
    let mut data = controller("S4EVNX0M000001", false, 0);
    data[328] = 0b010;
    change(&mut data);
    let mut script = Script::new()
        .admin(0x06, 0x01, data)
        .admin(0x06, 0x00, namespace(SECTORS, 1));
    if let Some(nsids) = nsids {
        script = script.admin(0x06, 0x02, list(nsids));
    }
    single(script).drive()
}

#[test]
fn sanitize_that_would_reach_another_namespace_is_not_offered() {
    assert!(sanitizing(Some(&[1]), |_| ()).sanitize.is_ok());
    for (drive, reason) in [
        (sanitizing(Some(&[1, 2]), |_| ()), "other namespaces"),
        (sanitizing(None, |_| ()), "is not known"),
        // CMIC b1: more than one controller, whose namespaces this one need not list.
        (
            sanitizing(Some(&[1]), |data| data[76] = 0b10),
            "other namespaces",
        ),
    ] {
        let refusal = drive.sanitize.unwrap_err();
        assert!(refusal.contains(reason), "{refusal}");
        assert!(refusal.contains("nobody confirmed"), "{refusal}");
    }
}

#[test]
fn sanitize_commands_are_offered_by_sanicap_only() {
    let drive = |capabilities: u32| {
        let mut data = controller("S4EVNX0M000001", false, 0);
        data[328..332].copy_from_slice(&capabilities.to_le_bytes());
        let script = Script::new()
            .admin(0x06, 0x01, data)
            .admin(0x06, 0x00, namespace(SECTORS, 1))
            .admin(0x06, 0x02, list(&[1]));
        single(script).drive()
    };
    assert!(drive(0).sanitize.unwrap_err().contains("SANICAP 0"));
    let offered = drive(0b010).sanitize.unwrap();
    assert!(offered.block_erase && !offered.crypto_erase && !offered.overwrite);
}

/// Reads of it bring no metadata, and a controller moves them all the same.
#[test]
fn medium_is_shown_only_where_blocks_have_no_metadata() {
    let shows = |capabilities: u32, change: fn(&mut [u8])| {
        let mut data = controller("S4EVNX0M000001", false, 0);
        data[328..332].copy_from_slice(&capabilities.to_le_bytes());
        let mut blocks = namespace(SECTORS, 1);
        change(&mut blocks);
        let script = Script::new()
            .admin(0x06, 0x01, data)
            .admin(0x06, 0x00, blocks)
            .admin(0x06, 0x02, list(&[1]));
        match single(script).drive().sanitize.unwrap().commands {
            SanitizeCommands::Nvme(offered) => offered.media_verification,
            other => panic!("{other:?}"),
        }
    };
    assert!(shows(0b1010, |_| ()));
    assert!(!shows(0b0010, |_| ()));
    // Eight bytes beside each block; a format that is none.
    assert!(!shows(0b1010, |blocks| blocks[128] = 8));
    assert!(!shows(0b1010, |blocks| blocks[26] = 5));
}

/// FNA b0: a format is of all namespaces; b1: its erase is.
#[test]
fn format_that_would_reach_another_namespace_is_not_offered() {
    let drive = |nsids: Option<&[u32]>, offers: u8, attributes: u8| {
        sanitizing(nsids, |data| {
            data[256] |= offers;
            data[524] = attributes;
        })
    };
    const FORMAT: u8 = 0b10;
    for (nsids, attributes, is_offered) in [
        (Some(&[1][..]), 0b00, true),
        (Some(&[1]), 0b11, true),
        // Of the one namespace only.
        (Some(&[1, 2]), 0b00, true),
        (Some(&[1, 2]), 0b01, false),
        (Some(&[1, 2]), 0b10, false),
        (None, 0b10, false),
    ] {
        let format = drive(nsids, FORMAT, attributes).format;
        assert_eq!(
            format.is_ok(),
            is_offered,
            "{nsids:?} {attributes:b} {format:?}"
        );
        assert!(format.is_err() || format.is_ok_and(|format| format.nsid == 1));
    }
    let none = drive(Some(&[1]), 0, 0).format.unwrap_err();
    assert!(none.contains("does not have it"), "{none}");
}

#[test]
fn what_a_subsystem_does_to_itself_is_told_by_its_log() {
    let asked = |status: u8, machine: u8| {
        let mut said = controller("S4EVNX0M000001", false, 0);
        // SANICAP: block erase.
        said[328] = 2;
        let mut log = vec![0; 512];
        log[..4].copy_from_slice(&[0x00, 0x40, status, 0]);
        log[36] = machine;
        let script = script(1, false, 0, &[1])
            .admin(0x06, 0x01, said)
            .admin(0x02, 0x007F_0081, log)
            .unreadable();
        single(script).drive()
    };
    let erasing = OwnErase::Sanitizing {
        progress: Some(0x4000),
    };
    for (status, machine, expected) in [
        (2, 1, erasing),
        (2, 6, erasing),
        (2, 5, OwnErase::MediaVerification),
        (3, 2, OwnErase::SanitizeFailed),
    ] {
        let drive = asked(status, machine);
        assert_eq!(drive.own_erase, Some(expected));
        assert!(drive.sanitize.is_ok() && drive.silent.is_none());
        let is_read = drive.oddities.iter().any(|o| o.contains("cannot be read"));
        assert_eq!(is_read, expected == OwnErase::SanitizeFailed);
    }
    assert_eq!(asked(1, 0).own_erase, None);
}
