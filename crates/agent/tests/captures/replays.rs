//! A replay asks and changes nothing, invents nothing, and is recorded as what it was.

use crate::bench::Asked;
use crate::documents;
use crate::support::folder::Folder;
use crate::support::script::Script;
use agent::capture::{Replay, Replayed, record};
use drive::facts::Silence;
use drive::port::{Data, Port};
use report::capture::Capture;
use std::time::Duration;

/// By the operation code tables of SPC-5, SBC-4, SAT-4 and ACS-4: commands that move data to the host
/// only, or none, and leave the drive as it is. Written out here, without raz's own encoders.
fn only_asks(cdb: &[u8]) -> bool {
    let action = cdb.get(1).map_or(0, |byte| byte & 0x1F);
    match (cdb[0], cdb.len()) {
        // TEST UNIT READY, REQUEST SENSE, INQUIRY, READ CAPACITY (10), MODE SENSE (10), READ DEFECT DATA (12),
        // SECURITY PROTOCOL IN.
        (0x00 | 0x03 | 0x12, 6) | (0x25, 10) | (0x5A, 10) | (0xB7, 12) | (0xA2, 12) => true,
        // SP would save the parameters.
        (0x4D, 10) => cdb[1] & 1 == 0,
        // READ CAPACITY (16), REPORT SUPPORTED OPERATION CODES.
        (0x9E, 16) => action == 0x10,
        (0xA3, 12) => action == 0x0C,
        (0x85, 16) => only_asks_ata(cdb[14], cdb[4], cdb[1] >> 1 & 0x0F),
        _ => false,
    }
}

fn only_asks_ata(command: u8, feature: u8, protocol: u8) -> bool {
    const NON_DATA: u8 = 3;
    const PIO_IN: u8 = 4;
    match (command, feature) {
        // IDENTIFY DEVICE, READ LOG EXT, TRUSTED RECEIVE.
        (0xEC, _) | (0x2F, 0) | (0x5C, _) => protocol == PIO_IN,
        // READ NATIVE MAX ADDRESS (EXT), GET NATIVE MAX ADDRESS EXT, SANITIZE STATUS EXT.
        (0xF8 | 0x27, _) | (0x78 | 0xB4, 0) => protocol == NON_DATA,
        // DEVICE CONFIGURATION IDENTIFY; SMART READ DATA and READ THRESHOLDS.
        (0xB1, 0xC2) | (0xB0, 0xD0 | 0xD1) => protocol == PIO_IN,
        // SMART RETURN STATUS.
        (0xB0, 0xDA) => protocol == NON_DATA,
        _ => false,
    }
}

/// Get Log Page without the two pages whose reading clears something, Identify, Security Receive.
fn only_asks_nvme(opcode: u8) -> bool {
    matches!(opcode, 0x02 | 0x06 | 0x82)
}

#[test]
fn replay_asks_nothing_that_changes_a_drive() {
    for (name, capture) in documents::all() {
        let replayed = Replayed::new(&capture).unwrap();
        let asked = Asked::default();
        let facts = asked.of(replayed.machine()).listed(&capture.name);
        assert!(facts.is_some(), "{name}");
        let asked_scsi = asked.scsi.lock().unwrap().clone();
        let recorded = capture.scsi.iter().map(|asked| asked.command.0.clone());
        for cdb in asked_scsi.into_iter().chain(recorded) {
            assert!(only_asks(&cdb), "{name}: {cdb:02X?}");
        }
        let asked_nvme = asked.nvme.lock().unwrap().clone();
        let opcodes = asked_nvme.iter().map(|command| command.opcode);
        let recorded = capture.nvme.iter().map(|asked| asked.command.opcode);
        for opcode in opcodes.chain(recorded) {
            assert!(only_asks_nvme(opcode), "{name}: {opcode:02X}");
        }
    }
}

#[test]
fn recording_a_replay_gives_the_same_document() {
    for (name, capture) in documents::all() {
        let replayed = Replayed::new(&capture).unwrap();
        let recorded = record(replayed.machine(), &capture.name, &capture.what);
        let (again, _) = recorded.unwrap();
        let (again, expected) = (again.to_json().unwrap(), capture.to_json().unwrap());
        assert_eq!(again, expected, "{name}");
    }
}

#[test]
fn drive_that_could_not_be_opened_is_recorded_and_replayed_as_such() {
    let (_, capture) = documents::all().swap_remove(0);
    let capture = Capture {
        not_opened: Some(6),
        scsi: Vec::new(),
        nvme: Vec::new(),
        ext_csd: None,
        ..capture
    };
    let replayed = Replayed::new(&capture).unwrap();
    let (again, facts) = record(replayed.machine(), &capture.name, &capture.what).unwrap();
    assert!(
        matches!(facts.silent, Some(Silence::NotOpened(_))),
        "{facts:?}"
    );
    assert_eq!(again, capture);
}

/// The document of a disk with one answer, said twice otherwise, and one question without an answer.
fn small() -> Capture {
    let text = r#"{"schema": "raz-capture@v1", "what": "", "name": "sda", "sysfs": {}, "scsi": [
        {"command": "00", "answer": {"reply": {"status": 2, "sense": "70"}}},
        {"command": "12", "answer": {"reply": {"data": "0102"}}},
        {"command": "00", "answer": {"reply": {}}},
        {"command": "01", "answer": {"errno": 110}}
    ], "nvme": [{"command": {"opcode": 6, "dwords": [1, 0]}, "answer": {"reply": {"result": 7}}}]}"#;
    Capture::parse(text.as_bytes()).unwrap()
}

#[test]
fn question_that_is_not_in_the_capture_has_no_answer() {
    let replay = Replay::new(&small());
    let scsi = |cdb: &[u8]| replay.scsi(cdb, Data::None, Duration::ZERO);
    let error = scsi(&[0x12, 0]).unwrap_err();
    assert_eq!(error.raw_os_error(), None);
    assert!(error.to_string().contains("no answer"), "{error}");
    assert_eq!(scsi(&[0x01]).unwrap_err().raw_os_error(), Some(110));
    assert!(replay.mmc_ext_csd().is_err());
    let command = |opcode| drive::port::AdminCommand {
        opcode,
        cdw10: 1,
        ..Default::default()
    };
    let admin = |opcode| replay.nvme_admin(&command(opcode), Data::None, Duration::ZERO);
    assert_eq!(admin(6).unwrap().result, 7);
    assert!(admin(2).is_err());
}

#[test]
fn answers_to_one_question_come_in_their_order_and_the_last_one_stays() {
    let replay = Replay::new(&small());
    let status = || {
        let reply = replay.scsi(&[0], Data::None, Duration::ZERO);
        reply.unwrap().status
    };
    assert_eq!([status(), status(), status()], [2, 0, 0]);
    let mut buffer = [0xFF; 4];
    let reply = replay.scsi(&[0x12], Data::In(&mut buffer), Duration::ZERO);
    assert_eq!(reply.unwrap().residual_bytes, 2);
    assert_eq!(buffer, [1, 2, 0, 0]);
    replay.read_at(&mut buffer, 0).unwrap();
    assert_eq!(buffer, [0; 4]);
}

#[test]
fn medium_is_in_no_document() {
    let mut folder = Folder::new();
    let script = Script::sata("RAZ1", 1, 4096).medium(vec![0xC7; 1 << 20]);
    let place = folder.sata("sda", 1, 4096, script);
    folder.partition(&place, 1, 1000, 96);
    let (capture, facts) = record(&folder.machine(), "sda", "a disk").unwrap();
    assert!(!facts.volumes_unread);
    let document = capture.to_json().unwrap();
    for word in ["c7c7c7c7", "sda1", "partition"] {
        assert!(!document.contains(word), "{word}: {document}");
    }
}

#[test]
fn folder_of_a_replay_is_private_and_goes_with_it() {
    use std::os::unix::fs::PermissionsExt;
    let replayed = Replayed::new(&small()).unwrap();
    let folder = replayed.machine().roots.sys.parent().unwrap().to_owned();
    let mode = folder.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    drop(replayed);
    assert!(!folder.exists());
}
