//! The `auth` of a connection as it is written: a word, or a table for OAuth.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use toml::Spanned;
use url::Url;

use super::{
    Auth, Discovery, OAuthProvider,
    file::{Checked, complain, http_url, secret},
};
use crate::outbound::is_private;

/// The parameters of an authorization request that are not the file's to set.
const OURS: [&str; 10] = [
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "redirect_uri",
    "request",
    "resource",
    "response_type",
    "scope",
    "state",
];

pub(super) enum AuthEntry {
    Word(String),
    OAuth(Box<Spanned<OAuthEntry>>),
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table with `issuer` and `client_id`"
)]
pub(super) struct OAuthEntry {
    issuer: Option<Spanned<String>>,
    authorization_endpoint: Option<Spanned<String>>,
    token_endpoint: Option<Spanned<String>>,
    client_id: Option<Spanned<String>>,
    client_secret: Option<Spanned<String>>,
    client_secret_env: Option<Spanned<String>>,
    #[serde(default)]
    scopes: Vec<Spanned<String>>,
    resource: Option<Spanned<String>>,
    #[serde(default)]
    authorization_parameters: BTreeMap<Spanned<String>, Spanned<String>>,
}

impl<'de> Deserialize<'de> for AuthEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entry;

        impl<'de> Visitor<'de> for Entry {
            type Value = AuthEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`\"none\"`, `\"api_key\"` or `{ oauth2 = … }`")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<AuthEntry, E> {
                Ok(AuthEntry::Word(word.to_owned()))
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<AuthEntry, M::Error> {
                let mut found = None;
                while let Some(key) = map.next_key::<String>()? {
                    if key != "oauth2" {
                        return Err(de::Error::unknown_field(&key, &["oauth2"]));
                    }
                    found = Some(map.next_value()?);
                }
                let found = found.ok_or_else(|| de::Error::missing_field("oauth2"))?;
                Ok(AuthEntry::OAuth(Box::new(found)))
            }
        }

        deserializer.deserialize_any(Entry)
    }
}

pub(super) fn auth(entry: Spanned<AuthEntry>, connection: &str) -> Checked<Auth> {
    let span = entry.span();
    match entry.into_inner() {
        AuthEntry::Word(word) if word == "none" => Ok(Auth::None),
        AuthEntry::Word(word) if word == "api_key" => Ok(Auth::ApiKey),
        AuthEntry::Word(_) => complain(
            span,
            "`auth` should be `\"none\"`, `\"api_key\"` or `{ oauth2 = … }`",
        ),
        AuthEntry::OAuth(entry) => Ok(Auth::Provider(Arc::new(oauth(*entry, connection)?))),
    }
}

fn oauth(entry: Spanned<OAuthEntry>, connection: &str) -> Checked<OAuthProvider> {
    let span = entry.span();
    let entry = entry.into_inner();
    let discovery = match (
        entry.issuer,
        entry.authorization_endpoint,
        entry.token_endpoint,
    ) {
        (Some(issuer), None, None) => {
            endpoint(&issuer, "issuer")?;
            if issuer.get_ref().contains(['?', '#']) {
                return complain(issuer.span(), "`issuer` has a query or a fragment");
            }
            Discovery::Issuer(issuer.into_inner())
        }
        (None, Some(authorization), Some(token)) => Discovery::Endpoints {
            authorization: endpoint(&authorization, "authorization_endpoint")?,
            token: endpoint(&token, "token_endpoint")?,
        },
        _ => {
            return complain(
                span,
                "`oauth2` needs `issuer`, or `authorization_endpoint` and `token_endpoint`",
            );
        }
    };
    let client_id = match entry.client_id {
        Some(id) if !id.get_ref().is_empty() => id.into_inner(),
        _ => {
            return complain(
                span,
                "`oauth2` needs the `client_id` that the provider gave you",
            );
        }
    };
    if let (Some(_), Some(second)) = (&entry.client_secret, &entry.client_secret_env) {
        return complain(
            second.span(),
            "set `client_secret_env` or `client_secret`, not both",
        );
    }
    let owner = format!("connection `{connection}`");
    Ok(OAuthProvider {
        discovery,
        client_id,
        client_secret: secret(entry.client_secret, entry.client_secret_env, &owner)?,
        scopes: scopes(entry.scopes)?,
        resource: entry
            .resource
            .map(|resource| http_url(&resource, "resource"))
            .transpose()?,
        authorization_parameters: parameters(entry.authorization_parameters)?,
    })
}

/// A place that is trusted with codes and secrets: reached over TLS, or on this machine.
fn endpoint(entry: &Spanned<String>, key: &str) -> Checked<Url> {
    let url = http_url(entry, key)?;
    if is_private(&url) {
        return Ok(url);
    }
    complain(
        entry.span(),
        format!("`{key}` should start with `https://`; `http://` is for this machine only"),
    )
}

/// Scopes as RFC 6749 §3.3 spells them, each once.
fn scopes(entry: Vec<Spanned<String>>) -> Checked<Vec<String>> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in entry {
        let text = scope.get_ref();
        let spelled = !text.is_empty()
            && text
                .bytes()
                .all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        if !spelled || scopes.contains(text) {
            return complain(
                scope.span(),
                format!("scope `{text}` is empty, named twice, or holds what no scope can"),
            );
        }
        scopes.push(scope.into_inner());
    }
    Ok(scopes)
}

fn parameters(
    entry: BTreeMap<Spanned<String>, Spanned<String>>,
) -> Checked<BTreeMap<String, String>> {
    let mut parameters = BTreeMap::new();
    for (name, value) in entry {
        if name.get_ref().is_empty() || OURS.contains(&name.get_ref().as_str()) {
            return complain(
                name.span(),
                format!("`{}` is not yours to set here", name.get_ref()),
            );
        }
        parameters.insert(name.into_inner(), value.into_inner());
    }
    Ok(parameters)
}
