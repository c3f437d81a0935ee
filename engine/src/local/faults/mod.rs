//! Faults: what goes wrong because a test wants it to.

mod fault;

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::Serialize;
use tokio_util::sync::CancellationToken;

pub use self::fault::Fault;
pub(crate) use self::fault::Place;

/// More are a mistake of the test.
const MOST: usize = 1000;

/// A fault that was added, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AddedFault {
    /// Counts from 1, in the order in which they were added.
    pub id: u64,
    /// The fault.
    pub fault: Fault,
    /// How many requests came to it: those that an earlier fault struck did not.
    pub matched: u64,
    /// How often it struck.
    pub fired: u64,
}

/// What strikes one request.
#[derive(Debug, Clone)]
pub(crate) struct Injected {
    latency: Option<Duration>,
    pub(crate) effect: Option<Effect>,
    /// The faults were cleared: whoever waits because of one stops waiting.
    cleared: CancellationToken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Status {
        status: u16,
        retry_after_seconds: Option<u32>,
    },
    Hang,
    Drop,
    Garbage,
}

impl Injected {
    /// Waits as long as the fault wants before its effect.
    pub(crate) async fn wait(&self) {
        if let Some(latency) = self.latency {
            tokio::select! {
                () = tokio::time::sleep(latency) => {}
                () = self.cleared.cancelled() => {}
            }
        }
    }

    /// Waits until the faults are cleared.
    pub(crate) async fn hang(&self) {
        self.cleared.cancelled().await;
    }
}

/// The faults of an engine. The first that is for a request, and whose turn it is, strikes.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// Without any, requests pay for this alone.
    any: AtomicBool,
    list: Mutex<List>,
}

#[derive(Debug, Default)]
struct List {
    faults: Vec<Armed>,
    last: u64,
    seed: Option<u64>,
    cleared: CancellationToken,
}

#[derive(Debug)]
struct Armed {
    added: AddedFault,
    random: fastrand::Rng,
}

impl Faults {
    /// Adds a fault behind the others, and answers its id; else the field that is wrong, and why.
    pub(super) fn add(&self, fault: Fault) -> Result<u64, (&'static str, String)> {
        fault.check()?;
        let mut list = self.list();
        if list.faults.len() >= MOST {
            return Err((
                "path",
                format!("there are {MOST} faults already; clear them"),
            ));
        }
        list.last += 1;
        let id = list.last;
        // Each has its own sequence, so that one does not move another's.
        let random = match list.seed {
            Some(seed) => fastrand::Rng::with_seed(seed.wrapping_add(id)),
            None => fastrand::Rng::new(),
        };
        list.faults.push(Armed {
            added: AddedFault {
                id,
                fault,
                matched: 0,
                fired: 0,
            },
            random,
        });
        self.any.store(true, Ordering::Release);
        Ok(id)
    }

    pub(super) fn all(&self) -> Vec<AddedFault> {
        let list = self.list();
        list.faults
            .iter()
            .map(|armed| armed.added.clone())
            .collect()
    }

    /// Removes all, and ends what hangs because of one.
    pub(super) fn clear(&self) {
        let mut list = self.list();
        self.any.store(false, Ordering::Release);
        list.faults.clear();
        list.last = 0;
        std::mem::take(&mut list.cleared).cancel();
    }

    /// From now on chance follows from this seed, for faults that are added later.
    pub(super) fn seed(&self, seed: u64) {
        self.list().seed = Some(seed);
    }

    /// What strikes this request, if anything does.
    pub(crate) fn strike(&self, place: &Place<'_>) -> Option<Injected> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let mut list = self.list();
        let cleared = list.cleared.clone();
        let struck = list
            .faults
            .iter_mut()
            .find_map(|armed| armed.strike(place))?;
        Some(Injected {
            latency: struck.latency_ms.map(Duration::from_millis),
            effect: effect(struck),
            cleared,
        })
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Armed {
    /// The fault, if it is for this request and its turn.
    fn strike(&mut self, place: &Place<'_>) -> Option<&Fault> {
        let Armed { added, random } = self;
        let fault = &added.fault;
        if !fault.is_for(place) {
            return None;
        }
        added.matched += 1;
        let times = match (fault.times, fault.nth) {
            (Some(times), _) => times,
            (None, Some(_)) => 1,
            (None, None) => u64::MAX,
        };
        let lucky = fault
            .probability
            .is_none_or(|probability| random.f64() < probability);
        if added.matched < fault.nth.unwrap_or(1) || added.fired >= times || !lucky {
            return None;
        }
        added.fired += 1;
        Some(fault)
    }
}

fn effect(fault: &Fault) -> Option<Effect> {
    let status = fault.status.map(|status| Effect::Status {
        status,
        retry_after_seconds: fault.retry_after_seconds,
    });
    status
        .or_else(|| fault.hang.then_some(Effect::Hang))
        .or_else(|| fault.drop.then_some(Effect::Drop))
        .or_else(|| fault.garbage.then_some(Effect::Garbage))
}

#[cfg(test)]
mod tests;
