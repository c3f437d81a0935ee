//! One record for each request, as a `tracing` event of the target [`TARGET`]. No part of it is secret.

use std::{borrow::Cow, sync::Arc, time::Instant};

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method},
    middleware::Next,
    response::Response,
};

use crate::{bearer::Caller, engine::Engine};

/// What the records are filtered and found by.
pub(crate) const TARGET: &str = "scalekit_vmcp_engine::request";

/// Where an answer says under which id it is recorded.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer than any id of the API; a link's secret and a token are longer still.
const LONGEST_SEGMENT: usize = 40;

/// A request under way. Dropping it says that nobody waited for the answer.
struct Record {
    method: Method,
    path: String,
    begun: Instant,
    answered: bool,
}

/// Records each request when its answer begins.
pub(super) async fn record(
    State(engine): State<Arc<Engine>>,
    request: Request,
    next: Next,
) -> Response {
    let mut record = Record {
        method: request.method().clone(),
        path: without_secrets(request.uri().path()),
        begun: Instant::now(),
        answered: false,
    };
    let mut response = next.run(request).await;
    // So that each answer can be found in the log.
    if !response.headers().contains_key(REQUEST_ID)
        && let Ok(id) = HeaderValue::from_str(&engine.request_ids().next())
    {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    record.answer(&response);
    response
}

impl Record {
    fn answer(&mut self, response: &Response) {
        self.answered = true;
        let (client, user) = match response.extensions().get::<Caller>() {
            Some(Caller::Client(id)) => (Some(id.as_str()), None),
            Some(Caller::User(identifier)) => (None, Some(identifier.as_str())),
            None => (None, None),
        };
        let request_id = response.headers().get(REQUEST_ID);
        tracing::info!(
            target: TARGET,
            method = self.method.as_str(),
            path = self.path,
            status = response.status().as_u16(),
            duration_ms = self.milliseconds(),
            request_id = request_id.and_then(|id| id.to_str().ok()),
            client,
            user,
        );
    }

    fn milliseconds(&self) -> f64 {
        // To the microsecond; more digits say nothing.
        (self.begun.elapsed().as_secs_f64() * 1e6).round() / 1e3
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.answered {
            tracing::info!(
                target: TARGET,
                method = self.method.as_str(),
                path = self.path,
                duration_ms = self.milliseconds(),
                "the client went away",
            );
        }
    }
}

/// The path without the secrets of links, and without what may be one in a wrong place.
pub(super) fn without_secrets(path: &str) -> String {
    let mut shown = Vec::new();
    for segment in path.split('/') {
        let name = percent_encoding::percent_decode_str(segment).decode_utf8_lossy();
        let behind_connect = shown
            .iter()
            .any(|before: &Cow<'_, str>| before.eq_ignore_ascii_case("connect"));
        shown.push(if name.is_empty() {
            name
        } else if behind_connect && path != "/connect/callback" || segment.len() > LONGEST_SEGMENT {
            Cow::Borrowed("…")
        } else {
            name
        });
    }
    shown.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_shows_no_secret() {
        let (secret, token) = (
            "s".repeat(43),
            format!("eyJhbGciOiJFUzI1NiJ9.{}", "x".repeat(80)),
        );
        for (path, shown) in [
            (
                "/api/v1/mcp/configs/cfg_1/tokens",
                "/api/v1/mcp/configs/cfg_1/tokens",
            ),
            (
                "/mcp/v3/servers/67e55044-10b1-426f-9247-bb680e5fe0c8",
                "/mcp/v3/servers/67e55044-10b1-426f-9247-bb680e5fe0c8",
            ),
            (
                "/mcp/v3/connections/Git%20Hub",
                "/mcp/v3/connections/Git Hub",
            ),
            ("/connect/short", "/connect/…"),
            ("/connect/short/more", "/connect/…/…"),
            ("/connect/callback", "/connect/callback"),
            ("/Connect/short", "/Connect/…"),
            ("/%63onnect/short", "/connect/…"),
            ("//connect//short", "//connect//…"),
            (&format!("/{secret}"), "/…"),
            (
                &format!("/api/v1/connected_accounts/{token}"),
                "/api/v1/connected_accounts/…",
            ),
        ] {
            assert_eq!(without_secrets(path), shown, "{path}");
        }
    }
}
