//! The audit as a test or an operator reads it.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::journal::{Outcome, rfc3339};
use crate::store::{AuditQuery, AuditRow};

/// Whether a call got to an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The user may call this tool, and the upstream was called.
    Allowed,
    /// No upstream was called.
    Refused,
}

impl Decision {
    fn as_str(self) -> &'static str {
        match self {
            Decision::Allowed => "allowed",
            Decision::Refused => "refused",
        }
    }
}

/// One call of a tool. It holds no argument, no result and no token.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AuditRecord {
    /// Counts up, in the order in which calls ended.
    pub seq: u64,
    /// When it ended, by the engine's clock.
    #[serde(serialize_with = "rfc3339")]
    pub at: SystemTime,
    /// The `x-request-id` of the answer, also in the journal and the log.
    pub request_id: String,
    /// The user.
    pub identifier: String,
    /// The config whose server was asked; none for a connection's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_id: Option<String>,
    /// The connection whose tool it is; none if there is no such tool for this user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_name: Option<String>,
    /// The exposed name of the tool, at most 256 characters of it.
    pub tool: String,
    /// What the upstream calls it, if that is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_tool: Option<String>,
    /// Whether the upstream was called.
    pub decision: Decision,
    /// Why not: `unknown_tool` (hidden ones too), `authorization_required`, `upstream_unavailable`
    /// or `cancelled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How the call ended.
    pub outcome: Outcome,
    /// How many microseconds the engine took, without the upstream.
    pub engine_us: u64,
    /// How many microseconds the upstream took.
    pub upstream_us: u64,
    /// The same for the same arguments, in this data folder; keyed, so that it tells no value.
    pub arguments_digest: String,
}

impl AuditRecord {
    /// `None` for what another version wrote and this one does not know.
    pub(super) fn of(row: AuditRow) -> Option<Self> {
        let known = |text: String| serde_json::Value::String(text);
        Some(Self {
            seq: u64::try_from(row.seq).ok()?,
            at: row.at.into(),
            request_id: row.request_id,
            identifier: row.identifier,
            config_id: row.config_id,
            connection_name: row.connection_name,
            tool: row.tool,
            upstream_tool: row.upstream_tool,
            decision: serde_json::from_value(known(row.decision)).ok()?,
            reason: row.reason,
            outcome: serde_json::from_value(known(row.outcome)).ok()?,
            engine_us: u64::try_from(row.engine_us).ok()?,
            upstream_us: u64::try_from(row.upstream_us).ok()?,
            arguments_digest: row.arguments_digest,
        })
    }
}

/// How many records are answered if nothing is said, and at most.
const LIMIT: u32 = 1000;
pub(super) const LONGEST: u32 = 10_000;

/// Which calls are meant; what is not set does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditFilter {
    identifier: Option<String>,
    config_id: Option<String>,
    connection_name: Option<String>,
    tool: Option<String>,
    decision: Option<Decision>,
    since: Option<u64>,
    pub(super) limit: Option<u32>,
}

impl AuditFilter {
    /// The newest calls.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls of this user.
    #[must_use]
    pub fn identifier(mut self, identifier: impl Into<String>) -> Self {
        self.identifier = Some(identifier.into());
        self
    }

    /// Calls at the server of this config.
    #[must_use]
    pub fn config_id(mut self, id: impl Into<String>) -> Self {
        self.config_id = Some(id.into());
        self
    }

    /// Calls of tools of this connection.
    #[must_use]
    pub fn connection_name(mut self, name: impl Into<String>) -> Self {
        self.connection_name = Some(name.into());
        self
    }

    /// Calls of this tool, by its exposed name.
    #[must_use]
    pub fn tool(mut self, tool: impl Into<String>) -> Self {
        self.tool = Some(tool.into());
        self
    }

    /// Calls that were decided so.
    #[must_use]
    pub fn decision(mut self, decision: Decision) -> Self {
        self.decision = Some(decision);
        self
    }

    /// What follows the record with this number, instead of the newest.
    #[must_use]
    pub fn since(mut self, seq: u64) -> Self {
        self.since = Some(seq);
        self
    }

    /// At most so many records, up to 10,000; 1,000 if not set.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    pub(super) fn into_query(self) -> AuditQuery {
        AuditQuery {
            identifier: self.identifier,
            config_id: self.config_id,
            connection_name: self.connection_name,
            tool: self.tool,
            decision: self.decision.map(|decision| decision.as_str().to_owned()),
            since: self.since.map(|seq| i64::try_from(seq).unwrap_or(i64::MAX)),
            limit: self.limit.unwrap_or(LIMIT),
        }
    }
}
