//! Runs that outlive their tokens, and what `check` says of a session.

use std::time::Duration;

use scalekit_vmcp::{AccountRef, ErrorKind, NewConfig, Session, Target};
use serde_json::json;

use crate::scene::{MAIL_CONNECTION, Scene};

async fn scene() -> (Scene, scalekit_vmcp::Config) {
    let scene = Scene::start(MAIL_CONNECTION).await;
    let config = scene
        .client
        .create_config(NewConfig::new("agent").connection("mail", ["mail_read"]))
        .await
        .unwrap();
    scene.authorize(&config, "alice", "key").await;
    (scene, config)
}

async fn open(scene: &Scene, target: impl Into<Target>) -> Session {
    scene.client.open_session(target, "alice").await.unwrap()
}

#[tokio::test]
async fn a_run_of_more_than_a_day_works_in_both_forms() {
    let (scene, config) = scene().await;
    let sessions = [
        open(&scene, &config).await,
        open(&scene, Target::connection("mail")).await,
    ];
    let agents = [
        scene.agent(&sessions[0]).await,
        scene.agent(&sessions[1]).await,
    ];
    let first = sessions[0].token().await.unwrap();
    for _ in 0..30 {
        scene.engine.advance_clock(Duration::from_secs(3_601));
        for agent in &agents {
            let text = agent.call("mail_read", json!({})).await.unwrap();
            assert!(text.starts_with("mail of alice"), "{text}");
        }
    }
    let last = sessions[0].token().await.unwrap();
    let run = last
        .expires_at()
        .unwrap()
        .duration_since(first.expires_at().unwrap());
    assert!(run.unwrap() > Duration::from_secs(86_400));
}

#[tokio::test]
async fn an_account_that_is_gone_in_mid_run_is_named_with_a_link_and_the_run_goes_on_after_it() {
    let (scene, config) = scene().await;
    let session = open(&scene, &config).await;
    let agent = scene.agent(&session).await;
    scene
        .client
        .delete_connected_account(AccountRef::new("mail", "alice"))
        .await
        .unwrap();
    scene.engine.advance_clock(Duration::from_secs(3_601));
    let told = agent.call("mail_read", json!({})).await.unwrap_err();
    assert!(
        told.to_string().contains("the user must authorize `mail`"),
        "{told}"
    );

    let token = session.token().await.unwrap();
    let error = session.rejected(token.token()).await.unwrap_err();
    let accounts = error.authorization_required().unwrap();
    assert_eq!(accounts[0].connection_name, "mail");
    let link = accounts[0].authentication_link.as_deref().unwrap();
    let page = crate::browser::authorize(&scene.http, link, "key")
        .await
        .unwrap();
    assert_eq!(page.status, 200, "{}", page.html);
    agent.call("mail_read", json!({})).await.unwrap();
}

#[tokio::test]
async fn check_reports_what_an_agent_finds() {
    let (scene, config) = scene().await;
    let report = open(&scene, &config).await.check().await.unwrap();
    assert_eq!(report.protocol_version, "2026-07-28");
    let names: Vec<&str> = report.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["mail_read"]);
    assert!(report.tools[0].read_only && report.schema_bytes > 0);
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);

    let report = open(&scene, Target::connection("mail"))
        .await
        .check()
        .await
        .unwrap();
    assert_eq!(report.tools.len(), 2);
    assert!(report.missing_tools.is_empty());
}

#[tokio::test]
async fn check_names_the_account_that_calls_would_fail_for() {
    let news = "[connections.news]\nsandbox = \"news.json\"\nauth = \"api_key\"\n";
    let scene = Scene::start(&format!("{MAIL_CONNECTION}{news}")).await;
    let config = NewConfig::new("agent")
        .connection("mail", ["mail_read"])
        .connection("news", ["news_read"]);
    let config = scene.client.create_config(config).await.unwrap();
    scene.authorize(&config, "alice", "key").await;
    let session = open(&scene, &config).await;
    let delete = |connection| {
        let account = AccountRef::new(connection, "alice");
        scene.client.delete_connected_account(account)
    };
    delete("news").await.unwrap();
    let report = session.check().await.unwrap();
    assert!(report.tools.iter().any(|tool| tool.name == "mail_read"));
    let mut warnings = report.warnings.iter();
    let warning = warnings.find(|warning| warning.code == "account_not_active");
    assert_eq!(
        warning.unwrap().message,
        "calls would fail until the user has authorized `news` (no account)"
    );

    // Without any account the server itself says so.
    delete("mail").await.unwrap();
    let error = session.check().await.unwrap_err();
    assert_eq!(error.code(), "mcp_error");
    assert!(error.message().contains("`mail` needs"), "{error}");
}

#[tokio::test]
async fn check_replaces_a_token_that_has_ended() {
    let (scene, config) = scene().await;
    let session = open(&scene, &config).await;
    scene.engine.advance_clock(Duration::from_secs(3_601));
    assert_eq!(session.check().await.unwrap().tools.len(), 1);
}

#[tokio::test]
async fn check_explains_what_keeps_an_agent_from_its_tools() {
    let (scene, config) = scene().await;
    let other = scene
        .client
        .create_config(NewConfig::new("other").all_tools_of("mail"))
        .await
        .unwrap();
    let confused = Target::Config {
        id: config.id.clone(),
        url: other.mcp_server_url.clone(),
    };
    let error = open(&scene, confused).await.check().await.unwrap_err();
    assert_eq!(
        (error.code(), error.status()),
        ("wrong_audience", Some(401))
    );
    let both = [&config, &other].map(|config| config.mcp_server_url.clone().unwrap());
    assert!(
        both.iter().all(|url| error.message().contains(url)),
        "{error}"
    );

    let session = open(&scene, &config).await;
    scene.client.delete_config(&*config.id).await.unwrap();
    let error = session.check().await.unwrap_err();
    assert_eq!(
        (error.code(), error.status()),
        ("mcp_server_not_found", Some(404))
    );

    let session = open(&scene, &other).await;
    scene.engine.close().await;
    let error = session.check().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Connection, "mcp_unreachable")
    );
}
