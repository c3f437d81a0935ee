//! A call under way, as far as TypeScript has a hand in it: it listens to the `AbortSignal`, and it
//! logs.

use std::sync::Arc;

use napi_derive::napi;
use scalekit_vmcp::Records;
use tokio::sync::Notify;

/// What a client's logger is told.
#[napi]
pub struct Log {
    log: scalekit_vmcp::Log,
    level: String,
}

#[napi]
impl Log {
    /// A log of this level and above.
    #[napi(constructor)]
    pub fn new(level: String) -> Self {
        Self {
            log: scalekit_vmcp::Log::default(),
            level,
        }
    }
}

/// The handle of the one call that it was given to.
#[napi]
pub struct CallHandle {
    cancelled: Arc<Notify>,
    records: Option<Records>,
}

#[napi]
impl CallHandle {
    /// A handle for one call, which is recorded if there is a log.
    #[napi(constructor)]
    pub fn new(log: Option<&Log>) -> Self {
        Self {
            cancelled: Arc::default(),
            records: log.map(|log| log.log.records(&log.level)),
        }
    }

    /// Drops the call, also before it starts; its answer is empty.
    #[napi]
    pub fn cancel(&self) {
        self.cancelled.notify_one();
    }

    /// What the call did, as a JSON list, to be taken once.
    #[napi]
    pub fn take_records(&self) -> Option<String> {
        self.records.as_ref().map(Records::take)
    }
}

/// `work`, or what an empty answer looks like if it is cancelled first.
pub(crate) fn under<T: Default, F: Future<Output = T>>(
    handle: Option<&CallHandle>,
    work: F,
) -> impl Future<Output = T> + use<T, F> {
    let handle = handle.map(|handle| (Arc::clone(&handle.cancelled), handle.records.clone()));
    async move {
        let Some((cancelled, records)) = handle else {
            return work.await;
        };
        tokio::select! {
            biased;
            () = cancelled.notified() => T::default(),
            answer = Records::during(records, work) => answer,
        }
    }
}
