//! Streams that tell of changes, in both eras, and how they end.

use std::{pin::Pin, process::Stdio, time::Duration};

use futures_util::{Stream, StreamExt as _};
use rmcp::{
    model::{ClientConfig, ProtocolVersion, ServerNotification, SubscriptionFilter},
    service::{ClientLifecycleMode, serve_client_with_lifecycle},
    transport::{
        StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use scalekit_vmcp::{AccountRef, Config, NewConfig, Session, Tools};
use scalekit_vmcp_engine::controls::{AccountStatus, JournalFilter, RecordKind};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
    time::timeout,
};

use crate::{
    agent::SessionHttp,
    scene::{Scene, upstreams},
    slow::{PATIENCE, Seen, SlowUpstream, Speaks},
};

const ERAS: [Speaks; 2] = [Speaks::Modern, Speaks::Legacy];

/// Messages of an event stream.
struct Events {
    bytes: Pin<Box<dyn Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    text: String,
}

impl Events {
    fn of(response: reqwest::Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            bytes: Box::pin(response.bytes_stream()),
            text: String::new(),
        }
    }

    /// The next message; `None` at the end.
    async fn next(&mut self) -> Option<Value> {
        let next = async {
            loop {
                if let Some(end) = self.text.find("\n\n") {
                    let event: String = self.text.drain(..end + 2).collect();
                    let data = event.lines().find_map(|line| line.strip_prefix("data:"));
                    match data {
                        Some(data) => return Some(serde_json::from_str(data).unwrap()),
                        // A comment shows that the stream lives.
                        None => continue,
                    }
                }
                let chunk = self.bytes.next().await?.unwrap();
                self.text.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        };
        timeout(PATIENCE, next).await.expect("the stream is silent")
    }

    async fn changed(&mut self, what: &str) {
        let message = self.next().await.expect("the stream has ended");
        let expected = "notifications/tools/list_changed";
        assert_eq!(message["method"], expected, "{what}: {message}");
    }

    /// All that is still to come.
    async fn rest(&mut self) -> Vec<Value> {
        let mut messages = Vec::new();
        while let Some(message) = self.next().await {
            messages.push(message);
        }
        messages
    }
}

/// Alice at a config with an upstream that does as it is told, and with `news`.
struct Stage {
    scene: Scene,
    config: Config,
    session: Session,
}

impl Stage {
    async fn of(upstream: &SlowUpstream) -> Self {
        let news = "[connections.news]\nsandbox = \"news.json\"\nauth = \"api_key\"\n";
        let scene = Scene::start(&(upstream.connection("slow") + news)).await;
        let config = NewConfig::new("agent")
            .connection("slow", ["wait", "other"])
            .connection("news", ["news_read"]);
        let config = scene.client.create_config(config).await.unwrap();
        scene.authorize(&config, "alice", "key").await;
        let session = scene.client.open_session(&config, "alice").await.unwrap();
        Self {
            scene,
            config,
            session,
        }
    }

    async fn authorization(&self) -> String {
        format!("Bearer {}", self.session.token().await.unwrap().token())
    }

    /// A stream as a client of this era opens it.
    async fn listen(&self, era: Speaks, filter: Value) -> Events {
        let url = self.session.url();
        let request = match era {
            Speaks::Legacy => self
                .scene
                .http
                .get(url)
                .header("accept", "text/event-stream")
                .header("mcp-protocol-version", "2025-11-25"),
            Speaks::Modern => {
                let message = json!({
                    "jsonrpc": "2.0", "id": 5, "method": "subscriptions/listen",
                    "params": { "notifications": filter, "_meta": meta() },
                });
                self.scene
                    .http
                    .post(url)
                    .header("accept", "application/json, text/event-stream")
                    .header("content-type", "application/json")
                    .header("mcp-protocol-version", "2026-07-28")
                    .header("mcp-method", "subscriptions/listen")
                    .body(message.to_string())
            }
        };
        let request = request.header("authorization", self.authorization().await);
        Events::of(request.send().await.unwrap())
    }

    /// The names of the tools; asking connects the upstream, which then tells of changes.
    async fn tools(&self) -> Vec<String> {
        let token = self.authorization().await;
        let answer = self.scene.probe(self.session.url(), Some(&token)).await;
        let tools = answer.body["result"]["tools"].as_array().unwrap();
        let names = tools.iter().map(|tool| tool["name"].as_str().unwrap());
        names.map(str::to_owned).collect()
    }

    async fn show(&self, tools: &[&str]) {
        let mut mappings = self.config.connection_tool_mappings.clone();
        mappings[0].tools = Tools::Only(tools.iter().map(|&name| name.to_owned()).collect());
        self.scene
            .client
            .update_config(&*self.config.id)
            .connection_tool_mappings(mappings)
            .await
            .unwrap();
    }

    async fn news_are(&self, status: AccountStatus) {
        let engine = &self.scene.engine;
        engine
            .set_account_status("news", "alice", status)
            .await
            .unwrap();
    }

    /// What does not change alice's tools here.
    async fn change_the_rest(&self) {
        let client = &self.scene.client;
        let other = NewConfig::new("other").all_tools_of("slow");
        let other = client.create_config(other).await.unwrap();
        self.scene.authorize(&other, "bob", "key").await;
        client.delete_config(&*other.id).await.unwrap();
        let bob = AccountRef::new("slow", "bob");
        client.delete_connected_account(bob).await.unwrap();
        let described = client.update_config(&*self.config.id).description("words");
        described.await.unwrap();
    }

    async fn delete_config(&self) {
        let client = &self.scene.client;
        client.delete_config(&*self.config.id).await.unwrap();
    }
}

fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
    })
}

/// What is left on a stream of this era that ended for this reason.
fn ending(era: Speaks, rest: &[Value]) -> &str {
    match (era, rest) {
        (Speaks::Legacy, []) => "none",
        (Speaks::Modern, [last]) if last["id"] == 5 => {
            last["error"]["data"]["reason"].as_str().unwrap()
        }
        _ => panic!("{rest:?}"),
    }
}

fn expected(era: Speaks, reason: &'static str) -> &'static str {
    // Nothing was asked on the other stream, so nothing is answered.
    if era == Speaks::Modern {
        reason
    } else {
        "none"
    }
}

#[tokio::test]
async fn a_listener_is_told_of_each_change_once_and_of_nothing_else() {
    for (era, speaks) in [
        (Speaks::Modern, Speaks::Modern),
        (Speaks::Modern, Speaks::Legacy),
        (Speaks::Legacy, Speaks::Modern),
        (Speaks::Legacy, Speaks::Legacy),
    ] {
        let mut upstream = SlowUpstream::start(speaks).await;
        let stage = Stage::of(&upstream).await;
        assert_eq!(stage.tools().await, ["wait", "other", "news_read"]);
        upstream.sees(Seen::Listening).await;
        let mut events = stage.listen(era, json!({ "toolsListChanged": true })).await;
        if era == Speaks::Modern {
            let first = events.next().await.unwrap();
            assert_eq!(
                first["method"], "notifications/subscriptions/acknowledged",
                "{first}"
            );
            let accepted = json!({ "toolsListChanged": true });
            assert_eq!(first["params"]["notifications"], accepted);
        }

        stage.show(&["wait"]).await;
        events.changed("a tool is gone").await;
        stage.show(&["wait", "other"]).await;
        events.changed("it is back").await;
        stage.news_are(AccountStatus::Expired).await;
        events.changed("an account expired").await;
        stage.news_are(AccountStatus::Active).await;
        events.changed("it is active").await;
        upstream.has(&["wait"]).await;
        events.changed("the upstream said so").await;
        assert_eq!(stage.tools().await, ["wait", "news_read"]);

        stage.change_the_rest().await;
        stage.delete_config().await;
        let rest = events.rest().await;
        assert_eq!(ending(era, &rest), expected(era, "mcp_config_deleted"));
    }
}

#[tokio::test]
async fn what_was_not_asked_for_is_neither_promised_nor_told() {
    let upstream = SlowUpstream::start(Speaks::Modern).await;
    let stage = Stage::of(&upstream).await;
    let filter = json!({ "promptsListChanged": true, "toolsListChanged": false });
    let mut events = stage.listen(Speaks::Modern, filter).await;
    let first = events.next().await.unwrap();
    assert_eq!(first["params"]["notifications"], json!({}), "{first}");
    stage.show(&["wait"]).await;
    stage.delete_config().await;
    let rest = events.rest().await;
    assert_eq!(ending(Speaks::Modern, &rest), "mcp_config_deleted");
}

#[tokio::test]
async fn a_stream_ends_with_its_token_with_a_reset_and_with_the_engine() {
    for era in ERAS {
        let upstream = SlowUpstream::start(Speaks::Modern).await;
        let mut stage = Stage::of(&upstream).await;
        let filter = json!({});
        let mut events = stage.listen(era, filter.clone()).await;
        let acknowledged = usize::from(era == Speaks::Modern);
        stage.scene.engine.advance_clock(Duration::from_secs(3_601));
        let rest = events.rest().await;
        assert_eq!(
            ending(era, &rest[acknowledged..]),
            expected(era, "token_expired")
        );

        stage.session = stage
            .scene
            .client
            .open_session(&stage.config, "alice")
            .await
            .unwrap();
        let mut events = stage.listen(era, filter.clone()).await;
        timeout(PATIENCE, stage.scene.engine.reset())
            .await
            .expect("a stream kept the reset waiting")
            .unwrap();
        let rest = events.rest().await;
        assert_eq!(
            ending(era, &rest[acknowledged..]),
            expected(era, "engine_reset")
        );

        let stage = Stage::of(&upstream).await;
        let mut events = stage.listen(era, filter).await;
        stage.scene.engine.close().await;
        timeout(PATIENCE, events.rest()).await.unwrap();
    }
}

#[tokio::test]
async fn only_a_legacy_client_that_takes_events_gets_the_stream_of_get() {
    let upstream = SlowUpstream::start(Speaks::Modern).await;
    let stage = Stage::of(&upstream).await;
    let token = stage.authorization().await;
    let get = async |headers: &[(&str, &str)]| {
        let mut request = stage.scene.http.get(stage.session.url());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().status().as_u16()
    };
    let authorized = ("authorization", token.as_str());
    let events = ("accept", "text/event-stream");
    for (status, headers) in [
        (200, vec![authorized, events]),
        (405, vec![authorized]),
        (401, vec![events]),
        (
            405,
            vec![authorized, events, ("mcp-protocol-version", "2026-07-28")],
        ),
        (
            403,
            vec![authorized, events, ("origin", "http://evil.test")],
        ),
    ] {
        assert_eq!(get(&headers).await, status, "{headers:?}");
    }
}

#[tokio::test]
async fn the_rust_client_hears_of_changes() {
    let upstream = SlowUpstream::start(Speaks::Legacy).await;
    let stage = Stage::of(&upstream).await;
    let http = SessionHttp::new(stage.scene.http.clone(), stage.session.clone());
    let config = StreamableHttpClientTransportConfig::with_uri(stage.session.url());
    let transport = StreamableHttpClientTransport::with_client(http, config);
    let lifecycle = ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::LATEST],
        legacy_version: None,
    };
    let service = serve_client_with_lifecycle(ClientConfig::default(), transport, lifecycle);
    let service = service.await.unwrap();
    let filter = SubscriptionFilter::builder().tools_list_changed().build();
    let mut subscription = service.listen(filter).await.unwrap();
    assert_eq!(service.list_all_tools().await.unwrap().len(), 3);
    stage.show(&["wait"]).await;
    let told = timeout(PATIENCE, subscription.next()).await.unwrap();
    assert!(
        matches!(
            told,
            Ok(Some(ServerNotification::ToolListChangedNotification(_)))
        ),
        "{told:?}"
    );
    assert_eq!(service.list_all_tools().await.unwrap().len(), 2);
}

/// The official TypeScript client of the legacy era: it tells its tools, and again when they change.
const TYPESCRIPT: &str = r#"
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
const [url, authorization] = process.argv.slice(1);
const client = new Client({ name: "test", version: "1" });
const tell = async () => console.log((await client.listTools()).tools.map((tool) => tool.name).join(" "));
client.setNotificationHandler(ToolListChangedNotificationSchema, tell);
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { authorization } } }));
if (!client.getServerCapabilities().tools.listChanged) throw new Error("not declared");
await tell();
"#;

#[tokio::test]
async fn the_legacy_typescript_client_hears_of_changes() {
    let upstream = SlowUpstream::start(Speaks::Modern).await;
    let stage = Stage::of(&upstream).await;
    let mut node = Command::new("node")
        .args(["--input-type=module", "-e", TYPESCRIPT])
        .arg(stage.session.url())
        .arg(stage.authorization().await)
        .current_dir(upstreams())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(node.stdout.take().unwrap()).lines();
    let mut line = async || {
        let line = timeout(PATIENCE, lines.next_line()).await.unwrap();
        line.unwrap().unwrap_or_default()
    };
    assert_eq!(line().await, "wait other news_read");
    // Its stream is open when the engine has answered the `GET`.
    let streams = JournalFilter::new()
        .kind(RecordKind::Http)
        .path_prefix("/mcp/")
        .method("GET");
    let engine = &stage.scene.engine;
    engine.wait_for(&streams, 1, PATIENCE).await.unwrap();
    stage.show(&["wait"]).await;
    assert_eq!(line().await, "wait news_read");
}
