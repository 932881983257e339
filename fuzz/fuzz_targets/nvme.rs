//! NVMe answers: identify data, namespace lists, the SMART, sanitize and event logs.

#![no_main]

use drive::health::Health;
use drive::nvme::event_log::SanitizeEvents;
use drive::nvme::identify::namespace_list;
use drive::nvme::log::{SanitizeLog, SmartLog};
use drive::nvme::{Controller, Namespace};
use libfuzzer_sys::fuzz_target;

/// An identify page, the longest answer. The fuzzer's inputs are short, a controller's are whole.
const PAGE_BYTES: usize = 4096;

fuzz_target!(|input: (u16, &[u8])| {
    let (at, data) = input;
    let mut page = vec![0; PAGE_BYTES];
    let at = usize::from(at) % PAGE_BYTES;
    let len = data.len().min(PAGE_BYTES - at);
    page[at..at + len].copy_from_slice(&data[..len]);
    for data in [data, &page] {
        let _ = Controller::parse(data);
        let namespace = Namespace::parse(data);
        let _ = (namespace.size_bytes(), namespace_list(data));
        let _ = SanitizeLog::parse(data);
        let _ = SanitizeEvents::parse(data);
        let _ = SmartLog::parse(data).map(|log| Health::from_nvme(&log));
    }
});
