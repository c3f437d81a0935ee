//! Authorization links: what a user opens to give an account its credential.

use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};

use super::{AccountRecord, Accounts, AccountsError, new_account};
use crate::{
    engine::ConnectionEntry,
    signing::random_secret,
    store::{LinkState, NewLink, SecretHash},
};

const LIFETIME: SignedDuration = SignedDuration::from_secs(60);

/// A fresh link.
#[derive(Debug)]
pub(crate) struct IssuedLink {
    pub(crate) account: AccountRecord,
    /// The whole URL. Whoever has it can connect the account.
    pub(crate) link: SecretString,
    pub(crate) expires_at: Timestamp,
}

/// A link as its page sees it.
pub(crate) enum OpenLink<'a> {
    Unknown,
    Used,
    Expired,
    Open {
        account: AccountRecord,
        connection: &'a ConnectionEntry,
    },
}

impl Accounts {
    /// Issues one link per connection for this user, all or none. Missing accounts are created,
    /// `EXPIRED` and `DISCONNECTED` ones start anew.
    pub(crate) async fn issue_links(
        &self,
        identifier: &str,
        connections: &[&ConnectionEntry],
    ) -> Result<Vec<IssuedLink>, AccountsError> {
        let now = self.clock.now();
        let expires_at = now.checked_add(LIFETIME).unwrap_or(Timestamp::MAX);
        let mut secrets = Vec::new();
        let mut links = Vec::new();
        for connection in connections {
            let secret = random_secret()?;
            links.push(NewLink {
                account: new_account(connection, identifier),
                hash: hash(secret.expose_secret()),
            });
            secrets.push(secret);
        }
        let accounts = self.store.issue_links(links, now, expires_at).await?;
        let issued = accounts.into_iter().zip(secrets);
        Ok(issued
            .map(|(account, secret)| IssuedLink {
                account,
                link: format!("{}/connect/{}", self.base, secret.expose_secret()).into(),
                expires_at,
            })
            .collect())
    }

    /// Looks at a link without using it.
    pub(crate) async fn look_at_link(&self, secret: &str) -> Result<OpenLink<'_>, AccountsError> {
        let state = self.store.link(hash(secret), self.clock.now()).await?;
        Ok(self.with_connection(state))
    }

    /// Uses a link: if it was open, it is consumed and its account is active with this key.
    pub(crate) async fn redeem_link(
        &self,
        secret: &str,
        key: SecretString,
    ) -> Result<OpenLink<'_>, AccountsError> {
        let now = self.clock.now();
        let state = self.store.redeem_link(hash(secret), key, now).await?;
        Ok(self.with_connection(state))
    }

    fn with_connection(&self, state: LinkState) -> OpenLink<'_> {
        match state {
            LinkState::Unknown => OpenLink::Unknown,
            LinkState::Used => OpenLink::Used,
            LinkState::Expired => OpenLink::Expired,
            // A connection that left the settings takes its links with it.
            LinkState::Open(account) => match self.connections.by_id(&account.connection_id) {
                Some(connection) => OpenLink::Open {
                    account,
                    connection,
                },
                None => OpenLink::Unknown,
            },
        }
    }
}

fn hash(secret: &str) -> SecretHash {
    let mut hash = SecretHash::default();
    hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
    hash
}
