//! Why a test control did nothing.

use std::fmt;

use http::StatusCode;

use crate::{accounts::AccountsError, local::engine::ResetError, store::StoreError};

/// What kind of failure, in the words that bindings have for kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::local) enum Kind {
    Invalid,
    Unknown,
    Refused,
    TimedOut,
    Closed,
    Internal,
}

impl Kind {
    /// The kind and the code of an error for bindings.
    pub(in crate::local) fn names(self) -> (&'static str, &'static str) {
        match self {
            Kind::Invalid => ("invalid_argument", "control_invalid"),
            Kind::Unknown => ("not_found", "control_target_unknown"),
            Kind::Refused => ("conflict", "control_refused"),
            Kind::TimedOut => ("timeout", "journal_timeout"),
            Kind::Closed => ("closed", "engine_closed"),
            Kind::Internal => ("server", "engine_data_unusable"),
        }
    }

    /// The status and the gRPC code of an answer.
    pub(super) fn status(self) -> (StatusCode, u8) {
        match self {
            Kind::Invalid => (StatusCode::BAD_REQUEST, 3),
            Kind::Unknown => (StatusCode::NOT_FOUND, 5),
            Kind::Refused => (StatusCode::CONFLICT, 9),
            Kind::TimedOut => (StatusCode::GATEWAY_TIMEOUT, 4),
            Kind::Closed => (StatusCode::SERVICE_UNAVAILABLE, 14),
            Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, 13),
        }
    }
}

/// Why a test control did nothing. The message names the place and the rule, and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlError {
    pub(in crate::local) kind: Kind,
    /// The field of the request that is wrong.
    pub(in crate::local) field: Option<String>,
    message: String,
}

impl ControlError {
    pub(super) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            field: None,
            message: message.into(),
        }
    }

    pub(super) fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        let field = Some(field.into()).filter(|field| !field.is_empty());
        Self {
            field,
            ..Self::new(Kind::Invalid, message)
        }
    }

    /// The field names nothing that exists.
    pub(super) fn unknown(field: &str, message: impl Into<String>) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..Self::new(Kind::Unknown, message)
        }
    }

    /// What went wrong, for programs: `control_invalid`, `control_target_unknown`,
    /// `control_refused`, `journal_timeout`, `engine_closed` or `engine_data_unusable`.
    /// `vmcp explain` tells more.
    pub fn code(&self) -> &'static str {
        self.kind.names().1
    }
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ControlError {}

impl From<StoreError> for ControlError {
    fn from(error: StoreError) -> Self {
        Self::new(Kind::Internal, error.to_string())
    }
}

impl From<AccountsError> for ControlError {
    fn from(error: AccountsError) -> Self {
        Self::new(Kind::Internal, error.to_string())
    }
}

impl From<ResetError> for ControlError {
    fn from(error: ResetError) -> Self {
        Self::new(Kind::Internal, error.to_string())
    }
}
