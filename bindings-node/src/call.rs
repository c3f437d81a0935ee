//! Cancellation: TypeScript listens to the `AbortSignal`, Rust only to this.

use std::sync::Arc;

use napi_derive::napi;
use tokio::sync::Notify;

/// Cancels the one call that it was given to, also before that call starts.
#[napi]
#[derive(Default)]
pub struct CancelHandle(Arc<Notify>);

#[napi]
impl CancelHandle {
    /// A handle for one call.
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Drops the call; its answer is empty.
    #[napi]
    pub fn cancel(&self) {
        self.0.notify_one();
    }
}

/// `work`, or what an empty answer looks like if it is cancelled first.
pub(crate) fn unless_cancelled<T: Default, F: Future<Output = T>>(
    cancel: Option<&CancelHandle>,
    work: F,
) -> impl Future<Output = T> + use<T, F> {
    let cancelled = cancel.map(|handle| Arc::clone(&handle.0));
    async move {
        let Some(cancelled) = cancelled else {
            return work.await;
        };
        tokio::select! {
            biased;
            () = cancelled.notified() => T::default(),
            answer = work => answer,
        }
    }
}
