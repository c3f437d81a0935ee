//! What the test controls are asked, and how they answer.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    error::ControlError,
    seed::AccountStatus,
    steer::{AuthLink, duration},
};
use crate::local::{
    audit::AuditRecord,
    diagnostics::Diagnosis,
    faults::AddedFault,
    journal::{JournalFilter, JournalRecord, RecordKind},
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reset {
    #[serde(default)]
    pub(super) seed_ids: Option<u64>,
}

/// What to do with the clock: any of the three, in this order.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::local) struct SetClock {
    pub(super) reset: bool,
    pub(super) freeze: bool,
    pub(super) advance_seconds: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetStatus {
    pub(super) connection_name: String,
    pub(super) identifier: String,
    pub(super) status: AccountStatus,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Complete {
    pub(super) link_id: String,
    credential: String,
}

impl Complete {
    pub(super) fn credential(&self) -> &str {
        &self.credential
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deny {
    pub(super) link_id: String,
}

#[derive(Serialize)]
pub(super) struct Links {
    pub(super) auth_links: Vec<AuthLink>,
}

#[derive(Serialize)]
pub(super) struct Id {
    pub(super) id: u64,
}

#[derive(Serialize)]
pub(super) struct Faults {
    pub(super) faults: Vec<AddedFault>,
}

#[derive(Serialize)]
pub(super) struct Records {
    pub(super) records: Vec<JournalRecord>,
}

#[derive(Serialize)]
pub(super) struct Audited {
    pub(super) records: Vec<AuditRecord>,
}

#[derive(Serialize)]
pub(super) struct Diagnosed {
    pub(super) diagnostics: Vec<Diagnosis>,
}

/// A filter of the journal, and how many records to wait for.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
pub(super) struct Journal {
    kind: Option<RecordKind>,
    path_prefix: Option<String>,
    method: Option<String>,
    connection_name: Option<String>,
    tool: Option<String>,
    identifier: Option<String>,
    since: Option<u64>,
    wait_for: Option<usize>,
    timeout_seconds: Option<f64>,
}

impl Journal {
    /// How long a wait is if it is not said.
    const WAIT: Duration = Duration::from_secs(10);
    const LONGEST_WAIT: Duration = Duration::from_secs(600);

    pub(super) fn split(self) -> Result<(JournalFilter, Option<(usize, Duration)>), ControlError> {
        let filter = JournalFilter {
            kind: self.kind,
            path_prefix: self.path_prefix,
            method: self.method,
            connection_name: self.connection_name,
            tool: self.tool,
            identifier: self.identifier,
            since: self.since,
        };
        let wait = match (self.wait_for, self.timeout_seconds) {
            (None, None) => None,
            (None, Some(_)) => {
                let message = "`timeout_seconds` goes with `wait_for` only";
                return Err(ControlError::invalid("timeout_seconds", message));
            }
            (Some(count), None) => Some((count, Self::WAIT)),
            (Some(count), Some(seconds)) => Some((
                count,
                duration("timeout_seconds", seconds, Self::LONGEST_WAIT, "10 minutes")?,
            )),
        };
        Ok((filter, wait))
    }
}
