//! What upstreams see and what their failures look like to an agent.

use std::sync::{Arc, Mutex};

use axum::{Router, extract::Request, middleware, response::IntoResponse};
use rmcp::{
    ErrorData, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ListToolsResult,
        PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
    },
    service::{RequestContext, RoleServer},
    transport::streamable_http_server::{
        StreamableHttpService, session::never::NeverSessionManager,
    },
};
use scalekit_vmcp::{AccountStatus, NewConfig};
use serde_json::json;

use crate::{
    agent::text_of,
    scene::{Scene, npm_server},
};

/// An MCP server over HTTP with one tool, which tells the key it was called with.
#[derive(Clone)]
struct Crm;

impl ServerHandler for Crm {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::default();
        info.capabilities = ServerCapabilities::builder().enable_tools().build();
        info
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(vec![Tool::new(
            "whoami",
            "Tells the key.",
            Arc::default(),
        )]))
    }

    async fn call_tool(
        &self,
        _: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let parts = context.extensions.get::<http::request::Parts>().unwrap();
        let key = parts.headers["authorization"].to_str().unwrap().to_owned();
        Ok(CallToolResult::success(vec![ContentBlock::text(key)]).into())
    }
}

/// Serves [`Crm`] to keys in the list; returns the `[connections.crm]` of it.
pub(crate) async fn crm(keys: Arc<Mutex<Vec<&'static str>>>) -> String {
    let service =
        StreamableHttpService::new(|| Ok(Crm), Arc::new(NeverSessionManager::default()), {
            rmcp::transport::StreamableHttpServerConfig::default()
                .with_legacy_session_mode(false)
                .with_json_response(true)
        });
    let check = move |request: Request, next: middleware::Next| {
        let key = request
            .headers()
            .get("authorization")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let known = keys
            .lock()
            .unwrap()
            .iter()
            .any(|known| key == format!("Bearer {known}"));
        async move {
            if known {
                return next.run(request).await;
            }
            (
                http::StatusCode::UNAUTHORIZED,
                [("www-authenticate", "Bearer")],
            )
                .into_response()
        }
    };
    let router = Router::new()
        .route_service("/mcp", service)
        .layer(middleware::from_fn(check));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!(
        "[connections.crm]\nupstream = {{ url = \"http://{address}/mcp\", headers = {{ Authorization = \"Bearer {{api_key}}\" }} }}\nauth = \"api_key\"\n"
    )
}

#[tokio::test]
async fn an_http_upstream_is_called_with_each_users_own_key() {
    let scene = Scene::start(&crm(Arc::new(Mutex::new(vec!["key-a", "key-b"]))).await).await;
    let config = scene
        .client
        .create_config(NewConfig::new("agent").connection("crm", ["whoami"]))
        .await
        .unwrap();
    for (user, key) in [("alice", "key-a"), ("bob", "key-b")] {
        scene.authorize(&config, user, key).await;
        let agent = scene.agent_of(&config, user).await;
        assert_eq!(
            agent.call("whoami", json!({})).await.unwrap(),
            format!("Bearer {key}")
        );
    }
}

#[tokio::test]
async fn a_refused_key_asks_for_authorization_and_a_new_key_mends_it() {
    let keys = Arc::new(Mutex::new(vec!["key-1"]));
    let scene = Scene::start(&crm(Arc::clone(&keys)).await).await;
    let config = scene
        .client
        .create_config(NewConfig::new("agent").all_tools_of("crm"))
        .await
        .unwrap();
    scene.authorize(&config, "alice", "key-1").await;
    let session = scene.client.open_session(&config, "alice").await.unwrap();
    let agent = scene.agent(&session).await;
    assert_eq!(
        agent.call("whoami", json!({})).await.unwrap(),
        "Bearer key-1"
    );

    *keys.lock().unwrap() = vec!["key-2"];
    let result = agent.call_whole("whoami", json!({})).await.unwrap();
    assert_eq!(result.is_error, Some(true));
    let text = text_of(&result);
    assert!(
        text.contains("`crm`") && text.contains("EXPIRED") && !text.contains("key-1"),
        "{text}"
    );
    let meta = serde_json::to_value(result.meta).unwrap();
    assert_eq!(
        meta["scalekit-vmcp/authorization_required"],
        json!({ "connection_name": "crm", "status": "EXPIRED" })
    );
    // The tools stay listed, so that the agent's answer does not depend on when it looked.
    assert_eq!(agent.tool_names().await.unwrap(), ["whoami"]);

    let error = scene
        .client
        .open_session(&config, "alice")
        .await
        .unwrap_err();
    let connections = error.authorization_required().unwrap();
    assert_eq!(
        connections[0].connected_account_status,
        Some(AccountStatus::PendingAuth)
    );
    scene.authorize(&config, "alice", "key-2").await;
    assert_eq!(
        agent.call("whoami", json!({})).await.unwrap(),
        "Bearer key-2"
    );
}

#[tokio::test]
async fn a_child_sees_four_variables_and_what_the_file_gives_it() {
    let toml = format!(
        "[connections.everything]\nupstream = {{ command = \"node\", args = [\"{}\", \"stdio\"], env = {{ GIVEN = \"to {{identifier}}\" }} }}\n",
        npm_server("server-everything")
    );
    let scene = Scene::start(&toml).await;
    let config = scene
        .client
        .create_config(NewConfig::new("agent").connection("everything", ["get-env", "echo"]))
        .await
        .unwrap();
    let agent = scene.agent_of(&config, "alice").await;
    let variables: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&agent.call("get-env", json!({})).await.unwrap()).unwrap();
    assert_eq!(variables["GIVEN"], "to alice");
    let allowed = ["GIVEN", "PATH", "HOME", "LANG", "TMPDIR"];
    let others: Vec<_> = variables
        .keys()
        .filter(|name| !allowed.contains(&name.as_str()))
        .collect();
    assert!(others.is_empty(), "{others:?}");
    // The test's own process has more, so that the check can fail.
    assert!(std::env::vars().any(|(name, _)| !allowed.contains(&&*name)));
    assert_eq!(
        agent
            .call("echo", json!({ "message": "hi" }))
            .await
            .unwrap(),
        "Echo: hi"
    );
    scene.engine.close().await;
}

#[tokio::test]
async fn one_broken_upstream_is_named_and_the_others_work() {
    let toml = "[connections.broken]\nupstream = { command = \"sh\", args = [\"-c\", \"echo no such database >&2; exit 3\"] }\n\
                [connections.mail]\nsandbox = \"mail.json\"\n";
    let scene = Scene::start(toml).await;
    let config = scene
        .client
        .create_config(
            NewConfig::new("agent")
                .connection("broken", ["query"])
                .connection("mail", ["mail_read"]),
        )
        .await
        .unwrap();
    let agent = scene.agent_of(&config, "alice").await;
    assert_eq!(agent.tool_names().await.unwrap(), ["mail_read"]);
    assert_eq!(
        agent.call("mail_read", json!({})).await.unwrap(),
        "mail of alice: "
    );
    let result = agent.call_whole("query", json!({})).await.unwrap();
    let text = text_of(&result);
    assert!(
        result.is_error == Some(true)
            && text.contains("`broken`")
            && text.contains("no such database"),
        "{text}"
    );

    let alone = scene
        .client
        .create_config(NewConfig::new("alone").all_tools_of("broken"))
        .await
        .unwrap();
    let agent = scene.agent_of(&alone, "alice").await;
    let error = agent.tool_names().await.unwrap_err().to_string();
    assert!(
        error.contains("`broken`") && error.contains("no such database"),
        "{error}"
    );
}

#[tokio::test]
async fn a_key_that_never_worked_asks_for_authorization_too() {
    let scene = Scene::start(&crm(Arc::new(Mutex::new(vec!["good"]))).await).await;
    let named = NewConfig::new("named").connection("crm", ["whoami"]);
    let named = scene.client.create_config(named).await.unwrap();
    let all = NewConfig::new("all").all_tools_of("crm");
    let all = scene.client.create_config(all).await.unwrap();
    for config in [&named, &all] {
        scene.authorize(config, "alice", "wrong").await;
        let agent = scene.agent_of(config, "alice").await;
        let error = agent.tool_names().await.unwrap_err().to_string();
        assert!(
            error.contains("`crm`") && error.contains("EXPIRED"),
            "{error}"
        );
        let accounts = scene
            .client
            .list_mcp_connected_accounts(&*config.id, "alice")
            .await
            .unwrap();
        assert_eq!(
            accounts[0].connected_account_status,
            Some(AccountStatus::Expired)
        );
        let error = scene
            .client
            .open_session(config, "alice")
            .await
            .unwrap_err();
        assert_eq!(error.authorization_required().unwrap().len(), 1);
    }
    scene.authorize(&named, "alice", "wrong").await;
    let agent = scene.agent_of(&named, "alice").await;
    let result = agent.call_whole("whoami", json!({})).await.unwrap();
    assert!(
        text_of(&result).contains("needs the user's authorization"),
        "{result:?}"
    );
}

#[tokio::test]
async fn one_users_tools_are_not_shown_to_another() {
    let scene = Scene::start(&crm(Arc::new(Mutex::new(vec!["key-b"]))).await).await;
    let config = scene
        .client
        .create_config(NewConfig::new("agent").all_tools_of("crm"))
        .await
        .unwrap();
    scene.authorize(&config, "bob", "key-b").await;
    let bob = scene.agent_of(&config, "bob").await;
    assert_eq!(bob.tool_names().await.unwrap(), ["whoami"]);
    scene.authorize(&config, "alice", "wrong").await;
    let alice = scene.agent_of(&config, "alice").await;
    assert!(alice.tool_names().await.is_err());
    assert!(alice.call("whoami", json!({})).await.is_err());
}

#[tokio::test]
async fn an_upstream_that_wants_a_key_nobody_was_asked_for_expires_no_account() {
    let toml = crm(Arc::new(Mutex::new(Vec::new()))).await;
    let toml = toml
        .replace("auth = \"api_key\"", "auth = \"none\"")
        .replace(", headers = { Authorization = \"Bearer {api_key}\" }", "");
    let scene = Scene::start(&toml).await;
    let config = scene
        .client
        .create_config(NewConfig::new("agent").connection("crm", ["whoami"]))
        .await
        .unwrap();
    let agent = scene.agent_of(&config, "alice").await;
    assert!(agent.tool_names().await.is_err());
    let result = agent.call_whole("whoami", json!({})).await.unwrap();
    assert!(
        result.is_error == Some(true) && text_of(&result).contains("`crm`"),
        "{result:?}"
    );
    scene.client.open_session(&config, "alice").await.unwrap();
}
