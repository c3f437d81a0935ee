//! The engine's clock: the system's time, unless a test froze or moved it. Whatever expires asks
//! this clock and no other.

use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::{sync::Notify, time::sleep};

/// A shared clock; every clone shows the same time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock {
    hands: Arc<Mutex<Hands>>,
    moved: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Hands {
    /// Added to the system's time while the clock runs.
    offset: SignedDuration,
    /// The time shown while the clock stands still.
    frozen: Option<Timestamp>,
}

impl Hands {
    fn now(&self) -> Timestamp {
        self.frozen
            .unwrap_or_else(|| later(Timestamp::now(), self.offset))
    }
}

impl Clock {
    /// What this clock shows.
    pub(crate) fn now(&self) -> Timestamp {
        self.hands().now()
    }

    /// Whether it stands still.
    pub(crate) fn is_frozen(&self) -> bool {
        self.hands().frozen.is_some()
    }

    /// Stops the clock where it is; only `advance` and `reset` move it from then on.
    pub(crate) fn freeze(&self) {
        {
            let mut hands = self.hands();
            hands.frozen = Some(hands.now());
        }
        self.moved.notify_waiters();
    }

    /// Moves the clock forward, frozen or running.
    pub(crate) fn advance(&self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        {
            let mut hands = self.hands();
            match hands.frozen {
                Some(frozen) => hands.frozen = Some(later(frozen, by)),
                None => hands.offset = hands.offset.saturating_add(by),
            }
        }
        self.moved.notify_waiters();
    }

    /// Back to the system's time.
    pub(crate) fn reset(&self) {
        *self.hands() = Hands::default();
        self.moved.notify_waiters();
    }

    /// Returns when the clock shows this time or a later one.
    pub(crate) async fn reaches(&self, time: Timestamp) {
        loop {
            let mut moved = pin!(self.moved.notified());
            // Before looking, so that no move in between is missed.
            moved.as_mut().enable();
            let (now, frozen) = {
                let hands = self.hands();
                (hands.now(), hands.frozen.is_some())
            };
            let left = time.duration_since(now);
            if left <= SignedDuration::ZERO {
                return;
            }
            tokio::select! {
                () = moved => {}
                () = sleep(left.unsigned_abs()), if !frozen => {}
            }
        }
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `time + by`, stopping at the last moment a timestamp can hold.
fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use futures_util::poll;

    use super::*;

    #[test]
    fn a_frozen_clock_stands_still_and_every_clone_sees_it() {
        let clock = Clock::default();
        let clone = clock.clone();
        clock.freeze();
        let noon = clone.now();
        while Timestamp::now() <= noon {}
        assert_eq!(clone.now(), noon);
        clone.advance(Duration::from_secs(61));
        assert_eq!(clock.now(), later(noon, SignedDuration::from_secs(61)));
    }

    #[test]
    fn a_running_clock_can_be_moved_and_reset() {
        let clock = Clock::default();
        let hour = SignedDuration::from_hours(1);
        let before = Timestamp::now();
        clock.advance(Duration::from_secs(3600));
        assert!(clock.now() >= later(before, hour));
        clock.reset();
        assert!(clock.now() < later(before, hour));
    }

    #[tokio::test]
    async fn who_waits_for_a_time_is_told_when_the_clock_is_moved_there() {
        let clock = Clock::default();
        clock.freeze();
        clock.reaches(clock.now()).await;
        let mut waiting = pin!(clock.reaches(later(clock.now(), SignedDuration::from_secs(60))));
        for (seconds, reached) in [(0, false), (59, false), (1, true)] {
            clock.advance(Duration::from_secs(seconds));
            assert_eq!(poll!(waiting.as_mut()).is_ready(), reached, "{seconds}");
        }
    }

    #[test]
    fn advancing_beyond_the_end_of_time_stays_there() {
        let clock = Clock::default();
        clock.freeze();
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
        clock.reset();
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
    }
}
