//! `POST /oauth/token`: client id and secret become an access token (RFC 6749 §4.4).

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use url::form_urlencoded;

use super::error::ApiError;
use crate::{
    bearer::Caller,
    engine::Engine,
    signing::{Claims, TokenType},
};

const LIFETIME: i64 = 86_399;

const NO_STORE: (HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

#[derive(Serialize)]
struct Granted<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: i64,
    scope: &'static str,
}

#[derive(Serialize)]
struct Refused {
    error: &'static str,
    error_description: String,
}

/// A refusal in the form of OAuth.
#[derive(Debug, thiserror::Error)]
enum OauthError {
    #[error("{0}")]
    InvalidRequest(String),
    #[error("the grant type `{0}` is not supported; use `client_credentials`")]
    UnsupportedGrantType(String),
    #[error("there is no such client, or its secret is another")]
    InvalidClient,
}

impl IntoResponse for OauthError {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            OauthError::InvalidRequest(_) => (StatusCode::BAD_REQUEST, "invalid_request"),
            OauthError::UnsupportedGrantType(_) => {
                (StatusCode::BAD_REQUEST, "unsupported_grant_type")
            }
            OauthError::InvalidClient => (StatusCode::UNAUTHORIZED, "invalid_client"),
        };
        let body = Json(Refused {
            error,
            error_description: self.to_string(),
        });
        let mut response = (status, [NO_STORE], body).into_response();
        if matches!(self, OauthError::InvalidClient) {
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"oauth\""),
            );
        }
        response
    }
}

pub(super) async fn token(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Response> {
    let client = authenticate(&engine, &headers, body).map_err(OauthError::into_response)?;
    let now = engine.clock().now().as_second();
    let claims = Claims {
        iss: engine.issuer().to_owned(),
        sub: client.clone(),
        aud: engine.issuer().to_owned(),
        iat: now,
        exp: now + LIFETIME,
        jti: uuid::Uuid::new_v4().to_string(),
        token_type: TokenType::Access,
        mcp_cfg: None,
        conn_id: None,
        ca_ids: None,
        access_level: None,
    };
    let token = engine
        .signer()
        .sign(&claims)
        .map_err(|error| ApiError::from(error).into_response())?;
    let granted = Json(Granted {
        access_token: token.expose_secret(),
        token_type: "Bearer",
        expires_in: LIFETIME,
        scope: "openid",
    });
    let mut response = ([NO_STORE], granted).into_response();
    response.extensions_mut().insert(Caller::Client(client));
    Ok(response)
}

/// The client that asks, once its secret is checked.
fn authenticate(
    engine: &Engine,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<String, OauthError> {
    let invalid = |message: &str| OauthError::InvalidRequest(message.to_owned());
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(invalid(
            "send the parameters as `application/x-www-form-urlencoded`",
        ));
    }
    let body = body.map_err(|_| invalid("the body could not be read"))?;
    let parameter = |name: &str| {
        let mut values = form_urlencoded::parse(&body)
            .filter_map(|(key, value)| (key == name && !value.is_empty()).then_some(value));
        match (values.next(), values.next()) {
            (Some(_), Some(_)) => Err(invalid(&format!("`{name}` was sent twice"))),
            (value, _) => Ok(value.map(std::borrow::Cow::into_owned)),
        }
    };
    match parameter("grant_type")? {
        None => {
            return Err(invalid(
                "`grant_type` is missing; send `client_credentials`",
            ));
        }
        Some(grant) if grant != "client_credentials" => {
            return Err(OauthError::UnsupportedGrantType(grant));
        }
        Some(_) => {}
    }
    let sent = (parameter("client_id")?, parameter("client_secret")?);
    let candidates = match (basic(headers)?, sent) {
        (Some(_), (_, Some(_))) => {
            return Err(invalid(
                "the secret was sent twice, in the header and in the body; send it once",
            ));
        }
        (Some(pairs), (Some(other), _)) if pairs.iter().all(|(id, _)| *id != other) => {
            return Err(invalid(
                "the header and the body name different clients; send one",
            ));
        }
        (Some(pairs), _) => pairs,
        (None, (Some(id), Some(secret))) => vec![(id, secret.into())],
        (None, _) => return Err(OauthError::InvalidClient),
    };
    let verified = candidates
        .into_iter()
        .find(|(id, secret)| engine.clients().verify(id, secret));
    verified.map(|(id, _)| id).ok_or(OauthError::InvalidClient)
}

/// Id and secret of a `Basic` header: decoded as RFC 6749 §2.3.1 wants them encoded, and as they
/// stand, because many clients do not encode them. Another scheme is not for us: clients that refresh send
/// their stale bearer along.
fn basic(headers: &HeaderMap) -> Result<Option<Vec<(String, SecretString)>>, OauthError> {
    let value = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let Some((_, encoded)) = value else {
        return Ok(None);
    };
    let pair = BASE64_STANDARD
        .decode(encoded.trim())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    match pair.as_deref().and_then(|pair| pair.split_once(':')) {
        Some((id, secret)) => Ok(Some(vec![
            (form_decoded(id), form_decoded(secret).into()),
            (id.to_owned(), secret.into()),
        ])),
        None => Err(OauthError::InvalidClient),
    }
}

fn form_decoded(text: &str) -> String {
    let plus_is_space = text.replace('+', " ");
    percent_encoding::percent_decode_str(&plus_is_space)
        .decode_utf8_lossy()
        .into_owned()
}
