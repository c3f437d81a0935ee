//! The page behind an authorization link: one form for one key, in plain HTML.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form, Router,
    extract::{DefaultBodyLimit, Path, State, rejection::FormRejection},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::{AccountsError, KeyProblem, OpenLink, Redeemed, credential};
use crate::{engine::Engine, store::Verification};

/// The path of the page that ends a verification.
pub(super) const VERIFIED: &str = "/connected";

/// A key of the longest kind, percent-encoded.
const MAX_BODY: usize = 64 * 1024;

const HEADERS: [(HeaderName, &str); 4] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// The routes of the page.
pub(crate) fn router(engine: Arc<Engine>) -> Router {
    Router::new()
        .route("/connect/{secret}", get(show).post(submit))
        .route("/connect.css", get(style))
        .route(VERIFIED, get(verified))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(engine)
}

#[derive(Template)]
#[template(path = "connect_form.html")]
struct FormPage<'a> {
    connection: &'a str,
    identifier: &'a str,
    problem: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "connect_message.html")]
struct MessagePage<'a> {
    heading: &'a str,
    /// Whose account this is about, where we may say so.
    account: Option<(&'a str, &'a str)>,
    text: &'a str,
}

#[derive(Deserialize)]
struct Submitted {
    #[serde(default)]
    api_key: String,
}

async fn show(State(engine): State<Arc<Engine>>, Path(secret): Path<String>) -> Response {
    match engine.accounts().look_at_link(&secret).await {
        Ok(link) => form_or_state(&link, None),
        Err(error) => failed(&error),
    }
}

async fn submit(
    State(engine): State<Arc<Engine>>,
    Path(secret): Path<String>,
    submitted: Result<Form<Submitted>, FormRejection>,
) -> Response {
    let link = match engine.accounts().look_at_link(&secret).await {
        Ok(link) => link,
        Err(error) => return failed(&error),
    };
    let OpenLink::Open { connection, .. } = &link else {
        return form_or_state(&link, None);
    };
    if !connection.connection.auth.needs_credential() {
        return form_or_state(&link, None);
    }
    let key = match submitted {
        Err(_) => Err("What was sent could not be read. Enter the API key again."),
        Ok(Form(submitted)) => credential(&submitted.api_key).map_err(|problem| match problem {
            KeyProblem::Empty => "Enter the API key.",
            KeyProblem::TooLong => "That is longer than an API key can be (4096 characters).",
            KeyProblem::NotOneLine => {
                "An API key is one line of text. Enter it without line breaks."
            }
        }),
    };
    match key {
        Err(problem) => form_or_state(&link, Some(problem)),
        Ok(key) => match engine.accounts().redeem_link(&secret, key).await {
            Ok(Redeemed::Active {
                account,
                connection,
            }) => message(
                StatusCode::OK,
                "Connected",
                Some((&connection.connection.name, &account.identifier)),
                "You can close this page and go back to your application.",
            ),
            Ok(Redeemed::ToVerify {
                verification,
                auth_request_id,
            }) => to_application(&verification, &auth_request_id),
            // Somebody was faster, or the minute ran out between looking and using.
            Ok(Redeemed::Not(other)) => form_or_state(&other, None),
            Err(error) => failed(&error),
        },
    }
}

/// Sends the browser to the application, which knows who sits in front of it.
fn to_application(verification: &Verification, auth_request_id: &SecretString) -> Response {
    let Some(url) = verification_url(verification, auth_request_id) else {
        tracing::error!("a link leads to a place that is not a URL");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let headers = [
        (header::LOCATION, url.as_str()),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
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
    message(
        StatusCode::OK,
        "Connected",
        None,
        "You can close this page and go back to your application.",
    )
}

async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, include_str!("../../templates/connect.css")).into_response()
}

fn form_or_state(link: &OpenLink<'_>, problem: Option<&str>) -> Response {
    match link {
        OpenLink::Open {
            account,
            connection,
            verification,
        } => {
            let (name, identifier) = (&*connection.connection.name, &*account.identifier);
            if !connection.connection.auth.needs_credential() {
                return message(
                    StatusCode::OK,
                    "Already connected",
                    Some((name, identifier)),
                    "This connection needs no key. You can close this page and go back to your application.",
                );
            }
            let status = match problem {
                Some(_) => StatusCode::BAD_REQUEST,
                None => StatusCode::OK,
            };
            page(
                status,
                verification.as_ref(),
                &FormPage {
                    connection: name,
                    identifier,
                    problem,
                },
            )
        }
        OpenLink::Expired => message(
            StatusCode::GONE,
            "This link has expired",
            None,
            "A link works for one minute. Go back to your application and ask for a new one.",
        ),
        OpenLink::Used => message(
            StatusCode::GONE,
            "This link was already used",
            None,
            "A link works once. If your application still asks you to connect, ask it for a new link.",
        ),
        OpenLink::Denied => message(
            StatusCode::GONE,
            "Authorization was denied",
            None,
            "Nothing was connected. If that was a mistake, go back to your application and ask for a new link.",
        ),
        OpenLink::Unknown => message(
            StatusCode::NOT_FOUND,
            "There is no such link",
            None,
            "Check that the whole link was copied, or go back to your application and ask for a new one.",
        ),
    }
}

fn failed(error: &AccountsError) -> Response {
    tracing::error!(%error, "the connect page failed");
    message(
        StatusCode::INTERNAL_SERVER_ERROR,
        "Something went wrong",
        None,
        "Nothing was changed. Go back to your application and ask for a new link.",
    )
}

fn message(
    status: StatusCode,
    heading: &str,
    account: Option<(&str, &str)>,
    text: &str,
) -> Response {
    page(
        status,
        None,
        &MessagePage {
            heading,
            account,
            text,
        },
    )
}

fn page(
    status: StatusCode,
    verification: Option<&Verification>,
    template: &impl Template,
) -> Response {
    // Browsers apply `form-action` to where the answer to a form leads, too.
    let origin = verification
        .and_then(|verification| Url::parse(&verification.url).ok())
        .map(|url| format!(" {}", url.origin().ascii_serialization()))
        // What would end the rule and start another, odd as it is in the name of a host.
        .filter(|origin| !origin.contains([';', ',']))
        .unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self'{origin}; base-uri 'none'; frame-ancestors 'none'"
    );
    match template.render() {
        Ok(html) => (
            status,
            HEADERS,
            [(header::CONTENT_SECURITY_POLICY, policy)],
            html,
        )
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
