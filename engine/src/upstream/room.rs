//! How many upstreams there may be: children that run, children that start at once, and none that nobody uses.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    client::Upstream,
    error::UpstreamError,
    lock,
    pool::Shared,
    slot::{Key, Slot},
};
use crate::settings::Limits;

/// A start that takes longer waits for something, and does not keep others from starting.
const BUSY_START: Duration = Duration::from_secs(2);

/// The limits, and what is taken of them.
pub(super) struct Room {
    limits: Limits,
    running: Arc<Semaphore>,
    starting: Arc<Semaphore>,
    /// Told whenever an upstream is not used any more.
    spared: Arc<Notify>,
    sweeping: AtomicBool,
    closed: CancellationToken,
}

/// Where one child may run; given back when it has ended.
pub(super) struct Seat(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

/// A seat, and the right to start now.
pub(super) struct Place {
    seat: Seat,
    start: OwnedSemaphorePermit,
}

impl Place {
    /// Starts a child here.
    pub(super) async fn starting<T>(self, start: impl AsyncFnOnce(Seat) -> T) -> T {
        let mut starting = pin!(start(self.seat));
        tokio::select! {
            started = &mut starting => return started,
            () = sleep(BUSY_START) => {}
        }
        drop(self.start);
        starting.await
    }
}

impl Room {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            running: Arc::new(Semaphore::new(limits.children)),
            starting: Arc::new(Semaphore::new(limits.starting)),
            limits,
            spared: Arc::default(),
            sweeping: AtomicBool::new(false),
            closed: CancellationToken::new(),
        }
    }

    pub(super) fn spared(&self) -> Arc<Notify> {
        Arc::clone(&self.spared)
    }

    pub(super) fn close(&self) {
        self.closed.cancel();
    }
}

impl Shared {
    /// Waits for the place of one more child. Where there is none, the one that was not used for the longest time has
    /// to go; one in use never.
    pub(super) async fn place(self: &Arc<Self>, connection: &str) -> Result<Place, UpstreamError> {
        let room = &self.room;
        let seat = async {
            let mut seat = pin!(Arc::clone(&room.running).acquire_owned());
            if let Some(seat) = seat.as_mut().now_or_never() {
                return seat;
            }
            let mut made = false;
            loop {
                let spared = room.spared.notified();
                made = made || self.make_room();
                tokio::select! {
                    seat = &mut seat => return seat,
                    () = spared => {}
                }
            }
        };
        let full = || UpstreamError::Full {
            connection: connection.into(),
            limit: room.limits.children,
        };
        let seat = timeout(self.deadlines().room, seat).await;
        let seat = seat.map_err(|_| full())?.map_err(|_| full())?;
        let start = Arc::clone(&room.starting).acquire_owned().await;
        Ok(Place {
            seat: Seat(seat),
            start: start.map_err(|_| full())?,
        })
    }

    fn make_room(self: &Arc<Self>) -> bool {
        let mut slots = lock(&self.slots);
        let oldest = slots
            .iter_mut()
            .filter(|(_, slot)| {
                let running =
                    |upstream: Arc<Upstream>| upstream.is_child() && !upstream.is_closed();
                slot.upstream().is_some_and(running)
            })
            .filter_map(|(key, slot)| Some((slot.idle_since()?, key, slot)))
            .min_by_key(|(since, ..)| *since);
        let Some((_, key, slot)) = oldest else {
            return false;
        };
        self.dismiss(key.clone(), slot);
        true
    }

    /// Looks after the upstreams that nobody uses, until there is none.
    pub(super) fn sweep(self: &Arc<Self>) {
        if self.room.sweeping.swap(true, Ordering::SeqCst) {
            return;
        }
        let (weak, closed) = (Arc::downgrade(self), self.room.closed.clone());
        tokio::spawn(async move {
            loop {
                let next = weak.upgrade().and_then(|shared| shared.dismiss_idle());
                let Some(next) = next else { return };
                tokio::select! {
                    () = sleep_until(next) => {}
                    () = closed.cancelled() => return,
                }
            }
        });
    }

    /// When to look again; `None` if there is nothing to look after.
    fn dismiss_idle(self: &Arc<Self>) -> Option<Instant> {
        let (now, idle) = (Instant::now(), self.room.limits.idle);
        let mut slots = lock(&self.slots);
        slots.retain(|_, slot| !slot.has_failed());
        let mut next = None;
        for (key, slot) in slots.iter_mut().filter(|(_, slot)| !slot.is_leaving()) {
            let until = slot.idle_since().unwrap_or(now) + idle;
            if until <= now {
                self.dismiss(key.clone(), slot);
            } else {
                next = next.min(Some(until)).or(Some(until));
            }
        }
        if next.is_none() {
            // Under the lock: who adds a slot from now on starts to sweep again.
            self.room.sweeping.store(false, Ordering::SeqCst);
        }
        next
    }

    /// Stops an upstream in the background. Its slot stays as long, so that a successor waits.
    fn dismiss(self: &Arc<Self>, key: Key, slot: &mut Slot) {
        let upstream: Option<Arc<Upstream>> = slot.leave();
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            if let Some(upstream) = upstream {
                upstream.stop().await;
            }
            let mut slots = lock(&shared.slots);
            if slots.get(&key).is_some_and(Slot::is_leaving) {
                slots.remove(&key);
            }
        });
    }
}
