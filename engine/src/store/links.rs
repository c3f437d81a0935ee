//! Authorization links: one use, a minute to live. Only the hash of a link's secret is stored.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, Transaction, params};
use secrecy::SecretString;

use super::{
    AccountRecord, AccountStatus, NewAccount, Store, StoreError,
    accounts::{self, COLUMNS},
    verifications::{self, NewRequest},
};

/// SHA-256 of a link's secret.
pub(crate) type SecretHash = [u8; 32];

/// Dead links are remembered for a while, so that their page can say why they are dead.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// Where the browser goes for its user to be verified, and what it takes along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verification {
    pub(crate) url: String,
    pub(crate) state: Option<String>,
}

/// A link to issue.
pub(crate) struct NewLink {
    pub(crate) account: NewAccount,
    pub(crate) hash: SecretHash,
    /// Whoever uses the link must be verified.
    pub(crate) verification: Option<Verification>,
}

/// What a link is good for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LinkState {
    Unknown,
    Used,
    /// Somebody refused to authorize with it.
    Denied,
    Expired,
    /// May be used now, for this account.
    Open(AccountRecord, Option<Verification>),
}

pub(super) fn state(
    tx: &Transaction<'_>,
    hash: &SecretHash,
    now: Timestamp,
) -> Result<LinkState, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, expires_at, used_at IS NOT NULL, user_verify_url, state, denied_at IS NOT NULL FROM links
         JOIN accounts ON accounts.id = account_id WHERE secret_hash = ?1"
    );
    let found = tx
        .prepare_cached(&sql)?
        .query_row([hash.as_slice()], |row| {
            Ok((
                accounts::record(row)?,
                row.get::<_, i64>(4)?,
                row.get::<_, bool>(5)?,
                row.get::<_, Option<String>>(6)?,
                row.get::<_, Option<String>>(7)?,
                row.get::<_, bool>(8)?,
            ))
        })
        .optional()?;
    Ok(match found {
        None => LinkState::Unknown,
        Some((_, _, true, ..)) => LinkState::Used,
        Some((.., true)) => LinkState::Denied,
        Some((_, expires_at, ..)) if expires_at <= now.as_microsecond() => LinkState::Expired,
        Some((account, _, _, url, state, _)) => {
            LinkState::Open(account, url.map(|url| Verification { url, state }))
        }
    })
}

/// Lets the open links of an account expire at once.
pub(super) fn end(
    tx: &Transaction<'_>,
    account_id: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE links SET expires_at = ?2 WHERE account_id = ?1 AND expires_at > ?2",
    )?
    .execute(params![account_id, now.as_microsecond()])?;
    Ok(())
}

impl Store {
    /// Issues links, all or none. Missing accounts are created; `EXPIRED` and `DISCONNECTED` ones
    /// start anew with the status of a new account.
    pub(crate) async fn issue_links(
        &self,
        links: Vec<NewLink>,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<AccountRecord>, StoreError> {
        self.write(move |tx| {
            let forgotten = now.saturating_sub(REMEMBERED).unwrap_or(Timestamp::MIN);
            tx.prepare_cached("DELETE FROM links WHERE expires_at < ?1")?
                .execute([forgotten.as_microsecond()])?;
            links
                .iter()
                .map(|link| {
                    let mut account = accounts::ensure(tx, &link.account, now)?;
                    if matches!(
                        account.status,
                        AccountStatus::Expired | AccountStatus::Disconnected
                    ) {
                        account.status = link.account.status;
                        accounts::set_status(tx, &account.id, account.status, now)?;
                    }
                    let verification = link.verification.as_ref();
                    tx.prepare_cached(
                        "INSERT INTO links (secret_hash, account_id, expires_at, user_verify_url, state)
                         VALUES (?1, ?2, ?3, ?4, ?5)",
                    )?
                    .execute(params![
                        link.hash.as_slice(),
                        account.id,
                        expires_at.as_microsecond(),
                        verification.map(|verification| &verification.url),
                        verification.and_then(|verification| verification.state.as_ref()),
                    ])?;
                    Ok(account)
                })
                .collect()
        })
        .await
    }

    /// Looks at a link without using it.
    pub(crate) async fn link(
        &self,
        hash: SecretHash,
        now: Timestamp,
    ) -> Result<LinkState, StoreError> {
        self.read(move |tx| state(tx, &hash, now)).await
    }

    /// Uses a link: if it was open, it is consumed and its account has this credential. The account
    /// is active, unless the link wants its user verified: then `request` to do so is open.
    pub(crate) async fn redeem_link(
        &self,
        hash: SecretHash,
        credential: SecretString,
        request: NewRequest,
        now: Timestamp,
    ) -> Result<LinkState, StoreError> {
        let vault = self.vault();
        self.write(move |tx| {
            let mut found = state(tx, &hash, now)?;
            if let LinkState::Open(account, verification) = &mut found {
                tx.prepare_cached("UPDATE links SET used_at = ?2 WHERE secret_hash = ?1")?
                    .execute(params![hash.as_slice(), now.as_microsecond()])?;
                account.status = match verification {
                    Some(_) => AccountStatus::PendingVerification,
                    None => AccountStatus::Active,
                };
                accounts::set_credential(
                    tx,
                    &vault,
                    &account.id,
                    &credential,
                    account.status,
                    now,
                )?;
                if verification.is_some() {
                    verifications::open(tx, &account.id, &request)?;
                }
            }
            Ok(found)
        })
        .await
    }
}
