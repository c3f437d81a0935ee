//! Bad input from the user's side: each a typed error that names the argument and the rule, and
//! nothing is left behind.

use std::{path::Path, time::Duration};

use scalekit_vmcp::{ConnectionToolMapping, Error, ErrorKind, NewConfig};
use scalekit_vmcp_engine::{LocalEngine, Settings};

use crate::scene::{MAIL_CONNECTION, Scene, client};

fn config() -> NewConfig {
    NewConfig::new("agent").connection("mail", ["mail_read"])
}

#[track_caller]
fn is(error: &Error, kind: ErrorKind, code: &str, argument: Option<&str>) {
    assert_eq!(
        (error.kind(), error.code(), error.argument_name()),
        (kind, code, argument),
        "{error}"
    );
}

#[tokio::test]
async fn a_config_that_breaks_a_rule_is_not_created() {
    let scene = Scene::start(MAIL_CONNECTION).await;
    let create = |config| scene.client.create_config(config);
    let invalid = ErrorKind::InvalidArgument;

    is(
        &create(NewConfig::new("My Agent")).await.unwrap_err(),
        invalid,
        "config_name_invalid",
        Some("name"),
    );
    is(
        &create(NewConfig::new("")).await.unwrap_err(),
        invalid,
        "argument_missing",
        Some("name"),
    );
    let many = (0..26).fold(NewConfig::new("agent"), |config, n| {
        config.all_tools_of(format!("c{n}"))
    });
    is(
        &create(many).await.unwrap_err(),
        invalid,
        "too_many_mappings",
        Some("connection_tool_mappings"),
    );
    let empty =
        NewConfig::new("agent").mapping(ConnectionToolMapping::new("mail", Vec::<String>::new()));
    is(
        &create(empty).await.unwrap_err(),
        invalid,
        "tools_empty",
        Some("connection_tool_mappings[0].tools"),
    );

    let unknown = create(NewConfig::new("agent").all_tools_of("mial"))
        .await
        .unwrap_err();
    is(
        &unknown,
        invalid,
        "bad_request",
        Some("connection_tool_mappings[0].connection_name"),
    );
    assert!(
        unknown.message().contains("mial") && unknown.status() == Some(400),
        "{unknown}"
    );
    assert!(unknown.request_id().is_some());
    let unknown = create(NewConfig::new("agent").connection("mail", ["mail_raed"]))
        .await
        .unwrap_err();
    assert!(
        unknown.message().contains("mail_raed") && unknown.message().contains("mail_read"),
        "{unknown}"
    );

    assert_eq!(scene.client.list_configs().await.unwrap().total_size, 0);
    create(config()).await.unwrap();
    is(
        &create(config()).await.unwrap_err(),
        ErrorKind::Conflict,
        "conflict",
        None,
    );
    assert_eq!(scene.client.list_configs().await.unwrap().total_size, 1);
}

#[tokio::test]
async fn a_session_that_breaks_a_rule_is_not_opened() {
    let scene = Scene::start(MAIL_CONNECTION).await;
    let config = scene.client.create_config(config()).await.unwrap();
    let invalid = ErrorKind::InvalidArgument;
    for seconds in [59, 25 * 3600] {
        let expiry = Duration::from_secs(seconds);
        is(
            &scene
                .client
                .open_session(&config, "alice")
                .expiry(expiry)
                .await
                .unwrap_err(),
            invalid,
            "expiry_out_of_range",
            Some("expiry"),
        );
        is(
            &scene
                .client
                .create_session_token(&config, "alice")
                .expiry(expiry)
                .await
                .unwrap_err(),
            invalid,
            "expiry_out_of_range",
            Some("expiry"),
        );
    }
    is(
        &scene.client.open_session(&config, "").await.unwrap_err(),
        invalid,
        "argument_missing",
        Some("identifier"),
    );
    is(
        &scene
            .client
            .open_session(&config, "x".repeat(256))
            .await
            .unwrap_err(),
        invalid,
        "identifier_invalid",
        Some("identifier"),
    );
    is(
        &scene
            .client
            .list_mcp_connected_accounts(&*config.id, "")
            .await
            .unwrap_err(),
        invalid,
        "argument_missing",
        Some("identifier"),
    );

    let unknown = scene
        .client
        .open_session("cfg_123456789", "alice")
        .await
        .unwrap_err();
    is(&unknown, ErrorKind::NotFound, "not_found", None);
    is(
        &scene.client.get_config("cfg_123456789").await.unwrap_err(),
        ErrorKind::NotFound,
        "not_found",
        None,
    );
    is(
        &scene
            .client
            .delete_config("cfg_123456789")
            .await
            .unwrap_err(),
        ErrorKind::NotFound,
        "not_found",
        None,
    );
    // Nothing was created for alice by all this.
    let accounts = scene
        .client
        .list_mcp_connected_accounts(&*config.id, "alice")
        .await
        .unwrap();
    assert!(
        accounts
            .iter()
            .all(|account| account.connected_account_id.is_none())
    );
}

#[tokio::test]
async fn identifiers_are_texts_not_paths_or_markup() {
    let scene = Scene::start(MAIL_CONNECTION).await;
    let config = scene.client.create_config(config()).await.unwrap();
    for user in [
        "../../etc",
        "ü ñ 漢字 🦀",
        "<script>alert(1)</script>",
        "a'; DROP TABLE accounts; --",
        "%2e%2e",
    ] {
        scene.authorize(&config, user, "key").await;
        let agent = scene.agent_of(&config, user).await;
        assert_eq!(
            agent
                .call("mail_read", serde_json::json!({}))
                .await
                .unwrap(),
            format!("mail of {user}: ")
        );
    }
}

#[tokio::test]
async fn wrong_secret_and_absent_engine_are_told_apart() {
    let scene = Scene::start("").await;
    let wrong = client(scene.engine.env_url(), scene.engine.client_id(), "hunter2");
    let error = wrong.list_configs().await.unwrap_err();
    is(
        &error,
        ErrorKind::Unauthenticated,
        "client_credentials_refused",
        None,
    );
    assert!(!format!("{error}{error:?}").contains("hunter2"));
    assert!(error.suggestion().unwrap().contains("client_secret"));

    let url = scene.engine.env_url().to_owned();
    scene.engine.close().await;
    let error = client(&url, "id", "secret")
        .list_configs()
        .await
        .unwrap_err();
    is(
        &error,
        ErrorKind::Connection,
        "access_token_unavailable",
        None,
    );
    assert!(
        error.message().contains(&url) && error.is_retryable(),
        "{error}"
    );
    assert!(error.suggestion().unwrap().contains("running"));
}

#[test]
fn broken_settings_name_line_column_and_rule() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let error = |toml: &str| Settings::from_toml(toml, folder).unwrap_err().to_string();
    let syntax = error("[connections.git]\nupstream = { command = \n");
    assert!(syntax.starts_with("vmcp.toml:2:23: "), "{syntax}");
    let unknown = error("[connections.git]\nupstrem = 1\n");
    assert!(
        unknown.starts_with("vmcp.toml:2:1: ") && unknown.contains("upstrem"),
        "{unknown}"
    );
    let missing = error("[connections.git]\nupstream = { command = \"no-such-command-here\" }\n");
    assert!(
        missing.starts_with("vmcp.toml:2:24: ")
            && missing.contains("`no-such-command-here` was not found"),
        "{missing}"
    );
}

#[tokio::test]
async fn a_taken_port_and_an_unusable_folder_are_clear_errors() {
    let scene = Scene::start("").await;
    let port = scene
        .engine
        .env_url()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let error = LocalEngine::builder()
        .port(port)
        .start()
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains(&port.to_string()), "{error}");
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = LocalEngine::builder()
        .data_folder(file.path())
        .start()
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&file.path().display().to_string()),
        "{error}"
    );
}

#[tokio::test]
async fn a_tool_of_two_connections_is_refused_by_name() {
    let scene = Scene::start("[connections.mail]\nsandbox = \"mail.json\"\n[connections.post]\nsandbox = \"mail.json\"\n").await;
    let config = NewConfig::new("agent")
        .connection("mail", ["mail_read"])
        .all_tools_of("post");
    let error = scene.client.create_config(config).await.unwrap_err();
    is(
        &error,
        ErrorKind::InvalidArgument,
        "bad_request",
        Some("connection_tool_mappings[1].tools"),
    );
    assert!(
        error
            .message()
            .contains("`mail_read` of `post` is also a tool of `mail`"),
        "{error}"
    );
    let config = NewConfig::new("agent")
        .connection("mail", ["mail_read"])
        .connection("post", ["mail_send"]);
    scene.client.create_config(config).await.unwrap();
}
