//! What a test does to accounts and links, without a browser and without their secrets.

use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;

use super::{
    Accounts, AccountsError, KeyProblem, OpenLink, Redeemed, connect_page, credential,
    links::{hash_by_start, link_id},
};
use crate::{
    engine::ConnectionEntry,
    store::{AccountStatus, LinkState},
};

/// A link as a test sees it.
#[derive(Debug)]
pub(crate) struct ListedLink {
    /// `link_…`, not the secret.
    pub(crate) id: String,
    pub(crate) connection_name: String,
    pub(crate) identifier: String,
    pub(crate) state: LinkState,
    pub(crate) expires_at: Timestamp,
}

/// Why a link was neither completed nor denied.
#[derive(Debug)]
pub(crate) enum NotDone {
    NoSuchLink,
    /// Its state.
    Dead(&'static str),
    /// The connection needs no credential.
    NothingToDo,
    Credential(KeyProblem),
}

/// A completed link.
pub(crate) struct Completed {
    pub(crate) status: AccountStatus,
    /// Where a browser would go for the user to be verified.
    pub(crate) verify_at: Option<Url>,
}

impl Accounts {
    /// Moves the user's account to another status; what runs for it ends, unless it is active now.
    /// `false` if there is no such account.
    pub(crate) async fn set_status_of(
        &self,
        entry: &ConnectionEntry,
        identifier: &str,
        status: AccountStatus,
    ) -> Result<bool, AccountsError> {
        let now = self.clock.now();
        let found = self
            .store
            .set_status_of(&entry.id, identifier, status, now)
            .await?;
        if let Some(id) = &found
            && status != AccountStatus::Active
        {
            self.upstreams.forget_account(id).await;
        }
        Ok(found.is_some())
    }

    /// The links that are remembered, the oldest first.
    pub(crate) async fn links(&self) -> Result<Vec<ListedLink>, AccountsError> {
        let links = self.store.links(self.clock.now()).await?;
        let named = links.into_iter().filter_map(|link| {
            // A connection that left the settings takes its links with it.
            let entry = self.connections.by_id(&link.connection_id)?;
            Some(ListedLink {
                id: link_id(&link.hash),
                connection_name: entry.connection.name.clone(),
                identifier: link.identifier,
                state: link.state,
                expires_at: link.expires_at,
            })
        });
        Ok(named.collect())
    }

    /// Does what the link's page does with this key.
    pub(crate) async fn complete_link(
        &self,
        id: &str,
        key: &str,
    ) -> Result<Result<Completed, NotDone>, AccountsError> {
        let Some(hash) = hash_by_start(&self.store, id).await? else {
            return Ok(Err(NotDone::NoSuchLink));
        };
        match self.with_connection(self.store.link(hash, self.clock.now()).await?) {
            OpenLink::Open { connection, .. } if connection.connection.auth.needs_credential() => {}
            OpenLink::Open { .. } => return Ok(Err(NotDone::NothingToDo)),
            dead => return Ok(Err(not_done(&dead))),
        }
        let key: SecretString = match credential(key) {
            Ok(key) => key,
            Err(problem) => return Ok(Err(NotDone::Credential(problem))),
        };
        Ok(match self.redeem(hash, key).await? {
            Redeemed::Active { account, .. } => Ok(Completed {
                status: account.status,
                verify_at: None,
            }),
            Redeemed::ToVerify {
                verification,
                auth_request_id,
            } => Ok(Completed {
                status: AccountStatus::PendingVerification,
                verify_at: connect_page::verification_url(&verification, &auth_request_id),
            }),
            Redeemed::Not(dead) => Err(not_done(&dead)),
        })
    }

    /// Ends a link as if its user had refused.
    pub(crate) async fn deny_link(&self, id: &str) -> Result<Result<(), NotDone>, AccountsError> {
        let Some(hash) = hash_by_start(&self.store, id).await? else {
            return Ok(Err(NotDone::NoSuchLink));
        };
        let before = self.store.deny_link(hash, self.clock.now()).await?;
        Ok(match self.with_connection(before) {
            OpenLink::Open { .. } => Ok(()),
            dead => Err(not_done(&dead)),
        })
    }
}

fn not_done(link: &OpenLink<'_>) -> NotDone {
    match link {
        OpenLink::Used => NotDone::Dead("used"),
        OpenLink::Denied => NotDone::Dead("denied"),
        OpenLink::Expired => NotDone::Dead("expired"),
        OpenLink::Unknown | OpenLink::Open { .. } => NotDone::NoSuchLink,
    }
}
