//! Every request and notification of both eras' schema: it works, or is answered as the
//! specification wants it of a server that has tools only.

use scalekit_vmcp::NewConfig;
use serde_json::{Value, json};

use crate::{
    scene::{Answer, MAIL_CONNECTION, Scene},
    slow::{SlowUpstream, Speaks},
};

/// What a message is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answered {
    /// With a result that has this member.
    With(&'static str),
    /// `notifications/…`: accepted, whatever it says.
    Accepted,
    /// It is not offered: `-32601`.
    Unknown,
}

use Answered::{Accepted, Unknown, With};

struct Stage {
    scene: Scene,
    url: String,
    token: String,
}

impl Stage {
    async fn start(toml: &str) -> Self {
        let scene = Scene::start(toml).await;
        let config = NewConfig::new("agent").all_tools_of("mail");
        let config = scene.client.create_config(config).await.unwrap();
        scene.authorize(&config, "alice", "key").await;
        let session = scene.client.open_session(&config, "alice").await.unwrap();
        let token = format!("Bearer {}", session.token().await.unwrap().token());
        let url = session.url().to_owned();
        Self { scene, url, token }
    }

    async fn legacy(&self, message: Value) -> Answer {
        let token = Some(&*self.token);
        let message = message.to_string();
        self.scene.post(&self.url, token, &[], message).await
    }

    /// With all the headers that the newest revision wants.
    async fn modern(&self, mut message: Value, headers: &[(&str, &str)]) -> Answer {
        message["params"]["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        });
        let text = message.to_string();
        let param = |name: &str| message["params"][name].as_str();
        let mut request = self
            .scene
            .http
            .post(&self.url)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("authorization", &self.token)
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", message["method"].as_str().unwrap());
        if let Some(name) = param("name").or(param("uri")).or(param("taskId")) {
            request = request.header("mcp-name", name);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(text).send().await.unwrap();
        let status = response.status().as_u16();
        let body = response.text().await.unwrap();
        Answer {
            status,
            challenge: None,
            body: serde_json::from_str(&body).unwrap_or(Value::String(body)),
        }
    }
}

fn message(method: &str, params: &Value) -> Value {
    let mut message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
    if !method.starts_with("notifications/") {
        message["id"] = json!(7);
    }
    message
}

fn check(method: &str, answer: &Answer, expected: Answered, unknown_status: u16) {
    let body = &answer.body;
    match expected {
        With(member) => {
            assert_eq!(answer.status, 200, "{method}: {body}");
            assert!(body["result"].get(member).is_some(), "{method}: {body}");
        }
        Accepted => assert_eq!(answer.status, 202, "{method}: {body}"),
        Unknown => {
            let code = &body["error"]["code"];
            let found = (answer.status, code, &body["id"]);
            let wanted = (unknown_status, &json!(-32601), &json!(7));
            assert_eq!(found, wanted, "{method}: {body}");
        }
    }
}

/// The schema's messages that neither era's client sends to a server are in it too: whoever gets
/// one of them by mistake does not know it.
fn messages() -> Vec<(&'static str, Value, Option<Answered>, Option<Answered>)> {
    let initialize = json!({
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let reference = json!({
        "ref": { "type": "ref/prompt", "name": "p" }, "argument": { "name": "a", "value": "v" },
    });
    let uri = json!({ "uri": "test://x" });
    let name = json!({ "name": "x" });
    let task = json!({ "taskId": "t" });
    let none = json!({});
    let sampling = json!({ "messages": [], "maxTokens": 1 });
    let elicitation =
        json!({ "message": "m", "requestedSchema": { "type": "object", "properties": {} } });
    let progress = json!({ "progressToken": "p", "progress": 1 });
    let cancelled = json!({ "requestId": 99 });
    let call = json!({ "name": "mail_read", "arguments": {} });
    let tools = Some(With("tools"));
    let content = Some(With("content"));
    let accepted = Some(Accepted);
    let unknown = Some(Unknown);
    // Method, parameters, then what 2025-11-25 and 2026-07-28 answer. `None`: it is of the other era
    // only, where the era of the message decides, and not the header.
    vec![
        (
            "initialize",
            initialize,
            Some(With("protocolVersion")),
            None,
        ),
        (
            "server/discover",
            none.clone(),
            None,
            Some(With("supportedVersions")),
        ),
        ("ping", none.clone(), Some(With("")), unknown),
        ("tools/list", none.clone(), tools, tools),
        ("tools/call", call, content, content),
        ("completion/complete", reference, unknown, unknown),
        (
            "logging/setLevel",
            json!({ "level": "info" }),
            unknown,
            unknown,
        ),
        ("prompts/list", none.clone(), unknown, unknown),
        ("prompts/get", name, unknown, unknown),
        ("resources/list", none.clone(), unknown, unknown),
        ("resources/templates/list", none.clone(), unknown, unknown),
        ("resources/read", uri.clone(), unknown, unknown),
        ("resources/subscribe", uri.clone(), unknown, unknown),
        ("resources/unsubscribe", uri, unknown, unknown),
        ("tasks/list", none.clone(), unknown, unknown),
        ("tasks/get", task.clone(), unknown, unknown),
        ("tasks/result", task.clone(), unknown, unknown),
        ("tasks/cancel", task, unknown, unknown),
        ("roots/list", none.clone(), unknown, unknown),
        ("sampling/createMessage", sampling, unknown, unknown),
        ("elicitation/create", elicitation, unknown, unknown),
        ("no/such/method", none.clone(), unknown, unknown),
        (
            "notifications/initialized",
            none.clone(),
            accepted,
            accepted,
        ),
        ("notifications/cancelled", cancelled, accepted, accepted),
        ("notifications/progress", progress, accepted, accepted),
        (
            "notifications/roots/list_changed",
            none.clone(),
            accepted,
            accepted,
        ),
        ("notifications/no/such", none, accepted, accepted),
    ]
}

#[tokio::test]
async fn every_method_works_or_is_refused_as_the_specification_says() {
    let stage = Stage::start(MAIL_CONNECTION).await;
    for (method, params, legacy, modern) in messages() {
        let sent = message(method, &params);
        if let Some(expected) = legacy {
            let mut answer = stage.legacy(sent.clone()).await;
            if expected == With("") {
                assert_eq!(answer.body["result"], json!({}), "{method}");
                answer.body["result"] = json!({ "": null });
            }
            check(method, &answer, expected, 200);
        }
        if let Some(expected) = modern {
            check(method, &stage.modern(sent, &[]).await, expected, 404);
        }
    }
}

#[tokio::test]
async fn both_eras_say_that_they_have_tools_which_may_change_and_nothing_else() {
    let stage = Stage::start(MAIL_CONNECTION).await;
    let initialize = messages().swap_remove(0);
    let answer = stage.legacy(message(initialize.0, &initialize.1)).await;
    let tools = json!({ "tools": { "listChanged": true } });
    assert_eq!(answer.body["result"]["capabilities"], tools);
    let discover = message("server/discover", &json!({}));
    let answer = stage.modern(discover, &[]).await;
    assert_eq!(answer.body["result"]["capabilities"], tools);
}

#[tokio::test]
async fn a_header_that_repeats_an_argument_is_checked_before_anything_was_listed() {
    let sandbox = json!({
        "tools": [{ "name": "mail_in", "inputSchema": {
            "type": "object",
            "properties": { "region": { "type": "string", "x-mcp-header": "Region" } },
        } }],
        "results": { "mail_in": { "content": [{ "type": "text", "text": "mail in {arguments.region}" }] } },
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("regions.json");
    std::fs::write(&file, sandbox.to_string()).unwrap();
    let toml = format!("[connections.mail]\nsandbox = \"{}\"\n", file.display());
    let call = json!({ "name": "mail_in", "arguments": { "region": "north" } });
    for (status, headers) in [
        (400, &[("mcp-param-region", "south")][..]),
        (400, &[]),
        (200, &[("mcp-param-region", "north")]),
    ] {
        // An engine that nobody has asked for its tools yet.
        let stage = Stage::start(&toml).await;
        let answer = stage.modern(message("tools/call", &call), headers).await;
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.body);
        let code = &answer.body["error"]["code"];
        assert_eq!(code == &json!(-32020), status == 400, "{}", answer.body);
    }
}

#[tokio::test]
async fn an_upstream_that_asks_back_is_a_tool_error_that_says_so() {
    let upstream = SlowUpstream::start(Speaks::Modern).await;
    upstream.has(&["asks"]).await;
    let stage = Stage::start(&upstream.connection("mail")).await;
    let call = message("tools/call", &json!({ "name": "asks", "arguments": {} }));
    for answer in [
        stage.legacy(call.clone()).await,
        stage.modern(call, &[]).await,
    ] {
        let result = &answer.body["result"];
        assert_eq!(result["isError"], true, "{}", answer.body);
        assert_ne!(result["resultType"], "input_required");
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(
            text.contains("`mail`")
                && text.contains("a request for more input")
                && !text.contains("secret"),
            "{text}"
        );
    }
}
