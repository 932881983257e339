//! The inventory service as a process of its own, and what a person does with it.

use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use report::event::Event;

use crate::bench::{self, Bench};
use crate::events::Events;
use crate::lan::{self, Lan};
use crate::process;
use crate::stream::Stream;

/// A boot, a network and an enrolment, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// A running `raz-inventory serve`. Dropping it kills it.
#[derive(Debug)]
pub struct Service {
    /// One line for each thing that happened, over all its lives.
    pub log: Stream,
    log_end: OwnedFd,
    program: PathBuf,
    data: PathBuf,
    place: Place,
    child: Child,
    port: u16,
    pin: String,
}

/// Where it runs.
#[derive(Debug)]
struct Place {
    address: String,
    namespace: Option<String>,
    /// The files of netboot that it serves, too.
    netboot: Option<PathBuf>,
}

impl Service {
    /// Starts it on a free port of the loopback, with its data in the bench's folder.
    ///
    /// # Errors
    /// When it is not built or does not start.
    pub fn start(bench: &Bench) -> anyhow::Result<Self> {
        let place = Place {
            address: "127.0.0.1".to_owned(),
            namespace: None,
            netboot: None,
        };
        Self::start_at(bench, place)
    }

    /// Starts it in a network, to which it serves these files of netboot.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_in(bench: &Bench, lan: &Lan, netboot: &Path) -> anyhow::Result<Self> {
        let place = Place {
            address: lan::ADDRESS.to_owned(),
            namespace: Some(lan.namespace().to_owned()),
            netboot: Some(netboot.to_owned()),
        };
        Self::start_at(bench, place)
    }

    fn start_at(bench: &Bench, place: Place) -> anyhow::Result<Self> {
        let program = bench::root().join("target/debug/raz-inventory");
        if !program.exists() {
            bail!(
                "{}: run `cargo build -p inventory` first",
                program.display()
            );
        }
        let data = bench.path().join("inventory");
        let (ours, theirs) = UnixStream::pair()?;
        let log = Stream::new("inventory", ours, &bench.path().join("inventory.log"))?;
        let log_end = OwnedFd::from(theirs);
        let (child, port, pin) = serve(&program, &data, &place, 0, &log_end)?;
        Ok(Self {
            log,
            log_end,
            program,
            data,
            place,
            child,
            port,
            pin,
        })
    }

    /// Its address, as this host sees it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}:{}", self.place.address, self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// SHA-256 of its certificate.
    #[must_use]
    pub fn pin(&self) -> &str {
        &self.pin
    }

    /// Its folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Kills it as a power cut would.
    ///
    /// # Errors
    /// When it is gone already.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts it again at the same port with the same data.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        let (child, port, pin) = serve(
            &self.program,
            &self.data,
            &self.place,
            self.port,
            &self.log_end,
        )?;
        if pin != self.pin {
            bail!("the certificate changed with the restart");
        }
        (self.child, self.port) = (child, port);
        Ok(())
    }

    /// Runs another command of it on the same data and gives back what it prints.
    ///
    /// # Errors
    /// Its own, with what it said.
    pub fn command(&self, words: &[&str]) -> anyhow::Result<String> {
        let data = self.data.to_str().context("the folder's name")?;
        self.print(&[words, &["--data", data]].concat())
    }

    /// As [`Self::command`], for a command that has no data.
    ///
    /// # Errors
    /// Its own, with what it said.
    pub fn print(&self, words: &[&str]) -> anyhow::Result<String> {
        let output = Command::new(&self.program)
            .args(words)
            .stdin(Stdio::null())
            .output()?;
        if !output.status.success() {
            bail!(
                "raz-inventory {}: {}",
                words.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// A new token.
    ///
    /// # Errors
    /// As [`Self::command`].
    pub fn token(&self) -> anyhow::Result<String> {
        self.command(&["token", "new"])
    }

    /// Kernel arguments for a machine in QEMU's user network that enrols with `token`.
    #[must_use]
    pub fn arguments(&self, token: &str) -> Vec<String> {
        self.arguments_at(self.port, token)
    }

    /// As [`Self::arguments`], for a service that is reached at another port of this host.
    #[must_use]
    pub fn arguments_at(&self, port: u16, token: &str) -> Vec<String> {
        vec![
            format!("raz.server=https://10.0.2.2:{port}"),
            format!("raz.pin={}", self.pin),
            format!("raz.token={token}"),
        ]
    }

    /// Accepts the machine as a person does: compares the fingerprint on its screen (here: its
    /// event stream) with the service's list of stations, and only then accepts it.
    ///
    /// # Errors
    /// When it does not enrol, or the two fingerprints differ.
    pub fn accept(&self, events: &Events) -> anyhow::Result<String> {
        let shown =
            events.wait_for("the station's fingerprint", PATIENCE, |event| match event {
                Event::Started { fingerprint, .. } => Some(fingerprint.clone()),
                _ => None,
            })?;
        events.wait_for("a pending enrolment", PATIENCE, |event| match event {
            Event::Service { state, .. } => (state == "pending").then_some(()),
            _ => None,
        })?;
        let list = self.command(&["station", "list"])?;
        if !list.contains(&shown) {
            bail!("the machine shows {shown}, the service lists:\n{list}");
        }
        self.command(&["station", "accept", &shown])?;
        Ok(shown)
    }

    /// Bytes at a path of the service, by `curl` with the certificate's pin.
    ///
    /// # Errors
    /// When it does not answer with 200.
    pub fn get(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let output = process::tied_in(self.place.namespace.as_deref(), "curl")
            .args([
                "--silent",
                "--show-error",
                "--fail",
                "--insecure",
                "--max-time",
                "30",
            ])
            .arg(format!("{}{path}", self.url()))
            .output()
            .context("starting curl")?;
        if !output.status.success() {
            bail!("{path}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(output.stdout)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Fails when it was killed already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(
    program: &Path,
    data: &Path,
    place: &Place,
    port: u16,
    log: &OwnedFd,
) -> anyhow::Result<(Child, u16, String)> {
    let mut command = process::tied_in(place.namespace.as_deref(), program);
    command.arg("serve");
    if let Some(files) = &place.netboot {
        command.arg("--netboot").arg(files);
    }
    let mut child = command
        .arg("--data")
        .arg(data)
        .args(["--listen", &format!("{}:{port}", place.address)])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::from(log.try_clone()?))
        .spawn()
        .with_context(|| format!("starting {}", program.display()))?;
    let stdout = child.stdout.take().context("the service's output")?;
    let mut listening = None;
    let mut pin = None;
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        if let Some(url) = line.strip_prefix("listening https://") {
            let port = url.trim_end_matches('/').rsplit(':').next();
            listening = port.and_then(|port| port.parse().ok());
        }
        if let Some(digest) = line.strip_prefix("pin ") {
            pin = Some(digest.to_owned());
        }
        // Its last line: a service that still writes would fail when nobody reads any more.
        if line.starts_with("service-key ")
            && let (Some(port), Some(pin)) = (listening, &pin)
        {
            return Ok((child, port, pin.clone()));
        }
    }
    child.kill()?;
    child.wait()?;
    bail!("the service did not start; see inventory.log")
}
