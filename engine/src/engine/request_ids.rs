//! The ids of requests: random, or from a seed where a test wants the same ones again.

use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

/// Makes `req_…`.
#[derive(Debug, Default)]
pub(crate) struct RequestIds {
    seeded: Mutex<Option<fastrand::Rng>>,
}

impl RequestIds {
    /// From now on ids follow from this seed.
    pub(crate) fn seed(&self, seed: u64) {
        *self.seeded.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(fastrand::Rng::with_seed(seed));
    }

    pub(crate) fn next(&self) -> String {
        let mut seeded = self.seeded.lock().unwrap_or_else(PoisonError::into_inner);
        let number = match seeded.as_mut() {
            Some(random) => random.u128(..),
            None => Uuid::new_v4().as_u128(),
        };
        format!("req_{number:032x}")
    }
}
