//! The credential in `authorization_details`, read by hand: a refusal must not repeat what it met.

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::error::Violation;
use crate::{
    accounts::{KeyProblem, credential, credential_for},
    settings::Auth,
    store::{Credential, Tokens},
};

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
    refresh_token: Option<String>,
    scopes: Option<Vec<String>>,
    domain: Option<String>,
}

/// The kinds of details, each in both casings.
const KINDS: [(&str, &str); 4] = [
    ("static_auth", "staticAuth"),
    ("oauth_token", "oauthToken"),
    ("google_dwd", "googleDwd"),
    ("trusted_idp", "trustedIdp"),
];

/// The details as they are answered.
pub(super) fn output(credential: &Credential) -> Value {
    match credential {
        Credential::Key(key) => {
            json!({ "static_auth": { "details": { "api_key": key.expose_secret() } } })
        }
        Credential::Tokens(tokens) => json!({ "oauth_token": {
            "access_token": tokens.access_token.expose_secret(),
            "refresh_token": tokens
                .refresh_token
                .as_ref()
                .map_or("", |token| token.expose_secret()),
            "scopes": tokens.scopes,
            "domain": "",
        } }),
    }
}

/// A credential as a connection of this kind wants it; where it wants none, none is kept.
pub(super) fn fitting(auth: &Auth, credential: Option<Credential>) -> Option<Credential> {
    match (auth, credential?) {
        (Auth::None, _) => None,
        (Auth::Provider(_), tokens @ Credential::Tokens(_)) => Some(tokens),
        (auth, credential) => Some(credential_for(auth, credential.secret().clone())),
    }
}

/// The credential in the details; `None` where there is none to be found.
pub(super) fn read(details: Option<&Value>, violations: &mut Vec<Violation>) -> Option<Credential> {
    let found = find(details?);
    match found {
        Ok(credential) => credential,
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

fn find(details: &Value) -> Result<Option<Credential>, Problem> {
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
    match kind {
        "static_auth" => match object(value.get("details"))? {
            Some(details) if !details.is_empty() => {
                Ok(Some(Credential::Key(secret(static_key(details)?)?)))
            }
            _ => Ok(None),
        },
        "oauth_token" => tokens(value),
        _ => Err((
            "oneof",
            "is of a kind that no connection of this engine takes; send `static_auth` or `oauth_token`",
        )),
    }
}

fn tokens(value: &Map<String, Value>) -> Result<Option<Credential>, Problem> {
    let text = |snake, camel| match member(value, snake, camel) {
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(SHAPE),
        None => Ok(None),
    };
    let access_token = text("access_token", "accessToken")?;
    let refresh_token = text("refresh_token", "refreshToken")?;
    text("domain", "domain")?;
    let scopes = match member(value, "scopes", "scopes") {
        None => Vec::new(),
        Some(Value::Array(scopes)) => scopes
            .iter()
            .map(|scope| scope.as_str().map(str::to_owned).ok_or(SHAPE))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(SHAPE),
    };
    let Some(access_token) = access_token else {
        return Ok(None);
    };
    Ok(Some(Credential::Tokens(Tokens {
        refresh_token: refresh_token.map(|token| secret(token)).transpose()?,
        scopes,
        ..Tokens::of(secret(access_token)?)
    })))
}

fn secret(text: &str) -> Result<SecretString, Problem> {
    credential(text).map_err(|problem| match problem {
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
