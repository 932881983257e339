//! QEMU's machine protocol over a socket: plugging, screens, keys, the end.
//!
//! Only what scenarios use; `execute` is the door to the rest (QEMU's qapi documentation).

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};

/// QEMU answers its monitor from its main loop, which emulation keeps busy.
const ANSWER_PATIENCE: Duration = Duration::from_secs(60);

/// The monitor of one machine.
#[derive(Debug)]
pub struct Qmp {
    socket: UnixStream,
    messages: Receiver<Value>,
    /// Events that came while an answer was awaited.
    events: Vec<Value>,
}

impl Qmp {
    /// Reads the greeting and leaves negotiation mode.
    ///
    /// # Errors
    /// When QEMU ends or is silent instead of greeting.
    pub fn new(socket: UnixStream) -> anyhow::Result<Self> {
        let (sender, messages) = channel();
        let reading = BufReader::new(socket.try_clone()?);
        thread::Builder::new()
            .name("lab-qmp".into())
            .spawn(move || {
                // Ends with the connection, or when nobody listens any more.
                for line in reading.lines().map_while(Result::ok) {
                    let Ok(message) = serde_json::from_str(&line) else {
                        continue;
                    };
                    if sender.send(message).is_err() {
                        break;
                    }
                }
            })?;
        let mut qmp = Self {
            socket,
            messages,
            events: Vec::new(),
        };
        let deadline = Instant::now() + ANSWER_PATIENCE;
        while qmp.next(deadline)?.get("QMP").is_none() {}
        qmp.execute("qmp_capabilities", &json!({}))?;
        Ok(qmp)
    }

    /// One command; gives back what it returns.
    ///
    /// # Errors
    /// QEMU's refusal, or its end.
    pub fn execute(&mut self, command: &str, arguments: &Value) -> anyhow::Result<Value> {
        let mut text = json!({"execute": command, "arguments": arguments}).to_string();
        text.push('\n');
        self.socket
            .write_all(text.as_bytes())
            .with_context(|| format!("sending {command}"))?;
        let deadline = Instant::now() + ANSWER_PATIENCE;
        loop {
            let mut message = self
                .next(deadline)
                .with_context(|| format!("waiting for {command}"))?;
            if let Some(value) = message.get_mut("return") {
                return Ok(value.take());
            }
            if let Some(error) = message.get("error") {
                bail!("{command} refused: {error}");
            }
            self.events.push(message);
        }
    }

    /// Waits for an event of this name whose data `wanted` takes; earlier ones count once.
    ///
    /// # Errors
    /// After `patience`, or when QEMU ends before.
    pub fn wait_for_event(
        &mut self,
        name: &str,
        patience: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let fits = |message: &Value| message["event"] == name && wanted(&message["data"]);
        if let Some(index) = self.events.iter().position(fits) {
            return Ok(self.events.remove(index));
        }
        let deadline = Instant::now() + patience;
        loop {
            let message = self
                .next(deadline)
                .with_context(|| format!("waiting for event {name}"))?;
            if fits(&message) {
                return Ok(message);
            }
            self.events.push(message);
        }
    }

    /// Plugs a device in: QEMU's driver name, and its properties with `id` among them.
    ///
    /// # Errors
    /// QEMU's refusal.
    pub fn device_add(&mut self, driver: &str, properties: &Value) -> anyhow::Result<()> {
        let mut arguments = properties.clone();
        arguments["driver"] = driver.into();
        self.execute("device_add", &arguments).map(drop)
    }

    /// Pulls a device out and waits until the guest has let go of it.
    ///
    /// # Errors
    /// QEMU's refusal, or a guest that holds on.
    pub fn device_del(&mut self, id: &str, patience: Duration) -> anyhow::Result<()> {
        self.execute("device_del", &json!({"id": id}))?;
        self.wait_for_event("DEVICE_DELETED", patience, |data| data["device"] == id)?;
        Ok(())
    }

    /// Writes the screen to a PPM file.
    ///
    /// # Errors
    /// When QEMU cannot write it.
    pub fn screendump(&mut self, path: &Path) -> anyhow::Result<()> {
        self.execute("screendump", &json!({"filename": path}))
            .map(drop)
    }

    /// What stands in the card's memory in text mode, where each character is beside its colour: the screen, and
    /// what a kernel has scrolled off it. `folder` gets a file of it. Characters beyond ASCII are the card's own.
    ///
    /// # Errors
    /// When QEMU does not write it.
    pub fn text_screen(&mut self, folder: &Path) -> anyhow::Result<String> {
        let path = folder.join("text-screen");
        let area = json!({"val": 0xB8000, "size": 32 << 10, "filename": path});
        self.execute("pmemsave", &area)?;
        let bytes = std::fs::read(&path)?;
        let line = |line: &[u8]| -> String {
            let line: String = line
                .iter()
                .step_by(2)
                .map(|byte| char::from(*byte))
                .collect();
            line.trim_end().to_owned()
        };
        let lines: Vec<String> = bytes.chunks(2 * 80).map(line).collect();
        Ok(lines.join("\n"))
    }

    /// Waits until these words are there; gives all of it back.
    ///
    /// # Errors
    /// After `patience`; the message holds the screen.
    pub fn wait_for_text(
        &mut self,
        folder: &Path,
        words: &str,
        patience: Duration,
    ) -> anyhow::Result<String> {
        const BETWEEN: Duration = Duration::from_millis(500);
        let deadline = Instant::now() + patience;
        loop {
            let text = self.text_screen(folder)?;
            if text.contains(words) {
                return Ok(text);
            }
            if Instant::now() >= deadline {
                bail!("not on the screen: {words:?}:\n{text}");
            }
            thread::sleep(BETWEEN);
        }
    }

    /// Presses keys together (QEMU's names: `ret`, `f2`, `shift`), a chord at a time.
    ///
    /// # Errors
    /// An unknown key name.
    pub fn send_keys(&mut self, chord: &[&str]) -> anyhow::Result<()> {
        let keys: Vec<Value> = chord
            .iter()
            .map(|key| json!({"type": "qcode", "data": key}))
            .collect();
        self.execute("send-key", &json!({"keys": keys})).map(drop)
    }

    /// Types text on a US keyboard: letters, digits, `-`, `_`, `.`, space and newline.
    ///
    /// # Errors
    /// A character that is none of these.
    pub fn type_text(&mut self, text: &str) -> anyhow::Result<()> {
        for character in text.chars() {
            let lower = character.to_ascii_lowercase().to_string();
            match character {
                'a'..='z' | '0'..='9' => self.send_keys(&[&lower])?,
                'A'..='Z' => self.send_keys(&["shift", &lower])?,
                '-' => self.send_keys(&["minus"])?,
                '_' => self.send_keys(&["shift", "minus"])?,
                '.' => self.send_keys(&["dot"])?,
                ' ' => self.send_keys(&["spc"])?,
                '\n' => self.send_keys(&["ret"])?,
                _ => bail!("no key for {character:?}"),
            }
        }
        Ok(())
    }

    /// Ends QEMU at once, like pulling the plug.
    ///
    /// # Errors
    /// When it is gone already.
    pub fn quit(&mut self) -> anyhow::Result<()> {
        self.execute("quit", &json!({})).map(drop)
    }

    fn next(&self, deadline: Instant) -> anyhow::Result<Value> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.messages.recv_timeout(left) {
            Ok(message) => Ok(message),
            Err(RecvTimeoutError::Timeout) => bail!("QEMU's monitor is silent"),
            Err(RecvTimeoutError::Disconnected) => bail!("QEMU has ended"),
        }
    }
}

impl Drop for Qmp {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
    }
}
