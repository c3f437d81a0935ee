//! Open requests to verify who connected an account. Only the hash of a request's id is stored.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{
    AccountStatus, SecretHash, Store, StoreError,
    accounts::{self, COLUMNS},
};

/// How an attempt to verify a user ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verified {
    /// The account is active.
    Yes,
    /// It belongs to another user; the request stays open.
    OtherUser,
    Unknown,
}

/// A request to open.
pub(crate) struct NewRequest {
    pub(crate) hash: SecretHash,
    pub(crate) expires_at: Timestamp,
}

/// Opens the one request of an account.
pub(super) fn open(
    tx: &Transaction<'_>,
    account_id: &str,
    request: &NewRequest,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO verifications (secret_hash, account_id, expires_at) VALUES (?1, ?2, ?3)",
    )?
    .execute(params![
        request.hash.as_slice(),
        account_id,
        request.expires_at.as_microsecond(),
    ])?;
    Ok(())
}

/// Ends the request of an account, if there is one.
pub(super) fn end(tx: &Transaction<'_>, account_id: &str) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM verifications WHERE account_id = ?1")?
        .execute([account_id])?;
    Ok(())
}

impl Store {
    /// Answers the request: if this is the user of its account, the account is active and the
    /// request used up.
    pub(crate) async fn verify_user(
        &self,
        hash: SecretHash,
        identifier: &str,
        now: Timestamp,
    ) -> Result<Verified, StoreError> {
        let identifier = identifier.to_owned();
        self.write(move |tx| {
            let sql = format!(
                "SELECT {COLUMNS} FROM verifications
                 JOIN accounts ON accounts.id = account_id
                 WHERE secret_hash = ?1 AND expires_at > ?2"
            );
            let account = tx
                .prepare_cached(&sql)?
                .query_row(
                    params![hash.as_slice(), now.as_microsecond()],
                    accounts::record,
                )
                .optional()?;
            let Some(account) = account else {
                return Ok(Verified::Unknown);
            };
            if account.identifier != identifier {
                return Ok(Verified::OtherUser);
            }
            end(tx, &account.id)?;
            accounts::set_status(tx, &account.id, AccountStatus::Active, now)?;
            Ok(Verified::Yes)
        })
        .await
    }
}
