//! The main job: configs, users, sessions, and agents that use them.

use std::time::Duration;

use rmcp::ServiceError;
use scalekit_vmcp::{AccessLevel, NewConfig, Target};
use serde_json::json;

use crate::scene::{MAIL_CONNECTION, Scene, npm_server, upstreams};

fn real_connections() -> String {
    let git = upstreams().join("venv/bin/mcp-server-git");
    format!(
        r#"
        [connections.git]
        upstream = {{ command = "{}", args = ["--repository", "{}"] }}
        [connections.notes]
        upstream = {{ command = "node", args = ["{}"], env = {{ MEMORY_FILE_PATH = "{{account_dir}}/memory.json" }} }}
        {MAIL_CONNECTION}"#,
        git.display(),
        repository(),
        npm_server("server-memory"),
    )
}

fn repository() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/..")
}

fn refusal<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> (i32, String) {
    match result.unwrap_err() {
        ServiceError::McpError(error) => (error.code.0, error.message.into_owned()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn real_servers_behind_one_url_scoped_and_per_user() {
    let scene = Scene::start(&real_connections()).await;
    let config = scene
        .client
        .create_config(
            NewConfig::new("agent")
                .connection("git", ["git_log"])
                .connection("notes", ["create_entities", "read_graph"])
                .all_tools_of("mail"),
        )
        .await
        .unwrap();
    scene.authorize(&config, "alice", "key-a").await;
    scene.authorize(&config, "bob", "key-b").await;
    let alice = scene.agent_of(&config, "alice").await;
    let bob = scene.agent_of(&config, "bob").await;

    let tools = alice.tool_names().await.unwrap();
    assert_eq!(
        tools,
        [
            "git_log",
            "create_entities",
            "read_graph",
            "mail_read",
            "mail_send"
        ]
    );

    let head = std::process::Command::new("git")
        .args(["-C", repository(), "rev-parse", "HEAD"])
        .output()
        .unwrap();
    let head = String::from_utf8(head.stdout).unwrap();
    let log = alice
        .call(
            "git_log",
            json!({ "repo_path": repository(), "max_count": 1 }),
        )
        .await
        .unwrap();
    assert!(log.contains(head.trim()), "{log}");

    let note = json!({ "entities": [{ "name": "n", "entityType": "note", "observations": ["only alice's"] }] });
    alice.call("create_entities", note).await.unwrap();
    let whole = alice.call_whole("read_graph", json!({})).await.unwrap();
    // What a modern client asks of a legacy upstream.
    assert_eq!(whole.result_type, Some(rmcp::model::ResultType::COMPLETE));
    assert!(
        alice
            .call("read_graph", json!({}))
            .await
            .unwrap()
            .contains("only alice's")
    );
    assert!(
        !bob.call("read_graph", json!({}))
            .await
            .unwrap()
            .contains("only alice's")
    );
    alice
        .call("mail_send", json!({ "to": "carol" }))
        .await
        .unwrap();
    assert_eq!(
        alice.call("mail_read", json!({})).await.unwrap(),
        "mail of alice: to carol"
    );
    assert_eq!(
        bob.call("mail_read", json!({})).await.unwrap(),
        "mail of bob: "
    );

    // Hidden in this config, not at the upstream; and nowhere at all: the same answer.
    assert_eq!(
        refusal(alice.call("git_status", json!({})).await),
        (-32602, "Unknown tool: git_status".to_owned())
    );
    assert_eq!(
        refusal(alice.call("nowhere", json!({})).await),
        (-32602, "Unknown tool: nowhere".to_owned())
    );
    scene.engine.close().await;
}

#[tokio::test]
async fn an_update_is_seen_by_running_sessions() {
    let scene = Scene::start(MAIL_CONNECTION).await;
    let config = scene
        .client
        .create_config(NewConfig::new("agent").connection("mail", ["mail_read"]))
        .await
        .unwrap();
    scene.authorize(&config, "alice", "key").await;
    let agent = scene.agent_of(&config, "alice").await;
    assert_eq!(agent.tool_names().await.unwrap(), ["mail_read"]);

    // Read, append, update: what the response carries besides is not sent back.
    let mut mappings = scene
        .client
        .get_config(&*config.id)
        .await
        .unwrap()
        .connection_tool_mappings;
    mappings[0].tools =
        scalekit_vmcp::Tools::Only(vec!["mail_read".to_owned(), "mail_send".to_owned()]);
    scene
        .client
        .update_config(&*config.id)
        .connection_tool_mappings(mappings)
        .await
        .unwrap();
    assert_eq!(
        agent.tool_names().await.unwrap(),
        ["mail_read", "mail_send"]
    );
    assert_eq!(
        agent
            .call("mail_send", json!({ "to": "bob" }))
            .await
            .unwrap(),
        "sent"
    );
}

#[tokio::test]
async fn a_session_outlives_its_tokens() {
    let scene = Scene::start(MAIL_CONNECTION).await;
    let config = scene
        .client
        .create_config(NewConfig::new("agent").all_tools_of("mail"))
        .await
        .unwrap();
    scene.authorize(&config, "alice", "key").await;
    let session = scene
        .client
        .open_session(&*config.id, "alice")
        .expiry(Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(session.url(), config.mcp_server_url.as_deref().unwrap());
    let agent = scene.agent(&session).await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        agent.call("mail_read", json!({})).await.unwrap();
        tokens.push(session.token().await.unwrap().token().to_owned());
        scene.engine.advance_clock(Duration::from_secs(3600));
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 3);
}

#[tokio::test]
async fn a_read_only_session_reads_only() {
    let scene = Scene::start(MAIL_CONNECTION).await;
    let config = scene
        .client
        .create_config(NewConfig::new("agent").all_tools_of("mail"))
        .await
        .unwrap();
    scene.authorize(&config, "alice", "key").await;
    let session = scene
        .client
        .open_session(&config, "alice")
        .access_level(AccessLevel::ReadOnly)
        .await
        .unwrap();
    let agent = scene.agent(&session).await;
    assert_eq!(agent.tool_names().await.unwrap(), ["mail_read"]);
    assert_eq!(
        refusal(agent.call("mail_send", json!({ "to": "x" })).await),
        (-32602, "Unknown tool: mail_send".to_owned())
    );
}

#[tokio::test]
async fn a_connection_without_a_config_serves_all_its_tools() {
    let scene = Scene::start("[connections.\"my mail: 1\"]\nsandbox = \"mail.json\"\n").await;
    let session = scene
        .client
        .open_session(Target::connection("my mail: 1"), "alice")
        .await
        .unwrap();
    assert!(
        session
            .url()
            .ends_with("/mcp/v3/connections/my%20mail%3A%201"),
        "{}",
        session.url()
    );
    let agent = scene.agent(&session).await;
    assert_eq!(
        agent.tool_names().await.unwrap(),
        ["mail_read", "mail_send"]
    );
}

#[tokio::test]
async fn a_reset_engine_is_empty_and_its_clients_still_work() {
    let scene = Scene::start(MAIL_CONNECTION).await;
    let config = scene
        .client
        .create_config(NewConfig::new("agent").all_tools_of("mail"))
        .await
        .unwrap();
    scene.authorize(&config, "alice", "key").await;
    let agent = scene.agent_of(&config, "alice").await;
    agent
        .call("mail_send", json!({ "to": "before" }))
        .await
        .unwrap();
    scene.engine.advance_clock(Duration::from_secs(60));

    let reset = format!("{}/_local/reset", scene.engine.env_url());
    assert_eq!(scene.post(&reset, None, &[], "").await.status, 401);
    assert_eq!(
        scene
            .post(&reset, Some("Bearer wrong"), &[], "")
            .await
            .status,
        401
    );
    let admin = format!("Bearer {}", scene.engine.admin_token().unwrap());
    assert_eq!(scene.post(&reset, Some(&admin), &[], "").await.status, 200);

    assert_eq!(scene.client.list_configs().await.unwrap().total_size, 0);
    let config = scene
        .client
        .create_config(NewConfig::new("agent").all_tools_of("mail"))
        .await
        .unwrap();
    let accounts = scene
        .client
        .list_mcp_connected_accounts(&*config.id, "alice")
        .await
        .unwrap();
    assert_eq!(accounts[0].connected_account_status, None);
    scene.authorize(&config, "alice", "key").await;
    let agent = scene.agent_of(&config, "alice").await;
    assert_eq!(
        agent.call("mail_read", json!({})).await.unwrap(),
        "mail of alice: "
    );
}

#[tokio::test]
async fn a_connection_added_in_mid_run_works_for_a_running_session() {
    let toml = format!(
        "{MAIL_CONNECTION}[connections.news]\nsandbox = \"news.json\"\n[connections.locked]\nsandbox = \"locked.json\"\nauth = \"api_key\"\n"
    );
    let scene = Scene::start(&toml).await;
    let config = scene
        .client
        .create_config(NewConfig::new("agent").all_tools_of("mail"))
        .await
        .unwrap();
    scene.authorize(&config, "alice", "key").await;
    let agent = scene.agent_of(&config, "alice").await;
    assert_eq!(
        agent.tool_names().await.unwrap(),
        ["mail_read", "mail_send"]
    );

    let mappings = ["mail", "news", "locked"].map(scalekit_vmcp::ConnectionToolMapping::all);
    scene
        .client
        .update_config(&*config.id)
        .connection_tool_mappings(mappings[..2].to_vec())
        .await
        .unwrap();
    assert_eq!(
        agent.call("news_read", json!({})).await.unwrap(),
        "news for alice"
    );

    // One that needs the user first: the others go on, and once it is authorized it joins them.
    scene
        .client
        .update_config(&*config.id)
        .connection_tool_mappings(mappings)
        .await
        .unwrap();
    assert_eq!(
        agent.tool_names().await.unwrap(),
        ["mail_read", "mail_send", "news_read"]
    );
    scene.authorize(&config, "alice", "key").await;
    assert_eq!(
        agent.call("locked_read", json!({})).await.unwrap(),
        "locked for alice"
    );
}
