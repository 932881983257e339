//! The service is recognised by its certificate alone: the SHA-256 of its DER, and a handshake
//! signed with that certificate's key.
//!
//! Dates and names are ignored on purpose: the clocks of donated computers are years off, and
//! the service has an address, not a name. A certificate is public, so the digest alone proves
//! nothing: the handshake signature (RFC 8446 §4.4.3, RFC 5246 §7.4.3) is always checked.

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;

/// SHA-256 of the one accepted certificate's DER.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pin([u8; 32]);

/// What is wrong with a pin or with the certificate that was shown.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PinError {
    /// Not a digest in hexadecimal.
    #[error("a pin is 64 hexadecimal digits, with or without colons")]
    NotADigest,
    /// Another certificate.
    #[error("the certificate is not the pinned one: its SHA-256 is {found}")]
    OtherCertificate {
        /// Its digest.
        found: Pin,
    },
}

impl Pin {
    /// From 64 hexadecimal digits in any case, with colons or without.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, PinError> {
        let digits: String = text.trim().chars().filter(|c| *c != ':').collect();
        let mut digest = [0; 32];
        hex::decode_to_slice(&digits, &mut digest).map_err(|_| PinError::NotADigest)?;
        Ok(Self(digest))
    }

    /// Of a certificate's DER.
    #[must_use]
    pub fn of(certificate_der: &[u8]) -> Self {
        Self(Sha256::digest(certificate_der).into())
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pin({self})")
    }
}

/// Accepts exactly the pinned certificate, with a handshake signed by its key.
#[derive(Debug)]
struct PinVerifier {
    pin: Pin,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let found = Pin::of(end_entity);
        if found == self.pin {
            return Ok(ServerCertVerified::assertion());
        }
        let why = OtherError(Arc::new(PinError::OtherCertificate { found }));
        Err(CertificateError::Other(why).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// TLS 1.2 and 1.3 towards the pinned service. Nothing is resumed, so that each connection
/// proves the key again.
///
/// # Errors
/// When the crypto provider lacks the protocol versions.
pub fn client_config(pin: Pin) -> Result<ClientConfig, rustls::Error> {
    let provider: CryptoProvider = rustls::crypto::ring::default_provider();
    let verifier = PinVerifier {
        pin,
        algorithms: provider.signature_verification_algorithms,
    };
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::{Pin, PinError};

    #[test]
    fn pins_are_read_in_any_case_with_colons_or_without() {
        let pin = Pin::of(b"x");
        let plain = pin.to_string();
        let colons: Vec<String> = plain
            .as_bytes()
            .chunks(2)
            .map(|pair| String::from_utf8_lossy(pair).to_uppercase())
            .collect();
        assert_eq!(Pin::parse(&plain), Ok(pin));
        assert_eq!(Pin::parse(&format!(" {} ", colons.join(":"))), Ok(pin));
    }

    #[test]
    fn anything_else_is_no_pin() {
        for text in [
            "",
            "00",
            &"0".repeat(63),
            &"0".repeat(65),
            &"g".repeat(64),
            &"é".repeat(32),
        ] {
            assert_eq!(Pin::parse(text), Err(PinError::NotADigest), "{text}");
        }
    }
}
