//! Authorization links: one use, a minute to live. Only the hash of a link's secret is stored.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, Transaction, params};
use secrecy::SecretString;

use super::{
    AccountRecord, AccountStatus, NewAccount, Store, StoreError,
    accounts::{self, COLUMNS},
};

/// SHA-256 of a link's secret.
pub(crate) type SecretHash = [u8; 32];

/// Dead links are remembered for a while, so that their page can say why they are dead.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// A link to issue.
pub(crate) struct NewLink {
    pub(crate) account: NewAccount,
    pub(crate) hash: SecretHash,
}

/// What a link is good for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LinkState {
    Unknown,
    Used,
    Expired,
    /// May be used now, for this account.
    Open(AccountRecord),
}

fn state(tx: &Transaction<'_>, hash: &SecretHash, now: Timestamp) -> Result<LinkState, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, expires_at, used_at IS NOT NULL FROM links
         JOIN accounts ON accounts.id = account_id WHERE secret_hash = ?1"
    );
    let found = tx
        .prepare_cached(&sql)?
        .query_row([hash.as_slice()], |row| {
            Ok((
                accounts::record(row)?,
                row.get::<_, i64>(4)?,
                row.get::<_, bool>(5)?,
            ))
        })
        .optional()?;
    Ok(match found {
        None => LinkState::Unknown,
        Some((_, _, true)) => LinkState::Used,
        Some((_, expires_at, _)) if expires_at <= now.as_microsecond() => LinkState::Expired,
        Some((account, ..)) => LinkState::Open(account),
    })
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
                    tx.prepare_cached(
                        "INSERT INTO links (secret_hash, account_id, expires_at) VALUES (?1, ?2, ?3)",
                    )?
                    .execute(params![
                        link.hash.as_slice(),
                        account.id,
                        expires_at.as_microsecond()
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

    /// Uses a link: if it was open, it is consumed and its account active with this credential.
    pub(crate) async fn redeem_link(
        &self,
        hash: SecretHash,
        credential: SecretString,
        now: Timestamp,
    ) -> Result<LinkState, StoreError> {
        let vault = self.vault();
        self.write(move |tx| {
            let mut found = state(tx, &hash, now)?;
            if let LinkState::Open(account) = &mut found {
                tx.prepare_cached("UPDATE links SET used_at = ?2 WHERE secret_hash = ?1")?
                    .execute(params![hash.as_slice(), now.as_microsecond()])?;
                accounts::activate(tx, &vault, &account.id, &credential, now)?;
                account.status = AccountStatus::Active;
            }
            Ok(found)
        })
        .await
    }
}
