//! What opens an account's upstream: a key, or the tokens of an OAuth provider. Encrypted at rest.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Transaction, params};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{AccountStatus, StoreError, accounts, vault::Vault, verifications};

/// An account's credential.
#[derive(Debug, Clone)]
pub(crate) enum Credential {
    Key(SecretString),
    Tokens(Tokens),
}

/// What an OAuth provider granted.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) access_token: SecretString,
    /// Renews the others; without it they end with the access token.
    pub(crate) refresh_token: Option<SecretString>,
    /// `None`: the provider did not say.
    pub(crate) expires_at: Option<Timestamp>,
    /// From the grant to `expires_at`.
    pub(crate) lifetime: Option<SignedDuration>,
    pub(crate) scopes: Vec<String>,
}

impl Tokens {
    /// An access token of which nothing else is known.
    pub(crate) fn of(access_token: SecretString) -> Tokens {
        Tokens {
            access_token,
            refresh_token: None,
            expires_at: None,
            lifetime: None,
            scopes: Vec::new(),
        }
    }
}

impl Credential {
    /// What is sent to the upstream.
    pub(crate) fn secret(&self) -> &SecretString {
        match self {
            Credential::Key(key) => key,
            Credential::Tokens(tokens) => &tokens.access_token,
        }
    }

    fn kind(&self) -> CredentialKind {
        match self {
            Credential::Key(_) => CredentialKind::Key,
            Credential::Tokens(_) => CredentialKind::Tokens,
        }
    }

    fn tokens(&self) -> Option<&Tokens> {
        match self {
            Credential::Key(_) => None,
            Credential::Tokens(tokens) => Some(tokens),
        }
    }
}

/// Which of the two a credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CredentialKind {
    Key,
    Tokens,
}

impl CredentialKind {
    /// As the database spells it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            CredentialKind::Key => "key",
            CredentialKind::Tokens => "tokens",
        }
    }

    fn read(text: &str) -> Result<CredentialKind, StoreError> {
        [CredentialKind::Key, CredentialKind::Tokens]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(StoreError::Unreadable("a credential is of an unknown kind"))
    }

    /// Where a credential of an account stands, for the vault.
    fn place(self, account_id: &str) -> String {
        match self {
            CredentialKind::Key => format!("credential:{account_id}"),
            CredentialKind::Tokens => format!("tokens:{account_id}"),
        }
    }
}

/// Tokens as they are sealed.
#[derive(Serialize, Deserialize)]
struct Sheet {
    access_token: String,
    refresh_token: Option<String>,
    /// Microseconds since 1970.
    expires_at: Option<i64>,
    lifetime_seconds: Option<i64>,
    scopes: Vec<String>,
}

/// A sealed credential and its kind, as an account holds them.
pub(super) type Sealed = Option<(Vec<u8>, String)>;

fn seal(vault: &Vault, account_id: &str, credential: &Credential) -> Result<Vec<u8>, StoreError> {
    let place = credential.kind().place(account_id);
    match credential {
        Credential::Key(key) => vault.seal(&place, key.expose_secret().as_bytes()),
        Credential::Tokens(tokens) => {
            let sheet = Sheet {
                access_token: tokens.access_token.expose_secret().to_owned(),
                refresh_token: tokens
                    .refresh_token
                    .as_ref()
                    .map(|token| token.expose_secret().to_owned()),
                expires_at: tokens.expires_at.map(Timestamp::as_microsecond),
                lifetime_seconds: tokens.lifetime.map(|lifetime| lifetime.as_secs()),
                scopes: tokens.scopes.clone(),
            };
            let json = serde_json::to_vec(&sheet)
                .map_err(|_| StoreError::Unreadable("tokens are not JSON"))?;
            vault.seal(&place, &json)
        }
    }
}

pub(super) fn open(
    vault: &Vault,
    account_id: &str,
    sealed: &Sealed,
) -> Result<Option<Credential>, StoreError> {
    let Some((sealed, kind)) = sealed else {
        return Ok(None);
    };
    let kind = CredentialKind::read(kind)?;
    let plain = vault.open(&kind.place(account_id), sealed)?;
    if kind == CredentialKind::Key {
        let key = std::str::from_utf8(plain.expose_secret())
            .map_err(|_| StoreError::Unreadable("a credential is not text"))?;
        return Ok(Some(Credential::Key(key.into())));
    }
    let sheet: Sheet = serde_json::from_slice(plain.expose_secret())
        .map_err(|_| StoreError::Unreadable("tokens are not JSON"))?;
    let expires_at = sheet
        .expires_at
        .map(Timestamp::from_microsecond)
        .transpose()
        .map_err(|_| StoreError::Unreadable("a moment is out of range"))?;
    Ok(Some(Credential::Tokens(Tokens {
        access_token: sheet.access_token.into(),
        refresh_token: sheet.refresh_token.map(SecretString::from),
        expires_at,
        lifetime: sheet.lifetime_seconds.map(SignedDuration::from_secs),
        scopes: sheet.scopes,
    })))
}

/// Gives an account its credential and the status that follows from it. Whoever was to be verified
/// for an older credential is not any more.
pub(super) fn set(
    tx: &Transaction<'_>,
    vault: &Vault,
    account_id: &str,
    credential: &Credential,
    status: AccountStatus,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sealed = seal(vault, account_id, credential)?;
    let tokens = credential.tokens();
    let expires_at = tokens.and_then(|tokens| tokens.expires_at);
    let renewable = tokens.is_some_and(|tokens| tokens.refresh_token.is_some());
    tx.prepare_cached(
        "UPDATE accounts SET credential = ?2, credential_kind = ?3, token_expires_at = ?4, renewable = ?5
         WHERE id = ?1",
    )?
    .execute(params![
        account_id,
        sealed,
        credential.kind().as_str(),
        expires_at.map(Timestamp::as_microsecond),
        renewable,
    ])?;
    accounts::set_status(tx, account_id, status, now)?;
    verifications::end(tx, account_id)
}

/// Takes an account's credential away.
pub(super) fn remove(tx: &Transaction<'_>, account_id: &str) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE accounts SET credential = NULL, credential_kind = NULL, token_expires_at = NULL, renewable = 0
         WHERE id = ?1",
    )?
    .execute([account_id])?;
    Ok(())
}
