//! One flight: however many callers wait for the same thing, it is fetched once.

use std::sync::{Mutex, PoisonError};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::runtime::Handle;

use crate::{Error, ErrorKind, Result};

type Landing<T> = Shared<BoxFuture<'static, Result<T>>>;

/// A slot for at most one running fetch, whose result all waiting callers share.
pub(crate) struct Flight<T>(Mutex<Option<Landing<T>>>);

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Joins the running fetch or starts one. It runs on its own: a caller who goes away does not
    /// end it for the others.
    pub(crate) fn join<F>(&self, start: impl FnOnce() -> F) -> Landing<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = slot.as_ref().filter(|flight| flight.peek().is_none()) {
            return running.clone();
        }
        let landing = match Handle::try_current() {
            Ok(runtime) => {
                let task = runtime.spawn(start());
                async move { task.await.unwrap_or_else(|_| Err(interrupted())) }
                    .boxed()
                    .shared()
            }
            Err(_) => futures_util::future::ready(Err(interrupted()))
                .boxed()
                .shared(),
        };
        *slot = Some(landing.clone());
        landing
    }
}

fn interrupted() -> Error {
    Error::new(
        ErrorKind::Closed,
        "runtime_closed",
        "the async runtime under the client has shut down",
    )
    .suggest("call again from a running runtime")
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn many_callers_one_fetch_and_the_next_is_new() {
        let flight = Flight::new();
        let fetched = Arc::new(AtomicUsize::new(0));
        let fetch = || {
            let fetched = Arc::clone(&fetched);
            async move {
                tokio::task::yield_now().await;
                Ok(fetched.fetch_add(1, Ordering::SeqCst))
            }
        };
        let results = join_all((0..1_000).map(|_| flight.join(fetch))).await;
        assert!(results.into_iter().all(|result| result.unwrap() == 0));
        assert_eq!(flight.join(fetch).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_caller_who_leaves_does_not_end_it_for_the_others() {
        let flight = Flight::new();
        let (open, gate) = tokio::sync::oneshot::channel::<()>();
        drop(flight.join(|| async {
            gate.await.map_err(|_| interrupted())?;
            Ok(7)
        }));
        let waiting = flight.join(|| async { Ok(8) });
        open.send(()).unwrap();
        assert_eq!(waiting.await.unwrap(), 7);
    }

    #[test]
    fn without_a_runtime_it_is_an_error_and_no_panic() {
        let landing = Flight::<()>::new().join(|| async { Ok(()) });
        assert_eq!(
            futures_util::future::FutureExt::now_or_never(landing)
                .unwrap()
                .unwrap_err()
                .kind(),
            ErrorKind::Closed
        );
    }
}
