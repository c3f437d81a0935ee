//! Connected accounts: one user's authorization on one connection.

use std::fmt;

use jiff::Timestamp;
use rusqlite::{
    OptionalExtension, Row, Transaction, params,
    types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::{
    Credential, Store, StoreError, Tokens,
    credentials::{self, Sealed},
    links, next_id,
    vault::Vault,
    verifications,
};

/// What an application keeps with an account, in a form of its own.
pub(crate) type ApiConfig = Map<String, Value>;

/// Where an account is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum AccountStatus {
    Active,
    Expired,
    PendingAuth,
    PendingVerification,
    Disconnected,
}

impl AccountStatus {
    const ALL: [AccountStatus; 5] = [
        AccountStatus::Active,
        AccountStatus::Expired,
        AccountStatus::PendingAuth,
        AccountStatus::PendingVerification,
        AccountStatus::Disconnected,
    ];

    /// The name on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            AccountStatus::Active => "ACTIVE",
            AccountStatus::Expired => "EXPIRED",
            AccountStatus::PendingAuth => "PENDING_AUTH",
            AccountStatus::PendingVerification => "PENDING_VERIFICATION",
            AccountStatus::Disconnected => "DISCONNECTED",
        }
    }
}

impl fmt::Display for AccountStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ToSql for AccountStatus {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for AccountStatus {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text = value.as_str()?;
        AccountStatus::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(FromSqlError::InvalidType)
    }
}

/// A stored account, without its credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccountRecord {
    pub(crate) id: String,
    pub(crate) connection_id: String,
    pub(crate) identifier: String,
    pub(crate) status: AccountStatus,
    /// When its access token ends, in microseconds since 1970.
    token_expires_at: Option<i64>,
    renewable: bool,
}

impl AccountRecord {
    /// Whether it is stored as active although its access token has ended.
    pub(crate) fn is_overdue(&self, now: Timestamp) -> bool {
        self.status == AccountStatus::Active
            && self
                .token_expires_at
                .is_some_and(|expires_at| expires_at <= now.as_microsecond())
    }

    /// Whether a new access token can be had without the user.
    pub(crate) fn is_renewable(&self) -> bool {
        self.renewable
    }
}

/// An account that should exist.
#[derive(Debug, Clone)]
pub(crate) struct NewAccount {
    pub(crate) connection_id: String,
    pub(crate) identifier: String,
    /// The status it gets if it does not exist yet.
    pub(crate) status: AccountStatus,
}

/// Names one account.
#[derive(Debug, Clone)]
pub(crate) enum AccountKey {
    Id(String),
    Of {
        connection_id: String,
        identifier: String,
    },
}

/// An account with all that the API says of it; its credential apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AccountDetails {
    pub(crate) account: AccountRecord,
    /// As it is spelled today.
    pub(crate) connection_name: String,
    pub(crate) api_config: Option<ApiConfig>,
    pub(crate) token_expires_at: Option<Timestamp>,
    pub(crate) updated_at: Timestamp,
}

/// What to change of an account; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccountChange {
    /// Makes the account active.
    pub(crate) credential: Option<Credential>,
    /// Its members replace those of the same name.
    pub(crate) api_config: Option<ApiConfig>,
}

pub(super) const COLUMNS: &str =
    "accounts.id, connection_id, identifier, status, token_expires_at, renewable";

/// Where the columns of the account end in a row that starts with `COLUMNS`.
pub(super) const WIDTH: usize = 6;

pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<AccountRecord> {
    Ok(AccountRecord {
        id: row.get(0)?,
        connection_id: row.get(1)?,
        identifier: row.get(2)?,
        status: row.get(3)?,
        token_expires_at: row.get(4)?,
        renewable: row.get(5)?,
    })
}

pub(super) fn find(
    tx: &Transaction<'_>,
    connection_id: &str,
    identifier: &str,
) -> Result<Option<AccountRecord>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM accounts WHERE connection_id = ?1 AND identifier = ?2");
    Ok(tx
        .prepare_cached(&sql)?
        .query_row([connection_id, identifier], record)
        .optional()?)
}

/// The account, created if it is missing.
pub(super) fn ensure(
    tx: &Transaction<'_>,
    account: &NewAccount,
    now: Timestamp,
) -> Result<AccountRecord, StoreError> {
    if let Some(found) = find(tx, &account.connection_id, &account.identifier)? {
        return Ok(found);
    }
    let id = next_id(tx, "ca_")?;
    tx.prepare_cached(
        "INSERT INTO accounts (id, connection_id, identifier, status, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
    )?
    .execute(params![
        id,
        account.connection_id,
        account.identifier,
        account.status,
        now.as_microsecond()
    ])?;
    Ok(AccountRecord {
        id,
        connection_id: account.connection_id.clone(),
        identifier: account.identifier.clone(),
        status: account.status,
        token_expires_at: None,
        renewable: false,
    })
}

pub(super) fn set_status(
    tx: &Transaction<'_>,
    id: &str,
    status: AccountStatus,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx
        .prepare_cached("UPDATE accounts SET status = ?2, updated_at = ?3 WHERE id = ?1")?
        .execute(params![id, status, now.as_microsecond()])?;
    Ok(changed > 0)
}

fn set_api_config(
    tx: &Transaction<'_>,
    id: &str,
    api_config: &ApiConfig,
    now: Timestamp,
) -> Result<(), StoreError> {
    let json = serde_json::to_string(api_config)
        .map_err(|_| StoreError::Unreadable("an API config is not JSON"))?;
    tx.prepare_cached("UPDATE accounts SET api_config = ?2, updated_at = ?3 WHERE id = ?1")?
        .execute(params![id, json, now.as_microsecond()])?;
    Ok(())
}

/// The account of this key, with its credential.
fn details(
    tx: &Transaction<'_>,
    key: &AccountKey,
) -> Result<Option<(AccountDetails, Sealed)>, StoreError> {
    let (condition, parameters) = match key {
        AccountKey::Id(id) => ("accounts.id = ?1", vec![id]),
        AccountKey::Of {
            connection_id,
            identifier,
        } => (
            "connection_id = ?1 AND identifier = ?2",
            vec![connection_id, identifier],
        ),
    };
    let sql = format!(
        "SELECT {COLUMNS}, connections.name, api_config, updated_at, credential, credential_kind
         FROM accounts JOIN connections ON connections.id = connection_id WHERE {condition}"
    );
    let found = tx
        .prepare_cached(&sql)?
        .query_row(rusqlite::params_from_iter(parameters), |row| {
            Ok((
                record(row)?,
                row.get::<_, String>(WIDTH)?,
                row.get::<_, Option<String>>(WIDTH + 1)?,
                row.get::<_, i64>(WIDTH + 2)?,
                sealed(row, WIDTH + 3)?,
            ))
        })
        .optional()?;
    let Some((account, connection_name, api_config, updated_at, sealed)) = found else {
        return Ok(None);
    };
    let moment = |micros| {
        Timestamp::from_microsecond(micros)
            .map_err(|_| StoreError::Unreadable("a moment is out of range"))
    };
    let api_config = api_config
        .map(|json| serde_json::from_str(&json))
        .transpose();
    let details = AccountDetails {
        token_expires_at: account.token_expires_at.map(moment).transpose()?,
        account,
        connection_name,
        api_config: api_config.map_err(|_| StoreError::Unreadable("an API config is not JSON"))?,
        updated_at: moment(updated_at)?,
    };
    Ok(Some((details, sealed)))
}

/// An account by its id, which is in the database.
pub(super) fn details_by_id(
    tx: &Transaction<'_>,
    id: &str,
) -> Result<Option<AccountDetails>, StoreError> {
    let found = details(tx, &AccountKey::Id(id.to_owned()))?;
    Ok(found.map(|(details, _)| details))
}

/// The credential and its kind, from these two columns on.
fn sealed(row: &Row<'_>, column: usize) -> rusqlite::Result<Sealed> {
    let sealed: Option<Vec<u8>> = row.get(column)?;
    let kind: Option<String> = row.get(column + 1)?;
    Ok(sealed.zip(kind))
}

/// Writes what a request brings to an account.
fn apply(
    tx: &Transaction<'_>,
    vault: &Vault,
    id: &str,
    change: &AccountChange,
    now: Timestamp,
) -> Result<(), StoreError> {
    if let Some(credential) = &change.credential {
        credentials::set(tx, vault, id, credential, AccountStatus::Active, now)?;
    }
    if let Some(api_config) = &change.api_config {
        set_api_config(tx, id, api_config, now)?;
    }
    Ok(())
}

impl Store {
    /// One user's accounts on several connections, in their order, as of one moment.
    pub(crate) async fn accounts_of(
        &self,
        identifier: &str,
        connection_ids: Vec<String>,
    ) -> Result<Vec<Option<AccountRecord>>, StoreError> {
        let identifier = identifier.to_owned();
        self.read(move |tx| {
            connection_ids
                .iter()
                .map(|connection_id| find(tx, connection_id, &identifier))
                .collect()
        })
        .await
    }

    /// An account by its id.
    pub(crate) async fn account_by_id(
        &self,
        id: &str,
    ) -> Result<Option<AccountRecord>, StoreError> {
        let id = id.to_owned();
        self.read(move |tx| {
            let sql = format!("SELECT {COLUMNS} FROM accounts WHERE id = ?1");
            Ok(tx
                .prepare_cached(&sql)?
                .query_row([id], record)
                .optional()?)
        })
        .await
    }

    /// The user's accounts on these connections, in their order, with decrypted credentials.
    pub(crate) async fn accounts_with_credentials(
        &self,
        connection_ids: Vec<String>,
        identifier: &str,
    ) -> Result<Vec<Option<(AccountRecord, Option<Credential>)>>, StoreError> {
        let (vault, identifier) = (self.vault(), identifier.to_owned());
        self.read(move |tx| {
            let sql = format!(
                "SELECT {COLUMNS}, credential, credential_kind FROM accounts
                 WHERE connection_id = ?1 AND identifier = ?2"
            );
            let mut accounts = tx.prepare_cached(&sql)?;
            connection_ids
                .iter()
                .map(|connection_id| {
                    let found = accounts
                        .query_row([connection_id, &identifier], |row| {
                            Ok((record(row)?, sealed(row, WIDTH)?))
                        })
                        .optional()?;
                    let Some((account, sealed)) = found else {
                        return Ok(None);
                    };
                    let credential = credentials::open(&vault, &account.id, &sealed)?;
                    Ok(Some((account, credential)))
                })
                .collect()
        })
        .await
    }

    /// An account with all that the API says of it, and its decrypted credential.
    pub(crate) async fn account_details(
        &self,
        key: AccountKey,
    ) -> Result<Option<(AccountDetails, Option<Credential>)>, StoreError> {
        let vault = self.vault();
        self.read(move |tx| {
            let Some((details, sealed)) = details(tx, &key)? else {
                return Ok(None);
            };
            let credential = credentials::open(&vault, &details.account.id, &sealed)?;
            Ok(Some((details, credential)))
        })
        .await
    }

    /// Stores a new account; `None` if the user has one on that connection.
    pub(crate) async fn create_account(
        &self,
        account: NewAccount,
        change: AccountChange,
        now: Timestamp,
    ) -> Result<Option<AccountDetails>, StoreError> {
        let vault = self.vault();
        self.write(move |tx| {
            if find(tx, &account.connection_id, &account.identifier)?.is_some() {
                return Ok(None);
            }
            let id = ensure(tx, &account, now)?.id;
            apply(tx, &vault, &id, &change, now)?;
            details_by_id(tx, &id)
        })
        .await
    }

    /// Changes an account; `None` if there is no such account.
    pub(crate) async fn update_account(
        &self,
        key: AccountKey,
        change: AccountChange,
        now: Timestamp,
    ) -> Result<Option<AccountDetails>, StoreError> {
        let vault = self.vault();
        self.write(move |tx| {
            let Some((mut before, _)) = details(tx, &key)? else {
                return Ok(None);
            };
            let id = before.account.id;
            let merged = change.api_config.map(|api_config| {
                let mut merged = before.api_config.take().unwrap_or_default();
                merged.extend(api_config);
                merged
            });
            let change = AccountChange {
                credential: change.credential,
                api_config: merged,
            };
            apply(tx, &vault, &id, &change, now)?;
            details_by_id(tx, &id)
        })
        .await
    }

    /// Takes an account's credential away, and ends the links that could bring another; the rest is
    /// kept. `None` if there is no such account.
    pub(crate) async fn disconnect_account(
        &self,
        key: AccountKey,
        now: Timestamp,
    ) -> Result<Option<AccountDetails>, StoreError> {
        self.write(move |tx| {
            let Some((before, _)) = details(tx, &key)? else {
                return Ok(None);
            };
            let id = before.account.id;
            credentials::remove(tx, &id)?;
            set_status(tx, &id, AccountStatus::Disconnected, now)?;
            verifications::end(tx, &id)?;
            links::end(tx, &id, now)?;
            details_by_id(tx, &id)
        })
        .await
    }

    /// Deletes an account and all that belongs to it, and answers its id.
    pub(crate) async fn delete_account(
        &self,
        key: AccountKey,
    ) -> Result<Option<String>, StoreError> {
        self.write(move |tx| {
            let Some((before, _)) = details(tx, &key)? else {
                return Ok(None);
            };
            let id = before.account.id;
            tx.prepare_cached("DELETE FROM accounts WHERE id = ?1")?
                .execute([&id])?;
            Ok(Some(id))
        })
        .await
    }

    /// These accounts, in their order, created where missing.
    pub(crate) async fn ensure_accounts(
        &self,
        accounts: Vec<NewAccount>,
        now: Timestamp,
    ) -> Result<Vec<AccountRecord>, StoreError> {
        self.write(move |tx| {
            accounts
                .iter()
                .map(|account| ensure(tx, account, now))
                .collect()
        })
        .await
    }

    /// Expires an active account that still sends this secret; `false` if it is otherwise.
    pub(crate) async fn expire_account(
        &self,
        id: &str,
        refused: &SecretString,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (id, refused) = (id.to_owned(), refused.clone());
        let vault = self.vault();
        self.write(move |tx| {
            let found = active_credential(tx, &vault, &id)?;
            if !found.is_some_and(|stored| same(stored.secret(), &refused)) {
                return Ok(false);
            }
            set_status(tx, &id, AccountStatus::Expired, now)
        })
        .await
    }

    /// The credential of an account, if it is active.
    pub(crate) async fn active_credential(
        &self,
        id: &str,
    ) -> Result<Option<Credential>, StoreError> {
        let id = id.to_owned();
        let vault = self.vault();
        self.read(move |tx| active_credential(tx, &vault, &id))
            .await
    }

    /// Replaces the tokens of an active account by those that they were exchanged for; `false` if
    /// it is otherwise by now.
    pub(crate) async fn renew_tokens(
        &self,
        id: &str,
        before: &Tokens,
        renewed: Tokens,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (id, before) = (id.to_owned(), before.access_token.clone());
        let vault = self.vault();
        self.write(move |tx| {
            let found = active_credential(tx, &vault, &id)?;
            if !found.is_some_and(|stored| same(stored.secret(), &before)) {
                return Ok(false);
            }
            let renewed = Credential::Tokens(renewed);
            credentials::set(tx, &vault, &id, &renewed, AccountStatus::Active, now)?;
            Ok(true)
        })
        .await
    }

    /// Expires the active accounts whose token has ended and cannot be renewed; answers their ids.
    pub(crate) async fn expire_lapsed(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        self.write(move |tx| {
            let mut statement = tx.prepare_cached(
                "UPDATE accounts SET status = ?3, updated_at = ?1
                 WHERE status = ?2 AND renewable = 0 AND token_expires_at <= ?1 RETURNING id",
            )?;
            let moved = params![
                now.as_microsecond(),
                AccountStatus::Active,
                AccountStatus::Expired
            ];
            let ids = statement.query_map(moved, |row| row.get(0))?;
            Ok(ids.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Moves an account to another status; `false` if there is no such account.
    #[cfg(test)]
    pub(crate) async fn set_account_status(
        &self,
        id: &str,
        status: AccountStatus,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |tx| set_status(tx, &id, status, now)).await
    }
}

/// The credential of an account, if it is active.
fn active_credential(
    tx: &Transaction<'_>,
    vault: &Vault,
    id: &str,
) -> Result<Option<Credential>, StoreError> {
    let found = tx
        .prepare_cached(
            "SELECT credential, credential_kind FROM accounts WHERE id = ?1 AND status = ?2",
        )?
        .query_row(params![id, AccountStatus::Active], |row| sealed(row, 0))
        .optional()?;
    credentials::open(vault, id, &found.flatten())
}

fn same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}
