//! One flight: however many callers wait for the same thing, it is fetched once.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::runtime::Handle;

use crate::{Error, ErrorKind, Result, records};

type Landing<T> = Shared<BoxFuture<'static, Result<T>>>;

/// A slot for at most one running fetch, whose result all waiting callers share.
pub(crate) struct Flight<T>(Mutex<Option<Running<T>>>);

struct Running<T> {
    landing: Landing<T>,
    /// Set by the fetch itself: nobody may be waiting for it, and an old result is not a new one.
    done: Arc<AtomicBool>,
}

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Joins the running fetch, or takes what the caller may `have` by now, or starts a fetch. It
    /// runs on its own: a caller who goes away does not end it for the others.
    ///
    /// Between a caller's look at what there is and this call a fetch may have come and gone. So
    /// `have` looks again, at a time when none can run.
    pub(crate) fn join<F>(
        &self,
        have: impl FnOnce() -> Option<T>,
        start: impl FnOnce() -> F,
    ) -> Landing<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let mut slot = self.slot();
        if let Some(running) = slot
            .as_ref()
            .filter(|running| !running.done.load(Ordering::Acquire))
        {
            return running.landing.clone();
        }
        if let Some(had) = have() {
            return futures_util::future::ready(Ok(had)).boxed().shared();
        }
        let done = Arc::new(AtomicBool::new(false));
        let landing = if let Ok(runtime) = Handle::try_current() {
            let landed = Landed(Arc::clone(&done));
            let fetch = start();
            let task = runtime.spawn(records::carried(async move {
                // Dropped however the fetch ends, with its runtime too.
                let _landed = landed;
                fetch.await
            }));
            async move { task.await.unwrap_or_else(|_| Err(interrupted())) }
                .boxed()
                .shared()
        } else {
            done.store(true, Ordering::Release);
            futures_util::future::ready(Err(interrupted()))
                .boxed()
                .shared()
        };
        *slot = Some(Running {
            landing: landing.clone(),
            done,
        });
        landing
    }

    /// What a fetch stores its result with: whoever sees the result can no longer join the fetch,
    /// and gets another one if this result has been refused already.
    pub(crate) fn land(&self, store: impl FnOnce()) {
        let mut slot = self.slot();
        *slot = None;
        store();
    }

    fn slot(&self) -> MutexGuard<'_, Option<Running<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Landed(Arc<AtomicBool>);

impl Drop for Landed {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
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
    use std::sync::atomic::AtomicUsize;

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
        let results = join_all((0..1_000).map(|_| flight.join(|| None, fetch))).await;
        assert!(results.into_iter().all(|result| result.unwrap() == 0));
        assert_eq!(flight.join(|| None, fetch).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_caller_who_leaves_does_not_end_it_for_the_others() {
        let flight = Flight::new();
        let (open, gate) = tokio::sync::oneshot::channel::<()>();
        drop(flight.join(
            || None,
            || async {
                gate.await.map_err(|_| interrupted())?;
                Ok(7)
            },
        ));
        let waiting = flight.join(|| None, || async { Ok(8) });
        open.send(()).unwrap();
        assert_eq!(waiting.await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_result_that_nobody_waited_for_is_not_given_to_the_next_caller() {
        let flight = Flight::new();
        let (landed, landing) = tokio::sync::oneshot::channel();
        drop(flight.join(
            || None,
            || async {
                landed.send(()).map_err(|()| interrupted())?;
                Ok(1)
            },
        ));
        landing.await.unwrap();
        tokio::task::yield_now().await;
        assert_eq!(flight.join(|| None, || async { Ok(2) }).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn what_a_fetch_has_stored_is_there_and_the_fetch_can_no_longer_be_joined() {
        let flight = Arc::new(Flight::new());
        let (stored, storing) = tokio::sync::oneshot::channel();
        let landing = {
            let flight = Arc::clone(&flight);
            Arc::clone(&flight).join(
                || None,
                || async move {
                    flight.land(|| stored.send(()).unwrap());
                    // It has landed, but has not ended yet.
                    std::future::pending::<()>().await;
                    Ok(1)
                },
            )
        };
        storing.await.unwrap();
        let late = || flight.join(|| Some(1), || async { Ok(2) });
        assert_eq!(late().await.unwrap(), 1);
        let refused = flight.join(|| None, || async { Ok(3) });
        assert_eq!(refused.await.unwrap(), 3);
        drop(landing);
    }

    #[test]
    fn without_a_runtime_it_is_an_error_and_no_panic() {
        let landing = Flight::<()>::new().join(|| None, || async { Ok(()) });
        assert_eq!(
            futures_util::future::FutureExt::now_or_never(landing)
                .unwrap()
                .unwrap_err()
                .kind(),
            ErrorKind::Closed
        );
    }
}
