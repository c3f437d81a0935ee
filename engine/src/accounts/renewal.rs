//! Access tokens are renewed ahead of their end, once however many ask.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::oauth::{OAuthClient, OAuthError};
use crate::{
    local::clock::Clock,
    settings::OAuthProvider,
    store::{Credential, Store, StoreError, Tokens},
};

/// How long before its end a token is renewed, at most; of a short life it is a fifth.
const AHEAD: SignedDuration = SignedDuration::from_secs(60);
/// How long before its end a token is not sent any more, at most; of a short life it is a
/// twentieth.
const TOO_LATE: SignedDuration = SignedDuration::from_secs(5);
/// How long a provider that failed is left alone.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// Whether an access token wants renewing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    No,
    /// In the background: it still works.
    Soon,
    /// Before anything else.
    Now,
}

impl Due {
    pub(super) fn of(tokens: &Tokens, now: Timestamp) -> Due {
        let (Some(expires_at), Some(_)) = (tokens.expires_at, &tokens.refresh_token) else {
            return Due::No;
        };
        let life = tokens.lifetime.unwrap_or(SignedDuration::MAX);
        let left = expires_at.duration_since(now);
        if left <= TOO_LATE.min(life / 20) {
            Due::Now
        } else if left <= AHEAD.min(life / 5) {
            Due::Soon
        } else {
            Due::No
        }
    }
}

/// How a renewal ended.
#[derive(Debug, Clone)]
pub(crate) enum Renewal {
    /// The access token to use from now on.
    Renewed(SecretString),
    /// The provider gives no more: the account is `EXPIRED`.
    Ended,
    /// The account changed meanwhile: read it again.
    Changed,
    /// The account is as it was.
    Failed(Arc<RenewalError>),
}

/// Why a token could not be renewed although the authorization may stand.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RenewalError {
    #[error(transparent)]
    Provider(#[from] OAuthError),
    #[error("the database failed: {0}")]
    Store(#[from] StoreError),
}

type Outcome = watch::Receiver<Option<Renewal>>;

/// The renewals under way, and those that failed a moment ago.
#[derive(Debug)]
pub(super) struct Renewals {
    store: Store,
    client: Arc<OAuthClient>,
    clock: Clock,
    flights: Mutex<HashMap<String, Flight>>,
    tasks: TaskTracker,
}

#[derive(Debug)]
struct Flight {
    outcome: Outcome,
    failed_at: Option<Timestamp>,
}

impl Renewals {
    pub(super) fn new(store: Store, client: Arc<OAuthClient>, clock: Clock) -> Self {
        Self {
            store,
            client,
            clock,
            flights: Mutex::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// Waits for the renewals under way: one that is cut off may lose a refresh token for good.
    pub(super) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Starts to renew an account's tokens, or joins who does already. `stale` is the access token
    /// that is not to be used any more. Goes on if nobody waits.
    pub(super) fn start(
        self: &Arc<Self>,
        account_id: &str,
        settings: &Arc<OAuthProvider>,
        stale: SecretString,
    ) -> Outcome {
        let now = self.clock.now();
        let mut flights = self.flights();
        if let Some(flight) = flights.get(account_id)
            && flight.is_current(now)
        {
            return flight.outcome.clone();
        }
        let (sender, outcome) = watch::channel(None);
        let flight = Flight {
            outcome: outcome.clone(),
            failed_at: None,
        };
        flights.insert(account_id.to_owned(), flight);
        let (renewals, id, settings) = (
            Arc::clone(self),
            account_id.to_owned(),
            Arc::clone(settings),
        );
        self.tasks.spawn(async move {
            let renewal = renewals.renew(&id, &settings, &stale).await;
            if let Renewal::Failed(error) = &renewal {
                tracing::warn!(account = id, %error, "cannot renew an access token");
            }
            renewals.land(&id, &renewal);
            sender.send_replace(Some(renewal));
        });
        outcome
    }

    /// The same, waiting for the end.
    pub(super) async fn finish(
        self: &Arc<Self>,
        account_id: &str,
        settings: &Arc<OAuthProvider>,
        stale: SecretString,
    ) -> Renewal {
        let mut outcome = self.start(account_id, settings, stale);
        let ended = outcome.wait_for(Option::is_some).await;
        ended
            .ok()
            .and_then(|outcome| outcome.clone())
            .unwrap_or(Renewal::Changed)
    }

    async fn renew(&self, id: &str, settings: &OAuthProvider, stale: &SecretString) -> Renewal {
        match self.try_renew(id, settings, stale).await {
            Ok(renewal) => renewal,
            Err(error) => Renewal::Failed(Arc::new(error)),
        }
    }

    async fn try_renew(
        &self,
        id: &str,
        settings: &OAuthProvider,
        stale: &SecretString,
    ) -> Result<Renewal, RenewalError> {
        // Read here, where nobody else renews: a refresh token is good for one use.
        let Some(Credential::Tokens(tokens)) = self.store.active_credential(id).await? else {
            return Ok(Renewal::Changed);
        };
        if tokens.access_token.expose_secret() != stale.expose_secret() {
            return Ok(Renewal::Renewed(tokens.access_token));
        }
        let now = self.clock.now();
        let renewed = match self.client.refresh(settings, &tokens, now).await {
            Ok(Some(renewed)) => renewed,
            Ok(None) | Err(OAuthError::InvalidGrant(_)) => {
                let expired = self.store.expire_account(id, stale, self.clock.now());
                return Ok(if expired.await? {
                    Renewal::Ended
                } else {
                    Renewal::Changed
                });
            }
            Err(error) => return Err(error.into()),
        };
        let access_token = renewed.access_token.clone();
        let kept = self
            .store
            .renew_tokens(id, &tokens, renewed, self.clock.now());
        Ok(if kept.await? {
            Renewal::Renewed(access_token)
        } else {
            Renewal::Changed
        })
    }

    /// Clears the way for the next one, unless it had better wait a little.
    fn land(&self, id: &str, renewal: &Renewal) {
        let mut flights = self.flights();
        match renewal {
            Renewal::Failed(_) => {
                if let Some(flight) = flights.get_mut(id) {
                    flight.failed_at = Some(self.clock.now());
                }
            }
            _ => drop(flights.remove(id)),
        }
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<String, Flight>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    fn is_current(&self, now: Timestamp) -> bool {
        self.failed_at
            .is_none_or(|failed_at| now.duration_since(failed_at) < PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(life: i64, renewable: bool) -> Tokens {
        Tokens {
            access_token: "a".into(),
            refresh_token: renewable.then(|| "r".into()),
            expires_at: Some(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(life)),
            lifetime: Some(SignedDuration::from_secs(life)),
            scopes: Vec::new(),
        }
    }

    #[test]
    fn a_token_is_renewed_ahead_of_its_end_and_later_for_a_short_life() {
        let at = |tokens: &Tokens, second| {
            Due::of(
                tokens,
                Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second),
            )
        };
        let hour = tokens(3600, true);
        for (second, due) in [
            (0, Due::No),
            (3539, Due::No),
            (3540, Due::Soon),
            (3594, Due::Soon),
            (3595, Due::Now),
            (9999, Due::Now),
        ] {
            assert_eq!(at(&hour, second), due, "{second}");
        }
        let brief = tokens(20, true);
        for (second, due) in [
            (15, Due::No),
            (16, Due::Soon),
            (18, Due::Soon),
            (19, Due::Now),
        ] {
            assert_eq!(at(&brief, second), due, "{second}");
        }
        assert_eq!(at(&tokens(20, false), 30), Due::No);
        let endless = Tokens {
            expires_at: None,
            ..tokens(1, true)
        };
        assert_eq!(at(&endless, 30), Due::No);
    }
}
