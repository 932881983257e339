//! EDID, as a screen left it.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = machine::parts::edid::parse(bytes);
    // With the header, which is otherwise the first thing to be found.
    let headed = [&[0, 255, 255, 255, 255, 255, 255, 0], bytes].concat();
    let _ = machine::parts::edid::parse(&headed);
});
