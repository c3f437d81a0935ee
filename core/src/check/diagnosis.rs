//! Why an agent does not get its tools: errors that name the cause.

use std::time::SystemTime;

use http::{StatusCode, header};

use super::{
    Skew,
    message::{Message, RpcError},
};
use crate::{
    Error, ErrorKind, Session,
    transport::{
        answer::{Answer, http_date},
        origin,
    },
};

/// How much of a server's message is passed on.
const MAX_MESSAGE: usize = 300;

/// What is known of a server when it does not do as it should.
pub(super) struct Diagnosis<'a> {
    session: &'a Session,
    /// The server's clock.
    pub(super) date: Option<SystemTime>,
    /// The tokens that it was sent: if it repeats one, it is not quoted.
    tokens: Vec<String>,
}

impl<'a> Diagnosis<'a> {
    pub(super) fn of(session: &'a Session) -> Self {
        Self {
            session,
            date: None,
            tokens: Vec::new(),
        }
    }

    pub(super) fn sent(&mut self, token: &str) {
        if !self.tokens.iter().any(|known| known == token) {
            self.tokens.push(token.to_owned());
        }
    }

    pub(super) fn heard(&mut self, answer: &Answer) {
        self.date = answer.header(header::DATE.as_str()).and_then(http_date);
    }

    fn place(&self) -> String {
        origin(self.session.parsed_url())
    }

    /// The server's words, to follow what is said of them.
    fn words(&self, error: &RpcError) -> String {
        let said: String = error.message.chars().filter(|c| !c.is_control()).collect();
        let repeats = self.tokens.iter().any(|token| said.contains(token));
        if repeats || said.trim().is_empty() {
            return String::new();
        }
        let short: String = said.chars().take(MAX_MESSAGE).collect();
        format!(": {short}")
    }

    /// Of a request without an answer. What has a name of its own keeps it.
    pub(super) fn unanswered(&self, cause: Error) -> Error {
        if !matches!(
            cause.code(),
            "connect_failed" | "connection_broken" | "attempt_timeout"
        ) {
            return cause;
        }
        Error::new(
            ErrorKind::Connection,
            "mcp_unreachable",
            format!(
                "the MCP server at `{}` cannot be reached: {}",
                self.place(),
                cause.message()
            ),
        )
        .tried(cause.attempts())
        .retryable(cause.is_retryable())
        .suggest("check the session's URL, and that the server is running")
        .caused_by(cause)
    }

    pub(super) fn not_mcp(&self, why: &str) -> Error {
        Error::new(
            ErrorKind::Protocol,
            "not_mcp",
            format!("what answers at `{}` is no MCP server: {why}", self.place()),
        )
        .suggest("check the `mcp_server_url` of the config")
    }

    pub(super) fn too_large(&self, most: &str) -> Error {
        Error::new(
            ErrorKind::Protocol,
            "answer_too_large",
            format!(
                "the MCP server at `{}` lists more than {most}",
                self.place()
            ),
        )
    }

    pub(super) fn mcp_error(&self, method: &str, error: &RpcError) -> Error {
        Error::new(
            ErrorKind::Server,
            "mcp_error",
            format!(
                "the MCP server at `{}` answered `{method}` with error {}{}",
                self.place(),
                error.code,
                self.words(error)
            ),
        )
    }

    /// Of a status that is no success.
    pub(super) fn refusal(&self, answer: &Answer) -> Error {
        let said = serde_json::from_slice::<Message>(&answer.body).ok();
        let said = said.and_then(|message| message.error);
        let words = said
            .as_ref()
            .map_or(String::new(), |error| self.words(error));
        let status = answer.status.as_u16();
        let place = self.place();
        let error = match answer.status {
            StatusCode::UNAUTHORIZED => self.refused_token(said.as_ref(), &words),
            StatusCode::FORBIDDEN => Error::new(
                ErrorKind::PermissionDenied,
                "mcp_forbidden",
                format!("the MCP server at `{place}` forbids this session (403){words}"),
            )
            .suggest("check what the session may do, and whether a proxy stands in between"),
            StatusCode::NOT_FOUND => Error::new(
                ErrorKind::NotFound,
                "mcp_server_not_found",
                format!("there is no MCP server at the session's URL on `{place}` (404){words}"),
            )
            .suggest("the config may have been deleted: get it again, and open a new session"),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                return answer.refusal(&place, self.tokens.iter().map(String::as_str));
            }
            status => self.not_mcp(&format!("it answered {}", status.as_u16())),
        };
        error.status_code(status).request(answer.request_id.clone())
    }

    /// Why a token is refused that was minted a moment ago.
    fn refused_token(&self, said: Option<&RpcError>, words: &str) -> Error {
        let refused = |code, message: String| Error::new(ErrorKind::Unauthenticated, code, message);
        let reason = said.and_then(|error| error.data.get("reason")?.as_str());
        let meant_for = self.session.audience();
        let url = self.session.url();
        if reason == Some("wrong_audience") || meant_for.as_ref().is_some_and(|other| other != url)
        {
            let other = meant_for.map_or_else(
                || "another MCP server".to_owned(),
                |other| format!("`{}`", other.escape_debug()),
            );
            return refused(
                "wrong_audience",
                format!("the session's URL is `{url}`, but its token is for {other}"),
            )
            .suggest("open the session with the config as the server has it, or with its id");
        }
        if let Some(skew) = self.session.skew(self.date).filter(Skew::matters) {
            return refused(
                "clock_skew",
                format!("the MCP server refuses a new session token, and its clock is {skew} that of the token's issuer{words}"),
            )
            .suggest("set the clocks right");
        }
        refused(
            "session_token_refused",
            format!("the MCP server at `{}` refuses a session token that was minted a moment ago{words}", self.place()),
        )
        .suggest("check that the URL belongs to this environment")
    }
}
