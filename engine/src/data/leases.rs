//! What is under way for whom. A grant is what a token allowed at one moment; a lease knows when to
//! look again.

use std::{
    collections::HashMap,
    ops::Deref,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::Value;
use tokio::{sync::watch, time::timeout};

use super::gate::{Address, Grant};
use crate::{signing::Claims, store::Change};

/// How long who changed something waits for what is under way to take note of it.
const SETTLE_WITHIN: Duration = Duration::from_millis(100);

/// The leases of all requests under way.
#[derive(Default)]
pub(super) struct Leases {
    next: AtomicU64,
    /// How often a change concerned one of them.
    touches: AtomicU64,
    open: Mutex<HashMap<u64, Arc<Terms>>>,
}

/// One request under way, until its answer is written. Derefs to what others may know of it.
pub(super) struct Lease {
    number: u64,
    leases: Arc<Leases>,
    terms: Arc<Terms>,
}

/// Whose request it is and what became of its grant.
pub(super) struct Terms {
    address: Address,
    identifier: String,
    /// The `jti` of its token.
    token: String,
    /// The JSON-RPC id.
    request: Value,
    /// The tool call that it turned out to be.
    call: OnceLock<Call>,
    /// The upstream took its credential no more.
    refused: AtomicBool,
    grant: Mutex<Option<Arc<Grant>>>,
    /// How often something changed that its grant follows from, and how much of it was looked at.
    touched: watch::Sender<u64>,
    seen: watch::Sender<u64>,
    /// How often its list of tools may have changed; of those that listen.
    news: watch::Sender<u64>,
    listens: OnceLock<()>,
    stopped: OnceLock<Stopped>,
}

/// Which tool is called with which account.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) connection: String,
    pub(super) account_id: String,
    /// As the client knows it.
    pub(super) tool: String,
}

/// Why a request ends although its grant has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// Its client said so.
    Cancelled,
    /// It would wait for ever on an engine that is being reset.
    Reset,
}

impl Leases {
    /// Opens a lease. Whoever reads a grant opens one before, and so misses no change.
    pub(super) fn open(
        self: &Arc<Self>,
        address: &Address,
        claims: &Claims,
        request: &Value,
    ) -> Lease {
        let terms = Arc::new(Terms {
            address: address.clone(),
            identifier: claims.sub.clone(),
            token: claims.jti.clone(),
            request: request.clone(),
            call: OnceLock::new(),
            refused: AtomicBool::new(false),
            grant: Mutex::default(),
            touched: watch::Sender::new(0),
            seen: watch::Sender::new(0),
            news: watch::Sender::new(0),
            listens: OnceLock::new(),
            stopped: OnceLock::new(),
        });
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.all().insert(number, Arc::clone(&terms));
        Lease {
            number,
            leases: Arc::clone(self),
            terms,
        }
    }

    /// Marks the leases that a change in the database concerns.
    pub(super) fn changed(&self, change: &Change) {
        self.each(|terms| {
            let concerned = match change {
                Change::Config { server_uuid } => {
                    matches!(&terms.address, Address::Config(uuid) if uuid == server_uuid)
                }
                Change::Accounts { identifier } => terms.identifier == *identifier,
            };
            if concerned {
                self.touches.fetch_add(1, Ordering::SeqCst);
                terms.touch();
            }
        });
    }

    /// Tells those who listen that the tools of this account may have changed.
    pub(super) fn tools_changed(&self, account_id: &str) {
        self.each(|terms| {
            let grant = terms.grant();
            let mut accounts = grant.iter().flat_map(|grant| grant.accounts());
            if accounts.any(|account| account.id == account_id) {
                terms.tell();
            }
        });
    }

    /// Stops the request that a client cancels: one that came with the same token. Ids of requests
    /// count from 1 in every client, and another client of this user must not lose its call.
    pub(super) fn cancel(&self, canceller: &Terms, request: &Value) {
        self.each(|terms| {
            if terms.token == canceller.token
                && terms.address == canceller.address
                && terms.request == *request
            {
                terms.stop(Stopped::Cancelled);
            }
        });
    }

    /// Stops those that have no end of their own.
    pub(super) fn stop_listeners(&self) {
        self.each(|terms| {
            if terms.listens.get().is_some() {
                terms.stop(Stopped::Reset);
            }
        });
    }

    /// Moves whenever there is something to settle.
    pub(super) fn touches(&self) -> u64 {
        self.touches.load(Ordering::SeqCst)
    }

    /// Waits until whatever is touched has been looked at or has ended, so that nothing which a
    /// change forbids is answered after the change itself.
    pub(super) async fn settle(&self) {
        let mut unseen = Vec::new();
        self.each(|terms| {
            let touched = *terms.touched.borrow();
            if *terms.seen.borrow() < touched {
                unseen.push((terms.seen.subscribe(), touched));
            }
        });
        let seen = unseen.into_iter().map(|(mut seen, touched)| async move {
            // An error says that the lease is gone.
            let _ = seen.wait_for(|seen| *seen >= touched).await;
        });
        // A client that does not read its answer does not keep others waiting.
        let _ = timeout(SETTLE_WITHIN, join_all(seen)).await;
    }

    fn each(&self, visit: impl FnMut(&Arc<Terms>)) {
        self.all().values().for_each(visit);
    }

    fn all(&self) -> MutexGuard<'_, HashMap<u64, Arc<Terms>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    pub(super) fn terms(&self) -> &Arc<Terms> {
        &self.terms
    }
}

impl Deref for Lease {
    type Target = Terms;

    fn deref(&self) -> &Terms {
        &self.terms
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.leases.all().remove(&self.number);
        self.seen(u64::MAX);
    }
}

impl Terms {
    /// Says which tool is called; known only after the listing.
    pub(super) fn calls(&self, call: Call) {
        // A request calls one tool.
        let _ = self.call.set(call);
    }

    pub(super) fn call(&self) -> Option<&Call> {
        self.call.get()
    }

    /// Says whether the upstream has refused the credential of the call. Then its account expires, and the call
    /// ends by saying so.
    pub(super) fn refused(&self, refused: bool) {
        self.refused.store(refused, Ordering::SeqCst);
    }

    pub(super) fn is_refused(&self) -> bool {
        self.refused.load(Ordering::SeqCst)
    }

    pub(super) fn stopped(&self) -> Option<Stopped> {
        self.stopped.get().copied()
    }

    /// What may have happened so far, and whatever comes.
    pub(super) fn touches(&self) -> watch::Receiver<u64> {
        self.touched.subscribe()
    }

    /// Whether something changed that nobody has looked at.
    pub(super) fn is_unseen(&self) -> bool {
        *self.seen.borrow() < *self.touched.borrow() || self.stopped().is_some()
    }

    /// Everything up to this touch has been looked at.
    pub(super) fn seen(&self, touch: u64) {
        self.seen.send_if_modified(|seen| {
            let more = *seen < touch;
            *seen = touch.max(*seen);
            more
        });
    }

    /// The grant as of now; who listens is told if it shows other tools.
    pub(super) fn renew(&self, grant: &Arc<Grant>) {
        let before = {
            let mut kept = self.grant.lock().unwrap_or_else(PoisonError::into_inner);
            kept.replace(Arc::clone(grant))
        };
        if before.is_some_and(|before| !before.shows_the_same(grant)) {
            self.tell();
        }
    }

    /// From now on it is told of changes, and ended by a reset.
    pub(super) fn listen(&self) -> watch::Receiver<u64> {
        let news = self.news.subscribe();
        let _ = self.listens.set(());
        news
    }

    /// The grant as it was read last.
    pub(super) fn grant(&self) -> Option<Arc<Grant>> {
        let grant = self.grant.lock().unwrap_or_else(PoisonError::into_inner);
        grant.clone()
    }

    fn touch(&self) {
        self.touched.send_modify(|touched| *touched += 1);
    }

    fn tell(&self) {
        self.news.send_modify(|news| *news += 1);
    }

    fn stop(&self, why: Stopped) {
        let _ = self.stopped.set(why);
        self.touch();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;
    use serde_json::json;

    use super::*;
    use crate::signing::TokenType;

    fn open(leases: &Arc<Leases>, server: &str, user: &str, token: &str) -> Lease {
        let claims = Claims {
            iss: String::new(),
            sub: user.to_owned(),
            aud: String::new(),
            iat: 0,
            exp: 0,
            jti: token.to_owned(),
            token_type: TokenType::McpSession,
            mcp_cfg: None,
            conn_id: None,
            ca_ids: None,
            access_level: None,
        };
        leases.open(&Address::Config(server.to_owned()), &claims, &json!(7))
    }

    fn config(server: &str) -> Change {
        Change::Config {
            server_uuid: server.to_owned(),
        }
    }

    fn accounts(user: &str) -> Change {
        Change::Accounts {
            identifier: user.to_owned(),
        }
    }

    #[test]
    fn a_change_touches_whom_it_concerns() {
        let leases = Arc::new(Leases::default());
        leases.changed(&config("one"));
        assert_eq!(leases.touches(), 0);
        let alice = open(&leases, "one", "alice", "a");
        let bob = open(&leases, "two", "bob", "b");
        for (change, touched) in [
            (config("one"), [true, false]),
            (config("two"), [false, true]),
            (config("three"), [false, false]),
            (accounts("alice"), [true, false]),
            (accounts("bob"), [false, true]),
        ] {
            let before = leases.touches();
            leases.changed(&change);
            assert_eq!([alice.is_unseen(), bob.is_unseen()], touched, "{change:?}");
            let count = touched.into_iter().filter(|touched| *touched).count() as u64;
            assert_eq!(leases.touches() - before, count);
            for lease in [&alice, &bob] {
                lease.seen(*lease.touches().borrow());
            }
        }
    }

    #[tokio::test]
    async fn a_change_settles_when_whatever_it_touches_has_looked_or_ended() {
        let leases = Arc::new(Leases::default());
        leases.settle().await;
        let (looks, ends) = (
            open(&leases, "one", "alice", "a"),
            open(&leases, "one", "bob", "b"),
        );
        let _other = open(&leases, "two", "bob", "b");
        leases.changed(&config("one"));
        let mut settled = pin!(leases.settle());
        assert!(poll!(settled.as_mut()).is_pending());
        looks.seen(1);
        assert!(poll!(settled.as_mut()).is_pending());
        drop(ends);
        settled.await;
        // The next change is not settled by having looked at this one.
        leases.changed(&config("one"));
        assert!(poll!(pin!(leases.settle())).is_pending());
    }

    #[test]
    fn a_client_cancels_only_what_came_with_its_own_token() {
        let leases = Arc::new(Leases::default());
        let call = open(&leases, "one", "alice", "a");
        let same = open(&leases, "one", "alice", "a");
        let elsewhere = open(&leases, "two", "alice", "a");
        let newer = open(&leases, "one", "alice", "a2");
        for canceller in [&elsewhere, &newer] {
            leases.cancel(canceller, &json!(8));
        }
        leases.cancel(&same, &json!(8));
        leases.cancel(&same, &json!("7"));
        assert_eq!((call.stopped(), call.is_unseen()), (None, false));
        leases.cancel(&same, &json!(7));
        assert_eq!(call.stopped(), Some(Stopped::Cancelled));
        assert_eq!((elsewhere.stopped(), newer.stopped()), (None, None));
    }

    #[test]
    fn a_reset_stops_those_that_listen() {
        let leases = Arc::new(Leases::default());
        let (listens, calls) = (
            open(&leases, "one", "alice", "a"),
            open(&leases, "one", "alice", "a"),
        );
        let _news = listens.listen();
        leases.stop_listeners();
        assert_eq!(
            (listens.stopped(), calls.stopped()),
            (Some(Stopped::Reset), None)
        );
        drop((listens, calls));
        assert!(leases.all().is_empty());
    }
}
