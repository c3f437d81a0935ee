//! As much of MCP over Streamable HTTP as it takes to ask a server for its tools.

use std::{collections::HashSet, time::SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    diagnosis::Diagnosis,
    message::{Events, Message, RpcError},
};
use crate::{
    Result, Session,
    records::TARGET,
    transport::{Request, answer::Answer},
};

/// The revision without `initialize`.
const MODERN: &str = "2026-07-28";
/// The newest revision with it.
const LEGACY: &str = "2025-11-25";

const PROTOCOL_VERSION: &str = "mcp-protocol-version";
const SESSION_ID: &str = "mcp-session-id";

/// How an older server refuses the newer revision: it knows no such method without `initialize`, no
/// such version, or no such parameters.
const OF_AN_OLDER_SERVER: [i64; 3] = [-32_601, -32_022, -32_602];

/// A list of tools that always names another page is left after so many.
const MOST_PAGES: usize = 1000;
/// Far more tools than any model can be told of, and all that they say: bounds what is kept.
const MOST_TOOLS: usize = 10_000;
const MOST_BYTES: usize = 16 * 1024 * 1024;

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

/// Requests to the MCP server of one session.
pub(super) struct Conversation<'a> {
    session: &'a Session,
    diagnosis: Diagnosis<'a>,
    /// A refused token was replaced already.
    renewed: bool,
    /// Of the revision that is spoken.
    headers: HeaderMap,
    protocol_version: String,
    /// Bytes of all answers.
    received: usize,
}

/// The end of a request that reached a server.
enum Reply {
    Result(Value),
    /// It spoke MCP and refused, with this status.
    Error(StatusCode, RpcError),
    /// It did not answer as an MCP server does.
    Odd(Answer),
}

impl<'a> Conversation<'a> {
    pub(super) fn with(session: &'a Session) -> Self {
        Self {
            session,
            diagnosis: Diagnosis::of(session),
            renewed: false,
            headers: HeaderMap::from_iter([version(MODERN)]),
            protocol_version: MODERN.to_owned(),
            received: 0,
        }
    }

    pub(super) async fn list_tools(mut self) -> Result<Found> {
        let tools = match self.page(None).await? {
            Reply::Result(page) => self.pages(page).await?,
            refused => self.list_older(&refused).await?,
        };
        Ok(Found {
            protocol_version: self.protocol_version,
            tools,
            date: self.diagnosis.date,
        })
    }

    /// The tools of a server that may know neither the newer revision nor a request without
    /// `initialize`.
    async fn list_older(&mut self, refused: &Reply) -> Result<Vec<Tool>> {
        // What it said in MCP's own words, if these are not an older server's.
        let own_words = match refused {
            Reply::Error(status, error) if !OF_AN_OLDER_SERVER.contains(&error.code) => {
                let error = self.diagnosis.mcp_error("tools/list", error);
                if status.is_success() {
                    return Err(error);
                }
                Some(error)
            }
            _ => None,
        };
        if let Err(error) = self.initialize().await {
            let answered = matches!(
                error.code(),
                "mcp_error" | "mcp_server_not_found" | "not_mcp"
            );
            return Err(own_words.filter(|_| answered).unwrap_or(error));
        }
        let tools = self.greet_and_list().await;
        let gone = matches!(&tools, Err(error) if error.code() == "mcp_unreachable");
        if !gone {
            self.end().await;
        }
        tools
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
            let why = "it answered `initialize` without a protocol version";
            return Err(self.diagnosis.not_mcp(why));
        };
        spoken.clone_into(&mut self.protocol_version);
        self.headers.extend([version(spoken)]);
        if let Some(Ok(id)) = session_id {
            self.headers.insert(SESSION_ID, id);
        }
        Ok(())
    }

    async fn greet_and_list(&mut self) -> Result<Vec<Tool>> {
        self.notify("notifications/initialized").await?;
        let first = self.page(None).await?;
        let page = self.expect("tools/list", first)?;
        self.pages(page).await
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
        let mut cursors = HashSet::new();
        for _ in 0..MOST_PAGES {
            let list: ToolList = serde_json::from_value(page)
                .map_err(|_| self.diagnosis.not_mcp("its list of tools cannot be read"))?;
            tools.extend(list.tools);
            if tools.len() > MOST_TOOLS {
                let most = format!("{MOST_TOOLS} tools");
                return Err(self.diagnosis.too_large(&most));
            }
            if self.received > MOST_BYTES {
                let most = format!("{} MiB of tools", MOST_BYTES / 1024 / 1024);
                return Err(self.diagnosis.too_large(&most));
            }
            let Some(cursor) = list.next_cursor.filter(|cursor| !cursor.is_empty()) else {
                return Ok(tools);
            };
            if cursors.contains(&cursor) {
                break;
            }
            let reply = self.page(Some(&cursor)).await?;
            page = self.expect("tools/list", reply)?;
            cursors.insert(cursor);
        }
        Err(self.diagnosis.not_mcp("its list of tools does not end"))
    }

    fn expect(&self, method: &str, reply: Reply) -> Result<Value> {
        match reply {
            Reply::Result(result) => Ok(result),
            Reply::Error(_, error) => Err(self.diagnosis.mcp_error(method, &error)),
            Reply::Odd(answer) if answer.status.is_success() => {
                let why = format!("it answered `{method}` with no MCP message");
                Err(self.diagnosis.not_mcp(&why))
            }
            Reply::Odd(answer) => Err(self.diagnosis.refusal(&answer)),
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
                tracing::debug!(target: TARGET, code = error.code(), "could not end the MCP session");
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
            Err(self.diagnosis.refusal(&answer))
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
            self.diagnosis.sent(token.token());
            let asked = self.session.client().ask_mcp(&request, token.token()).await;
            let answer = asked.map_err(|error| self.diagnosis.unanswered(error))?;
            self.diagnosis.heard(&answer);
            self.received += answer.body.len();
            match answer.status.as_u16() {
                401 if !self.renewed => {
                    self.renewed = true;
                    self.session.rejected(token.token()).await?;
                }
                401 | 403 | 429 | 500.. => return Err(self.diagnosis.refusal(&answer)),
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
        let request = Request::to_mcp(method, url, headers, || {
            let mut events = Events::default();
            Box::new(move |chunk| events.take(chunk).is_some())
        });
        match body {
            Some(body) => request.json(&body),
            None => Ok(request),
        }
    }
}

fn client_info() -> Value {
    json!({ "name": "scalekit-vmcp", "version": env!("CARGO_PKG_VERSION") })
}

fn version(name: &str) -> (HeaderName, HeaderValue) {
    let value = HeaderValue::from_str(name).unwrap_or(HeaderValue::from_static(LEGACY));
    (HeaderName::from_static(PROTOCOL_VERSION), value)
}

fn read(answer: Answer) -> Reply {
    let message = if answer.is("text/event-stream") {
        Events::first(&answer.body)
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
        }) if answer.status != StatusCode::NOT_FOUND => Reply::Error(answer.status, error),
        _ => Reply::Odd(answer),
    }
}
