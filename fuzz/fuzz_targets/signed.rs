//! What comes over the network and is read before anybody is trusted: SSHSIG armour, public keys,
//! receipts and reports.

#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use report::api::{NAMESPACE_RECEIPT, SignedReceipt};
use report::receipt::{Chain, open, open_for_report};
use report::schema::Report;
use report::sign::{PublicKey, StationKey, rearmor, signer, verify};
use uuid::Uuid;

/// A service's key of this run: what is behind the signature check is reached with it.
static KEY: LazyLock<StationKey> = LazyLock::new(|| StationKey::generate().expect("random bytes"));

/// The bytes in an SSHSIG's armour.
fn armored(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let mut lines = vec!["-----BEGIN SSH SIGNATURE-----"];
    let wrapped: Vec<String> = text
        .as_bytes()
        .chunks(70)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    lines.extend(wrapped.iter().map(String::as_str));
    lines.extend(["-----END SSH SIGNATURE-----", ""]);
    lines.join("\n")
}

fn signatures(text: &str, bytes: &[u8]) {
    assert!(
        verify(KEY.public(), NAMESPACE_RECEIPT, bytes, text).is_err(),
        "a signature of nobody holds"
    );
    if let Ok(key) = signer(text) {
        let again = rearmor(text).expect("what was read can be written");
        assert_eq!(
            signer(&again).ok(),
            Some(key),
            "another armour, another key"
        );
    }
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    signatures(&text, bytes);
    signatures(&armored(bytes), bytes);
    if let Ok(key) = PublicKey::parse_line(&text) {
        assert_eq!(PublicKey::parse_line(&key.line("")).ok(), Some(key));
    }
    let _ = StationKey::from_openssh(&text);

    let forged = SignedReceipt {
        bytes_base64: text.clone().into_owned(),
        signature: armored(bytes),
    };
    assert!(
        open(&forged, KEY.public()).is_err(),
        "a receipt of nobody holds"
    );
    // Signing is slow; what is not JSON at all is refused the same way each time.
    if serde_json::from_slice::<serde_json::Value>(bytes).is_ok() {
        let signed = SignedReceipt {
            bytes_base64: STANDARD.encode(bytes),
            signature: KEY.sign(NAMESPACE_RECEIPT, bytes).expect("signing"),
        };
        let _ = open(&signed, KEY.public());
        let _ = open_for_report(&signed, KEY.public(), Uuid::nil(), bytes);
        let _ = Chain::new(KEY.public().clone()).push(&signed);
    }

    if let Ok(report) = serde_json::from_slice::<Report>(bytes) {
        let again = serde_json::to_vec(&report).expect("a report is JSON");
        assert!(serde_json::from_slice::<Report>(&again).is_ok());
    }
});
