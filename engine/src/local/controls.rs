//! The test controls over HTTP: `POST /_local/clock` and `POST /_local/reset`, for who holds the
//! admin token.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderMap, StatusCode, header};
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use serde_json::{Value, json};

use super::engine::Parts;
use crate::bearer;

/// What to do with the clock; any of the three, in this order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    #[serde(default)]
    reset: bool,
    #[serde(default)]
    freeze: bool,
    #[serde(default)]
    advance_seconds: u32,
}

pub(super) fn router(parts: Arc<Parts>) -> Router {
    Router::new()
        .route("/_local/clock", post(clock))
        .route("/_local/reset", post(reset))
        .with_state(parts)
}

async fn clock(State(parts): State<Arc<Parts>>, headers: HeaderMap, body: Bytes) -> Response {
    if !parts.is_admin(&headers) {
        return unauthorized();
    }
    let wanted: Clock = match serde_json::from_slice(&body) {
        Ok(wanted) => wanted,
        Err(error) => {
            let message = format!(
                "send `reset`, `freeze` (booleans) or `advance_seconds` (a whole number) as JSON: {error}"
            );
            return answer(
                StatusCode::BAD_REQUEST,
                json!({ "code": 3, "message": message, "details": [] }),
            );
        }
    };
    if wanted.reset {
        parts.clock.reset();
    }
    if wanted.freeze {
        parts.clock.freeze();
    }
    parts
        .clock
        .advance(Duration::from_secs(wanted.advance_seconds.into()));
    answer(
        StatusCode::OK,
        json!({ "now": parts.clock.now().to_string() }),
    )
}

async fn reset(State(parts): State<Arc<Parts>>, headers: HeaderMap) -> Response {
    if !parts.is_admin(&headers) {
        return unauthorized();
    }
    match parts.reset().await {
        Ok(()) => answer(StatusCode::OK, json!({})),
        Err(error) => answer(
            StatusCode::INTERNAL_SERVER_ERROR,
            json!({ "code": 13, "message": error.to_string(), "details": [] }),
        ),
    }
}

impl Parts {
    fn is_admin(&self, headers: &HeaderMap) -> bool {
        let given = bearer::only_token(headers);
        // Digests are compared, so that time tells nothing about the token.
        given.is_some_and(|given| {
            digest(&SHA256, given.as_bytes()).as_ref()
                == digest(&SHA256, self.admin_token.as_bytes()).as_ref()
        })
    }
}

fn unauthorized() -> Response {
    let body = json!({ "code": 16, "message": "the test controls need the engine's admin token", "details": [] });
    let mut response = answer(StatusCode::UNAUTHORIZED, body);
    response.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        header::HeaderValue::from_static("Bearer"),
    );
    response
}

fn answer(status: StatusCode, body: Value) -> Response {
    (status, Json(body)).into_response()
}
