//! The EXT_CSD register of an eMMC, as `discover` reads it. The kernel decodes CID and CSD itself.

#![no_main]

use drive::health::Health;
use drive::mmc::ExtCsd;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut register = data.to_vec();
    register.resize(512, 0);
    for data in [data, &register] {
        let _ = ExtCsd::parse(data).map(|register| {
            let _ = register.life_time.map(|life| life.percent_at_least());
            Health::from_mmc(&register)
        });
    }
});
