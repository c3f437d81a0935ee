//! A user's way through an OAuth provider: from a link to its pages, and back with a code.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{
    Accounts, AccountsError, OAuthError, OpenLink, Redeemed,
    links::{hash_of, new_request},
    oauth::{Endpoints, describe, plain},
};
use crate::{
    engine::ConnectionEntry,
    settings::{Auth, OAuthProvider},
    signing::random_secret,
    store::{Begun, Credential, NewAuthorization},
};

/// How long a user may take on the provider's pages.
const TIME_TO_AUTHORIZE: SignedDuration = SignedDuration::from_mins(10);

/// The query a provider sends a user back with.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) state: Option<String>,
    pub(crate) code: Option<SecretString>,
    pub(crate) iss: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) error_description: Option<String>,
}

/// Where a link leads.
pub(crate) enum Departure<'a> {
    /// The link could not be used.
    Not(OpenLink<'a>),
    /// The provider is at fault.
    Failed(&'a ConnectionEntry, OAuthError),
    /// To the provider's page.
    To(Url),
}

/// How a user came back.
pub(crate) enum Arrival<'a> {
    /// With an answer that nobody waits for.
    Unknown,
    /// In another browser than the one that was sent.
    OtherBrowser,
    /// The user said no.
    Denied(&'a ConnectionEntry),
    /// The provider is at fault.
    Failed(&'a ConnectionEntry, OAuthError),
    Done(Redeemed<'a>),
}

impl Accounts {
    /// Begins an authorization: where the user of this open link, in this browser, is sent.
    pub(crate) async fn depart(
        &self,
        secret: &str,
        browser: &SecretString,
    ) -> Result<Departure<'_>, AccountsError> {
        let link = self.look_at_link(secret).await?;
        let OpenLink::Open { connection, .. } = link else {
            return Ok(Departure::Not(link));
        };
        let Auth::Provider(settings) = &connection.connection.auth else {
            return Ok(Departure::Not(link));
        };
        let endpoints = match self.oauth.endpoints(settings).await {
            Ok(endpoints) => endpoints,
            Err(error) => return Ok(Departure::Failed(connection, error)),
        };
        let state = random_secret()?;
        let start = match self.oauth.start(settings, &endpoints, &state) {
            Ok(start) => start,
            Err(error) => return Ok(Departure::Failed(connection, error)),
        };
        let now = self.clock.now();
        let authorization = NewAuthorization {
            hash: hash_of(state.expose_secret()),
            link: hash_of(secret),
            browser: hash_of(browser.expose_secret()),
            verifier: start.verifier,
            expires_at: now.checked_add(TIME_TO_AUTHORIZE).unwrap_or(Timestamp::MAX),
        };
        let state = self.store.begin_authorization(authorization, now).await?;
        Ok(match self.with_connection(state) {
            OpenLink::Open { .. } => Departure::To(start.url),
            // The minute ran out on the way to the provider's metadata.
            link => Departure::Not(link),
        })
    }

    /// Ends an authorization with what the provider answered.
    pub(crate) async fn arrive(
        &self,
        answer: Answer,
        browser: Option<&SecretString>,
    ) -> Result<Arrival<'_>, AccountsError> {
        let Some(state) = answer.state.as_deref() else {
            return Ok(Arrival::Unknown);
        };
        let state = hash_of(state);
        let browser = browser.map(|browser| hash_of(browser.expose_secret()));
        let now = self.clock.now();
        let begun = self.store.answer_authorization(state, browser, now).await?;
        let authorization = match begun {
            Begun::Unknown => return Ok(Arrival::Unknown),
            Begun::OtherBrowser => return Ok(Arrival::OtherBrowser),
            Begun::Here(authorization) => authorization,
        };
        let connection = self.connections.by_id(&authorization.account.connection_id);
        let Some((connection, settings)) = connection.and_then(oauth_settings) else {
            return Ok(Arrival::Unknown);
        };
        let endpoints = match self.oauth.endpoints(settings).await {
            Ok(endpoints) => endpoints,
            Err(error) => return Ok(Arrival::Failed(connection, error)),
        };
        let code = match code_of(answer, &endpoints) {
            Ok(Some(code)) => code,
            Ok(None) => {
                self.store.deny_authorization(state, now).await?;
                return Ok(Arrival::Denied(connection));
            }
            Err(error) => return Ok(Arrival::Failed(connection, error)),
        };
        let exchanged = self.oauth.exchange(
            settings,
            code.expose_secret().to_owned(),
            &authorization.verifier,
            now,
        );
        let tokens = match exchanged.await {
            Ok(tokens) => tokens,
            Err(error) => return Ok(Arrival::Failed(connection, error)),
        };
        let now = self.clock.now();
        let (auth_request_id, request) = new_request(now)?;
        let finished = self
            .store
            .finish_authorization(state, Credential::Tokens(tokens), request, now)
            .await?;
        // Somebody disconnected the account meanwhile, or used the link.
        let Some((account, verification)) = finished else {
            return Ok(Arrival::Unknown);
        };
        let redeemed = (account, connection, verification);
        Ok(Arrival::Done(
            self.redeemed(redeemed, auth_request_id).await,
        ))
    }
}

fn oauth_settings(entry: &ConnectionEntry) -> Option<(&ConnectionEntry, &Arc<OAuthProvider>)> {
    match &entry.connection.auth {
        Auth::Provider(settings) => Some((entry, settings)),
        Auth::None | Auth::ApiKey => None,
    }
}

/// The code in an answer; `None` if the user said no.
fn code_of(answer: Answer, endpoints: &Endpoints) -> Result<Option<SecretString>, OAuthError> {
    // First of all: another provider may answer anything (RFC 9207).
    if !endpoints.accepts(answer.iss.as_deref()) {
        return Err(OAuthError::Answer(
            "it came from another issuer than the one that was asked".to_owned(),
        ));
    }
    match (answer.error.as_deref(), answer.code) {
        (Some("access_denied"), _) => Ok(None),
        (Some(code), _) => Err(OAuthError::Refused {
            code: plain(code, 60),
            description: describe(answer.error_description.as_deref().unwrap_or_default()),
        }),
        (None, Some(code)) => Ok(Some(code)),
        (None, None) => Err(OAuthError::Answer("it holds no code".to_owned())),
    }
}
