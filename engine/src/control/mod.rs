//! The control plane: the REST API of Virtual MCP servers and what is around them, its token
//! endpoint and its keys.

mod accounts;
mod auth;
mod configs;
mod connected_accounts;
mod credentials;
mod describe;
mod error;
mod input;
mod instances;
mod mappings;
mod oauth;
mod openapi;
mod page;
mod routes;
pub(crate) mod seed;
mod targets;
mod tokens;
mod tools;
mod verification;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, Method, Uri},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::any,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use self::{error::ApiError, input::shown};
use crate::engine::Engine;

const MAX_BODY: usize = 1024 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// All routes of the control plane.
pub(crate) fn router(engine: Arc<Engine>) -> Router {
    let (api, open) = routes::routers();
    let api = api.route_layer(from_fn_with_state(
        Arc::clone(&engine),
        auth::require_access_token,
    ));
    Router::new()
        .merge(api)
        .merge(open)
        .route("/api/{*path}", any(unknown_path))
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(Arc::clone(&engine), stamp))
        .with_state(engine)
}

/// Gives every answer its request id, refusals included.
async fn stamp(State(engine): State<Arc<Engine>>, request: Request, next: Next) -> Response {
    let id = engine.request_ids().next();
    let mut response = next.run(request).await;
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        response = error.write(response, &id);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

async fn unknown_path(uri: Uri) -> ApiError {
    ApiError::unknown_path(format!("there is nothing at `{}`", shown(uri.path())))
}

async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    ApiError::wrong_method(&method, &uri)
}

/// A JSON Web Key Set.
#[derive(Serialize, JsonSchema)]
struct Jwks {
    keys: Vec<Map<String, Value>>,
}

async fn keys(State(engine): State<Arc<Engine>>) -> Json<Jwks> {
    let keys = vec![engine.signer().jwk()];
    Json(Jwks { keys })
}

#[derive(Serialize, JsonSchema)]
struct Health {
    status: &'static str,
}

async fn healthz(_: State<Arc<Engine>>) -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Reads a query, and its values as every kind that there is.
#[cfg(any(fuzzing, test))]
pub(crate) fn read_query(text: &str) {
    let Ok(pairs) = input::pairs(text) else {
        return;
    };
    let mut violations = Vec::new();
    for (_, value) in pairs {
        input::duration_seconds(&value);
        page::size(Some(&value), page::SIZES, &mut violations);
        page::cursor(Some(value), "cfg_", &mut violations);
    }
}

#[cfg(test)]
mod tests;
