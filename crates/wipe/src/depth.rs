//! How many requests a drive is given at once: found by trying, within what memory allows.
//!
//! A device as fast as memory wants few, because every buffer more that travels is one more that
//! falls out of the processor's cache; a drive with queues and chips of its own wants many. No
//! limit of the kernel's tells the two apart, so the lane begins with few and doubles them for as
//! long as that makes the drive faster. It asks again now and then: a drive's fast cache is full
//! some time.

use std::time::{Duration, Instant};

/// One request travels while the next one is made.
const LEAST: usize = 2;

/// What is measured is so many requests, and takes so long: much more than one answer.
const WINDOW_REQUESTS: usize = 16;
const WINDOW: Duration = Duration::from_millis(10);

/// A deeper queue is kept when it is faster by so much. Half of it would be noise, and depth is
/// not free.
const GAIN: f64 = 1.05;

/// So long a depth is kept before it is asked for again. A trial takes a few windows.
const KEPT: Duration = Duration::from_secs(60);

/// The depth of one phase of one drive.
#[derive(Debug)]
pub(crate) struct Depth {
    allowed: usize,
    most: usize,
    state: State,
    window: Option<Window>,
    /// Answers to requests of an earlier depth that are still to come.
    stale: usize,
}

#[derive(Debug)]
enum State {
    /// Climbing, from a depth that gave so many bytes a second, if there was one.
    Trying { shallower: Option<f64> },
    /// Found.
    Kept { since: Instant },
}

#[derive(Debug)]
struct Window {
    began: Instant,
    requests: usize,
    bytes: u64,
}

impl Depth {
    /// Nothing known yet; never more than `most`.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            allowed: LEAST.min(most),
            most,
            state: State::Trying { shallower: None },
            window: None,
            stale: 0,
        }
    }

    /// Requests that may be in flight now.
    pub(crate) fn allowed(&self) -> usize {
        self.allowed
    }

    /// A request was answered.
    pub(crate) fn answered(&mut self, bytes: u64, now: Instant) {
        if let State::Kept { since } = self.state {
            if now.duration_since(since) >= KEPT {
                self.state = State::Trying { shallower: None };
                self.change(LEAST.max(self.allowed / 2));
            }
            return;
        }
        if self.stale > 0 {
            self.stale -= 1;
            return;
        }
        // The answer that opens the window was under way before it.
        let Some(window) = &mut self.window else {
            self.window = Some(Window {
                began: now,
                requests: 0,
                bytes: 0,
            });
            return;
        };
        window.requests += 1;
        window.bytes += bytes;
        let took = now.duration_since(window.began);
        if window.requests >= WINDOW_REQUESTS && took >= WINDOW {
            let rate = window.bytes as f64 / took.as_secs_f64();
            self.measured(rate, now);
        }
    }

    fn measured(&mut self, rate: f64, now: Instant) {
        let State::Trying { shallower } = self.state else {
            return;
        };
        let pays = shallower.is_none_or(|shallower| rate >= shallower * GAIN);
        if !pays {
            self.state = State::Kept { since: now };
            self.change(LEAST.max(self.allowed / 2));
        } else if self.allowed < self.most {
            let shallower = Some(rate);
            self.state = State::Trying { shallower };
            self.change((self.allowed * 2).min(self.most));
        } else {
            self.state = State::Kept { since: now };
        }
    }

    fn change(&mut self, depth: usize) {
        self.stale = self.allowed.max(depth);
        self.allowed = depth.min(self.most);
        self.window = None;
    }
}

#[cfg(test)]
mod tests {
    use super::{Depth, Duration, Instant, KEPT};

    const REQUEST: u64 = 1 << 20;

    /// Lets a drive answer, `per_second(depth)` requests a second, for so long.
    fn run(
        depth: &mut Depth,
        now: &mut Instant,
        seconds: f64,
        per_second: impl Fn(usize) -> f64,
    ) -> Vec<usize> {
        let end = *now + Duration::from_secs_f64(seconds);
        let mut seen = Vec::new();
        while *now < end {
            *now += Duration::from_secs_f64(per_second(depth.allowed()).recip());
            depth.answered(REQUEST, *now);
            seen.push(depth.allowed());
        }
        seen.dedup();
        seen
    }

    #[test]
    fn drive_with_queues_of_its_own_gets_all_that_makes_it_faster() {
        let (mut depth, mut now) = (Depth::new(8), Instant::now());
        let seen = run(&mut depth, &mut now, 2.0, |depth| 300.0 * depth as f64);
        assert_eq!(seen, [2, 4, 8]);
    }

    #[test]
    fn drive_that_gains_nothing_or_loses_is_back_at_few_within_the_first_second() {
        for rate in [|_| 1000.0, |depth| 2000.0 / depth as f64] {
            let (mut depth, mut now) = (Depth::new(8), Instant::now());
            let seen = run(&mut depth, &mut now, 1.0, rate);
            assert_eq!(seen, [2, 4, 2]);
        }
    }

    #[test]
    fn drive_that_changes_is_asked_again_both_ways() {
        let (mut depth, mut now) = (Depth::new(8), Instant::now());
        run(&mut depth, &mut now, 2.0, |depth| 300.0 * depth as f64);
        assert_eq!(depth.allowed(), 8);
        // Its cache is full: nothing helps.
        let minutes = 4.0 * KEPT.as_secs_f64();
        run(&mut depth, &mut now, minutes, |_| 400.0);
        assert_eq!(depth.allowed(), 2);
        run(&mut depth, &mut now, minutes, |depth| 300.0 * depth as f64);
        assert_eq!(depth.allowed(), 8);
    }

    #[test]
    fn memory_is_the_limit_also_below_the_least() {
        for most in [1, 2, 3] {
            let (mut depth, mut now) = (Depth::new(most), Instant::now());
            let seen = run(&mut depth, &mut now, 200.0, |depth| 300.0 * depth as f64);
            assert_eq!(seen.last(), Some(&most));
            assert!(seen.iter().all(|seen| *seen <= most), "{seen:?}");
        }
    }
}
