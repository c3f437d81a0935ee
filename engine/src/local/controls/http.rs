//! The test controls over HTTP, for who holds the admin token.

use std::sync::Arc;

use ::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    response::{IntoResponse, Response},
    routing::any,
};
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::{
    OPERATIONS, Operation,
    error::{ControlError, Kind},
    parse,
};
use crate::{bearer, local::engine::Parts};

const PREFIX: &str = "/_local/";
const MAX_BODY: usize = 4 * 1024 * 1024;

/// Whether this is the path of a test control.
pub(in crate::local) fn are_at(path: &str) -> bool {
    path.starts_with(PREFIX)
}

#[derive(Clone)]
struct Controls {
    parts: Arc<Parts>,
    admin_token: Arc<str>,
}

/// Their routes, for who holds this token.
pub(in crate::local) fn router(parts: Arc<Parts>, admin_token: &str) -> Router {
    let controls = Controls {
        parts,
        admin_token: admin_token.into(),
    };
    Router::new()
        .route("/_local/{*path}", any(control))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(controls)
}

async fn control(
    State(controls): State<Controls>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !controls.is_admin(&headers) {
        let mut response = refuse(
            StatusCode::UNAUTHORIZED,
            16,
            "the test controls need the engine's admin token",
        );
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return response;
    }
    let here = || {
        OPERATIONS
            .iter()
            .filter(|operation| operation.path == uri.path())
    };
    let Some(operation) = here().find(|operation| operation.method == method) else {
        let allowed: Vec<&str> = here().map(|operation| operation.method.as_str()).collect();
        if allowed.is_empty() {
            let message = format!("there is no test control at `{}`", uri.path());
            return refuse(StatusCode::NOT_FOUND, 5, &message);
        }
        let message = format!("this test control answers {} only", allowed.join(" and "));
        let mut response = refuse(StatusCode::METHOD_NOT_ALLOWED, 12, &message);
        if let Ok(value) = HeaderValue::from_str(&allowed.join(", ")) {
            response.headers_mut().insert(header::ALLOW, value);
        }
        return response;
    };
    match controls.answer(operation, &uri, &body).await {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => {
            let (status, code) = error.kind.status();
            refuse(status, code, &error.to_string())
        }
    }
}

impl Controls {
    async fn answer(
        &self,
        operation: &Operation,
        uri: &Uri,
        body: &[u8],
    ) -> Result<Value, ControlError> {
        let query = query(uri.query().unwrap_or_default())?;
        let request = if operation.method == Method::GET {
            query
        } else if query.is_empty() {
            return (operation.run)(&self.parts, parse(body)?).await;
        } else {
            let message = "this test control takes JSON in its body, and no query";
            return Err(ControlError::new(Kind::Invalid, message));
        };
        (operation.run)(&self.parts, Value::Object(request)).await
    }

    fn is_admin(&self, headers: &HeaderMap) -> bool {
        let given = bearer::only_token(headers);
        // Digests are compared, so that time tells nothing about the token.
        given.is_some_and(|given| {
            digest(&SHA256, given.as_bytes()).as_ref()
                == digest(&SHA256, self.admin_token.as_bytes()).as_ref()
        })
    }
}

/// A query as a request: what is to be a number becomes one.
fn query(text: &str) -> Result<Map<String, Value>, ControlError> {
    let mut request = Map::new();
    for (key, value) in form_urlencoded::parse(text.as_bytes()) {
        let number = matches!(&*key, "limit" | "since" | "wait_for" | "timeout_seconds");
        let value = number
            .then(|| serde_json::from_str::<serde_json::Number>(&value).ok())
            .flatten()
            .map_or_else(|| Value::String(value.into_owned()), Value::Number);
        if request.insert(key.to_string(), value).is_some() {
            let message = format!("`{}` comes more than once", key.escape_debug());
            return Err(ControlError::invalid(key, message));
        }
    }
    Ok(request)
}

fn refuse(status: StatusCode, code: u8, message: &str) -> Response {
    let body = json!({ "code": code, "message": message, "details": [] });
    (status, Json(body)).into_response()
}
