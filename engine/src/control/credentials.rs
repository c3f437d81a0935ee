//! The key in `authorization_details`, read by hand: a refusal must not repeat what it met.

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::error::Violation;
use crate::accounts::{KeyProblem, credential};

const FIELD: &str = "connected_account.authorization_details";

/// What the details hold, for the API document; one of the two.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "details are read by hand")]
pub(super) struct AuthorizationDetails {
    static_auth: Option<StaticAuth>,
    oauth_token: Option<OauthToken>,
}

/// A key by its usual names, `api_key` or `token`, else the one text that can be one.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "details are read by hand")]
struct StaticAuth {
    details: Option<Map<String, Value>>,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "details are read by hand")]
struct OauthToken {
    access_token: Option<String>,
}

/// The kinds of details, each in both casings.
const KINDS: [(&str, &str); 4] = [
    ("static_auth", "staticAuth"),
    ("oauth_token", "oauthToken"),
    ("google_dwd", "googleDwd"),
    ("trusted_idp", "trustedIdp"),
];

/// The details as they are answered.
pub(super) fn output(key: &SecretString) -> Value {
    json!({ "static_auth": { "details": { "api_key": key.expose_secret() } } })
}

/// The key in the details; `None` where there is none to be found.
pub(super) fn key(
    details: Option<&Value>,
    violations: &mut Vec<Violation>,
) -> Option<SecretString> {
    let found = find(details?);
    match found {
        Ok(key) => key,
        Err((constraint, description)) => {
            violations.push(Violation::new(FIELD, constraint, description));
            None
        }
    }
}

type Problem = (&'static str, &'static str);

const SHAPE: Problem = (
    "object",
    "should be an object with `static_auth` or `oauth_token`, and objects in them",
);

fn find(details: &Value) -> Result<Option<SecretString>, Problem> {
    let Some(details) = object(Some(details))? else {
        return Ok(None);
    };
    let mut kinds = KINDS.into_iter().filter_map(|(snake, camel)| {
        let value = member(details, snake, camel)?;
        Some((snake, value))
    });
    let Some((kind, value)) = kinds.next() else {
        return Ok(None);
    };
    if kinds.next().is_some() {
        return Err(("oneof", "holds two kinds of credentials; send one"));
    }
    let Some(value) = object(Some(value))? else {
        return Ok(None);
    };
    let text = match kind {
        "static_auth" => match object(value.get("details"))? {
            Some(details) if !details.is_empty() => Some(static_key(details)?),
            _ => None,
        },
        "oauth_token" => match member(value, "access_token", "accessToken") {
            Some(Value::String(token)) => Some(token).filter(|token| !token.is_empty()),
            Some(_) => return Err(SHAPE),
            None => None,
        },
        _ => {
            return Err((
                "oneof",
                "is of a kind that no connection of this engine takes; send `static_auth` or `oauth_token`",
            ));
        }
    };
    let key = text.map(|text| credential(text)).transpose();
    key.map_err(|problem| match problem {
        KeyProblem::Empty => ("string.min_len", "holds an empty key"),
        KeyProblem::TooLong => ("string.max_len", "holds a key of more than 4096 characters"),
        KeyProblem::NotOneLine => ("string.pattern", "holds a key that is not one line of text"),
    })
}

/// What says whose the key is, or where, and is never one.
const NO_KEYS: [&str; 5] = ["username", "user", "domain", "host", "url"];

/// A key by its usual names, else the one text that can be one.
fn static_key(details: &Map<String, Value>) -> Result<&String, Problem> {
    for name in ["api_key", "token"] {
        if let Some(Value::String(key)) = details.get(name) {
            return Ok(key);
        }
    }
    let mut texts = details.iter().filter_map(|(name, value)| match value {
        Value::String(text) if !NO_KEYS.contains(&name.as_str()) => Some(text),
        _ => None,
    });
    match (texts.next(), texts.next()) {
        (Some(key), None) => Ok(key),
        _ => Err((
            "static_auth.api_key",
            "holds no key; send it as `static_auth.details.api_key`",
        )),
    }
}

fn object(value: Option<&Value>) -> Result<Option<&Map<String, Value>>, Problem> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(SHAPE),
    }
}

/// A member in either casing; `null` is the same as absent.
fn member<'a>(object: &'a Map<String, Value>, snake: &str, camel: &str) -> Option<&'a Value> {
    let value = object.get(snake).or_else(|| object.get(camel))?;
    Some(value).filter(|value| !value.is_null())
}
