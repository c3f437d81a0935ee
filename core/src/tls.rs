//! TLS with ring, given to the HTTP client by hand: nothing process-wide is installed.

use std::{
    ffi::OsString,
    fmt::Display,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use crate::{Error, Result};

/// Where the system's certificates are, if the environment says so.
type Places = [Option<OsString>; 2];

/// The system's roots and Mozilla's together, so that a container without CA certificates and a
/// company with its own CA both work; and those of a file. Reading them takes longer than all else of
/// a client: without a file it is done once per process.
pub(crate) fn client_config(
    more_roots: &[CertificateDer<'static>],
) -> Result<ClientConfig, rustls::Error> {
    static COMMON: Mutex<Option<(Places, ClientConfig)>> = Mutex::new(None);
    let places: Places = ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(std::env::var_os);
    if !more_roots.is_empty() {
        return new_config(more_roots, &places);
    }
    // Never waited for: a process that forks may leave it locked to its child.
    if let Ok(common) = COMMON.try_lock()
        && let Some((known, config)) = &*common
        && *known == places
    {
        let mut config = config.clone();
        // What changes is not shared.
        config.resumption = Resumption::default();
        return Ok(config);
    }
    let config = new_config(&[], &places)?;
    if let Ok(mut common) = COMMON.try_lock() {
        *common = Some((places, config.clone()));
    }
    Ok(config)
}

fn new_config(
    more_roots: &[CertificateDer<'static>],
    places: &Places,
) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let mozilla = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
    let mut roots: Vec<_> = mozilla.chain(more_roots).cloned().collect();
    // There the verifier asks the system alone; elsewhere it reads these places itself.
    if cfg!(any(windows, target_vendor = "apple")) {
        roots.extend(roots_at(places));
    }
    let verifier = Verifier::new_with_extra_roots(roots, Arc::clone(&provider))?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The roots in the file and in the folders that the environment names, as far as they can be used.
fn roots_at([file, folders]: &Places) -> Vec<CertificateDer<'static>> {
    let mut files: Vec<PathBuf> = file.iter().map(PathBuf::from).collect();
    for folder in folders.iter().flat_map(std::env::split_paths) {
        let entries = fs::read_dir(folder).into_iter().flatten();
        files.extend(entries.flatten().map(|entry| entry.path()));
    }
    let mut store = RootCertStore::empty();
    let mut roots = Vec::new();
    for text in files.iter().filter_map(|file| fs::read(file).ok()) {
        let found = CertificateDer::pem_slice_iter(&text).filter_map(Result::ok);
        roots.extend(found.filter(|root| store.add(root.clone()).is_ok()));
    }
    roots
}

/// The roots of a PEM file, each one tried: a file that cannot help is no surprise later.
pub(crate) fn roots_of(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let refused = |why: &dyn Display| {
        Error::argument(
            "ca_file_invalid",
            "ca_file",
            format!("`ca_file` is `{}`, which {why}", file.display()),
        )
        .suggest("pass a PEM file that holds the certificate of a CA")
    };
    let text = fs::read(file).map_err(|cause| refused(&format_args!("cannot be read: {cause}")))?;
    let roots = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|cause| refused(&format_args!("is not a PEM file: {cause}")))?;
    if roots.is_empty() {
        return Err(refused(&"holds no certificate"));
    }
    let mut store = RootCertStore::empty();
    for root in &roots {
        store.add(root.clone()).map_err(|cause| {
            refused(&format_args!(
                "holds a certificate that is damaged: {cause}"
            ))
        })?;
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, Engine as _};

    use super::*;

    #[test]
    fn no_process_wide_provider_is_installed() {
        client_config(&[]).unwrap();
        assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    }

    #[test]
    fn places_of_the_environment_give_what_can_be_used() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let pem = |der: &[u8]| {
            let text = BASE64_STANDARD.encode(der);
            format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
        };
        let [one, two, three] =
            [0, 1, 2].map(|index| &webpki_root_certs::TLS_SERVER_ROOT_CERTS[index]);
        let file = folder.path().join("file.pem");
        fs::write(
            &file,
            format!("# why\n{}{}{}", pem(one), pem(b"damaged"), pem(two)),
        )
        .unwrap();
        fs::write(other.path().join("three.0"), pem(three)).unwrap();
        fs::write(other.path().join("README"), "no certificate").unwrap();
        fs::create_dir(other.path().join("folder")).unwrap();
        let folders =
            std::env::join_paths([folder.path().join("missing").as_path(), other.path()]).unwrap();
        let found = roots_at(&[Some(file.into()), Some(folders)]);
        assert_eq!(found.iter().collect::<Vec<_>>(), [one, two, three]);
        let missing = folder.path().join("missing.pem").into();
        assert!(roots_at(&[Some(missing), None]).is_empty() && roots_at(&[None, None]).is_empty());
    }

    #[test]
    fn a_file_that_cannot_help_is_refused_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (name, text, why) in [
            ("missing.pem", None, "cannot be read"),
            ("empty.pem", Some(""), "holds no certificate"),
            ("garbage.pem", Some("\u{1}\u{2}"), "holds no certificate"),
            ("half.pem", damaged.get(..40), "is not a PEM file"),
            (
                "damaged.pem",
                Some(damaged),
                "holds a certificate that is damaged",
            ),
        ] {
            let file = folder.path().join(name);
            if let Some(text) = text {
                std::fs::write(&file, text).unwrap();
            }
            let error = roots_of(&file).unwrap_err();
            assert_eq!(
                (error.code(), error.argument_name()),
                ("ca_file_invalid", Some("ca_file")),
                "{name}"
            );
            assert!(error.message().contains(why), "{error}");
            assert!(error.message().contains(name), "{error}");
        }
    }
}
