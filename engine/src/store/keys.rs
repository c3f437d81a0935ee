//! What outlives even a reset: the engine's secrets, and the ids of connections.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use secrecy::{ExposeSecret, SecretSlice};

use super::{
    AccountStatus, CredentialKind, Store, StoreError, next_id,
    vault::{KeySource, Vault},
};

/// Sealed when the database is made; opens only with the same key.
const CHECK: &str = "key_check";

/// Loads the encryption key and makes sure that it is the one this database was made with.
pub(super) fn open_vault(connection: &Connection, key: &KeySource) -> Result<Vault, StoreError> {
    let check: Option<Vec<u8>> = connection
        .query_row(
            "SELECT value FROM secrets WHERE name = ?1",
            [CHECK],
            |row| row.get(0),
        )
        .optional()?;
    let vault = key.load(check.is_none())?;
    if let Some(sealed) = check {
        vault.open(CHECK, &sealed)?;
    } else {
        let sealed = vault.seal(CHECK, b"vmcp")?;
        connection.execute(
            "INSERT INTO secrets (name, value) VALUES (?1, ?2)",
            params![CHECK, sealed],
        )?;
    }
    Ok(vault)
}

/// A connection the settings know.
pub(crate) struct ConnectionName {
    pub(crate) name: String,
    /// What its accounts need; `None` where they need nothing.
    pub(crate) credential: Option<CredentialKind>,
}

impl Store {
    /// A named secret of the engine. Blocks: for the start of an engine only.
    pub(crate) fn secret(&self, name: &'static str) -> Result<Option<SecretSlice<u8>>, StoreError> {
        let vault = self.vault();
        self.inner.writer.run_now(move |tx| {
            let sealed: Option<Vec<u8>> = tx
                .query_row("SELECT value FROM secrets WHERE name = ?1", [name], |row| {
                    row.get(0)
                })
                .optional()?;
            sealed.map(|sealed| vault.open(name, &sealed)).transpose()
        })
    }

    /// Keeps a named secret. Blocks: for the start of an engine only.
    pub(crate) fn keep_secret(
        &self,
        name: &'static str,
        value: SecretSlice<u8>,
    ) -> Result<(), StoreError> {
        let vault = self.vault();
        self.inner.writer.run_now(move |tx| {
            let sealed = vault.seal(name, value.expose_secret())?;
            tx.execute(
                "INSERT OR REPLACE INTO secrets (name, value) VALUES (?1, ?2)",
                params![name, sealed],
            )?;
            Ok(())
        })
    }

    /// The ids of these connections, in their order, given at first sight. Accounts whose
    /// connection meanwhile needs a credential, or needs none any more, change their status.
    /// Blocks: for the start of an engine only.
    pub(crate) fn register_connections(
        &self,
        connections: Vec<ConnectionName>,
    ) -> Result<Vec<String>, StoreError> {
        self.inner.writer.run_now(move |tx| {
            let mut ids = Vec::with_capacity(connections.len());
            for connection in connections {
                let known: Option<(String, Option<String>)> = tx
                    .prepare_cached(
                        "UPDATE connections SET name = ?1 WHERE name = ?1 RETURNING id, needs",
                    )?
                    .query_row([&connection.name], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()?;
                let (id, needed) = if let Some(known) = known {
                    known
                } else {
                    let id = next_id(tx, "conn_")?;
                    tx.execute(
                        "INSERT INTO connections (id, name) VALUES (?1, ?2)",
                        params![id, connection.name],
                    )?;
                    (id, None)
                };
                let needs = connection.credential.map_or("none", CredentialKind::as_str);
                // Else its accounts are right already, however many they are.
                if needed.as_deref() != Some(needs) {
                    adapt_accounts(tx, &id, connection.credential, needs)?;
                }
                ids.push(id);
            }
            Ok(ids)
        })
    }
}

/// Changes the status of the accounts of a connection that now needs something else.
fn adapt_accounts(
    tx: &Transaction<'_>,
    connection_id: &str,
    credential: Option<CredentialKind>,
    needs: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE connections SET needs = ?2 WHERE id = ?1",
        params![connection_id, needs],
    )?;
    if credential.is_some() {
        tx.execute(
            "UPDATE accounts SET status = ?2 WHERE connection_id = ?1 AND status = ?3
             AND credential_kind IS NOT ?4",
            params![
                connection_id,
                AccountStatus::PendingAuth,
                AccountStatus::Active,
                needs
            ],
        )?;
    } else {
        tx.execute(
            "UPDATE accounts SET status = ?2 WHERE connection_id = ?1 AND status = ?3",
            params![
                connection_id,
                AccountStatus::Active,
                AccountStatus::PendingAuth
            ],
        )?;
    }
    Ok(())
}
