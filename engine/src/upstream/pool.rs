//! One upstream per connection and account: connected once however many ask, shared by all configs, replaced when
//! dead, stopped when nobody has used it for a while.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    Deadlines, Owner, ToolsChanged,
    breaker::Breakers,
    child::Process,
    client::Upstream,
    connect::{Connect, Era},
    error::UpstreamError,
    http,
    listing::Shelf,
    lock,
    os::Children,
    room::Room,
    slot::{Key, Lease, Slot},
};
use crate::{
    local::clock::Clock,
    outbound::Outbound,
    settings::{Connection, Limits, Source},
};

/// The upstreams that live, by connection name and account id.
pub(super) struct Pool {
    shared: Arc<Shared>,
}

/// What a connect in the background needs.
pub(super) struct Shared {
    outbound: Outbound,
    children: Children,
    deadlines: Deadlines,
    pub(super) slots: Mutex<HashMap<Key, Slot>>,
    pub(super) room: Room,
    breakers: Breakers,
    changes: ToolsChanged,
    shelf: Arc<Shelf>,
    /// Connections whose upstream knows only `initialize`, which spares the next one the probe.
    legacy: Mutex<HashSet<String>>,
    /// Accounts that are no more. Their ids never come back, but requests under way may know them.
    retired: Mutex<HashSet<String>>,
}

impl Pool {
    pub(super) fn new(
        outbound: Outbound,
        deadlines: Deadlines,
        limits: Limits,
        clock: Clock,
        changes: ToolsChanged,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                outbound,
                children: Children::default(),
                deadlines,
                slots: Mutex::default(),
                room: Room::new(limits),
                breakers: Breakers::new(clock),
                changes,
                shelf: Arc::default(),
                legacy: Mutex::default(),
                retired: Mutex::default(),
            }),
        }
    }

    /// The upstream of an account; connects it if there is none that lives.
    pub(super) async fn get(
        &self,
        connection: &Arc<Connection>,
        owner: &Owner,
    ) -> Result<Lease, UpstreamError> {
        let closed = || UpstreamError::Closed {
            connection: connection.name.as_str().into(),
        };
        let key = key(&connection.name, owner);
        let lease = {
            let mut slots = lock(&self.shared.slots);
            // Under the lock that `stop` takes, so that nothing slips in between.
            if self.shared.is_retired(owner) {
                return Err(closed());
            }
            self.shared.breakers.admit(&key, owner)?;
            match slots.get(&key) {
                Some(slot) if slot.serves(owner) => slot.lease(),
                _ => {
                    let old = slots.remove(&key);
                    let slot = self.connect(connection, owner, &key, old);
                    let lease = slot.lease();
                    slots.insert(key, slot);
                    lease
                }
            }
        };
        lease.await.unwrap_or_else(|| Err(closed()))
    }

    /// Learns from how a request to an upstream ended.
    pub(super) fn note<T>(
        &self,
        connection: &str,
        owner: &Owner,
        result: &Result<T, UpstreamError>,
    ) {
        let key = key(connection, owner);
        match result {
            Ok(_) => self.shared.breakers.answered(&key),
            Err(_) if self.shared.is_retired(owner) => {}
            Err(error) => self.shared.breakers.failed(&key, owner, error),
        }
    }

    /// The upstream did not have to be asked.
    pub(super) fn alive(&self, connection: &str, owner: &Owner) {
        self.shared.breakers.alive(&key(connection, owner));
    }

    pub(super) fn breakers(&self) -> &Breakers {
        &self.shared.breakers
    }

    /// The upstream of an account, if there is one that lives.
    pub(super) fn connected(&self, connection: &str, account_id: &str) -> Option<Arc<Upstream>> {
        let slots = lock(&self.shared.slots);
        let slot = slots.get(&(connection.to_owned(), account_id.to_owned()))?;
        slot.upstream().filter(|upstream| !upstream.is_closed())
    }

    /// Whether the account is no more.
    pub(super) fn is_retired(&self, owner: &Owner) -> bool {
        self.shared.is_retired(owner)
    }

    /// Lets nothing be started for this account any more.
    pub(super) fn retire(&self, account_id: &str) {
        lock(&self.shared.retired).insert(account_id.to_owned());
    }

    /// Forgets who is retired: when no request is under way that could still name them.
    pub(super) fn forget_retired(&self) {
        lock(&self.shared.retired).clear();
    }

    #[cfg(test)]
    pub(super) fn retired(&self) -> usize {
        lock(&self.shared.retired).len()
    }

    /// Stops the upstreams of the accounts that are meant, and forgets how they did.
    pub(super) async fn stop(&self, meant: impl Fn(&str) -> bool) {
        let stopped: Vec<Slot> = lock(&self.shared.slots)
            .extract_if(|(_, account), _| meant(account))
            .map(|(_, slot)| slot)
            .collect();
        self.shared.breakers.forget(&meant);
        join_all(stopped.into_iter().map(Slot::stop)).await;
    }

    #[cfg(test)]
    pub(super) fn running(&self) -> usize {
        lock(&self.shared.slots)
            .values()
            .filter_map(Slot::upstream)
            .filter(|upstream| !upstream.is_closed())
            .count()
    }

    /// Starts to connect in the background, so that no caller who gives up stops it for others.
    fn connect(
        &self,
        connection: &Arc<Connection>,
        owner: &Owner,
        key: &Key,
        old: Option<Slot>,
    ) -> Slot {
        let cancelled = CancellationToken::new();
        let (sender, connected) = watch::channel(None);
        let cancel = cancelled.clone().drop_guard();
        let slot = Slot::new(owner, cancel, connected, self.shared.room.spared());
        let (shared, connection, owner, key) = (
            Arc::clone(&self.shared),
            Arc::clone(connection),
            owner.clone(),
            key.clone(),
        );
        tokio::spawn(async move {
            if let Some(old) = old {
                old.retire().await;
            }
            let connected = shared.connect(&connection, &owner, &cancelled).await;
            match &connected {
                Ok(_) => {}
                // Who was stopped on the way is not ill.
                Err(_) if cancelled.is_cancelled() => {}
                Err(error) => shared.breakers.failed(&key, &owner, error),
            }
            sender.send_replace(Some(connected.map(Arc::new)));
        });
        self.shared.sweep();
        slot
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // Not left to the last `Arc`: a connect under way may hold one.
        self.shared.children.shut_down();
        self.shared.room.close();
        lock(&self.shared.slots).clear();
    }
}

impl Shared {
    fn is_retired(&self, owner: &Owner) -> bool {
        lock(&self.retired).contains(&owner.account_id)
    }

    async fn connect(
        self: &Arc<Self>,
        connection: &Connection,
        owner: &Owner,
        cancelled: &CancellationToken,
    ) -> Result<Upstream, UpstreamError> {
        let name = &connection.name;
        let closed = || UpstreamError::Closed {
            connection: name.as_str().into(),
        };
        let era = if lock(&self.legacy).contains(name) {
            Era::Legacy
        } else {
            Era::Unknown
        };
        let connect = Connect {
            connection: name.clone(),
            owner: owner.clone(),
            deadlines: self.deadlines,
            era,
            changes: Arc::clone(&self.changes),
            shelf: Arc::clone(&self.shelf),
        };
        let connected = match &connection.source {
            Source::Command(source) => {
                let place = tokio::select! {
                    place = self.place(name) => place?,
                    () = cancelled.cancelled() => return Err(closed()),
                };
                place
                    .starting(async |seat| {
                        let (process, stdout, stdin) =
                            Process::start(name, source, owner, &self.children, seat).await?;
                        connect
                            .child(process, stdout, stdin, cancelled.cancelled())
                            .await
                    })
                    .await
            }
            Source::Http(source) => {
                let transport = http::transport(&self.outbound, name, source, owner, &self.shelf)?;
                connect.http(transport, cancelled.cancelled()).await
            }
            // A sandbox answers without a server; it never gets here.
            Source::Sandbox(_) => Err(closed()),
        };
        // What is not sure is not remembered.
        match connected.as_ref().map(Upstream::era) {
            Ok(Era::Legacy) => lock(&self.legacy).insert(name.clone()),
            Ok(Era::Unknown) | Err(_) => lock(&self.legacy).remove(name),
        };
        connected
    }

    pub(super) fn deadlines(&self) -> &Deadlines {
        &self.deadlines
    }
}

fn key(connection: &str, owner: &Owner) -> Key {
    (connection.to_owned(), owner.account_id.clone())
}
