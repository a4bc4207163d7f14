//! Encrypted connections to carriers.

use std::{fmt, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsConnector;

/// The TLS settings cannot be used; the text says which and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The certificate of the authority is none.
    #[error("The carrier's certificate authority cannot be read: it must be one or more certificates in PEM form.")]
    Authority,
    /// The fingerprint is none.
    #[error("The certificate's fingerprint must be 64 hexadecimal digits (SHA-256), with or without colons.")]
    Fingerprint,
    /// The server name is none.
    #[error("The TLS server name is not a host name.")]
    ServerName,
    /// The library refuses its own settings.
    #[error("TLS could not be set up: {0}")]
    Library(String),
}

/// How an encrypted connection is made and whom it trusts.
#[derive(Clone)]
pub struct Tls {
    connector: TlsConnector,
    server_name: ServerName<'static>,
}

/// Whom an encrypted connection trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// The public certificate authorities.
    Public,
    /// These certificates, in PEM form.
    Authority(String),
    /// The one certificate with this SHA-256 fingerprint, whoever signed it and whatever name it has.
    Pinned(String),
}

impl Tls {
    /// Settings for a server that answers as `server_name`.
    ///
    /// # Errors
    /// When the name, the certificates or the fingerprint are not what they should be.
    pub fn new(server_name: &str, trust: &Trust) -> Result<Self, TlsError> {
        let server_name = ServerName::try_from(server_name.to_owned()).map_err(|_| TlsError::ServerName)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Library(error.to_string()))?;
        let builder = match trust {
            Trust::Public => {
                builder.with_root_certificates(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
            }
            Trust::Authority(pem) => builder.with_root_certificates(authority(pem)?),
            Trust::Pinned(fingerprint) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Pin { fingerprint: digest(fingerprint)?, provider })),
        };
        let connector = TlsConnector::from(Arc::new(builder.with_no_client_auth()));
        Ok(Self { connector, server_name })
    }

    pub(super) const fn connector(&self) -> &TlsConnector {
        &self.connector
    }

    pub(super) fn server_name(&self) -> ServerName<'static> {
        self.server_name.clone()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

fn authority(pem: &str) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        roots.add(certificate.map_err(|_| TlsError::Authority)?).map_err(|_| TlsError::Authority)?;
    }
    if roots.is_empty() { Err(TlsError::Authority) } else { Ok(roots) }
}

fn digest(fingerprint: &str) -> Result<[u8; 32], TlsError> {
    let digits: String = fingerprint.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
    let mut digest = [0; 32];
    hex::decode_to_slice(digits, &mut digest).map_err(|_| TlsError::Fingerprint)?;
    Ok(digest)
}

/// Trusts one certificate. The handshake's signatures are checked as always, so who answers holds its key.
#[derive(Debug)]
struct Pin {
    fingerprint: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if Sha256::digest(end_entity.as_ref())[..] == self.fingerprint {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::General("the carrier's certificate is not the pinned one".to_owned()))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_settings_are_told() {
        let error = |name: &str, trust: Trust| Tls::new(name, &trust).map(|_| ()).unwrap_err();
        assert_eq!(error("not a name", Trust::Public), TlsError::ServerName);
        assert_eq!(error("smsc.example", Trust::Authority("nonsense".to_owned())), TlsError::Authority);
        assert_eq!(error("smsc.example", Trust::Pinned("12:34".to_owned())), TlsError::Fingerprint);
        assert!(Tls::new("smsc.example", &Trust::Pinned("AB:".repeat(32).trim_end_matches(':').to_owned())).is_ok());
        assert!(Tls::new("smsc.example", &Trust::Public).is_ok());
        assert!(Tls::new("192.0.2.1", &Trust::Public).is_ok());
    }
}
