//! Users on their way through an OAuth provider's pages: begun by a link, ended by the answer that
//! comes back with the same `state`.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};
use secrecy::{ExposeSecret, SecretString};

use super::{
    AccountRecord, Credential, SecretHash, Store, StoreError, Verification,
    accounts::{self, COLUMNS, WIDTH},
    links,
    verifications::NewRequest,
};

/// An authorization to begin.
pub(crate) struct NewAuthorization {
    /// Of the `state`.
    pub(crate) hash: SecretHash,
    pub(crate) link: SecretHash,
    /// Of the cookie of the browser that began it.
    pub(crate) browser: SecretHash,
    /// Of PKCE.
    pub(crate) verifier: SecretString,
    pub(crate) expires_at: Timestamp,
}

/// An authorization whose answer has come.
#[derive(Debug)]
pub(crate) struct Authorization {
    pub(crate) account: AccountRecord,
    pub(crate) verifier: SecretString,
}

/// What an answer belongs to.
#[derive(Debug)]
pub(crate) enum Begun {
    /// Nothing that was begun here and is still awaited.
    Unknown,
    /// It was begun in another browser.
    OtherBrowser,
    Here(Box<Authorization>),
}

/// Ends what was begun by a link.
pub(super) fn end_of_link(tx: &Transaction<'_>, link: &SecretHash) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM authorizations WHERE link_hash = ?1")?
        .execute([link.as_slice()])?;
    Ok(())
}

/// Ends what was begun for an account.
pub(super) fn end_of_account(tx: &Transaction<'_>, account_id: &str) -> Result<(), StoreError> {
    tx.prepare_cached(
        "DELETE FROM authorizations WHERE link_hash IN
            (SELECT secret_hash FROM links WHERE account_id = ?1)",
    )?
    .execute([account_id])?;
    Ok(())
}

/// Where an authorization's verifier stands, for the vault.
fn place(hash: &SecretHash) -> String {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    format!("verifier:{}", BASE64_STANDARD.encode(hash))
}

/// The link of an authorization, and whose it is.
fn link_of(
    tx: &Transaction<'_>,
    hash: &SecretHash,
) -> Result<Option<(SecretHash, AccountRecord, Option<Verification>)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, link_hash, user_verify_url, state FROM authorizations
         JOIN links ON links.secret_hash = link_hash JOIN accounts ON accounts.id = account_id
         WHERE state_hash = ?1"
    );
    Ok(tx
        .prepare_cached(&sql)?
        .query_row([hash.as_slice()], |row| {
            let url: Option<String> = row.get(WIDTH + 1)?;
            let state = row.get(WIDTH + 2)?;
            Ok((
                row.get(WIDTH)?,
                accounts::record(row)?,
                url.map(|url| Verification { url, state }),
            ))
        })
        .optional()?)
}

impl Store {
    /// Begins an authorization, if its link is open by now.
    pub(crate) async fn begin_authorization(
        &self,
        authorization: NewAuthorization,
        now: Timestamp,
    ) -> Result<links::LinkState, StoreError> {
        let vault = self.vault();
        self.write(move |tx| {
            let found = links::state(tx, &authorization.link, now)?;
            if matches!(found, links::LinkState::Open(..)) {
                tx.prepare_cached("DELETE FROM authorizations WHERE expires_at < ?1")?
                    .execute([now.as_microsecond()])?;
                let verifier = authorization.verifier.expose_secret().as_bytes();
                tx.prepare_cached(
                    "INSERT INTO authorizations (state_hash, link_hash, browser_hash, verifier, expires_at)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![
                    authorization.hash.as_slice(),
                    authorization.link.as_slice(),
                    authorization.browser.as_slice(),
                    vault.seal(&place(&authorization.hash), verifier)?,
                    authorization.expires_at.as_microsecond(),
                ])?;
            }
            Ok(found)
        })
        .await
    }

    /// Takes the one answer of an authorization. It goes on until it is finished or denied.
    pub(crate) async fn answer_authorization(
        &self,
        hash: SecretHash,
        browser: Option<SecretHash>,
        now: Timestamp,
    ) -> Result<Begun, StoreError> {
        let vault = self.vault();
        self.write(move |tx| {
            let found = tx
                .prepare_cached(
                    "SELECT browser_hash, verifier FROM authorizations
                     WHERE state_hash = ?1 AND expires_at > ?2 AND NOT used",
                )?
                .query_row(params![hash.as_slice(), now.as_microsecond()], |row| {
                    Ok((row.get::<_, SecretHash>(0)?, row.get::<_, Vec<u8>>(1)?))
                })
                .optional()?;
            let (Some((begun_in, verifier)), Some((_, account, _))) = (found, link_of(tx, &hash)?)
            else {
                return Ok(Begun::Unknown);
            };
            if browser != Some(begun_in) {
                return Ok(Begun::OtherBrowser);
            }
            tx.prepare_cached("UPDATE authorizations SET used = 1 WHERE state_hash = ?1")?
                .execute([hash.as_slice()])?;
            let verifier = vault.open(&place(&hash), &verifier)?;
            let verifier = std::str::from_utf8(verifier.expose_secret())
                .map_err(|_| StoreError::Unreadable("a verifier is not text"))?;
            Ok(Begun::Here(Box::new(Authorization {
                account,
                verifier: verifier.into(),
            })))
        })
        .await
    }

    /// Ends an authorization well: its link is used, its account has this credential. `None` if it
    /// was ended meanwhile.
    pub(crate) async fn finish_authorization(
        &self,
        hash: SecretHash,
        credential: Credential,
        request: NewRequest,
        now: Timestamp,
    ) -> Result<Option<(AccountRecord, Option<Verification>)>, StoreError> {
        let vault = self.vault();
        self.write(move |tx| {
            let Some((link, mut account, verification)) = link_of(tx, &hash)? else {
                return Ok(None);
            };
            let open = (&mut account, verification.as_ref());
            links::redeem(tx, &vault, &link, open, &credential, &request, now)?;
            Ok(Some((account, verification)))
        })
        .await
    }

    /// Ends an authorization because the user said no; its link is dead.
    pub(crate) async fn deny_authorization(
        &self,
        hash: SecretHash,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            if let Some((link, ..)) = link_of(tx, &hash)? {
                links::deny(tx, &link, now)?;
            }
            Ok(())
        })
        .await
    }
}
