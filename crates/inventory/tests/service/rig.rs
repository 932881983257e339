//! A running service in a folder of its own, a client that pins it, and stations with keys.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use report::api::{
    Arming, ArmingQuery, Enrol, NAMESPACE_REPORT, NAMESPACE_REQUEST, Problem, Signed,
    SignedReceipt, StationQuery, StationStatus,
};
use report::sign::{PublicKey, StationKey};
use reqwest::blocking::{Client, Response};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use uuid::Uuid;

pub const SAMPLE: &str = include_str!("../../../../docs/report-v1.sample.json");
const BINARY: &str = env!("CARGO_BIN_EXE_raz-inventory");

/// A service process. Its end is killed, not asked.
pub struct Service {
    child: Child,
    pub folder: PathBuf,
    pub address: String,
    pub pin: String,
    pub service_key: String,
    /// Where it serves netboot, when it does.
    pub netboot: Option<String>,
}

/// Starts the service in this folder and reads what it prints. Where `netboot` lies in it, that is served.
pub fn start(folder: &Path) -> Service {
    let log = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(folder.join("log"))
        .unwrap();
    let data = folder.join("data");
    let mut command = Command::new(BINARY);
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(&data);
    let files = folder.join("netboot");
    let serves_netboot = files.is_dir();
    if serves_netboot {
        command.arg("--netboot").arg(&files);
        command.args(["--netboot-listen", "127.0.0.1:0"]);
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = |word: &str| {
        let line = lines
            .next()
            .expect("the service ended at its start")
            .unwrap();
        let value = line
            .strip_prefix(word)
            .unwrap_or_else(|| panic!("{line:?}"));
        value.trim().to_owned()
    };
    let (address, pin) = (next("listening"), next("pin"));
    let netboot = serves_netboot.then(|| next("netboot http://"));
    let service_key = next("service-key");
    Service {
        child,
        folder: folder.to_owned(),
        address,
        pin,
        service_key,
        netboot,
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    /// A folder of its own and a service in it.
    pub fn fresh() -> (tempfile::TempDir, Self) {
        let folder = tempfile::tempdir().unwrap();
        let service = start(folder.path());
        (folder, service)
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the end; the exit status.
    pub fn ended(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap()
    }

    /// A command of `raz-inventory` on this service's folder.
    pub fn command(&self, arguments: &[&str]) -> Output {
        Command::new(BINARY)
            .args(arguments)
            .arg("--data")
            .arg(self.folder.join("data"))
            .output()
            .unwrap()
    }

    /// Such a command, which must succeed; its standard output.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn client(&self) -> Client {
        client(&self.pin)
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{}", self.address.trim_end_matches('/'), path)
    }

    pub fn get(&self, path: &str) -> Response {
        self.client().get(self.url(path)).send().unwrap()
    }

    pub fn page(&self, path: &str) -> String {
        let response = self.get(path);
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(
            response.headers()["content-type"],
            "text/html; charset=utf-8",
            "{path}"
        );
        response.text().unwrap()
    }

    pub fn post<T: Serialize>(&self, path: &str, body: &T) -> Response {
        self.client()
            .post(self.url(path))
            .json(body)
            .send()
            .unwrap()
    }

    pub fn enrol(&self, station: &Station, token: &str) -> Response {
        let body = Enrol {
            token: token.to_owned(),
            public_key: station.key.public_line(""),
            name: "banc 2".to_owned(),
        };
        self.post("/api/v1/enrol", &body)
    }

    pub fn pending(&self) -> Station {
        let station = Station {
            key: StationKey::generate().unwrap(),
        };
        let token = self.run(&["token", "new"]);
        let status: StationStatus = read(self.enrol(&station, &token), 201);
        assert_eq!(status.fingerprint, station.key.fingerprint());
        station
    }

    pub fn accepted(&self) -> Station {
        let station = self.pending();
        self.run(&["station", "accept", &station.key.fingerprint()]);
        station
    }

    pub fn upload(&self, signed: &Signed) -> Response {
        self.post("/api/v1/reports", signed)
    }

    pub fn stored(&self, report_id: Uuid) -> Vec<u8> {
        let response = self.get(&format!("/reports/{report_id}/report.json"));
        assert_eq!(response.status(), 200);
        response.bytes().unwrap().to_vec()
    }

    pub fn key(&self) -> PublicKey {
        let station = self.pending();
        let status: StationStatus = read(self.post("/api/v1/station", &station.query()), 200);
        let key = PublicKey::parse_line(&status.service_key).unwrap();
        assert_eq!(key.fingerprint(), self.service_key);
        key
    }
}

/// A station's key.
pub struct Station {
    pub key: StationKey,
}

impl Station {
    /// The sample as this station would compose it, with a new id.
    pub fn report(&self) -> (Uuid, Value) {
        let mut sample: Value = serde_json::from_str(SAMPLE).unwrap();
        let id = Uuid::new_v4();
        sample["report_id"] = id.to_string().into();
        sample["station"]["key_fingerprint"] = self.key.fingerprint().into();
        (id, sample)
    }

    pub fn sign(&self, namespace: &str, bytes: &[u8]) -> Signed {
        Signed {
            bytes_base64: STANDARD.encode(bytes),
            signature: self.key.sign(namespace, bytes).unwrap(),
        }
    }

    pub fn sign_report(&self, bytes: &[u8]) -> Signed {
        self.sign(NAMESPACE_REPORT, bytes)
    }

    pub fn query(&self) -> Signed {
        let query = StationQuery {
            request: "station".into(),
            nonce: "n".into(),
        };
        self.sign(NAMESPACE_REQUEST, &serde_json::to_vec(&query).unwrap())
    }

    pub fn ask(&self, machine: &str) -> Signed {
        let query = ArmingQuery {
            request: "arming".into(),
            nonce: format!("nonce of {machine}"),
            machine: machine.into(),
            drives: 1,
        };
        self.sign(NAMESPACE_REQUEST, &serde_json::to_vec(&query).unwrap())
    }
}

/// The answer's JSON under this status.
pub fn read<T: DeserializeOwned>(response: Response, status: u16) -> T {
    let found = response.status();
    let text = response.text().unwrap();
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The refusal under this status: JSON problem details, complete.
pub fn refused(response: Response, status: u16) -> Problem {
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let problem: Problem = read(response, status);
    assert_eq!(
        (problem.r#type.as_str(), problem.status),
        ("about:blank", status)
    );
    assert!(!problem.title.is_empty() && !problem.detail.is_empty());
    problem
}

pub fn receipt(response: Response, status: u16) -> SignedReceipt {
    read(response, status)
}

pub fn armed(response: Response) -> Arming {
    read(response, 200)
}

/// A client that knows the service by the certificate's SHA-256 alone, as stations do.
pub fn client(pin: &str) -> Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Pinned {
        pin: pin.to_owned(),
        provider: provider.clone(),
    };
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .timeout(None)
        .build()
        .unwrap()
}

#[derive(Debug)]
struct Pinned {
    pin: String,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match report::receipt::sha256_hex(certificate) == self.pin {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(Error::General("pin mismatch".into())),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
