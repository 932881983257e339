//! Soldered flash, cards, and a virtual disk.

use super::Kind;
use crate::support::folder::Folder;
use crate::support::script::Script;

const SECTORS: u64 = 30_535_680;
const HOST: &str = "pci0000:00/0000:00:1c.0/mmc_host/mmc0";

pub fn kinds() -> Vec<Kind> {
    vec![emmc(), emmc_without_sanitize(), sd(), virtio()]
}

fn emmc() -> Kind {
    let what = "eMMC 5.1 of a small laptop with its boot and replay-protected areas; written by hand from JESD84-B51";
    // SEC_FEATURE_SUPPORT: sanitize, trim, secure erase and auto-erase.
    of_emmc("emmc", what, 8, 0x55)
}

fn emmc_without_sanitize() -> Kind {
    let what = "eMMC 4.41, from before there was a sanitize; written by hand from JESD84-A441";
    // Secure erase, bad block management and trim.
    of_emmc("emmc-without-sanitize", what, 5, 0x15)
}

fn of_emmc(name: &'static str, what: &'static str, revision: u8, features: u8) -> Kind {
    let mut register = vec![0; 512];
    // EXT_CSD_REV, SEC_COUNT, boot partitions of 4 MiB, RPMB of 4 MiB, erase groups of 512 KiB, life
    // time and pre-end-of-life.
    register[192] = revision;
    register[212..216].copy_from_slice(&u32::try_from(SECTORS).unwrap().to_le_bytes());
    register[226] = 32;
    register[168] = 32;
    register[175] = 1;
    register[221] = 16;
    register[223] = 1;
    register[224] = 1;
    register[231] = features;
    register[267] = 1;
    register[268] = 2;
    register[269] = 1;
    let mut folder = Folder::new();
    let card = format!("{HOST}/mmc0:0001");
    folder.attributes(
        &card,
        "type = MMC\nname = DF4016\nfwrev = 0x0100000000000000\nserial = 0x00000001\n\
         cid = 45010044463430313601000000014800\nraw_rpmb_size_mult = 0x20",
    );
    let user = format!("{card}/block/mmcblk0");
    folder.block(&user, SECTORS);
    folder.attributes(&user, "queue/rotational = 0\ndiskseq = 2");
    for area in ["boot0", "boot1"] {
        let place = format!("{user}/mmcblk0{area}");
        folder.block(&place, 8192);
        folder.attributes(&place, "ro = 1\nforce_ro = 1");
    }
    folder.answers("mmcblk0", Script::new().ext_csd(register));
    Kind::scripted(name, what, folder, "mmcblk0")
}

fn sd() -> Kind {
    let mut folder = Folder::new();
    let card = format!("{HOST}/mmc0:aaaa");
    folder.attributes(
        &card,
        "type = SD\nname = SU32G\nfwrev = 0x0\nserial = 0x00000002\ncid = 0353445355333247800000000201",
    );
    let place = format!("{card}/block/mmcblk1");
    folder.block(&place, 62_333_952);
    folder.attributes(&place, "queue/rotational = 0\ndiskseq = 5");
    folder.answers("mmcblk1", Script::new());
    let what = "SD card in a reader of its own; written by hand from the SD physical layer specification 6.00";
    Kind::scripted("sd-card", what, folder, "mmcblk1")
}

fn virtio() -> Kind {
    let mut folder = Folder::new();
    let place = "pci0000:00/0000:00:04.0/virtio2/block/vdb";
    folder.block(place, 41_943_040);
    folder.attributes(place, "serial = RAZ-VIRTIO-1\ndiskseq = 7");
    folder.answers("vdb", Script::new());
    let what = "virtio disk of a virtual machine; written by hand from virtio 1.1";
    Kind::scripted("virtio", what, folder, "vdb")
}
