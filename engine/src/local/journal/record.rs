//! What the journal holds, and what of it somebody wants to see.

use std::time::SystemTime;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

/// What was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecordKind {
    /// A request over HTTP, those of the MCP servers included.
    Http,
    /// A `tools/list` or `tools/call` of an agent.
    Mcp,
}

/// How an MCP request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// With a result.
    Ok,
    /// With a result that the tool itself calls an error.
    ToolError,
    /// With the request to authorize the connection.
    AuthorizationRequired,
    /// The upstream could not be asked, or did not answer as it should.
    UpstreamFailed,
    /// With a JSON-RPC error: such as for a tool that does not exist.
    Refused,
    /// The caller did not wait for the end, or lost the tool before it.
    Cancelled,
}

impl Outcome {
    /// As it is written: `ok`, `tool_error` …
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::ToolError => "tool_error",
            Outcome::AuthorizationRequired => "authorization_required",
            Outcome::UpstreamFailed => "upstream_failed",
            Outcome::Refused => "refused",
            Outcome::Cancelled => "cancelled",
        }
    }
}

/// One record of the journal. It holds no query, no body, no token and no link.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct JournalRecord {
    /// Counts from 1, in the order in which requests ended; a reset begins anew.
    pub seq: u64,
    /// When it ended, by the engine's clock.
    #[serde(serialize_with = "rfc3339")]
    pub at: SystemTime,
    /// What was recorded.
    pub kind: RecordKind,
    /// `GET`, `POST` …; of MCP `tools/list` or `tools/call`.
    pub method: String,
    /// The path of an HTTP request, at most 512 characters of it; that of a link is `/connect/…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The status of the answer; none if the connection closed without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took, in real milliseconds.
    pub duration_ms: f64,
    /// The `x-request-id` of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The API client that asked, where its credentials were good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The user whose session token was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// The tool that was called, at most 256 characters of its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The connection whose tool it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_name: Option<String>,
    /// How an MCP request ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

pub(in crate::local) fn rfc3339<S: Serializer>(
    at: &SystemTime,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let at = Timestamp::try_from(*at).unwrap_or(Timestamp::MAX);
    serializer.serialize_str(&format!("{at:.6}"))
}

/// Which records are meant; what is not set does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JournalFilter {
    pub(in crate::local) kind: Option<RecordKind>,
    pub(in crate::local) path_prefix: Option<String>,
    pub(in crate::local) method: Option<String>,
    pub(in crate::local) connection_name: Option<String>,
    pub(in crate::local) tool: Option<String>,
    pub(in crate::local) identifier: Option<String>,
    pub(in crate::local) since: Option<u64>,
}

impl JournalFilter {
    /// Every record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records of this kind.
    #[must_use]
    pub fn kind(mut self, kind: RecordKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// HTTP requests whose path starts like this.
    #[must_use]
    pub fn path_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.path_prefix = Some(prefix.into());
        self
    }

    /// Requests of this method, such as `POST` or `tools/call`; in any case.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Calls of tools of this connection.
    #[must_use]
    pub fn connection_name(mut self, name: impl Into<String>) -> Self {
        self.connection_name = Some(name.into());
        self
    }

    /// Calls of this tool.
    #[must_use]
    pub fn tool(mut self, tool: impl Into<String>) -> Self {
        self.tool = Some(tool.into());
        self
    }

    /// What was asked on behalf of this user, by session token.
    #[must_use]
    pub fn identifier(mut self, identifier: impl Into<String>) -> Self {
        self.identifier = Some(identifier.into());
        self
    }

    /// Records after the one with this number.
    #[must_use]
    pub fn since(mut self, seq: u64) -> Self {
        self.since = Some(seq);
        self
    }

    pub(in crate::local) fn admits(&self, record: &JournalRecord) -> bool {
        let same =
            |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        self.kind.is_none_or(|kind| kind == record.kind)
            && self.since.is_none_or(|since| record.seq > since)
            && self.path_prefix.as_ref().is_none_or(|prefix| {
                record
                    .path
                    .as_ref()
                    .is_some_and(|path| path.starts_with(prefix))
            })
            && self
                .method
                .as_ref()
                .is_none_or(|method| method.eq_ignore_ascii_case(&record.method))
            && same(&self.connection_name, &record.connection_name)
            && same(&self.tool, &record.tool)
            && same(&self.identifier, &record.identifier)
    }
}
