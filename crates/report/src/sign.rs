//! Station keys and detached signatures: ed25519 in OpenSSH's formats, SSHSIG over exact bytes.
//!
//! Format: OpenSSH `PROTOCOL.sshsig`, so that an auditor needs only `ssh-keygen -Y verify`.
//! Stricter than OpenSSH on purpose: ed25519 only, hash sha512 only, version 1, no reserved data.
//! No certificates: who may sign, and from when to when, is said by [`allowed_signers_line`].
//!
//! Parsing is total: any text gives a key or signature, or an error.

use jiff::Timestamp;
use ssh_key::private::Ed25519Keypair;
use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, SshSig};
use std::fmt;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Longest armored signature that is looked at, in bytes; an ed25519 one has about 320.
const ARMORED_BYTES_MAX: usize = 4096;

/// An ed25519 private key that signs reports, requests or receipts.
///
/// Its `Debug` shows the fingerprint only.
pub struct StationKey {
    private: PrivateKey,
    public: PublicKey,
}

/// An ed25519 public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Ed25519PublicKey);

/// Why a key cannot be made, read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The kernel gave no random bytes.
    #[error("no random bytes for a new key: {0}")]
    Random(String),
    /// The key file cannot be read.
    #[error("{}: reading the key", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The key file cannot be written; an existing one is never replaced.
    #[error("{}: writing a new key", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// Not an OpenSSH key.
    #[error("not an OpenSSH key")]
    Format(#[source] ssh_key::Error),
    /// Encrypted with a passphrase, which a station that starts alone cannot ask for.
    #[error("the key is encrypted with a passphrase; raz needs one without")]
    Encrypted,
    /// Another algorithm than ed25519.
    #[error("a key of the kind {0}; raz needs ed25519")]
    Algorithm(String),
    /// The key could not sign.
    #[error("signing failed")]
    Sign(#[source] ssh_key::Error),
}

/// Why a signature does not hold.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Not an armored SSHSIG.
    #[error("not an SSH signature: {0}")]
    Format(String),
    /// Not ed25519, sha512, version 1 without reserved data.
    #[error("a signature of another kind than ed25519 with sha512: {0}")]
    Kind(String),
    /// Made for another purpose.
    #[error("the signature is for the namespace {found:?}, not {wanted:?}")]
    Namespace {
        /// The namespace asked for.
        wanted: String,
        /// The namespace in the signature.
        found: String,
    },
    /// Made with another key.
    #[error("signed by the key {found}, not {wanted}")]
    OtherKey {
        /// Fingerprint of the key asked for.
        wanted: String,
        /// Fingerprint of the key in the signature.
        found: String,
    },
    /// The bytes are not those that were signed.
    #[error("the signature does not fit these bytes")]
    Bytes,
}

/// Why a line for `allowed_signers` cannot be written.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// A name that ssh-keygen would read as several names or as a pattern.
    #[error("{0:?} is no signer's name: letters, digits and . _ - @ only")]
    Principal(String),
    /// A namespace with a quote, a comma or a pattern in it.
    #[error("{0:?} is no namespace: letters, digits and . _ - @ only")]
    Namespace(String),
}

impl StationKey {
    /// A new key from the kernel's random bytes.
    ///
    /// # Errors
    /// When the kernel gives none.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = [0_u8; 32];
        getrandom::fill(&mut seed).map_err(|error| KeyError::Random(error.to_string()))?;
        let pair = Ed25519Keypair::from_seed(&seed);
        seed.fill(0);
        Self::from_private(PrivateKey::from(pair))
    }

    /// From the text of an OpenSSH private key file.
    ///
    /// # Errors
    /// Not an OpenSSH key, encrypted, or not ed25519.
    pub fn from_openssh(pem: &str) -> Result<Self, KeyError> {
        Self::from_private(PrivateKey::from_openssh(pem).map_err(KeyError::Format)?)
    }

    /// From an OpenSSH private key file.
    ///
    /// # Errors
    /// As [`Self::from_openssh`], or the file cannot be read.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let pem = std::fs::read_to_string(path).map_err(|source| KeyError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::from_openssh(&pem)
    }

    /// Writes an OpenSSH private key file, mode 0600, and waits until it is on the medium.
    ///
    /// # Errors
    /// Any error of the kernel; also when the file exists: no key is ever replaced.
    pub fn write_new(&self, path: &Path) -> Result<(), KeyError> {
        let pem = self
            .private
            .to_openssh(LineEnding::LF)
            .map_err(KeyError::Format)?;
        let fail = |source| KeyError::Write {
            path: path.to_owned(),
            source,
        };
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(fail)?;
        let written = file
            .write_all(pem.as_bytes())
            .and_then(|()| file.sync_all());
        if written.is_err() {
            // Half a key is no key: leave nothing that a later start would stumble over.
            let _ = std::fs::remove_file(path);
        }
        written.map_err(fail)?;
        let directory = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        std::fs::File::open(directory.unwrap_or(Path::new(".")))
            .and_then(|directory| directory.sync_all())
            .map_err(fail)
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// `ssh-ed25519 AAAA… comment`, without a line feed.
    #[must_use]
    pub fn public_line(&self, comment: &str) -> String {
        self.public.line(comment)
    }

    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.public.fingerprint()
    }

    /// Armored SSHSIG over the bytes, hash sha512, ending with a line feed.
    ///
    /// # Errors
    /// An empty namespace.
    pub fn sign(&self, namespace: &str, bytes: &[u8]) -> Result<String, KeyError> {
        let signature = self
            .private
            .sign(namespace, HashAlg::Sha512, bytes)
            .map_err(KeyError::Sign)?;
        armor(&signature).map_err(KeyError::Sign)
    }

    fn from_private(private: PrivateKey) -> Result<Self, KeyError> {
        if private.is_encrypted() {
            return Err(KeyError::Encrypted);
        }
        let public = PublicKey::from_data(private.public_key().key_data())?;
        Ok(Self { private, public })
    }
}

impl fmt::Debug for StationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StationKey({})", self.fingerprint())
    }
}

impl PublicKey {
    /// From a public key line, with or without comment.
    ///
    /// # Errors
    /// Not an OpenSSH key line, or not ed25519.
    pub fn parse_line(line: &str) -> Result<Self, KeyError> {
        let key = ssh_key::PublicKey::from_openssh(line.trim()).map_err(KeyError::Format)?;
        Self::from_data(key.key_data())
    }

    /// `ssh-ed25519 AAAA… comment`, without a line feed; control characters of the comment become
    /// spaces, so that it stays one line.
    #[must_use]
    pub fn line(&self, comment: &str) -> String {
        let comment: String = comment
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let line = format!("ssh-ed25519 {} {}", self.blob_base64(), comment.trim());
        line.trim_end().to_owned()
    }

    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        KeyData::Ed25519(self.0)
            .fingerprint(HashAlg::Sha256)
            .to_string()
    }

    /// RFC 4253 §6.6 key blob in base64: algorithm name and key, each length-prefixed.
    fn blob_base64(&self) -> String {
        use base64::Engine;
        let name = b"ssh-ed25519";
        let mut blob = Vec::with_capacity(51);
        blob.extend((name.len() as u32).to_be_bytes());
        blob.extend(name);
        blob.extend((self.0.0.len() as u32).to_be_bytes());
        blob.extend(self.0.0);
        base64::engine::general_purpose::STANDARD.encode(blob)
    }

    fn from_data(data: &KeyData) -> Result<Self, KeyError> {
        match data.ed25519() {
            Some(key) => Ok(Self(*key)),
            None => Err(KeyError::Algorithm(data.algorithm().to_string())),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}

/// Checks a detached signature.
///
/// # Errors
/// The first thing that is wrong: format, kind, namespace, key, bytes.
pub fn verify(
    public_key: &PublicKey,
    namespace: &str,
    bytes: &[u8],
    armored: &str,
) -> Result<(), VerifyError> {
    let signature = parse(armored)?;
    if signature.namespace() != namespace {
        return Err(VerifyError::Namespace {
            wanted: namespace.to_owned(),
            found: signature.namespace().to_owned(),
        });
    }
    let found = key_of(&signature)?;
    if found != *public_key {
        return Err(VerifyError::OtherKey {
            wanted: public_key.fingerprint(),
            found: found.fingerprint(),
        });
    }
    ssh_key::PublicKey::from(public_key.0)
        .verify(namespace, bytes, &signature)
        .map_err(|_| VerifyError::Bytes)
}

/// The key that a signature names. Says nothing about the signature: [`verify`] does.
///
/// # Errors
/// The signature cannot be read or is of another kind.
pub fn signer(armored: &str) -> Result<PublicKey, VerifyError> {
    key_of(&parse(armored)?)
}

/// The same signature, armored as `ssh-keygen` does it. What a service stores was sent by others:
/// this leaves nothing in it that a stricter reader would choke on.
///
/// # Errors
/// The signature cannot be read or is of another kind.
pub fn rearmor(armored: &str) -> Result<String, VerifyError> {
    armor(&parse(armored)?).map_err(|error| VerifyError::Format(error.to_string()))
}

/// A line for `ssh-keygen`'s allowed signers file (`ssh-keygen(1)`, ALLOWED SIGNERS), without a
/// line feed. Times are written in UTC, to the second.
///
/// # Errors
/// A name or namespace that would not be read as one plain name.
pub fn allowed_signers_line(
    principal: &str,
    public_key: &PublicKey,
    namespaces: &[&str],
    valid_after: Option<Timestamp>,
    valid_before: Option<Timestamp>,
) -> Result<String, LineError> {
    if !is_plain_name(principal) {
        return Err(LineError::Principal(principal.to_owned()));
    }
    if let Some(bad) = namespaces
        .iter()
        .find(|namespace| !is_plain_name(namespace))
    {
        return Err(LineError::Namespace((*bad).to_owned()));
    }
    let mut options = vec![format!("namespaces=\"{}\"", namespaces.join(","))];
    let times = [("valid-after", valid_after), ("valid-before", valid_before)];
    for (option, time) in times {
        if let Some(time) = time {
            options.push(format!("{option}=\"{}\"", ssh_time(time)));
        }
    }
    Ok(format!(
        "{principal} {} {}",
        options.join(","),
        public_key.line("")
    ))
}

/// `YYYYMMDDHHMMSSZ`, as `valid-after` and `-O verify-time=` take it.
#[must_use]
pub fn ssh_time(time: Timestamp) -> String {
    time.strftime("%Y%m%d%H%M%SZ").to_string()
}

/// Letters, digits and `. _ - @`, at least one, at most 64: neither a pattern nor a list for
/// `ssh-keygen`, and no option for a shell command that is copied from a page.
#[must_use]
pub fn is_plain_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte);
    (1..=64).contains(&name.len()) && !name.starts_with('-') && name.bytes().all(plain)
}

fn armor(signature: &SshSig) -> Result<String, ssh_key::Error> {
    let mut armored = signature.to_pem(LineEnding::LF)?;
    if !armored.ends_with('\n') {
        armored.push('\n');
    }
    Ok(armored)
}

fn parse(armored: &str) -> Result<SshSig, VerifyError> {
    if armored.len() > ARMORED_BYTES_MAX {
        return Err(VerifyError::Format(format!(
            "longer than {ARMORED_BYTES_MAX} bytes"
        )));
    }
    let signature =
        SshSig::from_pem(armored).map_err(|error| VerifyError::Format(error.to_string()))?;
    if signature.version() != SshSig::VERSION {
        return Err(VerifyError::Kind(format!(
            "version {}",
            signature.version()
        )));
    }
    // OpenSSH signs an empty field whatever stands here: two readers would differ on it.
    if !signature.reserved().is_empty() {
        return Err(VerifyError::Kind("reserved data".into()));
    }
    if signature.hash_alg() != HashAlg::Sha512 {
        return Err(VerifyError::Kind(signature.hash_alg().to_string()));
    }
    if signature.algorithm() != Algorithm::Ed25519 {
        return Err(VerifyError::Kind(signature.algorithm().to_string()));
    }
    Ok(signature)
}

fn key_of(signature: &SshSig) -> Result<PublicKey, VerifyError> {
    PublicKey::from_data(signature.public_key())
        .map_err(|error| VerifyError::Kind(error.to_string()))
}
