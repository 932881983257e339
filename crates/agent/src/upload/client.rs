//! The service's `/api/v1` ([`report::api`]) over TLS with a pinned certificate.
//!
//! Blocking, without redirects, without proxies from the environment, every wait and every
//! answer bounded. It stores nothing and repeats nothing: `spool` does.

use super::names::SystemNames;
use super::pin::{self, Pin, PinError};
use crate::arguments::Secret;
use crate::i18n::{self, Words};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use report::api::{
    Arming, ArmingQuery, BODY_BYTES_MAX, Enrol, NAMESPACE_REQUEST, Problem, Receipt, ServiceTime,
    Signed, SignedReceipt, StationQuery, StationStatus,
};
use report::receipt::{self, ReceiptError};
use report::sign::{KeyError, PublicKey, StationKey};
use reqwest::blocking::{Client as Http, RequestBuilder, Response};
use reqwest::{StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::error::Error as _;
use std::fmt;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// To open a connection: a bench's network answers in milliseconds, a switch port that has just
/// come up needs seconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For a whole small call.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// For a report: [`BODY_BYTES_MAX`] at a slow megabit a second.
const REPORT_TIMEOUT: Duration = Duration::from_secs(180);
/// Largest answer that is read: a receipt has about 1 kB.
const ANSWER_BYTES_MAX: u64 = 1 << 20;
/// Longest text of a problem that is shown.
const PROBLEM_CHARACTERS_MAX: usize = 300;

/// Where the service is: `https://host:port`.
#[derive(Clone, PartialEq, Eq)]
pub struct Server(Url);

impl Server {
    /// From `https://host` or `https://host:port`, without user, path or query.
    ///
    /// # Errors
    /// Anything else; the text is not repeated, it may hold a password.
    pub fn parse(text: &str) -> Result<Self, ClientError> {
        let url = Url::parse(text).map_err(|_| ClientError::Address)?;
        let bare = url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none();
        if url.scheme() == "https" && url.has_host() && bare {
            Ok(Self(url))
        } else {
            Err(ClientError::Address)
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({self})")
    }
}

/// Why a call brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Not an address of a service.
    #[error("the service's address must be https://host:port")]
    Address,
    /// The TLS configuration cannot be made.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// No answer, or not a whole one.
    #[error("{server}: no answer: {why}")]
    Unreachable {
        /// Service.
        server: String,
        /// Why, down to the kernel's word.
        why: String,
    },
    /// Someone else answered: another certificate, or the pinned one without its key.
    #[error("{server}: not the pinned service: {why}")]
    NotTheService {
        /// Service.
        server: String,
        /// What was wrong with the proof.
        why: String,
    },
    /// The service cannot now: 5xx, 429.
    #[error("{server}: answers {status}: {detail}")]
    Busy {
        /// Service.
        server: String,
        /// HTTP status.
        status: u16,
        /// In the service's words.
        detail: String,
    },
    /// The service refuses.
    #[error("{server}: refuses with {}: {}: {}", problem.status, problem.title, problem.detail)]
    Refused {
        /// Service.
        server: String,
        /// In the service's words.
        problem: Problem,
    },
    /// An answer that is not what was asked for.
    #[error("{server}: unusable answer: {why}")]
    Answer {
        /// Service.
        server: String,
        /// What is wrong with it.
        why: String,
    },
    /// The receipt does not hold.
    #[error("{server}: the receipt does not hold")]
    Receipt {
        /// Service.
        server: String,
        /// What is wrong with it.
        #[source]
        source: ReceiptError,
    },
    /// The request cannot be signed.
    #[error("the request cannot be signed")]
    Sign(#[source] KeyError),
    /// No random bytes for a nonce.
    #[error("the kernel gave no random bytes: {0}")]
    Random(String),
}

/// What became of a report.
#[derive(Clone, Debug)]
pub enum Posted {
    /// Stored by the service; the receipt was checked.
    Accepted {
        /// What the service signed.
        receipt: Receipt,
        /// Its exact bytes and signature.
        signed: SignedReceipt,
    },
    /// Not now: try again later.
    Retry {
        /// In words.
        why: Words,
    },
    /// Trying again alone will not help: a person must look. The report stays in the spool.
    Refused {
        /// HTTP status; 200 or 201 when the answer was no receipt that holds.
        status: u16,
        /// In words.
        problem: Words,
    },
}

/// A connection to one service.
#[derive(Debug)]
pub struct Client {
    server: Server,
    pub(super) http: Http,
    /// The service's receipt key: the first that the pinned service named, or the one given.
    service_key: Mutex<Option<PublicKey>>,
}

impl Client {
    /// Prepares a client; opens no connection.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(server: Server, pin: Pin) -> Result<Self, ClientError> {
        let tls = pin::client_config(pin).map_err(ClientError::Tls)?;
        let http = Http::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .user_agent(concat!("raz/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(SystemNames))
            .build()
            .map_err(|error| unreachable_or_other(&server, &error))?;
        Ok(Self {
            server,
            http,
            service_key: Mutex::new(None),
        })
    }

    /// Takes the service's receipt key as already known from an earlier enrolment.
    #[must_use]
    pub fn with_service_key(self, key: PublicKey) -> Self {
        *self.known_key() = Some(key);
        self
    }

    /// The service's receipt key, once known.
    #[must_use]
    pub fn service_key(&self) -> Option<PublicKey> {
        self.known_key().clone()
    }

    /// The service.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Presents the station with its single-use token.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when the token is not taken; it is never in an error's text.
    pub fn enrol(
        &self,
        token: &Secret,
        name: &str,
        key: &StationKey,
    ) -> Result<StationStatus, ClientError> {
        let body = Enrol {
            token: token.expose().to_owned(),
            public_key: key.public_line(name),
            name: name.to_owned(),
        };
        let status: Result<StationStatus, ClientError> = self.post("enrol", &body);
        // A service that quotes what it was sent must not bring the token to the screen.
        let status = status.map_err(|error| error.without(token.expose()))?;
        self.check_station(status, key)
    }

    /// Asks for the station's own state.
    ///
    /// # Errors
    /// As the service or the network answers.
    pub fn station(&self, key: &StationKey) -> Result<StationStatus, ClientError> {
        let query = StationQuery {
            request: "station".to_owned(),
            nonce: nonce()?,
        };
        let status = self.post("station", &signed(key, &query)?)?;
        self.check_station(status, key)
    }

    /// Asks whether this machine may be erased unattended. The answer is to this question: its
    /// nonce and machine are compared, and an arming without an end is none.
    ///
    /// # Errors
    /// As the service or the network answers; [`ClientError::Answer`] for an answer to another
    /// question.
    pub fn arming(
        &self,
        key: &StationKey,
        machine: &str,
        drives: u32,
    ) -> Result<Arming, ClientError> {
        let query = ArmingQuery {
            request: "arming".to_owned(),
            nonce: nonce()?,
            machine: machine.to_owned(),
            drives,
        };
        let arming: Arming = self.post("arming", &signed(key, &query)?)?;
        if arming.nonce != query.nonce || arming.machine != query.machine {
            return Err(self.answer("an arming for another question"));
        }
        if arming.armed && (arming.until.is_none() || arming.seconds_left.unwrap_or(0) == 0) {
            return Err(self.answer("an arming without time left"));
        }
        Ok(arming)
    }

    /// The service's clock.
    ///
    /// # Errors
    /// As the service or the network answers.
    pub fn service_time(&self) -> Result<jiff::Timestamp, ClientError> {
        let time: ServiceTime = self.receive(self.http.get(self.url("time")), ANSWER_BYTES_MAX)?;
        time.now
            .parse()
            .map_err(|_| self.answer("a time that is none"))
    }

    /// Sends a report's exact bytes and checks the receipt. The same bytes may be sent again
    /// after a lost answer.
    pub fn post_report(&self, report_id: Uuid, bytes: &[u8], signature: &str) -> Posted {
        let Some(service_key) = self.service_key() else {
            return Posted::Retry {
                why: Words::new(
                    format!(
                        "{} : poste pas encore inscrit, ses reçus ne pourraient être contrôlés",
                        self.server
                    ),
                    format!(
                        "{}: not enrolled yet, its receipts could not be checked",
                        self.server
                    ),
                ),
            };
        };
        if bytes.len() > BODY_BYTES_MAX {
            return Posted::Refused {
                status: StatusCode::PAYLOAD_TOO_LARGE.as_u16(),
                problem: Words::new(
                    format!(
                        "le rapport a {} octets, le service en lit {BODY_BYTES_MAX}",
                        bytes.len()
                    ),
                    format!(
                        "the report has {} bytes, the service reads {BODY_BYTES_MAX}",
                        bytes.len()
                    ),
                ),
            };
        }
        let body = Signed {
            bytes_base64: STANDARD.encode(bytes),
            signature: signature.to_owned(),
        };
        let request = self
            .http
            .post(self.url("reports"))
            .timeout(REPORT_TIMEOUT)
            .json(&body);
        let receipt = self
            .receive(request, ANSWER_BYTES_MAX)
            .and_then(|signed: SignedReceipt| {
                match receipt::open_for_report(&signed, &service_key, report_id, bytes) {
                    Ok(receipt) => Ok((receipt, signed)),
                    Err(source) => Err(ClientError::Receipt {
                        server: self.server.to_string(),
                        source,
                    }),
                }
            });
        match receipt {
            Ok((receipt, signed)) => Posted::Accepted { receipt, signed },
            Err(error) => classify(&error),
        }
    }

    /// The status is this station's, and the service's receipt key is the one known.
    fn check_station(
        &self,
        status: StationStatus,
        key: &StationKey,
    ) -> Result<StationStatus, ClientError> {
        if status.fingerprint != key.fingerprint() {
            return Err(self.answer("the state of another station"));
        }
        let named = PublicKey::parse_line(&status.service_key)
            .map_err(|_| self.answer("a receipt key that is none"))?;
        let mut known = self.known_key();
        if known.as_ref().is_some_and(|known| *known != named) {
            return Err(self.answer("another receipt key than at enrolment"));
        }
        *known = Some(named);
        Ok(status)
    }

    fn known_key(&self) -> std::sync::MutexGuard<'_, Option<PublicKey>> {
        self.service_key
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn url(&self, call: &str) -> Url {
        let mut url = self.server.0.clone();
        url.set_path(&format!("/api/v1/{call}"));
        url
    }

    pub(super) fn post<Body: Serialize, Answer: DeserializeOwned>(
        &self,
        call: &str,
        body: &Body,
    ) -> Result<Answer, ClientError> {
        self.receive(self.http.post(self.url(call)).json(body), ANSWER_BYTES_MAX)
    }

    /// The answer to a request, of at most `bytes_max`.
    pub(super) fn receive<Answer: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        bytes_max: u64,
    ) -> Result<Answer, ClientError> {
        let response = request
            .send()
            .map_err(|error| unreachable_or_other(&self.server, &error))?;
        let status = response.status();
        let body = self.body(response, bytes_max)?;
        if status == StatusCode::OK || status == StatusCode::CREATED {
            return serde_json::from_slice(&body)
                .map_err(|error| self.answer(&format!("{status}: {error}")));
        }
        let problem = problem(status, &body);
        let server = self.server.to_string();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(ClientError::Busy {
                server,
                status: status.as_u16(),
                detail: format!("{}: {}", problem.title, problem.detail),
            });
        }
        Err(ClientError::Refused { server, problem })
    }

    fn body(&self, response: Response, bytes_max: u64) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::new();
        let read = response.take(bytes_max + 1).read_to_end(&mut body);
        if let Err(error) = read {
            return Err(ClientError::Unreachable {
                server: self.server.to_string(),
                why: format!("the answer broke off: {error}"),
            });
        }
        if body.len() as u64 > bytes_max {
            return Err(self.answer(&format!("more than {bytes_max} bytes")));
        }
        Ok(body)
    }

    pub(super) fn answer(&self, why: &str) -> ClientError {
        ClientError::Answer {
            server: self.server.to_string(),
            why: why.to_owned(),
        }
    }
}

impl ClientError {
    /// For people: in English with its causes, in French what happened.
    #[must_use]
    pub fn words(&self) -> Words {
        Words::new(i18n::service::trouble_french(self), spelled(self))
    }

    fn without(self, secret: &str) -> Self {
        if secret.is_empty() {
            return self;
        }
        let clean = |text: String| text.replace(secret, "(token)");
        match self {
            Self::Refused { server, problem } => Self::Refused {
                server,
                problem: Problem {
                    title: clean(problem.title),
                    detail: clean(problem.detail),
                    ..problem
                },
            },
            Self::Busy {
                server,
                status,
                detail,
            } => Self::Busy {
                server,
                status,
                detail: clean(detail),
            },
            Self::Answer { server, why } => Self::Answer {
                server,
                why: clean(why),
            },
            Self::Address
            | Self::Tls(_)
            | Self::Unreachable { .. }
            | Self::NotTheService { .. }
            | Self::Receipt { .. }
            | Self::Sign(_)
            | Self::Random(_) => self,
        }
    }
}

/// Whether sending the same report again later can help.
fn classify(error: &ClientError) -> Posted {
    let refused = |status: u16| Posted::Refused {
        status,
        problem: error.words(),
    };
    match error {
        ClientError::Unreachable { .. }
        | ClientError::NotTheService { .. }
        | ClientError::Busy { .. } => Posted::Retry { why: error.words() },
        // A person will accept a pending station; a revoked one stays so. Both are 403, and the
        // service tells them apart in words only. A wrong guess costs a retry or a look.
        ClientError::Refused { problem, .. } if problem.is_pending() => {
            Posted::Retry { why: error.words() }
        }
        ClientError::Refused { problem, .. } => refused(problem.status),
        ClientError::Answer { .. } | ClientError::Receipt { .. } => refused(200),
        ClientError::Address
        | ClientError::Tls(_)
        | ClientError::Sign(_)
        | ClientError::Random(_) => refused(0),
    }
}

/// The error and its causes in one line.
fn spelled(error: &ClientError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// Tells a broken network from a broken proof of identity, in reqwest's chain of causes.
fn unreachable_or_other(server: &Server, error: &reqwest::Error) -> ClientError {
    let server = server.to_string();
    let mut why = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(why)) = tls_error(error) {
            return ClientError::NotTheService {
                server,
                why: identity_fault(why),
            };
        }
        why = error.to_string();
        cause = error.source();
    }
    if error.is_timeout() {
        why = "timed out".to_owned();
    } else if why.is_empty() {
        why = error.to_string();
    }
    ClientError::Unreachable { server, why }
}

/// An I/O error hides what it wraps from `source`, and may wrap another one.
fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(tls);
    }
    tls_error(error.downcast_ref::<std::io::Error>()?.get_ref()?)
}

fn identity_fault(why: &rustls::CertificateError) -> String {
    match why {
        rustls::CertificateError::Other(other) => match other.0.downcast_ref::<PinError>() {
            Some(error) => error.to_string(),
            None => other.to_string(),
        },
        rustls::CertificateError::BadSignature => {
            "it shows the pinned certificate but has not its key".to_owned()
        }
        other => other.to_string(),
    }
}

/// The service's problem details, or the status alone when the body is none.
fn problem(status: StatusCode, body: &[u8]) -> Problem {
    let short = |text: String| -> String {
        text.chars()
            .filter(|c| !c.is_control())
            .take(PROBLEM_CHARACTERS_MAX)
            .collect()
    };
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => Problem {
            title: short(problem.title),
            detail: short(problem.detail),
            status: status.as_u16(),
            r#type: short(problem.r#type),
        },
        Err(_) => Problem {
            r#type: "about:blank".to_owned(),
            title: status
                .canonical_reason()
                .unwrap_or("unknown status")
                .to_owned(),
            status: status.as_u16(),
            detail: "the answer has no problem details".to_owned(),
        },
    }
}

pub(super) fn signed<Query: Serialize>(
    key: &StationKey,
    query: &Query,
) -> Result<Signed, ClientError> {
    let bytes = serde_json::to_vec(query).expect("a struct of text and numbers is JSON");
    let signature = key
        .sign(NAMESPACE_REQUEST, &bytes)
        .map_err(ClientError::Sign)?;
    Ok(Signed {
        bytes_base64: STANDARD.encode(bytes),
        signature,
    })
}

/// 32 random bytes in hexadecimal, so that an answer is to one question.
pub(super) fn nonce() -> Result<String, ClientError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| ClientError::Random(error.to_string()))?;
    Ok(hex::encode(bytes))
}
