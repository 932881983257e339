//! TCG Level 0 discovery, asked of each kind of drive.

use crate::support::folder::Folder;
use crate::support::script::{Script, capacity_16, identify, inquiry, naa, set_word, vpd};
use drive::facts::{DriveFacts, Tcg};
use drive::tcg::ClassKind;

const SECTORS: u64 = 500_118_192;
const WWN: u64 = 0x5002_538D_0000_0001;

/// TRUSTED RECEIVE of protocol 01h, ComID 0001h, one page (SAT-4, ACS-4).
const TRUSTED_RECEIVE: [u8; 15] = [0x85, 0x08, 0x0E, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0x40, 0x5C];
/// SECURITY PROTOCOL IN of the same.
const SECURITY_PROTOCOL_IN: [u8; 4] = [0xA2, 0x01, 0x00, 0x01];
/// Dword 10 of Security Receive of the same.
const SECURITY_RECEIVE: u32 = 0x0100_0100;

/// TPer, Locking with these flags, Opal 2 with base ComID 1004h, Block SID: changed and blocked.
pub fn level_0(flags: u8) -> Vec<u8> {
    let mut answer = vec![0; 48];
    answer.extend([0x00, 0x01, 0x10, 12, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    answer.extend([0x00, 0x02, 0x10, 12, flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    answer.extend([0x02, 0x03, 0x10, 4, 0x10, 0x04, 0, 1]);
    answer.extend([0x04, 0x02, 0x10, 2, 0x03, 0x00]);
    let length = u32::try_from(answer.len() - 4).unwrap();
    answer[..4].copy_from_slice(&length.to_be_bytes());
    answer[7] = 1;
    answer.resize(512, 0);
    answer
}

/// A SATA drive whose word 48 says this.
fn sata(word_48: u16) -> Script {
    let page = set_word(identify("RAZ0OPAL", WWN, SECTORS), 48, word_48);
    Script::sata("RAZ0OPAL", WWN, SECTORS).data(&crate::support::script::ata(0xEC), page)
}

fn on_sata(script: Script) -> DriveFacts {
    let mut folder = Folder::new();
    folder.sata("sda", 1, SECTORS, script);
    folder.drive()
}

fn on_usb(script: Script) -> DriveFacts {
    let mut folder = Folder::new();
    folder.usb("sdb", 2, SECTORS, "DD1", script);
    folder.drive()
}

fn on_sas(script: Script) -> DriveFacts {
    let script = script
        .data(&[0x12, 0], inquiry("SEAGATE", "ST3300657SS", "0008"))
        .data(&[0x12, 1, 0x00], vpd(0x00, &[0x00, 0x80, 0x83]))
        .data(&[0x12, 1, 0x80], vpd(0x80, b"6SJ00001            "))
        .data(&[0x12, 1, 0x83], vpd(0x83, &naa(WWN)))
        .data(&[0x9E, 0x10], capacity_16(SECTORS, 512));
    let mut folder = Folder::new();
    let device = "pci0000:00/0000:03:00.0/host7/target7:0:4/7:0:4:0";
    folder.attributes(
        "pci0000:00/0000:03:00.0/host7",
        "scsi_host/host7/proc_name = mpt3sas",
    );
    folder.attributes(device, "vendor = SEAGATE\nmodel = ST3300657SS\nrev = 0008");
    folder.block(&format!("{device}/block/sdc"), SECTORS);
    folder.answers("sdc", script);
    folder.drive()
}

/// An NVMe drive with these bits in OACS.
fn on_nvme(oacs: u8, script: Script) -> DriveFacts {
    let mut controller = vec![0; 4096];
    controller[4..12].copy_from_slice(b"RAZ0NVME");
    controller[24..64].copy_from_slice(format!("{:<40}", "MODEL").as_bytes());
    controller[256] = oacs;
    let mut namespace = vec![0; 4096];
    for at in [0, 8, 16] {
        namespace[at..at + 8].copy_from_slice(&SECTORS.to_le_bytes());
    }
    namespace[130] = 9;
    let script = script
        .admin(0x06, 0x01, controller)
        .admin(0x06, 0x00, namespace);
    let mut folder = Folder::new();
    let device = "pci0000:00/0000:01:00.0/nvme/nvme0";
    folder.attributes(device, "transport = pcie\nserial = RAZ0NVME\nmodel = MODEL");
    folder.block(&format!("{device}/nvme0n1"), SECTORS);
    folder.attributes(&format!("{device}/nvme0n1"), "nsid = 1");
    folder.answers("nvme0n1", script);
    folder.drive()
}

fn is_told(drive: &DriveFacts) -> bool {
    let Tcg::Told(said) = &drive.tcg else {
        return false;
    };
    let locking = said.locking.unwrap();
    assert!(locking.supported && locking.enabled && locking.locked && locking.media_encryption);
    assert!(locking.mbr_enabled && !locking.mbr_done);
    assert_eq!(said.classes[0].kind, ClassKind::Opal2);
    let block_sid = said.block_sid.unwrap();
    assert!(block_sid.sid_changed && block_sid.sid_blocked && !block_sid.cleared_by_reset);
    assert!(!drive.oddities.iter().any(|odd| odd.contains("TCG")));
    true
}

#[test]
fn each_kind_of_drive_is_asked_by_its_own_command() {
    let answer = || level_0(0x1F);
    let ata = || sata(0x4001).data(&TRUSTED_RECEIVE, answer());
    assert!(is_told(&on_sata(ata())));
    // IDENTIFY went through the bridge before.
    assert!(is_told(&on_usb(ata())));
    let scsi = Script::new().data(&SECURITY_PROTOCOL_IN, answer());
    assert!(is_told(&on_sas(scsi)));
    let nvme = Script::new().admin(0x82, SECURITY_RECEIVE, answer());
    assert!(is_told(&on_nvme(0x01, nvme)));
}

#[test]
fn kernel_that_passes_no_trusted_receive_translates_the_scsi_command() {
    let translated = || sata(0x4001).data(&SECURITY_PROTOCOL_IN, level_0(0x1F));
    assert!(is_told(&on_sata(translated())));
    // A bridge is not tried twice.
    let script = translated();
    let asked = script.asked.clone();
    assert!(matches!(on_usb(script).tcg, Tcg::Unknown { .. }));
    assert!(!asked.lock().unwrap().iter().any(|cdb| cdb[0] == 0xA2));
}

#[test]
fn drive_that_names_no_trusted_computing_is_not_asked() {
    // Bit 0 alone: an old drive that moves double words.
    for word_48 in [0, 0x4000, 0x0001] {
        let script = sata(word_48).data(&TRUSTED_RECEIVE, level_0(0x1F));
        let asked = script.asked.clone();
        assert_eq!(on_sata(script).tcg, Tcg::Absent, "{word_48:04X}");
        let asked = asked.lock().unwrap();
        assert!(!asked.iter().any(|cdb| cdb.starts_with(&TRUSTED_RECEIVE)));
    }
    let nvme = Script::new().admin(0x82, SECURITY_RECEIVE, level_0(0x1F));
    assert_eq!(on_nvme(0x02, nvme).tcg, Tcg::Absent);
    // A stick is asked nothing but INQUIRY.
    let script = sata(0x4001).data(&TRUSTED_RECEIVE, level_0(0x1F));
    let asked = script.asked.clone();
    let mut folder = Folder::new();
    let place = folder.usb("sdb", 2, SECTORS, "DD1", script);
    folder.attributes(&place, "removable = 1");
    assert_eq!(folder.drive().tcg, Tcg::Absent);
    assert!(!asked.lock().unwrap().iter().any(|cdb| cdb[0] == 0x85));
}

#[test]
fn command_that_a_drive_does_not_know_is_no_sign_of_locking() {
    for drive in [on_sas(Script::new()), on_nvme(0x01, Script::new())] {
        assert_eq!(drive.tcg, Tcg::Absent);
        let odd = |odd: &String| odd.contains("TCG");
        assert!(!drive.oddities.iter().any(odd), "{:?}", drive.oddities);
    }
}

#[test]
fn question_without_an_answer_is_unknown_and_odd_and_the_drive_is_listed() {
    let zeros = sata(0x4001).data(&TRUSTED_RECEIVE, vec![0; 512]);
    // What Linux gives without libata.allow_tpm, and a drive that cannot at this moment.
    let refused = sata(0x4001);
    let failed = Script::new().sense(
        &SECURITY_PROTOCOL_IN,
        [0x70, 0, 0x02, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x04, 0x01],
    );
    let mut cut = level_0(0x1F);
    cut.truncate(64);
    let cut = Script::new().data(&SECURITY_PROTOCOL_IN, cut);
    for (drive, reason) in [
        (on_sata(zeros), "no discovery"),
        (on_sata(refused), "allow_tpm"),
        (on_sas(failed), "2/04/01"),
        (on_sas(cut), "cut"),
    ] {
        let Tcg::Unknown { reason: said } = &drive.tcg else {
            panic!("{reason}: {:?}", drive.tcg);
        };
        assert!(said.contains(reason), "{said}");
        assert!(drive.silent.is_none());
        let odd = |odd: &String| odd.contains("TCG Level 0") && odd.contains(reason);
        assert!(drive.oddities.iter().any(odd), "{:?}", drive.oddities);
    }
}

#[test]
fn whole_drive_with_other_namespaces_is_not_alone() {
    let list = |nsids: &[u32]| {
        let mut list: Vec<u8> = nsids.iter().flat_map(|nsid| nsid.to_le_bytes()).collect();
        list.resize(4096, 0);
        Script::new().admin(0x06, 0x02, list)
    };
    assert_eq!(on_nvme(0x01, list(&[1])).alone, Ok(()));
    for (script, why) in [
        (list(&[1, 2]), "other namespaces"),
        (Script::new(), "is not known"),
    ] {
        let drive = on_nvme(0x01, script);
        let said = drive.alone.unwrap_err();
        assert!(said.contains(why), "{said}");
        assert!(drive.sanitize.is_err());
    }
}
