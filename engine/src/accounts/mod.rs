//! Connected accounts: their life from the first link to the call of a tool.

pub(crate) mod connect_page;
mod credential;
mod links;
mod steering;

use std::{io, path::PathBuf, sync::Arc};

use secrecy::SecretString;

pub(crate) use self::{
    credential::{KeyProblem, credential},
    links::{IssuedLink, OpenLink, Redeemed},
    steering::NotDone,
};
pub(crate) use crate::store::{AccountRecord, AccountStatus};
use crate::{
    engine::{ConnectionEntry, Connections},
    local::clock::Clock,
    settings::{Auth, Connection},
    signing::SigningError,
    store::{AccountChange, AccountDetails, AccountKey, NewAccount, Store, StoreError},
    upstream::Upstreams,
};

/// Why accounts could not be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountsError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Signing(#[from] SigningError),
    #[error("cannot delete the folder of account `{account_id}`: {source}")]
    Folder {
        account_id: String,
        source: io::Error,
    },
}

/// What the data plane needs of an account.
#[derive(Debug, Clone)]
pub(crate) struct AccountView {
    pub(crate) id: String,
    pub(crate) status: AccountStatus,
    /// Only of an active account, and only where its connection needs one.
    pub(crate) credential: Option<SecretString>,
    /// The account's private folder; it may not exist yet.
    pub(crate) directory: PathBuf,
}

/// The connected accounts of an engine.
#[derive(Debug)]
pub(crate) struct Accounts {
    store: Store,
    connections: Arc<Connections>,
    upstreams: Arc<Upstreams>,
    clock: Clock,
    base: String,
    directory: PathBuf,
}

impl Accounts {
    pub(crate) fn new(
        store: Store,
        connections: Arc<Connections>,
        upstreams: Arc<Upstreams>,
        clock: Clock,
        base: String,
        directory: PathBuf,
    ) -> Accounts {
        Accounts {
            store,
            connections,
            upstreams,
            clock,
            base,
            directory,
        }
    }

    /// The user's account on this connection, for one call.
    pub(crate) async fn for_call(
        &self,
        connection: &Connection,
        identifier: &str,
    ) -> Result<Option<AccountView>, AccountsError> {
        let Some(entry) = self.connections.get(&connection.name) else {
            return Ok(None);
        };
        let found = self
            .store
            .account_with_credential(&entry.id, identifier)
            .await?;
        Ok(found.map(|(account, credential)| {
            let usable =
                account.status == AccountStatus::Active && connection.auth.needs_credential();
            AccountView {
                directory: self.directory.join(&account.id),
                credential: credential.filter(|_| usable),
                id: account.id,
                status: account.status,
            }
        }))
    }

    /// The user's accounts on several connections, in their order; nothing is created.
    pub(crate) async fn find(
        &self,
        identifier: &str,
        connection_ids: Vec<String>,
    ) -> Result<Vec<Option<AccountRecord>>, AccountsError> {
        Ok(self.store.accounts_of(identifier, connection_ids).await?)
    }

    /// An account by its id.
    pub(crate) async fn find_by_id(
        &self,
        id: &str,
    ) -> Result<Option<AccountRecord>, AccountsError> {
        Ok(self.store.account_by_id(id).await?)
    }

    /// The user's accounts on these connections, in their order, created where missing.
    pub(crate) async fn ensure(
        &self,
        identifier: &str,
        connections: &[&ConnectionEntry],
    ) -> Result<Vec<AccountRecord>, AccountsError> {
        let accounts = connections
            .iter()
            .map(|entry| new_account(entry, identifier))
            .collect();
        Ok(self
            .store
            .ensure_accounts(accounts, self.clock.now())
            .await?)
    }

    /// Makes an account; with a credential, or where none is needed, it is active. `None` if the
    /// user has one on this connection.
    pub(crate) async fn create(
        &self,
        entry: &ConnectionEntry,
        identifier: &str,
        change: AccountChange,
    ) -> Result<Option<AccountDetails>, AccountsError> {
        let account = new_account(entry, identifier);
        let now = self.clock.now();
        Ok(self.store.create_account(account, change, now).await?)
    }

    /// Changes an account; `None` if there is no such account.
    pub(crate) async fn update(
        &self,
        key: AccountKey,
        change: AccountChange,
    ) -> Result<Option<AccountDetails>, AccountsError> {
        let now = self.clock.now();
        Ok(self.store.update_account(key, change, now).await?)
    }

    /// An account with all that the API says of it. The credential is only that of an active
    /// account.
    pub(crate) async fn details(
        &self,
        key: AccountKey,
    ) -> Result<Option<(AccountDetails, Option<SecretString>)>, AccountsError> {
        let found = self.store.account_details(key).await?;
        Ok(found.map(|(details, credential)| {
            let active = details.account.status == AccountStatus::Active;
            (details, credential.filter(|_| active))
        }))
    }

    /// Takes an account's credential away and ends its links and what runs for it; the account is
    /// kept. `None` if there is no such account.
    pub(crate) async fn disconnect(
        &self,
        key: AccountKey,
    ) -> Result<Option<AccountDetails>, AccountsError> {
        let now = self.clock.now();
        let disconnected = self.store.disconnect_account(key, now).await?;
        if let Some(details) = &disconnected {
            self.upstreams.forget_account(&details.account.id).await;
        }
        Ok(disconnected)
    }

    /// Deletes an account with its credential, its links and its folder, and ends what runs for
    /// it; `false` if there is no such account.
    pub(crate) async fn delete(&self, key: AccountKey) -> Result<bool, AccountsError> {
        // First, so that no new request gets past the gate.
        let Some(id) = self.store.delete_account(key).await? else {
            return Ok(false);
        };
        self.upstreams.delete_account(&id).await;
        match tokio::fs::remove_dir_all(self.directory.join(&id)).await {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(AccountsError::Folder {
                account_id: id,
                source,
            }),
            _ => Ok(true),
        }
    }

    /// Where the browser goes once its user is verified.
    pub(crate) fn verified_url(&self) -> String {
        format!("{}{}", self.base, connect_page::VERIFIED)
    }

    /// Moves an account to another status; `false` if there is no such account.
    #[cfg(test)]
    pub(crate) async fn set_status(
        &self,
        id: &str,
        status: AccountStatus,
    ) -> Result<bool, AccountsError> {
        let now = self.clock.now();
        Ok(self.store.set_account_status(id, status, now).await?)
    }

    /// Expires an account whose upstream refused this credential; `false` if it is not active or
    /// has another credential by now.
    pub(crate) async fn expire(
        &self,
        id: &str,
        refused: &SecretString,
    ) -> Result<bool, AccountsError> {
        Ok(self
            .store
            .expire_account(id, refused, self.clock.now())
            .await?)
    }
}

/// An account as it begins: where nothing is needed, it is active as soon as it exists.
pub(crate) fn new_account(entry: &ConnectionEntry, identifier: &str) -> NewAccount {
    NewAccount {
        connection_id: entry.id.clone(),
        identifier: identifier.to_owned(),
        status: match entry.connection.auth {
            Auth::None => AccountStatus::Active,
            Auth::ApiKey => AccountStatus::PendingAuth,
        },
    }
}

#[cfg(test)]
mod tests;
