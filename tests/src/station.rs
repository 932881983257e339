//! Another station of the workshop, without a machine: it speaks to the service as raz does, so
//! that a scenario can have a token used or an arming taken before its own machine asks.
//!
//! The messages are `report::api`'s.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use report::api::{Arming, ArmingQuery, Enrol, NAMESPACE_REQUEST, Signed, StationStatus};
use report::sign::StationKey;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::service::Service;

/// A station with a key of its own.
#[derive(Debug)]
pub struct Station {
    key: StationKey,
    name: String,
}

impl Station {
    /// Makes its key.
    ///
    /// # Errors
    /// No random bytes.
    pub fn new(name: &str) -> anyhow::Result<Self> {
        Ok(Self {
            key: StationKey::generate()?,
            name: name.to_owned(),
        })
    }

    /// Enrols with a token, and so uses it.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn enrol(&self, service: &Service, token: &str) -> anyhow::Result<()> {
        let body = Enrol {
            token: token.to_owned(),
            public_key: self.key.public_line(&self.name),
            name: self.name.clone(),
        };
        let status: StationStatus = post(service, "enrol", &body)?;
        ensure!(
            status.fingerprint == self.key.fingerprint(),
            "another station was enrolled: {}",
            status.fingerprint
        );
        Ok(())
    }

    /// A person accepts it.
    ///
    /// # Errors
    /// The service's refusal.
    pub fn accept(&self, service: &Service) -> anyhow::Result<()> {
        service
            .command(&["station", "accept", &self.key.fingerprint()])
            .map(drop)
    }

    /// Asks whether `machine` may be erased unattended, and so counts it.
    ///
    /// # Errors
    /// The service's refusal; an answer to another question.
    pub fn ask(&self, service: &Service, machine: &str) -> anyhow::Result<Arming> {
        let query = ArmingQuery {
            request: "arming".into(),
            nonce: Uuid::new_v4().to_string(),
            machine: machine.to_owned(),
            drives: 1,
        };
        let bytes = serde_json::to_vec(&query)?;
        let body = Signed {
            signature: self.key.sign(NAMESPACE_REQUEST, &bytes)?,
            bytes_base64: STANDARD.encode(&bytes),
        };
        let arming: Arming = post(service, "arming", &body)?;
        ensure!(
            arming.nonce == query.nonce,
            "an answer to another question: {arming:?}"
        );
        Ok(arming)
    }
}

fn post<T: DeserializeOwned>(
    service: &Service,
    call: &str,
    body: &impl Serialize,
) -> anyhow::Result<T> {
    let mut child = Command::new("curl")
        .args(["--silent", "--show-error", "--fail-with-body", "--insecure"])
        .args(["--max-time", "60", "--data-binary", "@-"])
        .args(["--header", "content-type: application/json"])
        .arg(format!("{}/api/v1/{call}", service.url()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting curl")?;
    let mut stdin = child.stdin.take().context("curl's input")?;
    stdin.write_all(&serde_json::to_vec(body)?)?;
    drop(stdin);
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "{call}: {}{}",
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout)
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}
