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
use secrecy::SecretString;
use serde::Deserialize;

use super::{AccountsError, OpenLink};
use crate::engine::Engine;

const MAX_KEY_CHARS: usize = 4096;
/// A key of the longest kind, percent-encoded.
const MAX_BODY: usize = 64 * 1024;

const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
];

/// The routes of the page.
pub(crate) fn router(engine: Arc<Engine>) -> Router {
    Router::new()
        .route("/connect/{secret}", get(show).post(submit))
        .route("/connect.css", get(style))
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
    let key = submitted.map(|Form(submitted)| submitted.api_key.trim().to_owned());
    let key = match key.as_deref() {
        Ok("") => Err("Enter the API key."),
        Ok(key) if key.chars().count() > MAX_KEY_CHARS => {
            Err("That is longer than an API key can be (4096 characters).")
        }
        Ok(key) if key.contains(char::is_control) => {
            Err("An API key is one line of text. Enter it without line breaks.")
        }
        Ok(key) => Ok(SecretString::from(key)),
        Err(_) => Err("What was sent could not be read. Enter the API key again."),
    };
    match key {
        Err(problem) => form_or_state(&link, Some(problem)),
        Ok(key) => match engine.accounts().redeem_link(&secret, key).await {
            Ok(OpenLink::Open {
                account,
                connection,
            }) => message(
                StatusCode::OK,
                "Connected",
                Some((&connection.connection.name, &account.identifier)),
                "You can close this page and go back to your application.",
            ),
            // Somebody was faster, or the minute ran out between looking and using.
            Ok(other) => form_or_state(&other, None),
            Err(error) => failed(&error),
        },
    }
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
        &MessagePage {
            heading,
            account,
            text,
        },
    )
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
