//! What a machine says on one wire, kept whole, with waiting for a piece of it.
//!
//! A thread reads as it comes; nobody polls. The other direction writes straight through.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// One wire to a machine.
#[derive(Debug)]
pub struct Stream {
    name: String,
    socket: UnixStream,
    heard: Arc<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    is_closed: bool,
}

impl Heard {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panicking test must still be able to look at what was said.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream {
    /// Starts to listen; everything is also written to `log`.
    ///
    /// # Errors
    /// When the log cannot be made.
    pub fn new(name: &str, socket: UnixStream, log: &Path) -> anyhow::Result<Self> {
        let heard = Arc::new(Heard::default());
        let mut log = File::create(log).with_context(|| format!("making {}", log.display()))?;
        let mut reading = socket.try_clone()?;
        let writing = Arc::clone(&heard);
        thread::Builder::new()
            .name(format!("lab-{name}"))
            .spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = reading.read(&mut buffer) {
                    let piece = &buffer[..count];
                    // A full disk must not stop the machine's wire; the copy in memory is what counts.
                    let _ = log.write_all(piece);
                    writing.state().bytes.extend_from_slice(piece);
                    writing.news.notify_all();
                }
                writing.state().is_closed = true;
                writing.news.notify_all();
            })?;
        Ok(Self {
            name: name.to_owned(),
            socket,
            heard,
        })
    }

    /// Everything said so far.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.heard.state().bytes).into_owned()
    }

    /// Sends bytes to the machine.
    ///
    /// # Errors
    /// When the machine is gone.
    pub fn send(&self, bytes: &[u8]) -> anyhow::Result<()> {
        (&self.socket)
            .write_all(bytes)
            .with_context(|| format!("writing to {}", self.name))
    }

    /// Waits until `look` finds what it wants in all that was said so far.
    ///
    /// # Errors
    /// After `patience`, or when the wire is closed before; the message ends with what was last said.
    pub fn wait<T>(
        &self,
        what: &str,
        patience: Duration,
        mut look: impl FnMut(&[u8]) -> Option<T>,
    ) -> anyhow::Result<T> {
        let deadline = Instant::now() + patience;
        let mut state = self.heard.state();
        loop {
            if let Some(found) = look(&state.bytes) {
                return Ok(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if state.is_closed || left.is_zero() {
                let how = if state.is_closed {
                    "closed".to_owned()
                } else {
                    format!("silent for {} s", patience.as_secs())
                };
                let text = String::from_utf8_lossy(&state.bytes);
                let last: Vec<&str> = text.lines().rev().take(20).collect();
                let last: Vec<&str> = last.into_iter().rev().collect();
                bail!(
                    "{} {how} while waiting for {what}; it last said:\n{}",
                    self.name,
                    last.join("\n")
                );
            }
            state = self
                .heard
                .news
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Waits for a line that contains `piece`, complete with its end, and gives it back.
    ///
    /// # Errors
    /// As [`Stream::wait`].
    pub fn wait_for_line(&self, piece: &str, patience: Duration) -> anyhow::Result<String> {
        self.wait(&format!("{piece:?}"), patience, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            text.split_inclusive('\n')
                .find(|line| line.ends_with('\n') && line.contains(piece))
                .map(|line| line.trim_end().to_owned())
        })
    }

    /// Waits until the other end is gone.
    ///
    /// # Errors
    /// After `patience`.
    pub fn wait_for_end(&self, patience: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + patience;
        let mut state = self.heard.state();
        while !state.is_closed {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("{} still open after {} s", self.name, patience.as_secs());
            }
            state = self
                .heard
                .news
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        Ok(())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Wakes the reader thread up, which ends.
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn a_line_counts_only_when_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let stream = Stream::new("test", ours, &folder.path().join("log")).unwrap();
        theirs.write_all(b"one\ntwo is re").unwrap();
        assert_eq!(stream.wait_for_line("one", PATIENCE).unwrap(), "one");
        theirs.write_all(b"ady\r\n").unwrap();
        assert_eq!(
            stream.wait_for_line("two", PATIENCE).unwrap(),
            "two is ready"
        );
        drop(theirs);
        let error = stream
            .wait_for_line("three", PATIENCE)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("closed") && error.contains("two is ready"),
            "{error}"
        );
        stream.wait_for_end(PATIENCE).unwrap();
        assert_eq!(
            std::fs::read(folder.path().join("log")).unwrap(),
            b"one\ntwo is ready\r\n"
        );
    }
}
