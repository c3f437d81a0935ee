//! A provider's metadata: RFC 8414, and the discovery of `OpenID` Connect.

use std::time::{Duration, Instant};

use http::StatusCode;
use serde::Deserialize;
use url::Url;

use super::{OAuthClient, OAuthError};
use crate::outbound::is_private;

const LIFE: Duration = Duration::from_secs(3600);

/// What an authorization needs to know of its provider.
#[derive(Debug, Clone)]
pub(crate) struct Endpoints {
    pub(crate) authorization: Url,
    pub(crate) token: Url,
    /// What `iss` in an answer must be, where it is known.
    pub(crate) issuer: Option<String>,
    /// Whether every answer holds `iss` (RFC 9207).
    pub(crate) sends_issuer: bool,
    /// The token endpoint takes the secret as a parameter only.
    pub(crate) secret_in_body: bool,
}

impl Endpoints {
    pub(super) fn fixed(authorization: Url, token: Url) -> Self {
        Self {
            authorization,
            token,
            issuer: None,
            sends_issuer: false,
            secret_in_body: false,
        }
    }

    /// Whether an answer with this `iss` can be from the provider that was asked.
    pub(crate) fn accepts(&self, iss: Option<&str>) -> bool {
        match (&self.issuer, iss) {
            (Some(issuer), Some(iss)) => issuer == iss,
            (Some(_), None) => !self.sends_issuer,
            (None, _) => true,
        }
    }
}

#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) endpoints: Endpoints,
    read_at: Instant,
}

impl Metadata {
    pub(super) fn is_fresh(&self) -> bool {
        self.read_at.elapsed() < LIFE
    }
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    #[serde(default)]
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl OAuthClient {
    /// Reads the metadata of an issuer from the places where it can be.
    pub(super) async fn discover(&self, issuer: &str) -> Result<Metadata, OAuthError> {
        let mut last = OAuthError::Metadata("its issuer is not a URL".to_owned());
        for place in places(issuer) {
            let request = reqwest::Request::new(http::Method::GET, place.clone());
            let answer = self.answer(&place, request).await?;
            let status = answer.status();
            let read = if status == StatusCode::OK {
                read(issuer, answer.body())
            } else {
                Err(OAuthError::Metadata(format!(
                    "no metadata was found for the issuer `{issuer}` (HTTP status {})",
                    status.as_u16()
                )))
            };
            match read {
                Ok(endpoints) => {
                    return Ok(Metadata {
                        endpoints,
                        read_at: Instant::now(),
                    });
                }
                // Another place may have it; many servers answer anything at every path.
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// RFC 8414 §3 puts the well-known part before the issuer's path, `OpenID` behind it.
fn places(issuer: &str) -> Vec<Url> {
    let Ok(base) = Url::parse(issuer) else {
        return Vec::new();
    };
    let path = base.path().trim_end_matches('/').to_owned();
    [
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("{path}/.well-known/openid-configuration"),
    ]
    .into_iter()
    .map(|path| {
        let mut place = base.clone();
        place.set_path(&path);
        place
    })
    .collect()
}

fn read(issuer: &str, body: &[u8]) -> Result<Endpoints, OAuthError> {
    let document: Document = serde_json::from_slice(body)
        .map_err(|error| OAuthError::Metadata(format!("its metadata cannot be read: {error}")))?;
    // RFC 8414 §3.3: another issuer's metadata must not be used.
    if document.issuer != issuer {
        return Err(OAuthError::Metadata(format!(
            "its metadata is that of the issuer `{}`; write it so into the settings if that is right",
            super::plain(&document.issuer, 200)
        )));
    }
    for (name, url) in [
        ("authorization_endpoint", &document.authorization_endpoint),
        ("token_endpoint", &document.token_endpoint),
    ] {
        if !matches!(url.scheme(), "http" | "https") || !is_private(url) {
            return Err(OAuthError::Metadata(format!(
                "its `{name}` is not an `https://` URL"
            )));
        }
    }
    let lacks = |supported: &Option<Vec<String>>, wanted: &str| {
        supported
            .as_ref()
            .is_some_and(|supported| !supported.iter().any(|method| method == wanted))
    };
    if lacks(&document.code_challenge_methods_supported, "S256") {
        return Err(OAuthError::Metadata(
            "it does not offer PKCE with `S256`".to_owned(),
        ));
    }
    let methods = &document.token_endpoint_auth_methods_supported;
    Ok(Endpoints {
        authorization: document.authorization_endpoint,
        token: document.token_endpoint,
        issuer: Some(document.issuer),
        sends_issuer: document.authorization_response_iss_parameter_supported,
        secret_in_body: lacks(methods, "client_secret_basic")
            && !lacks(methods, "client_secret_post"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ISSUER: &str = "https://login.example/tenant";

    fn document(change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let mut document = json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://login.example/authorize",
            "token_endpoint": "https://login.example/token",
        });
        change(&mut document);
        document.to_string().into_bytes()
    }

    #[test]
    fn the_well_known_part_stands_where_each_standard_wants_it() {
        let urls: Vec<String> = places(ISSUER).iter().map(Url::to_string).collect();
        assert_eq!(
            urls,
            [
                "https://login.example/.well-known/oauth-authorization-server/tenant",
                "https://login.example/tenant/.well-known/openid-configuration",
            ]
        );
        assert_eq!(
            places("https://x/")[0].as_str(),
            "https://x/.well-known/oauth-authorization-server"
        );
    }

    #[test]
    fn what_cannot_be_trusted_is_refused() {
        assert!(read(ISSUER, &document(|_| {})).is_ok());
        for (change, text) in [
            (
                json!({ "issuer": "https://evil.example" }),
                "that of the issuer",
            ),
            (
                json!({ "token_endpoint": "http://login.example/token" }),
                "`token_endpoint`",
            ),
            (
                json!({ "authorization_endpoint": "javascript:alert(1)" }),
                "`authorization_endpoint`",
            ),
            (
                json!({ "code_challenge_methods_supported": ["plain"] }),
                "S256",
            ),
            (json!({ "token_endpoint": 5 }), "cannot be read"),
        ] {
            let changed = document(|document| {
                let object = document.as_object_mut().unwrap();
                object.extend(change.as_object().unwrap().clone());
            });
            let error = read(ISSUER, &changed).unwrap_err().to_string();
            assert!(error.contains(text), "{change}: {error}");
        }
    }

    #[test]
    fn the_secret_goes_where_the_provider_takes_it() {
        for (methods, in_body) in [
            (json!(null), false),
            (json!(["client_secret_post"]), true),
            (json!(["client_secret_post", "client_secret_basic"]), false),
        ] {
            let changed = document(|document| {
                document["token_endpoint_auth_methods_supported"] = methods;
            });
            assert_eq!(read(ISSUER, &changed).unwrap().secret_in_body, in_body);
        }
    }

    #[test]
    fn an_issuer_in_the_answer_must_be_the_one_asked() {
        let mut endpoints = read(ISSUER, &document(|_| {})).unwrap();
        assert!(endpoints.accepts(None) && endpoints.accepts(Some(ISSUER)));
        assert!(!endpoints.accepts(Some("https://evil.example")));
        endpoints.sends_issuer = true;
        assert!(!endpoints.accepts(None));
    }
}
