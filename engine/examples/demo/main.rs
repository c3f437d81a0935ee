//! The whole flow on one machine: a config, two users, their authorization, a session each, real
//! MCP servers behind it, and what happens when a token, a scope or a config ends.
//!
//! `make demo` installs the MCP servers and runs this; `VMCP_UPSTREAMS` says where they are.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a demo talks")]

mod agent;
mod browser;
mod report;

use std::{error::Error, path::Path, process::ExitCode, time::Duration};

use rmcp::ServiceError;
use scalekit_vmcp::{Client, Config, NewConfig, Session};
use scalekit_vmcp_engine::{LocalEngine, Settings};
use serde_json::json;

use self::{agent::Agent, report::Report};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::main]
async fn main() -> ExitCode {
    let mut report = Report::default();
    if let Err(error) = run(&mut report).await {
        eprintln!("\nthe demo stopped: {error}");
        let mut cause = error.source();
        while let Some(deeper) = cause {
            eprintln!("  because: {deeper}");
            cause = deeper.source();
        }
        return ExitCode::FAILURE;
    }
    if report.finish() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn run(report: &mut Report) -> Result<(), Box<dyn Error>> {
    // reqwest is used here as an agent's and a browser's HTTP client; the SDK brings its own.
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| "another TLS provider is installed")?;
    let http = reqwest::Client::builder().no_proxy().build()?;

    println!("1. An engine in this process, with three connections");
    let upstreams = std::env::var("VMCP_UPSTREAMS")
        .map_err(|_| "set VMCP_UPSTREAMS to the folder of the MCP servers, or run `make demo`")?;
    let engine = LocalEngine::builder()
        .settings(settings(&upstreams)?)
        .start()
        .await?;
    println!("  engine at {}", engine.env_url());
    let client = Client::builder()
        .env_url(engine.env_url())
        .client_id(engine.client_id())
        .client_secret(engine.client_secret())
        .build()?;

    println!("2. A config: one Virtual MCP server per agent role");
    let config = client
        .create_config(
            NewConfig::new("release-notes-agent")
                .description("Reads the log, keeps notes, reads mail")
                .connection("git", ["git_log"])
                .connection("notes", ["create_entities", "read_graph"])
                .connection("gmail", ["gmail_fetch_mails"]),
        )
        .await?;
    let url = config
        .mcp_server_url
        .clone()
        .ok_or("the config has no URL")?;
    println!("  {} serves at {url}", config.id);
    let listed = client
        .list_configs()
        .filter_name("release-notes-agent")
        .await?;
    report.show(
        "the config is created and found by its name",
        listed.configs == [config.clone()],
    );

    println!("3. Two users authorize gmail through the link they get");
    let alice = authorized_session(&client, &http, &config, "alice", report).await?;
    let bob = authorized_session(&client, &http, &config, "bob", report).await?;

    println!("4. An agent each: the official MCP client, with URL and bearer token");
    let alices = Agent::connect(http.clone(), &alice).await?;
    let bobs = Agent::connect(http.clone(), &bob).await?;
    let tools = alices.tool_names().await?;
    println!("  tools: {}", tools.join(", "));
    report.show(
        "exactly the scoped tools are listed",
        tools
            == [
                "git_log",
                "create_entities",
                "read_graph",
                "gmail_fetch_mails",
            ],
    );

    let log = alices
        .call(
            "git_log",
            json!({ "repo_path": repository(), "max_count": 1 }),
        )
        .await?;
    let head = head_commit()?;
    println!("  {}", log.lines().take(4).collect::<Vec<_>>().join(" | "));
    report.show(
        "git_log reads this repository's real log",
        log.contains(&head),
    );

    let note = json!({ "entities": [{ "name": "release", "entityType": "note", "observations": ["alice's secret plan"] }] });
    alices.call("create_entities", note).await?;
    let (hers, his) = (
        alices.call("read_graph", json!({})).await?,
        bobs.call("read_graph", json!({})).await?,
    );
    report.show(
        "alice reads the note she wrote",
        hers.contains("alice's secret plan"),
    );
    report.show("bob does not have it", !his.contains("secret plan"));
    let mails = bobs.call("gmail_fetch_mails", json!({})).await?;
    report.show("bob's tools act as bob", mails.contains("Mailbox of bob"));

    println!("5. What is not allowed");
    let hidden = alices
        .call("git_status", json!({ "repo_path": repository() }))
        .await;
    let unknown = alices.call("no_such_tool", json!({})).await;
    report.show(
        "a tool outside the scope is refused like one that does not exist",
        refusal(hidden)
            .zip(refusal(unknown))
            .is_some_and(|(hidden, unknown)| {
                hidden == "Unknown tool: git_status" && unknown == "Unknown tool: no_such_tool"
            }),
    );

    let other = client
        .create_config(NewConfig::new("other-agent").connection("git", ["git_log"]))
        .await?;
    let foreign = client.create_session_token(&other, "alice").await?;
    let short = client
        .create_session_token(&config, "alice")
        .expiry(Duration::from_secs(60))
        .await?;
    report.show(
        "a fresh token is accepted",
        probe(&http, &url, short.token()).await? == 200,
    );
    report.show(
        "a token of another config gets 401",
        probe(&http, &url, foreign.token()).await? == 401,
    );

    println!("6. Two hours later, by the engine's clock");
    engine.advance_clock(2 * HOUR);
    report.show(
        "an expired token gets 401",
        probe(&http, &url, short.token()).await? == 401,
    );
    let before = alice.token().await?;
    let log = alices
        .call(
            "git_log",
            json!({ "repo_path": repository(), "max_count": 1 }),
        )
        .await?;
    report.show(
        "a session rides over the expiry, the agent notices nothing",
        log.contains(&head) && alice.token().await?.token() != before.token(),
    );

    println!("7. The config is deleted");
    let last = alice.token().await?;
    client.delete_config(&*config.id).await?;
    report.show(
        "its URL is dead at once",
        probe(&http, &url, last.token()).await? == 404,
    );
    report.show("the agent's calls fail", alices.tool_names().await.is_err());
    engine.close().await;
    Ok(())
}

/// Opens a session; what the user must authorize first is authorized as a browser would.
async fn authorized_session(
    client: &Client,
    http: &reqwest::Client,
    config: &Config,
    user: &str,
    report: &mut Report,
) -> Result<Session, Box<dyn Error>> {
    let refused = client.open_session(config, user).expiry(HOUR).await;
    let Some(Err(error)) = Some(refused).filter(Result::is_err) else {
        return Err("gmail should need authorization first".into());
    };
    let inactive = error
        .authorization_required()
        .ok_or_else(|| error.to_string())?;
    let names: Vec<&str> = inactive
        .iter()
        .map(|state| state.connection_name.as_str())
        .collect();
    report.show(
        format!("{user} is told that gmail, and only gmail, needs authorization"),
        names == ["gmail"],
    );
    for state in inactive {
        let link = state.authentication_link.as_deref().ok_or("no link")?;
        println!("  {user} opens {link}");
        let page = browser::authorize(http, link, &format!("key-of-{user}")).await?;
        println!("  the page answers {}", page.status);
        let again = browser::open(http, link).await?;
        report.show(
            format!("{user}'s link works once"),
            page.status == 200 && again.status == 410,
        );
    }
    let accounts = client
        .list_mcp_connected_accounts(&*config.id, user)
        .await?;
    report.show(
        format!("{user}'s accounts are ACTIVE"),
        accounts.len() == 3
            && accounts
                .iter()
                .all(scalekit_vmcp::ConnectionAuthState::is_active),
    );
    Ok(client.open_session(config, user).expiry(HOUR).await?)
}

fn settings(upstreams: &str) -> Result<Settings, Box<dyn Error>> {
    let repository = repository();
    let text = format!(
        r#"
        [connections.git]
        upstream = {{ command = "{upstreams}/venv/bin/mcp-server-git", args = ["--repository", "{repository}"] }}

        [connections.notes]
        upstream = {{ command = "node", args = ["{upstreams}/node_modules/@modelcontextprotocol/server-memory/dist/index.js"], env = {{ MEMORY_FILE_PATH = "{{account_dir}}/memory.json" }} }}

        [connections.gmail]
        sandbox = "gmail.json"
        auth = "api_key"
        "#
    );
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/demo");
    Ok(Settings::from_toml(&text, &folder)?)
}

fn repository() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/..")
}

fn head_commit() -> Result<String, Box<dyn Error>> {
    let output = std::process::Command::new("git")
        .args(["-C", repository(), "rev-parse", "HEAD"])
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn refusal(result: Result<String, ServiceError>) -> Option<String> {
    match result {
        Err(ServiceError::McpError(error)) => Some(error.message.into_owned()),
        _ => None,
    }
}

/// The HTTP status of a `tools/list` with this token.
async fn probe(http: &reqwest::Client, url: &str, token: &str) -> Result<u16, reqwest::Error> {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} });
    let response = http
        .post(url)
        .bearer_auth(token)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-11-25")
        .body(body.to_string())
        .send()
        .await?;
    Ok(response.status().as_u16())
}
