//! `[upstreams]`: how many may run, and for how long without work.

use std::{num::NonZeroU32, time::Duration};

use serde::Deserialize;

/// The limits of the upstreams.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How long an upstream lives that nobody uses.
    pub(crate) idle: Duration,
    /// Child processes that run at the same time.
    pub(crate) children: usize,
    /// Child processes that start at the same time.
    pub(crate) starting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(300),
            children: 64,
            starting: 4,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct LimitsEntry {
    idle_seconds: Option<NonZeroU32>,
    children: Option<NonZeroU32>,
    starting: Option<NonZeroU32>,
}

impl From<LimitsEntry> for Limits {
    fn from(entry: LimitsEntry) -> Self {
        let default = Self::default();
        let count = |number: NonZeroU32| usize::try_from(number.get()).ok();
        Self {
            idle: entry.idle_seconds.map_or(default.idle, |seconds| {
                Duration::from_secs(seconds.get().into())
            }),
            children: entry.children.and_then(count).unwrap_or(default.children),
            starting: entry.starting.and_then(count).unwrap_or(default.starting),
        }
    }
}
