//! Around every request but those of the test controls: the journal, and the faults of paths.

use std::sync::Arc;

use axum::{
    Json,
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::{
    controls,
    faults::{Effect, Injected, Place},
    request_log::REQUEST_ID,
    wire::Scissors,
};
use crate::{bearer::Caller, data, engine::Engine};

pub(super) async fn watch(
    State(engine): State<Arc<Engine>>,
    request: Request,
    next: Next,
) -> Response {
    let (method, path) = (request.method().as_str(), request.uri().path());
    if controls::are_at(path) {
        return next.run(request).await;
    }
    let mut entry = engine.journal().request(method, path);
    let struck = engine.faults().strike(&Place::Path { method, path });
    let response = match struck {
        None => next.run(request).await,
        Some(injected) => match strike(&engine, &injected, request, next).await {
            Some(response) => response,
            // Never seen by anybody: the connection is cut.
            None => return StatusCode::BAD_GATEWAY.into_response(),
        },
    };
    let caller = response.extensions().get::<Caller>().cloned();
    let request_id = response.headers().get(&REQUEST_ID);
    let request_id = request_id.and_then(|id| id.to_str().ok());
    entry.answered(response.status().as_u16(), request_id, caller);
    response
}

/// The answer, unless there is none.
async fn strike(
    engine: &Engine,
    injected: &Injected,
    request: Request,
    next: Next,
) -> Option<Response> {
    injected.wait().await;
    let scissors = request.extensions().get::<ConnectInfo<Scissors>>();
    let scissors = scissors.map(|ConnectInfo(scissors)| scissors.clone());
    match injected.effect {
        None => return Some(next.run(request).await),
        Some(Effect::Status {
            status,
            retry_after_seconds,
        }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = refuse(engine, request, status).await;
            if let Some(seconds) = retry_after_seconds {
                let headers = response.headers_mut();
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            return Some(response);
        }
        Some(Effect::Garbage) => {
            let headers = [(header::CONTENT_TYPE, "application/json")];
            return Some((headers, "this is not JSON {").into_response());
        }
        Some(Effect::Hang) => injected.hang().await,
        Some(Effect::Drop) => {}
    }
    if let Some(scissors) = scissors {
        scissors.cut();
    }
    None
}

/// A refusal in the form of the API, or of MCP where an MCP server would answer.
async fn refuse(engine: &Engine, request: Request, status: StatusCode) -> Response {
    let message = format!(
        "a fault of the test controls answers with status {}",
        status.as_u16()
    );
    if data::is_at(request.uri().path()) {
        return data::refuse(request, status, "fault", &message).await;
    }
    let (code, error_code) = match status.as_u16() {
        400 => (3, "INVALID_ARGUMENT"),
        401 => (16, "UNAUTHENTICATED"),
        403 => (7, "PERMISSION_DENIED"),
        404 => (5, "NOT_FOUND"),
        409 => (6, "ALREADY_EXISTS"),
        429 => (8, "RATE_LIMITED"),
        499 => (1, "CANCELLED"),
        501 => (12, "UNIMPLEMENTED"),
        503 => (14, "UNAVAILABLE"),
        504 => (4, "DEADLINE_EXCEEDED"),
        500..600 => (13, "INTERNAL"),
        _ => (9, "FAILED_PRECONDITION"),
    };
    let request_id = engine.request_ids().next();
    let body = json!({
        "code": code,
        "message": message,
        "details": [{
            "@type": "type.googleapis.com/scalekit.v1.errdetails.ErrorInfo",
            "error_code": error_code,
            "request_info": { "request_id": request_id },
        }],
    });
    let mut response = (status, Json(body)).into_response();
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}
