//! The one place that makes HTTP clients: time-outs, TLS and no surprises.

use std::{sync::Arc, time::Duration};

/// Time limits of a client.
#[derive(Debug, Clone, Copy)]
pub struct HttpLimits {
    /// Name resolution, connection and TLS together.
    pub connect: Duration,
    /// A whole request and its answer, the body included.
    pub request: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), request: Duration::from_secs(30) }
    }
}

/// The client could not be made; the text says why.
#[derive(Debug, thiserror::Error)]
#[error("The HTTP client could not be set up: {0}")]
pub struct HttpSetupError(String);

impl HttpSetupError {
    pub(crate) fn new(error: &impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// Makes a client: rustls with the Mozilla roots, no redirects (a redirect could carry a token to a foreign host), no
/// proxy from the environment, no cookies.
///
/// # Errors
/// When the TLS library refuses its own settings.
pub fn http_client(limits: HttpLimits) -> Result<reqwest::Client, HttpSetupError> {
    client_builder(limits)?.build().map_err(|error| HttpSetupError::new(&error))
}

/// The settings of every client.
pub(crate) fn client_builder(limits: HttpLimits) -> Result<reqwest::ClientBuilder, HttpSetupError> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| HttpSetupError(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    #[expect(clippy::disallowed_methods, reason = "this is the one factory")]
    let builder = reqwest::Client::builder();
    Ok(builder
        .tls_backend_preconfigured(tls)
        .connect_timeout(limits.connect)
        .timeout(limits.request)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("segue/", env!("CARGO_PKG_VERSION"))))
}
