//! What the server said: a body to decode, or a refusal to explain.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Error, ErrorKind, Result};

/// How much of a server's message is passed on.
const MAX_MESSAGE: usize = 500;

/// An answer of the server, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) request_id: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    attempts: u32,
    headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What the server says when the provider behind a tool has failed.
const TOOL_ERROR: &str = "TOOL_ERROR";

impl Answer {
    /// An answer whose body has yet to come.
    pub(crate) fn new(status: StatusCode, headers: HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            status,
            request_id: text("x-request-id").map(str::to_owned),
            retry_after: text(header::RETRY_AFTER.as_str()).and_then(retry_after),
            attempts: 0,
            headers,
            body: Bytes::new(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the body is of this media type.
    pub(crate) fn is(&self, media_type: &str) -> bool {
        self.header(header::CONTENT_TYPE.as_str())
            .and_then(|value| value.split(';').next())
            .is_some_and(|value| value.trim().eq_ignore_ascii_case(media_type))
    }

    /// The same answer, known to have taken this many tries.
    pub(crate) fn after(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// A success without content.
    pub(crate) fn empty() -> Self {
        Self::new(StatusCode::OK, HeaderMap::new())
    }

    /// The body as the type that the operation answers with.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|cause| {
            // The library's own text quotes values, and a value may be a token.
            let what = match cause.classify() {
                serde_json::error::Category::Eof => "ends too early",
                serde_json::error::Category::Data => "lacks a field or has one of another type",
                _ => "is not JSON",
            };
            let status = self.status.as_u16();
            Error::new(
                ErrorKind::Protocol,
                "answer_invalid",
                format!(
                    "the server answered {status} with a body that {what} (line {}, column {})",
                    cause.line(),
                    cause.column()
                ),
            )
            .status_code(status)
            .request(self.request_id.clone())
            .tried(self.attempts)
            .suggest("check that the environment URL is that of a Scalekit environment")
        })
    }

    /// The error that this answer stands for. A server that repeats a secret that it was sent, such
    /// as the bearer token, is not quoted.
    pub(crate) fn refusal<'a>(
        &self,
        place: &str,
        secrets: impl IntoIterator<Item = &'a str>,
    ) -> Error {
        let text = String::from_utf8_lossy(&self.body);
        // Every part may be missing or of another type: what can be read is passed on.
        let mut body: Value = serde_json::from_str(&text).unwrap_or_default();
        if secrets
            .into_iter()
            .any(|secret| repeats(&text, &body, secret))
        {
            body = Value::Object(Map::new());
        }
        let foreign = !text.trim().is_empty() && !body.is_object();
        let details = body.get_mut("details").map(Value::take);
        let details = details.filter(|details| !details.is_null());
        let in_details = |find: fn(&Value) -> Option<&str>| {
            let list = details.as_ref()?.as_array()?;
            list.iter().find_map(find).map(str::to_owned)
        };
        let word = |name: &str| body.get(name).and_then(Value::as_str);
        let (kind, mut code) = classify(self.status);
        let of_tool = in_details(|detail| error_code(detail).filter(|code| *code == TOOL_ERROR));
        if of_tool.is_some() {
            code = "tool_error";
        }
        let error_code = of_tool
            .or_else(|| in_details(error_code))
            .or_else(|| word("error").map(str::to_owned));
        let status = self.status.as_u16();
        // The token endpoint answers in OAuth's words.
        let said = ["message", "error_description", "error"]
            .into_iter()
            .filter_map(word)
            .find(|text| !text.trim().is_empty());
        let message = match said {
            Some(text) => {
                let text: String = text
                    .chars()
                    .filter(|c| !c.is_control() || *c == '\n')
                    .take(MAX_MESSAGE)
                    .collect();
                format!("`{place}` answered {status}: {text}")
            }
            None => format!(
                "`{place}` answered {status} {}",
                self.status.canonical_reason().unwrap_or("without a reason")
            ),
        };
        let request_id = self.request_id.clone().or_else(|| in_details(request_id));
        let field = in_details(violated_field);
        let error = Error::new(kind, code, message)
            .status_code(status)
            .server_code(error_code)
            .request(request_id)
            .wait(self.retry_after)
            .detailed(details)
            .about(field);
        let suggestion = if foreign {
            Some("this is no answer of the API: check the environment URL, and what stands between")
        } else {
            suggestion(code)
        };
        match suggestion {
            Some(text) => error.suggest(text),
            None => error,
        }
    }
}

/// Whether a body holds a secret: as it is, as JSON writes it, or in a JSON text within a text.
fn repeats(text: &str, body: &Value, secret: &str) -> bool {
    let written = Value::from(secret).to_string();
    let bare = written
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let written = bare.unwrap_or(secret);
    let here = |text: &str| text.contains(secret) || text.contains(written);
    here(text) || within(body, &here)
}

fn within(value: &Value, here: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => here(text),
        Value::Array(items) => items.iter().any(|item| within(item, here)),
        Value::Object(fields) => fields
            .iter()
            .any(|(name, field)| here(name) || within(field, here)),
        _ => false,
    }
}

fn error_code(detail: &Value) -> Option<&str> {
    let code = detail.get("error_code")?.as_str()?;
    (!code.is_empty()).then_some(code)
}

/// The argument that the server found fault with.
fn violated_field(detail: &Value) -> Option<&str> {
    let violations = detail
        .get("validation_error_info")?
        .get("field_violations")?;
    let field = violations.get(0)?.get("field")?.as_str()?;
    (!field.is_empty()).then_some(field)
}

/// The id of the request, where no header carries it.
fn request_id(detail: &Value) -> Option<&str> {
    let id = detail.get("request_info")?.get("request_id")?.as_str()?;
    (!id.is_empty()).then_some(id)
}

fn classify(status: StatusCode) -> (ErrorKind, &'static str) {
    match status.as_u16() {
        400 => (ErrorKind::InvalidArgument, "bad_request"),
        401 => (ErrorKind::Unauthenticated, "unauthenticated"),
        403 => (ErrorKind::PermissionDenied, "permission_denied"),
        404 => (ErrorKind::NotFound, "not_found"),
        409 => (ErrorKind::Conflict, "conflict"),
        413 => (ErrorKind::InvalidArgument, "request_too_large"),
        429 => (ErrorKind::RateLimited, "rate_limited"),
        501 => (ErrorKind::Server, "not_implemented"),
        503 => (ErrorKind::Server, "service_unavailable"),
        504 => (ErrorKind::Timeout, "gateway_timeout"),
        300..=399 => (ErrorKind::Protocol, "redirected"),
        500..=599 => (ErrorKind::Server, "server_error"),
        _ => (ErrorKind::Protocol, "unexpected_status"),
    }
}

fn suggestion(code: &str) -> Option<&'static str> {
    Some(match code {
        "unauthenticated" => "check that the client id and secret belong to this environment",
        "tool_error" => "ask the provider behind the tool: `details` holds its own words",
        "permission_denied" => "give the API client the permission for this operation",
        "redirected" => "redirects are never followed: use the environment URL itself",
        "rate_limited" => "call less often, or wait as long as `retry_after` says",
        _ => return None,
    })
}

/// Seconds, or an HTTP date.
fn retry_after(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    // A date in the past means now.
    let wait = http_date(text)?.duration_since(SystemTime::now());
    Some(wait.unwrap_or_default())
}

pub(crate) fn http_date(text: &str) -> Option<SystemTime> {
    let time = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text);
    Some(time.ok()?.into())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    fn answer(status: u16, body: &'static str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert("x-request-id", "req_1".parse().unwrap());
        let mut answer = Answer::new(StatusCode::from_u16(status).unwrap(), headers);
        answer.body = Bytes::from_static(body.as_bytes());
        answer
    }

    #[test]
    fn the_servers_words_and_code_are_passed_on() {
        let error = answer(
            404,
            r#"{"code":5,"message":"no such config","details":[{"@type":"x"},{"error_code":"RESOURCE_NOT_FOUND"}]}"#,
        )
        .refusal("https://env.example", Some("a.t"));
        assert_eq!(
            (error.kind(), error.status()),
            (ErrorKind::NotFound, Some(404))
        );
        assert_eq!(
            (error.error_code(), error.request_id()),
            (Some("RESOURCE_NOT_FOUND"), Some("req_1"))
        );
        assert!(error.message().contains("no such config"));
    }

    #[test]
    fn the_field_that_the_server_names_is_the_argument() {
        let error = answer(
            400,
            r#"{"details":[{"validation_error_info":{"field_violations":[{"field":"connection_tool_mappings[0].tools[1]"}]}}]}"#,
        )
        .refusal("https://env.example", None);
        assert_eq!(
            error.argument_name(),
            Some("connection_tool_mappings[0].tools[1]")
        );
    }

    #[test]
    fn a_server_that_repeats_the_bearer_is_not_quoted() {
        let error = answer(
            500,
            r#"{"message":"bad token a.t","details":[{"seen":"a.t"}]}"#,
        )
        .refusal("https://env.example", Some("a.t"));
        assert!(
            !format!("{error} {error:?} {}", error.to_json()).contains("a.t\""),
            "{error}"
        );
        assert_eq!((error.details(), error.status()), (None, Some(500)));
    }

    #[test]
    fn a_secret_is_found_however_it_is_written() {
        for body in [
            r#"{"message":"the key k\"3/y is bad"}"#,
            r#"{"message":"the key k\u0022\u0033/y is bad"}"#,
            r#"{"details":[{"request":"{\"api_key\":\"k\\\"3/y\"}"}]}"#,
            r#"{"details":[{"k\"3\/y":1}]}"#,
            r#"the key k"3/y is bad"#,
        ] {
            let error = answer(400, body).refusal("https://env.example", ["none", "k\"3/y"]);
            assert_eq!(
                (error.message(), error.details()),
                ("`https://env.example` answered 400 Bad Request", None),
                "{body}"
            );
        }
    }

    #[test]
    fn a_long_message_is_cut_and_bytes_that_are_no_text_are_replaced() {
        let refusal = |body: Vec<u8>| {
            let mut answer = Answer::new(StatusCode::BAD_REQUEST, HeaderMap::new());
            answer.body = body.into();
            answer.refusal("https://env.example", None)
        };
        let long = format!(r#"{{"message":"{}"}}"#, "ä".repeat(1024 * 1024));
        let text = "ä".repeat(MAX_MESSAGE);
        assert_eq!(
            refusal(long.into_bytes()).message(),
            format!("`https://env.example` answered 400: {text}")
        );
        let error =
            refusal(b"{\"message\":\"no \xff\",\"details\":[{\"error_code\":\"X\"}]}".to_vec());
        assert_eq!(
            error.message(),
            "`https://env.example` answered 400: no \u{fffd}"
        );
        assert_eq!(error.error_code(), Some("X"));
        let error = refusal(b"\xff\xfe".to_vec());
        assert_eq!(
            error.message(),
            "`https://env.example` answered 400 Bad Request"
        );
    }

    #[test]
    fn garbage_is_an_error_that_repeats_none_of_it() {
        for body in [
            "",
            "<html>tok_secret",
            r#"{"token":"tok_secret"#,
            r#"{"n":"tok_secret"}"#,
            "\u{0}tok_secret",
        ] {
            #[derive(Debug, Deserialize)]
            struct Wanted {
                #[expect(dead_code, reason = "only its type matters")]
                n: u32,
            }
            let error = answer(200, body).json::<Wanted>().unwrap_err();
            assert_eq!(error.code(), "answer_invalid", "{body:?}");
            assert!(
                !format!("{error} {error:?}").contains("tok_secret"),
                "{body:?}"
            );
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            retry_after("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(Duration::ZERO)
        );
        assert_eq!(retry_after("soon"), None);
        assert_eq!(retry_after("-1"), None);
    }
}
