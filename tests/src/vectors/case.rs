//! What a case says. Unknown fields are errors: a typing mistake must not weaken a case.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// One case: a call, what must cross the wire, and what must come of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// `<file>/<what it shows>`, unique.
    pub id: String,
    #[serde(default)]
    pub client: ClientOptions,
    pub call: Call,
    /// The only environment variables that the call sees; absent: those of the runner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<BTreeMap<String, String>>,
    /// Whether Windows cannot play it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unix_only: bool,
    /// Whether all that is sent must come through the server's proxy; else nothing may.
    #[serde(default, skip_serializing_if = "is_false")]
    pub proxied: bool,
    /// Plays the token endpoint, instead of the server doing so on its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Vec<Exchange>>,
    /// What must be asked, in this order, and what is answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
    /// What the call answers; `null` for nothing.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub result: Option<Value>,
    /// How the call fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ExpectedError>,
    /// How many requests are sent, those for access tokens not counted.
    pub requests: usize,
    /// How many access tokens are asked for; not checked if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_requests: Option<usize>,
}

/// How the client is made. What is absent is chosen by the server or left at its default.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// What the environment's URL leads to.
    pub connection: Connection,
    /// The host in the environment's URL; absent: `localhost` with TLS, else `127.0.0.1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_insecure_http: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<u32>,
    /// For the whole call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<f64>,
    /// For each try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt_timeout_seconds: Option<f64>,
    /// Headers added to each request of the call.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Whether it is closed before the call.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
}

/// What listens where a client connects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// HTTP/1.1 without TLS.
    #[default]
    Http,
    /// TLS, and HTTP/1.1 only.
    Https,
    /// TLS, and HTTP/2.
    H2,
    /// TLS with a certificate whose time is over.
    Expired,
    /// Nothing: connections are refused.
    Closed,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// A name of the operation table, `open_session` or `client`.
    pub operation: String,
    pub parameters: Value,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
    pub answer: Answer,
}

/// A request as it must arrive.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    pub method: String,
    /// Below the environment's URL, still percent-encoded.
    pub path: String,
    /// Decoded, in any order; nothing else may be there. A list is the same name once for each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, OneOrMany>,
    /// These must be equal; `null` must be absent. Others are free.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Option<String>>,
    /// Equal as JSON; absent or `null`: there is no body.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub body: Value,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(super) fn values(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    #[serde(default = "ok")]
    pub status: u16,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// A string is sent as it is, anything else as JSON; absent or `null`: an empty body.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub body: Value,
    /// The body comes as often as this, one after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<usize>,
    /// The body is compressed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub gzip: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// What goes wrong with the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The request is read, then the connection is reset: no answer.
    Reset,
    /// Half of the body, then the connection (of HTTP/2: the stream) ends.
    Cut,
    /// `content-length` names half of the body that is sent.
    WrongLength,
    /// The body comes byte by byte and never ends; only a deadline helps.
    Drip,
    /// The body never ends, and comes as fast as it can.
    Flood,
    /// Bytes that are not HTTP.
    Garbage,
    /// HTTP/2 only: the stream is refused, which says that nothing was done.
    RefuseStream,
    /// HTTP/2 only: the connection ends, which says of no request that it was looked at.
    GoAway,
}

/// The facts of an error that a case demands; what is absent is not checked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedError {
    pub kind: String,
    pub code: String,
    /// The whole of it, without the suggestion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argument: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    /// As the server sent them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    /// Of `authorization_required`: the connections with status and link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<Value>,
}

impl Case {
    /// Contradictions that the types cannot forbid.
    pub fn check(&self) -> Result<(), String> {
        let id = &self.id;
        if self.result.is_some() == self.error.is_some() {
            return Err(format!(
                "case `{id}` must have exactly one of `result` and `error`"
            ));
        }
        if self.requests != self.exchanges.len() {
            return Err(format!(
                "case `{id}` says {} requests but scripts {} exchanges",
                self.requests,
                self.exchanges.len()
            ));
        }
        if let Some(number) = self.exchanges.iter().position(|one| one.expect.is_none()) {
            return Err(format!(
                "exchange {} of case `{id}` expects nothing",
                number + 1
            ));
        }
        let mut answers = self.token.iter().flatten().chain(&self.exchanges);
        if answers.any(|one| one.answer.is_whole_in_halves()) {
            return Err(format!("a fault of case `{id}` needs a body to cut"));
        }
        let foreign: &[Fault] = match self.client.connection {
            Connection::H2 => &[Fault::Garbage],
            _ => &[Fault::RefuseStream, Fault::GoAway],
        };
        let mut answers = self.token.iter().flatten().chain(&self.exchanges);
        if answers.any(|one| {
            one.answer
                .fault
                .is_some_and(|fault| foreign.contains(&fault))
        }) {
            return Err(format!(
                "a fault of case `{id}` cannot be on its connection"
            ));
        }
        Ok(())
    }
}

impl Answer {
    /// Half of no body would be a whole answer.
    fn is_whole_in_halves(&self) -> bool {
        matches!(self.fault, Some(Fault::Cut | Fault::WrongLength)) && self.body.is_null()
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

fn ok() -> u16 {
    200
}

/// Tells a `null` that is written from a field that is not there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
