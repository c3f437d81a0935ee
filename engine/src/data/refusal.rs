//! Refusals that reach the person: HTTP status, `WWW-Authenticate`, and a JSON-RPC error with the
//! request's id, because most MCP clients show their user nothing else.

use std::fmt;

use axum::{
    body::to_bytes,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use rmcp::model::ErrorCode;
use serde::{
    Deserialize, Deserializer as _,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Value, json};

// Codes of JSON-RPC and MCP.
const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;
const HEADER_MISMATCH: i32 = -32020;

/// What the MCP library says before the cause.
const UNREADABLE: &str = "fail to deserialize request body";

/// Why a request does not get to the tools.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: i32,
    /// For programs, in `error.data.reason`.
    reason: &'static str,
    message: String,
    challenge: Option<String>,
}

impl Refusal {
    pub(super) fn new(
        status: StatusCode,
        reason: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            // Outside the range that JSON-RPC and MCP reserve.
            code: i32::from(status.as_u16()),
            reason,
            message: message.into(),
            challenge: None,
        }
    }

    /// No token at all. RFC 6750 wants no error code in this challenge.
    pub(super) fn token_missing(metadata: &str) -> Self {
        let mut refusal = Self::new(
            StatusCode::UNAUTHORIZED,
            "token_missing",
            "this Virtual MCP server needs a session token: send it as `Authorization: Bearer …`",
        );
        refusal.challenge = Some(format!(r#"Bearer resource_metadata="{metadata}""#));
        refusal
    }

    pub(super) fn token_invalid(metadata: &str, reason: &'static str, message: &str) -> Self {
        let mut refusal = Self::new(StatusCode::UNAUTHORIZED, reason, message);
        refusal.challenge = Some(format!(
            r#"Bearer error="invalid_token", error_description="{message}", resource_metadata="{metadata}""#
        ));
        refusal
    }

    pub(super) fn not_found(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, reason, message)
    }

    pub(super) fn too_large(limit: usize) -> Self {
        let message = format!("the request is larger than {} MiB", limit / 1024 / 1024);
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", message)
    }

    /// A body that is no message of JSON-RPC; the MCP library calls it an unsupported media type.
    fn no_message(cause: &str) -> Self {
        let (code, reason, message) = if cause.contains("unrecognized") {
            let message = "the body is not one JSON-RPC request; batches are not taken".to_owned();
            (INVALID_REQUEST, "invalid_request", message)
        } else {
            let message = format!("the body cannot be read as JSON: {}", cause.trim());
            (PARSE_ERROR, "parse_error", message)
        };
        let refusal = Self::new(StatusCode::BAD_REQUEST, reason, message);
        Self { code, ..refusal }
    }

    /// Two values where the protocol has one: who looks at the other one is deceived.
    pub(super) fn duplicate_version() -> Self {
        let message = "the header `MCP-Protocol-Version` is there more than once";
        let refusal = Self::new(StatusCode::BAD_REQUEST, "duplicate_header", message);
        Self {
            code: HEADER_MISMATCH,
            ..refusal
        }
    }

    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "engine_unavailable",
            "the engine could not read its database; see its log",
        )
    }

    /// A tool that was taken away while it ran: what the next call of it would be told.
    pub(super) fn tool_removed(tool: &str) -> Self {
        let message = format!("Unknown tool: {tool}");
        Self {
            code: ErrorCode::INVALID_PARAMS.0,
            ..Self::new(StatusCode::OK, "tool_removed", message)
        }
    }

    /// Nobody waits for it; HTTP wants an answer all the same.
    pub(super) fn cancelled() -> Self {
        Self {
            code: 499,
            ..Self::new(StatusCode::OK, "cancelled", "the client cancelled the call")
        }
    }

    /// A stream that no event will come on any more.
    pub(super) fn reset() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "engine_reset",
            "the engine was reset",
        )
    }

    /// The JSON-RPC message in answer to the request with this id.
    pub(super) fn message(&self, id: &Value) -> Value {
        json!({
            "jsonrpc": "2.0",
            "id": id,
            "error": {
                "code": self.code,
                "message": self.message,
                "data": { "reason": self.reason },
            },
        })
    }

    pub(super) fn response(self, id: &Value) -> Response {
        let mut response = (self.status, axum::Json(self.message(id))).into_response();
        if let Some(challenge) = self.challenge
            && let Ok(value) = HeaderValue::from_str(&challenge)
        {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, value);
        }
        response
    }
}

/// What the engine itself reads of a message; the rest is the MCP library's. Fields that are not
/// wanted are skipped, however deep they are and whatever they hold.
pub(super) struct Envelope {
    id: Value,
    method: Option<String>,
}

impl Envelope {
    /// Reads a body, which may be anything.
    pub(super) fn of(body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Identified {
            #[serde(default)]
            id: Value,
        }
        #[derive(Deserialize)]
        struct Called {
            method: String,
        }
        let identified = serde_json::from_slice::<Identified>(body).ok();
        let called = serde_json::from_slice::<Called>(body).ok();
        Self {
            id: identified
                .map(|identified| identified.id)
                .filter(is_id)
                .unwrap_or(Value::Null),
            method: called.map(|called| called.method),
        }
    }

    /// The id of the request, `null` if there is none to be had.
    pub(super) fn id(&self) -> &Value {
        &self.id
    }

    /// The tool that a `tools/call` names.
    pub(super) fn called_tool(&self, body: &[u8]) -> Option<String> {
        self.params(body, "tools/call")?.name
    }

    /// The id of the request that a `notifications/cancelled` is about.
    pub(super) fn cancelled_request(&self, body: &[u8]) -> Option<Value> {
        let id = self.params(body, "notifications/cancelled")?.request_id;
        id.filter(is_id)
    }

    fn params(&self, body: &[u8], method: &str) -> Option<Params> {
        #[derive(Deserialize)]
        struct Body {
            params: Params,
        }
        if self.method.as_deref() != Some(method) {
            return None;
        }
        Some(serde_json::from_slice::<Body>(body).ok()?.params)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    name: Option<String>,
    request_id: Option<Value>,
}

fn is_id(value: &Value) -> bool {
    value.is_string() || value.is_number()
}

/// The id of the request that begins like this. A client that cannot tell which request was refused may wait
/// for its answer for ever.
pub(super) fn id_at_the_beginning(body: &[u8]) -> Value {
    struct Seeker<'a>(&'a mut Value);

    impl<'de> Visitor<'de> for Seeker<'_> {
        type Value = ();

        fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
            formatter.write_str("a request")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut request: A) -> Result<(), A::Error> {
            while let Some(key) = request.next_key::<String>()? {
                if key == "id" {
                    *self.0 = request.next_value()?;
                } else {
                    request.next_value::<IgnoredAny>()?;
                }
            }
            Ok(())
        }
    }

    let mut id = Value::Null;
    // It ends in an error, where the body was cut.
    let _ = serde_json::Deserializer::from_slice(body).deserialize_map(Seeker(&mut id));
    if id.is_string() || id.is_number() {
        id
    } else {
        Value::Null
    }
}

/// Puts the MCP library's plain-text refusals of a request into JSON-RPC form too.
pub(super) async fn in_json(response: Response, id: &Value) -> Response {
    let status = response.status();
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if !(status.is_client_error() || status.is_server_error()) || is_json {
        return response;
    }
    let allow = response.headers().get(header::ALLOW).cloned();
    let text = to_bytes(response.into_body(), 64 * 1024)
        .await
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    if let Some(cause) = text.strip_prefix(UNREADABLE) {
        return Refusal::no_message(cause).response(id);
    }
    let reason = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "request_too_large",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::FORBIDDEN => "origin_not_allowed",
        _ => "request_refused",
    };
    let message = if text.is_empty() {
        status.to_string()
    } else {
        text.into_owned()
    };
    let mut response = Refusal::new(status, reason, message).response(id);
    if let Some(allow) = allow {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn body(response: Response) -> Value {
        serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_refusal_carries_status_challenge_and_the_requests_id() {
        for (request, id) in [
            (
                r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#,
                json!(7),
            ),
            (r#"{"jsonrpc":"2.0","id":"a","method":"x"}"#, json!("a")),
            (r#"{"jsonrpc":"2.0","method":"x"}"#, Value::Null),
            (r#"{"id":{"evil":true}}"#, Value::Null),
            ("garbage", Value::Null),
        ] {
            let refusal =
                Refusal::token_invalid("https://e/x", "token_expired", "the token expired");
            let response = refusal.response(Envelope::of(request.as_bytes()).id());
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            let challenge = response.headers()[header::WWW_AUTHENTICATE]
                .to_str()
                .unwrap()
                .to_owned();
            assert!(challenge.starts_with(r#"Bearer error="invalid_token""#));
            assert!(challenge.contains(r#"resource_metadata="https://e/x""#));
            let body = body(response).await;
            assert_eq!((&body["id"], &body["jsonrpc"]), (&id, &json!("2.0")));
            assert_eq!(body["error"]["data"]["reason"], "token_expired");
            assert!(body["error"]["code"].as_i64().unwrap() > -32000);
        }
    }

    #[test]
    fn the_id_is_found_before_the_place_where_a_body_was_cut() {
        for (beginning, id) in [
            (r#"{"jsonrpc":"2.0","id":7,"params":{"x":["#, json!(7)),
            (r#"{"params":{"id":1},"id":"a","method":"#, json!("a")),
            (r#"{"params":{"id":1,"x":"xxx"#, Value::Null),
            (r#"{"id":{"evil":true},"x":"#, Value::Null),
            ("", Value::Null),
        ] {
            assert_eq!(id_at_the_beginning(beginning.as_bytes()), id, "{beginning}");
        }
    }

    #[tokio::test]
    async fn plain_text_errors_become_json_and_successes_stay() {
        let plain = (StatusCode::FORBIDDEN, "Forbidden: Origin").into_response();
        let body = body(in_json(plain, &json!(7)).await).await;
        assert_eq!(body["error"]["message"], "Forbidden: Origin");
        assert_eq!(body["id"], 7);
        let fine = (StatusCode::OK, "text").into_response();
        assert_eq!(in_json(fine, &Value::Null).await.status(), StatusCode::OK);
    }
}
