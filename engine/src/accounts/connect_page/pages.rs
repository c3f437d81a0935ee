//! What people see: every page in plain HTML, without scripts and without anything from elsewhere.

use askama::Template;
use axum::{
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use url::Url;

use super::super::{OAuthError, OpenLink};
use crate::engine::ConnectionEntry;

const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Where a form leads to elsewhere, its answer is a page that goes there: browsers apply
    // `form-action` to redirects too, and where those end nobody here knows.
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
];

const CLOSE: &str = "You can close this page and go back to your application.";
const ASK_AGAIN: &str = "Go back to your application and ask for a new link.";

/// Who asks for what on whose behalf.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) app: Option<&'a str>,
    pub(super) connection: &'a str,
    pub(super) identifier: &'a str,
    /// Binds the form to the browser.
    pub(super) token: &'a str,
}

#[derive(Template)]
#[template(path = "connect_key.html")]
struct KeyPage<'a> {
    asked: Asked<'a>,
    problem: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "connect_provider.html")]
struct ProviderPage<'a> {
    asked: Asked<'a>,
    provider: &'a str,
    scopes: &'a [String],
    problem: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "connect_onward.html")]
struct OnwardPage<'a> {
    host: &'a str,
    url: &'a str,
}

#[derive(Template)]
#[template(path = "connect_message.html")]
struct MessagePage<'a> {
    heading: &'a str,
    /// The account that is connected now, where we may say so.
    connected: Option<(&'a str, &'a str)>,
    text: &'a str,
}

/// The form for a key.
pub(super) fn key_form(asked: Asked<'_>, problem: Option<&str>) -> Response {
    page(form_status(problem), &KeyPage { asked, problem })
}

/// The page before the provider's pages.
pub(super) fn provider_form(
    asked: Asked<'_>,
    provider: &str,
    scopes: &[String],
    problem: Option<&str>,
) -> Response {
    let provider = ProviderPage {
        asked,
        provider,
        scopes,
        problem,
    };
    page(form_status(problem), &provider)
}

fn form_status(problem: Option<&str>) -> StatusCode {
    match problem {
        Some(_) => StatusCode::BAD_REQUEST,
        None => StatusCode::OK,
    }
}

/// Sends the browser elsewhere at once.
pub(super) fn onward(url: &Url) -> Response {
    let host = host(url);
    page(
        StatusCode::OK,
        &OnwardPage {
            host: &host,
            url: url.as_str(),
        },
    )
}

/// The name of a place, as a person knows it from the address bar.
pub(super) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

pub(super) fn connected(account: Option<(&str, &str)>) -> Response {
    let message = MessagePage {
        heading: "Connected",
        connected: account,
        text: CLOSE,
    };
    page(StatusCode::OK, &message)
}

/// Where a connection needs nothing of its user.
pub(super) fn nothing_to_do(connection: &str, identifier: &str) -> Response {
    let message = MessagePage {
        heading: "Already connected",
        connected: Some((connection, identifier)),
        text: "This connection needs nothing from you. You can close this page and go back to your application.",
    };
    page(StatusCode::OK, &message)
}

pub(super) fn denied(connection: &str) -> Response {
    let text = format!(
        "You chose not to connect {connection}. If you change your mind, go back to your application and ask for a new link."
    );
    message(StatusCode::OK, "Not connected", &text)
}

/// Why a link that is not open does nothing.
pub(super) fn dead(link: &OpenLink<'_>) -> Response {
    let (status, heading, text) = match link {
        OpenLink::Expired => (
            StatusCode::GONE,
            "This link has expired",
            "A link works for one minute. Go back to your application and ask for a new one.",
        ),
        OpenLink::Used => (
            StatusCode::GONE,
            "This link was already used",
            "A link works once. If your application still asks you to connect, ask it for a new link.",
        ),
        OpenLink::Denied => (
            StatusCode::GONE,
            "This link was declined",
            "Somebody chose not to connect with it. Go back to your application and ask for a new one.",
        ),
        OpenLink::Unknown | OpenLink::Open { .. } => (
            StatusCode::NOT_FOUND,
            "There is no such link",
            "Check that the whole link was copied, or go back to your application and ask for a new one.",
        ),
    };
    message(status, heading, text)
}

/// An answer of a provider that nobody waits for.
pub(super) fn not_awaited() -> Response {
    message(
        StatusCode::GONE,
        "This sign-in has ended",
        &format!("It took longer than 10 minutes, or was finished before. {ASK_AGAIN}"),
    )
}

pub(super) fn other_browser() -> Response {
    message(
        StatusCode::FORBIDDEN,
        "This sign-in began somewhere else",
        "It was started in another browser, perhaps by another person, so nothing was connected. \
         If somebody sent you here, do not go on. Otherwise open the link of your application in this browser.",
    )
}

pub(super) fn provider_failed(entry: &ConnectionEntry, error: &OAuthError) -> Response {
    let connection = &entry.connection.name;
    message(
        StatusCode::BAD_GATEWAY,
        &format!("{connection} could not be connected"),
        &format!("Nothing was changed: {error}. {ASK_AGAIN}"),
    )
}

pub(super) fn failed() -> Response {
    message(
        StatusCode::INTERNAL_SERVER_ERROR,
        "Something went wrong",
        &format!("Nothing was changed. {ASK_AGAIN}"),
    )
}

fn message(status: StatusCode, heading: &str, text: &str) -> Response {
    let message = MessagePage {
        heading,
        connected: None,
        text,
    };
    page(status, &message)
}

fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, HEADERS, html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
