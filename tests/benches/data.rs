//! What a call through the engine costs: `tests/bench_data.py` runs this program in its parts and compares.
//!
//! * `upstream` is an MCP server that answers at once, at `/mcp/<n>` with forty tools; prints its URL. `stdio`
//!   is the first of them over standard input and output.
//! * `load URL ERA CALLS IN_FLIGHT` calls a tool that often, always so many at a time, `list URL ERA CALLS` lists
//!   the tools one time after the other; both print the latencies and the rate. `ERA` is `modern` or `legacy`.
//! * `sessions URL` connects one client for each token, lets each call a tool, and keeps all open until the end of
//!   its standard input.
//!
//! Tokens are read from standard input, one a line; the first line of it may be empty where none is wanted.

use std::{
    env,
    io::{self, BufRead as _, Write as _},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Json, Router, extract::Path, response::IntoResponse, routing::post};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const TOOLS: usize = 40;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // One thread each: two cores must do for the engine, the upstream and the load.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match words[..] {
        ["stdio"] => stdio(),
        ["upstream"] => runtime.block_on(upstream()),
        ["load", url, era, calls, in_flight] => {
            let target = Target::new(url, era, &token()?)?;
            runtime.block_on(load(target, calls.parse()?, in_flight.parse()?))
        }
        ["list", url, era, calls] => {
            let target = Target::new(url, era, &token()?)?;
            runtime.block_on(list(&target, calls.parse()?))
        }
        ["sessions", url] => runtime.block_on(sessions(url)),
        // `cargo test --benches` and the like: nothing to test here.
        _ => Ok(()),
    }
}

fn token() -> Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// A server, and what requests to it look like.
#[derive(Clone)]
struct Target {
    authority: String,
    path: String,
    modern: bool,
    /// The token's header, if there is one.
    authorization: String,
}

impl Target {
    fn new(url: &str, era: &str, token: &str) -> Result<Self> {
        let url = url::Url::parse(url)?;
        let authorization = match token {
            "" => String::new(),
            token => format!("authorization: Bearer {token}\r\n"),
        };
        Ok(Self {
            authority: url.authority().to_owned(),
            path: url.path().to_owned(),
            modern: era == "modern",
            authorization,
        })
    }

    fn message(&self, method: &str, mut params: Value) -> String {
        if self.modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": { "name": "bench", "version": "1" },
            });
        }
        json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params }).to_string()
    }

    fn request(&self, method: &str, name: &str, body: &str, session: &str) -> Vec<u8> {
        let era = match (self.modern, name) {
            (false, _) => format!("mcp-protocol-version: 2025-11-25\r\n{session}"),
            (true, "") => format!("mcp-protocol-version: 2026-07-28\r\nmcp-method: {method}\r\n"),
            (true, name) => {
                format!(
                    "mcp-protocol-version: 2026-07-28\r\nmcp-method: {method}\r\nmcp-name: {name}\r\n"
                )
            }
        };
        let (path, host, length) = (&self.path, &self.authority, body.len());
        let authorization = &self.authorization;
        format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\n{era}{authorization}content-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

/// A connection to a server. HTTP by hand: a library would take what the engine should have.
struct Client {
    stream: BufReader<TcpStream>,
    target: Target,
    /// The session's header, where a legacy server wants one.
    session: String,
}

impl Client {
    async fn connect(target: &Target) -> Result<Self> {
        let stream = TcpStream::connect(&target.authority).await?;
        stream.set_nodelay(true)?;
        let mut client = Self {
            stream: BufReader::with_capacity(64 * 1024, stream),
            target: target.clone(),
            session: String::new(),
        };
        if !target.modern {
            let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "bench", "version": "1" } });
            let body = target.message("initialize", params);
            let request = target.request("initialize", "", &body, "");
            client.exchange(&request).await?;
            let body = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
            let request = target.request("notifications/initialized", "", body, &client.session);
            client.exchange(&request).await?;
        }
        Ok(client)
    }

    fn call(&self) -> Vec<u8> {
        let body = self.target.message(
            "tools/call",
            json!({ "name": "c0_t0", "arguments": { "text": "hello" } }),
        );
        self.target
            .request("tools/call", "c0_t0", &body, &self.session)
    }

    fn list(&self) -> Vec<u8> {
        let body = self.target.message("tools/list", json!({}));
        self.target.request("tools/list", "", &body, &self.session)
    }

    /// Sends a request and reads the body of its answer.
    async fn exchange(&mut self, request: &[u8]) -> Result<Vec<u8>> {
        self.stream.write_all(request).await?;
        let head = self.line_by_line().await?;
        let header = |name: &str| {
            let found = head.lines().find_map(|line| {
                let (found, value) = line.split_once(':')?;
                found.eq_ignore_ascii_case(name).then(|| value.trim())
            });
            found.map(str::to_owned)
        };
        if let Some(id) = header("mcp-session-id") {
            self.session = format!("mcp-session-id: {id}\r\n");
        }
        let mut body = Vec::new();
        if header("transfer-encoding").is_some_and(|value| value == "chunked") {
            loop {
                let size = usize::from_str_radix(self.one_line().await?.trim(), 16)?;
                let start = body.len();
                body.resize(start + size + 2, 0);
                self.stream.read_exact(&mut body[start..]).await?;
                body.truncate(start + size);
                if size == 0 {
                    break;
                }
            }
        } else {
            body.resize(
                header("content-length").map_or(Ok(0), |value| value.parse())?,
                0,
            );
            self.stream.read_exact(&mut body).await?;
        }
        if !head.starts_with("HTTP/1.1 2") {
            return Err(format!("{head}{}", String::from_utf8_lossy(&body)).into());
        }
        Ok(body)
    }

    async fn one_line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        tokio::io::AsyncBufReadExt::read_until(&mut self.stream, b'\n', &mut line).await?;
        if line.is_empty() {
            return Err("the connection was closed".into());
        }
        Ok(String::from_utf8(line)?)
    }

    async fn line_by_line(&mut self) -> Result<String> {
        let mut head = String::new();
        loop {
            let line = self.one_line().await?;
            if line == "\r\n" {
                return Ok(head);
            }
            head.push_str(&line);
        }
    }

    /// Calls the tool; its answer must be there.
    async fn work(&mut self, request: &[u8]) -> Result<Duration> {
        let begun = Instant::now();
        let body = self.exchange(request).await?;
        let took = begun.elapsed();
        if !contains(&body, b"hello from c0_t0") {
            return Err(format!("a call was answered: {}", String::from_utf8_lossy(&body)).into());
        }
        Ok(took)
    }
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}

async fn load(target: Target, calls: usize, in_flight: usize) -> Result<()> {
    let mut clients = Vec::new();
    for _ in 0..in_flight {
        clients.push(Client::connect(&target).await?);
    }
    let left = Arc::new(AtomicUsize::new(calls));
    let begun = Instant::now();
    let mut workers = JoinSet::new();
    for mut client in clients {
        let left = Arc::clone(&left);
        workers.spawn(async move {
            let request = client.call();
            let mut took = Vec::new();
            while left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                    left.checked_sub(1)
                })
                .is_ok()
            {
                took.push(client.work(&request).await?);
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(took)
        });
    }
    let mut took = Vec::with_capacity(calls);
    while let Some(ended) = workers.join_next().await {
        took.extend(ended??);
    }
    report(took, begun.elapsed(), calls);
    Ok(())
}

async fn list(target: &Target, calls: usize) -> Result<()> {
    let mut client = Client::connect(target).await?;
    let request = client.list();
    let begun = Instant::now();
    let (mut took, mut tools) = (Vec::new(), 0);
    for _ in 0..calls {
        let begun = Instant::now();
        let body = client.exchange(&request).await?;
        took.push(begun.elapsed());
        let body: Value = serde_json::from_slice(&body)?;
        tools = body["result"]["tools"].as_array().map_or(0, Vec::len);
    }
    report(took, begun.elapsed(), tools);
    Ok(())
}

/// Prints what a part has measured, as one line of JSON.
fn report(mut took: Vec<Duration>, whole: Duration, items: usize) {
    took.sort_unstable();
    let at = |hundredth: usize| took[(took.len() * hundredth / 100).min(took.len() - 1)];
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = took.len() as f64 / whole.as_secs_f64();
    println!(
        "{}",
        json!({ "p50_ms": millis(at(50)), "p99_ms": millis(at(99)), "per_s": rate, "items": items })
    );
}

async fn sessions(url: &str) -> Result<()> {
    let mut clients = Vec::new();
    for line in io::stdin().lock().lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        let mut client = Client::connect(&Target::new(url, "legacy", line.trim())?).await?;
        let request = client.call();
        client.work(&request).await?;
        clients.push(client);
    }
    println!("{}", json!({ "open": clients.len() }));
    io::stdin().lock().read_line(&mut String::new())?;
    Ok(())
}

async fn upstream() -> Result<()> {
    let app = Router::new().route("/mcp/{number}", post(serve));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/mcp", listener.local_addr()?);
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, app).await?)
}

/// The same server over standard input and output.
fn stdio() -> Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        if let Some(answer) = answer(0, &serde_json::from_str(&line?)?) {
            writeln!(out, "{answer}")?;
            out.flush()?;
        }
    }
    Ok(())
}

async fn serve(Path(number): Path<usize>, Json(request): Json<Value>) -> axum::response::Response {
    match answer(number, &request) {
        Some(answer) => Json(answer).into_response(),
        None => StatusCode::ACCEPTED.into_response(),
    }
}

/// Both eras; no sessions.
fn answer(number: usize, request: &Value) -> Option<Value> {
    let params = &request["params"];
    let server = json!({ "name": "instant", "version": "1" });
    let result = match request["method"].as_str().unwrap_or_default() {
        "initialize" => json!({
            "protocolVersion": "2025-11-25",
            "capabilities": { "tools": {} },
            "serverInfo": server,
        }),
        "server/discover" => json!({
            "resultType": "complete",
            "supportedVersions": ["2026-07-28"],
            "capabilities": { "tools": {} },
            "serverInfo": server,
            "ttlMs": 60_000,
            "cacheScope": "private",
        }),
        "tools/list" => {
            json!({ "resultType": "complete", "tools": tools(number), "ttlMs": 60_000, "cacheScope": "private" })
        }
        "tools/call" => {
            let (text, name) = (&params["arguments"]["text"], &params["name"]);
            let text = format!(
                "{} from {}",
                text.as_str().unwrap_or("?"),
                name.as_str().unwrap_or("?")
            );
            json!({ "resultType": "complete", "content": [{ "type": "text", "text": text }] })
        }
        _ => return None,
    };
    Some(json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }))
}

fn tools(number: usize) -> Vec<Value> {
    let tool = |index| {
        json!({
            "name": format!("c{number}_t{index}"),
            "description": "Says what it was told, and who says it. As long as the descriptions of tools are.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "text": { "type": "string", "description": "What is to be said" },
                    "times": { "type": "integer", "minimum": 1, "description": "How often" },
                },
                "required": ["text"],
            },
            "annotations": { "readOnlyHint": true },
        })
    };
    (0..TOOLS).map(tool).collect()
}
