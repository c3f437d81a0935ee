//! The control plane: the REST API of Virtual MCP servers and what is around them, its token
//! endpoint and its keys.

mod accounts;
mod auth;
mod configs;
mod connected_accounts;
mod credentials;
mod error;
mod input;
mod instances;
mod mappings;
mod oauth;
mod page;
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
    routing::{any, get, post},
};
use serde_json::{Value, json};

use self::error::ApiError;
use crate::engine::Engine;

const MAX_BODY: usize = 1024 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// All routes of the control plane.
pub(crate) fn router(engine: Arc<Engine>) -> Router {
    let api = Router::new()
        .route(
            "/api/v1/mcp/configs",
            get(configs::list).post(configs::create),
        )
        .route(
            "/api/v1/mcp/configs/{config_id}",
            get(configs::get)
                .put(configs::update)
                .delete(configs::delete),
        )
        .route(
            "/api/v1/mcp/configs/{config_id}/connected_accounts",
            post(accounts::list),
        )
        .route(
            "/api/v1/mcp/configs/{config_id}/tokens",
            post(tokens::for_config),
        )
        .route(
            "/api/v1/mcp/connections/{key_id}/tokens",
            post(tokens::for_connection),
        )
        .route(
            "/api/v1/connected_accounts/magic_link",
            post(accounts::magic_link),
        )
        .merge(connected_accounts())
        .merge(instances())
        .route("/api/v1/tools", get(tools::list))
        .route("/api/v1/tools/scoped", get(tools::scoped))
        .route("/api/v1/tools/available", get(tools::available))
        .route_layer(from_fn_with_state(
            Arc::clone(&engine),
            auth::require_access_token,
        ));
    Router::new()
        .merge(api)
        .route("/api/{*path}", any(unknown_path))
        .route("/oauth/token", post(oauth::token))
        .route("/keys", get(keys))
        .route("/healthz", get(healthz))
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(Arc::clone(&engine), stamp))
        .with_state(engine)
}

fn connected_accounts() -> Router<Arc<Engine>> {
    const PATH: &str = "/api/v1/connected_accounts";
    Router::new()
        .route(
            PATH,
            get(connected_accounts::list)
                .post(connected_accounts::create)
                .put(connected_accounts::update),
        )
        .route(&format!("{PATH}:search"), get(connected_accounts::search))
        .route(&format!("{PATH}:delete"), post(connected_accounts::delete))
        .route(&format!("{PATH}/auth"), get(connected_accounts::auth))
        .route(&format!("{PATH}/details"), get(connected_accounts::details))
        .route(&format!("{PATH}/this"), get(connected_accounts::details))
        .route(
            &format!("{PATH}/{{id}}"),
            get(connected_accounts::get).post(connected_accounts::act),
        )
        .route(&format!("{PATH}/user/verify"), post(verification::verify))
}

fn instances() -> Router<Arc<Engine>> {
    const PATH: &str = "/api/v1/mcp/instances";
    Router::new()
        .route(PATH, get(instances::list).post(instances::ensure))
        .route(
            &format!("{PATH}/{{instance_id}}"),
            get(instances::get)
                .patch(instances::update)
                .delete(instances::delete)
                .post(instances::act),
        )
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
    ApiError::unknown_path(format!("there is nothing at `{}`", uri.path()))
}

async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    ApiError::method_not_allowed(format!(
        "`{}` does not answer `{method}`; the header `Allow` says what it does",
        uri.path()
    ))
}

async fn keys(State(engine): State<Arc<Engine>>) -> Json<Value> {
    Json(engine.signer().jwks())
}

async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

#[cfg(test)]
mod tests;
