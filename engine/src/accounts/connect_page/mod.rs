//! The page behind an authorization link: a form for a key, or the way to an OAuth provider.

mod browser;
mod pages;

use std::sync::Arc;

use axum::{
    Form, Router,
    extract::{
        DefaultBodyLimit, FromRef, Path, Query, State,
        rejection::{FormRejection, PathRejection, QueryRejection},
    },
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use self::{
    browser::{Forms, Sent},
    pages::Asked,
};
use super::{
    AccountsError, Answer, Arrival, Departure, KeyProblem, OpenLink, Redeemed, credential,
};
use crate::{
    engine::Engine,
    settings::{Auth, Discovery, OAuthProvider},
    signing::SigningError,
    store::Verification,
};

/// The path of the page that ends a verification.
pub(super) const VERIFIED: &str = "/connected";
/// Where providers send people back.
pub(super) const CALLBACK: &str = "/connect/callback";

/// A key of the longest kind, percent-encoded.
const MAX_BODY: usize = 64 * 1024;

/// What the handlers share.
#[derive(Clone)]
struct Pages {
    engine: Arc<Engine>,
    forms: Forms,
}

impl FromRef<Pages> for Arc<Engine> {
    fn from_ref(pages: &Pages) -> Self {
        Arc::clone(&pages.engine)
    }
}

/// The routes of the page.
pub(crate) fn router(engine: Arc<Engine>) -> Result<Router, SigningError> {
    let pages = Pages {
        engine,
        forms: Forms::new()?,
    };
    Ok(Router::new()
        .route("/connect/{secret}", get(show).post(submit))
        .route(CALLBACK, get(callback))
        .route("/connect.css", get(style))
        .route(VERIFIED, get(verified))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(pages))
}

#[derive(Default, Deserialize)]
struct Submitted {
    #[serde(default)]
    form_token: String,
    /// `decline`, or whatever else means to go on.
    #[serde(default)]
    decision: String,
    #[serde(default)]
    api_key: String,
}

type Segment = Result<Path<String>, PathRejection>;

async fn show(State(pages): State<Pages>, segment: Segment, Sent(sent): Sent) -> Response {
    let Ok(Path(secret)) = segment else {
        return pages::dead(&OpenLink::Unknown);
    };
    match pages.engine.accounts().look_at_link(&secret).await {
        Ok(link) => pages.form(&link, &secret, sent, None),
        Err(error) => failed(&error),
    }
}

async fn submit(
    State(pages): State<Pages>,
    segment: Segment,
    Sent(sent): Sent,
    submitted: Result<Form<Submitted>, FormRejection>,
) -> Response {
    let Ok(Path(secret)) = segment else {
        return pages::dead(&OpenLink::Unknown);
    };
    match pages.submitted(&secret, sent, submitted).await {
        Ok(response) => response,
        Err(error) => failed(&error),
    }
}

impl Pages {
    /// The form of an open link, or why there is none.
    fn form(
        &self,
        link: &OpenLink<'_>,
        secret: &str,
        sent: Option<SecretString>,
        problem: Option<&str>,
    ) -> Response {
        let OpenLink::Open {
            account,
            connection,
            ..
        } = link
        else {
            return pages::dead(link);
        };
        let browser = match sent.map_or_else(browser::new_browser, Ok) {
            Ok(browser) => browser,
            Err(error) => return failed(&error.into()),
        };
        let connection = &connection.connection;
        let asked = Asked {
            app: self.engine.app_name(),
            connection: &connection.name,
            identifier: &account.identifier,
            token: &self.forms.token(&browser, secret),
        };
        let form = match &connection.auth {
            Auth::None => return pages::nothing_to_do(asked.connection, asked.identifier),
            Auth::ApiKey => pages::key_form(asked, problem),
            Auth::Provider(settings) => {
                pages::provider_form(asked, &provider_name(settings), &settings.scopes, problem)
            }
        };
        (browser::set(&browser), form).into_response()
    }

    async fn submitted(
        &self,
        secret: &str,
        sent: Option<SecretString>,
        submitted: Result<Form<Submitted>, FormRejection>,
    ) -> Result<Response, AccountsError> {
        let accounts = self.engine.accounts();
        let link = accounts.look_at_link(secret).await?;
        let OpenLink::Open { connection, .. } = &link else {
            return Ok(pages::dead(&link));
        };
        let problem = |sent, problem| Ok(self.form(&link, secret, sent, Some(problem)));
        let Ok(Form(submitted)) = submitted else {
            return problem(sent, "What was sent could not be read. Try again.");
        };
        let Some(browser) =
            sent.filter(|browser| self.forms.made(&submitted.form_token, browser, secret))
        else {
            return problem(
                None,
                "This page was out of date, or your browser sent no cookie. Try again.",
            );
        };
        let connection = &connection.connection;
        if submitted.decision == "decline" {
            let declined = accounts.decline_link(secret).await?;
            return Ok(match declined {
                OpenLink::Open { .. } => pages::denied(&connection.name),
                other => pages::dead(&other),
            });
        }
        match &connection.auth {
            Auth::None => Ok(self.form(&link, secret, Some(browser), None)),
            Auth::ApiKey => match credential(&submitted.api_key) {
                Ok(key) => Ok(redeemed(accounts.redeem_link(secret, key).await?)),
                Err(KeyProblem::Empty) => problem(Some(browser), "Enter the API key."),
                Err(KeyProblem::TooLong) => problem(
                    Some(browser),
                    "That is longer than an API key can be (4096 characters).",
                ),
                Err(KeyProblem::NotOneLine) => problem(
                    Some(browser),
                    "An API key is one line of text. Enter it without line breaks.",
                ),
            },
            Auth::Provider(_) => Ok(match accounts.depart(secret, &browser).await? {
                Departure::To(url) => (browser::set(&browser), pages::onward(&url)).into_response(),
                Departure::Failed(connection, error) => {
                    tracing::warn!(connection = connection.connection.name, %error, "cannot begin an authorization");
                    pages::provider_failed(connection, &error)
                }
                Departure::Not(link) => pages::dead(&link),
            }),
        }
    }
}

/// What the user is told who brought a credential.
fn redeemed(redeemed: Redeemed<'_>) -> Response {
    match redeemed {
        Redeemed::Active {
            account,
            connection,
        } => pages::connected(Some((&connection.connection.name, &account.identifier))),
        Redeemed::ToVerify {
            verification,
            auth_request_id,
        } => to_application(&verification, &auth_request_id),
        // Somebody was faster, or the minute ran out between looking and using.
        Redeemed::Not(link) => pages::dead(&link),
    }
}

/// The query a provider sends people back with.
#[derive(Default, Deserialize)]
struct Returned {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

async fn callback(
    State(engine): State<Arc<Engine>>,
    Sent(browser): Sent,
    returned: Result<Query<Returned>, QueryRejection>,
) -> Response {
    let Ok(Query(returned)) = returned else {
        return pages::not_awaited();
    };
    let answer = Answer {
        state: returned.state,
        code: returned.code.map(SecretString::from),
        iss: returned.iss,
        error: returned.error,
        error_description: returned.error_description,
    };
    match engine.accounts().arrive(answer, browser.as_ref()).await {
        Ok(Arrival::Done(done)) => redeemed(done),
        Ok(Arrival::Denied(entry)) => pages::denied(&entry.connection.name),
        Ok(Arrival::OtherBrowser) => pages::other_browser(),
        Ok(Arrival::Unknown) => pages::not_awaited(),
        Ok(Arrival::Failed(connection, error)) => {
            tracing::warn!(connection = connection.connection.name, %error, "cannot finish an authorization");
            pages::provider_failed(connection, &error)
        }
        Err(error) => failed(&error),
    }
}

/// The provider, as its address bar shows it.
fn provider_name(settings: &OAuthProvider) -> String {
    match &settings.discovery {
        Discovery::Endpoints { authorization, .. } => pages::host(authorization),
        Discovery::Issuer(issuer) => {
            Url::parse(issuer).map_or_else(|_| issuer.clone(), |url| pages::host(&url))
        }
    }
}

/// Sends the browser to the application, which knows who sits in front of it.
fn to_application(verification: &Verification, auth_request_id: &SecretString) -> Response {
    if let Some(url) = verification_url(verification, auth_request_id) {
        return pages::onward(&url);
    }
    tracing::error!("a link leads to a place that is not a URL");
    pages::failed()
}

/// Where the application verifies the user, and what it is told.
pub(super) fn verification_url(
    verification: &Verification,
    auth_request_id: &SecretString,
) -> Option<Url> {
    let mut url = Url::parse(&verification.url).ok()?;
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("auth_request_id", auth_request_id.expose_secret());
        if let Some(state) = &verification.state {
            query.append_pair("state", state);
        }
    }
    Some(url)
}

async fn verified() -> Response {
    pages::connected(None)
}

async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, include_str!("../../../templates/connect.css")).into_response()
}

fn failed(error: &AccountsError) -> Response {
    tracing::error!(%error, "the connect page failed");
    pages::failed()
}
