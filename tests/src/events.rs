//! The session's JSON events, as the virtio-serial port `raz.events` brings them.

use std::time::Duration;

use anyhow::Context;
use report::event::{Event, Line};

use crate::stream::Stream;

/// Name of the port inside the machine (`raz.events=raz.events`).
pub const PORT: &str = "raz.events";

/// The events of one machine.
#[derive(Debug)]
pub struct Events {
    stream: Stream,
}

impl Events {
    /// Reads events from a wire.
    #[must_use]
    pub fn new(stream: Stream) -> Self {
        Self { stream }
    }

    /// All complete events so far.
    ///
    /// # Errors
    /// A line that is no event of the published form.
    pub fn so_far(&self) -> anyhow::Result<Vec<Line>> {
        lines(self.stream.text().as_bytes())
    }

    /// How many there were so far: what [`Self::wait_after`] takes.
    ///
    /// # Errors
    /// As [`Self::so_far`].
    pub fn count(&self) -> anyhow::Result<usize> {
        Ok(self.so_far()?.len())
    }

    /// As [`Self::wait_for`], not among the first `seen` events: for what happens more than once.
    ///
    /// # Errors
    /// As [`Self::wait_for`].
    pub fn wait_after<T>(
        &self,
        seen: usize,
        what: &str,
        patience: Duration,
        mut pick: impl FnMut(&Event) -> Option<T>,
    ) -> anyhow::Result<T> {
        self.stream
            .wait(what, patience, |bytes| match lines(bytes) {
                Ok(lines) => lines
                    .iter()
                    .skip(seen)
                    .find_map(|line| pick(&line.event))
                    .map(Ok),
                Err(error) => Some(Err(error)),
            })?
    }

    /// Waits until the session says, after the first `seen` events, that it waits, for a reason
    /// that holds this piece of text; gives the reason back.
    ///
    /// # Errors
    /// As [`Self::wait_for`].
    pub fn wait_for_reason(
        &self,
        seen: usize,
        piece: &str,
        patience: Duration,
    ) -> anyhow::Result<String> {
        self.wait_after(
            seen,
            &format!("waiting for {piece:?}"),
            patience,
            |event| match event {
                Event::Waiting { reason } if reason.contains(piece) => Some(reason.clone()),
                _ => None,
            },
        )
    }

    /// All that was said, as it was said.
    #[must_use]
    pub fn text(&self) -> String {
        self.stream.text()
    }

    /// The first event, also among the past ones, that `pick` takes.
    ///
    /// # Errors
    /// After `patience`, or when the machine is gone before; also for a malformed line.
    pub fn wait_for<T>(
        &self,
        what: &str,
        patience: Duration,
        pick: impl FnMut(&Event) -> Option<T>,
    ) -> anyhow::Result<T> {
        self.wait_after(0, what, patience, pick)
    }
}

fn lines(bytes: &[u8]) -> anyhow::Result<Vec<Line>> {
    bytes
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|line| line.ends_with(b"\n"))
        .map(|line| {
            serde_json::from_slice(line)
                .with_context(|| format!("parsing event {}", String::from_utf8_lossy(line)))
        })
        .collect()
}
