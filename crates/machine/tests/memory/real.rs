//! The real memory of the machine that runs the tests: a little of it, with all cores.

use std::time::Duration;

use machine::Roots;
use machine::check::memory::cells::{MainMemory, SystemClock};
use machine::check::memory::schedule::Test;
use machine::check::memory::{NotDone, Request, run};

use super::request;

#[test]
fn real_memory_is_gone_through_without_errors_and_its_frames_are_counted() {
    let roots = Roots::live();
    let cores = sys::cpu::usable().unwrap();
    let wanted = 32 << 20;
    let outcome = run(
        &MainMemory::new(roots.clone()),
        &roots,
        &SystemClock::start(),
        &Request {
            cores: &cores,
            memory_max_bytes: Some(wanted),
            fade: Some(Duration::from_millis(1)),
            ..request()
        },
        &mut |_| {},
    );
    assert_eq!((outcome.errors, outcome.bad.len()), (0, 0), "{outcome:?}");
    assert!(outcome.held_bytes_max <= wanted && outcome.held_bytes_max > 0);
    let done: Vec<Test> = outcome.tests.iter().map(|(test, ..)| *test).collect();
    assert_eq!(done, Test::ALL);
    // 66 sweeps, sixteen of them in parts that add up to eight.
    assert!(outcome.swept_bytes > 50 * outcome.held_bytes_max);
    match outcome.coverage {
        Some(coverage) => {
            assert!(coverage.reached_bytes <= outcome.held_bytes_max);
            assert!(coverage.percent() > 0.0 && coverage.percent() < 100.0);
        }
        // Not root.
        None => assert!(
            outcome.not_done.contains(&NotDone::FramesUnknown)
                || outcome.not_done.contains(&NotDone::MemoryMapUnknown)
        ),
    }
}
