//! Who may call the API: client ids and secrets.

use std::{collections::HashMap, fmt};

use ring::{
    hmac::{self, HMAC_SHA256},
    rand::SystemRandom,
};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    settings::ClientSettings,
    signing::{SigningError, random_secret},
    store::Store,
};

/// The name under which the store keeps the generated pair, as `id:secret`.
const GENERATED: &str = "default_client";

/// The clients. Secrets are held as keyed hashes, which also makes comparing them take the same
/// time however much of a guess is right.
pub(crate) struct Clients {
    key: hmac::Key,
    hashes: HashMap<String, hmac::Tag>,
    generated: Option<(String, SecretString)>,
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.hashes.keys()).finish()
    }
}

impl Clients {
    /// The clients of the settings; without any, one pair is made and kept in the store.
    pub(super) fn load(
        settings: &[ClientSettings],
        store: &Store,
    ) -> Result<Clients, SigningError> {
        let key = hmac::Key::generate(HMAC_SHA256, &SystemRandom::new())
            .map_err(|_| SigningError::Cryptography)?;
        let generated = if settings.is_empty() {
            Some(generated(store)?)
        } else {
            None
        };
        let named = settings.iter().map(|client| (&client.id, &client.secret));
        let hashes = named
            .chain(generated.iter().map(|(id, secret)| (id, secret)))
            .map(|(id, secret)| {
                (
                    id.clone(),
                    hmac::sign(&key, secret.expose_secret().as_bytes()),
                )
            })
            .collect();
        Ok(Clients {
            key,
            hashes,
            generated,
        })
    }

    /// Whether there is such a client at all.
    pub(crate) fn contains(&self, id: &str) -> bool {
        self.hashes.contains_key(id)
    }

    /// Whether this is the client's secret.
    pub(crate) fn verify(&self, id: &str, secret: &SecretString) -> bool {
        let secret = secret.expose_secret().as_bytes();
        // An unknown client takes as long as a wrong secret: no HMAC is all zeros.
        let hash = self.hashes.get(id).map_or(&[0; 32][..], AsRef::as_ref);
        hmac::verify(&self.key, secret, hash).is_ok()
    }

    pub(super) fn generated(&self) -> Option<(&str, &SecretString)> {
        let (id, secret) = self.generated.as_ref()?;
        Some((id, secret))
    }
}

fn generated(store: &Store) -> Result<(String, SecretString), SigningError> {
    let kept = store.secret(GENERATED)?.and_then(|pair| {
        let (id, secret) = std::str::from_utf8(pair.expose_secret())
            .ok()?
            .split_once(':')?;
        Some((id.to_owned(), SecretString::from(secret)))
    });
    if let Some(pair) = kept {
        return Ok(pair);
    }
    let id = format!("skc_{:018}", jiff::Timestamp::now().as_microsecond());
    let secret = random_secret()?;
    let pair = format!("{id}:{}", secret.expose_secret());
    store.keep_secret(GENERATED, pair.into_bytes().into())?;
    Ok((id, secret))
}
