//! The one error type: what went wrong, with what, and what to do.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{explain, model::ConnectionAuthState};

/// What kind of failure it is. Coarse on purpose: [`Error::code`] is the fine one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument breaks a rule, found before any request or by the server (HTTP 400).
    InvalidArgument,
    /// The client credentials or the access token were refused.
    Unauthenticated,
    /// The credentials are good but lack a permission (HTTP 403).
    PermissionDenied,
    /// No such object in the environment (HTTP 404).
    NotFound,
    /// The object exists already or was changed meanwhile (HTTP 409).
    Conflict,
    /// Too many requests (HTTP 429); see [`Error::retry_after`].
    RateLimited,
    /// The user must authorize one or more connections; see [`Error::authorization_required`].
    AuthorizationRequired,
    /// A deadline passed, here or at the server (HTTP 504).
    Timeout,
    /// The server could not be reached, or the connection broke.
    Connection,
    /// The server failed (HTTP 5xx).
    Server,
    /// The server answered something this API does not say.
    Protocol,
    /// The client, or the runtime under it, is shutting down.
    Closed,
}

impl ErrorKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: &'static [Self] = &[
        Self::InvalidArgument,
        Self::Unauthenticated,
        Self::PermissionDenied,
        Self::NotFound,
        Self::Conflict,
        Self::RateLimited,
        Self::AuthorizationRequired,
        Self::Timeout,
        Self::Connection,
        Self::Server,
        Self::Protocol,
        Self::Closed,
    ];

    /// The stable name that crosses language borders, such as `not_found`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "invalid_argument",
            Self::Unauthenticated => "unauthenticated",
            Self::PermissionDenied => "permission_denied",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::RateLimited => "rate_limited",
            Self::AuthorizationRequired => "authorization_required",
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::Server => "server",
            Self::Protocol => "protocol",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a call failed. Cheap to clone; holds no token, secret or key.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    code: &'static str,
    message: String,
    argument: Option<String>,
    status: Option<u16>,
    error_code: Option<String>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    attempts: u32,
    retryable: bool,
    details: Option<Value>,
    suggestion: Option<String>,
    connections: Vec<ConnectionAuthState>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, code: &'static str, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            code,
            message: message.into(),
            argument: None,
            status: None,
            error_code: None,
            request_id: None,
            retry_after: None,
            attempts: 0,
            retryable: false,
            details: None,
            suggestion: None,
            connections: Vec::new(),
            source: None,
        }))
    }

    /// A broken rule of `argument`, found before any request.
    pub(crate) fn argument(
        code: &'static str,
        argument: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::new(ErrorKind::InvalidArgument, code, message)
            .with(|inner| inner.argument = Some(argument.into()))
    }

    pub(crate) fn authorization(connections: Vec<ConnectionAuthState>, cause: Self) -> Self {
        let names: Vec<String> = connections
            .iter()
            .map(ConnectionAuthState::in_words)
            .collect();
        let message = format!(
            "the user must authorize {} before a session can start",
            names.join(", ")
        );
        Self::new(ErrorKind::AuthorizationRequired, "authorization_required", message).with(|inner| {
            inner.status = cause.status();
            inner.request_id = cause.request_id().map(str::to_owned);
            inner.attempts = cause.attempts();
            inner.connections = connections;
            inner.suggestion = Some(
                "send the user the authentication link of each connection, wait until all are `ACTIVE`, then open the session again"
                    .to_owned(),
            );
            inner.source = Some(Arc::new(cause));
        })
    }

    /// An account that became `DISCONNECTED` while somebody waited for it.
    pub(crate) fn disconnected(connection: ConnectionAuthState) -> Self {
        let message = format!(
            "the user's account on `{}` was disconnected while waiting for it",
            connection.connection_name
        );
        Self::new(
            ErrorKind::AuthorizationRequired,
            "account_disconnected",
            message,
        )
        .suggest("wait again if the user still wants to authorize: a new link is made then")
        .with(|inner| inner.connections = vec![connection])
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// The same under a code that says more.
    pub(crate) fn recoded(self, code: &'static str) -> Self {
        self.with(|inner| inner.code = code)
    }

    pub(crate) fn suggest(self, suggestion: impl Into<String>) -> Self {
        self.with(|inner| inner.suggestion = Some(suggestion.into()))
    }

    pub(crate) fn status_code(self, status: u16) -> Self {
        self.with(|inner| inner.status = Some(status))
    }

    pub(crate) fn server_code(self, error_code: Option<String>) -> Self {
        self.with(|inner| inner.error_code = error_code)
    }

    pub(crate) fn request(self, request_id: Option<String>) -> Self {
        self.with(|inner| inner.request_id = request_id)
    }

    pub(crate) fn wait(self, retry_after: Option<Duration>) -> Self {
        self.with(|inner| inner.retry_after = retry_after)
    }

    pub(crate) fn tried(self, attempts: u32) -> Self {
        self.with(|inner| inner.attempts = attempts)
    }

    pub(crate) fn retryable(self, retryable: bool) -> Self {
        self.with(|inner| inner.retryable = retryable)
    }

    /// The argument that the server found fault with.
    pub(crate) fn about(self, argument: Option<String>) -> Self {
        self.with(|inner| inner.argument = argument)
    }

    pub(crate) fn detailed(self, details: Option<Value>) -> Self {
        self.with(|inner| inner.details = details)
    }

    pub(crate) fn caused_by(self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.with(|inner| inner.source = Some(Arc::new(source)))
    }

    /// The coarse kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The fine, stable code, such as `config_name_invalid` or `deadline_exceeded`.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// What [`Error::code`] means and what to do: one paragraph, see [`explain`](crate::explain()).
    pub fn explanation(&self) -> Option<&'static str> {
        explain(self.0.code)
    }

    /// One sentence for a person.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The argument that breaks a rule, such as `connection_tool_mappings[0].tools`: found here,
    /// or named by the server.
    pub fn argument_name(&self) -> Option<&str> {
        self.0.argument.as_deref()
    }

    /// The HTTP status, if the server answered.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The server's own `error_code`, such as `RESOURCE_NOT_FOUND`.
    pub fn error_code(&self) -> Option<&str> {
        self.0.error_code.as_deref()
    }

    /// The id of the request at the server: name it when you ask for support.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How long the server asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How many times the request was sent or tried; 0 if the error was found before any request.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Whether the same call may succeed later without any change.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Whether the server may have done what it was asked without having said so.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Connection | ErrorKind::Timeout | ErrorKind::Server
        )
    }

    /// The `details` of the server's error body, as it sent them.
    pub fn details(&self) -> Option<&Value> {
        self.0.details.as_ref()
    }

    /// What to do about it, where that is known.
    pub fn suggestion(&self) -> Option<&str> {
        self.0.suggestion.as_deref()
    }

    /// The connections that the user must authorize first, each with status and link.
    ///
    /// `Some` exactly when the kind is [`ErrorKind::AuthorizationRequired`].
    pub fn authorization_required(&self) -> Option<&[ConnectionAuthState]> {
        (self.0.kind == ErrorKind::AuthorizationRequired).then_some(self.0.connections.as_slice())
    }

    /// Everything a binding needs to raise this error in its own language.
    pub fn to_json(&self) -> Value {
        let inner = &*self.0;
        json!({
            "kind": inner.kind.as_str(),
            "code": inner.code,
            "message": inner.message,
            "argument": inner.argument,
            "status": inner.status,
            "error_code": inner.error_code,
            "request_id": inner.request_id,
            "retry_after_ms": inner.retry_after.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
            "attempts": inner.attempts,
            "retryable": inner.retryable,
            "details": inner.details,
            "suggestion": inner.suggestion,
            "connections": inner.connections,
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(suggestion) = &self.0.suggestion {
            write!(f, "; {suggestion}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        let mut out = f.debug_struct("Error");
        out.field("kind", &inner.kind)
            .field("code", &inner.code)
            .field("message", &inner.message);
        if let Some(argument) = &inner.argument {
            out.field("argument", argument);
        }
        if let Some(status) = inner.status {
            out.field("status", &status);
        }
        if let Some(error_code) = &inner.error_code {
            out.field("error_code", error_code);
        }
        if let Some(request_id) = &inner.request_id {
            out.field("request_id", request_id);
        }
        if inner.attempts > 0 {
            out.field("attempts", &inner.attempts);
        }
        if let Some(source) = &inner.source {
            out.field("source", source);
        }
        out.finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_pointer_and_crosses_threads() {
        fn crosses<T: Send + Sync + 'static>() {}
        crosses::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn links_are_given_to_the_caller_and_kept_out_of_every_text() {
        let state = ConnectionAuthState {
            connection_name: "gmail".to_owned(),
            authentication_link: Some("https://example.test/connect/s3cret".to_owned()),
            ..ConnectionAuthState::default()
        };
        let error = Error::authorization(
            vec![state],
            Error::new(ErrorKind::InvalidArgument, "bad_request", "no"),
        );
        let connections = error.authorization_required().unwrap();
        assert_eq!(
            connections[0].authentication_link.as_deref(),
            Some("https://example.test/connect/s3cret")
        );
        assert!(!format!("{error} {error:?}").contains("s3cret"));
        assert!(error.to_string().contains("`gmail` (no account)"));
    }
}
