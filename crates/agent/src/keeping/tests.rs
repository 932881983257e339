use super::{NotKept, Spools, bring_into};
use crate::upload::spool::{EntryState, Spool};
use report::api::{Receipt, SignedReceipt};
use report::receipt::sha256_hex;
use std::io::Cursor;
use stick::{CONFIGURATION, Error, REPORTS, Volume};
use tempfile::TempDir;
use uuid::Uuid;

#[path = "../../../stick/src/example.rs"]
mod example;

const CONFIGURED: &[u8] = b"lang = \"en\"\n";
const OURS: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);

type Stick = Volume<Cursor<Vec<u8>>>;

fn stick(volume_bytes: usize) -> Stick {
    let volume = Volume::format(example::medium(volume_bytes)).unwrap();
    volume.put_file("", CONFIGURATION, CONFIGURED).unwrap();
    volume
}

/// Unplugged, and plugged in anew.
fn again(stick: Stick) -> Stick {
    Volume::open(stick.close().unwrap()).unwrap()
}

fn spools() -> (TempDir, Spools) {
    let folder = tempfile::tempdir().unwrap();
    let spools = Spools {
        own: Spool::open(&folder.path().join("spool")).unwrap(),
        found: super::found_beside(&folder.path().join("spool")).unwrap(),
    };
    (folder, spools)
}

fn store(spool: &Spool, id: Uuid, bytes: &[u8]) {
    spool.store(id, bytes, "signature", "signers").unwrap();
}

fn receipt(spool: &Spool, id: Uuid, bytes: &[u8]) {
    use base64::Engine;
    let receipt = Receipt {
        schema: "raz-receipt@v1".into(),
        number: 7,
        report_id: id,
        report_sha256: sha256_hex(bytes),
        station_fingerprint: String::new(),
        received: "2026-01-02T03:04:05Z".into(),
        previous_sha256: String::new(),
        imported: None,
    };
    let text = serde_json::to_vec(&receipt).unwrap();
    let signed = SignedReceipt {
        bytes_base64: base64::engine::general_purpose::STANDARD.encode(text),
        signature: "signature".into(),
    };
    spool.store_receipt(id, &signed).unwrap();
}

fn files(stick: &Stick, id: Uuid) -> Vec<String> {
    let mut names = stick.names(&format!("{REPORTS}/{id}")).unwrap();
    names.sort();
    names
}

#[test]
fn report_is_on_the_stick_after_a_power_cut_and_comes_back_to_be_sent() {
    let (_folder, before) = spools();
    store(&before.own, OURS, b"{}");
    let stick = stick(8 << 20);
    let brought = bring_into(&stick, Some(CONFIGURED), &before).unwrap();
    assert!(brought.kept.contains(&OURS) && brought.unsent == 0);
    let stick = again(stick);
    assert_eq!(
        files(&stick, OURS),
        ["allowed_signers", "report.json", "report.json.sig"]
    );

    let (_folder, after) = spools();
    let brought = bring_into(&stick, Some(CONFIGURED), &after).unwrap();
    assert_eq!((brought.kept.len(), brought.unsent), (0, 1));
    let found = after.found.unsent().unwrap();
    assert_eq!(found[0].report_id, OURS);
    let read: Vec<Vec<u8>> = Spool::files(&found[0])
        .unwrap()
        .into_iter()
        .map(|(_, bytes)| bytes)
        .collect();
    assert_eq!(read, [&b"signature"[..], b"signers", b"{}"]);

    // Its receipt follows it, and then it is done with.
    receipt(&after.found, OURS, b"{}");
    let brought = bring_into(&stick, Some(CONFIGURED), &after).unwrap();
    assert_eq!(brought.unsent, 0);
    assert_eq!(files(&again(stick), OURS).len(), 5);
}

#[test]
fn stick_with_another_configuration_gets_nothing() {
    let (_folder, spools) = spools();
    store(&spools.own, OURS, b"{}");
    let stick = stick(8 << 20);
    for handed_over in [None, Some(&b""[..]), Some(b"lang = \"fr\"\n")] {
        let brought = bring_into(&stick, handed_over, &spools);
        assert!(
            matches!(brought, Err(NotKept::OtherConfiguration)),
            "{brought:?}"
        );
    }
    assert_eq!(stick.names("").unwrap(), [CONFIGURATION]);
}

#[test]
fn half_a_report_on_the_stick_is_replaced_by_the_whole_one() {
    let (_folder, spools) = spools();
    store(&spools.own, OURS, b"{}");
    let stick = stick(8 << 20);
    let cut: [(&str, &[u8]); 2] = [("report.json.sig", b"signature"), ("report.json", b"{")];
    stick.put_folder(REPORTS, &OURS.to_string(), &cut).unwrap();
    let brought = bring_into(&stick, Some(CONFIGURED), &spools).unwrap();
    assert!(brought.kept.contains(&OURS));
    let path = format!("{REPORTS}/{OURS}/report.json");
    assert_eq!(stick.read(&path, 9).unwrap().unwrap(), b"{}");
}

#[test]
fn full_stick_gives_up_what_the_service_has_and_nothing_else() {
    let large = vec![b' '; 200_000];
    let stick = stick(2 << 20);
    let (_folder, before) = spools();
    for number in 10..30 {
        store(&before.own, Uuid::from_u128(number), &large);
    }
    let full = bring_into(&stick, Some(CONFIGURED), &before);
    assert!(
        matches!(full, Err(NotKept::Volume(Error::Full { .. }))),
        "{full:?}"
    );
    let kept = stick.names(REPORTS).unwrap();
    assert!(kept.len() > 3 && kept.len() < 20);

    let (_folder, sent) = spools();
    store(&sent.own, Uuid::from_u128(10), &large);
    receipt(&sent.own, Uuid::from_u128(10), &large);
    bring_into(&stick, Some(CONFIGURED), &sent).unwrap();
    let (_folder, after) = spools();
    store(&after.own, OURS, &large);
    let brought = bring_into(&stick, Some(CONFIGURED), &after).unwrap();
    assert!(brought.kept.contains(&OURS));
    let now = stick.names(REPORTS).unwrap();
    let gone: Vec<_> = kept.iter().filter(|name| !now.contains(name)).collect();
    assert_eq!(gone, [&Uuid::from_u128(10).to_string()]);
}

#[test]
fn report_that_the_service_had_first_takes_no_room_on_the_stick() {
    let (_folder, spools) = spools();
    store(&spools.own, OURS, b"{}");
    store(&spools.own, OTHER, b"{}");
    receipt(&spools.own, OTHER, b"{}");
    assert_eq!(spools.own.entries().unwrap()[1].state, EntryState::Sent);
    let stick = stick(8 << 20);
    let brought = bring_into(&stick, Some(CONFIGURED), &spools).unwrap();
    assert_eq!(brought.kept.into_iter().collect::<Vec<_>>(), [OURS]);
}

/// A stick that somebody filled: with reports larger than any of raz's, with signatures that are none, with
/// more than there is memory for.
#[test]
fn reports_found_on_a_stick_take_thirty_two_mebibytes_at_most() {
    const MIB: usize = 1 << 20;
    let stick = stick(96 * MIB);
    let put = |number: u128, report: usize, signature: usize, signers: usize| {
        let filled = |length: usize| vec![b' '; length];
        let (report, signature, signers) = (filled(report), filled(signature), filled(signers));
        let files: [(&str, &[u8]); 3] = [
            ("allowed_signers", &signers),
            ("report.json.sig", &signature),
            ("report.json", &report),
        ];
        let name = Uuid::from_u128(number).to_string();
        stick.put_folder(REPORTS, &name, &files).unwrap();
    };
    put(10, 17 * MIB, 300, 100);
    put(11, 2, 20 * MIB, 100);
    put(12, 12 * MIB, 300, 100);
    put(13, 15 * MIB, 300, 2 * MIB);
    put(14, 12 * MIB, 300, 100);
    put(15, 2, 300, 100);
    let (_folder, spools) = spools();
    store(&spools.own, OURS, b"{}");
    for _ in 0..2 {
        let brought = bring_into(&stick, Some(CONFIGURED), &spools).unwrap();
        assert!(brought.kept.contains(&OURS));
        assert_eq!(brought.unsent, 6);
        let found = spools.found.entries().unwrap();
        let ids: Vec<u128> = found
            .iter()
            .map(|entry| entry.report_id.as_u128())
            .collect();
        assert_eq!(ids, [12, 13, 15], "in the order of the stick, what fits");
        let bytes = |entry| {
            Spool::files(entry)
                .unwrap()
                .into_iter()
                .map(|(_, bytes)| bytes.len())
        };
        let taken: usize = found.iter().flat_map(bytes).sum();
        assert!(taken <= 32 * MIB, "{taken} bytes");
    }
}

#[test]
fn each_reason_says_to_leave_the_pc_on_in_both_languages() {
    use drive::own_stick::Unfit;
    for why in [
        NotKept::Stick(Unfit::NotNamed),
        NotKept::Stick(Unfit::Absent),
        NotKept::Stick(Unfit::Image),
        NotKept::Stick(Unfit::Several),
        NotKept::Stick(Unfit::NotUsb),
        NotKept::Stick(Unfit::Another),
        NotKept::Stick(Unfit::ReadOnly),
        NotKept::Stick(Unfit::Busy),
        NotKept::Stick(Unfit::Kernel(String::new())),
        NotKept::OtherConfiguration,
        NotKept::Volume(Error::Full { free_bytes: 0 }),
        NotKept::Volume(Error::NotRaz("")),
        NotKept::Volume(Error::Io(std::io::Error::other(""))),
        NotKept::Silent,
    ] {
        let words = why.words();
        assert!(words.english.contains("leave the PC on"), "{why:?}");
        assert!(words.french.contains("laisser le PC"), "{why:?}");
        let fits = |c: char| matches!(c, ' '..='~' | '\u{a0}'..='\u{ff}');
        assert!(
            words.french.chars().chain(words.english.chars()).all(fits),
            "{why:?}"
        );
    }
}
