//! Says who sat in front of the connect page: the last step of a link with a `user_verify_url`.

use std::sync::Arc;

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    error::{ApiError, Violation},
    input::{Body, identifier, longest},
};
use crate::{engine::Engine, store::Verified};

const MAX_REQUEST_ID: usize = 1000;
const MAX_IDENTIFIER: usize = 200;

#[derive(Deserialize, JsonSchema)]
pub(super) struct VerifyUser {
    /// From the query of the browser that came back.
    #[serde(alias = "authRequestId")]
    #[schemars(required, length(min = 1, max = 1000))]
    auth_request_id: Option<String>,
    /// The user who is signed in.
    #[schemars(required, length(min = 1, max = 200))]
    identifier: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct VerifyAnswer {
    post_user_verify_redirect_url: String,
}

pub(super) async fn verify(
    State(engine): State<Arc<Engine>>,
    Body(request): Body<VerifyUser>,
) -> Result<Json<VerifyAnswer>, ApiError> {
    let mut violations = Vec::new();
    let id = request.auth_request_id.unwrap_or_default();
    if id.is_empty() {
        violations.push(Violation::new("auth_request_id", "required", "is missing"));
    }
    longest("auth_request_id", &id, MAX_REQUEST_ID, &mut violations);
    let identifier = identifier(request.identifier, Some(MAX_IDENTIFIER), &mut violations);
    if !violations.is_empty() {
        return Err(ApiError::invalid(violations));
    }
    match engine.accounts().verify_user(&id, &identifier).await? {
        Verified::Yes => Ok(Json(VerifyAnswer {
            post_user_verify_redirect_url: engine.accounts().verified_url(),
        })),
        Verified::OtherUser => Err(ApiError::permission_denied(format!(
            "the account was connected for another user than `{identifier}`; send the identifier of the user who is signed in"
        ))),
        Verified::Unknown => Err(ApiError::not_found(
            "there is no such request to verify a user, it was answered already, or its time is over",
        )),
    }
}
