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

    /// The first event, also among the past ones, that `pick` takes.
    ///
    /// # Errors
    /// After `patience`, or when the machine is gone before; also for a malformed line.
    pub fn wait_for<T>(
        &self,
        what: &str,
        patience: Duration,
        mut pick: impl FnMut(&Event) -> Option<T>,
    ) -> anyhow::Result<T> {
        self.stream
            .wait(what, patience, |bytes| match lines(bytes) {
                Ok(lines) => lines.iter().find_map(|line| pick(&line.event)).map(Ok),
                Err(error) => Some(Err(error)),
            })?
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
