//! Connected accounts: their life from the first link to the call of a tool.

mod authorization;
pub(crate) mod connect_page;
mod credential;
mod links;
mod oauth;
mod renewal;
mod steering;

use std::{io, path::PathBuf, sync::Arc};

use futures_util::future::{join_all, try_join_all};
use jiff::Timestamp;
use secrecy::SecretString;

pub(crate) use self::{
    authorization::{Answer, Arrival, Departure},
    credential::{KeyProblem, credential, credential_for},
    links::{IssuedLink, OpenLink, Redeemed},
    renewal::Renewal,
    steering::NotDone,
};
use self::{
    oauth::{OAuthClient, OAuthError},
    renewal::{Due, Renewals},
};
pub(crate) use crate::store::{AccountRecord, AccountStatus};
use crate::{
    engine::{ConnectionEntry, Connections},
    local::clock::Clock,
    outbound::Outbound,
    settings::{Auth, Connection},
    signing::SigningError,
    store::{
        AccountChange, AccountDetails, AccountFilter, AccountKey, Credential, Cursor, NewAccount,
        Page, Store, StoreError,
    },
    upstream::Upstreams,
};

/// Why accounts could not be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountsError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Signing(#[from] SigningError),
    #[error(transparent)]
    Provider(#[from] OAuthError),
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

/// What looking after an access token came to.
enum Usable {
    As(Option<Credential>),
    ReadAgain,
}

/// The connected accounts of an engine.
#[derive(Debug)]
pub(crate) struct Accounts {
    store: Store,
    connections: Arc<Connections>,
    upstreams: Arc<Upstreams>,
    clock: Clock,
    oauth: Arc<OAuthClient>,
    renewals: Arc<Renewals>,
    base: String,
    directory: PathBuf,
}

impl Accounts {
    pub(crate) fn new(
        store: Store,
        connections: Arc<Connections>,
        upstreams: Arc<Upstreams>,
        outbound: Outbound,
        clock: Clock,
        base: String,
        directory: PathBuf,
    ) -> Accounts {
        let redirect_uri = format!("{base}{}", connect_page::CALLBACK);
        let oauth = Arc::new(OAuthClient::new(outbound, redirect_uri));
        let renewals = Renewals::new(store.clone(), Arc::clone(&oauth), clock.clone());
        Accounts {
            oauth,
            renewals: Arc::new(renewals),
            store,
            connections,
            upstreams,
            clock,
            base,
            directory,
        }
    }

    /// The user's accounts on these connections, in their order, for one call. Access tokens are renewed
    /// if need be.
    pub(crate) async fn for_calls(
        &self,
        connections: &[&Connection],
        identifier: &str,
    ) -> Result<Vec<Option<AccountView>>, AccountsError> {
        // A connection that the store does not know has no accounts, and no id.
        let id =
            |connection: &&Connection| Some(self.connections.get(&connection.name)?.id.clone());
        let ids: Vec<String> = connections
            .iter()
            .map(|connection| id(connection).unwrap_or_default())
            .collect();
        let read = || {
            self.store
                .accounts_with_credentials(ids.clone(), identifier)
        };
        let mut found = read().await?;
        let looks = connections
            .iter()
            .zip(&mut found)
            .filter_map(|(connection, found)| {
                let (account, credential) = found.as_mut()?;
                Some(async move {
                    match self.usable(connection, account, credential.take()).await? {
                        Usable::As(usable) => {
                            *credential = usable;
                            Ok::<_, AccountsError>(false)
                        }
                        Usable::ReadAgain => Ok(true),
                    }
                })
            });
        if try_join_all(looks).await?.contains(&true) {
            found = read().await?;
        }
        let view = |(connection, found): (&&Connection, Option<(AccountRecord, _)>)| {
            let (account, credential) = found?;
            Some(self.view(connection, account, credential))
        };
        Ok(connections.iter().zip(found).map(view).collect())
    }

    /// The user's account on one connection, likewise.
    pub(crate) async fn for_call(
        &self,
        connection: &Connection,
        identifier: &str,
    ) -> Result<Option<AccountView>, AccountsError> {
        let mut found = self.for_calls(&[connection], identifier).await?;
        Ok(found.pop().flatten())
    }

    fn view(
        &self,
        connection: &Connection,
        account: AccountRecord,
        credential: Option<Credential>,
    ) -> AccountView {
        let usable = account.status == AccountStatus::Active && connection.auth.needs_credential();
        AccountView {
            directory: self.directory.join(&account.id),
            credential: credential
                .filter(|_| usable)
                .map(|credential| credential.secret().clone()),
            id: account.id,
            status: account.status,
        }
    }

    /// Looks after the access token of an account before it is used.
    async fn usable(
        &self,
        connection: &Connection,
        account: &AccountRecord,
        credential: Option<Credential>,
    ) -> Result<Usable, AccountsError> {
        let now = self.clock.now();
        if account.is_overdue(now) && !account.is_renewable() {
            self.expire_lapsed(now).await?;
            return Ok(Usable::ReadAgain);
        }
        let (Auth::Provider(settings), Some(Credential::Tokens(tokens)), AccountStatus::Active) =
            (&connection.auth, &credential, account.status)
        else {
            return Ok(Usable::As(credential));
        };
        let stale = tokens.access_token.clone();
        match Due::of(tokens, now) {
            Due::No => Ok(Usable::As(credential)),
            Due::Soon => {
                self.renewals.start(&account.id, settings, stale);
                Ok(Usable::As(credential))
            }
            Due::Now => match self.renewals.finish(&account.id, settings, stale).await {
                // The upstream may still take it; if not, the call says what is wrong.
                Renewal::Failed(_) => Ok(Usable::As(credential)),
                Renewal::Ended => {
                    self.upstreams.forget_account(&account.id).await;
                    Ok(Usable::ReadAgain)
                }
                Renewal::Renewed(_) | Renewal::Changed => Ok(Usable::ReadAgain),
            },
        }
    }

    /// Another access token for an account whose upstream refused this one; `None` where there is
    /// no way to get one without the user.
    pub(crate) async fn renew(
        &self,
        connection: &Connection,
        account_id: &str,
        refused: &SecretString,
    ) -> Result<Option<Renewal>, AccountsError> {
        let Auth::Provider(settings) = &connection.auth else {
            return Ok(None);
        };
        let account = self.store.account_by_id(account_id).await?;
        if !account.is_some_and(|account| account.is_renewable()) {
            return Ok(None);
        }
        let renewal = self.renewals.finish(account_id, settings, refused.clone());
        Ok(Some(renewal.await))
    }

    /// The user's accounts on several connections, in their order; nothing is created. What has
    /// ended meanwhile says so.
    pub(crate) async fn find(
        &self,
        identifier: &str,
        connection_ids: Vec<String>,
    ) -> Result<Vec<Option<AccountRecord>>, AccountsError> {
        let read = || self.store.accounts_of(identifier, connection_ids.clone());
        let mut found = read().await?;
        if self.settle(found.iter().flatten()).await? {
            found = read().await?;
        }
        Ok(found)
    }

    /// A page of the accounts that match.
    pub(crate) async fn list(
        &self,
        filter: AccountFilter,
        page_size: u32,
        cursor: Option<Cursor>,
    ) -> Result<Page<AccountDetails>, AccountsError> {
        let now = self.clock.now();
        let read = || {
            self.store
                .list_accounts(filter.clone(), page_size, cursor.clone())
        };
        let mut page = read().await?;
        let lapsed = |account: &AccountRecord| account.is_overdue(now) && !account.is_renewable();
        if page.items.iter().any(|details| lapsed(&details.account)) {
            self.expire_lapsed(now).await?;
            page = read().await?;
        }
        Ok(page)
    }

    /// An account by its id.
    pub(crate) async fn find_by_id(
        &self,
        id: &str,
    ) -> Result<Option<AccountRecord>, AccountsError> {
        let found = self.store.account_by_id(id).await?;
        if self.settle(&found).await? {
            return Ok(self.store.account_by_id(id).await?);
        }
        Ok(found)
    }

    /// Renews or expires what has ended; whether something has changed.
    async fn settle(
        &self,
        accounts: impl IntoIterator<Item = &AccountRecord>,
    ) -> Result<bool, AccountsError> {
        let now = self.clock.now();
        let overdue = accounts
            .into_iter()
            .filter(|account| account.is_overdue(now));
        let (renewable, lapsed): (Vec<_>, Vec<_>) =
            overdue.partition(|account| account.is_renewable());
        if renewable.is_empty() && lapsed.is_empty() {
            return Ok(false);
        }
        if !lapsed.is_empty() {
            self.expire_lapsed(now).await?;
        }
        let renewals = renewable.iter().filter_map(|account| {
            let entry = self.connections.by_id(&account.connection_id)?;
            Some(self.for_call(&entry.connection, &account.identifier))
        });
        join_all(renewals)
            .await
            .into_iter()
            .try_for_each(|renewed| renewed.map(drop))?;
        Ok(true)
    }

    /// Expires the accounts whose tokens have ended for good, and ends what runs for them.
    async fn expire_lapsed(&self, now: Timestamp) -> Result<(), AccountsError> {
        let expired = self.store.expire_lapsed(now).await?;
        join_all(expired.iter().map(|id| self.upstreams.forget_account(id))).await;
        Ok(())
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
    ) -> Result<Option<(AccountDetails, Option<Credential>)>, AccountsError> {
        let mut found = self.store.account_details(key.clone()).await?;
        if self
            .settle(found.iter().map(|(details, _)| &details.account))
            .await?
        {
            found = self.store.account_details(key).await?;
        }
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

    /// Waits for what goes on in the background.
    pub(crate) async fn ended(&self) {
        self.renewals.ended().await;
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
            Auth::ApiKey | Auth::Provider(_) => AccountStatus::PendingAuth,
        },
    }
}

#[cfg(test)]
mod tests;
