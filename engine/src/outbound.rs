//! The engine's own way out: pooled HTTP clients for upstreams and for OAuth providers.

use std::{sync::Arc, time::Duration};

use reqwest::redirect::Policy;
use url::{Host, Url};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The shared clients; clones share their connections. Redirects are never followed.
#[derive(Debug, Clone)]
pub(crate) struct Outbound {
    /// For everything outside this machine: honours the proxy of the environment.
    outside: reqwest::Client,
    /// For this machine: a proxy must never see these requests.
    loopback: reqwest::Client,
}

/// Why there is no way out.
#[derive(Debug, thiserror::Error)]
#[error("could not set up the HTTP client of the engine: {0}")]
pub(crate) struct OutboundError(String);

impl From<reqwest::Error> for OutboundError {
    fn from(error: reqwest::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<rustls::Error> for OutboundError {
    fn from(error: rustls::Error) -> Self {
        Self(error.to_string())
    }
}

impl Outbound {
    pub(crate) fn new() -> Result<Self, OutboundError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        // Mozilla's roots as well, so that a slim container without any works.
        let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(
            webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned(),
            Arc::clone(&provider),
        )?;
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let builder = || {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .redirect(Policy::none())
                .connect_timeout(CONNECT_TIMEOUT)
                .tcp_nodelay(true)
        };
        Ok(Self {
            outside: builder().build()?,
            loopback: builder().no_proxy().build()?,
        })
    }

    /// The client for this URL.
    pub(crate) fn client(&self, url: &Url) -> &reqwest::Client {
        if is_loopback(url) {
            &self.loopback
        } else {
            &self.outside
        }
    }
}

/// Whether nobody on the way can read what is sent to this URL.
pub(crate) fn is_private(url: &Url) -> bool {
    url.scheme() == "https" || is_loopback(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
