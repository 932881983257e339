//! A ledger's document is read back whole or not at all.

use proptest::prelude::{any, prop_assert_eq, proptest};
use report::ledger::{BYTES_MAX, Ledger, NoLedger, SCHEMA, key};
use report::schema::{PassKind, RANGES_COUNTED_MAX};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn ledger() -> Ledger {
    Ledger {
        schema: SCHEMA.into(),
        sequence: 7,
        identity: "serial=WD-WCC4N1234567;world_wide=wwn-50014ee2b1234567;area=".into(),
        capacity_bytes: 1_000_204_886_016,
        logical_sector_bytes: 512,
        derivation: "raz 2026-11 position-keyed pattern v1".into(),
        seed: "5e".repeat(32),
        cipher: "aes-128-ctr".into(),
        passes: vec![PassKind::Pattern, PassKind::Zero],
        begun: "2026-11-26T22:00:00Z".into(),
        runs_before: 2,
        mark_bytes: 5_000_000_512,
        holes: vec![[512, 1024], [4096, 8192]],
    }
}

/// A document of any JSON, with the digest that belongs to it.
fn sealed(json: &str) -> Vec<u8> {
    let mut text = format!("{json}\n");
    let digest = hex::encode(Sha256::digest(&text));
    text.push_str(&digest);
    text.push('\n');
    text.into_bytes()
}

fn changed(field: &str, value: Value) -> Result<Ledger, NoLedger> {
    let mut json = serde_json::to_value(ledger()).unwrap();
    json[field] = value;
    // The word comes first, as it does in what is written.
    let mut rest = json.as_object().unwrap().clone();
    let schema = rest.remove("schema").unwrap();
    let rest = serde_json::to_string(&rest).unwrap();
    let text = format!("{{\"schema\":{schema},{}", rest.strip_prefix('{').unwrap());
    Ledger::parse(&sealed(&text))
}

#[test]
fn document_is_read_back_as_it_was() {
    let bytes = ledger().to_bytes().unwrap();
    assert_eq!(Ledger::parse(&bytes), Ok(ledger()));
    // Any sha256sum agrees.
    let line = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let digest = hex::encode(Sha256::digest(&bytes[..line]));
    assert_eq!(bytes[line..], *format!("{digest}\n").as_bytes());
    assert_eq!(changed("sequence", json!(7)), Ok(ledger()));
}

#[test]
fn document_that_was_cut_anywhere_is_none_and_known_as_torn() {
    let bytes = ledger().to_bytes().unwrap();
    let mut older = ledger();
    older.sequence = 6;
    older.holes = vec![[0, 512]; 9];
    let before = older.to_bytes().unwrap();
    for cut in 0..bytes.len() {
        assert_eq!(Ledger::parse(&bytes[..cut]), Err(NoLedger::Torn), "{cut}");
        // Over the one that was there, or over blocks that never came to the medium.
        let mut over = before.clone();
        over[..cut].copy_from_slice(&bytes[..cut]);
        let found = Ledger::parse(&over);
        let whole = over == before;
        assert_eq!(found.is_ok(), whole, "{cut}");
        assert!(whole || found == Err(NoLedger::Torn), "{cut}: {found:?}");
        let mut zeros = bytes.clone();
        zeros[cut..].fill(0);
        assert_eq!(Ledger::parse(&zeros), Err(NoLedger::Torn), "{cut}");
    }
    for more in [&b"\n"[..], b"0", &bytes] {
        let longer = [&bytes, more].concat();
        assert_eq!(Ledger::parse(&longer), Err(NoLedger::Torn));
    }
    assert_eq!(Ledger::parse(&[0; 4096]), Err(NoLedger::Torn));
}

#[test]
fn document_with_one_flipped_bit_is_none() {
    let bytes = ledger().to_bytes().unwrap();
    for index in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[index] ^= 1 << bit;
            let found = Ledger::parse(&flipped);
            assert!(found.is_err(), "byte {index}, bit {bit}: {found:?}");
        }
    }
}

#[test]
fn what_others_wrote_is_told_from_what_was_torn() {
    for foreign in ["a letter", "{}", "{\"schema\":\"raz-ledger@v2\"", "\n"] {
        let found = Ledger::parse(foreign.as_bytes());
        assert_eq!(found, Err(NoLedger::Foreign), "{foreign:?}");
    }
    let newer = sealed(r#"{"schema":"raz-ledger@v2","drives":[]}"#);
    let other = NoLedger::OtherSchema("raz-ledger@v2".into());
    assert_eq!(Ledger::parse(&newer), Err(other));
}

#[test]
fn document_that_no_run_writes_is_malformed_though_its_digest_holds() {
    let holes = json!(vec![[0, 1]; RANGES_COUNTED_MAX + 1]);
    for (field, value) in [
        ("sequence", json!(u64::MAX)),
        ("sequence", json!(-1)),
        ("seed", json!("5E".repeat(32))),
        ("seed", json!("5e".repeat(31))),
        ("seed", json!("é".repeat(32))),
        ("passes", json!([])),
        ("passes", json!(["purge"])),
        ("passes", json!(vec!["zero"; 17])),
        ("begun", json!("yesterday")),
        ("runs_before", json!(u64::MAX)),
        ("holes", json!([[1, 2, 3]])),
        ("holes", holes),
        ("more", json!(1)),
        ("identity", json!("x".repeat(BYTES_MAX))),
    ] {
        let found = changed(field, value.clone());
        let is_malformed = matches!(found, Err(NoLedger::Malformed(_)));
        assert!(is_malformed, "{field} {value}: {found:?}");
    }
    let found = Ledger::parse(&vec![b'['; BYTES_MAX + 1]);
    assert!(matches!(found, Err(NoLedger::Malformed(_))), "{found:?}");
    let deep = sealed(&"[".repeat(BYTES_MAX / 2));
    assert!(matches!(Ledger::parse(&deep), Err(NoLedger::Malformed(_))));
}

#[test]
fn ledger_that_could_not_be_read_back_is_not_written() {
    let mut most = ledger();
    most.mark_bytes = u64::MAX;
    most.holes = vec![[u64::MAX - 1, u64::MAX]; RANGES_COUNTED_MAX];
    let bytes = most.to_bytes().unwrap();
    assert_eq!(Ledger::parse(&bytes).as_ref(), Ok(&most));
    most.holes.push([0, 1]);
    assert!(most.to_bytes().is_err());
    let mut long = ledger();
    long.identity = "x".repeat(BYTES_MAX);
    assert!(long.to_bytes().is_err());
}

#[test]
fn name_of_a_ledger_holds_no_serial_and_is_the_drives_own() {
    let identity = ledger().identity;
    let name = key(&identity);
    assert_eq!(name.len(), 64);
    assert!(name.chars().all(|c| c.is_ascii_hexdigit()));
    assert_eq!(name, key(&identity));
    assert_ne!(name, key("serial=WD-WCC4N1234568;world_wide=;area="));
    // As anybody computes it.
    let plain = Sha256::digest(format!("raz-ledger@v1\0{identity}"));
    assert_eq!(name, hex::encode(plain));
}

proptest! {
    #[test]
    fn any_bytes_are_a_document_or_a_reason(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert_eq!(Ledger::parse(&bytes).is_ok(), false);
        let text = String::from_utf8_lossy(&bytes);
        let _ = Ledger::parse(&sealed(&text));
        let _ = Ledger::parse(&sealed(&format!("{{\"schema\":\"raz-ledger@v1\",{text}")));
    }
}
