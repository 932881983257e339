//! The ledger of an erasure, which lies on a stick or comes over the network, and which nobody
//! signs: the bytes as they are, and as the contents of a document whose digest holds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use report::ledger::{BYTES_MAX, Ledger};
use sha2::{Digest, Sha256};

fn read(bytes: &[u8]) {
    if let Ok(ledger) = Ledger::parse(bytes) {
        assert!(bytes.len() <= BYTES_MAX, "longer than any ledger");
        let again = ledger.to_bytes().expect("what was read can be written");
        assert_eq!(Ledger::parse(&again), Ok(ledger), "another ledger");
    }
}

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    let mut sealed = bytes.to_vec();
    sealed.push(b'\n');
    let digest: String = Sha256::digest(&sealed)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    sealed.extend_from_slice(digest.as_bytes());
    sealed.push(b'\n');
    read(&sealed);
});
