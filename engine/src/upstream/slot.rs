//! The place of one upstream in the pool: on its way, there, or on its way out.

use std::{
    ops::Deref,
    sync::{Arc, Mutex},
};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use tokio_util::sync::DropGuard;

use super::{Owner, client::Upstream, error::UpstreamError, lock};

/// The name of a connection and the id of an account.
pub(super) type Key = (String, String);

pub(super) type Connected = Result<Arc<Upstream>, UpstreamError>;

/// One upstream. Dropping it abandons a connect under way.
pub(super) struct Slot {
    credential: Option<SecretString>,
    cancel: DropGuard,
    connected: watch::Receiver<Option<Connected>>,
    usage: Arc<Usage>,
    /// It was idle for too long, or had to make room: nobody gets it any more.
    leaving: bool,
}

/// Who uses an upstream, and since when nobody does.
struct Usage {
    count: Mutex<(usize, Instant)>,
    spared: Arc<Notify>,
}

/// An upstream that is not stopped for being idle as long as this lives.
pub(super) struct Lease {
    upstream: Arc<Upstream>,
    _usage: InUse,
}

struct InUse(Arc<Usage>);

impl Usage {
    fn begin(self: &Arc<Self>) -> InUse {
        lock(&self.count).0 += 1;
        InUse(Arc::clone(self))
    }

    /// Since when nobody uses it; `None` while somebody does.
    fn idle_since(&self) -> Option<Instant> {
        let usage = lock(&self.count);
        (usage.0 == 0).then_some(usage.1)
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        {
            let mut usage = lock(&self.0.count);
            usage.0 = usage.0.saturating_sub(1);
            usage.1 = Instant::now();
        }
        self.0.spared.notify_waiters();
    }
}

impl Deref for Lease {
    type Target = Upstream;

    fn deref(&self) -> &Upstream {
        &self.upstream
    }
}

impl Slot {
    pub(super) fn new(
        owner: &Owner,
        cancel: DropGuard,
        connected: watch::Receiver<Option<Connected>>,
        spared: Arc<Notify>,
    ) -> Self {
        Self {
            credential: owner.credential.clone(),
            cancel,
            connected,
            usage: Arc::new(Usage {
                count: Mutex::new((0, Instant::now())),
                spared,
            }),
            leaving: false,
        }
    }

    /// Whether a request of this owner may use it: alive, or about to be, with this credential.
    pub(super) fn serves(&self, owner: &Owner) -> bool {
        !self.leaving
            && same(self.credential.as_ref(), owner.credential.as_ref())
            && match &*self.connected.borrow() {
                Some(Ok(upstream)) => !upstream.is_closed(),
                Some(Err(_)) => false,
                None => true,
            }
    }

    /// Its upstream, in use from now on, as soon as it is connected.
    pub(super) fn lease(
        &self,
    ) -> impl Future<Output = Option<Result<Lease, UpstreamError>>> + use<> {
        let usage = self.usage.begin();
        let connected = self.connected.clone();
        async move {
            let connected = outcome(connected).await?;
            Some(connected.map(|upstream| Lease {
                upstream,
                _usage: usage,
            }))
        }
    }

    /// The upstream, if it is connected.
    pub(super) fn upstream(&self) -> Option<Arc<Upstream>> {
        match &*self.connected.borrow() {
            Some(Ok(upstream)) => Some(Arc::clone(upstream)),
            _ => None,
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        matches!(&*self.connected.borrow(), Some(Err(_)))
    }

    /// Since when it could be spared; `None` while it is used, or not connected.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        self.usage
            .idle_since()
            .filter(|_| !self.leaving && matches!(&*self.connected.borrow(), Some(Ok(_))))
    }

    /// Lets nobody use it any more; what is left to do is to stop what it has.
    pub(super) fn leave(&mut self) -> Option<Arc<Upstream>> {
        self.leaving = true;
        self.upstream()
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving
    }

    /// Makes room for a successor.
    pub(super) async fn retire(self) {
        let harmless = self.upstream().is_some_and(|upstream| !upstream.is_child());
        // Over HTTP the requests under way go on, with the credential that they were sent with.
        if !harmless {
            self.stop().await;
        }
    }

    pub(super) async fn stop(self) {
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
