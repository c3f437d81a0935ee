//! Reading requests: bodies, path segments, and the small types in them.

use std::{borrow::Cow, marker::PhantomData, ops::Deref};

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{StatusCode, request::Parts},
};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

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
        // Not even in what nobody reads.
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| ApiError::bad_request("the request body is not UTF-8"))?
            .trim_ascii();
        if too_deep(text) {
            return Err(ApiError::bad_request(format!(
                "the request body is nested deeper than {DEEPEST} levels"
            )));
        }
        let object = match text.bytes().next() {
            None => "{}",
            Some(b'{') => text,
            // Serde would also read a list of the fields' values.
            Some(_) => {
                return Err(ApiError::bad_request(
                    "the request body is not a JSON object; it should start with `{`",
                ));
            }
        };
        match serde_json::from_str(object) {
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

/// How deep a body may be nested; what is kept of it comes back inside an answer that readers with a
/// limit of 128 must still read.
const DEEPEST: usize = 100;

/// Whether objects and lists are nested deeper than anybody needs. Says nothing of whether it is JSON.
fn too_deep(json: &str) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    json.bytes().any(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > DEEPEST
    })
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

/// What an operation takes in its query.
pub(super) trait Query {
    const PARAMS: &'static [Param];
}

/// One key of a query.
pub(super) struct Param {
    pub(super) name: &'static str,
    /// For people, in the API document.
    pub(super) about: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
    /// In characters.
    pub(super) min: Option<usize>,
    pub(super) max: Option<usize>,
    /// Told to callers; the handler checks it.
    pub(super) pattern: Option<&'static str>,
}

/// What a value of a query is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    /// May come several times, up to so often.
    Texts(Option<usize>),
    Flag,
    /// A whole number from 0 to this.
    Number(u32),
}

impl Param {
    const fn new(name: &'static str, kind: Kind, about: &'static str) -> Param {
        Param {
            name,
            about,
            kind,
            required: false,
            min: None,
            max: None,
            pattern: None,
        }
    }

    pub(super) const fn text(name: &'static str, about: &'static str) -> Param {
        Param::new(name, Kind::Text, about)
    }

    pub(super) const fn texts(name: &'static str, about: &'static str) -> Param {
        Param::new(name, Kind::Texts(None), about)
    }

    pub(super) const fn flag(name: &'static str, about: &'static str) -> Param {
        Param::new(name, Kind::Flag, about)
    }

    pub(super) const fn number(name: &'static str, max: u32, about: &'static str) -> Param {
        Param::new(name, Kind::Number(max), about)
    }

    pub(super) const fn longest(mut self, max: usize) -> Param {
        self.max = Some(max);
        self
    }

    pub(super) const fn shortest(mut self, min: usize) -> Param {
        self.min = Some(min);
        self
    }

    pub(super) const fn at_most(mut self, count: usize) -> Param {
        self.kind = Kind::Texts(Some(count));
        self
    }

    pub(super) const fn shaped(mut self, pattern: &'static str) -> Param {
        self.pattern = Some(pattern);
        self
    }

    pub(super) const fn required(mut self) -> Param {
        self.required = true;
        self
    }
}

/// The query of a request, read by what the operation takes.
pub(super) struct Params<Q> {
    pairs: Pairs,
    query: PhantomData<fn() -> Q>,
}

/// The pairs of a query. Keys come in either casing; those nobody asks for are ignored.
pub(super) struct Pairs {
    declared: &'static [Param],
    pairs: Vec<(String, String)>,
}

impl<Q> Deref for Params<Q> {
    type Target = Pairs;

    fn deref(&self) -> &Pairs {
        &self.pairs
    }
}

impl<Q: Query, S: Send + Sync> FromRequestParts<S> for Params<Q> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Params {
            pairs: Pairs {
                declared: Q::PARAMS,
                pairs: pairs(parts.uri.query().unwrap_or_default())?,
            },
            query: PhantomData,
        })
    }
}

/// Keys in snake case and values of a query.
pub(super) fn pairs(query: &str) -> Result<Vec<(String, String)>, ApiError> {
    let decoded = |text: &str| {
        let spaced = text.replace('+', " ");
        let text = percent_decode_str(&spaced).decode_utf8();
        text.map(Cow::into_owned)
            .map_err(|_| ApiError::bad_request("the query is not UTF-8 after percent-decoding"))
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((snake_case(&decoded(key)?), decoded(value)?))
        })
        .collect()
}

impl Pairs {
    /// All values of a key that may be repeated.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        debug_assert!(
            self.declared.iter().any(|param| param.name == name),
            "`{name}` is not in the table of the query"
        );
        let found = self.pairs.iter().filter(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).collect()
    }

    /// The value of a key that may come once; not longer than declared.
    pub(super) fn text(&self, name: &str, violations: &mut Vec<Violation>) -> Option<String> {
        let mut found = self.all(name);
        if found.len() > 1 {
            violations.push(Violation::new(
                name,
                "query.once",
                "comes more than once; send one value",
            ));
        }
        let text = non_empty(found.pop());
        let declared = self.declared.iter().find(|param| param.name == name);
        if let (Some(text), Some(max)) = (&text, declared.and_then(|param| param.max)) {
            longest(name, text, max, violations);
        }
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

/// A value as a message shows it: its start, if it is long.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    const LONGEST_SHOWN: usize = 120;
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
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
        format!("is `{}`; ids of {things} start with `{prefix}`", shown(&id)),
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
    // A query's table may have said so already.
    let is_known = |violation: &Violation| violation.is_of(field, "string.max_len");
    if length > max && !violations.iter().any(is_known) {
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
