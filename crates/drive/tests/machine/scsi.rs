//! SAS and other SCSI disks, and what RAID controllers make of them.

use crate::support::folder::Folder;
use crate::support::script::{Script, capacity_16, inquiry, naa, vpd};
use drive::facts::{Blocks, HiddenCapacity, Medium, OwnErase, Transport};
use drive::medium::Own;
use drive::refusal::{PlanKind, Refusal, refusals};

const BLOCKS: u64 = 0x0010_0000;
const WWN: u64 = 0x5000_C500_1234_5678;

/// MODE SENSE (10) header with a long block descriptor.
fn mode(blocks: u64) -> Vec<u8> {
    let mut data = vec![0, 22, 0, 0, 1, 0, 0, 16];
    data.extend(blocks.to_be_bytes());
    data.extend([0, 0, 0, 0, 0, 0, 2, 0]);
    data
}

fn sas(default_blocks: u64) -> Script {
    let mut characteristics = vec![0; 60];
    characteristics[..2].copy_from_slice(&15_000_u16.to_be_bytes());
    Script::new()
        .data(&[0x12, 0], inquiry("SEAGATE", "ST3300657SS", "0008"))
        .data(&[0x12, 1, 0x00], vpd(0x00, &[0x00, 0x80, 0x83, 0xB1]))
        .data(&[0x12, 1, 0x80], vpd(0x80, b"6SJ00001            "))
        .data(&[0x12, 1, 0x83], vpd(0x83, &naa(WWN)))
        .data(&[0x12, 1, 0xB1], vpd(0xB1, &characteristics))
        .data(&[0x9E, 0x10], capacity_16(BLOCKS, 512))
        .data(&[0x5A], mode(default_blocks))
}

/// A disk on a host of this driver, at this SCSI address, with extra device attributes.
fn on_host(driver: &str, channel: u32, attributes: &str, script: Script) -> Folder {
    sized(driver, channel, attributes, BLOCKS, script)
}

/// The same, with so many blocks for the kernel.
fn sized(driver: &str, channel: u32, attributes: &str, blocks: u64, script: Script) -> Folder {
    let mut folder = Folder::new();
    let host = "pci0000:00/0000:03:00.0/host7";
    let device = format!("{host}/target7:{channel}:4/7:{channel}:4:0");
    folder.attributes(host, &format!("scsi_host/host7/proc_name = {driver}"));
    folder.attributes(
        &device,
        &format!("vendor = SEAGATE\nmodel = ST3300657SS\nrev = 0008\n{attributes}"),
    );
    folder.block(&format!("{device}/block/sdc"), blocks);
    folder.answers("sdc", script);
    folder
}

#[test]
fn sas_drive_says_who_it_is() {
    let drive = on_host("mpt3sas", 0, "", sas(BLOCKS)).drive();
    assert_eq!(drive.transport, Transport::Scsi);
    assert_eq!(drive.vendor.as_deref(), Some("SEAGATE"));
    assert_eq!(drive.identity.serial.as_deref(), Some("6SJ00001"));
    assert_eq!(
        drive.identity.world_wide.as_deref(),
        Some("wwn-5000c50012345678")
    );
    assert_eq!(drive.medium, Medium::Rotating { rpm: 15_000 });
    assert_eq!(drive.controller.as_deref(), Some("host7 (mpt3sas)"));
    assert_eq!(drive.bus_path, "pci0000:00/0000:03:00.0/scsi-0:4:0");
    assert!(
        matches!(drive.hidden, HiddenCapacity::None { .. }),
        "{:?}",
        drive.hidden
    );
    assert_eq!(drive.oddities, Vec::<String>::new());
}

#[test]
fn short_capacity_is_hidden_capacity() {
    let drive = on_host("mpt3sas", 0, "", sas(BLOCKS + 8)).drive();
    assert!(
        matches!(drive.hidden, HiddenCapacity::Hidden { bytes: 4096, .. }),
        "{:?}",
        drive.hidden
    );
}

#[test]
fn capacity_that_no_mode_page_confirms_is_unknown() {
    let drive = on_host("mpt3sas", 0, "", sas(0)).drive();
    assert!(
        matches!(drive.hidden, HiddenCapacity::Unknown { .. }),
        "{:?}",
        drive.hidden
    );
}

#[test]
fn capacity_that_differs_from_the_kernels_is_odd() {
    let drive = on_host(
        "mpt3sas",
        0,
        "",
        sas(BLOCKS).data(&[0x9E, 0x10], capacity_16(BLOCKS + 1, 512)),
    )
    .drive();
    assert!(
        drive
            .oddities
            .iter()
            .any(|o| o.contains("READ CAPACITY (16)")),
        "{:?}",
        drive.oddities
    );
    assert!(
        matches!(drive.hidden, HiddenCapacity::Hidden { bytes: 512, .. }),
        "{:?}",
        drive.hidden
    );
}

#[test]
fn unit_attention_is_passed_over() {
    let mut sense = vec![0x70, 0, 0x06, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x29, 0x00];
    sense.resize(18, 0);
    let attention = sas(BLOCKS).sense_once(&[0x12, 0], sense);
    let drive = on_host("mpt3sas", 0, "", attention).drive();
    assert_eq!(drive.model.as_deref(), Some("ST3300657SS"));
    assert_eq!(drive.oddities, Vec::<String>::new());
}

#[test]
fn volumes_of_raid_controllers_are_told_from_drives() {
    for (driver, channel, attributes, expected) in [
        ("megaraid_sas", 2, "", Transport::RaidVolume),
        ("megaraid_sas", 0, "", Transport::Scsi),
        ("hpsa", 0, "raid_level = RAID 1(+0)", Transport::RaidVolume),
        ("hpsa", 0, "raid_level = N/A", Transport::Scsi),
        ("smartpqi", 1, "raid_level = RAID 5", Transport::RaidVolume),
        ("smartpqi", 0, "", Transport::RaidVolume),
        ("aacraid", 0, "", Transport::RaidVolume),
        ("aacraid", 1, "", Transport::Scsi),
        ("mptsas", 1, "model = Logical Volume", Transport::RaidVolume),
        ("3w-9xxx", 0, "", Transport::RaidVolume),
        ("virtio_scsi", 0, "", Transport::Scsi),
        ("megaraid_sas", 0, "vendor = ATA", Transport::Ata),
    ] {
        let drive = on_host(driver, channel, attributes, sas(BLOCKS)).drive();
        assert_eq!(drive.transport, expected, "{driver} {channel} {attributes}");
        let hides_members = drive
            .not_reached
            .iter()
            .any(|t| t.contains("member drives"));
        assert_eq!(hides_members, expected == Transport::RaidVolume, "{driver}");
    }
}

#[test]
fn disks_of_networks_are_networked() {
    for driver in ["iscsi_tcp", "bnx2fc", "ib_srp", "zfcp"] {
        let drive = on_host(driver, 0, "", sas(BLOCKS)).drive();
        assert_eq!(drive.transport, Transport::Network, "{driver}");
    }
    for place in [
        "platform/host9/session1/target9:0:0/9:0:0:1/block/sdd",
        "pci0000:00/0000:05:00.0/host9/rport-9:0-1/target9:0:0/9:0:0:1/block/sdd",
    ] {
        let mut folder = Folder::new();
        folder.block(place, BLOCKS);
        folder.answers("sdd", sas(BLOCKS));
        assert_eq!(folder.drive().transport, Transport::Network, "{place}");
    }
}

#[test]
fn sanitize_commands_are_offered_where_the_drive_says_that_it_has_them() {
    let drive = |script| on_host("mpt3sas", 0, "", script).drive();
    assert!(drive(sas(BLOCKS)).sanitize.is_err(), "it did not answer");
    let says = |support: [u8; 3]| {
        (1..)
            .zip(support)
            .fold(sas(BLOCKS), |script, (action, support)| {
                script.data(&[0xA3, 0x0C, 2, 0x48, 0, action], vec![0, support, 0, 10])
            })
    };
    // Overwrite, block erase, cryptographic erase. 5 is a way of the maker's own.
    assert!(
        drive(says([1, 1, 1]))
            .sanitize
            .unwrap_err()
            .contains("no SANITIZE")
    );
    let offered = drive(says([3, 5, 1])).sanitize.unwrap();
    assert!(offered.overwrite && !offered.block_erase && !offered.crypto_erase);
}

/// REQUEST SENSE data in the fixed format, with a progress (SPC-5 4.4.2).
fn told(key: u8, asc: u8, ascq: u8, progress: u16) -> Vec<u8> {
    let [high, low] = progress.to_be_bytes();
    vec![
        0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, asc, ascq, 0, 0x80, high, low,
    ]
}

#[test]
fn what_a_disk_does_to_itself_is_asked_before_its_medium_is_read() {
    let asked = |sense: Vec<u8>| {
        let script = sas(BLOCKS).data(&[0x03], sense).unreadable();
        on_host("mpt3sas", 0, "", script).drive()
    };
    for (sense, expected) in [
        (
            told(2, 0x04, 0x1B, 0x4000),
            OwnErase::Sanitizing {
                progress: Some(0x4000),
            },
        ),
        (
            told(0, 0x04, 0x04, 0x8000),
            OwnErase::Formatting {
                progress: Some(0x8000),
            },
        ),
    ] {
        let drive = asked(sense);
        assert_eq!(drive.own_erase, Some(expected));
        assert_eq!(drive.silent, None);
        // Not read, and so not known to be anybody's.
        assert!(drive.volumes_unread);
        assert_eq!(drive.oddities, Vec::<String>::new());
    }
    for (sense, expected) in [
        (told(3, 0x31, 0x03, 0), OwnErase::SanitizeFailed),
        (told(3, 0x31, 0x00, 0), OwnErase::FormatFailed),
    ] {
        let drive = asked(sense);
        assert_eq!(drive.own_erase, Some(expected));
        // Those answer a read at once.
        assert!(drive.oddities.iter().any(|o| o.contains("cannot be read")));
    }
    assert_eq!(asked(told(0, 0, 0, 0)).own_erase, None);
}

#[test]
fn disk_whose_sanitize_failed_and_that_does_not_say_what_it_has_is_given_another() {
    let script = sas(BLOCKS).data(&[0x03], told(3, 0x31, 0x03, 0));
    let offered = on_host("mpt3sas", 0, "", script).drive().sanitize.unwrap();
    assert!(offered.overwrite && offered.block_erase);
}

/// READ CAPACITY (16) of blocks of this length, with this byte of protection.
fn formatted(block_bytes: u32, protection: u8) -> Script {
    let mut capacity = capacity_16(BLOCKS, block_bytes);
    capacity.resize(32, 0);
    capacity[12] = protection;
    sas(BLOCKS).data(&[0x9E, 0x10], capacity)
}

/// Fixed sense data.
fn sense(key: u8, asc: u8, ascq: u8) -> Vec<u8> {
    let mut sense = vec![0x70, 0, key, 0, 0, 0, 0, 10];
    sense.resize(18, 0);
    (sense[12], sense[13]) = (asc, ascq);
    sense
}

#[test]
fn disk_of_a_storage_array_is_told_by_its_blocks_and_not_as_empty() {
    let blocks = |bytes, protection_type| Blocks {
        bytes: Some(bytes),
        protection_type,
    };
    for (script, expected) in [
        (formatted(520, 0), blocks(520, None)),
        (formatted(528, 0), blocks(528, None)),
        (formatted(4160, 0), blocks(4160, None)),
        (formatted(520, 0b011), blocks(520, Some(2))),
        // Type 5, by its number.
        (formatted(512, 0b1001), blocks(512, Some(5))),
    ] {
        let drive = sized("mpt3sas", 0, "", 0, script).drive();
        assert_eq!(drive.blocks, Some(expected));
        let refusal = Refusal::UnservedBlocks {
            block_bytes: expected.bytes.unwrap(),
            protection_type: expected.protection_type,
        };
        let all = std::slice::from_ref(&drive);
        let found = refusals(&drive, all, Own::No, &[], PlanKind::default());
        assert_eq!(found, [refusal]);
        assert!(found[0].remedy().contains("raz reformat"));
        // The refusal says it.
        assert_eq!(drive.oddities, Vec::<String>::new());
        assert!(matches!(drive.hidden, HiddenCapacity::Unknown { .. }));
    }
}

#[test]
fn disk_that_answers_the_short_question_only_is_told_by_its_blocks_too() {
    let script = sas(BLOCKS)
        .sense(&[0x9E, 0x10], sense(5, 0x20, 0))
        .data(&[0x25], vec![0, 0x0F, 0xFF, 0xFF, 0, 0, 0x02, 0x08]);
    let drive = sized("mpt3sas", 0, "", 0, script).drive();
    assert_eq!(drive.blocks.unwrap().bytes, Some(520));
}

#[test]
fn protection_information_that_linux_drives_is_no_refusal_and_is_named_as_not_read_back() {
    for kind in 1..=3_u8 {
        let drive = on_host("mpt3sas", 0, "", formatted(512, (kind - 1) << 1 | 1)).drive();
        let all = std::slice::from_ref(&drive);
        let found = refusals(&drive, all, Own::No, &[], PlanKind::default());
        assert_eq!(found, []);
        let named = format!("protection information of type {kind}");
        let is_named =
            |text: &String| text.contains(&named) && text.contains("made anew with each write");
        assert!(
            drive.not_reached.iter().any(is_named),
            "{:?}",
            drive.not_reached
        );
    }
}

#[test]
fn format_under_way_or_cut_off_is_told_whatever_capacity_the_kernel_has() {
    for (sense, of) in [
        (
            sense(2, 0x04, 0x04),
            OwnErase::Formatting { progress: None },
        ),
        (sense(3, 0x31, 0x00), OwnErase::FormatFailed),
        (sense(3, 0x31, 0x01), OwnErase::FormatFailed),
    ] {
        for blocks in [0, BLOCKS] {
            let script = formatted(512, 0).sense(&[0x00], sense.clone());
            let drive = sized("mpt3sas", 0, "", blocks, script).drive();
            let all = std::slice::from_ref(&drive);
            let found = refusals(&drive, all, Own::No, &[], PlanKind::default());
            let is_without_capacity = blocks == 0;
            assert_eq!(
                found,
                [Refusal::OwnErase {
                    of,
                    is_without_capacity
                }]
            );
        }
    }
}
