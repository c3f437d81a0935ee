//! A client of Rust that does what it is told, as `puppet.py` does: `auto` or `legacy`.

use std::{
    collections::HashMap,
    error::Error,
    io::{self, BufRead as _, Write as _},
};

use http::{HeaderName, HeaderValue};
use rmcp::{
    RoleClient, ServiceError,
    model::{CallToolRequestParams, CallToolResult, ClientConfig, ProtocolVersion},
    service::{ClientLifecycleMode, RunningService, serve_client_with_lifecycle},
    transport::{
        StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
struct Order {
    url: Option<String>,
    #[serde(default)]
    headers: HashMap<String, String>,
    tool: Option<String>,
    arguments: Option<Map<String, Value>>,
}

type Client = RunningService<RoleClient, ClientConfig>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build()?;
    let mode = std::env::args().nth(1).unwrap_or_default();
    let mut client = None;
    for line in io::stdin().lock().lines() {
        let order: Order = serde_json::from_str(&line?)?;
        let shown = if let Some(url) = order.url {
            match connect(&http, url, &order.headers, &mode).await {
                Ok(connected) => {
                    client = Some(connected);
                    "connected".to_owned()
                }
                Err(error) => of_error(&*error),
            }
        } else if let (Some(tool), Some(client)) = (order.tool, &client) {
            let mut request = CallToolRequestParams::new(tool);
            request.arguments = order.arguments;
            match client.call_tool(request).await {
                Ok(result) => of_result(&result),
                Err(ServiceError::McpError(error)) => {
                    format!("McpError {}: {}", error.code.0, error.message)
                }
                Err(error) => of_error(&error),
            }
        } else {
            if let Some(client) = client.take() {
                client.cancel().await?;
            }
            "closed".to_owned()
        };
        writeln!(io::stdout(), "{}", json!({ "shown": shown }))?;
    }
    Ok(())
}

async fn connect(
    http: &reqwest::Client,
    url: String,
    headers: &HashMap<String, String>,
    mode: &str,
) -> Result<Client, Box<dyn Error>> {
    let mut config = StreamableHttpClientTransportConfig::with_uri(url);
    for (name, value) in headers {
        if let Some(token) = value.strip_prefix("Bearer ") {
            config = config.auth_header(token);
        } else {
            let (name, value) = (name.parse::<HeaderName>()?, value.parse::<HeaderValue>()?);
            config.custom_headers.insert(name, value);
        }
    }
    let transport = StreamableHttpClientTransport::with_client(http.clone(), config);
    let lifecycle = match mode {
        "legacy" => ClientLifecycleMode::Initialize,
        _ => ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::LATEST],
            legacy_version: None,
        },
    };
    Ok(serve_client_with_lifecycle(ClientConfig::default(), transport, lifecycle).await?)
}

fn of_result(result: &CallToolResult) -> String {
    let text = result.content.first().and_then(|block| block.as_text());
    let text = text.map_or("", |text| text.text.as_str());
    let failed = result.is_error == Some(true);
    format!("{}: {text}", if failed { "error result" } else { "result" })
}

/// What it prints, and what its causes do that it does not name.
fn of_error(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error.to_string();
        if !text.contains(&inner) {
            text = format!("{text}: {inner}");
        }
        cause = error.source();
    }
    text
}
