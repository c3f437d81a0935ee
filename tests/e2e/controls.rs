//! The test controls: a test makes things go wrong, steers users and looks at what was asked.

use std::{io::Read, net::TcpListener, time::Duration};

use scalekit_vmcp::{Client, ErrorKind, NewConfig};
use scalekit_vmcp_engine::controls::{
    AccountStatus, AuthLinkState, Fault, JournalFilter, JournalRecord, Outcome, RecordKind, Seed,
    SeedAccount, SeedConfig,
};
use serde_json::{Value, json};

use crate::{
    agent::{Agent, text_of},
    browser,
    scene::{Answer, MAIL_CONNECTION, Scene, client},
};

const CONFIGS: &str = "/api/v1/mcp/configs";
const HOUR: Duration = Duration::from_secs(3600);

async fn scene() -> Scene {
    Scene::start(&format!(
        "{MAIL_CONNECTION}[connections.news]\nsandbox = \"news.json\"\n"
    ))
    .await
}

/// A client that tries three times and does not wait in between.
fn patient(scene: &Scene) -> Client {
    Client::builder()
        .env_url(scene.engine.env_url())
        .client_id(scene.engine.client_id())
        .client_secret(scene.engine.client_secret())
        .max_retries(2)
        .backoff(Duration::from_millis(1), Duration::from_millis(1))
        .build()
        .unwrap()
}

/// An agent of this user, over mail and news.
async fn agent(scene: &Scene, user: &str) -> Agent {
    let name = format!("agent-{user}");
    let config = NewConfig::new(&*name)
        .connection("mail", ["mail_read", "mail_send"])
        .connection("news", ["news_read"]);
    let config = scene.client.create_config(config).await.unwrap();
    scene.authorize(&config, user, "key").await;
    scene.agent_of(&config, user).await
}

fn requests(path: &str) -> JournalFilter {
    JournalFilter::new()
        .kind(RecordKind::Http)
        .path_prefix(path)
}

fn calls() -> JournalFilter {
    JournalFilter::new().method("tools/call")
}

fn statuses(records: &[JournalRecord]) -> Vec<Option<u16>> {
    records.iter().map(|record| record.status).collect()
}

/// A test control over HTTP.
async fn control(scene: &Scene, method: &str, path: &str, body: Value) -> Answer {
    let token = format!("Bearer {}", scene.engine.admin_token().unwrap());
    control_as(scene, Some(&token), method, path, body).await
}

async fn control_as(
    scene: &Scene,
    authorization: Option<&str>,
    method: &str,
    path: &str,
    body: Value,
) -> Answer {
    let url = format!("{}/_local/{path}", scene.engine.env_url());
    let mut request = scene.http.request(method.parse().unwrap(), url);
    if !body.is_null() {
        request = request.body(body.to_string());
    }
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    Answer {
        status,
        challenge: None,
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    }
}

#[tokio::test]
async fn a_client_tries_again_what_a_busy_service_refuses() {
    let scene = scene().await;
    let client = patient(&scene);
    client.list_configs().await.unwrap();
    scene
        .engine
        .add_fault(Fault::on_path(CONFIGS).method("GET").status(503).times(2))
        .unwrap();
    client.list_configs().await.unwrap();
    let records = scene.engine.journal(&requests(CONFIGS));
    assert_eq!(
        statuses(&records),
        [Some(200), Some(503), Some(503), Some(200)]
    );
    assert_eq!(
        records[3].client_id.as_deref(),
        Some(scene.engine.client_id())
    );
    let ids: Vec<_> = records.iter().map(|record| &record.request_id).collect();
    assert!(
        ids.iter()
            .all(|id| id.as_ref().unwrap().starts_with("req_"))
    );
    assert_eq!(scene.engine.faults()[0].fired, 2);
    assert_eq!(scene.engine.faults()[0].matched, 3);

    scene.engine.clear_faults();
    let fault = Fault::on_path("/api/*").status(429).retry_after_seconds(7);
    scene.engine.add_fault(fault).unwrap();
    let error = scene.client.list_configs().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(error.error_code(), Some("RATE_LIMITED"));
    let last = scene.engine.journal(&requests(CONFIGS)).pop().unwrap();
    assert_eq!(error.request_id(), last.request_id.as_deref());
}

#[tokio::test]
async fn a_client_says_what_was_wrong_with_the_answer() {
    let scene = scene().await;
    let client = Client::builder()
        .env_url(scene.engine.env_url())
        .client_id(scene.engine.client_id())
        .client_secret(scene.engine.client_secret())
        .max_retries(0)
        .timeout(Duration::from_secs(2))
        .build()
        .unwrap();
    client.list_configs().await.unwrap();
    let fault = || Fault::on_path(CONFIGS);
    for (count, (fault, kind)) in (2..).zip([
        (fault().drop_connection(), ErrorKind::Connection),
        (fault().garbage(), ErrorKind::Protocol),
        (fault().hang(), ErrorKind::Timeout),
        (fault().latency(HOUR / 6), ErrorKind::Timeout),
    ]) {
        scene.engine.add_fault(fault).unwrap();
        let error = client.list_configs().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        // The engine has seen that nobody waits, before it lets go of what waits.
        let ended = requests(CONFIGS);
        scene.engine.wait_for(&ended, count, HOUR).await.unwrap();
        scene.engine.clear_faults();
    }
    scene
        .engine
        .add_fault(fault().latency(Duration::from_millis(1)))
        .unwrap();
    client.list_configs().await.unwrap();
    assert_eq!(
        statuses(&scene.engine.journal(&requests(CONFIGS))),
        [Some(200), None, Some(200), None, None, Some(200)]
    );
}

#[tokio::test]
async fn the_nth_call_fails_and_the_test_controls_never_do() {
    let scene = scene().await;
    scene.client.list_configs().await.unwrap();
    let fault = json!({ "path": "/*", "nth": 2, "status": 500 });
    assert_eq!(control(&scene, "POST", "faults", fault).await.body["id"], 1);
    let mut good = Vec::new();
    for _ in 0..3 {
        good.push(scene.client.list_configs().await.is_ok());
        assert_eq!(
            control(&scene, "GET", "faults", Value::Null).await.status,
            200
        );
    }
    assert_eq!(good, [true, false, true]);
    let listed = control(&scene, "GET", "faults", Value::Null).await.body;
    assert_eq!(
        listed["faults"],
        json!([{ "id": 1, "fault": { "path": "/*", "nth": 2, "status": 500 }, "matched": 3, "fired": 1 }])
    );
    assert_eq!(
        control(&scene, "DELETE", "faults", Value::Null).await.body,
        json!({})
    );
    assert!(scene.engine.faults().is_empty());
}

#[tokio::test]
async fn an_agent_is_told_which_connection_failed_and_how() {
    let scene = scene().await;
    let alice = agent(&scene, "alice").await;
    let bob = agent(&scene, "bob").await;
    for (fault, text) in [
        (Fault::on_connection("mail").status(502), "HTTP status 502"),
        (
            Fault::on_connection("mail").drop_connection(),
            "closed before it answered",
        ),
        (Fault::on_tool("mail_read").garbage(), "does not speak MCP"),
        (
            Fault::on_user("alice").method("tools/call").status(500),
            "HTTP status 500",
        ),
    ] {
        scene.engine.clear_faults();
        scene.engine.add_fault(fault.clone()).unwrap();
        let result = alice.call_whole("mail_read", json!({})).await.unwrap();
        let told = text_of(&result);
        assert_eq!(result.is_error, Some(true), "{fault:?}");
        assert!(told.contains("`mail`") && told.contains(text), "{told}");
    }
    // The last one is alice's alone.
    bob.call("mail_read", json!({})).await.unwrap();
    scene.engine.clear_faults();
    scene
        .engine
        .add_fault(Fault::on_connection("mail").latency(Duration::from_millis(1)))
        .unwrap();
    alice.call("mail_read", json!({})).await.unwrap();
    let outcomes: Vec<_> = scene
        .engine
        .journal(&calls().identifier("alice").connection_name("mail"))
        .iter()
        .map(|record| record.outcome.unwrap())
        .collect();
    let failed = Outcome::UpstreamFailed;
    assert_eq!(outcomes, [failed, failed, failed, failed, Outcome::Ok]);
}

#[tokio::test]
async fn a_refused_credential_expires_the_account() {
    let scene = scene().await;
    let alice = agent(&scene, "alice").await;
    let fault = Fault::on_tool("mail_read").status(401).times(1);
    scene.engine.add_fault(fault).unwrap();
    for _ in 0..2 {
        let result = alice.call_whole("mail_read", json!({})).await.unwrap();
        assert!(text_of(&result).contains("EXPIRED"), "{}", text_of(&result));
    }
    let outcomes: Vec<_> = scene.engine.journal(&calls());
    assert!(
        outcomes
            .iter()
            .all(|record| record.outcome == Some(Outcome::AuthorizationRequired))
    );
}

#[tokio::test]
async fn a_call_that_hangs_ends_with_its_caller_and_with_the_faults() {
    let scene = scene().await;
    let alice = agent(&scene, "alice").await;
    let struck = async |often: u64| {
        while scene.engine.faults()[0].fired < often {
            tokio::task::yield_now().await;
        }
    };
    let fault = Fault::on_connection("mail").method("tools/call").hang();
    scene.engine.add_fault(fault.clone()).unwrap();
    tokio::select! {
        result = alice.call("mail_read", json!({})) => panic!("{result:?}"),
        () = struck(1) => {}
    }
    // Whoever gave up is gone: the next call is not his.
    let (result, ()) = tokio::join!(alice.call_whole("mail_read", json!({})), async {
        struck(2).await;
        scene.engine.clear_faults();
    });
    assert!(text_of(&result.unwrap()).contains("closed before it answered"));

    scene.engine.add_fault(fault).unwrap();
    let (result, ()) = tokio::join!(alice.call_whole("mail_read", json!({})), async {
        struck(1).await;
        scene.engine.reset().await.unwrap();
    });
    assert!(text_of(&result.unwrap()).contains("closed before it answered"));
    scene
        .engine
        .add_fault(Fault::on_path("/healthz").hang())
        .unwrap();
    let health = scene
        .http
        .get(format!("{}/healthz", scene.engine.env_url()));
    let answer = tokio::spawn(health.send());
    struck(1).await;
    scene.engine.close().await;
    assert!(answer.await.unwrap().is_err());
}

#[tokio::test]
async fn the_journal_shows_what_was_asked_and_no_secret() {
    let scene = scene().await;
    let alice = agent(&scene, "alice").await;
    scene.client.list_configs().search("needle").await.unwrap();
    alice
        .call("mail_send", json!({ "to": "needle" }))
        .await
        .unwrap();
    assert!(alice.call("no_such_tool", json!({})).await.is_err());
    let records = scene.engine.journal(&JournalFilter::new());
    assert!(
        records
            .windows(2)
            .all(|pair| pair[0].seq + 1 == pair[1].seq)
    );
    let text = serde_json::to_string(&records).unwrap();
    assert!(!text.contains("needle"), "{text}");
    let links = scene.engine.auth_links().await.unwrap();
    let of_mail = links.iter().find(|link| link.connection_name == "mail");
    assert_eq!(of_mail.unwrap().state, AuthLinkState::Used);
    let pages: Vec<_> = records
        .iter()
        .filter_map(|record| record.path.as_deref())
        .filter(|path| path.starts_with("/connect/"))
        .collect();
    assert_eq!(pages, ["/connect/…"; 2]);
    let called: Vec<_> = scene
        .engine
        .journal(&calls())
        .into_iter()
        .map(|record| {
            (
                record.tool.unwrap(),
                record.connection_name,
                record.outcome.unwrap(),
            )
        })
        .collect();
    assert_eq!(
        called,
        [
            ("mail_send".to_owned(), Some("mail".to_owned()), Outcome::Ok),
            ("no_such_tool".to_owned(), None, Outcome::Refused),
        ]
    );
    let of_alice = requests("/mcp/").identifier("alice");
    assert!(scene.engine.journal(&of_alice).len() >= 2);

    // The same over HTTP, by query.
    let since = records.last().unwrap().seq - 1;
    let path =
        format!("journal?kind=http&path_prefix=/mcp/&method=post&identifier=alice&since={since}");
    let answer = control(&scene, "GET", &path, Value::Null).await;
    let found = answer.body["records"].as_array().unwrap().clone();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["status"], 200);
    assert!(found[0]["at"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn a_wait_ends_when_the_requests_have_come() {
    let scene = scene().await;
    scene.client.list_configs().await.unwrap();
    let filter = requests(CONFIGS).since(scene.engine.journal(&JournalFilter::new()).len() as u64);
    let path = format!("journal?path_prefix={CONFIGS}&wait_for=2&timeout_seconds=600");
    let (typed, over_http, ()) = tokio::join!(
        scene.engine.wait_for(&filter, 8, HOUR),
        control(&scene, "GET", &path, Value::Null),
        async {
            // Two at once, four each.
            let other = client(
                scene.engine.env_url(),
                scene.engine.client_id(),
                scene.engine.client_secret(),
            );
            let ask = async |client: &Client| {
                for _ in 0..4 {
                    client.list_configs().await.unwrap();
                }
            };
            tokio::join!(ask(&scene.client), ask(&other));
        }
    );
    let typed = typed.unwrap();
    assert_eq!(typed.len(), 8);
    assert!(typed.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    assert!(over_http.body["records"].as_array().unwrap().len() >= 2);

    let error = scene
        .engine
        .wait_for(&filter, 9, Duration::from_millis(1))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "journal_timeout");
    assert!(error.to_string().contains("8 came"), "{error}");
    let path = format!("journal?path_prefix={CONFIGS}&wait_for=10&timeout_seconds=0.001");
    let answer = control(&scene, "GET", &path, Value::Null).await;
    assert_eq!((answer.status, &answer.body["code"]), (504, &4.into()));
}

#[tokio::test]
async fn a_reset_clears_faults_and_journal_and_repeats_seeded_ids() {
    let scene = scene().await;
    // The client has its access token before ids are counted.
    scene.client.list_configs().await.unwrap();
    let seed = json!({ "seed_ids": 42 });
    let mut rounds = Vec::new();
    for _ in 0..2 {
        assert_eq!(
            control(&scene, "POST", "reset", seed.clone()).await.status,
            200
        );
        assert!(scene.engine.faults().is_empty());
        assert!(scene.engine.journal(&JournalFilter::new()).is_empty());
        let config = scene
            .client
            .create_config(NewConfig::new("agent").all_tools_of("mail"))
            .await
            .unwrap();
        let accounts = scene
            .client
            .list_mcp_connected_accounts(&*config.id, "alice")
            .include_auth_link(true)
            .await
            .unwrap();
        scene
            .engine
            .add_fault(Fault::on_path(CONFIGS).probability(0.5).status(500))
            .unwrap();
        let mut seen = Vec::new();
        for _ in 0..20 {
            seen.push(
                scene
                    .client
                    .list_configs()
                    .await
                    .map_err(|error| error.request_id().map(str::to_owned))
                    .err(),
            );
        }
        rounds.push((
            config.id.clone(),
            config.mcp_server_url.clone(),
            accounts[0].connected_account_id.clone(),
            seen,
        ));
        // A link is a secret: it does not come again.
        let link = accounts[0].authentication_link.clone().unwrap();
        let page = browser::open(&scene.http, &link).await.unwrap();
        assert_eq!(page.status, 200);
    }
    assert_eq!(rounds[0], rounds[1]);
    assert!(rounds[0].3.iter().any(Option::is_some) && rounds[0].3.iter().any(Option::is_none));
}

/// An MCP server over stdio that, while it lives, holds a connection to the test.
const UPSTREAM: &str = r#"
import json, socket, sys
beacon = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request:
        continue
    answer = {"jsonrpc": "2.0", "id": request["id"]}
    if request["method"] == "initialize":
        answer["result"] = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "u", "version": "1"}}
    elif request["method"] == "tools/list":
        answer["result"] = {"tools": [{"name": "ping", "inputSchema": {"type": "object"}}]}
    elif request["method"] == "tools/call":
        answer["result"] = {"content": [{"type": "text", "text": "pong"}]}
    else:
        answer["error"] = {"code": -32601, "message": "no"}
    print(json.dumps(answer), flush=True)
"#;

#[tokio::test]
async fn an_account_that_is_not_active_is_refused_at_once_and_nothing_runs_for_it() {
    let beacon = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = beacon.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("upstream.py");
    std::fs::write(&script, UPSTREAM).unwrap();
    let scene = Scene::start(&format!(
        "[connections.up]\nupstream = {{ command = \"python3\", args = [{script:?}, \"{port}\"] }}\nauth = \"api_key\"\n"
    ))
    .await;
    let seed = Seed::new()
        .config(SeedConfig::new("agent").connection("up", ["ping"]))
        .account(SeedAccount::new("up", "alice").credential("key"));
    scene.engine.seed(seed).await.unwrap();
    let config = scene.client.list_configs().await.unwrap().configs.remove(0);
    let alice = scene.agent_of(&config, "alice").await;
    for status in [
        AccountStatus::Expired,
        AccountStatus::PendingAuth,
        AccountStatus::PendingVerification,
        AccountStatus::Disconnected,
    ] {
        assert_eq!(alice.call("ping", json!({})).await.unwrap(), "pong");
        let (mut upstream, _) = beacon.accept().unwrap();
        let body = json!({ "connection_name": "up", "identifier": "alice", "status": status });
        let answer = control(&scene, "POST", "accounts/status", body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        // Its process has ended.
        upstream.set_nonblocking(true).unwrap();
        assert!(matches!(upstream.read(&mut [0]), Ok(0)), "{status:?}");
        let result = alice.call_whole("ping", json!({})).await.unwrap();
        let name = serde_json::to_value(status).unwrap();
        assert!(
            text_of(&result).contains(name.as_str().unwrap()),
            "{}",
            text_of(&result)
        );
        scene
            .engine
            .set_account_status("up", "alice", AccountStatus::Active)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn links_are_completed_and_denied_without_a_browser() {
    let scene = scene().await;
    let config = scene
        .client
        .create_config(NewConfig::new("agent").all_tools_of("mail"))
        .await
        .unwrap();
    let mut links = Vec::new();
    for user in ["alice", "bob"] {
        let accounts = scene
            .client
            .list_mcp_connected_accounts(&*config.id, user)
            .include_auth_link(true)
            .await
            .unwrap();
        links.push(accounts[0].authentication_link.clone().unwrap());
    }
    let listed = control(&scene, "GET", "auth_links", Value::Null).await.body;
    let of = |user: &str| {
        let links = listed["auth_links"].as_array().unwrap();
        let link = links
            .iter()
            .find(|link| link["identifier"] == user)
            .unwrap();
        assert_eq!(
            (&link["state"], &link["connection_name"]),
            (&"open".into(), &"mail".into())
        );
        link["id"].clone()
    };
    let body = json!({ "link_id": of("alice"), "credential": "key" });
    let answer = control(&scene, "POST", "auth_links/complete", body).await;
    assert_eq!(
        (answer.status, answer.body),
        (200, json!({ "status": "ACTIVE" }))
    );
    scene
        .agent_of(&config, "alice")
        .await
        .call("mail_read", json!({}))
        .await
        .unwrap();

    let body = json!({ "link_id": of("bob") });
    assert_eq!(
        control(&scene, "POST", "auth_links/deny", body.clone())
            .await
            .status,
        200
    );
    assert_eq!(
        control(&scene, "POST", "auth_links/deny", body)
            .await
            .status,
        409
    );
    for page in [
        browser::open(&scene.http, &links[1]).await.unwrap(),
        browser::authorize(&scene.http, &links[1], "key")
            .await
            .unwrap(),
    ] {
        assert_eq!(page.status, 410);
        assert!(page.html.contains("declined"), "{}", page.html);
    }
    let page = browser::open(&scene.http, &links[0]).await.unwrap();
    assert!(page.html.contains("already used"), "{}", page.html);
    let accounts = scene
        .client
        .list_mcp_connected_accounts(&*config.id, "bob")
        .await
        .unwrap();
    assert!(!accounts[0].is_active());
}

#[tokio::test]
async fn the_clock_is_read_frozen_moved_and_set_right() {
    let scene = scene().await;
    let set = async |body: Value| control(&scene, "POST", "clock", body).await.body;
    let first = set(json!({ "freeze": true })).await;
    assert_eq!(first["frozen"], true);
    assert_eq!(
        control(&scene, "GET", "clock", Value::Null).await.body,
        first
    );
    let before = scene.engine.now();
    set(json!({ "advance_seconds": 86_400.5 })).await;
    assert_eq!(
        scene.engine.now().duration_since(before).unwrap(),
        Duration::from_millis(86_400_500)
    );
    let right = set(json!({ "reset": true })).await;
    assert_eq!(right["frozen"], false);
    assert!(scene.engine.now() < before + HOUR);
}

#[tokio::test]
async fn the_controls_over_http_are_off_unless_asked_for_and_need_their_token() {
    let scene = scene().await;
    let (id, secret) = (scene.engine.client_id(), scene.engine.client_secret());
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let token = scene
        .http
        .post(format!("{}/oauth/token", scene.engine.env_url()))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let token: Value = serde_json::from_str(&token).unwrap();
    let access = format!("Bearer {}", token["access_token"].as_str().unwrap());
    for authorization in [None, Some("Bearer wrong"), Some(&*access)] {
        for path in ["reset", "journal", "nothing"] {
            let answer = control_as(&scene, authorization, "POST", path, json!({})).await;
            assert_eq!(answer.status, 401, "{path}");
        }
    }
    for (method, path, body, status) in [
        ("GET", "reset", Value::Null, 405),
        ("POST", "nothing", Value::Null, 404),
        ("POST", "reset?seed_ids=1", Value::Null, 400),
        ("POST", "reset", json!([]), 400),
        ("POST", "reset", json!({ "sed": 1 }), 400),
        ("GET", "journal?since=a", Value::Null, 400),
        ("GET", "journal?since=1&since=2", Value::Null, 400),
        ("GET", "journal?sine=1", Value::Null, 400),
        (
            "POST",
            "faults",
            json!({ "path": "/a", "hang": true, "probability": 2 }),
            400,
        ),
        (
            "POST",
            "accounts/status",
            json!({ "connection_name": "mail", "identifier": "x", "status": "ACTIVE" }),
            404,
        ),
    ] {
        let answer = control(&scene, method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        assert!(answer.body["message"].as_str().unwrap().len() > 10);
    }

    let off = scalekit_vmcp_engine::LocalEngine::builder()
        .start()
        .await
        .unwrap();
    assert!(off.admin_token().is_none());
    for path in ["reset", "journal", "clock"] {
        let url = format!("{}/_local/{path}", off.env_url());
        assert_eq!(scene.http.post(url).send().await.unwrap().status(), 404);
    }
    off.freeze_clock();
    off.reset().await.unwrap();
    off.close().await;
}
