//! An MCP server over HTTP, written by hand: it counts what it is asked, loses sessions and answers what it should not.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::post,
};
use serde_json::json;

use super::{http::http_connection, *};

pub(super) struct Fake {
    pub(super) connection: Arc<Connection>,
    pub(super) seen: Arc<Seen>,
}

#[derive(Default)]
pub(super) struct Seen {
    modern: bool,
    methods: Mutex<Vec<String>>,
    pub(super) executed: AtomicUsize,
    session: AtomicUsize,
    /// How it answers a session that it does not know.
    unknown: Mutex<Unknown>,
    /// No session is known any more, however new.
    forgetful: AtomicBool,
}

/// What servers say about a session that they have lost.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Unknown {
    #[default]
    NotFound,
    /// 400 in words.
    Words,
    /// 400 with a JSON-RPC error that has no id.
    NoId,
    /// 400 with a JSON-RPC error of an id of its own.
    OtherId,
}

pub(super) const UNKNOWN: [Unknown; 4] = [
    Unknown::NotFound,
    Unknown::Words,
    Unknown::NoId,
    Unknown::OtherId,
];

impl Unknown {
    fn answer(self) -> Response {
        let bad = StatusCode::BAD_REQUEST;
        let text = "Bad Request: No valid session ID provided";
        let mut error = json!({ "jsonrpc": "2.0", "error": { "code": -32000, "message": text } });
        match self {
            Self::NotFound => StatusCode::NOT_FOUND.into_response(),
            Self::Words => (bad, text).into_response(),
            Self::NoId => (bad, Json(error)).into_response(),
            Self::OtherId => {
                error["id"] = json!("server-error");
                (bad, Json(error)).into_response()
            }
        }
    }
}

impl Fake {
    pub(super) async fn legacy() -> Self {
        Self::serve(false).await
    }

    pub(super) async fn modern() -> Self {
        Self::serve(true).await
    }

    async fn serve(modern: bool) -> Self {
        let seen = Arc::new(Seen {
            modern,
            ..Seen::default()
        });
        let app = Router::new()
            .route("/mcp", post(answer).delete(StatusCode::NO_CONTENT))
            .with_state(Arc::clone(&seen));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self {
            connection: http_connection(&format!("http://{address}/mcp")),
            seen,
        }
    }
}

impl Seen {
    /// Forgets the sessions that there are.
    pub(super) fn forget(&self, unknown: Unknown) {
        *self.unknown.lock().unwrap() = unknown;
        self.session.fetch_add(1, Ordering::SeqCst);
    }

    /// Forgets every session, those to come as well.
    pub(super) fn forget_always(&self, unknown: Unknown) {
        self.forgetful.store(true, Ordering::SeqCst);
        self.forget(unknown);
    }

    /// What it was asked since the last time.
    pub(super) fn methods(&self) -> Vec<String> {
        std::mem::take(&mut self.methods.lock().unwrap())
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        let current = self.session.load(Ordering::SeqCst).to_string();
        self.modern
            || !self.forgetful.load(Ordering::SeqCst)
                && headers
                    .get("mcp-session-id")
                    .is_some_and(|id| id.as_bytes() == current.as_bytes())
    }
}

async fn answer(
    State(seen): State<Arc<Seen>>,
    headers: HeaderMap,
    Json(message): Json<Value>,
) -> Response {
    let (method, id) = (message["method"].as_str().unwrap(), &message["id"]);
    seen.methods.lock().unwrap().push(method.to_owned());
    let result = |result: Value| Json(json!({ "jsonrpc": "2.0", "id": id, "result": result }));
    match method {
        "server/discover" if seen.modern => result(json!({
            "resultType": "complete", "supportedVersions": ["2026-07-28"], "ttlMs": 0,
            "cacheScope": "private", "capabilities": { "tools": {} },
        }))
        .into_response(),
        "server/discover" => StatusCode::BAD_REQUEST.into_response(),
        "initialize" => {
            let session = seen.session.fetch_add(1, Ordering::SeqCst) + 1;
            let result = result(json!({
                "protocolVersion": "2025-06-18", "capabilities": { "tools": {} },
                "serverInfo": { "name": "fake", "version": "1" },
            }));
            ([("mcp-session-id", session.to_string())], result).into_response()
        }
        "notifications/initialized" => StatusCode::ACCEPTED.into_response(),
        _ if !seen.knows(&headers) => seen.unknown.lock().unwrap().answer(),
        "tools/list" => result(json!({
            "resultType": "complete", "ttlMs": 0, "cacheScope": "private",
            "tools": [{ "name": "any", "inputSchema": { "type": "object" } }],
        }))
        .into_response(),
        "tools/call" => {
            seen.executed.fetch_add(1, Ordering::SeqCst);
            call(id, message["params"]["name"].as_str().unwrap())
        }
        _ => StatusCode::ACCEPTED.into_response(),
    }
}

fn call(id: &Value, name: &str) -> Response {
    let result = |result: &str| {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
        ([("content-type", "application/json")], text).into_response()
    };
    let text = |size: usize| {
        let text = "x".repeat(size);
        format!(
            r#"{{"resultType":"complete","content":[{{"type":"text","text":"{text}"}}],"structuredContent":{{}}}}"#
        )
    };
    match name {
        "lose" => Body::from_stream(futures_util::stream::once(async {
            Err::<Vec<u8>, _>(std::io::Error::other("lost"))
        }))
        .into_response(),
        "refuse" => {
            let error = json!({ "jsonrpc": "2.0", "error": { "code": -32602, "message": "no such thing" } });
            (StatusCode::BAD_REQUEST, Json(error)).into_response()
        }
        "html" => ([("content-type", "text/html")], "<p>Welcome</p>").into_response(),
        "half" => ([("content-type", "application/json")], r#"{"jsonrpc":"#).into_response(),
        "wrong" => result(r#"{"content":"none"}"#),
        "deep" => result(&format!(
            r#"{{"content":[],"structuredContent":{}{}}}"#,
            "[".repeat(200),
            "]".repeat(200)
        )),
        "large" => result(&text(10 << 20)),
        "too-large" => result(&text(17 << 20)),
        "too-large-event" => {
            let text = text(17 << 20);
            let event = format!("data: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{text}}}\n\n");
            ([("content-type", "text/event-stream")], event).into_response()
        }
        _ => result(r#"{"resultType":"complete","content":[],"structuredContent":{}}"#),
    }
}
