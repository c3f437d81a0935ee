//! What tools each connection has for one user: asked of the upstream, remembered for the time
//! when it cannot be asked.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::join_all;
use rmcp::model::{CallToolRequestParams, CallToolResult, Tool};
use secrecy::ExposeSecret;

use super::gate::{Grant, Mapping};
use crate::{
    accounts::AccountView,
    engine::Engine,
    settings::Connection,
    store::AccountStatus,
    upstream::{Owner, UpstreamError, Upstreams},
};

pub(super) struct Catalogues {
    engine: Arc<Engine>,
    upstreams: Arc<Upstreams>,
    /// By account: the listing that the store holds already.
    saved: Mutex<HashMap<String, Arc<[Tool]>>>,
}

/// One connection's tools for one user.
pub(super) struct Listing {
    tools: Arc<[Tool]>,
    /// `None`: the user has no account that this session may use.
    pub(super) account: Option<AccountView>,
    /// Why the upstream could not be asked; the tools are then the last known ones.
    pub(super) failure: Option<UpstreamError>,
}

impl AsRef<[Tool]> for Listing {
    fn as_ref(&self) -> &[Tool] {
        &self.tools
    }
}

impl Catalogues {
    pub(super) fn new(engine: Arc<Engine>, upstreams: Arc<Upstreams>) -> Self {
        Self {
            engine,
            upstreams,
            saved: Mutex::default(),
        }
    }

    pub(super) fn forget(&self) {
        self.saved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// The tools of each of these connections, asked for at the same time.
    pub(super) async fn listings<'a>(
        &self,
        grant: &Grant,
        mappings: impl Iterator<Item = &'a Mapping>,
    ) -> Vec<(&'a Mapping, Listing)> {
        join_all(
            mappings.map(|mapping| async move { (mapping, self.listing(grant, mapping).await) }),
        )
        .await
    }

    async fn listing(&self, grant: &Grant, mapping: &Mapping) -> Listing {
        let connection = &mapping.connection;
        let account = self.account(grant, connection).await;
        let mut failure = None;
        if let Some(account) = account
            .as_ref()
            .filter(|account| account.status == AccountStatus::Active)
        {
            let owner = owner(grant, account);
            match self.upstreams.tools(connection, &owner).await {
                Ok(tools) => {
                    self.remember(connection, &account.id, &tools).await;
                    return Listing {
                        tools,
                        account: Some(account.clone()),
                        failure,
                    };
                }
                Err(error) => {
                    tracing::warn!(connection = connection.name, %error, "cannot list tools");
                    failure = Some(error);
                }
            }
        }
        // Better the last known tools, whose calls then say what is wrong, than tools that vanish.
        Listing {
            tools: self.remembered(connection).await,
            account,
            failure,
        }
    }

    /// The user's account, if it is one that the token was minted for.
    async fn account(&self, grant: &Grant, connection: &Connection) -> Option<AccountView> {
        match self
            .engine
            .accounts()
            .for_call(connection, &grant.identifier)
            .await
        {
            Ok(account) => account.filter(|account| grant.account_ids.contains(&account.id)),
            Err(error) => {
                tracing::error!(connection = connection.name, %error, "cannot read an account");
                None
            }
        }
    }

    async fn remember(&self, connection: &Connection, account_id: &str, tools: &Arc<[Tool]>) {
        {
            let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
            match saved.insert(account_id.to_owned(), Arc::clone(tools)) {
                Some(before) if Arc::ptr_eq(&before, tools) => return,
                _ => {}
            }
        }
        let values: Vec<_> = tools
            .iter()
            .filter_map(|tool| serde_json::to_value(tool).ok())
            .collect();
        if let Err(error) = self
            .engine
            .store()
            .save_catalogue(&connection.name, &values)
            .await
        {
            tracing::error!(connection = connection.name, %error, "cannot store a listing");
        }
    }

    async fn remembered(&self, connection: &Connection) -> Arc<[Tool]> {
        let stored = match self.engine.store().load_catalogue(&connection.name).await {
            Ok(stored) => stored.unwrap_or_default(),
            Err(error) => {
                tracing::error!(connection = connection.name, %error, "cannot read a listing");
                Vec::new()
            }
        };
        stored
            .into_iter()
            .filter_map(|tool| serde_json::from_value(tool).ok())
            .collect()
    }

    pub(super) async fn call(
        &self,
        grant: &Grant,
        connection: &Arc<Connection>,
        account: &AccountView,
        request: CallToolRequestParams,
    ) -> Result<CallToolResult, UpstreamError> {
        self.upstreams
            .call(connection, &owner(grant, account), request)
            .await
    }

    /// The upstream refused an account's credential: the user must give another. An account that
    /// got a new one meanwhile stays as it is.
    pub(super) async fn expire(&self, grant: &Grant, mapping: &Mapping, refused: &AccountView) {
        let secret = |account: &AccountView| {
            account
                .credential
                .as_ref()
                .map(|secret| secret.expose_secret().to_owned())
        };
        let Some(now) = self.account(grant, &mapping.connection).await else {
            return;
        };
        if secret(&now) != secret(refused) {
            return;
        }
        let accounts = self.engine.accounts();
        if let Err(error) = accounts.set_status(&now.id, AccountStatus::Expired).await {
            tracing::error!(connection = mapping.connection.name, %error, "cannot expire an account");
        }
        self.upstreams.forget_account(&now.id).await;
    }
}

fn owner(grant: &Grant, account: &AccountView) -> Owner {
    Owner {
        account_id: account.id.clone(),
        identifier: grant.identifier.clone(),
        directory: account.directory.clone(),
        credential: account.credential.clone(),
    }
}
