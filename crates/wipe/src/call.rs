//! One kernel call that may block for ever, on a thread of its own that nothing joins.
//!
//! The caller polls; when its patience ends it drops the [`Call`] and the thread is left behind
//! with what it holds. That is the price of never hanging on a sick drive.

use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

/// A call under way.
pub(crate) struct Call<T> {
    answer: Receiver<T>,
    since: Instant,
    bound: Duration,
}

/// Where a call stands.
pub(crate) enum Answer<T> {
    /// Still under way.
    Pending,
    /// Its answer.
    Ready(T),
    /// Its bound has passed.
    Overdue,
    /// It ended without an answer: the thread could not start or panicked.
    Lost,
}

impl<T: Send + 'static> Call<T> {
    /// Starts `function`, to be answered within `bound` of `now`.
    pub(crate) fn start(
        bound: Duration,
        now: Instant,
        function: impl FnOnce() -> T + Send + 'static,
    ) -> Self {
        let (sender, answer) = channel();
        let thread = std::thread::Builder::new().name("raz-call".into());
        // A thread that cannot start drops the sender, which the poll reports as lost. A receiver
        // that is gone means that nobody waits any more.
        let _ = thread.spawn(move || sender.send(function()));
        Self {
            answer,
            since: now,
            bound,
        }
    }

    /// Looks without waiting.
    pub(crate) fn poll(&self, now: Instant) -> Answer<T> {
        match self.answer.try_recv() {
            Ok(answer) => Answer::Ready(answer),
            Err(TryRecvError::Disconnected) => Answer::Lost,
            Err(TryRecvError::Empty) if now.duration_since(self.since) >= self.bound => {
                Answer::Overdue
            }
            Err(TryRecvError::Empty) => Answer::Pending,
        }
    }

    /// The patience for this call.
    pub(crate) fn bound(&self) -> Duration {
        self.bound
    }

    /// How long it has been under way.
    pub(crate) fn age(&self, now: Instant) -> Duration {
        now.duration_since(self.since)
    }
}
