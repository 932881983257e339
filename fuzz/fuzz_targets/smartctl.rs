//! What smartctl printed of a drive, of any version and shape.

#![no_main]

use drive::health::Smartctl;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(json) = serde_json::from_slice(bytes) else {
        return;
    };
    let _ = Smartctl::parse(&json).map(|drive| drive.health.says_failing());
});
