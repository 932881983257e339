//! `ram MIB`: how fast the sweeps of the memory test are beside plain loops over the same memory, one after the
//! other in one run, with all cores at once. Prints GiB of memory swept in a second of one core's own time, as
//! JSON, because a machine that others use too says little by the clock; `cargo xtask bench --only ram` reads it.
//! Then the quick list over as much memory, in seconds by the clock.

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use machine::Roots;
use machine::check::memory::cells::{MainMemory, SystemClock};
use machine::check::memory::pattern::{Pattern, Words};
use machine::check::memory::schedule::{Depth, Step};
use machine::check::memory::sweep::Sweep;
use machine::check::memory::{Request, run};
use sys::memory::{Chunk, Direction, Grain, Instructions, PAGE_BYTES};

/// A sweep over a chunk whose pages have these numbers.
type Job<'a> = &'a (dyn Fn(&mut Chunk, &[u64]) + Sync);

fn main() {
    let mib = std::env::args().nth(1).and_then(|mib| mib.parse().ok());
    let Some(mib) = mib.filter(|mib: &usize| *mib >= 64) else {
        eprintln!("usage: ram MIB, at least 64");
        std::process::exit(2);
    };
    let cores = sys::cpu::usable().expect("cores");
    let pages = (mib << 20) / PAGE_BYTES / cores.len() / 512 * 512;
    let instructions = Instructions::widest();
    let mut chunks: Vec<Chunk> = cores
        .iter()
        .map(|_| Chunk::new(pages, Grain::Huge, instructions).expect("memory"))
        .collect();
    let gib = (pages * PAGE_BYTES * cores.len()) as f64 / f64::from(1 << 30);

    let random = Pattern::new(Words::Random(7));
    let sweep = |step| Sweep::of(&step).expect("a sweep");
    let fill = sweep(Step::Fill(random));
    let check = sweep(Step::Check(random));
    let up = sweep(Step::Replace(random, random.complement(), Direction::Up));
    let down = sweep(Step::Replace(random.complement(), random, Direction::Down));
    let over = |sweep: &Sweep, chunk: &mut Chunk, numbers: &[u64]| {
        sweep.over(chunk, numbers, &|| false, &mut |difference| {
            panic!("memory is bad: {difference:x?}")
        });
    };
    let jobs: [(&str, Job); 7] = [
        ("plain_write", &|chunk, _| {
            chunk.words_mut().fill(black_box(0x5555));
        }),
        ("plain_read", &|chunk, _| {
            let words = chunk.words_mut().iter();
            black_box(words.fold(0, |sum: u64, word| sum.wrapping_add(*word)));
        }),
        ("plain_read_write", &|chunk, _| {
            let words = chunk.words_mut();
            words.iter_mut().for_each(|word| *word = !*word);
            black_box(words);
        }),
        ("fill", &|chunk, numbers| over(&fill, chunk, numbers)),
        ("check", &|chunk, numbers| over(&check, chunk, numbers)),
        ("replace_up", &|chunk, numbers| over(&up, chunk, numbers)),
        ("replace_down", &|chunk, numbers| {
            over(&down, chunk, numbers)
        }),
    ];
    let mut said = jobs.map(|(name, job)| {
        let seconds = together(&mut chunks, &cores, job);
        format!("\"{name}\": {:.3}", gib / seconds)
    });
    said.sort();
    drop(chunks);

    let roots = Roots::live();
    let outcome = run(
        &MainMemory::new(roots.clone()),
        &roots,
        &SystemClock::start(),
        &Request {
            depth: Depth::Quick,
            time_max: Duration::MAX,
            repeat: false,
            fade: None,
            cores: &cores,
            memory_max_bytes: Some((mib as u64) << 20),
            reserve_bytes: 0,
            seed: 1,
            stop: &AtomicBool::new(false),
        },
        &mut |_| {},
    );
    assert!(outcome.is_complete() && outcome.errors == 0, "{outcome:?}");
    println!(
        "{{\"instructions\": \"{}\", \"cores\": {}, \"mib\": {mib}, {}, \"list_seconds\": {:.3}, \"list_sweeps\": {}, \"list_gib\": {:.3}}}",
        instructions.name(),
        cores.len(),
        said.join(", "),
        outcome.elapsed.as_secs_f64(),
        outcome.sweeps,
        outcome.swept_bytes as f64 / f64::from(1 << 30),
    );
}

/// Seconds of processor time, of all cores together.
fn together(chunks: &mut [Chunk], cores: &[usize], job: Job<'_>) -> f64 {
    let barrier = Barrier::new(chunks.len());
    std::thread::scope(|scope| {
        let workers: Vec<_> = chunks
            .iter_mut()
            .zip(cores)
            .map(|(chunk, core)| {
                let barrier = &barrier;
                scope.spawn(move || {
                    sys::cpu::pin(*core).expect("a core");
                    let numbers: Vec<u64> = (0..chunk.pages() as u64).collect();
                    barrier.wait();
                    let began = processor_seconds();
                    job(chunk, &numbers);
                    processor_seconds() - began
                })
            })
            .collect();
        let all = workers.into_iter().map(|worker| worker.join());
        all.map(|seconds| seconds.expect("a sweep")).sum()
    })
}

/// Of this thread (Documentation/scheduler/sched-stats.rst: the first number, in nanoseconds).
fn processor_seconds() -> f64 {
    // The kernel brings the figure up to date when the thread gives the processor away.
    std::thread::sleep(Duration::from_micros(1));
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("schedstat");
    let nanoseconds = text.split_whitespace().next().expect("a number");
    nanoseconds.parse::<f64>().expect("a number") / 1e9
}
