//! The engine as a client of OAuth 2.1 providers: authorization code with PKCE, and refresh.

mod metadata;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::BytesMut;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use oauth2::{
    AsyncHttpClient, AuthType, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RefreshToken, RequestTokenError, Scope, TokenResponse, TokenUrl,
    basic::{
        BasicClient, BasicErrorResponse, BasicErrorResponseType, BasicTokenResponse, BasicTokenType,
    },
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

pub(super) use self::metadata::Endpoints;
use self::metadata::Metadata;
use crate::{
    outbound::Outbound,
    settings::{Discovery, OAuthProvider},
    store::Tokens,
};

/// One request to a provider, with its answer.
const DEADLINE: Duration = Duration::from_secs(10);
/// The largest answer of a provider.
const MAX_ANSWER: usize = 1024 * 1024;
/// What providers say of an error is shown to people, so it has a limit.
const MAX_DESCRIPTION: usize = 300;

/// What went wrong with a provider. Never holds a token or a code.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum OAuthError {
    #[error("the provider could not be reached: {0}")]
    Unreachable(String),
    /// Its metadata is not what it must be.
    #[error("the provider cannot be used: {0}")]
    Metadata(String),
    /// The grant has ended: only the user can give a new one.
    #[error("the provider says that the authorization has ended (invalid_grant){0}")]
    InvalidGrant(String),
    #[error("the provider refused with `{code}`{description}")]
    Refused { code: String, description: String },
    #[error("the provider's answer is not one: {0}")]
    Answer(String),
}

/// What a person is sent to, and what must come back.
pub(super) struct Start {
    pub(super) url: Url,
    pub(super) verifier: SecretString,
}

#[derive(Debug)]
pub(super) struct OAuthClient {
    outbound: Outbound,
    /// Where providers send people back.
    redirect_uri: String,
    /// By issuer: read once per hour.
    known: Mutex<HashMap<String, Arc<Metadata>>>,
}

impl OAuthClient {
    pub(super) fn new(outbound: Outbound, redirect_uri: String) -> Self {
        Self {
            outbound,
            redirect_uri,
            known: Mutex::default(),
        }
    }

    /// The endpoints of a provider, asked for where the settings do not say.
    pub(super) async fn endpoints(
        &self,
        settings: &OAuthProvider,
    ) -> Result<Endpoints, OAuthError> {
        let issuer = match &settings.discovery {
            Discovery::Endpoints {
                authorization,
                token,
            } => return Ok(Endpoints::fixed(authorization.clone(), token.clone())),
            Discovery::Issuer(issuer) => issuer,
        };
        let known = self.known().get(issuer).map(Arc::clone);
        if let Some(metadata) = known.filter(|metadata| metadata.is_fresh()) {
            return Ok(metadata.endpoints.clone());
        }
        let metadata = Arc::new(self.discover(issuer).await?);
        let endpoints = metadata.endpoints.clone();
        self.known().insert(issuer.clone(), metadata);
        Ok(endpoints)
    }

    /// Where to send a person for this `state`.
    pub(super) fn start(
        &self,
        settings: &OAuthProvider,
        endpoints: &Endpoints,
        state: &SecretString,
    ) -> Result<Start, OAuthError> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client = self
            .client(settings, endpoints)?
            .set_auth_uri(oauth2::AuthUrl::from_url(endpoints.authorization.clone()));
        let state = state.expose_secret().to_owned();
        let mut request = client
            .authorize_url(|| CsrfToken::new(state))
            .set_pkce_challenge(challenge)
            .add_scopes(settings.scopes.iter().cloned().map(Scope::new));
        // Without it OpenID providers leave the refresh token out.
        let offline = settings
            .scopes
            .iter()
            .any(|scope| scope == "offline_access");
        if offline && !settings.authorization_parameters.contains_key("prompt") {
            request = request.add_extra_param("prompt", "consent");
        }
        for (name, value) in &settings.authorization_parameters {
            request = request.add_extra_param(name, value);
        }
        if let Some(resource) = &settings.resource {
            request = request.add_extra_param("resource", resource.as_str());
        }
        let (url, _) = request.url();
        Ok(Start {
            url,
            verifier: verifier.into_secret().into(),
        })
    }

    /// The tokens for a code.
    pub(super) async fn exchange(
        &self,
        settings: &OAuthProvider,
        code: String,
        verifier: &SecretString,
        now: Timestamp,
    ) -> Result<Tokens, OAuthError> {
        let endpoints = self.endpoints(settings).await?;
        let client = self.client(settings, &endpoints)?;
        let mut request = client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose_secret().to_owned()));
        if let Some(resource) = &settings.resource {
            request = request.add_extra_param("resource", resource.as_str());
        }
        let answer = request.request_async(self).await;
        tokens(settings, &answer.map_err(failure)?, None, now)
    }

    /// New tokens for the refresh token of these; `None` if they have none.
    pub(super) async fn refresh(
        &self,
        settings: &OAuthProvider,
        before: &Tokens,
        now: Timestamp,
    ) -> Result<Option<Tokens>, OAuthError> {
        let Some(token) = &before.refresh_token else {
            return Ok(None);
        };
        let endpoints = self.endpoints(settings).await?;
        let client = self.client(settings, &endpoints)?;
        let refresh_token = RefreshToken::new(token.expose_secret().to_owned());
        let mut request = client.exchange_refresh_token(&refresh_token);
        if let Some(resource) = &settings.resource {
            request = request.add_extra_param("resource", resource.as_str());
        }
        let answer = request.request_async(self).await;
        tokens(settings, &answer.map_err(failure)?, Some(before), now).map(Some)
    }

    fn client(
        &self,
        settings: &OAuthProvider,
        endpoints: &Endpoints,
    ) -> Result<Client, OAuthError> {
        let redirect = RedirectUrl::new(self.redirect_uri.clone())
            .map_err(|error| OAuthError::Metadata(error.to_string()))?;
        let client = BasicClient::new(ClientId::new(settings.client_id.clone()))
            .set_token_uri(TokenUrl::from_url(endpoints.token.clone()))
            .set_redirect_uri(redirect);
        Ok(match &settings.client_secret {
            None => client,
            Some(secret) => client
                .set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()))
                .set_auth_type(if endpoints.secret_in_body {
                    AuthType::RequestBody
                } else {
                    AuthType::BasicAuth
                }),
        })
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, OAuthError> {
        let url = Url::parse(&request.uri().to_string())
            .map_err(|error| OAuthError::Metadata(error.to_string()))?;
        let request = reqwest::Request::try_from(request).map_err(unreachable)?;
        self.answer(&url, request).await
    }

    /// Sends a request to a provider and reads its answer to the end, within limits.
    async fn answer(
        &self,
        url: &Url,
        mut request: reqwest::Request,
    ) -> Result<HttpResponse, OAuthError> {
        *request.timeout_mut() = Some(DEADLINE);
        let client = self.outbound.client(url);
        let mut response = client.execute(request).await.map_err(unreachable)?;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(OAuthError::Answer("it is larger than 1 MiB".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = HttpResponse::new(body.to_vec());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = response.headers().clone();
        Ok(answer)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Metadata>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'c> AsyncHttpClient<'c> for OAuthClient {
    type Error = OAuthError;
    type Future = BoxFuture<'c, Result<HttpResponse, OAuthError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

type Client =
    BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// Reads what a provider granted.
fn tokens(
    settings: &OAuthProvider,
    answer: &BasicTokenResponse,
    before: Option<&Tokens>,
    now: Timestamp,
) -> Result<Tokens, OAuthError> {
    if *answer.token_type() != BasicTokenType::Bearer {
        return Err(OAuthError::Answer(
            "its token is not a bearer token".to_owned(),
        ));
    }
    let lifetime = answer
        .expires_in()
        .and_then(|lifetime| SignedDuration::try_from(lifetime).ok());
    let scopes = match answer.scopes() {
        Some(scopes) => scopes.iter().map(|scope| scope.to_string()).collect(),
        // Left out: as asked for.
        None => before.map_or_else(|| settings.scopes.clone(), |before| before.scopes.clone()),
    };
    Ok(Tokens {
        access_token: answer.access_token().secret().as_str().into(),
        // Providers that do not rotate it leave it out.
        refresh_token: answer
            .refresh_token()
            .map(|token| token.secret().as_str().into())
            .or_else(|| before.and_then(|before| before.refresh_token.clone())),
        expires_at: lifetime.map(|lifetime| now.checked_add(lifetime).unwrap_or(Timestamp::MAX)),
        lifetime,
        scopes,
    })
}

fn failure(error: RequestTokenError<OAuthError, BasicErrorResponse>) -> OAuthError {
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(answer) => {
            let description = describe(answer.error_description().map_or("", String::as_str));
            match answer.error() {
                BasicErrorResponseType::InvalidGrant => OAuthError::InvalidGrant(description),
                code => OAuthError::Refused {
                    code: plain(code.as_ref(), 60),
                    description,
                },
            }
        }
        // Not the text itself: it may hold a token.
        RequestTokenError::Parse(error, _) => {
            OAuthError::Answer(format!("`{}` is missing or of a wrong type", error.path()))
        }
        RequestTokenError::Other(error) => OAuthError::Answer(plain(&error, MAX_DESCRIPTION)),
    }
}

/// What a provider says of an error, to be put behind a sentence.
pub(super) fn describe(text: &str) -> String {
    let text = plain(text, MAX_DESCRIPTION);
    if text.is_empty() {
        text
    } else {
        format!(": {text}")
    }
}

/// A text of a provider on one line, cut where it is too long.
pub(super) fn plain(text: &str, max: usize) -> String {
    let line: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(max)
        .collect();
    line.trim().to_owned()
}

fn unreachable(error: reqwest::Error) -> OAuthError {
    // Its URL may hold what nobody should read.
    let error = error.without_url();
    let mut last: &dyn std::error::Error = &error;
    while let Some(source) = last.source() {
        last = source;
    }
    OAuthError::Unreachable(last.to_string())
}
