//! Refusals of the REST API, in the one form of the contract.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

use crate::{accounts::AccountsError, signing::SigningError, store::StoreError};

/// What kind of refusal; decides the status, the gRPC code and the `error_code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    InvalidArgument,
    FailedPrecondition,
    /// With the value of `WWW-Authenticate`.
    Unauthenticated(&'static str),
    PermissionDenied,
    NotFound,
    UnknownPath,
    AlreadyExists,
    MethodNotAllowed,
    TooLarge,
    DiskFull,
    Internal,
}

impl Kind {
    fn parts(self) -> (StatusCode, u8, &'static str) {
        match self {
            Kind::InvalidArgument => (StatusCode::BAD_REQUEST, 3, "INVALID_ARGUMENT"),
            Kind::FailedPrecondition => (StatusCode::BAD_REQUEST, 9, "FAILED_PRECONDITION"),
            Kind::Unauthenticated(_) => (StatusCode::UNAUTHORIZED, 16, "UNAUTHENTICATED"),
            Kind::PermissionDenied => (StatusCode::FORBIDDEN, 7, "PERMISSION_DENIED"),
            Kind::NotFound => (StatusCode::NOT_FOUND, 5, "RESOURCE_NOT_FOUND"),
            Kind::UnknownPath => (StatusCode::NOT_FOUND, 5, "NOT_FOUND"),
            Kind::AlreadyExists => (StatusCode::CONFLICT, 6, "ALREADY_EXISTS"),
            Kind::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, 12, "METHOD_NOT_ALLOWED"),
            Kind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, 3, "REQUEST_TOO_LARGE"),
            Kind::DiskFull => (StatusCode::INSUFFICIENT_STORAGE, 8, "DISK_FULL"),
            Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, 13, "INTERNAL"),
        }
    }
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Violation {
    field: String,
    description: String,
    constraint: &'static str,
}

impl Violation {
    /// `description` is the sentence without its subject, the field.
    pub(super) fn new(
        field: impl Into<String>,
        constraint: &'static str,
        description: impl Into<String>,
    ) -> Violation {
        Violation {
            field: field.into(),
            description: description.into(),
            constraint,
        }
    }
}

/// A refusal. The middleware `stamp` turns it into an answer, because the answer holds the
/// request's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    kind: Kind,
    message: String,
    violations: Vec<Violation>,
    /// For the log only.
    cause: Option<String>,
}

impl ApiError {
    fn new(kind: Kind, message: impl Into<String>) -> ApiError {
        ApiError {
            kind,
            message: message.into(),
            violations: Vec::new(),
            cause: None,
        }
    }

    /// The request as a whole makes no sense.
    pub(super) fn bad_request(message: impl Into<String>) -> ApiError {
        ApiError::new(Kind::InvalidArgument, message)
    }

    /// These fields of the request are wrong.
    pub(super) fn invalid(violations: Vec<Violation>) -> ApiError {
        let sentences: Vec<String> = violations
            .iter()
            .map(|violation| format!("`{}` {}", violation.field, violation.description))
            .collect();
        ApiError {
            violations,
            ..ApiError::new(Kind::InvalidArgument, sentences.join("; "))
        }
    }

    pub(super) fn failed_precondition(message: impl Into<String>) -> ApiError {
        ApiError::new(Kind::FailedPrecondition, message)
    }

    pub(super) fn unauthenticated(challenge: &'static str, message: impl Into<String>) -> ApiError {
        ApiError::new(Kind::Unauthenticated(challenge), message)
    }

    pub(super) fn permission_denied(message: impl Into<String>) -> ApiError {
        ApiError::new(Kind::PermissionDenied, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> ApiError {
        ApiError::new(Kind::NotFound, message)
    }

    pub(super) fn unknown_path(message: impl Into<String>) -> ApiError {
        ApiError::new(Kind::UnknownPath, message)
    }

    pub(super) fn already_exists(message: impl Into<String>) -> ApiError {
        ApiError::new(Kind::AlreadyExists, message)
    }

    pub(super) fn method_not_allowed(message: impl Into<String>) -> ApiError {
        ApiError::new(Kind::MethodNotAllowed, message)
    }

    pub(super) fn too_large(message: impl Into<String>) -> ApiError {
        ApiError::new(Kind::TooLarge, message)
    }

    fn internal(cause: &dyn std::error::Error) -> ApiError {
        ApiError {
            cause: Some(cause.to_string()),
            ..ApiError::new(
                Kind::Internal,
                "the engine failed; its log says why, under the id of this request",
            )
        }
    }

    /// Writes the refusal into the answer that carries it.
    pub(super) fn write(self, response: Response, request_id: &str) -> Response {
        if let Some(cause) = &self.cause {
            tracing::error!(request_id, cause, "a request failed");
        }
        let (_, code, error_code) = self.kind.parts();
        let mut info = json!({
            "@type": "type.googleapis.com/scalekit.v1.errdetails.ErrorInfo",
            "error_code": error_code,
            "request_info": { "request_id": request_id },
        });
        if !self.violations.is_empty()
            && let Some(info) = info.as_object_mut()
        {
            info.insert(
                "validation_error_info".into(),
                json!({ "field_violations": self.violations }),
            );
        }
        let body = json!({ "code": code, "message": self.message, "details": [info] });
        let (mut parts, _) = response.into_parts();
        // It was computed for the empty body.
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        Response::from_parts(parts, Body::from(body.to_string()))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, ..) = self.kind.parts();
        let mut response = status.into_response();
        if let Kind::Unauthenticated(challenge) = self.kind {
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static(challenge),
            );
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> ApiError {
        match error {
            StoreError::DiskFull => ApiError {
                cause: Some(error.to_string()),
                ..ApiError::new(
                    Kind::DiskFull,
                    "nothing was changed: the engine's disk is full, or its files must not grow any more; free some space and try again",
                )
            },
            _ => ApiError::internal(&error),
        }
    }
}

impl From<SigningError> for ApiError {
    fn from(error: SigningError) -> ApiError {
        ApiError::internal(&error)
    }
}

impl From<AccountsError> for ApiError {
    fn from(error: AccountsError) -> ApiError {
        match error {
            AccountsError::Store(error) => error.into(),
            _ => ApiError::internal(&error),
        }
    }
}
