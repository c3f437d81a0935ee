//! `wait_until_active`: a user's way through authorization, watched to its end.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use futures_util::{
    StreamExt, TryStreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use serde::Deserialize;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::{
    AccountChange, AccountStatus, Call, Client, ConnectionAuthState, Error, ErrorKind, Result,
    operations::{Listing, Operation, nearest},
    rules,
};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);
/// Between two looks: short while things move, then longer.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// Links live for 60 seconds (docs/assumptions.md 14); the user needs some of them.
const RENEW_LINKS_AFTER: Duration = Duration::from_secs(45);

impl Client {
    /// Waits until a user has authorized the connections of a config.
    ///
    /// `.await` answers with the final states, all `ACTIVE`. [`changes`](Call::changes) reports the
    /// way there: first each connection that the user must authorize, with a link, then every
    /// change of status, and a new link before the old one's 60 seconds end.
    ///
    /// The accounts are looked at after one second, then at growing distances up to eight; a look
    /// that fails for a passing reason is repeated. Dropping the future or the stream ends it.
    ///
    /// # Errors
    /// Before any request: `argument_missing`, `timeout_invalid`, `argument_type` for an empty list
    /// of connections. From the first look: what
    /// [`list_mcp_connected_accounts`](Self::list_mcp_connected_accounts) says, and
    /// `connection_unknown` for a connection that the config does not have, or if it has none. Later:
    /// `account_disconnected` when an account becomes `DISCONNECTED`, `not_found` when the config is
    /// deleted, `wait_timed_out` when the time is over.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{Client, NewConfig};
    ///
    /// let client = Client::from_env()?;
    /// let config = client
    ///     .create_config(NewConfig::new("docs-wait").connection("gmail", ["gmail_fetch_mails"]))
    ///     .await?;
    /// use futures_util::TryStreamExt;
    ///
    /// let mut changes = client.wait_until_active(&config.id, "user_123").changes();
    /// while let Some(change) = changes.try_next().await? {
    ///     if let Some(link) = change.authentication_link {
    ///         println!("send the user to {link}");
    ///     }
    /// }
    /// let session = client.open_session(&config, "user_123").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait_until_active(
        &self,
        config_id: impl Into<String>,
        identifier: impl Into<String>,
    ) -> Call<WaitUntilActive> {
        self.start(WaitUntilActive {
            config_id: Some(config_id.into()),
            identifier: Some(identifier.into()),
            connection_names: None,
            timeout_seconds: None,
        })
    }
}

/// See [`Client::wait_until_active`].
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WaitUntilActive {
    /// The id of the config.
    #[cfg_attr(feature = "schema", schemars(required))]
    config_id: Option<String>,
    /// The user.
    #[cfg_attr(feature = "schema", schemars(required))]
    identifier: Option<String>,
    /// Only these connections of the config, at least one; all if not set.
    connection_names: Option<Vec<String>>,
    /// How long to wait, in seconds; 600 if not set.
    timeout_seconds: Option<f64>,
}

impl Call<WaitUntilActive> {
    /// Waits for these connections of the config only; at least one.
    pub fn connection_names<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.operation.connection_names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// How long to wait; 10 minutes if not set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.operation.timeout_seconds = Some(timeout.as_secs_f64());
        self
    }

    /// The changes, until all accounts are `ACTIVE`. After an error the stream ends.
    pub fn changes(self) -> BoxStream<'static, Result<AccountChange>> {
        self.operation.stream(self.client)
    }
}

impl Listing for WaitUntilActive {
    type Item = AccountChange;
    const NAME: &'static str = "wait_until_active";

    fn stream(self, client: Client) -> BoxStream<'static, Result<AccountChange>> {
        // What breaks a rule is told by the first item.
        stream::once(async move { self.watch(&client) })
            .map_ok(Watch::changes)
            .try_flatten()
            .boxed()
    }
}

impl Operation for WaitUntilActive {
    type Response = Vec<ConnectionAuthState>;
    const NAME: &'static str = <Self as Listing>::NAME;

    async fn perform(&self, client: &Client) -> Result<Vec<ConnectionAuthState>> {
        let mut watch = self.watch(client)?;
        while watch.next().await?.is_some() {}
        Ok(watch.states)
    }
}

impl WaitUntilActive {
    fn watch(&self, client: &Client) -> Result<Watch> {
        let config_id = rules::path_segment("config_id", self.config_id.as_deref())?.to_owned();
        let identifier = rules::user("identifier", self.identifier.as_deref())?.to_owned();
        if self.connection_names.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::argument(
                "argument_type",
                "connection_names",
                "`connection_names` must name at least one connection",
            )
            .suggest("leave it out to wait for every connection of the config"));
        }
        let timeout = rules::duration("timeout", self.timeout_seconds)?;
        let client = client.clone();
        let look = move |with_links| {
            let list = client
                .list_mcp_connected_accounts(&*config_id, &*identifier)
                .include_auth_link(with_links);
            Box::pin(list.into_future()) as BoxFuture<'static, _>
        };
        Ok(Watch::new(
            Box::new(look),
            self.connection_names.clone(),
            timeout.unwrap_or(DEFAULT_TIMEOUT),
        ))
    }
}

/// Asks for the user's accounts, with links or without.
type Look = dyn Fn(bool) -> BoxFuture<'static, Result<Vec<ConnectionAuthState>>> + Send + Sync;

/// One wait under way.
struct Watch {
    look: Box<Look>,
    names: Option<Vec<String>>,
    timeout: Duration,
    started: Option<Started>,
    /// The status of each connection as it was last seen.
    seen: BTreeMap<String, Option<AccountStatus>>,
    /// What the last look found.
    states: Vec<ConnectionAuthState>,
    /// Found and not yet told.
    news: VecDeque<AccountChange>,
}

/// When what happens; none of it before the first look.
struct Started {
    deadline: Instant,
    next_look: Instant,
    pause: Duration,
    /// When the links that the user has were made.
    links_at: Instant,
    /// The connections that those links are for.
    linked: BTreeSet<String>,
    /// Whether the next look asks for links. It follows a plain one at once: asking for links moves
    /// an account that was just disconnected, which would go unseen.
    links_next: bool,
    /// Why the last look failed.
    trouble: Option<Error>,
}

impl Started {
    /// Says when to look next.
    fn plan(&mut self, states: &[ConnectionAuthState], news: bool) {
        if news {
            self.pause = FIRST_PAUSE;
        }
        let now = Instant::now();
        let asked = self.trouble.as_ref().and_then(Error::retry_after);
        self.next_look = now + self.pause.max(asked.unwrap_or_default().min(LONGEST_PAUSE));
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        let after_links = std::mem::take(&mut self.links_next);
        if self.trouble.is_some() {
            return;
        }
        if !after_links && self.links_due(states, now) {
            self.links_next = true;
            self.next_look = now;
        } else if states.iter().any(needs_link) {
            self.next_look = self.next_look.min(self.links_at + RENEW_LINKS_AFTER);
        }
    }

    /// Whether a connection has no link, or one that will soon have ended.
    fn links_due(&self, states: &[ConnectionAuthState], now: Instant) -> bool {
        let old = now >= self.links_at + RENEW_LINKS_AFTER;
        states.iter().any(|state| {
            needs_link(state) && (old || !self.linked.contains(&state.connection_name))
        })
    }
}

impl Watch {
    fn new(look: Box<Look>, names: Option<Vec<String>>, timeout: Duration) -> Self {
        Self {
            look,
            names,
            timeout,
            started: None,
            seen: BTreeMap::new(),
            states: Vec::new(),
            news: VecDeque::new(),
        }
    }

    fn changes(self) -> BoxStream<'static, Result<AccountChange>> {
        stream::try_unfold(self, |mut watch| async move {
            Ok(watch.next().await?.map(|change| (change, watch)))
        })
        .boxed()
    }

    /// The next change; `None` once all are active.
    async fn next(&mut self) -> Result<Option<AccountChange>> {
        loop {
            if let Some(change) = self.news.pop_front() {
                return Ok(Some(change));
            }
            match &mut self.started {
                None => self.first_look().await?,
                Some(_) if self.states.iter().all(ConnectionAuthState::is_active) => {
                    return Ok(None);
                }
                Some(_) => self.look_again().await?,
            }
        }
    }

    async fn first_look(&mut self) -> Result<()> {
        let now = Instant::now();
        let deadline = now + self.timeout;
        // Nothing is created and no account is touched for a user who has authorized everything.
        let found = timeout_at(deadline, (self.look)(false)).await;
        let found = found.map_err(|_| self.timed_out(None))??;
        self.states = self.chosen(found)?;
        if self.states.is_empty() {
            return Err(Error::argument(
                "connection_unknown",
                "config_id",
                "the config has no connections: there is nothing to authorize",
            ));
        }
        for state in &self.states {
            let status = state.connected_account_status.clone();
            self.seen.insert(state.connection_name.clone(), status);
            if needs_verification(state) {
                self.news.push_back(change(state));
            }
        }
        let mut started = Started {
            deadline,
            next_look: now,
            pause: FIRST_PAUSE,
            links_at: now,
            linked: BTreeSet::new(),
            links_next: false,
            trouble: None,
        };
        started.plan(&self.states, !self.news.is_empty());
        self.started = Some(started);
        Ok(())
    }

    async fn look_again(&mut self) -> Result<()> {
        let Some(mut started) = self.started.take() else {
            return Ok(());
        };
        sleep_until(started.next_look.min(started.deadline)).await;
        let asked_at = Instant::now();
        if asked_at >= started.deadline {
            return Err(self.timed_out(started.trouble));
        }
        let with_links = started.links_next;
        let Ok(found) = timeout_at(started.deadline, (self.look)(with_links)).await else {
            return Err(self.timed_out(started.trouble));
        };
        started.trouble = None;
        match found {
            Err(error) if is_passing(&error) => started.trouble = Some(error),
            Err(error) => return Err(error),
            Ok(found) => {
                self.states = self.chosen(found)?;
                self.compare(&started.linked, with_links)?;
                let waiting = self.states.iter().filter(|state| needs_link(state));
                let waiting: BTreeSet<String> =
                    waiting.map(|state| state.connection_name.clone()).collect();
                if with_links {
                    started.links_at = asked_at;
                    started.linked = waiting;
                } else {
                    // A link of one that needs none any more has been used.
                    started.linked.retain(|name| waiting.contains(name));
                }
            }
        }
        started.plan(&self.states, !self.news.is_empty());
        self.started = Some(started);
        Ok(())
    }

    /// Finds out what is new.
    fn compare(&mut self, linked: &BTreeSet<String>, with_links: bool) -> Result<()> {
        for state in &self.states {
            let (name, status) = (&state.connection_name, &state.connected_account_status);
            let before = self.seen.insert(name.clone(), status.clone());
            let moved = before.as_ref() != Some(status);
            let was_there = before.is_some();
            if moved && was_there && *status == Some(AccountStatus::Disconnected) {
                return Err(Error::disconnected(state.clone()));
            }
            let known = linked.contains(name);
            let told = if !needs_link(state) {
                moved
            } else if with_links {
                state.authentication_link.is_some() || moved || !known
            } else {
                // One that has no link yet is told by the look for links that follows at once.
                moved && known
            };
            if told {
                self.news.push_back(change(state));
            }
        }
        Ok(())
    }

    /// The states that are waited for.
    fn chosen(&self, mut found: Vec<ConnectionAuthState>) -> Result<Vec<ConnectionAuthState>> {
        let Some(names) = &self.names else {
            return Ok(found);
        };
        for (index, name) in names.iter().enumerate() {
            if !found.iter().any(|state| state.connection_name == *name) {
                let known: Vec<&str> = found
                    .iter()
                    .map(|state| state.connection_name.as_str())
                    .collect();
                let error = Error::argument(
                    "connection_unknown",
                    format!("connection_names[{index}]"),
                    format!("the config has no connection `{}`", name.escape_debug()),
                );
                return Err(match nearest(name, &known) {
                    Some(near) => error.suggest(format!("did you mean `{near}`?")),
                    None => error.suggest(format!("known are {}", known.join(", "))),
                });
            }
        }
        found.retain(|state| names.contains(&state.connection_name));
        Ok(found)
    }

    fn timed_out(&self, trouble: Option<Error>) -> Error {
        let waiting: Vec<_> = self
            .states
            .iter()
            .filter(|state| !state.is_active())
            .map(ConnectionAuthState::in_words)
            .collect();
        let what = if waiting.is_empty() {
            "the accounts could not be looked at".to_owned()
        } else {
            format!("the user has not authorized {}", waiting.join(", "))
        };
        let error = Error::new(
            ErrorKind::Timeout,
            "wait_timed_out",
            format!("{what} within {:?}", self.timeout),
        )
        .suggest("wait again: new links are made then");
        match trouble {
            Some(trouble) => error.caused_by(trouble),
            None => error,
        }
    }
}

/// Whether the user has something to do that starts with a link.
fn needs_link(state: &ConnectionAuthState) -> bool {
    !state.is_active() && !needs_verification(state)
}

fn needs_verification(state: &ConnectionAuthState) -> bool {
    state.connected_account_status == Some(AccountStatus::PendingVerification)
}

fn change(state: &ConnectionAuthState) -> AccountChange {
    AccountChange {
        connection_name: state.connection_name.clone(),
        status: state.connected_account_status.clone(),
        authentication_link: state
            .authentication_link
            .clone()
            .filter(|_| needs_link(state)),
        needs_verification: needs_verification(state),
    }
}

/// Whether the next look may go well.
fn is_passing(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Connection
            | ErrorKind::Protocol
            | ErrorKind::RateLimited
            | ErrorKind::Server
            | ErrorKind::Timeout
    )
}

#[cfg(test)]
mod tests;
