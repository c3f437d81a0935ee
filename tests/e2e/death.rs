//! What is under way ends when what allows it does, at once and with a reason.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, future::join_all};
use scalekit_vmcp::{AccountRef, Config, ConnectionToolMapping, NewConfig};
use scalekit_vmcp_engine::controls::{AccountStatus, JournalFilter};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    sync::mpsc,
    time::timeout,
};

use crate::{
    scene::{Answer, MAIL_CONNECTION, Scene},
    slow::{PATIENCE, Seen, SlowUpstream, Speaks},
};

/// What takes a tool from alice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    ConfigDeleted,
    ToolRemoved,
    ConnectionRemoved,
    AccountDeleted,
    AccountDisconnected,
    AccountExpired,
    TokenExpired,
}

const CAUSES: [Cause; 7] = [
    Cause::ConfigDeleted,
    Cause::ToolRemoved,
    Cause::ConnectionRemoved,
    Cause::AccountDeleted,
    Cause::AccountDisconnected,
    Cause::AccountExpired,
    Cause::TokenExpired,
];

/// Alice at a config with one tool of `slow` and one of `news`.
struct Stage {
    scene: Scene,
    config: Config,
    connection: &'static str,
    tool: &'static str,
    url: String,
    token: String,
}

impl Stage {
    async fn of(scene: Scene, connection: &'static str, tools: [&'static str; 2]) -> Self {
        let config = NewConfig::new("agent")
            .connection(connection, tools)
            .connection("news", ["news_read"]);
        let config = scene.client.create_config(config).await.unwrap();
        scene.authorize(&config, "alice", "key").await;
        let url = config.mcp_server_url.clone().unwrap();
        let mut stage = Self {
            scene,
            config,
            connection,
            tool: tools[0],
            url,
            token: String::new(),
        };
        stage.token = stage.mint().await;
        stage
    }

    async fn slow(upstream: &SlowUpstream) -> Self {
        let toml = upstream.connection("slow") + "[connections.news]\nsandbox = \"news.json\"\n";
        Self::of(Scene::start(&toml).await, "slow", ["wait", "other"]).await
    }

    async fn mint(&self) -> String {
        let opening = self.scene.client.open_session(&self.config, "alice").await;
        let session = opening.unwrap();
        format!("Bearer {}", session.token().await.unwrap().token())
    }

    fn message(&self, id: u64, meta: &Value) -> String {
        json!({
            "jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": { "name": self.tool, "arguments": { "to": "bob" }, "_meta": meta },
        })
        .to_string()
    }

    async fn call(&self, id: u64, token: &str) -> Answer {
        let message = self.message(id, &json!({}));
        self.scene.post(&self.url, Some(token), &[], message).await
    }

    async fn cause(&self, cause: Cause) {
        let client = &self.scene.client;
        let account = AccountRef::new(self.connection, "alice");
        let map = |mappings: Vec<ConnectionToolMapping>| {
            client
                .update_config(&*self.config.id)
                .connection_tool_mappings(mappings)
        };
        let status = |status| {
            let engine = &self.scene.engine;
            engine.set_account_status(self.connection, "alice", status)
        };
        match cause {
            Cause::ConfigDeleted => client.delete_config(&*self.config.id).await.unwrap(),
            Cause::ToolRemoved => {
                let mut left = self.config.connection_tool_mappings.clone();
                let scalekit_vmcp::Tools::Only(tools) = &mut left[0].tools else {
                    panic!("{left:?}");
                };
                tools.remove(0);
                map(left).await.map(drop).unwrap();
            }
            Cause::ConnectionRemoved => {
                let left = self.config.connection_tool_mappings[1..].to_vec();
                map(left).await.map(drop).unwrap();
            }
            Cause::AccountDeleted => client.delete_connected_account(account).await.unwrap(),
            Cause::AccountDisconnected => status(AccountStatus::Disconnected).await.unwrap(),
            Cause::AccountExpired => status(AccountStatus::Expired).await.unwrap(),
            Cause::TokenExpired => self.scene.engine.advance_clock(Duration::from_secs(3_601)),
        }
    }
}

/// The status, and for programs the reason.
fn reason(answer: &Answer) -> (u16, String) {
    let body = &answer.body;
    let meta = &body["result"]["_meta"]["scalekit-vmcp/authorization_required"];
    let reason = body["error"]["data"]["reason"]
        .as_str()
        .or(meta["status"].as_str());
    (answer.status, reason.unwrap_or("none").to_owned())
}

fn expected(cause: Cause) -> (u16, String) {
    let (status, reason) = match cause {
        Cause::ConfigDeleted => (404, "mcp_config_deleted"),
        Cause::ToolRemoved | Cause::ConnectionRemoved => (200, "tool_removed"),
        Cause::AccountDeleted => (200, "NOT_CONNECTED"),
        Cause::AccountDisconnected => (200, "DISCONNECTED"),
        Cause::AccountExpired => (200, "EXPIRED"),
        Cause::TokenExpired => (401, "token_expired"),
    };
    (status, reason.to_owned())
}

fn succeeded(answer: &Answer) -> bool {
    answer.status == 200
        && answer.body["result"].is_object()
        && answer.body["result"]["isError"] != json!(true)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hammers_a_server_has_no_success_after_the_change_was_answered() {
    for cause in CAUSES {
        let toml = format!("{MAIL_CONNECTION}[connections.news]\nsandbox = \"news.json\"\n");
        let scene = Scene::start(&toml).await;
        let stage = Arc::new(Stage::of(scene, "mail", ["mail_send", "mail_read"]).await);
        let answered = Arc::new(AtomicBool::new(false));
        let (ready, mut all_ready) = mpsc::channel(8);
        let hammers = (0..8).map(|_| {
            let (stage, answered) = (Arc::clone(&stage), Arc::clone(&answered));
            let ready = ready.clone();
            tokio::spawn(async move {
                let (mut successes, mut refusals) = (0, 0);
                while refusals < 10 {
                    let too_late = answered.load(Ordering::SeqCst);
                    let answer = stage.call(successes, &stage.token).await;
                    if !too_late {
                        successes += u64::from(succeeded(&answer));
                        if successes == 3 {
                            let _ = ready.try_send(());
                        }
                        continue;
                    }
                    assert!(!succeeded(&answer), "{cause:?}: {}", answer.body);
                    refusals += 1;
                }
                assert!(successes >= 3);
            })
        });
        let hammers: Vec<_> = hammers.collect();
        for _ in 0..8 {
            all_ready.recv().await.unwrap();
        }
        stage.cause(cause).await;
        answered.store(true, Ordering::SeqCst);
        for hammer in join_all(hammers).await {
            hammer.unwrap();
        }
    }
}

#[tokio::test]
async fn a_call_under_way_ends_with_a_reason_and_is_cancelled_at_the_upstream() {
    let cases = [Speaks::Modern, Speaks::Legacy].map(|speaks| CAUSES.map(|cause| (speaks, cause)));
    // All at once: an upstream whose session is closed may take its time to stop what runs in it.
    let cases = cases
        .into_iter()
        .flatten()
        .map(|(speaks, cause)| async move {
            let mut upstream = SlowUpstream::start(speaks).await;
            let stage = Stage::slow(&upstream).await;
            let end = async {
                upstream.sees(Seen::Begun).await;
                stage.cause(cause).await;
                upstream.sees(Seen::Cancelled).await;
            };
            let (answer, ()) = tokio::join!(stage.call(7, &stage.token), end);
            assert_eq!(reason(&answer), expected(cause), "{speaks:?} {cause:?}");
            assert_eq!(answer.body["id"], 7, "{}", answer.body);
            assert_eq!(answer.challenge.is_some(), answer.status == 401);
        });
    join_all(cases).await;
}

#[tokio::test]
async fn a_call_under_way_outlives_what_does_not_concern_it() {
    let mut upstream = SlowUpstream::start(Speaks::Modern).await;
    let stage = Stage::slow(&upstream).await;
    let client = &stage.scene.client;
    let other = NewConfig::new("other").all_tools_of("slow");
    let other = client.create_config(other).await.unwrap();
    stage.scene.authorize(&other, "bob", "key").await;
    let others = async {
        upstream.sees(Seen::Begun).await;
        client.delete_config(&*other.id).await.unwrap();
        let bob = AccountRef::new("slow", "bob");
        client.delete_connected_account(bob).await.unwrap();
        // Her config changes, but not this tool; and she gains an account on another connection.
        let mappings = vec![stage.config.connection_tool_mappings[0].clone()];
        client
            .update_config(&*stage.config.id)
            .connection_tool_mappings(mappings)
            .await
            .unwrap();
        let engine = &stage.scene.engine;
        engine.advance_clock(Duration::from_secs(3_000));
        // A later request is answered after all that, and the call goes on.
        stage.call(9, "Bearer wrong").await;
        upstream.let_go();
        upstream.sees(Seen::Done).await;
    };
    let (answer, ()) = tokio::join!(stage.call(7, &stage.token), others);
    assert_eq!(answer.body["result"]["content"][0]["text"], "done");
}

#[tokio::test]
async fn a_client_cancels_its_own_calls_and_no_others() {
    for speaks in [Speaks::Modern, Speaks::Legacy] {
        let mut upstream = SlowUpstream::start(speaks).await;
        let stage = Stage::slow(&upstream).await;
        // Another client of the same user counts its requests from 1 too.
        let other = stage.mint().await;
        let notification = |request| {
            json!({
                "jsonrpc": "2.0", "method": "notifications/cancelled",
                "params": { "requestId": request, "reason": "no longer wanted" },
            })
            .to_string()
        };
        let scene = &stage.scene;
        let cancel = async |token: &str, request: Value| {
            let notification = notification(request);
            let answer = scene.post(&stage.url, Some(token), &[], notification).await;
            assert_eq!(answer.status, 202, "{}", answer.body);
        };
        let steps = async {
            upstream.sees(Seen::Begun).await;
            cancel(&other, json!(7)).await;
            cancel(&stage.token, json!(8)).await;
            cancel(&stage.token, json!("7")).await;
            upstream.let_go();
            upstream.sees(Seen::Done).await;
        };
        let (answer, ()) = tokio::join!(stage.call(7, &stage.token), steps);
        assert!(succeeded(&answer), "{}", answer.body);

        let steps = async {
            upstream.sees(Seen::Begun).await;
            cancel(&stage.token, json!(7)).await;
            upstream.sees(Seen::Cancelled).await;
        };
        let (answer, ()) = tokio::join!(stage.call(7, &stage.token), steps);
        assert_eq!(reason(&answer), (200, "cancelled".to_owned()));
    }
}

#[tokio::test]
async fn an_open_stream_closes_with_its_reason() {
    for cause in CAUSES {
        let mut upstream = SlowUpstream::start(Speaks::Modern).await;
        let stage = Stage::slow(&upstream).await;
        let request = stage
            .scene
            .http
            .post(&stage.url)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2025-11-25")
            .header("authorization", &stage.token)
            .body(stage.message(7, &json!({ "progressToken": "p" })));
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut events = response.bytes_stream();
        let first = events.next().await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&first).contains("notifications/progress"));
        upstream.sees(Seen::Begun).await;

        stage.cause(cause).await;
        let since = Instant::now();
        let mut rest = String::new();
        while let Some(chunk) = events.next().await {
            rest.push_str(&String::from_utf8_lossy(&chunk.unwrap()));
        }
        // The promise is 100 ms; a busy machine may take longer to run this test.
        assert!(since.elapsed() < Duration::from_secs(1), "{cause:?}");
        let mut data = rest.lines().filter_map(|line| line.strip_prefix("data:"));
        let last: Value = serde_json::from_str(data.next_back().unwrap()).unwrap();
        let body = Answer {
            status: expected(cause).0,
            challenge: None,
            body: last,
        };
        assert_eq!(reason(&body), expected(cause), "{rest}");
        assert_eq!(body.body["id"], 7);
        upstream.sees(Seen::Cancelled).await;
    }
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_its_call() {
    let mut upstream = SlowUpstream::start(Speaks::Legacy).await;
    let stage = Stage::slow(&upstream).await;
    let gone = async {
        upstream.sees(Seen::Begun).await;
    };
    tokio::select! {
        biased;
        answer = stage.call(7, &stage.token) => panic!("{}", answer.body),
        () = gone => {}
    }
    upstream.sees(Seen::Cancelled).await;
    let filter = JournalFilter::new().method("tools/call");
    let engine = &stage.scene.engine;
    let ended = engine.wait_for(&filter, 1, Duration::from_secs(20)).await;
    let ended = ended.unwrap();
    assert_eq!(
        ended[0].outcome,
        Some(scalekit_vmcp_engine::controls::Outcome::Cancelled)
    );
}

/// A server over stdio that tells a socket the method of each message, and answers no call.
const CHILD: &str = r#"
import json, socket, sys
ear = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
tool = {"name": "wait", "inputSchema": {"type": "object"}}
results = {
    "initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                   "serverInfo": {"name": "child", "version": "1"}},
    "tools/list": {"tools": [tool, {**tool, "name": "other"}]},
}
for line in sys.stdin:
    message = json.loads(line)
    method = message["method"]
    ear.sendall((method + "\n").encode())
    if method in results:
        answer = {"result": results[method]}
    elif method == "server/discover":
        answer = {"error": {"code": -32601, "message": "unknown"}}
    else:
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}), flush=True)
"#;

#[tokio::test]
async fn a_child_is_told_that_a_call_was_cancelled() {
    let ear = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = ear.local_addr().unwrap().port().to_string();
    let arguments = json!(["-c", CHILD, port]);
    let toml = format!(
        "[connections.slow]\nupstream = {{ command = \"python3\", args = {arguments} }}\n\
         [connections.news]\nsandbox = \"news.json\"\n"
    );
    let stage = Stage::of(Scene::start(&toml).await, "slow", ["wait", "other"]).await;
    let end = async {
        let (child, _) = ear.accept().await.unwrap();
        let mut methods = BufReader::new(child).lines();
        let mut hears = async |wanted: &str| {
            let hearing = async { while methods.next_line().await.unwrap().unwrap() != wanted {} };
            let heard = timeout(PATIENCE, hearing).await;
            heard.unwrap_or_else(|_| panic!("the child was not told `{wanted}`"));
        };
        hears("tools/call").await;
        stage.cause(Cause::ToolRemoved).await;
        hears("notifications/cancelled").await;
    };
    let (answer, ()) = tokio::join!(stage.call(7, &stage.token), end);
    assert_eq!(reason(&answer), expected(Cause::ToolRemoved));
}
