//! TCG Level 0 discovery, as a drive answers it.

#![no_main]

use drive::tcg::Discovery;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (feature, data) = input;
    let _ = Discovery::parse(data);
    // A whole header and a first descriptor, so that short inputs reach what is behind them.
    let mut answer = vec![0; 48];
    answer[2..4].copy_from_slice(&[0x02, 0x00]);
    answer.extend([0x00, feature]);
    answer.extend(data);
    let found = Discovery::parse(&answer).expect("a header");
    let _ = found.locking.map(|locking| locking.hides_medium());
});
