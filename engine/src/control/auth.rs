//! The access token that opens every path of the API.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};

use super::error::ApiError;
use crate::{
    bearer::{self, Caller},
    engine::Engine,
    signing::{Claims, TokenError, TokenType},
};

const MISSING: &str = "Bearer";
const INVALID: &str = "Bearer error=\"invalid_token\"";

pub(super) async fn require_access_token(
    State(engine): State<Arc<Engine>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let client = check(&engine, request.headers())?;
    let mut response = next.run(request).await;
    response.extensions_mut().insert(Caller::Client(client));
    Ok(response)
}

/// The client whose token it is. One good token is enough: some clients send a stale one beside it.
fn check(engine: &Engine, headers: &HeaderMap) -> Result<String, ApiError> {
    let mut refusal = ApiError::unauthenticated(
        MISSING,
        "no access token was sent; get one at `/oauth/token` and send it as `Authorization: Bearer <token>`",
    );
    for token in bearer::tokens(headers) {
        match engine.signer().verify(token) {
            Ok(claims) if opens_api(engine, &claims) => return Ok(claims.sub),
            Ok(claims) if claims.token_type == TokenType::McpSession => {
                refusal = ApiError::unauthenticated(
                    INVALID,
                    "a session token opens its MCP server only; send an access token",
                );
            }
            Ok(_) => {
                refusal = ApiError::unauthenticated(
                    INVALID,
                    "the access token is for another environment or client; get a new one at `/oauth/token`",
                );
            }
            Err(
                error @ (TokenError::Malformed | TokenError::BadSignature | TokenError::Expired),
            ) => {
                refusal = ApiError::unauthenticated(
                    INVALID,
                    format!("{error}; get a new one at `/oauth/token`"),
                );
            }
        }
    }
    Err(refusal)
}

/// A client that left the settings takes its tokens with it.
fn opens_api(engine: &Engine, claims: &Claims) -> bool {
    claims.token_type == TokenType::Access
        && claims.iss == engine.issuer()
        && claims.aud == engine.issuer()
        && engine.clients().contains(&claims.sub)
}
