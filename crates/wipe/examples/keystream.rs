//! How fast each backend computes the pattern on one core: `fill` into and `compare` with a buffer that stays
//! in the second-level cache, so that the generator is measured and not the memory. In GiB per second of
//! processor time, which other programs disturb less than they disturb the clock. The buffer is of the kind
//! that the engine uses.
//!
//! `keystream [KIB]`: the buffer, 256 KiB if not said. Rounds are interleaved over the backends; printed is
//! the median and, in brackets, the least and the greatest. A measure for people: nothing fails by a figure.

use std::error::Error;
use std::time::Instant;
use sys::aligned::AlignedBuffer;
use wipe::pattern::{Backend, Cipher, PassKey, Seed};

const ROUNDS: usize = 9;
/// The kernel counts up to a tick late: 4 ms of these.
const ROUND_SECONDS: f64 = 0.2;
const GIB: f64 = (1 << 30) as f64;

fn main() -> Result<(), Box<dyn Error>> {
    let kib: usize = std::env::args().nth(1).map_or(Ok(256), |kib| kib.parse())?;
    let load = std::fs::read_to_string("/proc/loadavg")?;
    println!("buffer {kib} KiB, load before: {}", load.trim_end());
    let mut buffer = AlignedBuffer::new(kib << 10)?;
    let seed = Seed::random()?;
    let ciphers = [Cipher::Aes128Ctr, Cipher::ChaCha8];
    let mut keys = Vec::new();
    for cipher in ciphers {
        let begun = Instant::now();
        let available = Backend::available(cipher);
        println!(
            "{}: self-test {:.1} ms; rejected: {:?}",
            cipher.name(),
            begun.elapsed().as_secs_f64() * 1e3,
            Backend::rejected(cipher)
        );
        keys.extend(
            available
                .iter()
                .map(|backend| (*backend, PassKey::derive_with(&seed, "bench", 0, *backend))),
        );
    }
    let mut fills = vec![Vec::new(); keys.len()];
    let mut compares = fills.clone();
    for _ in 0..ROUNDS {
        for (index, (_, key)) in keys.iter().enumerate() {
            fills[index].push(rate(buffer.len(), || key.fill(1 << 40, &mut buffer))?);
            let mut wrong = false;
            compares[index].push(rate(buffer.len(), || {
                wrong |= key.compare(1 << 40, &buffer).is_some();
            })?);
            if wrong {
                return Err("a backend does not find what it filled".into());
            }
        }
    }
    println!("| cipher | backend | fill GiB/CPU s | compare GiB/CPU s |");
    println!("| --- | --- | --- | --- |");
    for (index, (backend, _)) in keys.iter().enumerate() {
        let (fill, compare) = (words(&mut fills[index]), words(&mut compares[index]));
        let (cipher, name) = (backend.cipher().name(), backend.name());
        println!("| {cipher} | {name} | {fill} | {compare} |");
    }
    Ok(())
}

/// GiB of `step`, which moves `bytes`, per second on the processor.
fn rate(bytes: usize, mut step: impl FnMut()) -> Result<f64, Box<dyn Error>> {
    let begun = on_processor_seconds()?;
    let (mut done, mut seconds) = (0, 0.0);
    while seconds < ROUND_SECONDS {
        for _ in 0..64 {
            step();
            done += bytes;
        }
        seconds = on_processor_seconds()? - begun;
    }
    Ok(done as f64 / GIB / seconds)
}

/// Of this thread (`Documentation/scheduler/sched-stats.rst`).
fn on_processor_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: u64 = stat.split(' ').next().ok_or("no time")?.parse()?;
    Ok(nanoseconds as f64 / 1e9)
}

fn words(rates: &mut [f64]) -> String {
    rates.sort_by(f64::total_cmp);
    let (least, median, greatest) = (rates[0], rates[rates.len() / 2], rates[rates.len() - 1]);
    format!("{median:.1} ({least:.1}–{greatest:.1})")
}
