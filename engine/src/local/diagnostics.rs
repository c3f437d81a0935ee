//! What a test or an operator is told about the connections of users.

use std::time::SystemTime;

use serde::{Deserialize, Serialize, Serializer};

use super::{controls::AccountStatus, journal::rfc3339};

/// One user's account on one connection, and what the engine saw of its upstream. Nothing is asked for
/// it, and nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The connection.
    pub connection_name: String,
    /// The user.
    pub identifier: String,
    /// The account's id, `ca_…`.
    pub connected_account_id: String,
    /// Where the account is in its life.
    pub account_status: AccountStatus,
    /// Which revision of MCP its upstream speaks, such as `2026-07-28`; none while it is not
    /// connected, and for a sandbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol_version: Option<String>,
    /// How many tools it has under an exposed name; none before it was first listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_count: Option<usize>,
    /// Which of its tools are neither listed nor callable, and why.
    pub left_out: Vec<LeftOutTool>,
    /// The last time that the upstream could not be asked, or did not answer as it should.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<DiagnosedError>,
    /// Until when, by the engine's clock, the upstream is not asked because it failed too often: its
    /// requests are answered at once, with the reason.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "until")]
    pub retry_at: Option<SystemTime>,
}

#[expect(clippy::ref_option, reason = "serde passes it so")]
fn until<S: Serializer>(at: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => rfc3339(at, serializer),
        None => serializer.serialize_none(),
    }
}

/// A tool that is left out of list and call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LeftOutTool {
    /// As its upstream calls it.
    pub tool: String,
    /// `name_too_long`, `name_invalid`, `name_taken` (by `rename`), `listed_twice`, or, of a config,
    /// `name_of_two_connections`.
    pub reason: String,
    /// The same, for people.
    pub message: String,
}

/// What went wrong with an upstream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DiagnosedError {
    /// When, by the engine's clock.
    #[serde(serialize_with = "rfc3339")]
    pub at: SystemTime,
    /// What.
    pub message: String,
}

/// Whose accounts are meant; what is not set does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiagnosticsFilter {
    pub(crate) connection_name: Option<String>,
    pub(crate) identifier: Option<String>,
    pub(crate) config_id: Option<String>,
}

impl DiagnosticsFilter {
    /// Every account: of more than 1,000, the newest.
    pub fn new() -> Self {
        Self::default()
    }

    /// Accounts on this connection.
    #[must_use]
    pub fn connection_name(mut self, name: impl Into<String>) -> Self {
        self.connection_name = Some(name.into());
        self
    }

    /// Accounts of this user.
    #[must_use]
    pub fn identifier(mut self, identifier: impl Into<String>) -> Self {
        self.identifier = Some(identifier.into());
        self
    }

    /// Accounts on the connections of this config; tools that two of these bring are left out.
    #[must_use]
    pub fn config_id(mut self, id: impl Into<String>) -> Self {
        self.config_id = Some(id.into());
        self
    }
}
