use super::hex::{BYTES_MAX, Bytes};
use super::{Capture, NoCapture};
use proptest::prelude::{any, prop_assert_eq, proptest};

const WHOLE: &str = r#"{
  "schema": "raz-capture@v1",
  "what": "a disk, written by hand",
  "name": "sda",
  "sysfs": {
    "links": {"block/sda": "devices/pci0/block/sda"},
    "files": {"devices/pci0/block/sda/size": "2048\n"},
    "pages": {"devices/pci0/vpd_pg80": "00800002 4142"}
  },
  "scsi": [{"command": "120000002400", "answer": {"reply": {"data": "0000 00*30"}}}],
  "nvme": [{"command": {"opcode": 6, "dwords": [1]}, "answer": {"errno": 5}}],
  "ext_csd": {"reply": "00*512"}
}"#;

fn complaint(text: &str) -> String {
    Capture::parse(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn whole_document_is_read_and_written_again() {
    let capture = Capture::parse(WHOLE.as_bytes()).unwrap();
    let text = capture.to_json().unwrap();
    assert_eq!(Capture::parse(text.as_bytes()), Ok(capture));
}

#[test]
fn malformed_document_is_refused_with_its_field() {
    let cases = [
        (r#""name": "sda""#, r#""name": 7"#, "name: invalid type"),
        (r#""name": "sda","#, "", "missing field `name`"),
        (
            r#""name": "sda""#,
            r#""name": "../sda""#,
            "name: not a kernel name",
        ),
        (
            r#""name": "sda""#,
            r#""name": "sda", "nam": 1"#,
            "unknown field `nam`",
        ),
        (
            "raz-capture@v1",
            "raz-capture@v2",
            "schema: \"raz-capture@v2\"",
        ),
        ("00*30", "00*3x", "scsi[0].answer.reply.data: \"00*3x\""),
        (
            "00*30",
            "00*9999999999",
            "scsi[0].answer.reply.data: more than",
        ),
        (
            "120000002400",
            "12000000240",
            "scsi[0].command: \"12000000240\"",
        ),
        ("120000002400", "", "scsi[0].command: empty"),
        (
            r#"{"data""#,
            r#"{"status": 256, "data""#,
            "scsi[0].answer.reply.status: invalid value",
        ),
        (r#"{"errno": 5}"#, r#"{"silence": 5}"#, "nvme[0].answer"),
        (
            "[1]",
            "[1,2,3,4,5,6,7]",
            "nvme[0].command.dwords: more than the six",
        ),
        ("block/sda\":", "/etc/sda\":", "sysfs.links: \"/etc/sda\""),
        (
            ": \"devices/pci0/b",
            ": \"devices/../../b",
            "sysfs.links: \"devices/../..",
        ),
        ("sda/size", "../../../size", "sysfs.files"),
        (
            "00800002",
            "0080000",
            "sysfs.pages.devices/pci0/vpd_pg80: \"0080000\"",
        ),
        ("  \"ext_csd\"", "} \"ext_csd\"", "trailing"),
    ];
    for (good, bad, words) in cases {
        assert!(WHOLE.contains(good), "{good}");
        let said = complaint(&WHOLE.replacen(good, bad, 1));
        assert!(said.contains(words), "{bad:?} says {said:?}, not {words:?}");
    }
    assert!(complaint("").contains("no capture: ."), "{}", complaint(""));
}

#[test]
fn long_document_is_refused_unread() {
    let long = vec![b' '; super::BYTES_MAX + 1];
    assert_eq!(Capture::parse(&long), Err(NoCapture::Long));
}

#[test]
fn runs_of_zeros_are_counted_and_short_ones_written_out() {
    let mut bytes = vec![0x5A; 17];
    bytes.extend([0; 7]);
    bytes.push(1);
    bytes.extend([0; 8]);
    let text = Bytes(bytes.clone()).to_string();
    assert_eq!(
        text,
        "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a 5a0000000000000001 00*8"
    );
    assert_eq!(text.parse(), Ok(Bytes(bytes)));
}

proptest! {
    #[test]
    fn any_bytes_are_read_back(bytes in any::<Vec<u8>>(), zeros in 0..BYTES_MAX / 2) {
        let mut bytes = bytes;
        bytes.resize(bytes.len() + zeros, 0);
        prop_assert_eq!(Bytes(bytes.clone()).to_string().parse(), Ok(Bytes(bytes)));
    }

    #[test]
    fn any_text_is_answered_without_panic(text in any::<String>(), at in 0..WHOLE.len()) {
        let _ = text.parse::<Bytes>();
        let _ = Capture::parse(text.as_bytes());
        let cut = WHOLE.get(..at).unwrap_or("");
        assert!(Capture::parse(cut.as_bytes()).is_err());
    }
}
