//! Encryption of what the database must not show: credentials of users and the engine's own keys.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};
use secrecy::{ExposeSecret, SecretSlice, SecretString};

use super::StoreError;

/// The environment variable that replaces the key file.
const VARIABLE: &str = "VMCP_ENCRYPTION_KEY";
const KEY_LEN: usize = 32;

/// Where the key comes from.
pub(super) enum KeySource {
    Variable(SecretString),
    File(PathBuf),
}

impl KeySource {
    /// The environment variable if it is set, else the file beside the database.
    pub(super) fn find(file: PathBuf) -> KeySource {
        match std::env::var(VARIABLE) {
            Ok(key) if !key.is_empty() => KeySource::Variable(key.into()),
            _ => KeySource::File(file),
        }
    }

    /// The key; a missing file is written when the database is new and an error when it is not.
    pub(super) fn load(&self, database_is_new: bool) -> Result<Vault, StoreError> {
        match self {
            KeySource::Variable(text) => Vault::from_text(text)
                .ok_or_else(|| StoreError::MalformedKey(format!("the variable `{VARIABLE}`"))),
            KeySource::File(path) => match std::fs::read_to_string(path) {
                Ok(text) => Vault::from_text(&text.into()).ok_or_else(|| {
                    StoreError::MalformedKey(format!("the file `{}`", path.display()))
                }),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    if !database_is_new {
                        return Err(StoreError::MissingKey(path.clone()));
                    }
                    let text = new_key()?;
                    write_private(path, &text)?;
                    Vault::from_text(&text).ok_or(StoreError::Cryptography)
                }
                Err(error) => Err(StoreError::file(path, error)),
            },
        }
    }
}

fn new_key() -> Result<SecretString, StoreError> {
    let mut bytes = [0; KEY_LEN];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| StoreError::Cryptography)?;
    Ok(BASE64_STANDARD.encode(bytes).into())
}

/// Writes a file only its owner can read; it appears whole or not at all.
fn write_private(path: &Path, text: &SecretString) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        writeln!(file, "{}", text.expose_secret())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| StoreError::file(path, error))
}

pub(super) struct Vault {
    key: LessSafeKey,
    random: SystemRandom,
}

impl Vault {
    fn from_text(text: &SecretString) -> Option<Vault> {
        let bytes: SecretSlice<u8> = BASE64_STANDARD
            .decode(text.expose_secret().trim())
            .ok()?
            .into();
        let key = UnboundKey::new(&CHACHA20_POLY1305, bytes.expose_secret()).ok()?;
        Some(Vault {
            key: LessSafeKey::new(key),
            random: SystemRandom::new(),
        })
    }

    /// Encrypts; `place` says where the value stands, so that it opens nowhere else.
    pub(super) fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE_LEN];
        self.random
            .fill(&mut nonce)
            .map_err(|_| StoreError::Cryptography)?;
        let mut body = plain.to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place),
                &mut body,
            )
            .map_err(|_| StoreError::Cryptography)?;
        let mut sealed = nonce.to_vec();
        sealed.append(&mut body);
        Ok(sealed)
    }

    /// Decrypts what `seal` made for the same place.
    pub(super) fn open(&self, place: &str, sealed: &[u8]) -> Result<SecretSlice<u8>, StoreError> {
        let (nonce, body) = sealed
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(StoreError::WrongKey)?;
        let mut body = body.to_vec();
        let length = self
            .key
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(place),
                &mut body,
            )
            .map_err(|_| StoreError::WrongKey)?
            .len();
        body.truncate(length);
        Ok(body.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> Vault {
        Vault::from_text(&new_key().unwrap()).unwrap()
    }

    #[test]
    fn a_sealed_value_opens_only_at_its_place_with_its_key() {
        let vault_1 = vault();
        let sealed = vault_1.seal("account:1", b"hunter2").unwrap();
        assert_eq!(
            vault_1.open("account:1", &sealed).unwrap().expose_secret(),
            b"hunter2"
        );
        assert!(vault_1.open("account:2", &sealed).is_err());
        assert!(vault().open("account:1", &sealed).is_err());
        assert!(vault_1.open("account:1", &sealed[..5]).is_err());
    }

    #[test]
    fn two_seals_of_one_value_differ_and_show_nothing() {
        let vault = vault();
        let one = vault.seal("x", b"hunter2").unwrap();
        assert_ne!(one, vault.seal("x", b"hunter2").unwrap());
        assert!(!one.windows(7).any(|window| window == b"hunter2"));
    }

    #[test]
    fn a_key_from_the_variable_is_checked() {
        let source = KeySource::Variable("not base64!".into());
        let error = source.load(true).err().unwrap().to_string();
        assert!(
            error.contains(VARIABLE) && !error.contains("not base64"),
            "{error}"
        );
        assert!(KeySource::Variable("c2hvcnQ=".into()).load(true).is_err());
        assert!(KeySource::Variable(new_key().unwrap()).load(false).is_ok());
    }
}
