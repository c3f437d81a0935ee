//! One upstream per connection and account: connected once however many ask, replaced when dead.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use futures_util::future::join_all;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    Deadlines, Owner, ToolsChanged,
    child::Process,
    client::{Connect, Era, Upstream},
    error::UpstreamError,
    http, lock,
    os::Children,
};
use crate::{
    outbound::Outbound,
    settings::{Connection, Source},
};

type Connected = Result<Arc<Upstream>, UpstreamError>;

/// The upstreams that live, by connection name and account id.
pub(super) struct Pool {
    shared: Arc<Shared>,
    slots: Mutex<HashMap<(String, String), Slot>>,
    /// Accounts that are no more. Their ids never come back, but requests under way may know them.
    retired: Mutex<HashSet<String>>,
}

/// What a connect in the background needs.
struct Shared {
    outbound: Outbound,
    children: Children,
    deadlines: Deadlines,
    changes: ToolsChanged,
    /// Connections whose upstream knows only `initialize`, which spares the next one the probe.
    legacy: Mutex<HashSet<String>>,
}

/// One upstream, on its way or there. Dropping it abandons a connect under way.
struct Slot {
    credential: Option<SecretString>,
    cancel: DropGuard,
    connected: watch::Receiver<Option<Connected>>,
}

impl Pool {
    pub(super) fn new(outbound: Outbound, deadlines: Deadlines, changes: ToolsChanged) -> Self {
        Self {
            shared: Arc::new(Shared {
                outbound,
                children: Children::default(),
                deadlines,
                changes,
                legacy: Mutex::default(),
            }),
            slots: Mutex::default(),
            retired: Mutex::default(),
        }
    }

    /// The upstream of an account; connects it if there is none that lives.
    pub(super) async fn get(&self, connection: &Arc<Connection>, owner: &Owner) -> Connected {
        let closed = || UpstreamError::Closed {
            connection: connection.name.as_str().into(),
        };
        let connected = {
            let mut slots = lock(&self.slots);
            // Under the lock that `stop` takes, so that nothing slips in between.
            if lock(&self.retired).contains(&owner.account_id) {
                return Err(closed());
            }
            let key = (connection.name.clone(), owner.account_id.clone());
            match slots.get(&key) {
                Some(slot) if slot.serves(owner) => slot.connected.clone(),
                _ => {
                    let slot = self.connect(connection, owner, slots.remove(&key));
                    let connected = slot.connected.clone();
                    slots.insert(key, slot);
                    connected
                }
            }
        };
        outcome(connected).await.unwrap_or_else(|| Err(closed()))
    }

    /// Lets nothing be started for this account any more.
    pub(super) fn retire(&self, account_id: &str) {
        lock(&self.retired).insert(account_id.to_owned());
    }

    /// Forgets who is retired: when no request is under way that could still name them.
    pub(super) fn forget_retired(&self) {
        lock(&self.retired).clear();
    }

    #[cfg(test)]
    pub(super) fn retired(&self) -> usize {
        lock(&self.retired).len()
    }

    /// Stops the upstreams of the accounts that are meant.
    pub(super) async fn stop(&self, meant: impl Fn(&str) -> bool) {
        let stopped: Vec<Slot> = lock(&self.slots)
            .extract_if(|(_, account), _| meant(account))
            .map(|(_, slot)| slot)
            .collect();
        join_all(stopped.into_iter().map(Slot::stop)).await;
    }

    #[cfg(test)]
    pub(super) fn running(&self) -> usize {
        lock(&self.slots)
            .values()
            .filter(|slot| {
                matches!(&*slot.connected.borrow(), Some(Ok(upstream)) if !upstream.is_closed())
            })
            .count()
    }

    /// Starts to connect in the background, so that no caller who gives up stops it for others.
    fn connect(&self, connection: &Arc<Connection>, owner: &Owner, old: Option<Slot>) -> Slot {
        let cancelled = CancellationToken::new();
        let (sender, connected) = watch::channel(None);
        let slot = Slot {
            credential: owner.credential.clone(),
            cancel: cancelled.clone().drop_guard(),
            connected,
        };
        let (shared, connection, owner) = (
            Arc::clone(&self.shared),
            Arc::clone(connection),
            owner.clone(),
        );
        tokio::spawn(async move {
            if let Some(old) = old {
                old.retire().await;
            }
            let connected = shared
                .connect(&connection, owner, &cancelled)
                .await
                .map(Arc::new);
            sender.send_replace(Some(connected));
        });
        slot
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // Not left to the last `Arc`: a connect under way may hold one.
        self.shared.children.shut_down();
    }
}

impl Shared {
    async fn connect(
        &self,
        connection: &Connection,
        owner: Owner,
        cancelled: &CancellationToken,
    ) -> Result<Upstream, UpstreamError> {
        let name = &connection.name;
        let era = if lock(&self.legacy).contains(name) {
            Era::Legacy
        } else {
            Era::Unknown
        };
        let connect = Connect {
            connection: name.clone(),
            owner,
            deadlines: self.deadlines,
            era,
            changes: Arc::clone(&self.changes),
        };
        let owner = &connect.owner;
        let connected = match &connection.source {
            Source::Command(source) => {
                let (process, stdout, stdin) =
                    Process::start(name, source, owner, &self.children).await?;
                connect
                    .child(process, stdout, stdin, cancelled.cancelled())
                    .await
            }
            Source::Http(source) => {
                let transport = http::transport(&self.outbound, name, source, owner)?;
                connect.http(transport, cancelled.cancelled()).await
            }
            // A sandbox answers without a server; it never gets here.
            Source::Sandbox(_) => Err(UpstreamError::Closed {
                connection: name.as_str().into(),
            }),
        };
        // What is not sure is not remembered.
        match connected.as_ref().map(Upstream::era) {
            Ok(Era::Legacy) => lock(&self.legacy).insert(name.clone()),
            Ok(Era::Unknown) | Err(_) => lock(&self.legacy).remove(name),
        };
        connected
    }
}

impl Slot {
    /// Whether a request of this owner may use it: alive, or about to be, with this credential.
    fn serves(&self, owner: &Owner) -> bool {
        same(self.credential.as_ref(), owner.credential.as_ref())
            && match &*self.connected.borrow() {
                Some(Ok(upstream)) => !upstream.is_closed(),
                Some(Err(_)) => false,
                None => true,
            }
    }

    /// Makes room for a successor.
    async fn retire(self) {
        let harmless =
            matches!(&*self.connected.borrow(), Some(Ok(upstream)) if !upstream.is_child());
        // Over HTTP the requests under way go on, with the credential that they were sent with.
        if !harmless {
            self.stop().await;
        }
    }

    async fn stop(self) {
        drop(self.cancel);
        if let Some(Ok(upstream)) = outcome(self.connected).await {
            upstream.stop().await;
        }
    }
}

/// Waits for the end of a connect; `None` if it went away with its runtime.
async fn outcome(mut connected: watch::Receiver<Option<Connected>>) -> Option<Connected> {
    let outcome = connected.wait_for(Option::is_some).await;
    outcome.ok().and_then(|outcome| outcome.clone())
}

fn same(one: Option<&SecretString>, other: Option<&SecretString>) -> bool {
    one.map(SecretString::expose_secret) == other.map(SecretString::expose_secret)
}
