//! Reading requests: bodies, path segments, and the small types in them.

use std::convert::Infallible;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{StatusCode, request::Parts},
};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use super::error::{ApiError, Violation};
use crate::settings::{in_connection_names, without_values};

/// A JSON object. An empty body is an empty object, whatever its content type.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state).await.map_err(|error| {
            if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
                ApiError::too_large("the request body is larger than 1 MiB")
            } else {
                ApiError::bad_request("the request body could not be read to its end")
            }
        })?;
        let bytes = bytes.trim_ascii();
        let object: &[u8] = match bytes.first() {
            None => b"{}",
            Some(b'{') => bytes,
            // Serde would also read a list of the fields' values.
            Some(_) => {
                return Err(ApiError::bad_request(
                    "the request body is not a JSON object; it should start with `{`",
                ));
            }
        };
        match serde_json::from_slice(object) {
            Ok(value) => Ok(Body(value)),
            // The value it met may be a secret.
            Err(error) if error.is_data() => Err(ApiError::bad_request(format!(
                "the request body does not fit: {}",
                without_values(&error.to_string())
            ))),
            Err(error) => Err(ApiError::bad_request(format!(
                "the request body is not valid JSON: {error}"
            ))),
        }
    }
}

/// The one parameter of a path, decoded.
pub(super) struct Segment(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Path::from_request_parts(parts, state)
            .await
            .map(|Path(segment)| Segment(segment))
            .map_err(|_| ApiError::bad_request("the path is not UTF-8 after percent-decoding"))
    }
}

/// The query of a request. Keys come in either casing; those nobody asks for are ignored.
pub(super) struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        let pairs = form_urlencoded::parse(query);
        Ok(Params(
            pairs
                .map(|(key, value)| (snake_case(&key), value.into_owned()))
                .collect(),
        ))
    }
}

impl Params {
    /// All values of a key that may be repeated.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let found = self.0.iter().filter(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).collect()
    }

    /// The value of a key that may come once.
    pub(super) fn text(&self, name: &str, violations: &mut Vec<Violation>) -> Option<String> {
        let mut found = self.all(name);
        if found.len() > 1 {
            violations.push(Violation::new(
                name,
                "query.once",
                "comes more than once; send one value",
            ));
        }
        non_empty(found.pop())
    }

    /// The same, of at most this many characters.
    pub(super) fn short(
        &self,
        name: &str,
        max: usize,
        violations: &mut Vec<Violation>,
    ) -> Option<String> {
        let text = self.text(name, violations);
        longest(name, text.as_deref().unwrap_or_default(), max, violations);
        text
    }

    pub(super) fn flag(&self, name: &str, violations: &mut Vec<Violation>) -> Option<bool> {
        let text = self.text(name, violations)?;
        let flag = text.parse().ok();
        if flag.is_none() {
            violations.push(Violation::new(name, "bool", "should be `true` or `false`"));
        }
        flag
    }
}

/// `pageSize` as `page_size`.
pub(super) fn snake_case(key: &str) -> String {
    let mut snake = String::with_capacity(key.len());
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// `""` is the same as absent.
pub(super) fn non_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// The id of a config in a path, if it has the shape of one.
pub(super) fn config_id(id: String) -> Result<String, ApiError> {
    shaped("config_id", id, "cfg_", "configs")
}

/// The id of an instance in a path, if it has the shape of one.
pub(super) fn instance_id(id: String) -> Result<String, ApiError> {
    shaped("instance_id", id, "inst_", "instances")
}

fn shaped(field: &str, id: String, prefix: &str, things: &str) -> Result<String, ApiError> {
    let shaped = id.strip_prefix(prefix).is_some_and(|rest| {
        !rest.is_empty()
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    if shaped {
        return Ok(id);
    }
    Err(ApiError::invalid(vec![Violation::new(
        field,
        "string.prefix",
        format!("is `{id}`; ids of {things} start with `{prefix}`"),
    )]))
}

/// The identifier of a user: required, of at most this many characters.
pub(super) fn identifier(
    identifier: Option<String>,
    max: Option<usize>,
    violations: &mut Vec<Violation>,
) -> String {
    let identifier = identifier.unwrap_or_default();
    if identifier.is_empty() {
        violations.push(Violation::new("identifier", "required", "is missing"));
    }
    if let Some(max) = max {
        longest("identifier", &identifier, max, violations);
    }
    identifier
}

/// Complains about a text of more than `max` characters.
pub(super) fn longest(field: &str, text: &str, max: usize, violations: &mut Vec<Violation>) {
    let length = text.chars().count();
    if length > max {
        violations.push(Violation::new(
            field,
            "string.max_len",
            format!("has {length} characters; at most {max} are allowed"),
        ));
    }
}

/// Complains about what cannot be the name of a connection.
pub(super) fn connection_name(field: &str, name: &str, violations: &mut Vec<Violation>) {
    longest(field, name, 400, violations);
    if !name.bytes().all(in_connection_names) {
        violations.push(Violation::new(
            field,
            "string.pattern",
            "names of connections hold letters, digits, `_`, `:`, `-` and spaces only",
        ));
    }
}

/// The whole seconds of a duration such as `3600s` or `1.5s`, cut towards zero.
pub(super) fn duration_seconds(text: &str) -> Option<i64> {
    let number = text.strip_suffix('s')?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = whole.strip_prefix('-').unwrap_or(whole);
    if !digits(unsigned) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    whole.parse().ok()
}

/// A moment on the wire: RFC 3339, UTC, a fraction of three digits or none.
pub(super) fn timestamp(moment: Timestamp) -> String {
    if moment.subsec_millisecond() == 0 {
        format!("{moment:.0}")
    } else {
        format!("{moment:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_decimal_seconds() {
        for (text, seconds) in [
            ("3600s", 3600),
            ("0s", 0),
            ("-1s", -1),
            ("1800.9s", 1800),
            ("59.999999999s", 59),
        ] {
            assert_eq!(duration_seconds(text), Some(seconds), "{text}");
        }
        for text in [
            "",
            "s",
            "1h",
            "3600",
            "1.s",
            ".5s",
            "+1s",
            "--1s",
            "1.1234567890s",
            "1e3s",
            " 1s",
        ] {
            assert_eq!(duration_seconds(text), None, "{text}");
        }
        assert_eq!(duration_seconds("99999999999999999999s"), None);
    }

    #[test]
    fn timestamps_have_no_fraction_or_three_digits() {
        let at = |text: &str| timestamp(text.parse().unwrap());
        assert_eq!(at("2026-01-01T00:00:00Z"), "2026-01-01T00:00:00Z");
        assert_eq!(at("2026-01-01T00:00:00.5Z"), "2026-01-01T00:00:00.500Z");
        assert_eq!(
            at("2026-01-01T00:00:00.123456Z"),
            "2026-01-01T00:00:00.123Z"
        );
    }
}
