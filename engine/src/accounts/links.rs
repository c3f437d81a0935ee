//! Authorization links: what a user opens to give an account its credential.

use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};

use super::{AccountRecord, Accounts, AccountsError, credential_for, new_account};
use crate::{
    engine::ConnectionEntry,
    signing::random_secret,
    store::{LinkState, NewLink, NewRequest, SecretHash, Store, Verification, Verified},
};

const LIFETIME: SignedDuration = SignedDuration::from_secs(60);
/// How long the application may take to say who the user of a link was.
const TIME_TO_VERIFY: SignedDuration = SignedDuration::from_mins(10);

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
    /// The user said no.
    Denied,
    Expired,
    Open {
        account: AccountRecord,
        connection: &'a ConnectionEntry,
        /// Where the browser goes afterwards, if its user must be verified.
        verification: Option<Verification>,
    },
}

/// What became of a link that was used.
pub(crate) enum Redeemed<'a> {
    /// It could not be used.
    Not(OpenLink<'a>),
    /// The account is active.
    Active {
        account: AccountRecord,
        connection: &'a ConnectionEntry,
    },
    /// The account waits for its user to be verified.
    ToVerify {
        verification: Verification,
        /// Whoever has it and the user's identifier can make the account active.
        auth_request_id: SecretString,
    },
}

impl Accounts {
    /// Issues one link per connection for this user, all or none. Missing accounts are created,
    /// `EXPIRED` and `DISCONNECTED` ones start anew.
    pub(crate) async fn issue_links(
        &self,
        identifier: &str,
        connections: &[&ConnectionEntry],
        verification: Option<&Verification>,
    ) -> Result<Vec<IssuedLink>, AccountsError> {
        let now = self.clock.now();
        let expires_at = now.checked_add(LIFETIME).unwrap_or(Timestamp::MAX);
        let mut secrets = Vec::new();
        let mut links = Vec::new();
        for connection in connections {
            let secret = random_secret()?;
            links.push(NewLink {
                account: new_account(connection, identifier),
                hash: hash_of(secret.expose_secret()),
                verification: verification.cloned(),
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
        let state = self.store.link(hash_of(secret), self.clock.now()).await?;
        Ok(self.with_connection(state))
    }

    /// Uses a link: if it was open, it is consumed and its account has this key, which is an access
    /// token where its connection wants one.
    pub(crate) async fn redeem_link(
        &self,
        secret: &str,
        key: SecretString,
    ) -> Result<Redeemed<'_>, AccountsError> {
        self.redeem(hash_of(secret), key).await
    }

    pub(super) async fn redeem(
        &self,
        hash: SecretHash,
        key: SecretString,
    ) -> Result<Redeemed<'_>, AccountsError> {
        let now = self.clock.now();
        let credential = match self.with_connection(self.store.link(hash, now).await?) {
            OpenLink::Open { connection, .. } => credential_for(&connection.connection.auth, key),
            link => return Ok(Redeemed::Not(link)),
        };
        let (auth_request_id, request) = new_request(now)?;
        let state = self
            .store
            .redeem_link(hash, credential, request, now)
            .await?;
        match self.with_connection(state) {
            OpenLink::Open {
                account,
                connection,
                verification,
            } => {
                let redeemed = (account, connection, verification);
                Ok(self.redeemed(redeemed, auth_request_id).await)
            }
            link => Ok(Redeemed::Not(link)),
        }
    }

    /// Ends an open link by the wish of its user, and says what it was.
    pub(crate) async fn decline_link(&self, secret: &str) -> Result<OpenLink<'_>, AccountsError> {
        let state = self
            .store
            .deny_link(hash_of(secret), self.clock.now())
            .await?;
        Ok(self.with_connection(state))
    }

    /// What a user who brought a credential is told.
    pub(super) async fn redeemed<'a>(
        &self,
        (account, connection, verification): (
            AccountRecord,
            &'a ConnectionEntry,
            Option<Verification>,
        ),
        auth_request_id: SecretString,
    ) -> Redeemed<'a> {
        let Some(verification) = verification else {
            return Redeemed::Active {
                account,
                connection,
            };
        };
        // What runs with the credential before may not go on.
        self.upstreams.forget_account(&account.id).await;
        Redeemed::ToVerify {
            verification,
            auth_request_id,
        }
    }

    /// Says who finished the page of a link that wanted to know.
    pub(crate) async fn verify_user(
        &self,
        auth_request_id: &str,
        identifier: &str,
    ) -> Result<Verified, AccountsError> {
        let now = self.clock.now();
        Ok(self
            .store
            .verify_user(hash_of(auth_request_id), identifier, now)
            .await?)
    }

    pub(super) fn with_connection(&self, state: LinkState) -> OpenLink<'_> {
        match state {
            LinkState::Unknown => OpenLink::Unknown,
            LinkState::Used => OpenLink::Used,
            LinkState::Denied => OpenLink::Denied,
            LinkState::Expired => OpenLink::Expired,
            // A connection that left the settings takes its links with it.
            LinkState::Open(account, verification) => {
                match self.connections.by_id(&account.connection_id) {
                    Some(connection) => OpenLink::Open {
                        account,
                        connection,
                        verification,
                    },
                    None => OpenLink::Unknown,
                }
            }
        }
    }
}

/// A request to verify a user, and the secret it is answered with.
pub(super) fn new_request(now: Timestamp) -> Result<(SecretString, NewRequest), AccountsError> {
    let auth_request_id = random_secret()?;
    let request = NewRequest {
        hash: hash_of(auth_request_id.expose_secret()),
        expires_at: now.checked_add(TIME_TO_VERIFY).unwrap_or(Timestamp::MAX),
    };
    Ok((auth_request_id, request))
}

pub(super) fn hash_of(secret: &str) -> SecretHash {
    let mut hash = SecretHash::default();
    hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
    hash
}

/// What names a link without opening it: how its hash starts.
pub(super) fn link_id(hash: &SecretHash) -> String {
    let start = hash
        .first_chunk()
        .map_or(0, |start| u128::from_be_bytes(*start));
    format!("link_{start:032x}")
}

/// The hash of the link with this id.
pub(super) async fn hash_by_start(
    store: &Store,
    id: &str,
) -> Result<Option<SecretHash>, AccountsError> {
    let digits = id.strip_prefix("link_").unwrap_or_default();
    let number = u128::from_str_radix(digits, 16).ok();
    match number.filter(|_| digits.len() == 32) {
        Some(start) => Ok(store.link_by_start(start.to_be_bytes()).await?),
        None => Ok(None),
    }
}
