//! As much of MCP over Streamable HTTP as it takes to ask a server for its tools.

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Skew;
use crate::{
    Error, ErrorKind, Result, Session,
    transport::{
        Request,
        answer::{Answer, http_date},
        origin,
    },
};

/// The revision without `initialize`.
const MODERN: &str = "2026-07-28";
/// The newest revision with it.
const LEGACY: &str = "2025-11-25";

const PROTOCOL_VERSION: &str = "mcp-protocol-version";
const SESSION_ID: &str = "mcp-session-id";
/// A list of tools that always names another page is left after so many.
const MOST_PAGES: usize = 1000;

/// A tool as MCP describes it; what is not read here is ignored.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) input_schema: Value,
    #[serde(default)]
    pub(super) annotations: Annotations,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Annotations {
    pub(super) read_only_hint: Option<bool>,
}

/// What a server answered.
pub(super) struct Found {
    pub(super) protocol_version: String,
    pub(super) tools: Vec<Tool>,
    /// The server's clock.
    pub(super) date: Option<SystemTime>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolList {
    tools: Vec<Tool>,
    next_cursor: Option<String>,
}

/// A JSON-RPC response.
#[derive(Deserialize)]
struct Message {
    jsonrpc: String,
    result: Option<Value>,
    error: Option<RpcError>,
}

#[derive(Deserialize)]
struct RpcError {
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: Value,
}

/// Requests to the MCP server of one session.
pub(super) struct Conversation<'a> {
    session: &'a Session,
    /// A refused token was replaced already.
    renewed: bool,
    /// Of the revision that is spoken.
    headers: HeaderMap,
    protocol_version: String,
    date: Option<SystemTime>,
}

/// The end of a request that reached a server.
enum Reply {
    Result(Value),
    /// It spoke MCP and refused.
    Error(RpcError),
    /// It did not answer as an MCP server does.
    Odd(Answer),
}

impl<'a> Conversation<'a> {
    pub(super) fn with(session: &'a Session) -> Self {
        Self {
            session,
            renewed: false,
            headers: HeaderMap::from_iter([version(MODERN)]),
            protocol_version: MODERN.to_owned(),
            date: None,
        }
    }

    pub(super) async fn list_tools(mut self) -> Result<Found> {
        let tools = match self.page(None).await? {
            Reply::Result(page) => self.pages(page).await?,
            // An older server knows neither the revision nor a request without `initialize`.
            Reply::Error(_) | Reply::Odd(_) => {
                self.initialize().await?;
                let first = self.page(None).await?;
                let page = self.expect("tools/list", first)?;
                let tools = self.pages(page).await;
                self.end().await;
                tools?
            }
        };
        Ok(Found {
            protocol_version: self.protocol_version,
            tools,
            date: self.date,
        })
    }

    async fn initialize(&mut self) -> Result<()> {
        self.headers = HeaderMap::new();
        LEGACY.clone_into(&mut self.protocol_version);
        let params = json!({
            "protocolVersion": LEGACY,
            "capabilities": {},
            "clientInfo": client_info(),
        });
        let answer = self.post("initialize", params).await?;
        let session_id = answer.header(SESSION_ID).map(HeaderValue::from_str);
        let reply = read(answer);
        let result = self.expect("initialize", reply)?;
        let Some(spoken) = result.get("protocolVersion").and_then(Value::as_str) else {
            return Err(self.not_mcp("it answered `initialize` without a protocol version"));
        };
        spoken.clone_into(&mut self.protocol_version);
        self.headers.extend([version(spoken)]);
        if let Some(Ok(id)) = session_id {
            self.headers.insert(SESSION_ID, id);
        }
        self.notify("notifications/initialized").await
    }

    /// One page of tools.
    async fn page(&mut self, cursor: Option<&str>) -> Result<Reply> {
        let mut params = Map::new();
        if let Some(cursor) = cursor {
            params.insert("cursor".to_owned(), cursor.into());
        }
        if self.protocol_version == MODERN {
            let about = json!({
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": client_info(),
            });
            params.insert("_meta".to_owned(), about);
        }
        Ok(read(self.post("tools/list", params.into()).await?))
    }

    /// The tools of a page and of all that follow.
    async fn pages(&mut self, mut page: Value) -> Result<Vec<Tool>> {
        let mut tools = Vec::new();
        for _ in 0..MOST_PAGES {
            let list: ToolList = serde_json::from_value(page)
                .map_err(|_| self.not_mcp("its list of tools cannot be read"))?;
            tools.extend(list.tools);
            let Some(cursor) = list.next_cursor.filter(|cursor| !cursor.is_empty()) else {
                return Ok(tools);
            };
            let reply = self.page(Some(&cursor)).await?;
            page = self.expect("tools/list", reply)?;
        }
        Err(self.not_mcp("its list of tools does not end"))
    }

    fn expect(&self, method: &str, reply: Reply) -> Result<Value> {
        match reply {
            Reply::Result(result) => Ok(result),
            Reply::Error(error) => Err(Error::new(
                ErrorKind::Server,
                "mcp_error",
                format!(
                    "the MCP server at `{}` answered `{method}` with error {}: {}",
                    self.place(),
                    error.code,
                    short(&error.message)
                ),
            )),
            Reply::Odd(answer) if answer.status.is_success() => {
                Err(self.not_mcp(&format!("it answered `{method}` with no MCP message")))
            }
            Reply::Odd(answer) => Err(self.refusal(&answer)),
        }
    }

    /// Says goodbye to a server that keeps sessions. It may well not want to hear it.
    async fn end(&self) {
        if self.headers.contains_key(SESSION_ID)
            && let Ok(token) = self.session.token().await
        {
            let Ok(request) = self.request(Method::DELETE, HeaderMap::new(), None) else {
                return;
            };
            let sent = self.session.client().ask_mcp(&request, token.token()).await;
            if let Err(error) = sent {
                tracing::debug!(target: "scalekit_vmcp", code = error.code(), "could not end the MCP session");
            }
        }
    }

    async fn notify(&mut self, method: &str) -> Result<()> {
        let answer = self
            .send(method, json!({ "jsonrpc": "2.0", "method": method }))
            .await?;
        if answer.status.is_success() {
            Ok(())
        } else {
            Err(self.refusal(&answer))
        }
    }

    async fn post(&mut self, method: &str, params: Value) -> Result<Answer> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.send(method, body).await
    }

    /// Sends a message; a token that is refused is replaced once.
    async fn send(&mut self, method: &str, body: Value) -> Result<Answer> {
        let mut headers = HeaderMap::new();
        if self.protocol_version == MODERN
            && let Ok(value) = HeaderValue::from_str(method)
        {
            headers.insert("mcp-method", value);
        }
        let request = self.request(Method::POST, headers, Some(body))?;
        loop {
            let token = self.session.token().await?;
            let asked = self.session.client().ask_mcp(&request, token.token()).await;
            let answer = asked.map_err(|error| self.unreachable(error))?;
            self.date = answer.header(header::DATE.as_str()).and_then(http_date);
            match answer.status.as_u16() {
                401 if !self.renewed => {
                    self.renewed = true;
                    self.session.rejected(token.token()).await?;
                }
                401 | 403 | 429 | 500.. => return Err(self.refusal(&answer)),
                _ => return Ok(answer),
            }
        }
    }

    fn request(&self, method: Method, more: HeaderMap, body: Option<Value>) -> Result<Request> {
        let mut headers = self.headers.clone();
        headers.extend(more);
        headers.insert(
            header::ACCEPT,
            HeaderValue::from_static("application/json, text/event-stream"),
        );
        let url = self.session.parsed_url().clone();
        let request = Request::to_mcp(method, url, headers, |body| event(body).is_some());
        match body {
            Some(body) => request.json(&body),
            None => Ok(request),
        }
    }

    fn place(&self) -> String {
        origin(self.session.parsed_url())
    }

    fn unreachable(&self, cause: Error) -> Error {
        if cause.kind() == ErrorKind::Closed {
            return cause;
        }
        Error::new(
            ErrorKind::Connection,
            "mcp_unreachable",
            format!("the MCP server at `{}` cannot be reached", self.place()),
        )
        .tried(cause.attempts())
        .retryable(true)
        .suggest("check the session's URL, and that the server is running")
        .caused_by(cause)
    }

    fn not_mcp(&self, why: &str) -> Error {
        Error::new(
            ErrorKind::Protocol,
            "not_mcp",
            format!("what answers at `{}` is no MCP server: {why}", self.place()),
        )
        .suggest("check the `mcp_server_url` of the config")
    }

    /// Why an agent does not get its tools.
    fn refusal(&self, answer: &Answer) -> Error {
        let said = serde_json::from_slice::<Message>(&answer.body).ok();
        let said = said.and_then(|message| message.error);
        let words = said.as_ref().map_or(String::new(), |error| {
            format!(": {}", short(&error.message))
        });
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
                return answer.refusal(&place, None);
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

fn client_info() -> Value {
    json!({ "name": "scalekit-vmcp", "version": env!("CARGO_PKG_VERSION") })
}

fn version(name: &str) -> (HeaderName, HeaderValue) {
    let value = HeaderValue::from_str(name).unwrap_or(HeaderValue::from_static(LEGACY));
    (HeaderName::from_static(PROTOCOL_VERSION), value)
}

/// As much of a server's words as a message can bear.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

fn read(answer: Answer) -> Reply {
    let message = if answer.is("text/event-stream") {
        event(&answer.body)
    } else {
        serde_json::from_slice::<Message>(&answer.body).ok()
    };
    match message {
        Some(Message { jsonrpc, .. }) if jsonrpc != "2.0" => Reply::Odd(answer),
        Some(Message {
            result: Some(result),
            ..
        }) if answer.status.is_success() => Reply::Result(result),
        Some(Message {
            error: Some(error), ..
        }) if answer.status != StatusCode::NOT_FOUND => Reply::Error(error),
        _ => Reply::Odd(answer),
    }
}

/// The first response in a stream of server-sent events, if it has come whole.
fn event(stream: &[u8]) -> Option<Message> {
    let text = std::str::from_utf8(stream).ok()?.replace("\r\n", "\n");
    let (whole, _) = text.rsplit_once("\n\n")?;
    whole.split("\n\n").find_map(|event| {
        let data: Vec<&str> = event
            .lines()
            .filter_map(|line| line.strip_prefix("data:"))
            .map(|data| data.strip_prefix(' ').unwrap_or(data))
            .collect();
        let message: Message = serde_json::from_str(&data.join("\n")).ok()?;
        // Notifications may come first.
        (message.result.is_some() || message.error.is_some()).then_some(message)
    })
}
