//! Connected accounts: their life from the first link to the call of a tool.

pub(crate) mod connect_page;
mod links;

use std::{path::PathBuf, sync::Arc};

use secrecy::SecretString;

pub(crate) use self::links::{IssuedLink, OpenLink};
pub(crate) use crate::store::{AccountRecord, AccountStatus};
use crate::{
    engine::{ConnectionEntry, Connections},
    local::clock::Clock,
    settings::{Auth, Connection},
    signing::SigningError,
    store::{NewAccount, Store, StoreError},
};

/// Why accounts could not be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountsError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Signing(#[from] SigningError),
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
    clock: Clock,
    base: String,
    directory: PathBuf,
}

impl Accounts {
    pub(crate) fn new(
        store: Store,
        connections: Arc<Connections>,
        clock: Clock,
        base: String,
        directory: PathBuf,
    ) -> Accounts {
        Accounts {
            store,
            connections,
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
fn new_account(entry: &ConnectionEntry, identifier: &str) -> NewAccount {
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
