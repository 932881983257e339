//! The service's own TLS certificate, and its pin.
//!
//! There is no authority: stations pin the certificate's SHA-256 and check the handshake's
//! signature. Dates and names in it mean nothing to them (donated machines' clocks are years off).

use anyhow::{Context, Result};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;

/// A certificate and its private key.
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

/// A new self-signed certificate and key (ECDSA P-256), both in one PEM text.
pub fn new_pem() -> Result<String> {
    let made = rcgen::generate_simple_self_signed(vec!["raz-inventory".to_owned()])
        .context("making a certificate")?;
    Ok(format!(
        "{}{}",
        made.signing_key.serialize_pem(),
        made.cert.pem()
    ))
}

impl Identity {
    /// From the text of [`new_pem`].
    pub fn from_pem(pem: &str) -> Result<Self> {
        Ok(Self {
            certificate: CertificateDer::from_pem_slice(pem.as_bytes())
                .context("reading the certificate")?,
            key: PrivateKeyDer::from_pem_slice(pem.as_bytes()).context("reading the TLS key")?,
        })
    }

    /// SHA-256 of the certificate's DER, lower-case hexadecimal.
    pub fn pin(&self) -> String {
        report::receipt::sha256_hex(&self.certificate)
    }

    /// TLS 1.2 and 1.3, HTTP/1.1.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], self.key.clone_key())
            .context("using the certificate")?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}
