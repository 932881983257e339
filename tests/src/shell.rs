//! The rescue shell of the unmodified image (`raz.shell`): lines are carried out there as a person at
//! the machine's console would have them.

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::bench::Bench;
use crate::guest::Said;
use crate::image::Image;
use crate::machine::{BOOT_PATIENCE, Machine, Running, Screen};
use crate::scenario::{Audit, PATIENCE};

/// What the shell prints behind a line's output; typed with a gap, so that the echo has it not.
const MARK: &str = "lab: status ";
const TYPED: &str = "echo \"lab: sta\"\"tus $?\"";

/// A machine at its rescue shell.
#[derive(Debug)]
pub struct Shell {
    /// The machine.
    pub running: Running,
}

/// A line that is being carried out.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Begun {
    /// Where its output begins in all that was said.
    from: usize,
}

impl Shell {
    /// Boots the machine and waits for the prompt.
    ///
    /// # Errors
    /// When there is none.
    pub fn boot(bench: &Bench, machine: Machine) -> anyhow::Result<Self> {
        let running = machine
            .argument("raz.shell")
            .screen(Screen::Serial)
            .boot(bench, &Image::built()?)?;
        running.wait_until_ready()?;
        running.serial.wait("a prompt", BOOT_PATIENCE, |bytes| {
            String::from_utf8_lossy(bytes)
                .contains("~ # ")
                .then_some(())
        })?;
        Ok(Self { running })
    }

    /// Begins a line. One at a time.
    ///
    /// # Errors
    /// When the machine is gone.
    pub fn begin(&self, line: &str) -> anyhow::Result<Begun> {
        let serial = &self.running.serial;
        let from = serial.text().len();
        serial.send(format!("{line}; {TYPED}\n").as_bytes())?;
        Ok(Begun { from })
    }

    /// Waits until a line that was begun has said `words`.
    ///
    /// # Errors
    /// When the machine is gone or silent.
    pub fn says(&self, begun: Begun, words: &str) -> anyhow::Result<()> {
        let what = format!("{words:?}");
        self.running.serial.wait(&what, PATIENCE, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            text.get(begun.from..)?.contains(words).then_some(())
        })
    }

    /// Waits to the end of a line that was begun.
    ///
    /// # Errors
    /// When the machine is gone or silent.
    pub fn end(&self, begun: Begun) -> anyhow::Result<Said> {
        let serial = &self.running.serial;
        serial.wait("the end of a command", PATIENCE, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let (said, after) = text.get(begun.from..)?.split_once(MARK)?;
            let (status, _) = after.split_once('\n')?;
            Some(Said {
                status: status.trim().parse().ok()?,
                text: said.to_owned(),
            })
        })
    }

    /// Carries out a line.
    ///
    /// # Errors
    /// When the machine is gone or silent.
    pub fn run(&self, line: &str) -> anyhow::Result<Said> {
        self.end(self.begin(line)?)
    }

    /// What `raz drives` calls the drive with this serial.
    ///
    /// # Errors
    /// When it is not listed.
    pub fn id(&self, serial: &str) -> anyhow::Result<String> {
        let listed = self.run("raz drives --json 2>/dev/null")?.text;
        // Before it stands the echo of the line.
        let begins = listed.find("\n[").context("no list")?;
        let drives: Value = serde_json::from_str(&listed[begins..]).context(listed.clone())?;
        let drives = drives.as_array().context("no list")?;
        let mut ours = drives.iter().filter(|drive| drive["serial"] == serial);
        let drive = ours
            .next()
            .with_context(|| format!("{serial}: not listed"))?;
        Ok(drive["id"].as_str().context("no id")?.to_owned())
    }

    /// The report in a folder of the machine, as an auditor gets it.
    ///
    /// # Errors
    /// When there is none, or it does not hold.
    pub fn audit(&self, bench: &Bench, report: &str) -> anyhow::Result<Audit> {
        let folder = bench.path().join("audit");
        std::fs::create_dir(&folder)?;
        for file in ["report.json", "report.json.sig", "allowed_signers"] {
            // What comes before may be the prompt of the line before, and the echo of this one, in pieces.
            let said = self.run(&format!(
                "echo \"lab: by\"\"tes\"; busybox base64 {report}/{file}"
            ))?;
            ensure!(said.status == 0, "{file}: {}", said.text);
            let (_, text) = said.text.split_once("lab: bytes").context("no output")?;
            let text: String = text.split_ascii_whitespace().collect();
            let bytes = STANDARD
                .decode(text)
                .with_context(|| format!("{file}: no base64"))?;
            std::fs::write(folder.join(file), bytes)?;
        }
        // A key of this run has the command line's name.
        Audit::of(folder, Some("raz"))
    }
}
