//! An engine, a client and users to play with.

use std::path::{Path, PathBuf};

use scalekit_vmcp::{Client, Config, Session};
use scalekit_vmcp_engine::{LocalEngine, Settings};
use serde_json::{Value, json};

use crate::{agent::Agent, browser};

/// A sandbox connection with one reading and one writing tool.
pub(crate) const MAIL: &str = r#"{
    "tools": [
        { "name": "mail_read", "inputSchema": { "type": "object" }, "annotations": { "readOnlyHint": true } },
        { "name": "mail_send", "inputSchema": { "type": "object", "properties": { "to": { "type": "string" } }, "required": ["to"] } }
    ],
    "results": {
        "mail_read": { "content": [{ "type": "text", "text": "mail of {identifier}: {log}" }] },
        "mail_send": { "append": "to {arguments.to}", "content": [{ "type": "text", "text": "sent" }] }
    }
}"#;

/// The sandbox as a connection that needs a key.
pub(crate) const MAIL_CONNECTION: &str =
    "[connections.mail]\nsandbox = \"mail.json\"\nauth = \"api_key\"\n";

pub(crate) struct Scene {
    pub(crate) engine: LocalEngine,
    pub(crate) client: Client,
    pub(crate) http: reqwest::Client,
    _folder: Option<tempfile::TempDir>,
}

impl Scene {
    /// An engine with the connections of this `vmcp.toml`, beside the files `mail.json`, `news.json`
    /// and `locked.json`.
    pub(crate) async fn start(toml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mail.json"), MAIL).unwrap();
        for name in ["news", "locked"] {
            let tool_name = format!("{name}_read");
            let sandbox = json!({
                "tools": [{ "name": tool_name, "inputSchema": { "type": "object" } }],
                "results": { tool_name: { "content": [{ "type": "text", "text": format!("{name} for {{identifier}}") }] } },
            });
            std::fs::write(
                folder.path().join(format!("{name}.json")),
                sandbox.to_string(),
            )
            .unwrap();
        }
        let settings = Settings::from_toml(toml, folder.path()).unwrap();
        let engine = LocalEngine::builder()
            .settings(settings)
            .test_controls(true)
            .start()
            .await
            .unwrap();
        Self {
            _folder: Some(folder),
            ..Self::of(engine)
        }
    }

    /// The scene of an engine that has been started already.
    pub(crate) fn of(engine: LocalEngine) -> Self {
        let client = client(engine.env_url(), engine.client_id(), engine.client_secret());
        Self {
            engine,
            client,
            http: http(),
            _folder: None,
        }
    }

    /// The user types `key` into the connect page of every connection that needs it.
    pub(crate) async fn authorize(&self, config: &Config, user: &str, key: &str) {
        let accounts = self
            .client
            .list_mcp_connected_accounts(&*config.id, user)
            .include_auth_link(true)
            .await
            .unwrap();
        for account in accounts.iter().filter(|account| !account.is_active()) {
            let link = account.authentication_link.as_deref().unwrap();
            let page = browser::authorize(&self.http, link, key).await.unwrap();
            assert_eq!(page.status, 200, "{}", page.html);
        }
    }

    /// The agent of a user who has authorized all that the config needs.
    pub(crate) async fn agent_of(&self, config: &Config, user: &str) -> Agent {
        self.agent(&self.client.open_session(config, user).await.unwrap())
            .await
    }

    pub(crate) async fn agent(&self, session: &Session) -> Agent {
        Agent::connect(self.http.clone(), session).await.unwrap()
    }

    /// A `tools/list` by hand, with the id 7.
    pub(crate) async fn probe(&self, url: &str, authorization: Option<&str>) -> Answer {
        let body = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {} });
        self.post(url, authorization, &[], body.to_string()).await
    }

    pub(crate) async fn post(
        &self,
        url: &str,
        authorization: Option<&str>,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let mut request = self
            .http
            .post(url)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2025-11-25")
            .body(body);
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        let (status, challenge) = (response.status().as_u16(), header("www-authenticate"));
        let text = response.text().await.unwrap();
        Answer {
            status,
            challenge,
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        }
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) challenge: Option<String>,
    pub(crate) body: Value,
}

pub(crate) fn client(env_url: &str, id: &str, secret: &str) -> Client {
    Client::builder()
        .env_url(env_url)
        .client_id(id)
        .client_secret(secret)
        .max_retries(0)
        .build()
        .unwrap()
}

pub(crate) fn http() -> reqwest::Client {
    // Whichever test comes first installs it; nextest runs each in a process of its own.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Where `make test` installs the upstream servers.
pub(crate) fn upstreams() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/upstreams");
    assert!(
        folder.is_dir(),
        "the upstream servers are not installed: run `make prepare`"
    );
    folder.canonicalize().unwrap()
}

pub(crate) fn npm_server(name: &str) -> String {
    upstreams()
        .join(format!(
            "node_modules/@modelcontextprotocol/{name}/dist/index.js"
        ))
        .display()
        .to_string()
}
