//! How each upstream is doing. One that is dead costs its callers one deadline; then they are told so at once, until
//! it is time to try again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};
use secrecy::ExposeSecret as _;

use super::{Owner, Phase, error::UpstreamError, lock, slot::Key};
use crate::local::clock::Clock;

/// So many quick failures in a row are taken for death; a deadline that passed is enough.
const STRIKES: u32 = 3;
/// The first rest; each failed try doubles it.
const REST: Duration = Duration::from_secs(10);
const LONGEST_REST: Duration = Duration::from_secs(120);
/// How long one request may try for all the others, before another one does.
const TRIAL: Duration = Duration::from_secs(45);

/// One breaker per connection and account.
pub(super) struct Breakers {
    clock: Clock,
    known: Mutex<HashMap<Key, Breaker>>,
}

type Fingerprint = Box<[u8]>;

#[derive(Default)]
struct Breaker {
    /// Of the credential it failed with: another one deserves another try.
    fingerprint: Option<Fingerprint>,
    last: Option<Arc<UpstreamError>>,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    /// Requests go through; so many failed in a row.
    Closed { strikes: u32 },
    /// Nobody is let through.
    Open { until: Timestamp, times: u32 },
    /// One request is under way to find out.
    Trial { until: Timestamp, times: u32 },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { strikes: 0 }
    }
}

/// What a failure says about its upstream.
#[derive(PartialEq, Eq)]
enum Sign {
    /// It answered, if not what was hoped for.
    Alive,
    /// Nothing: a slow tool, a mistake in the settings.
    None,
    /// Not well.
    Strike,
    /// It took a whole deadline.
    Dead,
}

fn sign(error: &UpstreamError) -> Sign {
    match error {
        UpstreamError::TimedOut {
            phase: Phase::Connect | Phase::List,
            ..
        } => Sign::Dead,
        UpstreamError::StartFailed { .. }
        | UpstreamError::NotMcp { .. }
        | UpstreamError::Unreachable { .. }
        | UpstreamError::Closed { .. }
        | UpstreamError::Endless { .. }
        | UpstreamError::HttpStatus { status: 500.., .. } => Sign::Strike,
        UpstreamError::CredentialRefused { .. } | UpstreamError::Refused { .. } => Sign::Alive,
        _ => Sign::None,
    }
}

impl Breakers {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            known: Mutex::default(),
        }
    }

    /// Lets a request through, or says why not and until when.
    pub(super) fn admit(&self, key: &Key, owner: &Owner) -> Result<(), UpstreamError> {
        let mut known = lock(&self.known);
        let Some(breaker) = known.get_mut(key) else {
            return Ok(());
        };
        let (State::Open { until, times } | State::Trial { until, times }) = breaker.state else {
            return Ok(());
        };
        if breaker.fingerprint != fingerprint(owner) {
            breaker.state = State::default();
            return Ok(());
        }
        let now = self.clock.now();
        match &breaker.last {
            Some(error) if now < until => Err(UpstreamError::Resting {
                error: Arc::clone(error),
                until,
            }),
            _ => {
                let until = later(now, TRIAL);
                breaker.state = State::Trial { until, times };
                Ok(())
            }
        }
    }

    /// It is there: what it told before is still true.
    pub(super) fn alive(&self, key: &Key) {
        if let Some(breaker) = lock(&self.known).get_mut(key) {
            breaker.state = State::default();
        }
    }

    /// A request was answered.
    pub(super) fn answered(&self, key: &Key) {
        if let Some(breaker) = lock(&self.known).get_mut(key) {
            breaker.state = State::default();
            breaker.last = None;
        }
    }

    /// A connect or a request failed.
    pub(super) fn failed(&self, key: &Key, owner: &Owner, error: &UpstreamError) {
        let sign = sign(error);
        if matches!(error, UpstreamError::Refused { .. }) {
            return self.answered(key);
        }
        let now = self.clock.now();
        let mut known = lock(&self.known);
        let breaker = known.entry(key.clone()).or_default();
        breaker.state = match (sign, breaker.state) {
            (Sign::Alive, _) => State::default(),
            // Requests that were under way when it opened: their failure is known already.
            (Sign::None, state) | (_, state @ State::Open { .. }) => state,
            (_, State::Trial { times, .. }) => open(now, times + 1),
            (Sign::Dead, State::Closed { .. }) => open(now, 0),
            (Sign::Strike, State::Closed { strikes }) if strikes + 1 >= STRIKES => open(now, 0),
            (Sign::Strike, State::Closed { strikes }) => State::Closed {
                strikes: strikes + 1,
            },
        };
        breaker.last = Some(Arc::new(error.clone()));
        breaker.fingerprint = fingerprint(owner);
    }

    /// Forgets the accounts that are meant.
    pub(super) fn forget(&self, meant: impl Fn(&str) -> bool) {
        lock(&self.known).retain(|(_, account), _| !meant(account));
    }

    /// Until when, by the engine's clock, an upstream is not asked.
    pub(super) fn retry_at(&self, key: &Key) -> Option<Timestamp> {
        match lock(&self.known).get(key)?.state {
            State::Closed { .. } => None,
            State::Open { until, .. } | State::Trial { until, .. } => Some(until),
        }
        .filter(|until| self.clock.now() < *until)
    }
}

fn fingerprint(owner: &Owner) -> Option<Fingerprint> {
    let credential = owner.credential.as_ref()?.expose_secret();
    Some(digest(&SHA256, credential.as_bytes()).as_ref().into())
}

fn open(now: Timestamp, times: u32) -> State {
    let rest = REST.saturating_mul(1 << times.min(16)).min(LONGEST_REST);
    State::Open {
        until: later(now, rest),
        times,
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| time.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}
