//! When to try again, and how long to wait: pure decisions, no clock, no network.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use http::StatusCode;

/// How a client retries.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// Repeats after the first try.
    pub(crate) max_retries: u32,
    pub(crate) base: Duration,
    pub(crate) cap: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_retries: 3,
            base: Duration::from_millis(250),
            cap: Duration::from_secs(8),
        }
    }
}

/// What went wrong with one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nothing was written: the server cannot have done anything.
    NotSent,
    /// The connection broke or the try took too long: the server may have done it.
    Broken,
    /// Another try would bring the same.
    Lasting,
    /// The provider behind a tool failed: no repeat and no new access token helps.
    Tool,
    /// The server answered with this status.
    Status(StatusCode, Option<Duration>),
}

impl Failure {
    /// Whether the server may have done what it was asked, so that a repeat finds it done.
    pub(crate) fn may_have_been_done(self) -> bool {
        match self {
            Self::NotSent | Self::Lasting => false,
            Self::Broken | Self::Tool => true,
            // With `Retry-After` the server says that it did nothing.
            Self::Status(StatusCode::SERVICE_UNAVAILABLE, asked) => asked.is_none(),
            Self::Status(status, _) => status.is_server_error(),
        }
    }
}

impl Policy {
    /// How long to wait before try number `attempt + 1`, or `None` to give up.
    ///
    /// `jitter` is a random number from 0 to 1.
    pub(crate) fn delay(
        &self,
        failure: Failure,
        repeatable: bool,
        attempt: u32,
        jitter: f64,
    ) -> Option<Duration> {
        if attempt > self.max_retries {
            return None;
        }
        let asked = match failure {
            Failure::NotSent => None,
            Failure::Broken if repeatable => None,
            Failure::Status(StatusCode::TOO_MANY_REQUESTS, asked) => asked,
            Failure::Status(StatusCode::SERVICE_UNAVAILABLE, Some(asked)) => Some(asked),
            Failure::Status(
                StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT,
                asked,
            ) if repeatable => asked,
            _ => return None,
        };
        let exponent = attempt.saturating_sub(1).min(16);
        let backoff = self
            .base
            .saturating_mul(1 << exponent)
            .min(self.cap)
            .mul_f64(jitter.clamp(0.0, 1.0));
        Some(asked.map_or(backoff, |asked| asked.min(self.cap)))
    }

    /// Whether the same call may succeed later: what [`crate::Error::is_retryable`] says.
    pub(crate) fn is_passing(failure: Failure, repeatable: bool) -> bool {
        Self {
            max_retries: 1,
            ..Self::default()
        }
        .delay(failure, repeatable, 1, 0.0)
        .is_some()
    }
}

/// Keeps a client from multiplying load on a server in trouble: a repeat costs five, a call that
/// succeeds pays one back.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Budget {
    const FULL: u32 = 500;
    const COST: u32 = 5;

    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(Self::FULL))
    }

    pub(crate) fn withdraw(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(Self::COST)
            })
            .is_ok()
    }

    pub(crate) fn deposit(&self) {
        // At the limit there is nothing to pay back.
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                (left < Self::FULL).then_some(left + 1)
            });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLICY: Policy = Policy {
        max_retries: 3,
        base: Duration::from_millis(250),
        cap: Duration::from_secs(8),
    };

    fn retried(failure: Failure, repeatable: bool) -> bool {
        POLICY.delay(failure, repeatable, 1, 1.0).is_some()
    }

    #[test]
    fn what_may_have_happened_is_repeated_only_where_that_is_harmless() {
        assert!(retried(Failure::NotSent, false));
        assert!(!retried(Failure::Broken, false));
        assert!(retried(Failure::Broken, true));
        for status in [502, 503, 504] {
            let failure = Failure::Status(StatusCode::from_u16(status).unwrap(), None);
            assert!(
                retried(failure, true) && !retried(failure, false),
                "{status}"
            );
        }
    }

    #[test]
    fn a_server_that_did_nothing_and_says_so_is_asked_again() {
        let second = Some(Duration::from_secs(1));
        assert!(retried(
            Failure::Status(StatusCode::TOO_MANY_REQUESTS, None),
            false
        ));
        assert!(retried(
            Failure::Status(StatusCode::SERVICE_UNAVAILABLE, second),
            false
        ));
        assert!(!retried(Failure::Lasting, true));
        for status in [200, 302, 400, 401, 403, 404, 409, 499, 500, 501] {
            assert!(
                !retried(
                    Failure::Status(StatusCode::from_u16(status).unwrap(), second),
                    true
                ),
                "{status}"
            );
        }
    }

    #[test]
    fn only_a_lost_or_failed_try_may_have_been_done() {
        let status = |status, asked| Failure::Status(StatusCode::from_u16(status).unwrap(), asked);
        for done in [
            Failure::Broken,
            status(500, None),
            status(502, None),
            status(503, None),
        ] {
            assert!(done.may_have_been_done(), "{done:?}");
        }
        let second = Some(Duration::from_secs(1));
        for not in [
            Failure::NotSent,
            status(401, None),
            status(429, second),
            status(503, second),
        ] {
            assert!(!not.may_have_been_done(), "{not:?}");
        }
    }

    #[test]
    fn retry_after_is_obeyed_up_to_the_cap() {
        let wait = |asked| {
            POLICY.delay(
                Failure::Status(StatusCode::TOO_MANY_REQUESTS, Some(asked)),
                false,
                1,
                0.0,
            )
        };
        assert_eq!(wait(Duration::from_secs(2)), Some(Duration::from_secs(2)));
        assert_eq!(wait(Duration::from_secs(3_600)), Some(POLICY.cap));
    }

    #[test]
    fn the_budget_runs_out_and_refills() {
        let budget = Budget::new();
        let spent = std::iter::repeat_with(|| budget.withdraw())
            .take_while(|paid| *paid)
            .count();
        assert_eq!(spent, 100);
        for _ in 0..4 {
            budget.deposit();
        }
        assert!(!budget.withdraw());
        budget.deposit();
        assert!(budget.withdraw());
    }

    fn any_failure() -> impl Strategy<Value = Failure> {
        let asked = prop::option::of((0u64..100_000).prop_map(Duration::from_millis));
        let status = (100u16..600, asked).prop_map(|(status, asked)| {
            Failure::Status(StatusCode::from_u16(status).unwrap(), asked)
        });
        prop_oneof![
            Just(Failure::NotSent),
            Just(Failure::Broken),
            Just(Failure::Lasting),
            status
        ]
    }

    proptest! {
        #[test]
        fn tries_and_waits_are_bounded_whatever_goes_wrong(
            failures in prop::collection::vec((any_failure(), 0.0f64..=1.0), 0..50),
            repeatable: bool,
            max_retries in 0u32..20,
            base in 1u64..10_000,
            cap in 1u64..10_000,
        ) {
            let policy = Policy {
                max_retries,
                base: Duration::from_millis(base),
                cap: Duration::from_millis(cap),
            };
            let (mut repeats, mut waited) = (0, Duration::ZERO);
            for (failure, jitter) in failures {
                let Some(wait) = policy.delay(failure, repeatable, repeats + 1, jitter) else {
                    break;
                };
                prop_assert!(repeatable || !failure.may_have_been_done(), "{failure:?}");
                prop_assert!(Policy::is_passing(failure, repeatable), "{failure:?}");
                repeats += 1;
                waited += wait;
            }
            prop_assert!(repeats <= max_retries);
            prop_assert!(waited <= policy.cap * repeats);
        }

        #[test]
        fn a_wait_is_never_longer_than_the_cap_and_tries_end(attempt in 1u32..100, jitter in 0.0f64..=1.0) {
            match POLICY.delay(Failure::NotSent, true, attempt, jitter) {
                Some(wait) => prop_assert!(wait <= POLICY.cap && attempt <= POLICY.max_retries),
                None => prop_assert!(attempt > POLICY.max_retries),
            }
        }
    }
}
