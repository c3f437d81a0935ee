//! What can go wrong between the engine and an upstream MCP server.

use std::{fmt, io, path::PathBuf, sync::Arc};

use jiff::Timestamp;
use rmcp::model::ErrorData;
use thiserror::Error;

use super::{sandbox::SandboxError, templates::TemplateError};

/// A failure of an upstream. `Clone`, because everyone who waited for one connect is told.
#[derive(Debug, Clone, Error)]
pub(crate) enum UpstreamError {
    /// The program of a stdio upstream does not exist.
    #[error(
        "connection `{connection}`: the command `{command}` was not found; check `upstream.command`"
    )]
    CommandNotFound {
        connection: Box<str>,
        command: String,
    },

    /// The process could not be started, or ended before it answered.
    #[error("connection `{connection}`: the upstream did not start: {reason}{stderr}")]
    StartFailed {
        connection: Box<str>,
        reason: String,
        stderr: Tail,
    },

    /// Something answered, but not the way an MCP server does.
    #[error("connection `{connection}`: the upstream does not speak MCP: {reason}{stderr}")]
    NotMcp {
        connection: Box<str>,
        reason: String,
        stderr: Tail,
    },

    /// An HTTP upstream answered 401.
    #[error(
        "connection `{connection}`: the upstream refused the account's credential (HTTP status 401); authorize the account again"
    )]
    CredentialRefused { connection: Box<str> },

    /// An HTTP upstream answered 401, and the provider gave no other access token.
    #[error(
        "connection `{connection}`: the account's access token has ended and could not be renewed: {reason}; try again later"
    )]
    RenewalFailed {
        connection: Box<str>,
        reason: String,
    },

    /// An HTTP upstream answered with a status that is not an MCP answer.
    #[error("connection `{connection}`: the upstream answered with HTTP status {status}")]
    HttpStatus { connection: Box<str>, status: u16 },

    /// A request could not be delivered.
    #[error("connection `{connection}`: the upstream could not be reached: {reason}")]
    Unreachable {
        connection: Box<str>,
        reason: String,
    },

    /// A deadline passed.
    #[error("connection `{connection}`: the upstream did not answer in time to {phase}{stderr}")]
    TimedOut {
        connection: Box<str>,
        phase: Phase,
        stderr: Tail,
    },

    /// The upstream went away, or was stopped, while a request was under way. A call may have
    /// been executed.
    #[error(
        "connection `{connection}`: the upstream closed before it answered; the next request starts it again"
    )]
    Closed { connection: Box<str> },

    /// It failed just now, and is left alone for a while.
    #[error("{error}; it is tried again at {until}")]
    Resting {
        error: Arc<UpstreamError>,
        until: Timestamp,
    },

    /// As many children run as may, and all of them are in use.
    #[error(
        "connection `{connection}`: all {limit} upstream processes that may run are in use; try again later, or raise `children` of `[upstreams]`"
    )]
    Full { connection: Box<str>, limit: usize },

    /// The upstream answered with a JSON-RPC error, which is passed on as it is.
    #[error("connection `{connection}`: the upstream answered with the error {}: {}", error.code.0, error.message)]
    Refused {
        connection: Box<str>,
        error: ErrorData,
    },

    /// The upstream answered with a result that a plain tool call cannot have.
    #[error(
        "connection `{connection}`: the upstream answered with {answer}, which is not supported"
    )]
    Unexpected {
        connection: Box<str>,
        answer: String,
    },

    /// The upstream sent what is not read.
    #[error(
        "connection `{connection}`: the upstream sent a message that is {reason}, which is not read; a call may have been executed"
    )]
    Unreadable {
        connection: Box<str>,
        reason: String,
    },

    /// The pages of `tools/list` have no end.
    #[error("connection `{connection}`: the upstream's `tools/list` does not end: it sent {what}")]
    Endless {
        connection: Box<str>,
        what: &'static str,
    },

    /// A value of `env` or `headers` could not be filled in.
    #[error("connection `{connection}`: {source}")]
    Template {
        connection: Box<str>,
        source: TemplateError,
    },

    /// The sandbox file, or a user's log of it, could not be used.
    #[error("connection `{connection}`: {source}")]
    Sandbox {
        connection: Box<str>,
        source: Arc<SandboxError>,
    },

    /// The private folder of an account could not be made.
    #[error("connection `{connection}`: could not create the account's folder `{}`: {source}", path.display())]
    Directory {
        connection: Box<str>,
        path: PathBuf,
        source: Arc<io::Error>,
    },

    /// This system has no way to run children safely yet.
    #[error(
        "connection `{connection}`: an upstream with a `command` is not supported on this system yet; use `upstream.url`"
    )]
    Unsupported { connection: Box<str> },
}

/// What the engine was waiting for when a deadline passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Connect,
    List,
    Call,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "the MCP handshake",
            Self::List => "`tools/list`",
            Self::Call => "`tools/call`",
        })
    }
}

/// The last lines a child wrote to stderr, already redacted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tail(pub(crate) Vec<String>);

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, "; its last words were:\n{}", self.0.join("\n"))
    }
}
