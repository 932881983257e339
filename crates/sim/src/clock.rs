//! The time that the models go by.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A clock. Clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    /// Nanoseconds, set by the test.
    ByHand(Arc<AtomicU64>),
    Host(Instant),
}

impl Clock {
    /// A clock that stands still until it is advanced: hours pass in no time.
    #[must_use]
    pub fn by_hand() -> Self {
        Self(Source::ByHand(Arc::default()))
    }

    /// The host's clock, for models that a real kernel speaks to.
    #[must_use]
    pub fn of_host() -> Self {
        Self(Source::Host(Instant::now()))
    }

    /// Time since the clock was made.
    #[must_use]
    pub fn now(&self) -> Duration {
        match &self.0 {
            Source::ByHand(nanoseconds) => {
                Duration::from_nanos(nanoseconds.load(Ordering::Acquire))
            }
            Source::Host(start) => start.elapsed(),
        }
    }

    /// Lets time pass.
    ///
    /// # Panics
    /// On the host's clock, which nobody can push.
    pub fn advance(&self, by: Duration) {
        match &self.0 {
            Source::ByHand(nanoseconds) => {
                let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
                nanoseconds.fetch_add(by, Ordering::AcqRel);
            }
            Source::Host(_) => panic!("the host's clock cannot be advanced"),
        }
    }

    /// Something takes this long while everybody waits for it: a clock by hand is advanced, the
    /// host's is waited for.
    pub fn pass(&self, duration: Duration) {
        match &self.0 {
            Source::ByHand(_) => self.advance(duration),
            Source::Host(_) => std::thread::sleep(duration),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;
    use std::time::Duration;

    #[test]
    fn clock_by_hand_stands_until_it_is_advanced_and_clones_follow() {
        let clock = Clock::by_hand();
        let other = clock.clone();
        assert_eq!(other.now(), Duration::ZERO);
        clock.advance(Duration::from_secs(7200));
        assert_eq!(other.now(), Duration::from_secs(7200));
    }
}
