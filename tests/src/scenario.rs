//! The path of one machine as a person walks it: service, boot, accept, arm, wait, audit.
//!
//! Steps that every scenario shares; what a scenario checks stands in the scenario. Each step
//! waits for an event of the machine and for nothing else.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use report::event::Event;
use report::schema::{Drive, Report};
use uuid::Uuid;

use crate::bench::{self, Bench};
use crate::events::PORT;
use crate::image::Image;
use crate::machine::{Machine, Network, Running};
use crate::service::Service;

/// Everything after boot; a quiet machine needs a tenth of it.
pub const PATIENCE: Duration = Duration::from_secs(900);

/// A workshop: the inventory service and the image, on one bench.
#[derive(Debug)]
pub struct Workshop<'a> {
    bench: &'a Bench,
    image: Image,
    /// The inventory service.
    pub service: Service,
}

/// A session that has ended, with what an auditor has of it. The machine still runs unless it has
/// `raz.poweroff`.
#[derive(Debug)]
pub struct Played {
    /// The machine.
    pub running: Running,
    /// Exit status of the session.
    pub status: u8,
    /// What the service has of it.
    pub audit: Audit,
}

/// A report as an auditor fetches it from the service: its bytes fit the published schema, its
/// signature is checked by `ssh-keygen`.
#[derive(Debug)]
pub struct Audit {
    /// The report.
    pub report: Report,
    /// Holds `report.json`, `report.json.sig` and `allowed_signers`.
    pub folder: PathBuf,
    /// The auditor's command.
    pub command: String,
    /// What `ssh-keygen` says to it.
    pub said: String,
}

impl<'a> Workshop<'a> {
    /// Starts the service.
    ///
    /// # Errors
    /// When the service or the image is not built.
    pub fn open(bench: &'a Bench) -> anyhow::Result<Self> {
        Ok(Self::with(bench, Image::built()?, Service::start(bench)?))
    }

    /// With a service that runs already.
    #[must_use]
    pub fn with(bench: &'a Bench, image: Image, service: Service) -> Self {
        Self {
            bench,
            image,
            service,
        }
    }

    /// Gives the machine a network, events, and the arguments of this service with a new token.
    ///
    /// # Errors
    /// When the service makes no token.
    pub fn enrolled(&self, machine: Machine) -> anyhow::Result<Machine> {
        Ok(self.enrolled_at(self.service.port(), &self.service.token()?, machine))
    }

    /// As [`Self::enrolled`], by a wire that ends at another port of this host and with this token.
    #[must_use]
    pub fn enrolled_at(&self, port: u16, token: &str, machine: Machine) -> Machine {
        let arguments = self.service.arguments_at(port, token);
        let machine = machine
            .network(Network::Host)
            .argument(&format!("raz.events={PORT}"));
        arguments
            .iter()
            .fold(machine, |machine, argument| machine.argument(argument))
    }

    /// As [`Self::enrolled`], with `raz.auto=erase`.
    ///
    /// # Errors
    /// When the service makes no token.
    pub fn unattended(&self, machine: Machine) -> anyhow::Result<Machine> {
        Ok(self.enrolled(machine)?.argument("raz.auto=erase"))
    }

    /// Boots the machine and waits until its session is about to begin.
    ///
    /// # Errors
    /// When it does not get there.
    pub fn boot(&self, machine: &Machine) -> anyhow::Result<Running> {
        let running = machine.boot(self.bench, &self.image)?;
        running.wait_until_ready()?;
        Ok(running)
    }

    /// Arms for an hour; gives back what the service says.
    ///
    /// # Errors
    /// The service's.
    pub fn arm(&self, machines: u32) -> anyhow::Result<String> {
        let machines = machines.to_string();
        self.service
            .command(&["arm", "--until", "+1h", "--max-machines", &machines])
    }

    /// Waits to the session's end; gives back its exit status.
    ///
    /// # Errors
    /// When the machine ends or is silent before.
    pub fn finished(&self, running: &Running) -> anyhow::Result<u8> {
        running
            .events
            .wait_for("the end of the session", PATIENCE, |event| match event {
                Event::Finished { status, .. } => Some(*status),
                _ => None,
            })
    }

    /// Fetches the report that this machine made and checks schema and signature.
    ///
    /// # Errors
    /// When it made none, the service does not have it, it does not fit the schema, or `ssh-keygen`
    /// refuses it.
    pub fn audit(&self, running: &Running) -> anyhow::Result<Audit> {
        let report_id = running
            .events
            .so_far()?
            .iter()
            .find_map(|line| match line.event {
                Event::Reported { report_id, .. } => Some(report_id),
                _ => None,
            })
            .context("no report was made")?;
        self.audit_of(report_id)
    }

    /// Fetches a report by its id and checks schema and signature.
    ///
    /// # Errors
    /// When the service does not have it, it does not fit the schema, or `ssh-keygen` refuses it.
    pub fn audit_of(&self, report_id: Uuid) -> anyhow::Result<Audit> {
        let folder = self.bench.path().join(format!("auditor-{report_id}"));
        std::fs::create_dir_all(&folder)?;
        for file in ["report.json", "report.json.sig", "allowed_signers"] {
            let bytes = self.service.get(&format!("/reports/{report_id}/{file}"))?;
            std::fs::write(folder.join(file), bytes)?;
        }
        let audit = Audit::of(folder, None)?;
        ensure!(
            audit.report.report_id == report_id,
            "another report's bytes"
        );
        Ok(audit)
    }

    /// The whole way of an unattended machine: boot, accept by fingerprint, arm for it alone,
    /// wait to the end, audit.
    ///
    /// # Errors
    /// The first step that fails.
    pub fn play(&self, machine: &Machine) -> anyhow::Result<Played> {
        let running = self.boot(machine)?;
        self.service.accept(&running.events)?;
        self.arm(1)?;
        let status = self.finished(&running)?;
        let audit = self.audit(&running)?;
        Ok(Played {
            running,
            status,
            audit,
        })
    }
}

/// Shows that a session which waits goes on waiting: each time it changes its language, which it
/// answers by listing the drives again, it has come past every decision once more.
///
/// For a session on the machine's monitor.
///
/// # Errors
/// When it does not answer.
pub fn goes_on(running: &mut Running) -> anyhow::Result<()> {
    for _ in 0..4 {
        let seen = running.events.count()?;
        running.qmp.send_keys(&["l"])?;
        running
            .events
            .wait_after(seen, "the list in the other language", PATIENCE, |event| {
                matches!(event, Event::Drives { .. }).then_some(())
            })?;
    }
    Ok(())
}

impl Audit {
    /// Checks schema and signature of the report in a folder. `signer` is the name in its list of
    /// signers; the station's when absent.
    ///
    /// # Errors
    /// When it does not fit the schema, or `ssh-keygen` refuses it.
    pub fn of(folder: PathBuf, signer: Option<&str>) -> anyhow::Result<Self> {
        let bytes = std::fs::read(folder.join("report.json"))?;
        fits_schema(&bytes)?;
        let report: Report = serde_json::from_slice(&bytes)?;
        let words = [
            "-Y",
            "verify",
            "-f",
            "allowed_signers",
            "-I",
            signer.unwrap_or(&report.station.name),
            "-n",
            "raz-report@v1",
            "-s",
            "report.json.sig",
        ];
        let output = Command::new("ssh-keygen")
            .args(words)
            .current_dir(&folder)
            .stdin(Stdio::from(std::fs::File::open(
                folder.join("report.json"),
            )?))
            .output()
            .context("starting ssh-keygen")?;
        if !output.status.success() {
            bail!(
                "ssh-keygen refuses: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(Audit {
            command: format!("ssh-keygen {} < report.json", words.join(" ")),
            said: String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            report,
            folder,
        })
    }

    /// The report's entry of the drive with this serial.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn drive(&self, serial: &str) -> anyhow::Result<&Drive> {
        let mut found = self
            .report
            .drives
            .iter()
            .filter(|drive| drive.serial.as_deref() == Some(serial));
        let drive = found
            .next()
            .with_context(|| format!("{serial}: not in the report"))?;
        ensure!(found.next().is_none(), "{serial}: twice in the report");
        Ok(drive)
    }
}

/// Compares a report with the JSON Schema as it is published.
///
/// # Errors
/// Where it does not fit.
pub fn fits_schema(report: &[u8]) -> anyhow::Result<()> {
    let path = bench::root().join("docs/report-v1.schema.json");
    let schema = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    let validator = jsonschema::validator_for(&serde_json::from_slice(&schema)?)?;
    let report = serde_json::from_slice(report)?;
    let errors: Vec<String> = validator
        .iter_errors(&report)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    ensure!(
        errors.is_empty(),
        "the report does not fit the published schema: {}",
        errors.join("; ")
    );
    Ok(())
}
