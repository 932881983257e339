//! A small service on a real TCP port with real TLS: what the tests talk to.
//!
//! Written from `report::api` and RFC 9112, not from the client; one request a connection.

use agent::upload::client::{Client, Server};
use agent::upload::pin::Pin;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use report::api::{NAMESPACE_REPORT, Problem, Signed, SignedReceipt, StationState, StationStatus};
use report::receipt::{self, Link};
use report::sign::{self, PublicKey, StationKey};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};
use serde::Serialize;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use uuid::Uuid;

/// Both protocol versions that raz speaks.
pub const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

/// A certificate and a private key, which need not belong together.
#[derive(Clone, Debug)]
pub struct Proof {
    pub certificate: CertificateDer<'static>,
    pub key: Arc<CertifiedKey>,
}

impl Proof {
    /// A certificate for this name, valid from 1975 to 4096 as rcgen makes it.
    pub fn new(name: &str) -> Self {
        Self::from(rcgen::CertificateParams::new([name.to_owned()]).unwrap())
    }

    pub fn from(params: rcgen::CertificateParams) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let signer = rustls::crypto::ring::sign::any_supported_type(&private).unwrap();
        let key = Arc::new(CertifiedKey::new(vec![certificate.clone()], signer));
        Self { certificate, key }
    }

    /// This certificate, which anyone can read off the wire, with the other's key.
    pub fn with_key_of(&self, other: &Self) -> Self {
        let chain = vec![self.certificate.clone()];
        Self {
            certificate: self.certificate.clone(),
            key: Arc::new(CertifiedKey::new(chain, Arc::clone(&other.key.key))),
        }
    }

    pub fn pin(&self) -> Pin {
        Pin::of(&self.certificate)
    }
}

impl ResolvesServerCert for Proof {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.key))
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub body: Vec<u8>,
}

/// What to do with a request.
pub enum Reply {
    /// Answer whole.
    Answer { status: u16, body: Vec<u8> },
    /// Answer with a header.
    Header { status: u16, header: String },
    /// Promise more bytes than come, then close.
    Truncated { body: Vec<u8> },
    /// Close without a word.
    Close,
}

impl Reply {
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        Self::Answer {
            status,
            body: serde_json::to_vec(body).unwrap(),
        }
    }

    pub fn problem(status: u16, title: &str, detail: &str) -> Self {
        Self::json(
            status,
            &Problem {
                r#type: "about:blank".into(),
                title: title.into(),
                status,
                detail: detail.into(),
            },
        )
    }
}

/// Listens until dropped.
pub struct Listener {
    pub address: SocketAddr,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    pub fn start(proof: &Proof, answer: impl FnMut(Request) -> Reply + Send + 'static) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), proof, BOTH, answer)
    }

    pub fn start_at(
        address: SocketAddr,
        proof: &Proof,
        versions: &[&'static SupportedProtocolVersion],
        mut answer: impl FnMut(Request) -> Reply + Send + 'static,
    ) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(proof.clone()));
        let config = Arc::new(config);
        Self::listen(address, move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            // A client that refuses the handshake is an ordinary event here.
            if let Some(request) = read_request(&mut stream) {
                let _ = write_reply(&mut stream, answer(request));
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        })
    }

    /// Without TLS: hands over each connection.
    pub fn listen(address: SocketAddr, mut serve: impl FnMut(TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                serve(stream.unwrap());
            }
        });
        Self {
            address,
            stopping,
            thread: Some(thread),
        }
    }

    pub fn server(&self) -> Server {
        Server::parse(&format!("https://{}", self.address)).unwrap()
    }

    pub fn client(&self, pin: Pin) -> Client {
        Client::new(self.server(), pin).unwrap()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the thread out of accept.
        let _ = TcpStream::connect(self.address);
        let joined = self.thread.take().map(JoinHandle::join);
        assert!(
            std::thread::panicking() || !matches!(joined, Some(Err(_))),
            "the service panicked"
        );
    }
}

fn read_request(stream: &mut impl Read) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut parts = line.split(' ');
    let (method, path) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, path, body })
}

fn write_reply(stream: &mut impl Write, reply: Reply) -> std::io::Result<()> {
    let head = |status: u16, length: usize, header: &str| {
        format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{header}Connection: close\r\n\r\n"
        )
    };
    match reply {
        Reply::Answer { status, body } => {
            stream.write_all(head(status, body.len(), "").as_bytes())?;
            stream.write_all(&body)?;
        }
        Reply::Header { status, header } => {
            stream.write_all(head(status, 0, &format!("{header}\r\n")).as_bytes())?;
        }
        Reply::Truncated { body } => {
            stream.write_all(head(200, body.len() + 100, "").as_bytes())?;
            stream.write_all(&body)?;
        }
        Reply::Close => {}
    }
    stream.flush()
}

/// The part of an inventory that takes reports.
pub struct Book {
    pub key: StationKey,
    pub station: PublicKey,
    pub last: Link,
    pub reports: HashMap<Uuid, (Vec<u8>, SignedReceipt)>,
    /// Every report body that arrived, in order.
    pub arrived: Vec<Vec<u8>>,
}

impl Book {
    pub fn new(station: &StationKey) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self {
            key: StationKey::generate().unwrap(),
            station: station.public().clone(),
            last: Link::start(),
            reports: HashMap::new(),
            arrived: Vec::new(),
        }))
    }

    pub fn status(&self) -> StationStatus {
        StationStatus {
            name: "bench".into(),
            fingerprint: self.station.fingerprint(),
            state: StationState::Accepted,
            service_key: self.key.public_line("receipts"),
        }
    }

    /// Verifies, stores and signs a receipt; the same bytes again get the first receipt.
    pub fn take(&mut self, request: &Request) -> Reply {
        let signed: Signed = serde_json::from_slice(&request.body).unwrap();
        let bytes = STANDARD.decode(&signed.bytes_base64).unwrap();
        self.arrived.push(bytes.clone());
        if sign::verify(&self.station, NAMESPACE_REPORT, &bytes, &signed.signature).is_err() {
            return Reply::problem(401, "signature", "the signature does not hold");
        }
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let id: Uuid = value["report_id"].as_str().unwrap().parse().unwrap();
        if let Some((stored, receipt)) = self.reports.get(&id) {
            return if *stored == bytes {
                Reply::json(200, receipt)
            } else {
                Reply::problem(409, "other bytes", "this id has other bytes")
            };
        }
        let (receipt, signed) = receipt::issue(
            &self.key,
            &self.last,
            id,
            &bytes,
            &self.station.fingerprint(),
            "2026-01-02T03:04:05Z".parse().unwrap(),
            None,
        )
        .unwrap();
        let exact = STANDARD.decode(&signed.bytes_base64).unwrap();
        self.last = Link::after(receipt.number, &exact);
        self.reports.insert(id, (bytes, signed.clone()));
        Reply::json(201, &signed)
    }
}

/// A report's bytes and signature.
pub fn report(key: &StationKey, id: Uuid) -> (Vec<u8>, String) {
    let bytes = format!("{{\"schema\":\"raz-report@v1\",\"report_id\":\"{id}\"}}\n").into_bytes();
    let signature = key.sign(NAMESPACE_REPORT, &bytes).unwrap();
    (bytes, signature)
}
