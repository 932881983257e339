//! The SMBIOS entry point and structure table, as firmware left them.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &[u8])| {
    let (entry, table) = input;
    let _ = machine::parts::smbios::parse(entry, table);
});
