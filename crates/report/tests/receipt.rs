//! The receipt chain: what is removed, changed, moved or put in shows, at its place.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use report::api::{Imported, NAMESPACE_RECEIPT, NAMESPACE_REPORT, SignedReceipt};
use report::receipt::{
    Chain, Link, ReceiptError, issue, open, open_for_report, sha256_hex, verify_chain,
};
use report::sign::StationKey;
use uuid::Uuid;

fn chain_of(key: &StationKey, length: u64) -> Vec<SignedReceipt> {
    let mut last = Link::start();
    let received = "2026-03-14T10:00:00Z".parse().unwrap();
    (1..=length)
        .map(|number| {
            let id = Uuid::from_u128(u128::from(number));
            let report = format!("report {number}");
            let (receipt, signed) = issue(
                key,
                &last,
                id,
                report.as_bytes(),
                "SHA256:station",
                received,
                None,
            )
            .unwrap();
            assert_eq!(receipt.number, number);
            last = Link::after(number, &STANDARD.decode(&signed.bytes_base64).unwrap());
            signed
        })
        .collect()
}

#[test]
fn whole_chain_verifies() {
    let key = StationKey::generate().unwrap();
    let receipts = chain_of(&key, 5);
    verify_chain(&receipts, key.public()).unwrap();
    verify_chain(&[], key.public()).unwrap();
    let (first, bytes) = open(&receipts[0], key.public()).unwrap();
    assert_eq!(first.previous_sha256, "0".repeat(64));
    assert_eq!(first.received, "2026-03-14T10:00:00Z");
    let (second, _) = open(&receipts[1], key.public()).unwrap();
    assert_eq!(second.previous_sha256, sha256_hex(&bytes));
}

#[test]
fn removed_swapped_and_repeated_receipts_show_at_their_place() {
    let key = StationKey::generate().unwrap();
    let receipts = chain_of(&key, 5);
    let broken_at = |list: &[SignedReceipt]| verify_chain(list, key.public()).unwrap_err().number;

    let mut removed = receipts.clone();
    removed.remove(2);
    assert_eq!(broken_at(&removed), 3);
    let mut swapped = receipts.clone();
    swapped.swap(1, 2);
    assert_eq!(broken_at(&swapped), 2);
    let mut repeated = receipts.clone();
    repeated.insert(4, receipts[3].clone());
    assert_eq!(broken_at(&repeated), 5);
    assert_eq!(broken_at(&receipts[1..]), 1);
}

#[test]
fn receipt_put_in_by_the_service_itself_later_breaks_the_link() {
    let key = StationKey::generate().unwrap();
    let mut receipts = chain_of(&key, 3);
    let mut chain = Chain::new(key.public().clone());
    chain.push(&receipts[0]).unwrap();
    let received = "2020-01-01T00:00:00Z".parse().unwrap();
    let id = Uuid::from_u128(9);
    receipts[1] = issue(&key, chain.last(), id, b"other", "SHA256:x", received, None)
        .unwrap()
        .1;
    let error = verify_chain(&receipts, key.public()).unwrap_err();
    assert_eq!(error.number, 3);
    assert!(matches!(error.why, ReceiptError::Chain(_)), "{error:?}");
}

#[test]
fn receipt_says_who_brought_an_imported_report_and_nothing_of_one_that_was_sent() {
    let key = StationKey::generate().unwrap();
    let text = |imported| {
        let received = "2026-03-14T10:00:00Z".parse().unwrap();
        let id = Uuid::from_u128(1);
        let signed = issue(
            &key,
            &Link::start(),
            id,
            b"r",
            "SHA256:x",
            received,
            imported,
        );
        let (receipt, bytes) = open(&signed.unwrap().1, key.public()).unwrap();
        (receipt.imported, String::from_utf8(bytes).unwrap())
    };
    let (sent, bytes) = text(None);
    assert!(sent.is_none() && !bytes.contains("imported"), "{bytes}");
    let by = Imported::new("Camille".into(), None);
    let (read, bytes) = text(Some(by.clone()));
    assert_eq!(read.as_deref(), Some(&by));
    let said = r#""imported":{"by":"Camille","station":"not known to the service when the report was made"}"#;
    assert!(bytes.contains(said), "{bytes}");
}

#[test]
fn changed_bytes_other_key_and_other_namespace_are_refused() {
    let key = StationKey::generate().unwrap();
    let other = StationKey::generate().unwrap();
    let receipts = chain_of(&key, 1);
    assert!(matches!(
        open(&receipts[0], other.public()),
        Err(ReceiptError::Signature(_))
    ));

    let bytes = STANDARD.decode(&receipts[0].bytes_base64).unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let signed = SignedReceipt {
            bytes_base64: STANDARD.encode(changed),
            signature: receipts[0].signature.clone(),
        };
        assert!(open(&signed, key.public()).is_err(), "byte {at}");
    }
    let signed = SignedReceipt {
        bytes_base64: receipts[0].bytes_base64.clone(),
        signature: key.sign(NAMESPACE_REPORT, &bytes).unwrap(),
    };
    assert!(matches!(
        open(&signed, key.public()),
        Err(ReceiptError::Signature(_))
    ));
    let signed = SignedReceipt {
        bytes_base64: STANDARD.encode(b"{}"),
        signature: key.sign(NAMESPACE_RECEIPT, b"{}").unwrap(),
    };
    assert!(matches!(
        open(&signed, key.public()),
        Err(ReceiptError::Schema(_))
    ));
}

#[test]
fn receipt_for_another_report_is_refused() {
    let key = StationKey::generate().unwrap();
    let receipts = chain_of(&key, 1);
    let id = Uuid::from_u128(1);
    open_for_report(&receipts[0], key.public(), id, b"report 1").unwrap();
    let other = open_for_report(&receipts[0], key.public(), id, b"report 2");
    assert!(
        matches!(other, Err(ReceiptError::OtherReport(_))),
        "{other:?}"
    );
    let other = open_for_report(&receipts[0], key.public(), Uuid::from_u128(2), b"report 1");
    assert!(
        matches!(other, Err(ReceiptError::OtherReport(_))),
        "{other:?}"
    );
}
