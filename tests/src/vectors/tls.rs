//! A CA that lives as long as the server, and certificates of this machine's names.

use std::{error::Error, fs, io::Write as _, path::Path, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tempfile::NamedTempFile;
use tokio_rustls::TlsAcceptor;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// A CA of one process.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// One that nobody else knows.
    pub fn new() -> Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params
            .distinguished_name
            .push(DnType::CommonName, "CA of the vectors");
        let key = KeyPair::generate()?;
        Ok(Self(CertifiedIssuer::self_signed(params, key)?))
    }

    /// The file that a client is given as `ca_file`.
    pub fn write(&self) -> Result<NamedTempFile> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tmp");
        fs::create_dir_all(&folder)?;
        let mut file = tempfile::Builder::new()
            .prefix("ca-of-vectors-")
            .suffix(".pem")
            .tempfile_in(folder.canonicalize()?)?;
        file.write_all(self.0.pem().as_bytes())?;
        Ok(file)
    }

    /// Accepts TLS for `localhost` and `0.0.0.0`, and offers these protocols.
    pub fn acceptor(&self, protocols: &[&[u8]], expired: bool) -> Result<TlsAcceptor> {
        let mut params = CertificateParams::new(["localhost".to_owned(), "0.0.0.0".to_owned()])?;
        if expired {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        }
        let key = KeyPair::generate()?;
        let chain: Vec<CertificateDer<'static>> =
            vec![params.signed_by(&key, &self.0)?.der().clone()];
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        // Some clients take a ticket that comes late for the end of the connection.
        config.send_tls13_tickets = 0;
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
